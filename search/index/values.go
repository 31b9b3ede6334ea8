package index

import "fhirside/search"

// Values are the index entries of one resource, or of one component of a composite's tuple. Entries of a kind are in the order
// of the parameters' codes and then of the document; equal ones occur once. Every field named Param is a parameter's code
// ("birthdate"), "" inside a tuple.
//
// The matches of a modifier that reads something else than its parameter does are entries of a parameter of their own, and so are
// quantities in other units:
//
//	subject:identifier   tokens: the identifier of a logical reference
//	identifier:of-type   tokens: the system of an identifier's type, and the type's code, a pipe and the identifier's value
//	contenttype:below    tokens: a MIME type without its parameters, where it has some
//	code:text            strings: Coding.display, CodeableConcept.text and Identifier.type.text, without entries for their words
//	code:present         a token for :missing: there is such an element, but no other entry tells of it, as of a CodeableConcept that
//	                     is only a text, a logical reference or one to a contained resource
//	near:latitude, near:longitude
//	                     numbers: a position in degrees
//	medication/Medication
//	                     token: the parameter refers to a contained resource of the type; see search.Inside
//	_contained, _container, _id
//	                     what ties contained resources to the one around them; see search.ContainedParam
//	value-quantity:canonical, code-value-quantity:canonical
//	                     quantities and tuples: in the canonical unit of their UCUM unit's dimension, where that is another one
type Values struct {
	Tokens     []Token
	Strings    []String
	References []Reference
	Dates      []Date
	Numbers    []Number
	Quantities []Quantity
	URIs       []URI
	Composites []Composite

	// Contained are the resources that the resource contains, which are searched as resources of their own.
	Contained []Contained
}

// Token is a code, Coding, Identifier, ContactPoint, boolean or string.
type Token struct {
	Param  string
	System string // "" where there is none; for an element of type code the code system its binding implies
	Code   string // folded where Fold is set; "" where there is none
	Fold   bool   // the code system ignores case, or is not known to respect it
}

// Rules names how values are computed from resources. It changes whenever the values of some resource do.
func Rules(registry *search.Registry) string {
	const version = "7"
	if p := registry.Param("Patient", "_content"); p != nil && p.Words {
		return version + " with words"
	}
	return version
}

// String is a text. A text of several words is followed by entries for the words after the first, so that each is found by its
// beginning; they are Part and serve prefix searches only. Prose (markdown) is one text without them. Of _text and _content there
// are only words.
type String struct {
	Param  string
	Text   string // as it is; "" for a Part
	Folded string // by Fold
	Part   bool
}

// Reference points to a resource of this server (Type, ID) or to something else (URL).
type Reference struct {
	Param    string
	Type, ID string
	URL      string
	Version  string
}

// Date is the interval [Lo, Hi) in microseconds since 1970 UTC, open ends as fhir.BeginningOfTime and fhir.EndOfTime.
type Date struct {
	Param  string
	Lo, Hi int64
}

// Number is the closed interval [Lo, Hi]; a plain number is a point, open ends are infinite.
type Number struct {
	Param  string
	Lo, Hi float64
}

// Quantity is a Number with a unit.
type Quantity struct {
	Number
	System, Code string // of the coded unit
	Unit         string // as printed
}

// URI is a uri, url, oid, uuid or canonical as it is; a canonical with a version is followed by an entry without.
type URI struct {
	Param string
	Value string
}

// Composite is one tuple: a Values per component.
type Composite struct {
	Param      string
	Components []Values
}
