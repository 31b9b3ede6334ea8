package rest

import (
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"strings"

	"github.com/gin-gonic/gin"

	"fhirside/fhir"
	"fhirside/resources"
	"fhirside/resources/store"
)

func (s *server) read(c *gin.Context) error {
	return s.readWith(c, func(r *request) (store.Version, error) {
		return s.Service.Read(r.ctx, r.policy, c.Param("type"), c.Param("id"))
	})
}

func (s *server) readVersion(c *gin.Context) error {
	return s.readWith(c, func(r *request) (store.Version, error) {
		return s.Service.ReadVersion(r.ctx, r.policy, c.Param("type"), c.Param("id"), c.Param("version"))
	})
}

func (s *server) readWith(c *gin.Context, read func(*request) (store.Version, error)) error {
	r, err := s.request(c)
	if err != nil {
		return err
	}
	version, err := read(r)
	if version.Version > 0 { // of a deletion too
		setVersion(c, version)
	}
	if err != nil {
		return err
	}
	since, _ := http.ParseTime(c.GetHeader("If-Modified-Since")) // what is no date is ignored (RFC 9110, section 13.1.3)
	if resources.NotModified(version, c.GetHeader("If-None-Match"), since) {
		c.Status(http.StatusNotModified)
		return nil
	}
	if version.Type == binary {
		if done, err := r.content(version); done || err != nil {
			return err
		}
	}
	shape, err := resources.ShapeOf(r.params)
	if err != nil {
		return err
	}
	body, err := shape.Apply(version.Body)
	if err != nil {
		return err
	}
	return r.respond(http.StatusOK, body)
}

func (s *server) create(c *gin.Context) error {
	r, err := s.request(c)
	if err != nil {
		return err
	}
	if r.hasCriteria() {
		return fhir.Errorf(fhir.Invalid, fhir.CodeInvalid, "a create takes no criteria in its URL; send them as the header If-None-Exist to create only what is not there yet")
	}
	resource, _, err := s.stored(c)
	if err != nil {
		return err
	}
	var criteria *string
	if values := c.Request.Header["If-None-Exist"]; len(values) > 0 {
		criteria = &values[0]
	}
	result, err := s.Service.Create(r.ctx, r.policy, c.Param("type"), resource, criteria)
	return r.written(result, err)
}

func (s *server) update(c *gin.Context) error {
	r, err := s.request(c)
	if err != nil {
		return err
	}
	resource, content, err := s.stored(c)
	if err != nil {
		return err
	}
	if content {
		result, err := s.Service.UpdateContent(r.ctx, r.policy, c.Param("id"), resource, conditions(c))
		return r.written(result, err)
	}
	result, err := s.Service.Update(r.ctx, r.policy, c.Param("type"), c.Param("id"), resource, conditions(c))
	return r.written(result, err)
}

func (s *server) updateWhere(c *gin.Context) error {
	r, err := s.request(c)
	if err != nil {
		return err
	}
	resource, _, err := s.stored(c)
	if err != nil {
		return err
	}
	result, err := s.Service.UpdateWhere(r.ctx, r.policy, c.Param("type"), c.Request.URL.RawQuery, resource, conditions(c))
	return r.written(result, err)
}

func (s *server) delete(c *gin.Context) error {
	r, err := s.request(c)
	if err != nil {
		return err
	}
	result, err := s.Service.Delete(r.ctx, r.policy, c.Param("type"), c.Param("id"), conditions(c))
	return r.written(result, err)
}

func (s *server) deleteWhere(c *gin.Context) error {
	r, err := s.request(c)
	if err != nil {
		return err
	}
	result, err := s.Service.DeleteWhere(r.ctx, r.policy, c.Param("type"), c.Request.URL.RawQuery, conditions(c))
	return r.written(result, err)
}

