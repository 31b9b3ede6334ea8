package benchmark

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"
)

var keep = flag.String("keep", "", "folder to keep files with the Synthea set in, for other runs of TestSearchFigures (default: none)")

// Sizes are how often the set is loaded.
const once, often = 1, 5

// TestSearchFigures asks the searches of a clinic within this process, of the Synthea set loaded once and five times.
func TestSearchFigures(t *testing.T) {
	skipUnlessMeasured(t)
	t.Run("sqlite", func(t *testing.T) { searchFigures(t, "steps", (*bench).onSQLite) })
	t.Run("mongodb", func(t *testing.T) { searchFigures(t, "steps of the engine", (*bench).inDatabase) })
}

// site is a clinic whose store can be watched at its work.
type site struct {
	*clinic
	watch      func(query string) work
	secantusDB bool // it stands in for MongoDB
}

// work is what a store does for a search.
type work struct {
	examined int64        // in the unit of the store
	again    func() error // sends to the database what is needed for the page, and nothing else
}

// maxGrowth is by how much more may be examined for what is found among five times as many resources.
const maxGrowth = 1.3

// maxOfPatient is p50 of searches for one patient on SQLite, in milliseconds.
const maxOfPatient = 2

func searchFigures(t *testing.T, unit string, open func(b *bench, copies int) *site) {
	b := begin(t, "search", "found, once", "5 times", unit+", once", "5 times", "p50, once", "5 times", "floor", "ratio")
	few, many := open(b, once), open(b, often)
	s := few.source()
	many.know(s.people[:searchesEach])
	for _, shape := range shapes {
		if few.secantusDB && shape.noSecantusDB != "" {
			t.Logf("SecantusDB is not asked for %s: %s", shape.name, shape.noSecantusDB)
			continue
		}
		small, large := few.measure(shape, s), many.measure(shape, s)
		b.row(strings.ReplaceAll(shape.name, "|", `\|`), fmt.Sprintf("%.0f", small.found), fmt.Sprintf("%.0f", large.found), fmt.Sprintf("%.0f", small.examined), fmt.Sprintf("%.0f", large.examined),
			inMilliseconds(small.p50), inMilliseconds(large.p50), inMilliseconds(large.floor), fmt.Sprintf("%.2f", large.p50/large.floor))
		if growth := large.examined / small.examined / max(large.found/small.found, 1); growth > maxGrowth && shape.grows == "" {
			t.Errorf("%s: %.1f times as many %s are examined among five times as many resources", shape.name, growth, unit)
		}
		if unit == "steps" && shape.perPatient && max(small.p50, large.p50) > maxOfPatient {
			t.Errorf("%s takes %.2f and %.2f ms", shape.name, small.p50, large.p50)
		}
	}
}

// inMilliseconds writes at least two digits of what is not nothing.
func inMilliseconds(ms float64) string {
	if ms < 0.1 {
		return fmt.Sprintf("%.3f ms", ms)
	}
	return fmt.Sprintf("%.2f ms", ms)
}

// source looks at the set, loaded once.
func (c *clinic) source() (s source) {
	s.people = c.people()
	c.know(s.people[:searchesEach])
	s.observations, s.conditions = c.codes("Observation").codes, c.codes("Condition").codes
	return s
}

// figure is what searches of a shape take: means of what is found and examined, and medians in milliseconds.
type figure struct {
	found, examined, p50, floor float64
}

func (s *site) measure(shape shape, from source) (f figure) {
	queries := shape.of(s.clinic, from)
	var works []work
	for _, query := range queries {
		page := s.ask(query)
		w := s.watch(query)
		works = append(works, w)
		f.found += float64(max(len(page.Entry), page.Total)) / float64(len(queries))
		f.examined += float64(w.examined) / float64(len(queries))
	}
	var took, bare []float64
	for range *rounds {
		for i, query := range queries {
			begun := time.Now()
			_, err := s.run(query)
			s.must(err)
			took = append(took, milliseconds(time.Since(begun)))
			begun = time.Now()
			s.must(works[i].again())
			bare = append(bare, milliseconds(time.Since(begun)))
		}
	}
	f.p50, f.floor = median(took), median(bare)
	return f
}

// stock loads the set so many times into a new store.
func (b *bench) stock(store string, copies int) {
	server, _ := b.serve(store)
	defer server.stop()
	b.send(server, copies)
}

func exists(file string) bool {
	_, err := os.Stat(file)
	return err == nil
}
