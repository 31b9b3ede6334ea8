package rest

import (
	"net/http"

	"fhirside/resources"
)

// meta serves $meta of a resource, of a version, of a type and of all.
func (s *server) meta(r *request) error {
	body, err := s.Service.Meta(r.ctx, r.policy, r.param("type"), r.param("id"), r.param("version"))
	if err != nil {
		return err
	}
	return r.respond(http.StatusOK, body)
}

func (s *server) metaAdd(r *request) error    { return s.changeMeta(r, resources.AddMeta) }
func (s *server) metaDelete(r *request) error { return s.changeMeta(r, resources.DeleteMeta) }

func (s *server) changeMeta(r *request, change resources.MetaChange) error {
	parameters, err := s.resource(r.c)
	if err != nil {
		return err
	}
	result, body, err := s.Service.ChangeMeta(r.ctx, r.policy, r.param("type"), r.param("id"), change, parameters, r.conditions())
	if err != nil {
		return err
	}
	setVersion(r.c, result.Version)
	return r.respond(http.StatusOK, body)
}

func (s *server) metaOfVersion(r *request) error {
	return resources.UnchangingVersion(r.param("type"), r.param("id"))
}
