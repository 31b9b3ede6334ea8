package resources

import (
	"context"
	"encoding/json"
	"slices"
	"strings"

	"fhirside/fhir"
	"fhirside/fhir/definitions"
	"fhirside/resources/access"
)

const searchParameter = "SearchParameter"

// definitionIn is what a SearchParameter resource says.
func definitionIn(r *fhir.Resource) definitions.SearchParameter {
	sp := definitions.SearchParameter{
		URL: r.Get("url").Text(), Code: r.Get("code").Text(), Type: r.Get("type").Text(), Expression: r.Get("expression").Text(),
		Base: textsOf(r.Get("base")), Target: textsOf(r.Get("target")),
	}
	for c := range r.Get("component").Each() {
		canonical, _, _ := strings.Cut(c.Get("definition").Text(), "|")
		sp.Components = append(sp.Components, definitions.Component{Definition: canonical, Expression: c.Get("expression").Text()})
	}
	return sp
}

func textsOf(list fhir.Element) (texts []string) {
	for e := range list.Each() {
		texts = append(texts, e.Text())
	}
	return texts
}

// checkParameter refuses an active SearchParameter that could not be searched by. A draft may be unfinished, and one that is retired
// is not used. One that says that it is an existing parameter, or derived from it, describes that one.
func (s *Service) checkParameter(r *fhir.Resource) error {
	if !r.Get("status").Is("active") {
		return nil
	}
	sp := definitionIn(r)
	for _, base := range sp.Base {
		if p := s.Registry.Param(base, sp.Code); p != nil && (p.URL == sp.URL || p.URL != "" && r.Get("derivedFrom").Is(p.URL)) {
			return nil
		}
	}
	return s.fits(s.rules().added, r.Get("id").Text(), sp)
}

// fits refuses a parameter that cannot be one beside those that are registered, but for its own earlier definition.
func (s *Service) fits(added []addedParameter, id string, sp definitions.SearchParameter) error {
	var others []definitions.SearchParameter
	for _, a := range added {
		if a.ID != id {
			others = append(others, a.Definition)
		}
	}
	_, err := s.registryWith(others).With(sp)
	return err
}

// ParameterState is how far a search parameter is, in the words that $reindex answers with.
type ParameterState string

const (
	// ParameterUnused: it is not active, or is waiting for $reindex.
	ParameterUnused ParameterState = "waiting"
	// ParameterChanged: it was searched by until its definition changed; $reindex makes the new one count.
	ParameterChanged ParameterState = "changed"
	// ParameterIndexing: resources are being indexed by it.
	ParameterIndexing ParameterState = "indexing"
	// ParameterActive: it can be searched by.
	ParameterActive ParameterState = "active"
)

// ReindexParameter begins to index resources by a SearchParameter, in the background, so that it can be searched by; the answer says
// how far it is. It takes the right to update every SearchParameter.
func (s *Service) ReindexParameter(ctx context.Context, p access.Policy, id string) (ParameterState, []byte, error) {
	if !isAll(may(p, searchParameter, access.Update)) {
		return "", nil, forbidden(access.Update, searchParameter)
	}
	r, err := s.parameterNamed(ctx, p, id)
	if err != nil {
		return "", nil, err
	}
	if !r.Get("status").Is("active") {
		return "", nil, fhir.Errorf(fhir.Unprocessable, fhir.CodeBusinessRule, "the search parameter's status is %q: only an active one is searched by", r.Get("status").Text()).At("SearchParameter.status")
	}
	sp := definitionIn(r)
	if err := s.Refresh(ctx); err != nil {
		return "", nil, err
	}
	if err := s.fits(s.rules().added, id, sp); err != nil {
		return "", nil, err
	}
	now := s.rules() // once: they may change at any time
	if i := now.find(id); i < 0 || !sameDefinition(now.added[i].Definition, sp) {
		if err := s.register(ctx, id, sp); err != nil {
			return "", nil, err
		}
		now = s.rules()
	}
	i := now.find(id)
	if i < 0 {
		return "", nil, fhir.Errorf(fhir.Conflict, fhir.CodeConflict, "the search parameter has just been deleted")
	}
	if a := now.added[i]; !a.Active {
		if err := s.RequestReindex(ctx, typesOf(a.Definition), a.Since); err != nil {
			return "", nil, err
		}
	}
	return s.ParameterProgress(ctx, p, id)
}

// parameterNamed is the resource, as far as the caller may read it.
func (s *Service) parameterNamed(ctx context.Context, p access.Policy, id string) (*fhir.Resource, error) {
	v, err := s.getVersion(ctx, storeView{ctx, s.Store}, p, target{resourceType: searchParameter, id: id})
	if err != nil {
		return nil, err
	}
	return parseStored(v)
}

// find is the place of a registered parameter, -1 for none.
func (r *rules) find(id string) int {
	return slices.IndexFunc(r.added, func(a addedParameter) bool { return a.ID == id })
}

// register makes resources that are written from now on be indexed by the parameter. Two that clash and come at the same time are
// told apart: the later is refused.
func (s *Service) register(ctx context.Context, id string, sp definitions.SearchParameter) error {
	var clash error
	_, _, err := s.changeParameters(ctx, func(a *addedParameters) {
		if clash = s.fits(a.Parameters, id, sp); clash != nil {
			return
		}
		a.Parameters = slices.DeleteFunc(a.Parameters, func(a addedParameter) bool { return a.ID == id })
		a.Parameters = append(a.Parameters, addedParameter{ID: id, Definition: sp, Since: a.Number + 1})
	})
	if clash != nil {
		return clash
	}
	if err != nil {
		return err
	}
	return s.Refresh(ctx)
}

// typesOf are the resource types of the parameter's bases.
func typesOf(sp definitions.SearchParameter) (types []string) {
	for _, name := range definitions.ResourceTypes() {
		if slices.ContainsFunc(sp.Base, definitions.Lookup(name).Is) {
			types = append(types, name)
		}
	}
	return types
}

// ParameterProgress says how far a SearchParameter is on its way to be searched by.
func (s *Service) ParameterProgress(ctx context.Context, p access.Policy, id string) (ParameterState, []byte, error) {
	r, err := s.parameterNamed(ctx, p, id)
	if err != nil {
		return "", nil, err
	}
	if err := s.Refresh(ctx); err != nil {
		return "", nil, err
	}
	now, state := s.rules(), ParameterUnused
	if i := now.find(id); i >= 0 {
		switch {
		case now.usable[i]:
			state = ParameterActive
		case !sameDefinition(now.added[i].Definition, definitionIn(r)):
			state = ParameterChanged
		case !now.added[i].Active:
			state = ParameterIndexing
		}
	}
	answer := []parameterValue{{Name: "status", Code: string(state)}}
	if state == ParameterIndexing && isAll(may(p, searchParameter, access.Update)) { // how much there is, is not for everybody
		progress, err := s.ReindexProgress(ctx)
		if err != nil {
			return "", nil, err
		}
		answer = append(answer, parameterValue{Name: "done", Integer: &progress.Done}, parameterValue{Name: "total", Integer: &progress.Total})
	}
	body, err := json.Marshal(struct {
		ResourceType string           `json:"resourceType"`
		Parameter    []parameterValue `json:"parameter"`
	}{"Parameters", answer})
	return state, body, err
}

// parameterValue is a Parameters.parameter.
type parameterValue struct {
	Name    string `json:"name"`
	Code    string `json:"valueCode,omitempty"`
	Integer *int64 `json:"valueInteger,omitempty"`
}
