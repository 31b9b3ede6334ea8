package main

import (
	"cmp"
	"fmt"
	"slices"

	"fhirside/fhir/definitions/internal/packed"
)

// searchParametersOf is the registry sorted by URL.
func searchParametersOf(registry []searchParameter) ([]packed.SearchParameter, error) {
	out := make([]packed.SearchParameter, 0, len(registry))
	for _, p := range registry {
		q := packed.SearchParameter{
			URL: p.URL, Code: p.Code, Base: p.Base, Type: p.Type, Expression: p.Expression,
			Target: p.Target, Modifiers: p.Modifier, Chains: p.Chain,
		}
		for _, c := range p.Component {
			q.Components = append(q.Components, packed.Component{Definition: c.Definition, Expression: c.Expression})
		}
		out = append(out, q)
	}
	slices.SortFunc(out, func(x, y packed.SearchParameter) int { return cmp.Compare(x.URL, y.URL) })
	for i := 1; i < len(out); i++ {
		if out[i].URL == out[i-1].URL {
			return nil, fmt.Errorf("%s occurs twice", out[i].URL)
		}
	}
	return out, nil
}

// compartmentsOf leaves out the resource types without parameters: they are not in the compartment.
func compartmentsOf(list []compartmentDefinition) map[string]map[string][]string {
	out := map[string]map[string][]string{}
	for _, c := range list {
		types := map[string][]string{}
		for _, r := range c.Resource {
			if len(r.Param) > 0 {
				types[r.Code] = r.Param
			}
		}
		out[c.Code] = types
	}
	return out
}
