package mongo_test

import (
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"

	"go.mongodb.org/mongo-driver/v2/bson"

	"fhirside/fhir"
	"fhirside/resources"
	"fhirside/resources/access"
	"fhirside/resources/store/mongo"
	"fhirside/resources/store/mongo/mongotest"
	"fhirside/search"
)

// commands counts what a store sends.
type commands struct {
	mu   sync.Mutex
	sent map[string]int
}

func (c *commands) note(command bson.Raw) {
	c.mu.Lock()
	defer c.mu.Unlock()
	elements, _ := command.Elements()
	if c.sent == nil {
		c.sent = map[string]int{}
	}
	c.sent[elements[0].Key()]++
}

// take is what was sent since it was last asked for.
func (c *commands) take() map[string]int {
	c.mu.Lock()
	defer c.mu.Unlock()
	sent := c.sent
	c.sent = nil
	return sent
}

// bundleOf writes a Bundle of n entries.
func bundleOf(t testing.TB, kind string, n int, entry func(i int) string) *fhir.Resource {
	t.Helper()
	entries := make([]string, n)
	for i := range entries {
		entries[i] = entry(i)
	}
	bundle, err := fhir.Parse([]byte(`{"resourceType":"Bundle","type":"` + kind + `","entry":[` + strings.Join(entries, ",") + `]}`))
	if err != nil {
		t.Fatal(err)
	}
	return bundle
}

// Conditional writes of a Bundle are sent together, as others are: looking for what is not there does not tear them apart.
func TestConditionalBundles(t *testing.T) {
	const n = 250
	var sent commands
	s, err := mongo.Open(t.Context(), mongotest.URI(t), mongo.Watched(sent.note))
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	service := resources.New(resources.Options{Store: s})
	post := func(bundle *fhir.Resource) string {
		t.Helper()
		answer, err := service.Bundle(t.Context(), access.Everything, bundle, resources.Preferences{Base: "http://clinic.test/fhir"})
		if err != nil {
			t.Fatal(err)
		}
		return string(answer)
	}
	post(bundleOf(t, "batch", 1, func(int) string {
		return `{"request":{"method":"POST","url":"Patient"},"resource":{"resourceType":"Patient"}}`
	}))
	sent.take()
	create := func(kind string) func(int) string {
		return func(i int) string {
			return fmt.Sprintf(`{"request":{"method":"POST","url":"Patient","ifNoneExist":"identifier=urn:%s|%d"},
				"resource":{"resourceType":"Patient","identifier":[{"system":"urn:%s","value":"%d"}],"active":true}}`, kind, i, kind, i)
		}
	}
	update := func(kind string) func(int) string {
		return func(i int) string {
			return fmt.Sprintf(`{"request":{"method":"PUT","url":"Patient?identifier=urn:%s|%d"},
				"resource":{"resourceType":"Patient","identifier":[{"system":"urn:%s","value":"%d"}],"active":false}}`, kind, i, kind, i)
		}
	}
	const together = 3 // commits of a batch
	for _, kind := range []string{"batch", "transaction"} {
		for _, write := range []struct {
			name  string
			entry func(int) string
			says  string
			finds int // for each entry: before the commit and in it, and what is found is read
		}{{"create", create(kind), "201 Created", 2}, {"find", create(kind), "200 OK", 3}, {"update", update(kind), "200 OK", 3}} {
			answer := post(bundleOf(t, kind, n, write.entry))
			commands := sent.take()
			t.Log(kind, write.name, commands)
			if got := strings.Count(answer, write.says); got != n {
				t.Errorf("%d of %d answers are %s", got, n, write.says)
			}
			if written := commands["insert"] + commands["update"]; written > 3*together || commands["find"] > write.finds*n {
				t.Errorf("%s, %s: it sent %v", kind, write.name, commands)
			}
		}
	}
}

// A transaction that is too much for the server's cache is refused as a whole, with what to send instead; who does so gets it all in.
func TestBundleTooLargeForCache(t *testing.T) {
	t.Parallel()
	s, err := mongo.Open(t.Context(), mongotest.WithDatabase(mongotest.Private(t).URI(), "small"), mongo.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	service := resources.New(resources.Options{Store: s})
	const n = 5000
	create := func(i int) string {
		return fmt.Sprintf(`{"request":{"method":"POST","url":"Patient"},"resource":{"resourceType":"Patient",
			"identifier":[{"system":"urn:x","value":"%d"}],"name":[{"family":"Family%d","given":["Given%d"]}],"birthDate":"19%02d-01-01"}}`, i, i, i, i%100)
	}
	count := func() (n int64) {
		n, err := s.Count(t.Context(), []string{"Patient"}, search.All{})
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	size := n
	for done := 0; done < n; {
		size = min(size, n-done)
		_, err := service.Bundle(t.Context(), access.Everything, bundleOf(t, "transaction", size, func(i int) string { return create(done + i) }), resources.Preferences{Base: "http://clinic.test/fhir"})
		if err == nil {
			done += size
			continue
		}
		status, issues := resources.Status(err)
		said := issues[0].Diagnostics
		_, rest, _ := strings.Cut(said, "send at most ")
		var most int
		if _, parsed := fmt.Sscan(rest, &most); status != 413 && status != 503 || parsed != nil || most >= size || most < 1 {
			t.Fatalf("%d entries: %d %s: %v", size, status, said, err)
		}
		if there := count(); there != int64(done) {
			t.Fatalf("%d are there, and %d were acknowledged", there, done)
		}
		t.Logf("%d entries: %s", size, said)
		if size = most; os.Getenv("FHIRSIDE_SOAK") == "" {
			size = min(size, 300) // close to what fits the server takes long to say so
		}
	}
	if there := count(); there != n {
		t.Errorf("%d are there", there)
	}
	if size == n {
		t.Skip("the server takes it all at once")
	}
}
