package resources

import (
	"context"
	"fmt"
	"net/http"
	"strconv"

	"fhirside/fhir"
	"fhirside/resources/access"
	"fhirside/resources/store"
	"fhirside/search"
)

// Return says what the answer to a write holds (Prefer: return=…).
type Return uint8

const (
	ReturnDefault Return = iota // the resource, outside of Bundles
	ReturnMinimal
	ReturnRepresentation
	ReturnOutcome
)

// Preferences are what a client prefers (Prefer), with the base URL by which it knows the server.
type Preferences struct {
	Base    string // without a slash at its end
	Return  Return
	Lenient bool // handling=lenient
	// Metadata is what a GET metadata inside a Bundle answers: the CapabilityStatement. nil: there is none.
	Metadata func() []byte
}

// Bundle processes a batch or a transaction and gives the Bundle of answers, in the order of the entries (http.html#transaction).
// A history is processed as the transaction that leads to its newest state. The error of a refused transaction names the entry.
func (s *Service) Bundle(ctx context.Context, p access.Policy, bundle *fhir.Resource, pref Preferences) ([]byte, error) {
	if t := bundle.Type(); t != "Bundle" {
		return nil, fhir.Errorf(fhir.Invalid, fhir.CodeInvalid, "the base URL takes a Bundle, not a %s; send that to %s/%s", t, pref.Base, t)
	}
	if err := knownMembers(bundle.Root(), "Bundle"); err != nil {
		return nil, err
	}
	var list []fhir.Element
	if entries := bundle.Get("entry"); entries.Exists() {
		if entries.Kind() != fhir.Array {
			return nil, fhir.Errorf(fhir.Invalid, fhir.CodeStructure, "Bundle.entry is no array").At("Bundle.entry")
		}
		for e := range entries.Children() {
			list = append(list, e)
		}
	}
	if len(list) > s.MaxEntries {
		return nil, fhir.Errorf(fhir.TooLarge, fhir.CodeTooLong, "the Bundle has %d entries; at most %d are taken at once", len(list), s.MaxEntries).At("Bundle.entry")
	}
	switch kind := bundle.Get("type").Text(); kind {
	case "transaction":
		return s.transact(ctx, p, list, pref)
	case "history":
		return s.replay(ctx, p, list, pref)
	case "batch":
		return s.batch(ctx, p, list, pref)
	default:
		return nil, fhir.Errorf(fhir.Invalid, fhir.CodeValue, "the base URL takes Bundles of type batch, transaction or history, not %q", clip(kind)).At("Bundle.type")
	}
}

// maxTogether is how many writes of a batch may share the store's commit.
const maxTogether = 100

// batch processes each entry on its own, in their order. Neighbouring writes share the waiting for the disk.
func (s *Service) batch(ctx context.Context, p access.Policy, list []fhir.Element, pref Preferences) ([]byte, error) {
	answers := make([]answer, len(list))
	waiting, places := []*transaction{}, map[*transaction]int{}
	entries := make([]*bundleEntry, len(list))
	gets, links := getter{s: s, policy: p, pref: pref}, newBatchLinks(list)
	flush := func() {
		s.commitEach(ctx, p, waiting, func(t *transaction, err error) {
			i := places[t]
			if err == nil {
				answers[i], err = gets.written(entries[i], t.results[0])
			}
			delete(places, t) // and what it holds
			if err != nil {
				answers[i] = s.refusal(ctx, in(entryAt(i), err))
			}
		})
		waiting = waiting[:0]
	}
	for i, e := range list {
		entry, w, err := s.readBatchEntry(p, links, e, entryAt(i), pref)
		if err == nil && w != nil {
			t := &transaction{writes: []*write{w}, found: gets.room()}
			places[t], entries[i] = i, entry
			if waiting = append(waiting, t); len(waiting) == maxTogether {
				flush()
			}
			continue
		}
		if err == nil {
			flush()
			answers[i], err = gets.get(ctx, storeView{ctx, s.Store}, entry)
		}
		if err != nil {
			answers[i] = s.refusal(ctx, in(entryAt(i), err))
		}
		if err := ctx.Err(); err != nil {
			return nil, err
		}
	}
	flush()
	return answerBundle("batch-response", pref.Base, answers), nil
}

func (s *Service) readBatchEntry(p access.Policy, links *bundleLinks, e fhir.Element, at string, pref Preferences) (*bundleEntry, *write, error) {
	entry, err := readEntry(e, at, pref.Base)
	if err != nil {
		return nil, nil, err
	}
	w, err := entry.write(s, p, links)
	if err == nil && w != nil {
		w.at = "" // its errors are moved into the Bundle by the caller
		err = links.refuseLinks(w)
	}
	return entry, w, err
}

// transact processes all entries or none.
func (s *Service) transact(ctx context.Context, p access.Policy, list []fhir.Element, pref Preferences) ([]byte, error) {
	entries := make([]*bundleEntry, len(list))
	for i, e := range list {
		var err error
		if entries[i], err = readEntry(e, entryAt(i), pref.Base); err != nil {
			return nil, in(entryAt(i), err)
		}
	}
	answers := make([]answer, len(list))
	if err := s.carryOut(ctx, p, entries, answers, pref, false); err != nil {
		return nil, err
	}
	return answerBundle("transaction-response", pref.Base, answers), nil
}

