package guard

import (
	"maps"
	"net/http"

	"github.com/coreos/go-oidc/v3/oidc"
	"github.com/gin-gonic/gin"
)

// capabilities of SMART that the server has by itself, whoever issues the tokens.
var capabilities = []string{"permission-patient", "permission-user", "permission-v1", "permission-v2"}

// shown are the members of an issuer's discovery document that are also members of smart-configuration.
var shown = map[string]bool{
	"issuer": true, "jwks_uri": true, "authorization_endpoint": true, "token_endpoint": true, "registration_endpoint": true,
	"introspection_endpoint": true, "revocation_endpoint": true, "management_endpoint": true, "grant_types_supported": true,
	"scopes_supported": true, "response_types_supported": true, "code_challenge_methods_supported": true,
	"token_endpoint_auth_methods_supported": true, "token_endpoint_auth_signing_alg_values_supported": true,
}

// configuration is the smart-configuration that points to the issuer (SMART App Launch 2.2, "Conformance"). What launches it knows
// is for the issuer to say: of the capabilities there are only those of the FHIR API.
func configuration(provider *oidc.Provider) (map[string]any, error) {
	document := map[string]any{}
	if err := provider.Claims(&document); err != nil {
		return nil, err
	}
	maps.DeleteFunc(document, func(name string, _ any) bool { return !shown[name] })
	if document["grant_types_supported"] == nil {
		document["grant_types_supported"] = []string{"authorization_code"} // what an issuer that names none has (RFC 8414, section 2)
	}
	if document["code_challenge_methods_supported"] == nil {
		document["code_challenge_methods_supported"] = []string{}
	}
	document["capabilities"] = capabilities
	return document, nil
}

// Mount hangs smart-configuration on the engine that serves the FHIR API.
func (i *Issuer) Mount(r gin.IRouter) {
	serve := func(c *gin.Context) {
		c.Header("Cache-Control", "public, max-age=300")
		c.JSON(http.StatusOK, i.Configuration)
	}
	for _, path := range []string{"/fhir/.well-known/smart-configuration", "/.well-known/smart-configuration"} {
		r.GET(path, serve)
		r.HEAD(path, serve)
	}
}
