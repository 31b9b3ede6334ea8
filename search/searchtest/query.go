package searchtest

import (
	"errors"
	"slices"
	"strings"

	"pgregory.net/rapid"

	"fhirside/fhir"
	"fhirside/fhir/definitions"
	"fhirside/search"
	"fhirside/search/index"
)

// Search is a search as a client sends it.
type Search struct {
	Type   string // "": over all types, or those of _type
	Params []search.Parameter
}

// String is the search as in a URL, without percent-encoding.
func (s Search) String() string {
	pairs := make([]string, len(s.Params))
	for i, p := range s.Params {
		pairs[i] = p.Name + "=" + p.Value
	}
	return s.Type + "?" + strings.Join(pairs, "&")
}

// Searches draws searches over one type or several, with conditions and sort keys, whose values are near those that the World
// holds. Every one of them can be parsed.
func Searches(w *World) *rapid.Generator[Search] {
	return rapid.Custom(func(t *rapid.T) Search {
		g := &asker{t: t, world: w, registry: search.R4()}
		var s Search
		types := []string{one(g, "type", asked)}
		if g.sometimes(8, "over several types") {
			types = slices.Compact(slices.Sorted(slices.Values([]string{types[0], one(g, "type", Types), one(g, "type", Types)})))
			s.Params = []search.Parameter{{Name: "_type", Value: strings.Join(types, ",")}}
			if g.sometimes(3, "over all types") {
				s.Params, types = nil, definitions.ResourceTypes()
			}
		} else {
			s.Type = types[0]
		}
		limits := len(s.Params)
		for range one(g, "conditions", []int{0, 1, 1, 1, 1, 2, 2, 3, 4}) {
			var next search.Parameter
			if asked := s.Params[limits:]; len(asked) > 0 && g.sometimes(6, "asked again") {
				next = one(g, "of those asked", asked)
			} else {
				next.Name, next.Value = g.condition(types, 0)
			}
			longer := append(slices.Clone(s.Params), next)
			if !tooCostly(Search{s.Type, longer}) {
				s.Params = longer
			}
		}
		if g.sometimes(5, "filtered") {
			s.Params = append(s.Params, search.Parameter{Name: "_filter", Value: g.filter(types, 0)})
		}
		if keys := g.keys(types); keys != "" {
			s.Params = append(s.Params, search.Parameter{Name: "_sort", Value: keys})
		}
		return s
	})
}

// tooCostly says whether the parser refuses the search for its size: untyped chains through references to anything grow fast.
func tooCostly(s Search) bool {
	_, err := search.Parse(search.R4(), s.Type, s.Params, search.Options{Base: Base})
	refusal := (*fhir.Error)(nil)
	return errors.As(err, &refusal) && refusal.Issues[0].Code == fhir.CodeTooCostly
}

// asked are the types that searches are about: Observation, which has all there is to search by, most often.
var asked = append(slices.Clone(Types), "Observation", "Observation", "Observation", "Observation", "RiskAssessment", "PlanDefinition", "PlanDefinition", "Communication")

// asker draws the parts of a search.
type asker struct {
	t        *rapid.T
	world    *World
	registry *search.Registry
}

// one draws an element of a list that has some.
func one[E any](g *asker, label string, list []E) E { return list[below(g.t, len(list), label)] }

// sometimes is true once in n times.
func (g *asker) sometimes(n int, label string) bool {
	return below(g.t, n, label) == n-1
}

// params are the parameters of that kind that all the types have.
func (g *asker) params(types []string, is func(*search.Param) bool) []*search.Param {
	var shared []*search.Param
	for _, p := range g.registry.Params(types[0]) {
		everywhere := !slices.ContainsFunc(types[1:], func(t string) bool {
			q := g.registry.Param(t, p.Code)
			return q == nil || q.Type != p.Type
		})
		if everywhere && is(p) {
			shared = append(shared, p)
		}
	}
	return shared
}

// keys draws a value of _sort, "" for none.
func (g *asker) keys(types []string) string {
	var keys []string
	sortable := g.params(types, search.Sortable)
	for range below(g.t, 4, "sort keys") {
		keys = append(keys, one(g, "direction", []string{"", "-"})+one(g, "sort key", sortable).Code)
	}
	return strings.Join(keys, ",")
}

// condition draws a condition on a resource of all these types.
func (g *asker) condition(types []string, depth int) (name, value string) {
	const deepest = 3
	if depth < deepest && len(types) == 1 && g.sometimes(2+depth, "through others") {
		far := one(g, "way", []func(string, int) (string, string){g.chain, g.has})
		if name, value = far(types[0], depth); name != "" {
			return name, value
		}
	}
	params := g.params(types, search.Searchable)
	if known := g.known(types, params); len(known) > 0 && !g.sometimes(8, "of any parameter") {
		params = known
	}
	// The type of the parameter first, since most are tokens and references.
	var kinds []search.ParamType
	for _, p := range params {
		if !slices.Contains(kinds, p.Type) {
			kinds = append(kinds, p.Type)
		}
	}
	kind := one(g, "type of parameter", kinds)
	params = slices.DeleteFunc(params, func(p *search.Param) bool { return p.Type != kind })
	return g.leaf(types, one(g, "parameter", params))
}

