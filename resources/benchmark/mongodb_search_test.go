package benchmark

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
)

// clinicalShape are searches of one kind.
type clinicalShape struct {
	Name     string
	Searches []clinicalSearch
}

// clinicalSearch is one below the server's base URL, with the finds that the server sends for it.
type clinicalSearch struct {
	Path  string
	Finds []bson.D
}

// paths of the searches.
func (s clinicalShape) paths() (list []string) {
	for _, one := range s.Searches {
		list = append(list, one.Path)
	}
	return list
}

// clinicalSearches compares searches, one at a time, with the finds that the server sends for them, by the bare driver: over HTTP, and
// within one process. All of them take turns.
func (b *bench) clinicalSearches(uri string, db *mongo.Database, server *process) {
	shapes := b.clinicalShapes(server)
	for _, shape := range shapes {
		b.noteFinds(db, server, shape)
	}
	file := filepath.Join(b.dir, "searches")
	text, err := bson.MarshalExtJSON(bson.M{"shapes": shapes}, true, false)
	b.must(err)
	b.must(os.WriteFile(file, text, 0o600))
	bare, service, handler := b.floor("mongodb-search", uri, file), b.floor("mongodb-service", uri, file), b.floor("mongodb-serve", uri, file)
	defer bare.stop()
	defer service.stop()
	defer handler.stop()
	for i, shape := range shapes {
		var served, compressed, handled, inProcess, found []float64
		for range searchTimes {
			served = append(served, b.askOnce(server, shape.paths(), "")...)
			compressed = append(compressed, b.askOnce(server, shape.paths(), "gzip")...)
			handled = append(handled, b.askOnce(handler, shape.paths(), "")...)
			inProcess = append(inProcess, b.turn(service, i)...)
			found = append(found, b.turn(bare, i)...)
		}
		b.compare(shape.Name+", p50 over HTTP", median(served), median(found))
		b.compare("the same with gzip", median(compressed), median(found))
		b.compare("the same within one process", median(inProcess), median(found))
		b.compare("the same over HTTP, against a bare HTTP handler over the find", median(served), median(handled))
	}
}

func (b *bench) compare(figure string, measured, floor float64) {
	b.row(figure, fmt.Sprintf("%.2f ms", measured), fmt.Sprintf("%.2f ms", floor), fmt.Sprintf("%.2f", measured/floor))
}

// turn lets a floor ask the searches of a shape once; it returns what each took.
func (b *bench) turn(floor *process, shape int) (took []float64) {
	_, err := fmt.Fprintln(floor.stdin, strconv.Itoa(shape))
	b.must(err)
	b.must(json.Unmarshal([]byte(b.line(floor)), &took))
	return took
}

func (b *bench) clinicalShapes(server *process) []clinicalShape {
	codes := []string{"8302-2", "29463-7", "8867-4", "2339-0", "6690-2"}
	shapeOf := func(name string, of []string, path func(string) string) clinicalShape {
		s := clinicalShape{Name: name}
		for _, one := range of {
			s.Searches = append(s.Searches, clinicalSearch{Path: path(one)})
		}
		return s
	}
	patients := b.sample(server, "Patient?_count=60")
	shape := func(name string, path func(patient string) string) clinicalShape {
		return shapeOf(name, patients, path)
	}
	return []clinicalShape{
		shape("patient and code, newest first", func(p string) string {
			return "Observation?patient=" + p + "&code=" + url.QueryEscape("http://loinc.org|"+codes[rand.IntN(len(codes))]) + "&_sort=-date"
		}),
		shape("patient, category and dates", func(p string) string {
			return "Observation?patient=" + p + "&category=vital-signs&date=ge2015&_sort=-date"
		}),
		shape("Encounters of a patient, newest first", func(p string) string { return "Encounter?patient=" + p + "&_sort=-date" }),
		shapeOf("Patient by identifier", b.identifiers(server), func(identifier string) string {
			return "Patient?identifier=" + url.QueryEscape(identifier)
		}),
	}
}

// identifiers are those of Synthea, "system|value", of some Patients.
func (b *bench) identifiers(server *process) (list []string) {
	const system = "https://github.com/synthetichealth/synthea"
	var page struct {
		Entry []struct {
			Resource struct {
				Identifier []struct{ System, Value string }
			}
		}
	}
	b.must(json.Unmarshal(b.get(server.base+"/Patient?_count=60"), &page))
	for _, e := range page.Entry {
		for _, i := range e.Resource.Identifier {
			if i.System == system {
				list = append(list, system+"|"+i.Value)
			}
		}
	}
	return list
}

// noteFinds finds out what the server sends for each search of a shape.
func (b *bench) noteFinds(db *mongo.Database, server *process, shape clinicalShape) {
	for i, s := range shape.Searches {
		resourceType, _, _ := strings.Cut(s.Path, "?")
		finds := slices.DeleteFunc(b.profiled(db, func() { b.get(server.base + "/" + s.Path) }), func(command bson.D) bool {
			return command[0].Key != "find" || command[0].Value != resourceType
		})
		if len(finds) == 0 {
			b.Fatalf("the profiler has noted no find for %s", s.Path)
		}
		shape.Searches[i].Finds = finds
	}
}
