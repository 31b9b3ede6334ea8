package resources

import (
	"slices"

	"fhirside/fhir"
	"fhirside/search"
	"fhirside/search/match"
)

// pool are resources that no store can be asked for: what a transaction is about to write, or has just deleted.
type pool struct {
	writes   []int // per resource: the write that it is of
	subjects []match.Subject
	all      []int // their positions
	byToken  map[tokenKey][]int
}

type poolKey struct {
	resourceType string
	action       action
}

type tokenKey struct {
	param, code string
	fold        bool
}

func newPool() *pool { return &pool{byToken: map[tokenKey][]int{}} }

func (p *pool) add(write int, subject match.Subject) {
	at := len(p.subjects)
	p.writes, p.subjects, p.all = append(p.writes, write), append(p.subjects, subject), append(p.all, at)
	for _, token := range subject.Values.Tokens {
		key := tokenKey{token.Param, token.Code, token.Fold}
		if same := p.byToken[key]; len(same) == 0 || same[len(same)-1] != at {
			p.byToken[key] = append(same, at)
		}
	}
}

// maxCompared is how many resources of pools the criteria of one transaction may be compared with: below a second's work. One that is
// followed to other resources, in the store, counts as many times as it takes longer.
const (
	maxCompared = 1_000_000
	followed    = 100
)

// compare adds comparisons to those that there were, and refuses too many.
func compare(compared *int, more int) error {
	if *compared += more; *compared > maxCompared {
		return fhir.Errorf(fhir.TooCostly, fhir.CodeTooCostly, "the criteria of this Bundle have too many of its entries to be compared with: send it in parts, or use criteria that ask for an identifier")
	}
	return nil
}

// effort is how many comparisons it takes to compare one resource with a filter.
func effort(f search.Filter) int {
	switch f := f.(type) {
	case search.And:
		return efforts(f)
	case search.Or:
		return efforts(f)
	case search.Not:
		return effort(f.Filter)
	case search.Chain:
		return followed + effort(f.Filter)
	case search.Has:
		return followed + effort(f.Filter)
	}
	return 0
}

func efforts(parts []search.Filter) (sum int) {
	for _, part := range parts {
		sum += effort(part)
	}
	return sum
}

// among gives the writes of the action that leave something behind that satisfies the criteria.
func (n *identification) among(c *criteria, a action) ([]int, error) {
	p, err := n.poolOf(c.typ, a)
	if err != nil || p == nil {
		return nil, err
	}
	return p.find(c, &n.compared, world{s: n.s, v: n.view})
}

// find gives the writes of the resources that satisfy the criteria.
func (p *pool) find(c *criteria, compared *int, w world) (found []int, err error) {
	candidates, few := p.candidates(c.filter)
	if !few {
		candidates = p.all
	}
	if err := compare(compared, len(candidates)*(1+effort(c.filter))); err != nil {
		return nil, err
	}
	for _, at := range candidates {
		w.judged = p.subjects[at]
		ok, err := match.Matches(c.filter, w.judged, w)
		if err != nil {
			return nil, err
		}
		if ok {
			found = append(found, p.writes[at])
		}
	}
	return found, nil
}

// candidates are the only resources that can satisfy a filter that asks for tokens.
func (p *pool) candidates(f search.Filter) (candidates []int, ok bool) {
	switch f := f.(type) {
	case search.Token:
		return p.byToken[tokenKey{f.Param, f.Code, f.Fold}], !f.AnyCode
	case search.And: // the part that leaves the fewest
		for _, part := range f {
			if some, few := p.candidates(part); few && (!ok || len(some) < len(candidates)) {
				candidates, ok = some, true
			}
		}
		return candidates, ok
	case search.Or:
		for _, part := range f {
			some, ok := p.candidates(part)
			if !ok {
				return nil, false
			}
			candidates = append(candidates, some...)
		}
		slices.Sort(candidates)
		return slices.Compact(candidates), true
	}
	return nil, false
}

// poolOf are the resources of a type that the creates, or the updates, leave behind, nil for none. Their conditional references are
// not resolved yet.
func (n *identification) poolOf(resourceType string, a action) (*pool, error) {
	key := poolKey{resourceType, a}
	if p, made := n.written[key]; made {
		return p, nil
	}
	var p *pool
	for i, w := range n.t.writes {
		if w.action != a || w.resourceType != resourceType || n.found(i, w) {
			continue
		}
		if p == nil {
			p = newPool()
		}
		r := w.sent
		if n.t.links != nil {
			var err error
			if r, _, err = n.t.links.resolved(i, n.t.writes, n.identities); err != nil {
				return nil, in(w.at, err)
			}
		}
		values := n.s.rules().extractor.Extract(r).At(resourceType, n.ids[i])
		p.add(i, match.Subject{Type: resourceType, ID: n.ids[i], Updated: n.s.Now(), Values: &values})
	}
	n.written[key] = p
	return p, nil
}
