package rest

import (
	"net/http"
	"slices"

	"github.com/gin-gonic/gin"
)

// Interaction is an interaction of the R4 RESTful API that the server serves, as a CapabilityStatement names it.
type Interaction struct {
	// System: for all resource types together (codes of system-restful-interaction); else for each (type-restful-interaction).
	System bool
	Code   string
	// Conditional: the form with criteria in place of an id.
	Conditional bool
}

// route is an entry of the routing table. What it serves is claimed in the CapabilityStatement by its interactions.
type route struct {
	method, path string
	serve        func(*server, *gin.Context) error
	interactions []Interaction
}

func onType(code string) []Interaction   { return []Interaction{{Code: code}} }
func onSystem(code string) []Interaction { return []Interaction{{System: true, Code: code}} }
func conditional(code string) []Interaction {
	return []Interaction{{Code: code, Conditional: true}}
}

// routes are relative to Path. A route by GET is served by HEAD as well.
var routes = []route{
	{http.MethodGet, "", (*server).searchSystem, onSystem("search-system")},
	{http.MethodPost, "", (*server).bundle, append(onSystem("transaction"), onSystem("batch")...)},
	{http.MethodPost, "/_search", (*server).searchSystem, nil},
	{http.MethodGet, "/metadata", (*server).metadata, nil},
	{http.MethodGet, "/_history", (*server).history, onSystem("history-system")},
	{http.MethodGet, "/:type", (*server).search, onType("search-type")},
	{http.MethodPost, "/:type/_search", (*server).search, nil},
	{http.MethodGet, "/:type/_history", (*server).history, onType("history-type")},
	{http.MethodPost, "/:type", (*server).create, append(onType("create"), conditional("create")...)},
	{http.MethodPut, "/:type", (*server).updateWhere, conditional("update")},
	{http.MethodPatch, "/:type", (*server).patchWhere, conditional("patch")},
	{http.MethodDelete, "/:type", (*server).deleteWhere, conditional("delete")},
	{http.MethodGet, "/:type/:id", (*server).read, append(onType("read"), conditional("read")...)},
	{http.MethodPut, "/:type/:id", (*server).update, onType("update")},
	{http.MethodPatch, "/:type/:id", (*server).patch, onType("patch")},
	{http.MethodDelete, "/:type/:id", (*server).delete, onType("delete")},
	{http.MethodGet, "/:type/:id/_history", (*server).history, onType("history-instance")},
	{http.MethodGet, "/:type/:id/_history/:version", (*server).readVersion, onType("vread")},
	{http.MethodGet, "/:type/:id/:part", (*server).searchCompartment, nil},
	{http.MethodPost, "/:type/:id/:part/_search", (*server).searchCompartment, nil},
}

// Interactions are those that the routes serve.
func Interactions() []Interaction {
	var list []Interaction
	for _, r := range routes {
		list = append(list, r.interactions...)
	}
	return slices.Clip(list)
}
