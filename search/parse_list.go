package search

import (
	"strings"

	"fhirside/fhir"
)

// onList reads _list: the ids of List resources, whose entries the resources are (search.html#list). It is _has:List:item:_id.
func (p *parser) onList(value string) (Filter, error) {
	return p.list(comparison{}, value, func(p *parser, _ comparison, text string) (Filter, error) {
		id := strings.TrimPrefix(unescape(text), "List/")
		switch {
		case strings.HasPrefix(id, "$"):
			return nil, p.errorf(fhir.CodeNotSupported, "this server keeps no list called %s, and guesses at none: %s", clip(id), insteadOf(id))
		case !fhir.ValidID(id):
			return nil, p.errorf(fhir.CodeValue, "%q is no id of a List", clip(id))
		}
		return Has{Type: "List", Param: "item", Filter: ID{id}}, nil
	})
}

// currentLists are the functional lists that R4 names (lifecycle.html#current), with a search that comes near. What is on them is what
// somebody has put there, which R4 says cannot be told from the resources; and where nobody keeps a List, an empty answer would read
// as "no allergies". So they are refused.
var currentLists = map[string]string{
	"$current-problems":       "Condition?clinical-status=active",
	"$current-medications":    "MedicationRequest?status=active and MedicationStatement?status=active",
	"$current-allergies":      "AllergyIntolerance?clinical-status=active",
	"$current-drug-allergies": "AllergyIntolerance?clinical-status=active&category=medication",
}

// insteadOf says what to do without a functional list.
func insteadOf(name string) string {
	const byID = "write the id of the patient's List, as List?patient=…&status=current finds it"
	if near := currentLists[name]; near != "" {
		return byID + ", or search by status, as in " + near
	}
	return byID
}
