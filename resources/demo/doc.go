// Package demo makes a synthetic clinic to try the server with: its directory (administration module), schedules and slots
// (workflow module), and patients with their charts and messages (clinical, diagnostics and medications modules).
//
// Nobody in it exists: people and places are drawn from tables, phone numbers are of the fictional 555-01 block, e-mail
// addresses end in .example, and every resource carries the security label HTEST (test health data).
package demo
