package search

import (
	"math"
	"slices"
	"strconv"
	"strings"

	"fhirside/fhir"
	"fhirside/fhir/definitions"
)

// resultParameter is a parameter that shapes the answer instead of selecting resources (search.html#return).
type resultParameter struct {
	name      string
	modifiers []string
	once      bool // giving it twice would be ambiguous
	hidden    bool // understood, but not of R4: an old or another server's name
	silent    bool // says nothing about the search: not among the parameters applied
	read      func(p *parser, modifier, value string) error
}

var resultParameters = []resultParameter{
	{name: containedName, once: true, read: (*parser).contained},
	{name: containedTypeName, once: true, read: (*parser).containedType},
	{name: "_count", once: true, read: (*parser).count},
	{name: "_cursor", once: true, hidden: true, read: (*parser).cursor},
	{name: elementsName, read: (*parser).elements},
	{name: "_format", silent: true},
	{name: "_include", modifiers: iterations, read: (*parser).include},
	{name: "_pretty", silent: true},
	{name: "_revinclude", modifiers: iterations, read: (*parser).revinclude},
	{name: "_sort", read: (*parser).sort},
	{name: "_summary", once: true, read: (*parser).summary},
	{name: "_total", once: true, read: (*parser).total},
	{name: "_totalMethod", once: true, hidden: true, read: (*parser).total},
	{name: typeName, once: true, read: (*parser).typesAllowed},
}

// iterations are the modifiers of includes: R4's and the one before.
var iterations = []string{"iterate", "recurse"}

// ResultParameters are the names of the parameters that shape the answer, sorted.
func ResultParameters() []string {
	var names []string
	for _, r := range resultParameters {
		if !r.hidden {
			names = append(names, r.name)
		}
	}
	return names
}

// resultParameter reads a parameter of that kind; false where it is none.
func (p *parser) resultParameter(param Parameter) (bool, error) {
	name, modifier, modified := strings.Cut(param.Name, ":")
	i := slices.IndexFunc(resultParameters, func(r resultParameter) bool { return r.name == name })
	if i < 0 {
		return false, nil
	}
	r := resultParameters[i]
	switch {
	case modified && !slices.Contains(r.modifiers, modifier):
		if len(r.modifiers) == 0 {
			return true, p.errorf(fhir.CodeNotSupported, "%s takes no modifier", name)
		}
		return true, p.errorf(fhir.CodeNotSupported, "the modifier :%s is not allowed. %s takes :%s", clip(modifier), name, r.modifiers[0])
	case r.silent:
		return true, nil
	case p.opt.Criteria:
		return true, p.errorf(fhir.CodeInvalid, "it shapes the answer of a search and is no criterion")
	}
	if r.once {
		if before, given := p.given[name]; given && before != param.Value {
			return true, p.errorf(fhir.CodeInvalid, "it is given twice, as %q and %q", clip(before), clip(param.Value))
		} else if given {
			return true, nil
		}
		p.given[name] = param.Value
	}
	p.query.Applied = append(p.query.Applied, param)
	return true, r.read(p, modifier, param.Value)
}

// count reads _count. Above the cap it is the cap, also among the parameters applied; 0 asks for the number of matches alone.
func (p *parser) count(_, value string) error {
	if strings.Trim(value, "0123456789") != "" {
		return p.errorf(fhir.CodeValue, "%q is not a number of resources", clip(value))
	}
	n, err := strconv.Atoi(value)
	if err != nil {
		n = math.MaxInt32 // digits, but too many of them
	}
	if p.opt.MaxCount > 0 && n > p.opt.MaxCount {
		n = p.opt.MaxCount
		p.query.Applied[len(p.query.Applied)-1].Value = strconv.Itoa(n)
	}
	p.query.Count = n
	if n == 0 {
		p.query.CountOnly = true
	}
	return nil
}

func (p *parser) cursor(_, value string) error {
	p.query.Cursor = value
	return nil
}

// elements keeps _elements until it is known whether there are includes, whose types are not those searched.
func (p *parser) elements(_, value string) error {
	p.shown = append(p.shown, value)
	return nil
}

// readElements reads what was kept of _elements.
func (p *parser) readElements() (err error) {
	if len(p.shown) == 0 {
		return nil
	}
	types := p.types
	if p.query.Containers {
		types = definitions.ResourceTypes()
	}
	p.query.Elements, err = Elements(strings.Join(p.shown, ","), types)
	return err
}

var totals = map[string]TotalMode{"none": TotalNone, "estimate": TotalEstimate, "accurate": TotalAccurate}

func (p *parser) total(_, value string) error {
	mode, ok := totals[value]
	if !ok {
		return p.errorf(fhir.CodeValue, "%q is none of none, estimate, accurate", clip(value))
	}
	p.query.Total = mode
	return nil
}

