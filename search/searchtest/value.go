package searchtest

import (
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"fhirside/fhir"
	"fhirside/search"
	"fhirside/search/index"
)

// valuer draws values for a parameter: what one of the entries near would be found by, what is close to it, and now and then
// what is nowhere.
type valuer struct {
	*asker
	param    *search.Param
	code     string // the Param of the entries
	modifier string
	only     string // the type that :[type] names
	near     []*index.Values
}

// valueSets are lists of codes, and all of a code system.
var valueSets = []string{
	"http://hl7.org/fhir/ValueSet/administrative-gender", "http://hl7.org/fhir/ValueSet/observation-category", "http://loinc.org/vs",
	"http://hl7.org/fhir/ValueSet/observation-status",
}

// hierarchies are codes with others below or above them, and codes without.
var hierarchies = []string{
	"http://terminology.hl7.org/CodeSystem/v3-ActCode|_ActEncounterCode", "http://terminology.hl7.org/CodeSystem/v3-ActCode|AMB",
	"http://terminology.hl7.org/CodeSystem/observation-category|abc", "http://hl7.org/fhir/administrative-gender|male",
}

// value draws one alternative, escaped.
func (v *valuer) value() string {
	switch {
	case v.code == "_id":
		return one(v.asker, "id", append([]string{"gone"}, IDs...))
	case v.code == "_lastUpdated":
		return v.prefix() + v.moment(one(v.asker, "updated", v.updates()))
	case v.modifier == "text":
		return v.text(v.code + ":text")
	case v.modifier == "identifier":
		return v.token(v.code+":identifier", true)
	case v.modifier == "of-type":
		return v.ofType()
	case v.modifier == "in" || v.modifier == "not-in":
		return one(v.asker, "value set", valueSets)
	case v.param.Type == search.TypeReference && v.modifier == "below":
		return one(v.asker, "canonical", canonicalURLs) + one(v.asker, "version", []string{"", "|1", "|1.2", "|1.", "|R"})
	case v.param.Type == search.TypeToken && (v.modifier == "above" || v.modifier == "below"):
		return one(v.asker, "concept", hierarchies)
	}
	switch v.param.Type {
	case search.TypeNumber:
		return v.prefix() + v.number(entries(v, func(n index.Values) []index.Number { return n.Numbers }, func(n index.Number) bool { return n.Param == v.code }))
	case search.TypeDate:
		return v.prefix() + v.date()
	case search.TypeString:
		return v.text(v.code)
	case search.TypeToken:
		return v.token(v.code, v.hasSystem())
	case search.TypeReference:
		return v.reference()
	case search.TypeQuantity:
		return v.quantity()
	case search.TypeURI:
		return v.uri()
	case search.TypeSpecial:
		return v.position()
	default:
		return v.composite()
	}
}

// entries are those of a kind that are near and fit.
func entries[E any](v *valuer, of func(index.Values) []E, fits func(E) bool) []E {
	var all []E
	for _, n := range v.near {
		for _, e := range of(*n) {
			if fits(e) {
				all = append(all, e)
			}
		}
	}
	return all
}

// prefix draws a comparison, or none.
func (v *valuer) prefix() string {
	return one(v.asker, "prefix", []string{"", "eq", "ne", "gt", "lt", "ge", "le", "sa", "eb", "ap"})
}

