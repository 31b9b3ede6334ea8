package sqlite

import (
	"cmp"
	"slices"

	"github.com/ncruces/go-sqlite3"

	"fhirside/resources/store"
	"fhirside/search"
	"fhirside/search/index"
)

// A ladder is the resources of a type in the order of the first key of a sort, as far as a table tells it: by the folded texts of a
// string parameter, the beginnings of a date parameter, the seconds of the sort date in the keys, or the values of a number or
// quantity parameter, of which all are read and none sorted but those of a page. Resources on the same rung
// are put in order by what they say themselves. Those without a value come last ascending and first descending.
type ladder struct {
	p     *pager
	w     *finder
	kind  rungKind
	param int64 // of the table's rows
	order order
}

type rungKind int

const (
	textRungs   rungKind = iota // values of the string table
	dateRungs                   // beginnings in the date table
	secondRungs                 // seconds in the keys
	numberRungs                 // values in the number table
)

// rung is what the table tells of a resource's place.
type rung struct {
	missing bool // it has no value
	text    string
	time    int64
	number  float64
}

// climber is a resource on its rung.
type climber struct {
	rung
	candidate
}

// climb reads the page from a ladder, if the sort has one and it pays; done says whether it did.
func (p *pager) climb(last *ranked) (page []store.Match, done bool, err error) {
	if len(p.types) != 1 {
		return nil, false, nil
	}
	l, ok, err := p.ladder()
	if err != nil || !ok {
		return nil, false, err
	}
	few, err := l.w.fewerThan(p.s.limits.climb)
	if err != nil || few {
		return nil, false, err
	}
	// Looking at a resource to sort it takes about a thousand steps.
	for patience := p.s.limits.patience; patience < p.s.limits.large; patience = growth*patience + 1 {
		spent, err := p.c.metered(p.ctx, patience, func() (err error) {
			page, err = l.page(last)
			return err
		})
		if !spent || err == nil {
			return page, true, err
		}
		few, err := l.w.fewerThan(patience)
		if err != nil || few {
			return nil, false, err
		}
	}
	page, err = l.page(last)
	return page, true, err
}

// ladder is that of the first key; false where no table has one.
func (p *pager) ladder() (l *ladder, ok bool, err error) {
	key, typ := p.q.Sort[0], p.types[0]
	l = &ladder{p: p, order: order{ascending: !key.Descending}}
	switch {
	case key.Kind == search.TypeString:
		l.kind, l.param = textRungs, p.s.index.sum(kindStrings, typ, key.Param)
	case key.Kind == search.TypeNumber || key.Kind == search.TypeQuantity:
		if _, elsewhere := p.s.opt.Layout.Twins[typ][key.Param]; elsewhere {
			return nil, false, nil
		}
		l.kind, l.param = numberRungs, p.s.index.sum(kindNumbers, typ, key.Param)
	case key.Kind != search.TypeDate || key.Param == "_lastUpdated":
		return nil, false, nil
	case key.Param != p.s.opt.Layout.SortDates[typ]:
		l.kind, l.param = dateRungs, p.s.index.sum(kindDates, typ, key.Param)
	default:
		l.kind = secondRungs
		if ok, err := p.datesInKeys(); err != nil || !ok {
			return nil, false, err
		}
	}
	l.w, err = p.s.finder(p.ctx, p.c, typ, p.q.Filter, l.order)
	return l, true, err
}

// fewerThan says whether the plan's driver has fewer rows.
func (w *finder) fewerThan(n int) (bool, error) {
	if w.never {
		return true, nil
	}
	candidates := w.plan.some(func(i int) bool { return rankOf(w.plan.parts[i]) != rankNone })
	_, rows, err := w.plan.shortest(candidates, n)
	if err != nil || rows < n {
		return true, err
	}
	live, _, err := w.c.integer(`SELECT live FROM type WHERE name=?`, text(w.typ))
	return live < int64(n), err
}

