package resources

import (
	"context"
	"slices"
	"time"

	"fhirside/fhir"
	"fhirside/fhir/definitions"
	"fhirside/resources/access"
	"fhirside/resources/store"
	"fhirside/search"
)

// Search is a search as a URL says it.
type Search struct {
	Type        string       // "": all types, or those of _type
	Compartment *Compartment // nil: none
	Params      []search.Parameter
	Lenient     bool // leave out unknown parameters (Prefer: handling=lenient)
	// Window is how many bytes of resources the page holds; of what is beyond it has no Body, and reads it as it is written. 0: all.
	Window int
	// most is how many bytes of resources a page inside of a Bundle may have; 0: any number.
	most int
	// entry is search.Options.Entry.
	entry func(fullURL string) (reference string, ok bool)
}

// path of the search below the server's base.
func (q Search) path() string {
	switch {
	case q.Compartment == nil:
		return q.Type
	case q.Type == "":
		return q.Compartment.Type + "/" + q.Compartment.ID + "/*"
	}
	return q.Compartment.Type + "/" + q.Compartment.ID + "/" + q.Type
}

// Page of a search's results.
type Page struct {
	Total    int64 // -1: not known
	Matches  []store.Version
	Included []store.Version
	Issues   []fhir.Issue // what the client should know beside: left out parameters, includes that were cut
	links    []pageLink
	shape    Shape
	window   window
	found    int     // matches, with those that cannot be read
	damages  damages // what cannot be read
}

// Search finds resources (search.html).
func (s *Service) Search(ctx context.Context, p access.Policy, q Search) (*Page, error) {
	return s.search(ctx, storeView{ctx, s.Store}, p, q)
}

func (s *Service) search(ctx context.Context, v view, p access.Policy, q Search) (*Page, error) {
	at, params, err := s.resume(p, q.path(), q.Params)
	if err != nil {
		return nil, err
	}
	parsed, err := search.Parse(s.rules().registry, q.Type, params, search.Options{
		Base: s.Base, Now: func() time.Time { return time.UnixMicro(at.Began) }, DefaultCount: s.PageSize, MaxCount: s.MaxPage, Lenient: q.Lenient,
		Terminology: s.terminology(v, p), Hierarchy: hierarchy{s, v, p}, Entry: q.entry,
	})
	if err != nil {
		return nil, err
	}
	find, err := s.planned(v, p, q, parsed, &at)
	if err != nil {
		return nil, err
	}
	page := &Page{Total: at.Total, shape: Shape{parsed.Summary, parsed.Elements}, window: s.window(v, q.Window), damages: s.damages(ctx, p)}
	page.window.most = q.most
	for _, ignored := range parsed.Ignored {
		page.Issues = append(page.Issues, fhir.Issue{
			Severity: fhir.SeverityWarning, Code: fhir.CodeNotSupported, Expression: []string{ignored.Name},
			Diagnostics: "the parameter " + clip(ignored.Name) + " is not supported here and was left out",
		})
	}
	if parsed.CountOnly {
		page.links = inFormat([]pageLink{{"self", withQuery(q.path(), parsed.Applied)}}, q.Params)
		page.Total, err = v.Count(find.Types, find.Filter)
		return page, err
	}
	return page, s.fill(v, p, q, parsed, find, at, page)
}

// resume takes a cursor apart, if there is one, into where it points and the parameters of what it goes on with.
func (s *Service) resume(p access.Policy, path string, params []search.Parameter) (cursor, []search.Parameter, error) {
	begin := cursor{Path: path, Total: -1, Began: s.Now().UnixMicro()}
	i := slices.IndexFunc(params, func(p search.Parameter) bool { return p.Name == "_cursor" })
	if i < 0 {
		return begin, params, nil
	}
	box, err := s.cursorBox()
	if err != nil {
		return begin, nil, err
	}
	at, err := box.open(params[i].Value, path, access.CallerOf(p))
	if err != nil {
		return begin, nil, err
	}
	held, err := ParseQuery(at.Query)
	if err != nil {
		return begin, nil, badCursor()
	}
	for j, p := range params {
		switch {
		case p.Name == "_count":
			held = append(held, p)
		case j != i && p.Name != "_format" && p.Name != "_pretty":
			return begin, nil, fhir.Errorf(fhir.Invalid, fhir.CodeInvalid, "a page by _cursor takes _count and nothing else: the cursor holds the search").At(clip(p.Name))
		}
	}
	return at, held, nil
}

func (s *Service) planned(v view, p access.Policy, q Search, parsed *search.Query, at *cursor) (store.Search, error) {
	if parsed.Contained == search.NotContained {
		return s.plan(p, q, parsed)
	}
	return s.planContained(v, p, q, parsed, at)
}

// plan is the search as the store will run it: with the policy and the compartment added.
func (s *Service) plan(p access.Policy, q Search, parsed *search.Query) (store.Search, error) {
	types, granted, err := visible(p, parsed.Types)
	if err != nil {
		return store.Search{}, err
	}
	asked, err := restricted(p, parsed.Filter)
	if err != nil {
		return store.Search{}, err
	}
	find := store.Search{Types: types, Filter: search.AllOf(asked, beside(asked, granted)), Sort: parsed.Sort}
	if q.Compartment == nil {
		return find, nil
	}
	in, within, err := q.Compartment.within(types)
	if err != nil {
		return find, err
	}
	find.Types, find.Filter = in, search.AllOf(within, find.Filter)
	return find, nil
}

