// Package resttest holds the HTTP scenarios that the server passes on every store: what a client sends, and status, headers and
// body of what it must get, and what must not be in there.
package resttest
