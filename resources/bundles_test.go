package resources_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"iter"
	"net/http"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"fhirside/fhir"
	"fhirside/resources"
	"fhirside/resources/access"
	"fhirside/resources/store"
	"fhirside/resources/store/sqlite"
	"fhirside/search"
)

// A transaction of 5,000 entries that refer to each other is stored as a whole.
func TestBigTransaction(t *testing.T) {
	h := newHouse(t)
	const entries = 5000
	var b strings.Builder
	b.WriteString(`{"resourceType":"Bundle","type":"transaction","entry":[`)
	for i := range entries {
		fmt.Fprintf(&b, `{"fullUrl":"urn:uuid:00000000-0000-4000-8000-%012d","resource":{"resourceType":"Observation","status":"final","code":{"text":"c"},"subject":{"reference":"Patient?name=A"},"hasMember":[{"reference":"urn:uuid:00000000-0000-4000-8000-%012d"}]},"request":{"method":"POST","url":"Observation"}},`,
			i, (i+1)%entries)
	}
	text := strings.TrimSuffix(b.String(), ",") + `]}`
	answer, err := h.Bundle(t.Context(), access.Everything, h.parse(text), resources.Preferences{})
	if err != nil {
		t.Fatal(err)
	}
	if n := bytes.Count(answer, []byte(`"201 Created"`)); n != entries {
		t.Errorf("%d created, want %d", n, entries)
	}
	if got, err := h.find(access.Everything, "Observation", "subject=Patient/a&has-member:missing=false&_summary=count"); err != nil || got != fmt.Sprintf("%d ", entries) {
		t.Errorf("%q are found, want %d: %v", got, entries, err)
	}
}

// Criteria that all entries of a big transaction may satisfy are refused before they take a second's work, and those that ask for an
// identifier as well are not.
func TestComparedEntries(t *testing.T) {
	h := newHouse(t)
	const entries = 1100
	transaction := func(run, criteria string) string {
		var list []string
		for i := range entries {
			reference := strings.NewReplacer("{run}", run, "{i}", fmt.Sprint((i+1)%entries)).Replace(criteria)
			list = append(list, fmt.Sprintf(`{"resource":{"resourceType":"Observation","status":"final","code":{"coding":[{"code":"c"}]},"identifier":[{"value":"%s-%d"}],"subject":{"reference":"Patient/a"},"valueString":"%[1]s-%[2]d","hasMember":[{"reference":"%s"}]},"request":{"method":"POST","url":"Observation"}}`, run, i, reference))
		}
		return `{"resourceType":"Bundle","type":"transaction","entry":[` + strings.Join(list, ",") + `]}`
	}
	for criteria, refused := range map[string]bool{
		"Observation?code=c&identifier={run}-{i}":                         false,
		"Observation?code=c&value-string:exact={run}-{i}":                 true,
		"Observation?identifier={run}-{i}&subject:Patient.name=A":         false,
		"Observation?value-string:exact={run}-{i}&subject:Patient.name=A": true,
	} {
		run := strings.NewReplacer("{", "", "}", "", "?", "-", "&", "-", "=", "-", ":", "-").Replace(criteria)
		_, err := h.Bundle(t.Context(), access.Everything, h.parse(transaction(run, criteria)), resources.Preferences{})
		refusal := (*fhir.Error)(nil)
		if got := errors.As(err, &refusal) && refusal.Reason == fhir.TooCostly; got != refused || !refused && err != nil {
			t.Errorf("%s: %v, want a refusal for its costs: %v", criteria, err, refused)
		}
	}
}

// undecided is a store whose searches find one resource of which nobody can tell whether it matches.
type undecided struct{ store.Store }

func (undecided) Search(context.Context, store.Search) iter.Seq2[store.Match, error] {
	return func(yield func(store.Match, error) bool) {
		yield(store.Match{Version: store.Version{Key: store.Key{Type: "Basic", ID: "u"}, Damage: store.ErrUndecided}}, nil)
	}
}

