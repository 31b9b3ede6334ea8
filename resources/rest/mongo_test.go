package rest_test

import (
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"

	"fhirside/resources/access"
	"fhirside/resources/rest"
	"fhirside/resources/rest/resttest"
	"fhirside/resources/store"
	"fhirside/resources/store/mongo"
	"fhirside/resources/store/mongo/mongotest"
)

func TestMain(m *testing.M) { mongotest.Main(m) }

func openMongoDB(t *testing.T) store.Store {
	t.Helper()
	s, err := mongo.Open(t.Context(), mongotest.URI(t), mongo.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestMongoDB(t *testing.T) {
	t.Run("scenarios", func(t *testing.T) { resttest.Run(t, openMongoDB) })
	t.Run("paging", func(t *testing.T) { resttest.RunPaging(t, openMongoDB) })
	t.Run("parameters", func(t *testing.T) { resttest.RunParameters(t, openMongoDB) })
	t.Run("races", func(t *testing.T) { resttest.RunRaces(t, openMongoDB) })
}

// A transaction that is too much for the database's cache is refused as a whole, with what to send instead; who does so gets it all in.
func TestTransactionTooLargeForCache(t *testing.T) {
	t.Parallel()
	st, err := mongo.Open(t.Context(), mongotest.WithDatabase(mongotest.Private(t).URI(), "small"), mongo.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	handler := rest.New(rest.Options{
		Service: serviceOn(st), Log: slog.New(slog.DiscardHandler),
		Guard: func(*http.Request) (access.Policy, error) { return access.Everything, nil },
	})
	ask := func(method, url, body string) (int, string) {
		answer := httptest.NewRecorder()
		handler.ServeHTTP(answer, httptest.NewRequest(method, url, strings.NewReader(body)))
		return answer.Code, answer.Body.String()
	}
	total := 3000
	if os.Getenv("FHIRSIDE_SOAK") != "" {
		total = 5000
	}
	for done, size := 0, total; done < total; {
		size = min(size, total-done)
		entries := make([]string, size)
		for i := range entries {
			n := done + i
			entries[i] = fmt.Sprintf(`{"request":{"method":"POST","url":"Patient"},"resource":{"resourceType":"Patient",
				"identifier":[{"system":"urn:x","value":"%d"}],"name":[{"family":"Family%d","given":["Given%d"]}],"birthDate":"19%02d-01-01"}}`, n, n, n, n%100)
		}
		status, answer := ask("POST", "/fhir", `{"resourceType":"Bundle","type":"transaction","entry":[`+strings.Join(entries, ",")+`]}`)
		if status == http.StatusOK {
			done += size
			continue
		}
		_, said, _ := strings.Cut(answer, fmt.Sprintf("this transaction writes %d resources", size))
		_, said, _ = strings.Cut(said, "send at most ")
		most := 0
		if _, err := fmt.Sscan(said, &most); status != http.StatusRequestEntityTooLarge && status != http.StatusServiceUnavailable || err != nil || most >= size || most < 1 {
			t.Fatalf("%d entries: %d %s", size, status, answer)
		}
		if _, answer := ask("GET", "/fhir/Patient?_summary=count", ""); !strings.Contains(answer, fmt.Sprintf(`"total":%d`, done)) {
			t.Fatalf("%d were acknowledged: %s", done, answer)
		}
		t.Logf("%d entries: %d %s", size, status, answer)
		if size = most; os.Getenv("FHIRSIDE_SOAK") == "" {
			size = min(size, 1000) // close to what fits a server takes long to say so
		}
	}
	if _, answer := ask("GET", "/fhir/Patient?_summary=count", ""); !strings.Contains(answer, fmt.Sprintf(`"total":%d`, total)) {
		t.Error(answer)
	}
}
