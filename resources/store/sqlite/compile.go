package sqlite

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/ncruces/go-sqlite3"

	"fhirside/fhir"
	"fhirside/resources/store"
	"fhirside/search"
)

// compiler turns filters into nodes, for the resources of one type. It asks the database what it needs to know for that: which
// systems and units occur, which resources a chain leads to.
type compiler struct {
	s   *db
	ctx context.Context
	c   *conn
	typ string
	// matches is how many resources the other conditions leave at most; 0: unknown.
	matches int
}

func (x *compiler) compile(f search.Filter) (node, error) {
	if err := known(f); err != nil {
		return nil, err
	}
	switch f := f.(type) {
	case search.All:
		return always{}, nil
	case search.None:
		return never{}, nil
	case search.And:
		return x.all(f)
	case search.Or:
		parts, err := x.each(f)
		return or(parts...), err
	case search.Not:
		n, err := x.compile(f.Filter)
		return not(n), err
	case search.ID:
		return x.ids(f)
	case search.Type:
		if slices.Contains(f, x.typ) {
			return always{}, nil
		}
		return never{}, nil
	case search.Present:
		return x.present(f.Param)
	case search.Token:
		return x.twin(kindToken, f.Param, func(param string) (node, error) { return x.token(param, f) })
	case search.Other, search.ReferenceToOther:
		return maybe{}, nil
	case search.String:
		return x.string(f)
	case search.Reference:
		return x.twin(kindReference, f.Param, func(param string) (node, error) { return x.reference(param, f), nil })
	case search.Date:
		return x.date(f)
	case search.Number:
		return hasNumber{param: x.s.index.sum(kindNumbers, x.typ, f.Param), plain: true, op: f}, nil
	case search.Quantity:
		return x.twin(kindNumbers, f.Param, func(param string) (node, error) {
			return x.quantity(x.s.index.sum(kindNumbers, x.typ, param), param, f)
		})
	case search.URI:
		return x.uri(f)
	case search.Near:
		box, err := x.compile(f.Box())
		return and(box, maybe{}), err
	case search.Composite:
		return x.twin(kindTuple, f.Param, func(param string) (node, error) { return x.composite(param, f) })
	case search.Chain:
		return x.chain(f)
	case search.Has:
		return x.has(f)
	}
	return nil, fmt.Errorf("sqlite: no rule for the filter %T", f)
}

// known refuses comparisons that came after this was written.
func known(f search.Filter) error {
	ok := true
	switch f := f.(type) {
	case search.String:
		ok = f.Op <= search.LessOrEqual
	case search.Date:
		ok = f.Op <= search.Covers
	case search.Number:
		ok = f.Op <= search.Ap
	case search.Quantity:
		ok = f.Op <= search.Ap
	case search.URI:
		ok = f.Op <= search.AboveURI
	}
	if !ok {
		return fmt.Errorf("sqlite: no rule for the comparison in %T %+v", f, f)
	}
	return nil
}

func (x *compiler) each(list []search.Filter) ([]node, error) {
	parts := make([]node, 0, len(list))
	for _, f := range list {
		n, err := x.compile(f)
		if err != nil {
			return nil, err
		}
		parts = append(parts, n)
	}
	return parts, nil
}

// all compiles a conjunction. Where the conditions on the resources themselves leave few, each of them is asked where its chains lead,
// rather than to look up more than so many resources at the other ends.
func (x *compiler) all(list search.And) (node, error) {
	parts := make([]node, 0, len(list))
	var links []search.Filter
	for _, f := range list {
		if search.HasLinks(f) {
			links = append(links, f)
			continue
		}
		n, err := x.compile(f)
		if err != nil {
			return nil, err
		}
		parts = append(parts, n)
	}
	own := and(parts...)
	if _, none := own.(never); none || len(links) == 0 {
		return own, nil
	}
	inner := *x
	if _, all := own.(always); !all {
		enough := x.s.limits.small
		if slices.ContainsFunc(links, search.HasSources) {
			enough = max(enough, x.s.limits.few)
		}
		rows, err := x.rowsOf(own, enough)
		if err != nil {
			return nil, err
		}
		if rows < enough {
			inner.matches = max(1, rows)
		}
	}
	linked, err := inner.each(links)
	return and(append(linked, own)...), err
}