var summaries = map[string]Summary{
	"false": SummaryFalse, "true": SummaryTrue, "text": SummaryText, "data": SummaryData, "count": SummaryCount,
}

func (p *parser) summary(_, value string) error {
	s, ok := summaries[value]
	if !ok {
		return p.errorf(fhir.CodeValue, "%q is none of true, text, data, count, false", clip(value))
	}
	p.query.Summary = s
	if s == SummaryCount {
		p.query.CountOnly = true
	}
	return nil
}

// typesAllowed refuses _type where the URL names the type. Its value has been read by setTypes.
func (p *parser) typesAllowed(string, string) error {
	if !p.allTypes {
		return p.errorf(fhir.CodeInvalid, "it belongs to searches over all types, and this one is of %s", p.types[0])
	}
	return nil
}

// sort reads _sort. Given several times, the keys follow one another.
func (p *parser) sort(_, value string) error {
	for code := range strings.SplitSeq(value, ",") {
		if code == "" {
			continue
		}
		code, descending := strings.CutPrefix(code, "-")
		kind, ok := p.sortKind(code)
		if !ok && descending { // it may belong to the name
			if kind, ok = p.sortKind("-" + code); ok {
				code, descending = "-"+code, false
			}
		}
		if !ok {
			return p.errorf(fhir.CodeNotSupported, "%q is nothing to sort by. Supported for %s: %s", clip(code), named(p.types), strings.Join(p.sortable(), ", "))
		}
		if p.query.Sort = append(p.query.Sort, SortKey{code, kind, descending}); len(p.query.Sort) > maxSort {
			return p.errorf(fhir.CodeTooCostly, "a sort has at most %d keys", maxSort)
		}
	}
	return nil
}

// sortKind is the type of a parameter that all types searched have and that has an order.
func (p *parser) sortKind(code string) (kind ParamType, ok bool) {
	for i, t := range p.types {
		param := p.reg.Param(t, code)
		if param == nil || !Sortable(param) || i > 0 && param.Type != kind {
			return 0, false
		}
		kind = param.Type
	}
	return kind, true
}

// Sortable says whether results can be sorted by the parameter.
func Sortable(param *Param) bool {
	return Searchable(param) && param.Type != TypeComposite && param.Type != TypeSpecial && !param.Words
}

func (p *parser) sortable() []string {
	var codes []string
	for _, param := range p.reg.Params(p.types[0]) {
		if _, ok := p.sortKind(param.Code); ok {
			codes = append(codes, param.Code)
		}
	}
	return codes
}

func (p *parser) include(modifier, value string) error { return p.inclusion(false, modifier, value) }

func (p *parser) revinclude(modifier, value string) error { return p.inclusion(true, modifier, value) }

// inclusion reads Source:param, Source:param:Target, Source:* or * (search.html#include).
func (p *parser) inclusion(reverse bool, modifier, value string) error {
	inc := Include{Reverse: reverse, Source: anything, Param: anything, Iterate: modifier != ""}
	if value != anything {
		parts := strings.Split(value, ":")
		if len(parts) < 2 || len(parts) > 3 {
			return p.errorf(fhir.CodeValue, "%q: write Type:reference, Type:reference:Target, Type:* or *", clip(value))
		}
		inc.Source, inc.Param = parts[0], parts[1]
		if len(parts) == 3 {
			inc.Target = parts[2]
		}
		if err := p.checkInclusion(inc); err != nil {
			return err
		}
	}
	if p.query.Include = append(p.query.Include, inc); len(p.query.Include) > maxIncludes {
		return p.errorf(fhir.CodeTooCostly, "a search includes at most %d references", maxIncludes)
	}
	return nil
}

// anything is the wildcard of an include.
const anything = "*"

func (p *parser) checkInclusion(inc Include) error {
	if !definitions.IsResource(inc.Source) {
		return p.errorf(fhir.CodeValue, "there is no resource type %q", clip(inc.Source))
	}
	if inc.Target != "" && !definitions.IsResource(inc.Target) {
		return p.errorf(fhir.CodeValue, "there is no resource type %q", clip(inc.Target))
	}
	if inc.Param == anything {
		return nil
	}
	param := p.reg.Param(inc.Source, inc.Param)
	if param == nil || param.Type != TypeReference {
		var references []string
		for _, r := range p.reg.Params(inc.Source) {
			if r.Type == TypeReference {
				references = append(references, r.Code)
			}
		}
		return p.errorf(fhir.CodeValue, "%s has no reference parameter %q, but %s", inc.Source, clip(inc.Param), orNone(references))
	}
	if inc.Target != "" {
		return p.checkTarget(param, inc.Target)
	}
	return nil
}
