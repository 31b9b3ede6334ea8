package client_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"fhirside/smart/client"
	"fhirside/smart/oauth"
	"fhirside/smart/state"
)

func TestPublicAddresses(t *testing.T) {
	for _, good := range []string{"8.8.8.8:443", "[2606:4700::1111]:443"} {
		if err := client.PublicAddress(good); err != nil {
			t.Errorf("%s: %v", good, err)
		}
	}
	for _, bad := range []string{
		"127.0.0.1:443", "127.1.2.3:1", "10.0.0.1:443", "172.16.0.1:443", "192.168.1.1:443", "169.254.169.254:80", "100.64.0.1:443", "0.0.0.0:80",
		"224.0.0.1:80", "255.255.255.255:80", "[::1]:443", "[::]:80", "[fe80::1%eth0]:80", "[fd00::1]:80", "[::ffff:127.0.0.1]:80", "[::ffff:10.0.0.1]:80",
		"[64:ff9b::7f00:1]:80", "[2002:7f00:1::]:80", "[ff02::1]:80", "198.18.0.1:80", "192.0.0.1:80", "localhost:80", "",
	} {
		if client.PublicAddress(bad) == nil {
			t.Errorf("%s passes", bad)
		}
	}
}

// keyServer is a server of an app that holds its keys.
type keyServer struct {
	*httptest.Server
	asked  atomic.Int64
	answer atomic.Pointer[http.HandlerFunc]
}

func newKeyServer(t *testing.T) *keyServer {
	s := &keyServer{}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.asked.Add(1)
		(*s.answer.Load())(w, r)
	}))
	t.Cleanup(s.Close)
	return s
}

func (s *keyServer) serve(f http.HandlerFunc) { s.answer.Store(&f) }

func (s *keyServer) serveKeys(cacheControl string, keys ...string) {
	s.serve(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Cache-Control", cacheControl)
		fmt.Fprintf(w, `{"keys":[%s]}`, strings.Join(keys, ","))
	})
}

func TestJWKSURI(t *testing.T) {
	w, s := newWorld(t, true), newKeyServer(t)
	first, second := newKey(t, "ES384"), newKey(t, "ES384")
	w.add(state.Client{ID: "app", Type: state.Backend, Scope: "system/*.rs", JWKSURI: s.URL + "/jwks"})
	try := func(k key, id string) error {
		t.Helper()
		_, err := w.ask("", w.assert("ES384", k.private, map[string]any{"kid": id, "jku": s.URL + "/jwks"}, w.claims("app")))
		return err
	}
	want := func(step string, err error, asked int64) {
		t.Helper()
		if err != nil {
			t.Errorf("%s: %v", step, err)
		}
		if got := s.asked.Swap(0); got != asked {
			t.Errorf("%s: asked %d times, not %d", step, got, asked)
		}
	}
	s.serveKeys("max-age=600", `{"kty":"new"}`, first.public("1"))
	want("first", try(first, "1"), 1)
	want("again", try(first, "1"), 0)
	w.pass(9 * time.Minute)
	want("within max-age", try(first, "1"), 0)
	w.pass(2 * time.Minute)
	want("after max-age", try(first, "1"), 1)

	// A new key is found at once, but not looked for with every request that names an unknown one.
	s.serveKeys("", first.public("1"), second.public("2"))
	w.pass(11 * time.Second)
	want("a new key", try(second, "2"), 1)
	for range 5 {
		w.refused("unknown", try(second, "3"), oauth.InvalidClient, "no key")
	}
	want("unknown keys", nil, 0)
	w.pass(11 * time.Second)
	w.refused("unknown", try(second, "3"), oauth.InvalidClient, "no key")
	want("unknown keys later", nil, 1)

	// What is known is good for its time while the server is away, and no longer.
	s.serve(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusInternalServerError) })
	w.pass(11 * time.Second)
	w.refused("unknown", try(second, "3"), oauth.InvalidClient, "no key")
	want("away", try(first, "1"), 1)
	w.pass(6 * time.Minute)
	for range 3 {
		w.refused("away too long", try(first, "1"), oauth.InvalidClient, "cannot be had")
	}
	want("away too long", nil, 1)
	s.serveKeys("no-store", second.public("2"))
	w.pass(11 * time.Second)
	want("back", try(second, "2"), 1)
	want("no-store is kept a minute", try(second, "2"), 0)
	w.refused("a key that was taken out", try(first, "1"), oauth.InvalidClient, "no key")
	s.serveKeys("max-age=999999999", second.public("2"))
	w.pass(2 * time.Minute)
	want("no longer than an hour", try(second, "2"), 1)
	w.pass(59 * time.Minute)
	want("within the hour", try(second, "2"), 0)
	w.pass(2 * time.Minute)
	want("after an hour", try(second, "2"), 1)
}

func TestBadJWKSURI(t *testing.T) {
	k := newKey(t, "ES384")
	for name, answer := range map[string]http.HandlerFunc{
		"too large": func(w http.ResponseWriter, _ *http.Request) {
			fmt.Fprintf(w, `{"keys":[%s],"x":"%s"}`, k.public("1"), strings.Repeat("a", 300<<10))
		},
		"no JSON":           func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "<html>") },
		"no keys":           func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, `{}`) },
		"not found":         func(w http.ResponseWriter, _ *http.Request) { http.NotFound(w, nil) },
		"endless redirects": func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, r.URL.Path+"x", http.StatusFound) },
		"redirect to a file": func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "file:///etc/passwd", http.StatusFound)
		},
		"cut short": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "1000")
			fmt.Fprint(w, `{"keys":[`)
		},
	} {
		t.Run(name, func(t *testing.T) {
			w, s := newWorld(t, true), newKeyServer(t)
			s.serve(answer)
			w.add(state.Client{ID: "app", Type: state.Backend, Scope: "system/*.rs", JWKSURI: s.URL})
			_, err := w.ask("", w.assert("ES384", k.private, nil, w.claims("app")))
			w.refused(name, err, oauth.InvalidClient, "cannot be had")
		})
	}
}

// TestPrivateJWKSURI: unless they are allowed, no address of this machine is asked, by whatever name.
func TestPrivateJWKSURI(t *testing.T) {
	w, k := newWorld(t, false), newKey(t, "ES384")
	s := httptest.NewTLSServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("it was asked") }))
	defer s.Close()
	for i, uri := range []string{s.URL, strings.Replace(s.URL, "127.0.0.1", "localhost", 1)} {
		id := fmt.Sprint(i)
		w.add(state.Client{ID: id, Type: state.Backend, Scope: "system/*.rs", JWKSURI: uri})
		_, err := w.ask("", w.assert("ES384", k.private, nil, w.claims(id)))
		w.refused(uri, err, oauth.InvalidClient, "cannot be had")
	}
}
