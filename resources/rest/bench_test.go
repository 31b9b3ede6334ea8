package rest_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"fhirside/resources/rest/resttest"
	"fhirside/resources/store/sqlite"
)

// discard is a ResponseWriter that keeps nothing.
type discard struct{ header http.Header }

func (d discard) Header() http.Header         { return d.header }
func (d discard) Write(b []byte) (int, error) { return len(b), nil }
func (d discard) WriteHeader(int)             {}

// BenchmarkRead is a read by id of a 2.5 KB resource, without the network.
func BenchmarkRead(b *testing.B) {
	st, err := sqlite.Open(b.Context(), sqlite.Memory, sqlite.Options{})
	if err != nil {
		b.Fatal(err)
	}
	defer st.Close()
	handler := resttest.Handler(st)
	text := `{"resourceType":"Observation","id":"1","status":"final","code":{"text":"c"},"component":[` +
		strings.Repeat(`{"code":{"coding":[{"system":"http://loinc.org","code":"8302-2"}]},"valueQuantity":{"value":173.10,"unit":"cm"}},`, 20) +
		`{"code":{"text":"last"}}]}`
	put := httptest.NewRequest("PUT", "/fhir/Observation/1", strings.NewReader(text))
	answer := httptest.NewRecorder()
	if handler.ServeHTTP(answer, put); answer.Code != http.StatusCreated {
		b.Fatal(answer.Body)
	}
	for _, encoding := range []string{"identity", "gzip"} {
		b.Run(encoding, func(b *testing.B) {
			b.ReportAllocs()
			b.RunParallel(func(pb *testing.PB) {
				request := httptest.NewRequest("GET", "/fhir/Observation/1", nil)
				request.Header.Set("Accept-Encoding", encoding)
				for pb.Next() {
					handler.ServeHTTP(discard{http.Header{}}, request)
				}
			})
		})
	}
}
