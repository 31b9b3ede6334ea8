package patch

import (
	"strings"
	"testing"

	"fhirside/fhir"
)

func readXML(text string) (*Patch, error) { return XML([]byte(text)) }

// xmlPatch is a patch with these operations; FHIR is its default namespace.
func xmlPatch(operations string) string {
	return `<diff xmlns="http://hl7.org/fhir">` + operations + `</diff>`
}

func TestXML(t *testing.T) {
	bare := strings.Replace(example, dropped, "", 1)
	cases := []patchCase{
		{name: "an attribute", patch: xmlPatch(`<replace sel="f:Patient/f:active/@value">false</replace>`), changes: []string{"true", "false"}},
		{name: "without prefixes", patch: xmlPatch(`<replace sel="/Patient/active/@value">false</replace>`), changes: []string{"true", "false"}},
		{name: "without a namespace", patch: `<diff><replace sel="Patient/active/@value">false</replace></diff>`, changes: []string{"true", "false"}},
		{name: "with prefixes of its own", patch: `<p:patch xmlns:p="urn:p" xmlns:fhir="http://hl7.org/fhir"><p:replace sel="fhir:Patient/fhir:active/@value">false</p:replace></p:patch>`, changes: []string{"true", "false"}},
		{name: "any element", patch: xmlPatch(`<replace sel="*/active/@value">false</replace>`), changes: []string{"true", "false"}},
		{name: "an added element gets its place", patch: xmlPatch(`<add sel="Patient"><gender value="male"/></add>`), changes: []string{`"birthDate":"`, `"gender":"male","birthDate":"`}},
		{name: "so does one deep inside", patch: xmlPatch(`<add sel="Patient/contact"><relationship><text value="r"/></relationship></add>`), changes: []string{`"contact":[{`, `"contact":[{"relationship":[{"text":"r"}],`}},
		{name: "and one in a contained resource", patch: xmlPatch(`<add sel="Patient/contained/Organization"><active value="true"/></add>`), changes: []string{`"name":"Org"`, `"active":true,"name":"Org"`}},
		{name: "the last of a list", patch: xmlPatch(`<add sel="Patient"> <name><text value="Z"/></name> <!-- x --> </add>`), changes: []string{`{"text":"N"}`, `{"text":"N"},{"text":"Z"}`}},
		{name: "the first of a list", patch: xmlPatch(`<add sel="Patient/name[1]" pos="before"><name><text value="Z"/></name></add>`), changes: []string{`"name":[`, `"name":[{"text":"Z"},`}},
		{name: "first of all", patch: xmlPatch(`<add sel="Patient" pos="prepend"><name><text value="Z"/></name></add>`), changes: []string{`"name":[`, `"name":[{"text":"Z"},`}},
		{name: "behind another", patch: xmlPatch(`<add sel="Patient/name[1]/given[2]" pos="after"><given value="X"/></add>`), changes: []string{`"given":["A","B","C"],"_given":[null,{"id":"b"},null]`, `"given":["A","B","X","C"],"_given":[null,{"id":"b"},null,null]`}},
		{name: "by an attribute", patch: xmlPatch(`<remove sel="Patient/name/given[@id='b']"/>`), changes: []string{`"given":["A","B","C"],"_given":[null,{"id":"b"},null]`, `"given":["A","C"]`}},
		{name: "by a value inside", patch: xmlPatch(`<remove sel="Patient/identifier[system/@value='urn:b']"/>`), changes: []string{`,{"system":"urn:b","value":"2"}`, ""}},
		{name: "by two conditions", patch: xmlPatch(`<remove sel='Patient/identifier[system/@value="urn:b"][1]' ws="both"/>`), changes: []string{`,{"system":"urn:b","value":"2"}`, ""}},
		{name: "an id", patch: xmlPatch(`<add sel="Patient/name[2]" type="@id">n</add>`), changes: []string{`{"text":"N"}`, `{"id":"n","text":"N"}`}},
		{name: "an id goes", patch: xmlPatch(`<remove sel="Patient/name[1]/given[2]/@id"/>`), changes: []string{`,"_given":[null,{"id":"b"},null]`, ""}},
		{name: "an element", patch: xmlPatch(`<replace sel="Patient/deceasedBoolean"> <deceasedDateTime value="2020"/> </replace>`), changes: []string{`"deceasedBoolean":false`, `"deceasedDateTime":"2020"`}},
		{name: "decimals keep their text", patch: xmlPatch(`<replace sel="Patient/extension[2]/valueDecimal/@value">2.50</replace>`), changes: []string{"1e2", "2.50"}},
		{name: "a comment is none of a resource", patch: xmlPatch(`<add sel="Patient" pos="before"><!-- x --></add>`)},
		{name: "nor a prefix", patch: xmlPatch(`<add sel="Patient" type="namespace::x">urn:x</add>`)},
		{name: "operations see what the ones before did", patch: xmlPatch(`<remove sel="Patient/name[1]"/><remove sel="Patient/name"/>`), changes: []string{`"name":[{"family":"F","given":["A","B","C"],"_given":[null,{"id":"b"},null]},{"text":"N"}],`, ""}},

		{name: "nothing", patch: xmlPatch(`<replace sel="Patient/gender/@value">male</replace>`), reason: fhir.Unprocessable, want: "operation 1 (replace) of the patch: there is nothing at Patient/gender/@value"},
		{name: "no such attribute", patch: xmlPatch(`<remove sel="Patient/active/@id"/>`), reason: fhir.Unprocessable, want: "there is nothing at Patient/active/@id"},
		{name: "no text", patch: xmlPatch(`<remove sel="Patient/active/text()"/>`), reason: fhir.Unprocessable, want: "there is nothing at"},
		{name: "no such position", patch: xmlPatch(`<remove sel="Patient/name[3]"/>`), reason: fhir.Unprocessable, want: "there is nothing at"},
		{name: "several", patch: xmlPatch(`<remove sel="Patient/name"/>`), reason: fhir.Unprocessable, want: "Patient/name leads to 2 nodes"},
		{name: "an attribute there already", patch: xmlPatch(`<add sel="Patient/active" type="@value">false</add>`), reason: fhir.Unprocessable, want: "the attribute value is there already"},
		{name: "the resource", patch: xmlPatch(`<remove sel="Patient"/>`), reason: fhir.Unprocessable, want: "the resource itself cannot be removed"},
		{name: "another resource", patch: xmlPatch(`<replace sel="Patient"><Person><id value="p1"/></Person></replace>`), reason: fhir.Unprocessable, want: "cannot change resourceType"},
		{name: "beside the resource", patch: xmlPatch(`<add sel="Patient" pos="after"><Patient/></add>`), reason: fhir.Unprocessable, want: "nothing but comments"},
		{name: "the id of the resource", patch: xmlPatch(`<replace sel="Patient/id/@value">x</replace>`), reason: fhir.Unprocessable, want: "cannot change id"},
		{name: "what is no FHIR", patch: xmlPatch(`<add sel="Patient"><colour value="red"/></add>`), reason: fhir.Unprocessable, want: "what the patch makes is no resource: Patient has no element <colour>"},
		{name: "what is in no namespace", patch: `<diff><add sel="Patient"><gender value="male"/></add></diff>`, reason: fhir.Unprocessable, want: "<gender> is in no namespace"},
		{name: "text", patch: xmlPatch(`<add sel="Patient">text</add>`), reason: fhir.Unprocessable, want: "text stands only in the narrative"},
		{name: "an empty element is left", patch: xmlPatch(`<remove sel="Patient/contact/name/text"/>`), reason: fhir.Unprocessable, want: "<name> is empty"},
		{name: "twice what does not repeat", patch: xmlPatch(`<add sel="Patient"><active value="true"/></add>`), reason: fhir.Unprocessable, want: "<active> does not repeat"},
		{name: "two of a choice", patch: xmlPatch(`<add sel="Patient"><deceasedDateTime value="2020"/></add>`), reason: fhir.Unprocessable, want: "only one deceased[x]"},
		{name: "what XML cannot say", in: `{"resourceType":"Patient","colour":"red"}`, patch: xmlPatch(`<remove sel="Patient/active"/>`), reason: fhir.Unprocessable, want: "works on the XML format: "},

		{name: "no XML", patch: `{}`, reason: fhir.Invalid, want: "XML, line 1, column 1"},
		{name: "an entity", patch: `<!DOCTYPE diff [<!ENTITY x SYSTEM "file:///x">]><diff/>`, reason: fhir.Invalid, want: "document types"},
		{name: "another root", patch: `<update/>`, reason: fhir.Invalid, want: "is an element patch or diff"},
		{name: "no operations", patch: `<diff/>`, reason: fhir.Invalid, want: "has no operations"},
		{name: "another operation", patch: xmlPatch(`<move sel="Patient"/>`), reason: fhir.Invalid, want: "line 1, column 35: the operations are"},
		{name: "another namespace", patch: xmlPatch(`<remove xmlns="urn:x" sel="Patient"/>`), reason: fhir.Invalid, want: "not in the namespace of the patch"},
		{name: "another attribute", patch: xmlPatch(`<remove sel="Patient" pos="before"/>`), reason: fhir.Invalid, want: "<remove> has no attribute pos"},
		{name: "no selector", patch: xmlPatch(`<remove/>`), reason: fhir.Invalid, want: "lacks the attribute sel"},
		{name: "text between", patch: xmlPatch(`x<remove sel="Patient"/>`), reason: fhir.Invalid, want: "text stands only inside"},
		{name: "a wrong pos", patch: xmlPatch(`<add sel="Patient" pos="last"><active/></add>`), reason: fhir.Invalid, want: "pos is"},
		{name: "a wrong ws", patch: xmlPatch(`<remove sel="Patient" ws="all"/>`), reason: fhir.Invalid, want: "ws is"},
		{name: "a wrong type", patch: xmlPatch(`<add sel="Patient" type="element">x</add>`), reason: fhir.Invalid, want: "it is @name or namespace::prefix"},
		{name: "a prefix that is not declared", patch: xmlPatch(`<add sel="Patient" type="@x:y">z</add>`), reason: fhir.Invalid, want: "type: "},
		{name: "nothing to add", patch: xmlPatch(`<add sel="Patient"></add>`), reason: fhir.Invalid, want: "nothing inside to be added"},
		{name: "something to remove with", patch: xmlPatch(`<remove sel="Patient/active"><active/></remove>`), reason: fhir.Invalid, want: "<remove> is empty"},
		{name: "two for one", patch: xmlPatch(`<replace sel="Patient/active"><active/><active/></replace>`), reason: fhir.Invalid, want: "replaced by one element"},
		{name: "an element for an attribute", patch: xmlPatch(`<replace sel="Patient/active/@value"><active/></replace>`), reason: fhir.Invalid, want: "the new value is text"},
		{name: "an attribute with pos", patch: xmlPatch(`<add sel="Patient" type="@id" pos="before">x</add>`), reason: fhir.Invalid, want: "without pos"},
		{name: "into an attribute", patch: xmlPatch(`<add sel="Patient/active/@value">x</add>`), reason: fhir.Invalid, want: "only an element has something inside"},
		{name: "text for a comment", patch: xmlPatch(`<replace sel="Patient/comment()">x</replace>`), reason: fhir.Invalid, want: "replaced by one comment"},
		{name: "too many operations", patch: xmlPatch(strings.Repeat(`<remove sel="Patient/name[1]"/>`, 1001)), reason: fhir.TooLarge, want: "at most 1000"},
		{
			name: "too much to look at", in: `{"resourceType":"Patient","extension":[` + strings.Repeat(`{"url":"a","valueCode":"b"},`, 10_000) + `{"url":"z","valueCode":"b"}]}`,
			patch:  xmlPatch(strings.Repeat(`<replace sel="Patient/extension[@url='z']/valueCode/@value">c</replace>`, 1000)),
			reason: fhir.TooCostly, want: "the selectors look at more than",
		},
	}
	for i := range cases {
		if cases[i].in == "" {
			cases[i].in = bare
		}
	}
	runCases(t, cases, readXML)
}

