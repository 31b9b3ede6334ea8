package capability_test

import (
	"testing"

	"fhirside/conformance/capability"
	"fhirside/fhir"
	"fhirside/fhir/validation"
	"fhirside/search"
)

func TestSecurity(t *testing.T) {
	read := func(o capability.Options) fhir.Element {
		o.Registry, o.Version, o.Formats = search.R4, "1", []string{"json"}
		r, err := fhir.Parse(capability.New(o).For("http://clinic.example/fhir"))
		if err != nil {
			t.Fatal(err)
		}
		for _, issue := range validation.Structure(r) {
			t.Errorf("%s %s at %v", issue.Severity, issue.Diagnostics, issue.Expression)
		}
		return r.Get("rest").Index(0).Get("security")
	}
	if read(capability.Options{}).Exists() {
		t.Error("a server that asks nobody claims security")
	}
	if open := read(capability.Options{CrossOrigin: true}); open.Get("cors").Text() != "true" || open.Get("service").Exists() {
		t.Error("cors alone is not claimed as it is")
	}
	smart := read(capability.Options{Security: &capability.Security{
		Authorize: "http://clinic.example/oauth/authorize", Token: "http://clinic.example/oauth/token", Revoke: "http://clinic.example/oauth/revoke",
	}})
	if smart.Get("cors").Text() != "false" || smart.Get("service").Index(0).Get("coding").Index(0).Get("code").Text() != "SMART-on-FHIR" {
		t.Error("the service is not claimed")
	}
	uris := map[string]string{}
	extension := smart.Get("extension").Index(0)
	for e := range extension.Get("extension").Children() {
		uris[e.Get("url").Text()] = e.Get("valueUri").Text()
	}
	if extension.Get("url").Text() != "http://fhir-registry.smarthealthit.org/StructureDefinition/oauth-uris" || len(uris) != 3 ||
		uris["authorize"] != "http://clinic.example/oauth/authorize" || uris["token"] != "http://clinic.example/oauth/token" || uris["revoke"] != "http://clinic.example/oauth/revoke" {
		t.Errorf("oauth-uris are %v", uris)
	}
}
