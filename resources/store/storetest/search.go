package storetest

import (
	"encoding/base64"
	"fmt"
	"slices"
	"strings"

	"fhirside/resources/store"
	"fhirside/search"
)

// clinic is a small population that each kind of condition tells apart.
func (w *world) clinic() {
	observation := func(id, patient, code, date, rest string) string {
		return doc("Observation", id, fmt.Sprintf(`"status":"final","code":{"coding":[{"system":"http://loinc.org","code":%q}]},"subject":{"reference":"Patient/%s"},"effectiveDateTime":%q%s`,
			code, patient, date, rest))
	}
	quantity := func(value, unit string) string {
		return fmt.Sprintf(`"valueQuantity":{"value":%s,"unit":"%s printed","system":"http://unitsofmeasure.org","code":%q}`, value, unit, unit)
	}
	component := func(code, value string) string {
		return fmt.Sprintf(`{"code":{"coding":[{"system":"http://loinc.org","code":%q}]},%s}`, code, quantity(value, "mm[Hg]"))
	}
	w.put(
		doc("Organization", "hospital", `"name":"General Hospital","identifier":[{"system":"urn:o","value":"H1"}]`),
		doc("Patient", "anna", `"name":[{"family":"van der Berg","given":["Anna"]}],"gender":"female","birthDate":"1980-05-06","identifier":[{"system":"urn:p","value":"1"},{"system":"urn:q","value":"2"}],"managingOrganization":{"reference":"Organization/hospital"}`),
		doc("Patient", "bert", `"name":[{"family":"Bergmann","given":["Bert"]}],"gender":"male","birthDate":"1980-05","identifier":[{"system":"urn:p","value":"2"}]`),
		doc("Patient", "carl", `"name":[{"family":"Übel"}],"gender":"male","birthDate":"1999-12-31"`),
		doc("Patient", "dora", `"active":true`),
	)
	w.put(
		observation("o1", "anna", "8480-6", "2020-01-01T10:00:00Z", ","+quantity("120", "mm[Hg]")),
		observation("o2", "anna", "8480-6", "2021-01-01T10:00:00Z", ","+quantity("140", "mm[Hg]")),
		observation("o3", "anna", "2345-7", "2021-06-01", ","+quantity("5.40", "mmol/L")),
		observation("o4", "bert", "8480-6", "2019-01-01T10:00:00Z", ","+quantity("130", "mm[Hg]")),
		observation("o5", "bert", "85354-9", "2022", `,"component":[`+component("8480-6", "150")+","+component("8462-4", "90")+"]"),
		doc("Observation", "o6", `"status":"cancelled","code":{"text":"Something else"},"effectivePeriod":{"start":"2021-03-01"},"valueString":"A long story"`),
		doc("RiskAssessment", "r1", `"status":"final","subject":{"reference":"Patient/anna"},"prediction":[{"probabilityDecimal":0.35}]`),
		doc("ValueSet", "v1", `"url":"http://x.example/a/b","status":"active"`),
	)
}

