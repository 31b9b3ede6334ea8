package search

import (
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"fhirside/fhir"
	"fhirside/fhir/definitions"
	"fhirside/fhir/terminology"
)

// Options say how a search is read.
type Options struct {
	// Base is our own FHIR base URL: references to resources below it are references to our own. "": unknown.
	Base string
	// Now is the clock that ap on dates measures from; nil is time.Now.
	Now func() time.Time
	// DefaultCount is Query.Count where the search does not say _count; 0 leaves it at -1.
	DefaultCount int
	// MaxCount caps _count; 0 is no cap.
	MaxCount int
	// Terminology has the value sets and code systems that modifiers ask for; nil is those of R4 itself.
	Terminology Terminology
	// Hierarchy knows what is above and below a resource; without it the modifiers that ask for this are refused.
	Hierarchy Hierarchy
	// Lenient leaves unknown parameters out (Prefer: handling=lenient); Query.Ignored lists them. A known parameter with a value
	// or modifier that cannot be read is refused all the same.
	Lenient bool
	// Criteria reads the criteria of a conditional interaction: nothing is left out or ignored, result parameters are refused, and
	// there must be at least one criterion.
	Criteria bool
	// Entry gives the reference that stands for the entry of a transaction with this fullUrl: values of reference parameters may be such
	// names, in place of which Query.Applied holds the reference. nil: there are none.
	Entry func(fullURL string) (reference string, ok bool)
}

// Bounds of one search. They keep what a request can ask for, and so the work to compile it, in proportion to its text.
const (
	maxValues = 1000   // alternatives of one parameter
	maxLeaves = 10_000 // leaves of the filter, and steps of its making
	maxDepth  = 10     // hops of chains and _has of one parameter
	maxSort   = 10     // keys of _sort

	maxIncludes = 100

	maxContained = 20 // types of which contained resources are searched at once
)

// Parse reads a search: name=value pairs in order, already decoded from the URL or form. The escapes \, \$ \| and \\ are read
// here. An empty resourceType is a search over all types, or those of _type. Every error is an *fhir.Error of reason Invalid that
// names the parameter as it was sent (NotFound for an unknown resourceType).
//
// Query.Applied holds what was applied as it was sent, _cursor included, a capped _count as capped; parsing it again gives the
// same query. Parameters without a value are not in it (R4 ignores them), nor are _format and _pretty, which say nothing about
// the search.
//
// It follows search.html of R4. What that leaves open is decided as follows: an unknown parameter is refused; a text of which
// folding leaves nothing ("%", "--") matches nothing; a space where the zone of a time begins is the plus sign that the URL lost; a
// list of alternatives is taken for every parameter, also for the composites whose definitions do not ask servers for it
// (SearchParameter.multipleOr), and so is every prefix.
func Parse(reg *Registry, resourceType string, params []Parameter, opt Options) (*Query, error) {
	if opt.Terminology == nil {
		opt.Terminology = terminology.Terminology{terminology.R4()}
	}
	p := &parser{reg: reg, opt: opt, base: strings.TrimRight(opt.Base, "/"), query: &Query{Count: -1}, given: map[string]string{}}
	if opt.DefaultCount > 0 {
		p.query.Count = opt.DefaultCount
	}
	if opt.Now == nil {
		opt.Now = time.Now
	}
	p.now = opt.Now().UnixMicro()
	if err := p.setTypes(resourceType, params); err != nil {
		return nil, err
	}
	var all And
	for _, param := range params {
		f, err := p.parameter(param)
		if err != nil {
			return nil, err
		}
		if f != nil {
			all = append(all, f)
		}
	}
	if err := p.settleContained(); err != nil {
		return nil, err
	}
	if err := p.readElements(); err != nil {
		return nil, err
	}
	if p.query.Summary == SummaryText && len(p.query.Include) > 0 { // search.html#summary
		p.name = "_summary"
		return nil, p.errorf(fhir.CodeInvalid, "text cannot be mixed with _include and _revinclude")
	}
	if opt.Criteria && len(all) == 0 {
		return nil, fhir.Errorf(fhir.Invalid, fhir.CodeRequired, "the criteria are empty: they would select every resource")
	}
	p.query.Filter = AllOf(all...)
	return p.query, nil
}

