// Package state is what the authorization server remembers, as typed records in a store.State: accounts and sessions, clients,
// launches, authorization codes, grants and refresh tokens, and the assertions it has seen. Of codes, tokens, secrets and
// session cookies it keeps only hashes.
package state
