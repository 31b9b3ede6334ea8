package scope_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"fhirside/fhir"
	"fhirside/fhir/definitions"
	"fhirside/fhir/fhirtest"
	"fhirside/resources"
	"fhirside/resources/access"
	"fhirside/resources/rest"
	"fhirside/resources/store"
	"fhirside/resources/store/mongo"
	"fhirside/resources/store/mongo/mongotest"
	"fhirside/resources/store/sqlite"
	"fhirside/search"
	"fhirside/search/index"
	"fhirside/search/match"
	"fhirside/smart/scope"
)

// clinic is a server with records of several patients, of every type that R4's examples have, asked over HTTP under the policy of
// whatever scopes a request names.
type clinic struct {
	t        *testing.T
	handler  http.Handler
	policy   access.Policy
	records  map[string]*record // by "Type/id"
	keys     []string
	patients []string
}

// record is what the test itself knows about a resource.
type record struct {
	kind, id string
	body     []byte
	in       map[string]bool // patients whose compartment it is in, by R4's definition
	about    map[string]bool // patients that it is about, by its elements
}

var patientReference = regexp.MustCompile(`"reference":"Patient/[^"]*"`)

// newClinic gives each of four patients of two clinics a copy of an example of every type in which all references to a patient lead
// to them, and a second copy whose performers, authors, senders and the like are the next patient. Kinds narrows the types.
func newClinic(t *testing.T, db store.Store, kinds ...string) *clinic {
	c := &clinic{t: t, records: map[string]*record{}, patients: []string{"north-1", "north-2", "south-1", "south-2"}}
	t.Cleanup(func() { _ = db.Close() })
	service := resources.New(resources.Options{
		Store: db, Registry: search.R4(), Validation: resources.ValidateNothing, Integrity: resources.IgnoreReferences,
		Log: slog.New(slog.DiscardHandler),
	})
	c.handler = rest.New(rest.Options{
		Service: service, Base: "http://clinic.example/fhir", Log: slog.New(slog.DiscardHandler),
		Guard:    func(*http.Request) (access.Policy, error) { return c.policy, nil },
		Metadata: func(string) []byte { return nil },
	})
	examples := map[string]*fhir.Resource{}
	for _, r := range fhirtest.Examples(t) {
		size := func(r *fhir.Resource) int { // one with a patient in it, and no giant
			n := len(r.Bytes())
			if !patientReference.Match(r.Bytes()) {
				n += 1 << 20
			}
			return n
		}
		if best := examples[r.Type()]; best == nil || size(r) < size(best) {
			examples[r.Type()] = r
		}
	}
	c.policy = access.Everything
	for _, kind := range slices.Sorted(maps.Keys(examples)) {
		if kind == "Bundle" || kind == "Parameters" || kind == "Patient" || kinds != nil && !slices.Contains(kinds, kind) {
			continue
		}
		for i, patient := range c.patients {
			next := c.patients[(i+1)%len(c.patients)]
			c.add(kind, "own-"+patient, examples[kind], patient, patient)
			c.add(kind, "by-"+next+"-"+patient, examples[kind], patient, next)
		}
	}
	for _, patient := range c.patients {
		c.add("Patient", patient, examples["Patient"], patient, patient)
	}
	c.keys = slices.Sorted(maps.Keys(c.records))
	return c
}

// aboutElements are where resources say whom they are about; of an Appointment its participants do.
var aboutElements = []string{"subject", "patient", "beneficiary", "for", "candidate", "individual", "actor"}

// unwritable are types whose such element says something else, or that may list several.
var unwritable = []string{"Account", "AuditEvent", "Group", "Person", "Provenance", "Schedule", "SupplyRequest", "Location"}

