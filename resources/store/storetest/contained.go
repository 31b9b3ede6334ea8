package storetest

import (
	"fmt"
	"slices"

	"fhirside/resources/store"
	"fhirside/search"
	"fhirside/search/index"
	"fhirside/search/searchtest"
)

// order is a MedicationRequest that contains a Medication, whose manufacturer it contains too.
func order(id, code, maker string) string {
	return doc("MedicationRequest", id, fmt.Sprintf(`"status":"active","contained":[
		{"resourceType":"Medication","id":"m","code":{"text":"ask","coding":[{"code":%q}]},"manufacturer":{"reference":"#o"}},
		{"resourceType":"Organization","id":"o","name":%q}],"medicationReference":{"reference":"#m"}`, code, maker))
}

// within is a search of contained resources, given as one of others.
func (w *world) within(url string) store.Search {
	w.Helper()
	q := w.query(url)
	q.Filter = search.OnContained(q.Filter)
	for i, t := range q.Types {
		q.Types[i] = search.ContainedType(t)
	}
	return q
}

// containing fails unless searches find what these orders contain, and nothing else.
func (w *world) containing(what string, codes map[string]string) {
	w.Helper()
	var want []string
	byCode := map[string][]string{}
	for id, code := range codes {
		want = append(want, "contained.Medication/MedicationRequest/"+id+"#m")
		byCode[code] = append(byCode[code], "contained.Medication/MedicationRequest/"+id+"#m")
	}
	slices.Sort(want)
	got := w.ids(w.within("Medication"))
	slices.Sort(got)
	if !slices.Equal(got, want) {
		w.Errorf("%s: contained medications %v, not %v", what, got, want)
	}
	for _, code := range []string{"a", "b", "c"} {
		got, want := w.ids(w.within("Medication?code="+code)), byCode[code]
		slices.Sort(got)
		slices.Sort(want)
		if !slices.Equal(got, want) {
			w.Errorf("%s: medications of code %s: %v, not %v", what, code, got, want)
		}
		n, err := w.Count(w.ctx, []string{"contained.Medication"}, w.within("Medication?code="+code).Filter)
		if err != nil || int(n) != len(want) {
			w.Errorf("%s: the count of code %s is %d (%v), not %d", what, code, n, err, len(want))
		}
	}
	if n, err := w.Count(w.ctx, nil, search.All{}); err != nil || int(n) != len(codes) {
		w.Errorf("%s: %d resources (%v), not %d", what, n, err, len(codes))
	}
}

