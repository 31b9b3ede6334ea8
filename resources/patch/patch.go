package patch

import (
	"bytes"
	"errors"
	"strings"

	"fhirside/fhir"
)

// The limits of a patch. What is beyond them is refused as TooLarge or TooCostly.
const (
	maxOperations = 1000
	// maxCopied is how much a JSON Patch may copy within the resource, and compare of what it has changed, in bytes.
	maxCopied = 16 << 20
	// maxRead is how many bytes the resource may have, summed over the operations of a FHIRPath Patch: each one reads what the
	// one before has made.
	maxRead = 64 << 20
	// maxConditions is how many paths of a FHIRPath Patch may be more than names and positions, and take long to evaluate.
	maxConditions = 100
	// maxVisited is how many nodes the selectors of an XML Patch may look at.
	maxVisited = 10_000_000
)

// Patch is a patch that was read. It may be applied by several goroutines at once.
type Patch struct {
	change func(*fhir.Resource) (change, error)
	tests  bool
}

// change is what an application of a patch has made.
type change struct {
	resource *fhir.Resource
	narrated bool // the patch has written the narrative
}

// Tests says whether the patch asks what the resource holds: by a test of JSON Patch, or by conditions in the paths of the others.
// Its success tells the caller something, so that applying it takes the right to read.
func (p *Patch) Tests() bool { return p.tests }

// Apply is the resource after the patch, and what the client should be told about it beside: that a narrative was dropped. The
// resource itself never changes.
//
// The errors are *fhir.Errors: Unprocessable where an operation finds nothing to work on, where a test fails, where the result is
// no resource, and where the patch changes what it must not (the resourceType, id, meta.versionId or meta.lastUpdated) or would
// leave a narrative that a human wrote and that may no longer be true; TooLarge and TooCostly beyond the limits.
func (p *Patch) Apply(r *fhir.Resource) (*fhir.Resource, []fhir.Issue, error) {
	c, err := p.change(r)
	if err != nil {
		return nil, nil, err
	}
	if err := sameIdentity(r, c.resource); err != nil {
		return nil, nil, err
	}
	return safeNarrative(r, c)
}

// sameIdentity refuses changes to what the server decides.
func sameIdentity(before, after *fhir.Resource) error {
	if before.Type() != after.Type() {
		return fixed(before, "resourceType")
	}
	for _, path := range [][]string{{"id"}, {"meta", "versionId"}, {"meta", "lastUpdated"}} {
		b, a := before.Root(), after.Root()
		for _, name := range path {
			b, a = b.Get(name), a.Get(name)
		}
		if !bytes.Equal(b.Raw(), a.Raw()) {
			return fixed(before, strings.Join(path, "."))
		}
	}
	return nil
}

func fixed(r *fhir.Resource, name string) error {
	return fhir.Errorf(fhir.Unprocessable, fhir.CodeBusinessRule, "a patch cannot change %s", name).At(r.Type() + "." + name)
}

// noResource is the refusal of a result that is no resource.
func noResource(err error) error {
	text := err.Error()
	if e := (*fhir.Error)(nil); errors.As(err, &e) {
		text = e.Issues[0].Diagnostics
	}
	// The line and column are of a text that the client does not know.
	if _, after, found := strings.Cut(text, ": "); found && (strings.HasPrefix(text, "JSON, ") || strings.HasPrefix(text, "XML, ")) {
		text = after
	}
	return fhir.Errorf(fhir.Unprocessable, fhir.CodeStructure, "what the patch makes is no resource: %s", text)
}

// tooMany refuses patches of too many operations.
func tooMany(n int) error {
	if n <= maxOperations {
		return nil
	}
	return fhir.Errorf(fhir.TooLarge, fhir.CodeTooLong, "the patch has %d operations; at most %d are carried out", n, maxOperations)
}

// clip keeps messages short.
func clip(text string) string {
	const limit = 200
	if len(text) <= limit {
		return text
	}
	return strings.ToValidUTF8(text[:limit], "") + "…"
}
