package guard

import (
	"context"
	"errors"
	"strings"

	"fhirside/smart/token"
)

// Own is a Verifier of what the server's own authorization server issues: issuer is its origin, audience the FHIR base URL.
func Own(keys *token.Keys, issuer, audience string) Verifier {
	return func(ctx context.Context, text string) (Claims, error) {
		t, err := keys.VerifyAccess(ctx, issuer, audience, text)
		switch {
		case errors.Is(err, token.ErrExpired):
			return Claims{}, Expired()
		case errors.Is(err, token.ErrInvalid):
			return Claims{}, Invalid(err)
		case err != nil:
			return Claims{}, err
		case t.Grant == "":
			return Claims{}, Invalid(errors.New("the token names no grant"))
		}
		return Claims{
			Client: t.ClientID, Subject: t.Subject, Scope: t.Scope, Grant: t.Grant, Patient: t.Patient,
			FHIRUser: strings.TrimPrefix(t.FHIRUser, audience+"/"), Expires: t.Expires,
		}, nil
	}
}
