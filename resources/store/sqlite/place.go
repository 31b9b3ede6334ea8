package sqlite

import (
	"cmp"
	"math"
	"slices"

	"github.com/ncruces/go-sqlite3"
)

// candidate is a resource that a plan found: its key and, in that order, the stamp of its current version.
type candidate struct{ key, stamp int64 }

// place of the candidate in an order.
func (o order) place(c candidate) int64 {
	if o.changed {
		return c.stamp
	}
	return c.key
}

func (o order) compare(a, b candidate) int {
	n := cmp.Compare(o.place(a), o.place(b))
	if o.ascending {
		return n
	}
	return -n
}

// start is before every place.
func (o order) start() int64 {
	if o.ascending {
		return keyMin
	}
	return keyMax
}

// next are the first candidates behind a place, in order, at most n; fewer only where there are no more.
func (p *plan) next(after int64, n int) (list []candidate, err error) {
	for p.tentative {
		spent, err := p.c.metered(p.ctx, p.patience, func() (err error) {
			list, err = p.candidates(after, n)
			return err
		})
		if !spent || err == nil {
			return list, err
		}
		if err := p.doubt(); err != nil {
			return nil, err
		}
	}
	return p.candidates(after, n)
}

// candidates are those of all walks, in order.
func (p *plan) candidates(after int64, n int) ([]candidate, error) {
	walks := p.walks()
	if len(walks) == 1 {
		return p.walk(walks[0], after, n)
	}
	// Each walk is read a little way. Those that got further than the n best of all do not matter any more, the others are read on.
	some := n
	if len(walks) > 4 {
		some = min(n, n/len(walks)*2+2)
	}
	read := make([][]candidate, len(walks))
	var all []candidate
	for i, w := range walks {
		list, err := p.walk(w, after, some)
		if err != nil {
			return nil, err
		}
		read[i], all = list, append(all, list...)
	}
	all = p.inPlace(all)
	enough, last := len(all) >= n, candidate{}
	if enough {
		last = all[n-1]
	}
	for i, w := range walks {
		if len(read[i]) < some || some == n || enough && p.order.compare(read[i][some-1], last) >= 0 {
			continue
		}
		more, err := p.walk(w, p.order.place(read[i][some-1]), n)
		if err != nil {
			return nil, err
		}
		all = append(all, more...)
	}
	all = p.inPlace(all)
	return all[:min(n, len(all))], nil
}

// inPlace are the candidates in order, each once.
func (p *plan) inPlace(list []candidate) []candidate {
	slices.SortFunc(list, p.order.compare)
	return slices.Compact(list)
}

// walk reads the first n candidates of a walk behind a place.
func (p *plan) walk(w walk, after int64, n int) (list []candidate, err error) {
	var q query
	p.write(&q, w, after, n)
	err = p.c.each(func(st *sqlite3.Stmt) error {
		c := candidate{key: st.ColumnInt64(0)}
		if p.order.changed {
			c.stamp = st.ColumnInt64(1)
		}
		list = append(list, c)
		return nil
	}, q.String(), q.args...)
	return list, err
}

// write writes the statement for the first n candidates of a walk behind a place.
func (p *plan) write(q *query, w walk, after int64, n int) {
	if w.driver == nil && p.order.changed { // the type's resources by the time of change
		w.driver = changedIn{{-forever, forever}}
	}
	key, column, joined := keyOf(w.driver), "", false
	q.WriteString("SELECT ")
	if repeats(w.driver) {
		q.WriteString("DISTINCT ")
	}
	q.WriteString(key)
	if p.order.changed {
		column, joined = "v.stamp", true
		if _, ok := w.driver.(changedIn); ok {
			column, joined = "c.stamp", false
		}
		q.WriteString(", " + column)
	} else {
		column = key
	}
	q.WriteString(" FROM ")
	p.from(q, w, joined)
	if p.order.ascending {
		q.WriteString(" AND " + column + ">" + q.int(after) + " ORDER BY " + column)
	} else {
		q.WriteString(" AND " + column + "<" + q.int(after) + " ORDER BY " + column + " DESC")
	}
	q.WriteString(" LIMIT " + q.int(int64(n)))
}

