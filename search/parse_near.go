package search

import (
	"math/big"

	"fhirside/fhir"
	"fhirside/fhir/ucum"
)

// defaultDistance is what is near where a search does not say it, in metres.
const defaultDistance = 25_000

// units that are no UCUM codes, but are written.
var customaryLengths = map[string]string{"mi": "[mi_i]", "ft": "[ft_i]", "yd": "[yd_i]", "nmi": "[nmi_i]"}

// nearLeaf reads latitude|longitude|distance|units, of which the last two can be missing (location.html#search): units is a UCUM
// code of a length or one of mi, ft, yd and nmi, and else kilometres.
func (p *parser) nearLeaf(c comparison, text string) (Filter, error) {
	parts := split(text, '|')
	if len(parts) < 2 || len(parts) > 4 {
		return nil, p.errorf(fhir.CodeValue, "%q: write latitude|longitude, or latitude|longitude|distance|units", clip(text))
	}
	n := Near{Param: c.code, Distance: defaultDistance}
	var err error
	if n.Latitude, err = p.degrees(parts[0], "latitude", 90); err != nil {
		return nil, err
	}
	if n.Longitude, err = p.degrees(parts[1], "longitude", 180); err != nil {
		return nil, err
	}
	if len(parts) > 2 && parts[2] != "" {
		if n.Distance, err = p.distance(parts[2:]); err != nil {
			return nil, err
		}
	}
	return n, nil
}

// missingPosition reads :missing: without a position, or with one.
func (p *parser) missingPosition(c comparison, value string) (Filter, error) {
	c.code += LatitudeEntries
	return p.missing(c, value)
}

// degrees reads a latitude or longitude, between -most and most.
func (p *parser) degrees(text, name string, most float64) (float64, error) {
	d, err := fhir.ParseDecimal(text)
	if err != nil || d.Float() > most || d.Float() < -most {
		return 0, p.errorf(fhir.CodeValue, "%q is no %s: write degrees from -%v to %v", clip(text), name, most, most)
	}
	return d.Float(), nil
}

// distance reads a number and, behind it or not, its units, as metres.
func (p *parser) distance(parts []string) (float64, error) {
	d, err := fhir.ParseDecimal(parts[0])
	if err != nil || d.Float() < 0 {
		return 0, p.errorf(fhir.CodeValue, "%q is no distance", clip(parts[0]))
	}
	unit := "km"
	if len(parts) > 1 && parts[1] != "" {
		unit = unescape(parts[1])
	}
	if code, ok := customaryLengths[unit]; ok {
		unit = code
	}
	u, err := ucum.Parse(unit)
	if err != nil || u.Canonical() != "cm" {
		return 0, p.errorf(fhir.CodeValue, "%q is no unit of length: write one such as km, m, mi or [mi_i]", clip(unit))
	}
	return float(new(big.Rat).Quo(u.ToCanonical(d.Rat()), big.NewRat(100, 1))), nil
}
