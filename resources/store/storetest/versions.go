package storetest

import (
	"errors"
	"slices"
	"strings"
	"time"

	"fhirside/resources/store"
)

func unknown(w *world) {
	_, err := w.Read(w.ctx, "Patient", "a")
	w.fails("read", err, store.ErrNotFound)
	_, err = w.ReadVersion(w.ctx, "Patient", "a", 1)
	w.fails("read a version", err, store.ErrNotFound)
	list, err := w.ReadMany(w.ctx, []store.Key{{Type: "Patient", ID: "a"}})
	if err != nil || len(list) > 0 {
		w.Errorf("read many: %v %v", list, err)
	}
	err = w.Commit(w.ctx, func(tx store.Tx) error {
		_, err := tx.Read("Patient", "a")
		return err
	})
	w.fails("read in a commit", err, store.ErrNotFound)
	err = w.Commit(w.ctx, func(tx store.Tx) error {
		_, err := tx.Delete("Patient", "a")
		return err
	})
	w.fails("delete", err, store.ErrNotFound)
	for _, h := range []store.History{{}, {Type: "Patient"}, {Type: "Patient", ID: "a"}} {
		if got := all(w, "history", w.History(w.ctx, h)); len(got) > 0 {
			w.Errorf("the history %+v has %d entries", h, len(got))
		}
	}
	if _, err := w.Ready(w.ctx); err != nil {
		w.Errorf("ready: %v", err)
	}
}

func versions(w *world) {
	first := w.put(doc("Patient", "a", `"gender":"female"`))[0]
	w.is("after the creation", w.read("Patient", "a"), first)
	second := w.put(doc("Patient", "a", `"gender":"male"`))[0]
	w.is("after the update", w.read("Patient", "a"), second)
	third := w.delete("Patient", "a")
	if !third.Deleted() || third.Version != 3 || third.Body != nil || third.Key != first.Key {
		w.Fatalf("the deletion is %+v", third)
	}
	w.is("after the deletion", w.read("Patient", "a"), third)
	fourth := w.put(doc("Patient", "a", `"gender":"other"`))[0]
	if fourth.Version != 4 {
		w.Fatalf("versions go on at %d after a deletion", fourth.Version)
	}
	w.is("after it came back", w.read("Patient", "a"), fourth)
	for _, want := range []store.Version{first, second, third, fourth} {
		got, err := w.ReadVersion(w.ctx, "Patient", "a", want.Version)
		if err != nil {
			w.Fatal(err)
		}
		w.is("a version", got, want)
	}
	for _, n := range []int64{0, 5, -1} {
		_, err := w.ReadVersion(w.ctx, "Patient", "a", n)
		w.fails("a version that is not there", err, store.ErrNotFound)
	}
}

// following: a version that is not the next one is refused, and nothing of its commit stays.
func following(w *world) {
	put := func(version int64) error {
		return w.Commit(w.ctx, func(tx store.Tx) error {
			if _, err := putNext(tx, doc("Patient", "other", "")); err != nil {
				return err
			}
			return tx.Put(record(tx.Now(), version, doc("Patient", "a", "")))
		})
	}
	refused := func(versions ...int64) {
		w.Helper()
		for _, v := range versions {
			if err := put(v); err == nil {
				w.Errorf("version %d was accepted", v)
			}
		}
	}
	refused(0, 2)
	_, err := w.Read(w.ctx, "Patient", "other")
	w.fails("what was written before the refusal", err, store.ErrNotFound)
	if err := put(1); err != nil {
		w.Fatal(err)
	}
	refused(0, 1, 3)
	if err := put(2); err != nil {
		w.Fatal(err)
	}
	w.delete("Patient", "a")
	refused(1, 3, 5)
	if err := put(4); err != nil {
		w.Fatal(err)
	}
	if got := w.read("Patient", "other").Version; got != 3 {
		w.Errorf("the other resource has version %d after three commits", got)
	}
}

