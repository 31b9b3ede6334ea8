package search

// Query is a parsed search.
type Query struct {
	Types   []string // the resource types searched; empty: all
	Filter  Filter
	Sort    []SortKey // empty: the store's own order, which is stable
	Include []Include

	Contained  Containment
	Containers bool // of contained resources that match, the resources around them are the answer

	Count     int // resources on a page; -1 where the search did not say
	CountOnly bool
	Total     TotalMode
	Summary   Summary
	Elements  []string // _elements: names of top-level elements; nil where the search did not say
	Cursor    string   // of a further page

	// Applied are the parameters that were applied, in order, for the self link; Ignored those left out by lenient handling.
	Applied []Parameter
	Ignored []Parameter
}

// Parameter is one name=value pair of a search, unescaped from the URL.
type Parameter struct{ Name, Value string }

// SortKey orders by a parameter: ascending by the least of a resource's values, descending by the greatest. Resources without
// a value come last ascending and first descending. A period or range counts as its beginning both ways, so that one index serves
// both. Ties are broken by the store, always in the same way.
type SortKey struct {
	Param      string
	Kind       ParamType
	Descending bool
}

// Include asks for more resources beside the matches.
type Include struct {
	Reverse bool   // _revinclude: resources of Source that refer to a match
	Source  string // the type that holds the reference; "*" is any
	Param   string // the reference parameter; "*" is any
	Target  string // only targets of this type; "" is any
	Iterate bool   // also for what was included
}

// Containment says whether contained resources are searched (_contained).
type Containment uint8

const (
	NotContained  Containment = iota // false: resources of their own
	OnlyContained                    // true
	AlsoContained                    // both
)

// TotalMode says how exact Bundle.total should be (_total).
type TotalMode uint8

const (
	TotalDefault TotalMode = iota // not asked
	TotalNone
	TotalEstimate
	TotalAccurate
)

// Summary is the value of _summary.
type Summary uint8

const (
	SummaryFalse Summary = iota
	SummaryTrue
	SummaryText
	SummaryData
	SummaryCount
)

// ParamType is the type of a search parameter (value set search-param-type).
type ParamType uint8

const (
	TypeSpecial ParamType = iota
	TypeNumber
	TypeDate
	TypeString
	TypeToken
	TypeReference
	TypeComposite
	TypeQuantity
	TypeURI
)
