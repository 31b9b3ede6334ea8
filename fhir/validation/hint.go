package validation

import (
	"maps"
	"slices"
	"strings"
	"unicode/utf8"

	"fhirside/fhir"
	"fhirside/fhir/definitions"
)

// hint says what an unknown member may have been meant to be; "" where there is no guess.
func (t *table) hint(name string) string {
	if el := t.typ.Element(name); el != nil && el.Choice {
		return ": its name includes its type, " + jsonNames(el)
	}
	plain := strings.TrimPrefix(name, "_")
	if m := t.members[plain]; m != nil && plain != name {
		if m.format != nil {
			return ": " + plain + " has no extensions"
		}
		return ": only primitives have a member with _, the extensions of a " + m.typeName + " stand inside it"
	}
	if near := nearest(name, maps.Keys(t.members)); near != "" {
		return "; did you mean " + near + "?"
	}
	return ""
}

// jsonNames is how an element is written in JSON, with all its types.
func jsonNames(el *definitions.Element) string {
	names := make([]string, len(el.Types))
	for i, t := range el.Types {
		names[i] = jsonName(el, t)
	}
	return alternatives(names)
}

// alternatives lists a few names: "a, b or c".
func alternatives(names []string) string {
	const few = 12
	if len(names) > few {
		return strings.Join(names[:few], ", ") + ", …"
	}
	if len(names) == 1 {
		return names[0]
	}
	last := len(names) - 1
	return strings.Join(names[:last], ", ") + " or " + names[last]
}

// nearest is the known name that a wrong one was most probably meant to be; "" where none is near.
func nearest(wrong string, known func(yield func(string) bool)) string {
	if len(wrong) > 64 {
		return ""
	}
	best, distance := "", 1+max(1, utf8.RuneCountInString(wrong)/3)
	for _, name := range slices.Sorted(known) {
		if d := edits(strings.ToLower(wrong), strings.ToLower(name), distance); d < distance {
			best, distance = name, d
		}
	}
	return best
}

// edits counts the insertions, deletions, replacements and swaps of neighbours between two names (optimal string alignment);
// limit where there are as many or more.
func edits(a, b string, limit int) int {
	if d := len(a) - len(b); d >= limit || -d >= limit {
		return limit
	}
	var rows [3][]int
	for i := range rows {
		rows[i] = make([]int, len(b)+1)
	}
	before, above, row := rows[0], rows[1], rows[2]
	for j := range above {
		above[j] = j
	}
	for i := 1; i <= len(a); i++ {
		row[0] = i
		for j := 1; j <= len(b); j++ {
			same := 1
			if a[i-1] == b[j-1] {
				same = 0
			}
			row[j] = min(above[j]+1, row[j-1]+1, above[j-1]+same)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
		before, above, row = above, row, before
	}
	return min(above[len(b)], limit)
}

// written is a JSON kind with its article.
func written(k fhir.Kind) string {
	switch k {
	case fhir.Null:
		return "null"
	case fhir.Array, fhir.Object:
		return "an " + k.String()
	}
	return "a " + k.String()
}

// clip keeps messages short: it cuts a value that a client sent.
func clip(text string) string {
	const limit = 80
	if len(text) <= limit {
		return text
	}
	return strings.ToValidUTF8(text[:limit], "") + "…"
}
