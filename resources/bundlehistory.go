package resources

import (
	"context"
	"net/http"

	"fhirside/fhir"
	"fhirside/resources/access"
	"fhirside/resources/store"
)

// replay brings resources to the newest state in a Bundle of type history, as another server gives one, newest version first
// (http.html#other-bundles): in one transaction, under the ids that they have there. Of several versions of a resource only the
// newest is written.
func (s *Service) replay(ctx context.Context, p access.Policy, list []fhir.Element, pref Preferences) ([]byte, error) {
	entries, answers := make([]*bundleEntry, len(list)), make([]answer, len(list))
	newest := map[store.Key]int{}
	for i, e := range list {
		entry, err := readVersionEntry(e, entryAt(i), pref.Base)
		if err != nil {
			return nil, in(entryAt(i), err)
		}
		key := store.Key{Type: entry.target.resourceType, ID: entry.target.id}
		if first, ok := newest[key]; ok {
			answers[i] = answer{status: http.StatusOK, outcome: []fhir.Issue{{
				Severity: fhir.SeverityInformation, Code: fhir.CodeInformational,
				Diagnostics: "left out: " + entryAt(first) + " is a newer version",
			}}}
			continue
		}
		newest[key], entries[i] = i, entry
	}
	if err := s.carryOut(ctx, p, entries, answers, pref, true); err != nil {
		return nil, err
	}
	return answerBundle("transaction-response", pref.Base, answers), nil
}

// readVersionEntry reads an entry of a history as the update or the deletion that leads to its version.
func readVersionEntry(e fhir.Element, at, base string) (*bundleEntry, error) {
	entry, err := readEntry(e, at, base)
	if err != nil {
		return nil, err
	}
	entry.conditions, entry.ifNoneExist = Conditions{}, nil // they held when the version came about
	switch entry.method {
	case http.MethodPost:
		entry.method, entry.target.id = http.MethodPut, entry.resource.ID()
	case http.MethodPut, http.MethodDelete:
	default:
		return nil, fhir.Errorf(fhir.Invalid, fhir.CodeNotSupported, "the entries of a history are of the methods POST, PUT and DELETE, not %s", entry.method)
	}
	if entry.target.id == "" || entry.target.operation != "" {
		return nil, fhir.Errorf(fhir.Invalid, fhir.CodeRequired, "an entry of a history is about one resource, with its id")
	}
	return entry, nil
}
