package scope_test

import (
	"fmt"
	"log/slog"
	"maps"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"fhirside/resources"
	"fhirside/resources/access"
	"fhirside/resources/rest"
	"fhirside/resources/store"
	"fhirside/resources/store/mongo"
	"fhirside/resources/store/mongo/mongotest"
	"fhirside/resources/store/sqlite"
	"fhirside/search"
	"fhirside/smart/scope"
)

// Two servers whose records differ only in what a caller may not see must not be told apart: the caller asks both the same at random,
// and gets the same answers, byte for byte. What shows by design is not asked (docs/scopes.md, "What refusals tell"): an update that
// would create under an id that is taken, and a deletion of what hidden records refer to.

// caller is somebody with scopes.
type caller struct {
	scopes string
	who    scope.Subject
	team   bool // practitioners see those whom they care for
	writes bool
}

var (
	alice  = scope.Subject{Patient: "alice", FHIRUser: "Patient/alice", ClientID: "app"}
	doctor = scope.Subject{FHIRUser: "Practitioner/p1", ClientID: "app"}
	robot  = scope.Subject{ClientID: "backend"}
)

var callers = []caller{
	{scopes: "patient/*.cruds", who: alice, writes: true},
	{scopes: "patient/*.rs", who: alice},
	{scopes: "user/*.cruds", who: alice, writes: true},
	{scopes: "patient/*.read patient/*.write", who: scope.Subject{Patient: "bob", FHIRUser: "Practitioner/p1", ClientID: "app"}, writes: true},
	{scopes: "patient/Observation.rs?category=laboratory patient/Patient.rs patient/Condition.r patient/Encounter.s patient/List.rs", who: alice},
	{scopes: "patient/Observation.cruds?category=http://category|laboratory patient/Binary.rs patient/Patient.rs", who: alice, writes: true},
	{scopes: "patient/Observation.rs?code=a,b&status=final patient/DiagnosticReport.rs patient/Provenance.rs", who: alice},
	{scopes: "patient/*.r", who: alice},
	{scopes: "patient/*.s", who: alice},
	{scopes: "user/*.rs", who: scope.Subject{FHIRUser: "RelatedPerson/mother", ClientID: "app"}},
	{scopes: "user/*.cruds", who: doctor, team: true, writes: true},
	{scopes: "user/Observation.rs user/Patient.rs?gender=female user/Binary.rs user/CareTeam.rs", who: doctor},
	{scopes: "system/*.rs?_tag=shown", who: robot},
	{scopes: "system/Observation.cruds?category:not=laboratory system/List.rs system/Encounter.rs?status=planned", who: robot, writes: true},
	{scopes: "system/Patient.rs?birthdate=ge1970 system/Appointment.rs system/Organization.rs?active=true system/ValueSet.rs?status=active", who: robot},
}

// house is a server with records.
type house struct {
	db      store.Store
	handler http.Handler
	policy  access.Policy
	now     time.Time
	exact   bool     // its clock is that of the commits
	pages   []string // URLs of pages that answers linked to
}

// opener opens an empty store whose commits go by that clock, if it can.
type opener func(now func() time.Time) store.Store

const base = "http://clinic.example/fhir"

var morning = time.Date(2026, 3, 1, 8, 0, 0, 0, time.UTC)

func newHouse(open opener) *house {
	h := &house{now: morning}
	h.db = open(func() time.Time { return h.now })
	h.serve(resources.IgnoreReferences)
	return h
}

// serve answers from now on, with references checked or not.
func (h *house) serve(integrity resources.Integrity) {
	ids, log := 0, slog.New(slog.DiscardHandler)
	service := resources.New(resources.Options{
		Store: h.db, Registry: search.R4(), Base: base, Integrity: integrity, Log: log, PageSize: 5, MaxPage: 7,
		Now:   func() time.Time { return h.now },
		NewID: func() string { ids++; return fmt.Sprintf("new-%d", ids) },
	})
	h.handler = rest.New(rest.Options{
		Service: service, Base: base, Log: log, Realm: "clinic",
		Guard:    func(*http.Request) (access.Policy, error) { return h.policy, nil },
		Metadata: func(string) []byte { return nil },
	})
}

