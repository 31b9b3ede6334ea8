package sqlite

import (
	"context"
	"fmt"
	"math"
	"slices"

	"fhirside/search"
)

// A plan finds the resources of a type that a node may hold for. One part of the node drives: its rows are walked, and the other
// parts are asked of each. Which one drives decides the cost.
type plan struct {
	s     *db
	c     *conn
	ctx   context.Context
	typ   string
	order order
	parts []node // all of which must hold
	drive int    // the part that drives; -1: the type's resources are walked
	// tentative: no part is known to be short, so the driver's rows are walked in order and hoped to match soon. After so many
	// thousand steps of SQLite's machine a shorter part is looked for.
	tentative bool
	patience  int
	small     int // so many rows are read without thinking about it
	// together: the times of change asked for are read together and looked up, rather than at each resource.
	together bool
}

// order is one that tables have. A place in it is a key or a stamp.
type order struct {
	changed   bool // by the time of change, else by key
	ascending bool
}

// limits are where a search changes its ways.
type limits struct {
	small    int // so many rows are read without thinking about it
	large    int // so many are read rather than walking all of a type
	patience int // for so many thousand steps of SQLite's machine a tentative plan is tried at first
	few      int // so many resources at the other end of a chain or a _has are looked up first; where there are more, the resources of the searched type are walked, and each is asked
	climb    int // from so many rows on they are not all looked at to sort them, if a table has the order
	page     int // so many matches or versions are read before the connection is given back
}

var usual = limits{small: 100, large: 1 << 16, patience: 4, few: 2000, climb: 1000, page: 256}

func (s *db) plan(ctx context.Context, c *conn, typ string, n node, o order, small int) (*plan, error) {
	p := &plan{s: s, c: c, ctx: ctx, typ: typ, order: o, parts: []node{n}, small: small}
	if list, ok := n.(andNode); ok {
		p.parts = list
	}
	return p, p.choose()
}

// choose finds the driver.
func (p *plan) choose() error {
	p.drive = -1
	candidates := p.candidatesToDrive()
	if len(candidates) == 0 {
		return nil
	}
	if rare, err := p.rareToken(candidates); err != nil || rare >= 0 {
		p.drive = rare
		return err
	}
	first := candidates[0]
	if len(candidates) == 1 && (rankOf(p.parts[first]) <= rankShort || p.inOrder(p.parts[first])) {
		p.drive = first
		return nil
	}
	shortest, n, err := p.shortest(candidates, p.small)
	if err != nil {
		return err
	}
	if n < p.small {
		p.drive = shortest
		return nil
	}
	for _, i := range candidates {
		if p.inOrder(p.parts[i]) && (p.drive < 0 || rankOf(p.parts[i]) < rankOf(p.parts[p.drive])) {
			p.drive = i
		}
	}
	p.tentative, p.patience = true, p.s.limits.patience
	return nil
}

// candidatesToDrive are the parts that it may pay to have drive.
func (p *plan) candidatesToDrive() (list []int) {
	best := -1
	for i, n := range p.parts {
		if rankOf(n) != rankNone && (best < 0 || rankOf(n) < rankOf(p.parts[best])) {
			best = i
		}
	}
	if best < 0 || rankOf(p.parts[best]) == rankGiven {
		return p.some(func(i int) bool { return i == best })
	}
	return p.some(func(i int) bool {
		n := p.parts[i]
		switch {
		case i == best:
			return true
		case rankOf(n) == rankNone, rankOf(n) == rankNumber:
			return false
		}
		t, ok := n.(hasTerm) // the rows of a patient tell what tokens the resources have
		return rankOf(p.parts[best]) != rankShort || !ok || !t.token
	})
}

// rare is how many rows a token has at most that leads to less than a patient does.
const rare = 8

// rareToken is a token that a patient's resources are asked for and that hardly any resource has; -1: none. Some patients have
// thousands of resources.
func (p *plan) rareToken(candidates []int) (int, error) {
	if !slices.ContainsFunc(candidates, func(i int) bool { return rankOf(p.parts[i]) == rankShort }) {
		return -1, nil
	}
	for i, n := range p.parts {
		t, ok := n.(hasTerm)
		if !ok || !t.token {
			continue
		}
		if rows, err := p.size(t, rare+1); err != nil || rows <= rare {
			return i, err
		}
	}
	return -1, nil
}

