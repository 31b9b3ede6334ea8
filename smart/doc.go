// Package smart is who is asking and what they may see: SMART App Launch 2.2 on OAuth 2.0 and OpenID Connect. It holds no code
// itself; its rooms are
//
//	scope       what scopes grant, as access.Policy
//	state       what the authorization server remembers
//	token       keys, access tokens and id tokens
//	client      apps: how they are registered and how they prove who they are
//	account     people: passwords, sessions, lockout
//	authserver  the endpoints below /oauth and the discovery documents
//	web         the pages that people see on the way
//	guard       from a request's token to the access.Policy that resources/rest asks for
//	oauth       the errors of OAuth 2.0, which these hand to each other
//	password    how passwords are kept
//	demoapp     an app to try launches with; browsertest launches one in a real browser
//
// A token comes from authserver (or from an external OpenID Connect issuer), guard verifies it and turns its scopes and its
// launch context into a policy, and resources applies that policy. Nothing below this floor knows of tokens.
package smart
