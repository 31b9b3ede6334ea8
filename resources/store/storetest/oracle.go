package storetest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"fhirside/fhir"
	"fhirside/resources/store"
	"fhirside/search"
	"fhirside/search/match"
	"fhirside/search/searchtest"
)

// Oracle holds a store's searches to the reference semantics of search/match: generated resources, some of them replaced, deleted
// and made again, are searched in generated ways, and results, order, counts and pages must be those of a searchtest.World. The
// same is asked inside a commit that has written and will fail. A store that computes index values from bodies does so by
// searchtest.Values. More searches: go test -rapid.checks=10000.
func Oracle(t *testing.T, open func(t *testing.T) store.Store) {
	const populations = 3
	for seed := range populations {
		t.Run(fmt.Sprintf("population %d", seed), func(t *testing.T) {
			o := newOracle(t, open(t), seed)
			rapid.Check(t, func(t *rapid.T) {
				o.compare(t, o.outside(), o.world)
				if rapid.IntRange(0, 7).Draw(t, "inside a commit") == 7 {
					o.compareInside(t)
				}
			})
		})
	}
}

// oracle is a loaded store and the world that it should be like.
type oracle struct {
	store    store.Store
	world    *searchtest.World
	bodies   map[store.Key][]byte
	versions map[store.Key]int64
}

func newOracle(t *testing.T, s store.Store, seed int) *oracle {
	o := &oracle{s, searchtest.NewWorld(), map[store.Key][]byte{}, map[store.Key]int64{}}
	// What contains one of each type comes and goes, so that no commit of compareInside is the first with one: it would run again.
	o.put(t, []*fhir.Resource{containingAll(t)})
	o.delete(t, "all")
	// Two populations over each other, so that index entries of replaced versions would show; then some resources go, and some
	// of those come back as they are in a third.
	o.put(t, searchtest.Population().Example(3*seed))
	o.put(t, searchtest.Population().Example(3*seed+1))
	o.delete(t, "10", "A")
	o.put(t, slices.DeleteFunc(searchtest.Population().Example(3*seed+2), func(r *fhir.Resource) bool { return r.ID() != "10" }))
	return o
}

