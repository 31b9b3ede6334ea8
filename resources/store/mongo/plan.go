package mongo

import (
	"slices"

	"go.mongodb.org/mongo-driver/v2/bson"

	"fhirside/search"
)

// plan is a search of one resource type as MongoDB runs it.
type plan struct {
	// branches are searches of which each is served by one range of an index, or by few; together they find what matches, some of it
	// perhaps twice. None: nothing matches.
	branches []bson.D
	// counted is the condition for a count, where one index leads to all that is counted; nil where several ranges do, which not every
	// server counts by an index.
	counted bson.D
	behind  bson.D // what comes behind a position, by values that are computed first
	// bounded says that an index serves a condition. What none serves reads every resource of the type in the worst case.
	bounded bool
}

// maxBranches is how many searches are run and merged; more become one, whose results MongoDB sorts.
const maxBranches = 4

// filter is all branches in one.
func (p plan) filter() bson.D { return anyOf(p.branches) }

// planner turns a compiled condition into a plan.
type planner struct {
	compiler
	sorting sorting
	only    []int32   // shapes; nil: all
	after   *position // nil: from the beginning
	horizon int64     // only what was last changed up to then; 0: no limit
}

func (p planner) plan(root condition) plan {
	if root.never {
		return plan{}
	}
	var parts []condition
	switch {
	case root.parts != nil:
		parts = root.parts
	case !root.always:
		parts = []condition{root}
	}
	a := p.access(parts)
	branches := p.branches(a)
	conjuncts := a.conjuncts
	if p.horizon != 0 {
		conjuncts = append(conjuncts, d("updated", lte(p.horizon)))
	}
	if p.only != nil {
		conjuncts = append(conjuncts, d(shapePath, d("$in", p.only)))
	}
	var behind bson.D
	if p.after != nil {
		conditions := p.sorting.behind(*p.after)
		if p.sorting.isComputed() {
			behind = allOf(conditions)
		} else {
			conjuncts = append(conjuncts, conditions...)
		}
	}
	filters := make([]bson.D, len(branches))
	for i, branch := range branches {
		filters[i] = allOf(slices.Concat(a.first, branch, conjuncts))
	}
	made := plan{branches: filters, behind: behind, bounded: a.bounded}
	switch {
	case len(branches) == 1:
		made.counted = filters[0]
	case len(branches) > 1 && a.few:
		made.counted = allOf(slices.Concat(a.first, a.lead, []bson.D{anyOf(p.shapes(a))}, conjuncts))
	}
	// Where no range gives the order, the server has to sort anyway: it does that for all of them at once.
	if len(made.branches) > maxBranches || (a.few || a.ranges != nil) && len(made.branches) > 1 {
		made.branches = []bson.D{made.filter()}
	}
	return made
}

// access is how the documents are to be reached.
type access struct {
	first     []bson.D      // ids or times of change that leave less than terms do
	lead      []bson.D      // terms or pairs by which they are found, in the order of the key
	conjuncts []bson.D      // what else must hold, exactly
	terms     bool          // terms or pairs bound it, which an index serves in the order of the key
	ranges    []way         // of the best part that only ranges lead to
	ids       bool          // ids bound it
	updated   bool          // a range of updated bounds it
	dated     bool          // bounds of the key are set
	keys      [3]bounds     // of the key, by shape
	ends      []search.Date // conditions that bound ends and no beginnings
	bounded   bool
	focused   bool // some terms are not broad
	few       bool // by nature: what refers to one patient
	many      bool // so many terms lead, as what a chain leads to, that a range of the date is likely to find less
}

// maxLeads is how many terms lead before a range of the date does.
const maxLeads = 200

