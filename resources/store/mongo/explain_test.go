package mongo_test

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"

	"go.mongodb.org/mongo-driver/v2/bson"
	driver "go.mongodb.org/mongo-driver/v2/mongo"

	"fhirside/fhir"
	"fhirside/fhir/definitions"
	"fhirside/resources"
	"fhirside/resources/access"
	"fhirside/resources/store/mongo"
	"fhirside/resources/store/mongo/mongotest"
	"fhirside/search"
)

// What a row of the explain test promises beside that nothing is read without an index.
const (
	// examined: at most ten keys and ten documents are examined for one that is found, in each collection that is asked.
	examined = iota
	// ordered: and nothing is sorted, and what is examined is what is found.
	ordered
	// combined: of several conditions that no index combines at most ten times what the most selective one finds is examined.
	combined
	// walked: a documented exception, that nothing bounds.
	walked
)

// explainRow is a search. Whoever adds a shape of searches adds a row, and to clinic what it finds.
type explainRow struct {
	resourceType, query string
	is                  int
}

// explainRows are the searches of a clinic, and each type of parameter with each prefix and modifier.
var explainRows = []explainRow{
	// The shapes of a clinic.
	{"Observation", "patient=p5&code=http://loinc.org|c5&_sort=-date", ordered},
	{"Observation", "subject=Patient/p5&code=c5&_sort=-date", ordered},
	{"Observation", "patient=p5&category=survey&_sort=-date", ordered},
	{"Observation", "patient=p5&category=survey&date=ge2015", examined},
	{"Observation", "patient=p5&_sort=-date", ordered},
	{"Observation", "code=c5&_sort=-date", ordered},
	{"Observation", "code=c5,c6&_sort=-date", ordered},
	{"Observation", "code=c5&date=ge2021&date=lt2022", ordered},
	{"Observation", "_sort=-date", ordered},
	{"Patient", "identifier=urn:mrn|MRN0007", ordered},
	{"Patient", "identifier=MRN0007", ordered},
	{"Patient", "family=smi", ordered},
	{"Patient", "name=smith", examined},
	{"Patient", "family=schm&birthdate=1952-03-03", examined},
	{"Patient", "_lastUpdated=ge2020-01-01", ordered},
	{"Patient", "_lastUpdated=ge2020-01-01&_sort=_lastUpdated", ordered},
	{"Appointment", "status=booked&date=ge2024-03-01&date=lt2024-04-01&_sort=date", ordered},
	{"Appointment", "actor=Practitioner/d2&status=booked&date=ge2024-03-01&_sort=date", ordered},
	{"Appointment", "patient=p7&_sort=date", ordered},
	{"Slot", "schedule=Schedule/s1&start=ge2024-03-01&start=lt2024-04-01&_sort=start", ordered},
	{"Slot", "schedule=Schedule/s1&status=free&_sort=start", ordered},
	{"Encounter", "patient=p5&date=ge2019", examined},
	{"Patient", "_id=p5,p6", examined},
	// Each type of parameter and its prefixes and modifiers.
	{"Patient", "gender=male", ordered},
	{"Patient", "identifier=urn:mrn|", examined},
	{"Patient", "identifier:missing=false", examined},
	{"Patient", "family=schmidt", examined},
	{"Patient", "family=johansson", examined},
	{"Patient", "family:exact=Smith1", examined},
	{"Patient", "family:contains=hans", walked},
	{"Patient", "general-practitioner=Practitioner/d1", ordered},
	{"Patient", "birthdate=1960-03-11", examined},
	{"Patient", "birthdate=1960", examined},
	{"Patient", "birthdate=gt2005-01-01", examined},
	{"Patient", "birthdate=lt1955", examined},
	{"Patient", "birthdate=ge1970&birthdate=le1975", examined},
	{"Patient", "birthdate=sa2005", examined},
	{"Patient", "birthdate=eb1955", examined},
	{"Patient", "birthdate=ap1960-03-11", examined},
	{"Patient", "birthdate=ne1960", walked},
	{"Patient", "gender:not=male", walked},
	{"Patient", "telecom:missing=true", walked},
	{"Observation", "code:text=test", examined},
	{"Observation", "date=2020", ordered},
	{"Observation", "date=ge2023", examined},
	{"Observation", "date=lt2011", ordered},
	{"Encounter", "date=ge2023", examined},
	{"Encounter", "date=2015-01", examined},
	{"Observation", "value-quantity=5.5", examined},
	{"Observation", "value-quantity=gt195", examined},
	{"Observation", "value-quantity=lt14|http://unitsofmeasure.org|u1", examined},
	{"Observation", "value-quantity=ap50||u2", examined},
	{"Observation", "code-value-quantity=c5$gt100", examined},
	{"Observation", "code-value-quantity=http://loinc.org|c5$5.5", examined},
	{"RiskAssessment", "probability=gt0.290", examined},
	{"RiskAssessment", "probability=0.100", examined},
	{"RiskAssessment", "probability=ge0.100&probability=le0.105", examined},
	{"ValueSet", "url=http://example.org/5/vs/5", ordered},
	{"ValueSet", "url:below=http://example.org/5/", examined},
	{"ValueSet", "url:above=http://example.org/5/vs/5/and/more", ordered},
	// Chains and _has of which few hold.
	{"Observation", "patient.identifier=urn:mrn|MRN0007", ordered},
	{"Patient", "_has:Observation:patient:code=c5", examined},
	{"Patient", "general-practitioner.name=doctorb", ordered},
	{"Observation", "_filter=patient%5Bfamily%20sw%20smi%20and%20gender%20eq%20male%5D.given%20pr%20true", examined},
	{"Observation", "_filter=code-value-quantity%5Bcode%20eq%20c5%5D.value-quantity%20gt%20100", examined},
	{"Patient", "_filter=family%20ge%20%22schmidt%22%20and%20family%20lt%20%22t%22", examined},
	{"Patient", "_filter=gender%20ne%20male", walked},
	{"QuestionnaireResponse", "questionnaire.title=intake%205", ordered},
	{"QuestionnaireResponse", "questionnaire.title=intake%205&status=completed&patient=p17", examined},
	{"Questionnaire", "_has:QuestionnaireResponse:questionnaire:patient=p25", examined},
	// What is contained.
	{"MedicationRequest", "medication.code=k5", ordered},
	{"MedicationRequest", "medication.manufacturer.name=makerc", ordered},
	{"Medication", "code=k5&_contained=true&_containedType=contained", ordered},
	{"Medication", "manufacturer.name=makerc&_contained=true&_containedType=contained", ordered},
	{"Organization", "_has:Medication:manufacturer:code=k5&_contained=true&_containedType=contained", examined},
	{"Patient", "name=smi", ordered},
	// Two ranges of the pairs in one $or, each in order: narrow dates, bounded by the key, and wide ones. MongoDB's planner merges such
	// branches (SORT_MERGE), and the row would be ordered; SecantusDB sorts what it finds, which is one patient's.
	{"Observation", "patient=p5&category=survey&date=ge2015&_sort=-date", examined},
	{"Observation", "patient=p5&code=c5&date=ge2012&date=lt2020&_sort=-date", examined},
	{"Patient", "_lastUpdated=ge2020-01-01&_lastUpdated=lt2100-01-01&_sort=-_lastUpdated", ordered},
	{"Appointment", "status=booked&date=ge2024-03-01&date=lt2024-04-01", ordered},
	{"Observation", "patient=p5&code=c5&_sort=date", examined},
	{"Observation", "patient=p5&_sort=code", combined},
	{"Observation", "status=final&category=survey&date=ge2022", combined},
	{"Observation", "status=final&category=survey&_lastUpdated=ge2020-01-01", combined},
	{"Observation", "_id=o5,o65&patient=p5&category=survey&status=final", combined},
	{"DiagnosticReport", "status=final&result=Observation/o5", combined},
	{"Appointment", "status=fulfilled&actor=Practitioner/d2&patient=p7", combined},
	{"Appointment", "status=fulfilled&date=ge2024-03-01&patient=p7&location:missing=true", combined},
	{"DiagnosticReport", "patient=p5&result=Observation/o5&status=final&date:missing=true", combined},
	{"Patient", "gender=male&birthdate=ge1990", combined},
	{"Patient", "name=smi&gender=male", combined},
	// Modifiers and prefixes that are not above.
	{"Patient", "gender:in=http://hl7.org/fhir/ValueSet/administrative-gender", examined},
	{"Patient", "gender:not-in=http://hl7.org/fhir/ValueSet/observation-status", walked},
	{"Encounter", "class:below=http://terminology.hl7.org/CodeSystem/v3-ActCode|_ActEncounterCode", examined},
	{"Encounter", "class:above=http://terminology.hl7.org/CodeSystem/v3-ActCode|AMB", examined},
	{"Patient", "identifier:of-type=http://terminology.hl7.org/CodeSystem/v2-0203|MR|MRN0007", ordered},
	{"Patient", "family:missing=false", examined},
	{"Patient", "birthdate:missing=false", examined},
	{"Patient", "birthdate=eq1960-03-11", examined},
	{"Observation", "subject:Patient=p5", ordered},
	{"Observation", "subject:missing=false", examined},
	{"DiagnosticReport", "performer:identifier=urn:npi|5", examined},
	{"Location", "organization:below=Organization/g1", examined},
	{"Location", "organization:above=Organization/g20", examined},
	{"Observation", "value-quantity:missing=false", examined},
	{"Observation", "value-quantity=eq5.5", examined},
	{"Observation", "value-quantity=ne5.5", walked},
	{"Observation", "value-quantity=ge195", examined},
	{"Observation", "value-quantity=le3", examined},
	{"Observation", "value-quantity=sa195", examined},
	{"Observation", "value-quantity=eb3", examined},
	{"RiskAssessment", "probability:missing=false", examined},
	{"RiskAssessment", "probability=eq0.100", examined},
	{"RiskAssessment", "probability=ne0.100", walked},
	{"RiskAssessment", "probability=lt0.010", examined},
	{"RiskAssessment", "probability=sa0.290", examined},
	{"RiskAssessment", "probability=eb0.010", examined},
	{"RiskAssessment", "probability=ap0.100", examined},
	{"ValueSet", "url:missing=false", examined},
	{"Location", "near=43.5|8.25|50|km", examined},
	{"Location", "near:missing=false", examined},
	{"Organization", "_tag=urn:tag|t3", examined},
	{"Organization", "_profile=http://example.org/p/3", examined},
	{"Organization", "_security=urn:sec|s3", examined},
	{"Organization", "_source=http://example.org/src/3", examined},
	{"Patient", "_list=b5", examined},
	{"Patient/p5|Observation", "code=c5", examined},
	{"Patient", "_filter=family sw \"smi\" and birthdate ge 1970-01-01", combined},
	// Includes, and chains of several hops.
	{"Observation", "patient=p5&_include=Observation:subject", ordered},
	{"Patient", "_id=p5&_revinclude=Observation:subject&_revinclude=Encounter:patient", examined},
	{"PractitionerRole", "organization=Organization/g9&_include=PractitionerRole:organization&_include:iterate=Organization:partof", examined},
	{"QuestionnaireResponse", "patient=p5&_include=QuestionnaireResponse:questionnaire", examined},
	{"Observation", "patient.general-practitioner.name=doctorb", examined},
	{"Practitioner", "_has:PractitionerRole:practitioner:organization.name=clinic", examined},
	{"Patient", "_has:Observation:patient:_has:DiagnosticReport:result:status=final", examined},
	{"", "_type=Patient,Practitioner&_lastUpdated=ge2020-01-01", examined},
	// Words.
	{"DiagnosticReport", "_text=word5", examined},
	{"DiagnosticReport", "_text=wor", examined},
	{"DiagnosticReport", "_text=word5%20report", combined},
	{"DiagnosticReport", "_text=word5%20OR%20word6", examined},
	{"DiagnosticReport", "_text=report%20NOT%20word5", combined},
	{"Observation", "_content=number&code=c5", combined},
	{"Patient", "_content=mrn0007", examined},
	{"Patient", "_content=schmidt3%20mrn0032", combined},
	{"Observation", "patient._content=mrn0007", examined},
}

