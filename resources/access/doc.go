// Package access says what one caller may do, as search Filters. A Policy answers per resource type and interaction with
// nothing, everything, or a condition; the resources.Service applies the answer to reads, searches, includes, history, writes
// and Bundle entries alike. There is no way around it: every method of the Service takes a Policy.
package access
