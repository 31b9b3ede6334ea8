package index_test

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"fhirside/fhir"
	"fhirside/fhir/fhirtest"
	"fhirside/search"
	"fhirside/search/index"
)

const base = "http://example.org/fhir"

// Each data type is read as the tables of search.html say.
func TestDataTypes(t *testing.T) {
	for _, test := range []struct{ name, resource, param, want string }{
		// token
		{"CodeableConcept", `{"resourceType":"Observation","code":{"coding":[{"system":"http://loinc.org","code":"LA1-2","display":"One"},{"code":"b"},{"system":"urn:s"},{"display":"only"}],"text":"Two words"}}`,
			"code", `http://loinc.org|la1-2~ |b~ urn:s|~ code:text="One" code:text="only" code:text="Two words"`},
		{"Coding", `{"resourceType":"Encounter","class":{"system":"http://terminology.hl7.org/CodeSystem/v3-ActCode","code":"AMB"}}`, "class", `http://terminology.hl7.org/CodeSystem/v3-ActCode|AMB`},
		{"version 2 table", `{"resourceType":"Patient","maritalStatus":{},"communication":[{"language":{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/v2-0001","code":"M"}]}}]}`,
			"language", `http://terminology.hl7.org/CodeSystem/v2-0001|m~`},
		{"Identifier", `{"resourceType":"Patient","identifier":[{"system":"urn:mrn","value":"AbC","type":{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/v2-0203","code":"MR"}],"text":"Record"}},{"value":"7"},{"system":"urn:none"}]}`,
			"identifier", `urn:mrn|abc~ identifier:of-type=http://terminology.hl7.org/CodeSystem/v2-0203|mr|abc~ |7~ urn:none|~ identifier:text="Record"`},
		{"ContactPoint", `{"resourceType":"Patient","telecom":[{"system":"phone","value":"+49 30 1"},{"system":"email","value":"A@x.org"},{"system":"phone"}]}`, "telecom", `|+49 30 1~ |a@x.org~`},
		{"ContactPoint of a kind", `{"resourceType":"Patient","telecom":[{"system":"phone","value":"1"},{"system":"email","value":"a@x.org"}]}`, "email", `|a@x.org~`},
		{"boolean", `{"resourceType":"Patient","active":true}`, "active", `|true~`},
		{"boolean computed", `{"resourceType":"Patient","deceasedDateTime":"2020"}`, "deceased", `|true~`},
		{"boolean computed, false", `{"resourceType":"Patient","deceasedBoolean":false}`, "deceased", `|false~`},
		{"code", `{"resourceType":"Patient","gender":"male"}`, "gender", `http://hl7.org/fhir/administrative-gender|male`},
		{"code unknown to its binding", `{"resourceType":"Patient","gender":"Male"}`, "gender", `|male~`},
		{"string", `{"resourceType":"Device","udiCarrier":[{"deviceIdentifier":"X1"}]}`, "udi-di", `"X1"`},
		{"meta", `{"resourceType":"Patient","meta":{"tag":[{"system":"urn:t","code":"A"}],"security":[{"system":"http://terminology.hl7.org/CodeSystem/v3-Confidentiality","code":"R"}]}}`,
			"_security", `http://terminology.hl7.org/CodeSystem/v3-Confidentiality|R`},
		{"not what it should be", `{"resourceType":"Patient","identifier":"x","active":"yes","telecom":{"value":5}}`, "identifier", `identifier:present=|true`},
		// string
		{"HumanName", `{"resourceType":"Patient","name":[{"family":"van der Berg","given":["José","O'Neil"],"prefix":["Dr."]}]}`,
			"name", `"van der Berg" +der +berg "José"=jose "O'Neil"=oneil "Dr."=dr`},
		{"Address", `{"resourceType":"Patient","address":[{"line":["1 Main St."],"city":"Köln","postalCode":"50667"}]}`,
			"address", `"1 Main St."=1 main st +main +st "Köln"=koln "50667"`},
		{"part", `{"resourceType":"Patient","name":[{"family":"Müller-Lüdenscheidt"}]}`, "family", `"Müller-Lüdenscheidt"=muller ludenscheidt +ludenscheidt`},
		{"markdown is prose", `{"resourceType":"Questionnaire","description":"Ask **first**"}`, "description", `"Ask **first**"=ask first`},
		{"text of a concept", `{"resourceType":"Observation","valueCodeableConcept":{"text":"Blue"}}`, "value-string", `"Blue"`},
		// reference
		{"relative", `{"resourceType":"Observation","subject":{"reference":"Patient/1"}}`, "subject", `→Patient/1`},
		{"versioned", `{"resourceType":"Observation","subject":{"reference":"Patient/1/_history/3"}}`, "subject", `→Patient/1@3`},
		{"our own URL", `{"resourceType":"Observation","subject":{"reference":"http://example.org/fhir/Patient/1"}}`, "subject", `→Patient/1`},
		{"another server's", `{"resourceType":"Observation","subject":{"reference":"http://other.org/fhir/Patient/1/_history/2"}}`, "subject", `→<http://other.org/fhir/Patient/1>@2`},
		{"urn", `{"resourceType":"Observation","subject":{"reference":"urn:uuid:0"}}`, "subject", `→<urn:uuid:0>`},
		{"contained", `{"resourceType":"Observation","contained":[{"resourceType":"Patient","id":"p"}],"subject":{"reference":"#p"}}`, "subject", `→contained.Patient/p subject:present=|true subject/Patient=|#`},
		{"logical", `{"resourceType":"Observation","subject":{"identifier":{"system":"urn:mrn","value":"A"}}}`, "subject", `subject:identifier=urn:mrn|a~ subject:present=|true`},
		{"of a type", `{"resourceType":"Observation","subject":{"reference":"Group/1"}}`, "patient", ``},
		{"of a type by URL", `{"resourceType":"Observation","subject":{"reference":"http://other.org/Patient/1"}}`, "patient", `→<http://other.org/Patient/1>`},
		{"logical, of a system", `{"resourceType":"Observation","subject":{"identifier":{"system":"urn:mrn"}}}`, "subject", `subject:identifier=urn:mrn|~ subject:present=|true`},
		{"of a type by Reference.type", `{"resourceType":"Observation","subject":{"type":"Patient","identifier":{"value":"1"}}}`, "patient", `patient:identifier=|1~ patient:present=|true`},
		{"canonical", `{"resourceType":"QuestionnaireResponse","questionnaire":"http://x.org/Questionnaire/q|2.0#part"}`, "questionnaire", `→<http://x.org/Questionnaire/q>@2.0`},
		{"canonical of ours", `{"resourceType":"QuestionnaireResponse","questionnaire":"http://example.org/fhir/Questionnaire/q"}`, "questionnaire", `→Questionnaire/q →<http://example.org/fhir/Questionnaire/q>`},
		{"canonical, relative", `{"resourceType":"QuestionnaireResponse","questionnaire":"Questionnaire/q"}`, "questionnaire", `→Questionnaire/q`},
		{"uri", `{"resourceType":"ConceptMap","sourceUri":"http://x.org/vs"}`, "source-uri", `→<http://x.org/vs>`},
		{"resource inside", `{"resourceType":"Bundle","entry":[{"resource":{"resourceType":"Composition","id":"c"}},{"resource":{"resourceType":"Patient","id":"p"}}]}`, "composition", `→Composition/c`},
		{"resource inside of another type", `{"resourceType":"Bundle","entry":[{"resource":{"resourceType":"Composition","id":"c"}}]}`, "message", ``},
		// date
		{"date", `{"resourceType":"Patient","birthDate":"1974-12"}`, "birthdate", `1974-12-01T00:00:00Z…1975-01-01T00:00:00Z`},
		{"dateTime", `{"resourceType":"Observation","effectiveDateTime":"2020-01-01T01:00:00+01:00"}`, "date", `2020-01-01T00:00:00Z…2020-01-01T00:00:01Z`},
		{"Period", `{"resourceType":"Observation","effectivePeriod":{"start":"2020","end":"2021-05"}}`, "date", `2020-01-01T00:00:00Z…2021-06-01T00:00:00Z`},
		{"Period without end", `{"resourceType":"Observation","effectivePeriod":{"start":"2020"}}`, "date", `2020-01-01T00:00:00Z…`},
		{"Period without start", `{"resourceType":"Observation","effectivePeriod":{"end":"2020"}}`, "date", `…2021-01-01T00:00:00Z`},
		{"Period without ends", `{"resourceType":"Observation","effectivePeriod":{"id":"x"}}`, "date", ``},
		{"Period backwards", `{"resourceType":"Observation","effectivePeriod":{"start":"2021","end":"2020"}}`, "date", `date:present=|true`},
		{"Timing", `{"resourceType":"Observation","effectiveTiming":{"event":["2020-03-01","2020-01-01"]}}`, "date", `2020-01-01T00:00:00Z…2020-03-02T00:00:00Z`},
		{"Timing with bounds", `{"resourceType":"Observation","effectiveTiming":{"repeat":{"boundsPeriod":{"start":"2020","end":"2021"}}}}`, "date", `2020-01-01T00:00:00Z…2022-01-01T00:00:00Z`},
		{"Timing without either", `{"resourceType":"Observation","effectiveTiming":{"repeat":{"frequency":1}}}`, "date", `date:present=|true`},
		{"no date", `{"resourceType":"Patient","birthDate":"soon"}`, "birthdate", `birthdate:present=|true`},
		// number
		{"integer", `{"resourceType":"MolecularSequence","variant":[{"start":128273725}]}`, "variant-start", `1.28273725e+08`},
		{"decimal", `{"resourceType":"RiskAssessment","prediction":[{"probabilityDecimal":0.10}]}`, "probability", `0.1`},
		{"Range", `{"resourceType":"RiskAssessment","prediction":[{"probabilityRange":{"low":{"value":1},"high":{"value":3}}}]}`, "probability", `1…3`},
		{"Range without end", `{"resourceType":"RiskAssessment","prediction":[{"probabilityRange":{"low":{"value":1}}}]}`, "probability", `1…+Inf`},
		// quantity
		{"Quantity", `{"resourceType":"Observation","valueQuantity":{"value":5.40,"unit":"mg","system":"http://unitsofmeasure.org","code":"mg"}}`, "value-quantity", `5.4 http://unitsofmeasure.org|mg(mg) value-quantity:canonical=5.4e-06 http://unitsofmeasure.org|kg()`},
		{"in a canonical unit", `{"resourceType":"Observation","valueQuantity":{"value":5.40,"system":"http://unitsofmeasure.org","code":"kg"}}`, "value-quantity", `5.4 http://unitsofmeasure.org|kg()`},
		{"below 98.6 [degF]", `{"resourceType":"Observation","valueQuantity":{"value":98.6,"comparator":"<=","system":"http://unitsofmeasure.org","code":"[degF]"}}`, "value-quantity", `-Inf…98.6 http://unitsofmeasure.org|[degF]() value-quantity:canonical=-Inf…37 http://unitsofmeasure.org|Cel()`},
		{"equal but for their units", `{"resourceType":"Observation","valueQuantity":{"value":5,"unit":"kg"},"component":[{"valueQuantity":{"value":5,"system":"http://unitsofmeasure.org","code":"kg"}}]}`,
			"combo-value-quantity", `5 |(kg) 5 http://unitsofmeasure.org|kg()`},
		{"no UCUM code", `{"resourceType":"Observation","valueQuantity":{"value":1,"system":"http://unitsofmeasure.org","code":"lbs"}}`, "value-quantity", `1 http://unitsofmeasure.org|lbs()`},
		{"Range in UCUM units", `{"resourceType":"Condition","onsetRange":{"low":{"value":12,"system":"http://unitsofmeasure.org","code":"mo"},"high":{"value":18,"system":"http://unitsofmeasure.org","code":"mo"}}}`, "onset-age", `12…18 http://unitsofmeasure.org|mo() onset-age:canonical=1…1.5 http://unitsofmeasure.org|a()`},
		{"tuples in canonical units", `{"resourceType":"Observation","code":{"coding":[{"code":"a"}]},"valueQuantity":{"value":1,"system":"http://unitsofmeasure.org","code":"g"}}`,
			"code-value-quantity", `(|a~ / 1 http://unitsofmeasure.org|g()) code-value-quantity:canonical=(|a~ / 0.001 http://unitsofmeasure.org|kg())`},
		{"comparator <", `{"resourceType":"Observation","valueQuantity":{"value":5,"comparator":"<"}}`, "value-quantity", `-Inf…4.999999999999999 |()`},
		{"comparator >=", `{"resourceType":"Observation","valueQuantity":{"value":5,"comparator":">="}}`, "value-quantity", `5…+Inf |()`},
		{"without value", `{"resourceType":"Observation","valueQuantity":{"unit":"mg"}}`, "value-quantity", `value-quantity:present=|true`},
		{"Money", `{"resourceType":"Invoice","totalNet":{"value":7.5,"currency":"EUR"}}`, "totalnet", `7.5 urn:iso:std:iso:4217|EUR()`},
		{"Age", `{"resourceType":"Condition","onsetAge":{"value":40,"system":"http://unitsofmeasure.org","code":"a","unit":"years"}}`, "onset-age", `40 http://unitsofmeasure.org|a(years)`},
		{"Range of quantities", `{"resourceType":"Condition","onsetRange":{"low":{"value":40,"code":"a"},"high":{"value":50,"code":"a"}}}`, "onset-age", `40…50 |a()`},
		{"Range of quantities up to", `{"resourceType":"Condition","onsetRange":{"high":{"value":50,"code":"a"}}}`, "onset-age", `-Inf…50 |a()`},
		{"SampledData", `{"resourceType":"Observation","valueSampledData":{"data":"1 2"}}`, "value-quantity", `value-quantity:present=|true`},
		{"text alone", `{"resourceType":"Observation","code":{"text":"A"}}`, "code", `code:present=|true code:text="A"`},
		{"nothing but extensions", `{"resourceType":"Observation","code":{"id":"1","extension":[{"url":"http://x.example","valueCode":"unknown"}]},"_effectiveDateTime":{"id":"1"}}`, "code", ``},
		// uri
		{"uri", `{"resourceType":"ValueSet","url":"http://x.org/ValueSet/A|1"}`, "url", `<http://x.org/ValueSet/A|1>`},
		{"profiles", `{"resourceType":"Patient","meta":{"profile":["http://x.org/a","http://x.org/b|1"],"source":"urn:s"}}`, "_profile", `<http://x.org/a> <http://x.org/b|1> <http://x.org/b>`},
		{"source", `{"resourceType":"Patient","meta":{"source":"urn:s"}}`, "_source", `<urn:s>`},
		// composite
		{"tuples of one element", `{"resourceType":"Observation","code":{"coding":[{"code":"bp"}]},"component":[{"code":{"coding":[{"code":"sys"},{"code":"s"}]},"valueQuantity":{"value":120}},{"code":{"coding":[{"code":"dia"}]},"valueQuantity":{"value":80}},{"code":{"coding":[{"code":"none"}]}}]}`,
			"component-code-value-quantity", `(|sys~ |s~ / 120 |()) (|dia~ / 80 |())`},
		{"the element and its parts", `{"resourceType":"Observation","code":{"coding":[{"code":"a"}]},"valueQuantity":{"value":1},"component":[{"code":{"coding":[{"code":"b"}]},"valueQuantity":{"value":2}}]}`,
			"combo-code-value-quantity", `(|a~ / 1 |()) (|b~ / 2 |())`},
		{"%resource in a component", `{"resourceType":"MolecularSequence","referenceSeq":{"chromosome":{"coding":[{"code":"8"}]}},"variant":[{"start":1,"end":2},{"start":3}]}`,
			"chromosome-variant-coordinate", `(|8~ / 1 / 2)`},
		{"date and code", `{"resourceType":"Observation","code":{"coding":[{"code":"a"}]},"valueDateTime":"2020"}`, "code-value-date", `(|a~ / 2020-01-01T00:00:00Z…2021-01-01T00:00:00Z)`},
		{"reference and code", `{"resourceType":"DocumentReference","relatesTo":[{"code":"replaces","target":{"reference":"DocumentReference/1"}}]}`,
			"relationship", `(→DocumentReference/1 / http://hl7.org/fhir/document-relationship-type|replaces)`},
		{"position", `{"resourceType":"Location","position":{"longitude":1.50,"latitude":-2}}`, "near", `near:latitude=-2 near:longitude=1.5`},
		// nothing
		{"off the globe", `{"resourceType":"Location","position":{"longitude":181,"latitude":2}}`, "near", ``},
		{"half a position", `{"resourceType":"Location","position":{"latitude":2}}`, "near", ``},
		{"id", `{"resourceType":"Patient","id":"1"}`, "_id", ``},
		{"last updated", `{"resourceType":"Patient","meta":{"lastUpdated":"2020-01-01T00:00:00Z"}}`, "_lastUpdated", ``},
		{"equal ones once", `{"resourceType":"Patient","name":[{"family":"A A"},{"family":"a"},{"family":"A A"}]}`, "family", `"A A" +a "a"`},
	} {
		t.Run(test.name, func(t *testing.T) {
			r, err := fhir.Parse([]byte(test.resource))
			if err != nil {
				t.Fatal(err)
			}
			p := search.R4().Param(r.Type(), test.param)
			if p == nil {
				t.Fatalf("there is no parameter %s", test.param)
			}
			if got := describe(index.New(search.R4(), base+"/").Param(r, p), test.param); got != test.want {
				t.Errorf("\n got %s\nwant %s", got, test.want)
			}
		})
	}
}

