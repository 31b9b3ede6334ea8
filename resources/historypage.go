package resources

import (
	"net/http"

	"fhirside/fhir"
	"fhirside/resources/store"
)

// HistoryPage is a page of versions, newest first.
type HistoryPage struct {
	Total   int64           // -1: not known
	Entries []store.Version // some may have Damage
	links   []pageLink
	shape   Shape
	window  window
	damages damages
}

// Whole says whether the page holds all of its versions.
func (page *HistoryPage) Whole() bool { return !page.window.short }

// Bundle is the page as a Bundle of type history.
func (page *HistoryPage) Bundle(base string) ([]byte, error) {
	size := 0
	for _, v := range page.Entries {
		size += len(v.Body) + 2*entrySize
	}
	w := newBundle("history", base, page.Total, page.links, size)
	err := page.entries(w, base)
	return w.close(), err
}

// Write sends the page version by version; see Bundle.
func (page *HistoryPage) Write(to BundleSink, base string) error {
	w, err := sendBundle(to, "history", base, page.Total, page.links)
	if err == nil {
		err = page.entries(w, base)
	}
	if err != nil {
		return err
	}
	return to.End()
}

func (page *HistoryPage) entries(w *bundleWriter, base string) error {
	for v, err := range page.window.versions(page.Entries) {
		if err != nil {
			return err
		}
		body, err := page.shape.Apply(v.Body)
		if err != nil {
			v.Damage = err
		}
		method, url, status := cameAbout(v)
		w.begin()
		w.resource(base, v, body)
		w.raw(`,"request":{"method":"`, method, `","url":"`, url, `"},"response":{"status":"`, statusLine(status), `","etag":`)
		w.text(ETag(v))
		w.raw(`,"lastModified":"`, fhir.FormatInstant(v.Updated), `"`)
		if v.Damage != nil {
			w.raw(`,"outcome":`, string(fhir.Outcome(page.damages.version(v)).Bytes()))
		}
		w.raw(`}`)
		if err := w.end(); err != nil {
			return err
		}
	}
	return nil
}

// cameAbout is the request that led to a version, and the status of its answer.
func cameAbout(v store.Version) (method, url string, status int) {
	at := v.Type + "/" + v.ID
	switch {
	case v.Method == store.Created:
		return http.MethodPost, v.Type, http.StatusCreated
	case v.Deleted():
		return http.MethodDelete, at, http.StatusNoContent
	case v.Version == 1:
		return http.MethodPut, at, http.StatusCreated
	}
	return http.MethodPut, at, http.StatusOK
}
