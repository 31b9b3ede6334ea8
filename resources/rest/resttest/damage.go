package resttest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"

	"fhirside/resources"
	"fhirside/resources/access"
	"fhirside/resources/rest"
	"fhirside/resources/store"
	"fhirside/search"
)

// Vandal changes what a database holds of a resource's only version, behind the store's back.
type Vandal struct {
	Garble func(t testing.TB, key store.Key)        // what is there then is no FHIR
	Swap   func(t testing.TB, key, other store.Key) // what is there then is the content of another resource
}

// RunDamage holds that what somebody has damaged in the database fails by itself, is told of by what goes on without it, is shown to
// nobody who may not know of it, and can be put right. Each store is one of its own.
func RunDamage(t *testing.T, open func(t *testing.T) (store.Store, Vandal)) {
	for _, c := range []struct {
		name   string
		damage func(*damagedWorld, store.Key)
	}{
		{"garbled", func(w *damagedWorld, k store.Key) { w.vandal.Garble(w.t, k) }},
		{"swapped", func(w *damagedWorld, k store.Key) { w.vandal.Swap(w.t, k, store.Key{Type: k.Type, ID: "other"}) }},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newDamagedWorld(t, open)
			w.fill()
			c.damage(w, store.Key{Type: "Observation", ID: "x3"})
			c.damage(w, store.Key{Type: "Patient", ID: "p2"})
			for _, part := range []struct {
				name string
				run  func(*damagedWorld)
			}{
				{"reads", (*damagedWorld).reads},
				{"searches", (*damagedWorld).searches},
				{"pages", (*damagedWorld).pages},
				{"includes", (*damagedWorld).includes},
				{"histories", (*damagedWorld).histories},
				{"bundles", (*damagedWorld).bundles},
				{"policies", (*damagedWorld).policies},
				{"refused writes", (*damagedWorld).refusedWrites},
				{"reindex", (*damagedWorld).reindex},
				{"repairs", (*damagedWorld).repairs},
			} {
				t.Run(part.name, func(t *testing.T) {
					here := *w
					here.t = t
					part.run(&here)
				})
			}
			if text := w.log.String(); strings.Contains(text, secret) {
				t.Errorf("the log holds what resources say: %s", text)
			}
		})
	}
}

// damagedWorld is a server with records of two patients, who may each ask for their own (header Patient).
type damagedWorld struct {
	t       *testing.T
	base    string
	vandal  Vandal
	service *resources.Service
	log     *syncBuffer
}

// secret is in all resources, and must be neither in the log nor in answers about damage.
const secret = "confidential"

// patientPolicy lets a patient do everything with their own records.
type patientPolicy struct{ id string }

func (p patientPolicy) May(resourceType string, _ access.Interaction) search.Filter {
	switch resourceType {
	case "Patient":
		return search.ID{p.id}
	case "Observation":
		return search.Reference{Param: "subject", Type: "Patient", ID: p.id}
	}
	return search.None{}
}

func newDamagedWorld(t *testing.T, open func(t *testing.T) (store.Store, Vandal)) *damagedWorld {
	st, vandal := open(t)
	t.Cleanup(func() { st.Close() })
	log := &syncBuffer{}
	logger := slog.New(slog.NewTextHandler(log, nil))
	service := resources.New(resources.Options{Store: st, Log: logger, Integrity: resources.IgnoreReferences})
	server := httptest.NewServer(rest.New(rest.Options{
		Service: service, Log: logger,
		Guard: func(r *http.Request) (access.Policy, error) {
			if id := r.Header.Get("Patient"); id != "" {
				return patientPolicy{id}, nil
			}
			return access.Everything, nil
		},
	}))
	t.Cleanup(server.Close)
	return &damagedWorld{t, server.URL + rest.Path, vandal, service, log}
}

// syncBuffer is a log that a server may still write to while it is read.
type syncBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *syncBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *syncBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

func damagedPatient(id, family string) string {
	return fmt.Sprintf(`{"resourceType":"Patient","id":%q,"identifier":[{"system":"urn:p","value":%q}],"name":[{"family":%q,"text":%q}]}`, id, id, family, secret)
}

func damagedObservation(id, patient string, day int) string {
	return fmt.Sprintf(`{"resourceType":"Observation","id":%q,"identifier":[{"system":"urn:o","value":%q}],"status":"final","code":{"coding":[{"system":"urn:c","code":"c"}]},`+
		`"subject":{"reference":"Patient/%s"},"effectiveDateTime":"2020-01-%02d","valueString":"a %s value"}`, id, id, patient, day, secret)
}

