package resources

import (
	"bytes"

	"fhirside/fhir"
	"fhirside/resources/store"
	"fhirside/search"
)

// warnOfVersions tells which match of a chained search refers to a version that is not what the chain looked at: chains go to current
// versions (search.html#versions). One is enough, and only what the page holds is looked at.
func (s *Service) warnOfVersions(f search.Filter, page *Page) error {
	chains := chainsIn(f)
	if len(chains) == 0 {
		return nil
	}
	for _, v := range page.Matches {
		if !bytes.Contains(v.Body, []byte("/_history/")) {
			continue
		}
		reference, err := s.versionNamed(v, chains)
		if err != nil {
			return err
		}
		if reference != "" {
			page.Issues = append(page.Issues, fhir.Issue{
				Severity: fhir.SeverityWarning, Code: fhir.CodeInformational,
				Diagnostics: "chains look at current versions: " + v.Type + "/" + v.ID + " refers to " + clip(reference),
			})
			return nil
		}
	}
	return nil
}

// versionNamed is a reference to a version by which one of the chains may have come; "" where there is none.
func (s *Service) versionNamed(v store.Version, chains []search.Chain) (string, error) {
	r, err := parseStored(v)
	if err != nil {
		return "", err
	}
	for _, chain := range chains {
		param := s.rules().registry.Param(v.Type, chain.Param)
		if param == nil {
			continue
		}
		for _, ref := range s.rules().extractor.Param(r, param).References {
			if ref.Version != "" && ref.Type == chain.Type {
				return ref.Type + "/" + ref.ID + "/_history/" + ref.Version, nil
			}
		}
	}
	return "", nil
}

// chainsIn are the chains that begin at the resources searched.
func chainsIn(f search.Filter) (chains []search.Chain) {
	switch f := f.(type) {
	case search.Chain:
		chains = append(chains, f)
	case search.And:
		for _, part := range f {
			chains = append(chains, chainsIn(part)...)
		}
	case search.Or:
		for _, part := range f {
			chains = append(chains, chainsIn(part)...)
		}
	case search.Not:
		return chainsIn(f.Filter)
	}
	return chains
}
