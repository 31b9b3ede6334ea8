package rest

import (
	"net/http"

	"fhirside/fhir"
	"fhirside/resources"
	"fhirside/resources/store"
)

func (s *server) read(r *request) error {
	version, err := s.Service.Read(r.ctx, r.policy, r.param("type"), r.param("id"))
	return s.showVersion(r, version, err)
}

func (s *server) readVersion(r *request) error {
	version, err := s.Service.ReadVersion(r.ctx, r.policy, r.param("type"), r.param("id"), r.param("version"))
	return s.showVersion(r, version, err)
}

// showVersion answers a read with the version that was found; with its ETag also where it is a deletion, beside the error.
func (s *server) showVersion(r *request, version store.Version, err error) error {
	if version.Version > 0 {
		setVersion(r.c, version)
	}
	if err != nil {
		return err
	}
	if resources.NotModified(version, r.list("If-None-Match"), r.date("If-Modified-Since")) {
		r.notModified()
		return nil
	}
	if version.Type == binary {
		if done, err := r.content(version); done || err != nil {
			return err
		}
	}
	shape, err := resources.ShapeOf(version.Type, r.params)
	if err != nil {
		return err
	}
	body, err := shape.Apply(version.Body)
	if err != nil {
		return err
	}
	return r.respond(http.StatusOK, body)
}

func (s *server) create(r *request) error {
	if r.hasCriteria() {
		return fhir.Errorf(fhir.Invalid, fhir.CodeInvalid, "a create takes no criteria in its URL; send them as the header If-None-Exist to create only what is not there yet")
	}
	resource, _, err := s.stored(r.c)
	if err != nil {
		return err
	}
	var criteria *string
	if values := r.c.Request.Header["If-None-Exist"]; len(values) > 0 {
		criteria = &values[0]
	}
	result, err := s.Service.Create(r.ctx, r.policy, r.param("type"), resource, criteria)
	return r.written(result, err)
}

func (s *server) update(r *request) error {
	if err := r.refuseCriteria(); err != nil {
		return err
	}
	resource, content, err := s.stored(r.c)
	if err != nil {
		return err
	}
	if content {
		result, err := s.Service.UpdateContent(r.ctx, r.policy, r.param("id"), resource, r.conditions())
		return r.written(result, err)
	}
	result, err := s.Service.Update(r.ctx, r.policy, r.param("type"), r.param("id"), resource, r.conditions())
	return r.written(result, err)
}

func (s *server) updateWhere(r *request) error {
	resource, _, err := s.stored(r.c)
	if err != nil {
		return err
	}
	result, err := s.Service.UpdateWhere(r.ctx, r.policy, r.param("type"), r.criteria(), resource, r.conditions())
	return r.written(result, err)
}

func (s *server) delete(r *request) error {
	if err := r.refuseCriteria(); err != nil {
		return err
	}
	result, err := s.Service.Delete(r.ctx, r.policy, r.param("type"), r.param("id"), r.conditions())
	return r.written(result, err)
}

func (s *server) deleteWhere(r *request) error {
	result, err := s.Service.DeleteWhere(r.ctx, r.policy, r.param("type"), r.criteria(), r.conditions())
	return r.written(result, err)
}

func (s *server) patch(r *request) error {
	if err := r.refuseCriteria(); err != nil {
		return err
	}
	change, err := s.patchBody(r.c)
	if err != nil {
		return err
	}
	result, err := s.Service.Patch(r.ctx, r.policy, r.param("type"), r.param("id"), change, r.conditions())
	return r.written(result, err)
}

func (s *server) patchWhere(r *request) error {
	change, err := s.patchBody(r.c)
	if err != nil {
		return err
	}
	result, err := s.Service.PatchWhere(r.ctx, r.policy, r.param("type"), r.criteria(), change, r.conditions())
	return r.written(result, err)
}

func (s *server) history(r *request) error {
	page, err := s.Service.History(r.ctx, r.policy, resources.History{Type: r.param("type"), ID: r.param("id"), Params: r.params, Window: window})
	if err != nil {
		return err
	}
	return r.show(page)
}

func (s *server) search(r *request) error {
	return s.searchFor(r, resources.Search{Type: r.param("type")})
}

func (s *server) searchSystem(r *request) error {
	return s.searchFor(r, resources.Search{})
}

func (s *server) searchCompartment(r *request) error {
	q := resources.Search{Type: r.param("part"), Compartment: &resources.Compartment{Type: r.param("type"), ID: r.param("id")}}
	if q.Type == "*" {
		q.Type = ""
	}
	return s.searchFor(r, q)
}

func (s *server) searchFor(r *request, q resources.Search) error {
	q.Params, q.Lenient, q.Window = r.params, r.pref.Lenient, window
	if r.c.Request.Method == http.MethodPost {
		form, err := s.form(r.c)
		if err != nil {
			return err
		}
		q.Params = append(q.Params, form...)
		if r.as, err = representationFor(r.c.Request, q.Params); err != nil { // a form may hold _format as well
			return err
		}
	}
	page, err := s.Service.Search(r.ctx, r.policy, q)
	if err != nil {
		return err
	}
	return r.show(page)
}

func (s *server) bundle(r *request) error {
	resource, err := s.resource(r.c)
	if err != nil {
		return err
	}
	r.pref.Metadata = func() []byte { return s.Metadata(r.pref.Base) }
	body, err := s.Service.Bundle(r.ctx, r.policy, resource, r.pref)
	if err != nil {
		return err
	}
	if err := r.respond(http.StatusOK, body); err != nil { // it is carried out, and a refusal would say that it is not
		write(r.c, http.StatusOK, jsonFormat.contentType, body)
	}
	return nil
}
