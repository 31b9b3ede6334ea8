package resources

import (
	"errors"
	"fmt"
	"slices"
	"strconv"

	"fhirside/fhir"
	"fhirside/fhir/definitions"
	"fhirside/resources/access"
	"fhirside/resources/store"
	"fhirside/search"
)

// include adds to the page what _include and _revinclude ask for: everything once, nothing that is a match already
// (search.html#include). Includes with :iterate go on with what was included until there is nothing new.
func (s *Service) include(v view, p access.Policy, q *search.Query, page *Page) error {
	if len(q.Include) == 0 || len(page.Matches) == 0 {
		return nil
	}
	in := includer{s: s, view: v, policy: p, page: page, seen: map[store.Key]bool{}, older: map[referent]bool{}, names: map[store.Key]canonical{}}
	for _, m := range page.Matches {
		in.seen[m.Key] = true
	}
	includes, from := q.Include, page.Matches
	for len(from) > 0 && len(includes) > 0 && !in.cut {
		begin := len(page.Included)
		for _, inc := range includes {
			if err := in.one(inc, from); err != nil {
				return err
			}
		}
		from = page.Included[begin:]
		includes = slices.DeleteFunc(slices.Clone(includes), func(i search.Include) bool { return !i.Iterate })
	}
	if in.cut {
		page.Issues = append(page.Issues, fhir.Issue{
			Severity: fhir.SeverityWarning, Code: fhir.CodeTooCostly,
			Diagnostics: fmt.Sprintf("more than %d resources would be included; the rest was left out", s.MaxInclude),
		})
	}
	return nil
}

// includer collects the included resources of a page.
type includer struct {
	s      *Service
	view   view
	policy access.Policy
	page   *Page
	seen   map[store.Key]bool
	older  map[referent]bool       // versions that are not the current ones
	names  map[store.Key]canonical // of resources that canonicals may name
	cut    bool                    // the limit was reached
}

// referent is what a reference names: a resource, or a version of it.
type referent struct {
	store.Key
	version string // "": the current one
}

func (in *includer) one(inc search.Include, from []store.Version) error {
	if inc.Reverse {
		return in.reverse(inc, from)
	}
	return in.forward(inc, from)
}

// forward includes what the resources refer to.
func (in *includer) forward(inc search.Include, from []store.Version) error {
	if err := in.named(inc, from); err != nil {
		return err
	}
	var named []referent
	asked := map[referent]bool{}
	for v, err := range in.page.window.whole(from) {
		if err != nil {
			return err
		}
		if v.Damage != nil || !holdsReference(inc, v) {
			continue
		}
		targets, err := in.targets(inc, v)
		if errors.Is(err, errDamaged) { // as is said where it is written
			continue
		}
		if err != nil {
			return err
		}
		for _, t := range targets {
			if !asked[t] && (t.version != "" || !in.seen[t.Key]) {
				asked[t] = true
				named = append(named, t)
			}
		}
	}
	for part := range slices.Chunk(named, tasted) {
		if err := in.read(part); err != nil {
			return err
		}
	}
	return nil
}

