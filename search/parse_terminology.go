package search

import (
	"errors"
	"strings"

	"fhirside/fhir"
	"fhirside/fhir/terminology"
)

// Terminology answers the modifiers :in, :not-in, :above and :below of tokens. Its errors are *fhir.Error where a value set or code
// system is not known, or cannot be listed.
type Terminology interface {
	// Expand lists a value set by its canonical URL, with |version or without, or as a reference to a ValueSet of this server
	// ("ValueSet/1").
	Expand(valueSet string) (terminology.Expansion, error)
	// Below are a code and the codes that it subsumes.
	Below(system, code string) ([]string, error)
	// Above are a code and the codes that subsume it.
	Above(system, code string) ([]string, error)
}

// in reads :in, a value set that has the code.
func (p *parser) in(c comparison, value string) (Filter, error) {
	return p.list(c, value, (*parser).valueSetLeaf)
}

// notIn reads :not-in.
func (p *parser) notIn(c comparison, value string) (Filter, error) {
	f, err := p.in(c, value)
	if err != nil {
		return nil, err
	}
	return Not{f}, nil
}

func (p *parser) valueSetLeaf(c comparison, text string) (Filter, error) {
	name := unescape(text)
	if ref := fhir.ParseReference(name); ref.Type == "ValueSet" && ref.Base == p.base && ref.Version == "" {
		name = ref.Local()
	}
	expansion, err := p.opt.Terminology.Expand(name)
	if err != nil {
		return nil, p.terminologyError(err)
	}
	var alternatives Or
	for _, system := range expansion.Systems {
		alternatives = append(alternatives, Token{Param: c.code, System: system, AnyCode: true, Fold: FoldsCase(system)})
	}
	for _, coding := range expansion.Codings {
		alternatives = append(alternatives, inSystem(c.code, coding.System, coding.Code))
	}
	return AnyOf(alternatives...), nil
}

// subsumed reads :below, a code that the resource's is or lies below.
func (p *parser) subsumed(c comparison, value string) (Filter, error) {
	return p.hierarchy(c, value, true)
}

// subsuming reads :above.
func (p *parser) subsuming(c comparison, value string) (Filter, error) {
	return p.hierarchy(c, value, false)
}

func (p *parser) hierarchy(c comparison, value string, below bool) (Filter, error) {
	related := p.opt.Terminology.Above
	if below {
		related = p.opt.Terminology.Below
	}
	return p.list(c, value, func(p *parser, c comparison, text string) (Filter, error) {
		systems, code, err := p.codeInSystems(c, text)
		if err != nil {
			return nil, err
		}
		var alternatives Or
		for _, system := range systems {
			if system == MimeTypes {
				f, err := p.mimeType(c, code, below)
				if err != nil {
					return nil, err
				}
				alternatives = append(alternatives, f)
				continue
			}
			codes, err := related(system, code)
			if err != nil {
				return nil, p.terminologyError(err)
			}
			for _, related := range codes {
				alternatives = append(alternatives, inSystem(c.code, system, related))
			}
		}
		return AnyOf(alternatives...), nil
	})
}

// codeInSystems reads system|code, or a code of the systems that the parameter's elements imply.
func (p *parser) codeInSystems(c comparison, text string) (systems []string, code string, err error) {
	parts := split(text, '|')
	code = unescape(parts[len(parts)-1])
	switch {
	case len(parts) == 1 && len(c.param.ImpliedSystems) > 0:
		systems = c.param.ImpliedSystems
	case len(parts) == 2 && parts[0] != "":
		systems = []string{unescape(parts[0])}
	}
	if len(systems) == 0 || code == "" {
		return nil, "", p.errorf(fhir.CodeValue, "%q: write system|code", clip(text))
	}
	return systems, code, nil
}

// terminologyError tells the client what is not known here; other errors are passed on.
func (p *parser) terminologyError(err error) error {
	if known := (*fhir.Error)(nil); errors.As(err, &known) && known.Reason != fhir.Internal && len(known.Issues) > 0 {
		return p.errorf(known.Issues[0].Code, "%s", clip(known.Issues[0].Diagnostics))
	}
	return err
}

// MimeTypes is the code system of MIME types, which are below what they are without their parameters (search.html#mimetype).
const MimeTypes = "urn:ietf:bcp:13"

// MimeEntries is what follows a parameter's code in the name of the entries that hold MIME types without their parameters.
const MimeEntries = ":below"

// MimeType is a MIME type without its parameters; false where it has none.
func MimeType(code string) (string, bool) {
	base, _, parameterized := strings.Cut(code, ";")
	return strings.TrimSpace(base), parameterized
}

// mimeType compares with a MIME type and those below it, or above.
func (p *parser) mimeType(c comparison, code string, below bool) (Filter, error) {
	if !strings.Contains(code, "/") {
		return nil, p.errorf(fhir.CodeValue, "%q is no MIME type: write one such as text/xml", clip(code))
	}
	exact := inSystem(c.code, MimeTypes, code)
	base, parameterized := MimeType(code)
	switch {
	case below && !parameterized:
		return Or{exact, inSystem(c.code+MimeEntries, MimeTypes, base)}, nil
	case !below && parameterized:
		return Or{exact, inSystem(c.code, MimeTypes, base)}, nil
	}
	return exact, nil
}
