package search

import "fhirside/fhir"

var containments = map[string]Containment{"false": NotContained, "true": OnlyContained, "both": AlsoContained}

// contained reads _contained (search.html#contained).
func (p *parser) contained(_, value string) error {
	c, ok := containments[value]
	if !ok {
		return p.errorf(fhir.CodeValue, "%q is none of true, both, false", clip(value))
	}
	p.query.Contained = c
	return nil
}

// containedType keeps _containedType until it is known whether contained resources are searched at all.
func (p *parser) containedType(_, value string) error {
	switch value {
	case "container", "contained":
		p.answered = value
		return nil
	}
	return p.errorf(fhir.CodeValue, "%q is none of container, contained", clip(value))
}

// settleContained settles what a search of contained resources answers with, and refuses what makes no sense together.
func (p *parser) settleContained() error {
	searched := p.query.Contained != NotContained
	p.name = containedTypeName
	if p.answered != "" && !searched {
		return p.errorf(fhir.CodeInvalid, "it says what becomes of contained resources, which are not searched: add _contained=true or _contained=both")
	}
	p.query.Containers = searched && p.answered != "contained"
	p.name = containedName
	switch {
	case searched && len(p.query.Types) == 0:
		return p.errorf(fhir.CodeInvalid, "name the types of contained resources that are searched by _type")
	case searched && len(p.query.Types) > maxContained:
		return p.errorf(fhir.CodeTooCostly, "contained resources of at most %d types are searched at once", maxContained)
	}
	if !p.query.Containers {
		return nil
	}
	p.name = "_sort"
	for _, key := range p.query.Sort {
		if key.Param != idName && key.Param != lastUpdatedName {
			return p.errorf(fhir.CodeNotSupported,
				"the answers are the resources around those that match, which may be of any type: sort by _id or _lastUpdated, or take the contained ones by _containedType=contained")
		}
	}
	return nil
}
