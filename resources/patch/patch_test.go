package patch

import (
	"bytes"
	"errors"
	"strings"
	"sync"
	"testing"

	"fhirside/fhir"
)

// A case is a patch of the example below or of another resource. What comes out is the example with one piece of text replaced, or
// an error.
type patchCase struct {
	name  string
	in    string // the resource; "" for the example
	patch string
	// What the patch makes: out, or the resource with each odd text replaced by the even one that follows.
	out     string
	changes []string
	issue   string // in what the client is told beside
	// Or the refusal.
	reason fhir.Reason
	want   string // in the text
	at     string // the expression
}

const example = `{"resourceType":"Patient","id":"p1","meta":{"versionId":"3","lastUpdated":"2024-01-01T00:00:00.000Z","tag":[{"code":"t"}]},` +
	`"text":{"status":"generated","div":"<div xmlns=\"http://www.w3.org/1999/xhtml\">Ann</div>"},` +
	`"contained":[{"resourceType":"Organization","id":"o","name":"Org"}],` +
	`"extension":[{"url":"http://e","valueDecimal":1.00},{"url":"http://f","valueDecimal":1e2}],` +
	`"identifier":[{"system":"urn:a","value":"1"},{"system":"urn:b","value":"2"}],` +
	`"active":true,"name":[{"family":"F","given":["A","B","C"],"_given":[null,{"id":"b"},null]},{"text":"N"}],` +
	`"birthDate":"1970-01-01","_birthDate":{"extension":[{"url":"http://t","valueString":"x"}]},` +
	`"deceasedBoolean":false,"contact":[{"name":{"text":"C"},"gender":"male"}]}`

const dropped = `"text":{"status":"generated","div":"<div xmlns=\"http://www.w3.org/1999/xhtml\">Ann</div>"},`

func runCases(t *testing.T, cases []patchCase, read func(string) (*Patch, error)) {
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) { c.run(t, read) })
	}
}

func (c *patchCase) run(t *testing.T, read func(string) (*Patch, error)) {
	in := c.in
	if in == "" {
		in = example
	}
	r := parse(t, in)
	var got *fhir.Resource
	var issues []fhir.Issue
	p, err := read(c.patch)
	if err == nil {
		got, issues, err = p.Apply(r)
	}
	if string(r.Bytes()) != in {
		t.Error("the resource itself has changed")
	}
	if c.want != "" {
		c.refused(t, got, err)
		return
	}
	if err != nil {
		t.Fatal(err)
	}
	want := c.out
	if want == "" {
		want = strings.NewReplacer(c.changes...).Replace(in)
	}
	if string(got.Bytes()) != want {
		t.Errorf("got  %s\nwant %s", got.Bytes(), want)
	}
	told := ""
	for _, issue := range issues {
		told += issue.Diagnostics
	}
	if !strings.Contains(told, c.issue) || c.issue == "" && told != "" {
		t.Errorf("told %q, want %q", told, c.issue)
	}
	again, _, err := p.Apply(r)
	if err != nil || string(again.Bytes()) != want {
		t.Errorf("the second time: %v", err)
	}
}

func (c *patchCase) refused(t *testing.T, got *fhir.Resource, err error) {
	t.Helper()
	var e *fhir.Error
	if !errors.As(err, &e) {
		t.Fatalf("got %s, %v, want an error", got.Bytes(), err)
	}
	if e.Reason != c.reason || !strings.Contains(e.Issues[0].Diagnostics, c.want) || len(e.Error()) > 700 {
		t.Errorf("got reason %d, %q, want %d, %q", e.Reason, e.Issues[0].Diagnostics, c.reason, c.want)
	}
	if at := strings.Join(e.Issues[0].Expression, " "); c.at != "" && at != c.at {
		t.Errorf("at %q, want %q", at, c.at)
	}
}

