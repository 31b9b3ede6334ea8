package resources_test

import (
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"

	"fhirside/resources"
	"fhirside/resources/access"
	"fhirside/search"
)

// person is a policy that allows everything and says whose it is.
type person struct {
	access.Policy
	name string
}

func (p person) Caller() string { return p.name }

// nextOf is the cursor in a page's next link.
func (h house) nextOf(page *resources.Page) search.Parameter {
	h.Helper()
	bundle, err := page.Bundle("")
	if err != nil {
		h.Fatal(err)
	}
	_, rest, ok := strings.Cut(string(bundle), "_cursor=")
	if !ok {
		h.Fatalf("no cursor in %s", bundle)
	}
	value, _, _ := strings.Cut(rest, "&")
	value, err = url.QueryUnescape(value)
	if err != nil {
		h.Fatal(err)
	}
	return search.Parameter{Name: "_cursor", Value: value}
}

func TestCursorsOfOthers(t *testing.T) {
	h := newHouse(t)
	anne, bob := person{access.Everything, "anne"}, person{access.Everything, "bob"}
	page, err := h.Search(t.Context(), anne, resources.Search{Type: "Patient", Params: []search.Parameter{{Name: "_count", Value: "1"}}})
	if err != nil {
		t.Fatal(err)
	}
	cursor := []search.Parameter{h.nextOf(page)}
	for _, c := range []struct {
		policy access.Policy
		taken  bool
	}{{anne, true}, {bob, false}, {access.Everything, false}} {
		_, err := h.Search(t.Context(), c.policy, resources.Search{Type: "Patient", Params: cursor})
		if taken := err == nil; taken != c.taken {
			t.Errorf("%v: taken %v, want %v (%v)", c.policy, taken, c.taken, err)
		}
	}
}

func TestChangedCursors(t *testing.T) {
	h := newHouse(t)
	page, err := h.Search(t.Context(), access.Everything, resources.Search{Type: "Patient", Params: []search.Parameter{{Name: "_count", Value: "1"}}})
	if err != nil {
		t.Fatal(err)
	}
	cursor := h.nextOf(page)
	sealed, other := cursor.Value, "x"
	if sealed[0] == 'x' {
		other = "y"
	}
	for _, changed := range []string{sealed + "\n", sealed[:9] + "\r\n" + sealed[9:], sealed + "=", sealed + "A", sealed[1:], other + sealed[1:]} {
		cursor.Value = changed
		if _, err := h.Search(t.Context(), access.Everything, resources.Search{Type: "Patient", Params: []search.Parameter{cursor}}); err == nil {
			t.Errorf("%q is taken", changed)
		}
	}
}

// TestNearnessStays: an ap search means the same on all of its pages, however long a reader takes.
func TestNearnessStays(t *testing.T) {
	h := newHouse(t)
	now := time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC)
	h.Now = func() time.Time { return now }
	for i := range 4 { // 2019-01-01 and a tenth of a year to both sides
		h.put(access.Everything, fmt.Sprintf(`{"resourceType":"Patient","id":"p%d","birthDate":"2019-01-%02d"}`, i, 1+10*i))
	}
	params := []search.Parameter{{Name: "birthdate", Value: "ap2019-01-01"}, {Name: "_count", Value: "2"}, {Name: "_sort", Value: "birthdate"}}
	page, err := h.Search(t.Context(), access.Everything, resources.Search{Type: "Patient", Params: params})
	if err != nil || page.Total != 4 {
		t.Fatalf("%v, total %d, want 4", err, page.Total)
	}
	next := []search.Parameter{h.nextOf(page)}
	now = time.Date(2019, 1, 2, 0, 0, 0, 0, time.UTC) // of now, only the first would be near
	page, err = h.Search(t.Context(), access.Everything, resources.Search{Type: "Patient", Params: next})
	if err != nil || len(page.Matches) != 2 {
		t.Errorf("%v, %d on the second page, want 2", err, len(page.Matches))
	}
}