// fewEnds is how many resources at the end of a chain are looked up first. It costs less to look one up than to ask a match where its
// references lead, unless the matches are a handful.
func (x *compiler) fewEnds() int {
	if x.matches > 0 && x.matches < x.s.limits.small {
		return x.matches
	}
	return x.s.limits.few
}

// fewSources is how many resources that refer to others are looked up first for a _has. It costs as much to look at one as to ask a match.
func (x *compiler) fewSources() int { return cmp.Or(x.matches, x.s.limits.few) }

// rowsOf is how many rows the shortest part of a conjunction has, counted up to a limit.
func (x *compiler) rowsOf(n node, limit int) (int, error) {
	p := plan{s: x.s, c: x.c, ctx: x.ctx, typ: x.typ, parts: []node{n}, small: x.s.limits.small}
	if list, ok := n.(andNode); ok {
		p.parts = list
	}
	candidates := p.some(func(i int) bool { return rankOf(p.parts[i]) != rankNone })
	_, rows, err := p.shortest(candidates, limit)
	return rows, err
}

// twin compiles a condition on a parameter whose rows are mostly those of its twin.
func (x *compiler) twin(kind byte, param string, leaf func(param string) (node, error)) (node, error) {
	twin, ok := x.s.opt.Layout.Twins[x.typ][param]
	if !ok {
		return leaf(param)
	}
	same, err := leaf(twin)
	if err != nil {
		return nil, err
	}
	apart := x.s.index.apart(kind, x.typ, param)
	_, some, err := x.c.integer(`SELECT 1 FROM term WHERE term=? LIMIT 1`, integer(apart))
	if err != nil || !some {
		return same, err
	}
	own, err := leaf(param)
	return or(own, and(same, not(hasTerm{term: apart}))), err
}

func (x *compiler) ids(ids []string) (node, error) {
	var keys isOneOf
	for _, id := range ids {
		k := store.Key{Type: x.typ, ID: id}
		key, ok, err := x.c.integer(`SELECT r.key FROM identity i CROSS JOIN `+tableOf(x.typ)+` r ON r.number=i.number
			WHERE i.hash=? AND r.id=? AND r.type=?`, integer(x.s.index.identity(k)), text(id), text(x.typ))
		if err != nil {
			return nil, err
		}
		if ok { // not null: not deleted
			keys = append(keys, key)
		}
	}
	return oneOf(keys), nil
}

func oneOf(keys []int64) node {
	if len(keys) == 0 {
		return never{}
	}
	slices.Sort(keys)
	return isOneOf(slices.Compact(keys))
}

func (x *compiler) token(param string, f search.Token) (node, error) {
	if !f.AnySystem && !f.AnyCode {
		return hasTerm{term: x.s.index.token(kindToken, x.typ, param, f.System, f.Code, f.Fold), token: true}, nil
	}
	systems, err := x.words(x.s.index.sum(kindSystems, x.typ, param), "")
	if err != nil {
		return nil, err
	}
	var parts []node
	for _, word := range systems {
		switch system, fold := cutSystemWord(word); {
		case !f.AnySystem && system != f.System:
		case f.AnyCode:
			parts = append(parts, maybe{})
		case fold == f.Fold:
			parts = append(parts, hasTerm{term: x.s.index.token(kindToken, x.typ, param, system, f.Code, fold), token: true})
		}
	}
	return or(parts...), nil
}

// words of a parameter that begin with a text.
func (x *compiler) words(param int64, prefix string) (words []string, err error) {
	err = x.c.each(func(st *sqlite3.Stmt) error {
		words = append(words, st.ColumnText(0))
		return nil
	}, `SELECT word FROM word WHERE param=? AND word>=? AND word<?`, integer(param), text(prefix), text(prefix+above))
	return words, err
}

// above sorts behind every text.
const above = "\xff"

func (x *compiler) string(f search.String) (node, error) {
	folded := f.Text
	if f.Op == search.Exact {
		folded = search.Fold(f.Text)
	}
	if strings.Contains(f.Param, ":") {
		return x.codeText(f, folded)
	}
	whole := hasText{x.s.index.sum(kindStrings, x.typ, f.Param), f.Op, clip(folded)}
	cut := len(folded) > maxText-utf8.UTFMax // rows may hold less than the whole text
	switch f.Op {
	case search.Prefix:
		word := hasText{x.s.index.sum(kindParts, x.typ, f.Param), f.Op, whole.text}
		if cut {
			return and(or(whole, word), maybe{}), nil
		}
		return or(whole, word), nil
	case search.Exact:
		return and(whole, maybe{}), nil
	case search.Contains, search.Suffix: // what ends with a text contains it
		whole.op, whole.text = search.Contains, folded
		return and(whole, maybe{}), nil
	}
	switch {
	case cut && f.Op != search.Equal && f.Op != search.Begins:
		return maybe{}, nil
	case cut:
		return and(whole, maybe{}), nil
	}
	return whole, nil
}

