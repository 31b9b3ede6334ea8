package search

import (
	"reflect"
	"slices"
	"strings"

	"fhirside/fhir"
	"fhirside/fhir/definitions"
)

// Names of parameters that are more than an entry of the registry.
const (
	idName          = "_id"
	lastUpdatedName = "_lastUpdated"
	hasName         = "_has"
	listName        = "_list"
	filterName      = "_filter"
	queryName       = "_query"
	textName        = "_text"
	contentName     = "_content"
	typeName        = "_type"
	elementsName    = "_elements"
	profileName     = "_profile"

	containedName     = "_contained"
	containedTypeName = "_containedType"
)

// SystemParameters are the parameters of every search that are in no registry, sorted.
func SystemParameters() []string { return []string{filterName, hasName, listName} }

// reading reads the value at the end of a condition, for the parameter and modifier that its name ends in.
type reading func(param *Param, modifier string) (Filter, error)

// condition reads a condition on resources of these types: "code", "code:modifier", a chain "code.rest" or "code:Type.rest", or
// "_has:Type:code:rest", where rest is such a name again.
func (p *parser) condition(types []string, name string, read reading, depth int) (Filter, error) {
	if depth > maxDepth {
		return nil, p.errorf(fhir.CodeTooCostly, "chains and _has go at most %d resources far", maxDepth)
	}
	if name == hasName || strings.HasPrefix(name, hasName+":") {
		return p.has(types, strings.TrimPrefix(name[len(hasName):], ":"), read, depth)
	}
	head, rest, chained := strings.Cut(name, ".")
	code, modifier, modified := strings.Cut(head, ":")
	if modified && modifier == "" {
		return nil, p.errorf(fhir.CodeInvalid, "a modifier is missing behind the colon")
	}
	groups, err := p.params(types, code)
	if err != nil {
		return nil, err
	}
	var alternatives Or
	for _, g := range groups {
		var f Filter
		if chained {
			f, err = p.chain(g.param, modifier, rest, read, depth)
		} else {
			f, err = read(g.param, modifier)
		}
		if err != nil {
			return nil, err
		}
		if len(groups) > 1 {
			f = And{Type(g.types), f}
		}
		alternatives = append(alternatives, f)
	}
	return AnyOf(alternatives...), nil
}

// paramGroup is a parameter and the types for which its code means this parameter.
type paramGroup struct {
	param *Param
	types []string
}

// params resolves a code for the types searched. Most often it means the same for all of them.
func (p *parser) params(types []string, code string) ([]paramGroup, error) {
	var groups []paramGroup
	for _, t := range types {
		param := p.reg.Param(t, code)
		if param == nil || !Searchable(param) {
			return nil, p.unknown(types, t, code)
		}
		i := slices.IndexFunc(groups, func(g paramGroup) bool { return sameParam(g.param, param) })
		if i < 0 {
			i = len(groups)
			groups = append(groups, paramGroup{param: param})
		}
		groups[i].types = append(groups[i].types, t)
	}
	return groups, nil
}

// sameParam says whether two parameters of one code read values alike.
func sameParam(a, b *Param) bool {
	return a == b || a.Type == b.Type && slices.Equal(a.Targets, b.Targets) && slices.Equal(a.ElementTypes, b.ElementTypes) &&
		slices.Equal(a.ImpliedSystems, b.ImpliedSystems) && reflect.DeepEqual(a.Components, b.Components)
}

// chain reads a condition on what a reference parameter refers to. Without a type it is one on each possible target type that
// knows the next parameter and can read the value.
func (p *parser) chain(param *Param, modifier, rest string, read reading, depth int) (Filter, error) {
	if param.Type != TypeReference {
		return nil, p.errorf(fhir.CodeInvalid, "%q is not a reference: nothing can be chained to it", param.Code)
	}
	knows := func(target string) bool { return p.knows(target, rest) }
	return p.through(param, modifier, rest, knows, func(target string) (Filter, error) {
		return p.condition([]string{target}, rest, read, depth+1)
	})
}