// describe writes values in a short form: ~ marks a folded token, + a word inside a text. Texts whose folded form is only that in
// lower case are written without it.
func describe(v index.Values, param string) string {
	var all []string
	add := func(p, format string, args ...any) {
		text := fmt.Sprintf(format, args...)
		if p != param && p != "" {
			text = p + "=" + text
		}
		all = append(all, text)
	}
	for _, e := range v.References {
		target := e.Type + "/" + e.ID
		if e.URL != "" {
			target = "<" + e.URL + ">"
		}
		if e.Version != "" {
			target += "@" + e.Version
		}
		add(e.Param, "→%s", target)
	}
	for _, e := range v.Tokens {
		mark := ""
		if e.Fold {
			mark = "~"
		}
		add(e.Param, "%s|%s%s", e.System, e.Code, mark)
	}
	for _, e := range v.Strings {
		switch {
		case e.Part:
			add(e.Param, "+%s", e.Folded)
		case e.Folded == strings.ToLower(e.Text) || strings.HasSuffix(e.Param, ":text"):
			add(e.Param, "%q", e.Text)
		default:
			add(e.Param, "%q=%s", e.Text, e.Folded)
		}
	}
	for _, e := range v.Dates {
		add(e.Param, "%s…%s", moment(e.Lo), moment(e.Hi))
	}
	for _, e := range v.Numbers {
		add(e.Param, "%s", interval(e))
	}
	for _, e := range v.Quantities {
		add(e.Param, "%s %s|%s(%s)", interval(e.Number), e.System, e.Code, e.Unit)
	}
	for _, e := range v.URIs {
		add(e.Param, "<%s>", e.Value)
	}
	for _, e := range v.Composites {
		var parts []string
		for _, c := range e.Components {
			parts = append(parts, describe(c, ""))
		}
		add(e.Param, "(%s)", strings.Join(parts, " / "))
	}
	return strings.Join(all, " ")
}

