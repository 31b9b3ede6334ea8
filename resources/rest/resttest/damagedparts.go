package resttest

import (
	"fmt"
	"slices"
	"strings"
)

// readable are the observations of the first patient that are whole.
var readable = []string{"Observation/x1", "Observation/x2", "Observation/x4", "Observation/x5"}

func (w *damagedWorld) reads() {
	for _, url := range []string{"Observation/x3", "Observation/x3/_history/1", "Observation/x3?_summary=true", "Observation/x3/$meta"} {
		r := w.ask("GET", url, "")
		r.fails("Observation/x3")
		r.lacks(secret, "other")
	}
	w.ask("GET", "Observation/x3", "", "Accept", "application/fhir+xml").is(500).has("<OperationOutcome").tells("Observation/x3")
	w.ask("HEAD", "Observation/x3", "").is(500)
	w.ask("GET", "Observation/x2", "").is(200)
	w.ask("GET", "Patient/p1", "").is(200)
}

func (w *damagedWorld) searches() {
	for _, url := range []string{
		"Observation?subject=Patient/p1", "Observation?subject=Patient/p1&_sort=date", "Observation?subject=Patient/p1&_sort=-date", "Observation?subject=Patient/p1&_sort=code,-date",
		"Observation?subject=Patient/p1&_sort=_lastUpdated", "Observation?subject=Patient/p1&_sort=-_id", "Observation?date=lt2020-01-06",
		"Observation?subject=Patient/p1&_summary=true", "Observation?subject=Patient/p1&_elements=status", "Patient/p1/Observation", "Patient/p1/Observation?code=c",
		"Observation?subject:Patient.family=berg", "?_type=Observation&date=lt2020-01-06",
	} {
		r := w.ask("GET", url, "").finds("match", "Observation/x3", readable...).has("Observation/x3 cannot be read")
		if r.bundle.Total == nil || *r.bundle.Total != 5 {
			w.t.Errorf("%s: %s", r.asked, r.body)
		}
	}
	// What the index does not decide by itself.
	for _, url := range []string{"Observation?subject=Patient/p1&value-string:contains=value", "Observation?subject=Patient/p1&status:not=preliminary&_sort=value-string"} {
		w.ask("GET", url, "").finds("match", "Observation/x3", readable...).has("Observation/x3")
	}
	w.ask("GET", "Observation?subject=Patient/p1&_summary=count", "").is(200).has(`"total":5`)
	w.ask("GET", "Observation?subject=Patient/p1", "", "Accept", "application/fhir+xml").is(200).has(`<mode value="outcome"/>`, "Observation/x3 cannot be read").lacks(`<id value="x3"/>`)
	w.ask("GET", "Observation?_id=x1", "").finds("match", "", "Observation/x1")
	w.ask("GET", "Observation?subject:Patient.family=two", "").finds("match", "", "Observation/y1")
	w.ask("GET", "Patient/p1/*", "").is(200).has("Observation/x3 cannot be read")
	w.ask("GET", "Observation/$meta", "").is(200)
}

// pages: whatever their size, everything else comes once, and what is missing is told of once.
func (w *damagedWorld) pages() {
	for _, sort := range []string{"", "&_sort=date", "&_sort=-date", "&_sort=status,date", "&_sort=-_lastUpdated"} {
		for count := 1; count <= 6; count++ {
			var got []string
			outcomes := 0
			url := fmt.Sprintf("Observation?subject=Patient/p1&_count=%d%s", count, sort)
			for n := 0; url != ""; n++ {
				if n > 6 {
					w.t.Fatalf("%s has no end", url)
				}
				r := w.ask("GET", url, "").is(200)
				got, outcomes = append(got, r.names("match")...), outcomes+len(r.names("outcome"))
				url = ""
				for _, l := range r.bundle.Link {
					if l.Relation == "next" {
						url = l.URL
					}
				}
			}
			slices.Sort(got)
			if !slices.Equal(got, readable) || outcomes != 1 {
				w.t.Errorf("_count=%d%s: %v and %d outcomes", count, sort, got, outcomes)
			}
		}
	}
}

func (w *damagedWorld) includes() {
	w.ask("GET", "Observation?_id=y1&_include=Observation:subject", "").finds("include", "Patient/p2").has("Patient/p2 cannot be read")
	w.ask("GET", "Patient?_id=p1&_revinclude=Observation:subject", "").finds("include", "Observation/x3", readable...)
	w.ask("GET", "Patient?_id=p2&_revinclude=Observation:subject", "").finds("match", "Patient/p2")
	w.ask("GET", "Observation?_id=x3&_include=*", "").finds("include", "Observation/x3")
	w.ask("GET", "Observation?_id=x2&_include=*", "").finds("include", "", "Patient/p1")
}

func (w *damagedWorld) histories() {
	for url, total := range map[string]int{"Observation/x3/_history": 1, "Observation/_history": 7, "_history?_count=100": 10} {
		r := w.ask("GET", url, "").is(200).has("Observation/x3/_history/1 cannot be read").tells("Observation/x3")
		if len(r.bundle.Entry) != total {
			w.t.Errorf("%s: %d entries: %s", url, len(r.bundle.Entry), r.body)
		}
		for _, e := range r.bundle.Entry {
			isDamaged := strings.HasSuffix(e.FullURL, "Observation/x3") || strings.HasSuffix(e.FullURL, "Patient/p2")
			if (len(e.Resource) == 0) != isDamaged || e.Response.Status != "201 Created" {
				w.t.Errorf("%s: the entry of %s has %s and %+v", url, e.FullURL, e.Resource, e.Response)
			}
		}
	}
	w.ask("GET", "Observation/x3/_history?_count=1", "", "Accept", "application/fhir+xml").is(200).has("<outcome>")
}

