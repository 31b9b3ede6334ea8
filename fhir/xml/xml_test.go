package xml

import (
	"errors"
	"strings"
	"testing"

	"fhirside/fhir"
)

const patientTag = `<Patient xmlns="http://hl7.org/fhir">`

// What XML says and what JSON says, by the content of a Patient.
var pairs = []struct{ name, xml, json string }{
	{"nothing", ``, ``},
	{"a string", `<birthDate value="1970-03"/>`, `,"birthDate":"1970-03"`},
	{"a boolean", `<active value="true"/>`, `,"active":true`},
	{"an integer", `<multipleBirthInteger value="2"/>`, `,"multipleBirthInteger":2`},
	{"characters", `<name><text value="&lt;&amp;&quot;'>é😀&#10;&#9;&#13;"/></name>`, `,"name":[{"text":"<&\"'>é😀\n\t\r"}]`},
	{"an array of one", `<name><given value="A"/></name>`, `,"name":[{"given":["A"]}]`},
	{"arrays", `<name><given value="A"/><given value="B"/></name><name><family value="F"/></name>`, `,"name":[{"given":["A","B"]},{"family":"F"}]`},
	{"an id", `<name id="n1"><family value="F"/></name>`, `,"name":[{"id":"n1","family":"F"}]`},
	{
		"a primitive with an extension", `<birthDate id="b" value="1970"><extension url="http://e"><valueTime value="10:00:00"/></extension></birthDate>`,
		`,"birthDate":"1970","_birthDate":{"id":"b","extension":[{"url":"http://e","valueTime":"10:00:00"}]}`,
	},
	{
		"a primitive with nothing but an extension", `<birthDate><extension url="http://e"><valueCode value="c"/></extension></birthDate>`,
		`,"_birthDate":{"extension":[{"url":"http://e","valueCode":"c"}]}`,
	},
	{
		"an array with holes",
		`<name><given value="A"/><given><extension url="http://e"><valueCode value="c"/></extension></given><given value="B" id="x"/><given value="C"/></name>`,
		`,"name":[{"given":["A",null,"B","C"],"_given":[null,{"extension":[{"url":"http://e","valueCode":"c"}]},{"id":"x"},null]}]`,
	},
	{
		"an array of extensions", `<name><given id="x"/><given id="y"/></name>`,
		`,"name":[{"_given":[{"id":"x"},{"id":"y"}]}]`,
	},
	{
		"decimals keep their text",
		`<extension url="http://a"><valueDecimal value="1.00"/></extension><extension url="http://b"><valueDecimal value="1e2"/></extension><extension url="http://c"><valueDecimal value="-0.0E-10"/></extension>`,
		`,"extension":[{"url":"http://a","valueDecimal":1.00},{"url":"http://b","valueDecimal":1e2},{"url":"http://c","valueDecimal":-0.0E-10}]`,
	},
	{
		"an extension in an extension", `<extension url="http://a"><extension url="b"><valueReference><reference value="#o"/></valueReference></extension></extension>`,
		`,"extension":[{"url":"http://a","extension":[{"url":"b","valueReference":{"reference":"#o"}}]}]`,
	},
	{
		"contained resources",
		`<contained><Organization><id value="o"/></Organization></contained><contained><Basic><id value="b"/></Basic></contained>`,
		`,"contained":[{"resourceType":"Organization","id":"o"},{"resourceType":"Basic","id":"b"}]`,
	},
	{
		"the narrative",
		`<text><status value="generated"/><div xmlns="http://www.w3.org/1999/xhtml"><p class='a'>1 &lt; 2&#160;<br/> <!-- kept --><br></br></p></div></text>`,
		`,"text":{"status":"generated","div":"<div xmlns=\"http://www.w3.org/1999/xhtml\"><p class='a'>1 &lt; 2&#160;<br/> <!-- kept --><br></br></p></div>"}`,
	},
}

func TestPairs(t *testing.T) {
	for _, c := range pairs {
		t.Run(c.name, func(t *testing.T) {
			document := strings.Replace(patientTag, ">", "/>", 1)
			if c.xml != "" {
				document = patientTag + c.xml + "</Patient>"
			}
			json := `{"resourceType":"Patient"` + c.json + `}`
			r, err := Decode([]byte(document))
			if err != nil {
				t.Fatal(err)
			}
			if string(r.Bytes()) != json {
				t.Errorf("got  %s\nwant %s", r.Bytes(), json)
			}
			text, err := Encode(r, false)
			if err != nil {
				t.Fatal(err)
			}
			// Ids and urls are written before values; nothing else in the pairs is written otherwise than it was read.
			if got := strings.TrimPrefix(string(text), `<?xml version="1.0" encoding="UTF-8"?>`); len(got) != len(document) {
				t.Errorf("got  %s\nwant %s", got, document)
			}
			roundTrip(t, c.name, r, true)
		})
	}
}

