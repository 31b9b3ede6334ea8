package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"fhirside/resources/store/mongo/mongotest"
)

// clients write through a server whose database has a bad day, and remember what they were told.
type clients struct {
	t    *testing.T
	base string
	http *http.Client

	mu      sync.Mutex
	pairs   []string        // transactions of two that were acknowledged
	slots   map[string]bool // conditional creates that were acknowledged
	refused int
	slowest time.Duration
}

const (
	// longestAnswer is by when every request is answered: ten seconds, and what a busy machine takes beside.
	longestAnswer = 30 * time.Second
	// limit is when a test gives up waiting for what must happen.
	limit = 2 * time.Minute
)

// until waits until something holds.
func until(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for began := time.Now(); !holds(); sleepIn(t, 5*time.Millisecond) {
		if time.Since(began) > limit {
			t.Fatalf("after %v it still does not hold: %s", limit, what)
		}
	}
}

// send is one request; ok is false where it was refused for now. Whatever else is answered fails the test.
func (c *clients) send(method, path, body string, header ...string) (ok bool) {
	request, err := http.NewRequestWithContext(context.Background(), method, c.base+path, strings.NewReader(body))
	if err != nil {
		c.t.Error(err)
		return false
	}
	request.Header.Set("Content-Type", "application/fhir+json")
	for i := 0; i < len(header); i += 2 {
		request.Header.Set(header[i], header[i+1])
	}
	began := time.Now()
	response, err := c.http.Do(request)
	if err != nil {
		c.t.Errorf("%s %s: %v", method, path, err)
		return false
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(response.Body)
	took := time.Since(began)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.slowest = max(c.slowest, took)
	switch {
	case err != nil:
		c.t.Errorf("%s %s: %v", method, path, err)
	case response.StatusCode == http.StatusOK || response.StatusCode == http.StatusCreated:
		return true
	case response.StatusCode != http.StatusServiceUnavailable || response.Header.Get("Retry-After") == "" || !bytes.Contains(answer, []byte(`"OperationOutcome"`)):
		c.t.Errorf("%s %s: %s (Retry-After %q) %s", method, path, response.Status, response.Header.Get("Retry-After"), answer)
	default:
		c.refused++
	}
	return false
}

// write sends transactions of two, and conditional creates that all writers want.
func (c *clients) write(ctx context.Context, writer int) {
	for n := 0; ctx.Err() == nil; n++ {
		id := fmt.Sprintf("%d-%d", writer, n)
		entry := func(side string) string {
			return fmt.Sprintf(`{"resource":{"resourceType":"Patient","id":"%[1]s-%[2]s"},"request":{"method":"PUT","url":"Patient/%[1]s-%[2]s"}}`, side, id)
		}
		if c.send("POST", "", `{"resourceType":"Bundle","type":"transaction","entry":[`+entry("left")+`,`+entry("right")+`]}`) {
			c.mu.Lock()
			c.pairs = append(c.pairs, id)
			c.mu.Unlock()
		}
		slot := fmt.Sprint("slot-", n)
		body := `{"resourceType":"Patient","identifier":[{"system":"urn:x","value":"` + slot + `"}]}`
		if c.send("POST", "/Patient", body, "If-None-Exist", "identifier=urn:x|"+slot) {
			c.mu.Lock()
			c.slots[slot] = true
			c.mu.Unlock()
		}
	}
}

// goesOn waits until more is acknowledged: the clients are in the middle of things.
func (c *clients) goesOn() {
	c.t.Helper()
	acknowledged := func() (pairs, slots int) {
		c.mu.Lock()
		defer c.mu.Unlock()
		return len(c.pairs), len(c.slots)
	}
	pairs, slots := acknowledged()
	until(c.t, "transactions and conditional creates are acknowledged", func() bool {
		p, s := acknowledged()
		return p > pairs && s > slots
	})
}

// stored is what the server gives back of a patient.
type stored struct {
	ID         string
	Meta       struct{ VersionID string }
	Identifier []struct{ Value string }
}

// all are the resources on all pages that begin at a URL.
func (c *clients) all(url string) (found []stored) {
	c.t.Helper()
	for url != "" {
		response, err := c.http.Get(url)
		if err != nil {
			c.t.Fatal(err)
		}
		var page struct {
			Link  []struct{ Relation, URL string }
			Entry []struct{ Resource stored }
		}
		err = json.NewDecoder(response.Body).Decode(&page)
		response.Body.Close()
		if err != nil || response.StatusCode != http.StatusOK {
			c.t.Fatal(response.Status, err)
		}
		for _, e := range page.Entry {
			found = append(found, e.Resource)
		}
		url = ""
		for _, link := range page.Link {
			if link.Relation == "next" {
				url = link.URL
			}
		}
	}
	return found
}

// check holds the server to what the clients were told.
func (c *clients) check() {
	t := c.t
	t.Helper()
	sides, slots, ids := map[string]int{}, map[string]int{}, map[string]bool{}
	for _, p := range c.all(c.base + "/Patient?_count=500") {
		if ids[p.ID] {
			t.Errorf("%s comes twice", p.ID)
		}
		ids[p.ID] = true
		if p.Meta.VersionID != "1" {
			t.Errorf("%s has version %s", p.ID, p.Meta.VersionID)
		}
		if len(p.Identifier) > 0 {
			slots[p.Identifier[0].Value]++
		} else {
			_, pair, _ := strings.Cut(p.ID, "-")
			sides[pair]++
		}
	}
	for _, pair := range c.pairs {
		if sides[pair] != 2 {
			t.Errorf("the transaction %s was acknowledged, and %d of 2 resources are there", pair, sides[pair])
		}
	}
	for pair, n := range sides {
		if n != 2 {
			t.Errorf("half of the transaction %s is there", pair)
		}
	}
	for slot := range c.slots {
		if slots[slot] != 1 {
			t.Errorf("%s was acknowledged, and is there %d times", slot, slots[slot])
		}
	}
	for slot, n := range slots {
		if n != 1 {
			t.Errorf("%s is there %d times", slot, n)
		}
	}
	// A history ends before the oldest commit that may yet become visible: one whose result is not known until the server was asked again.
	until(t, fmt.Sprintf("the history has %d versions", len(ids)), func() bool {
		return len(c.all(c.base+"/Patient/_history?_count=500")) == len(ids)
	})
	if c.slowest > longestAnswer {
		t.Errorf("a client waited %v", c.slowest)
	}
	t.Logf("%d transactions and %d conditional creates acknowledged, %d refused for now, the slowest answer after %v", len(c.pairs), len(c.slots), c.refused, c.slowest)
}

// badDay lets 16 clients write through a server, which is a process of its own, while bad things happen to its database. The server is
// never started again.
func badDay(t *testing.T, uri string, happens func(c *clients)) {
	server := serverProcess(t, "--store", uri, "--auth", "none")
	transport := &http.Transport{MaxIdleConnsPerHost: 16}
	t.Cleanup(transport.CloseIdleConnections)
	c := &clients{t: t, base: server + "/fhir", http: &http.Client{Transport: transport, Timeout: limit}, slots: map[string]bool{}}
	ctx, stop := context.WithCancel(t.Context())
	var writers sync.WaitGroup
	for i := range 16 {
		writers.Go(func() { c.write(ctx, i) })
	}
	happens(c)
	readyz(t, server, http.StatusOK, "")
	c.goesOn()
	stop()
	writers.Wait()
	c.check()
}

// sleepIn lets the clients work: the tests need them in the middle of things.
func sleepIn(t *testing.T, pause time.Duration) {
	t.Helper()
	select {
	case <-t.Context().Done():
	case <-time.After(pause):
	}
}

// times is how often something is done: in short, and by make soak.
func times(short, full int) int {
	if os.Getenv("FHIRSIDE_SOAK") != "" {
		return full
	}
	return short
}

// TestDatabaseKilled kills the database with -9 under the server, and starts it again.
func TestDatabaseKilled(t *testing.T) {
	t.Parallel()
	killPrimaries(t, mongotest.Nodes(t, 1), times(2, 10))
}

// TestPrimaryKilled kills the primary of three nodes with -9 under the server, again and again; each time another one is elected.
func TestPrimaryKilled(t *testing.T) {
	t.Parallel()
	killPrimaries(t, mongotest.Nodes(t, 3), times(3, 10))
}

func killPrimaries(t *testing.T, set *mongotest.ReplicaSet, often int) {
	badDay(t, mongotest.WithDatabase(set.URI(), "killed"), func(c *clients) {
		for range often {
			c.goesOn()
			sleepIn(t, 500*time.Millisecond)
			if err := set.KillPrimary(); err != nil {
				t.Fatal(err)
			}
		}
	})
}

// TestDatabaseOverBadNetwork: connections to the database are cut, slow, half-open and broken off.
func TestDatabaseOverBadNetwork(t *testing.T) {
	t.Parallel()
	network, uri := mongotest.Through(t, mongotest.URI(t))
	badDay(t, uri, func(c *clients) {
		for i := range times(1, 10) {
			c.goesOn()
			network.Cut(200 * time.Millisecond)
			c.goesOn()
			network.Slow(500 * time.Millisecond)
			silent := 500 * time.Millisecond
			if i == 1 { // longer than a request may take
				silent = 12 * time.Second
			}
			network.HalfOpen(silent)
			network.Break(500 * time.Millisecond)
		}
	})
}
