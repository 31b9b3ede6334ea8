// Package rest serves the R4 RESTful API over HTTP (http.html) with gin: it maps URLs, headers and bodies to calls of
// resources.Service and results back to status, headers and bodies in JSON or XML. What an interaction means is decided there,
// not here.
//
// It also holds what every HTTP server needs: request ids, logs without health data, metrics, limits, compression, health checks.
package rest
