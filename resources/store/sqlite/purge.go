package sqlite

import (
	"errors"
	"slices"

	"github.com/ncruces/go-sqlite3"

	"fhirside/resources/store"
	"fhirside/search/index"
)

// Purge leaves nothing but a deletion of a resource. See store.Tx. What is erased is overwritten in the file, and the write-ahead
// log is emptied as soon as nobody reads what it holds. Code and identifier systems that some resource has used stay in the table
// word, which tells of none which: they name vocabularies.
func (t *tx) Purge(resourceType, id string) (v store.Version, err error) {
	if t.over {
		return v, errOver
	}
	c := t.w.conn
	defer c.guard(&err)
	if err := t.flush(); err != nil {
		return v, err
	}
	head, err := t.w.s.head(c, store.Key{Type: resourceType, ID: id})
	if err != nil {
		return v, explain(t.ctx, err)
	}
	used, err := t.w.s.wordsOf(c, resourceType, head.number)
	if err != nil {
		return v, explain(t.ctx, err)
	}
	if v, err = t.Delete(resourceType, id); err != nil {
		return v, err
	}
	if err := t.flush(); err != nil {
		return v, err
	}
	if err := t.try(c.exec(`DELETE FROM history WHERE number=?`, integer(head.number))); err != nil {
		return v, err
	}
	t.w.truncate = true
	return v, t.try(t.forget(resourceType, used))
}

// forget removes words that no resource uses any more. The writer's memory of words goes with them; writers of other processes
// forget theirs because somebody else has written.
func (t *tx) forget(typ string, used map[wordRow]use) error {
	for w, u := range used {
		needed, err := t.w.s.needed(t.w.conn, typ, w, u)
		if err == nil && !needed {
			err = t.w.conn.exec(`DELETE FROM word WHERE param=? AND word=?`, integer(w.param), text(w.word))
		}
		if err != nil {
			return err
		}
	}
	for m := t.g.known; m != nil; m = m.below {
		clear(m.words)
	}
	return nil
}

// use is what rows tell whether a word is needed.
type use struct {
	kind byte  // kindURIs, kindTexts or kindUnits
	term int64 // of a uri or a text: resources with that word have this term
}

// wordsOf are the words of all versions of a resource, but for systems.
func (s *db) wordsOf(c *conn, typ string, number int64) (map[wordRow]use, error) {
	used := map[wordRow]use{}
	take := func(st *sqlite3.Stmt) error {
		if st.ColumnType(4) == sqlite3.NULL {
			return nil
		}
		v, err := s.codec.values(versionKey(st, store.Key{Type: typ, ID: st.ColumnText(0)}, 1), st.ColumnRawBlob(4))
		if err == nil { // which words a damaged version has used nobody knows
			s.index.uses(used, typ, number, v)
		}
		return nil
	}
	err := c.each(take, `SELECT id, version, stamp, method, body FROM resource WHERE number=?`, integer(number))
	if err == nil {
		err = c.each(take, `SELECT r.id, h.version, h.stamp, h.method, h.body FROM history h CROSS JOIN resource r ON r.number=h.number WHERE h.number=?`, integer(number))
	}
	return used, err
}

// uses adds the words of a resource's values.
func (x indexer) uses(used map[wordRow]use, typ string, number int64, v index.Values) {
	for _, e := range v.URIs {
		used[wordRow{x.sum(kindURIs, typ, e.Param), e.Value}] = use{kindURIs, x.sum(kindURI, typ, e.Param, e.Value)}
	}
	kinds := map[int64]byte{}
	for _, e := range v.Strings {
		kinds[x.sum(kindTexts, typ, e.Param)] = kindTexts
	}
	for _, e := range v.Quantities {
		kinds[x.sum(kindUnits, typ, e.Param)] = kindUnits
	}
	for _, e := range v.Composites {
		kinds[x.sum(kindUnits, typ, e.Param)] = kindUnits
	}
	for _, w := range x.rows(typ, number, v).words {
		switch kinds[w.param] {
		case kindTexts:
			_, term := cutTextWord(w.word)
			used[w] = use{kindTexts, term}
		case kindUnits:
			used[w] = use{kind: kindUnits}
		}
	}
}

// needed says whether some resource uses the word.
func (s *db) needed(c *conn, typ string, w wordRow, u use) (needed bool, err error) {
	switch u.kind {
	case kindURIs:
		_, needed, err = c.integer(`SELECT 1 FROM term WHERE term=? LIMIT 1`, integer(u.term))
	case kindUnits: // whose row it is does not matter: most units are common
		_, needed, err = c.integer(`SELECT 1 FROM number WHERE unit=? LIMIT 1`, integer(s.index.unit(w.word)))
	case kindTexts:
		var numbers []int64
		err = c.each(func(st *sqlite3.Stmt) error {
			numbers = append(numbers, keyNumber(st.ColumnInt64(0)))
			return nil
		}, `SELECT key FROM term WHERE term=?`, integer(u.term))
		for i := 0; i < len(numbers) && !needed && err == nil; i++ {
			var v index.Values
			if v, err = s.valuesOf(c, typ, numbers[i]); errors.Is(err, errDamaged) {
				return true, nil // for all that is known
			}
			needed = slices.Contains(s.index.rows(typ, numbers[i], v).words, w)
		}
	}
	return needed, err
}