// page are the matches behind a place.
func (l *ladder) page(last *ranked) (page []store.Match, err error) {
	r := l.start(last)
	for len(page) < l.p.n {
		climbers, err := r.next()
		if err != nil || len(climbers) == 0 {
			return page, err
		}
		matches, err := l.matches(climbers)
		if err != nil {
			return page, err
		}
		for _, m := range matches {
			if last != nil && l.p.compare(m.ranked, *last) <= 0 {
				continue
			}
			if l.p.want.body && m.Body == nil && m.Damage == nil {
				if m.found, err = l.p.s.fetch(l.p.c, l.w.typ, m.ranked.candidate, l.p.want); err != nil {
					return page, err
				}
			}
			if page = append(page, l.p.match(m.found, m.ranked.place())); len(page) == l.p.n {
				return page, nil
			}
		}
	}
	return page, nil
}

// rankedMatch is a match with what the order compares of it.
type rankedMatch struct {
	found
	ranked ranked
}

// matches are those of the climbers, which are on one rung or in order already, that the filter holds for, in order.
func (l *ladder) matches(climbers []climber) (list []rankedMatch, err error) {
	want := l.w.andJudged(wants{values: l.p.sortedBy(), body: l.p.want.body && len(climbers) <= l.p.n})
	for _, c := range climbers {
		f, ok, err := l.w.look(c.candidate, want)
		if err != nil {
			return nil, err
		}
		if ok {
			if f.Damage != nil {
				f.values = l.on(c.rung)
			}
			f.values = l.p.relevant(f.values)
			list = append(list, rankedMatch{f, l.p.ranked(l.w.typ, f)})
		}
	}
	slices.SortFunc(list, func(a, b rankedMatch) int { return l.p.compare(a.ranked, b.ranked) })
	return list, nil
}

// decided says whether the resources on a rung are in order: nothing else is compared but their keys.
func (l *ladder) decided(r rung) bool {
	return len(l.p.q.Sort) == 1 && (r.missing || l.kind == dateRungs || l.kind == numberRungs)
}

// rungs climbs a ladder.
type rungs struct {
	l *ladder
	// stages are read one after the other: the resources with a value, and those without.
	stages []stage
	after  *climber // the last one read of this stage
	read   []climber
}

// stage reads n resources behind one; nil is the beginning.
type stage func(after *climber, n int) ([]climber, error)

// start is before the rung of a place, or behind the place where the rung is in order.
func (l *ladder) start(last *ranked) *rungs {
	r := &rungs{l: l, stages: []stage{l.valued, l.missing}}
	switch {
	case l.kind == secondRungs:
		r.stages = []stage{l.seconds}
	case !l.order.ascending:
		slices.Reverse(r.stages)
	}
	if last == nil {
		return r
	}
	at := climber{rung: l.rungOf(*last), candidate: candidate{key: l.order.start()}}
	if l.kind != secondRungs && at.missing == l.order.ascending {
		r.stages = r.stages[1:]
	}
	switch {
	case l.decided(at.rung):
		at.key = last.key
	case l.kind == secondRungs && l.order.ascending:
		at.key = floorKey(at.time) - 1
	case l.kind == secondRungs:
		at.key = floorKey(at.time + 1)
	}
	r.after = &at
	return r
}

// next are all resources on the next rung, or some that are in order.
func (r *rungs) next() (list []climber, err error) {
	for {
		c, ok, err := r.peek()
		if err != nil || !ok {
			return list, err
		}
		decided := r.l.decided(c.rung)
		if len(list) > 0 && (decided || list[0].rung != c.rung) {
			return list, nil
		}
		n := 1
		for n < len(r.read) && (decided && r.l.decided(r.read[n].rung) || r.read[n].rung == c.rung) {
			n++
		}
		list, r.read = append(list, r.read[:n]...), r.read[n:]
		if decided {
			return list, nil
		}
	}
}

