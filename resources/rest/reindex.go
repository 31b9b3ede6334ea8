package rest

import (
	"net/http"

	"fhirside/fhir"
	"fhirside/resources"
)

// reindex serves $reindex of a SearchParameter: POST begins to index resources by it, GET tells how far that is. Both answer 202
// until it can be searched by, with Content-Location where to ask, and then 200 (async.html has the pattern).
func (s *server) reindex(r *request) error {
	if t := r.param("type"); t != "SearchParameter" {
		return fhir.Errorf(fhir.NotFound, fhir.CodeNotSupported, "$reindex is an operation of a SearchParameter")
	}
	id := r.param("id")
	ask := s.Service.ParameterProgress
	if r.c.Request.Method == http.MethodPost {
		ask = s.Service.ReindexParameter
	}
	state, body, err := ask(r.ctx, r.policy, id)
	if err != nil {
		return err
	}
	if state != resources.ParameterIndexing {
		return r.respond(http.StatusOK, body)
	}
	r.c.Header("Content-Location", r.pref.Base+"/SearchParameter/"+id+"/$reindex")
	r.c.Header("Retry-After", "1")
	return r.respond(http.StatusAccepted, body)
}