func (c *clinic) add(kind, id string, example *fhir.Resource, patient, other string) {
	var content map[string]any
	if err := json.Unmarshal(example.Bytes(), &content); err != nil {
		c.t.Fatal(err)
	}
	content["id"] = id
	delete(content, "text")
	delete(content, "contained")
	r := &record{kind: kind, id: id, in: map[string]bool{}, about: map[string]bool{}}
	for name, value := range content {
		to := other
		if slices.Contains(aboutElements, name) {
			to = patient
		}
		text, _ := json.Marshal(value)
		text = patientReference.ReplaceAll(text, []byte(`"reference":"Patient/`+to+`"`))
		content[name] = json.RawMessage(text)
		if slices.Contains(aboutElements, name) && !slices.Contains(unwritable, kind) && strings.HasPrefix(string(text), `{`) {
			var reference struct{ Reference string }
			_ = json.Unmarshal(text, &reference)
			if id, ok := strings.CutPrefix(reference.Reference, "Patient/"); ok {
				r.about[id] = true
			}
		}
		if kind == "Appointment" && name == "participant" && bytes.Contains(text, []byte("Patient/"+to)) {
			r.about[to] = true
		}
	}
	if len(definitions.Compartment("Patient")[kind]) == 0 && kind != "Task" && kind != "Device" {
		clear(r.about)
	}
	if kind == "Patient" {
		r.about[patient] = true
	}
	r.body, _ = json.Marshal(content)
	parsed, err := fhir.Parse(r.body)
	if err != nil {
		c.t.Fatal(err)
	}
	r.body = parsed.Bytes()
	values := index.New(search.R4(), "").Extract(parsed)
	subject := match.Subject{Type: kind, ID: id, Values: &values}
	for _, p := range c.patients {
		if kind == "Patient" && id == p {
			r.in[p] = true
		}
		params := definitions.Compartment("Patient")[kind]
		if kind == "Task" || kind == "Device" {
			params = []string{"patient"}
		}
		for _, param := range params {
			ok, err := match.Matches(search.Reference{Param: param, Type: "Patient", ID: p}, subject, nil)
			if err != nil {
				c.t.Fatal(err)
			}
			r.in[p] = r.in[p] || ok
		}
	}
	if status, body := c.do("PUT", kind+"/"+id, r.body); status != 201 {
		c.t.Fatalf("PUT %s/%s: %d %s", kind, id, status, body)
	}
	c.records[kind+"/"+id] = r
}

func (c *clinic) do(method, path string, body []byte, header ...string) (int, []byte) {
	r := httptest.NewRequestWithContext(context.Background(), method, "/fhir/"+path, bytes.NewReader(body))
	if body != nil {
		r.Header.Set("Content-Type", "application/fhir+json")
	}
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	c.handler.ServeHTTP(w, r)
	out, _ := io.ReadAll(w.Body)
	return w.Code, out
}

// under makes the server judge by scopes.
func (c *clinic) under(scopes string, who scope.Subject) {
	set, err := scope.Parse(scopes)
	if err != nil {
		c.t.Fatal(err)
	}
	if c.policy, err = scope.NewCompiler(scope.Options{Registry: search.R4}).Policy(set, who); err != nil {
		c.t.Fatal(err)
	}
}

// row is a set of scopes and, told apart from the code under test, what it should allow.
type row struct {
	scopes string
	who    scope.Subject
	types  []string // nil: all
	may    string
	all    bool // no patient bounds it
}

var shared = strings.Fields(`Endpoint HealthcareService InsurancePlan Location Medication MedicationKnowledge Organization
	OrganizationAffiliation Practitioner PractitionerRole Questionnaire Schedule Slot Substance CodeSystem ConceptMap NamingSystem
	TerminologyCapabilities ValueSet ActivityDefinition CapabilityStatement ChargeItemDefinition CompartmentDefinition DeviceDefinition
	EventDefinition GraphDefinition ImplementationGuide Library Measure MessageDefinition ObservationDefinition OperationDefinition
	PlanDefinition SearchParameter SpecimenDefinition StructureDefinition StructureMap`)

func (w row) allows(letter byte, r *record) bool {
	switch {
	case strings.IndexByte(w.may, letter) < 0 || w.types != nil && !slices.Contains(w.types, r.kind):
		return false
	case w.all:
		return true
	case letter == 'r' || letter == 's':
		return r.in[w.who.Patient] || slices.Contains(shared, r.kind)
	}
	return r.about[w.who.Patient]
}