func (p *plan) some(fits func(i int) bool) (list []int) {
	for i := range p.parts {
		if fits(i) {
			list = append(list, i)
		}
	}
	return list
}

// growth is by how much more is tried, or counted, where less was not enough: what is done in vain is a fraction of what is done
// in the end.
const growth = 8

// doubt is for a tentative plan that has used up its patience: a part drives that is read as a whole with as much work, if there is
// one. Else the plan gets more patience.
func (p *plan) doubt() error {
	const perRow = 25 // steps of a row that drives, and of asking it the other parts
	rows := p.patience * 1000 / perRow
	if rows >= p.s.limits.large {
		return p.settle()
	}
	p.patience = growth*p.patience + 1
	return p.driveBy(rows)
}

// settle ends a tentative plan: the shortest part drives, if one is short enough to be read as a whole.
func (p *plan) settle() error {
	p.tentative = false
	return p.driveBy(p.s.limits.large)
}

// driveBy has the shortest part drive if it has fewer rows.
func (p *plan) driveBy(rows int) error {
	candidates := p.some(func(i int) bool { return rankOf(p.parts[i]) != rankNone })
	i, n, err := p.shortest(candidates, rows)
	if err != nil {
		return err
	}
	dated, err := p.datedRows(n)
	switch {
	case err != nil:
		return err
	case dated < n:
		i, n = -1, dated
	case n >= rows:
		return nil
	}
	p.drive, p.tentative = i, false
	return p.readTimes(n)
}

// datedRows is how many of the type's resources are within the dates asked for, counted up to a limit, which is also the answer where
// none are asked for.
func (p *plan) datedRows(limit int) (int, error) {
	if from, to := p.s.keysOf(p.parts); from == keyMin && to == keyMax {
		return limit, nil
	}
	return p.size(nil, limit)
}

// readTimes decides how a driver's rows are asked for the time of change: to look at a resource costs several times what it costs to
// read the times from their index, which each statement does for itself.
func (p *plan) readTimes(rows int) error {
	several := 4 * rows / len(p.walks())
	for i, part := range p.parts {
		times, ok := part.(changedIn)
		if !ok || i == p.drive || len(times) > 1 {
			continue
		}
		n, err := p.size(times, several)
		p.together = n < several
		return err
	}
	return nil
}

// shortest is the part with the fewest rows, and how many, counted up to a limit. All are counted a little way, and further only
// where none ends: a long one costs no more than the shortest.
func (p *plan) shortest(candidates []int, limit int) (best, rows int, err error) {
	for most := min(p.small, limit); ; most = min(growth*most+1, limit) {
		best, rows = -1, most
		for _, i := range candidates {
			n, err := p.size(p.parts[i], rows)
			if err != nil {
				return 0, 0, err
			}
			if n < rows {
				best, rows = i, n
			}
		}
		if best >= 0 || most == limit {
			return best, rows, nil
		}
	}
}

// rank is how well a node drives.
type rank int

const (
	rankGiven  rank = iota // the resources themselves
	rankShort              // few rows by nature: a patient's resources
	rankTerm               // in order
	rankRange              // not in order
	rankNumber             // in order, but rows that do not match are walked as well
	rankNone               // cannot drive
)

func rankOf(n node) rank {
	switch n := n.(type) {
	case isOneOf:
		return rankGiven
	case hasTerm:
		if n.few {
			return rankShort
		}
		return rankTerm
	case hasNumber:
		return rankNumber
	case changedIn:
		return rankRange
	case hasText:
		if n.op != search.Contains {
			return rankRange
		}
	case hasDate:
		if !n.sorts {
			return rankRange
		}
	case orNode:
		worst := rankGiven
		for _, part := range n {
			worst = max(worst, rankOf(part))
		}
		return worst
	case andNode:
		best := rankNone
		for _, part := range n {
			best = min(best, rankOf(part))
		}
		return best
	}
	return rankNone
}

// inOrder says whether the node's rows are in the plan's order, so that the first ones can be had without reading all.
func (p *plan) inOrder(n node) bool {
	switch n := n.(type) {
	case isOneOf:
		return true
	case hasTerm, hasNumber:
		return !p.order.changed
	case changedIn:
		return p.order.changed
	case orNode:
		return !slices.ContainsFunc(n, func(part node) bool { return !p.inOrder(part) })
	case andNode:
		return p.inOrder(n[driverOf(n)])
	}
	return false
}