// oneCommit: several versions of a resource in one commit are all kept.
func oneCommit(w *world) {
	var want []store.Version
	w.commit(func(tx store.Tx) error {
		want = nil
		for _, members := range []string{`"gender":"female"`, `"gender":"male"`, "", `"gender":"other"`} {
			if members == "" {
				v, err := tx.Delete("Patient", "a")
				if err != nil {
					return err
				}
				want = append(want, v)
				continue
			}
			v, err := putNext(tx, doc("Patient", "a", members))
			if err != nil {
				return err
			}
			want = append(want, v)
		}
		return nil
	})
	w.is("the last one", w.read("Patient", "a"), want[3])
	for _, v := range want {
		got, err := w.ReadVersion(w.ctx, "Patient", "a", v.Version)
		if err != nil {
			w.Fatal(err)
		}
		w.is("each", got, v)
	}
	slices.Reverse(want)
	for i, e := range all(w, "history", w.History(w.ctx, store.History{Type: "Patient", ID: "a"})) {
		w.is("history", e.Version, want[i])
	}
	w.finds("Patient?gender=female,male")
	w.finds("Patient?gender=other", "Patient/a")
}

func keys(w *world) {
	w.put(doc("Patient", "a", `"gender":"female"`), doc("Patient", "A", `"gender":"male"`), doc("Practitioner", "a", `"gender":"other"`))
	for _, k := range []store.Key{{Type: "Patient", ID: "a"}, {Type: "Patient", ID: "A"}, {Type: "Practitioner", ID: "a"}} {
		if got := w.read(k.Type, k.ID); got.Key != k || !strings.Contains(string(got.Body), `"id":"`+k.ID+`"`) {
			w.Errorf("%v is %+v: %s", k, got.Key, got.Body)
		}
	}
	_, err := w.Read(w.ctx, "patient", "a")
	w.fails("a type in another case", err, store.ErrNotFound)
	w.finds("Patient?_id=a", "Patient/a")
}

// bodies: the same bytes, number texts and member order included, also those of a large resource.
func bodies(w *world) {
	large := doc("Binary", "large", `"contentType":"text/plain","data":"`+strings.Repeat("QUJD", 1<<18)+`"`)
	for _, body := range []string{
		doc("Observation", "numbers", `"valueQuantity":{"value":1.00},"component":[{"valueQuantity":{"value":1e2}},{"valueQuantity":{"value":-0.10E-3}}]`),
		`{"id":"order","resourceType":"Patient","name":[{"given":["Zoë","李"],"family":"O'Brien \u0001 \"x\" \\"}],"_birthDate":{"extension":[{"url":"u","valueString":"é"}]}}`,
		large,
	} {
		w.put(body)
		r := record(time.Time{}, 1, body)
		if got := w.read(r.Type, r.ID); string(got.Body) != string(r.Body) {
			w.Errorf("%s/%s came back otherwise: %.200s", r.Type, r.ID, got.Body)
		}
	}
}

func readMany(w *world) {
	w.put(doc("Patient", "a", ""), doc("Patient", "b", ""), doc("Practitioner", "c", ""), doc("Patient", "gone", ""))
	w.delete("Patient", "gone")
	want := w.put(doc("Patient", "b", `"active":true`))[0]
	list, err := w.ReadMany(w.ctx, []store.Key{
		{Type: "Patient", ID: "a"}, {Type: "Patient", ID: "b"}, {Type: "Practitioner", ID: "c"}, {Type: "Patient", ID: "gone"},
		{Type: "Patient", ID: "never"}, {Type: "Patient", ID: "a"}, {Type: "Practitioner", ID: "a"},
	})
	if err != nil {
		w.Fatal(err)
	}
	var got []string
	for _, v := range list {
		got = append(got, v.Type+"/"+v.ID)
		if v.ID == "b" {
			w.is("one of many", v, want)
		}
	}
	slices.Sort(got)
	if got = slices.Compact(got); !slices.Equal(got, []string{"Patient/a", "Patient/b", "Practitioner/c"}) {
		w.Errorf("read %v", got)
	}
	if list, err := w.ReadMany(w.ctx, nil); err != nil || len(list) > 0 {
		w.Errorf("nothing: %v %v", list, err)
	}
}

var errRefused = errors.New("refused by the test")
