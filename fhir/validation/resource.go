package validation

import "fhirside/fhir"

// scope is what a local reference is resolved in: the resource that holds the contained ones.
type scope struct {
	contained map[string]bool // their ids
	inside    bool            // the check is in one of them
}

// resource checks the root, or a resource in a Bundle or Parameters, which is the place for contained resources of its own.
func (c *checker) resource(e fhir.Element) {
	outer := c.scope
	c.scope = scope{contained: containedIDs(e)}
	c.anyResource(e)
	c.scope = outer
}

// inner checks a resource inside another one.
func (c *checker) inner(e fhir.Element, m *member) {
	if m.name != "contained" {
		c.resource(e)
		return
	}
	if c.scope.inside {
		c.report(fhir.CodeInvariant, "a contained resource holds no contained resources (dom-2): put it beside the others")
		return
	}
	c.scope.inside = true
	c.anyResource(e)
	c.scope.inside = false
	id := e.Get("id")
	switch first, known := c.scope.contained[id.Text()]; {
	case !id.Exists():
		c.reportAt("id", fhir.CodeRequired, "a contained resource must have an id, by which #id refers to it")
	case known && !first:
		c.reportAt("id", fhir.CodeInvariant, "another contained resource has the id %q too", clip(id.Text()))
	case known:
		c.scope.contained[id.Text()] = false // met
	}
}

// anyResource checks a resource by its own type.
func (c *checker) anyResource(e fhir.Element) {
	name := e.Get("resourceType")
	var t *table
	if name.Kind() == fhir.String {
		if t = tables()[view(name)]; t != nil && !t.resource {
			t = nil
		}
	}
	if len(c.path) == 0 {
		root := "resourceType"
		if t != nil {
			root = t.typ.Name
		}
		c.path.push(root)
		defer c.path.pop()
	}
	switch {
	case !name.Exists():
		c.report(fhir.CodeRequired, "a resource stands here and must say its resourceType")
	case t == nil:
		c.report(fhir.CodeStructure, "R4 has no resource type %s%s", clip(string(name.Raw())), resourceHint(name.Text()))
	default:
		c.object(e, t)
	}
}

// containedIDs are the ids of the contained resources; true means: not met yet by the check.
func containedIDs(e fhir.Element) map[string]bool {
	contained := e.Get("contained")
	if contained.Kind() != fhir.Array {
		return nil
	}
	ids := map[string]bool{}
	for r := range contained.Children() {
		if id := r.Get("id"); id.Kind() == fhir.String {
			ids[id.Text()] = true
		}
	}
	return ids
}

// extension demands a value or extensions, and not both (ext-1).
func (c *checker) extension(t *table, seen uint64) {
	nested, value := seen&t.members["extension"].bit != 0, seen&t.members["valueString"].bit != 0
	switch {
	case nested && value:
		c.report(fhir.CodeInvariant, "an extension has a value or extensions inside, not both (ext-1)")
	case !nested && !value:
		c.report(fhir.CodeInvariant, "an extension has a value or extensions inside (ext-1)")
	}
}
