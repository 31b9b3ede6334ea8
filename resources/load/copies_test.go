package load

import (
	"testing"

	"fhirside/fhir"
)

func TestCopyHasItsOwnIdsAndIdentifiers(t *testing.T) {
	const u, copied = "0ef7a3b5-53ee-e765-10e2-c63a904ad0fd", "2fdf2832-4f07-562a-a39f-515ecb487825"
	for name, c := range map[string]struct{ in, want string }{
		"a UUID, wherever it is": {
			`{"resourceType":"Patient","id":"` + u + `","text":{"div":"see ` + u + `"},"identifier":[{"system":"s","value":"` + u + `"}],"link":[{"other":{"reference":"urn:uuid:` + u + `"}}]}`,
			`{"resourceType":"Patient","id":"` + copied + `","text":{"div":"see ` + copied + `"},"identifier":[{"system":"s","value":"` + copied + `"}],"link":[{"other":{"reference":"urn:uuid:` + copied + `"}}]}`,
		},
		"ids, references and identifiers": {
			`{"resourceType":"Observation","id":"a","identifier":[{"value":"7"}],"subject":{"reference":"Patient/p/_history/1","identifier":{"value":"8"}},"focus":[{"reference":"#c"}],"performer":[{"reference":"http://x/fhir/Practitioner/q"}],"contained":[{"resourceType":"Basic","id":"c"}],"valueString":"a"}`,
			`{"resourceType":"Observation","id":"a-2","identifier":[{"value":"7-2"}],"subject":{"reference":"Patient/p-2/_history/1","identifier":{"value":"8-2"}},"focus":[{"reference":"#c"}],"performer":[{"reference":"http://x/fhir/Practitioner/q-2"}],"contained":[{"resourceType":"Basic","id":"c"}],"valueString":"a"}`,
		},
		"a Bundle's URLs and conditions": {
			`{"resourceType":"Bundle","type":"transaction","entry":[{"fullUrl":"http://x/Patient/p","resource":{"resourceType":"Patient","id":"p","generalPractitioner":[{"reference":"Practitioner?identifier=npi|99"}]},"request":{"method":"PUT","url":"Patient/p"}},{"resource":{"resourceType":"Basic"},"request":{"method":"POST","url":"Basic","ifNoneExist":"identifier=s|1&code=x"}}]}`,
			`{"resourceType":"Bundle","type":"transaction","entry":[{"fullUrl":"http://x/Patient/p-2","resource":{"resourceType":"Patient","id":"p-2","generalPractitioner":[{"reference":"Practitioner?identifier=npi|99-2"}]},"request":{"method":"PUT","url":"Patient/p-2"}},{"resource":{"resourceType":"Basic"},"request":{"method":"POST","url":"Basic","ifNoneExist":"identifier=s|1-2&code=x"}}]}`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			r, err := fhir.Parse([]byte(c.in))
			if err != nil {
				t.Fatal(err)
			}
			if same, err := copyOf(r, 0); err != nil || same != r {
				t.Errorf("the first copy is not the resource itself: %v", err)
			}
			got, err := copyOf(r, 1)
			if err != nil {
				t.Fatal(err)
			}
			if string(got.Bytes()) != c.want {
				t.Errorf("\n got %s\nwant %s", got.Bytes(), c.want)
			}
		})
	}
}

func TestCopiesAreLoadedBesideEachOther(t *testing.T) {
	s := newServer()
	l := s.loader(t)
	l.Copies = 3
	report, err := l.Load(t.Context(), write(t, "p.ndjson", ndjson(patient("a")), "o.json", about("Observation", "o", "a")))
	if err != nil || report.Stored != 6 || len(s.resources) != 6 || s.resources["Observation/o-3"] == nil {
		t.Errorf("%v, %+v", err, report)
	}
}
