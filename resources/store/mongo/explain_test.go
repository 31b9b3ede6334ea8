package mongo

import (
	"fmt"
	"net/url"
	"strings"
	"testing"

	"go.mongodb.org/mongo-driver/v2/bson"

	"fhirside/fhir"
	"fhirside/resources/store"
	"fhirside/search"
)

// clinic is a population in which every search of the explain test finds something, and in which most resources do not match.
func clinic() (records []store.Record) {
	add := func(format string, args ...any) {
		r, err := fhir.Parse(fmt.Appendf(nil, format, args...))
		if err != nil {
			panic(err)
		}
		version := store.Version{Key: store.Key{Type: r.Type(), ID: r.ID()}, Version: 1, Method: store.Created, Body: r.Bytes()}
		records = append(records, store.Record{Version: version, Values: sharedExtractor().Extract(r)})
	}
	families := []string{"Smith", "Smythe", "Schmidt", "Jones", "Johansson", "Müller", "Garcia", "Nguyen", "Novak", "Rossi"}
	for i := range 60 {
		add(`{"resourceType":"Patient","id":"p%d","active":true,"identifier":[{"system":"urn:mrn","value":"MRN%04d"},{"system":"urn:ssn","value":"%09d"}],
			"name":[{"family":"%s%d","given":["G%c%d"]}],"gender":"%s","birthDate":"%d-03-%02d","generalPractitioner":[{"reference":"Practitioner/d%d"}]}`,
			i, i, i*7919, families[i%10], i/10, 'a'+i%26, i, []string{"male", "female"}[i%2], 1950+i, 1+i%28, i%5)
	}
	for i := range 5 {
		add(`{"resourceType":"Practitioner","id":"d%d","name":[{"family":"Doctor%c"}]}`, i, 'A'+i)
		add(`{"resourceType":"Schedule","id":"s%d","actor":[{"reference":"Practitioner/d%d"}]}`, i, i)
	}
	categories := []string{"vital-signs", "laboratory", "survey"}
	for i := range 1200 {
		add(`{"resourceType":"Observation","id":"o%d","status":"final","subject":{"reference":"Patient/p%d"},"effectiveDateTime":"20%02d-%02d-%02dT%02d:00:00Z",
			"category":[{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/observation-category","code":"%s"}]}],
			"code":{"coding":[{"system":"http://loinc.org","code":"c%d"}],"text":"Test number %d"},"valueQuantity":{"value":%d.%d,"unit":"u%d","system":"http://unitsofmeasure.org","code":"u%d"}}`,
			i, i%60, 10+i%14, 1+i%12, 1+i%28, i%24, categories[i%3], i%40, i%40, i%200, i%10, i%4, i%4)
	}
	for i := range 300 {
		add(`{"resourceType":"Slot","id":"l%d","schedule":{"reference":"Schedule/s%d"},"status":"%s","start":"2024-%02d-%02dT%02d:00:00Z","end":"2024-%02d-%02dT%02d:30:00Z"}`,
			i, i%5, []string{"free", "busy"}[i%2], 1+i/28, 1+i%28, 8+i%9, 1+i/28, 1+i%28, 8+i%9)
		add(`{"resourceType":"Appointment","id":"a%d","status":"%s","start":"2024-%02d-%02dT%02d:00:00Z","end":"2024-%02d-%02dT%02d:30:00Z","participant":[{"actor":{"reference":"Patient/p%d"},"status":"accepted"},{"actor":{"reference":"Practitioner/d%d"},"status":"accepted"}]}`,
			i, []string{"booked", "fulfilled", "cancelled"}[i%3], 1+i/28, 1+i%28, 8+i%9, 1+i/28, 1+i%28, 8+i%9, i%60, i%5)
		add(`{"resourceType":"Encounter","id":"e%d","status":"finished","class":{"system":"http://terminology.hl7.org/CodeSystem/v3-ActCode","code":"AMB"},"subject":{"reference":"Patient/p%d"},"period":{"start":"20%02d-01-%02d","end":"20%02d-0%d-%02d"}}`,
			i, i%60, 10+i%14, 1+i%28, 10+i%14, 1+i%3, 1+i%28)
		add(`{"resourceType":"RiskAssessment","id":"r%d","status":"final","subject":{"reference":"Patient/p%d"},"prediction":[{"probabilityDecimal":0.%03d}]}`, i, i%60, i)
		add(`{"resourceType":"QuestionnaireResponse","id":"q%d","status":"completed","questionnaire":"http://example.org/q/%d%s","subject":{"reference":"Patient/p%d"},"authored":"20%02d-01-01"}`,
			i, i%20, []string{"", "|1", "|2"}[i%3], i%60, 10+i%14)
		add(`{"resourceType":"Questionnaire","id":"u%d","status":"active","url":"http://example.org/q/%d","version":"%d","title":"Intake %d"}`, i, i/3, 1+i%3, i)
		add(`{"resourceType":"ValueSet","id":"v%d","status":"active","url":"http://example.org/%d/vs/%d","name":"Set%d","date":"20%02d-01-01"}`, i, i%20, i, i, 10+i%14)
	}
	for i := range 300 {
		add(`{"resourceType":"MedicationRequest","id":"m%d","status":"active","subject":{"reference":"Patient/p%d"},"authoredOn":"20%02d-01-01","medicationReference":{"reference":"#m"},
			"contained":[{"resourceType":"Medication","id":"m","code":{"coding":[{"code":"k%d"}]},"manufacturer":{"reference":"#o"}},{"resourceType":"Organization","id":"o","name":"Maker%c"}]}`,
			i, i%60, 10+i%14, i%40, 'a'+i%26)
	}
	return records
}

