// Package load sends files of resources to a FHIR server: Bundles, NDJSON (Bulk Data) and single resources, in the order of their
// dependencies, several at a time (http.html#transaction). It is a client of the REST API and knows nothing of stores.
package load
