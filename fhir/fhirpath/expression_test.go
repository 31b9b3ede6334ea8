package fhirpath

import (
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"fhirside/fhir"
)

const patient = `{"resourceType":"Patient","id":"p1","meta":{"tag":[{"code":"test"}]},
"contained":[{"resourceType":"Organization","id":"org","name":"Clinic"},{"resourceType":"Practitioner","id":"doc","name":[{"family":"Doe"}]}],
"identifier":[{"system":"urn:x","value":"1"},{"value":"2"}],
"name":[{"use":"official","family":"Chalmers","given":["Peter","James"],"_given":[null,{"extension":[{"url":"http://example.org/nick","valueString":"Jim"}]}]},{"given":["Jim"]}],
"telecom":[{"system":"phone","value":"1"},{"system":"email","value":"a@example.org","period":{"start":"2020"}}],
"birthDate":"1974-12-25","_birthDate":{"id":"b","extension":[{"url":"http://hl7.org/fhir/StructureDefinition/patient-birthTime","valueDateTime":"1974-12-25T14:35:45-05:00"}]},
"_gender":{"extension":[{"url":"http://example.org/absent","valueBoolean":true}]},
"deceasedBoolean":false,"multipleBirthInteger":2,
"generalPractitioner":[{"reference":"Practitioner/d1"},{"reference":"http://example.org/fhir/Organization/7"},{"reference":"#org"},{"type":"PractitionerRole","identifier":{"value":"x"}},{"reference":"urn:uuid:0"},{"reference":"#none"}],
"managingOrganization":{"reference":"#org"}}`