// asked are the commands that a search has sent, by collection.
type asked struct {
	mu       sync.Mutex
	commands []bson.Raw
}

func (a *asked) note(command bson.Raw) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if first := command.Index(0).Key(); first == "find" || first == "aggregate" || first == "count" {
		a.commands = append(a.commands, command)
	}
}

// during are the commands that f sends to collections of resources, without what makes them part of a session.
func (a *asked) during(f func()) (commands []bson.D) {
	a.mu.Lock()
	a.commands = nil
	a.mu.Unlock()
	f()
	a.mu.Lock()
	defer a.mu.Unlock()
	kept := []string{"find", "aggregate", "count", "filter", "query", "sort", "limit", "projection", "hint", "pipeline", "cursor", "batchSize", "singleBatch"}
	for _, command := range a.commands {
		name := command.Index(0).Value().StringValue()
		if strings.ToLower(name[:1]) == name[:1] && !strings.HasPrefix(name, "contained.") {
			continue // the clock, what the server keeps for itself
		}
		var plain bson.D
		elements, _ := command.Elements()
		for _, e := range elements {
			if slices.Contains(kept, e.Key()) {
				plain = append(plain, bson.E{Key: e.Key(), Value: e.Value()})
			}
		}
		commands = append(commands, plain)
	}
	return commands
}

