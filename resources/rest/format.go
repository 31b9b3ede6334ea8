package rest

import (
	"mime"
	"strconv"
	"strings"

	"fhirside/fhir"
)

// jsonTypes are the names of the JSON format, in _format, Accept and Content-Type (http.html#mime-type).
var jsonTypes = map[string]bool{
	"json": true, "application/fhir+json": true, "application/json": true, "text/json": true,
}

// acceptable says whether the client takes what the server serves. _format comes before Accept.
func acceptable(accept, format string) error {
	if format != "" {
		// A "+" that was not escaped in the URL arrives as a space.
		if name, params, err := mime.ParseMediaType(strings.ReplaceAll(format, " ", "+")); err != nil || !jsonTypes[name] || !rightVersion(params) {
			return fhir.Errorf(fhir.NotAcceptable, fhir.CodeNotSupported, "_format=%s is not served; json is", format).At("_format")
		}
		return nil
	}
	if accept == "" || accept == "*/*" {
		return nil
	}
	for part := range strings.SplitSeq(accept, ",") {
		name, params, err := mime.ParseMediaType(part)
		if err != nil {
			continue
		}
		q, given := params["q"]
		if weight, err := strconv.ParseFloat(q, 64); given && (err != nil || weight <= 0) {
			continue
		}
		if (jsonTypes[name] && name != "json" || name == "*/*" || name == "application/*" || name == "text/*") && rightVersion(params) {
			return nil
		}
	}
	return fhir.Errorf(fhir.NotAcceptable, fhir.CodeNotSupported, "none of the formats that the client accepts is served; application/fhir+json is").At("http.Accept")
}

// readable says whether a request body is in a format that the server reads. What says nothing is taken for JSON.
func readable(contentType string) error {
	if contentType == "" {
		return nil
	}
	name, params, err := mime.ParseMediaType(contentType)
	charset := params["charset"]
	if err != nil || !jsonTypes[name] || name == "json" || !rightVersion(params) || charset != "" && !strings.EqualFold(charset, "utf-8") {
		return fhir.Errorf(fhir.UnsupportedMedia, fhir.CodeNotSupported, "bodies of Content-Type %q are not read; send application/fhir+json in UTF-8", contentType).At("http.Content-Type")
	}
	return nil
}

// rightVersion says whether the MIME parameter fhirVersion, if given, names R4 (http.html#version-parameter).
func rightVersion(params map[string]string) bool {
	v, given := params["fhirversion"]
	return !given || v == "4.0" || v == "4.0.1"
}