// escape is how a text is written in a value (search.html#escaping).
func escape(s string) string {
	return strings.NewReplacer(`\`, `\\`, `,`, `\,`, `$`, `\$`, `|`, `\|`).Replace(s)
}

// hasSystem says whether the parameter's tokens may be asked for with a system.
func (v *valuer) hasSystem() bool {
	return slices.ContainsFunc(v.param.ElementTypes, func(t string) bool {
		return t == "code" || t == "Coding" || t == "CodeableConcept" || t == "Identifier"
	})
}

func (v *valuer) token(code string, withSystem bool) string {
	if slices.Equal(v.param.ElementTypes, []string{"boolean"}) {
		return one(v.asker, "boolean", []string{"true", "false"})
	}
	all := entries(v, func(n index.Values) []index.Token { return n.Tokens }, func(e index.Token) bool { return e.Param == code })
	e := one(v.asker, "token", append(all, index.Token{System: "urn:x:y", Code: "gone"}))
	value := escape(one(v.asker, "case", []func(string) string{strings.Clone, strings.ToUpper, strings.ToLower})(e.Code))
	if !withSystem {
		return orGone(value)
	}
	switch below(v.t, 6, "form") {
	case 0, 1:
		return orGone(value)
	case 2:
		return "|" + orGone(value)
	case 3:
		return escape(orGone(e.System)) + "|"
	default:
		if e.System == "" {
			return "|" + orGone(value)
		}
		return escape(e.System) + "|" + value
	}
}

// orGone puts something in the place of nothing, which would be no value.
func orGone(s string) string {
	if s == "" {
		return "gone"
	}
	return s
}

func (v *valuer) ofType() string {
	all := entries(v, func(n index.Values) []index.Token { return n.Tokens }, func(e index.Token) bool { return e.Param == v.code+":of-type" })
	e := one(v.asker, "typed identifier", append(all, index.Token{System: "urn:x:y", Code: "abc|gone"}))
	typ, value, _ := strings.Cut(e.Code, "|")
	return escape(orGone(e.System)) + "|" + orGone(escape(typ)) + "|" + orGone(escape(value))
}

// text draws a part of a text, in some case.
func (v *valuer) text(code string) string {
	all := entries(v, func(n index.Values) []index.String { return n.Strings }, func(e index.String) bool { return e.Param == code })
	e := one(v.asker, "text", append(all, index.String{Text: "gone", Folded: "gone"}))
	runes := []rune(e.Text)
	if e.Part {
		runes = []rune(e.Folded)
	}
	from := 0
	if len(runes) > 0 && v.sometimes(3, "from within") {
		from = below(v.t, len(runes), "from")
	}
	to := len(runes)
	if to > from && v.sometimes(2, "cut") {
		to = from + 1 + below(v.t, to-from, "to")
	}
	return orGone(escape(one(v.asker, "case", []func(string) string{strings.Clone, strings.ToUpper, strings.ToLower})(string(runes[from:to]))))
}

func (v *valuer) reference() string {
	all := entries(v, func(n index.Values) []index.Reference { return n.References }, func(e index.Reference) bool { return e.Param == v.code && !search.IsContained(e.Type) })
	e := one(v.asker, "reference", append(all, index.Reference{Type: firstTarget(v.param), ID: "gone"}))
	if v.only != "" && e.Type == "" {
		return "gone" // a foreign URL may not tell its type
	}
	var forms []string
	if e.Type == "" {
		forms = []string{e.URL}
		if e.Version != "" && !strings.Contains(e.URL, "/fhir/") {
			forms = append(forms, e.URL+`\|`+e.Version, e.URL+"|gone")
		}
	} else {
		local := e.Type + "/" + e.ID
		forms = []string{local, e.ID, Base + "/" + local, local + "/_history/1", local + "/_history/gone"}
	}
	return one(v.asker, "form", forms)
}

func (v *valuer) uri() string {
	all := entries(v, func(n index.Values) []index.URI { return n.URIs }, func(e index.URI) bool { return e.Param == v.code })
	text := one(v.asker, "uri", append(all, index.URI{Value: "http://gone.example"})).Value
	if v.modifier == "" {
		return escape(text)
	}
	if !strings.Contains(text, "://") {
		return "http://x.example/"
	}
	if v.modifier == "above" {
		return escape(text) + one(v.asker, "below it", []string{"", "/x", "x"})
	}
	host := strings.Index(text, "://") + len("://")
	return escape(text[:host+below(v.t, len(text)-host+1, "cut")])
}

// position draws a value of near.
func (v *valuer) position() string {
	return one(v.asker, "latitude", latitudes) + "|" + one(v.asker, "longitude", longitudes) +
		one(v.asker, "distance", []string{"", "|3", "|1500|m", "|0.5|[mi_i]", "|5000|km", "|21000|km"})
}

// number draws a number at or near an end of an entry, with some precision.
func (v *valuer) number(all []index.Number) string {
	e := one(v.asker, "number", append(all, index.Number{Lo: 5.4, Hi: 5.4}))
	value := e.Lo
	if v.sometimes(2, "upper end") {
		value = e.Hi
	}
	if math.IsInf(value, 0) {
		value = 5
	}
	value += one(v.asker, "off by", []float64{0, 0, 0.05, -0.05, 0.5, -0.5, 7})
	return one(v.asker, "digits", []string{
		strconv.FormatFloat(value, 'f', 0, 64), strconv.FormatFloat(value, 'f', 1, 64), strconv.FormatFloat(value, 'f', 3, 64), strconv.FormatFloat(value, 'e', 1, 64),
	})
}

func (v *valuer) quantity() string {
	all := entries(v, func(n index.Values) []index.Quantity { return n.Quantities }, func(e index.Quantity) bool { return e.Param == v.code })
	e := one(v.asker, "quantity", append(all, index.Quantity{System: "urn:x:y", Code: "gone", Unit: "gone"}))
	number := v.prefix() + v.number([]index.Number{e.Number})
	switch below(v.t, 5, "form") {
	case 0, 1:
		return number
	case 2:
		code := e.Code
		if v.sometimes(3, "in another unit") {
			code = one(v.asker, "unit", []string{"mg", "g", "kg", "ug"})
		}
		return number + "|" + escape(e.System) + "|" + orGone(escape(code))
	case 3:
		return number + "||" + orGone(escape(e.Code))
	default:
		return number + "||" + orGone(escape(e.Unit))
	}
}

// date draws a moment at or near an end of an entry, in some precision and zone.
func (v *valuer) date() string {
	all := entries(v, func(n index.Values) []index.Date { return n.Dates }, func(e index.Date) bool { return e.Param == v.code })
	e := one(v.asker, "date", append(all, index.Date{Lo: 1577836800e6, Hi: 1577836801e6}))
	at := e.Lo
	if v.sometimes(2, "upper end") {
		at = e.Hi
	}
	if at == fhir.BeginningOfTime || at == fhir.EndOfTime {
		at = 1577836800e6
	}
	return v.moment(time.UnixMicro(at))
}

func (v *valuer) moment(at time.Time) string {
	at = at.Add(one(v.asker, "off by", []time.Duration{0, 0, -time.Millisecond, time.Second, -time.Minute, 25 * time.Hour}))
	at = at.In(one(v.asker, "zone", []*time.Location{time.UTC, time.FixedZone("", 3600), time.FixedZone("", -5*3600)}))
	return at.Format(one(v.asker, "precision", []string{
		"2006", "2006-01", "2006-01-02", "2006-01-02T15:04Z07:00", "2006-01-02T15:04:05Z07:00", "2006-01-02T15:04:05.000Z07:00",
	}))
}

func (v *valuer) updates() []time.Time {
	all := []time.Time{time.Unix(1577836800, 0)}
	for _, s := range v.world.Subjects() {
		all = append(all, s.Updated)
	}
	return all
}

// composite draws a value per component, from one tuple or from several.
func (v *valuer) composite() string {
	all := entries(v, func(n index.Values) []index.Composite { return n.Composites }, func(e index.Composite) bool { return e.Param == v.code })
	if len(all) == 0 {
		all = append(all, index.Composite{Components: make([]index.Values, len(v.param.Components))})
	}
	tuple := one(v.asker, "tuple", all)
	var parts []string
	for i, component := range v.param.Components {
		if v.sometimes(4, "of another tuple") {
			tuple = one(v.asker, "tuple", all)
		}
		part := &valuer{asker: v.asker, param: component, near: []*index.Values{&tuple.Components[i]}}
		parts = append(parts, part.value())
	}
	return strings.Join(parts, "$")
}
