package oauth_test

import (
	"testing"

	"fhirside/smart/oauth"
)

func TestStatus(t *testing.T) {
	for code, status := range map[oauth.Code]int{
		oauth.InvalidClient: 401, oauth.InvalidToken: 401, oauth.InsufficientScope: 403, oauth.InvalidGrant: 400, oauth.InvalidRequest: 400,
		oauth.InvalidClientMetadata: 400,
	} {
		if e := oauth.Errorf(code, "because of %d", 1); e.Status != status || e.Error() != string(code)+": because of 1" {
			t.Errorf("%s: %+v", code, e)
		}
	}
}
