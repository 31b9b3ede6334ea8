package token_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"fhirside/fhir"
	"fhirside/fhir/xml/token"
)

// show writes tokens for comparison.
func show(data string) (string, error) {
	var b strings.Builder
	for in := token.NewReader([]byte(data)); ; {
		t, err := in.Next()
		if err != nil {
			return b.String(), err
		}
		switch t.Kind {
		case token.Start:
			fmt.Fprintf(&b, "<%s{%s}", t.Name.Local, t.Name.Space)
			for _, d := range t.Declared {
				fmt.Fprintf(&b, " %s=%s", d.Prefix, d.Space)
			}
			for _, a := range t.Attrs {
				fmt.Fprintf(&b, " %s{%s}%q", a.Written(), a.Space, a.Value)
			}
			b.WriteString(">")
		case token.End:
			fmt.Fprintf(&b, "</%s>", t.Name.Local)
		case token.Text:
			fmt.Fprintf(&b, "%q", t.Text)
		case token.Comment:
			fmt.Fprintf(&b, "<!--%s-->", t.Text)
		case token.Done:
			return b.String(), nil
		}
	}
}

func TestTokens(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{`<a/>`, `<a{}></a>`},
		{"\ufeff<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<a></a>\n", `<a{}></a>`},
		{`<!--x--><a><!--y-->t<?z?><![CDATA[<u>]]>&amp;&#x41;</a><!--w-->`, `<!--x--><a{}><!--y-->"t""<u>""&A"</a><!--w-->`},
		{`<a xmlns="u" b="1"><c/></a>`, `<a{u} =u b{}"1"><c{u}></c></a>`},
		{`<p:a xmlns:p="u" p:b="1"><c xmlns:p="v"><p:d/></c><p:e/></p:a>`, `<a{u} p=u p:b{u}"1"><c{} p=v><d{v}></d></c><e{u}></e></a>`},
		{`<a xmlns="u"><b xmlns=""/><c/></a>`, `<a{u} =u><b{} =></b><c{u}></c></a>`},
		{`<a xml:lang="de"/>`, `<a{} xml:lang{http://www.w3.org/XML/1998/namespace}"de"></a>`},
		{"<a x='\"' b='1\n2\t3\r\n4\r5' c=\"6&#10;7&#9;8&#13;\"/>", `<a{} x{}"\"" b{}"1 2 3 4 5" c{}"6\n7\t8\r"></a>`},
		{"<a b='&#10;\n&lt;' xmlns:p=\"u\nv\"/>", `<a{} p=u` + "\n" + `v b{}"\n <"></a>`},
	} {
		if got, err := show(c.in); err != nil || got != c.want {
			t.Errorf("%s:\n got  %s %v\n want %s", c.in, got, err, c.want)
		}
	}
}

func TestRefusals(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{``, "line 1, column 1: there is no element"},
		{`<!-- x -->`, "there is no element"},
		{`<a>`, "line 1, column 4: the document ends before </a>"},
		{`<a></b>`, "line 1, column 4: </b> stands where </a> is due"},
		{`<p:a xmlns:p="u"></a>`, "</a> stands where </p:a> is due"},
		{`<p:a xmlns:p="u" xmlns:q="u"></q:a>`, "</q:a> stands where </p:a> is due"},
		{`</a>`, "</a> closes nothing"},
		{`<a/><b/>`, "line 1, column 5: <b> stands behind"},
		{`x<a/>`, "text outside"},
		{`<a/>x`, "text outside"},
		{`<a b="1" b="2"/>`, "occurs twice"},
		{`<a xmlns:p="u" xmlns:q="u" p:b="1" q:b="2"/>`, "the attribute q:b occurs twice"},
		{`<a xmlns:p="u" xmlns:p="v"/>`, "declared twice"},
		{`<a xmlns="u" xmlns="v"/>`, "declared twice"},
		{`<p:a/>`, "prefix p is not declared"},
		{`<a p:b="1"/>`, "prefix p is not declared"},
		{`<a><b xmlns:p="u"/><p:c/></a>`, "prefix p is not declared"},
		{`<a xmlns:p=""/>`, "cannot be declared"},
		{`<a xmlns:xmlns="u"/>`, "cannot be declared"},
		{`<a xmlns:xml="u"/>`, "cannot be declared"},
		{`<p:q:a xmlns:p="u"/>`, "line 1"},
		{`<a b=1/>`, "line 1"},
		{`<a b/>`, "line 1"},
		{`<a b="<"/>`, "line 1"},
		{`<a>]]></a>`, "line 1"},
		{`<a>&b;</a>`, "&b;"},
		{`<a>&#0;</a>`, "line 1"},
		{`<a>x&#xD800;</a>`, "U+D800"},
		{`<a b="&#57343;"/>`, "U+DFFF"},
		{`<!-- -- --><a/>`, "line 1"},
		{`<!DOCTYPE a><a/>`, "document types"},
		{`<a><!ENTITY b "c"></a>`, "document types"},
		{` <?xml version="1.0"?><a/>`, "the XML declaration"},
		{`<a><?XML x?></a>`, "the XML declaration"},
		{`<?xml version="1.0" encoding="latin1"?><a/>`, "UTF-8 only"},
		{"<a>\xc3\x28</a>", "line 1, column 4: the text is not UTF-8"},
		{`<a ` + strings.Repeat("b", 1000) + `</a>`, "line 1"},
	} {
		_, err := show(c.in)
		var e *fhir.Error
		if !errors.As(err, &e) || e.Reason != fhir.Invalid || !strings.Contains(err.Error(), c.want) || !strings.HasPrefix(err.Error(), "XML, line ") || len(err.Error()) > 300 {
			t.Errorf("%.40s: got %v, want %s", c.in, err, c.want)
		}
	}
}

// What is written is read as it was.
func FuzzWrite(f *testing.F) {
	for _, seed := range []string{"", "a", "<>&\"' \r\n\t", "]]>", "\u0001", "\ufffe", "é😀"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		data := token.AppendAttr([]byte("<a"), "b", text)
		data = append(token.AppendText(append(data, '>'), text), "</a>"...)
		_, illegal := token.Illegal(text)
		in, got := token.NewReader(data), ""
		for {
			tok, err := in.Next()
			if err != nil {
				if !illegal && strings.ToValidUTF8(text, "") == text {
					t.Fatalf("%s: %v", data, err)
				}
				return
			}
			switch tok.Kind {
			case token.Start:
				if value, _ := tok.Attr("b"); value != text {
					t.Fatalf("%q became %q", text, value)
				}
			case token.Text:
				got += string(tok.Text)
			case token.Done:
				if got != text || illegal {
					t.Fatalf("%q became %q", text, got)
				}
				return
			}
		}
	})
}

// What looks like a reference in a comment or a CDATA section is none.
func TestNoReferences(t *testing.T) {
	if _, err := show(`<a><!-- &#xD800; --><![CDATA[&#xD800;]]></a>`); err != nil {
		t.Error(err)
	}
}
