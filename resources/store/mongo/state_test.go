package mongo

import (
	"testing"

	"fhirside/resources/store"
)

// TestStateExpires: the server removes what has expired, later than any process may still see it.
func TestStateExpires(t *testing.T) {
	s := open(t, Options{})
	if _, err := s.State().Put(t.Context(), store.Entry{Kind: "a", Key: "1", Value: []byte(`1`)}); err != nil {
		t.Fatal(err)
	}
	specs, err := s.db.Collection(stateName).Indexes().ListSpecifications(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, spec := range specs {
		if spec.Name == "expiry" {
			if spec.ExpireAfterSeconds == nil || *spec.ExpireAfterSeconds != stateGrace {
				t.Errorf("%+v", spec)
			}
			return
		}
	}
	t.Error("there is no such index")
}