func searches(w *world) {
	w.clinic()
	p := func(ids ...string) (list []string) {
		for _, id := range ids {
			list = append(list, map[bool]string{true: "Patient/", false: "Observation/"}[len(id) > 2]+id)
		}
		return list
	}
	for _, c := range []struct {
		query string
		want  []string
	}{
		{"Patient", p("anna", "bert", "carl", "dora")},
		{"Patient?_id=anna,bert,nobody,o1", p("anna", "bert")},
		{"Patient?gender=male", p("bert", "carl")},
		{"Patient?gender=male&birthdate=ge1990", p("carl")},
		{"Patient?gender=female,male&_id=bert", p("bert")},
		{"Patient?gender:not=male", p("anna", "dora")},
		{"Patient?gender:missing=true", p("dora")},
		{"Patient?gender:missing=false", p("anna", "bert", "carl")},
		{"Patient?identifier=urn:p|2", p("bert")},
		{"Patient?identifier=2", p("anna", "bert")},
		{"Patient?identifier=urn:q|", p("anna")},
		{"Patient?identifier=|2", nil},
		{"Patient?family=berg", p("anna", "bert")},
		{"Patient?family=BERGM", p("bert")},
		{"Patient?family=ubel", p("carl")},
		{"Patient?family:exact=Übel", p("carl")},
		{"Patient?family:exact=übel", nil},
		{"Patient?family:contains=erg", p("anna", "bert")},
		{"Patient?name=anna", p("anna")},
		{"Patient?organization=Organization/hospital", p("anna")},
		{"Patient?organization=hospital", p("anna")},
		{"Patient?birthdate=1980-05", p("anna", "bert")},
		{"Patient?birthdate=1980-05-06", p("anna")},
		{"Patient?birthdate=ne1980-05-06", p("bert", "carl")},
		{"Patient?birthdate=gt1980-05-06", p("bert", "carl")},
		{"Patient?birthdate=sa1980-05-06", p("carl")},
		{"Patient?birthdate=lt1980-05-06", p("bert")},
		{"Patient?birthdate=eb1980-06", p("anna", "bert")},
		{"Patient?birthdate=ge1980&birthdate=le1981", p("anna", "bert")},
		{"Observation?subject=Patient/anna&code=http://loinc.org|8480-6", p("o1", "o2")},
		{"Observation?patient=anna&date=ge2021", p("o2", "o3")},
		{"Observation?date=ge2021-06", p("o3", "o5", "o6")},
		{"Observation?date=sa2020-12&date=lt2022", p("o2", "o3", "o6")},
		{"Observation?date=2021-01-01", p("o2")},
		{"Observation?date:missing=true", nil},
		{"Observation?value-quantity=gt125", p("o2", "o4")},
		{"Observation?value-quantity=5.4||mmol/L", p("o3")},
		{"Observation?value-quantity=5.40||mmol/L printed", p("o3")},
		{"Observation?value-quantity=le130|http://unitsofmeasure.org|mm[Hg]", p("o1", "o4")},
		{"Observation?value-quantity=120|http://unitsofmeasure.org|kg", nil},
		{"Observation?code=8480-6&value-quantity=ge130&patient=anna", p("o2")},
		{"Observation?component-code-value-quantity=8480-6$gt100", p("o5")},
		{"Observation?component-code-value-quantity=http://loinc.org|8462-4$gt100", nil},
		{"Observation?combo-code-value-quantity=8480-6$gt135", p("o2", "o5")},
		{"Observation?combo-code=8462-4", p("o5")},
		{"Observation?value-string=a long", p("o6")},
		{"Observation?code:text=something", p("o6")},
		{"Observation?patient.gender=male", p("o4", "o5")},
		{"Observation?patient:Patient.organization.name=general", p("o1", "o2", "o3")},
		{"Patient?_has:Observation:patient:code=2345-7", p("anna")},
		{"Patient?_has:Observation:patient:date=ge2022&gender=male", p("bert")},
		{"Patient?_has:Observation:patient:status=cancelled", nil},
		{"RiskAssessment?probability=gt0.3", []string{"RiskAssessment/r1"}},
		{"RiskAssessment?probability=lt0.3", nil},
		{"ValueSet?url=http://x.example/a/b", []string{"ValueSet/v1"}},
		{"ValueSet?url:below=http://x.example/a", []string{"ValueSet/v1"}},
		{"ValueSet?url:above=http://x.example/a/b/c", []string{"ValueSet/v1"}},
		{"ValueSet?url=http://x.example/a", nil},
		{"Encounter", nil},
		{"Encounter?status=finished", nil},
		{"?_type=Patient,Organization&_id=hospital,anna", []string{"Organization/hospital", "Patient/anna"}},
		{"?_id=o1,anna,v1", []string{"Observation/o1", "Patient/anna", "ValueSet/v1"}},
	} {
		w.finds(c.query, c.want...)
	}
	if got := w.ids(store.Search{Types: []string{"Patient"}, Filter: search.None{}}); len(got) > 0 {
		w.Errorf("None holds for %v", got)
	}
	if got := w.ids(store.Search{Types: []string{"Patient"}}); len(got) != 4 {
		w.Errorf("no filter finds %v", got)
	}
	w.referencesToOthers()
	w.keysOnly()
}