// codeText finds the codes that go with a text; see indexer.codeText.
func (x *compiler) codeText(f search.String, folded string) (node, error) {
	prefix, anywhere := clip(folded), f.Op == search.Contains || f.Op == search.Suffix
	if anywhere {
		prefix = ""
	}
	words, err := x.words(x.s.index.sum(kindTexts, x.typ, f.Param), prefix)
	if err != nil {
		return nil, err
	}
	terms := map[int64]bool{}
	for _, word := range words {
		text, term := cutTextWord(word)
		if !anywhere || strings.Contains(text, folded) || len(text) > maxText-utf8.UTFMax {
			terms[term] = true
		}
	}
	parts := make([]node, 0, len(terms))
	for term := range terms {
		parts = append(parts, hasTerm{term: term})
	}
	return and(or(parts...), maybe{}), nil
}

func (x *compiler) reference(param string, f search.Reference) node {
	n := hasTerm{term: x.s.index.reference(x.typ, param, f.Type, f.ID, f.URL), few: f.Type == "Patient"}
	if param == x.s.opt.Layout.Patient {
		n.patient = x.s.index.identity(store.Key{Type: f.Type, ID: f.ID})
	}
	if f.Version != "" || f.Names {
		return and(n, maybe{})
	}
	return n
}

func (x *compiler) date(f search.Date) (node, error) {
	if f.Param == "_lastUpdated" && search.IsContained(x.typ) {
		return maybe{}, nil // it is not worth an index of its own
	}
	if f.Param == "_lastUpdated" {
		return x.changed(unitsOf(f, 1000))
	}
	return x.hasDate(f)
}

// hasDate is a condition on a date that the resource says.
func (x *compiler) hasDate(f search.Date) (node, error) {
	n := hasDate{
		param: x.s.index.sum(kindDates, x.typ, f.Param),
		sorts: f.Param == x.s.opt.Layout.SortDates[x.typ],
		ops:   []search.Date{f},
	}
	known := false
	err := x.c.each(func(st *sqlite3.Stmt) error {
		known = true
		n.width, n.several = st.ColumnInt64(0), st.ColumnInt64(1) != 0
		return nil
	}, `SELECT width, several FROM span WHERE param=?`, integer(n.param))
	if err == nil && !known { // no resource ever had one
		return never{}, nil
	}
	return n, err
}

// changed looks whether any resource lies outside of the times: often none does.
func (x *compiler) changed(times []span) (node, error) {
	if len(times) > 1 {
		return changedIn(times), nil
	}
	from, to := times[0].shifted(placeBits)
	_, outside, err := x.c.integer(`SELECT 1 WHERE EXISTS(SELECT 1 FROM resource WHERE type=?1 AND stamp<?2)
		OR EXISTS(SELECT 1 FROM resource WHERE type=?1 AND stamp>=?3)`, text(x.typ), integer(from), integer(to))
	if err == nil && !outside {
		return always{}, nil
	}
	return changedIn(times), err
}

// quantity: param is that of the rows; its units are kept under the parameter's name.
func (x *compiler) quantity(rows int64, param string, f search.Quantity) (node, error) {
	n := hasNumber{param: rows, op: f.Number}
	if f.AnyUnit {
		return n, nil
	}
	words, err := x.words(x.s.index.sum(kindUnits, x.typ, param), "")
	if err != nil {
		return nil, err
	}
	for _, word := range words {
		system, code, unit := cutUnitWord(word)
		if f.AnySystem && (code == f.Unit || unit == f.Unit) || !f.AnySystem && system == f.System && code == f.Unit {
			n.units = append(n.units, x.s.index.unit(word))
		}
	}
	if len(n.units) == 0 {
		return never{}, nil
	}
	return n, nil
}

