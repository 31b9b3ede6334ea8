package resources

import (
	"iter"
	"strconv"
	"strings"
	"time"

	"fhirside/fhir"
	"fhirside/resources/access"
	"fhirside/resources/store"
	"fhirside/search"
)

// Conditions are preconditions of an interaction as the headers of their names say them; "" is none (http.html#concurrency).
type Conditions struct {
	IfMatch     string
	IfNoneMatch string
	// IfUnmodifiedSince counts where there is no IfMatch (RFC 9110, section 13.1.4); zero is none.
	IfUnmodifiedSince time.Time
}

// precondition is a parsed list of entity tags.
type precondition struct {
	set, any bool
	versions []string
}

// parsePrecondition reads a header of entity tags. Strict asks for quotes: an If-Match that is not understood must not be
// taken for none, and what is written without quotes is a mistake more often than a version.
func parsePrecondition(header, text string, strict bool) (precondition, error) {
	p := precondition{set: strings.TrimSpace(text) != ""}
	if !p.set {
		return p, nil
	}
	for tag := range strings.SplitSeq(text, ",") {
		tag = strings.TrimSpace(tag)
		if tag == "*" {
			p.any = true
			continue
		}
		opaque := strings.TrimPrefix(tag, "W/")
		if n := len(opaque); n >= 3 && opaque[0] == '"' && opaque[n-1] == '"' {
			opaque = opaque[1 : n-1]
		} else if strict || strings.Contains(opaque, `"`) {
			return p, fhir.Errorf(fhir.Invalid, fhir.CodeValue, `%s: %q is no entity tag; write W/"n" with the version's number`, header, clip(text)).At("http." + header)
		}
		p.versions = append(p.versions, opaque)
	}
	return p, nil
}

func (p precondition) names(v store.Version) bool {
	if p.any {
		return true
	}
	number := strconv.FormatInt(v.Version, 10)
	for _, version := range p.versions {
		if version == number {
			return true
		}
	}
	return false
}

// preconditions are the parsed Conditions.
type preconditions struct {
	ifMatch, ifNoneMatch precondition
	ifUnmodifiedSince    time.Time
}

func (c Conditions) parse() (p preconditions, err error) {
	p.ifUnmodifiedSince = c.IfUnmodifiedSince
	if p.ifMatch, err = parsePrecondition("If-Match", c.IfMatch, true); err == nil {
		p.ifNoneMatch, err = parsePrecondition("If-None-Match", c.IfNoneMatch, false)
	}
	return p, err
}

// hold says whether the preconditions of a write hold on the current version; nil where there is none.
func (p preconditions) hold(current *store.Version) error {
	switch {
	case p.ifMatch.set && current == nil:
		return fhir.Errorf(fhir.PreconditionFailed, fhir.CodeConflict, "If-Match asks for a version, but there is no current one").At("http.If-Match")
	case p.ifMatch.set && !p.ifMatch.names(*current):
		return fhir.Errorf(fhir.PreconditionFailed, fhir.CodeConflict, "the current version is %d, not what If-Match asks for: read it and try again", current.Version).At("http.If-Match")
	case !p.ifMatch.set && !p.ifUnmodifiedSince.IsZero() && current != nil && changedSince(*current, p.ifUnmodifiedSince):
		return fhir.Errorf(fhir.PreconditionFailed, fhir.CodeConflict, "the resource has changed since the time that If-Unmodified-Since gives: read it and try again").At("http.If-Unmodified-Since")
	case p.ifNoneMatch.set && current != nil && p.ifNoneMatch.names(*current):
		return fhir.Errorf(fhir.PreconditionFailed, fhir.CodeConflict, "version %d exists, and If-None-Match excludes it", current.Version).At("http.If-None-Match")
	}
	return nil
}

// changedSince compares with a date of HTTP, which is precise to a second.
func changedSince(v store.Version, date time.Time) bool {
	return v.Updated.Truncate(time.Second).After(date)
}

