package benchmark

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"fhirside/fhir"
	"fhirside/resources"
	"fhirside/resources/access"
	"fhirside/search"
	"fhirside/search/index"
)

// combinations is how many searches with several conditions are asked.
const combinations = 300

// tooMany is how often what the most selective condition finds may be examined.
const tooMany = 10

// TestSearchCombinations asks searches with several conditions that nobody has thought of, and tells which of them examine much more than
// what the most selective condition finds.
func TestSearchCombinations(t *testing.T) {
	skipUnlessMeasured(t)
	t.Run("sqlite", func(t *testing.T) { combine(t, 25, (*bench).onSQLite) })
	t.Run("mongodb", func(t *testing.T) { combine(t, 2, (*bench).inDatabase) })
}

// combine takes what one more resource costs, in what the store examines: to find it and to look at it.
func combine(t *testing.T, perFound float64, open func(b *bench, copies int) *site) {
	b := begin(t, "examined / found by one condition", "examined", "found by it", "ms", "search")
	s := open(b, once)
	m := newCombiner(s, 7)
	var list []judged
	for range combinations {
		list = append(list, m.judge(m.next(), perFound))
	}
	slices.SortFunc(list, func(a, b judged) int { return cmp.Compare(b.ratio, a.ratio) })
	over := 0
	for _, j := range list {
		switch {
		case j.err != nil:
			t.Logf("%s: %v", j.query, j.err)
		case j.ratio > tooMany:
			over++
			b.row(fmt.Sprintf("%.0f", j.ratio), fmt.Sprint(j.examined), fmt.Sprint(j.found), fmt.Sprintf("%.1f", j.took), j.query)
		}
	}
	t.Logf("%d of %d examine more than %d times what their most selective condition finds", over, len(list), tooMany)
}

// judged is what a search costs beside its most selective condition.
type judged struct {
	query    string
	examined int64
	found    int // by that condition alone
	ratio    float64
	took     float64 // ms
	err      error
}

func (m *combiner) judge(q combined, perFound float64) (j judged) {
	j = judged{query: q.String(), found: -1}
	for _, c := range q.conditions {
		bundle, err := m.run(q.resourceType + "?" + c + "&_summary=count")
		if err != nil {
			continue
		}
		if n := m.read(bundle).Total; j.found < 0 || n < j.found {
			j.found = n
		}
	}
	begun := time.Now()
	if _, j.err = m.run(j.query); j.err != nil {
		return j
	}
	j.took = milliseconds(time.Since(begun))
	j.examined = m.watch(j.query).examined
	j.ratio = float64(j.examined) / perFound / float64(max(j.found, 0)+10)
	return j
}

// combiner makes up searches whose values are those of resources that are there.
type combiner struct {
	*site
	random  *rand.Rand
	samples map[string][]sample // by type
}

// sample is a resource with its index values.
type sample struct {
	id      string
	updated time.Time
	index.Values
}

// combined is a search with several conditions.
type combined struct {
	resourceType string
	conditions   []string
	shape        string // sorts and includes: "&_sort=-date"
}

func (q combined) String() string {
	return q.resourceType + "?" + strings.Join(q.conditions, "&") + q.shape
}

var combinedTypes = []string{"Observation", "Patient", "Encounter", "Condition", "MedicationRequest", "Procedure", "DiagnosticReport", "Claim", "Immunization", "Location", "Organization", "CarePlan"}

func newCombiner(s *site, seed uint64) *combiner {
	m := &combiner{s, rand.New(rand.NewPCG(seed, 1)), map[string][]sample{}}
	extractor := index.New(search.R4(), base)
	for _, t := range combinedTypes {
		for _, sort := range []string{"", "&_sort=_lastUpdated", "&_sort=-_lastUpdated"} { // those of many patients
			params, err := resources.ParseQuery("_count=700&_total=none" + sort)
			s.must(err)
			page, err := s.service.Search(s.Context(), access.Everything, resources.Search{Type: t, Params: params})
			s.must(err)
			for _, v := range page.Matches {
				r, err := fhir.Parse(v.Body)
				s.must(err)
				m.samples[t] = append(m.samples[t], sample{v.ID, v.Updated, extractor.Extract(r)})
			}
		}
	}
	return m
}

// next is a search with two or three conditions, all of which one and the same resource meets, mostly.
func (m *combiner) next() combined {
	t := pick(m.random, combinedTypes)
	q := combined{resourceType: t}
	s := pick(m.random, m.samples[t])
	for n := 2 + m.random.IntN(2); len(q.conditions) < n; {
		if m.random.IntN(6) == 0 {
			s = pick(m.random, m.samples[t])
		}
		if c := m.condition(t, s, 2); c != "" && !slices.ContainsFunc(q.conditions, func(d string) bool { return nameOf(d) == nameOf(c) }) {
			q.conditions = append(q.conditions, c)
		}
	}
	q.shape = m.shape(t, s)
	return q
}

func nameOf(condition string) string {
	name, _, _ := strings.Cut(condition, "=")
	return name
}

// pick takes one of a list; the zero value where there is none.
func pick[E any](r *rand.Rand, list []E) (e E) {
	if len(list) > 0 {
		e = list[r.IntN(len(list))]
	}
	return e
}

