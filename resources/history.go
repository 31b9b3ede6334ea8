package resources

import (
	"context"
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
	Params   []search.Parameter // _count, _since, _at, _list, _summary, _elements, _cursor
	Window   int                // as of a Search
	most     int                // as of a Search
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

// historyQuery is a History whose parameters are read.
type historyQuery struct {
	find     store.History
	at       cursor
	count    int // versions on a page; 0: only their number is asked for
	list     string
	shape    Shape
	applied  []search.Parameter // what the page's links repeat
	versions versionsIn
}

// versionsIn gives the versions that the caller may see to take, until that has enough. Where it gives up looking for more, it says at
// which position.
type versionsIn func(ctx context.Context, p access.Policy, find store.History, take func(store.HistoryEntry) bool) (gaveUp string, err error)

// History finds versions (http.html#history). Each version is judged by the policy on its own, a deletion by the content that
// it ended.
func (s *Service) History(ctx context.Context, p access.Policy, h History) (*HistoryPage, error) {
	if h.Type != "" {
		if err := checkType(h.Type); err != nil {
			return nil, err
		}
	}
	q, err := s.historyOf(p, h)
	if err != nil {
		return nil, err
	}
	if err := mayList(p, h); err != nil {
		return nil, err
	}
	q.versions = s.versions
	if q.list != "" {
		list, err := s.listOf(ctx, p, q.list)
		if err != nil {
			return nil, err
		}
		q.versions = func(ctx context.Context, p access.Policy, find store.History, take func(store.HistoryEntry) bool) (string, error) {
			return "", s.listedVersions(ctx, p, find, list, take)
		}
	}
	page := &HistoryPage{Total: -1, damages: s.damages(ctx, p), shape: q.shape, window: s.window(storeView{ctx, s.Store}, h.Window)}
	page.window.most = h.most
	if q.count == 0 {
		err = s.countVersions(ctx, p, q, page)
	} else {
		err = s.fillHistory(ctx, p, q, page)
	}
	if err != nil {
		return nil, err
	}
	if page.Total == 0 && h.ID != "" {
		if _, err := s.Read(ctx, p, h.Type, h.ID); err != nil && asError(err).Reason != fhir.Gone {
			return nil, err
		}
	}
	page.links = inFormat(page.links, h.Params)
	return page, nil
}

func (s *Service) fillHistory(ctx context.Context, p access.Policy, q *historyQuery, page *HistoryPage) error {
	more, last, err := s.fillVersions(ctx, p, q, page)
	if err != nil {
		return err
	}
	if q.at.After == "" && !more {
		page.Total = int64(len(page.Entries))
	}
	q.at.Query = formatQuery(q.applied)
	page.links, err = s.pageLinks(p, q.at, q.at.advanced(last, -1, q.count), more, q.count)
	return err
}

// fillVersions reads the versions of a page, and says where it ends and whether there are more behind it.
func (s *Service) fillVersions(ctx context.Context, p access.Policy, q *historyQuery, page *HistoryPage) (more bool, last string, err error) {
	if q.at.Until != "" {
		last, err = s.fillHistoryBack(ctx, p, q, page)
		return true, last, err
	}
	find := q.find
	if p == access.Everything { // else some may be skipped, and a page needs more than its number of versions
		find.Limit = q.count + 1
	}
	gaveUp, err := q.versions(ctx, p, find, func(e store.HistoryEntry) bool {
		if more = len(page.Entries) == q.count; !more {
			if len(page.Entries) == 0 {
				q.at.first = e.Position
			}
			page.Entries = append(page.Entries, page.window.holdVersion(e.Version))
			last = e.Position
		}
		return !more && page.window.full() == nil
	})
	if err == nil {
		err = page.window.full()
	}
	if gaveUp != "" { // the page ends early, and the next one goes on from there
		more, last = true, gaveUp
	}
	return more, last, err
}

// maxCountedVersions is how many versions are counted: each has to be read.
const maxCountedVersions = 10_000

// countVersions settles the total of a page that has nothing else.
func (s *Service) countVersions(ctx context.Context, p access.Policy, q *historyQuery, page *HistoryPage) error {
	find := q.find
	find.After, find.Limit, page.Total = "", maxCountedVersions+1, 0
	if p != access.Everything {
		find.Limit = 0
	}
	gaveUp, err := q.versions(ctx, p, find, func(store.HistoryEntry) bool {
		page.Total++
		return page.Total <= maxCountedVersions
	})
	if err == nil && (gaveUp != "" || page.Total > maxCountedVersions) {
		err = fhir.Errorf(fhir.TooCostly, fhir.CodeTooCostly, "there may be more than %d versions, too many to count: narrow the history down by _since", maxCountedVersions).At("_count")
	}
	page.links = []pageLink{{"self", withQuery(q.at.Path, append(q.applied, search.Parameter{Name: "_count", Value: "0"}))}}
	return err
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

// maxJudged is how many versions a page looks at for a caller who may see some of them: a second's work.
const maxJudged = 20_000

func (s *Service) versions(ctx context.Context, p access.Policy, find store.History, take func(store.HistoryEntry) bool) (gaveUp string, err error) {
	interaction := access.Search
	if find.ID != "" {
		interaction = access.Read
	}
	judged := 0
	for entry, err := range s.Store.History(ctx, find) {
		if err != nil {
			return "", err
		}
		f := may(p, entry.Type, interaction)
		ok, err := s.listed(ctx, f, entry.Version)
		if err != nil {
			return "", err
		}
		if ok && !take(entry) {
			return "", nil
		}
		if !ok {
			judged++
		}
		if judged == maxJudged {
			return entry.Position, nil
		}
	}
	return "", nil
}

func (s *Service) listed(ctx context.Context, f search.Filter, version store.Version) (bool, error) {
	judged, err := s.content(ctx, f, version)
	if err != nil {
		return false, err
	}
	return s.permits(storeView{ctx, s.Store}, f, judged)
}

// historyOf reads the parameters.
func (s *Service) historyOf(p access.Policy, h History) (*historyQuery, error) {
	at, params, err := s.resume(p, h.path(), h.Params)
	if err != nil {
		return nil, err
	}
	q := &historyQuery{find: store.History{Type: h.Type, ID: h.ID, After: at.After}, at: at, count: s.PageSize}
	var shaping []search.Parameter
	seen := map[string]bool{}
	for _, param := range params {
		if param.Value == "" || param.Name == "_format" || param.Name == "_pretty" {
			continue
		}
		if seen[param.Name] {
			return nil, fhir.Errorf(fhir.Invalid, fhir.CodeInvalid, "%s may be given once", clip(param.Name)).At(clip(param.Name))
		}
		seen[param.Name] = true
		switch {
		case param.Name == "_summary" && param.Value == "count": // as for searches, the same as _count=0
			q.count = 0
			continue
		case param.Name == "_summary" || param.Name == "_elements":
			shaping = append(shaping, param)
		default:
			if err := q.read(param, h, s.MaxPage); err != nil {
				return nil, err
			}
		}
		if param.Name != "_count" {
			q.applied = append(q.applied, param)
		}
	}
	q.shape, err = ShapeOf(h.Type, shaping)
	return q, err
}

// read reads a parameter that says which versions are asked for.
func (q *historyQuery) read(param search.Parameter, h History, maxPage int) error {
	switch param.Name {
	case "_count":
		n, err := strconv.Atoi(param.Value)
		if err != nil || n < 0 {
			return fhir.Errorf(fhir.Invalid, fhir.CodeValue, "_count is a number from 0, not %q", clip(param.Value)).At("_count")
		}
		if q.count > 0 { // else _summary=count has said so already
			q.count = min(n, maxPage)
		}
	case "_since", "_at":
		moment, err := fhir.ParseMoment(strings.ReplaceAll(param.Value, " ", "+")) // as a zone's sign arrives that was not escaped
		if err != nil {
			return asError(err).At(param.Name)
		}
		if param.Name == "_since" {
			q.find.Since = time.UnixMicro(moment.Lo).UTC()
		} else { // some time of the day, minute or instant that is meant
			q.find.At = store.Span{From: time.UnixMicro(moment.Lo).UTC(), To: time.UnixMicro(moment.Hi - 1).UTC()}
		}
	case "_list":
		if h.ID != "" {
			return fhir.Errorf(fhir.Invalid, fhir.CodeInvalid, "_list narrows the history of a type or of all").At("_list")
		}
		q.list = param.Value
	case "_sort":
		return fhir.Errorf(fhir.Invalid, fhir.CodeNotSupported, "a history has one order, newest first, and takes no _sort").At("_sort")
	default:
		return fhir.Errorf(fhir.Invalid, fhir.CodeNotSupported, "a history has no parameter %q; supported: _at, _count, _elements, _list, _since, _summary", clip(param.Name)).At(clip(param.Name))
	}
	return nil
}
