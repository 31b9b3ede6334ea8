package searchtest

import (
	"encoding/json"
	"strings"

	"pgregory.net/rapid"
)

// text draws the JSON text of a value.
type text = *rapid.Generator[string]

// below draws a number in [0, n), each as often: rapid's own numbers and samples prefer what is small or first, which would make
// most searches and resources alike. It shrinks to 0.
func below(t *rapid.T, n int, label string) int {
	x := 0
	for reach := 1; reach < 4*n; reach *= 2 {
		x *= 2
		if rapid.Bool().Draw(t, label) {
			x++
		}
	}
	return x % n
}

// raw draws one of these JSON texts.
func raw(texts ...string) text {
	return rapid.Custom(func(t *rapid.T) string { return texts[below(t, len(texts), "text")] })
}

// str draws one of these strings.
func str(values ...string) text { return rapid.Map(raw(values...), quote) }

// oneOf draws from one of these.
func oneOf(texts ...text) text {
	return rapid.Custom(func(t *rapid.T) string { return texts[below(t, len(texts), "which")].Draw(t, "text") })
}

func quote(s string) string {
	data, err := json.Marshal(s)
	if err != nil {
		panic(err) // strings of this package
	}
	return string(data)
}

// list draws an array of one to most items.
func list(most int, item text) text {
	return rapid.Custom(func(t *rapid.T) string {
		items := []string{item.Draw(t, "item")}
		for range below(t, most, "more") {
			items = append(items, item.Draw(t, "item"))
		}
		return "[" + strings.Join(items, ",") + "]"
	})
}

// member draws `"name":value`, or "" for a member that is left out.
type member func(t *rapid.T) string

func always(name string, value text) member {
	return func(t *rapid.T) string { return quote(name) + ":" + value.Draw(t, name) }
}

// maybe leaves the member out a third of the time.
func maybe(name string, value text) member {
	return func(t *rapid.T) string {
		if below(t, 3, "has "+name) == 0 {
			return ""
		}
		return always(name, value)(t)
	}
}

// either draws one of the members: a choice of types, or a backbone's rule that one of them must be there.
func either(members ...member) member {
	return func(t *rapid.T) string {
		return members[below(t, len(members), "which")](t)
	}
}

// object draws an object of these members.
func object(members ...member) text {
	return rapid.Custom(func(t *rapid.T) string { return "{" + join(t, members) + "}" })
}

func join(t *rapid.T, members []member) string {
	var texts []string
	for _, m := range members {
		if s := m(t); s != "" {
			texts = append(texts, s)
		}
	}
	return strings.Join(texts, ",")
}
