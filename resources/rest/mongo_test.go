package rest_test

import (
	"testing"

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
