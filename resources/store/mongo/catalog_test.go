package mongo

import (
	"fmt"
	"sync"
	"testing"

	"fhirside/resources/store"
	"fhirside/resources/store/mongo/mongotest"
	"fhirside/search"
)

// TestCollectionsMadeAtOnce: the first writes of a type come from three processes at the same moment. Each of its indexes must know
// every document, also those that were written while another process was still making it.
func TestCollectionsMadeAtOnce(t *testing.T) {
	const times = 4
	for range 4 {
		uri := mongotest.URI(t)
		stores := []*Store{openAt(t, uri, Options{}), openAt(t, uri, Options{}), openAt(t, uri, Options{})}
		var wg sync.WaitGroup
		for i := range 3 * len(stores) {
			wg.Go(func() {
				for j := range times {
					id := fmt.Sprintf("%d-%d", i, j)
					err := stores[i%len(stores)].Commit(t.Context(), func(tx store.Tx) error {
						if j%2 == 0 { // the transaction is open before the collection is asked for
							if _, err := tx.Count([]string{"Patient"}, identified(id)); err != nil {
								return err
							}
						}
						return tx.Put(patient(id, id, 1, tx.Now()))
					})
					if err != nil {
						t.Error(err)
					}
				}
			})
		}
		wg.Wait()
		want := int64(3 * len(stores) * times)
		for name, filter := range map[string]any{"_id_": d("_id", gt("")), termsIndex: d("index.t", ""), updatedIndex: d("updated", gt(0))} {
			if n, err := stores[0].db.Collection("Patient").CountDocuments(t.Context(), filter); err != nil || n != want {
				t.Errorf("the index %s knows %d documents, not %d (%v)", name, n, want, err)
			}
		}
		n := int64(0)
		for _, err := range stores[1].Search(t.Context(), store.Search{Types: []string{"Patient"}, Filter: search.All{}}) {
			if err != nil {
				t.Fatal(err)
			}
			n++
		}
		if n != want {
			t.Errorf("%d of %d are found", n, want)
		}
	}
}