func (h *house) under(t *testing.T, c caller) {
	set, err := scope.Parse(c.scopes)
	if err != nil {
		t.Fatal(err)
	}
	h.policy, err = scope.NewCompiler(scope.Options{
		Registry: search.R4, Base: base, CareTeamOnly: c.team,
		ActsFor: func(string) ([]string, error) { return []string{"alice"}, nil },
	}).Policy(set, c.who)
	if err != nil {
		t.Fatal(err)
	}
}

// ask is a request. Its path is below the base, or a whole URL.
type ask struct {
	method, path, body string
	header             map[string]string
}

func (a ask) String() string {
	return strings.TrimSpace(fmt.Sprintf("%s %s %v %s", a.method, a.path, a.header, a.body))
}

func (h *house) do(a ask) *httptest.ResponseRecorder {
	url := a.path
	if !strings.HasPrefix(url, base) {
		url = strings.TrimSuffix(base+"/"+a.path, "/")
	}
	r := httptest.NewRequest(a.method, url, strings.NewReader(a.body))
	r.Header.Set("X-Request-Id", "1")
	if a.body != "" {
		r.Header.Set("Content-Type", "application/fhir+json")
	}
	for name, value := range a.header {
		r.Header.Set(name, value)
	}
	w := httptest.NewRecorder()
	h.handler.ServeHTTP(w, r)
	h.now = h.now.Add(time.Second)
	return w
}

// answered is all that a caller gets to see.
type answered struct {
	status       int
	header, body string
}

var (
	sealed  = regexp.MustCompile(`_cursor=[A-Za-z0-9_-]+`)
	pageURL = regexp.MustCompile(`"relation":"(next|previous|first)","url":"([^"]*)"`)
	moment  = regexp.MustCompile(`"last(Updated|Modified)":"[^"]*"`)
)

func (h *house) ask(a ask) answered {
	w := h.do(a)
	body, header := w.Body.String(), w.Header()
	for _, m := range pageURL.FindAllStringSubmatch(body, -1) {
		h.pages = append(h.pages, m[2])
	}
	if !h.exact {
		body = moment.ReplaceAllString(body, "")
		header.Del("Last-Modified")
	}
	if open := sealed.ReplaceAllString(body, ""); open != body { // how long it is tells about how much there is in all
		body = open
		header.Del("Content-Length")
	}
	var lines []string
	for _, name := range slices.Sorted(maps.Keys(header)) {
		lines = append(lines, name+": "+strings.Join(header[name], ", "))
	}
	return answered{w.Code, strings.Join(lines, "\n"), body}
}

// load makes the records, an hour for each round, and waits for the next day.
func (h *house) load(t *testing.T, script []step) {
	h.policy = access.Everything
	for round := range rounds {
		h.now = morning.Add(time.Duration(round) * time.Hour)
		a := ask{method: http.MethodPost, body: batchOf(script, round)}
		if w := h.do(a); w.Code != http.StatusOK || strings.Contains(w.Body.String(), `"outcome"`) {
			t.Fatalf("%s: %d %s", a, w.Code, w.Body)
		}
	}
	h.now = morning.AddDate(0, 0, 1)
}

var historyEntry = regexp.MustCompile(`"request":\{"method":"[A-Z]+","url":"([^"]*)"\},"response":\{"status":"[^"]*","etag":"W/\\"(\d+)`)

