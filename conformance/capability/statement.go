package capability

import (
	"bytes"
	"fmt"
	"slices"
	"sync"
	"time"

	models "github.com/samply/golang-fhir-models/fhir-models/fhir"

	"fhirside/fhir"
	"fhirside/fhir/definitions"
	"fhirside/resources/rest"
	"fhirside/search"
)

// Options of a statement.
type Options struct {
	Registry     func() *search.Registry // of the search parameters at the time of a request
	Interactions []rest.Interaction
	Formats      []string // names of the formats
	PatchFormats []string // media types of patches
	Operations   []rest.Operation
	// MultipleDelete: a conditional delete may delete several resources.
	MultipleDelete bool
	Version        string    // of the software
	Date           time.Time // of the last change of what is claimed
	// LocalReferences: references to resources of this server must lead somewhere.
	LocalReferences bool
	// Security: nil for a server that asks nobody who they are.
	Security *Security
	// CrossOrigin: browsers let apps of other origins use the FHIR API (CORS).
	CrossOrigin bool
}

// Statement is a CapabilityStatement that is composed at the first request, and again when the search parameters have changed.
type Statement struct {
	options Options
	mu      sync.Mutex
	of      *search.Registry // what the text was composed for
	text    text
	known   map[string][]byte // the statements for base URLs
}

// text is a statement's, before and after the base URL.
type text struct{ before, after []byte }

// basePlaceholder stands for the base URL in the text that is kept.
const basePlaceholder = "base:url"

// New makes a Statement.
func New(o Options) *Statement { return &Statement{options: o} }

// maxKnown is for how many base URLs a statement is kept. A server has one or two; but a client may invent some.
const maxKnown = 8

// For is the statement's text for clients that know the server by this base URL: the same bytes until something changes.
func (s *Statement) For(base string) []byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	if registry := s.options.Registry(); registry != s.of {
		r, err := compose(s.options, registry)
		if err != nil {
			panic("capability: " + err.Error()) // what it is made of is part of the binary, or was checked
		}
		s.of, s.known = registry, map[string][]byte{}
		s.text.before, s.text.after, _ = bytes.Cut(r.Bytes(), fhir.Quote(basePlaceholder))
	}
	known, ok := s.known[base]
	if !ok {
		known = slices.Concat(s.text.before, fhir.Quote(base), s.text.after)
		if len(s.known) >= maxKnown {
			clear(s.known)
		}
		s.known[base] = known
	}
	return known
}

func compose(o Options, registry *search.Registry) (*fhir.Resource, error) {
	served, err := servedBy(o.Interactions)
	if err != nil {
		return nil, err
	}
	base := basePlaceholder
	statement := models.CapabilityStatement{
		Name:           ptr("fhirside"),
		Title:          ptr("fhirside FHIR R4 server"),
		Status:         models.PublicationStatusActive,
		Date:           o.Date.UTC().Format(time.RFC3339),
		Kind:           models.CapabilityStatementKindInstance,
		Software:       &models.CapabilityStatementSoftware{Name: "fhirside", Version: &o.Version},
		Implementation: &models.CapabilityStatementImplementation{Description: "fhirside", Url: &base},
		FhirVersion:    models.FHIRVersion4_0_1,
		Format:         o.Formats,
		PatchFormat:    o.PatchFormats,
	}
	part := models.CapabilityStatementRest{Mode: models.RestfulCapabilityModeServer, Interaction: served.system, Security: securityOf(o)}
	for _, name := range definitions.ResourceTypes() {
		resource, err := resourceOf(name, o, registry, served)
		if err != nil {
			return nil, err
		}
		part.Resource = append(part.Resource, resource)
	}
	for _, op := range o.Operations {
		if op.System {
			part.Operation = append(part.Operation, models.CapabilityStatementRestResourceOperation{Name: op.Name, Definition: op.Definition})
		}
	}
	for _, name := range search.SystemParameters() {
		part.SearchParam = append(part.SearchParam, models.CapabilityStatementRestResourceSearchParam{Name: name, Type: models.SearchParamTypeSpecial})
	}
	for _, name := range definitions.Compartments() {
		part.Compartment = append(part.Compartment, "http://hl7.org/fhir/CompartmentDefinition/"+compartmentID(name))
	}
	statement.Rest = []models.CapabilityStatementRest{part}
	return fhir.FromModel(statement)
}

