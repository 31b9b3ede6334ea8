package terminology

import (
	"cmp"
	"maps"
	"slices"
	"strconv"
	"strings"

	"fhirside/fhir"
)

// Source holds code systems and value sets.
type Source interface {
	// CodeSystem is the code system with that canonical URL; nil if there is none.
	CodeSystem(url string) (*CodeSystem, error)
	// ValueSet is the ValueSet resource with that canonical URL, "url|version" or "url"; nil if there is none.
	ValueSet(canonical string) (*fhir.Resource, error)
}

// Coding is a code in a system.
type Coding struct{ System, Code string }

// Expansion is what a value set contains: codes, and whole code systems.
type Expansion struct {
	Codings []Coding // sorted
	Systems []string // of which every code is in the value set, sorted
}

// MaxCodes bounds an expansion.
const MaxCodes = 10_000

// maxDepth of value sets that include value sets.
const maxDepth = 20

// Terminology looks into its sources in turn: the first that has a code system or value set is the one that counts.
type Terminology []Source

// Expand lists what a value set contains. The error is an *fhir.Error: NotFound for an unknown value set, Invalid for one that
// cannot be listed here, because it needs a code system that is not here or has more than MaxCodes codes.
func (t Terminology) Expand(canonical string) (Expansion, error) {
	set, err := t.expand(canonical, nil)
	if err != nil {
		return Expansion{}, err
	}
	return set.expansion(), nil
}

// Below are the code and the codes below it in its system. The error is an *fhir.Error: NotFound where the sources do not have the
// system, Invalid where they have it only in part.
func (t Terminology) Below(system, code string) ([]string, error) {
	s, err := t.complete(system)
	if err != nil {
		return nil, err
	}
	return s.Below(code), nil
}

// Above are the code and the codes above it in its system; errors as of Below.
func (t Terminology) Above(system, code string) ([]string, error) {
	s, err := t.complete(system)
	if err != nil {
		return nil, err
	}
	return s.Above(code), nil
}

// CodeSystem is the code system, as the first source has it that does; nil if none has.
func (t Terminology) CodeSystem(url string) (*CodeSystem, error) {
	for _, source := range t {
		if s, err := source.CodeSystem(url); s != nil || err != nil {
			return s, err
		}
	}
	return nil, nil
}

func (t Terminology) complete(url string) (*CodeSystem, error) {
	s, err := t.CodeSystem(url)
	switch {
	case err != nil:
		return nil, err
	case s == nil:
		return nil, fhir.Errorf(fhir.NotFound, fhir.CodeNotFound, "the code system %s is not held here", url)
	case !s.Complete:
		return nil, fhir.Errorf(fhir.Invalid, fhir.CodeNotSupported, "of the code system %s only a part is held here", url)
	}
	return s, nil
}

// expand is a value set by its URL; within are the value sets that lead to it.
func (t Terminology) expand(canonical string, within []string) (set, error) {
	url, _, _ := strings.Cut(canonical, "|")
	switch {
	case slices.Contains(within, url):
		return set{}, fhir.Errorf(fhir.Invalid, fhir.CodeNotSupported, "the value set %s includes itself", url)
	case len(within) > maxDepth:
		return set{}, fhir.Errorf(fhir.Invalid, fhir.CodeTooCostly, "the value set %s includes others more than %d deep", within[0], maxDepth)
	}
	for _, source := range t {
		r, err := source.ValueSet(canonical)
		if err != nil {
			return set{}, err
		}
		if r != nil {
			return t.compose(r, append(within, url))
		}
	}
	if system := allOf(canonical); system != "" {
		return set{systems: map[string]bool{system: true}}, nil
	}
	return set{}, fhir.Errorf(fhir.NotFound, fhir.CodeNotFound, "the value set %s is not held here", canonical)
}

// allOf is the code system whose implicit value set of all codes this is (snomedct.html#implicit, loinc.html#implicit).
func allOf(valueSet string) string {
	switch valueSet {
	case "http://loinc.org/vs":
		return "http://loinc.org"
	case "http://snomed.info/sct?fhir_vs":
		return "http://snomed.info/sct"
	}
	return ""
}

// compose is what a ValueSet says it contains. Where that needs a code system that is not here, its own expansion is taken.
func (t Terminology) compose(r *fhir.Resource, within []string) (set, error) {
	all, err := t.composed(r, within)
	if err == nil {
		return all, nil
	}
	if listed, ok := listed(r); ok {
		return listed, nil
	}
	return set{}, err
}