// What may be written in more than one way.
func TestDecodeTolerates(t *testing.T) {
	want := `{"resourceType":"Patient","text":{"status":"generated","div":"<div xmlns=\"http://www.w3.org/1999/xhtml\">a &amp; b</div>"},"active":true,"name":[{"text":"a b"}]}`
	for _, c := range []struct{ name, in string }{
		{"a byte order mark and a declaration", "\ufeff<?xml version='1.0' encoding='utf-8'?>\r\n" + patientTag +
			`<text><status value="generated"/><div xmlns="http://www.w3.org/1999/xhtml">a &amp; b</div></text><active value="true"/><name><text value="a b"/></name></Patient>`},
		{"comments, processing instructions and white space", "<!-- x --><?y z?>" + patientTag + `
			<text><!-- x --><status value="generated"></status><?y z?>
			<div xmlns="http://www.w3.org/1999/xhtml">a &amp; b</div></text>
			<active value="true"> <!-- y --> </active> <name> <text value="a b"/> </name> </Patient><!-- z --><?z?>`},
		{"white space around a value that is no string", patientTag +
			`<text><status value=" generated"/><div xmlns="http://www.w3.org/1999/xhtml">a &amp; b</div></text><active value=" true "/><name><text value="a b"/></name></Patient>`},
		{"line ends in attributes are spaces", patientTag +
			"<text><status value='generated'/><div xmlns='http://www.w3.org/1999/xhtml'>a &amp; b</div></text><active value='true'/><name><text value='a\r\nb'/></name></Patient>"},
		{"prefixes", `<f:Patient xmlns:f="http://hl7.org/fhir" xmlns:h="http://www.w3.org/1999/xhtml">` +
			`<f:text><f:status value="generated"/><h:div>a &amp;<!-- x --> b</h:div></f:text><f:active value="true"/><f:name><f:text value="a b"/></f:name></f:Patient>`},
		{"XHTML as the default", `<f:Patient xmlns:f="http://hl7.org/fhir" xmlns="http://www.w3.org/1999/xhtml">` +
			`<f:text><f:status value="generated"/><div><![CDATA[a & b]]></div></f:text><f:active value="true"/><f:name><f:text value="a b"/></f:name></f:Patient>`},
	} {
		t.Run(c.name, func(t *testing.T) {
			r, err := Decode([]byte(c.in))
			if err != nil {
				t.Fatal(err)
			}
			got := strings.ReplaceAll(string(r.Bytes()), `xmlns='http://www.w3.org/1999/xhtml'`, `xmlns=\"http://www.w3.org/1999/xhtml\"`)
			if got != want {
				t.Errorf("got  %s\nwant %s", got, want)
			}
		})
	}
}

