package scope_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"fhirside/resources"
	"fhirside/resources/access"
	"fhirside/resources/store"
	"fhirside/resources/store/sqlite"
)

// An appointment with a second patient is refused, and in the same way whether there is such a patient or not.
func TestAppointmentsTellNoPatient(t *testing.T) {
	h := newHouse(func(now func() time.Time) store.Store {
		db, err := sqlite.Open(t.Context(), sqlite.Memory, sqlite.Options{Now: now})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = db.Close() })
		return db
	})
	appointment := func(patients ...string) string {
		var list []string
		for _, p := range patients {
			list = append(list, fmt.Sprintf(`{"actor":{"reference":"Patient/%s"},"status":"accepted"}`, p))
		}
		return `{"resourceType":"Appointment","id":"own","status":"booked","participant":[` + strings.Join(list, ",") + `]}`
	}
	h.policy = access.Everything
	for path, body := range map[string]string{
		"Patient/alice": `{"resourceType":"Patient","id":"alice"}`, "Patient/bob": `{"resourceType":"Patient","id":"bob"}`, "Appointment/own": appointment("alice"),
	} {
		if w := h.do(ask{method: http.MethodPut, path: path, body: body}); w.Code != http.StatusCreated {
			t.Fatalf("%d %s", w.Code, w.Body)
		}
	}
	h.under(t, callers[0])
	for _, integrity := range []resources.Integrity{resources.CheckReferences, resources.IgnoreReferences} {
		h.serve(integrity)
		for _, a := range []ask{
			{method: http.MethodPost, path: "Appointment", body: appointment("alice", "SOMEBODY")},
			{method: http.MethodPut, path: "Appointment/own", body: appointment("alice", "SOMEBODY")},
			{method: http.MethodPatch, path: "Appointment/own", header: map[string]string{"Content-Type": jsonPatch},
				body: `[{"op":"add","path":"/participant/-","value":{"actor":{"reference":"Patient/SOMEBODY"},"status":"accepted"}}]`},
		} {
			answers := map[string]string{}
			for _, id := range []string{"bob", "nobody"} {
				to := a
				to.body = strings.ReplaceAll(a.body, "SOMEBODY", id)
				got := h.ask(to)
				answers[id] = strings.ReplaceAll(got.body, id, "SOMEBODY")
				if got.status != http.StatusForbidden {
					t.Errorf("%s: %d %s", to, got.status, got.body)
				}
			}
			if answers["bob"] != answers["nobody"] {
				t.Errorf("%s: %q", a, answers)
			}
		}
	}
}
