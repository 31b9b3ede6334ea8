// Package token makes and reads the tokens that the authorization server signs: access tokens (RFC 9068: JWTs of typ at+jwt, by
// ES256) and id tokens (OpenID Connect Core, section 2, by RS256), and keeps the keys for them. The two have different keys,
// algorithms and types, so that none passes for the other. It knows nothing of grants: whether a token has been revoked is looked
// up by those who ask it.
package token
