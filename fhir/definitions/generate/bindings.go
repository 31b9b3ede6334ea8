package main

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"fhirside/fhir/definitions/internal/packed"
)

// bindings collects the value sets of required bindings, with the codes of the expansions that the package brings along.
type bindings struct {
	expansions map[string]*valueSet
	list       []packed.Binding
}

// add is the value set's position in the list, plus one.
func (b *bindings) add(canonical string) (int, error) {
	url, _, _ := strings.Cut(canonical, "|")
	if i := slices.IndexFunc(b.list, func(x packed.Binding) bool { return x.ValueSet == url }); i >= 0 {
		return i + 1, nil
	}
	binding := packed.Binding{ValueSet: url}
	if v := b.expansions[url]; v != nil && listable(v) {
		seen := map[string]bool{}
		binding.Codes = map[string][]string{}
		for _, c := range flatten(v.Expansion.Contains) {
			if seen[c.Code] {
				return 0, fmt.Errorf("%s has the code %s twice", url, c.Code)
			}
			seen[c.Code] = true
			binding.Codes[c.System] = append(binding.Codes[c.System], c.Code)
		}
		for _, codes := range binding.Codes {
			slices.Sort(codes)
		}
	}
	b.list = append(b.list, binding)
	return len(b.list), nil
}

// listable says whether the expansion holds all codes: those of grammars (MIME types, UCUM) are only samples.
func listable(v *valueSet) bool {
	for _, x := range v.Expansion.Extension {
		if name := strings.TrimPrefix(x.URL, structurePrefix); name == "valueset-toocostly" || name == "valueset-unclosed" {
			return false
		}
	}
	return len(v.Expansion.Contains) > 0
}

func flatten(list []contains) []contains {
	var out []contains
	for _, c := range list {
		if c.Code != "" && !c.Abstract {
			out = append(out, c)
		}
		out = append(out, flatten(c.Contains)...)
	}
	return out
}

func sortedKeys[K cmp.Ordered, V any](m map[K]V) []K { return slices.Sorted(maps.Keys(m)) }
