package search

import (
	"strings"

	"fhirside/fhir"
)

// dateLeaf reads a date or time with its prefix; it stands for the interval that its precision spans (search.html#date). ap
// widens that to both sides by a tenth of its distance from now.
func (p *parser) dateLeaf(c comparison, text string) (Filter, error) {
	text = unescape(text)
	op, date := cutPrefix(text)
	moment, err := fhir.ParseMoment(lostPlus(date))
	if err != nil {
		return nil, p.errorf(fhir.CodeValue, "%q is not a date: write YYYY, YYYY-MM, YYYY-MM-DD or YYYY-MM-DDThh:mm:ss with Z or a zone such as +01:00, after %s or nothing", clip(text), comparators)
	}
	d := Date{c.code, op, moment.Lo, moment.Hi}
	if op == Ap {
		tenth := max(d.Lo-p.now, p.now-d.Hi, 0) / 10
		d.Lo, d.Hi = d.Lo-tenth, d.Hi+tenth
	}
	return d, nil
}

// lostPlus gives a zone its sign back: a plus in a URL that was not encoded arrives as a space, which no date has.
func lostPlus(date string) string {
	if i := len(date) - len(" hh:mm"); i > 0 && date[i] == ' ' && strings.Contains(date[:i], "T") {
		return date[:i] + "+" + date[i+1:]
	}
	return date
}