// plan is what MongoDB says of how it runs commands on one collection, and what they find.
type plan struct {
	stages            map[string]bool
	keys, docs, found int64
	winning           []string
}

// explain asks MongoDB, and runs the command to count what it finds: SecantusDB's explain misjudges $elemMatch with two conditions.
func explain(t *testing.T, db *driver.Database, command bson.D) (p plan) {
	t.Helper()
	p.stages = map[string]bool{}
	raw, err := db.RunCommand(t.Context(), bson.D{{Key: "explain", Value: command}, {Key: "verbosity", Value: "executionStats"}}).Raw()
	if err != nil {
		t.Fatalf("%v: %v", command, err)
	}
	p.walk(raw)
	if command[0].Key == "count" {
		counted, err := db.RunCommand(t.Context(), command).Raw()
		if err != nil {
			t.Fatalf("%v: %v", command, err)
		}
		p.found, _ = counted.Lookup("n").AsInt64OK()
		return p
	}
	cursor, err := db.RunCommandCursor(t.Context(), command)
	if err != nil {
		t.Fatalf("%v: %v", command, err)
	}
	defer cursor.Close(t.Context())
	for cursor.Next(t.Context()) {
		p.found++
	}
	return p
}

// walk collects the stages of the plan that won, and what was examined.
func (p *plan) walk(doc bson.Raw) {
	elements, _ := doc.Elements()
	for _, e := range elements {
		switch value := e.Value(); {
		case e.Key() == "winningPlan" && value.Type == bson.TypeEmbeddedDocument:
			p.winning = append(p.winning, value.String())
			p.stage(value.Document())
		case e.Key() == "executionStats" && value.Type == bson.TypeEmbeddedDocument:
			keys, _ := value.Document().Lookup("totalKeysExamined").AsInt64OK()
			docs, _ := value.Document().Lookup("totalDocsExamined").AsInt64OK()
			p.keys, p.docs = p.keys+keys, p.docs+docs
		case value.Type == bson.TypeEmbeddedDocument && e.Key() != "command" && e.Key() != "rejectedPlans":
			p.walk(value.Document())
		case value.Type == bson.TypeArray && e.Key() == "stages":
			p.walk(bson.Raw(value.Array()))
		}
	}
}

