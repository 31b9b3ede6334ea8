package load

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/google/uuid"

	"fhirside/fhir"
)

var uuids = regexp.MustCompile(`[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}`)

// copyOf is the document as its k-th copy, 0 being itself: another population of the same shape. Every UUID becomes another
// one, wherever it stands; other ids and identifier values get a suffix, and so does what refers to them.
func copyOf(r *fhir.Resource, k int) (*fhir.Resource, error) {
	if k == 0 {
		return r, nil
	}
	c := copier{suffix: fmt.Sprintf("-%d", k+1)}
	space := uuid.NewSHA1(uuid.NameSpaceOID, []byte(c.suffix))
	r, err := fhir.Parse(uuids.ReplaceAllFunc(r.Bytes(), func(old []byte) []byte {
		return []byte(uuid.NewSHA1(space, old).String())
	}))
	if err != nil {
		return nil, err
	}
	c.edits = r.Edit()
	c.resource(r.Root())
	return c.edits.Apply()
}

type copier struct {
	suffix string
	edits  *fhir.Edits
}

// suffixed is the text with the suffix, unless it is, or ends in, a UUID, which is another one already.
func (c *copier) suffixed(text string) string {
	if text == "" || len(text) >= 36 && uuids.MatchString(text[len(text)-36:]) {
		return text
	}
	return text + c.suffix
}

func (c *copier) replace(e fhir.Element, text string) {
	if e.Exists() && text != e.Text() {
		c.edits.Replace(e, fhir.Quote(text))
	}
}

func (c *copier) resource(e fhir.Element) {
	c.replace(e.Get("id"), c.suffixed(e.Get("id").Text()))
	c.members(e)
}

// members goes down to where references, identifiers, and a Bundle's URLs are.
func (c *copier) members(e fhir.Element) {
	for m := range e.Children() {
		switch name := m.Name(); {
		case name == "reference" && m.Kind() == fhir.String, name == "fullUrl":
			c.replace(m, c.url(m.Text()))
		case name == "request" && m.Kind() == fhir.Object:
			c.replace(m.Get("url"), c.url(m.Get("url").Text()))
			c.replace(m.Get("ifNoneExist"), c.criteria(m.Get("ifNoneExist").Text()))
		case name == "identifier":
			for i := range m.Each() {
				c.replace(i.Get("value"), c.suffixed(i.Get("value").Text()))
				c.members(i)
			}
		case name == "contained":
			c.members(m) // their ids are of the resource that holds them
		case m.Get("resourceType").Exists() && name != "":
			c.resource(m)
		default:
			c.members(m)
		}
	}
}

// url is a reference to the copy: Type/id, relative or not, or conditional.
func (c *copier) url(text string) string {
	if path, query, found := strings.Cut(text, "?"); found {
		return path + "?" + c.criteria(query)
	}
	if ref := fhir.ParseReference(text); ref.Type != "" && ref.ID != "" {
		return strings.Replace(text, ref.Local(), ref.Type+"/"+c.suffixed(ref.ID), 1)
	}
	return text
}

// criteria are those of an identifier of the copy; others stay.
func (c *copier) criteria(query string) string {
	parts := strings.Split(query, "&")
	for i, p := range parts {
		if name, value, _ := strings.Cut(p, "="); name == "identifier" {
			parts[i] = name + "=" + c.suffixed(value)
		}
	}
	return strings.Join(parts, "&")
}
