package validation

import (
	"fmt"
	"strings"
	"testing"

	"fhirside/fhir"
)

// patient is a Patient with these members; what begins with a brace is a resource of its own.
func patient(members string) string {
	if strings.HasPrefix(members, "{") {
		return members
	}
	return `{"resourceType":"Patient",` + members + `}`
}

func observation(members string) string {
	return `{"resourceType":"Observation","status":"final","code":{"text":"weight"},` + members + `}`
}

func narrative(div string) string {
	return `"text":{"status":"generated","div":` + string(fhir.Quote(div)) + `}`
}

func div(content string) string {
	return narrative(`<div xmlns="http://www.w3.org/1999/xhtml">` + content + `</div>`)
}

const (
	structure = "structure"
	required  = "required"
	value     = "value"
	codeWrong = "code-invalid"
	invariant = "invariant"
)

var badInputs = []struct {
	input      string // of a Patient
	expression string
	code       string
	says       string // a part of the diagnostics
}{
	// Members that are not there.
	{`"brithDate":"2020-01-01"`, "Patient.brithDate", structure, "did you mean birthDate?"},
	{`"Gender":"male"`, "Patient.Gender", structure, "did you mean gender?"},
	{`"completely":{"else":1}`, "Patient.completely", structure, `Patient has no element "completely"`},
	{`"name":[{"familyName":"X"}]`, "Patient.name[0].familyName", structure, `HumanName has no element "familyName"`},
	{`"contact":[{"nam":{"family":"X"}}]`, "Patient.contact[0].nam", structure, "Patient.contact has no element"},
	{`"deceased":true`, "Patient.deceased", structure, "deceasedBoolean or deceasedDateTime"},
	{`"deceasedString":"yes"`, "Patient.deceasedString", structure, `no element "deceasedString"`},
	{observation(`"value":{"value":1}`), "Observation.value", structure, "valueQuantity"},
	{`"_name":[{"id":"a"}]`, "Patient._name", structure, "only primitives have a member with _"},
	{`"_id":{"extension":[{"url":"http://x.y","valueCode":"a"}]}`, "Patient._id", structure, "id has no extensions"},
	{`"extension":[{"url":"http://x.y","_url":{"id":"a"},"valueCode":"a"}]`, "Patient.extension[0]._url", structure, "url has no extensions"},
	{`"name":[{"resourceType":"HumanName","family":"X"}]`, "Patient.name[0].resourceType", structure, `no element "resourceType"`},
	{`"odd name\n":1`, "Patient", structure, `odd name\n`},
	{`"` + strings.Repeat("x", 300) + `":1`, "Patient", structure, strings.Repeat("x", 80) + "…"},

	// Wrong JSON types.
	{`"birthDate":20200101`, "Patient.birthDate", structure, "birthDate is of type date: a JSON string, not a number"},
	{`"active":"true"`, "Patient.active", structure, "active is of type boolean: a JSON boolean, not a string"},
	{`"multipleBirthInteger":"2"`, "Patient.multipleBirth", structure, "a JSON number, not a string"},
	{observation(`"valueQuantity":{"value":"1.5"}`), "Observation.value.value", structure, "of type decimal: a JSON number, not a string"},
	{`"maritalStatus":"M"`, "Patient.maritalStatus", structure, "of type CodeableConcept: a JSON object, not a string"},
	{`"name":{"family":"X"}`, "Patient.name", structure, "name may repeat: it is an array"},
	{`"name":["X"]`, "Patient.name[0]", structure, "a JSON object, not a string"},
	{`"name":[{"given":"X"}]`, "Patient.name[0].given", structure, "given may repeat"},
	{`"name":[{"given":[["X"]]}]`, "Patient.name[0].given[0]", structure, "a JSON string, not an array"},
	{`"birthDate":["2020-01-01"]`, "Patient.birthDate", structure, "birthDate does not repeat"},
	{`"maritalStatus":[{"text":"M"}]`, "Patient.maritalStatus", structure, "maritalStatus does not repeat"},
	{`"_birthDate":"x"`, "Patient.birthDate", structure, "_birthDate holds the id and extensions of birthDate: a JSON object, not a string"},
	{`"name":[{"_given":{"id":"a"}}]`, "Patient.name[0].given", structure, "_given may repeat"},
	{`"birthDate":"2020-01-01","_birthDate":[{"id":"a"}]`, "Patient.birthDate", structure, "_birthDate does not repeat"},

	// Null and nothing.
	{`"birthDate":null`, "Patient.birthDate", structure, "birthDate is null: leave it out"},
	{`"birthDate":null,"_birthDate":{"extension":[{"url":"http://x.y","valueCode":"a"}]}`, "Patient.birthDate", structure, "is null"},
	{`"maritalStatus":null`, "Patient.maritalStatus", structure, "is null"},
	{`"name":null`, "Patient.name", structure, "it is an array"},
	{`"name":[null]`, "Patient.name[0]", structure, "a JSON object, not null"},
	{`"name":[{"given":[null,"B"]}]`, "Patient.name[0].given[0]", structure, "null stands only where _given has an object at the same place"},
	{`"name":[{"given":[null],"_given":[null]}]`, "Patient.name[0].given[0]", structure, "null stands only where given has a value"},
	{`"name":[{"_given":[null]}]`, "Patient.name[0].given[0]", structure, "null stands only where given has a value"},
	{`"name":[{"given":["A","B"],"_given":[{"id":"a"}]}]`, "Patient.name[0].given", structure, "given has 2 items and _given has 1"},
	{`"name":[]`, "Patient.name", structure, "name is an empty array: leave it out"},
	{`"name":[{"given":[]}]`, "Patient.name[0].given", structure, "given is an empty array"},
	{`"name":[{}]`, "Patient.name[0]", structure, "an empty object"},
	{`"maritalStatus":{}`, "Patient.maritalStatus", structure, "an empty object"},
	{`"birthDate":"2020-01-01","_birthDate":{}`, "Patient.birthDate", structure, "an empty object"},
	{`"birthDate":""`, "Patient.birthDate", value, "birthDate is an empty string: leave it out"},
	{`"name":[{"family":""}]`, "Patient.name[0].family", value, "an empty string"},
	{`"name":[{"family":" \n"}]`, "Patient.name[0].family", value, "something visible"},
	{`"name":[{"id":"a"}]`, "Patient.name[0]", invariant, "ele-1"},
	{`"_birthDate":{"id":"a"}`, "Patient.birthDate", invariant, "ele-1"},

	// Cardinality.
	{`{"resourceType":"Observation","code":{"text":"x"}}`, "Observation.status", required, "Observation must have status"},
	{`{"resourceType":"Observation","status":"final"}`, "Observation.code", required, "Observation must have code"},
	{`"link":[{"type":"seealso"}]`, "Patient.link[0].other", required, "Patient.link must have other"},
	{`"communication":[{"preferred":true}]`, "Patient.communication[0].language", required, "must have language"},
	{`{"resourceType":"MedicationRequest","status":"active","intent":"order","subject":{"reference":"Patient/1"}}`, "MedicationRequest.medication", required,
		"medicationCodeableConcept or medicationReference"},
	{`"text":{"status":"generated"}`, "Patient.text.div", required, "Narrative must have div"},
	{`"deceasedBoolean":true,"deceasedDateTime":"2020"`, "Patient.deceased", structure, "both deceasedBoolean and deceasedDateTime are given"},
	{`"deceasedBoolean":true,"_deceasedDateTime":{"extension":[{"url":"http://x.y","valueCode":"a"}]}`, "Patient.deceased", structure, "only one deceased[x]"},

	// Primitives.
	{`"id":"a_b"`, "Patient.id", value, `"a_b" is not a valid id: write 1 to 64`},
	{`"id":"` + strings.Repeat("x", 65) + `"`, "Patient.id", value, "1 to 64"},
	{`"name":[{"id":"a b","family":"X"}]`, "Patient.name[0].id", value, "without white space"},
	{`"meta":{"versionId":"a b"}`, "Patient.meta.versionId", value, "not a valid id"},
	{`"implicitRules":"http://x y"`, "Patient.implicitRules", value, "a URI without white space"},
	{`"photo":[{"url":"a\tb"}]`, "Patient.photo[0].url", value, "a URL without white space"},
	{`"meta":{"profile":["http://x y"]}`, "Patient.meta.profile[0]", value, "not a valid canonical"},
	{`"extension":[{"url":"http://x.y","valueOid":"urn:oid:3.1"}]`, "Patient.extension[0].value", value, "not a valid oid"},
	{`"extension":[{"url":"http://x.y","valueOid":"urn:oid:1.02"}]`, "Patient.extension[0].value", value, "urn:oid:1.2.3.4.5"},
	{`"extension":[{"url":"http://x.y","valueOid":"urn:oid:1.2."}]`, "Patient.extension[0].value", value, "not a valid oid"},
	{`"extension":[{"url":"http://x.y","valueOid":"1.2.3"}]`, "Patient.extension[0].value", value, "not a valid oid"},
	{`"extension":[{"url":"http://x.y","valueUuid":"urn:uuid:C757873D-EC9A-4326-A141-556F43239520"}]`, "Patient.extension[0].value", value, "in lower case"},
	{`"extension":[{"url":"http://x.y","valueUuid":"c757873d-ec9a-4326-a141-556f43239520"}]`, "Patient.extension[0].value", value, "urn:uuid:"},
	{`"birthDate":"2020-02-30"`, "Patient.birthDate", value, "a date that exists"},
	{`"birthDate":"1.1.2020"`, "Patient.birthDate", value, `"1.1.2020" is not a valid date`},
	{`"birthDate":"2020-01-01T00:00:00Z"`, "Patient.birthDate", value, "YYYY-MM-DD"},
	{`"deceasedDateTime":"2020-01-01T10:00Z"`, "Patient.deceased", value, "YYYY-MM-DDThh:mm:ss with Z"},
	{`"deceasedDateTime":"2020-01-01T10:00:00"`, "Patient.deceased", value, "or a zone such as +01:00"},
	{`"deceasedDateTime":"2020-01-01T25:00:00Z"`, "Patient.deceased", value, "not a valid dateTime"},
	{`"meta":{"lastUpdated":"2020-01-01"}`, "Patient.meta.lastUpdated", value, "not a valid instant"},
	{`"meta":{"lastUpdated":"2020-01-01T10:00:00"}`, "Patient.meta.lastUpdated", value, "with Z or a zone"},
	{`"extension":[{"url":"http://x.y","valueTime":"10:00"}]`, "Patient.extension[0].value", value, "hh:mm:ss"},
	{`"extension":[{"url":"http://x.y","valueTime":"24:00:00"}]`, "Patient.extension[0].value", value, "from 00:00:00 to 23:59:59"},
	{`"extension":[{"url":"http://x.y","valueTime":"10:00:00."}]`, "Patient.extension[0].value", value, "not a valid time"},
	{`"gender":" male"`, "Patient.gender", value, "without spaces at either end"},
	{`"language":"de  CH"`, "Patient.language", value, "single spaces"},
	{`"language":"de\tCH"`, "Patient.language", value, "not a valid code"},
	{`"photo":[{"data":"YWJ"}]`, "Patient.photo[0].data", value, "base64 in groups of four"},
	{`"photo":[{"data":"YW=j"}]`, "Patient.photo[0].data", value, "not a valid base64Binary"},
	{`"photo":[{"data":"%%%%"}]`, "Patient.photo[0].data", value, "not a valid base64Binary"},
	{`"multipleBirthInteger":1.5`, "Patient.multipleBirth", value, "a whole number"},
	{`"multipleBirthInteger":1e2`, "Patient.multipleBirth", value, "a whole number"},
	{`"multipleBirthInteger":2147483648`, "Patient.multipleBirth", value, "to 2147483647"},
	{`"photo":[{"size":-1}]`, "Patient.photo[0].size", value, "from 0"},
	{`"telecom":[{"rank":0}]`, "Patient.telecom[0].rank", value, "from 1"},
	{`"name":[{"family":"a\u0001b"}]`, "Patient.name[0].family", value, "without control characters"},
	{`"name":[{"given":["A","B\bC"]}]`, "Patient.name[0].given[1]", value, "without control characters"},
	{`"name":[{"text":"` + strings.Repeat("ab", 1<<19) + `x"}]`, "Patient.name[0].text", value, "at most 1,048,576 characters"},
	{`{"resourceType":"Location","description":"x","name":"` + strings.Repeat(" ", 90) + `"}`, "Location.name", value, "…"},

	// Required bindings.
	{`"gender":"m"`, "Patient.gender", codeWrong, "use female, male, other or unknown of http://hl7.org/fhir/administrative-gender"},
	{`"name":[{"use":"Official"}]`, "Patient.name[0].use", codeWrong, "http://hl7.org/fhir/ValueSet/name-use"},
	{`{"resourceType":"SearchParameter","url":"http://x.y","name":"x","status":"active","description":"x","code":"x","base":["Patiant"],"type":"string"}`,
		"SearchParameter.base[0]", codeWrong, "did you mean Patient?"},
	{`{"resourceType":"AllergyIntolerance","patient":{"reference":"Patient/1"},"clinicalStatus":{"coding":[{"system":"http://x.y","code":"active"}]}}`,
		"AllergyIntolerance.clinicalStatus", codeWrong, "no coding (http://x.y|active) is in the value set"},
	{`{"resourceType":"AllergyIntolerance","patient":{"reference":"Patient/1"},"clinicalStatus":{"coding":[{"code":"active"}]}}`,
		"AllergyIntolerance.clinicalStatus", codeWrong, "of http://terminology.hl7.org/CodeSystem/allergyintolerance-clinical"},
	{`{"resourceType":"AllergyIntolerance","patient":{"reference":"Patient/1"},"clinicalStatus":{"text":"active"}}`,
		"AllergyIntolerance.clinicalStatus", codeWrong, "needs a coding of the value set"},

	// Resources in their places.
	{`{"resourceType":"Patiant"}`, "resourceType", structure, `no resource type "Patiant"; did you mean Patient?`},
	{`{"resourceType":"DomainResource"}`, "resourceType", structure, "no resource type"},
	{`{"resourceType":"HumanName"}`, "resourceType", structure, "no resource type"},
	{`{"resourceType":"Bundle","type":"collection","entry":[{"resource":{"id":"a"}}]}`, "Bundle.entry[0].resource", required, "must say its resourceType"},
	{`{"resourceType":"Bundle","type":"collection","entry":[{"resource":{"resourceType":5}}]}`, "Bundle.entry[0].resource", structure, "no resource type 5"},
	{`{"resourceType":"Bundle","type":"collection","entry":[{"resource":{"resourceType":"Patient","gender":"m"}}]}`,
		"Bundle.entry[0].resource.gender", codeWrong, "administrative-gender"},
	{`{"resourceType":"Parameters","parameter":[{"name":"x","part":[{"name":"y","resource":"z"}]}]}`, "Parameters.parameter[0].part[0].resource", structure,
		"of type Resource: a JSON object"},
	{`{"resourceType":"Binary","contentType":"text/plain","contained":[]}`, "Binary.contained", structure, "no element"},
	{`"contained":[{"resourceType":"Organization","name":"X"}]`, "Patient.contained[0].id", required, "must have an id"},
	{`"contained":[{"resourceType":"Organization","id":"a"},{"resourceType":"Organization","id":"a"}]`, "Patient.contained[1].id", invariant, `has the id "a" too`},
	{`"contained":[{"resourceType":"Organization","id":"a","contained":[{"resourceType":"Organization","id":"b"}]}]`,
		"Patient.contained[0].contained[0]", invariant, "dom-2"},
	{`"contained":{"resourceType":"Organization","id":"a"}`, "Patient.contained", structure, "it is an array"},

	// Extensions.
	{`"extension":[{"valueCode":"a"}]`, "Patient.extension[0].url", required, "Extension must have url"},
	{`"extension":[{"url":"http://x.y"}]`, "Patient.extension[0]", invariant, "a value or extensions inside (ext-1)"},
	{`"extension":[{"url":"http://x.y","valueCode":"a","extension":[{"url":"b","valueCode":"c"}]}]`, "Patient.extension[0]", invariant, "not both (ext-1)"},
	{`"extension":[{"url":"http://x.y","valueCode":"a","valueString":"a"}]`, "Patient.extension[0].value", structure, "both valueCode and valueString"},
	{`"extension":[{"url":"http://x.y","value":"a"}]`, "Patient.extension[0].value", structure, "its name includes its type"},
	{`"birthDate":"2020","_birthDate":{"extension":[{"url":"http://x.y"}]}`, "Patient.birthDate.extension[0]", invariant, "ext-1"},
	{`"name":[{"given":["A"],"_given":[{"extension":[{"url":"http://x.y","valueCode":5}]}]}]`, "Patient.name[0].given[0].extension[0].value", structure, "code"},

	// References.
	{`"managingOrganization":{"reference":"Patient/1"}`, "Patient.managingOrganization.reference", value, "cannot refer to a Patient: it refers to Organization"},
	{`"managingOrganization":{"reference":"Organisation/1"}`, "Patient.managingOrganization.reference", value, "did you mean Organization?"},
	{`"managingOrganization":{"reference":"1"}`, "Patient.managingOrganization.reference", value, "write Type/id"},
	{`"managingOrganization":{"reference":"Organization/a_b"}`, "Patient.managingOrganization.reference", value, "is no reference"},
	{`"managingOrganization":{"reference":"/Organization/1"}`, "Patient.managingOrganization.reference", value, "is no reference"},
	{`"managingOrganization":{"reference":"Patient?identifier=x"}`, "Patient.managingOrganization.reference", value, "cannot refer to a Patient"},
	{`"managingOrganization":{"reference":"Organization/1/_history/a b"}`, "Patient.managingOrganization.reference", value, "is no reference"},
	{`"managingOrganization":{"type":"Patient","display":"x"}`, "Patient.managingOrganization.type", value, "cannot refer to a Patient"},
	{`"generalPractitioner":[{"type":"Organization","reference":"Practitioner/1"}]`, "Patient.generalPractitioner[0].reference", value, "is no Organization"},
	{`"managingOrganization":{"reference":"#a"}`, "Patient.managingOrganization.reference", invariant, `no contained resource with the id "a" (ref-1)`},
	{`"managingOrganization":{"reference":"#"}`, "Patient.managingOrganization.reference", invariant, "ref-1"},
	{`{"resourceType":"Bundle","type":"collection","entry":[{"resource":{"resourceType":"Patient","contained":[{"resourceType":"Organization","id":"a"}]}},` +
		`{"resource":{"resourceType":"Patient","managingOrganization":{"reference":"#a"}}}]}`, "Bundle.entry[1].resource.managingOrganization.reference", invariant, "ref-1"},
	{`{"resourceType":"Questionnaire","status":"draft","item":[{"linkId":"1","type":"choice","answerValueSet":"#v"}]}`, "Questionnaire.item[0].answerValueSet", invariant, "ref-1"},

	// Narrative.
	{narrative(`<p xmlns="http://www.w3.org/1999/xhtml">x</p>`), "Patient.text.div", structure, "it begins with <div"},
	{narrative(`<div>x</div>`), "Patient.text.div", structure, `lacks xmlns="http://www.w3.org/1999/xhtml"`},
	{narrative(`<div xmlns="http://hl7.org/fhir">x</div>`), "Patient.text.div", structure, "xmlns is"},
	{narrative(`<divx xmlns="http://www.w3.org/1999/xhtml">x</divx>`), "Patient.text.div", invariant, "<divx>"},
	{narrative(`<div xmlns="http://www.w3.org/1999/xhtml">x</div><div/>`), "Patient.text.div", structure, "behind the </div>"},
	{narrative(`<div xmlns="http://www.w3.org/1999/xhtml">x`), "Patient.text.div", structure, "<div> is not closed"},
	{div(` <p> </p> `), "Patient.text.div", invariant, "txt-2"},
	{div(`<p>x</b>`), "Patient.text.div", structure, "</b> does not close"},
	{div(`<p>x`), "Patient.text.div", structure, "</div> does not close"},
	{div(`<br>x`), "Patient.text.div", structure, "</div> does not close"},
	{div(`a < b`), "Patient.text.div", structure, "write &lt; for <"},
	{div(`a & b`), "Patient.text.div", structure, "write &amp; for &"},
	{div(`a&nbsp;b`), "Patient.text.div", structure, "&#160;"},
	{div(`a&#0;b`), "Patient.text.div", structure, "is no character"},
	{div(`a&#xD800;b`), "Patient.text.div", structure, "is no character"},
	{div("a\x01b"), "Patient.text.div", structure, "a character that XML cannot hold"},
	{div("<p title='\uffff'>x</p>"), "Patient.text.div", structure, "a character that XML cannot hold"},
	{div(`a]]>b`), "Patient.text.div", structure, "]]&gt;"},
	{div(`<!-- a -- b -->x`), "Patient.text.div", structure, "a comment ends with"},
	{div(`<![CDATA[<script>]]>`), "Patient.text.div", invariant, "CDATA"},
	{narrative(`<?xml version="1.0"?><div xmlns="http://www.w3.org/1999/xhtml">x</div>`), "Patient.text.div", structure, "it begins with <div"},
	{div(`<?php x ?>`), "Patient.text.div", invariant, "processing instruction"},
	{div(`<script>alert(1)</script>`), "Patient.text.div", invariant, "<script>"},
	{div(`<P>x</P>`), "Patient.text.div", invariant, "<P>"},
	{div(`<form action="http://x.y">x</form>`), "Patient.text.div", invariant, "<form>"},
	{div(`<iframe src="http://x.y"/>x`), "Patient.text.div", invariant, "<iframe>"},
	{div(`<svg onload="x"/>`), "Patient.text.div", invariant, "<svg>"},
	{div(`<p onclick="x">x</p>`), "Patient.text.div", invariant, "the attribute onclick"},
	{div(`<img src="x" ONERROR="x"/>`), "Patient.text.div", invariant, "the attribute ONERROR"},
	{div(`<a href="javascript:x">x</a>`), "Patient.text.div", invariant, "a javascript: URL"},
	{div(`<a href=" jAva&#x9;script:x">x</a>`), "Patient.text.div", invariant, "a javascript: URL"},
	{div(`<a href="data:text/html,x">x</a>`), "Patient.text.div", invariant, "a data: URL"},
	{div(`<img src="data:text/html,x"/>`), "Patient.text.div", invariant, "a data: URL"},
	{div(`<p style="width: EXPRESSION(x)">x</p>`), "Patient.text.div", invariant, `a style with "expression("`},
	{div(`<p style="background: url(java&#115;cript:x)">x</p>`), "Patient.text.div", invariant, `a style with "javascript:"`},
	{div(`<p class=x>x</p>`), "Patient.text.div", structure, "not in quotes"},
	{div(`<p class>x</p>`), "Patient.text.div", structure, "has no value"},
	{div(`<p class="a" class="b">x</p>`), "Patient.text.div", structure, "occurs twice"},
	{div(`<p class="a"id="b">x</p>`), "Patient.text.div", structure, "no space before an attribute"},
	{div(`<p class="<">x</p>`), "Patient.text.div", structure, "write &lt; for < in the attribute class"},
	{`"text":{"status":"generated","_div":{"id":"a"},"div":"<div xmlns='http://www.w3.org/1999/xhtml'>x</div>"}`, "Patient.text._div", structure, "div has no extensions"},
}

