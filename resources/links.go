package resources

import (
	"fmt"

	"fhirside/fhir"
	"fhirside/fhir/definitions"
)

// link is a place in a resource that names another one: Reference.reference, or an element of a type that a transaction
// rewrites (http.html#trules).
type link struct {
	element fhir.Element // the string, as it was sent
	kind    linkKind
	// resolved is what a transaction has replaced it by; "" where it stays.
	resolved string
	// pin is the extension of a Reference that asks for the version that the transaction makes, or the list of extensions that
	// holds nothing else; it exists on few.
	pin fhir.Element
}

// text is what the link says in the resource that will be stored.
func (l link) text() string {
	if l.resolved != "" {
		return l.resolved
	}
	return l.element.Text()
}

type linkKind uint8

const (
	isReference linkKind = iota // Reference.reference
	isURI                       // an element of type uri, url, oid or uuid; canonical stays as it is
	isNarrative                 // the XHTML of a narrative, which may hold links and images
)

// linksOf are the links of a resource and of what it contains, in the order of the document. A Bundle's entries are left out with
// their fullUrls: what they call each other is the Bundle's own business (bundle.html#references).
func linksOf(r *fhir.Resource) []link {
	var w linkWalker
	w.resource(r.Root())
	return w.links
}

type linkWalker struct{ links []link }

func (w *linkWalker) resource(e fhir.Element) {
	w.object(e, definitions.Lookup(e.Get("resourceType").Text()))
}

func (w *linkWalker) object(e fhir.Element, t *definitions.Type) {
	if t == nil {
		return
	}
	before := len(w.links)
	for member := range e.Children() {
		el, typeName := t.Child(member.Name())
		if el == nil || t.Name == "Bundle" && el.Name == "entry" {
			continue
		}
		for item := range member.Each() {
			w.value(item, t, el, typeName)
		}
	}
	if t.Name == "Reference" {
		w.pin(e, before)
	}
}

// asVersion is the extension of a Reference by which it becomes one to the version that the transaction makes.
const asVersion = "http://hl7.org/fhir/StructureDefinition/resolve-as-version-specific"

// pin marks the link of a Reference, one of those from a place on, that asks for a version.
func (w *linkWalker) pin(reference fhir.Element, from int) {
	list := reference.Get("extension")
	for x := range list.Each() {
		if !x.Get("url").Is(asVersion) || string(x.Get("valueBoolean").Raw()) != "true" {
			continue
		}
		if list.Len() == 1 {
			x = list
		}
		for i := from; i < len(w.links); i++ {
			if w.links[i].element == reference.Get("reference") {
				w.links[i].pin = x
			}
		}
	}
}

func (w *linkWalker) value(item fhir.Element, owner *definitions.Type, el *definitions.Element, typeName string) {
	switch item.Kind() {
	case fhir.Object:
		if typeName == "Resource" {
			w.resource(item)
		} else {
			w.object(item, definitions.Lookup(typeName))
		}
	case fhir.String:
		switch {
		case owner.Name == "Reference" && el.Name == "reference":
			w.links = append(w.links, link{element: item, kind: isReference})
		case typeName == "uri" || typeName == "url" || typeName == "oid" || typeName == "uuid":
			w.links = append(w.links, link{element: item, kind: isURI})
		case typeName == "xhtml":
			w.links = append(w.links, link{element: item, kind: isNarrative})
		}
	}
}

// localTarget is the resource of this server that a reference names; ok is false where it names something else.
func (s *Service) localTarget(reference string) (target fhir.Reference, ok bool) {
	ref := fhir.ParseReference(reference)
	return ref, ref.Type != "" && (ref.Base == "" || ref.Base == s.Base)
}

// path is the FHIRPath of the link in its resource ("Observation.performer[1].reference"). It walks the tree: for error texts
// only.
func (l link) path() string {
	r := l.element.Document()
	path, _ := findPath(r.Root(), r.Type(), l.element)
	return path
}

func findPath(at fhir.Element, path string, e fhir.Element) (string, bool) {
	if at == e {
		return path, true
	}
	isArray := at.Kind() == fhir.Array
	i := 0
	for child := range at.Children() {
		next := path + "." + child.Name()
		if isArray {
			next = fmt.Sprintf("%s[%d]", path, i)
		}
		if found, ok := findPath(child, next, e); ok {
			return found, true
		}
		i++
	}
	return "", false
}
