package rest_test

import (
	"testing"

	"fhirside/resources/rest/resttest"
	"fhirside/resources/store"
	"fhirside/resources/store/sqlite"
)

func openSQLite(t *testing.T) store.Store {
	t.Helper()
	s, err := sqlite.Open(t.Context(), sqlite.Memory, sqlite.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestScenarios(t *testing.T) { resttest.Run(t, openSQLite) }

func TestPaging(t *testing.T) { resttest.RunPaging(t, openSQLite) }

func TestRaces(t *testing.T) { resttest.RunRaces(t, openSQLite) }

func TestParameters(t *testing.T) { resttest.RunParameters(t, openSQLite) }
