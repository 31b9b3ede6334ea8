package resttest

import (
	"fmt"
	"net/http"
	"slices"
	"testing"

	"fhirside/resources"
	"fhirside/resources/store"
)

// racer is a request of those that are sent at the same time. In its URL and body %[1]s is the id of a patient, %[2]d which round it is, and
// %[3]s the id of another patient.
type racer struct {
	method, url, body string
	header            []string
	may               []int // statuses, beside 503 where a machine is too slow for all of it
}

// What refers to a patient, and what deletes one, in the ways that clients have.
var (
	referring = []racer{
		{"POST", "/Observation", racingObservation, nil, []int{201, 422}},
		{"POST", "/Observation", racingObservation, nil, []int{201, 422}},
		{"PUT", "/Observation/put-%[2]d", `{"id":"put-%[2]d",` + racingObservation[1:], nil, []int{201, 422}},
		{"PUT", "/Basic/there", `{"resourceType":"Basic","id":"there","code":{"text":"%[2]d"},"subject":{"reference":"Patient/%[1]s"}}`, nil, []int{200, 422}},
		{"PATCH", "/Basic/patched", `[{"op":"add","path":"/subject","value":{"reference":"Patient/%[1]s"}}]`, []string{"Content-Type", "application/json-patch+json"}, []int{200, 422}},
		{"POST", "", `{"resourceType":"Bundle","type":"transaction","entry":[{"resource":` + racingObservation + `,"request":{"method":"POST","url":"Observation"}},
			{"resource":{"resourceType":"Basic","code":{"text":"x"},"subject":{"reference":"Patient?identifier=urn:race|%[1]s"}},"request":{"method":"POST","url":"Basic"}}]}`, nil, []int{200, 412, 422}},
		{"POST", "", `{"resourceType":"Bundle","type":"batch","entry":[{"resource":` + racingObservation + `,"request":{"method":"POST","url":"Observation"}}]}`, nil, []int{200}},
	}
	deleting = []racer{
		{"DELETE", "/Patient/%[1]s", "", nil, []int{204, 409}},
		{"DELETE", "/Patient?identifier=urn:race|%[1]s", "", nil, []int{204, 409}},
		{"POST", "", `{"resourceType":"Bundle","type":"batch","entry":[{"request":{"method":"DELETE","url":"Patient/%[1]s"}}]}`, nil, []int{200}},
		// It refers to what another one may delete that refers to what this one deletes.
		{"POST", "", `{"resourceType":"Bundle","type":"transaction","entry":[{"request":{"method":"DELETE","url":"Patient/%[1]s"}},
			{"resource":{"resourceType":"Basic","code":{"text":"x"},"subject":{"reference":"Patient/%[3]s"}},"request":{"method":"POST","url":"Basic"}}]}`, nil, []int{200, 409, 422}},
		{"POST", "", `{"resourceType":"Bundle","type":"transaction","entry":[{"request":{"method":"DELETE","url":"Patient/%[3]s"}},
			{"resource":{"resourceType":"Basic","code":{"text":"x"},"subject":{"reference":"Patient/%[1]s"}},"request":{"method":"POST","url":"Basic"}}]}`, nil, []int{200, 409, 422}},
	}
)

const racingObservation = `{"resourceType":"Observation","status":"final","code":{"text":"x"},"subject":{"reference":"Patient/%[1]s"}}`

// runDangling: whatever comes at the same time, nothing refers to what is deleted.
func runDangling(t *testing.T, open func(t *testing.T) store.Store) {
	st := open(t)
	t.Cleanup(func() { st.Close() })
	base := serve(t, st, func(o *resources.Options) { o.MaxDelete = 3 })
	for _, id := range []string{"there", "patched"} {
		send(t, "PUT", base+"/Basic/"+id, `{"resourceType":"Basic","id":"`+id+`","code":{"text":"x"}}`)
	}
	requests := append(append([]racer{}, referring...), deleting...)
	for round := range 12 {
		ids := []string{fmt.Sprintf("a%d", round), fmt.Sprintf("b%d", round)}
		for _, id := range ids {
			send(t, "PUT", base+"/Patient/"+id, fmt.Sprintf(`{"resourceType":"Patient","id":%q,"identifier":[{"system":"urn:race","value":%q}]}`, id, id))
		}
		together(len(requests), func(i int) int {
			r := requests[(i+round)%len(requests)]
			fill := func(text string) string { return fmt.Sprintf(text+"%[4]s", ids[0], round, ids[1], "") }
			status := send(t, r.method, base+fill(r.url), fill(r.body), r.header...)
			if status == http.StatusServiceUnavailable || slices.Contains(r.may, status) {
				return status
			}
			t.Errorf("%s %s %s: status %d, want one of %v", r.method, fill(r.url), fill(r.body), status, r.may)
			return status
		})
		for _, id := range ids {
			_, status := get(t, base+"/Patient/"+id)
			for _, from := range []string{"Observation", "Basic"} {
				p, counted := get(t, base+"/"+from+"?_summary=count&subject=Patient/"+id)
				switch {
				case p.Total == nil:
					t.Errorf("%s that refer to Patient/%s are not counted: status %d", from, id, counted)
				case status != http.StatusOK && *p.Total > 0:
					t.Errorf("Patient/%s is deleted, and %d of type %s refer to it", id, *p.Total, from)
				}
			}
		}
	}
}