// access sorts the parts of a conjunction by how they can be reached. MongoDB tries which of the conditions that an index serves finds the
// fewest; what is likely to comes first for servers that do not.
func (p planner) access(parts []condition) access {
	a := access{keys: [3]bounds{unbounded, unbounded, unbounded}}
	var times []bson.D
	paired := p.pairAmong(parts)
	isPaired := func(i int) bool { return paired != nil && (i == paired.owner || i == paired.codes) }
	if paired != nil {
		a.lead, a.conjuncts = paired.match[:1], slices.Clone(paired.match[1:])
		a.terms, a.focused = true, true
		a.few = isFew(parts[paired.owner].filter)
	}
	best, leading := -1, -1
	for i, part := range parts {
		date, isDate := part.filter.(search.Date)
		switch {
		case isPaired(i):
			continue
		case part.byTerms():
			a.terms, a.few = true, a.few || isFew(part.filter)
			a.focused = a.focused || breadth(part.filter) < broad
			if paired == nil && (leading < 0 || breadth(part.filter) < breadth(parts[leading].filter)) {
				leading = i
			}
			continue
		case isDate && date.Param == paramUpdated && date.Op != search.Ne:
			a.updated = true
			times = append(times, part.match)
			continue
		case isDate && p.order.kind == search.TypeDate && date.Param == p.order.param && date.Op != search.Ne:
			a.dated = true
			for shape, b := range p.keyBounds(date) {
				a.keys[shape] = a.keys[shape].and(b)
			}
			if begin, _ := wideDate(date); begin == unbounded {
				a.ends = append(a.ends, date)
			}
		case len(part.ways) == 1 && part.ways[0].ids != nil:
			a.ids = true
			a.first = append(a.first, part.match)
			continue
		case part.ways != nil && (best < 0 || len(part.ways) < len(parts[best].ways)):
			best = i
		}
		a.conjuncts = append(a.conjuncts, part.match)
	}
	if a.focused || a.dated {
		a.conjuncts = append(a.conjuncts, times...)
	} else {
		a.first = append(a.first, times...)
	}
	if best >= 0 && !a.focused && !a.ids && !a.dated {
		a.ranges = p.windows(parts, best)
	}
	if a.ids || a.ranges != nil {
		leading = -1
	}
	for i, part := range parts {
		if part.byTerms() && !isPaired(i) {
			a.term(part, i == leading)
		}
	}
	a.bounded = a.ids || a.updated || a.dated || a.terms || best >= 0
	return a
}

// term adds a condition that a list of terms leads to.
func (a *access) term(part condition, leads bool) {
	if !part.exact {
		a.conjuncts = append(a.conjuncts, part.match)
	}
	if way := part.ways[0].document(); leads {
		a.lead, a.many = []bson.D{way}, len(part.ways[0].terms) > maxLeads
	} else {
		a.conjuncts = append(a.conjuncts, aside(way))
	}
}

// aside writes a condition so that it leads only where MongoDB finds that it should: to MongoDB it is the same.
func aside(condition bson.D) bson.D { return d("$and", bson.A{d("$or", bson.A{condition})}) }

// apart writes what leads and a range of keys as one: to MongoDB it is the same. Its stand-in would read all of what leads where something
// else is asked besides.
func apart(conditions []bson.D) bson.D { return d("$or", bson.A{slices.Concat(conditions...)}) }

// byTerms says whether a list of terms leads to all that matches.
func (c condition) byTerms() bool { return len(c.ways) == 1 && c.ways[0].terms != nil }

// broad is how broad conditions are that many resources meet.
const broad = 4

// breadth orders conditions that terms serve by how many resources are likely to meet them.
func breadth(f search.Filter) (most int) {
	switch f := f.(type) {
	case search.Or:
		for _, part := range f {
			most = max(most, breadth(part))
		}
		return most
	case search.Reference:
		switch {
		case isShared[f.Type]:
			return 3
		case isFew(f):
			return 0
		}
		return 1
	case search.Token:
		if f.Param == "identifier" {
			return 0
		}
	}
	if isBroad[paramOf(f)] {
		return broad
	}
	return 2
}

