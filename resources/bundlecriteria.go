package resources

import (
	"fhirside/fhir"
	"fhirside/resources/access"
	"fhirside/resources/store"
	"fhirside/search"
)

// Criteria of a transaction may name its entries, as references do: ifNoneExist "subject=urn:uuid:…". R4 says nothing of that, clients
// count on it: without, a Bundle that is sent again makes everything twice. What such criteria ask for is known once it is known what
// those entries are.

// criteriaIn reads criteria of a Bundle's entry; links are nil outside of one.
func (s *Service) criteriaIn(p access.Policy, links *bundleLinks, resourceType, text string) (*criteria, error) {
	if links == nil {
		return s.criteriaOf(p, resourceType, text, nil)
	}
	if links.batch {
		return s.criteriaInBatch(p, links, resourceType, text)
	}
	var names []int
	c, err := s.criteriaOf(p, resourceType, text, func(fullURL string) (string, bool) {
		i, ok := links.fullURLs[fullURL]
		if !ok {
			return "", false
		}
		of := links.entries[i].target
		if of.id != "" {
			return of.resourceType + "/" + of.id, true
		}
		names = append(names, i)
		return of.resourceType + "/unknown", true
	})
	if err == nil && len(names) > 0 {
		c.names, c.sent = names, text
	}
	return c, err
}

// criteriaInBatch refuses criteria that name other entries.
func (s *Service) criteriaInBatch(p access.Policy, links *bundleLinks, resourceType, text string) (*criteria, error) {
	named := ""
	c, err := s.criteriaOf(p, resourceType, text, func(fullURL string) (string, bool) {
		if links.has(fullURL) {
			named = fullURL
		}
		return "", false
	})
	if named != "" {
		return nil, betweenEntries(named)
	}
	return c, err
}

// settled are the criteria once the entries that they name are known.
func (s *Service) settled(p access.Policy, t *transaction, c *criteria, ids identities) (*criteria, error) {
	if len(c.names) == 0 {
		return c, nil
	}
	return s.criteriaOf(p, c.typ, c.sent, t.entry(ids))
}

// entry says what the entries of a Bundle have become. It is nil outside of one.
func (t *transaction) entry(ids identities) func(fullURL string) (reference string, ok bool) {
	if t.links == nil {
		return nil
	}
	return func(fullURL string) (string, bool) {
		i, ok := t.links.fullURLs[fullURL]
		if !ok {
			return "", false
		}
		return ids.target(i, t.writes[i], false), true
	}
}

// never says whether a filter holds for nothing that is stored, because it asks for a reference to what is only about to be.
func never(f search.Filter, fresh map[store.Key]bool) bool {
	switch f := f.(type) {
	case search.Reference:
		return f.URL == "" && fresh[store.Key{Type: f.Type, ID: f.ID}]
	case search.And:
		for _, part := range f {
			if never(part, fresh) {
				return true
			}
		}
	case search.Or:
		for _, part := range f {
			if !never(part, fresh) {
				return false
			}
		}
		return len(f) > 0
	}
	return false
}

// refuseNames holds that a deletion names no entry that is not known before.
func refuseNames(c *criteria) error {
	if c == nil || len(c.names) == 0 {
		return nil
	}
	return fhir.Errorf(fhir.Invalid, fhir.CodeNotSupported, "the criteria %s name an entry that is known only after the deletions", clip(c.sent))
}
