package resttest

import (
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"fhirside/resources"
	"fhirside/resources/access"
	"fhirside/resources/rest"
	"fhirside/resources/store"
)

// process is one of several servers on a store. It follows changes of search parameters only when it is told to, so that tests
// decide who knows what.
type process struct {
	t       *testing.T
	service *resources.Service
	base    string
}

func newProcess(t *testing.T, st store.Store, name string) *process {
	t.Helper()
	p := startProcess(t, st, name)
	p.refresh()
	return p
}

// startProcess is one that does not know yet what was added.
func startProcess(t *testing.T, st store.Store, name string) *process {
	t.Helper()
	var ids atomic.Int64
	service := resources.New(resources.Options{
		Store: st, NewID: func() string { return fmt.Sprintf("%s-%d", name, ids.Add(1)) }, Log: slog.New(slog.DiscardHandler),
	})
	metadata := func(string) []byte {
		codes := ""
		for _, p := range service.SearchParameters().Params("Patient") {
			codes += " " + p.Code
		}
		return []byte(`{"resourceType":"CapabilityStatement","purpose":"` + codes + ` "}`)
	}
	server := httptest.NewServer(rest.New(rest.Options{
		Service: service, Guard: func(*http.Request) (access.Policy, error) { return access.Everything, nil },
		Metadata: metadata, MaxBody: 64 << 10, Log: slog.New(slog.DiscardHandler),
	}))
	t.Cleanup(server.Close)
	return &process{t, service, server.URL + rest.Path}
}

func (p *process) do(steps ...step) {
	p.t.Helper()
	for i, s := range steps {
		s.check(p.t, fmt.Sprintf("step %d, %s", i+1, s.do), http.DefaultClient, p.base)
	}
}

// refresh and reindex do what Follow does in the background.
func (p *process) refresh() {
	p.t.Helper()
	if err := p.service.Refresh(p.t.Context()); err != nil {
		p.t.Fatal(err)
	}
}

func (p *process) reindex() {
	p.t.Helper()
	if err := p.service.Reindex(p.t.Context(), nil); err != nil {
		p.t.Fatal(err)
	}
}

const eyes = "http://example.org/eyes"

func eyeParameter(id, code, more string) string {
	if id != "" {
		id = `"id":"` + id + `",`
	}
	return `{"resourceType":"SearchParameter",` + id + `"url":"http://example.org/SearchParameter/` + code + `","name":"eyes","status":"active","description":"colour of the eyes","code":"` + code +
		`","base":["Patient"],"type":"token","expression":"Patient.extension('` + eyes + `').value"` + more + `}`
}

func patientWithEyes(id, colour string) string {
	return `{"resourceType":"Patient","id":"` + id + `","extension":[{"url":"` + eyes + `","valueCode":"` + colour + `"},{"url":"http://example.org/hair","valueCode":"grey"}]}`
}

func put(id, colour string) step {
	return step{do: "PUT Patient/" + id, body: patientWithEyes(id, colour), status: 201}
}

func counted(query string, total int) step {
	return step{do: "GET " + query + "&_summary=count", status: 200, has: []string{fmt.Sprintf(`"total":%d`, total)}}
}

const (
	putEyes      = "PUT SearchParameter/eyes"
	eyesProgress = "GET SearchParameter/eyes/$reindex"
	reindexEyes  = "POST SearchParameter/eyes/$reindex"
)

// RunParameters tries search parameters that are added while servers run.
func RunParameters(t *testing.T, open func(t *testing.T) store.Store) {
	for _, sc := range []struct {
		name string
		run  func(t *testing.T, st store.Store)
	}{
		{"a parameter's life", parameterLife},
		{"a server that began without its database", parametersOfEarlyServer},
		{"definitions that cannot be searched by", wrongParameters},
		{"two processes", parametersOfTwo},
		{"writers meanwhile", parametersUnderWrites},
		{"reindexing goes on elsewhere", resumedReindexing},
		{"components", customComposite},
	} {
		t.Run(sc.name, func(t *testing.T) {
			st := open(t)
			t.Cleanup(func() { st.Close() })
			sc.run(t, st)
		})
	}
}