func TestXMLSelectors(t *testing.T) {
	for _, c := range []struct{ sel, want string }{
		{"", "a name is expected"}, {"/", "a name is expected"}, {"//Patient", "a name is expected"}, {"Patient/", "a name is expected"},
		{"@id", "it begins with the name"}, {"text()", "it begins with the name"}, {"Patient/@value/x", "is not expected"},
		{"Patient/text()/x", "is not expected"}, {"Patient/text()[@a='b']", "a position is expected"}, {"Patient[0]", "positions begin with 1"},
		{"Patient[", "a ] is missing"}, {"Patient[@a='b]", "a ] is missing"}, {"Patient[last()]", "a condition is"}, {"Patient[@a=b]", "a condition is"},
		{"Patient[@a='b'='c']", "a condition is"}, {"Patient[@a/b='c']", "is not expected"}, {"Patient[x:a='b']", "prefix x is not declared"},
		{"x:Patient", "prefix x is not declared"}, {"Patient/@x:y", "prefix x is not declared"}, {"child::Patient", "is not expected"}, {"id('x')", "is not expected"},
		{"Patient or Person", "is not expected"}, {"1", "a name is expected"},
	} {
		_, err := readXML(`<diff><remove sel="` + c.sel + `"/></diff>`)
		if err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), "XML, line 1, column 7: the selector") {
			t.Errorf("%s: %v, want %s", c.sel, err, c.want)
		}
	}
	for sel, want := range map[string]bool{"Patient/name[1]/@id": false, "Patient[name/given/@value='x']": true, "*[.='x']": true} {
		p, err := readXML(`<diff><remove sel="` + sel + `"/></diff>`)
		if err != nil || p.Tests() != want {
			t.Errorf("%s: %v, %v", sel, p.Tests(), err)
		}
	}
}