// NotModified says whether a conditional read finds what the client has already (http.html#cread). A zero ifModifiedSince is none.
func NotModified(v store.Version, ifNoneMatch string, ifModifiedSince time.Time) bool {
	if p, err := parsePrecondition("If-None-Match", ifNoneMatch, false); err == nil && p.set {
		return p.names(v)
	}
	return !ifModifiedSince.IsZero() && !changedSince(v, ifModifiedSince)
}

// ETag is the entity tag of a version.
func ETag(v store.Version) string { return `W/"` + strconv.FormatInt(v.Version, 10) + `"` }

// criteria are the search of a conditional interaction, or of a conditional reference.
type criteria struct {
	text   string // "Patient?identifier=…": equal texts are looked up once
	typ    string
	filter search.Filter // what the caller may see, included
	// names are the writes of the transaction that the criteria name. Where there are some, text and filter hold nothing of use until
	// it is known what they are about; sent is what the criteria are read from then.
	names []int
	sent  string
}

// criteriaOf reads criteria strictly: an empty search, an unknown parameter or one that shapes results is refused, and of value
// sets only R4's own are known: what is written must not depend on a ValueSet that changes meanwhile. A whole URL
// or "Type?criteria" is read as its criteria. Entry says what the entries of a transaction are called, nil outside of one.
func (s *Service) criteriaOf(p access.Policy, resourceType, text string, entry func(fullURL string) (string, bool)) (*criteria, error) {
	if before, after, ok := strings.Cut(text, "?"); ok {
		if named := before[strings.LastIndexByte(before, '/')+1:]; named != "" && named != resourceType {
			return nil, fhir.Errorf(fhir.Invalid, fhir.CodeInvalid, "the criteria %q search %s, not %s", clip(text), named, resourceType)
		}
		text = after
	}
	params, err := ParseQuery(text)
	if err != nil {
		return nil, err
	}
	q, err := search.Parse(s.rules().registry, resourceType, params, search.Options{Criteria: true, Base: s.Base, Now: s.Now, Entry: entry})
	if err != nil {
		return nil, err
	}
	filter, err := restricted(p, q.Filter)
	if err != nil {
		return nil, err
	}
	visible := may(p, resourceType, access.Search)
	if isNone(visible) {
		return nil, fhir.Errorf(fhir.Forbidden, fhir.CodeForbidden, "a conditional interaction searches %s, which you may not", resourceType)
	}
	return &criteria{text: resourceType + "?" + formatQuery(q.Applied), typ: resourceType, filter: search.AllOf(filter, visible)}, nil
}

// find looks the criteria up: "" where nothing matches, an error where several do.
func (c *criteria) find(v view) (id string, err error) {
	found, err := c.list(v, 1)
	if err != nil || len(found) == 0 {
		return "", err
	}
	return found[0], nil
}

// matches yields the ids of so many resources that match the criteria.
func (c *criteria) matches(v view, limit int) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		for match, err := range v.Search(store.Search{Types: []string{c.typ}, Filter: c.filter, Limit: limit, KeysOnly: true}) {
			if err == nil && isUndecided(match.Version) { // nothing is written by guess
				err = damaged(match.Key, match.Damage)
			}
			if !yield(match.ID, err) || err != nil {
				return
			}
		}
	}
}

// list gives what matches the criteria: at most so many, an error where there are more.
func (c *criteria) list(v view, most int) (found []string, err error) {
	for id, err := range c.matches(v, most+1) {
		if err != nil {
			return nil, err
		}
		found = append(found, id)
	}
	switch {
	case len(found) <= most:
		return found, nil
	case most == 1:
		return nil, c.ambiguous()
	}
	return nil, fhir.Errorf(fhir.PreconditionFailed, fhir.CodeMultipleMatches, "more than %d resources match the criteria %s: nothing was done to any", most, c.text)
}

// ambiguous is the refusal of criteria that must find one resource at most.
func (c *criteria) ambiguous() error {
	return fhir.Errorf(fhir.PreconditionFailed, fhir.CodeMultipleMatches, "several resources match the criteria %s", c.text)
}
