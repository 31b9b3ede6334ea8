package definitions

// Class says what kind of type a Type is.
type Class uint8

const (
	Primitive Class = iota + 1 // string, date, …
	Complex                    // HumanName, Period, …
	Resource                   // Patient, …
	Backbone                   // the anonymous type of an element with children: "Patient.contact"
)

// Type is a resource type, a data type, or the type of a backbone element, which is named by its path.
type Type struct {
	Name     string
	Class    Class
	Base     string // "DomainResource" for Patient; "" for a root
	Abstract bool
	Elements []Element // direct children in order, inherited ones included; for a primitive none but id and extension
	byName   map[string]int
}

// Element is a child of a Type.
type Element struct {
	Name string // "subject"; for a choice without its [x]: "value"
	// Types are the names of the types it may have, for a reference with TargetTypes beside. A child with children of its own has
	// the name of its Backbone, also by contentReference ("Bundle.link").
	Types       []string
	TargetTypes []string // what a Reference or canonical may point to; empty: anything
	Choice      bool     // [x]: the JSON name is Name plus the type's name, capitalised
	Min         int
	Max         int // Many: no limit
	Summary     bool
	Modifier    bool
	Binding     *Binding // of required strength; nil for others
}

// Many is the Max of an element that repeats without limit.
const Many = -1

// Binding is a required binding whose value set could be expanded: its codes by their code systems.
type Binding struct {
	ValueSet string // canonical URL, without version
	// System is the code system of all codes, "" where they come from several.
	System string
	// Codes maps a code to its system. It is nil where the codes cannot be listed (all of a grammar: BCP 47, MIME types, UCUM).
	Codes map[string]string
}

// SearchParameter is an entry of R4's search parameter registry.
type SearchParameter struct {
	URL        string
	Code       string
	Base       []string // resource types, or "Resource", "DomainResource"
	Type       string   // number, date, string, token, reference, composite, quantity, uri, special
	Expression string   // FHIRPath; "" for the few that have none
	Target     []string // of a reference
	Components []Component
	Modifiers  []string
	Chains     []string
	// Comparators and multipleOr/And of the registry are not kept: R4 leaves them to servers.
}

// Component of a composite parameter.
type Component struct {
	Definition string // URL of the parameter
	Expression string // relative to what the composite's expression selects
}
