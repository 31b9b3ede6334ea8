package validation

import (
	"fmt"
	"slices"
	"sync"

	"fhirside/fhir"
)

// maxIssues is how many issues are reported; the check stops there.
const maxIssues = 100

// Structure checks a resource against the R4 definitions. It returns nothing for a resource that is right, and at most 100
// issues otherwise. Each names the element by a FHIRPath expression (Patient.name[0].given[1], Observation.value for a choice,
// Patient.birthDate.extension[0] for an extension of a primitive); its code is one of
//
//   - structure: the JSON does not have the form that the definitions give: unknown members, wrong JSON types, null, empty
//     objects and arrays, one where there may be many, two types of a choice
//   - required: an element that must be there is missing
//   - value: a primitive or a reference is not of the form its type demands
//   - code-invalid: a code is not in the value set of a required binding
//   - invariant: one of the rules ele-1, ext-1, dom-2, ref-1, txt-1 and txt-2
//
// The resources inside (contained, Bundle entries, Parameters) are checked too.
func Structure(r *fhir.Resource) []fhir.Issue {
	c := checkers.Get().(*checker)
	defer c.release()
	c.resource(r.Root())
	return c.issues
}

var checkers = sync.Pool{New: func() any { return new(checker) }}

// checker is one run of the check. It is reused, so that a resource without faults costs no memory.
type checker struct {
	issues []fhir.Issue
	path   path
	scope  scope
	xhtml  xhtml
	text   []byte // for unquoting
}

// release keeps the memory for the next check, but nothing of the document.
func (c *checker) release() {
	const much = 1 << 20
	if cap(c.text) > much || cap(c.xhtml.open) > much>>5 {
		c.text, c.xhtml = nil, xhtml{}
	}
	c.xhtml.forget()
	c.issues, c.path, c.scope = nil, c.path[:0], scope{}
	checkers.Put(c)
}

func (c *checker) full() bool { return len(c.issues) >= maxIssues }

// report adds an error at the current place.
func (c *checker) report(code fhir.Code, format string, args ...any) {
	if c.full() {
		return
	}
	c.issues = append(c.issues, fhir.Issue{
		Severity:    fhir.SeverityError,
		Code:        code,
		Diagnostics: fmt.Sprintf(format, args...),
		Expression:  []string{c.path.String()},
	})
}

// reportAt adds an error at an element of the current place.
func (c *checker) reportAt(name string, code fhir.Code, format string, args ...any) {
	c.path.push(name)
	c.report(code, format, args...)
	c.path.pop()
}

// object checks an object's members against its type. Whether a resource or an element, its own rules come on top.
func (c *checker) object(e fhir.Element, t *table) (seen uint64) {
	raw, at := e.Raw(), 1
	for value := range e.Children() {
		name := nameAt(raw, at)
		at += len(`"":,`) + len(name) + len(value.Raw())
		m := t.members[string(name)]
		if m == nil {
			if t.resource && string(name) == "resourceType" {
				continue
			}
			c.unknown(value.Name(), t)
		} else {
			if seen&m.bit != 0 && m.element.Choice {
				c.choice(e, t, m)
			}
			seen |= m.bit
			c.path.push(m.element.Name)
			c.member(e, value, m)
			c.path.pop()
		}
		if c.full() {
			return seen
		}
	}
	if missing := t.required &^ seen; missing != 0 {
		c.missing(t, missing)
	}
	return seen
}

// nameAt is the member name whose opening quote is at that place of an object's canonical text. (Element.Name would copy it.)
func nameAt(raw []byte, at int) []byte {
	start := at + 1
	end := start
	for raw[end] != '"' {
		if raw[end] == '\\' {
			end++
		}
		end++
	}
	return raw[start:end]
}

// member checks a member's value: one, or the items of an array where the element repeats.
func (c *checker) member(parent, value fhir.Element, m *member) {
	switch {
	case m.element.Max == 1 && value.Kind() == fhir.Array:
		c.report(fhir.CodeStructure, "%s does not repeat: write its %s without an array around it", m.name, m.typeName)
	case m.element.Max == 1 && m.companion:
		c.companion(value, m, parent.Get(m.pair).Exists())
	case m.element.Max == 1:
		c.value(value, m)
	case value.Kind() != fhir.Array:
		c.report(fhir.CodeStructure, "%s may repeat: it is an array also where there is only one", m.name)
	default:
		c.array(parent, value, m)
	}
}