var rows = []row{
	{scopes: "patient/*.cruds", who: scope.Subject{Patient: "north-1", ClientID: "a"}, may: "cruds"},
	{scopes: "patient/*.rs", who: scope.Subject{Patient: "south-2", ClientID: "a"}, may: "rs"},
	{scopes: "patient/*.read patient/Observation.write", who: scope.Subject{Patient: "north-2", ClientID: "a"}, may: "rs"}, // writes of Observation: see below
	{scopes: "patient/Observation.cruds", who: scope.Subject{Patient: "north-1", ClientID: "a"}, types: []string{"Observation"}, may: "cruds"},
	{scopes: "patient/Observation.r patient/Condition.r", who: scope.Subject{Patient: "north-1", ClientID: "a"}, types: []string{"Observation", "Condition"}, may: "r"},
	{scopes: "patient/*.s", who: scope.Subject{Patient: "north-1", ClientID: "a"}, may: "s"},
	{scopes: "patient/*.cud", who: scope.Subject{Patient: "north-1", ClientID: "a"}, may: "cud"},
	{scopes: "patient/*.d", who: scope.Subject{Patient: "south-1", ClientID: "a"}, may: "d"},
	{scopes: "user/*.cruds", who: scope.Subject{FHIRUser: "Patient/north-2", Patient: "north-2", ClientID: "a"}, may: "cruds"},
	{scopes: "user/*.rs", who: scope.Subject{FHIRUser: "Practitioner/1", ClientID: "a"}, may: "rs", all: true},
	{scopes: "user/Patient.rs user/Task.cruds", who: scope.Subject{FHIRUser: "Practitioner/1", ClientID: "a"}, types: []string{"Patient", "Task"}, may: "rs", all: true},
	{scopes: "patient/*.cruds", who: scope.Subject{FHIRUser: "Practitioner/1", ClientID: "a"}, may: ""},
	{scopes: "user/*.cruds", who: scope.Subject{Patient: "north-1", ClientID: "a"}, may: ""},
	{scopes: "system/*.rs", who: scope.Subject{ClientID: "b"}, may: "rs", all: true},
	{scopes: "openid fhirUser launch/patient", who: scope.Subject{Patient: "north-1", FHIRUser: "Patient/north-1"}, may: ""},
}

// TestAccessMatrix asks for every record by every interaction under every set of scopes.
func TestAccessMatrix(t *testing.T) {
	db, err := sqlite.Open(t.Context(), sqlite.Memory, sqlite.Options{})
	if err != nil {
		t.Fatal(err)
	}
	newClinic(t, db).matrix(rows, os.Getenv("FHIRSIDE_SOAK") != "")
}

// TestAccessMatrixOnMongoDB asks for a sample of it there: the kinds with rules of their own, and a few others.
func TestAccessMatrixOnMongoDB(t *testing.T) {
	db, err := mongo.Open(t.Context(), mongotest.URI(t), mongo.Options{})
	if err != nil {
		t.Fatal(err)
	}
	newClinic(t, db, "Appointment", "Binary", "Observation", "Organization", "Task").matrix(rows[:4], false)
}

func TestMain(m *testing.M) { mongotest.Main(m) }

// matrix asks for every record under each set of scopes, or for a sample of what a set is not about.
func (c *clinic) matrix(rows []row, full bool) {
	asked, allowed := 0, 0
	for n, w := range rows {
		extra := n == 2 || n == 10 // sets whose types differ in their letters
		for i, key := range c.keys {
			if !full && (i+n)%23 != 0 && !slices.Contains(w.types, c.records[key].kind) {
				continue
			}
			r := c.records[key]
			row := w
			switch {
			case extra && n == 2 && r.kind == "Observation":
				row.may = "cruds"
			case extra && n == 10 && r.kind == "Task":
				row.may = "cruds"
			}
			asked++
			if c.judge(row, r) {
				allowed++
			}
		}
		c.searches(w)
	}
	c.t.Logf("%d records × scopes asked for by each interaction, something allowed on %d", asked, allowed)
	if allowed == 0 {
		c.t.Error("nothing was allowed at all")
	}
}