// isFew says whether few resources can match, whatever else is asked: those that refer to one patient. They are searched at once and
// sorted in memory where a range alone does not give the order: two searches would need a transaction besides.
func isFew(f search.Filter) bool {
	ref, ok := f.(search.Reference)
	return ok && ref.Type == "Patient" && ref.ID != ""
}

// windows are the ways to a part, made narrower by the other conditions on the same parameter: a point satisfies all of them.
func (p planner) windows(parts []condition, best int) []way {
	if twinOf(p.resourceType, paramOf(parts[best].filter)) != "" {
		return parts[best].ways
	}
	switch f := parts[best].filter.(type) {
	case search.Date:
		narrow := unbounded
		for _, part := range parts {
			if other, ok := part.filter.(search.Date); ok && other.Param == f.Param {
				b, _ := beginnings(other)
				narrow = narrow.and(b)
			}
		}
		return dateRanges(f, narrow)
	case search.Number:
		narrow := allNumbers
		for _, part := range parts {
			if other, ok := part.filter.(search.Number); ok && other.Param == f.Param {
				i, _ := points(other)
				narrow = narrow.and(i)
			}
		}
		return numberRanges(f, narrow)
	}
	return parts[best].ways
}

// branches are the alternatives of which a range of an index serves each; none where nothing can match.
func (p planner) branches(a access) (branches [][]bson.D) {
	switch {
	case a.ids:
		return [][]bson.D{a.lead}
	case a.ranges != nil:
		for _, w := range a.ranges {
			branches = append(branches, []bson.D{w.document()})
		}
		return branches
	case a.updated && !a.terms && !a.dated:
		return [][]bson.D{nil}
	}
	lead := a.lead
	if lead == nil {
		lead = []bson.D{d(termsPath, everyTerm)}
	}
	if !a.terms && len(a.ends) > 0 && p.only == nil {
		// What is wide or several is found by its end: its beginning may lie anywhere before.
		ranges := dateRanges(a.ends[0], unbounded)
		branches = append(branches, []bson.D{ranges[len(ranges)-1].document()})
		p.only = []int32{narrowShape}
	}
	if p.sorting.unordered && a.terms && !a.dated {
		return append(branches, lead) // without an order the key tells nothing
	}
	for _, shaped := range p.shapes(a) {
		conditions := append(slices.Clone(lead), shaped)
		switch {
		case a.dated && a.many:
			conditions = append([]bson.D{shaped}, lead...)
		case a.dated && !a.focused:
			conditions = []bson.D{apart(conditions)}
		}
		branches = append(branches, conditions)
	}
	return branches
}

// shapes bound the key by shape. They must be there for an index to give the order. Those with the same bounds are one condition where
// that saves a search and costs little: MongoDB's stand-in does not read the range of keys alone then, but all of what leads.
func (p planner) shapes(a access) (conditions []bson.D) {
	shapes := p.only
	if shapes == nil {
		shapes = p.order.shapes()
	}
	behind := unbounded
	if p.after != nil && p.order.kind == search.TypeDate {
		behind = p.sorting.keyBehind(*p.after)
	}
	alike := map[bounds]bson.A{}
	var order []bounds
	for _, shape := range shapes {
		b := a.keys[shape].and(behind)
		if b.isEmpty() {
			continue
		}
		if alike[b] == nil {
			order = append(order, b)
		}
		alike[b] = append(alike[b], shape)
	}
	for _, b := range order {
		if len(alike[b]) > 1 && (b == unbounded || a.focused && !a.few) {
			conditions = append(conditions, withKey(d(shapePath, d("$in", alike[b])), b))
			continue
		}
		for _, shape := range alike[b] {
			conditions = append(conditions, withKey(d(shapePath, shape), b))
		}
	}
	return conditions
}

func withKey(doc bson.D, b bounds) bson.D {
	if cond := b.document(); cond != nil {
		doc = append(doc, bson.E{Key: keyPath, Value: cond})
	}
	return doc
}