// served is what the routes serve, in the words of the statement.
type served struct {
	system      []models.CapabilityStatementRestInteraction
	types       []models.CapabilityStatementRestResourceInteraction
	conditional map[string]bool // by the code of the interaction
}

func servedBy(interactions []rest.Interaction) (served, error) {
	s := served{conditional: map[string]bool{}}
	for _, i := range interactions {
		switch {
		case i.Conditional:
			s.conditional[i.Code] = true
		case i.System:
			var code models.SystemRestfulInteraction
			if err := code.UnmarshalJSON(fhir.Quote(i.Code)); err != nil {
				return s, err
			}
			s.system = append(s.system, models.CapabilityStatementRestInteraction{Code: code})
		default:
			var code models.TypeRestfulInteraction
			if err := code.UnmarshalJSON(fhir.Quote(i.Code)); err != nil {
				return s, err
			}
			s.types = append(s.types, models.CapabilityStatementRestResourceInteraction{Code: code})
		}
	}
	return s, nil
}

func resourceOf(name string, o Options, registry *search.Registry, s served) (models.CapabilityStatementRestResource, error) {
	var code models.ResourceType
	if err := code.UnmarshalJSON(fhir.Quote(name)); err != nil {
		return models.CapabilityStatementRestResource{}, err
	}
	resource := models.CapabilityStatementRestResource{
		Type:              code,
		Profile:           ptr("http://hl7.org/fhir/StructureDefinition/" + name),
		Interaction:       s.types,
		Versioning:        ptr(models.ResourceVersionPolicyVersionedUpdate),
		ReadHistory:       ptr(true),
		UpdateCreate:      ptr(true),
		ConditionalCreate: ptr(s.conditional["create"]),
		ConditionalUpdate: ptr(s.conditional["update"]),
		ConditionalRead:   ptr(models.ConditionalReadStatusNotSupported),
		ConditionalDelete: ptr(models.ConditionalDeleteStatusNotSupported),
		ReferencePolicy:   []models.ReferenceHandlingPolicy{models.ReferenceHandlingPolicyLiteral, models.ReferenceHandlingPolicyLogical},
		SearchInclude:     []string{"*"},
		SearchRevInclude:  []string{"*"},
	}
	if s.conditional["read"] {
		resource.ConditionalRead = ptr(models.ConditionalReadStatusFullSupport)
	}
	if s.conditional["delete"] {
		resource.ConditionalDelete = ptr(models.ConditionalDeleteStatusSingle)
		if o.MultipleDelete {
			resource.ConditionalDelete = ptr(models.ConditionalDeleteStatusMultiple)
		}
	}
	for _, op := range o.Operations {
		resource.Operation = append(resource.Operation, models.CapabilityStatementRestResourceOperation{Name: op.Name, Definition: op.Definition})
	}
	if o.LocalReferences {
		resource.ReferencePolicy = append(resource.ReferencePolicy, models.ReferenceHandlingPolicyEnforced)
	}
	for _, p := range registry.Params(name) {
		if !search.Searchable(p) {
			continue
		}
		param, err := searchParam(p)
		if err != nil {
			return resource, err
		}
		resource.SearchParam = append(resource.SearchParam, param)
		if p.Type == search.TypeReference {
			resource.SearchInclude = append(resource.SearchInclude, name+":"+p.Code)
		}
	}
	for _, source := range definitions.ResourceTypes() {
		for _, p := range registry.Params(source) {
			if p.Type == search.TypeReference && slices.Contains(p.Targets, name) {
				resource.SearchRevInclude = append(resource.SearchRevInclude, source+":"+p.Code)
			}
		}
	}
	return resource, nil
}

func searchParam(p *search.Param) (models.CapabilityStatementRestResourceSearchParam, error) {
	var code models.SearchParamType
	if err := code.UnmarshalJSON(fhir.Quote(p.Type.String())); err != nil {
		return models.CapabilityStatementRestResourceSearchParam{}, fmt.Errorf("%s: %w", p.URL, err)
	}
	param := models.CapabilityStatementRestResourceSearchParam{Name: p.Code, Type: code}
	if p.URL != "" {
		param.Definition = &p.URL
	}
	return param, nil
}

// compartmentID is the last segment of a CompartmentDefinition's URL: "relatedPerson".
func compartmentID(name string) string { return string(name[0]|0x20) + name[1:] }

func ptr[T any](v T) *T { return &v }
