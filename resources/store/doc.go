// Package store is the interface between FHIR interactions and the databases that keep resources: read by id, search by
// Filter, and commit. It also holds the contract and concurrency suites that every store passes (storetest).
//
// A store knows no FHIR: callers give it a resource's bytes and index values, and it gives back the same bytes.
package store