// present finds out by the rows what the entries of a parameter are, which are of one kind. Numbers, dates and strings all have rows
// that are found by their parameter; tokens, references and uris have none.
func (x *compiler) present(param string) (node, error) {
	if param == "_id" || param == "_lastUpdated" {
		return always{}, nil
	}
	if strings.HasSuffix(param, search.PresentEntries) {
		return hasTerm{term: x.s.index.token(kindToken, x.typ, param, "", "true", false), token: true}, nil
	}
	for _, held := range []string{param, x.s.opt.Layout.Twins[x.typ][param]} {
		unit, numbers, err := x.c.integer(`SELECT unit FROM number WHERE param=? LIMIT 1`, integer(x.s.index.sum(kindNumbers, x.typ, held)))
		if err != nil {
			return nil, err
		}
		if numbers {
			return x.twin(kindNumbers, param, func(param string) (node, error) {
				return hasNumber{param: x.s.index.sum(kindNumbers, x.typ, param), plain: unit == 0, op: anyNumber}, nil
			})
		}
	}
	_, dates, err := x.c.integer(`SELECT 1 FROM span WHERE param=?`, integer(x.s.index.sum(kindDates, x.typ, param)))
	if err != nil || dates {
		return x.hasDate(search.Date{Param: param, Op: search.Ge, Lo: fhir.BeginningOfTime, Hi: fhir.BeginningOfTime})
	}
	texts := hasText{x.s.index.sum(kindStrings, x.typ, param), search.GreaterOrEqual, ""}
	_, some, err := x.c.integer(`SELECT 1 FROM string WHERE param=? LIMIT 1`, integer(texts.param))
	if err != nil || some {
		return texts, err
	}
	return maybe{}, nil
}

func (x *compiler) uri(f search.URI) (node, error) {
	param := x.s.index.sum(kindURIs, x.typ, f.Param)
	values := []string{f.Value}
	var err error
	switch f.Op {
	case search.BelowURI:
		values, err = x.words(param, f.Value)
	case search.AboveURI:
		values = beginningsOf(f.Value)
	}
	parts := make([]node, 0, len(values))
	for _, v := range values {
		parts = append(parts, hasTerm{term: x.s.index.sum(kindURI, x.typ, f.Param, v)})
	}
	return or(parts...), err
}

// beginningsOf are the text and all that it begins with.
func beginningsOf(s string) (list []string) {
	for i := range s {
		if utf8.RuneStart(s[i]) {
			list = append(list, s[:i])
		}
	}
	return append(list, s)
}

func (x *compiler) composite(param string, f search.Composite) (node, error) {
	if len(f.Parts) < 2 {
		return maybe{}, nil
	}
	tokens, ok := leaves[search.Token](f.Parts[0])
	if !ok || slices.ContainsFunc(tokens, func(t search.Token) bool { return t.AnyCode }) {
		return maybe{}, nil
	}
	systems, err := x.words(x.s.index.sum(kindSystems, x.typ, param), "")
	if err != nil {
		return nil, err
	}
	// Only tuples of a code and quantities are in the number table, and those are nowhere else.
	quantities, pairs := leaves[search.Quantity](f.Parts[1])
	pairs = pairs && len(f.Parts) == 2
	var parts []node
	for _, t := range tokens {
		for _, word := range systems {
			system, fold := cutSystemWord(word)
			if !t.AnySystem && system != t.System || fold != t.Fold {
				continue
			}
			if !pairs {
				parts = append(parts, and(maybe{}, or(
					hasTerm{term: x.s.index.token(kindTuple, x.typ, param, system, t.Code, fold)},
					hasNumber{param: x.s.index.token(kindTupleNums, x.typ, param, system, t.Code, fold), op: anyNumber})))
				continue
			}
			for _, q := range quantities {
				n, err := x.quantity(x.s.index.token(kindTupleNums, x.typ, param, system, t.Code, fold), param, q)
				if err != nil {
					return nil, err
				}
				parts = append(parts, n)
			}
		}
	}
	return or(parts...), nil
}

// anyNumber is no condition on a number.
var anyNumber = search.Number{Op: search.Ge, Value: math.Inf(-1)}

// leaves are the filters of one kind that a filter is an Or of; false if it is not.
func leaves[F search.Filter](f search.Filter) (list []F, ok bool) {
	switch f := f.(type) {
	case F:
		return []F{f}, true
	case search.Or:
		for _, p := range f {
			l, ok := leaves[F](p)
			if !ok {
				return nil, false
			}
			list = append(list, l...)
		}
		return list, true
	}
	return nil, false
}

