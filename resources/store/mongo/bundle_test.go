package mongo_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"

	"go.mongodb.org/mongo-driver/v2/bson"

	"fhirside/fhir"
	"fhirside/resources"
	"fhirside/resources/access"
	"fhirside/resources/store/mongo"
	"fhirside/resources/store/mongo/mongotest"
)

// commands counts what a store sends.
type commands struct {
	mu   sync.Mutex
	sent map[string]int
}

func (c *commands) note(command bson.Raw) {
	c.mu.Lock()
	defer c.mu.Unlock()
	first := command.Index(0)
	if of, _ := first.Value().StringValueOK(); of == "schema" {
		return // it looks for a newer layout, now and then
	}
	if c.sent == nil {
		c.sent = map[string]int{}
	}
	c.sent[first.Key()]++
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

// What a Bundle deletes by criteria is announced before its commit begins, which runs once: not anew for each of its deletions.
func TestConditionalDeletions(t *testing.T) {
	t.Parallel()
	const n = 20
	var sent commands
	s, err := mongo.Open(t.Context(), mongotest.URI(t), mongo.Watched(sent.note))
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	service := resources.New(resources.Options{Store: s})
	for _, kind := range []string{"batch", "transaction"} {
		for _, write := range []struct{ entry, says string }{
			{`{"request":{"method":"POST","url":"Patient"},"resource":{"resourceType":"Patient","identifier":[{"value":"%d"}]}}`, "201 Created"},
			{`{"request":{"method":"DELETE","url":"Patient?identifier=%d"}}`, "204 No Content"},
		} {
			sent.take()
			bundle := bundleOf(t, kind, n, func(i int) string { return fmt.Sprintf(write.entry, i) })
			answer, err := service.Bundle(t.Context(), access.Everything, bundle, resources.Preferences{})
			if err != nil {
				t.Fatal(err)
			}
			if got := strings.Count(string(answer), write.says); got != n {
				t.Errorf("%s: %d of %d answers are %s", kind, got, n, write.says)
			}
			if commands := sent.take(); commands["commitTransaction"] != 1 || commands["abortTransaction"] > 0 {
				t.Errorf("%s, %s: it sent %v", kind, write.says, commands)
			}
		}
	}
}