func parameterLife(t *testing.T, st store.Store) {
	p := newProcess(t, st, "a")
	unknown := step{do: "GET Patient?eyes=blue", status: 400, has: []string{`no search parameter \"eyes\"`}}
	claimed := step{do: "GET metadata", status: 200, has: []string{" eyes "}}
	unclaimed := step{do: "GET metadata", status: 200, hasNot: []string{" eyes "}}
	p.do(put("before", "blue"), unknown, unclaimed,
		step{do: putEyes, body: eyeParameter("eyes", "eyes", ""), status: 201}, unknown,
		step{do: eyesProgress, status: 200, has: []string{`{"name":"status","valueCode":"waiting"}`}},
		step{do: reindexEyes, status: 202, headers: map[string]string{"Content-Location": "{base}/SearchParameter/eyes/$reindex"},
			has: []string{`"valueCode":"indexing"`, `{"name":"done","valueInteger":0},{"name":"total","valueInteger":1}`}},
		put("meanwhile", "blue"), unknown, unclaimed)
	p.reindex()
	p.do(step{do: eyesProgress, status: 200, has: []string{`"valueCode":"active"`}},
		put("after", "green"), claimed,
		counted("Patient?eyes=blue", 2), counted("Patient?eyes=green", 1), counted("Patient?eyes:not=green", 2),
		step{do: reindexEyes, status: 200, has: []string{`"valueCode":"active"`}})
	// After a restart it is there from the first request on.
	p = newProcess(t, st, "b")
	p.do(counted("Patient?eyes=blue", 2), claimed)
	// Other elements are not searched by until they are indexed; nor is what the index has got searched under a new meaning.
	hair := `{"resourceType":"SearchParameter","id":"eyes","url":"http://example.org/SearchParameter/eyes","name":"hair","status":"active","description":"of hair","code":"eyes","base":["Patient"],"type":"token","expression":"Patient.extension('http://example.org/hair').value"}`
	p.do(step{do: putEyes, body: hair, status: 200})
	p.refresh()
	p.do(unknown, unclaimed, step{do: eyesProgress, status: 200, has: []string{`"valueCode":"changed"`}})
	p.do(step{do: putEyes, body: eyeParameter("eyes", "eyes", `,"purpose":"as before"`), status: 200})
	p.refresh()
	p.do(counted("Patient?eyes=blue", 2))
	p.do(step{do: putEyes, body: hair, status: 200}, step{do: reindexEyes, status: 202}, unknown)
	p.reindex()
	p.do(counted("Patient?eyes=blue", 0), counted("Patient?eyes=grey", 3))
	p.do(step{do: "DELETE SearchParameter/eyes", status: 204})
	p.refresh()
	p.do(unknown, unclaimed, step{do: eyesProgress, status: 410})
	p.do(put("last", "blue"), step{do: putEyes, body: eyeParameter("eyes", "eyes", ""), status: 201}, unknown, step{do: reindexEyes, status: 202})
	p.reindex()
	p.do(counted("Patient?eyes=blue", 3), counted("Patient?eyes=grey", 0))
	p.do(step{do: putEyes, body: `{"resourceType":"SearchParameter","id":"eyes","url":"http://example.org/x","name":"x","status":"retired","description":"x","code":"eyes","base":["Patient"],"type":"token"}`, status: 200})
	p.refresh()
	p.do(unknown, step{do: reindexEyes, status: 422, has: []string{"retired"}})
}

// parametersOfEarlyServer: who starts before its database can be asked is ready when it knows the parameters.
func parametersOfEarlyServer(t *testing.T, st store.Store) {
	p := newProcess(t, st, "a")
	p.do(put("a", "blue"), step{do: putEyes, body: eyeParameter("eyes", "eyes", ""), status: 201}, step{do: reindexEyes, status: 202})
	p.reindex()
	early := startProcess(t, st, "b")
	early.do(step{do: "GET /readyz", status: 200}, counted("Patient?eyes=blue", 1))
}

