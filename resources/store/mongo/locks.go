package mongo

import (
	"fmt"
	"time"

	driver "go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"fhirside/search"
)

// Criteria that find nothing are locked: the commit writes a document under a hash of them. Criteria that name an identifier, or the url
// of a definition, are locked by that alone, whatever else they say: of two conditional creates of one record by
// identifier=urn:mrn|7 and identifier=7&active=true one runs again and finds what the other has made. Different criteria lock the same
// document now and then that no resource would satisfy both of; then one of the commits runs again for nothing.

// foundNothing locks criteria.
func (t *tx) foundNothing(types []string, f search.Filter) {
	if t.locks == nil {
		t.locks = map[int64]bool{}
	}
	types = distinct(types)
	for _, text := range lockTexts(f) {
		t.locks[sum(fmt.Sprintf("%q %s", types, text))] = true
	}
}

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
	case search.Token: // of any system: the other criteria may name none
		if f.Param == "identifier" && !f.AnyCode {
			texts = []string{"identifier " + search.FoldCode(f.Code)}
		}
	case search.URI:
		if f.Param == "url" && f.Op == search.SameURI {
			texts = []string{"url " + f.Value}
		}
	}
	return texts
}

// lock writes the documents of criteria that found nothing. Two commits that write the same one conflict, so that the second to
// come runs again and finds what the first wrote.
func (v *view) lock(locks map[int64]bool, commit int64) error {
	if len(locks) == 0 {
		return nil
	}
	models := make([]driver.WriteModel, 0, len(locks))
	for hash := range locks {
		// The commit's number changes the document each time: a write that changes nothing does not conflict.
		models = append(models, driver.NewUpdateOneModel().SetFilter(d("_id", hash)).SetUpsert(true).
			SetUpdate(d("$set", d("commit", commit, "at", time.Now()))))
	}
	_, err := v.collection(locksName).BulkWrite(v.ctx, models, options.BulkWrite().SetOrdered(false))
	return err
}