func parsed(t testing.TB, text string) *fhir.Resource {
	t.Helper()
	r, err := fhir.Parse([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestEvaluate(t *testing.T) {
	r := parsed(t, patient)
	for expression, want := range map[string]string{
		// paths
		"name.given":                          "[string Peter, string James, string Jim]",
		"Patient.name.family":                 "[string Chalmers]",
		"Resource.id":                         "[id p1]",
		"DomainResource.meta.tag.code":        "[code test]",
		"Observation.code":                    "[]",
		"Patient.unknown":                     "[]",
		"name[0].given[1]":                    "[string James]",
		"name[7]":                             "[]",
		"name[-1]":                            "[]",
		"Patient.telecom.period.start":        "[dateTime 2020]",
		"resourceType":                        "[]",
		"`Patient`.`name`.`family`":           "[string Chalmers]",
		"name.where(use='official').given":    "[string Peter, string James]",
		"telecom.where(system='email').value": "[string a@example.org]",
		// choices
		"deceased":                       "[boolean false]",
		"multipleBirth":                  "[integer 2]",
		"deceasedBoolean":                "[]",
		"(Patient.deceased as dateTime)": "[]",
		"Patient.deceased.as(boolean)":   "[boolean false]",
		"Patient.deceased.exists() and Patient.deceased != false": "[System.Boolean false]",
		"multipleBirth is integer":                                "[System.Boolean true]",
		"multipleBirth is System.Integer":                         "[System.Boolean false]",
		"multipleBirth + 1":                                       "[System.Integer 3]",
		// primitives and their extensions
		"birthDate":                 "[date 1974-12-25]",
		"birthDate.id":              "[string b]",
		"birthDate.value":           "[System.Date 1974-12-25]",
		"birthDate.extension.value": "[dateTime 1974-12-25T14:35:45-05:00]",
		"birthDate.extension('http://hl7.org/fhir/StructureDefinition/patient-birthTime').value.exists()": "[System.Boolean true]",
		"name.given.extension('http://example.org/nick').value":                                           "[string Jim]",
		"gender":                          "[code ]",
		"gender.hasValue()":               "[System.Boolean false]",
		"gender.extension.value":          "[boolean true]",
		"name.given[1].extension.count()": "[System.Integer 1]",
		// contained resources and references
		"contained.name":                                                            "[string Clinic, HumanName ]",
		"contained.ofType(Organization).name":                                       "[string Clinic]",
		"contained.where($this is Practitioner).name.family":                        "[string Doe]",
		"managingOrganization.resolve().name":                                       "[string Clinic]",
		"generalPractitioner.where(resolve() is Practitioner).reference":            "[string Practitioner/d1]",
		"generalPractitioner.where(resolve() is Organization).reference":            "[string http://example.org/fhir/Organization/7, string #org]",
		"generalPractitioner.where(resolve() is PractitionerRole).identifier.value": "[string x]",
		"generalPractitioner.where(resolve() is Patient)":                           "[]",
		"generalPractitioner.resolve().count()":                                     "[System.Integer 4]",
		"%resource.id | %rootResource.id | %context.id":                             "[id p1]",
		// logic of three values
		"{} and false": "[System.Boolean false]", "{} and true": "[]", "{} or true": "[System.Boolean true]", "{} xor true": "[]",
		"false implies {}": "[System.Boolean true]", "{} implies true": "[System.Boolean true]", "true implies {}": "[]",
		"name.exists().not()": "[System.Boolean false]",
		// functions
		"name.given.distinct().count()":                  "[System.Integer 3]",
		"(name.given | name.given).count()":              "[System.Integer 3]",
		"name.given.combine(name.given).count()":         "[System.Integer 6]",
		"name.given.aggregate($total & $this, '')":       "[System.String PeterJamesJim]",
		"name.given.select($index)":                      "[System.Integer 0, System.Integer 1, System.Integer 2]",
		"name.given.select(substring(0, 1)).join('.')":   "[System.String P.J.J]",
		"repeat(contained).count()":                      "[System.Integer 2]",
		"descendants().ofType(HumanName).count()":        "[System.Integer 3]",
		"children().ofType(Identifier).value":            "[string 1, string 2]",
		"birthDate.children().count()":                   "[System.Integer 2]",
		"birthDate < @1980 and birthDate >= @1974-12-25": "[System.Boolean true]",
		"birthDate = @1974":                              "[]",
		"birthDate ~ @1974":                              "[System.Boolean false]",
		"birthDate + 1 month":                            "[System.Date 1975-01-25]",
		"iif(name.exists(), 'yes', 'no')":                "[System.String yes]",
		"type().name":                                    "[System.String Patient]",
		"(1 | 2.0 | 1.0).count()":                        "[System.Integer 2]",
		"'héllo'.length() | 'héllo'.indexOf('l')":        "[System.Integer 5, System.Integer 2]",
		"'a,b'.split(',').last()":                        "[System.String b]",
		"'2019-02-29'.toDate()":                          "[]",
		"1 'd' = 24 'h'":                                 "[System.Boolean true]",
		"0.1 + 0.2":                                      "[System.Decimal 0.3]",
		"1 / 3 * 3 = 1":                                  "[System.Boolean false]",
		"2147483647 + 1":                                 "[]",
		"now() is DateTime and today() is Date":          "[System.Boolean true]",
		"now() = now()":                                  "[System.Boolean true]",
	} {
		x, err := Compile(expression)
		if err != nil {
			t.Errorf("%s: %v", expression, err)
			continue
		}
		items, err := x.Evaluate(r)
		if err != nil {
			t.Errorf("%s: %v", expression, err)
			continue
		}
		if got := describe(items); got != want {
			t.Errorf("%s gives %s, want %s", expression, got, want)
		}
	}
}

// The name of a choice may be the beginning of another element's.
func TestChoiceAmongLikeNames(t *testing.T) {
	r := parsed(t, `{"resourceType":"SubstanceSpecification","property":[{"amountString":"a lot","_amountString":{"id":"a"}},{"_amountString":{"id":"b"}}],
		"moiety":[{"amountQuantity":{"value":1}}],"relationship":[{"amountRatioLowLimit":{"numerator":{"value":1}},"amountType":{"text":"x"},"amountRange":{"low":{"value":2}}}]}`)
	for expression, want := range map[string]string{
		"property.amount":                                  "[string a lot, string ]",
		"property.amount.id":                               "[string a, string b]",
		"moiety.amount.value":                              "[decimal 1]",
		"relationship.amount.low.value":                    "[decimal 2]",
		"relationship.amountType.text":                     "[string x]",
		"relationship.amountRatioLowLimit.numerator.value": "[decimal 1]",
	} {
		x, err := Compile(expression)
		if err != nil {
			t.Fatal(err)
		}
		items, err := x.Evaluate(r)
		if got := describe(items); err != nil || got != want {
			t.Errorf("%s gives %s, %v, want %s", expression, got, err, want)
		}
	}
}

func TestCompileErrorsSayWhere(t *testing.T) {
	for expression, want := range map[string]string{
		"":                               "line 1, column 1: an expression is wanted",
		"name.":                          "line 1, column 6: an expression is wanted",
		"name.given family":              `line 1, column 12: an operator or the end is wanted here, not "family"`,
		"name.where(use = 'x'":           `line 1, column 21: "," or ")" is wanted`,
		"name\n  .memberOf('x')":         "line 2, column 4: the function memberOf() is not supported",
		"name.first(1)":                  "line 1, column 6: first() takes 0 arguments, not 1",
		"name.substring(1, 2, 3)":        "takes 1 to 2 arguments, not 3",
		"name is Nothing":                "there is no type Nothing",
		"name.ofType(1)":                 "ofType() takes the name of a type",
		"'abc":                           "the text does not end",
		"/* abc":                         "the comment does not end",
		`'\q'`:                           "unknown escape",
		`'\u12'`:                         "four hexadecimal digits",
		"$that":                          "$that is unknown",
		"@2019-13":                       "@2019-13 is neither a date nor a time",
		"a ? b":                          "an operator or the end is wanted",
		"a[1":                            `"]" is wanted`,
		"{1}":                            `"}" is wanted`,
		"a # b":                          "an operator",
		strings.Repeat("(", 1000):        "nests more than",
		strings.Repeat("a.", 1000) + "a": "nests more than",
		strings.Repeat("-", 1000) + "1":  "nests more than",
		"a" + strings.Repeat("+a", 1000): "nests more than",
		strings.Repeat(" ", maxLength+1): "longer than",
		"a\xff":                          "UTF-8",
	} {
		_, err := Compile(expression)
		if e := (*fhir.Error)(nil); !errors.As(err, &e) || e.Reason != fhir.Invalid || !strings.Contains(e.Error(), want) {
			t.Errorf("%.40q: %v, want %s", expression, err, want)
		}
	}
}

func TestEvaluationErrors(t *testing.T) {
	r := parsed(t, patient)
	for expression, want := range map[string]string{
		"name.given.single()":     "line 1, column 12: single() is asked of one item, not of 3",
		"true and name.given":     "true or false is wanted here, not 3 items",
		"name.family < 1":         "cannot be compared by <",
		"name.family + 1":         "+ cannot be applied",
		"name.given[name.family]": "an integer is wanted here, not string",
		"%unknown":                "the variable %unknown is not defined",
		"name.given.length()":     "length() is asked of one item",
		"'a'.matches('(')":        "the regular expression cannot be read",
		"-name.family":            "- stands before a number",
	} {
		x, err := Compile(expression)
		if err == nil {
			_, err = x.Evaluate(r)
		}
		if e := (*fhir.Error)(nil); !errors.As(err, &e) || e.Reason != fhir.Unprocessable || !strings.Contains(e.Error(), want) {
			t.Errorf("%s: %v, want %s", expression, err, want)
		}
	}
}

// What would take for ever, or all memory, ends.
func TestWorkIsBounded(t *testing.T) {
	r := parsed(t, patient)
	start := time.Now()
	for _, expression := range []string{
		"descendants().select(%resource.descendants().select(%resource.descendants().select(%resource.descendants())))",
		"(0 | 1 | 2 | 3 | 4 | 5 | 6 | 7 | 8 | 9).aggregate($total.combine($total).combine($total).combine($total).combine($total).combine($total).combine($total).combine($total).combine($total), 1 | 2)",
		"descendants().aggregate($total & $total, 'long text')",
		"repeat($this.toString() & 'a')",
		"repeat(1 | 2 | 3 | %resource.descendants().repeat(%resource.descendants()))",
	} {
		x, err := Compile(expression)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := x.Evaluate(r); err == nil {
			t.Errorf("%s is evaluated", expression)
		}
	}
	if took := time.Since(start); took > 2*time.Minute {
		t.Errorf("it takes %v", took)
	}
}

func TestEnvironment(t *testing.T) {
	r, org := parsed(t, patient), parsed(t, `{"resourceType":"Organization","id":"7","name":"Seven"}`)
	env := &Environment{
		Variables: map[string][]Item{"org": {Focus(org)}},
		Resolve: func(reference string) *fhir.Resource {
			if reference == "http://example.org/fhir/Organization/7" {
				return org
			}
			return nil
		},
		Now: func() time.Time { return time.Date(2024, 2, 29, 12, 30, 0, 5e8, time.FixedZone("", 3600)) },
	}
	for expression, want := range map[string]string{
		"%org.name":                          "[string Seven]",
		"generalPractitioner.resolve().name": "[string Seven, string Clinic]",
		"now()":                              "[System.DateTime 2024-02-29T12:30:00.500+01:00]",
		"today()":                            "[System.Date 2024-02-29]",
		"timeOfDay()":                        "[System.Time 12:30:00.500]",
		"today() + 1 year":                   "[System.Date 2025-02-28]",
		"%ucum":                              "[System.String http://unitsofmeasure.org]",
		"%`vs-administrative-gender`":        "[System.String http://hl7.org/fhir/ValueSet/administrative-gender]",
	} {
		x, err := Compile(expression)
		if err != nil {
			t.Fatal(err)
		}
		items, err := x.Append(nil, Focus(r), env)
		if got := describe(items); err != nil || got != want {
			t.Errorf("%s gives %s, %v, want %s", expression, got, err, want)
		}
	}
}

// A focus may be an element: a composite's component is relative to one.
func TestFocusOnElement(t *testing.T) {
	r := parsed(t, patient)
	x, err := Compile("value & ' of ' & %resource.id")
	if err != nil {
		t.Fatal(err)
	}
	items, err := x.Append(nil, FocusOn(r.Get("telecom").Index(1), fhir.Element{}, "ContactPoint"), nil)
	if got := describe(items); err != nil || got != "[System.String a@example.org of p1]" {
		t.Errorf("%s, %v", got, err)
	}
}

// An expression is shared by all requests.
func TestEvaluateConcurrently(t *testing.T) {
	r := parsed(t, patient)
	x, err := Compile("name.given.where($this.length() > 2 and (1.50 | 1.5 | 2.0 | 3 | 4 | 5 | 6 | 7 | 8 | 9 | 10 | 11 | 12 | 13 | 14 | 15 | 16 | 17).count() = 17).select($this & iif(birthDate.exists(), '', '!')) | multipleBirth.toDecimal() * 1.50")
	if err != nil {
		t.Fatal(err)
	}
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			for range 50 {
				items, err := x.Evaluate(r)
				if got := describe(items); err != nil || got != "[System.String Peter!, System.String James!, System.String Jim!, System.Decimal 3.00]" {
					t.Errorf("%s, %v", got, err)
					return
				}
			}
		})
	}
	group.Wait()
}

