package search

import (
	"cmp"
	"maps"
	"regexp"
	"slices"
	"strings"
	"sync"

	"fhirside/fhir/definitions"
	"fhirside/fhir/fhirpath"
)

// With is the registry with further parameters, those that a server is given as SearchParameter resources. They are held to more
// than R4's own: the error is an *fhir.Error, for the client who sent them, if one has a code that a type of its base has already,
// finds no elements or none that its type can compare, is special, or has components or targets that there are not.
func (r *Registry) With(custom ...definitions.SearchParameter) (*Registry, error) {
	if len(custom) == 0 {
		return r, nil
	}
	b := builder{parameters: maps.Clone(r.builder.parameters), expressions: map[string]*fhirpath.Expression{}}
	types := maps.Clone(r.types)
	for i := range custom {
		b.parameters[custom[i].URL] = &custom[i]
	}
	for i := range custom {
		if err := b.addCustom(types, &custom[i]); err != nil {
			return nil, err
		}
	}
	return &Registry{types, &b}, nil
}

// customCode is what a URL, a modifier and a chain leave room for; names that begin with an underscore are FHIR's. A hyphen before
// it keeps it from names that FHIR may choose one day (search.html#conformance).
var customCode = regexp.MustCompile(`^-?[A-Za-z][A-Za-z0-9_-]{0,63}$`)

func (b *builder) addCustom(types map[string]*typeParams, sp *definitions.SearchParameter) error {
	switch {
	case !customCode.MatchString(sp.Code):
		return refused(sp, "the code %q is none that can be searched by: a letter, with a '-' before it or without, then up to 63 letters, digits, '-' and '_'", clip(sp.Code)).At("SearchParameter.code")
	case sp.Type == "special":
		return refused(sp, "what a parameter of type special means is not in its definition").At("SearchParameter.type")
	case sp.Expression == "":
		return refused(sp, "without an expression it finds nothing").At("SearchParameter.expression")
	case sp.Type == "composite" && len(sp.Components) < 2:
		return refused(sp, "a composite has at least two components").At("SearchParameter.component")
	}
	for _, target := range sp.Target {
		if !definitions.IsResource(target) {
			return refused(sp, "the target %q is no resource type", clip(target)).At("SearchParameter.target")
		}
	}
	for _, base := range sp.Base {
		own := map[string]*typeParams{}
		for name, t := range types {
			if definitions.Lookup(name).Is(base) {
				own[name] = &typeParams{byCode: maps.Clone(t.byCode)}
				if was := t.byCode[sp.Code]; was != nil {
					return refused(sp, "%s has a parameter %q already: %s", name, sp.Code, cmp.Or(was.URL, "the server's own")).At("SearchParameter.code")
				}
			}
		}
		if err := b.add(own, sp, base); err != nil {
			return err
		}
		for name, t := range own {
			if err := useful(sp, t.byCode[sp.Code], name); err != nil {
				return err
			}
			t.sorted = slices.SortedFunc(maps.Values(t.byCode), func(a, b *Param) int { return cmp.Compare(a.Code, b.Code) })
			types[name] = t
		}
	}
	return nil
}

// useful refuses a parameter that can find nothing on a type.
func useful(sp *definitions.SearchParameter, p *Param, resourceType string) error {
	if p.Expression == nil || len(p.ElementTypes) == 0 {
		return refused(sp, "the expression finds no element of %s", resourceType).At("SearchParameter.expression")
	}
	if p.Type == TypeComposite {
		for i, c := range p.Components {
			if !compares(c) {
				return refused(sp, "what component %d finds (%s) is nothing that a %s parameter compares", i+1, strings.Join(c.ElementTypes, ", "), c.Type).At("SearchParameter.component")
			}
		}
		return nil
	}
	if !compares(p) {
		return refused(sp, "what the expression finds in %s (%s) is nothing that a %s parameter compares", resourceType, strings.Join(p.ElementTypes, ", "), p.Type).At("SearchParameter.expression")
	}
	return nil
}

// compares says whether the parameter's type can compare some of the elements that it finds.
func compares(p *Param) bool {
	return slices.ContainsFunc(p.ElementTypes, func(name string) bool { return elementTypes()[p.Type][name] })
}

// elementTypes are, for each type of parameter, the data types that R4's own parameters of that type find (and for numbers those
// that only differ by their range).
var elementTypes = sync.OnceValue(func() map[ParamType]map[string]bool {
	all := map[ParamType]map[string]bool{TypeNumber: {"integer": true, "decimal": true, "positiveInt": true, "unsignedInt": true}}
	var note func(p *Param)
	note = func(p *Param) {
		if all[p.Type] == nil {
			all[p.Type] = map[string]bool{}
		}
		for _, name := range p.ElementTypes {
			all[p.Type][name] = true
		}
		for _, c := range p.Components {
			note(c)
		}
	}
	for _, t := range R4().types {
		for _, p := range t.sorted {
			note(p)
		}
	}
	return all
})
