package search

import (
	"cmp"
	"maps"
	"slices"
	"sync"

	"fhirside/fhir"
	"fhirside/fhir/definitions"
	"fhirside/fhir/fhirpath"
)

// Registry holds the search parameters of all resource types (searchparameter-registry.html). It never changes, and may be used by
// several goroutines at once.
type Registry struct {
	types   map[string]*typeParams
	builder *builder // of its parameters, for those that With adds
}

// typeParams are the parameters of one resource type.
type typeParams struct {
	byCode map[string]*Param
	sorted []*Param
}

// Param is a search parameter on one resource type.
type Param struct {
	Code string
	URL  string
	Type ParamType
	// Expression is what the parameter's expression means on this type: of a union over several types only the parts for this one.
	// Of a component it is relative to what the composite selects. It is nil for the few that are no expression (_text, _query).
	Expression *fhirpath.Expression
	// Targets are the resource types that a reference can point to, sorted; empty: any.
	Targets []string
	// Components are the parts of a composite, in order. Their Code is that of the parameter that the component refers to.
	Components []*Param
	// ElementTypes are the FHIR data types that the expression can yield, sorted.
	ElementTypes []string
	// ImpliedSystems are the code systems of the required bindings of the code elements among them, sorted: such an element does not
	// say its system.
	ImpliedSystems []string
	// Words is set for _text and _content where they are answered: their entries are the words of the narrative, or of the whole
	// resource.
	Words    bool
	bindings []*definitions.Binding
}

// paramTypes by their codes (value set search-param-type).
var paramTypes = map[string]ParamType{
	"number": TypeNumber, "date": TypeDate, "string": TypeString, "token": TypeToken, "reference": TypeReference,
	"composite": TypeComposite, "quantity": TypeQuantity, "uri": TypeURI, "special": TypeSpecial,
}

// String is the type's code.
func (t ParamType) String() string {
	for code, p := range paramTypes {
		if p == t {
			return code
		}
	}
	return "unknown"
}

// componentErrata are the composites of R4 whose components' expressions are wrong, with what is meant: one has them in the wrong
// order, one names a type that does not exist.
var componentErrata = map[string][]string{
	"http://hl7.org/fhir/SearchParameter/DocumentReference-relationship": {"target", "code"},
	"http://hl7.org/fhir/SearchParameter/Observation-code-value-date":    {"code", "value.as(dateTime) | value.as(Period)"},
}

// own are the parameters that are served beside R4's: R4 bases the access to a Binary on what it names, but finds it by nothing.
var own = []definitions.SearchParameter{
	{Code: SecurityContext, Base: []string{"Binary"}, Type: "reference", Expression: "Binary.securityContext"},
}

// SecurityContext is the parameter for the resource that stands for a Binary where access is decided (binary.html).
const SecurityContext = "security-context"

// R4 is the registry of R4's own search parameters, and of the few that are served beside them.
var R4 = sync.OnceValue(func() *Registry {
	reg, err := NewRegistry(slices.Concat(definitions.SearchParameters(), own))
	if err != nil {
		panic("search: R4's registry cannot be read: " + err.Error())
	}
	return reg
})

// NewRegistry compiles search parameters. The error is an *fhir.Error that names the parameter: its type or base is unknown, its
// expression cannot be compiled, or a component refers to a parameter that is not among them. Of two parameters with one code on
// one type the later counts.
func NewRegistry(parameters []definitions.SearchParameter) (*Registry, error) {
	b := builder{parameters: map[string]*definitions.SearchParameter{}, expressions: map[string]*fhirpath.Expression{}}
	for i := range parameters {
		b.parameters[parameters[i].URL] = &parameters[i]
	}
	types := map[string]*typeParams{}
	for _, t := range definitions.ResourceTypes() {
		types[t] = &typeParams{byCode: map[string]*Param{}}
	}
	for i := range parameters {
		sp := &parameters[i]
		for _, base := range sp.Base {
			if err := b.add(types, sp, base); err != nil {
				return nil, err
			}
		}
	}
	for _, t := range types {
		for _, p := range t.byCode {
			t.sorted = append(t.sorted, p)
		}
		slices.SortFunc(t.sorted, func(a, b *Param) int { return cmp.Compare(a.Code, b.Code) })
	}
	return &Registry{types, &b}, nil
}

// Param is the parameter with that code on a resource type, those of all resources included (_id, _tag); nil if there is none.
func (r *Registry) Param(resourceType, code string) *Param {
	t := r.types[resourceType]
	if t == nil {
		return nil
	}
	return t.byCode[code]
}

// Params are all parameters of a resource type, sorted by code. Callers must not change it.
func (r *Registry) Params(resourceType string) []*Param {
	t := r.types[resourceType]
	if t == nil {
		return nil
	}
	return t.sorted
}

// WithWords is the registry with _text and _content answered, which needs an index entry for every word of every resource.
func (r *Registry) WithWords() *Registry {
	types := map[string]*typeParams{}
	for name, t := range r.types {
		t = &typeParams{maps.Clone(t.byCode), slices.Clone(t.sorted)}
		for i, p := range t.sorted {
			if p.Code == textName || p.Code == contentName {
				answered := *p
				answered.Words = true
				t.sorted[i], t.byCode[p.Code] = &answered, &answered
			}
		}
		types[name] = t
	}
	return &Registry{types, r.builder}
}

// builder makes Params from definitions.
type builder struct {
	parameters  map[string]*definitions.SearchParameter // by URL
	expressions map[string]*fhirpath.Expression         // by source
}

