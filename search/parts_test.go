package search

import "testing"

func TestParts(t *testing.T) {
	chain := Chain{Param: "subject", Type: "Patient", Filter: Has{Type: "Encounter", Param: "subject", Filter: All{}}}
	for _, test := range []struct {
		name           string
		filter         Filter
		links, sources bool
		param          string
	}{
		{"all", All{}, false, false, ""},
		{"a leaf", Token{Param: "code"}, false, false, "code"},
		{"a conjunction is no leaf", And{Token{Param: "code"}}, false, false, ""},
		{"a chain, whatever it asks for", chain, true, false, ""},
		{"a source, deep inside", Or{All{}, And{Not{Or{Has{Filter: All{}}}}}}, true, true, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got := HasLinks(test.filter); got != test.links {
				t.Errorf("links: %v", got)
			}
			if got := HasSources(test.filter); got != test.sources {
				t.Errorf("sources: %v", got)
			}
			if got := ParamOf(test.filter); got != test.param {
				t.Errorf("parameter: %q", got)
			}
		})
	}
}
