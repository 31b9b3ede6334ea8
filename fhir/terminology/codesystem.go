package terminology

import (
	"slices"
	"strings"

	"fhirside/fhir"
)

// CodeSystem is the codes of a code system and which of them lie below which. It never changes.
type CodeSystem struct {
	URL, Version string
	// Complete says whether all codes are here (CodeSystem.content). A system without any code does not pass for complete.
	Complete      bool
	caseSensitive bool
	concepts      []concept
	byCode        map[string]int // by the folded code where case does not count
}

type concept struct {
	code       string
	children   []int
	parents    []int
	properties map[string][]string
}

// NewCodeSystem reads a CodeSystem resource.
func NewCodeSystem(r *fhir.Resource) *CodeSystem {
	s := &CodeSystem{
		URL: r.Get("url").Text(), Version: r.Get("version").Text(), Complete: r.Get("content").Is("complete") && r.Get("concept").Exists(),
		caseSensitive: r.Get("caseSensitive").Text() == "true", byCode: map[string]int{},
	}
	type edge struct{ parent, child string }
	var edges []edge
	var walk func(list fhir.Element, parent int)
	walk = func(list fhir.Element, parent int) {
		for e := range list.Each() {
			c := concept{code: e.Get("code").Text()}
			for p := range e.Get("property").Each() {
				name, value := p.Get("code").Text(), valueOf(p)
				switch name {
				case "parent":
					edges = append(edges, edge{value, c.code})
				case "child":
					edges = append(edges, edge{c.code, value})
				}
				if c.properties == nil {
					c.properties = map[string][]string{}
				}
				c.properties[name] = append(c.properties[name], value)
			}
			i := len(s.concepts)
			s.concepts = append(s.concepts, c)
			s.byCode[s.key(c.code)] = i
			if parent >= 0 {
				s.link(parent, i)
			}
			walk(e.Get("concept"), i)
		}
	}
	walk(r.Get("concept"), -1)
	for _, e := range edges {
		parent, ok := s.byCode[s.key(e.parent)]
		child, known := s.byCode[s.key(e.child)]
		if ok && known && !slices.Contains(s.concepts[child].parents, parent) {
			s.link(parent, child)
		}
	}
	return s
}

// valueOf is a concept property's value as filters write it.
func valueOf(property fhir.Element) string {
	for _, name := range []string{"valueCode", "valueString", "valueBoolean", "valueInteger", "valueDecimal", "valueDateTime"} {
		if v := property.Get(name); v.Exists() {
			return v.Text()
		}
	}
	return property.Get("valueCoding").Get("code").Text()
}

// link puts a concept below another one.
func (s *CodeSystem) link(parent, child int) {
	s.concepts[parent].children = append(s.concepts[parent].children, child)
	s.concepts[child].parents = append(s.concepts[child].parents, parent)
}

func (s *CodeSystem) key(code string) string {
	if s.caseSensitive {
		return code
	}
	return strings.ToLower(code)
}

// Has says whether the system has the code.
func (s *CodeSystem) Has(code string) bool {
	_, ok := s.byCode[s.key(code)]
	return ok
}

// Codes are all codes in the order of the resource.
func (s *CodeSystem) Codes() []string {
	return s.where(func(concept) bool { return true })
}

// Below are the code and all codes that it subsumes; only the code itself where the system does not have it.
func (s *CodeSystem) Below(code string) []string {
	return s.closure(code, func(c concept) []int { return c.children })
}

// Above are the code and all codes that subsume it; only the code itself where the system does not have it.
func (s *CodeSystem) Above(code string) []string {
	return s.closure(code, func(c concept) []int { return c.parents })
}

func (s *CodeSystem) closure(code string, next func(concept) []int) []string {
	start, ok := s.byCode[s.key(code)]
	if !ok {
		return []string{code}
	}
	seen, queue := map[int]bool{start: true}, []int{start}
	var codes []string
	for len(queue) > 0 {
		c := s.concepts[queue[0]]
		queue = queue[1:]
		codes = append(codes, c.code)
		for _, i := range next(c) {
			if !seen[i] {
				seen[i] = true
				queue = append(queue, i)
			}
		}
	}
	return codes
}

func (s *CodeSystem) where(holds func(concept) bool) []string {
	var codes []string
	for _, c := range s.concepts {
		if holds(c) {
			codes = append(codes, c.code)
		}
	}
	return codes
}
