package patch

import (
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"fhirside/fhir"
)

func TestJSON(t *testing.T) {
	bare := strings.Replace(example, dropped, "", 1)
	cases := []patchCase{
		{name: "nothing", patch: `[]`},
		{name: "a member is replaced in its place", patch: `[{"op":"replace","path":"/active","value":false}]`, changes: []string{"true", "false"}},
		{name: "adding a member that is there replaces it", patch: `[{"op":"add","path":"/active","value":false}]`, changes: []string{"true", "false"}},
		{name: "a new member is the last", patch: `[{"op":"add","path":"/gender","value":"male"}]`, changes: []string{`"male"}]}`, `"male"}],"gender":"male"}`}},
		{name: "an item", patch: `[{"op":"add","path":"/name/1","value":{"text":"M"}}]`, changes: []string{`{"text":"N"}`, `{"text":"M"},{"text":"N"}`}},
		{name: "the last item", patch: `[{"op":"add","path":"/name/-","value":{"text":"Z"}}]`, changes: []string{`{"text":"N"}`, `{"text":"N"},{"text":"Z"}`}},
		{name: "numbers keep their text", patch: `[{"op":"add","path":"/extension/0/valueDecimal","value":2.50},{"op":"remove","path":"/name/1"}]`, changes: []string{"1.00", "2.50", `,{"text":"N"}`, ""}},
		{name: "operations see what the ones before did", patch: `[{"op":"remove","path":"/name/0"},{"op":"replace","path":"/name/0/text","value":"M"}]`, changes: []string{`{"family":"F","given":["A","B","C"],"_given":[null,{"id":"b"},null]},{"text":"N"}`, `{"text":"M"}`}},
		{name: "move", patch: `[{"op":"move","from":"/name/0/given/0","path":"/name/0/given/2"}]`, changes: []string{`"A","B","C"`, `"B","C","A"`}},
		{name: "move a member", patch: `[{"op":"move","from":"/contact/0/gender","path":"/gender"}]`, changes: []string{`,"gender":"male"}]}`, `}],"gender":"male"}`}},
		{name: "move to where it is", patch: `[{"op":"move","from":"/active","path":"/active"}]`},
		{name: "copy", patch: `[{"op":"copy","from":"/name/0/family","path":"/name/1/family"}]`, changes: []string{`"text":"N"`, `"text":"N","family":"F"`}},
		{name: "a copy is one of its own", patch: `[{"op":"add","path":"/name/1/family","value":"G"},{"op":"copy","from":"/name/1","path":"/name/-"},{"op":"replace","path":"/name/1/family","value":"H"}]`, changes: []string{`{"text":"N"}`, `{"text":"N","family":"H"},{"text":"N","family":"G"}`}},
		{name: "test by value", patch: `[{"op":"test","path":"/extension/0","value":{"valueDecimal":1.0,"url":"http://e"}}]`},
		{name: "test what was changed", patch: `[{"op":"replace","path":"/name/1/text","value":"M"},{"op":"test","path":"/name/1","value":{"text":"M"}}]`, changes: []string{`"N"`, `"M"`}},
		{name: "test the whole", in: `{"resourceType":"Basic","id":"b"}`, patch: `[{"op":"test","path":"","value":{"id":"b","resourceType":"Basic"}}]`},
		{name: "members that are not known are ignored", patch: `[{"op":"test","path":"/active","value":true,"x":1}]`},

		{name: "a test fails", patch: `[{"op":"test","path":"/active","value":false}]`, reason: fhir.Unprocessable, want: `operation 1 (test) of the patch: the test fails: the value at "/active"`},
		{name: "a text is no number", patch: `[{"op":"test","path":"/extension/0/valueDecimal","value":"1.00"}]`, reason: fhir.Unprocessable, want: "the test fails"},
		{name: "a test of nothing", patch: `[{"op":"test","path":"/gender","value":null}]`, reason: fhir.Unprocessable, want: "/gender: there is nothing", at: "Patient.gender"},
		{name: "nothing to remove", patch: `[{"op":"test","path":"/active","value":true},{"op":"remove","path":"/name/4/text"}]`, reason: fhir.Unprocessable, want: "operation 2 (remove) of the patch: /name/4: there is nothing", at: "Patient.name[4]"},
		{name: "nothing to replace", patch: `[{"op":"replace","path":"/_gender","value":{}}]`, reason: fhir.Unprocessable, want: "/_gender: there is nothing", at: "Patient.gender"},
		{name: "nothing to add to", patch: `[{"op":"add","path":"/maritalStatus/text","value":"x"}]`, reason: fhir.Unprocessable, want: "/maritalStatus: there is nothing", at: "Patient.maritalStatus"},
		{name: "no such place", patch: `[{"op":"add","path":"/name/3","value":{}}]`, reason: fhir.Unprocessable, want: "/name/3: the array has no such place"},
		{name: "a sign", patch: `[{"op":"remove","path":"/name/+1"}]`, reason: fhir.Unprocessable, want: "there is nothing"},
		{name: "a leading zero", patch: `[{"op":"remove","path":"/name/01"}]`, reason: fhir.Unprocessable, want: "there is nothing"},
		{name: "the place behind the end holds nothing", patch: `[{"op":"remove","path":"/name/-"}]`, reason: fhir.Unprocessable, want: "there is nothing"},
		{name: "a name in an array", patch: `[{"op":"add","path":"/name/x","value":1}]`, reason: fhir.Unprocessable, want: "no such place"},
		{name: "inside a string", patch: `[{"op":"add","path":"/birthDate/x","value":1}]`, reason: fhir.Unprocessable, want: "only objects and arrays"},
		{name: "the whole", patch: `[{"op":"remove","path":""}]`, reason: fhir.Unprocessable, want: "the whole resource cannot"},
		{name: "a name that no document may have", patch: `[{"op":"add","path":"/a.b","value":1}]`, reason: fhir.Unprocessable, want: "what the patch makes is no resource: "},

		{name: "no JSON", patch: `[`, reason: fhir.Invalid, want: "JSON, line 1"},
		{name: "a member twice", patch: `[{"op":"remove","path":"/a","path":"/b"}]`, reason: fhir.Invalid, want: "occurs twice"},
		{name: "no array", patch: `{"op":"remove","path":"/active"}`, reason: fhir.Invalid, want: "is an array of operations"},
		{name: "no object", patch: `["remove"]`, reason: fhir.Invalid, want: "operation 1 of the patch: it is not an object"},
		{name: "no op", patch: `[{"path":"/active"}]`, reason: fhir.Invalid, want: "operation 1 of the patch: op is add"},
		{name: "another op", patch: `[{"op":"delete","path":"/active"}]`, reason: fhir.Invalid, want: `not "delete"`},
		{name: "no path", patch: `[{"op":"remove"}]`, reason: fhir.Invalid, want: "path is a JSON Pointer"},
		{name: "a path that is none", patch: `[{"op":"remove","path":"active"}]`, reason: fhir.Invalid, want: "path is a JSON Pointer"},
		{name: "a wrong escape", patch: `[{"op":"remove","path":"/a~2b"}]`, reason: fhir.Invalid, want: "path is a JSON Pointer"},
		{name: "a path of another kind", patch: `[{"op":"remove","path":["active"]}]`, reason: fhir.Invalid, want: "path is a JSON Pointer"},
		{name: "no value", patch: `[{"op":"add","path":"/active"}]`, reason: fhir.Invalid, want: "it has no value"},
		{name: "no from", patch: `[{"op":"copy","path":"/active"}]`, reason: fhir.Invalid, want: "from is a JSON Pointer"},
		{name: "into itself", patch: `[{"op":"move","from":"/name","path":"/name/0"}]`, reason: fhir.Invalid, want: "/name cannot be moved into itself"},
		{name: "too many operations", patch: `[` + strings.Repeat(`{"op":"remove","path":"/a"},`, 1000) + `{}]`, reason: fhir.TooLarge, want: "at most 1000"},
		{name: "a bomb", patch: `[` + strings.Repeat(`{"op":"copy","from":"/name","path":"/name/-"},`, 100) + `{"op":"test","path":"","value":1}]`, reason: fhir.TooLarge, want: "more than 16 MiB"},
		{name: "too deep", patch: `[` + strings.Repeat(`{"op":"copy","from":"/name/0","path":"/name/0/x"},`, 12) + strings.Repeat(`{"op":"move","from":"/name","path":"/x"},{"op":"add","path":"/name","value":{}},{"op":"move","from":"/x","path":"/name/x"},`, 64) + `{"op":"test","path":"/active","value":true}]`, reason: fhir.Unprocessable, want: "more than 64 levels"},
		{name: "many tests of much", in: big(1 << 20), patch: `[{"op":"add","path":"/extension/0/x","value":1},` + strings.Repeat(`{"op":"copy","from":"/active","path":"/extension/0/x"},`, 10) + strings.Repeat(`{"op":"copy","from":"/extension","path":"/y"},`, 20) + `{"op":"remove","path":"/y"}]`, reason: fhir.TooLarge, want: "more than 16 MiB"},
	}
	for i := range cases {
		if cases[i].in == "" {
			cases[i].in = bare
		}
	}
	runCases(t, cases, readJSON)
}