// judge tries each interaction on a record and compares the answers. It leaves the record as it was.
func (c *clinic) judge(w row, r *record) (any bool) {
	path := r.kind + "/" + r.id
	check := func(what string, letters string, status int, body []byte) {
		want := true
		for i := range len(letters) {
			want = want && w.allows(letters[i], r)
		}
		any = any || want
		switch ok := status < 300; {
		case ok != want:
			c.t.Errorf("%s %q: %s %s is %d, want allowed: %t", w.scopes, w.who, what, path, status, want)
		case !ok && status != 403 && status != 404:
			c.t.Errorf("%s: %s %s is %d %s", w.scopes, what, path, status, body)
		case !ok && strings.Contains(what, "GET") && bytes.Contains(body, []byte(`"id":"`+r.id+`"`)):
			c.t.Errorf("%s: the refusal of %s %s shows it: %s", w.scopes, what, path, body)
		}
	}
	c.under(w.scopes, w.who)
	for _, get := range []string{path, path + "/_history/1", path + "/_history", path + "/$meta"} {
		status, body := c.do("GET", get, nil)
		check("GET "+strings.TrimPrefix(get, path), "r", status, body)
	}
	status, body := c.do("GET", r.kind+"?_id="+r.id, nil)
	if found := status == 200 && bytes.Contains(body, []byte(`"id":"`+r.id+`"`)); found != w.allows('s', r) {
		c.t.Errorf("%s: search finds %s: %t (%d)", w.scopes, path, found, status)
	}
	// the same entry of a batch
	status, body = c.do("POST", "", []byte(`{"resourceType":"Bundle","type":"batch","entry":[{"request":{"method":"GET","url":"`+path+`"}}]}`))
	if found := status == 200 && bytes.Contains(body, []byte(`"id":"`+r.id+`"`)); found != w.allows('r', r) {
		c.t.Errorf("%s: a batch reads %s: %t (%d)", w.scopes, path, found, status)
	}
	tagged := bytes.Replace(r.body, []byte(`"id":`), []byte(`"implicitRules":"http://x.example","id":`), 1)
	if bytes.Contains(r.body, []byte(`"implicitRules"`)) {
		tagged = r.body
	}
	status, body = c.do("PUT", path, tagged)
	check("PUT", "u", status, body)
	patch := []byte(`[{"op":"add","path":"/language","value":"de"}]`)
	status, body = c.do("PATCH", path, patch, "Content-Type", "application/json-patch+json")
	check("PATCH", "u", status, body)
	status, body = c.do("PATCH", path, []byte(`[{"op":"test","path":"/id","value":"`+r.id+`"},{"op":"add","path":"/language","value":"en"}]`), "Content-Type", "application/json-patch+json")
	check("PATCH with a test", "ur", status, body)
	status, body = c.do("POST", r.kind, r.body)
	if r.kind == "Patient" && !w.all {
		if status != 403 {
			c.t.Errorf("%s: POST Patient is %d", w.scopes, status)
		}
	} else {
		check("POST", "c", status, body)
		if status == 201 {
			c.forget(body)
		}
	}
	status, body = c.do("POST", "", []byte(`{"resourceType":"Bundle","type":"transaction","entry":[{"resource":`+string(r.body)+`,"request":{"method":"PUT","url":"`+path+`"}}]}`))
	check("transaction PUT", "u", status, body)
	status, body = c.do("DELETE", path, nil)
	switch want := w.allows('d', r); {
	case want && status >= 300:
		c.t.Errorf("%s: DELETE %s is %d %s", w.scopes, path, status, body)
	case !want && w.allows('r', r) && status != 403:
		c.t.Errorf("%s: DELETE of what can be read, %s, is %d", w.scopes, path, status)
	}
	c.deleted(w, r)
	c.policy = access.Everything
	if status, body := c.do("PUT", path, r.body); status >= 300 {
		c.t.Fatalf("PUT %s: %d %s", path, status, body)
	}
	return any
}

