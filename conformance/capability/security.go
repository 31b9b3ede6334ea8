package capability

import (
	models "github.com/samply/golang-fhir-models/fhir-models/fhir"
)

// Security is how callers of the FHIR API say who they are: the endpoints of the authorization server, as absolute URLs; "" for
// one that there is not (SMART App Launch 1.0, "Conformance statement"; clients of 2.x read smart-configuration, which says the
// same).
type Security struct {
	Authorize, Token, Register, Manage, Introspect, Revoke string
}

const (
	securityServices = "http://terminology.hl7.org/CodeSystem/restful-security-service"
	oauthURIs        = "http://fhir-registry.smarthealthit.org/StructureDefinition/oauth-uris"
)

// securityOf is rest.security; nil for a server that asks nobody and no other origin may use.
func securityOf(o Options) *models.CapabilityStatementRestSecurity {
	if o.Security == nil && !o.CrossOrigin {
		return nil
	}
	security := &models.CapabilityStatementRestSecurity{Cors: &o.CrossOrigin}
	if s := o.Security; s != nil {
		code := "SMART-on-FHIR"
		security.Service = []models.CodeableConcept{{
			Coding: []models.Coding{{System: ptr(securityServices), Code: &code, Display: &code}},
			Text:   ptr("OAuth2 using SMART-on-FHIR profile (see http://docs.smarthealthit.org)"),
		}}
		uris := models.Extension{Url: oauthURIs}
		for _, e := range []struct{ name, url string }{
			{"authorize", s.Authorize}, {"token", s.Token}, {"register", s.Register}, {"manage", s.Manage},
			{"introspect", s.Introspect}, {"revoke", s.Revoke},
		} {
			if e.url != "" {
				uris.Extension = append(uris.Extension, models.Extension{Url: e.name, ValueUri: ptr(e.url)})
			}
		}
		security.Extension = []models.Extension{uris}
	}
	return security
}