// known are those of the parameters that a resource in the World has a value for.
func (g *asker) known(types []string, params []*search.Param) []*search.Param {
	var known []*search.Param
	for _, p := range params {
		found, err := g.world.Search(types, search.Present{Param: p.Code}, nil)
		if err != nil {
			g.t.Fatal(err)
		}
		if len(found) > 0 {
			known = append(known, p)
		}
	}
	return known
}

// chain draws a condition on what a reference points to; none where the type has no reference to one of Types.
func (g *asker) chain(resourceType string, depth int) (name, value string) {
	references := g.params([]string{resourceType}, isReference)
	if known := g.known([]string{resourceType}, references); len(known) > 0 && !g.sometimes(4, "any reference") {
		references = known
	}
	if len(references) == 0 {
		return "", ""
	}
	param := one(g, "reference", references)
	targets := made(param)
	if len(targets) == 0 {
		return "", ""
	}
	target := one(g, "target", targets)
	rest, value := g.condition([]string{target}, depth+1)
	if g.sometimes(2, "typed") {
		return param.Code + ":" + target + "." + rest, value
	}
	return param.Code + "." + rest, value
}

func isReference(p *search.Param) bool { return p.Type == search.TypeReference }

// made are the possible targets among Types.
func made(param *search.Param) []string {
	if len(param.Targets) == 0 {
		return Types
	}
	return slices.DeleteFunc(slices.Clone(Types), func(t string) bool { return !slices.Contains(param.Targets, t) })
}

// has draws a condition on what refers to the resource.
func (g *asker) has(resourceType string, depth int) (name, value string) {
	type referrer struct{ source, code string }
	var referrers, known []referrer
	for _, source := range Types {
		for _, p := range g.params([]string{source}, isReference) {
			if !slices.Contains(made(p), resourceType) {
				continue
			}
			referrers = append(referrers, referrer{source, p.Code})
			if g.refers(source, p, resourceType) {
				known = append(known, referrer{source, p.Code})
			}
		}
	}
	if len(known) > 0 && !g.sometimes(4, "any referrer") {
		referrers = known
	}
	if len(referrers) == 0 {
		return "", ""
	}
	r := one(g, "referrer", referrers)
	rest, value := g.condition([]string{r.source}, depth+1)
	return "_has:" + r.source + ":" + r.code + ":" + rest, value
}

// refers says whether some resource of a type refers by the parameter to one of another type, or may do so by a canonical.
func (g *asker) refers(source string, param *search.Param, resourceType string) bool {
	byURL := search.RefersByURL(param) && search.HasCanonical(resourceType)
	return slices.ContainsFunc(g.near([]string{source}), func(v *index.Values) bool {
		return slices.ContainsFunc(v.References, func(e index.Reference) bool {
			return e.Param == param.Code && (e.Type == resourceType || byURL && e.URL != "")
		})
	})
}

// leaf draws a parameter with its modifier and a list of values.
func (g *asker) leaf(types []string, param *search.Param) (name, value string) {
	modifier := ""
	all := search.Modifiers(param)
	if isReference(param) { // what is above and below is asked for before a search is read
		all = slices.DeleteFunc(all, func(m string) bool { return m == "above" || m == "below" && !search.RefersByURL(param) })
	}
	if len(all) > 0 && g.sometimes(3, "modified") {
		modifier = one(g, "modifier", all)
	}
	v := &valuer{asker: g, param: param, code: param.Code, modifier: modifier, near: g.near(types)}
	if modifier == "missing" {
		return param.Code + ":missing", one(g, "missing", []string{"true", "false"})
	}
	if modifier == "[type]" {
		modifier = one(g, "narrowed to", append(made(param), firstTarget(param)))
		for _, t := range types {
			if targets := g.registry.Param(t, param.Code).Targets; len(targets) > 0 && !slices.Contains(targets, modifier) {
				modifier = "" // the code means another reference there
				break
			}
		}
		v.only = modifier
	}
	values := []string{v.value()}
	for range below(g.t, 3, "alternatives") {
		values = append(values, v.value())
	}
	if modifier != "" {
		return param.Code + ":" + modifier, strings.Join(values, ",")
	}
	return param.Code, strings.Join(values, ",")
}

func firstTarget(param *search.Param) string {
	if len(param.Targets) == 0 {
		return "Patient"
	}
	return param.Targets[0]
}

// near are the index values of the World's resources of these types.
func (g *asker) near(types []string) []*index.Values {
	var all []*index.Values
	for _, s := range g.world.Subjects() {
		if slices.Contains(types, s.Type) {
			all = append(all, s.Values)
		}
	}
	return all
}
