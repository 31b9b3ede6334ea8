package search

import (
	"strings"

	"fhirside/fhir"
)

// comparison says what a value is compared with, and how.
type comparison struct {
	param    *Param
	code     string // the Param of the leaves: the parameter's code, one of a modifier's entries, or "" in a composite
	narrowed string // by :[type], the only type a reference may have
	stringOp StringOp
	uriOp    URIOp
	ownUnits bool // a quantity is compared in its own unit only
}

// leafReader reads one alternative of a value; it still has its escapes.
type leafReader func(p *parser, c comparison, text string) (Filter, error)

// leafReaders are how the types of parameters read their values. Composites are made of these.
var leafReaders = map[ParamType]leafReader{
	TypeNumber:    (*parser).numberLeaf,
	TypeDate:      (*parser).dateLeaf,
	TypeString:    (*parser).stringLeaf,
	TypeToken:     (*parser).tokenLeaf,
	TypeReference: (*parser).referenceLeaf,
	TypeQuantity:  (*parser).quantityLeaf,
	TypeURI:       (*parser).uriLeaf,
	TypeSpecial:   (*parser).nearLeaf,
}

// alternatives reads a comma-separated list of values, one of which must match.
func (p *parser) alternatives(c comparison, value string) (Filter, error) {
	if c.param.Type == TypeComposite {
		return p.list(c, value, (*parser).compositeLeaf)
	}
	return p.list(c, value, leafReaders[c.param.Type])
}

func (p *parser) list(c comparison, value string, read leafReader) (Filter, error) {
	pieces := split(value, ',')
	if len(pieces) > maxValues {
		return nil, p.errorf(fhir.CodeTooCostly, "a list holds at most %d values, not %d", maxValues, len(pieces))
	}
	var alternatives Or
	for _, piece := range pieces {
		if piece == "" {
			if err := p.empty(); err != nil {
				return nil, err
			}
			continue
		}
		f, err := read(p, c, piece)
		if err != nil {
			return nil, err
		}
		if err := p.step(leaves(f)); err != nil {
			return nil, err
		}
		alternatives = append(alternatives, f)
	}
	return AnyOf(alternatives...), nil
}

// leaves is how many conditions one alternative became.
func leaves(f Filter) int {
	switch f := f.(type) {
	case Or:
		return len(f)
	case Composite:
		n := 0
		for _, part := range f.Parts {
			n += leaves(part)
		}
		return n
	}
	return 1
}

// compositeLeaf reads a$b: one value per component, which one tuple must satisfy together.
func (p *parser) compositeLeaf(c comparison, text string) (Filter, error) {
	pieces := split(text, '$')
	if len(pieces) != len(c.param.Components) {
		return nil, p.errorf(fhir.CodeValue, "%q has %d parts, not the %d of %s", clip(text), len(pieces), len(c.param.Components), componentNames(c.param))
	}
	f, canonical := Composite{Param: c.code}, false
	for i, piece := range pieces {
		component := c.param.Components[i]
		if piece == "" {
			return nil, p.errorf(fhir.CodeValue, "%q has no value for %q", clip(text), component.Code)
		}
		part, err := leafReaders[component.Type](p, comparison{param: component, ownUnits: !HasCanonicalTuples(c.param)}, piece)
		if err != nil {
			return nil, err
		}
		if either, ok := part.(Or); ok && component.Type == TypeQuantity {
			part, canonical = either[0], true
		}
		if isNone(part) {
			return None{}, nil
		}
		f.Parts = append(f.Parts, part)
	}
	if canonical {
		return Or{f, Composite{f.Param + CanonicalEntries, f.Parts}}, nil
	}
	return f, nil
}

// componentNames is how a value of a composite is written: "code$value-quantity".
func componentNames(param *Param) string {
	text := ""
	for i, component := range param.Components {
		if i > 0 {
			text += "$"
		}
		text += component.Code
	}
	return text
}

func (p *parser) stringLeaf(c comparison, text string) (Filter, error) {
	text = unescape(text)
	if c.param != nil && c.param.Words {
		return p.words(c, text)
	}
	if c.stringOp != Exact {
		if text = Fold(text); text == "" {
			return None{}, nil // nothing of the text counts; as a prefix "" would be everything
		}
	}
	return String{c.code, c.stringOp, text}, nil
}

func (p *parser) uriLeaf(c comparison, text string) (Filter, error) {
	if parts := split(text, '|'); len(parts) == 2 && c.uriOp == SameURI && c.code != "" && isCanonicalURL(c.param) {
		return Named(unescape(parts[0]), unescape(parts[1])), nil
	}
	text = unescape(text)
	if c.param.Code == profileName && c.uriOp == SameURI {
		return p.profile(c, text)
	}
	if c.uriOp != SameURI && !strings.Contains(text, "://") {
		return nil, p.errorf(fhir.CodeValue, "%q is no URL: only these have an above and a below", clip(text))
	}
	return URI{c.code, c.uriOp, text}, nil
}

// isCanonicalURL says whether a parameter is for the url of resources that canonicals name: a version behind a pipe is not a part of
// it (search.html#uri). Devices and subscriptions have network addresses; of Contracts R4 searches no version.
func isCanonicalURL(param *Param) bool {
	switch param.URL {
	case r4Param + "Contract-url", r4Param + "Device-url", r4Param + "Subscription-url":
		return false
	}
	return param.Code == URLParam && strings.HasPrefix(param.URL, r4Param)
}

const r4Param = "http://hl7.org/fhir/SearchParameter/"

// profile reads a value of _profile: a canonical, or a reference to a profile on this server (search.html#profile), which stands for its
// url as well.
func (p *parser) profile(c comparison, text string) (Filter, error) {
	ref := fhir.ParseReference(text)
	if ref.Type != "StructureDefinition" || ref.Version != "" || ref.Base != "" && ref.Base != p.base {
		return URI{c.code, SameURI, text}, nil
	}
	alternatives := Or{URI{c.code, SameURI, ref.Local()}}
	if p.base != "" {
		alternatives = append(alternatives, URI{c.code, SameURI, p.base + "/" + ref.Local()})
	}
	if p.opt.Hierarchy != nil {
		url, err := p.opt.Hierarchy.URL(ref.Type, ref.ID)
		if err != nil {
			return nil, p.terminologyError(err)
		}
		if url != "" {
			alternatives = append(alternatives, URI{c.code, SameURI, url})
		}
	}
	return AnyOf(alternatives...), nil
}
