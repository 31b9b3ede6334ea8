package xml

import (
	"slices"

	"fhirside/fhir/xml/token"
)

// xhtml reads the narrative. Its text is kept as it is; only where its own tag does not say that it is XHTML, or says so by a
// prefix, it is written anew to stand by itself.
func (d *decoder) xhtml() error {
	if d.token.Prefix != "" || !declaresDefault(d.token) {
		return d.rewritten()
	}
	from := d.token.From
	for open := 0; ; {
		switch d.token.Kind {
		case token.Start:
			if err := foreign(d.in, d.token, XHTMLNamespace, false); err != nil {
				return err
			}
			open++
		case token.End:
			open--
		}
		if open == 0 {
			break
		}
		var err error
		if d.token, err = d.in.Next(); err != nil {
			return err
		}
	}
	d.string(string(d.in.Data()[from:d.token.To]))
	return nil
}

// rewritten reads the narrative from its tokens. A browser shows the same; comments go.
func (d *decoder) rewritten() error {
	var out []byte
	for open := 0; ; {
		t := d.token
		switch t.Kind {
		case token.Start:
			if err := foreign(d.in, t, XHTMLNamespace, true); err != nil {
				return err
			}
			out = append(append(out, '<'), t.Name.Local...)
			if open++; open == 1 {
				out = token.AppendAttr(out, "xmlns", XHTMLNamespace)
			}
			for i := range t.Attrs {
				out = token.AppendAttr(out, t.Attrs[i].Written(), t.Attrs[i].Value)
			}
			out = append(out, '>')
		case token.End:
			open--
			out = append(append(append(out, "</"...), t.Name.Local...), '>')
		case token.Text:
			out = token.AppendText(out, string(t.Text))
		}
		if open == 0 {
			d.string(string(out))
			return nil
		}
		var err error
		if d.token, err = d.in.Next(); err != nil {
			return err
		}
	}
}

// foreign refuses what is no XHTML, or would not be when the narrative stands by itself: elements of other namespaces, and
// prefixes other than xml.
func foreign(in *token.Reader, t *token.Token, namespace string, prefixed bool) error {
	switch {
	case t.Name.Space != namespace:
		return in.Errorf(t.From, "<%s> is in %s: the narrative is XHTML, in %s", shown(t.Name.Local), space(t.Name.Space), XHTMLNamespace)
	case t.Prefix != "" && !prefixed:
		return in.Errorf(t.From, "<%s:%s>: the narrative is written without prefixes", shown(t.Prefix), shown(t.Name.Local))
	}
	for i := range t.Attrs {
		if a := &t.Attrs[i]; a.Prefix != "" && a.Prefix != "xml" {
			return in.Errorf(t.From, "<%s> has no attribute %s", shown(t.Name.Local), shown(a.Written()))
		}
	}
	return nil
}

// narrative is the text of a Narrative.div as a part of an XML document: one element that says that it is XHTML. The error says
// what else it is.
func narrative(text string) ([]byte, error) {
	in := token.NewReader([]byte(text))
	var from, to int
	var namespace string
	for open := 0; ; {
		t, err := in.Next()
		if err != nil {
			return nil, err
		}
		switch t.Kind {
		case token.Start:
			if open++; open == 1 {
				from, namespace = t.From, t.Name.Space
				if t.Name.Local != "div" || namespace == "" && declaresDefault(t) {
					return nil, in.Errorf(t.From, "the narrative is a <div> of XHTML")
				}
				if namespace != "" {
					namespace = XHTMLNamespace
				}
			}
			if err := foreign(in, t, namespace, false); err != nil {
				return nil, err
			}
		case token.End:
			open--
			to = t.To
		case token.Done:
			if div := in.Data()[from:to]; namespace != "" {
				return div, nil
			}
			return slices.Concat([]byte("<div xmlns=\""+XHTMLNamespace+"\""), in.Data()[from+len("<div"):to]), nil
		}
	}
}

func declaresDefault(t *token.Token) bool {
	return slices.ContainsFunc(t.Declared, func(n token.Declaration) bool { return n.Prefix == "" })
}
