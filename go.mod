module fhirside

go 1.26

require (
	github.com/go-json-experiment/json v1.27.2 // indirect
	github.com/samply/golang-fhir-models/fhir-models v0.3.2 // indirect
)