// A conditional reference is not resolved by guess, also where the transaction updates what it searches.
func TestUndecidedReference(t *testing.T) {
	st, err := sqlite.Open(t.Context(), sqlite.Memory, sqlite.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	s := resources.New(resources.Options{Store: undecided{st}, Integrity: resources.IgnoreReferences})
	for _, update := range []string{"", `,{"resource":{"resourceType":"Basic","id":"b","code":{"text":"c"}},"request":{"method":"PUT","url":"Basic/b"}}`} {
		bundle, err := fhir.Parse([]byte(`{"resourceType":"Bundle","type":"transaction","entry":[{"resource":{"resourceType":"Basic","code":{"text":"c"},"subject":{"reference":"Basic?code=c"}},"request":{"method":"POST","url":"Basic"}}` + update + `]}`))
		if err != nil {
			t.Fatal(err)
		}
		answer, err := s.Bundle(t.Context(), access.Everything, bundle, resources.Preferences{})
		if status, _ := resources.Status(err); err == nil || status != http.StatusInternalServerError {
			t.Errorf("%v: %s", err, answer)
		}
	}
}

// What comes of a transaction does not depend on the order of its entries (http.html#trules), and one whose criteria name its own entries
// makes nothing when it is sent again.
func TestEntriesInAnyOrder(t *testing.T) {
	st, err := sqlite.Open(t.Context(), sqlite.Memory, sqlite.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	s, checks := resources.New(resources.Options{Store: st}), 0
	rapid.Check(t, func(t *rapid.T) {
		checks++
		n := rapid.IntRange(2, 8).Draw(t, "observations")
		entries := []string{fmt.Sprintf(`{"fullUrl":"urn:uuid:p","resource":{"resourceType":"Patient","identifier":[{"system":"s","value":"%d"}]},"request":{"method":"POST","url":"Patient","ifNoneExist":"identifier=s|%[1]d"}}`, checks)}
		for i := range n {
			member, criteria := "", ""
			if i > 0 {
				other := rapid.IntRange(0, i-1).Draw(t, "member")
				member, criteria = fmt.Sprintf(`,"hasMember":[{"reference":"urn:uuid:%d"},{"reference":"Observation?code=c%d&subject=urn:uuid:p"}]`, other, other), fmt.Sprintf("&has-member=urn:uuid:%d", other)
			}
			criteria = fmt.Sprintf("subject=urn:uuid:p&code=c%d", i) + criteria
			method, url, more := "POST", "Observation", `,"ifNoneExist":"`+criteria+`"`
			if rapid.Bool().Draw(t, "update") {
				method, url, more = "PUT", "Observation?"+criteria, ""
			}
			entries = append(entries, fmt.Sprintf(`{"fullUrl":"urn:uuid:%d","resource":{"resourceType":"Observation","status":"final","code":{"coding":[{"code":"c%d"}]},"subject":{"reference":"urn:uuid:p"}%s},"request":{"method":"%s","url":"%s"%s}}`, i, i, member, method, url, more))
		}
		for range 2 {
			bundle, err := fhir.Parse([]byte(`{"resourceType":"Bundle","type":"transaction","entry":[` + strings.Join(rapid.Permutation(entries).Draw(t, "order"), ",") + `]}`))
			if err != nil {
				t.Fatal(err)
			}
			if _, err := s.Bundle(context.Background(), access.Everything, bundle, resources.Preferences{}); err != nil {
				t.Fatalf("%v: %s", err, bundle.Bytes())
			}
		}
		page, err := s.Search(context.Background(), access.Everything, resources.Search{Type: "Observation", Params: []search.Parameter{{Name: "subject.identifier", Value: fmt.Sprintf("s|%d", checks)}}})
		if err != nil {
			t.Fatal(err)
		}
		if len(page.Matches) != n {
			t.Fatalf("%d observations, want %d", len(page.Matches), n)
		}
		for _, v := range page.Matches {
			if v.Version != 1 {
				t.Fatalf("there is another version: %s", v.Body)
			}
			if bytes.Contains(v.Body, []byte("urn:uuid")) || bytes.Contains(v.Body, []byte("?code")) {
				t.Fatalf("a link is left: %s", v.Body)
			}
		}
	})
}

// Whatever is sent as a Bundle is answered or refused, never a fault of the server, and a refusal leaves nothing behind.
func FuzzBundle(f *testing.F) {
	for _, seed := range []string{
		`{"resourceType":"Bundle","type":"transaction","entry":[{"fullUrl":"urn:uuid:1","resource":{"resourceType":"Patient","link":[{"other":{"reference":"urn:uuid:1"},"type":"seealso"}]},"request":{"method":"POST","url":"Patient","ifNoneExist":"identifier=x"}}]}`,
		`{"resourceType":"Bundle","type":"batch","entry":[{"request":{"method":"GET","url":"Patient?name=x&_sort=-birthdate"}},{"request":{"method":"DELETE","url":"/Patient/1","ifMatch":"W/\"1\""}}]}`,
		`{"resourceType":"Bundle","type":"transaction","entry":[{"request":{"method":"PUT","url":"Patient?_id=1"},"resource":{"resourceType":"Patient","id":"1","text":{"status":"generated","div":"<div xmlns=\"http://www.w3.org/1999/xhtml\"><a href=\"urn:uuid:1\">x</a></div>"}}}]}`,
		`{"resourceType":"Bundle","type":"transaction","entry":[{"resource":{"resourceType":"Observation","status":"final","code":{"text":"c"},"subject":{"reference":"Patient?name=A"}},"request":{"method":"POST","url":"Observation"}}]}`,
		`{"resourceType":"Bundle","type":"transaction","entry":[{"fullUrl":"urn:uuid:1","resource":{"resourceType":"Patient"},"request":{"method":"POST","url":"Patient"}},{"resource":{"resourceType":"Binary","contentType":"application/json-patch+json","data":"W3sib3AiOiJhZGQiLCJwYXRoIjoiL3N1YmplY3QvcmVmZXJlbmNlIiwidmFsdWUiOiJ1cm46dXVpZDoxIn1d"},"request":{"method":"PATCH","url":"Observation/o"}}]}`,
		`{"resourceType":"Bundle","type":"batch","entry":[{"resource":{"resourceType":"Parameters","parameter":[{"name":"operation","part":[{"name":"type","valueCode":"delete"},{"name":"path","valueString":"Observation.subject"}]}]},"request":{"method":"PATCH","url":"Observation?status=final"}}]}`,
		`{"resourceType":"Bundle","type":"transaction","entry":[{"fullUrl":"http://x.example/Patient/1","resource":{"resourceType":"Patient","id":"1"},"request":{"method":"PUT","url":"Patient/1"}},{"fullUrl":"http://x.example/Basic/1","resource":{"resourceType":"Basic","code":{"text":"c"},"subject":{"reference":"Patient/1/_history/1","extension":[{"url":"http://hl7.org/fhir/StructureDefinition/resolve-as-version-specific","valueBoolean":true}]}},"request":{"method":"POST","url":"Basic"}}]}`,
		`{"resourceType":"Bundle","type":"batch","entry":[{"request":{"method":"GET","url":"Observation/$meta"}},{"request":{"method":"GET","url":"Observation/o/_history/1/$meta"}},{"resource":{"resourceType":"Parameters","parameter":[{"name":"meta","valueMeta":{"tag":[{"code":"x"}]}}]},"request":{"method":"POST","url":"Observation/o/$meta-add"}},{"request":{"method":"GET","url":"Observation/o","ifModifiedSince":"2020-01-01T00:00:00Z"}}]}`,
		`{"resourceType":"Bundle","type":"transaction","entry":[{"fullUrl":"urn:uuid:1","resource":{"resourceType":"Patient"},"request":{"method":"POST","url":"Patient","ifNoneExist":"name=x"}},{"fullUrl":"urn:uuid:2","resource":{"resourceType":"Observation","status":"final","code":{"coding":[{"code":"c"}]},"subject":{"reference":"urn:uuid:1"},"focus":[{"reference":"Patient?_id=a"}],"hasMember":[{"reference":"Observation?code=c"}]},"request":{"method":"PUT","url":"Observation?subject=urn:uuid:1&code=c"}},{"request":{"method":"DELETE","url":"Observation?status=final"}},{"request":{"method":"GET","url":"Observation?subject=urn:uuid:1"}}]}`,
		`{"resourceType":"Bundle","type":"transaction","entry":[{"fullUrl":"urn:uuid:1","resource":{"resourceType":"Encounter","status":"finished","class":{"code":"AMB"}},"request":{"method":"POST","url":"Encounter","ifNoneExist":"part-of=urn:uuid:2"}},{"fullUrl":"urn:uuid:2","resource":{"resourceType":"Encounter","status":"finished","class":{"code":"AMB"}},"request":{"method":"POST","url":"Encounter","ifNoneExist":"_filter=part-of eq urn:uuid:1"}},{"request":{"method":"GET","url":"metadata"}}]}`,
	} {
		f.Add([]byte(seed))
	}
	st, err := sqlite.Open(f.Context(), sqlite.Memory, sqlite.Options{})
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() { st.Close() })
	s := resources.New(resources.Options{Store: st})
	observation, err := fhir.Parse([]byte(`{"resourceType":"Observation","id":"o","status":"final","code":{"text":"c"},"subject":{"display":"x"}}`))
	if err == nil {
		_, err = s.Update(f.Context(), access.Everything, "Observation", "o", observation, resources.Conditions{})
	}
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		r, err := fhir.Parse(data)
		if err != nil || r.Type() != "Bundle" {
			return
		}
		answer, err := s.Bundle(t.Context(), access.Everything, r, resources.Preferences{Base: "http://x.example/fhir"})
		if err != nil {
			if refusal := (*fhir.Error)(nil); !errors.As(err, &refusal) || refusal.Reason == fhir.Internal {
				t.Fatalf("a fault: %v", err)
			}
			return
		}
		if _, err := fhir.Parse(answer); err != nil {
			t.Fatalf("the answer is no resource: %v: %s", err, answer)
		}
		if bytes.Contains(answer, []byte(`"status":"500`)) {
			t.Fatalf("an entry met a fault: %s", answer)
		}
	})
}