func TestDecodeRefuses(t *testing.T) {
	inside := func(content string) string { return patientTag + "\n" + content + "</Patient>" }
	for _, c := range []struct{ name, in, want string }{
		{"nothing", ``, "line 1, column 1: there is no element"},
		{"JSON", `{"resourceType":"Patient"}`, "line 1, column 1: there is text outside"},
		{"not UTF-8", inside("<!-- \xff -->"), "line 2, column 6: the text is not UTF-8"},
		{"UTF-16", "\xff\xfe<\x00P\x00", "line 1, column 1: the text is not UTF-8"},
		{"another encoding", `<?xml version="1.0" encoding="ISO-8859-1"?>` + inside(""), `the encoding is "ISO-8859-1"`},
		{"XML 1.1", `<?xml version="1.1"?>` + inside(""), "version"},
		{"a late declaration", ` <?xml version="1.0"?>` + inside(""), "line 1, column 2: the XML declaration stands"},
		{"a document type", `<!DOCTYPE Patient>` + inside(""), "line 1, column 1: document types and entities are not allowed"},
		{
			"an external entity", `<!DOCTYPE P [<!ENTITY x SYSTEM "file:///etc/passwd">]>` + inside(`<birthDate value="&x;"/>`),
			"line 1, column 1: document types and entities are not allowed",
		},
		{"an entity", inside(`<birthDate value="&x;"/>`), "line 2, column"},
		{"an entity of HTML", inside(`<text><status value="empty"/><div xmlns="http://www.w3.org/1999/xhtml">&nbsp;</div></text>`), "&nbsp;"},
		{"cut off", patientTag + "<name>", "line 1, column 44: the document ends before </name>"},
		{"crossed tags", inside(`<name></Patient></name>`), "line 2, column 7: </Patient> stands where </name> is due"},
		{"an attribute without quotes", inside(`<active value=true/>`), "line 2"},
		{"an attribute twice", inside(`<active value="true" value="false"/>`), "line 2, column 1: the attribute value occurs twice"},
		{"two roots", inside("") + inside(""), "line 2, column 11: <Patient> stands behind the root"},
		{"text behind the root", inside("") + "x", "there is text outside"},
		{"an undeclared prefix", inside(`<f:active value="true"/>`), "the namespace prefix f is not declared"},
		{"no namespace", `<Patient/>`, "line 1, column 1: <Patient> is in no namespace"},
		{"another namespace", inside(`<active xmlns="urn:x" value="true"/>`), "line 2, column 1: <active> is in the namespace urn:x"},
		{"an unknown resource", `<Dog xmlns="http://hl7.org/fhir"/>`, "R4 has no resource type Dog"},
		{"a data type as resource", `<HumanName xmlns="http://hl7.org/fhir"/>`, "R4 has no resource type HumanName"},
		{"an abstract resource", `<DomainResource xmlns="http://hl7.org/fhir"/>`, "R4 has no resource type DomainResource"},
		{"an attribute of a resource", `<Patient xmlns="http://hl7.org/fhir" id="x"/>`, "<Patient> has no attribute id"},
		{"the schema", `<Patient xmlns="http://hl7.org/fhir" xmlns:xsi="urn:x" xsi:schemaLocation="y"/>`, "no attribute xsi:schemaLocation"},
		{"an unknown element", inside(`<colour value="red"/>`), "line 2, column 1: Patient has no element <colour>"},
		{"an unknown element deep inside", inside(`<contact><name><colour value="red"/></name></contact>`), "line 2, column 16: HumanName has no element <colour>"},
		{"a choice without its type", inside(`<deceased value="true"/>`), "Patient has no element <deceased>"},
		{"a choice of another type", inside(`<deceasedString value="true"/>`), "Patient has no element <deceasedString>"},
		{"the companion of JSON", inside(`<_birthDate id="x"/>`), "Patient has no element <_birthDate>"},
		{"an attribute as element", inside(`<name><id value="x"/></name>`), "HumanName has no element <id>"},
		{"an unknown attribute", inside(`<name use="official"/>`), "<name> has no attribute use"},
		{"an unknown attribute of a primitive", inside(`<active val="true"/>`), "<active> has no attribute val"},
		{"an attribute in a namespace", inside(`<active xml:id="x" value="true"/>`), "<active> has no attribute xml:id"},
		{"text", inside(`<active value="true">yes</active>`), "line 2, column 22: text stands only in the narrative"},
		{"CDATA", inside(`<![CDATA[x]]>`), "text stands only in the narrative"},
		{"an element twice", inside(`<active value="true"/><active value="true"/>`), "line 2, column 23: <active> does not repeat"},
		{"two types of a choice", inside(`<deceasedBoolean value="true"/><deceasedDateTime value="2000"/>`), "there may be only one deceased[x]"},
		{"a wrong order", inside(`<birthDate value="1970"/><active value="true"/>`), "line 2, column 26: <active> must stand before <birthDate>"},
		{"a list in pieces", inside(`<name><text value="a"/></name><gender value="male"/><name><text value="b"/></name>`), "<name> must stand before <gender>"},
		{"an empty element", inside(`<name/>`), "line 2, column 1: <name> is empty"},
		{"an empty primitive", inside(`<active/>`), "<active> is empty"},
		{"an empty value", inside(`<birthDate value=""/>`), "the attribute value is empty"},
		{"a blank value", inside(`<birthDate value=" "/>`), "the value of <birthDate> is blank"},
		{"an empty id", inside(`<name id=""/>`), "the attribute id is empty"},
		{"no boolean", inside(`<active value="1"/>`), `<active> is true or false, not "1"`},
		{"a plus sign", inside(`<multipleBirthInteger value="+1"/>`), "is a number"},
		{"leading zeros", inside(`<multipleBirthInteger value="01"/>`), "is a number"},
		{"no digits", inside(`<multipleBirthInteger value="-"/>`), "is a number"},
		{"a point at the end", inside(`<multipleBirthInteger value="1."/>`), "is a number"},
		{"half an exponent", inside(`<multipleBirthInteger value="1e+"/>`), "is a number"},
		{"a word for a number", inside(`<multipleBirthInteger value="NaN"/>`), "is a number"},
		{"JSON in a number", inside(`<multipleBirthInteger value="1,&quot;x&quot;:2"/>`), "is a number"},
		{"the id of a resource with an extension", inside(`<id value="x"><extension url="y"><valueCode value="z"/></extension></id>`), "<id> has no elements inside"},
		{"no resource inside", inside(`<contained></contained>`), "<contained> holds a resource"},
		{"two resources inside", inside(`<contained><Basic/><Basic/></contained>`), "<contained> holds one resource"},
		{"an attribute of contained", inside(`<contained id="x"><Basic/></contained>`), "<contained> has no attribute id"},
		{"a narrative of FHIR", inside(`<text><status value="empty"/><div>x</div></text>`), "<div> is in the namespace http://hl7.org/fhir"},
		{"FHIR in the narrative", inside(`<text><status value="empty"/><div xmlns="http://www.w3.org/1999/xhtml"><p xmlns="http://hl7.org/fhir"/></div></text>`), "the narrative is XHTML"},
		{"prefixes in the narrative", inside(`<text><status value="empty"/><div xmlns="http://www.w3.org/1999/xhtml" xmlns:h="http://www.w3.org/1999/xhtml"><h:p/></div></text>`), "without prefixes"},
		{"too deep", inside(strings.Repeat(`<extension url="x">`, 33)), "more than 64 levels"},
		{"much too deep", inside(strings.Repeat(`<extension url="x">`, 100_000)), "more than 64 levels"},
		{"a control character", inside(`<birthDate value="&#1;"/>`), "illegal character"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := Decode([]byte(c.in))
			var e *fhir.Error
			if !errors.As(err, &e) || e.Reason != fhir.Invalid {
				t.Fatalf("got %v, want an *Error of reason Invalid", err)
			}
			if text := err.Error(); !strings.Contains(text, c.want) || !strings.HasPrefix(text, "XML, line ") || len(text) > 400 {
				t.Errorf("got %q, want it to contain %q", text, c.want)
			}
		})
	}
}

