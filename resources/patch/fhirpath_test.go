package patch

import (
	"fmt"
	"strings"
	"testing"

	"fhirside/fhir"
)

// op is an operation: its type, then name and JSON of each part.
func op(kind string, parts ...string) string {
	list := []string{`{"name":"type","valueCode":"` + kind + `"}`}
	for i := 0; i < len(parts); i += 2 {
		content := parts[i+1]
		switch parts[i] {
		case "path", "name":
			content = `"valueString":` + string(fhir.Quote(content))
		case "index", "source", "destination":
			content = `"valueInteger":` + content
		}
		list = append(list, `{"name":"`+parts[i]+`",`+content+`}`)
	}
	return `{"name":"operation","part":[` + strings.Join(list, ",") + `]}`
}

func operationsOf(list ...string) string {
	return `{"resourceType":"Parameters","parameter":[` + strings.Join(list, ",") + `]}`
}

func readFHIRPath(text string) (*Patch, error) {
	r, err := fhir.Parse([]byte(text))
	if err != nil {
		return nil, err
	}
	return FHIRPath(r)
}

func TestFHIRPath(t *testing.T) {
	bare := strings.Replace(example, dropped, "", 1)
	value := func(json string) []string { return []string{"value", json} }
	one := func(kind, path string, parts ...string) string {
		return operationsOf(op(kind, append([]string{"path", path}, parts...)...))
	}
	add := func(path, name, json string) string {
		return one("add", path, append([]string{"name", name}, value(json)...)...)
	}
	replace := func(path, json string) string { return one("replace", path, value(json)...) }
	insert := func(path, index, json string) string {
		return one("insert", path, append([]string{"index", index}, value(json)...)...)
	}
	move := func(path, from, to string) string { return one("move", path, "source", from, "destination", to) }
	const given = `"given":["A","B","C"],"_given":[null,{"id":"b"},null]`
	cases := []patchCase{
		{name: "nothing", patch: `{"resourceType":"Parameters"}`},
		{name: "add in the order of the definition", patch: add("Patient", "gender", `"valueCode":"male"`), changes: []string{`"birthDate":"`, `"gender":"male","birthDate":"`}},
		{name: "add behind a primitive with extensions", patch: add("Patient", "address", `"valueAddress":{"city":"X"}`), changes: []string{`"contact"`, `"address":[{"city":"X"}],"contact"`}},
		{name: "add to a list", patch: add("Patient", "name", `"valueHumanName":{"text":"Z"}`), changes: []string{`{"text":"N"}`, `{"text":"N"},{"text":"Z"}`}},
		{name: "add to a list of primitives", patch: add("Patient.name[0]", "given", `"valueString":"D"`), changes: []string{given, `"given":["A","B","C","D"],"_given":[null,{"id":"b"},null,null]`}},
		{name: "add the first of a list", patch: add("Patient.name[1]", "given", `"valueString":"D","_valueString":{"id":"d"}`), changes: []string{`"text":"N"`, `"text":"N","given":["D"],"_given":[{"id":"d"}]`}},
		{name: "add a choice", patch: add("Patient", "multipleBirth", `"valueInteger":2`), changes: []string{`"contact"`, `"multipleBirthInteger":2,"contact"`}},
		{name: "add a choice by its type", patch: add("Patient", "multipleBirthInteger", `"valueInteger":2`), changes: []string{`"contact"`, `"multipleBirthInteger":2,"contact"`}},
		{name: "add a derived type", patch: add("Patient.contact[0].name", "family", `"valueCode":"x"`), changes: []string{`{"text":"C"}`, `{"text":"C","family":"x"}`}},
		{
			name: "add an anonymous type", patch: add("Patient", "contact", `"part":[{"name":"telecom","valueContactPoint":{"value":"1"}},{"name":"name","valueHumanName":{"text":"D"}},{"name":"telecom","valueContactPoint":{"value":"2"}}]`),
			changes: []string{`"gender":"male"}]}`, `"gender":"male"},{"name":{"text":"D"},"telecom":[{"value":"1"},{"value":"2"}]}]}`},
		},
		{
			name:    "add an extension",
			patch:   add("Patient.contact[0]", "extension", `"part":[{"name":"url","valueUri":"http://x"},{"name":"value","valueDecimal":2.50}]`),
			changes: []string{`"contact":[{`, `"contact":[{"extension":[{"url":"http://x","valueDecimal":2.50}],`},
		},
		{
			name:    "add an extension to a primitive that has one",
			patch:   add("Patient.birthDate", "extension", `"part":[{"name":"url","valueUri":"u"},{"name":"valueCode","valueCode":"c"}]`),
			changes: []string{`"valueString":"x"}`, `"valueString":"x"},{"url":"u","valueCode":"c"}`},
		},
		{
			name:    "add an extension to a primitive that has none",
			patch:   add("Patient.name[0].given[0]", "extension", `"part":[{"name":"url","valueUri":"u"},{"name":"value","valueCode":"c"}]`),
			changes: []string{`[null,{"id":"b"},null]`, `[{"extension":[{"url":"u","valueCode":"c"}]},{"id":"b"},null]`},
		},
		{
			name:    "add an extension to a primitive whose list has none",
			patch:   add("Patient.contact.gender", "extension", `"part":[{"name":"url","valueUri":"u"},{"name":"value","valueCode":"c"}]`),
			changes: []string{`"gender":"male"`, `"gender":"male","_gender":{"extension":[{"url":"u","valueCode":"c"}]}`},
		},
		{name: "add a contained resource", patch: add("Patient", "contained", `"resource":{"resourceType":"Basic","id":"x"}`), changes: []string{`"name":"Org"}`, `"name":"Org"},{"resourceType":"Basic","id":"x"}`}},
		{name: "add to a contained resource", patch: add("Patient.contained[0]", "alias", `"valueString":"y"`), changes: []string{`"name":"Org"`, `"name":"Org","alias":["y"]`}},

		{name: "insert", patch: insert("Patient.name[0].given", "1", `"valueString":"X"`), changes: []string{given, `"given":["A","X","B","C"],"_given":[null,null,{"id":"b"},null]`}},
		{name: "insert at the end", patch: insert("Patient.identifier", "2", `"valueIdentifier":{"value":"3"}`), changes: []string{`"value":"2"}`, `"value":"2"},{"value":"3"}`}},
		{name: "insert into nothing", patch: insert("Patient.name[1].given", "0", `"valueString":"X"`), changes: []string{`"text":"N"`, `"text":"N","given":["X"]`}},
		{name: "insert an extension into a primitive", patch: insert("Patient.contact[0].gender.extension", "0", `"part":[{"name":"url","valueUri":"u"}]`), changes: []string{`"gender":"male"`, `"gender":"male","_gender":{"extension":[{"url":"u"}]}`}},

		{name: "delete a primitive with all that is in it", patch: one("delete", "Patient.birthDate"), changes: []string{`"birthDate":"1970-01-01","_birthDate":{"extension":[{"url":"http://t","valueString":"x"}]},`, ""}},
		{name: "delete an item", patch: one("delete", "Patient.name[0].given[0]"), changes: []string{given, `"given":["B","C"],"_given":[{"id":"b"},null]`}},
		{name: "delete an item and its companion", patch: one("delete", "Patient.name[0].given[1]"), changes: []string{given, `"given":["A","C"]`}},
		{name: "delete by a condition", patch: one("delete", "Patient.identifier.where(system = 'urn:a')"), changes: []string{`{"system":"urn:a","value":"1"},`, ""}},
		{name: "delete the last item", patch: one("delete", "Patient.contact"), changes: []string{`,"contact":[{"name":{"text":"C"},"gender":"male"}]`, ""}},
		{name: "delete what leaves nothing around it", patch: one("delete", "Patient.name[1].text"), changes: []string{`,{"text":"N"}`, ""}},
		{name: "delete the last extension of a primitive", patch: one("delete", "Patient.birthDate.extension[0]"), changes: []string{`,"_birthDate":{"extension":[{"url":"http://t","valueString":"x"}]}`, ""}},
		{
			name: "delete what is left of a primitive", in: `{"resourceType":"Patient","name":[{"_family":{"extension":[{"url":"u"}]}}],"active":true}`,
			patch: one("delete", "Patient.name.family.extension"), out: `{"resourceType":"Patient","active":true}`,
		},
		{name: "delete what is not there", patch: one("delete", "Patient.maritalStatus")},
		{name: "delete in a contained resource", patch: one("delete", "Patient.managingOrganization.resolve().name | Patient.contained.where(id = 'o').name"), changes: []string{`,"name":"Org"`, ""}},

		{name: "replace a primitive and its extensions", patch: replace("Patient.birthDate", `"valueDate":"1980"`), changes: []string{`"1970-01-01","_birthDate":{"extension":[{"url":"http://t","valueString":"x"}]}`, `"1980"`}},
		{name: "replace an item", patch: replace("Patient.name[0].given[1]", `"valueString":"X"`), changes: []string{given, `"given":["A","X","C"]`}},
		{name: "replace a choice", patch: replace("Patient.deceased", `"valueDateTime":"2020"`), changes: []string{`"deceasedBoolean":false`, `"deceasedDateTime":"2020"`}},
		{name: "replace keeps number text", patch: replace("Patient.extension[1].value", `"valueDecimal":2.50`), changes: []string{"1e2", "2.50"}},
		{name: "replace an anonymous type", patch: replace("Patient.contact[0]", `"part":[{"name":"gender","valueCode":"female"}]`), changes: []string{`{"name":{"text":"C"},"gender":"male"}`, `{"gender":"female"}`}},

		{name: "move", patch: move("Patient.name[0].given", "1", "0"), changes: []string{given, `"given":["B","A","C"],"_given":[{"id":"b"},null,null]`}},
		{name: "move to where it is", patch: move("Patient.name", "1", "1")},
		{name: "operations see what the ones before did", patch: operationsOf(op("delete", "path", "Patient.name[0]"), op("delete", "path", "Patient.name[0].text")), changes: []string{`"name":[{"family":"F",` + given + `},{"text":"N"}],`, ""}},

		{name: "nothing to add to", patch: add("Patient.maritalStatus", "text", `"valueString":"x"`), reason: fhir.Unprocessable, want: "operation 1 (add) of the patch: there is nothing at Patient.maritalStatus", at: "Patient.maritalStatus"},
		{name: "several to add to", patch: add("Patient.name", "text", `"valueString":"x"`), reason: fhir.Unprocessable, want: "leads to 2 elements"},
		{name: "there already", patch: add("Patient", "birthDate", `"valueDate":"1980"`), reason: fhir.Unprocessable, want: "there is a birthDate already"},
		{name: "another type of a choice there already", patch: add("Patient", "deceased", `"valueDateTime":"1980"`), reason: fhir.Unprocessable, want: "there is a deceased already"},
		{name: "no such element", patch: add("Patient", "colour", `"valueString":"x"`), reason: fhir.Unprocessable, want: `Patient has no element "colour"`},
		{name: "a wrong type", patch: add("Patient", "gender", `"valueString":"male"`), reason: fhir.Unprocessable, want: "gender is of type code, and the value given is string"},
		{name: "a wrong type of a choice", patch: replace("Patient.deceased", `"valueString":"x"`), reason: fhir.Unprocessable, want: "deceased is of type boolean or dateTime"},
		{name: "a wrong type of a choice that is named", patch: add("Patient", "multipleBirthBoolean", `"valueInteger":2`), reason: fhir.Unprocessable, want: "multipleBirth is of type boolean"},
		{name: "a value for an anonymous type", patch: add("Patient", "contact", `"valueHumanName":{}`), reason: fhir.Unprocessable, want: "an element with parts of its own"},
		{name: "a resource for an element", patch: add("Patient", "contact", `"resource":{"resourceType":"Basic"}`), reason: fhir.Unprocessable, want: "the value given is a resource"},
		{name: "parts for a primitive", patch: add("Patient", "gender", `"part":[{"name":"value","valueCode":"male"}]`), reason: fhir.Unprocessable, want: "made of parts"},
		{name: "parts for an open type", patch: add("Patient", "multipleBirth", `"part":[]`), reason: fhir.Invalid, want: "name the one that the parts make, as in multipleBirthBoolean"},
		{name: "a wrong part", patch: add("Patient", "contact", `"part":[{"name":"colour","valueCode":"x"}]`), reason: fhir.Unprocessable, want: `Patient.contact has no element "colour"`},
		{name: "a part of a wrong type", patch: add("Patient", "contact", `"part":[{"name":"gender","valueBoolean":true}]`), reason: fhir.Unprocessable, want: "gender is of type code"},
		{name: "a part twice", patch: add("Patient", "contact", `"part":[{"name":"gender","valueCode":"x"},{"name":"gender","valueCode":"y"}]`), reason: fhir.Unprocessable, want: "gender of Patient.contact does not repeat"},
		{name: "no value inside", patch: add("Patient", "gender", `"valueFoo":"male"`), reason: fhir.Invalid, want: "there is no value for gender"},
		{name: "an index too high", patch: insert("Patient.name", "3", `"valueHumanName":{"text":"x"}`), reason: fhir.Unprocessable, want: "the list has 2 items"},
		{name: "a part of a list", patch: insert("Patient.name[0]", "0", `"valueHumanName":{"text":"x"}`), reason: fhir.Unprocessable, want: "does not lead to all items of one list"},
		{name: "several lists", patch: move("Patient.name | Patient.identifier", "0", "1"), reason: fhir.Unprocessable, want: "does not lead to all items of one list"},
		{name: "no list", patch: insert("Patient.birthDate", "0", `"valueDate":"1980"`), reason: fhir.Unprocessable, want: "birthDate does not repeat"},
		{name: "no list there", patch: insert("Patient.maritalStatus", "0", `"valueCodeableConcept":{}`), reason: fhir.Unprocessable, want: "there is nothing at Patient.maritalStatus"},
		{name: "no such list", patch: insert("Patient.colour", "0", `"valueCode":"x"`), reason: fhir.Unprocessable, want: `Patient has no element "colour"`},
		{name: "a list inside nothing", patch: insert("Patient.maritalStatus.coding", "0", `"valueCoding":{}`), reason: fhir.Unprocessable, want: "there is nothing at Patient.maritalStatus.coding"},
		{name: "the resource as a list", patch: move("Patient", "0", "0"), reason: fhir.Unprocessable, want: "Patient is no list"},
		{name: "move too far", patch: move("Patient.name", "0", "2"), reason: fhir.Unprocessable, want: "the list has 2 items"},
		{name: "move nothing", patch: move("Patient.photo", "0", "0"), reason: fhir.Unprocessable, want: "the list has 0 items"},
		{name: "delete several", patch: one("delete", "Patient.name"), reason: fhir.Unprocessable, want: "leads to 2 elements"},
		{name: "delete the resource", patch: one("delete", "Patient"), reason: fhir.Unprocessable, want: "the resource itself cannot be deleted"},
		{name: "replace the resource", patch: replace("Patient", `"resource":{"resourceType":"Patient"}`), reason: fhir.Unprocessable, want: "the resource itself cannot be replaced"},
		{name: "replace nothing", patch: replace("Patient.gender", `"valueCode":"male"`), reason: fhir.Unprocessable, want: "there is nothing at Patient.gender"},
		{name: "another resource", patch: one("delete", "Patient.extension.first().value"), in: `{"resourceType":"Patient","extension":[{"url":"u","valueReference":{"reference":"Patient/2"}}]}`, out: `{"resourceType":"Patient","extension":[{"url":"u"}]}`},
		{name: "across resources", patch: replace("Patient.link.other.resolve()", `"valueString":"x"`), in: `{"resourceType":"Patient","link":[{"other":{"reference":"Patient/2"}}]}`, reason: fhir.Unprocessable, want: "does not lead to an element of this resource"},
		{name: "a computed value", patch: one("delete", "1 + 1"), reason: fhir.Unprocessable, want: "does not lead to an element"},
		{name: "an error on the way", patch: one("delete", "Patient.name.single()"), reason: fhir.Unprocessable, want: "path: "},
		{name: "the id", in: `{"resourceType":"Patient","id":"a"}`, patch: replace("Patient.id", `"valueId":"x"`), reason: fhir.Unprocessable, want: "cannot change id"},

		{name: "no Parameters", patch: `{"resourceType":"Patient"}`, reason: fhir.Invalid, want: "a FHIRPath Patch is a Parameters resource"},
		{name: "no array", patch: `{"resourceType":"Parameters","parameter":{}}`, reason: fhir.Invalid, want: "parameter is an array"},
		{name: "no operation", patch: `{"resourceType":"Parameters","parameter":[{"name":"x"}]}`, reason: fhir.Invalid, want: `its name is "operation"`, at: "Parameters.parameter[0]"},
		{name: "no type", patch: `{"resourceType":"Parameters","parameter":[{"name":"operation"}]}`, reason: fhir.Invalid, want: "type is add"},
		{name: "another type", patch: one("update", "Patient"), reason: fhir.Invalid, want: `not "update"`},
		{name: "no path", patch: operationsOf(op("delete")), reason: fhir.Invalid, want: "it lacks the part path"},
		{name: "no name", patch: one("add", "Patient", "value", `"valueCode":"x"`), reason: fhir.Invalid, want: "it lacks the part name"},
		{name: "no value", patch: one("replace", "Patient.gender"), reason: fhir.Invalid, want: "it lacks the part value"},
		{name: "no index", patch: one("insert", "Patient.name", "value", `"valueHumanName":{}`), reason: fhir.Invalid, want: "it lacks the part index"},
		{name: "a part that is not known", patch: one("delete", "Patient.name", "x", `"valueCode":"y"`), reason: fhir.Invalid, want: `not "x"`},
		{name: "an operation's part twice", patch: one("delete", "Patient.name", "path", "Patient"), reason: fhir.Invalid, want: "the part path twice"},
		{name: "a negative index", patch: insert("Patient.name", "-1", `"valueHumanName":{}`), reason: fhir.Invalid, want: "index is a valueInteger"},
		{name: "an index that is a text", patch: operationsOf(`{"name":"operation","part":[{"name":"type","valueCode":"insert"},{"name":"index","valueString":"1"}]}`), reason: fhir.Invalid, want: "index is a valueInteger"},
		{name: "a path that is no FHIRPath", patch: one("delete", "Patient..name"), reason: fhir.Invalid, want: "operation 1 (delete) of the patch: path: "},
		{name: "too many operations", patch: operationsOf(make([]string, 1001)...), reason: fhir.Invalid, want: "JSON"},
	}
	for i := range cases {
		if cases[i].in == "" {
			cases[i].in = bare
		}
	}
	runCases(t, cases, readFHIRPath)
}

