// Command generate writes the embedded definitions file from the official package hl7.fhir.r4.examples.
//
//	go run ./generate [-package FILE.tgz] [-out r4.json.zst]
//
// The same package always gives the same bytes.
package main

import (
	"flag"
	"fmt"
	"os"

	"fhirside/fhir/definitions/internal/packed"
)

func main() {
	in := flag.String("package", "../../.cache/hl7.fhir.r4.examples-4.0.1.tgz", "the npm package `FILE`")
	out := flag.String("out", "r4.json.zst", "where to write the definitions `FILE`")
	flag.Parse()
	data, err := generate(*in)
	if err == nil {
		err = os.WriteFile(*out, data, 0o644)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "generate:", err)
		os.Exit(1)
	}
}

// generate is the definitions file made from the package.
func generate(tgz string) ([]byte, error) {
	p, err := readPackage(tgz)
	if err != nil {
		return nil, err
	}
	bindings := &bindings{expansions: p.expansions}
	types, err := typesOf(p.structures, bindings)
	if err != nil {
		return nil, err
	}
	parameters, err := searchParametersOf(p.registry)
	if err != nil {
		return nil, err
	}
	return packed.Write(&packed.File{
		Types:            types,
		Bindings:         bindings.list,
		SearchParameters: parameters,
		Compartments:     compartmentsOf(p.compartments),
	})
}