// shown are the versions that the caller may see, by one or the other right: "Patient/1/_history/2".
func (h *house) shown(script []step) map[string]bool {
	shown := map[string]bool{}
	for _, at := range numbered(script) {
		if at == "" {
			continue
		}
		if w := h.do(ask{method: http.MethodGet, path: at}); w.Code == http.StatusOK || w.Code == http.StatusGone {
			shown[at] = true
		}
	}
	for next := "_history"; next != ""; {
		body := h.do(ask{method: http.MethodGet, path: next}).Body.String()
		next = ""
		for _, m := range pageURL.FindAllStringSubmatch(body, -1) {
			if m[1] == "next" {
				next = m[2]
			}
		}
		for _, m := range historyEntry.FindAllStringSubmatch(body, -1) {
			kind, id, _ := strings.Cut(m[1], "/")
			shown[kind+"/"+id+"/_history/"+m[2]] = true
		}
	}
	return shown
}

// twins are two houses in which the caller sees the same, and the records that only one of them has.
func twins(t *testing.T, r *rand.Rand, c caller, open opener) (a, b *house, single map[string]bool) {
	script := newScript(r)
	house := func(script []step) (*house, map[string]bool) {
		h := newHouse(open)
		h.load(t, script)
		h.under(t, c)
		return h, h.shown(script)
	}
	a, shown := house(script)
	other := altered(r, script, shown)
	for {
		b, again := house(other)
		if maps.Equal(shown, again) {
			t.Logf("%s: %d versions, %d shown, %d altered", c.scopes, len(script), len(shown), differing(script, other))
			b.now = a.now
			return a, b, missing(script, other)
		}
		if !restore(script, other, shown, again) {
			t.Fatalf("%s: the same records are shown differently: %v, %v", c.scopes, shown, again)
		}
	}
}

func interference(t *testing.T, seed uint64, requests int, exact bool, open opener) {
	r, c := rand.New(rand.NewPCG(seed, 1)), callers[seed%uint64(len(callers))]
	a, b, single := twins(t, r, c, open)
	q := asker{maker: maker{r}, c: c, single: single, check: c.writes && r.IntN(2) == 0}
	if q.check {
		a.serve(resources.CheckReferences)
		b.serve(resources.CheckReferences)
	}
	a.exact, b.exact = exact, exact
	found := 0
	for i := range requests {
		toA := q.next()
		toB := toA
		if n := len(a.pages); n > 0 && q.one(4) {
			at := max(0, n-1-q.IntN(8))
			toA, toB = ask{method: http.MethodGet, path: a.pages[at]}, ask{method: http.MethodGet, path: b.pages[at]}
		}
		x, y := a.ask(toA), b.ask(toB)
		if x != y || len(a.pages) != len(b.pages) {
			t.Fatalf("seed %d, request %d: %s: %s tells\n%d %s\n%s\nfrom\n%d %s\n%s", seed, i, c.scopes, toA, x.status, x.header, x.body, y.status, y.header, y.body)
		}
		if strings.Contains(x.body, `"mode":"match"`) {
			found++
		}
	}
	t.Logf("seed %d: %d of %d requests found something; references checked: %t", seed, found, requests, q.check)
}

// TestNonInterference asks as each caller; in its long form at random for as long as it takes.
func TestNonInterference(t *testing.T) {
	first, n, requests := uint64(0), uint64(len(callers)), 120
	if os.Getenv("FHIRSIDE_SOAK") != "" {
		first, n, requests = rand.Uint64N(1<<32), 300, 1000
	}
	for seed := first; seed < first+n; seed++ {
		interference(t, seed, requests, true, func(now func() time.Time) store.Store {
			db, err := sqlite.Open(t.Context(), sqlite.Memory, sqlite.Options{Now: now})
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = db.Close() })
			return db
		})
	}
}

func TestNonInterferenceOnMongoDB(t *testing.T) {
	const careTeam = 10
	first, n, requests := uint64(careTeam), uint64(1), 100
	if os.Getenv("FHIRSIDE_SOAK") != "" {
		first, n, requests = rand.Uint64N(1<<32), 20, 500
	}
	for seed := first; seed < first+n; seed++ {
		interference(t, seed, requests, false, func(func() time.Time) store.Store {
			db, err := mongo.Open(t.Context(), mongotest.URI(t), mongo.Options{})
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = db.Close() })
			return db
		})
	}
}
