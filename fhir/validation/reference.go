package validation

import (
	"slices"
	"strings"

	"fhirside/fhir"
	"fhirside/fhir/definitions"
)

// reference checks where a Reference points: its form, whether a contained resource is there, and whether the type is one that
// the element may point to. Absolute URLs are left alone; their last part but one need not be a resource type.
func (c *checker) reference(e fhir.Element, el *definitions.Element) {
	typ := e.Get("type")
	if typ.Exists() && definitions.IsResource(view(typ)) && !targets(el, view(typ)) {
		c.reportAt("type", fhir.CodeValue, "%s cannot refer to a %s: it refers to %s", el.Name, typ.Text(), alternatives(el.TargetTypes))
	}
	reference := e.Get("reference")
	if !reference.Exists() {
		return
	}
	c.path.push("reference")
	defer c.path.pop()
	text := view(reference)
	if text[0] == '#' {
		c.fragment(text)
		return
	}
	target := fhir.ParseReference(text)
	if conditional, _, ok := strings.Cut(text, "?"); ok && definitions.IsResource(conditional) {
		target = fhir.Reference{Type: conditional} // Patient?identifier=… in a transaction Bundle, resolved when that is run
	}
	switch {
	case target.Type == "" && relative(text):
		c.report(fhir.CodeValue, "%q is no reference: write Type/id, an absolute URL, urn:uuid:…, or #id for a contained resource", clip(text))
	case target.Type == "" || target.Base != "":
	case !definitions.IsResource(target.Type):
		c.report(fhir.CodeValue, "%q refers to an unknown resource type%s", clip(text), resourceHint(target.Type))
	case !targets(el, target.Type):
		c.report(fhir.CodeValue, "%s cannot refer to a %s: it refers to %s", el.Name, target.Type, alternatives(el.TargetTypes))
	case typ.Exists() && !typ.Is(target.Type) && definitions.IsResource(view(typ)):
		c.report(fhir.CodeValue, "%q is no %s, as Reference.type says", clip(text), typ.Text())
	}
}

func targets(el *definitions.Element, typeName string) bool {
	return len(el.TargetTypes) == 0 || slices.Contains(el.TargetTypes, typeName)
}

// relative says whether a reference without RESTful form is a relative URL.
func relative(text string) bool {
	scheme, _, absolute := strings.Cut(text, ":")
	return !absolute || strings.ContainsAny(scheme, "/?#")
}

// fragment checks a reference or canonical to a contained resource (ref-1). A lone # is the resource around, for those inside.
func (c *checker) fragment(text string) {
	id, local := strings.CutPrefix(text, "#")
	if !local || id == "" && c.scope.inside {
		return
	}
	if _, found := c.scope.contained[id]; !found {
		c.report(fhir.CodeInvariant, "there is no contained resource with the id %q (ref-1)", clip(id))
	}
}

// resourceHint guesses which resource type was meant.
func resourceHint(name string) string {
	if near := nearest(name, slices.Values(definitions.ResourceTypes())); near != "" {
		return "; did you mean " + near + "?"
	}
	return ""
}