func (r *rungs) peek() (c climber, ok bool, err error) {
	for len(r.read) == 0 && len(r.stages) > 0 {
		n := max(r.l.p.n, 20)
		if r.l.kind == numberRungs && len(r.stages) > 0 { // all rows are read each time
			n = max(n, r.l.p.s.limits.page)
		}
		if r.read, err = r.stages[0](r.after, n); err != nil {
			return c, false, err
		}
		if len(r.read) < n {
			r.stages, r.after = r.stages[1:], nil
		} else {
			r.after = &r.read[n-1]
		}
	}
	if len(r.read) == 0 {
		return c, false, nil
	}
	return r.read[0], true, nil
}

// on are values on a rung, for what has none that can be read.
func (l *ladder) on(r rung) *index.Values {
	param := l.p.q.Sort[0].Param
	number := index.Number{Param: param, Lo: r.number, Hi: r.number}
	switch {
	case r.missing:
		return &index.Values{}
	case l.kind == numberRungs && l.p.q.Sort[0].Kind == search.TypeQuantity:
		return &index.Values{Quantities: []index.Quantity{{Number: number}}}
	case l.kind == numberRungs:
		return &index.Values{Numbers: []index.Number{number}}
	case l.kind == textRungs:
		return &index.Values{Strings: []index.String{{Param: param, Text: r.text, Folded: r.text}}}
	case l.kind == secondRungs:
		r.time *= 1_000_000
	}
	return &index.Values{Dates: []index.Date{{Param: param, Lo: r.time, Hi: r.time}}}
}

// rungOf is the rung of a match.
func (l *ladder) rungOf(r ranked) rung {
	switch l.kind {
	case secondRungs:
		return rungOfKey(r.key)
	case textRungs:
		texts := only(r.Values.Strings, func(e index.String) bool { return e.Param == l.p.q.Sort[0].Param && !e.Part })
		return extremeRung(l, texts, func(a, b index.String) int { return cmp.Compare(a.Folded, b.Folded) },
			func(e index.String) rung { return rung{text: clip(e.Folded)} })
	case numberRungs:
		return extremeRung(l, l.numbersOf(r), cmp.Compare[float64], func(e float64) rung { return rung{number: e} })
	}
	dates := only(r.Values.Dates, func(e index.Date) bool { return e.Param == l.p.q.Sort[0].Param })
	return extremeRung(l, dates, func(a, b index.Date) int { return cmp.Compare(a.Lo, b.Lo) },
		func(e index.Date) rung { return rung{time: e.Lo} })
}

// numbersOf are the numbers, or those of the quantities, that a match is ordered by.
func (l *ladder) numbersOf(r ranked) (list []float64) {
	for _, e := range r.Values.Numbers {
		if e.Param == l.p.q.Sort[0].Param {
			list = append(list, e.Lo)
		}
	}
	for _, e := range r.Values.Quantities {
		if e.Param == l.p.q.Sort[0].Param {
			list = append(list, e.Lo)
		}
	}
	return list
}

// extremeRung is that of the least entry, or of the greatest where the sort descends.
func extremeRung[E any](l *ladder, entries []E, compare func(a, b E) int, of func(E) rung) rung {
	switch {
	case len(entries) == 0:
		return rung{missing: true}
	case l.order.ascending:
		return of(slices.MinFunc(entries, compare))
	}
	return of(slices.MaxFunc(entries, compare))
}

func rungOfKey(key int64) rung { return rung{time: keySeconds(key)} }

// seconds reads the resources by the seconds in their keys.
func (l *ladder) seconds(after *climber, n int) (list []climber, err error) {
	from := l.order.start()
	if after != nil {
		from = after.key
	}
	candidates, err := l.w.plan.next(from, n)
	for _, c := range candidates {
		list = append(list, climber{rungOfKey(c.key), c})
	}
	return list, err
}

