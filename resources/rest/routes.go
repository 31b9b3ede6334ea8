package rest

import (
	"net/http"
	"slices"
	"strings"

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

// Operation is an operation that the routes serve on resources of every type.
type Operation struct {
	Name, Definition string
	System           bool // on all resources together as well
}

func r4Operation(name string) *Operation {
	return &Operation{Name: name, Definition: "http://hl7.org/fhir/OperationDefinition/Resource-" + name}
}

var (
	opMeta       = r4Operation("meta")
	opMetaAdd    = r4Operation("meta-add")
	opMetaDelete = r4Operation("meta-delete")
)

// route is an entry of the routing table. What it serves is claimed in the CapabilityStatement by its interactions, or by its
// operation.
type route struct {
	method, path string
	serve        func(*server, *request) error
	interactions []Interaction
	operation    *Operation
}

func onType(code string) []Interaction   { return []Interaction{{Code: code}} }
func onSystem(code string) []Interaction { return []Interaction{{System: true, Code: code}} }
func conditional(code string) []Interaction {
	return []Interaction{{Code: code, Conditional: true}}
}

// metadataPath is for everybody: it says where tokens come from.
const metadataPath = "/metadata"

// onRequest serves a route's requests.
func (s *server) onRequest(rt route) func(*gin.Context) error {
	read := s.request
	if rt.path == metadataPath {
		read = func(c *gin.Context) (*request, error) { return s.requestBy(c, nil) }
	}
	return func(c *gin.Context) error {
		if err := checkPlace(c); err != nil {
			return err
		}
		r, err := read(c)
		if err != nil {
			return err
		}
		return rt.serve(s, r)
	}
}

// routes are relative to Path. A route by GET is served by HEAD as well.
var routes = []route{
	{http.MethodGet, "", (*server).searchSystem, onSystem("search-system"), nil},
	{http.MethodPost, "", (*server).bundle, append(onSystem("transaction"), onSystem("batch")...), nil},
	{http.MethodPost, "/_search", (*server).searchSystem, nil, nil},
	{http.MethodGet, metadataPath, (*server).metadata, nil, nil},
	{http.MethodGet, "/_history", (*server).history, onSystem("history-system"), nil},
	{http.MethodGet, "/:type", (*server).search, onType("search-type"), nil},
	{http.MethodPost, "/:type/_search", (*server).search, nil, nil},
	{http.MethodGet, "/:type/_history", (*server).history, onType("history-type"), nil},
	{http.MethodPost, "/:type", (*server).create, append(onType("create"), conditional("create")...), nil},
	{http.MethodPut, "/:type", (*server).updateWhere, conditional("update"), nil},
	{http.MethodPatch, "/:type", (*server).patchWhere, conditional("patch"), nil},
	{http.MethodDelete, "/:type", (*server).deleteWhere, conditional("delete"), nil},
	{http.MethodGet, "/:type/:id", (*server).read, append(onType("read"), conditional("read")...), nil},
	{http.MethodPut, "/:type/:id", (*server).update, onType("update"), nil},
	{http.MethodPatch, "/:type/:id", (*server).patch, onType("patch"), nil},
	{http.MethodDelete, "/:type/:id", (*server).delete, onType("delete"), nil},
	{http.MethodGet, "/:type/:id/_history", (*server).history, onType("history-instance"), nil},
	{http.MethodGet, "/:type/:id/_history/:version", (*server).readVersion, onType("vread"), nil},
	{http.MethodGet, "/$meta", (*server).meta, nil, opMeta},
	{http.MethodPost, "/$meta", (*server).meta, nil, opMeta},
	{http.MethodGet, "/:type/$meta", (*server).meta, nil, opMeta},
	{http.MethodPost, "/:type/$meta", (*server).meta, nil, opMeta},
	{http.MethodGet, "/:type/:id/$meta", (*server).meta, nil, opMeta},
	{http.MethodPost, "/:type/:id/$meta", (*server).meta, nil, opMeta},
	{http.MethodPost, "/:type/:id/$meta-add", (*server).metaAdd, nil, opMetaAdd},
	{http.MethodPost, "/:type/:id/$meta-delete", (*server).metaDelete, nil, opMetaDelete},
	{http.MethodGet, "/:type/:id/_history/:version/$meta", (*server).meta, nil, opMeta},
	{http.MethodPost, "/:type/:id/_history/:version/$meta", (*server).meta, nil, opMeta},
	{http.MethodPost, "/:type/:id/_history/:version/$meta-add", (*server).metaOfVersion, nil, nil},
	{http.MethodPost, "/:type/:id/_history/:version/$meta-delete", (*server).metaOfVersion, nil, nil},
	{http.MethodGet, "/:type/:id/$reindex", (*server).reindex, nil, nil},
	{http.MethodPost, "/:type/:id/$reindex", (*server).reindex, nil, nil},
	{http.MethodGet, "/:type/:id/:part", (*server).searchCompartment, nil, nil},
	{http.MethodPost, "/:type/:id/:part/_search", (*server).searchCompartment, nil, nil},
}

// Interactions are those that the routes serve.
func Interactions() []Interaction {
	var list []Interaction
	for _, r := range routes {
		list = append(list, r.interactions...)
	}
	return slices.Clip(list)
}

// Operations are those that the routes serve, by name.
func Operations() []Operation {
	var list []Operation
	for _, r := range routes {
		if r.operation == nil {
			continue
		}
		at := slices.IndexFunc(list, func(o Operation) bool { return o.Name == r.operation.Name })
		if at < 0 {
			at, list = len(list), append(list, *r.operation)
		}
		list[at].System = list[at].System || strings.Count(r.path, "/") == 1
	}
	return list
}
