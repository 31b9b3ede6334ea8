package scope_test

import (
	"fmt"
	"log/slog"
	"net/url"
	"testing"

	"fhirside/fhir"
	"fhirside/resources"
	"fhirside/resources/access"
	"fhirside/resources/store/sqlite"
	"fhirside/search"
	"fhirside/smart/scope"
)

// BenchmarkScopes compares a search under scopes with the same search whose conditions are written as parameters, by a caller who
// may do everything: 100 patients with 200 observations each, of which every fourth is a laboratory result.
func BenchmarkScopes(b *testing.B) {
	db, err := sqlite.Open(b.Context(), ":memory:", sqlite.Options{})
	if err != nil {
		b.Fatal(err)
	}
	defer db.Close()
	service := resources.New(resources.Options{
		Store: db, Registry: search.R4(), Validation: resources.ValidateNothing, Integrity: resources.IgnoreReferences,
		Log: slog.New(slog.DiscardHandler),
	})
	for p := range 100 {
		bundle := `{"resourceType":"Bundle","type":"transaction","entry":[`
		for i := range 200 {
			if i > 0 {
				bundle += ","
			}
			bundle += fmt.Sprintf(`{"request":{"method":"POST","url":"Observation"},"resource":{"resourceType":"Observation","status":"final",`+
				`"category":[{"coding":[{"system":"http://c","code":%q}]}],"code":{"coding":[{"system":"http://loinc.org","code":"%d-1"}]},`+
				`"subject":{"reference":"Patient/p%d"},"effectiveDateTime":"2020-01-%02d"}}`,
				[]string{"laboratory", "vital-signs", "survey", "vital-signs"}[i%4], i%8, p, i%28+1)
		}
		r, err := fhir.Parse([]byte(bundle + "]}"))
		if err != nil {
			b.Fatal(err)
		}
		if _, err := service.Bundle(b.Context(), access.Everything, r, resources.Preferences{}); err != nil {
			b.Fatal(err)
		}
	}
	const lab = "http://c|laboratory"
	for _, test := range []struct{ name, scopes, query, same string }{
		{"granular", "user/Observation.rs?category=" + lab, "patient=p7&_count=50", "patient=p7&category=" + lab + "&_count=50"},
		{"granular by code", "user/Observation.rs?category=" + lab, "patient=p7&code=4-1&_sort=-date", "patient=p7&code=4-1&category=" + lab + "&_sort=-date"},
		{"patient and category", "patient/Observation.rs?category=" + lab, "_count=50", "patient=p7&category=" + lab + "&_count=50"},
		{"patient", "patient/*.rs", "code=4-1&_sort=-date", "patient=p7&code=4-1&_sort=-date"},
		{"patient said twice", "patient/*.rs", "patient=p7&code=4-1&_sort=-date", "patient=p7&code=4-1&_sort=-date"},
	} {
		set, err := scope.Parse(test.scopes)
		if err != nil {
			b.Fatal(err)
		}
		policy, err := scope.NewCompiler(scope.Options{Registry: search.R4}).Policy(set, scope.Subject{Patient: "p7", FHIRUser: "Practitioner/1"})
		if err != nil {
			b.Fatal(err)
		}
		run := func(b *testing.B, p access.Policy, query string) (total int64) {
			params, err := resources.ParseQuery((&url.URL{RawQuery: query}).RawQuery)
			if err != nil {
				b.Fatal(err)
			}
			for b.Loop() {
				page, err := service.Search(b.Context(), p, resources.Search{Type: "Observation", Params: params})
				if err != nil {
					b.Fatal(err)
				}
				if total = page.Total; total == 0 {
					b.Fatal("nothing found")
				}
			}
			return total
		}
		var as, floor int64
		b.Run(test.name+"/scopes", func(b *testing.B) { as = run(b, policy, test.query) })
		b.Run(test.name+"/parameters", func(b *testing.B) { floor = run(b, access.Everything, test.same) })
		if as != floor {
			b.Errorf("%s: %d under scopes, %d by parameters", test.name, as, floor)
		}
	}
}
