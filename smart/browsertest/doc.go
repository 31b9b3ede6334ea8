// Package browsertest holds the test that SMART's own JavaScript client, fhirclient, is launched against the server in a real
// browser (SMART App Launch 2.2, "App launch and authorization"). It has no code of its own.
package browsertest
