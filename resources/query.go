package resources

import (
	"net/url"
	"strings"

	"fhirside/fhir"
	"fhirside/search"
)

// ParseQuery reads the query part of a URL, or a form, in the order in which it was written.
func ParseQuery(raw string) ([]search.Parameter, error) {
	var params []search.Parameter
	for raw != "" {
		var pair string
		pair, raw, _ = strings.Cut(raw, "&")
		if pair == "" {
			continue
		}
		name, value, _ := strings.Cut(pair, "=")
		n, err := url.QueryUnescape(name)
		if err == nil {
			value, err = url.QueryUnescape(value)
		}
		if err != nil {
			return nil, fhir.Errorf(fhir.Invalid, fhir.CodeInvalid, "the query has a broken percent-encoding at %q", clip(pair))
		}
		params = append(params, search.Parameter{Name: n, Value: value})
	}
	return params, nil
}

// formatQuery is the inverse of ParseQuery. What search values are made of stays readable.
func formatQuery(params []search.Parameter) string {
	var b strings.Builder
	for i, p := range params {
		if i > 0 {
			b.WriteByte('&')
		}
		b.WriteString(queryEscape(p.Name))
		b.WriteByte('=')
		b.WriteString(queryEscape(p.Value))
	}
	return b.String()
}

// queryEscape escapes what would not survive a query, and leaves the : / , $ of search values as they are.
func queryEscape(s string) string {
	return readable.Replace(url.QueryEscape(s))
}

var readable = strings.NewReplacer("%3A", ":", "%2F", "/", "%2C", ",", "%24", "$")

// clip shortens what a client sent for a message.
func clip(s string) string {
	if len(s) > 80 {
		return strings.ToValidUTF8(s[:80], "") + "…"
	}
	return s
}
