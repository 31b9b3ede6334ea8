package sqlite

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"

	"fhirside/search"
)

// query is a statement in the making.
type query struct {
	strings.Builder
	args []arg
	// tokens says that the table walked (c) has the signature of each resource's tokens.
	tokens bool
}

// arg adds a parameter and gives its name in SQL.
func (q *query) arg(a arg) string {
	q.args = append(q.args, a)
	return "?" + strconv.Itoa(len(q.args))
}

func (q *query) int(i int64) string { return q.arg(integer(i)) }

// condition writes the node as a condition on c.key. With least, it holds for no resource that the node may not hold for; without,
// for every one that it may hold for. Where the tables answer all of the node the two are the same.
func (q *query) condition(n node, least bool) {
	switch n := n.(type) {
	case always:
		q.WriteString("1")
	case never:
		q.WriteString("0")
	case maybe:
		if least {
			q.WriteString("0")
		} else {
			q.WriteString("1")
		}
	case andNode:
		q.join(n, " AND ", least)
	case orNode:
		if !q.anyTerm(n) {
			q.join(n, " OR ", least)
		}
	case notNode:
		q.WriteString("NOT ")
		q.WriteByte('(')
		q.condition(n.node, !least)
		q.WriteByte(')')
	case hasTerm:
		q.hasTerm(n)
	case isOneOf:
		fmt.Fprintf(q, "c.key IN (SELECT value FROM json_each(%s))", q.arg(text(jsonList(n))))
	case changedIn:
		q.WriteString("EXISTS(SELECT 1 FROM resource r WHERE r.number=c.key&" + numberMaskSQL + " AND ")
		q.spans(n, "r.stamp", placeBits)
		q.WriteByte(')')
	case hasDate:
		q.hasDate(n)
	case hasNumber:
		fmt.Fprintf(q, "EXISTS(SELECT 1 FROM number n WHERE n.param=%s AND n.key=c.key AND ", q.int(n.param))
		q.number(n, "n")
		q.WriteByte(')')
	case hasText:
		fmt.Fprintf(q, "EXISTS(SELECT 1 FROM string s INDEXED BY string_key WHERE s.param=%s AND s.key=c.key AND ", q.int(n.param))
		q.text(n, "s")
		q.WriteByte(')')
	default:
		panic(fmt.Sprintf("sqlite: no condition for the node %T", n))
	}
}

var numberMaskSQL = strconv.Itoa(numberMask)

func (q *query) join(list []node, word string, least bool) {
	q.WriteByte('(')
	q.joined(0, len(list), word, func(i int) { q.condition(list[i], least) })
	q.WriteByte(')')
}

// joined writes conditions from..to-1 with a word between them, many as a tree: SQLite bounds the depth of expressions (1000).
func (q *query) joined(from, to int, word string, write func(i int)) {
	const wide = 64
	if to-from > wide {
		half := from + (to-from)/2
		q.WriteByte('(')
		q.joined(from, half, word, write)
		q.WriteString(")" + word + "(")
		q.joined(half, to, word, write)
		q.WriteByte(')')
		return
	}
	for i := from; i < to; i++ {
		if i > from {
			q.WriteString(word)
		}
		write(i)
	}
}

// and writes the conditions that hold besides what is written.
func (q *query) and(list []node) {
	if len(list) > 0 {
		q.WriteString(" AND ")
		q.joined(0, len(list), " AND ", func(i int) { q.condition(list[i], false) })
	}
}

func (q *query) hasTerm(n hasTerm) {
	if q.tokens && n.token {
		mask := q.int(signature(n.term))
		fmt.Fprintf(q, "c.tokens&%s=%s AND ", mask, mask)
	}
	fmt.Fprintf(q, "EXISTS(SELECT 1 FROM %s t WHERE t.term=%s AND t.key=c.key)", n.table(), q.int(n.term))
}

func (n hasTerm) table() string {
	if n.patient != 0 {
		return "patient"
	}
	return "term"
}

