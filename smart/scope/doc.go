// Package scope is what SMART scopes grant: scopes of version 1 (patient/Observation.read) and 2
// (patient/Observation.rs?category=laboratory), as a set that can be narrowed to what an app is registered for, and as an
// access.Policy (SMART App Launch 2.2, "Scopes and Launch Context").
//
// A scope string comes in from an authorization request, a client's registration or a token; a policy goes out to resources. A
// word that is no scope this server knows stays in the set, so that it can be seen, and grants nothing.
package scope
