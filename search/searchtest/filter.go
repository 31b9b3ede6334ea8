package searchtest

import (
	"slices"
	"strings"

	"github.com/go-json-experiment/json"

	"fhirside/search"
	"fhirside/search/index"
)

// filter draws a value of _filter for all these types.
func (g *asker) filter(types []string, depth int) string {
	text := g.comparison(types, depth)
	for range below(g.t, 3, "terms") {
		term := g.comparison(types, depth)
		if g.sometimes(3, "negated") {
			term = "not (" + term + ")"
		}
		text = one(g, "parentheses", []string{text, "(" + text + ")"}) + one(g, "joined by", []string{" and ", " or "}) + term
	}
	return text
}

// comparison draws a path, an operator and a value.
func (g *asker) comparison(types []string, depth int) string {
	if len(types) == 1 && depth < 2 && g.sometimes(3, "brackets") {
		choose := one(g, "among", []func(string, int) string{g.chosenReference, g.chosenTuple})
		if text := choose(types[0], depth); text != "" {
			return text
		}
	}
	params := g.known(types, g.params(types, func(p *search.Param) bool {
		return search.Searchable(p) && p.Type != search.TypeComposite && p.Type != search.TypeSpecial
	}))
	if len(params) == 0 || g.sometimes(6, "presence") {
		return "_tag pr " + one(g, "present", []string{"true", "false"})
	}
	param := one(g, "parameter", params)
	return param.Code + g.compared(&valuer{asker: g, param: param, code: param.Code, near: g.near(types)})
}

// compared draws an operator and a value for a parameter.
func (g *asker) compared(v *valuer) string {
	op, value := "eq", v.value()
	switch v.param.Type {
	case search.TypeString:
		op = one(g, "operator", []string{"eq", "eq", "ne", "co", "sw", "ew", "gt", "lt", "ge", "le"})
		if letters := []rune(value); op == "ew" && len(letters) > 0 {
			value = string(letters[below(g.t, len(letters), "cut off"):])
		}
	case search.TypeToken:
		if v.code != "_id" {
			op = one(g, "operator", []string{"eq", "eq", "ne"})
		}
	case search.TypeNumber, search.TypeDate, search.TypeQuantity:
		for _, prefix := range []string{"ne", "gt", "lt", "ge", "le", "sa", "eb", "ap", "eq"} {
			if rest, ok := strings.CutPrefix(value, prefix); ok {
				op, value = prefix, rest
			}
		}
		if op == "ap" && v.param.Type == search.TypeDate {
			op = one(g, "operator", []string{"po", "co"})
		}
	}
	if value == "" {
		value = "gone"
	}
	quoted, err := json.Marshal(value)
	if err != nil {
		g.t.Fatal(err)
	}
	return " " + op + " " + string(quoted)
}

// chosenReference draws brackets that choose what a reference refers to; "" where the type has none to Types.
func (g *asker) chosenReference(resourceType string, depth int) string {
	references := slices.DeleteFunc(g.known([]string{resourceType}, g.params([]string{resourceType}, isReference)), func(p *search.Param) bool { return len(made(p)) == 0 })
	if len(references) == 0 {
		return ""
	}
	param := one(g, "reference", references)
	target := one(g, "target", made(param))
	return param.Code + ":" + target + "[" + g.filter([]string{target}, depth+1) + "]." + g.comparison([]string{target}, depth+1)
}

// chosenTuple draws brackets that choose a tuple of a composite; "" where the type has none with values.
func (g *asker) chosenTuple(resourceType string, _ int) string {
	composites := g.known([]string{resourceType}, g.params([]string{resourceType}, func(p *search.Param) bool { return p.Type == search.TypeComposite }))
	if len(composites) == 0 {
		return ""
	}
	param := one(g, "composite", composites)
	var tuples []index.Composite
	for _, v := range g.near([]string{resourceType}) {
		for _, tuple := range v.Composites {
			if tuple.Param == param.Code {
				tuples = append(tuples, tuple)
			}
		}
	}
	part := func(i int) string {
		component, tuple := param.Components[i], one(g, "tuple", tuples)
		v := &valuer{asker: g, param: component, near: []*index.Values{&tuple.Components[i]}}
		if component.Type == search.TypeQuantity {
			return component.Code + " " + one(g, "operator", []string{"gt", "lt", "ge", "le", "ne"}) + " " + v.number(nil)
		}
		return component.Code + g.compared(v)
	}
	text := part(0)
	if g.sometimes(2, "another") {
		text += one(g, "joined by", []string{" and ", " or "}) + part(below(g.t, len(param.Components), "component"))
	}
	behind := part(len(param.Components) - 1)
	if g.sometimes(4, "presence") {
		behind = param.Components[0].Code + " pr " + one(g, "present", []string{"true", "false"})
	}
	return param.Code + "[" + text + "]." + behind
}
