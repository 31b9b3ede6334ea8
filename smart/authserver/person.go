package authserver

import (
	"strings"
	"time"

	"fhirside/fhir"
)

// personName is the name of a patient or practitioner as people say it, by the first official or usual one; "" if there is none.
func personName(r *fhir.Resource) string {
	var best fhir.Element
	for name := range r.Get("name").Each() {
		use := name.Get("use")
		switch {
		case use.Is("old"), use.Is("maiden"):
		case !best.Exists(), use.Is("official") && !best.Get("use").Is("official"):
			best = name
		}
	}
	if !best.Exists() {
		return ""
	}
	if text := best.Get("text").Text(); text != "" {
		return text
	}
	var parts []string
	for given := range best.Get("given").Each() {
		parts = append(parts, given.Text())
	}
	return strings.TrimSpace(strings.Join(append(parts, best.Get("family").Text()), " "))
}

// personDetail tells namesakes apart.
func personDetail(r *fhir.Resource) string {
	var parts []string
	birth := r.Get("birthDate").Text()
	if day, err := time.Parse(time.DateOnly, birth); err == nil {
		birth = day.Format("2 January 2006")
	}
	if birth != "" {
		parts = append(parts, "born "+birth)
	}
	if gender := r.Get("gender").Text(); gender != "" && gender != "unknown" {
		parts = append(parts, gender)
	}
	for identifier := range r.Get("identifier").Each() {
		if value := identifier.Get("value").Text(); value != "" {
			parts = append(parts, "no. "+value)
			break
		}
	}
	return strings.Join(parts, ", ")
}