func (p *plan) stage(doc bson.Raw) {
	elements, _ := doc.Elements()
	for _, e := range elements {
		switch value := e.Value(); value.Type {
		case bson.TypeString:
			if e.Key() == "stage" {
				p.stages[value.StringValue()] = true
			}
		case bson.TypeEmbeddedDocument:
			p.stage(value.Document())
		case bson.TypeArray:
			p.stage(bson.Raw(value.Array()))
		}
	}
}

// explainer runs searches as clients ask for them.
type explainer struct {
	*resources.Service
	db    *driver.Database
	asked *asked
}

func newExplainer(t *testing.T) explainer {
	t.Helper()
	a := &asked{}
	s, err := mongo.Open(t.Context(), mongotest.URI(t), mongo.Watched(a.note))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	mongo.LoadClinic(t, s)
	service := resources.New(resources.Options{Store: s, PageSize: 5000, MaxPage: 5000, Registry: search.R4().WithWords()})
	return explainer{service, s.Database(), a}
}

func (x explainer) params(t *testing.T, query string) []search.Parameter {
	t.Helper()
	params, err := resources.ParseQuery(query)
	if err != nil {
		t.Fatal(err)
	}
	return params
}

// search runs a search and returns what was asked of each collection.
func (x explainer) search(t *testing.T, resourceType, query string) (plans map[string]plan, found int) {
	t.Helper()
	at := resources.Search{Type: resourceType}
	if compartment, of, ok := strings.Cut(resourceType, "|"); ok {
		kind, id, _ := strings.Cut(compartment, "/")
		at = resources.Search{Type: of, Compartment: &resources.Compartment{Type: kind, ID: id}}
	}
	at.Params = x.params(t, query)
	commands := x.asked.during(func() {
		page, err := x.Search(t.Context(), access.Everything, at)
		if err != nil {
			t.Fatal(err)
		}
		found = len(page.Matches)
	})
	plans = map[string]plan{}
	for _, command := range commands {
		name := command[0].Value.(bson.RawValue).StringValue()
		one, all := explain(t, x.db, command), plans[name]
		all.keys, all.docs, all.found = all.keys+one.keys, all.docs+one.docs, all.found+one.found
		all.winning = append(all.winning, one.winning...)
		if all.stages == nil {
			all.stages = map[string]bool{}
		}
		maps.Copy(all.stages, one.stages)
		plans[name] = all
	}
	return plans, found
}

