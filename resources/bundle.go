package resources

import (
	"net/http"
	"slices"
	"strconv"
	"strings"

	"fhirside/fhir"
	"fhirside/resources/store"
	"fhirside/search"
)

// bundleWriter writes a Bundle by splicing the resources' own bytes into an envelope (bundle.html). Members come in the order
// of the definition.
type bundleWriter struct {
	out     []byte
	entries int
	to      BundleSink // what takes the entries one by one; nil: out is the Bundle
}

// BundleSink takes a Bundle in parts, each a JSON text of which nothing is kept, so that a big one is never held as a whole.
type BundleSink interface {
	Head(bundle []byte) error // the Bundle without its entries; comes first
	Entry(entry []byte) error // the next of Bundle.entry
	End() error               // comes last; without it the Bundle is not complete
}

// pageLink is a Bundle.link; its URL is relative to the server's base.
type pageLink struct{ relation, url string }

// inFormat are the links with the _format and _pretty of the request: a page goes on in the format in which it began.
func inFormat(links []pageLink, params []search.Parameter) []pageLink {
	kept := slices.DeleteFunc(slices.Clone(params), func(p search.Parameter) bool { return p.Name != "_format" && p.Name != "_pretty" })
	if len(kept) == 0 {
		return links
	}
	for i, l := range links {
		separator := "?"
		if strings.Contains(l.url, "?") {
			separator = "&"
		}
		links[i].url = l.url + separator + formatQuery(kept)
	}
	return links
}

// entrySize is about what an entry needs beside its resource.
const entrySize = 256

// sendBundle begins a Bundle that goes to the sink.
func sendBundle(to BundleSink, kind, base string, total int64, links []pageLink) (*bundleWriter, error) {
	w := newBundle(kind, base, total, links, 0)
	if err := to.Head(w.close()); err != nil {
		return nil, err
	}
	w.out, w.to = w.out[:0], to
	return w, nil
}

// newBundle begins a Bundle. A total of -1 is left out; size is about how many bytes the entries will take.
func newBundle(kind, base string, total int64, links []pageLink, size int) *bundleWriter {
	w := &bundleWriter{out: make([]byte, 0, size+1024)}
	w.raw(`{"resourceType":"Bundle","type":"`, kind, `"`)
	if total >= 0 {
		w.raw(`,"total":`)
		w.out = strconv.AppendInt(w.out, total, 10)
	}
	for i, l := range links {
		w.raw([...]string{`,"link":[`, `,`}[min(i, 1)], `{"relation":"`, l.relation, `","url":`)
		w.text(base + "/" + l.url)
		w.raw(`}`)
	}
	if len(links) > 0 {
		w.raw(`]`)
	}
	return w
}

func (w *bundleWriter) raw(parts ...string) {
	for _, p := range parts {
		w.out = append(w.out, p...)
	}
}

func (w *bundleWriter) text(s string) { w.out = append(w.out, fhir.Quote(s)...) }

// begin opens the next entry; the callers write its members, each with a comma behind it but the last, and end it.
func (w *bundleWriter) begin() {
	if w.to != nil {
		w.raw(`{`)
		return
	}
	w.raw([...]string{`,"entry":[{`, `,{`}[min(w.entries, 1)])
	w.entries++
}

func (w *bundleWriter) end() error {
	w.raw(`}`)
	if w.to == nil {
		return nil
	}
	err := w.to.Entry(w.out)
	w.out = w.out[:0]
	return err
}

// resource writes fullUrl and resource of the entry.
func (w *bundleWriter) resource(base string, v store.Version, body []byte) {
	w.raw(`"fullUrl":`)
	w.text(base + "/" + fullURL(v.Key))
	if body != nil {
		w.raw(`,"resource":`)
		w.out = append(w.out, body...)
	}
}

// close ends the Bundle.
func (w *bundleWriter) close() []byte {
	if w.entries > 0 {
		w.raw(`]`)
	}
	w.raw(`}`)
	return w.out
}

// statusLine is Bundle.entry.response.status: "201 Created".
func statusLine(status int) string {
	return strconv.Itoa(status) + " " + http.StatusText(status)
}