func wrongParameters(t *testing.T, st store.Store) {
	p := newProcess(t, st, "a")
	definition := func(code, base, kind, rest string) string {
		return `{"resourceType":"SearchParameter","url":"http://example.org/p","name":"p","status":"active","description":"p","code":"` + code + `","base":["` + base + `"],"type":"` + kind + `"` + rest + `}`
	}
	for _, c := range []struct {
		body   string
		status int
		want   string
	}{
		{definition("gender", "Patient", "token", `,"expression":"Patient.gender"`), 422, `Patient has a parameter \"gender\" already`},
		{definition("x", "Patient", "token", `,"expression":"Patient.("`), 422, "cannot be compiled: FHIRPath, line 1, column 9"},
		{definition("x", "Patient", "token", ""), 422, "without an expression"},
		{definition("x", "Patient", "token", `,"expression":"Patient.nose"`), 422, "no element of Patient"},
		{definition("x", "Patient", "date", `,"expression":"Patient.gender"`), 422, "nothing that a date parameter compares"},
		{definition("x", "Nobody", "token", `,"expression":"Patient.gender"`), 400, "Nobody"},
		{definition("x", "Patient", "colour", `,"expression":"Patient.gender"`), 400, "colour"},
		{definition("x", "Patient", "special", `,"expression":"Patient.gender"`), 422, "special"},
		{definition("x.y", "Patient", "token", `,"expression":"Patient.gender"`), 422, "can be searched by"},
		{definition("x", "Patient", "composite", `,"expression":"Patient","component":[{"definition":"http://example.org/none","expression":"gender"},{"definition":"http://example.org/none","expression":"gender"}]`), 422, "http://example.org/none is not known"},
		{definition("x", "Patient", "composite", `,"expression":"Patient","component":[{"definition":"http://hl7.org/fhir/SearchParameter/individual-gender","expression":"gender("},{"definition":"http://example.org/none","expression":"gender"}]`), 422, "SearchParameter.component.expression"},
	} {
		p.do(step{do: "POST SearchParameter", body: c.body, status: c.status, has: []string{c.want}})
	}
	p.do(
		step{do: "POST SearchParameter/none/$reindex", status: 404},
		step{do: "POST Patient/none/$reindex", status: 404},
		step{do: putEyes, body: eyeParameter("eyes", "eyes", ""), status: 201},
		step{do: "PATCH SearchParameter/eyes", header: map[string]string{"Content-Type": "application/json-patch+json"},
			body: `[{"op":"replace","path":"/expression","value":"Patient.nose"}]`, status: 422, has: []string{"no element of Patient"}},
		step{do: "PUT SearchParameter/same", body: eyeParameter("same", "eyes", ""), status: 201},
		step{do: reindexEyes, status: 202},
		step{do: "POST SearchParameter/same/$reindex", status: 422, has: []string{`Patient has a parameter \"eyes\" already`}},
		step{do: "PUT SearchParameter/other", body: eyeParameter("other", "eyes", ""), status: 422},
		step{do: "PUT SearchParameter/draft", body: `{"resourceType":"SearchParameter","id":"draft","url":"http://example.org/d","name":"d","status":"draft","description":"d","code":"gender","base":["Patient"],"type":"token"}`, status: 201},
		step{do: "POST SearchParameter/draft/$reindex", status: 422, has: []string{"draft"}},
	)
}

// parametersOfTwo: what one process adds the other one writes by, although it has not heard of it.
func parametersOfTwo(t *testing.T, st store.Store) {
	a, b := newProcess(t, st, "a"), newProcess(t, st, "b")
	a.do(step{do: putEyes, body: eyeParameter("eyes", "eyes", ""), status: 201}, put("first", "blue"), step{do: reindexEyes, status: 202})
	a.reindex()
	b.do(put("second", "blue"),
		step{do: "POST ", body: `{"resourceType":"Bundle","type":"transaction","entry":[{"resource":` + patientWithEyes("x", "blue") + `,"request":{"method":"POST","url":"Patient"}}]}`, status: 200},
		step{do: "POST ", body: `{"resourceType":"Bundle","type":"batch","entry":[{"resource":` + patientWithEyes("x", "blue") + `,"request":{"method":"POST","url":"Patient"}}]}`, status: 200},
	)
	a.do(counted("Patient?eyes=blue", 4))
	b.do(counted("Patient?eyes=blue", 4))
	b.do(step{do: "DELETE SearchParameter/eyes", status: 204})
	a.refresh()
	a.do(step{do: "GET Patient?eyes=blue", status: 400})
	a.do(put("third", "blue"))
}

