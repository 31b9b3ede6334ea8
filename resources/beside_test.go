package resources

import (
	"reflect"
	"testing"

	"fhirside/search"
)

func TestBeside(t *testing.T) {
	subject := search.Reference{Param: "subject", Type: "Patient", ID: "1"}
	performer := search.Reference{Param: "performer", Type: "Patient", ID: "1"}
	other := search.Reference{Param: "subject", Type: "Patient", ID: "2"}
	status := search.Token{Param: "status", Code: "final"}
	in := search.Or{performer, subject}
	for name, test := range map[string]struct{ asked, granted, want search.Filter }{
		"one way in":               {subject, in, search.All{}},
		"one way in, and more":     {search.And{status, subject}, in, search.All{}},
		"all alternatives are in":  {search.Or{subject, search.And{status, subject}}, in, search.All{}},
		"one alternative is not":   {search.Or{subject, status}, in, in},
		"somebody else":            {other, in, in},
		"not":                      {search.Not{Filter: subject}, in, in},
		"nothing asked":            {search.All{}, in, in},
		"no alternatives":          {search.Or{}, in, in},
		"a further condition":      {subject, search.And{in, status}, status},
		"another condition's part": {status, search.And{in, status}, search.And{in, status}},
		"a chain":                  {search.Chain{Param: "encounter", Type: "Encounter", Filter: subject}, in, in},
	} {
		if got := beside(test.asked, test.granted); !reflect.DeepEqual(got, test.want) {
			t.Errorf("%s: %v, want %v", name, got, test.want)
		}
	}
}
