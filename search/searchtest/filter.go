package searchtest

import (
	"strings"

	"github.com/go-json-experiment/json"

	"fhirside/search"
)

// filter draws a value of _filter for all these types.
func (g *asker) filter(types []string) string {
	text := g.comparison(types)
	for range below(g.t, 3, "terms") {
		term := g.comparison(types)
		if g.sometimes(3, "negated") {
			term = "not (" + term + ")"
		}
		text = one(g, "parentheses", []string{text, "(" + text + ")"}) + one(g, "joined by", []string{" and ", " or "}) + term
	}
	return text
}

// comparison draws a path, an operator and a value.
func (g *asker) comparison(types []string) string {
	params := g.known(types, g.params(types, func(p *search.Param) bool {
		return search.Searchable(p) && p.Type != search.TypeComposite && p.Type != search.TypeSpecial
	}))
	if len(params) == 0 || g.sometimes(6, "presence") {
		return "_tag pr " + one(g, "present", []string{"true", "false"})
	}
	param := one(g, "parameter", params)
	v := &valuer{asker: g, param: param, code: param.Code, near: g.near(types)}
	op, value := "eq", v.value()
	switch param.Type {
	case search.TypeString:
		op = one(g, "operator", []string{"eq", "eq", "co", "sw", "ew"})
		if letters := []rune(value); op == "ew" && len(letters) > 0 {
			value = string(letters[below(g.t, len(letters), "cut off"):])
		}
	case search.TypeNumber, search.TypeDate, search.TypeQuantity:
		for _, prefix := range []string{"ne", "gt", "lt", "ge", "le", "sa", "eb", "ap", "eq"} {
			if rest, ok := strings.CutPrefix(value, prefix); ok {
				op, value = prefix, rest
			}
		}
		if op == "ap" && param.Type == search.TypeDate {
			op = "po"
		}
	}
	if value == "" {
		value = "gone"
	}
	quoted, err := json.Marshal(value)
	if err != nil {
		g.t.Fatal(err)
	}
	return param.Code + " " + op + " " + string(quoted)
}