// add makes the parameter known to its base type, or to every type that derives from an abstract one.
func (b *builder) add(types map[string]*typeParams, sp *definitions.SearchParameter, base string) error {
	t := definitions.Lookup(base)
	if t == nil || t.Class != definitions.Resource {
		return refused(sp, "the base %q is no resource type", base)
	}
	if !t.Abstract {
		return b.addTo(types[base], sp, base)
	}
	for _, name := range definitions.ResourceTypes() {
		if !definitions.Lookup(name).Is(base) {
			continue
		}
		if err := b.addTo(types[name], sp, name); err != nil {
			return err
		}
	}
	return nil
}

func (b *builder) addTo(t *typeParams, sp *definitions.SearchParameter, resourceType string) error {
	p, err := b.param(sp, resourceType)
	if err == nil {
		t.byCode[sp.Code] = p
	}
	return err
}

func (b *builder) param(sp *definitions.SearchParameter, resourceType string) (*Param, error) {
	typ, ok := paramTypes[sp.Type]
	if !ok {
		return nil, refused(sp, "there is no search parameter type %q", sp.Type)
	}
	p := &Param{Code: sp.Code, URL: sp.URL, Type: typ}
	if sp.Expression == "" {
		return p, nil
	}
	x, err := b.compile(sp, sp.Expression, "SearchParameter.expression")
	if err != nil {
		return nil, err
	}
	if p.Expression = x.For(resourceType); p.Expression == nil {
		return p, nil
	}
	yields := p.Expression.Yields(resourceType)
	p.describe(sp, yields)
	for i, c := range sp.Components {
		if correct := componentErrata[sp.URL]; correct != nil {
			c.Expression = correct[i]
		}
		component, err := b.component(sp, c, resourceType, yields)
		if err != nil {
			return nil, err
		}
		p.Components = append(p.Components, component)
	}
	return p, nil
}

// component makes a Param of a composite's component, whose expression is relative to what the composite yields.
func (b *builder) component(sp *definitions.SearchParameter, c definitions.Component, resourceType string, focus []fhirpath.Yield) (*Param, error) {
	part := b.parameters[c.Definition]
	if part == nil {
		return nil, refused(sp, "the component %s is not known", c.Definition).At("SearchParameter.component.definition")
	}
	x, err := b.compile(sp, c.Expression, "SearchParameter.component.expression")
	if err != nil {
		return nil, err
	}
	p := &Param{Code: part.Code, URL: part.URL, Type: paramTypes[part.Type], Expression: x}
	var types []string
	for _, y := range focus {
		types = append(types, y.Type)
	}
	p.describe(part, x.Yields(resourceType, types...))
	return p, nil
}

// compile compiles each expression once, however many types share it. element is where it stands in its definition.
func (b *builder) compile(sp *definitions.SearchParameter, expression, element string) (*fhirpath.Expression, error) {
	if x := b.expressions[expression]; x != nil {
		return x, nil
	}
	x, err := fhirpath.Compile(expression)
	if err != nil {
		return nil, refused(sp, "the expression cannot be compiled: %v", err).At(element)
	}
	b.expressions[expression] = x
	return x, nil
}

// describe notes what the definitions say of the elements that the parameter finds.
func (p *Param) describe(sp *definitions.SearchParameter, yields []fhirpath.Yield) {
	var targets []string
	anyTarget := false
	for _, y := range yields {
		p.ElementTypes = append(p.ElementTypes, y.Type)
		if y.Element == nil {
			continue
		}
		if b := y.Element.Binding; b != nil && y.Type == "code" {
			p.bindings = append(p.bindings, b)
			p.ImpliedSystems = append(p.ImpliedSystems, systems(b)...)
		}
		if of := referenceTargets(y); of == nil {
			anyTarget = true
		} else {
			targets = append(targets, of...)
		}
	}
	p.ElementTypes, p.ImpliedSystems = unique(p.ElementTypes), unique(p.ImpliedSystems)
	if p.Type != TypeReference {
		return
	}
	if anyTarget {
		targets = nil
	}
	p.Targets = intersect(unique(slices.Clone(sp.Target)), unique(targets))
}

// referenceTargets are the resource types that a reference or canonical element may point to; nil: any.
func referenceTargets(y fhirpath.Yield) []string {
	if y.Targets != nil {
		return y.Targets
	}
	return y.Element.TargetTypes
}

// systems are the code systems of a required binding.
func systems(b *definitions.Binding) (all []string) {
	for _, system := range b.Codes {
		all = append(all, system)
	}
	if b.Codes == nil {
		all = append(all, grammar(b))
	}
	return all
}

// grammar is the code system of a binding whose codes cannot be listed; "" if it is not known.
func grammar(b *definitions.Binding) string {
	if b.ValueSet == "http://hl7.org/fhir/ValueSet/mimetypes" {
		return MimeTypes
	}
	return b.System
}

// SystemOf is the code system of a code element's value, which the element's required binding implies; "" where that does not know
// the code.
func (p *Param) SystemOf(code string) string {
	for _, b := range p.bindings {
		if b.Codes == nil {
			return grammar(b)
		}
		if system, ok := b.Codes[code]; ok {
			return system
		}
	}
	return ""
}

func unique(names []string) []string {
	slices.Sort(names)
	return slices.Compact(names)
}

// intersect are the names that are in both lists, where an empty list means all.
func intersect(a, b []string) (both []string) {
	if len(a) == 0 {
		return b
	}
	for _, name := range a {
		if slices.Contains(b, name) {
			both = append(both, name)
		}
	}
	if len(both) == 0 {
		return a
	}
	return both
}

// refused is the error of a parameter that cannot be used.
func refused(sp *definitions.SearchParameter, format string, args ...any) *fhir.Error {
	return fhir.Errorf(fhir.Unprocessable, fhir.CodeInvalid, "search parameter %s (%s): "+format, append([]any{sp.Code, sp.URL}, args...)...)
}
