// Package capability writes the server's CapabilityStatement (capabilitystatement.html). Nothing in it is typed by hand: resource
// types and search parameters come from the registries, interactions from the table of routes that serves them.
package capability
