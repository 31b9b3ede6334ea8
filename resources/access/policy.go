package access

import "fhirside/search"

// Interaction is what a caller wants to do with a resource; the letters are those of SMART scopes.
type Interaction uint8

const (
	Create Interaction = iota // c
	Read                      // r: read, vread, history of one resource
	Update                    // u: update, patch
	Delete                    // d
	Search                    // s: search, history of a type or the system
)

// Policy is what one caller may do. It denies what it does not grant.
type Policy interface {
	// May is the condition under which the interaction is allowed on a resource of the type: search.None for never, search.All
	// for always. For Update it must hold before and after the change, for Create after, for Delete before.
	May(resourceType string, i Interaction) search.Filter
}

// Inner is what a Policy implements that looks both at what a resource is and at whom it is about. Of a contained resource the one
// around it says the latter.
type Inner interface {
	// Within is the condition under which the interaction is allowed on a contained resource of the type, where it is allowed on
	// the resource around it. It is search.None where May is.
	Within(resourceType string, i Interaction) search.Filter
}

// Identified is what a Policy implements that is not everybody's.
type Identified interface {
	// Caller tells callers apart: the same text for the same user and client, whichever token they show, and another for any
	// other. What one caller is given to come back with, the cursor of a page, nobody else can use.
	Caller() string
}

// CallerOf is the policy's Caller, "" where it is nobody's in particular.
func CallerOf(p Policy) string {
	if i, ok := p.(Identified); ok {
		return i.Caller()
	}
	return ""
}

// Everything is the policy of a server that asks nobody who they are (--auth none), and of the command line.
var Everything Policy = everything{}

type everything struct{}

func (everything) May(string, Interaction) search.Filter { return search.All{} }