// oddities: references to types that a parameter should not refer to are found by them, and positions by whether they are there.
func oddities(w *world) {
	w.put(
		doc("MedicationRequest", "m", `"status":"active","intent":"order","dispenseRequest":{"performer":{"reference":"Practitioner/f001"}}`),
		doc("Location", "here", `"position":{"latitude":47.4,"longitude":8.5}`),
		doc("Location", "nowhere", `"name":"Nowhere"`),
	)
	w.finds("MedicationRequest?intended-dispenser=Practitioner/f001", "MedicationRequest/m")
	w.finds("MedicationRequest?intended-dispenser=Organization/f001")
	w.finds("MedicationRequest?intended-dispenser:Organization=Practitioner/f001")
	w.finds("Location?near:missing=true", "Location/nowhere")
	w.finds("Location?near:missing=false", "Location/here")
}

// wordsOfTuples: texts in composites are found by the words within them, short and long, as others are.
func wordsOfTuples(w *world) {
	w.put(doc("Observation", "story", `"status":"final","code":{"coding":[{"system":"http://loinc.org","code":"1-1"}]},"valueString":"A long remembered story"`))
	for value, want := range map[string][]string{
		"a long": {"Observation/story"}, "A long remem": {"Observation/story"}, "long": {"Observation/story"}, "story": {"Observation/story"},
		"remembe": {"Observation/story"}, "remember": {"Observation/story"}, "remembered": {"Observation/story"}, "tory": nil, "storyteller": nil,
	} {
		w.finds("Observation?code-value-string=1-1$"+value, want...)
		w.finds("Observation?code-value-string=2-2$" + value)
	}
}

// referencesToOthers: whether there is what is referred to does not matter, and a contained resource is none of those with an id.
func (w *world) referencesToOthers() {
	visit := func(id, more string, patients ...string) string {
		list := ""
		for _, p := range patients {
			list += fmt.Sprintf(`,{"actor":{"reference":%q}}`, p)
		}
		return doc("Appointment", id, `"status":"booked","participant":[{"actor":{"reference":"Practitioner/x"}}`+list+"]"+more)
	}
	w.put(
		visit("own", "", "Patient/anna"), visit("both", "", "Patient/anna", "Patient/bert"), visit("gone", "", "Patient/nobody"),
		visit("inside", `,"contained":[{"resourceType":"Patient","id":"anna"}]`, "#anna"), visit("without", ""),
		visit("elsewhere", "", "http://other.example/fhir/Patient/anna"), visit("longer", "", "Patient/anna-2"),
	)
	got := w.ids(store.Search{Types: []string{"Appointment"}, Filter: search.ReferenceToOther{Param: "patient", Type: "Patient", IDs: []string{"anna", "carl"}}})
	slices.Sort(got)
	if want := []string{"Appointment/both", "Appointment/gone", "Appointment/inside", "Appointment/longer"}; !slices.Equal(got, want) {
		w.Errorf("to others than Anna and Carl refer %v, not %v", got, want)
	}
}

func (w *world) keysOnly() {
	q := w.query("Patient?_id=anna")
	q.KeysOnly = true
	current := w.read("Patient", "anna")
	current.Body = nil
	for _, m := range all(w, "keys only", w.Search(w.ctx, q)) {
		w.is("keys only", m.Version, current)
	}
}

