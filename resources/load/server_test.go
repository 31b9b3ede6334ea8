package load

import (
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strings"
	"sync"
	"testing"

	"fhirside/fhir"
)

// server is a FHIR server of the few things that a loader needs: transactions and batches with PUT, POST and If-None-Exist,
// and a check of references.
type server struct {
	mu        sync.Mutex
	resources map[string]*fhir.Resource // by Type/id
	named     map[string]string         // identifiers: Type?system|value
	requests  []string                  // what was posted: "transaction 3"
	next      int
	// before may answer instead.
	before func(w http.ResponseWriter, bundle *fhir.Resource) bool
}

func newServer() *server {
	return &server{resources: map[string]*fhir.Resource{}, named: map[string]string{}}
}

func (s *server) loader(t *testing.T) Loader {
	return Loader{Base: "http://load.test/fhir", Client: InProcess(s), Workers: 3, Refused: func(r Refusal) { t.Errorf("refused: %s", r) }}
}

func (s *server) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	if req.Method == http.MethodGet && req.URL.Path == "/fhir/metadata" {
		io.WriteString(w, `{"resourceType":"CapabilityStatement"}`)
		return
	}
	body, _ := io.ReadAll(req.Body)
	bundle, err := fhir.Parse(body)
	if err != nil || req.Method != http.MethodPost || req.URL.Path != "/fhir" || req.Header.Get("Content-Type") != "application/fhir+json" {
		http.Error(w, fmt.Sprintf("%s %s: %v", req.Method, req.URL, err), http.StatusBadRequest)
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	bundleType := bundle.Get("type").Text()
	s.requests = append(s.requests, fmt.Sprintf("%s %d", bundleType, bundle.Get("entry").Len()))
	if s.before != nil && s.before(w, bundle) {
		return
	}
	var answers []string
	switch bundleType {
	case "transaction":
		var problem string
		if answers, problem = s.store(bundle.Get("entry")); problem != "" {
			w.WriteHeader(http.StatusUnprocessableEntity)
			io.WriteString(w, outcome(problem))
			return
		}
	case "batch":
		for e := range bundle.Get("entry").Children() {
			a, problem := s.store(e)
			if problem != "" {
				a = []string{fmt.Sprintf(`{"response":{"status":"422 Unprocessable Entity","outcome":%s}}`, outcome(problem))}
			}
			answers = append(answers, a...)
		}
	}
	fmt.Fprintf(w, `{"resourceType":"Bundle","type":"%s-response","entry":[%s]}`, bundleType, strings.Join(answers, ","))
}

func outcome(problem string) string {
	return fmt.Sprintf(`{"resourceType":"OperationOutcome","issue":[{"severity":"error","code":"invalid","diagnostics":%s,"expression":["Bundle"]}]}`, fhir.Quote(problem))
}

var (
	localReference = regexp.MustCompile(`"reference":"([A-Z][A-Za-z]+/[^"]+|urn:uuid:[^"]+)"`)
	conditionalRef = regexp.MustCompile(`"reference":"([A-Z][A-Za-z]+)\?identifier=([^"]+)"`)
)

// store does the entry, or all entries of the array, or nothing.
func (s *server) store(entries fhir.Element) (answers []string, problem string) {
	written := map[string]*fhir.Resource{}
	known := map[string]bool{}
	for e := range entries.Each() {
		known[e.Get("fullUrl").Text()] = true
		r, request := e.Get("resource").Resource(), e.Get("request")
		if r.Get("bad").Exists() {
			return nil, r.Type() + " is bad"
		}
		key, status := request.Get("url").Text(), "201 Created"
		if request.Get("method").Is("POST") {
			s.next++
			key = fmt.Sprintf("%s/new%d", r.Type(), s.next)
			if _, id, conditional := strings.Cut(request.Get("ifNoneExist").Text(), "identifier="); conditional {
				if found := s.find(r.Type(), id); found != "" {
					answers = append(answers, `{"response":{"status":"200 OK"}}`)
					continue
				}
			}
		} else if s.resources[key] != nil {
			status = "200 OK"
		}
		written[key] = r
		answers = append(answers, fmt.Sprintf(`{"response":{"status":%q,"location":%q}}`, status, key+"/_history/1"))
	}
	for key, r := range written {
		for _, m := range localReference.FindAllSubmatch(r.Bytes(), -1) {
			if to := string(m[1]); s.resources[to] == nil && written[to] == nil && !known[to] {
				return nil, key + " refers to " + to + ", which is not there"
			}
		}
		for _, m := range conditionalRef.FindAllSubmatch(r.Bytes(), -1) {
			if s.find(string(m[1]), string(m[2])) == "" {
				return nil, key + " refers to " + string(m[0]) + ", which is not there"
			}
		}
	}
	for key, r := range written {
		s.resources[key] = r
		for i := range r.Get("identifier").Each() {
			s.named[r.Type()+"?"+i.Get("system").Text()+"|"+i.Get("value").Text()] = key
		}
	}
	return answers, ""
}

// find is the resource with the identifier "system|value".
func (s *server) find(resourceType, identifier string) string {
	return s.named[resourceType+"?"+identifier]
}