func TestBadInputs(t *testing.T) {
	for _, c := range badInputs {
		input := patient(c.input)
		t.Run(input[:min(len(input), 120)], func(t *testing.T) {
			issues := check(t, input)
			if len(issues) != 1 {
				t.Fatalf("%d issues: %v", len(issues), issues)
			}
			got := issues[0]
			if got.Severity != fhir.SeverityError || len(got.Expression) != 1 || got.Expression[0] != c.expression || got.Code.Code() != c.code {
				t.Errorf("%s at %v, want %s at %s", got.Code.Code(), got.Expression, c.code, c.expression)
			}
			if !strings.Contains(got.Diagnostics, c.says) {
				t.Errorf("says %q, want %q in it", got.Diagnostics, c.says)
			}
			if len(got.Diagnostics) > 500 {
				t.Errorf("%d characters are too many: %s", len(got.Diagnostics), got.Diagnostics)
			}
		})
	}
}

var goodInputs = []string{
	`"id":"a"`,
	`"id":"` + strings.Repeat("x", 64) + `"`,
	`"birthDate":"2020-02-29","_birthDate":{"id":"a"}`,
	`"_birthDate":{"extension":[{"url":"http://x.y","valueCode":"unknown"}]}`,
	`"name":[{"given":["A",null],"_given":[null,{"extension":[{"url":"http://x.y","valueCode":"masked"}]}]}]`,
	`"name":[{"_given":[{"extension":[{"url":"http://x.y","valueCode":"masked"}]}]}]`,
	`"deceasedBoolean":true,"_deceasedBoolean":{"id":"a"}`,
	`"_deceasedBoolean":{"id":"a"},"deceasedBoolean":true`,
	`"name":[{"family":"\"\\ \t\n ünïcode \u00a0"}]`,
	`"deceasedDateTime":"2020-12-31T23:59:60.123456789-13:30"`,
	`"meta":{"lastUpdated":"2020-01-01T10:00:00.000Z","profile":["http://x.y|1.0"]}`,
	`"extension":[{"url":"http://x.y","valueOid":"urn:oid:2.16.840.0.1"},{"url":"http://x.y","valueUuid":"urn:uuid:c757873d-ec9a-4326-a141-556f43239520"}]`,
	`"extension":[{"url":"http://x.y","valueTime":"23:59:60"},{"url":"http://x.y","valueDecimal":-1.50e-3},{"url":"http://x.y","valueInteger":-2147483648}]`,
	`"extension":[{"url":"http://x.y","extension":[{"url":"a","valueCode":"single spaces \"inside\""}]}]`,
	`"extension":[{"url":"http://x.y","_valueDateTime":{"extension":[{"url":"http://x.z","valueCode":"unknown"}]}}]`,
	`"photo":[{"data":"YW Jj\n\tYQ==","contentType":"image/unheard-of","size":0}]`,
	`"contained":[{"resourceType":"Organization","id":"a","partOf":{"reference":"#b"}},{"resourceType":"Organization","id":"b"}],"managingOrganization":{"reference":"#a"}`,
	`{"resourceType":"Medication","contained":[{"resourceType":"Provenance","id":"p","target":[{"reference":"#"}],"recorded":"2020-01-01T00:00:00Z","agent":[{"who":{"display":"x"}}]}]}`,
	`"managingOrganization":{"reference":"http://elsewhere.org/Vehicle/1"}`,
	`"managingOrganization":{"reference":"urn:uuid:c757873d-ec9a-4326-a141-556f43239520"}`,
	`"managingOrganization":{"reference":"Organization/1/_history/2"}`,
	`"managingOrganization":{"reference":"Organization?identifier=http://x.y|1"}`,
	`"managingOrganization":{"identifier":{"value":"1"},"type":"Organization"}`,
	`{"resourceType":"Observation","_status":{"extension":[{"url":"http://x.y","valueCode":"masked"}]},"code":{"text":"x"}}`,
	`{"resourceType":"AllergyIntolerance","patient":{"reference":"Patient/1"},"clinicalStatus":{"coding":[{"system":"http://x.y","code":"z"},` +
		`{"system":"http://terminology.hl7.org/CodeSystem/allergyintolerance-clinical","code":"active"}]}}`,
	`{"resourceType":"Parameters","parameter":[{"name":"x","part":[{"name":"y","resource":{"resourceType":"Patient"}}]}]}`,
	`{"resourceType":"Parameters"}`,
	`{"id":"a","gender":"male","resourceType":"Patient"}`,
	div(`<!-- a - comment --><h1 class="x" id='y' style="color: red">A &amp; B&#160;&#xe4;</h1><br/><hr /><a href="#x">x</a><a name="z"/>`),
	div(`<img src="data:image/png;base64,YWJj" alt=""/>`),
	div(`<img src="#photo" alt="a photo"/>`),
	div(`<table border="1"><tbody><tr><td colspan="2" xml:lang="de">x</td></tr></tbody></table>`),
	narrative("\n <div\txmlns = 'http://www.w3.org/1999/xhtml'\n>x</div > \n"),
}

