// Package authserver is the authorization server of SMART App Launch 2.2: the endpoints below /oauth and the discovery documents.
//
//	authorize, and the pages on its way   RFC 6749, section 4.1, with PKCE (RFC 7636) and iss (RFC 9207); OpenID Connect Core
//	token                                 RFC 6749, sections 4.1.3, 4.4 and 6; SMART, "Obtain access token" and "Backend Services"
//	introspect, revoke, register          RFC 7662, 7009, 7591
//	launch                                SMART, "Launch App: EHR Launch": how a trusted EHR asks for a launch value
//	discovery                             SMART, "Conformance"; RFC 8414; OpenID Connect Discovery
//
// It decides in which order people are asked, and what an app is granted in the end. How apps prove who they are is client's, how
// people do is account's, what pages look like is web's, and what scopes mean is scope's.
package authserver
