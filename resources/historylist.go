package resources

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"fhirside/fhir"
	"fhirside/resources/access"
	"fhirside/resources/store"
)

// maxListed is how many versions the history of a List's entries may have in all: they are put in order in memory.
const maxListed = 10_000

// listed is what a List refers to: resources, with a version where the reference has one, else 0.
type listed map[store.Key]int64

// listOf reads a List's entries (http.html#history, _list).
func (s *Service) listOf(ctx context.Context, p access.Policy, id string) (listed, error) {
	version, err := s.Read(ctx, p, "List", strings.TrimPrefix(id, "List/"))
	if err != nil {
		return nil, asError(err).At("_list")
	}
	list, err := parseStored(version)
	if err != nil {
		return nil, err
	}
	entries := listed{}
	for entry := range list.Get("entry").Each() {
		ref, local := s.localTarget(entry.Get("item").Get("reference").Text())
		if !local {
			continue
		}
		key := store.Key{Type: ref.Type, ID: ref.ID}
		number, versioned := versionNumber(ref.Version)
		if before, twice := entries[key]; !versioned || twice && before != number {
			number = 0
		}
		entries[key] = number
	}
	return entries, nil
}

// listedVersions gives the versions of what a List refers to, newest first, as versions does those of a type.
func (s *Service) listedVersions(ctx context.Context, p access.Policy, find store.History, list listed, take func(store.HistoryEntry) bool) error {
	var all []store.HistoryEntry
	for key, number := range list {
		f := may(p, key.Type, access.Search)
		if find.Type != "" && find.Type != key.Type || isNone(f) {
			continue
		}
		one := store.History{Type: key.Type, ID: key.ID, Since: find.Since, At: find.At}
		for entry, err := range s.Store.History(ctx, one) {
			if err != nil {
				return err
			}
			if number > 0 && entry.Version.Version != number {
				continue
			}
			ok, err := s.listed(ctx, f, entry.Version)
			if err != nil {
				return err
			}
			if !ok {
				continue
			}
			if len(all) == maxListed {
				return fhir.Errorf(fhir.TooCostly, fhir.CodeTooCostly, "what the List refers to has more than %d versions; narrow it down by _since", maxListed).At("_list")
			}
			// Fixed widths: positions compare as the versions do.
			entry.Position = fmt.Sprintf("%020d/%s/%s/%020d", entry.Updated.UnixMicro(), entry.Type, entry.ID, entry.Version.Version)
			all = append(all, entry)
		}
	}
	slices.SortFunc(all, func(a, b store.HistoryEntry) int { return cmp.Compare(b.Position, a.Position) })
	for _, entry := range all {
		if find.After != "" && entry.Position >= find.After {
			continue
		}
		if !take(entry) {
			return nil
		}
	}
	return nil
}
