package rest

import (
	"net/http"

	"github.com/gin-gonic/gin"

	"fhirside/resources"
)

// meta serves $meta of a resource, of a version, of a type and of all.
func (s *server) meta(c *gin.Context) error {
	r, err := s.request(c)
	if err != nil {
		return err
	}
	body, err := s.Service.Meta(r.ctx, r.policy, c.Param("type"), c.Param("id"), c.Param("version"))
	if err != nil {
		return err
	}
	return r.respond(http.StatusOK, body)
}

func (s *server) metaAdd(c *gin.Context) error    { return s.changeMeta(c, resources.AddMeta) }
func (s *server) metaDelete(c *gin.Context) error { return s.changeMeta(c, resources.DeleteMeta) }

func (s *server) changeMeta(c *gin.Context, change resources.MetaChange) error {
	r, err := s.request(c)
	if err != nil {
		return err
	}
	parameters, err := s.resource(c)
	if err != nil {
		return err
	}
	result, body, err := s.Service.ChangeMeta(r.ctx, r.policy, c.Param("type"), c.Param("id"), change, parameters, conditions(c))
	if err != nil {
		return err
	}
	setVersion(c, result.Version)
	return r.respond(http.StatusOK, body)
}

func (s *server) metaOfVersion(c *gin.Context) error {
	if _, err := s.request(c); err != nil {
		return err
	}
	return resources.UnchangingVersion(c.Param("type"), c.Param("id"))
}