// carryOut commits the entries, all or none, and answers them in their places; it leaves those out that are nil. Outside: URNs may refer
// to what is in no entry.
func (s *Service) carryOut(ctx context.Context, p access.Policy, entries []*bundleEntry, answers []answer, pref Preferences, outside bool) error {
	links, err := newBundleLinks(entries)
	if err != nil {
		return err
	}
	links.outside = outside
	shown := getter{s: s, pref: pref}
	t := &transaction{links: links, found: shown.room()}
	var writes, gets []int // positions of the entries
	for i, entry := range entries {
		if entry == nil {
			continue
		}
		w, err := entry.write(s, p, links)
		if err == nil && w != nil {
			err = t.add(s, p, w)
		}
		switch {
		case err != nil:
			return in(entry.at, err)
		case w == nil:
			gets = append(gets, i)
		default:
			writes = append(writes, i)
		}
	}
	t.links.settle()
	if len(gets) > 0 {
		t.reads = func(v view, entry func(string) (string, bool)) error {
			from := getter{s: s, policy: p, pref: pref, entry: entry}
			for _, i := range gets {
				var err error
				if answers[i], err = from.get(ctx, v, entries[i]); err != nil {
					return in(entries[i].at, err)
				}
			}
			return nil
		}
	}
	if err := s.commit(ctx, p, t); err != nil {
		return err
	}
	for n, i := range writes {
		var err error
		if answers[i], err = shown.written(entries[i], t.results[n]); err != nil {
			return err
		}
	}
	return nil
}

// add takes in the write of the next entry, with the conditional references of its resource.
func (t *transaction) add(s *Service, p access.Policy, w *write) error {
	t.writes = append(t.writes, w)
	t.links.add(w)
	return t.links.addConditional(s, p, w)
}

func entryAt(i int) string { return fmt.Sprintf("Bundle.entry[%d]", i) }

// answer is a response entry.
type answer struct {
	status   int
	version  store.Version // of what was read or written; zero for a search
	location bool          // version is worth a location
	fullURL  bool          // resource is the version's, so that a fullUrl goes with it
	resource []byte        // nil: none
	outcome  []fhir.Issue
}

// refusal is the answer of a batch's entry that failed. Its fault is logged here, since the batch as a whole succeeds.
func (s *Service) refusal(ctx context.Context, err error) answer {
	status, issues := Status(err)
	if status >= http.StatusInternalServerError {
		s.Log.Error("batch entry failed", "id", requestID(ctx), "status", status, "error", err)
	}
	if status == http.StatusInternalServerError {
		issues = FailureIssues(requestID(ctx))
	}
	return answer{status: status, outcome: issues}
}

// answerTo says what came of a write. Bundles repeat resources only where that is asked for.
func answerTo(r Result, pref Preferences) answer {
	a := answer{status: r.Done.Status(), location: r.Done != Absent && r.Done != Deleted, outcome: r.Issues}
	if len(r.More) == 0 { // else no one version is that of the answer
		a.version = r.Version
	}
	switch pref.Return {
	case ReturnRepresentation:
		a.resource, a.fullURL = r.Version.Body, true
	case ReturnOutcome:
		a.outcome = r.Outcome()
	}
	return a
}

// getter answers the entries of a Bundle, as far as there is room for the answers.
type getter struct {
	s      *Service
	policy access.Policy
	pref   Preferences
	size   int // bytes of the answers so far
	// entry says what the entries of a transaction have become, see search.Options. It is nil in a batch.
	entry func(fullURL string) (reference string, ok bool)
}

// room is how many bytes of resources the answers to writes may hold beside those that there are.
func (g *getter) room() int {
	if g.pref.Return != ReturnRepresentation {
		return 0
	}
	return max(0, g.s.MaxAnswer-g.size)
}

// written answers a write, without the resource where there is no room for it: what is written is written, and Prefer is no more than a
// wish (RFC 7240, section 2).
func (g *getter) written(e *bundleEntry, r Result) (answer, error) {
	a, err := e.answer(r, g.pref)
	a.version.Body = nil
	if e.target.operation == "" && len(a.resource) > g.room() {
		a.resource = nil
	}
	g.size += len(a.resource)
	return a, err
}

func (g *getter) get(ctx context.Context, v view, e *bundleEntry) (answer, error) {
	if g.size > g.s.MaxAnswer {
		return answer{}, fhir.Errorf(fhir.TooLarge, fhir.CodeTooLong, "the answers to the entries before have more than %d bytes, the most for one Bundle: ask for less at once", g.s.MaxAnswer)
	}
	a, err := g.getTarget(ctx, v, e)
	if e.method == http.MethodHead {
		a.resource = nil
	}
	g.size += len(a.resource)
	return a, err
}