func TestEncodeRefuses(t *testing.T) {
	for _, c := range []struct{ name, in, want, at string }{
		{"an unknown type", `{"resourceType":"Dog"}`, "no resource type", ""},
		{"an unknown member", `{"resourceType":"Patient","contact":[{"gender":"male"},{"dog":1}]}`, `Patient.contact has no element "dog"`, "Patient.contact[1]"},
		{"the companion of a complex element", `{"resourceType":"Patient","_name":[{"id":"x"}]}`, `no element "_name"`, "Patient"},
		{"two types of a choice", `{"resourceType":"Patient","deceasedBoolean":true,"deceasedDateTime":"2000"}`, "only one deceased[x]", "Patient"},
		{"a number for a string", `{"resourceType":"Patient","birthDate":1970}`, "birthDate is a JSON string", "Patient.birthDate"},
		{"a string for a boolean", `{"resourceType":"Patient","active":"true"}`, "active is a JSON boolean", "Patient.active"},
		{"null", `{"resourceType":"Patient","active":null}`, "active is a JSON boolean", "Patient.active"},
		{"null in both arrays", `{"resourceType":"Patient","name":[{"given":["A",null],"_given":[null,null]}]}`, "neither a value nor an extension", "Patient.name[0].given[1]"},
		{"arrays of different lengths", `{"resourceType":"Patient","name":[{"given":["A"],"_given":[null,{"id":"x"}]}]}`, "different lengths", "Patient.name[0].given"},
		{"no array", `{"resourceType":"Patient","name":{"text":"x"}}`, "name may repeat", "Patient.name"},
		{"an empty array", `{"resourceType":"Patient","name":[]}`, "name may repeat", "Patient.name"},
		{"an empty object", `{"resourceType":"Patient","name":[{}]}`, "with content", "Patient.name[0]"},
		{"an empty companion", `{"resourceType":"Patient","_birthDate":{}}`, "_birthDate is an object", "Patient.birthDate"},
		{"an empty string", `{"resourceType":"Patient","birthDate":""}`, "not empty", "Patient.birthDate"},
		{"a number as id", `{"resourceType":"Patient","name":[{"id":1,"text":"x"}]}`, "id is a string", "Patient.name[0]"},
		{"a control character", `{"resourceType":"Patient","birthDate":"\u0001"}`, "U+0001", "Patient.birthDate"},
		{"a character that is none", `{"resourceType":"Patient","birthDate":"\ufffe"}`, "U+FFFE", "Patient.birthDate"},
		{"a contained thing", `{"resourceType":"Patient","contained":[{"id":"x"}]}`, "no resource type", "Patient.contained[0]"},
		{"a narrative that is broken", `{"resourceType":"Patient","text":{"div":"<div xmlns=\"http://www.w3.org/1999/xhtml\"><p></div>"}}`, "</div> stands where </p> is due", "Patient.text.div"},
		{"a narrative that ends early", `{"resourceType":"Patient","text":{"div":"<div xmlns=\"http://www.w3.org/1999/xhtml\"></div><id value=\"x\"/>"}}`, "behind the root", "Patient.text.div"},
		{"a narrative with an entity", `{"resourceType":"Patient","text":{"div":"<!DOCTYPE x [<!ENTITY y \"z\">]><div xmlns=\"http://www.w3.org/1999/xhtml\">&y;</div>"}}`, "document types", "Patient.text.div"},
		{"a narrative of something else", `{"resourceType":"Patient","text":{"div":"<div xmlns=\"http://hl7.org/fhir\"/>"}}`, "the narrative is XHTML", "Patient.text.div"},
		{"a narrative in no namespace", `{"resourceType":"Patient","text":{"div":"<div xmlns=\"\"/>"}}`, "a <div> of XHTML", "Patient.text.div"},
		{"a narrative that is no string", `{"resourceType":"Patient","text":{"div":true}}`, "JSON string", "Patient.text.div"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r, err := fhir.Parse([]byte(c.in))
			if err != nil {
				t.Fatal(err)
			}
			_, err = Encode(r, false)
			var e *fhir.Error
			if !errors.As(err, &e) || e.Reason != fhir.NotAcceptable {
				t.Fatalf("got %v, want an *Error of reason NotAcceptable", err)
			}
			if !strings.Contains(e.Issues[0].Diagnostics, c.want) || strings.Join(e.Issues[0].Expression, "") != c.at {
				t.Errorf("got %v, want %s (at %s)", err, c.want, c.at)
			}
		})
	}
}