func (c *checker) array(parent, array fhir.Element, m *member) {
	if len(array.Raw()) == len("[]") {
		c.report(fhir.CodeStructure, "%s is an empty array: leave it out", m.name)
		return
	}
	if m.companion {
		c.companions(parent.Get(m.pair), array, m)
		return
	}
	i := 0
	for item := range array.Children() {
		c.path.index(i)
		if item.Kind() != fhir.Null || m.format == nil {
			c.value(item, m)
		} else if parent.Get(m.pair).Kind() != fhir.Array { // otherwise companions looks at the two together
			c.report(fhir.CodeStructure, "null stands only where %s has an object at the same place", m.pair)
		}
		if c.full() {
			return
		}
		i++
	}
}

// value checks a single value, which is no array.
func (c *checker) value(e fhir.Element, m *member) {
	switch {
	case e.Kind() == fhir.Null && m.element.Max == 1:
		c.report(fhir.CodeStructure, "%s is null: leave it out", m.name)
	case m.format != nil:
		c.primitive(e, m)
	case e.Kind() != fhir.Object:
		c.report(fhir.CodeStructure, "%s is of type %s: a JSON object, not %s", m.name, m.typeName, written(e.Kind()))
	case m.table == nil:
		c.inner(e, m)
	default:
		c.complex(e, m)
	}
}

// complex checks an element of a complex type or a backbone element.
func (c *checker) complex(e fhir.Element, m *member) {
	faults := len(c.issues)
	seen := c.object(e, m.table)
	c.notOnlyID(e, seen)
	if len(c.issues) > faults {
		return // what follows reads on from here
	}
	switch m.table.special {
	case isExtension:
		c.extension(m.table, seen)
	case isReference:
		c.reference(e, m.element)
	case isCodeableConcept, isCoding:
		c.bound(e, m)
	}
}

// notOnlyID demands more of an element than its id (ele-1).
func (c *checker) notOnlyID(e fhir.Element, seen uint64) {
	switch {
	case len(e.Raw()) == len("{}"):
		c.report(fhir.CodeStructure, "an empty object: leave it out, or give it content")
	case seen == idBit && e.Len() == 1:
		c.report(fhir.CodeInvariant, "an element with an id must have something else too (ele-1)")
	}
}

// unknown reports a member that the type does not have.
func (c *checker) unknown(name string, t *table) {
	hint := t.hint(name)
	if plainName(name) {
		c.reportAt(name, fhir.CodeStructure, "%s has no element %q%s", t.typ.Name, name, hint)
		return
	}
	c.report(fhir.CodeStructure, "%s has no element %q%s", t.typ.Name, clip(name), hint)
}

func (c *checker) missing(t *table, bits uint64) {
	for i := range t.typ.Elements {
		if el := &t.typ.Elements[i]; bits&(1<<i) != 0 {
			c.reportAt(el.Name, fhir.CodeRequired, "%s must have %s", t.typ.Name, jsonNames(el))
		}
	}
}

// choice reports the second type of a choice element. A primitive and its companion are one.
func (c *checker) choice(e fhir.Element, t *table, m *member) {
	for other := range e.Children() {
		o := t.members[other.Name()]
		if o == m {
			return // this is the first type's companion, or was reported before
		}
		if o != nil && o.element == m.element && o.typeName != m.typeName {
			c.reportAt(m.element.Name, fhir.CodeStructure, "both %s and %s are given: there may be only one %s[x]",
				o.name, m.name, m.element.Name)
			return
		}
	}
}

// companion checks the object with id and extensions of a primitive.
func (c *checker) companion(e fhir.Element, m *member, hasValue bool) {
	if e.Kind() != fhir.Object {
		c.report(fhir.CodeStructure, "%s holds the id and extensions of %s: a JSON object, not %s", m.name, m.pair, written(e.Kind()))
		return
	}
	seen := c.object(e, m.table)
	if !hasValue || seen == 0 {
		c.notOnlyID(e, seen)
	}
}

// companions checks the array of a repeating primitive's ids and extensions. Both arrays have a null where the other one has
// something to say alone.
func (c *checker) companions(values, array fhir.Element, m *member) {
	value := slices.Collect(values.Children())
	if values.Exists() && len(value) != array.Len() {
		c.report(fhir.CodeStructure, "%s has %d items and %s has %d: fill the shorter one with null", m.pair, len(value), m.name, array.Len())
		return
	}
	i := 0
	for item := range array.Children() {
		c.path.index(i)
		hasValue := i < len(value) && value[i].Kind() != fhir.Null
		switch {
		case item.Kind() != fhir.Null:
			c.companion(item, m, hasValue)
		case !hasValue:
			c.report(fhir.CodeStructure, "null stands only where %s has a value at the same place", m.pair)
		}
		if c.full() {
			return
		}
		i++
	}
}