func TestGoodInputs(t *testing.T) {
	for _, input := range goodInputs {
		for _, issue := range check(t, patient(input)) {
			t.Errorf("%s\n%s at %v: %s", patient(input), issue.Code.Code(), issue.Expression, issue.Diagnostics)
		}
	}
}

func check(t testing.TB, input string) []fhir.Issue {
	r, err := fhir.Parse([]byte(input))
	if err != nil {
		t.Fatalf("%s: %v", input[:min(len(input), 200)], err)
	}
	return Structure(r)
}

// Several faults are all reported, in the order of the document, up to a limit.
func TestManyFaults(t *testing.T) {
	issues := check(t, `{"resourceType":"Patient","gender":"m","birthDate":"x","name":[{"given":["",""]}],"nope":1}`)
	var got []string
	for _, i := range issues {
		got = append(got, i.Expression[0])
	}
	if want := "Patient.gender Patient.birthDate Patient.name[0].given[0] Patient.name[0].given[1] Patient.nope"; strings.Join(got, " ") != want {
		t.Errorf("got %v, want %s", got, want)
	}
	for _, many := range []string{
		`"name":[` + strings.Repeat(`{"family":""},`, 200) + `{"family":""}]`,
		`"name":[{"given":[` + strings.Repeat(`"",`, 200) + `""]}]`,
		`"name":[{"given":[` + strings.Repeat(`null,`, 200) + `"A"],"_given":[` + strings.Repeat(`null,`, 200) + `null]}]`,
		manyMembers(200),
	} {
		if n := len(check(t, patient(many))); n != maxIssues {
			t.Errorf("%d issues for %s…, want %d", n, many[:20], maxIssues)
		}
	}
}

func manyMembers(n int) string {
	members := make([]string, n)
	for i := range members {
		members[i] = fmt.Sprintf(`"member%d":1`, i)
	}
	return strings.Join(members, ",")
}

// A resource inside another document is checked as one of its own.
func TestInnerResource(t *testing.T) {
	r, err := fhir.Parse([]byte(`{"resourceType":"Bundle","type":"batch","entry":[{"resource":{"resourceType":"Patient","gender":"m"}}]}`))
	if err != nil {
		t.Fatal(err)
	}
	issues := Structure(r.Get("entry").Index(0).Get("resource").Resource())
	if len(issues) != 1 || issues[0].Expression[0] != "Patient.gender" {
		t.Errorf("got %v", issues)
	}
}