func (g *getter) getTarget(ctx context.Context, v view, e *bundleEntry) (answer, error) {
	t, s, p, pref, most := e.target, g.s, g.policy, g.pref, max(1, g.s.MaxAnswer-g.size)
	params, err := ParseQuery(t.query)
	if err != nil {
		return answer{}, err
	}
	switch {
	case t.operation != "":
		body, err := s.meta(ctx, v, p, t)
		return answer{status: http.StatusOK, resource: body}, err
	case t.part == metadata && t.id == "":
		return getMetadata(pref, params)
	case t.part == "_history" && t.version == "":
		return s.getHistory(ctx, v, p, History{Type: t.resourceType, ID: t.id, Params: params, most: most}, pref)
	case t.id != "" && t.part != "" && t.version == "":
		q := Search{Type: t.part, Compartment: &Compartment{t.resourceType, t.id}, Params: params, Lenient: pref.Lenient, most: most, entry: g.entry}
		if t.part == "*" {
			q.Type = ""
		}
		return s.getSearch(ctx, v, p, q, pref)
	case t.id == "":
		return s.getSearch(ctx, v, p, Search{Type: t.resourceType, Params: params, Lenient: pref.Lenient, most: most, entry: g.entry}, pref)
	}
	version, err := s.getVersion(ctx, v, p, t)
	if err != nil {
		return answer{}, err
	}
	a := answer{status: http.StatusOK, version: version, fullURL: true}
	if NotModified(version, e.conditions.IfNoneMatch, e.ifModifiedSince) {
		a.status = http.StatusNotModified
		return a, nil
	}
	shape, err := ShapeOf(version.Type, params)
	if err != nil {
		return answer{}, err
	}
	if a.resource, err = shape.Apply(version.Body); err != nil {
		return answer{}, damaged(version.Key, err)
	}
	return a, nil
}

func getMetadata(pref Preferences, params []search.Parameter) (answer, error) {
	if pref.Metadata == nil {
		return answer{}, fhir.Errorf(fhir.NotFound, fhir.CodeNotFound, "there is no CapabilityStatement")
	}
	shape, err := ShapeOf("CapabilityStatement", params)
	if err != nil {
		return answer{}, err
	}
	body, err := shape.Apply(pref.Metadata())
	return answer{status: http.StatusOK, resource: body}, err
}

func (s *Service) getVersion(ctx context.Context, v view, p access.Policy, t target) (store.Version, error) {
	if t.version == "" {
		return s.read(ctx, v, p, t.resourceType, t.id)
	}
	if _, inside := v.(commitView); inside { // the version may be what the commit itself has made
		if current, err := v.Read(t.resourceType, t.id); err == nil && t.version == strconv.FormatInt(current.Version, 10) {
			version, err := s.read(ctx, v, p, t.resourceType, t.id)
			return version, asNoVersion(err, t.resourceType, t.id, t.version)
		}
	}
	return s.ReadVersion(ctx, p, t.resourceType, t.id, t.version)
}

func (s *Service) getSearch(ctx context.Context, v view, p access.Policy, q Search, pref Preferences) (answer, error) {
	page, err := s.search(ctx, v, p, q)
	if err != nil {
		return answer{}, err
	}
	body, err := page.Bundle(pref.Base)
	return answer{status: http.StatusOK, resource: body}, err
}

func (s *Service) getHistory(ctx context.Context, v view, p access.Policy, h History, pref Preferences) (answer, error) {
	if _, inside := v.(commitView); inside {
		return answer{}, fhir.Errorf(fhir.Invalid, fhir.CodeNotSupported, "a history inside a transaction is not supported: it would not show what the transaction itself writes; ask for it in a batch, or on its own")
	}
	page, err := s.History(ctx, p, h)
	if err != nil {
		return answer{}, err
	}
	body, err := page.Bundle(pref.Base)
	return answer{status: http.StatusOK, resource: body}, err
}

// answerBundle is the Bundle of answers.
func answerBundle(kind, base string, answers []answer) []byte {
	size := 0
	for _, a := range answers {
		size += len(a.resource) + entrySize
	}
	w := newBundle(kind, base, -1, nil, size)
	for _, a := range answers {
		w.begin()
		a.write(w, base)
		_ = w.end() // into memory
	}
	return w.close()
}

func (a answer) write(w *bundleWriter, base string) {
	switch {
	case a.resource != nil && a.fullURL:
		w.resource(base, a.version, a.resource)
		w.raw(`,`)
	case a.resource != nil:
		w.raw(`"resource":`, string(a.resource), `,`)
	}
	w.raw(`"response":{"status":"`, statusLine(a.status), `"`)
	if a.location {
		w.raw(`,"location":`)
		w.text(Location(a.version))
	}
	if a.version.Version > 0 {
		w.raw(`,"etag":`)
		w.text(ETag(a.version))
		w.raw(`,"lastModified":"`, fhir.FormatInstant(a.version.Updated), `"`)
	}
	if len(a.outcome) > 0 {
		w.raw(`,"outcome":`, string(fhir.Outcome(a.outcome...).Bytes()))
	}
	w.raw(`}`)
}