// parser is the state of one Parse.
type parser struct {
	reg   *Registry
	opt   Options
	base  string // without the last slash
	now   int64  // microseconds since 1970
	query *Query
	types []string // searched; all resource types where the search names none

	allTypes bool              // the search is over the system, or the types that _type names
	given    map[string]string // the result parameters read that cannot be given twice

	shown    []string // values of _elements
	answered string   // _containedType

	entries []string // names of entries in the value that is being read, each followed by the reference in its place

	name  string // of the parameter being read, as it was sent
	place int    // the character of its value that is being read, counted from 1; 0: it is read as a whole
	steps int    // leaves made and chain targets tried so far
}

// setTypes settles which types are searched, since what the other parameters mean depends on it.
func (p *parser) setTypes(resourceType string, params []Parameter) error {
	if resourceType != "" {
		if !definitions.IsResource(resourceType) {
			return fhir.Errorf(fhir.NotFound, fhir.CodeNotSupported, "there is no resource type %q", clip(resourceType))
		}
		p.query.Types = []string{resourceType}
	} else if err := p.typeParameter(params); err != nil {
		return err
	}
	p.allTypes = resourceType == ""
	p.types = p.query.Types
	if len(p.types) == 0 {
		p.types = definitions.ResourceTypes()
	}
	return nil
}

func (p *parser) typeParameter(params []Parameter) error {
	i := slices.IndexFunc(params, func(q Parameter) bool { return q.Name == typeName && !isEmpty(q.Value) })
	if i < 0 {
		return nil
	}
	p.name = typeName
	for name := range strings.SplitSeq(params[i].Value, ",") {
		if name == "" {
			continue
		}
		if !definitions.IsResource(name) {
			return p.errorf(fhir.CodeValue, "there is no resource type %q", clip(name))
		}
		if !slices.Contains(p.query.Types, name) {
			p.query.Types = append(p.query.Types, name)
		}
	}
	return nil
}

// parameter reads one pair. The filter is nil where the pair is no condition on resources, or is left out.
func (p *parser) parameter(param Parameter) (Filter, error) {
	p.name, p.entries = param.Name, nil
	if !utf8.ValidString(param.Name) || !utf8.ValidString(param.Value) || strings.ContainsRune(param.Value, 0) {
		return nil, p.errorf(fhir.CodeValue, "the text is not UTF-8, or holds a NUL")
	}
	if isEmpty(param.Value) {
		return nil, p.empty()
	}
	if known, err := p.resultParameter(param); known || err != nil {
		return nil, err
	}
	f, err := p.criterion(param)
	if isUnknown(err) && p.opt.Lenient && !p.opt.Criteria {
		p.query.Ignored = append(p.query.Ignored, param)
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	p.query.Applied = append(p.query.Applied, p.withoutEntries(param))
	return f, nil
}

// criterion reads a pair that is a condition.
func (p *parser) criterion(param Parameter) (Filter, error) {
	switch name, _, modified := strings.Cut(param.Name, ":"); {
	case name != filterName && illegalEscape(param.Value):
		return nil, p.errorf(fhir.CodeValue, `%q has a backslash before something else than , $ | or \: write \\ for a backslash`, clip(param.Value))
	case modified && (name == listName || name == filterName):
		return nil, p.errorf(fhir.CodeNotSupported, "%s takes no modifier", name)
	case name == queryName:
		return nil, p.errorf(fhir.CodeNotSupported, "no named query is defined on this server, so there is none called %q", clip(param.Value))
	case name == listName:
		return p.onList(param.Value)
	case name == filterName:
		return p.filter(param.Value)
	}
	return p.condition(p.types, param.Name, func(q *Param, modifier string) (Filter, error) {
		return p.modified(q, modifier, param.Value)
	}, 0)
}

// isEmpty says whether a list holds no value.
func isEmpty(value string) bool { return strings.Trim(value, ",") == "" }

// empty is what becomes of a parameter without a value: R4 ignores it, but no criterion is ever ignored.
func (p *parser) empty() error {
	if p.opt.Criteria {
		return p.errorf(fhir.CodeRequired, "a criterion needs a value")
	}
	return nil
}

// step counts work, so that neither many values nor untyped chains over many types make it grow out of bounds.
func (p *parser) step(n int) error {
	if p.steps += n; p.steps > maxLeaves {
		return p.errorf(fhir.CodeTooCostly, "the search has more than %d conditions", maxLeaves)
	}
	return nil
}