// searchesAfterChanges: only current versions are found, and by what they say now.
func searchesAfterChanges(w *world) {
	w.clinic()
	w.put(doc("Patient", "anna", `"name":[{"family":"Meier"}],"gender":"other"`))
	w.finds("Patient?gender=female")
	w.finds("Patient?family=berg", "Patient/bert")
	w.finds("Patient?family=meier&gender=other", "Patient/anna")
	w.finds("Patient?identifier=urn:p|1")
	w.finds("Observation?patient.family=meier", "Observation/o1", "Observation/o2", "Observation/o3")
	w.put(doc("Observation", "o1", `"status":"final","code":{"coding":[{"system":"http://loinc.org","code":"1"}]},"subject":{"reference":"Patient/bert"},"effectiveDateTime":"2023-01-01"`))
	w.finds("Observation?patient=anna", "Observation/o2", "Observation/o3")
	w.finds("Observation?patient=bert&date=2023", "Observation/o1")
	w.finds("Observation?date=2020")
	w.finds("Observation?value-quantity=120")
	w.delete("Observation", "o1")
	w.finds("Observation?patient=bert", "Observation/o4", "Observation/o5")
	w.finds("Observation?_id=o1")
	w.delete("Patient", "anna")
	w.finds("Observation?patient=anna", "Observation/o2", "Observation/o3")
	w.finds("Observation?patient.family=meier")
	w.finds("Patient", "Patient/bert", "Patient/carl", "Patient/dora")
	w.put(doc("Patient", "anna", `"gender":"female"`))
	w.finds("Patient?gender=female", "Patient/anna")
	w.finds("Observation?patient.gender=female", "Observation/o2", "Observation/o3")
}

func counts(w *world) {
	w.clinic()
	w.delete("Patient", "dora")
	for _, url := range []string{
		"Patient", "Patient?gender=male", "Patient?family=berg", "Patient?gender:missing=true", "Patient?_id=anna,bert", "Encounter",
		"Observation?code=8480-6", "Observation?patient=anna&code=8480-6", "Observation?value-quantity=gt1", "Observation?date=ge2021",
		"Observation?patient.gender=male", "Observation?code=8480-6,2345-7", "Patient?_has:Observation:patient:code=8480-6",
		"?_type=Patient,Observation", "", "?_id=anna,o1",
	} {
		q := w.query(url)
		n, err := w.Count(w.ctx, q.Types, q.Filter)
		if found := w.ids(q); err != nil || n != int64(len(found)) {
			w.Errorf("%s: the count is %d (%v), and found are %v", url, n, err, found)
		}
	}
}

func orders(w *world) {
	w.clinic()
	w.put(
		doc("Patient", "carl", `"name":[{"family":"Übel"},{"family":"Aal"}],"gender":"male","birthDate":"1999-12-31","address":[{"city":"Zürich"}]`),
		doc("Patient", "dora", `"active":true,"address":[{"city":"Zürich-Altstetten"}]`),
	)
	for _, c := range []struct {
		query string
		want  string
	}{
		{"Patient?_sort=birthdate&birthdate:missing=false&_id=anna,carl", "anna carl"},
		{"Patient?_sort=-birthdate&_id=anna,carl", "carl anna"},
		{"Patient?_sort=birthdate,_id&_id=anna,carl,dora", "anna carl dora"},
		{"Patient?_sort=-birthdate&_id=anna,carl,dora", "dora carl anna"},
		{"Patient?_sort=family&_id=anna,bert,carl", "carl bert anna"},
		{"Patient?_sort=-family&_id=anna,bert,carl", "anna carl bert"},
		{"Patient?_sort=address-city&_id=carl,dora", "carl dora"}, // words within a text order nothing
		{"Patient?_sort=gender,-_id&_id=anna,bert,carl", "anna carl bert"},
		{"Patient?_sort=_id", "anna bert carl dora"},
		{"Patient?_sort=-_id", "dora carl bert anna"},
		{"Patient?_sort=-_lastUpdated,_id", "carl dora anna bert"},
		{"Patient?_sort=_lastUpdated&_id=anna,carl", "anna carl"},
		{"Observation?_sort=date&code=8480-6", "o4 o1 o2"},
		{"Observation?_sort=-date&code=8480-6", "o2 o1 o4"},
		{"Observation?_sort=-date", "o5 o3 o6 o2 o1 o4"},
		{"Observation?_sort=date&patient=anna", "o1 o2 o3"},
		{"Observation?_sort=value-quantity&code=8480-6", "o1 o4 o2"},
		{"Observation?_sort=-value-quantity,date&_id=o1,o4,o2,o3", "o2 o4 o1 o3"},
		{"Observation?_sort=patient,-date&_id=o1,o2,o4", "o2 o1 o4"},
	} {
		var got []string
		for _, m := range all(w, c.query, w.Search(w.ctx, w.query(c.query))) {
			got = append(got, m.ID)
		}
		if strings.Join(got, " ") != c.want {
			w.Errorf("%s: %v, not %s", c.query, got, c.want)
		}
	}
}

