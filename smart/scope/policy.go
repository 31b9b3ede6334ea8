package scope

import (
	"errors"
	"strings"
	"sync"

	"fhirside/resources/access"
	"fhirside/search"
)

// Options of a Compiler. Registry is required.
type Options struct {
	// Registry has the parameters that granular scopes ask for.
	Registry func() *search.Registry
	// Base is our own FHIR base URL.
	Base string
	// ActsFor are the ids of the patients that a related person (by id) acts for. Without it they act for nobody.
	ActsFor func(relatedPerson string) ([]string, error)
	// CareTeamOnly bounds a practitioner's user/ scopes to the patients that they care for; otherwise they reach the whole clinic.
	CareTeamOnly bool
	// Administers says whether an account is an administrator's, whose practitioner reaches the whole clinic also with
	// CareTeamOnly. Without it none is.
	Administers func(account string) (bool, error)
}

// Compiler turns scopes into policies.
type Compiler struct{ Options }

// NewCompiler makes a Compiler.
func NewCompiler(o Options) *Compiler { return &Compiler{o} }

// Subject is whom a token is about.
type Subject struct {
	Patient  string // id of the launch patient; "": none, and patient/ scopes grant nothing
	FHIRUser string // "Practitioner/123"; "": nobody, and user/ scopes grant nothing
	Account  string // with which they signed in; "": none of ours
	ClientID string
	Grant    string
}

// caller is the same for all tokens of a user and an app about a patient, whatever they say of the user.
func (who Subject) caller() string {
	user := "account " + who.Account
	if who.Account == "" {
		user = who.FHIRUser
	}
	return user + " " + who.Patient + " " + who.ClientID
}

// Policy is what the set allows the subject.
func (c *Compiler) Policy(set Set, who Subject) (access.Policy, error) {
	p := &policy{reach: map[Level]reach{}, registry: c.Registry(), base: c.Base, scopes: set.resource, caller: who.caller()}
	if who.Patient != "" {
		p.reach[Patient] = ofPatients(who.Patient)
	}
	p.reach[System] = everyone
	kind, id, _ := strings.Cut(who.FHIRUser, "/")
	switch kind {
	case "Practitioner":
		of, err := c.ofPractitioner(p.registry, id, who.Account)
		if err != nil {
			return nil, err
		}
		p.reach[User] = of
	case "Patient":
		p.reach[User] = ofPatients(id)
	case "RelatedPerson":
		if c.ActsFor == nil {
			break
		}
		patients, err := c.ActsFor(id)
		if err != nil {
			return nil, err
		}
		p.reach[User] = ofPatients(patients...)
	case "":
	default:
		return nil, errors.New("a user is a Patient, a Practitioner or a RelatedPerson")
	}
	return p, nil
}

func (c *Compiler) ofPractitioner(registry *search.Registry, id, account string) (reach, error) {
	if !c.CareTeamOnly {
		return everyone, nil
	}
	if account != "" && c.Administers != nil {
		if admin, err := c.Administers(account); admin || err != nil {
			return everyone, err
		}
	}
	return ofCareTeam(registry, c.Base, id)
}

// policy answers from its scopes. What it answers for a type is worked out when it is first asked.
type policy struct {
	registry *search.Registry
	base     string
	scopes   []Scope
	caller   string
	reach    map[Level]reach // whose resources the scopes of a level are about; nobody's where it has none
	answers  sync.Map        // resource type → *answers
}

// answers are a policy's for one type, by interaction.
type answers [access.Search + 1]search.Filter

// Caller tells the subjects of tokens apart.
func (p *policy) Caller() string { return p.caller }

// May is nothing without a scope that grants it.
func (p *policy) May(resourceType string, i access.Interaction) search.Filter {
	if known, ok := p.answers.Load(resourceType); ok {
		return known.(*answers)[i]
	}
	var a answers
	for i := range a {
		a[i] = p.answer(resourceType, access.Interaction(i))
	}
	p.answers.Store(resourceType, &a)
	return a[i]
}

// answer is the union of what the scopes grant, level by level, so that the condition of a level is there once.
func (p *policy) answer(resourceType string, i access.Interaction) search.Filter {
	var levels search.Or
	for _, level := range []Level{Patient, User, System} {
		reach := p.reach[level]
		if reach == nil {
			continue
		}
		var conditions search.Or
		for _, s := range p.scopes {
			if s.Level == level && s.Permissions.Allow(i) && (s.Type == "*" || s.Type == resourceType) {
				conditions = append(conditions, p.condition(resourceType, s))
			}
		}
		levels = append(levels, search.AllOf(reach(resourceType, i), search.AnyOf(conditions...)))
	}
	return search.AnyOf(levels...)
}

// Within is what the scopes say of the type itself, on every level that reaches any of it.
func (p *policy) Within(resourceType string, i access.Interaction) search.Filter {
	var some search.Or
	for _, s := range p.scopes {
		reach := p.reach[s.Level]
		if reach != nil && s.Permissions.Allow(i) && (s.Type == "*" || s.Type == resourceType) && !is[search.None](reach(resourceType, i)) {
			some = append(some, p.condition(resourceType, s))
		}
	}
	return search.AnyOf(some...)
}

// condition is that of a granular scope. A type without such a parameter is granted nothing.
func (p *policy) condition(resourceType string, s Scope) search.Filter {
	if len(s.Query) == 0 {
		return search.All{}
	}
	f, err := condition(p.registry, p.base, resourceType, s.Query)
	if err != nil {
		return search.None{}
	}
	return f
}

func is[F search.Filter](f search.Filter) bool { _, ok := f.(F); return ok }