func moment(micro int64) string {
	if micro == fhir.BeginningOfTime || micro == fhir.EndOfTime {
		return ""
	}
	return time.UnixMicro(micro).UTC().Format(time.RFC3339Nano)
}

func interval(n index.Number) string {
	if n.Lo == n.Hi {
		return fmt.Sprint(n.Lo)
	}
	if n.Hi == math.Nextafter(5, 0) {
		return fmt.Sprintf("%v…4.999999999999999", n.Lo)
	}
	return fmt.Sprintf("%v…%v", n.Lo, n.Hi)
}

func TestExtractOrder(t *testing.T) {
	r, err := fhir.Parse([]byte(`{"resourceType":"Observation","status":"final","code":{"coding":[{"code":"a","display":"A"}],"text":"T"},"valueString":"v","subject":{"reference":"Patient/1"}}`))
	if err != nil {
		t.Fatal(err)
	}
	v := index.New(search.R4(), "").Extract(r)
	checkOrder(t, "observation", v)
	var params []string
	for _, e := range v.Strings {
		params = append(params, e.Param)
	}
	if want := []string{"code:text", "code:text", "combo-code:text", "combo-code:text", "value-string"}; !slices.Equal(params, want) {
		t.Errorf("strings of %v, want %v", params, want)
	}
}