// containedResources come, change and go with what is around them, and are nowhere but in searches of their types.
func containedResources(w *world) {
	w.put(order("1", "a", "Acme"), order("2", "b", "Acme"), order("3", "a", "Bolt"))
	w.containing("put", map[string]string{"1": "a", "2": "b", "3": "a"})
	found := all(w, "search", w.Search(w.ctx, w.within("Medication?code=b")))
	want := `{"resourceType":"Medication","id":"m","code":{"text":"ask","coding":[{"code":"b"}]},"manufacturer":{"reference":"#o"}}`
	if len(found) != 1 || string(found[0].Body) != want || found[0].Version.Version != 1 || !found[0].Updated.Equal(w.read("MedicationRequest", "2").Updated) {
		w.Errorf("found %+v", found)
	}
	w.finds("MedicationRequest?medication.code=a&medication.manufacturer.name=bolt", "MedicationRequest/3")
	for url, want := range map[string]string{
		"Medication?manufacturer.name=acme":                      "[contained.Medication/MedicationRequest/1#m contained.Medication/MedicationRequest/2#m]",
		"Medication?_id=m&manufacturer.name:contains=ol":         "[contained.Medication/MedicationRequest/3#m]",
		"Medication?_has:MedicationRequest:medication:status=on": "[]",
		"Organization?_has:Medication:manufacturer:code=b":       "[contained.Organization/MedicationRequest/2#o]",
		"Organization?name=acme&_sort=-name&_lastUpdated=lt2000": "[]",
	} {
		got := w.ids(w.within(url))
		slices.Sort(got)
		if fmt.Sprint(got) != want {
			w.Errorf("%s: %v, not %s", url, got, want)
		}
	}

	w.put(order("1", "c", "Acme"), doc("MedicationRequest", "2", `"status":"active"`))
	w.commit(func(tx store.Tx) error {
		if _, err := putNext(tx, order("3", "c", "Acme")); err != nil {
			return err
		}
		_, err := putNext(tx, order("3", "b", "Acme"))
		return err
	})
	w.finds("MedicationRequest?medication.code=a")
	if got := w.ids(w.within("Medication?code=a,b,c&_sort=code")); fmt.Sprint(got) != "[contained.Medication/MedicationRequest/3#m contained.Medication/MedicationRequest/1#m]" {
		w.Errorf("after an update %v", got)
	}
	w.delete("MedicationRequest", "2")
	w.containing("updated", map[string]string{"1": "c", "3": "b"})
	w.put(order("2", "b", "Acme"))
	w.containing("made again", map[string]string{"1": "c", "2": "b", "3": "b"})

	before := w.snapshot()
	w.fails("undone", w.Commit(w.ctx, func(tx store.Tx) error {
		if _, err := putNext(tx, order("1", "b", "Acme")); err != nil {
			return err
		}
		if _, err := tx.Delete("MedicationRequest", "3"); err != nil {
			return err
		}
		q := w.within("Medication?code=b")
		if n, err := tx.Count(q.Types, q.Filter); err != nil || n != 2 {
			return fmt.Errorf("in the commit there are %d: %w", n, err)
		}
		return errRefused
	}), errRefused)
	if after := w.snapshot(); after != before {
		w.Errorf("the store was\n%sand is\n%s", before, after)
	}
	w.containing("undone", map[string]string{"1": "c", "2": "b", "3": "b"})

	w.commit(func(tx store.Tx) error {
		_, err := tx.Purge("MedicationRequest", "3")
		return err
	})
	w.delete("MedicationRequest", "1")
	w.containing("purged", map[string]string{"2": "b"})
	if got := len(all(w, "history", w.History(w.ctx, store.History{}))); got != 8 {
		w.Errorf("the history has %d versions", got)
	}
}

// containedReindexed: indexing types anew reaches what others contain of them.
func containedReindexed(w *world) {
	w.put(order("1", "a", "Acme"), doc("MedicationRequest", "2", ""), doc("Medication", "own", `"code":{"coding":[{"code":"a"}]}`), doc("Patient", "p", ""))
	w.put(doc("Device", "was", `"contained":[{"resourceType":"Medication","id":"m"}]`))
	w.put(doc("Device", "was", ""))
	met := map[store.Key]int{}
	for after, more := "", true; more; more = after != "" {
		done, err := w.Reindex(w.ctx, store.Reindex{Types: []string{"Medication"}, After: after, Limit: 1, Values: func(v store.Version) (index.Values, error) {
			met[v.Key]++
			values, err := searchtest.Values(v.Body)
			for i := range values.Contained {
				values.Contained[i].Values.Tokens = append(values.Contained[i].Values.Tokens, index.Token{Param: "code", Code: "new", Fold: true})
			}
			return values, err
		}})
		if err != nil {
			w.Fatal(err)
		}
		after = done.Last
	}
	if len(met) != 2 || met[store.Key{Type: "Medication", ID: "own"}] != 1 || met[store.Key{Type: "MedicationRequest", ID: "1"}] != 1 {
		w.Errorf("met %v", met)
	}
	for _, url := range []string{"Medication?code=new", "Medication?code=a"} {
		if got := w.ids(w.within(url)); fmt.Sprint(got) != "[contained.Medication/MedicationRequest/1#m]" {
			w.Errorf("%s: %v", url, got)
		}
	}
	if _, err := w.Reindex(w.ctx, store.Reindex{Limit: 100, Values: func(v store.Version) (index.Values, error) {
		return index.Values{}, nil // as if nothing were contained any more
	}}); err != nil {
		w.Fatal(err)
	}
	if got := w.ids(w.within("Medication")); len(got) > 0 {
		w.Errorf("left over: %v", got)
	}
	w.put(order("1", "b", "Acme"))
	if got := w.ids(w.within("Medication")); len(got) != 1 {
		w.Errorf("put again: %v", got)
	}
}