// explained is what MongoDB says of how it ran a query.
type explained struct {
	stages               map[string]bool
	keys, docs, returned int64
	winning              []bson.Raw
}

func explainSearchOf(t *testing.T, s *Store, resourceType, query string, limit int) explained {
	t.Helper()
	values, err := url.ParseQuery(query)
	if err != nil {
		t.Fatal(err)
	}
	var params []search.Parameter
	for pair := range strings.SplitSeq(query, "&") {
		name, _, _ := strings.Cut(pair, "=")
		params = append(params, search.Parameter{Name: name, Value: values[name][0]})
		values[name] = values[name][1:]
	}
	q, err := search.Parse(search.R4(), search.ResourceType(resourceType), params, search.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if search.IsContained(resourceType) {
		q.Filter = search.OnContained(q.Filter)
	}
	v, cancel, err := s.view(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer cancel()
	f := finder{view: v, compiler: newCompiler(resourceType), limit: limit}
	f.sorting = f.sortingOf(q.Sort, isByTime(q.Filter))
	followed, links, err := f.follow(q.Filter)
	if err != nil || len(links) > 0 {
		t.Fatal(links, err)
	}
	p, err := f.planFor(followed, nil)
	if err != nil || p.branches == nil {
		t.Fatalf("%s: %v, %v", query, p, err)
	}
	e := explained{stages: map[string]bool{}}
	for _, command := range f.commands(p) {
		raw, err := s.db.RunCommand(t.Context(), d("explain", command, "verbosity", "executionStats")).Raw()
		if err != nil {
			t.Fatalf("%s: %v\n%v", query, err, command)
		}
		e.add(raw)
	}
	// SecantusDB's explain misjudges $elemMatch with two conditions: what is found is counted.
	for _, err := range f.run(followed, nil) {
		if err != nil {
			t.Fatal(err)
		}
		e.returned++
	}
	return e
}

func (e *explained) add(raw bson.Raw) {
	plan := raw.Lookup("queryPlanner", "winningPlan").Document()
	e.winning = append(e.winning, plan)
	e.walk(plan)
	for field, n := range map[string]*int64{"totalKeysExamined": &e.keys, "totalDocsExamined": &e.docs} {
		of, _ := whole(raw.Lookup("executionStats", field))
		*n += of
	}
}

// walk collects the stages of a plan.
func (e *explained) walk(plan bson.Raw) {
	elements, _ := plan.Elements()
	for _, element := range elements {
		switch value := element.Value(); value.Type {
		case bson.TypeString:
			if element.Key() == "stage" {
				e.stages[value.StringValue()] = true
			}
		case bson.TypeEmbeddedDocument:
			e.walk(value.Document())
		case bson.TypeArray:
			e.walk(bson.Raw(value.Array()))
		}
	}
}

// TestExplain holds every kind of condition and the searches of a clinic to the indexes.
func TestExplain(t *testing.T) {
	s := open(t, Options{})
	all := clinic()
	for len(all) > 0 {
		n := min(400, len(all))
		load(t, s, [][]store.Record{all[:n]})
		all = all[n:]
	}
	const (
		ordered = 1 << iota // by the index: nothing is sorted, and what is examined is what is returned
		walked              // a documented exception: nothing bounds it
	)
	for _, test := range []struct {
		resourceType, query string
		is                  int
	}{
		// The shapes of a clinic.
		{"Observation", "patient=p5&code=http://loinc.org|c5&_sort=-date", ordered},
		{"Observation", "subject=Patient/p5&code=c5&_sort=-date", ordered},
		{"Observation", "patient=p5&category=survey&_sort=-date", ordered},
		{"Observation", "patient=p5&category=survey&date=ge2015", 0},
		{"Observation", "patient=p5&_sort=-date", ordered},
		{"Observation", "code=c5&_sort=-date", ordered},
		{"Observation", "code=c5,c6&_sort=-date", ordered},
		{"Observation", "code=c5&date=ge2021&date=lt2022", ordered},
		{"Observation", "_sort=-date", ordered},
		{"Patient", "identifier=urn:mrn|MRN0007", ordered},
		{"Patient", "identifier=MRN0007", ordered},
		{"Patient", "family=smi", ordered},
		{"Patient", "name=smith", 0},
		{"Patient", "family=schm&birthdate=1952-03-03", 0},
		{"Patient", "_lastUpdated=ge2020-01-01", ordered},
		{"Patient", "_lastUpdated=ge2020-01-01&_sort=_lastUpdated", ordered},
		{"Appointment", "status=booked&date=ge2024-03-01&date=lt2024-04-01&_sort=date", ordered},
		{"Appointment", "actor=Practitioner/d2&status=booked&date=ge2024-03-01&_sort=date", ordered},
		{"Appointment", "patient=p7&_sort=date", ordered},
		{"Slot", "schedule=Schedule/s1&start=ge2024-03-01&start=lt2024-04-01&_sort=start", ordered},
		{"Slot", "schedule=Schedule/s1&status=free&_sort=start", ordered},
		{"Encounter", "patient=p5&date=ge2019", 0},
		{"Patient", "_id=p5,p6", 0},
		// Each type of parameter and its prefixes and modifiers.
		{"Patient", "gender=male", ordered},
		{"Patient", "identifier=urn:mrn|", 0},
		{"Patient", "identifier:missing=false", 0},
		{"Patient", "family=schmidt", 0},
		{"Patient", "family=johansson", 0},
		{"Patient", "family:exact=Smith1", 0},
		{"Patient", "family:contains=hans", walked},
		{"Patient", "general-practitioner=Practitioner/d1", ordered},
		{"Patient", "birthdate=1960-03-11", 0},
		{"Patient", "birthdate=1960", 0},
		{"Patient", "birthdate=gt2005-01-01", 0},
		{"Patient", "birthdate=lt1955", 0},
		{"Patient", "birthdate=ge1970&birthdate=le1975", 0},
		{"Patient", "birthdate=sa2005", 0},
		{"Patient", "birthdate=eb1955", 0},
		{"Patient", "birthdate=ap1960-03-11", 0},
		{"Patient", "birthdate=ne1960", walked},
		{"Patient", "gender:not=male", walked},
		{"Patient", "telecom:missing=true", walked},
		{"Observation", "code:text=test", 0},
		{"Observation", "date=2020", ordered},
		{"Observation", "date=ge2023", 0},
		{"Observation", "date=lt2011", ordered},
		{"Encounter", "date=ge2023", 0},
		{"Encounter", "date=2015-01", 0},
		{"Observation", "value-quantity=5.5", 0},
		{"Observation", "value-quantity=gt195", 0},
		{"Observation", "value-quantity=lt14|http://unitsofmeasure.org|u1", 0},
		{"Observation", "value-quantity=ap50||u2", 0},
		{"Observation", "code-value-quantity=c5$gt100", 0},
		{"Observation", "code-value-quantity=http://loinc.org|c5$5.5", 0},
		{"RiskAssessment", "probability=gt0.290", 0},
		{"RiskAssessment", "probability=0.100", 0},
		{"RiskAssessment", "probability=ge0.100&probability=le0.105", 0},
		{"ValueSet", "url=http://example.org/5/vs/5", ordered},
		{"ValueSet", "url:below=http://example.org/5/", 0},
		{"ValueSet", "url:above=http://example.org/5/vs/5/and/more", ordered},
		// Chains and _has of which few hold.
		{"Observation", "patient.identifier=urn:mrn|MRN0007", ordered},
		{"Patient", "_has:Observation:patient:code=c5", 0},
		{"Patient", "general-practitioner.name=doctorb", ordered},
		{"Observation", "_filter=patient%5Bfamily%20sw%20smi%20and%20gender%20eq%20male%5D.given%20pr%20true", 0},
		{"Observation", "_filter=code-value-quantity%5Bcode%20eq%20c5%5D.value-quantity%20gt%20100", 0},
		{"Patient", "_filter=family%20ge%20%22schmidt%22%20and%20family%20lt%20%22t%22", 0},
		{"Patient", "_filter=gender%20ne%20male", walked},
		{"QuestionnaireResponse", "questionnaire.title=intake%205", ordered},
		{"QuestionnaireResponse", "questionnaire.title=intake%205&status=completed&patient=p17", 0},
		{"Questionnaire", "_has:QuestionnaireResponse:questionnaire:patient=p25", 0},
		// What is contained.
		{"MedicationRequest", "medication.code=k5", ordered},
		{"MedicationRequest", "medication.manufacturer.name=makerc", ordered},
		{"contained.Medication", "code=k5", ordered},
		{"contained.Medication", "manufacturer.name=makerc", ordered},
		{"contained.Organization", "_has:Medication:manufacturer:code=k5", 0},
	} {
		t.Run(test.resourceType+"?"+test.query, func(t *testing.T) {
			e := explainSearchOf(t, s, test.resourceType, test.query, 0)
			t.Logf("%s?%s: keys %d, documents %d, returned %d, %v", test.resourceType, test.query, e.keys, e.docs, e.returned, e.stages)
			switch {
			case e.returned == 0:
				t.Error("finds nothing")
			case e.stages["COLLSCAN"]:
				t.Error("reads the whole collection")
			case test.is == walked:
			case e.keys > 10*e.returned+10 || e.docs > 10*e.returned:
				t.Error("examines too much")
			}
			if test.is == ordered && (e.stages["SORT"] || e.docs > e.returned+e.returned/10+1) {
				t.Errorf("is not in the order of an index: %v", e.winning)
			}
		})
	}
}

// TestIndexes holds collections to what MongoDB allows: 64 indexes, and one array in each.
func TestIndexes(t *testing.T) {
	if n := len(resourceIndexes()) + 1; n > 64 {
		t.Errorf("%d indexes", n)
	}
	arrays := map[string]bool{termsPath: true, pairsPath: true}
	for _, model := range resourceIndexes() {
		n := 0
		for _, e := range model.Keys.(bson.D) {
			if arrays[e.Key] {
				n++
			}
		}
		if n > 1 {
			t.Errorf("the index %v has %d arrays", model.Keys, n)
		}
	}
}
