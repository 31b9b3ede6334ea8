package search

import (
	"slices"
	"strings"
)

// entry is the reference in place of the name of a transaction's entry (Options.Entry); any other text as it is. Canonicals name no
// entry, but resources by the url that these say they have.
func (p *parser) entry(param *Param, text string) string {
	if p.opt.Entry == nil || param != nil && len(param.ElementTypes) > 0 && !slices.Contains(param.ElementTypes, "Reference") {
		return text
	}
	reference, ok := p.opt.Entry(text)
	if !ok {
		return text
	}
	p.entries = append(p.entries, text, reference)
	return reference
}

// withoutEntries is the parameter just read, with references in place of the names of entries that are values in it.
func (p *parser) withoutEntries(param Parameter) Parameter {
	for i := 0; i < len(p.entries); i += 2 {
		param.Value = replaceValue(param.Value, p.entries[i], p.entries[i+1])
	}
	return param
}

// valueEnds are what stands around a value in lists, composites, versioned references and _filter.
const valueEnds = `,$| ()[]"`

// replaceValue replaces a value wherever it stands by itself.
func replaceValue(text, value, by string) string {
	var out strings.Builder
	for {
		at := strings.Index(text, value)
		if at < 0 {
			out.WriteString(text)
			return out.String()
		}
		end := at + len(value)
		out.WriteString(text[:at])
		if (at == 0 || strings.IndexByte(valueEnds, text[at-1]) >= 0) && (end == len(text) || strings.IndexByte(valueEnds, text[end]) >= 0) {
			out.WriteString(by)
		} else {
			out.WriteString(value)
		}
		text = text[end:]
	}
}