// Lists of terms that are longer than these are one condition, and a set that is looked up.
const (
	longList = 8
	setList  = 64
)

// anyTerm writes a long list of terms as one condition. Whether a resource has one of them is asked term by term; of very many the
// resources that have them are read first, but for those of patients, whom the resource names itself.
func (q *query) anyTerm(list orNode) bool {
	if len(list) <= longList {
		return false
	}
	terms, patients := make([]int64, 0, len(list)), make([]int64, 0, len(list))
	table := ""
	for _, n := range list {
		t, ok := n.(hasTerm)
		if !ok || table != "" && t.table() != table {
			return false
		}
		table = t.table()
		terms, patients = append(terms, t.term), append(patients, t.patient)
	}
	among := q.arg(text(jsonList(terms)))
	byTerm := fmt.Sprintf("EXISTS(SELECT 1 FROM json_each(%s) j CROSS JOIN %s t ON t.term=j.value AND t.key=c.key)", among, table)
	switch {
	case table == "patient":
		fmt.Fprintf(q, "CASE (SELECT coalesce(r.patient, 0) FROM resource r WHERE r.number=c.key&%d)", numberMask)
		fmt.Fprintf(q, " WHEN 0 THEN %s ELSE", byTerm)
		fmt.Fprintf(q, " (SELECT r.patient FROM resource r WHERE r.number=c.key&%d) IN (SELECT value FROM json_each(%s)) END", numberMask, q.arg(text(jsonList(patients))))
	case len(list) > setList:
		fmt.Fprintf(q, "+c.key IN (SELECT t.key FROM json_each(%s) j CROSS JOIN %s t ON t.term=j.value)", among, table)
	default:
		q.WriteString(byTerm)
	}
	return true
}

// spans writes that a column with shift bits below the units is in one of the spans.
func (q *query) spans(list []span, column string, shift uint) {
	if len(list) == 0 {
		q.WriteString("0")
		return
	}
	q.WriteByte('(')
	q.joined(0, len(list), " OR ", func(i int) {
		from, to := list[i].shifted(shift)
		fmt.Fprintf(q, "%s>=%s AND %s<%s", column, q.int(from), column, q.int(to))
	})
	q.WriteByte(')')
}

// shifted are the ends of the span in a column with bits below the units.
func (s span) shifted(bits uint) (from, to int64) {
	shift := func(n int64) int64 {
		most := int64(keyMax) >> bits
		if n > most {
			return keyMax
		}
		return max(n, -most) << bits
	}
	return shift(s.from), shift(s.to)
}

// hasDate: where the key holds all of the date, it answers; else the date table does.
func (q *query) hasDate(n hasDate) {
	rows := func() {
		fmt.Fprintf(q, "EXISTS(SELECT 1 FROM date d INDEXED BY date_key WHERE d.param=%s AND d.key=c.key AND ", q.int(n.param))
		q.dates(n.ops, "d")
		q.WriteByte(')')
	}
	if !n.sorts {
		rows()
		return
	}
	const shapeMask = (1<<shapeBits - 1) << numberBits
	fmt.Fprintf(q, "CASE c.key&%d WHEN 0 THEN ", shapeMask)
	q.joined(0, len(n.ops), " AND ", func(i int) { q.spans(unitsOf(n.ops[i], second), "c.key", numberBits+shapeBits) })
	q.WriteString(" ELSE ")
	rows()
	q.WriteString(" END")
}