// most is how many resources the most selective of several conditions finds.
func (x explainer) most(t *testing.T, resourceType, query string) (least int64) {
	t.Helper()
	least = -1
	for part := range strings.SplitSeq(query, "&") {
		if strings.HasPrefix(part, "_sort") || strings.HasPrefix(part, "_total") || strings.HasPrefix(part, "_include") || strings.HasPrefix(part, "_revinclude") {
			continue
		}
		if _, n := x.search(t, resourceType, part); least < 0 || int64(n) < least {
			least = int64(n)
		}
	}
	return least
}

// TestExplain holds every kind of condition and the searches of a clinic to the indexes: all commands that they send.
func TestExplain(t *testing.T) {
	x := newExplainer(t)
	for _, row := range explainRows {
		t.Run(row.resourceType+"?"+row.query, func(t *testing.T) {
			plans, found := x.search(t, row.resourceType, row.query)
			if found == 0 {
				t.Error("finds nothing")
			}
			limit := int64(-1)
			if row.is == combined {
				limit = 10*x.most(t, row.resourceType, row.query) + 10
			}
			for name, p := range plans {
				t.Logf("%s: keys %d, documents %d, found %d, %v", name, p.keys, p.docs, p.found, slices.Sorted(maps.Keys(p.stages)))
				p.hold(t, name, row, limit)
			}
		})
	}
}

// hold holds what was asked of a collection to what a row promises.
func (p plan) hold(t *testing.T, name string, row explainRow, limit int64) {
	t.Helper()
	main := strings.TrimPrefix(name, "contained.") == row.resourceType || strings.HasSuffix(row.resourceType, "|"+name)
	switch {
	case p.stages["COLLSCAN"]:
		t.Errorf("%s: reads the whole collection: %v", name, p.winning)
	case row.is == walked && main:
	case row.is == combined && main:
		if p.keys > limit || p.docs > limit {
			t.Errorf("%s: examines %d keys and %d documents, more than %d", name, p.keys, p.docs, limit)
		}
	case p.keys > 10*p.found+10 || p.docs > 10*p.found+1:
		t.Errorf("%s: examines too much: %v", name, p.winning)
	}
	if row.is == ordered && main && (p.stages["SORT"] || p.docs > p.found+p.found/10+1) {
		t.Errorf("%s: is not in the order of an index: %v", name, p.winning)
	}
}