// driverOf is the part of a conjunction within an alternative that drives.
func driverOf(list andNode) int {
	best := 0
	for i, n := range list {
		if rankOf(n) < rankOf(list[best]) {
			best = i
		}
	}
	return best
}

// size is how many rows a node has that drives, counted up to a limit.
func (p *plan) size(n node, limit int) (int, error) {
	switch n := n.(type) {
	case isOneOf:
		return min(len(n), limit), nil
	case hasNumber:
		return limit, nil
	case orNode:
		sum := 0
		for _, part := range n {
			rows, err := p.size(part, limit-sum)
			if sum += rows; err != nil || sum >= limit {
				return sum, err
			}
		}
		return sum, nil
	case andNode:
		return p.size(n[driverOf(n)], limit)
	}
	var q query
	table, condition := p.rows(&q, n)
	q.WriteString("SELECT count(*) FROM (SELECT 1 FROM " + table + " WHERE " + condition)
	if rankOf(n) != rankRange { // whose rows are not in the order of keys: all would be walked to find those within the dates asked for
		p.within(&q, n, p.parts)
	}
	q.WriteString(" LIMIT " + q.int(int64(limit)) + ")")
	rows, _, err := p.c.integer(q.String(), q.args...)
	return int(rows), err
}

// rows are the table (as c) and the condition for the rows of a node that drives; nil is all of the type.
func (p *plan) rows(q *query, n node) (table, condition string) {
	sub := query{args: q.args}
	switch n := n.(type) {
	case nil:
		table = "term c"
		sub.WriteString("c.term=" + sub.int(p.s.index.sum(kindType, p.typ)))
	case hasTerm:
		table = "term c"
		if n.patient != 0 {
			table, q.tokens = "patient c", true
		}
		sub.WriteString("c.term=" + sub.int(n.term))
	case isOneOf:
		table = "(SELECT value AS key FROM json_each(" + sub.arg(text(jsonList(n))) + ")) c"
		sub.WriteString("1")
	case hasNumber:
		table = "number c"
		sub.WriteString("c.param=" + sub.int(n.param) + " AND ")
		sub.number(n, "c")
	case hasText:
		table = "string c"
		sub.WriteString("c.param=" + sub.int(n.param) + " AND ")
		sub.text(n, "c")
	case hasDate:
		table = "date c"
		from, to := int64(math.MinInt64), int64(math.MaxInt64)
		for _, op := range n.ops {
			lo, hi := beginnings(op, n.width)
			from, to = max(from, lo), min(to, hi)
		}
		sub.WriteString("c.param=" + sub.int(n.param) + " AND c.lo>=" + sub.int(from) + " AND c.lo<=" + sub.int(to) + " AND ")
		sub.dates(n.ops, "c")
	case changedIn:
		table = "resource c"
		sub.WriteString("c.type=" + sub.arg(text(p.typ)) + " AND c.key IS NOT NULL AND ")
		sub.spans(n, "c.stamp", placeBits)
	default:
		panic(fmt.Sprintf("sqlite: the node %T cannot drive", n))
	}
	q.args = sub.args
	return table, sub.String()
}

// repeats says whether a node that drives can have several rows of a resource.
func repeats(n node) bool {
	switch n.(type) {
	case hasNumber, hasText, hasDate:
		return true
	}
	return false
}

// walk is one statement of a plan: the rows of driver (nil: all of the type) for which rest holds.
type walk struct {
	driver node
	rest   []node
}

// walks are the statements whose results together are the plan's.
func (p *plan) walks() []walk {
	if p.drive < 0 {
		return []walk{{nil, p.parts}}
	}
	rest := slices.Delete(slices.Clone(p.parts), p.drive, p.drive+1)
	return alternatives(p.parts[p.drive], rest)
}

func alternatives(driver node, rest []node) (list []walk) {
	switch n := driver.(type) {
	case orNode:
		for _, part := range n {
			list = append(list, alternatives(part, rest)...)
		}
		return list
	case andNode:
		i := driverOf(n)
		return alternatives(n[i], append(slices.Delete(slices.Clone(n), i, i+1), rest...))
	case changedIn: // each span for itself, so that each is read from the index in order
		for _, s := range n {
			list = append(list, walk{changedIn{s}, rest})
		}
		return list
	}
	return []walk{{driver, rest}}
}