// valued reads the resources that have a value, each at its least one, or the greatest where the sort descends.
func (l *ladder) valued(after *climber, n int) (list []climber, err error) {
	if l.kind == numberRungs {
		return l.numbered(after, n)
	}
	t := l.table()
	beyond, direction := ">", ""
	if !l.order.ascending {
		beyond, direction = "<", " DESC"
	}
	var q query
	q.WriteString("SELECT c.key, c." + t.value + " FROM " + t.name + " c WHERE c.param=" + q.int(l.param))
	if after != nil {
		value := integer(after.time)
		if l.kind == textRungs {
			value = text(after.text)
		}
		q.WriteString(" AND (c." + t.value + ", c.key)" + beyond + "(" + q.arg(value) + ", " + q.int(after.key) + ")")
	}
	q.WriteString(" AND NOT EXISTS(SELECT 1 FROM " + t.name + " o" + t.byKey + " WHERE o.param=c.param AND o.key=c.key AND (c." +
		t.value + beyond + "o." + t.value + t.again + "))")
	l.conditions(&q)
	q.WriteString(" ORDER BY c." + t.value + direction + ", c.key" + direction + " LIMIT " + q.int(int64(n)))
	err = l.p.c.each(func(st *sqlite3.Stmt) error {
		c := climber{candidate: candidate{key: st.ColumnInt64(0)}}
		if l.kind == textRungs {
			c.text = st.ColumnText(1)
		} else {
			c.time = st.ColumnInt64(1)
		}
		list = append(list, c)
		return nil
	}, q.String(), q.args...)
	return list, err
}

// numbered reads the resources that have a number: all rows of the parameter, which are in the order of keys.
func (l *ladder) numbered(after *climber, n int) (list []climber, err error) {
	extreme, beyond, direction := "min", ">", ""
	if !l.order.ascending {
		extreme, beyond, direction = "max", "<", " DESC"
	}
	var q query
	q.WriteString("SELECT c.key, " + extreme + "(c.lo) AS value FROM number c WHERE c.param=" + q.int(l.param))
	l.conditions(&q)
	q.WriteString(" GROUP BY c.key")
	if after != nil {
		q.WriteString(" HAVING (value, c.key)" + beyond + "(" + q.arg(real(after.number)) + ", " + q.int(after.key) + ")")
	}
	q.WriteString(" ORDER BY value" + direction + ", c.key" + direction + " LIMIT " + q.int(int64(n)))
	err = l.p.c.each(func(st *sqlite3.Stmt) error {
		list = append(list, climber{rung{number: st.ColumnFloat(1)}, candidate{key: st.ColumnInt64(0)}})
		return nil
	}, q.String(), q.args...)
	return list, err
}

// missing reads the resources that have none.
func (l *ladder) missing(after *climber, n int) (list []climber, err error) {
	t, from := l.table(), l.order.start()
	if after != nil {
		from = after.key
	}
	beyond, direction := ">", ""
	if !l.order.ascending {
		beyond, direction = "<", " DESC"
	}
	var q query
	q.WriteString("SELECT c.key FROM term c WHERE c.term=" + q.int(l.p.s.index.sum(kindType, l.w.typ)) + " AND c.key" + beyond + q.int(from) +
		" AND NOT EXISTS(SELECT 1 FROM " + t.name + " o" + t.byKey + " WHERE o.param=" + q.int(l.param) + " AND o.key=c.key)")
	l.conditions(&q)
	q.WriteString(" ORDER BY c.key" + direction + " LIMIT " + q.int(int64(n)))
	err = l.p.c.each(func(st *sqlite3.Stmt) error {
		list = append(list, climber{rung{missing: true}, candidate{key: st.ColumnInt64(0)}})
		return nil
	}, q.String(), q.args...)
	return list, err
}

// conditions are those of the search, without any part that drives.
func (l *ladder) conditions(q *query) { q.and(l.w.plan.parts) }

// table is where the values of the first key are; again is for rows of the same value.
func (l *ladder) table() (t struct{ name, value, byKey, again string }) {
	switch l.kind {
	case textRungs:
		t.name, t.value, t.byKey = "string", "value", " INDEXED BY string_key"
	case numberRungs:
		t.name, t.value = "number", "lo" // it is in the order of keys itself
	default:
		t.name, t.value, t.byKey, t.again = "date", "lo", " INDEXED BY date_key", " OR c.lo=o.lo AND c.hi>o.hi"
	}
	return t
}