func (w *damagedWorld) bundles() {
	get := func(url string) string { return `{"request":{"method":"GET","url":"` + url + `"}}` }
	r := w.ask("POST", "", bundleOf("batch", get("Observation/x3")+","+get("Observation/x2")+","+get("Observation?subject=Patient/p1")+","+get("Observation/x3/_history"))).is(200)
	for i, want := range []string{"500", "200", "200", "200"} {
		if got := r.bundle.Entry[i].Response.Status; !strings.HasPrefix(got, want) {
			w.t.Errorf("entry %d of a batch answers %s: %s", i, got, r.body)
		}
	}
	r.has("Observation/x3 cannot be read").tells("Observation/x3")
	r = w.ask("POST", "", bundleOf("transaction", get("Observation/x2")+","+get("Observation?subject=Patient/p1"))).is(200)
	r.has("Observation/x3 cannot be read").tells("Observation/x3")
	w.ask("POST", "", bundleOf("transaction", get("Observation/x3"))).fails("Observation/x3")
}

// policies: the index, which was computed when the resource was whole, says who may know of it.
func (w *damagedWorld) policies() {
	w.ask("GET", "Observation/x3", "", "Patient", "p1").fails("Observation/x3")
	w.ask("GET", "Observation?subject=Patient/p1", "", "Patient", "p1").finds("match", "Observation/x3", readable...).lacks("/x3", `"x3"`)
	w.ask("GET", "Patient?_revinclude=Observation:subject", "", "Patient", "p1").finds("include", "Observation/x3", readable...).lacks("/x3", `"x3"`)
	w.ask("GET", "Observation/x3/_history/1", "", "Patient", "p1").is(404)
	for _, id := range []string{"p2", "other"} { // to the last of whom the content belongs that was put there
		w.ask("GET", "Observation/x3", "", "Patient", id).is(404).lacks(secret)
		w.ask("GET", "Observation/x3/_history/1", "", "Patient", id).is(404)
		w.ask("GET", "Observation?code=c", "", "Patient", id).is(200).lacks("outcome", "x3")
		w.ask("GET", "Observation?_id=x3", "", "Patient", id).finds("match", "")
		w.ask("GET", "Observation/_history", "", "Patient", id).is(200).lacks("x3", "cannot be read")
		w.ask("PATCH", "Observation/x3", `[]`, "Patient", id, "Content-Type", "application/json-patch+json").is(404)
		w.ask("DELETE", "Observation/x3", "", "Patient", id).is(204)
	}
	w.ask("GET", "Observation?value-string:contains=value", "", "Patient", "other").finds("match", "", "Observation/other")
	w.ask("GET", "Observation/x3", "").fails("Observation/x3") // nobody has deleted it
	w.ask("DELETE", "Observation/x3", "", "Patient", "p1").fails("Observation/x3")
	w.ask("PUT", "Observation/x3", damagedObservation("x3", "p1", 3), "Patient", "p1").fails("Observation/x3")
}

func (w *damagedWorld) refusedWrites() {
	w.ask("PATCH", "Observation/x3", `[{"op":"replace","path":"/status","value":"amended"}]`, "Content-Type", "application/json-patch+json").fails("Observation/x3")
	w.ask("POST", "Observation", damagedObservation("x3", "p1", 3), "If-None-Exist", "identifier=urn:o|x3").fails("Observation/x3")
	w.ask("PUT", "Observation/x3", damagedObservation("x3", "p1", 3), "If-Match", `W/"7"`).is(412)
}

func (w *damagedWorld) reindex() {
	if err := w.service.RequestReindex(w.t.Context(), nil, 0); err != nil {
		w.t.Fatal(err)
	}
	if err := w.service.Reindex(w.t.Context(), nil); err != nil {
		w.t.Fatal(err)
	}
	r, err := w.service.ReindexProgress(w.t.Context())
	slices.Sort(r.Names)
	if err != nil || !r.IsOver() || r.Done != 10 || r.Kept != 2 || !slices.Equal(r.Names, []string{"Observation/x3", "Patient/p2"}) {
		w.t.Errorf("%+v, %v", r, err)
	}
	w.ask("GET", "Observation?subject=Patient/p1", "").finds("match", "Observation/x3", readable...)
}

// repairs: what is written anew is whole again, and nothing is found by what it was before.
func (w *damagedWorld) repairs() {
	w.ask("PUT", "Patient?identifier=urn:p|p2", damagedPatient("p2", "New")).is(200).has(`"versionId":"2"`)
	w.ask("GET", "Patient?family=two", "").finds("match", "")
	w.ask("GET", "Patient?family=new", "").finds("match", "", "Patient/p2")
	w.ask("GET", "Patient/p2/_history", "").is(200).has("Patient/p2/_history/1 cannot be read", `"total":2`)
	w.ask("GET", "Observation?_id=y1&_include=Observation:subject", "").finds("include", "", "Patient/p2")
	w.ask("DELETE", "Observation/x3", "").is(204)
	w.ask("GET", "Observation/x3", "").is(410)
	w.ask("GET", "Observation?subject=Patient/p1", "").finds("match", "", readable...)
	w.ask("PUT", "Observation/x3", damagedObservation("x3", "p1", 3)).is(201).has(`"versionId":"3"`)
	w.ask("GET", "Observation?subject=Patient/p1&date=2020-01-03", "").finds("match", "", "Observation/x3")
	w.ask("GET", "Observation/other", "").is(200)
	w.ask("GET", "Observation?subject=Patient/other", "").finds("match", "", "Observation/other")
}