// big is a resource of at least that many bytes.
func big(size int) string {
	item := `{"url":"http://e","valueString":"` + strings.Repeat("x", 1000) + `"}`
	return `{"resourceType":"Patient","active":true,"extension":[` + strings.Repeat(item+",", size/len(item)) + item + `]}`
}

func TestJSONTests(t *testing.T) {
	for text, want := range map[string]bool{
		`[{"op":"remove","path":"/active"}]`:                                             false,
		`[{"op":"remove","path":"/active"},{"op":"test","path":"/active","value":true}]`: true,
	} {
		p, err := JSON([]byte(text))
		if err != nil || p.Tests() != want {
			t.Errorf("%s: %v, %v", text, p.Tests(), err)
		}
	}
}

// pointers are those to everything below an element.
func pointers(e fhir.Element, at pointer) (list []pointer) {
	i := 0
	for child := range e.Children() {
		token := child.Name()
		if e.Kind() == fhir.Array {
			token = fmt.Sprint(i)
		}
		p := append(at[:len(at):len(at)], token)
		list = append(append(list, p), pointers(child, p)...)
		i++
	}
	return list
}

// A patch and its inverse leave every byte as it was.
func TestJSONInverse(t *testing.T) {
	r := parse(t, example)
	all := pointers(r.Root(), nil)
	rapid.Check(t, func(t *rapid.T) {
		a, b := rapid.SampledFrom(all).Draw(t, "a"), rapid.SampledFrom(all).Draw(t, "b")
		at := func(p pointer) *node {
			n, err := (&document{root: &node{element: r.Root()}}).at(nil, p)
			if err != nil {
				t.Fatal(err)
			}
			return n
		}
		value := string(at(a).append(nil))
		into := append(b[:len(b):len(b)], "new")
		if at(b).kind() == fhir.Array {
			into[len(b)] = fmt.Sprint(rapid.IntRange(0, at(b).element.Len()).Draw(t, "position"))
		}
		steps := []string{
			fmt.Sprintf(`{"op":"test","path":%q,"value":%s}`, a.String(), value),
			fmt.Sprintf(`{"op":"replace","path":%q,"value":{"x":[1.00]}},{"op":"replace","path":%q,"value":%s}`, a.String(), a.String(), value),
		}
		if k := at(b).kind(); k == fhir.Array || k == fhir.Object {
			steps = append(steps, fmt.Sprintf(`{"op":"copy","from":%q,"path":%q},{"op":"test","path":%q,"value":%s},{"op":"remove","path":%q}`,
				a.String(), into.String(), into.String(), value, into.String()))
		}
		patch := "[" + strings.Join(rapid.SliceOfN(rapid.SampledFrom(steps), 1, 5).Draw(t, "steps"), ",") + "]"
		p, err := JSON([]byte(patch))
		if err != nil {
			t.Fatalf("%s: %v", patch, err)
		}
		got, _, err := p.Apply(r)
		if err != nil {
			t.Fatalf("%s: %v", patch, err)
		}
		if string(got.Bytes()) != example {
			t.Fatalf("%s: got %s", patch, got.Bytes())
		}
	})
}

func FuzzJSON(f *testing.F) {
	for _, patch := range []string{
		`[{"op":"add","path":"/name/-","value":{"text":"x"}},{"op":"test","path":"/name/2/text","value":"x"}]`,
		`[{"op":"copy","from":"/name/0","path":"/contact/0/name"},{"op":"move","from":"/active","path":"/x"}]`,
		`[{"op":"replace","path":"","value":{"resourceType":"Patient","id":"p1"}},{"op":"remove","path":"/~0~1"}]`,
	} {
		f.Add([]byte(patch))
	}
	fuzz(f, JSON)
}

// fuzz applies what can be read to the example.
func fuzz(f *testing.F, read func([]byte) (*Patch, error)) {
	f.Fuzz(func(t *testing.T, data []byte) {
		p, err := read(data)
		if err != nil {
			return
		}
		r := parse(t, example)
		got, _, err := p.Apply(r)
		if string(r.Bytes()) != example {
			t.Fatal("the resource itself has changed")
		}
		if err != nil {
			return
		}
		if again := parse(t, string(got.Bytes())); again.Type() != "Patient" || again.ID() != "p1" || again.VersionID() != "3" {
			t.Fatalf("%s", got.Bytes())
		}
	})
}
