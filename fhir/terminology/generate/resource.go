package main

import "slices"

// The members of the resources that are kept. Expansions are not: the package's are cut and do not say so.

type codeSystem struct {
	ResourceType  string    `json:"resourceType"`
	URL           string    `json:"url"`
	Version       string    `json:"version,omitzero"`
	CaseSensitive bool      `json:"caseSensitive,omitzero"`
	Content       string    `json:"content"`
	Concept       []concept `json:"concept,omitempty"`
}

type concept struct {
	Code     string     `json:"code"`
	Property []property `json:"property,omitempty"`
	Concept  []concept  `json:"concept,omitempty"`
}

type property struct {
	Code         string `json:"code"`
	ValueCode    string `json:"valueCode,omitzero"`
	ValueString  string `json:"valueString,omitzero"`
	ValueBoolean *bool  `json:"valueBoolean,omitempty"`
}

type valueSet struct {
	ResourceType string  `json:"resourceType"`
	URL          string  `json:"url"`
	Version      string  `json:"version,omitzero"`
	Compose      compose `json:"compose,omitzero"`
}

type compose struct {
	Include []include `json:"include"`
	Exclude []include `json:"exclude,omitempty"`
}

type include struct {
	System   string   `json:"system,omitzero"`
	Concept  []code   `json:"concept,omitempty"`
	Filter   []filter `json:"filter,omitempty"`
	ValueSet []string `json:"valueSet,omitempty"`
}

type code struct {
	Code string `json:"code"`
}

type filter struct {
	Property string `json:"property"`
	Op       string `json:"op"`
	Value    string `json:"value"`
}

// unused are properties that no value set selects by, and most concepts have.
var unused = []string{"status", "deprecationDate", "notSelectable"}

func (s *codeSystem) strip() { strip(s.Concept) }

func strip(list []concept) {
	for i := range list {
		list[i].Property = slices.DeleteFunc(list[i].Property, func(p property) bool { return slices.Contains(unused, p.Code) })
		strip(list[i].Concept)
	}
}