func TestExtractOfUnknownType(t *testing.T) {
	r, err := fhir.Parse([]byte(`{"resourceType":"Nothing","id":"1"}`))
	if err != nil {
		t.Fatal(err)
	}
	if v := index.New(search.R4(), "").Extract(r); len(v.Tokens)+len(v.URIs) > 0 {
		t.Errorf("an unknown type is indexed: %+v", v)
	}
}

// One Extractor serves many goroutines; what one takes away no other changes.
func TestExtractConcurrently(t *testing.T) {
	var resources []*fhir.Resource
	for _, text := range []string{
		`{"resourceType":"Patient","name":[{"family":"A","given":["B"]}],"identifier":[{"system":"urn:s","value":"1"}]}`,
		`{"resourceType":"Observation","code":{"coding":[{"code":"c","display":"D"}]},"valueQuantity":{"value":1},"subject":{"reference":"Patient/1"}}`,
		`{"resourceType":"Encounter","period":{"start":"2020"},"meta":{"tag":[{"code":"t"}]}}`,
	} {
		r, err := fhir.Parse([]byte(text))
		if err != nil {
			t.Fatal(err)
		}
		resources = append(resources, r)
	}
	extractor := index.New(search.R4(), base)
	var wants []string
	for _, r := range resources {
		wants = append(wants, describe(index.New(search.R4(), base).Extract(r), ""))
	}
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			var kept []index.Values
			for i := range 200 {
				kept = append(kept, extractor.Extract(resources[i%len(resources)]))
			}
			for i, v := range kept {
				if got := describe(v, ""); got != wants[i%len(wants)] {
					t.Errorf("\n got %s\nwant %s", got, wants[i%len(wants)])
					return
				}
			}
		})
	}
	group.Wait()
}

func BenchmarkExtract(b *testing.B) {
	extractor := index.New(search.R4(), base)
	for _, name := range []string{"Observation-blood-pressure.json", "Observation-example.json", "Patient-example.json", "Encounter-f001.json"} {
		r, err := fhir.Parse(fhirtest.File(b, name))
		if err != nil {
			b.Fatal(err)
		}
		b.Run(fmt.Sprintf("%s/%d_bytes", strings.TrimSuffix(name, ".json"), len(r.Bytes())), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				extractor.Extract(r)
			}
		})
	}
}
