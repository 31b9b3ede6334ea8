// Package resources is what can be done with resources: one method of Service per interaction of the R4 RESTful API
// (http.html), with its conditional rules, versions, referential integrity and Bundles. It sits between the HTTP handlers
// (resources/rest) and the databases (resources/store).
//
// Every method takes the caller's access.Policy and applies it. The package knows neither URLs' HTTP side nor tokens.
package resources