func TestEncodeOrdersAndIndents(t *testing.T) {
	r, err := fhir.Parse([]byte(`{"resourceType":"Patient","active":true,"name":[{"given":["A"],"family":"F"}],"contained":[{"resourceType":"Basic","id":"b"}],` +
		`"text":{"div":" <div>x\r\n<br/></div> ","status":"generated"},"id":"p"}`))
	if err != nil {
		t.Fatal(err)
	}
	text, err := Encode(r, true)
	if err != nil {
		t.Fatal(err)
	}
	want := `<?xml version="1.0" encoding="UTF-8"?>
<Patient xmlns="http://hl7.org/fhir">
  <id value="p"/>
  <text>
    <status value="generated"/>
    <div xmlns="http://www.w3.org/1999/xhtml">x` + "\r" + `
<br/></div>
  </text>
  <contained>
    <Basic>
      <id value="b"/>
    </Basic>
  </contained>
  <active value="true"/>
  <name>
    <family value="F"/>
    <given value="A"/>
  </name>
</Patient>
`
	if string(text) != want {
		t.Errorf("got:\n%s", text)
	}
}

// A resource inside another one shares its memory, and is written by itself.
func TestEncodeInnerResource(t *testing.T) {
	r, err := fhir.Parse([]byte(`{"resourceType":"Bundle","entry":[{"resource":{"resourceType":"Basic","id":"b"}}]}`))
	if err != nil {
		t.Fatal(err)
	}
	text, err := Encode(r.Get("entry").Index(0).Get("resource").Resource(), false)
	if want := `<?xml version="1.0" encoding="UTF-8"?><Basic xmlns="http://hl7.org/fhir"><id value="b"/></Basic>`; err != nil || string(text) != want {
		t.Errorf("got %s, %v", text, err)
	}
}
