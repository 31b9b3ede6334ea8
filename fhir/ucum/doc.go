// Package ucum reads codes of the Unified Code for Units of Measure (ucum.org), so that quantities in different units of one
// dimension can be compared: 1 g and 1000 mg, 98.6 [degF] and 37 Cel. Factors are exact.
//
// It follows the UCUM specification, version 2.1, in its case sensitive form. Units on a logarithmic scale (pH, bel) are only
// compared with themselves, arbitrary units ([IU]) with their own multiples. It does not print units.
package ucum