// fill runs the search and its includes.
func (s *Service) fill(v view, p access.Policy, q Search, parsed *search.Query, find store.Search, at cursor, page *Page) (err error) {
	total := s.total(v, q, parsed, find, at)
	defer func() { total.end(err != nil) }()
	at, last, more, err := s.fillMatches(v, parsed, find, at, page)
	if err != nil {
		return err
	}
	if err := s.warnOfVersions(parsed.Filter, page); err != nil {
		return err
	}
	if err := s.include(v, p, parsed, page); err != nil {
		return err
	}
	if page.Total, err = total.of(page, at, more); err != nil {
		return err
	}
	at.Query = formatQuery(without(parsed.Applied, "_count"))
	links, err := s.pageLinks(p, at, at.advanced(last, page.Total, parsed.Count), more, parsed.Count)
	page.links = inFormat(links, q.Params)
	return err
}

// fillMatches reads the matches of a page, and says where it begins and ends and whether there are more behind it.
func (s *Service) fillMatches(v view, parsed *search.Query, find store.Search, at cursor, page *Page) (_ cursor, last string, more bool, err error) {
	if at.Until != "" {
		at, last, err = s.fillBack(v, find, at, parsed.Count, page)
		return at, last, true, err
	}
	find.After, find.Limit = at.After, parsed.Count+1
	for match, err := range page.window.search(v, find) {
		switch {
		case err != nil:
			return at, "", false, err
		case page.found == parsed.Count:
			more = true
		default:
			if page.found == 0 {
				at.first = match.Position
			}
			page.take(match.Version)
			last = match.Position
			if err := page.window.full(); err != nil {
				return at, "", false, err
			}
		}
	}
	return at, last, more, nil
}

// take adds a match.
func (page *Page) take(v store.Version) {
	page.found++
	if v.Damage != nil {
		page.damages.skip(v)
		return
	}
	page.Matches = append(page.Matches, page.window.hold(v))
}

func withQuery(path string, params []search.Parameter) string {
	if len(params) == 0 {
		return path
	}
	return path + "?" + formatQuery(params)
}

// Bundle is the page as a searchset; base is the server's base URL as the client knows it, without a slash at its end.
func (page *Page) Bundle(base string) ([]byte, error) {
	size := 0
	for _, list := range [][]store.Version{page.Matches, page.Included} {
		for _, v := range list {
			size += len(v.Body) + entrySize
		}
	}
	w := newBundle("searchset", base, page.Total, page.links, size)
	err := page.entries(w, base)
	return w.close(), err
}

func (page *Page) entries(w *bundleWriter, base string) error {
	for i, list := range [][]store.Version{page.Matches, page.Included} {
		shape := page.shape
		if i > 0 {
			shape.Elements = nil // the list does not apply to included resources (search.html#elements)
		}
		for v, err := range page.window.whole(list) {
			if err != nil {
				return err
			}
			body, err := shape.Apply(v.Body)
			if err != nil {
				v.Damage = err
			}
			if v.Damage != nil {
				page.damages.skip(v)
				continue
			}
			w.begin()
			w.resource(base, v, body)
			w.raw(`,"search":{"mode":"`, [...]string{"match", "include"}[i], `"}`)
			if err := w.end(); err != nil {
				return err
			}
		}
	}
	issues := slices.Concat(page.damages.issues, page.Issues)
	if len(issues) == 0 {
		return nil
	}
	w.begin()
	w.raw(`"resource":`, string(fhir.Outcome(issues...).Bytes()), `,"search":{"mode":"outcome"}`)
	return w.end()
}

// Compartment names one, "Patient/123" (compartmentdefinition.html).
type Compartment struct{ Type, ID string }

// within narrows types (none: all) to those that can be in the compartment, with the filter for what is in it.
func (c Compartment) within(types []string) ([]string, search.Filter, error) {
	members := definitions.Compartment(c.Type)
	if members == nil {
		return nil, nil, fhir.Errorf(fhir.NotFound, fhir.CodeNotFound, "R4 has no compartment of %s", clip(c.Type))
	}
	if len(types) == 0 {
		types = definitions.ResourceTypes()
	}
	var in []string
	var some search.Or
	for _, t := range types {
		if f := c.member(t, members[t]); len(f) > 0 {
			in = append(in, t)
			some = append(some, search.AllOf(search.Type{t}, f))
		}
	}
	switch len(in) {
	case 0:
		return types, search.None{}, nil
	case 1:
		return in, c.member(in[0], members[in[0]]), nil
	}
	return in, some, nil
}

// member is the filter for resources of a type by the compartment's parameters. The resource that the compartment is named
// after belongs to it.
func (c Compartment) member(resourceType string, params []string) (some search.Or) {
	if resourceType == c.Type {
		some = append(some, search.ID{c.ID})
	}
	for _, param := range params {
		if param != "{def}" { // stands for that resource
			some = append(some, search.Reference{Param: param, Type: c.Type, ID: c.ID})
		}
	}
	return some
}
