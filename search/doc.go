// Package search is FHIR's query language as one typed tree: a search string is parsed once, against the SearchParameter
// registry, into a Query whose Filter leaves no string to interpret. SQLite and MongoDB compile the tree, search/match evaluates
// it in memory, and access policies are written in it.
//
// It follows the R4 search chapter (search.html). It knows no database and no HTTP.
package search
