package scope

import (
	"errors"
	"slices"
	"strings"

	"fhirside/fhir/definitions"
	"fhirside/resources"
	"fhirside/resources/access"
	"fhirside/search"
)

// Level says whose resources a scope is about.
type Level string

const (
	Patient Level = "patient" // those of the patient that the app was launched for
	User    Level = "user"    // those that the user may see
	System  Level = "system"  // all: for backend services
)

// Permissions is a set of interactions.
type Permissions uint8

// letters are those of version 2, in the order in which a scope must have them.
var letters = []struct {
	letter      byte
	interaction access.Interaction
}{{'c', access.Create}, {'r', access.Read}, {'u', access.Update}, {'d', access.Delete}, {'s', access.Search}}

// words are the permissions of version 1.
var words = map[string]string{"read": "rs", "write": "cud", "*": "cruds"}

// Allow says whether the interaction is in the set.
func (p Permissions) Allow(i access.Interaction) bool { return p&(1<<i) != 0 }

// String is the set in the letters of version 2.
func (p Permissions) String() string {
	var b []byte
	for _, l := range letters {
		if p.Allow(l.interaction) {
			b = append(b, l.letter)
		}
	}
	return string(b)
}

// parsePermissions reads letters, each at most once and in order; nothing else is a permission.
func parsePermissions(text string) (p Permissions, ok bool) {
	rest := text
	for _, l := range letters {
		if rest != "" && rest[0] == l.letter {
			p |= 1 << l.interaction
			rest = rest[1:]
		}
	}
	return p, text != "" && rest == ""
}

// Scope is a scope on resources.
type Scope struct {
	Level       Level
	Type        string // a resource type, or "*" for all
	Permissions Permissions
	Query       []search.Parameter // the condition of a granular scope
	text        string
}

// String is the scope as it was asked for, or in the form of version 2 if it has been narrowed since.
func (s Scope) String() string {
	if s.text != "" {
		return s.text
	}
	text := string(s.Level) + "/" + s.Type + "." + s.Permissions.String()
	for i, p := range s.Query {
		text += string("?&"[min(i, 1)]) + queryEscape(p.Name) + "=" + queryEscape(p.Value)
	}
	return text
}

// queryEscape escapes what would end a parameter or a scope, and leaves what people write in searches readable.
func queryEscape(s string) string {
	var b strings.Builder
	for i := range len(s) {
		switch c := s[i]; {
		case c <= ' ' || c >= 0x7f || strings.IndexByte(`%&+#"\=`, c) >= 0:
			const hex = "0123456789ABCDEF"
			b.WriteByte('%')
			b.WriteByte(hex[c>>4])
			b.WriteByte(hex[c&15])
		default:
			b.WriteByte(c)
		}
	}
	return b.String()
}

// parseScope reads a scope on resources.
func parseScope(word string) (Scope, bool) {
	level, rest, ok := strings.Cut(word, "/")
	s := Scope{Level: Level(level), text: word}
	if !ok || s.Level != Patient && s.Level != User && s.Level != System {
		return s, false
	}
	rest, query, granular := strings.Cut(rest, "?")
	var permissions string
	if s.Type, permissions, ok = strings.Cut(rest, "."); !ok || s.Type != "*" && !definitions.IsResource(s.Type) {
		return s, false
	}
	if v1, is := words[permissions]; is && !granular {
		permissions = v1
	}
	if s.Permissions, ok = parsePermissions(permissions); !ok || !granular {
		return s, ok
	}
	var err error
	if s.Query, err = resources.ParseQuery(query); err != nil || len(s.Query) == 0 {
		return s, false
	}
	if s.Type != "*" { // with "*" each type says for itself whether it has such a parameter
		_, err = condition(search.R4(), "", s.Type, s.Query)
	}
	return s, err == nil
}

// condition is the filter of a granular scope for a type.
func condition(registry *search.Registry, base, resourceType string, query []search.Parameter) (search.Filter, error) {
	parsed, err := search.Parse(registry, resourceType, query, search.Options{Base: base, Criteria: true})
	if err != nil {
		return nil, err
	}
	if search.HasLinks(parsed.Filter) { // it would tell of resources to those without a right to them
		return nil, errElsewhere
	}
	return parsed.Filter, nil
}

var errElsewhere = errors.New("the condition of a scope is about the resource itself: no chains, no _has")

// Set is a set of scopes.
type Set struct {
	resource []Scope
	words    []string // the others
}

var errSyntax = errors.New("a scope is words of printable ASCII with single spaces between them")

// Parse reads the scope parameter of OAuth (RFC 6749, section 3.3). It fails only where that is broken; a word that is no scope
// is kept and grants nothing.
func Parse(text string) (Set, error) {
	var set Set
	for i := range len(text) {
		if c := text[i]; c < ' ' || c > '~' || c == '"' || c == '\\' {
			return Set{}, errSyntax
		}
	}
	for word := range strings.FieldsSeq(text) {
		if s, ok := parseScope(word); ok {
			set.add(s)
		} else if !slices.Contains(set.words, word) {
			set.words = append(set.words, word)
		}
	}
	return set, nil
}

// add takes a scope that is not there yet.
func (set *Set) add(s Scope) {
	if !slices.ContainsFunc(set.resource, func(had Scope) bool { return had.String() == s.String() }) {
		set.resource = append(set.resource, s)
	}
}

// known are the words that are scopes without being about resources.
var known = []string{
	"openid", "fhirUser", "profile", "launch", "launch/patient", "launch/encounter", "offline_access", "online_access",
}

// Words are those that are not about resources: "openid", say.
func (set Set) Words() []string { return slices.Clone(set.words) }

// Unknown are the words that are no scopes at all.
func (set Set) Unknown() []string {
	return slices.DeleteFunc(set.Words(), func(w string) bool { return slices.Contains(known, w) })
}

// Has says whether the set has that word.
func (set Set) Has(word string) bool { return slices.Contains(set.words, word) }

// Resource are the scopes on resources.
func (set Set) Resource() []Scope { return slices.Clone(set.resource) }

// String is the set as a scope parameter.
func (set Set) String() string {
	words := set.Words()
	for _, s := range set.resource {
		words = append(words, s.String())
	}
	return strings.Join(words, " ")
}
