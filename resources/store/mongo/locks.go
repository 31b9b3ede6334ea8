package mongo

import (
	"fmt"
	"slices"
	"time"

	driver "go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"fhirside/search"
)

// Criteria that find nothing are locked: the commit writes a document under a hash of them. Criteria that name an identifier, or the url
// of a definition, are locked by that alone, whatever else they say: of two conditional creates of one record by
// identifier=urn:mrn|7 and identifier=7&active=true one runs again and finds what the other has made. So that this also holds of
// identifier=urn:mrn|7 and identifier=urn:ssn|9 where the record has both, a commit with locks locks the identifiers and urls of what it
// writes as well, as far as its criteria search that type. Different criteria lock the same document now and then that no resource would
// satisfy both of; then one of the commits runs again for nothing.

// locks are what a commit locks.
type locks struct {
	texts map[string]map[string]bool // by the types that criteria search, see lockTexts
}

// foundNothing locks criteria.
func (l *locks) foundNothing(types []string, f search.Filter) {
	for _, text := range lockTexts(f) {
		l.add(fmt.Sprintf("%q", distinct(types)), text)
	}
}

func (l *locks) add(types, text string) {
	if l.texts == nil {
		l.texts = map[string]map[string]bool{}
	}
	if l.texts[types] == nil {
		l.texts[types] = map[string]bool{}
	}
	l.texts[types][text] = true
}

// wrote locks what other criteria may find a resource by.
func (l *locks) wrote(v *version) {
	types := fmt.Sprintf("%q", []string{v.Type})
	if l.texts[types] == nil || v.Deleted() {
		return
	}
	for _, token := range v.values.Tokens {
		if token.Param == identifierParam && token.Code != "" {
			l.add(types, identifierText(token.Code))
		}
	}
	for _, uri := range v.values.URIs {
		if uri.Param == urlParam {
			l.add(types, urlText(uri.Value))
		}
	}
}

// hashes are those of the documents.
func (l *locks) hashes() (list []int64) {
	for types, texts := range l.texts {
		for text := range texts {
			list = append(list, sum(types+" "+text))
		}
	}
	slices.Sort(list) // of two commits the second then meets the first at its first document
	return slices.Compact(list)
}

// The parameters that name a record.
const (
	identifierParam = "identifier"
	urlParam        = "url"
)

// identifierText is of any system: the other criteria may name none.
func identifierText(code string) string { return "identifier " + search.FoldCode(code) }

func urlText(url string) string { return "url " + url }

// lockTexts are what criteria are locked by: equal criteria have equal ones.
func lockTexts(f search.Filter) []string {
	if texts := identifiedBy(f); texts != nil {
		return texts
	}
	return []string{canonical(f)}
}

// identifiedBy are the identifiers and urls that a filter names: nothing satisfies it that has none of them. Nil: it can be satisfied without.
func identifiedBy(f search.Filter) (texts []string) {
	switch f := f.(type) {
	case search.And:
		for _, part := range f {
			texts = append(texts, identifiedBy(part)...)
		}
	case search.Or:
		for _, part := range f {
			names := identifiedBy(part)
			if names == nil {
				return nil
			}
			texts = append(texts, names...)
		}
	case search.Token:
		if f.Param == identifierParam && !f.AnyCode {
			texts = []string{identifierText(f.Code)}
		}
	case search.URI:
		if f.Param == urlParam && f.Op == search.SameURI {
			texts = []string{urlText(f.Value)}
		}
	}
	return texts
}

// lock writes the documents of criteria that found nothing. Two commits that write the same one conflict, so that the second to
// come runs again and finds what the first wrote.
func (t *tx) lock(v *view) error {
	if t.locks.texts == nil {
		return nil
	}
	for _, w := range t.writes {
		t.locks.wrote(w.last)
	}
	hashes := t.locks.hashes()
	models := make([]driver.WriteModel, 0, len(hashes))
	for _, hash := range hashes {
		// The commit's number changes the document each time: a write that changes nothing does not conflict.
		models = append(models, driver.NewUpdateOneModel().SetFilter(d("_id", hash)).SetUpsert(true).
			SetUpdate(d("$set", d("commit", t.number, "at", time.Now()))))
	}
	_, err := v.collection(locksName).BulkWrite(v.ctx, models, options.BulkWrite().SetOrdered(false))
	return err
}