// fill stores three patients and their observations.
func (w *damagedWorld) fill() {
	for id, family := range map[string]string{"p1": "Berg", "p2": "Two", "other": "Other"} {
		w.ask("PUT", "Patient/"+id, damagedPatient(id, family)).is(201)
	}
	for day := 1; day <= 5; day++ {
		id := fmt.Sprint("x", day)
		w.ask("PUT", "Observation/"+id, damagedObservation(id, "p1", day)).is(201)
	}
	w.ask("PUT", "Observation/y1", damagedObservation("y1", "p2", 6)).is(201)
	w.ask("PUT", "Observation/other", damagedObservation("other", "other", 7)).is(201)
}

// reply is an answer, with what of it is a Bundle taken apart.
type reply struct {
	w      *damagedWorld
	asked  string
	status int
	id     string // of the request
	body   string
	bundle struct {
		Total *int
		Link  []struct{ Relation, URL string }
		Entry []struct {
			FullURL  string
			Resource json.RawMessage
			Search   struct{ Mode string }
			Response struct{ Status string }
		}
	}
}

// ask sends a request; header is pairs of names and values.
func (w *damagedWorld) ask(method, url, body string, header ...string) *reply {
	w.t.Helper()
	if !strings.HasPrefix(url, "http") {
		url = strings.TrimSuffix(w.base+"/"+url, "/")
	}
	request, err := http.NewRequestWithContext(w.t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		w.t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/fhir+json")
	for i := 0; i < len(header); i += 2 {
		request.Header.Set(header[i], header[i+1])
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		w.t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		w.t.Fatal(err)
	}
	r := &reply{w: w, asked: fmt.Sprint(method, " ", url, " ", header), status: response.StatusCode, id: response.Header.Get("X-Request-Id"), body: string(text)}
	if strings.HasPrefix(r.body, `{"resourceType":"Bundle"`) {
		if err := json.Unmarshal(text, &r.bundle); err != nil {
			w.t.Fatalf("%s: %v: %s", r.asked, err, text)
		}
	}
	return r
}

func (r *reply) is(status int) *reply {
	r.w.t.Helper()
	if r.status != status {
		r.w.t.Errorf("%s: %d, not %d: %s", r.asked, r.status, status, r.body)
	}
	return r
}

// fails holds that it is a fault that the log tells of, naming the resource, and that shows nothing of it.
func (r *reply) fails(name string) {
	r.w.t.Helper()
	r.is(500)
	if !strings.Contains(r.body, `"OperationOutcome"`) {
		r.w.t.Errorf("%s: %s", r.asked, r.body)
	}
	r.tells(name)
}

// tells holds that the answer names the request's id, by which the log names the resource.
func (r *reply) tells(name string) *reply {
	r.w.t.Helper()
	if !strings.Contains(r.body, r.id) {
		r.w.t.Errorf("%s: the answer does not name the request %s: %s", r.asked, r.id, r.body)
	}
	for line := range strings.Lines(r.w.log.String()) {
		if strings.Contains(line, "id="+r.id+" ") && strings.Contains(line, name) {
			return r
		}
	}
	r.w.t.Errorf("%s: the log does not tell of %s", r.asked, name)
	return r
}

func (r *reply) lacks(texts ...string) *reply {
	r.w.t.Helper()
	for _, text := range texts {
		if strings.Contains(r.body, text) {
			r.w.t.Errorf("%s: the answer has %q: %s", r.asked, text, r.body)
		}
	}
	return r
}

func (r *reply) has(texts ...string) *reply {
	r.w.t.Helper()
	for _, text := range texts {
		if !strings.Contains(r.body, text) {
			r.w.t.Errorf("%s: the answer has no %q: %s", r.asked, text, r.body)
		}
	}
	return r
}

// names are the entries of a mode, "Type/id".
func (r *reply) names(mode string) (names []string) {
	for _, e := range r.bundle.Entry {
		if e.Search.Mode == mode {
			names = append(names, strings.TrimPrefix(e.FullURL, r.w.base+"/"))
		}
	}
	return names
}

// finds holds that a search finds these, and says what it had to leave out; "" where nothing.
func (r *reply) finds(mode, damaged string, want ...string) *reply {
	r.w.t.Helper()
	r.is(200)
	got := r.names(mode)
	slices.Sort(got)
	if !slices.Equal(got, want) {
		r.w.t.Errorf("%s: found %v, not %v", r.asked, got, want)
	}
	outcomes := len(r.names("outcome"))
	switch {
	case damaged == "" && outcomes > 0:
		r.w.t.Errorf("%s: it tells of %s", r.asked, r.body)
	case damaged != "" && outcomes != 1:
		r.w.t.Errorf("%s: %d outcomes: %s", r.asked, outcomes, r.body)
	case damaged != "":
		r.has(`"severity":"error"`).tells(damaged)
	}
	return r
}
