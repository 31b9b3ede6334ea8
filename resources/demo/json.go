package demo

import (
	"fmt"
	"strconv"

	"fhirside/fhir"
)

// object is a JSON object: name, value, name, value, … in order. A value is a string, int, bool, decimal, object or list; empty
// strings, objects and lists are left out, as FHIR wants it. (The typed models write members that were never set.)
type object []any

// list is a JSON array.
type list []any

// decimal is a number with a fixed count of digits behind the point: {725, 1} is 72.5. Whole numbers, because floating point
// rounds differently from one processor to the next.
type decimal struct{ value, digits int }

func (d decimal) String() string {
	text := fmt.Sprintf("%0*d", d.digits+1, max(d.value, -d.value))
	if d.digits > 0 {
		text = text[:len(text)-d.digits] + "." + text[len(text)-d.digits:]
	}
	if d.value < 0 {
		return "-" + text
	}
	return text
}

func empty(v any) bool {
	switch v := v.(type) {
	case string:
		return v == ""
	case object:
		return len(v) == 0
	case list:
		return len(v) == 0
	}
	return v == nil
}

func appendJSON(out []byte, v any) []byte {
	switch v := v.(type) {
	case string:
		return append(out, fhir.Quote(v)...)
	case int:
		return strconv.AppendInt(out, int64(v), 10)
	case bool:
		return strconv.AppendBool(out, v)
	case decimal:
		return append(out, v.String()...)
	case list:
		out = append(out, '[')
		for i, item := range v {
			if i > 0 {
				out = append(out, ',')
			}
			out = appendJSON(out, item)
		}
		return append(out, ']')
	case object:
		out = append(out, '{')
		first := true
		for i := 0; i < len(v); i += 2 {
			if empty(v[i+1]) {
				continue
			}
			if !first {
				out = append(out, ',')
			}
			first = false
			out = append(append(out, fhir.Quote(v[i].(string))...), ':')
			out = appendJSON(out, v[i+1])
		}
		return append(out, '}')
	}
	panic(fmt.Sprintf("demo: %T has no place in a resource", v))
}

// bundle is a transaction Bundle in the making.
type bundle struct {
	name    string
	body    []byte
	entries int
}

func newBundle(format string, number int) *bundle {
	return &bundle{name: fmt.Sprintf(format, number), body: []byte(`{"resourceType":"Bundle","type":"transaction","entry":[`)}
}

// put adds a resource, labelled as test data.
func (b *bundle) put(resourceType, id string, members object) { b.putAs(resourceType, id, "", members) }

// putAs adds a resource that claims a profile.
func (b *bundle) putAs(resourceType, id, profile string, members object) {
	meta := object{"security", list{htest.coding()}}
	if profile != "" {
		meta = append(object{"profile", list{profile}}, meta...)
	}
	if b.entries > 0 {
		b.body = append(b.body, ',')
	}
	b.entries++
	b.body = appendJSON(b.body, object{
		"resource", append(object{"resourceType", resourceType, "id", id, "meta", meta}, members...),
		"request", object{"method", "PUT", "url", resourceType + "/" + id},
	})
}

func (b *bundle) done() Bundle { return Bundle{Name: b.name, Body: append(b.body, "]}"...)} }

// reference points to a resource of the clinic.
func reference(resourceType, id, display string) object {
	return object{"reference", resourceType + "/" + id, "display", display}
}