func FuzzExpression(f *testing.F) {
	for _, seed := range []string{
		"Patient.name.where(use = 'official').given.first() & 'x' | {}", "descendants().repeat(children())", "@2015-02-04T14:34:28.123+10:00 + 1 month",
		"(1 | 2).aggregate($this + $total, 0) div 2 mod -1.5", "generalPractitioner.where(resolve() is Practitioner)", "4 days = 1 'wk'",
		"'a\\u00e9'.replaceMatches('(a)', '$1$1').encode('base64')", "iif(a in b, $this, %resource).type().name !~ 3.sqrt().lowBoundary(2)",
	} {
		f.Add(seed)
	}
	r := parsed(f, patient)
	f.Fuzz(func(t *testing.T, expression string) {
		x, err := Compile(expression)
		if err != nil {
			return
		}
		items, _ := x.Evaluate(r)
		for _, it := range items {
			_ = it.Type() + it.Text()
		}
		x.Yields("Patient")
		x.For("Patient")
	})
}

func BenchmarkEvaluate(b *testing.B) {
	r := parsed(b, patient)
	for _, expression := range []string{"Patient.birthDate", "Patient.telecom.where(system='email')", "Patient.generalPractitioner.where(resolve() is Practitioner)", "(Patient.deceased as dateTime)", "Patient.deceased.exists() and Patient.deceased != false"} {
		x, err := Compile(expression)
		if err != nil {
			b.Fatal(err)
		}
		b.Run(expression, func(b *testing.B) {
			var items []Item
			focus := Focus(r)
			b.ReportAllocs()
			for b.Loop() {
				items, _ = x.Append(items[:0], focus, nil)
			}
		})
	}
}