func parse(t testing.TB, text string) *fhir.Resource {
	t.Helper()
	r, err := fhir.Parse([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// The rules for identity and narrative hold for all kinds of patch; JSON Patch shows them.
func TestRules(t *testing.T) {
	narrative := func(status string) string { return strings.Replace(example, `"generated"`, `"`+status+`"`, 1) }
	const change = `{"op":"replace","path":"/active","value":false}`
	const fresh = `<div xmlns=\"http://www.w3.org/1999/xhtml\">new</div>`
	runCases(t, []patchCase{
		{name: "a narrative that was generated goes", patch: `[` + change + `]`, changes: []string{dropped, "", "true", "false"}, issue: "dropped"},
		{
			name: "so does one of extensions", in: narrative("extensions"), patch: `[` + change + `]`,
			changes: []string{strings.Replace(dropped, "generated", "extensions", 1), "", "true", "false"}, issue: "dropped",
		},
		{name: "an empty one stays", in: narrative("empty"), patch: `[` + change + `]`, changes: []string{"true", "false"}},
		{
			name: "a human's forbids", in: narrative("additional"), patch: `[` + change + `]`,
			reason: fhir.Unprocessable, want: "says more than the data", at: "Patient.text",
		},
		{
			name: "a human's cannot be declared generated", in: narrative("additional"),
			patch:  `[` + change + `,{"op":"replace","path":"/text/status","value":"generated"}]`,
			reason: fhir.Unprocessable, want: "says more than the data", at: "Patient.text",
		},
		{
			name: "a human's may be replaced", in: narrative("additional"),
			patch:   `[` + change + `,{"op":"replace","path":"/text","value":{"status":"generated","div":"` + fresh + `"}}]`,
			changes: []string{"additional", "generated", `>Ann<`, `>new<`, "true", "false"},
		},
		{name: "its text may be replaced", patch: `[` + change + `,{"op":"add","path":"/text/div","value":"` + fresh + `"}]`, changes: []string{`>Ann<`, `>new<`, "true", "false"}},
		{name: "a human's may be taken away", in: narrative("additional"), patch: `[` + change + `,{"op":"remove","path":"/text"}]`, changes: []string{strings.Replace(dropped, "generated", "additional", 1), "", "true", "false"}},
		{name: "tags are in no narrative", patch: `[{"op":"add","path":"/meta/tag/-","value":{"code":"u"}}]`, changes: []string{`[{"code":"t"}]`, `[{"code":"t"},{"code":"u"}]`}},
		{name: "what ends as it was is no change", in: narrative("additional"), patch: `[` + change + `,{"op":"replace","path":"/active","value":true}]`},
		{name: "a test changes nothing", in: narrative("additional"), patch: `[{"op":"test","path":"/active","value":true}]`},
		{
			name: "other resources have no narrative", in: `{"resourceType":"Parameters","parameter":[{"name":"a"}]}`,
			patch: `[{"op":"replace","path":"/parameter/0/name","value":"b"}]`, changes: []string{`"a"`, `"b"`},
		},
		{name: "the id stays", patch: `[{"op":"replace","path":"/id","value":"p2"}]`, reason: fhir.Unprocessable, want: "a patch cannot change id", at: "Patient.id"},
		{name: "the id cannot go", patch: `[{"op":"remove","path":"/id"}]`, reason: fhir.Unprocessable, want: "a patch cannot change id"},
		{name: "the version stays", patch: `[{"op":"replace","path":"/meta/versionId","value":"4"}]`, reason: fhir.Unprocessable, want: "cannot change meta.versionId", at: "Patient.meta.versionId"},
		{name: "the time stays", patch: `[{"op":"remove","path":"/meta/lastUpdated"}]`, reason: fhir.Unprocessable, want: "cannot change meta.lastUpdated"},
		{name: "meta as a whole stays", patch: `[{"op":"remove","path":"/meta"}]`, reason: fhir.Unprocessable, want: "cannot change meta.versionId"},
		{name: "the type stays", patch: `[{"op":"replace","path":"/resourceType","value":"Person"}]`, reason: fhir.Unprocessable, want: "cannot change resourceType", at: "Patient.resourceType"},
		{name: "no other resource", patch: `[{"op":"replace","path":"","value":{"resourceType":"Person","id":"p1"}}]`, reason: fhir.Unprocessable, want: "cannot change resourceType"},
		{name: "no resource", patch: `[{"op":"replace","path":"","value":[]}]`, reason: fhir.Unprocessable, want: "makes is no resource"},
		{name: "no resourceType", patch: `[{"op":"remove","path":"/resourceType"}]`, reason: fhir.Unprocessable, want: "makes is no resource"},
	}, readJSON)
}

// One patch serves several goroutines.
func TestApplyAtOnce(t *testing.T) {
	r := parse(t, example)
	for _, read := range []func() (*Patch, error){
		func() (*Patch, error) {
			return readJSON(`[{"op":"add","path":"/name/-","value":{"text":"Z"}},{"op":"copy","from":"/name/2","path":"/name/0"}]`)
		},
		func() (*Patch, error) {
			return readXML(`<diff><add sel="Patient/name[1]" pos="before"><name xmlns="http://hl7.org/fhir"><text value="Z"/></name></add></diff>`)
		},
		func() (*Patch, error) {
			return readFHIRPath(operationsOf(op("add", "path", "Patient", "name", "name", "value", `"valueHumanName":{"text":"Z"}`)))
		},
	} {
		p, err := read()
		if err != nil {
			t.Fatal(err)
		}
		want, _, err := p.Apply(r)
		if err != nil {
			t.Fatal(err)
		}
		var all sync.WaitGroup
		for range 8 {
			all.Go(func() {
				if got, _, err := p.Apply(r); err != nil || !bytes.Equal(got.Bytes(), want.Bytes()) {
					t.Errorf("got %s, %v", got.Bytes(), err)
				}
			})
		}
		all.Wait()
	}
}

func readJSON(text string) (*Patch, error) { return JSON([]byte(text)) }