// pages of any size are together the whole search, and each match's position goes on behind it.
func pages(w *world) {
	w.clinic()
	var more []string
	for i := range 30 {
		more = append(more, doc("Observation", fmt.Sprint("p", i), fmt.Sprintf(
			`"status":"final","code":{"text":"x"},"subject":{"reference":"Patient/%s"},"effectiveDateTime":"2020-02-%02dT10:00:00.%03dZ"`,
			[]string{"anna", "bert"}[i%2], 1+i/10, i*37%1000)))
	}
	w.put(more...)
	for _, url := range []string{
		"Observation", "Observation?patient=anna", "Observation?_sort=date", "Observation?_sort=-date", "Observation?_sort=-_lastUpdated",
		"Observation?_sort=_lastUpdated", "Observation?_sort=patient", "Observation?_sort=-patient,date", "Observation?status=final&_sort=-date",
		"Observation?date=2020-02", "Observation?value-quantity:missing=true&_sort=_id", "?_type=Patient,Observation", "", "?_sort=-_lastUpdated",
		"Patient?_sort=family", "Observation?patient.gender=male",
	} {
		whole := all(w, url, w.Search(w.ctx, w.query(url)))
		for _, size := range []int{1, 2, 3, 7, len(whole), len(whole) + 1} {
			q := w.query(url)
			q.Limit = size
			var got []store.Match
			for {
				page := all(w, url, w.Search(w.ctx, q))
				got = append(got, page...)
				if len(page) < size || len(got) > len(whole) {
					break
				}
				q.After = page[len(page)-1].Position
			}
			if !slices.Equal(names(got), names(whole)) {
				w.Errorf("%s in pages of %d: %v, not %v", url, size, names(got), names(whole))
			}
		}
		for i, m := range whole {
			q := w.query(url)
			q.After = m.Position
			if got := w.ids(q); !slices.Equal(got, names(whole[i+1:])) {
				w.Errorf("%s behind %d: %v, not %v", url, i, got, names(whole[i+1:]))
			}
		}
	}
}

// positions that are none are refused.
func positions(w *world) {
	w.clinic()
	q := w.query("Observation?_sort=-date")
	q.Limit = 1
	position := all(w, "search", w.Search(w.ctx, q))[0].Position
	raw, _ := base64.RawURLEncoding.DecodeString(position)
	garbage := []string{"x", "!!!", "0", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", "\xff\xfe", strings.Repeat("A", 5000), position + "A", position[:len(position)-1], base64.RawURLEncoding.EncodeToString(append(raw, 0))}
	for _, after := range garbage {
		for _, url := range []string{"Observation", "Observation?_sort=-date", "Observation?_sort=_lastUpdated", "Observation?_sort=patient", ""} {
			q := w.query(url)
			q.After = after
			w.fails(fmt.Sprintf("%s behind %q", url, after), end(w.Search(w.ctx, q)), store.ErrCursor)
		}
		w.fails(fmt.Sprintf("history behind %q", after), end(w.History(w.ctx, store.History{After: after})), store.ErrCursor)
		w.fails(fmt.Sprintf("changes behind %q", after), end(w.Changes(w.ctx, after)), store.ErrCursor)
	}
	other := w.query("Observation?_sort=patient")
	other.After = position
	w.fails("a position of another order", end(w.Search(w.ctx, other)), store.ErrCursor)
}