// through reads a condition, called rest in messages, on what a reference parameter refers to: on each target type that knows what
// it asks for, or on that which a modifier names.
func (p *parser) through(param *Param, modifier, rest string, knows func(target string) bool, condition func(target string) (Filter, error)) (Filter, error) {
	if err := p.checkNested(param); err != nil {
		return nil, err
	}
	targets := targetsOf(param)
	if modifier != "" {
		if err := p.checkTarget(param, modifier); err != nil {
			return nil, err
		}
		targets = []string{modifier}
	}
	var alternatives Or
	var refused error
	understood := false
	for _, target := range targets {
		if err := p.step(1); err != nil {
			return nil, err
		}
		if len(targets) > 1 && !knows(target) {
			continue
		}
		f, err := condition(target)
		switch {
		case isBound(err):
			return nil, err
		case err == nil:
			understood = true
			if !isNone(f) {
				alternatives = append(alternatives, Chain{param.Code, target, RefersByURL(param) && HasCanonical(target), f})
			}
		case refused == nil || isUnknown(refused):
			refused = err
		}
	}
	switch {
	case understood:
		return AnyOf(alternatives...), nil
	case refused == nil:
		return nil, p.unknownBehind(param, targets, rest)
	}
	return nil, refused
}

// knows says whether a type has the parameter that a condition begins with.
func (p *parser) knows(resourceType, name string) bool {
	if i := strings.IndexAny(name, ":."); i >= 0 {
		name = name[:i]
	}
	param := p.reg.Param(resourceType, name)
	return name == hasName || param != nil && Searchable(param)
}

// has reads what follows "_has:": the type that refers to the resources searched, its reference parameter, and a condition on it.
func (p *parser) has(types []string, name string, read reading, depth int) (Filter, error) {
	parts := strings.SplitN(name, ":", 3)
	if len(parts) < 3 {
		return nil, p.errorf(fhir.CodeInvalid, "_has is written _has:Type:reference:parameter, as in _has:Observation:patient:code")
	}
	source, code, rest := parts[0], parts[1], parts[2]
	if !definitions.IsResource(source) {
		return nil, p.errorf(fhir.CodeInvalid, "there is no resource type %q", clip(source))
	}
	groups, err := p.params([]string{source}, code)
	if err != nil {
		return nil, err
	}
	param := groups[0].param
	if param.Type != TypeReference {
		return nil, p.errorf(fhir.CodeInvalid, "%q of %s is not a reference", code, source)
	}
	targets := targetsOf(param)
	if !slices.ContainsFunc(types, func(t string) bool { return slices.Contains(targets, t) }) {
		return nil, p.errorf(fhir.CodeInvalid, "%q of %s does not refer to %s, but to %s",
			code, source, named(types), strings.Join(targets, ", "))
	}
	if err := p.checkNested(param); err != nil {
		return nil, err
	}
	f, err := p.condition([]string{source}, rest, read, depth+1)
	if err != nil || isNone(f) {
		return f, err
	}
	return Has{source, param.Code, RefersByURL(param) && slices.ContainsFunc(types, HasCanonical), f}, nil
}

// targetsOf are the types that a reference parameter can refer to.
func targetsOf(param *Param) []string {
	if len(param.Targets) == 0 {
		return definitions.ResourceTypes()
	}
	return param.Targets
}

// checkNested refuses what goes by a parameter for a resource inside another one, as composition and message of a Bundle are: a resource
// of that type and id may be on this server too, but it is not the one inside.
func (p *parser) checkNested(param *Param) error {
	if len(param.ElementTypes) == 0 || slices.ContainsFunc(param.ElementTypes, func(t string) bool { return t != "Resource" && !definitions.IsResource(t) }) {
		return nil
	}
	return p.errorf(fhir.CodeNotSupported, "%q is a resource inside the one that is searched, not a reference to one: it is found by its id, and what it says is not searched", param.Code)
}

// checkTarget refuses a type in the place of a modifier that the reference cannot have.
func (p *parser) checkTarget(param *Param, name string) error {
	targets := targetsOf(param)
	switch {
	case !definitions.IsResource(name):
		return p.errorf(fhir.CodeInvalid, "there is no resource type %q; %q refers to %s", clip(name), param.Code, strings.Join(targets, ", "))
	case !slices.Contains(targets, name):
		return p.errorf(fhir.CodeInvalid, "%q does not refer to %s, but to %s", param.Code, name, strings.Join(targets, ", "))
	}
	return nil
}
