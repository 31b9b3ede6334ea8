// Package index turns a resource into what searches compare: one Values per resource, computed from its SearchParameters and
// independent of any store. The names of the fields are those of the filters in package search that judge them.
//
// It follows the tables of the R4 search chapter that say which data types each parameter type reads (search.html#token and
// its sisters).
package index