func (t Terminology) composed(r *fhir.Resource, within []string) (set, error) {
	all := set{}
	compose := r.Get("compose")
	if !compose.Get("include").Exists() {
		return set{}, fhir.Errorf(fhir.Invalid, fhir.CodeNotSupported, "the value set %s does not say what it includes", within[len(within)-1])
	}
	for include := range compose.Get("include").Each() {
		part, err := t.part(include, within)
		if err != nil {
			return set{}, err
		}
		if err := all.add(part); err != nil {
			return set{}, err
		}
	}
	for exclude := range compose.Get("exclude").Each() {
		part, err := t.part(exclude, within)
		if err != nil {
			return set{}, err
		}
		if err := t.remove(&all, part); err != nil {
			return set{}, err
		}
	}
	return all, nil
}

// part is an include or exclude: what is in all of its value sets and in its system's selection.
func (t Terminology) part(e fhir.Element, within []string) (set, error) {
	var parts []set
	if system := e.Get("system").Text(); system != "" {
		part, err := t.selection(e, system)
		if err != nil {
			return set{}, err
		}
		parts = append(parts, part)
	}
	for url := range e.Get("valueSet").Each() {
		part, err := t.expand(url.Text(), within)
		if err != nil {
			return set{}, err
		}
		parts = append(parts, part)
	}
	if len(parts) == 0 {
		return set{}, nil
	}
	all := parts[0]
	for _, part := range parts[1:] {
		all = all.intersect(part)
	}
	return all, nil
}

// selection are the codes of a system that are listed or satisfy the filters; all of them if there is neither.
func (t Terminology) selection(e fhir.Element, system string) (set, error) {
	if e.Get("concept").Exists() {
		codes := map[Coding]bool{}
		for c := range e.Get("concept").Each() {
			codes[Coding{system, c.Get("code").Text()}] = true
		}
		return set{codes: codes}, bounded(len(codes))
	}
	if e.Get("filter").Exists() {
		return t.filtered(e, system)
	}
	s, err := t.CodeSystem(system)
	switch {
	case err != nil:
		return set{}, err
	case s == nil || !s.Complete || len(s.concepts) > MaxCodes:
		return set{systems: map[string]bool{system: true}}, nil
	}
	return setOf(system, s.Codes()), nil
}

// remove takes the part out. Nothing can be taken out of a system whose codes are not known.
func (t Terminology) remove(all *set, part set) error {
	for c := range part.codes {
		if all.systems[c.System] {
			return fhir.Errorf(fhir.Invalid, fhir.CodeNotSupported, "a code of %s is excluded, and the others are not known here", c.System)
		}
		delete(all.codes, c)
	}
	for system := range part.systems {
		delete(all.systems, system)
		maps.DeleteFunc(all.codes, func(c Coding, _ bool) bool { return c.System == system })
	}
	return nil
}

// listed is a ValueSet's expansion, if it is whole.
func listed(r *fhir.Resource) (set, bool) {
	e := r.Get("expansion")
	if !e.Get("contains").Exists() {
		return set{}, false
	}
	for x := range e.Get("extension").Each() {
		if url := x.Get("url").Text(); strings.HasSuffix(url, "/valueset-toocostly") || strings.HasSuffix(url, "/valueset-unclosed") {
			return set{}, false
		}
	}
	codes := map[Coding]bool{}
	var walk func(list fhir.Element)
	walk = func(list fhir.Element) {
		for c := range list.Each() {
			if code := c.Get("code").Text(); code != "" && c.Get("abstract").Text() != "true" {
				codes[Coding{c.Get("system").Text(), code}] = true
			}
			walk(c.Get("contains"))
		}
	}
	walk(e.Get("contains"))
	total, err := strconv.Atoi(e.Get("total").Text())
	return set{codes: codes}, len(codes) <= MaxCodes && (err != nil || total == len(codes))
}

func (s set) expansion() Expansion {
	return Expansion{
		Codings: slices.SortedFunc(maps.Keys(s.codes), func(a, b Coding) int {
			return cmp.Or(cmp.Compare(a.System, b.System), cmp.Compare(a.Code, b.Code))
		}),
		Systems: slices.Sorted(maps.Keys(s.systems)),
	}
}