// parametersUnderWrites: nothing that anybody writes while a parameter is added is missing or found by what it no longer is.
func parametersUnderWrites(t *testing.T, st store.Store) {
	a, b := newProcess(t, st, "a"), newProcess(t, st, "b")
	const writers, each = 4, 12
	for i := range writers * each / 2 {
		a.do(put(fmt.Sprintf("p%d", i), "brown"))
	}
	a.do(step{do: putEyes, body: eyeParameter("eyes", "eyes", ""), status: 201})
	var all sync.WaitGroup
	for w := range writers {
		p := []*process{a, b}[w%2]
		all.Go(func() {
			for i := range each {
				id := fmt.Sprintf("p%d", w*each+i)
				status := 201
				if w*each+i < writers*each/2 {
					status = 200
				}
				s := put(id, "blue")
				s.status = status
				p.do(s)
			}
		})
	}
	a.do(step{do: reindexEyes, status: 202})
	b.reindex()
	all.Wait()
	a.refresh()
	a.do(counted("Patient?eyes=blue", writers*each), counted("Patient?eyes=brown", 0))
}

// resumedReindexing: who takes over goes on where the work stopped.
func resumedReindexing(t *testing.T, st store.Store) {
	a, b := newProcess(t, st, "a"), newProcess(t, st, "b")
	for range 3 {
		entries := ""
		for i := range 100 {
			if i > 0 {
				entries += ","
			}
			entries += `{"resource":` + patientWithEyes("x", "blue") + `,"request":{"method":"POST","url":"Patient"}}`
		}
		a.do(step{do: "POST ", body: `{"resourceType":"Bundle","type":"transaction","entry":[` + entries + `]}`, status: 200})
	}
	if err := a.service.RequestReindex(t.Context(), []string{"Patient"}, 0); err != nil {
		t.Fatal(err)
	}
	func() {
		defer func() { _ = recover() }() // a process that dies has no time to say so
		_ = a.service.Reindex(t.Context(), func(resources.Reindexing) { panic("killed") })
	}()
	if err := b.service.Reindex(t.Context(), func(resources.Reindexing) { t.Error("two at it at the same time") }); err != nil {
		t.Fatal(err)
	}
	later := resources.New(resources.Options{Store: st, Now: func() time.Time { return time.Now().Add(time.Hour) }, Log: slog.New(slog.DiscardHandler)})
	var seen []int64
	if err := later.Reindex(t.Context(), func(r resources.Reindexing) { seen = append(seen, r.Done) }); err != nil {
		t.Fatal(err)
	}
	if fmt.Sprint(seen) != "[300]" {
		t.Errorf("went on with %v, not from 200 to 300", seen)
	}
	if r, err := later.ReindexProgress(t.Context()); err != nil || !r.IsOver() || r.Done != 300 || r.Total != 300 || r.Kept != 0 {
		t.Errorf("in the end %+v, %v", r, err)
	}
}

func customComposite(t *testing.T, st store.Store) {
	p := newProcess(t, st, "a")
	composite := `{"resourceType":"SearchParameter","id":"contacts","url":"http://example.org/contacts","name":"c","status":"active","description":"c","code":"contacts","base":["Patient"],"type":"composite","expression":"Patient.contact",` +
		`"component":[{"definition":"http://hl7.org/fhir/SearchParameter/individual-gender","expression":"gender"},{"definition":"http://hl7.org/fhir/SearchParameter/individual-family","expression":"name.family"}]}`
	contact := func(gender, family string) string {
		return `{"gender":"` + gender + `","name":{"family":"` + family + `"}}`
	}
	p.do(
		step{do: "PUT Patient/1", body: `{"resourceType":"Patient","id":"1","contact":[` + contact("male", "Berg") + `,` + contact("female", "Tal") + `]}`, status: 201},
		step{do: "PUT SearchParameter/contacts", body: composite, status: 201},
		step{do: "POST SearchParameter/contacts/$reindex", status: 202})
	p.reindex()
	p.do(counted("Patient?contacts=male$berg", 1), counted("Patient?contacts=male$tal", 0), counted("Patient?contacts=female$tal", 1))
}