// containingAll is a resource that contains one of each type.
func containingAll(t *testing.T) *fhir.Resource {
	var inside []string
	for _, resourceType := range searchtest.Types {
		inside = append(inside, doc(resourceType, "1-"+resourceType, ""))
	}
	r, err := fhir.Parse([]byte(doc("Observation", "all", `"contained":[`+strings.Join(inside, ",")+`]`)))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// put commits the resources as next versions.
func (o *oracle) put(t *testing.T, all []*fhir.Resource) {
	var now time.Time
	err := o.store.Commit(t.Context(), func(tx store.Tx) error {
		now = tx.Now()
		for _, r := range all {
			if err := tx.Put(o.record(r, now)); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range all {
		k := store.Key{Type: r.Type(), ID: r.ID()}
		o.world.Put(r, now)
		o.bodies[k] = r.Bytes()
		o.versions[k]++
		for _, c := range searchtest.Extract(r).At(k.Type, k.ID).Contained {
			inner := store.Key{Type: search.ContainedType(c.Type), ID: c.ID}
			o.bodies[inner], o.versions[inner] = c.Body, o.versions[k]
		}
	}
}

// record is the next version of a resource.
func (o *oracle) record(r *fhir.Resource, now time.Time) store.Record {
	k := store.Key{Type: r.Type(), ID: r.ID()}
	version := store.Version{Key: k, Version: o.versions[k] + 1, Updated: now, Method: store.Updated, Body: r.Bytes()}
	if version.Version == 1 {
		version.Method = store.Created
	}
	return store.Record{Version: version, Values: searchtest.Extract(r)}
}

// delete commits the deletion of the resources with these ids.
func (o *oracle) delete(t *testing.T, ids ...string) {
	var gone []store.Key
	for _, s := range o.world.Subjects() {
		if slices.Contains(ids, s.ID) {
			gone = append(gone, store.Key{Type: s.Type, ID: s.ID})
		}
	}
	err := o.store.Commit(t.Context(), func(tx store.Tx) error {
		for _, k := range gone {
			if _, err := tx.Delete(k.Type, k.ID); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, k := range gone {
		o.world.Delete(searchtest.Key(k))
		o.versions[k]++
	}
}

// searcher is what a Store outside and a Tx inside a commit can be asked.
type searcher struct {
	search func(store.Search) iter.Seq2[store.Match, error]
	count  func(types []string, f search.Filter) (int64, error)
}

func (o *oracle) outside() searcher {
	ctx := context.Background()
	return searcher{
		func(s store.Search) iter.Seq2[store.Match, error] { return o.store.Search(ctx, s) },
		func(types []string, f search.Filter) (int64, error) { return o.store.Count(ctx, types, f) },
	}
}

var errUndo = errors.New("a commit that ends here")

// compareInside compares in a commit that has written a resource, and undoes it.
func (o *oracle) compareInside(t *rapid.T) {
	resourceType := rapid.SampledFrom(searchtest.Types).Draw(t, "written type")
	id := rapid.SampledFrom(searchtest.IDs).Draw(t, "written id")
	r := searchtest.Resource(resourceType, id).Draw(t, "written")
	err := o.store.Commit(context.Background(), func(tx store.Tx) error {
		if err := tx.Put(o.record(r, tx.Now())); err != nil {
			return err
		}
		world := o.world.Clone()
		world.Put(r, tx.Now())
		o.compare(t, searcher{tx.Search, tx.Count}, world)
		return errUndo
	})
	if !errors.Is(err, errUndo) {
		t.Fatal(err)
	}
}

// compare draws a search and asks both.
func (o *oracle) compare(t *rapid.T, s searcher, world *searchtest.World) {
	drawn := searchtest.Searches(world).Draw(t, "search")
	q, err := search.Parse(search.R4(), drawn.Type, drawn.Params, search.Options{Base: searchtest.Base})
	if err != nil {
		t.Fatalf("%s: %v", drawn, err)
	}
	if len(q.Types) > 0 {
		q.Types, q.Filter = among(t, q.Types, q.Filter)
	}
	want, err := world.Search(q.Types, q.Filter, q.Sort)
	if err != nil {
		t.Fatalf("%s: %v", drawn, err)
	}
	asked := store.Search{Types: q.Types, Filter: q.Filter, Sort: q.Sort, KeysOnly: rapid.Bool().Draw(t, "keys only")}
	got := collect(t, s, asked)
	if problem := differ(got, want, q.Sort); problem != "" {
		t.Fatalf("%s: %s\n%#v", drawn, problem, q.Filter)
	}
	n, err := s.count(q.Types, q.Filter)
	if err != nil || n != int64(len(want)) {
		t.Fatalf("%s: the count is %d (%v), not %d", drawn, n, err, len(want))
	}
	if problem := o.versionsDiffer(got, want, asked.KeysOnly); problem != "" {
		t.Fatalf("%s: %s", drawn, problem)
	}
	o.comparePages(t, s, asked, got)
}

// among draws what a search of types is about: resources of their own, all or those of a compartment, contained ones, both, or what
// contains them.
func among(t *rapid.T, types []string, f search.Filter) ([]string, search.Filter) {
	contained, inner := make([]string, len(types)), search.OnContained(f)
	for i, resourceType := range types {
		contained[i] = search.ContainedType(resourceType)
	}
	switch rapid.IntRange(0, 9).Draw(t, "among") {
	case 9:
		return contained, inner
	case 8:
		in := search.Chain{Param: search.ContainerParam, Type: "Observation", Filter: search.Present{Param: "subject"}}
		return contained, search.And{inner, search.Or{search.ContainedIn("Appointment"), search.And{search.ContainedIn("Observation"), in}}}
	case 7:
		return append(slices.Clone(types), contained...), search.Or{search.And{search.Type(types), f}, search.And{search.Type(contained), inner}}
	case 6:
		var some search.Or
		for i, resourceType := range types {
			some = append(some, search.And{search.Containing(resourceType), search.Has{Type: contained[i], Param: search.ContainerParam, Filter: inner}})
		}
		return searchtest.Types, some
	case 5:
		return types, search.AllOf(f, within(t, types))
	}
	return types, f
}

// within draws a condition as compartments and policies add it: of each type other resources, by what they refer to and by themselves.
func within(t *rapid.T, types []string) search.Filter {
	id := rapid.SampledFrom(searchtest.IDs).Draw(t, "of the compartment")
	var some search.Or
	for _, resourceType := range types {
		var member search.Or
		for _, param := range []string{"patient", "subject", "performer", "encounter"} {
			if rapid.Bool().Draw(t, param) {
				member = append(member, search.Reference{Param: param, Type: "Patient", ID: id})
			}
		}
		if rapid.Bool().Draw(t, "itself") {
			member = append(member, search.ID{id})
		}
		some = append(some, search.AllOf(search.Type{resourceType}, member))
	}
	if rapid.IntRange(0, 3).Draw(t, "outside") == 3 {
		return search.Not{Filter: some}
	}
	return some
}

// collect runs a search to its end.
func collect(t *rapid.T, s searcher, asked store.Search) []store.Match {
	var all []store.Match
	for m, err := range s.search(asked) {
		if err != nil {
			t.Fatalf("%+v: %v", asked, err)
		}
		all = append(all, m)
	}
	return all
}

// differ says how the results are not those wanted, in an order that the keys allow.
func differ(got []store.Match, want []match.Subject, keys []search.SortKey) string {
	wanted := map[store.Key]match.Subject{}
	for _, s := range want {
		wanted[store.Key{Type: s.Type, ID: s.ID}] = s
	}
	seen := map[store.Key]bool{}
	for i, m := range got {
		s, ok := wanted[m.Key]
		switch {
		case !ok:
			return fmt.Sprintf("%v should not be found", m.Key)
		case seen[m.Key]:
			return fmt.Sprintf("%v is found twice", m.Key)
		case i > 0 && match.Compare(keys, wanted[got[i-1].Key], s) > 0:
			return fmt.Sprintf("%v comes before %v", got[i-1].Key, m.Key)
		}
		seen[m.Key] = true
	}
	for _, s := range want {
		if k := (store.Key{Type: s.Type, ID: s.ID}); !seen[k] {
			return fmt.Sprintf("%v is not found", k)
		}
	}
	return ""
}

// versionsDiffer says how what was found is not the current version as it was written.
func (o *oracle) versionsDiffer(got []store.Match, want []match.Subject, keysOnly bool) string {
	updated := map[store.Key]time.Time{}
	for _, s := range want {
		updated[store.Key{Type: s.Type, ID: s.ID}] = s.Updated
	}
	for _, m := range got {
		switch {
		case !m.Updated.Equal(updated[m.Key]):
			return fmt.Sprintf("%v was updated at %v, not %v", m.Key, m.Updated, updated[m.Key])
		case keysOnly && m.Body != nil:
			return fmt.Sprintf("%v has a body, and none was asked for", m.Key)
		case !keysOnly && m.Version.Version == o.versions[m.Key] && !bytes.Equal(m.Body, o.bodies[m.Key]):
			return fmt.Sprintf("%v has another body than was written: %s", m.Key, m.Body)
		}
	}
	return ""
}

// comparePages reads the same search in pages.
func (o *oracle) comparePages(t *rapid.T, s searcher, asked store.Search, whole []store.Match) {
	asked.Limit = max(1, len(whole)/rapid.IntRange(1, 4).Draw(t, "pages"))
	var paged []store.Match
	for {
		page := collect(t, s, asked)
		if len(page) > asked.Limit {
			t.Fatalf("%+v: a page of %d", asked, len(page))
		}
		paged = append(paged, page...)
		if len(page) < asked.Limit || len(paged) > len(whole) {
			break
		}
		asked.After = page[len(page)-1].Position
	}
	same := func(a, b store.Match) bool { return a.Key == b.Key }
	if !slices.EqualFunc(paged, whole, same) {
		t.Fatalf("%+v: the pages are not the whole:\n%v\n%v", asked, keysOf(paged), keysOf(whole))
	}
}

func keysOf(matches []store.Match) []store.Key {
	keys := make([]store.Key, len(matches))
	for i, m := range matches {
		keys[i] = m.Key
	}
	return keys
}
