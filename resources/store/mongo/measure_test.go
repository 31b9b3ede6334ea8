package mongo

import (
	"fmt"
	"maps"
	"slices"
	"testing"

	"go.mongodb.org/mongo-driver/v2/bson"
)

// TestMeasure prints what the documents and indexes cost, for docs/decisions/0004-mongodb-indexes.md.
func TestMeasure(t *testing.T) {
	bundles := syntheaBundles(t, 10)
	type cost struct{ n, terms, termBytes, pairs, resource, index, body int }
	costs := map[string]*cost{"all": {}}
	marks := map[byte]int{}
	for _, records := range bundles {
		for _, r := range records {
			if costs[r.Type] == nil {
				costs[r.Type] = &cost{}
			}
			c, _ := encode(r.Body)
			slim, _ := withoutTwins(r.Type, r.Values)
			terms := termsOf(slim, orders[r.Type])
			for _, to := range []*cost{costs[r.Type], costs["all"]} {
				to.n++
				to.body += len(r.Body)
				to.terms += len(terms)
				for _, term := range terms {
					to.termBytes += len(term)
				}
				to.pairs += len(pairsOf(slim))
				to.resource += len(c.resource)
				to.index += len(indexDocument(r.Type, r.Values))
			}
			for _, term := range terms {
				for i := range term {
					if term[i] < '-' {
						marks[term[i]]++
						break
					}
				}
			}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(costs)) {
		c := costs[name]
		f := func(n int) string { return fmt.Sprintf("%.1f", float64(n)/float64(c.n)) }
		fmt.Println(name, c.n, "terms", f(c.terms), "bytes", f(c.termBytes), "pairs", f(c.pairs), "json", f(c.body), "bson", f(c.resource), "index", f(c.index))
	}
	for mark, n := range marks {
		fmt.Printf("%c %.2f\n", mark, float64(n)/float64(costs["all"].n))
	}
	s := open(t, Options{})
	n, took := load(t, s, bundles)
	fmt.Println(n, "loaded in", took, float64(n)/took.Seconds(), "/s")
	var stats bson.M
	for _, c := range []string{"Observation", "history", "Claim"} {
		err := s.db.RunCommand(t.Context(), d("collStats", c)).Decode(&stats)
		fmt.Println(c, stats["size"], stats["storageSize"], stats["indexSizes"], err)
	}
}