func TestXMLNarrative(t *testing.T) {
	change := `<replace sel="Patient/active/@value">false</replace>`
	const fresh = `<div xmlns="http://www.w3.org/1999/xhtml">new</div>`
	runCases(t, []patchCase{
		{name: "dropped", patch: xmlPatch(change), changes: []string{dropped, "", "true", "false"}, issue: "dropped"},
		{name: "a text in it written", patch: xmlPatch(change + `<replace sel="Patient/text/h:div/text()">new</replace>`), changes: []string{">Ann<", ">new<", "true", "false"}},
		{name: "its div replaced", patch: xmlPatch(change + `<replace sel="Patient/text/h:div">` + fresh + `</replace>`), changes: []string{">Ann<", ">new<", "true", "false"}},
		{name: "replaced", patch: xmlPatch(`<replace sel="Patient/text"><text><status value="additional"/>` + fresh + `</text></replace>` + change), changes: []string{">Ann<", ">new<", "true", "false", "generated", "additional"}},
		{name: "removed and added", patch: xmlPatch(`<remove sel="Patient/text"/><add sel="Patient"><text><status value="generated"/>` + fresh + `</text></add>` + change), changes: []string{">Ann<", ">new<", "true", "false"}},
		{name: "its div removed and added", patch: xmlPatch(`<remove sel="Patient/text/h:div"/><add sel="Patient/text">` + fresh + `</add>` + change), changes: []string{">Ann<", ">new<", "true", "false"}},
		{name: "added beside another", patch: xmlPatch(`<remove sel="Patient/text"/><add sel="Patient/active" pos="before"><text><status value="generated"/>` + fresh + `</text></add>` + change), changes: []string{">Ann<", ">new<", "true", "false"}},
		{name: "only its status", patch: xmlPatch(change + `<replace sel="Patient/text/status/@value">additional</replace>`), changes: []string{dropped, "", "true", "false"}, issue: "dropped"},
		{name: "removed", patch: xmlPatch(change + `<remove sel="Patient/text"/>`), changes: []string{dropped, "", "true", "false"}},
		{name: "something in it removed", in: strings.Replace(example, "Ann", "Ann<p>x</p>", 1), patch: xmlPatch(change + `<remove sel="Patient/text/h:div/h:p"/>`), changes: []string{"<p>x</p>", "", "true", "false"}},
		{
			name: "what is not touched stays as it is", in: strings.Replace(example, "Ann", `Ann <![CDATA[&]]> &#160;<br></br><br/>`, 1),
			patch:   xmlPatch(`<replace sel="Patient/meta/tag/code/@value">u</replace>`),
			changes: []string{`"code":"t"`, `"code":"u"`},
		},
	}, readXML)
}

func FuzzXML(f *testing.F) {
	for _, patch := range []string{
		`<add sel="f:Patient"><name><text value="x"/></name></add>`,
		`<add sel="Patient/name[1]/given[2]" pos="after"><given value="X"/></add><remove sel="Patient/name[2]" ws="both"/>`,
		`<replace sel="Patient/text/h:div/text()[1]">new</replace><replace sel="Patient/active/@value">false</replace>`,
		`<remove sel="Patient/identifier[system/@value='urn:b']"/><add sel="Patient/name[2]" type="@id">n</add>`,
		`<add sel="Patient" type="namespace::x">urn:x</add><replace sel="*/namespace::x">urn:y</replace><remove sel="*/namespace::x"/>`,
		`<add sel="Patient/text/h:div"><p xmlns="http://www.w3.org/1999/xhtml" xml:lang="de">&lt;<!-- y --></p></add><remove sel="*/text/*/*/comment()[1]"/>`,
	} {
		f.Add([]byte(xmlPatch(patch)))
	}
	fuzz(f, XML)
}
