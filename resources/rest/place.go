package rest

import (
	"net/http"
	"slices"
	"strings"

	"github.com/gin-gonic/gin"

	"fhirside/fhir"
)

// The routes' wildcards also match the names that FHIR reserves: those that begin with "_" or "$", and metadata in the place of a
// type. No type and no id is called so; where such a name stands in the place of one, the method or the operation is not served there.

// typeWildcard is that of resource types.
const typeWildcard = "type"

// reserved says whether a segment of a path is such a name.
func reserved(wildcard, segment string) bool {
	return segment != "" && (segment[0] == '_' || segment[0] == '$') || wildcard == typeWildcard && segment == "metadata"
}

// checkPlace refuses requests that were matched by a wildcard's mistake.
func checkPlace(c *gin.Context) error {
	if slices.ContainsFunc(c.Params, func(p gin.Param) bool { return reserved(p.Key, p.Value) }) {
		return misplaced(c)
	}
	return nil
}

// misplaced is the refusal of a request that no route is meant for.
func misplaced(c *gin.Context) error {
	path, ok := strings.CutPrefix(c.Request.URL.Path, Path)
	switch others := c.Writer.Header().Get("Allow"); {
	case ok:
	case others != "":
		return fhir.Errorf(fhir.MethodNotAllowed, fhir.CodeNotSupported, "%s is not supported here, but %s", c.Request.Method, others)
	default:
		return fhir.Errorf(fhir.NotFound, fhir.CodeNotSupported, "nothing is served at this URL; the FHIR API is below %s", Path)
	}
	segments := strings.Split(path, "/")
	if methods := methodsAt(segments); methods != nil {
		allowed := strings.Join(methods, ", ")
		c.Header("Allow", allowed)
		if c.Request.Method == http.MethodOptions { // which asks for nothing else (RFC 9110, section 9.3.7)
			c.Status(http.StatusNoContent)
			return nil
		}
		return fhir.Errorf(fhir.MethodNotAllowed, fhir.CodeNotSupported, "%s is not supported here, but %s", c.Request.Method, allowed)
	}
	if last := segments[len(segments)-1]; strings.HasPrefix(last, "$") {
		return fhir.Errorf(fhir.NotFound, fhir.CodeNotSupported, "there is no operation %s here", shown(last))
	}
	return fhir.Errorf(fhir.NotFound, fhir.CodeNotSupported, "nothing is served at this URL")
}

// methodsAt are those that the routes for a path have; nil where there are none.
func methodsAt(segments []string) (methods []string) {
	for _, r := range routes {
		if !matches(strings.Split(r.path, "/"), segments) || slices.Contains(methods, r.method) {
			continue
		}
		methods = append(methods, r.method)
		if r.method == http.MethodGet {
			methods = append(methods, http.MethodHead)
		}
	}
	return methods
}

func matches(pattern, segments []string) bool {
	return slices.EqualFunc(pattern, segments, func(p, s string) bool {
		wildcard, ok := strings.CutPrefix(p, ":")
		return p == s || ok && s != "" && !reserved(wildcard, s)
	})
}

// shown is a name in a message: not longer than names are.
func shown(name string) string {
	const limit = 64
	if len(name) > limit {
		return strings.ToValidUTF8(name[:limit], "") + "…"
	}
	return name
}
