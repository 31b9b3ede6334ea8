// Package mongo is the store that keeps resources as documents in MongoDB (7.0 or newer, a replica set or a sharded cluster).
//
// A resource is one document in the collection of its type, with its index values in it; every version is kept in the
// collection "history"; both are written in one transaction. Searches are compiled from search.Filter to MongoDB queries that
// indexes bound, and what cannot be compiled is refused. See docs/decisions/0003-mongodb-commits.md for what holds between
// commits and readers, and 0004-mongodb-indexes.md for the indexes.
//
// A Filter is evaluated here as search/match evaluates it, which is the meaning of the R4 search chapter (search.html). The
// package knows no FHIR beyond the names of the search parameters that its layout treats specially.
package mongo