// keyOf is the column of keys of a driver's rows. Of those that are walked by their values it must not look like something that an
// index could give in order: SQLite would read all rows of the parameter to save itself the sorting of a few.
func keyOf(driver node) string {
	switch driver.(type) {
	case hasText, hasDate:
		return "+c.key"
	}
	return "c.key"
}

// from writes the walk's tables and conditions; joined adds the resource as v.
func (p *plan) from(q *query, w walk, joined bool) {
	table, condition := p.rows(q, w.driver)
	q.WriteString(table)
	if joined {
		q.WriteString(" CROSS JOIN resource v ON v.number=c.key&" + numberMaskSQL)
	}
	q.WriteString(" WHERE " + condition)
	p.within(q, w.driver, w.rest)
	if len(w.rest) > 0 {
		q.WriteString(" AND ")
		q.joined(0, len(w.rest), " AND ", func(i int) { p.ask(q, w.rest[i]) })
	}
}

// ask writes a condition on the driver's rows.
func (p *plan) ask(q *query, n node) {
	times, ok := n.(changedIn)
	if !ok || !p.together {
		q.condition(n, false)
		return
	}
	q.WriteString("+c.key IN (SELECT w.key FROM resource w INDEXED BY resource_type WHERE w.type=" + q.arg(text(p.typ)) + " AND w.key IS NOT NULL AND ")
	q.spans(times, "w.stamp", placeBits)
	q.WriteByte(')')
}

// within writes what the dates asked for say of the keys of a driver's rows.
func (p *plan) within(q *query, driver node, parts []node) {
	from, to := p.s.keysOf(parts)
	if from != keyMin {
		q.WriteString(" AND " + keyOf(driver) + ">=" + q.int(from))
	}
	if to != keyMax {
		q.WriteString(" AND " + keyOf(driver) + "<" + q.int(to))
	}
}

// keysOf is the range of keys [from, to) that the dates asked for leave, where they are the type's sort date.
func (s *db) keysOf(parts []node) (from, to int64) {
	from, to = keyMin, keyMax
	for _, n := range parts {
		d, ok := n.(hasDate)
		if !ok || !d.sorts {
			continue
		}
		for _, op := range d.ops {
			lo, hi := beginnings(op, d.width)
			if !d.several { // else the date asked for may be a later one than the key's
				from = max(from, floorKey(floorDiv(lo, second)))
			}
			to = min(to, floorKey(max(floorDiv(hi, second), minSeconds)+1)) // earlier dates have the key of that second
		}
	}
	return from, to
}

// drivenInOrder says whether the plan can read some candidates without reading all.
func (p *plan) drivenInOrder() bool { return p.drive < 0 || p.inOrder(p.parts[p.drive]) }

// each calls f for all of the plan's candidates, in order.
func (p *plan) each(f func(candidate) error) error {
	if p.tentative {
		if err := p.settle(); err != nil {
			return err
		}
	}
	n := math.MaxInt
	if p.drivenInOrder() {
		n = p.s.limits.large
	}
	for after := p.order.start(); ; {
		list, err := p.candidates(after, n)
		if err != nil {
			return err
		}
		for _, c := range list {
			after = p.order.place(c)
			if err := f(c); err != nil {
				return err
			}
		}
		if len(list) < n {
			return nil
		}
	}
}

// count is how many resources the plan finds; the node must be exact.
func (p *plan) count() (n int64, err error) {
	if p.tentative {
		if err := p.settle(); err != nil {
			return 0, err
		}
	}
	walks := p.walks()
	if len(walks) > 1 {
		err = p.each(func(candidate) error {
			n++
			return nil
		})
		return n, err
	}
	var q query
	if repeats(walks[0].driver) {
		q.WriteString("SELECT count(DISTINCT " + keyOf(walks[0].driver) + ") FROM ")
	} else {
		q.WriteString("SELECT count(*) FROM ")
	}
	p.from(&q, walks[0], false)
	n, _, err = p.c.integer(q.String(), q.args...)
	return n, err
}