func (s *server) patch(c *gin.Context) error {
	r, err := s.request(c)
	if err != nil {
		return err
	}
	change, err := s.patchBody(c)
	if err != nil {
		return err
	}
	result, err := s.Service.Patch(r.ctx, r.policy, c.Param("type"), c.Param("id"), change, conditions(c))
	return r.written(result, err)
}

func (s *server) patchWhere(c *gin.Context) error {
	r, err := s.request(c)
	if err != nil {
		return err
	}
	change, err := s.patchBody(c)
	if err != nil {
		return err
	}
	result, err := s.Service.PatchWhere(r.ctx, r.policy, c.Param("type"), c.Request.URL.RawQuery, change, conditions(c))
	return r.written(result, err)
}

func conditions(c *gin.Context) resources.Conditions {
	return resources.Conditions{IfMatch: c.GetHeader("If-Match"), IfNoneMatch: c.GetHeader("If-None-Match")}
}

func (s *server) history(c *gin.Context) error {
	r, err := s.request(c)
	if err != nil {
		return err
	}
	page, err := s.Service.History(r.ctx, r.policy, resources.History{Type: c.Param("type"), ID: c.Param("id"), Params: r.params})
	if err != nil {
		return err
	}
	body, err := page.Bundle(r.pref.Base)
	if err != nil {
		return err
	}
	return r.respond(http.StatusOK, body)
}

func (s *server) search(c *gin.Context) error {
	return s.searchFor(c, resources.Search{Type: c.Param("type")})
}

func (s *server) searchSystem(c *gin.Context) error {
	return s.searchFor(c, resources.Search{})
}

func (s *server) searchCompartment(c *gin.Context) error {
	q := resources.Search{Type: c.Param("part"), Compartment: &resources.Compartment{Type: c.Param("type"), ID: c.Param("id")}}
	if q.Type == "*" {
		q.Type = ""
	}
	return s.searchFor(c, q)
}

func (s *server) searchFor(c *gin.Context, q resources.Search) error {
	r, err := s.request(c)
	if err != nil {
		return err
	}
	q.Params, q.Lenient = r.params, r.pref.Lenient
	if c.Request.Method == http.MethodPost {
		form, err := s.form(c)
		if err != nil {
			return err
		}
		q.Params = append(q.Params, form...)
		if r.as, err = representationFor(c.Request, q.Params); err != nil { // a form may hold _format as well
			return err
		}
	}
	page, err := s.Service.Search(r.ctx, r.policy, q)
	if err != nil {
		return err
	}
	body, err := page.Bundle(r.pref.Base)
	if err != nil {
		return err
	}
	return r.respond(http.StatusOK, body)
}

func (s *server) bundle(c *gin.Context) error {
	r, err := s.request(c)
	if err != nil {
		return err
	}
	resource, err := s.resource(c)
	if err != nil {
		return err
	}
	body, err := s.Service.Bundle(r.ctx, r.policy, resource, r.pref)
	if err != nil {
		return err
	}
	return r.respond(http.StatusOK, body)
}

// metadata serves the statement of capabilities, with an entity tag since it is big and changes rarely (http.html#capabilities).
// It is for everybody: it says where tokens come from.
func (s *server) metadata(c *gin.Context) error {
	r, err := s.requestBy(c, nil)
	if err != nil {
		return err
	}
	shape, err := resources.ShapeOf(r.params)
	if err != nil {
		return err
	}
	statement := s.Metadata(r.pref.Base)
	digest := sha256.Sum256(statement)
	tag := `W/"` + hex.EncodeToString(digest[:8]) + `"`
	c.Header("ETag", tag)
	if known := c.GetHeader("If-None-Match"); known == "*" || strings.Contains(known, tag) {
		c.Status(http.StatusNotModified)
		return nil
	}
	if statement, err = shape.Apply(statement); err != nil {
		return err
	}
	return r.respond(http.StatusOK, statement)
}

func noRoute(_ *server, c *gin.Context) error { return misplaced(c) }
