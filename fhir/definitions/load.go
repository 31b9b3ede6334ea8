package definitions

import (
	_ "embed"
	"slices"
	"sync"

	"fhirside/fhir/definitions/internal/packed"
)

//go:generate go run ./generate

//go:embed r4.json.zst
var packedR4 []byte

// tables are the loaded definitions.
type tables struct {
	types        map[string]*Type
	resources    []string // concrete resource types, sorted
	parameters   []SearchParameter
	compartments map[string]map[string][]string
}

var r4 = sync.OnceValue(load)

func load() *tables {
	f, err := packed.Read(packedR4)
	if err != nil {
		panic("definitions: " + err.Error()) // the file is part of the binary
	}
	t := &tables{types: make(map[string]*Type, len(f.Types)), compartments: f.Compartments}
	bindings := bindingsOf(f.Bindings)
	all := make([]Type, len(f.Types))
	for i, p := range f.Types {
		all[i] = typeOf(p, t.types[p.Base], bindings)
		t.types[p.Name] = &all[i]
		if all[i].Class == Resource && !p.Abstract {
			t.resources = append(t.resources, p.Name)
		}
	}
	slices.Sort(t.resources)
	t.parameters = parametersOf(f.SearchParameters)
	return t
}

func bindingsOf(list []packed.Binding) []Binding {
	out := make([]Binding, len(list))
	for i, p := range list {
		b := Binding{ValueSet: p.ValueSet}
		if p.Codes != nil {
			b.Codes = map[string]string{}
		}
		for system, codes := range p.Codes {
			if len(p.Codes) == 1 {
				b.System = system
			}
			for _, code := range codes {
				b.Codes[code] = system
			}
		}
		out[i] = b
	}
	return out
}

func typeOf(p packed.Type, base *Type, bindings []Binding) Type {
	t := Type{Name: p.Name, Class: Class(p.Class), Base: p.Base, Abstract: p.Abstract}
	if base != nil {
		t.Elements = slices.Grow(slices.Clone(base.Elements), len(p.Elements))
	}
	for _, e := range p.Elements {
		el := Element{
			Name: e.Name, Types: e.Types, TargetTypes: e.Targets, Choice: e.Choice,
			Min: e.Min, Max: 1, Summary: e.Summary, Modifier: e.Modifier,
		}
		if e.Many {
			el.Max = Many
		}
		if e.Binding > 0 {
			el.Binding = &bindings[e.Binding-1]
		}
		t.Elements = append(t.Elements, el)
	}
	t.byName = make(map[string]int, len(t.Elements))
	for i := range t.Elements {
		t.byName[t.Elements[i].Name] = i
	}
	return t
}

func parametersOf(list []packed.SearchParameter) []SearchParameter {
	out := make([]SearchParameter, len(list))
	for i, p := range list {
		out[i] = SearchParameter{
			URL: p.URL, Code: p.Code, Base: p.Base, Type: p.Type, Expression: p.Expression,
			Target: p.Target, Modifiers: p.Modifiers, Chains: p.Chains,
		}
		for _, c := range p.Components {
			out[i].Components = append(out[i].Components, Component(c))
		}
	}
	return out
}