// condition is one that a resource meets, or "". Depth is how many references it may follow.
func (m *combiner) condition(t string, s sample, depth int) string {
	switch kind := m.random.IntN(12); {
	case kind < 4:
		return m.token(t, pick(m.random, s.Tokens))
	case kind < 5:
		return m.prefix(pick(m.random, s.Strings))
	case kind < 7:
		return m.date(pick(m.random, s.Dates))
	case kind < 8:
		if e := pick(m.random, s.Quantities); e.Param != "" {
			return fmt.Sprintf("%s=%s%.4g", e.Param, pick(m.random, []string{"gt", "lt", "", "ge"}), e.Lo)
		}
	case kind < 9:
		from, to := s.updated.Add(-m.seconds(20)), s.updated.Add(time.Second+m.seconds(20))
		return "_lastUpdated=ge" + stamp(from) + "&_lastUpdated=lt" + stamp(to)
	case kind < 11:
		return m.reference(pick(m.random, s.References), depth)
	case depth == 2:
		return m.reverse(t)
	}
	return ""
}

func (m *combiner) seconds(n int) time.Duration { return time.Duration(m.random.IntN(n)) * time.Second }

func (m *combiner) token(t string, e index.Token) string {
	if e.Param == "_id" || e.Code == "" || strings.Contains(e.Param, ":") {
		return ""
	}
	condition := e.Param + "=" + tokenOf(e)
	switch m.random.IntN(8) {
	case 0:
		return e.Param + "=" + url.QueryEscape(escape.Replace(e.Code))
	case 1:
		for _, other := range pick(m.random, m.samples[t]).Tokens {
			if other.Param == e.Param && other.Code != "" {
				return condition + "," + tokenOf(other)
			}
		}
	}
	return condition
}

var escape = strings.NewReplacer(`\`, `\\`, "|", `\|`, ",", `\,`, "$", `\$`)

func tokenOf(e index.Token) string {
	if e.System == "" {
		return url.QueryEscape(escape.Replace(e.Code))
	}
	return token(escape.Replace(e.System), escape.Replace(e.Code))
}

func (m *combiner) prefix(e index.String) string {
	text := []rune(e.Text)
	text = text[:min(len(text), 1+m.random.IntN(12))]
	if value := strings.TrimSpace(string(text)); value != "" && !strings.Contains(e.Param, ":") {
		return e.Param + "=" + url.QueryEscape(escape.Replace(value))
	}
	return ""
}

func (m *combiner) date(e index.Date) string {
	at := time.UnixMicro(e.Lo).UTC()
	if e.Param == "" || at.Year() < 1900 || at.Year() > 2100 {
		return ""
	}
	return e.Param + pick(m.random, []string{
		fmt.Sprintf("=ge%s&%s=lt%s", at.Format("2006-01"), e.Param, at.AddDate(0, 1+m.random.IntN(24), 0).Format("2006-01")),
		"=" + at.Format("2006"),
		"=le" + at.Format(time.DateOnly),
		"=ge" + at.Format(time.DateOnly),
	})
}

// reference is one to a resource, or a chain to one like it.
func (m *combiner) reference(e index.Reference, depth int) string {
	if e.Type == "" {
		return ""
	}
	targets := m.samples[e.Type]
	if depth == 0 || len(targets) == 0 || m.random.IntN(2) == 0 {
		return e.Param + "=" + e.Type + "/" + e.ID
	}
	return prefixed(e.Param+":"+e.Type+".", m.condition(e.Type, pick(m.random, targets), depth-1))
}

// reverse is a _has.
func (m *combiner) reverse(t string) string {
	source := pick(m.random, combinedTypes)
	other := pick(m.random, m.samples[source])
	for _, e := range other.References {
		if e.Type == t {
			return prefixed("_has:"+source+":"+e.Param+":", m.condition(source, other, 1))
		}
	}
	return ""
}

// prefixed puts the prefix before the name of a condition and of its other half.
func prefixed(prefix, condition string) string {
	first, second, both := strings.Cut(condition, "&")
	switch {
	case condition == "" || strings.HasPrefix(condition, "_"):
		return ""
	case both:
		return prefix + first + "&" + prefix + second
	}
	return prefix + first
}

// shape is how a search is sorted and what it includes.
func (m *combiner) shape(t string, s sample) (shape string) {
	if m.random.IntN(2) == 0 {
		params := []string{"_lastUpdated"}
		for _, e := range s.Dates {
			params = append(params, e.Param)
		}
		for _, e := range s.Strings {
			params = append(params, e.Param)
		}
		for _, e := range s.Tokens {
			params = append(params, e.Param)
		}
		if p := pick(m.random, params); !strings.Contains(p, ":") {
			shape += "&_sort=" + pick(m.random, []string{"", "-"}) + p
		}
	}
	if e := pick(m.random, s.References); e.Type != "" && m.random.IntN(4) == 0 {
		shape += "&_include=" + t + ":" + e.Param
	}
	return shape + pick(m.random, []string{"", "&_count=10", "&_count=50", "&_total=none"})
}
