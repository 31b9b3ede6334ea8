package resources_test

import (
	"fmt"
	"testing"

	"fhirside/fhir"
	"fhirside/resources"
	"fhirside/resources/access"
	"fhirside/search"
)

// inner is a Policy that says of contained resources what they have to be.
type inner struct {
	grants
	within map[string]search.Filter
}

func (p inner) Within(resourceType string, i access.Interaction) search.Filter {
	return p.within[resourceType]
}

// TestContainedAccess: a contained resource is visible exactly where the one around it is, and only as what may be searched.
func TestContainedAccess(t *testing.T) {
	h := newHouse(t)
	report := func(id, patient, code string) string {
		return fmt.Sprintf(`{"resourceType":"DiagnosticReport","id":"%s","status":"final","code":{"text":"r"},"subject":{"reference":"Patient/%s"},"contained":[
			{"resourceType":"Observation","id":"in","status":"final","code":{"coding":[{"code":"%s"}]},"derivedFrom":[{"reference":"#from"}]},
			{"resourceType":"Observation","id":"from","status":"final","code":{"coding":[{"code":"raw"}]}}],"result":[{"reference":"#in"}]}`, id, patient, code)
	}
	h.put(access.Everything, report("ra", "a", "lab"))
	h.put(access.Everything, report("rb", "b", "lab"))
	h.put(access.Everything, report("rc", "a", "vital"))
	h.put(access.Everything, `{"resourceType":"Observation","id":"oc","status":"final","code":{"text":"c"},"subject":{"reference":"Patient/a"},"contained":[{"resourceType":"Observation","id":"deep","status":"final","code":{"coding":[{"code":"lab"}]}}],"hasMember":[{"reference":"#deep"}]}`)

	ofA := every(search.Reference{Param: "subject", Type: "Patient", ID: "a"})
	lab := search.Token{Param: "code", Code: "lab", Fold: true}
	reader := func(within search.Filter, others ...string) inner {
		p := inner{grants{"Observation": ofA}, map[string]search.Filter{"Observation": within}}
		for _, t := range others {
			p.grants[t] = ofA
		}
		return p
	}
	for _, c := range []struct {
		what         string
		p            access.Policy
		typ, query   string
		want, refuse string
	}{
		{"everybody", access.Everything, "Observation", "code=lab&_containedType=contained&_sort=_id", "[DiagnosticReport/ra#in DiagnosticReport/rb#in Observation/oc#deep] 3", ""},
		{"who sees the patient", reader(search.All{}, "DiagnosticReport"), "Observation", "code=lab&_containedType=contained&_sort=_id", "[DiagnosticReport/ra#in Observation/oc#deep] 2", ""},
		{"the resources around", reader(search.All{}, "DiagnosticReport"), "Observation", "code=lab&_sort=_id", "[oc ra] 2", ""},
		{"a count", reader(search.All{}, "DiagnosticReport"), "Observation", "_summary=count", "[] 3", ""},
		{"a count of them", reader(search.All{}, "DiagnosticReport"), "Observation", "_summary=count&_containedType=contained", "[] 5", ""},
		{"who may not search what is around", reader(search.All{}), "Observation", "_containedType=contained", "[Observation/oc#deep] 1", ""},
		{"one kind only", reader(lab, "DiagnosticReport"), "Observation", "_containedType=contained&_sort=_id", "[DiagnosticReport/ra#in Observation/oc#deep] 2", ""},
		{"around one kind only", reader(lab, "DiagnosticReport"), "Observation", "_sort=_id", "[oc ra] 2", ""},
		{"one kind, asked for another", reader(lab, "DiagnosticReport"), "Observation", "code=vital", "[] 0", ""},
		{"one kind, beside what includes", reader(lab, "DiagnosticReport"), "Observation", "_containedType=contained&code=lab&_include=Observation:derived-from&_sort=_id", "[DiagnosticReport/ra#in Observation/oc#deep] 2", ""},
		{"includes", reader(search.All{}, "DiagnosticReport"), "Observation", "_containedType=contained&code=vital&_include=Observation:derived-from&_revinclude=DiagnosticReport:result", "[DiagnosticReport/rc#in +DiagnosticReport/rc#from +rc] 1", ""},
		{"a type that is not granted", grants{"DiagnosticReport": ofA}, "Observation", "", "", "may not search"},
		{"a policy that says nothing of it", grants{"Observation": ofA, "DiagnosticReport": ofA}, "Observation", "", "[] 0", ""},
		{"a policy that grants all of the type", grants{"Observation": every(search.All{}), "DiagnosticReport": ofA}, "Observation", "code=lab&_sort=_id", "[oc ra] 2", ""},
	} {
		params, err := resources.ParseQuery("_contained=true&" + c.query)
		if err != nil {
			t.Fatal(err)
		}
		page, err := h.Search(t.Context(), c.p, resources.Search{Type: c.typ, Params: params})
		if c.refuse != "" {
			h.wants(c.what, err, fhir.Forbidden)
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", c.what, err)
			continue
		}
		found := []string{}
		for _, v := range page.Matches {
			found = append(found, v.ID)
		}
		for _, v := range page.Included {
			found = append(found, "+"+v.ID)
		}
		if got := fmt.Sprint(found, " ", page.Total); got != c.want {
			t.Errorf("%s: %s, not %s", c.what, got, c.want)
		}
	}
}
