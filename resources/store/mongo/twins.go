package mongo

import (
	"slices"
	"strings"

	"go.mongodb.org/mongo-driver/v2/bson"

	"fhirside/search"
	"fhirside/search/index"
)

// Twins are parameters that in most resources of a type have the same entries as another one, as subject has those of patient. A
// document leaves out the entries of a twin that are those of the other, and lists in index.apart the twins that are not.

// apartPath lists the twins that differ.
const apartPath = "index.apart"

// observationTwins are R4's combinations of a value with those of the components, which most Observations do not have.
var observationTwins = map[string]string{
	"combo-code":                "code",
	"combo-code-value-concept":  "code-value-concept",
	"combo-code-value-quantity": "code-value-quantity",
	"combo-data-absent-reason":  "data-absent-reason",
	"combo-value-concept":       "value-concept",
	"combo-value-quantity":      "value-quantity",
	"subject":                   "patient",
}

var subjectTwin = map[string]string{"subject": "patient"}

// twinsByType are the twins of a type, each with the parameter that it is like.
var twinsByType = func() map[string]map[string]string {
	byType := map[string]map[string]string{"Observation": observationTwins}
	for _, resourceType := range []string{
		"CarePlan", "CareTeam", "ChargeItem", "ClinicalImpression", "Communication", "CommunicationRequest", "Composition", "Condition",
		"DeviceRequest", "DiagnosticReport", "DocumentManifest", "DocumentReference", "Encounter", "Flag", "Goal", "ImagingStudy",
		"Media", "MedicationAdministration", "MedicationDispense", "MedicationRequest", "MedicationStatement", "Procedure",
		"QuestionnaireResponse", "RequestGroup", "RiskAssessment", "ServiceRequest", "Specimen",
	} {
		byType[resourceType] = subjectTwin
	}
	return byType
}()

// twinOf is the parameter that one is a twin of; "" where it is none. What a modifier reads of a twin is a twin of what it reads
// of the other.
func twinOf(resourceType, param string) string {
	twins := twinsByType[resourceType]
	if twins == nil {
		return ""
	}
	name, modifier, modified := strings.Cut(param, ":")
	other := twins[name]
	if other != "" && modified {
		other += ":" + modifier
	}
	return other
}

// twinLike is the twin that is like a parameter; "" where there is none.
func twinLike(resourceType, param string) string {
	name, modifier, modified := strings.Cut(param, ":")
	for twin, other := range twinsByType[resourceType] {
		if other == name && modified {
			return twin + ":" + modifier
		} else if other == name {
			return twin
		}
	}
	return ""
}

// withoutTwins leaves out the entries of twins that are those of the other parameter; apart are the twins that differ.
func withoutTwins(resourceType string, v index.Values) (slim index.Values, apart []string) {
	if twinsByType[resourceType] == nil {
		return v, nil
	}
	all := params(v)
	var same []string
	for _, param := range all {
		if other := twinOf(resourceType, param); other != "" && alike(v, param, other) {
			same = append(same, param)
		} else if other != "" {
			apart = append(apart, param)
		}
		// A twin that has no entries differs where the other has some.
		if twin := twinLike(resourceType, param); twin != "" && !slices.Contains(all, twin) {
			apart = append(apart, twin)
		}
	}
	if len(same) == 0 {
		return v, apart
	}
	drop := func(param string) bool { return slices.Contains(same, param) }
	return index.Values{
		Tokens:     without(v.Tokens, drop, func(e index.Token) string { return e.Param }),
		Strings:    without(v.Strings, drop, func(e index.String) string { return e.Param }),
		References: without(v.References, drop, func(e index.Reference) string { return e.Param }),
		Dates:      without(v.Dates, drop, func(e index.Date) string { return e.Param }),
		Numbers:    without(v.Numbers, drop, func(e index.Number) string { return e.Param }),
		Quantities: without(v.Quantities, drop, func(e index.Quantity) string { return e.Param }),
		URIs:       without(v.URIs, drop, func(e index.URI) string { return e.Param }),
		Composites: without(v.Composites, drop, func(e index.Composite) string { return e.Param }),
	}, apart
}

func without[E any](entries []E, drop func(param string) bool, param func(E) string) []E {
	if !slices.ContainsFunc(entries, func(e E) bool { return drop(param(e)) }) {
		return entries
	}
	return slices.DeleteFunc(slices.Clone(entries), func(e E) bool { return drop(param(e)) })
}

