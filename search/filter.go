package search

// Filter is a condition on one resource, judged by the resource's index values (search/index) alone; Chain and Has look at
// other resources. Its kinds are the types below, and Near, and nothing else: an evaluator that meets a kind or a combination it cannot
// evaluate refuses the query and never drops the condition.
//
// A leaf holds where at least one index entry of its parameter satisfies it. What "does not match" means in FHIR (:not,
// :missing=true) is Not around a leaf.
type Filter interface{ filter() }

// All holds for every resource.
type All struct{}

// None holds for no resource: a policy's no, or a code that does not exist.
type None struct{}

// And holds where all of its parts do; an empty And is All.
type And []Filter

// Or holds where at least one of its parts does; an empty Or is None.
type Or []Filter

// Not holds where its part does not.
type Not struct{ Filter Filter }

// ID holds for the resource with one of these logical ids (_id).
type ID []string

// Type holds for resources of one of these types (_type, policies over several types).
type Type []string

// Present holds where the parameter has any index entry (:missing=false).
type Present struct{ Param string }

// Token holds where the parameter has a token with this system and code.
type Token struct {
	Param string
	// System must be equal ("" is: no system), unless AnySystem is set.
	System    string
	AnySystem bool
	// Code must be equal, unless AnyCode is set. Fold says which entries it is compared with: those whose code system ignores case
	// (their codes and this one are folded) or those whose does not. A code without system is an Or of both.
	Code    string
	AnyCode bool
	Fold    bool
}

// Other holds where the parameter has a token for which none of these holds (ne of _filter).
type Other struct {
	Param  string
	Tokens []Token // all of this Param
}

// StringOp says how a string is compared.
type StringOp uint8

const (
	Prefix   StringOp = iota // the folded text, or that of a word within it, begins with Text (folded)
	Exact                    // the text as it is equals Text
	Contains                 // the folded text contains Text (folded)
	Equal                    // the folded text equals Text (folded)
	Suffix                   // the folded text ends with Text (folded)
	Begins                   // the folded text as a whole begins with Text (folded)
	Unequal                  // the folded text does not equal Text (folded)
	// These compare the folded text with Text (folded) by code points, as far as Text goes: what begins with Text is equal to it.
	Greater
	Less
	GreaterOrEqual
	LessOrEqual
)

// String holds where the parameter has such a text.
type String struct {
	Param string
	Op    StringOp
	Text  string // folded by Fold, except for Exact
}

// Reference holds where the parameter refers to this: either a resource (Type and ID, and Version if one is asked for) or
// something outside known by URL (and Version, where a canonical asks for one).
type Reference struct {
	Param    string
	Type, ID string
	URL      string
	Version  string // "": any
	// Names: it is the resource with this URL and Version (folded by FoldCode; "": it has none) that is referred to, by a canonical
	// that names its version or none.
	Names bool
	// Begins: Version is what the version must begin with.
	Begins bool
}

// ReferenceToOther holds where the parameter refers to a resource of Type, contained ones included, that is none of these, whether or not
// there is such a resource.
type ReferenceToOther struct {
	Param string
	Type  string
	IDs   []string
}

// Op is a comparison prefix of numbers, quantities and dates (search.html#prefix).
type Op uint8

const (
	Eq     Op = iota // the search interval contains the entry's
	Ne               // there is an entry that it does not contain
	Gt               // the entry reaches above the search value
	Lt               // the entry reaches below the search value
	Ge               // the entry reaches into the search value or above it: not Eb
	Le               // the entry reaches into the search value or below it: not Sa
	Sa               // the entry begins after the search value ends
	Eb               // the entry ends before the search value begins
	Ap               // the two intervals overlap; the parser has widened the search interval
	Covers           // the entry contains the search interval; of dates only
)

// Date compares intervals of time [Lo, Hi) in microseconds since 1970 UTC:
//
//	Eq Lo <= e.Lo && e.Hi <= Hi     Ne not Eq        Gt e.Hi > Hi      Lt e.Lo < Lo     Ge e.Hi > Lo
//	Le e.Lo < Hi                    Sa e.Lo >= Hi    Eb e.Hi <= Lo     Ap e.Lo < Hi && e.Hi > Lo
//	Covers e.Lo <= Lo && e.Hi >= Hi
//
// The parameter _lastUpdated is one of these.
type Date struct {
	Param  string
	Op     Op
	Lo, Hi int64
}

// Number compares numbers. Value is what was written, exactly; [Lo, Hi) is what its precision stands for (Ap: the widened range,
// Hi included). An entry is a closed interval, for a plain number of one point:
//
//	Eq Lo <= e.Lo && e.Hi < Hi      Ne not Eq         Gt e.Hi > Value   Lt e.Lo < Value   Ge e.Hi >= Value
//	Le e.Lo <= Value                Sa e.Lo > Value   Eb e.Hi < Value   Ap e.Lo <= Hi && e.Hi >= Lo
type Number struct {
	Param         string
	Op            Op
	Value, Lo, Hi float64
}

// Quantity compares a Number among the entries of one unit.
type Quantity struct {
	Number
	// AnyUnit: no unit was given. Otherwise the entry's code must be equal to Unit and its system to System; with AnySystem
	// (number||unit) Unit may be the entry's code or its printed unit.
	AnyUnit   bool
	AnySystem bool
	System    string
	Unit      string
}

// URIOp says how a uri is compared.
type URIOp uint8

const (
	SameURI  URIOp = iota
	BelowURI       // the entry begins with Value: Value itself, or what lies below it
	AboveURI       // Value begins with the entry
)

// URI holds where the parameter has such a uri.
type URI struct {
	Param string
	Op    URIOp
	Value string
}

// Composite holds where one and the same tuple of the parameter satisfies all parts. Part i judges the tuple's i-th component;
// the Param of the leaves in it is "".
type Composite struct {
	Param string
	Parts []Filter // leaves, Or of leaves, And of these; All for a component without condition
}

// Chain holds where the reference parameter refers to a resource of Type that satisfies the filter, or to a contained one.
type Chain struct {
	Param string
	Type  string
	// ByURL: the parameter may refer by canonicals, which are followed too. Named says to which resources.
	ByURL  bool
	Filter Filter
}

// Has holds where a resource of Type that satisfies the filter refers to this one by its reference parameter Param (_has). To a
// contained resource also what is contained beside it may refer.
type Has struct {
	Type   string
	Param  string
	ByURL  bool // as in Chain
	Filter Filter
}

func (All) filter()              {}
func (None) filter()             {}
func (And) filter()              {}
func (Or) filter()               {}
func (Not) filter()              {}
func (ID) filter()               {}
func (Type) filter()             {}
func (Present) filter()          {}
func (Token) filter()            {}
func (Other) filter()            {}
func (String) filter()           {}
func (Reference) filter()        {}
func (ReferenceToOther) filter() {}
func (Date) filter()             {}
func (Number) filter()           {}
func (Quantity) filter()         {}
func (URI) filter()              {}
func (Composite) filter()        {}
func (Chain) filter()            {}
func (Has) filter()              {}