// TestWhatLeads: of conditions that the same index serves the one that is likely to find the fewest stands first. MongoDB
// tries them all; SecantusDB takes the first.
func TestWhatLeads(t *testing.T) {
	x := newExplainer(t)
	many := "encounter=Encounter/e0"
	for i := range 200 {
		many += fmt.Sprintf(",Encounter/e%d", i+1)
	}
	for _, row := range []struct{ resourceType, query, first, then string }{
		{"Observation", "encounter=Encounter/e0,Encounter/e1&date=ge2020-01-01", `"encounter&Encounter/e0"`, `"index.key"`},
		{"Observation", many + "&date=ge2020-01-01", `"index.key"`, `"encounter&Encounter/e0"`},
		{"DiagnosticReport", "status=final&result=Observation/o5", `"result&Observation/o5"`, `"status(final"`},
		{"Patient", "gender=male&general-practitioner=Practitioner/d1&identifier=MRN0007", `"identifier(MRN0007"`, `"general-practitioner&Practitioner/d1"`},
		{"Patient", "gender=male&general-practitioner=Practitioner/d1", `"general-practitioner&Practitioner/d1"`, `"gender(male"`},
		{"Patient", "gender=male&name=smith", `"name+smit"`, `"gender(male"`},
		{"Patient", "gender=male&_lastUpdated=ge2020-01-01", `"updated"`, `"gender(male"`},
		{"Patient", "gender=male&_id=p1,p3", `"_id"`, `"gender(male"`},
		{"Observation", "status=final&code=c5&_lastUpdated=ge2020-01-01", `"code)c5"`, `"updated"`},
	} {
		commands := x.asked.during(func() {
			at := resources.Search{Type: row.resourceType, Params: x.params(t, row.query)}
			if _, err := x.Search(t.Context(), access.Everything, at); err != nil {
				t.Fatal(err)
			}
		})
		for _, command := range commands {
			text, err := bson.MarshalExtJSON(command, false, false)
			if err != nil {
				t.Fatal(err)
			}
			first, then := strings.Index(string(text), row.first), strings.Index(string(text), row.then)
			if first < 0 || then < first {
				t.Errorf("%s?%s: %s does not stand before %s in %s", row.resourceType, row.query, row.first, row.then, text)
			}
		}
	}
}

// TestFewAreTested: where the other conditions leave a batch, a _has is asked of these, and what it is about is not read first.
func TestFewAreTested(t *testing.T) {
	x := newExplainer(t)
	at := resources.Search{Type: "Observation", Params: x.params(t, "code=c5&_has:DiagnosticReport:result:status=final")}
	commands := x.asked.during(func() {
		if page, err := x.Search(t.Context(), access.Everything, at); err != nil || len(page.Matches) != 1 {
			t.Fatalf("found %d (%v)", len(page.Matches), err)
		}
	})
	for _, command := range commands {
		if text := fmt.Sprint(command); strings.Contains(text, "DiagnosticReport") && !strings.Contains(text, "result&Observation/") {
			t.Errorf("reads what the _has is about: %s", text)
		}
	}
}

