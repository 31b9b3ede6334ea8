package benchmark

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"net/url"
	"slices"
	"strings"
	"time"

	"fhirside/resources"
	"fhirside/resources/access"
	"fhirside/resources/store"
)

// clinic is the Synthea set in a store, once or several times, asked within this process.
type clinic struct {
	*bench
	service  *resources.Service
	patients []string           // "Patient/1": some of the first copy, the same ones in every store
	coded    map[string]codesOf // by resource type
}

// codesOf are the codes of a type's resources that the patients have, those of the most patients first, and whose each is.
type codesOf struct {
	codes []string
	of    map[string][]string
}

const (
	synthea = "https://github.com/synthetichealth/synthea"
	base    = "http://127.0.0.1/fhir"
)

func (b *bench) clinic(s store.Store) *clinic {
	return &clinic{bench: b, service: resources.New(resources.Options{Store: s, Base: base}), coded: map[string]codesOf{}}
}

// run carries out a search given as in a URL and writes its Bundle.
func (c *clinic) run(query string) ([]byte, error) {
	resourceType, criteria, _ := strings.Cut(query, "?")
	params, err := resources.ParseQuery(criteria)
	if err != nil {
		return nil, err
	}
	page, err := c.service.Search(c.Context(), access.Everything, resources.Search{Type: resourceType, Params: params})
	if err != nil {
		return nil, err
	}
	return page.Bundle(base)
}

// page is what searches are made of.
type page struct {
	Total int
	Entry []struct{ Resource found }
}

type found struct {
	ResourceType, ID string
	Meta             struct{ LastUpdated time.Time }
	Identifier       []struct{ System, Value string }
	BirthDate        string
	Gender           string
	Name             []struct {
		Family string
		Given  []string
	}
	Code, VaccineCode struct {
		Coding []struct{ System, Code string }
	}
}

func (c *clinic) ask(query string) page {
	c.Helper()
	bundle, err := c.run(query)
	if err != nil {
		c.Fatalf("%s: %v", query, err)
	}
	return c.read(bundle)
}

func (c *clinic) read(bundle []byte) (p page) {
	c.must(json.Unmarshal(bundle, &p))
	return p
}

func (c *clinic) total(query string) int { return c.ask(query + "&_summary=count").Total }

// searchesEach is how many searches of a shape are asked.
const searchesEach = 24

// people are the patients of the set, in the order of their identifiers, without copies.
func (c *clinic) people() (list []found) {
	for _, e := range c.ask("Patient?_count=1000").Entry {
		list = append(list, e.Resource)
	}
	slices.SortFunc(list, func(a, b found) int { return cmp.Compare(identifierOf(a), identifierOf(b)) })
	return list
}

func identifierOf(patient found) string {
	for _, i := range patient.Identifier {
		if i.System == synthea {
			return i.Value
		}
	}
	return ""
}

// know looks up patients of the set by their identifiers.
func (c *clinic) know(people []found) {
	for _, p := range people {
		list := c.ask("Patient?identifier=" + token(synthea, identifierOf(p))).Entry
		if len(list) != 1 {
			c.Fatalf("%d patients have the identifier %q", len(list), identifierOf(p))
		}
		c.patients = append(c.patients, "Patient/"+list[0].Resource.ID)
	}
}

func (c *clinic) codes(resourceType string) codesOf {
	if known, ok := c.coded[resourceType]; ok {
		return known
	}
	of := map[string][]string{}
	for _, p := range c.patients {
		seen := map[string]bool{}
		for _, e := range c.ask(resourceType + "?patient=" + p + "&_count=1000").Entry {
			for _, coding := range e.Resource.Code.Coding {
				if code := token(coding.System, coding.Code); !seen[code] {
					seen[code] = true
					of[code] = append(of[code], p)
				}
			}
		}
	}
	c.coded[resourceType] = codesOf{slices.SortedFunc(maps.Keys(of), func(a, b string) int {
		return cmp.Or(cmp.Compare(len(of[b]), len(of[a])), cmp.Compare(a, b))
	}), of}
	return c.coded[resourceType]
}

func token(system, code string) string { return url.QueryEscape(system + "|" + code) }

// ofPatients is a search for each of the patients.
func (c *clinic) ofPatients(query func(patient string) string) (list []string) {
	for _, p := range c.patients {
		list = append(list, query(p))
	}
	return list
}

// ofCodes is a search for some patients and a code that they have.
func (c *clinic) ofCodes(resourceType string, query func(patient, code string) string) (list []string) {
	known := c.codes(resourceType)
	for i, code := range known.codes[:min(len(known.codes), searchesEach)] {
		of := known.of[code]
		list = append(list, query(of[i%len(of)], code))
	}
	return list
}

// finding are those of the searches that find about n: among more resources other ones, so that what is found does not grow with what
// is not.
func (c *clinic) finding(n int, searches []string) []string {
	slices.Sort(searches)
	searches = slices.Compact(searches)
	away := map[string]float64{}
	for _, query := range searches {
		away[query] = math.Abs(math.Log(float64(max(c.total(query), 1)) / float64(n)))
	}
	slices.SortStableFunc(searches, func(a, b string) int { return cmp.Compare(away[a], away[b]) })
	return searches[:min(len(searches), searchesEach)]
}

// windows are times within which n patients were last changed: "_lastUpdated=ge…&_lastUpdated=lt…".
func (c *clinic) windows(n int) (list []string) {
	var times []time.Time
	for _, e := range c.ask("Patient?_sort=_lastUpdated&_count=1000").Entry {
		times = append(times, e.Resource.Meta.LastUpdated)
	}
	for i := range searchesEach {
		from := i * (len(times) - n) / searchesEach
		list = append(list, fmt.Sprintf("_lastUpdated=ge%s&_lastUpdated=lt%s", stamp(times[from]), stamp(times[from+n])))
	}
	return list
}

func stamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z") }