// read includes what references name, in order: of resources that are there the version named, or the current one.
func (in *includer) read(named []referent) error {
	keys := make([]store.Key, 0, len(named))
	for _, t := range named {
		if !slices.Contains(keys, t.Key) {
			keys = append(keys, t.Key)
		}
	}
	found, err := in.s.readMany(in.view, keys)
	if err != nil {
		return err
	}
	byKey := make(map[store.Key]store.Version, len(found))
	for _, v := range found {
		byKey[v.Key] = v
	}
	for _, t := range named {
		v, ok := byKey[t.Key]
		if !ok {
			continue
		}
		outside, ok := in.view.(storeView) // a commit has no history
		if ok && t.version != "" && t.version != strconv.FormatInt(v.Version, 10) {
			err = in.addOlder(outside, t)
		} else {
			err = in.add(v)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// addOlder includes the version that a reference names (search.html#versions), if there is one.
func (in *includer) addOlder(from storeView, t referent) error {
	n, err := strconv.ParseInt(t.version, 10, 64)
	if err != nil || in.older[t] {
		return nil
	}
	v, err := from.store.ReadVersion(from.ctx, t.Type, t.ID, n)
	if errors.Is(err, store.ErrNotFound) || err == nil && v.Deleted() {
		return nil
	}
	if err != nil {
		return err
	}
	ok, err := in.s.permits(in.view, may(in.policy, v.Type, access.Search), v)
	switch {
	case err != nil || !ok:
	case len(in.page.Included) >= in.s.MaxInclude:
		in.cut = true
	case v.Damage != nil:
		in.page.damages.skip(v)
	default:
		in.older[t] = true
		in.page.Included = append(in.page.Included, in.page.window.hold(v))
		return in.page.window.full()
	}
	return err
}

// holdsReference says whether the references of an include are those of the version's type.
func holdsReference(inc search.Include, v store.Version) bool {
	return inc.Source == "*" || inc.Source == search.ResourceType(v.Type)
}

// targets are the local resources that a resource refers to by the parameters of an include.
func (in *includer) targets(inc search.Include, v store.Version) ([]referent, error) {
	if search.IsContained(v.Type) {
		return in.besides(inc, v)
	}
	r, err := parseStored(v)
	if err != nil {
		return nil, err
	}
	var named []referent
	for _, param := range in.s.references(v.Type, inc.Param) {
		for _, ref := range in.s.rules().extractor.Param(r, param).References {
			// What the resource contains is there already.
			if ref.Type != "" && !search.IsContained(ref.Type) && (inc.Target == "" || inc.Target == ref.Type) {
				named = append(named, referent{store.Key{Type: ref.Type, ID: ref.ID}, ref.Version})
			}
		}
	}
	return named, nil
}

// references are a type's reference parameters with that code, or all of them for "*".
func (s *Service) references(resourceType, code string) []*search.Param {
	if code != "*" {
		if p := s.rules().registry.Param(resourceType, code); p != nil {
			return []*search.Param{p}
		}
		return nil
	}
	return slices.DeleteFunc(slices.Clone(s.rules().registry.Params(resourceType)), func(p *search.Param) bool { return p.Type != search.TypeReference })
}

// reverse includes what refers to the resources.
func (in *includer) reverse(inc search.Include, from []store.Version) error {
	byType := map[string][]store.Version{}
	for _, v := range from {
		if inc.Target == "" || inc.Target == search.ResourceType(v.Type) {
			byType[v.Type] = append(byType[v.Type], v)
		}
	}
	sources := []string{inc.Source}
	if inc.Source == "*" {
		sources = definitions.ResourceTypes()
	}
	for _, source := range sources {
		if err := in.referring(source, inc.Param, byType); err != nil {
			return err
		}
	}
	return nil
}

// referring includes the resources of one type that refer to any of these.
func (in *includer) referring(source, code string, to map[string][]store.Version) error {
	granted := may(in.policy, source, access.Search)
	if isNone(granted) {
		return nil
	}
	var refers search.Or
	for _, param := range in.s.references(source, code) {
		for target, versions := range to {
			if len(param.Targets) > 0 && !slices.Contains(param.Targets, search.ResourceType(target)) {
				continue
			}
			for _, v := range versions {
				refers = append(refers, search.Reference{Param: param.Code, Type: v.Type, ID: v.ID})
			}
			names, err := in.naming(param, versions)
			if err != nil {
				return err
			}
			refers = append(refers, names...)
		}
	}
	if len(refers) == 0 {
		return nil
	}
	left := in.s.MaxInclude - len(in.page.Included)
	find := store.Search{Types: []string{source}, Filter: search.AllOf(refers, granted), Limit: left + len(in.seen) + 1}
	for match, err := range in.view.Search(find) {
		if err != nil {
			return err
		}
		if err := in.take(match.Version); err != nil || in.cut {
			return err
		}
	}
	return nil
}

// add includes a resource if the policy lets the caller find it: an include is a search of its target.
func (in *includer) add(v store.Version) error {
	granted := may(in.policy, v.Type, access.Search)
	if search.IsContained(v.Type) { // beside a match, in what the caller may see
		granted = within(in.policy, search.ResourceType(v.Type))
	}
	ok, err := in.s.knowsOf(in.view, granted, v)
	if err == nil && ok {
		return in.take(v)
	}
	return err
}

func (in *includer) take(v store.Version) error {
	switch {
	case in.seen[v.Key]:
	case v.Damage != nil:
		in.page.damages.skip(v)
	case len(in.page.Included) >= in.s.MaxInclude:
		in.cut = true
	default:
		in.seen[v.Key] = true
		in.page.Included = append(in.page.Included, in.page.window.hold(v))
	}
	return in.page.window.full()
}