func TestFHIRPathLimits(t *testing.T) {
	conditions := make([]string, maxConditions+1)
	for i := range conditions {
		conditions[i] = op("delete", "path", "Patient.name.where(text = 'x')")
	}
	list := make([]string, maxOperations+1)
	for i := range list {
		list[i] = op("delete", "path", "Patient.birthDate")
	}
	runCases(t, []patchCase{
		{name: "too many operations", patch: operationsOf(list...), reason: fhir.TooLarge, want: "at most 1000"},
		{name: "too many conditions", patch: operationsOf(conditions...), reason: fhir.TooLarge, want: "at most 100"},
		{name: "too much to read", in: big(8 << 20), patch: operationsOf(list[:10]...), reason: fhir.TooCostly, want: "too much work"},
	}, readFHIRPath)
}

func TestFHIRPathNarrative(t *testing.T) {
	const fresh = `<div xmlns=\"http://www.w3.org/1999/xhtml\">new</div>`
	change := op("replace", "path", "Patient.active", "value", `"valueBoolean":false`)
	runCases(t, []patchCase{
		{name: "dropped", patch: operationsOf(change), changes: []string{dropped, "", "true", "false"}, issue: "dropped"},
		{name: "written", patch: operationsOf(op("replace", "path", "text.div", "value", `"valueString":"`+fresh+`"`), change), changes: []string{">Ann<", ">new<", "true", "false"}},
		{
			name:    "written as a whole",
			patch:   operationsOf(op("replace", "path", "text", "value", `"part":[{"name":"status","valueCode":"additional"},{"name":"div","valueString":"`+fresh+`"}]`), change),
			changes: []string{">Ann<", ">new<", "true", "false", "generated", "additional"},
		},
		{
			name:    "added",
			patch:   operationsOf(op("delete", "path", "text"), change, op("add", "path", "Patient", "name", "text", "value", `"part":[{"name":"status","valueCode":"generated"},{"name":"div","valueString":"`+fresh+`"}]`)),
			changes: []string{">Ann<", ">new<", "true", "false"},
		},
		{name: "only its status", patch: operationsOf(op("replace", "path", "text.status", "value", `"valueCode":"additional"`), change), changes: []string{dropped, "", "true", "false"}, issue: "dropped"},
		{
			name: "that of a contained resource is another", in: strings.Replace(example, `"name":"Org"`, `"text":{"status":"empty"}`, 1),
			patch:   operationsOf(op("delete", "path", "Patient.contained[0].text"), change),
			changes: []string{dropped, "", "true", "false", `,"text":{"status":"empty"}`, ""}, issue: "dropped",
		},
	}, readFHIRPath)
}