// TestExplainedAll: the rows have each type of parameter with each of its prefixes and modifiers.
func TestExplainedAll(t *testing.T) {
	have := map[string]bool{}
	for _, row := range explainRows {
		for pair := range strings.SplitSeq(row.query, "&") {
			name, value, _ := strings.Cut(pair, "=")
			code, modifier, _ := strings.Cut(name, ":")
			_, of, inCompartment := strings.Cut(row.resourceType, "|")
			if !inCompartment {
				of = row.resourceType
			}
			param := search.R4().Param(of, code)
			if param == nil {
				have[name] = true
				continue
			}
			if modifier != "" && strings.ToUpper(modifier[:1]) == modifier[:1] {
				modifier = "[type]"
			}
			have[string(param.Type)+":"+modifier] = true
			if len(value) > 2 {
				have[string(param.Type)+" "+value[:2]] = true
			}
		}
	}
	want := map[string]bool{}
	for _, resourceType := range definitions.ResourceTypes() {
		for _, param := range search.R4().Params(resourceType) {
			for _, modifier := range search.Modifiers(param) {
				want[string(param.Type)+":"+modifier] = true
			}
		}
	}
	for _, kind := range []search.ParamType{search.TypeDate, search.TypeNumber, search.TypeQuantity} {
		for _, prefix := range []string{"eq", "ne", "gt", "lt", "ge", "le", "sa", "eb", "ap"} {
			want[string(kind)+" "+prefix] = true
		}
	}
	for _, kind := range []search.ParamType{search.TypeToken, search.TypeString, search.TypeReference, search.TypeURI, search.TypeComposite, search.TypeSpecial} {
		want[string(kind)+":"] = true
	}
	for name := range want {
		if !have[name] {
			t.Errorf("no row has %q", name)
		}
	}
}

// maxIndexes is what MongoDB allows a collection.
const maxIndexes = 64

// TestIndexes counts the indexes of every collection that there is, also after a search parameter was added, by which searches are held to
// an index like any other: MongoDB allows 64 indexes, and one array in each.
func TestIndexes(t *testing.T) {
	x := newExplainer(t)
	arrays := 0
	indexes := func() (count map[string]int) {
		t.Helper()
		names, err := x.db.ListCollectionNames(t.Context(), bson.D{})
		if err != nil {
			t.Fatal(err)
		}
		count = map[string]int{}
		for _, name := range names {
			specs, err := x.db.Collection(name).Indexes().ListSpecifications(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			for _, spec := range specs {
				n := x.arraysIn(t, name, spec.KeysDocument)
				if arrays += n; n > 1 {
					t.Errorf("the index %s of %s has %d arrays", spec.Name, name, n)
				}
			}
			if count[name] = len(specs); len(specs) > maxIndexes {
				t.Errorf("%s has %d indexes", name, len(specs))
			}
		}
		return count
	}
	before := indexes()
	if len(before) < 15 || arrays < 10 {
		t.Errorf("only %d arrays in %v", arrays, before)
	}
	ctx := context.WithoutCancel(t.Context())
	for i := range 3 {
		parameter, err := fhir.Parse(fmt.Appendf(nil, `{"resourceType":"SearchParameter","id":"own%[1]d","url":"http://example.org/sp/%[1]d","name":"own%[1]d","status":"active","description":"d",
			"code":"own%[1]d","base":["Patient"],"type":"token","expression":"Patient.identifier.where(system='urn:ssn')"}`, i))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := x.Update(ctx, access.Everything, "SearchParameter", parameter.ID(), parameter, resources.Conditions{}); err != nil {
			t.Fatal(err)
		}
		if _, _, err := x.ReindexParameter(ctx, access.Everything, parameter.ID()); err != nil {
			t.Fatal(err)
		}
	}
	if err := x.Reindex(ctx, nil); err != nil {
		t.Fatal(err)
	}
	after := indexes()
	delete(after, "SearchParameter")
	for name, n := range after {
		if was, ok := before[name]; ok && was != n {
			t.Errorf("%s has %d indexes, and had %d", name, n, was)
		}
	}
	plans, found := x.search(t, "Patient", "own1=urn:ssn|000007919&own2:missing=false")
	if found != 1 {
		t.Errorf("found %d", found)
	}
	for name, p := range plans {
		p.hold(t, name, explainRow{"Patient", "own1", ordered}, 0)
	}
}

// arraysIn is how many fields of an index are arrays in some document.
func (x explainer) arraysIn(t *testing.T, name string, keys bson.Raw) (n int) {
	t.Helper()
	fields, _ := keys.Elements()
	for _, f := range fields {
		is := bson.D{{Key: f.Key(), Value: bson.D{{Key: "$type", Value: "array"}}}}
		found, err := x.db.Collection(name).CountDocuments(t.Context(), is)
		if err != nil {
			t.Fatal(err)
		}
		if found > 0 {
			n++
		}
	}
	return n
}
