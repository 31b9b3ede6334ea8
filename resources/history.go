package resources

import (
	"context"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"fhirside/fhir"
	"fhirside/resources/access"
	"fhirside/resources/store"
	"fhirside/search"
)

// History is a request for versions: of one resource, of a type (ID is empty), or of all (both are empty).
type History struct {
	Type, ID string
	Params   []search.Parameter // _count, _since, _at, _list, _cursor
}

func (h History) path() string {
	switch {
	case h.Type == "":
		return "_history"
	case h.ID == "":
		return h.Type + "/_history"
	}
	return h.Type + "/" + h.ID + "/_history"
}

// HistoryPage is a page of versions, newest first.
type HistoryPage struct {
	Total   int64 // -1: not known
	Entries []store.Version
	links   []pageLink
	shape   Shape
}

// History finds versions (http.html#history). Each version is judged by the policy on its own, a deletion by the content that
// it ended.
func (s *Service) History(ctx context.Context, p access.Policy, h History) (*HistoryPage, error) {
	if h.Type != "" {
		if err := checkType(h.Type); err != nil {
			return nil, err
		}
	}
	find, at, count, applied, err := s.historyOf(p, h)
	if err != nil {
		return nil, err
	}
	if err := mayList(p, h); err != nil {
		return nil, err
	}
	versions := s.versions
	if i := slices.IndexFunc(applied, func(p search.Parameter) bool { return p.Name == "_list" }); i >= 0 {
		list, err := s.listOf(ctx, p, applied[i].Value)
		if err != nil {
			return nil, err
		}
		versions = func(ctx context.Context, p access.Policy, find store.History, take func(store.HistoryEntry) bool) error {
			return s.listedVersions(ctx, p, find, list, take)
		}
	}
	page := &HistoryPage{Total: -1}
	if page.shape, err = ShapeOf(h.Type, applied); err != nil {
		return nil, err
	}
	more, last := false, ""
	if p == access.Everything { // else some may be skipped, and a page needs more than its number of versions
		find.Limit = count + 1
	}
	err = versions(ctx, p, find, func(e store.HistoryEntry) bool {
		if more = len(page.Entries) == count; !more {
			page.Entries = append(page.Entries, e.Version)
			last = e.Position
		}
		return !more
	})
	if err != nil {
		return nil, err
	}
	if find.After == "" {
		if len(page.Entries) == 0 && h.ID != "" {
			if _, err := s.Read(ctx, p, h.Type, h.ID); err != nil && asError(err).Reason != fhir.Gone {
				return nil, err
			}
		}
		if !more {
			page.Total = int64(len(page.Entries))
		}
	}
	at.Query = formatQuery(applied)
	links, err := s.pageLinks(p, at, at.advanced(last, -1), more, count)
	page.links = inFormat(links, h.Params)
	return page, err
}

func mayList(p access.Policy, h History) error {
	switch {
	case h.ID != "":
		_, err := mayRead(p, h.Type)
		return err
	case h.Type != "":
		_, _, err := visible(p, []string{h.Type})
		return err
	}
	_, _, err := visible(p, nil)
	return err
}

// versions gives what the caller may see to take, until that has enough.
func (s *Service) versions(ctx context.Context, p access.Policy, find store.History, take func(store.HistoryEntry) bool) error {
	interaction := access.Search
	if find.ID != "" {
		interaction = access.Read
	}
	for entry, err := range s.Store.History(ctx, find) {
		if err != nil {
			return err
		}
		ok, err := s.listed(ctx, may(p, entry.Type, interaction), entry.Version)
		if err != nil {
			return err
		}
		if ok && !take(entry) {
			return nil
		}
	}
	return nil
}

func (s *Service) listed(ctx context.Context, f search.Filter, version store.Version) (bool, error) {
	judged, err := s.content(ctx, f, version)
	if err != nil {
		return false, err
	}
	return s.permits(storeView{ctx, s.Store}, f, judged)
}

// historyOf reads the parameters; applied are those that the page's links repeat.
func (s *Service) historyOf(p access.Policy, h History) (find store.History, at cursor, count int, applied []search.Parameter, err error) {
	find, count = store.History{Type: h.Type, ID: h.ID}, s.PageSize
	at, params, err := s.resume(p, h.path(), h.Params)
	if err != nil {
		return find, at, 0, nil, err
	}
	find.After = at.After
	seen := map[string]bool{}
	for _, param := range params {
		if param.Value == "" {
			continue
		}
		if once := param.Name != "_format" && param.Name != "_pretty"; once && seen[param.Name] {
			return find, at, 0, nil, fhir.Errorf(fhir.Invalid, fhir.CodeInvalid, "%s may be given once", clip(param.Name)).At(clip(param.Name))
		}
		seen[param.Name] = true
		switch param.Name {
		case "_count":
			if count, err = strconv.Atoi(param.Value); err != nil || count < 1 {
				return find, at, 0, nil, fhir.Errorf(fhir.Invalid, fhir.CodeValue, "_count is a number from 1, not %q", clip(param.Value)).At("_count")
			}
			count = min(count, s.MaxPage)
		case "_since", "_at":
			moment, err := fhir.ParseMoment(strings.ReplaceAll(param.Value, " ", "+")) // as a zone's sign arrives that was not escaped
			if err != nil {
				return find, at, 0, nil, asError(err).At(param.Name)
			}
			if param.Name == "_since" {
				find.Since = time.UnixMicro(moment.Lo).UTC()
			} else { // some time of the day, minute or instant that is meant
				find.At = store.Span{From: time.UnixMicro(moment.Lo).UTC(), To: time.UnixMicro(moment.Hi - 1).UTC()}
			}
			applied = append(applied, param)
		case "_list":
			if h.ID != "" {
				return find, at, 0, nil, fhir.Errorf(fhir.Invalid, fhir.CodeInvalid, "_list narrows the history of a type or of all").At("_list")
			}
			applied = append(applied, param)
		case "_summary", "_elements":
			applied = append(applied, param)
		case "_format", "_pretty":
		default:
			return find, at, 0, nil, fhir.Errorf(fhir.Invalid, fhir.CodeNotSupported, "a history has no parameter %q; supported: _at, _count, _elements, _list, _since, _summary", clip(param.Name)).At(clip(param.Name))
		}
	}
	return find, at, count, applied, nil
}

// Bundle is the page as a Bundle of type history.
func (page *HistoryPage) Bundle(base string) ([]byte, error) {
	size := 0
	for _, v := range page.Entries {
		size += len(v.Body) + 2*entrySize
	}
	w := newBundle("history", base, page.Total, page.links, size)
	for _, v := range page.Entries {
		method, url, status := http.MethodPut, v.Type+"/"+v.ID, http.StatusOK
		switch {
		case v.Method == store.Created:
			method, url, status = http.MethodPost, v.Type, http.StatusCreated
		case v.Deleted():
			method, status = http.MethodDelete, http.StatusNoContent
		case v.Version == 1:
			status = http.StatusCreated
		}
		body, err := page.shape.Apply(v.Body)
		if err != nil {
			return nil, damaged(v.Key, err)
		}
		w.begin()
		w.resource(base, v, body)
		w.raw(`,"request":{"method":"`, method, `","url":"`, url, `"},"response":{"status":"`, statusLine(status), `","etag":`)
		w.text(ETag(v))
		w.raw(`,"lastModified":"`, fhir.FormatInstant(v.Updated), `"}}`)
	}
	return w.close(), nil
}
