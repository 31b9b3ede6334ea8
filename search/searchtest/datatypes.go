package searchtest

import (
	"slices"

	"pgregory.net/rapid"
)

// Base is the URL of the server that the resources live on.
const Base = "http://own.example/fhir"

// The pools. Values that should be told apart, and values that should not be, stand side by side.
var (
	words     = []string{"Berg", "berg", "van der Berg", "Müller", "Mueller", "MULLER", "O'Brien", "Obrien", "Çelik", "Straße", "李", "100%", "a_b", "Anna-Lena", "x"}
	cities    = []string{"Zürich", "Zurich", "Bad Homburg", "Homburg v.d. Höhe", "Å", "Zürich-Altstetten"}
	codes     = []string{"abc", "ABC", "8480-6", "a|b", "c,d", "e$f", `g\h`, "x"}
	systems   = []string{"http://loinc.org", "http://unitsofmeasure.org", "http://terminology.hl7.org/CodeSystem/observation-category", "urn:x:y"}
	displays  = []string{"Blood pressure", "blood Pressure, systolic", "Pulse"}
	days      = []string{"2019", "2020", "2020-02", "2020-02-29", "2020-03-01", "1999-12-31"}
	instants  = []string{"2020-02-29T23:30:00Z", "2020-03-01T00:30:00+01:00", "2020-02-29T23:30:00.5Z", "2020-03-01T00:00:00Z", "2019-12-31T23:59:59-05:00", "2021-06-01T10:00:00.123Z"}
	decimals  = []string{"5", "5.0", "5.4", "5.35", "100", "1e2", "99.5", "110", "90", "-1", "0", "0.001", "0.005"}
	latitudes = []string{"47.37", "47.38", "-16.8", "90", "0"}

	longitudes = []string{"8.54", "8.55", "179.99", "-179.99", "180", "0"}

	canonicalURLs = []string{"http://x.example/plan", "http://x.example/other"}
	canonicals    = []string{"http://x.example/plan", "http://x.example/plan|1", "http://x.example/plan|2#x", "http://x.example/plan|RC", "http://x.example/plan|1.2", "http://x.example/plan|1-a", "http://x.example/other", "PlanDefinition/1", Base + "/PlanDefinition/a"}

	foreign = []string{"http://other.example/fhir/Patient/1", "http://other.example/fhir/Patient/1/_history/2", "urn:uuid:9d4e2a4e-6a46-4d5b-9f2e-0a8b5d1f0a11"}
	uris    = []string{"http://x.example/a", "http://x.example/a/b", "http://x.example/a/b/c", "urn:oid:1.2.3"}
)

// IDs are the ids that resources of any type may have. References also name "gone", which never exists.
var IDs = []string{"1", "2", "10", "a", "A"}

// containable are the types that references to contained resources are to.
var containable = []string{"Patient", "Practitioner", "Organization", "Location", "Observation", "MedicationRequest", "Communication"}

var (
	boolean  = raw("true", "false")
	word     = str(words...)
	date     = str(days...)
	instant  = str(instants...)
	dateTime = oneOf(date, instant)
	decimal  = raw(decimals...)

	coding = object(maybe("system", str(systems...)), always("code", str(codes...)), maybe("display", str(displays...)))
	// concept is a CodeableConcept: codings, text, or both.
	concept    = oneOf(object(always("coding", list(2, coding)), maybe("text", str(displays...))), object(always("text", str(displays...))))
	concepts   = list(2, concept)
	identifier = object(
		maybe("use", str("usual", "old")),
		maybe("type", object(always("coding", list(2, coding)), maybe("text", str(displays...)))),
		maybe("system", str(systems...)),
		always("value", str(codes...)),
	)
	identifiers = list(2, identifier)
	humanName   = object(
		always("family", word),
		maybe("given", list(2, word)),
		maybe("text", word),
	)
	address = object(
		always("city", str(cities...)),
		maybe("use", str("home", "work")),
		maybe("line", list(2, word)),
		maybe("state", str("ZH", "zh", "BE")),
		maybe("postalCode", str("8001", "8002", "80")),
		maybe("country", str("CH", "Schweiz")),
	)
	contactPoint = object(always("system", str("phone", "email")), always("value", str("+41 44 1", "a@x.example", "A@X.example")))
	period       = oneOf(
		object(always("start", str("2019", "2020-01", "2020-02-29T23:30:00Z"))),
		object(always("end", str("2020-02", "2020-03-01", "2021-01-01T00:00:00Z"))),
		object(always("start", str("2019", "2020-01", "2020-02-29T23:30:00Z")), always("end", str("2020-03", "2020-03-01", "2021-01-01T00:00:00Z"))),
	)
	quantity = object(
		always("value", decimal),
		maybe("comparator", str("<", "<=", ">=", ">")),
		maybe("unit", str("mg", "milligram")),
		either(
			func(*rapid.T) string { return "" },
			func(t *rapid.T) string {
				return join(t, []member{always("system", str(systems[1], systems[3])), always("code", str("mg", "g", "kg", "mmol/L"))})
			},
		),
	)
	meta = object(
		always("source", str(uris...)),
		maybe("profile", list(2, str(canonicals...))),
		maybe("tag", list(2, coding)),
		maybe("security", list(1, coding)),
	)
)

// reference draws a Reference to one of the types: mostly to a resource that may exist, at times to one that does not, to
// something elsewhere, or by identifier or name alone.
func reference(types ...string) text {
	var local, contained []string
	for _, t := range types {
		if slices.Contains(containable, t) {
			contained = append(contained, "#1-"+t, "#2-"+t)
		}
		for _, id := range append([]string{"gone"}, IDs...) {
			local = append(local, t+"/"+id)
		}
	}
	literal := func(targets ...string) text {
		return object(always("reference", str(targets...)), maybe("display", word))
	}
	return oneOf(
		literal(local...), literal(local...), literal(local...), literal(local...), literal(local...), literal(local...),
		literal(Base+"/"+local[1], local[2]+"/_history/1"),
		literal(foreign...),
		literal(append(contained, local[0])...),
		object(always("identifier", object(maybe("system", str(systems...)), always("value", str(codes...))))),
		object(always("display", word)),
	)
}