// deleted looks at a record that is deleted: whoever could read it is told so, others are not.
func (c *clinic) deleted(w row, r *record) {
	path := r.kind + "/" + r.id
	judging := c.policy
	c.policy = access.Everything
	c.do("DELETE", path, nil)
	c.policy = judging
	status, _ := c.do("GET", path, nil)
	switch want := w.allows('r', r); {
	case want && status != 410:
		c.t.Errorf("%s: GET of the deleted %s is %d, want 410", w.scopes, path, status)
	case !want && status != 403 && status != 404:
		c.t.Errorf("%s: GET of the deleted %s is %d", w.scopes, path, status)
	}
}

// forget removes what a test has created.
func (c *clinic) forget(body []byte) {
	judging := c.policy
	c.policy = access.Everything
	if r, err := fhir.Parse(body); err == nil {
		c.do("DELETE", r.Type()+"/"+r.ID(), nil)
	}
	c.policy = judging
}

// searches looks for all records of all types, by all ways in which a search can show them.
func (c *clinic) searches(w row) {
	c.under(w.scopes, w.who)
	types := map[string]bool{}
	for _, r := range c.records {
		types[r.kind] = true
	}
	for _, kind := range slices.Sorted(maps.Keys(types)) {
		want := 0
		for _, r := range c.records {
			if r.kind == kind && w.allows('s', r) {
				want++
			}
		}
		for _, path := range []string{kind + "?_count=1000", kind + "?_summary=count", kind + "/_history?_count=1000", "?_type=" + kind + "&_count=1000"} {
			status, body := c.do("GET", path, nil)
			var bundle struct {
				Total *int
				Entry []struct {
					Resource struct {
						ResourceType, ID string
					}
				}
			}
			_ = json.Unmarshal(body, &bundle)
			for _, e := range bundle.Entry {
				if r := c.records[e.Resource.ResourceType+"/"+e.Resource.ID]; r != nil && !w.allows('s', r) {
					c.t.Errorf("%s: %s shows %s/%s", w.scopes, path, r.kind, r.id)
				}
			}
			if !strings.Contains(path, "_history") && status == 200 && (bundle.Total == nil || *bundle.Total != want) {
				c.t.Errorf("%s: %s counts %v, want %d", w.scopes, path, fmt.Sprint(bundle.Total), want)
			}
			if status != 200 && (want > 0 || status != 403) {
				c.t.Errorf("%s: %s is %d", w.scopes, path, status)
			}
		}
	}
	// what refers to a patient, and what they refer to
	for i, patient := range c.patients {
		if i%2 == 1 && os.Getenv("FHIRSIDE_SOAK") == "" {
			continue
		}
		_, body := c.do("GET", "Patient?_id="+patient+"&_revinclude=*&_count=1000", nil)
		_, more := c.do("GET", "Observation?subject=Patient/"+patient+"&_include=*&_include:iterate=*", nil)
		_, all := c.do("GET", "Patient/"+patient+"/*?_count=1000", nil)
		for _, r := range c.records {
			needle := []byte(`/fhir/` + r.kind + `/` + r.id + `"`)
			if !w.allows('s', r) && (bytes.Contains(body, needle) || bytes.Contains(more, needle) || bytes.Contains(all, needle)) {
				c.t.Errorf("%s: includes or the compartment of %s show %s/%s", w.scopes, patient, r.kind, r.id)
			}
		}
		// nothing can be probed through other resources
		for _, probe := range []string{
			"Practitioner?_has:Observation:performer:subject=Patient/" + patient, "Observation?subject:Patient._id=" + patient,
			"Patient?_has:Condition:subject:_id=own-" + patient, "Location?_has:Encounter:location:subject:Patient._id=" + patient,
		} {
			status, body := c.do("GET", probe, nil)
			if status != 200 && status != 403 {
				c.t.Errorf("%s: %s is %d %s", w.scopes, probe, status, body)
			}
			if status == 200 && !w.all && patient != w.who.Patient && strings.HasPrefix(probe, "Patient") && bytes.Contains(body, []byte(`/fhir/Patient/`)) {
				c.t.Errorf("%s: %s finds somebody", w.scopes, probe)
			}
		}
	}
}