// params are the parameters that have entries, each once.
func params(v index.Values) (list []string) {
	last := ""
	seen := func(param string) {
		if param != last && !slices.Contains(list, param) {
			list = append(list, param)
		}
		last = param
	}
	for i := range v.Tokens {
		seen(v.Tokens[i].Param)
	}
	for i := range v.Strings {
		seen(v.Strings[i].Param)
	}
	for i := range v.References {
		seen(v.References[i].Param)
	}
	for i := range v.Dates {
		seen(v.Dates[i].Param)
	}
	for i := range v.Numbers {
		seen(v.Numbers[i].Param)
	}
	for i := range v.Quantities {
		seen(v.Quantities[i].Param)
	}
	for i := range v.URIs {
		seen(v.URIs[i].Param)
	}
	for i := range v.Composites {
		seen(v.Composites[i].Param)
	}
	return list
}

// alike says whether two parameters have the same entries in the same order.
func alike(v index.Values, a, b string) bool {
	return likewise(v.Tokens, a, b, func(e *index.Token) *string { return &e.Param }, equal[index.Token]) &&
		likewise(v.Strings, a, b, func(e *index.String) *string { return &e.Param }, equal[index.String]) &&
		likewise(v.References, a, b, func(e *index.Reference) *string { return &e.Param }, equal[index.Reference]) &&
		likewise(v.Dates, a, b, func(e *index.Date) *string { return &e.Param }, equal[index.Date]) &&
		likewise(v.Numbers, a, b, func(e *index.Number) *string { return &e.Param }, equal[index.Number]) &&
		likewise(v.Quantities, a, b, func(e *index.Quantity) *string { return &e.Param }, equal[index.Quantity]) &&
		likewise(v.URIs, a, b, func(e *index.URI) *string { return &e.Param }, equal[index.URI]) &&
		likewise(v.Composites, a, b, func(e *index.Composite) *string { return &e.Param }, sameTuple)
}

func equal[E comparable](a, b E) bool { return a == b }

func sameTuple(a, b index.Composite) bool {
	return a.Param == b.Param && slices.EqualFunc(a.Components, b.Components, func(x, y index.Values) bool {
		return slices.Equal(x.Tokens, y.Tokens) && slices.Equal(x.Strings, y.Strings) && slices.Equal(x.References, y.References) &&
			slices.Equal(x.Dates, y.Dates) && slices.Equal(x.Numbers, y.Numbers) && slices.Equal(x.Quantities, y.Quantities) &&
			slices.Equal(x.URIs, y.URIs) && len(x.Composites)+len(y.Composites) == 0
	})
}

// likewise compares the entries of two parameters of one kind.
func likewise[E any](entries []E, a, b string, param func(*E) *string, same func(E, E) bool) bool {
	next := func(i int, name string) int {
		for i < len(entries) && *param(&entries[i]) != name {
			i++
		}
		return i
	}
	for i, j := next(0, a), next(0, b); ; i, j = next(i+1, a), next(j+1, b) {
		if i == len(entries) || j == len(entries) {
			return i == j
		}
		x, y := entries[i], entries[j]
		*param(&x), *param(&y) = "", ""
		if !same(x, y) {
			return false
		}
	}
}

// twin compiles a leaf of a twin: its own entries where they differ, else those of the other parameter.
func (c compiler) twin(f search.Filter, param, other string) (condition, error) {
	own, err := c.alone(f)
	if err != nil {
		return own, err
	}
	base, err := c.alone(withParam(f, other))
	if err != nil {
		return base, err
	}
	made := condition{filter: f, match: either(own.match, d("$and", bson.A{base.match, d(apartPath, d("$ne", param))}))}
	if own.ways != nil && base.ways != nil {
		made.ways = merged(append(slices.Clone(own.ways), base.ways...))
	}
	return made, nil
}

// withParam is a leaf about another parameter.
func withParam(f search.Filter, param string) search.Filter {
	switch f := f.(type) {
	case search.Present:
		f.Param = param
		return f
	case search.Token:
		f.Param = param
		return f
	case search.Other:
		f.Param = param
		tokens := make([]search.Token, len(f.Tokens))
		for i, t := range f.Tokens {
			t.Param = param
			tokens[i] = t
		}
		f.Tokens = tokens
		return f
	case search.String:
		f.Param = param
		return f
	case search.Reference:
		f.Param = param
		return f
	case search.ReferenceToOther:
		f.Param = param
		return f
	case search.Date:
		f.Param = param
		return f
	case search.Number:
		f.Param = param
		return f
	case search.Quantity:
		f.Param = param
		return f
	case search.URI:
		f.Param = param
		return f
	case search.Composite:
		f.Param = param
		return f
	}
	return f
}

// twinSortValue is what a document is sorted by under the key of a twin.
func twinSortValue(key search.SortKey, other string) any {
	of := key
	of.Param = other
	apart := d("$in", bson.A{d("$literal", key.Param), d("$ifNull", bson.A{"$" + apartPath, bson.A{}})})
	return d("$cond", bson.A{apart, sortValue(key), sortValue(of)})
}
