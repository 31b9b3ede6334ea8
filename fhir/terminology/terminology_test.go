package terminology_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"fhirside/fhir"
	"fhirside/fhir/fhirtest"
	"fhirside/fhir/terminology"
)

// shelf is a source of resources by URL.
type shelf map[string]*fhir.Resource

func (s shelf) CodeSystem(url string) (*terminology.CodeSystem, error) {
	if r := s[url]; r != nil {
		return terminology.NewCodeSystem(r), nil
	}
	return nil, nil
}

func (s shelf) ValueSet(canonical string) (*fhir.Resource, error) { return s[canonical], nil }

func parse(t testing.TB, text string) *fhir.Resource {
	t.Helper()
	r, err := fhir.Parse([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// animals is a hierarchy in which the bat has two parents: one above it, and one that names it as a child.
const animals = `{"resourceType":"CodeSystem","url":"urn:animals","content":"complete","caseSensitive":true,"concept":[
	{"code":"animal","concept":[
		{"code":"mammal","concept":[{"code":"bat","property":[{"code":"legs","valueInteger":2}]},{"code":"dog","property":[{"code":"legs","valueInteger":4}]}]},
		{"code":"flyer","property":[{"code":"child","valueCode":"bat"}],"concept":[{"code":"gull","property":[{"code":"legs","valueInteger":2}]}]}]},
	{"code":"rock"}]}`

func zoo(t testing.TB) shelf {
	s := shelf{"urn:animals": parse(t, animals)}
	s["urn:part"] = parse(t, `{"resourceType":"CodeSystem","url":"urn:part","content":"fragment","concept":[{"code":"a"},{"code":"b"}]}`)
	for name, compose := range map[string]string{
		"all":        `{"include":[{"system":"urn:animals"}]}`,
		"listed":     `{"include":[{"system":"urn:animals","concept":[{"code":"dog"},{"code":"bat"}]},{"system":"urn:x","concept":[{"code":"1"}]}]}`,
		"is-a":       `{"include":[{"system":"urn:animals","filter":[{"property":"concept","op":"is-a","value":"flyer"}]}]}`,
		"descendent": `{"include":[{"system":"urn:animals","filter":[{"property":"concept","op":"descendent-of","value":"flyer"}]}]}`,
		"is-not-a":   `{"include":[{"system":"urn:animals","filter":[{"property":"concept","op":"is-not-a","value":"animal"}]}]}`,
		"above":      `{"include":[{"system":"urn:animals","filter":[{"property":"concept","op":"generalizes","value":"bat"}]}]}`,
		"property":   `{"include":[{"system":"urn:animals","filter":[{"property":"legs","op":"=","value":"2"}]}]}`,
		"in":         `{"include":[{"system":"urn:animals","filter":[{"property":"legs","op":"in","value":"2,3"}]}]}`,
		"not-in":     `{"include":[{"system":"urn:animals","filter":[{"property":"legs","op":"not-in","value":"2,3"}]}]}`,
		"exists":     `{"include":[{"system":"urn:animals","filter":[{"property":"legs","op":"exists","value":"true"}]}]}`,
		"regex":      `{"include":[{"system":"urn:animals","filter":[{"property":"code","op":"regex","value":".a."}]}]}`,
		"both":       `{"include":[{"system":"urn:animals","filter":[{"property":"concept","op":"is-a","value":"mammal"},{"property":"legs","op":"=","value":"2"}]}]}`,
		"exclude":    `{"include":[{"system":"urn:animals"}],"exclude":[{"system":"urn:animals","filter":[{"property":"concept","op":"is-a","value":"mammal"}]}]}`,
		"imported":   `{"include":[{"valueSet":["urn:vs:listed"]},{"system":"urn:animals","concept":[{"code":"rock"}]}]}`,
		"common":     `{"include":[{"valueSet":["urn:vs:listed","urn:vs:is-a"]}]}`,
		"narrowed":   `{"include":[{"system":"urn:animals","valueSet":["urn:vs:listed"]}]}`,
		"without":    `{"include":[{"valueSet":["urn:vs:listed"]}],"exclude":[{"system":"urn:x"}]}`,
		"unknown":    `{"include":[{"system":"urn:unknown"},{"system":"urn:unknown","concept":[{"code":"1"}]}]}`,
		"part":       `{"include":[{"system":"urn:part"}]}`,
		"unlisted":   `{"include":[{"system":"urn:unknown"}],"exclude":[{"system":"urn:unknown","concept":[{"code":"1"}]}]}`,
		"selected":   `{"include":[{"system":"urn:unknown","filter":[{"property":"concept","op":"is-a","value":"1"}]}]}`,
		"of-part":    `{"include":[{"system":"urn:part","filter":[{"property":"concept","op":"is-a","value":"a"}]}]}`,
		"operator":   `{"include":[{"system":"urn:animals","filter":[{"property":"concept","op":"child-of","value":"1"}]}]}`,
		"broken":     `{"include":[{"system":"urn:animals","filter":[{"property":"code","op":"regex","value":"("}]}]}`,
		"circle":     `{"include":[{"valueSet":["urn:vs:circle"]}]}`,
		"missing":    `{"include":[{"valueSet":["urn:vs:nowhere"]}]}`,
		"nothing":    `{}`,
	} {
		s["urn:vs:"+name] = parse(t, `{"resourceType":"ValueSet","url":"urn:vs:`+name+`","compose":`+compose+`}`)
	}
	selected := `{"resourceType":"ValueSet","url":"urn:vs:%","compose":{"include":[{"system":"urn:unknown","filter":[{"property":"concept","op":"is-a","value":"1"}]}]},"expansion":{`
	contains := `"contains":[{"system":"urn:unknown","code":"1","contains":[{"system":"urn:unknown","code":"2"}]},{"system":"urn:unknown","code":"3","abstract":true}]}}`
	s["urn:vs:expanded"] = parse(t, selected+contains)
	s["urn:vs:total"] = parse(t, selected+`"total":2,`+contains)
	s["urn:vs:cut"] = parse(t, selected+`"total":3,`+contains)
	s["urn:vs:costly"] = parse(t, selected+`"extension":[{"url":"http://hl7.org/fhir/StructureDefinition/valueset-toocostly","valueBoolean":true}],`+contains)
	return s
}

func TestExpand(t *testing.T) {
	tx := terminology.Terminology{zoo(t), terminology.R4()}
	for name, want := range map[string]string{
		"all":        "animal bat dog flyer gull mammal rock",
		"listed":     "bat dog urn:x|1",
		"is-a":       "bat flyer gull",
		"descendent": "bat gull",
		"is-not-a":   "rock",
		"above":      "animal bat flyer mammal",
		"property":   "bat gull",
		"in":         "bat gull",
		"not-in":     "animal dog flyer mammal rock",
		"exists":     "bat dog gull",
		"regex":      "bat",
		"both":       "bat",
		"exclude":    "animal flyer gull rock",
		"imported":   "bat dog rock urn:x|1",
		"common":     "bat",
		"narrowed":   "bat dog",
		"without":    "bat dog",
		"unknown":    "urn:unknown|*",
		"part":       "urn:part|*",
		"expanded":   "urn:unknown|1 urn:unknown|2",
		"total":      "urn:unknown|1 urn:unknown|2",

		"unlisted": "! a code of urn:unknown is excluded, and the others are not known here",
		"selected": "! the code system urn:unknown is not held here",
		"cut":      "! the code system urn:unknown is not held here",
		"costly":   "! the code system urn:unknown is not held here",
		"of-part":  "! of the code system urn:part only a part is held here",
		"operator": `! a value set uses the filter operator "child-of"`,
		"broken":   `! the regular expression "(" of a value set cannot be read`,
		"circle":   "! the value set urn:vs:circle includes itself",
		"missing":  "! the value set urn:vs:nowhere is not held here",
		"nothing":  "! the value set urn:vs:nothing does not say what it includes",
	} {
		expansion, err := tx.Expand("urn:vs:" + name)
		if got := describe(expansion, err); got != want {
			t.Errorf("%s:\n got %s\nwant %s", name, got, want)
		}
	}
}

// describe writes an expansion in a short form, those of urn:animals without their system.
func describe(e terminology.Expansion, err error) string {
	if refusal := (*fhir.Error)(nil); errors.As(err, &refusal) {
		return "! " + refusal.Issues[0].Diagnostics
	}
	var words []string
	for _, c := range e.Codings {
		words = append(words, strings.TrimPrefix(c.System+"|"+c.Code, "urn:animals|"))
	}
	for _, s := range e.Systems {
		words = append(words, s+"|*")
	}
	return strings.Join(words, " ")
}

func TestSubsumption(t *testing.T) {
	tx := terminology.Terminology{zoo(t)}
	for _, c := range []struct {
		name string
		got  func() ([]string, error)
		want string
	}{
		{"below", func() ([]string, error) { return tx.Below("urn:animals", "mammal") }, "mammal bat dog"},
		{"below a leaf", func() ([]string, error) { return tx.Below("urn:animals", "bat") }, "bat"},
		{"above", func() ([]string, error) { return tx.Above("urn:animals", "bat") }, "bat mammal flyer animal"},
		{"above the top", func() ([]string, error) { return tx.Above("urn:animals", "rock") }, "rock"},
		{"no such code", func() ([]string, error) { return tx.Below("urn:animals", "Mammal") }, "Mammal"},
	} {
		got, err := c.got()
		if err != nil || strings.Join(got, " ") != c.want {
			t.Errorf("%s: %v, %v", c.name, got, err)
		}
	}
	if _, err := tx.Below("urn:unknown", "x"); err == nil {
		t.Error("an unknown code system has a hierarchy")
	}
	if _, err := tx.Above("urn:part", "a"); err == nil {
		t.Error("a part of a code system has a hierarchy")
	}
}

func TestCaseOfCodes(t *testing.T) {
	s := terminology.NewCodeSystem(parse(t, `{"resourceType":"CodeSystem","url":"urn:x","content":"complete","concept":[{"code":"Top","concept":[{"code":"Under"}]}]}`))
	if got := s.Below("TOP"); !slices.Equal(got, []string{"Top", "Under"}) {
		t.Errorf("%v", got)
	}
}

func TestR4(t *testing.T) {
	tx := terminology.Terminology{terminology.R4()}
	gender, err := tx.Expand("http://hl7.org/fhir/ValueSet/administrative-gender|4.0.1")
	if want := "http://hl7.org/fhir/administrative-gender|female http://hl7.org/fhir/administrative-gender|male http://hl7.org/fhir/administrative-gender|other http://hl7.org/fhir/administrative-gender|unknown"; describe(gender, err) != want {
		t.Errorf("%s", describe(gender, err))
	}
	if e, err := tx.Expand("http://hl7.org/fhir/ValueSet/administrative-gender|5.0.0"); err == nil {
		t.Errorf("another version is %v", e)
	}
	if e, err := tx.Expand("http://snomed.info/sct?fhir_vs"); err != nil || describe(e, err) != "http://snomed.info/sct|*" {
		t.Errorf("all of SNOMED CT: %v, %v", e, err)
	}
	const actCode = "http://terminology.hl7.org/CodeSystem/v3-ActCode"
	if above, err := tx.Above(actCode, "AMB"); err != nil || !slices.Contains(above, "_ActEncounterCode") {
		t.Errorf("above AMB: %v, %v", above, err)
	}
	if below, err := tx.Below(actCode, "_ActEncounterCode"); err != nil || !slices.Contains(below, "AMB") || slices.Contains(below, "_ActCode") {
		t.Errorf("below _ActEncounterCode: %v, %v", below, err)
	}
}

// Every value set of R4 can be listed, or says which code system it needs.
func TestEveryValueSetOfR4(t *testing.T) {
	tx := terminology.Terminology{terminology.R4()}
	listed, refused := 0, map[string]int{}
	for name, r := range fhirtest.Examples(t) {
		if !strings.HasPrefix(name, "ValueSet-") {
			continue
		}
		e, err := tx.Expand(r.Get("url").Text())
		if err != nil {
			refused[describe(e, err)]++
			continue
		}
		listed++
		if len(e.Codings)+len(e.Systems) == 0 && name != "ValueSet-example-filter.json" {
			t.Errorf("%s is empty", name)
		}
	}
	if listed < 1250 {
		t.Errorf("only %d value sets can be listed; %v", listed, refused)
	}
	t.Logf("%d value sets; %v", listed, refused)
}

func BenchmarkExpand(b *testing.B) {
	tx := terminology.Terminology{terminology.R4()}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := tx.Expand("http://hl7.org/fhir/ValueSet/administrative-gender"); err != nil {
			b.Fatal(err)
		}
	}
}