func TestFHIRPathTests(t *testing.T) {
	for path, want := range map[string]bool{
		"Patient": false, "Patient.name[0].given[12]": false, "name": false, "Patient.name.where(text = 'x')": true, "Patient.name.first()": true,
		"Patient.name[0 + 1]": true, "Patient.name | Patient.contact": true, "Patient.name[text = 'x']": true,
	} {
		p, err := readFHIRPath(operationsOf(op("delete", "path", path)))
		if err != nil || p.Tests() != want {
			t.Errorf("%s: %v, want %v, %v", path, p.Tests(), want, err)
		}
	}
}

func FuzzFHIRPath(f *testing.F) {
	for _, patch := range []string{
		op("add", "path", "Patient", "name", "contact", "value", `"part":[{"name":"name","valueHumanName":{"text":"D"}}]`),
		op("insert", "path", "Patient.name", "index", "1", "value", `"valueHumanName":{"text":"D"}`),
		op("delete", "path", "Patient.name[0].given[1]") + "," + op("delete", "path", "Patient.birthDate.extension"),
		op("replace", "path", "Patient.name.where(family = 'F').given.first()", "value", `"valueString":"x","_valueString":{"id":"y"}`),
		op("move", "path", "Patient.name[0].given", "source", "1", "destination", "0"),
		op("add", "path", "Patient.contact.gender", "name", "extension", "value", `"part":[{"name":"url","valueUri":"u"},{"name":"value","valueCode":"c"}]`),
	} {
		f.Add([]byte(operationsOf(patch)))
	}
	fuzz(f, func(data []byte) (*Patch, error) { return readFHIRPath(string(data)) })
}

func ExampleFHIRPath() {
	patient, _ := fhir.Parse([]byte(`{"resourceType":"Patient","id":"1","name":[{"family":"Kay"}]}`))
	parameters, _ := fhir.Parse([]byte(`{"resourceType":"Parameters","parameter":[{"name":"operation","part":[
		{"name":"type","valueCode":"add"},{"name":"path","valueString":"Patient"},{"name":"name","valueString":"birthDate"},{"name":"value","valueDate":"1930-01-01"}]}]}`))
	p, err := FHIRPath(parameters)
	if err != nil {
		fmt.Println(err)
		return
	}
	patched, _, err := p.Apply(patient)
	fmt.Println(string(patched.Bytes()), err)
	// Output: {"resourceType":"Patient","id":"1","name":[{"family":"Kay"}],"birthDate":"1930-01-01"} <nil>
}