// dates writes the rules of search.Date, all of which one row of the date table must satisfy.
func (q *query) dates(ops []search.Date, table string) {
	from, to := table+".lo", table+".hi"
	q.joined(0, len(ops), " AND ", func(i int) {
		f := ops[i]
		// Each limit is a parameter only where the rule has it: SQLite counts those it sees.
		lo := func() string { return q.int(f.Lo) }
		hi := func() string { return q.int(f.Hi) }
		within := func() string { return lo() + "<=" + from + " AND " + to + "<=" + hi() }
		rule := ""
		switch f.Op {
		case search.Ne:
			rule = lo() + ">" + from + " OR " + to + ">" + hi()
		case search.Gt:
			rule = to + ">" + hi()
		case search.Lt:
			rule = from + "<" + lo()
		case search.Ge:
			rule = to + ">" + lo()
		case search.Le:
			rule = from + "<" + hi()
		case search.Sa:
			rule = from + ">=" + hi()
		case search.Eb:
			rule = to + "<=" + lo()
		case search.Ap:
			rule = from + "<" + hi() + " AND " + to + ">" + lo()
		case search.Covers:
			rule = from + "<=" + lo() + " AND " + to + ">=" + hi()
		default:
			rule = within()
		}
		q.WriteString("(" + rule + ")")
	})
}

// number writes the rules of search.Number and search.Quantity for a row of the number table.
func (q *query) number(n hasNumber, table string) {
	switch {
	case n.plain:
		fmt.Fprintf(q, "%s.unit=0 AND ", table)
	case len(n.units) == 1:
		fmt.Fprintf(q, "%s.unit=%s AND ", table, q.int(n.units[0]))
	case n.units != nil:
		fmt.Fprintf(q, "%s.unit IN (SELECT value FROM json_each(%s)) AND ", table, q.arg(text(jsonList(n.units))))
	default:
		fmt.Fprintf(q, "%s.unit<>0 AND ", table)
	}
	f, from, to := n.op, table+".lo", table+".hi"
	value := func() string { return q.arg(real(f.Value)) }
	lo := func() string { return q.arg(real(f.Lo)) }
	hi := func() string { return q.arg(real(f.Hi)) }
	rule := ""
	switch f.Op {
	case search.Ne:
		rule = lo() + ">" + from + " OR " + to + ">=" + hi()
	case search.Gt:
		rule = to + ">" + value()
	case search.Lt:
		rule = from + "<" + value()
	case search.Ge:
		rule = to + ">=" + value()
	case search.Le:
		rule = from + "<=" + value()
	case search.Sa:
		rule = from + ">" + value()
	case search.Eb:
		rule = to + "<" + value()
	case search.Ap:
		rule = from + "<=" + hi() + " AND " + to + ">=" + lo()
	default:
		rule = lo() + "<=" + from + " AND " + to + "<" + hi()
	}
	q.WriteString("(" + rule + ")")
}

// text writes the rules of search.String for a row of the string table, as far as it knows them.
func (q *query) text(n hasText, table string) {
	switch n.op {
	case search.Exact, search.Equal:
		fmt.Fprintf(q, "%s.value=%s", table, q.arg(text(n.text)))
	case search.Unequal:
		fmt.Fprintf(q, "%s.value<>%s", table, q.arg(text(n.text)))
	case search.Greater:
		fmt.Fprintf(q, "%s.value>=%s", table, q.arg(text(n.text+above)))
	case search.GreaterOrEqual:
		fmt.Fprintf(q, "%s.value>=%s", table, q.arg(text(n.text)))
	case search.Less:
		fmt.Fprintf(q, "%s.value<%s", table, q.arg(text(n.text)))
	case search.LessOrEqual:
		fmt.Fprintf(q, "%s.value<%s", table, q.arg(text(n.text+above)))
	case search.Contains: // of a long text the row holds only the beginning
		fmt.Fprintf(q, "(instr(%s.value, %s)>0 OR octet_length(%s.value)>%d)", table, q.arg(text(n.text)), table, maxText-utf8.UTFMax)
	default:
		fmt.Fprintf(q, "%s.value>=%s AND %s.value<%s", table, q.arg(text(n.text)), table, q.arg(text(n.text+above)))
	}
}

// jsonList is a list of integers for json_each.
func jsonList(list []int64) string {
	b := []byte{'['}
	for i, n := range list {
		if i > 0 {
			b = append(b, ',')
		}
		b = strconv.AppendInt(b, n, 10)
	}
	return string(append(b, ']'))
}