// chain finds the resources at its end first. Where resources contain such ones, these are looked for as well.
func (x *compiler) chain(f search.Chain) (node, error) {
	outside, err := x.chainOutside(f)
	if err != nil {
		return nil, err
	}
	here := search.Inside(f.Param, f.Type)
	_, some, err := x.c.integer(`SELECT 1 FROM term WHERE term=? LIMIT 1`,
		integer(x.s.index.token(kindToken, x.typ, here.Param, here.System, here.Code, here.Fold)))
	if err != nil || !some {
		return outside, err
	}
	f.Type, f.ByURL = search.ContainedType(f.Type), false
	inside, err := x.chainOutside(f)
	return or(outside, inside), err
}

func (x *compiler) chainOutside(f search.Chain) (node, error) {
	targets, all, err := x.s.find(x.ctx, x.c, f.Type, f.Filter, x.fewEnds())
	if err != nil || !all {
		return maybe{}, err
	}
	refs := make([]search.Reference, 0, len(targets))
	for _, t := range targets {
		refs = append(refs, search.Reference{Type: f.Type, ID: t.id})
		if !f.ByURL {
			continue
		}
		values, err := x.s.valuesOf(x.c, f.Type, t.number)
		if err != nil {
			return nil, err
		}
		if names, ok := values.Naming(f.Param); ok {
			refs = append(refs, names)
		}
	}
	return x.twin(kindReference, f.Param, func(param string) (node, error) {
		parts := make([]node, 0, len(refs))
		for _, ref := range refs {
			parts = append(parts, x.reference(param, ref))
		}
		return or(parts...), nil
	})
}

func (x *compiler) has(f search.Has) (node, error) {
	if !search.IsContained(x.typ) {
		return x.hasFrom(f)
	}
	f.ByURL = false
	n, err := x.hasFrom(f)
	if err != nil {
		return nil, err
	}
	f.Type = search.ContainedType(f.Type) // beside it
	beside, err := x.hasFrom(f)
	return or(n, beside), err
}

func (x *compiler) hasFrom(f search.Has) (node, error) {
	sources, all, err := x.s.find(x.ctx, x.c, f.Type, f.Filter, x.fewSources())
	if err != nil || !all {
		return maybe{}, err
	}
	patients, ids := map[int64]bool{}, map[string]bool{}
	names := map[canonical]bool{}
	for _, source := range sources {
		if f.Param == x.s.opt.Layout.Patient && source.patient != 0 {
			patients[source.patient] = true
			continue
		}
		values, err := x.s.valuesOf(x.c, f.Type, source.number)
		if err != nil {
			return nil, err
		}
		for _, e := range values.References {
			switch {
			case e.Param != f.Param:
			case e.Type == x.typ:
				ids[e.ID] = true
			case f.ByURL && e.URL != "":
				names[canonical{e.URL, e.Version}] = true
			}
		}
	}
	if all, err := x.named(names, ids); err != nil || !all {
		return maybe{}, err
	}
	var keys []int64
	for identity := range patients {
		err := x.c.each(func(st *sqlite3.Stmt) error {
			// The number alone may be that of another one: what is contained is numbered by itself.
			if x.s.index.identity(store.Key{Type: x.typ, ID: st.ColumnText(1)}) == identity {
				keys = append(keys, st.ColumnInt64(0))
			}
			return nil
		}, `SELECT r.key, r.id FROM identity i CROSS JOIN `+tableOf(x.typ)+` r ON r.number=i.number
			WHERE i.hash=? AND r.type=? AND r.key IS NOT NULL`, integer(identity), text(x.typ))
		if err != nil {
			return nil, err
		}
	}
	named, err := x.ids(slices.Collect(maps.Keys(ids)))
	if more, ok := named.(isOneOf); ok {
		keys = append(keys, more...)
	}
	return oneOf(keys), err
}

// canonical is a URL that names resources, with a version or without.
type canonical struct{ url, version string }

// named adds the ids of the resources that the canonicals name; all is false where they are too many.
func (x *compiler) named(names map[canonical]bool, ids map[string]bool) (all bool, err error) {
	for name := range names {
		found, all, err := x.s.find(x.ctx, x.c, x.typ, search.Named(name.url, name.version), x.s.limits.few)
		if err != nil || !all {
			return false, err
		}
		for _, e := range found {
			ids[e.id] = true
		}
	}
	return true, nil
}
