package fhir

import "strings"

// Reference is what Reference.reference, a canonical, or a search value for them says (references.html).
type Reference struct {
	Base     string // of an absolute RESTful URL, without the last slash: "http://example.org/fhir"
	Type, ID string // of a RESTful reference: [Base/]Type/ID[/_history/Version]
	Version  string // of a versioned reference, or behind the | of a canonical
	Fragment string // "#id" names a contained resource (Type and ID are then empty)
	URL      string // anything that is no RESTful reference: urn:uuid:…, a canonical; without version and fragment
}

// ParseReference takes a reference apart. It does not fail: what has no RESTful form is a URL.
func ParseReference(text string) Reference {
	if id, ok := strings.CutPrefix(text, "#"); ok {
		return Reference{Fragment: id}
	}
	if strings.HasPrefix(text, "urn:") {
		return Reference{URL: text}
	}
	path, version, versioned := strings.Cut(text, "/_history/")
	if !versioned || ValidID(version) {
		if i := strings.LastIndexByte(path, '/'); i > 0 && ValidID(path[i+1:]) {
			base, typ := "", path[:i]
			if j := strings.LastIndexByte(typ, '/'); j >= 0 {
				base, typ = typ[:j], typ[j+1:]
			}
			if isTypeName(typ) && (base == "" && !strings.HasPrefix(text, "/") || strings.Contains(base, "://")) {
				return Reference{Base: base, Type: typ, ID: path[i+1:], Version: version}
			}
		}
	}
	url, version, _ := strings.Cut(text, "|")
	url, fragment, _ := strings.Cut(url, "#")
	if fragment == "" {
		version, fragment, _ = strings.Cut(version, "#")
	}
	return Reference{URL: url, Version: version, Fragment: fragment}
}

// Local is Type/ID.
func (r Reference) Local() string { return r.Type + "/" + r.ID }

// isTypeName says whether a path segment has the form of a resource type.
func isTypeName(s string) bool {
	if s == "" || s[0] < 'A' || s[0] > 'Z' {
		return false
	}
	for i := 1; i < len(s); i++ {
		if c := s[i] | 0x20; c < 'a' || c > 'z' {
			return false
		}
	}
	return true
}

// ValidID says whether the text is a FHIR id: 1 to 64 letters, digits, "-" and "." (datatypes.html#id).
func ValidID(s string) bool {
	if len(s) < 1 || len(s) > 64 {
		return false
	}
	for i := 0; i < len(s); i++ {
		c := s[i]
		if (c|0x20 < 'a' || c|0x20 > 'z') && (c < '0' || c > '9') && c != '-' && c != '.' {
			return false
		}
	}
	return true
}
