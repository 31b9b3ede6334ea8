package search

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"
)

// Fold is the form in which strings are compared (search.html#string): without case, accents and punctuation, with single spaces
// between words. "Müller-Lüdenscheidt" is "muller ludenscheidt", "O'Brien" is "obrien". Folding twice changes nothing more.
func Fold(s string) string {
	if isFolded(s) {
		return s
	}
	if isASCII(s) {
		return tidyASCII(s)
	}
	// Case folding may give accents anew, and compatibility forms may hide capitals.
	return tidy(decompose(cases.Fold().String(decompose(s))))
}

// decompose is the compatibility decomposition without marks.
func decompose(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.Is(unicode.M, r) {
			return -1
		}
		return r
	}, norm.NFKD.String(s))
}

// isFolded says whether an ASCII text is in its folded form already.
func isFolded(s string) bool {
	space := true
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c >= 'a' && c <= 'z' || c >= '0' && c <= '9':
			space = false
		case c == ' ' && !space && i+1 < len(s):
			space = true
		default:
			return false
		}
	}
	return true
}

func isASCII(s string) bool {
	for i := 0; i < len(s); i++ {
		if s[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

// tidyASCII is tidy for ASCII, which most texts are.
func tidyASCII(s string) string {
	out := make([]byte, 0, len(s))
	space := false
	for i := 0; i < len(s); i++ {
		c := asciiFolds[s[i]]
		switch c {
		case 0:
			continue
		case ' ':
			space = len(out) > 0
			continue
		}
		if space {
			out = append(out, ' ')
			space = false
		}
		out = append(out, c)
	}
	return string(out)
}

// asciiFolds is what tidy makes of each ASCII character: 0 is nothing.
var asciiFolds = func() (folds [utf8.RuneSelf]byte) {
	for c := range folds {
		switch r := rune(c); {
		case dropped(r):
		case separates(r):
			folds[c] = ' '
		default:
			folds[c] = byte(unicode.ToLower(r))
		}
	}
	return folds
}()

// dropped says whether a character counts for nothing within a word.
func dropped(r rune) bool {
	switch r {
	case '\'', '.', '’', '‘', '`':
		return true
	}
	return false
}

// separates says whether a character is between words.
func separates(r rune) bool { return unicode.IsSpace(r) || unicode.IsPunct(r) || unicode.IsControl(r) }

// tidy puts the text in lower case, drops apostrophes and full stops, and puts one space in the place of other punctuation and
// white space.
func tidy(s string) string {
	var b strings.Builder
	b.Grow(len(s))
	space := false
	for _, r := range s {
		switch {
		case dropped(r):
			continue
		case separates(r):
			space = b.Len() > 0
			continue
		}
		if space {
			b.WriteByte(' ')
			space = false
		}
		b.WriteRune(unicode.ToLower(r))
	}
	return b.String()
}

// FoldsCase says whether the codes of a system are compared without regard to case. R4 declares nearly all of HL7's own systems
// case-sensitive (CodeSystem.caseSensitive) but for the tables of version 2, which leave it open; UCUM's units are. For everything
// else, identifiers and codes without system included, R4 advises to ignore case (search.html#token).
func FoldsCase(system string) bool {
	switch system {
	case "http://unitsofmeasure.org",
		"http://dicom.nema.org/resources/ontology/DCM", "http://healthit.gov/nhin/purposeofuse",
		"http://cds-hooks.hl7.org/CodeSystem/indicator", "urn:iso-astm:E1762-95:2013",
		"urn:oid:1.2.36.1.2001.1001.101.104.16592", "urn:oid:2.16.840.1.113883.3.1937.98.5.8":
		return false
	}
	if local, ok := strings.CutPrefix(system, "http://terminology.hl7.org/"); ok {
		return strings.HasPrefix(local, "CodeSystem/v2-")
	}
	local, ok := strings.CutPrefix(system, "http://hl7.org/fhir/")
	return !ok || strings.HasPrefix(local, "sid/") // names for other people's systems: ICD-10, NPI, …
}

// FoldCode is the form in which codes are compared where case does not count.
func FoldCode(code string) string {
	if isASCII(code) {
		return strings.ToLower(code)
	}
	return strings.ToLower(cases.Fold().String(code)) // Fold alone turns Cherokee letters around, time and again
}

// maxWord is how many bytes of a word count.
const maxWord = 64

// Words are the words of a text, folded, as _text and _content compare them.
func Words(text string) []string {
	words := strings.Fields(Fold(text))
	for i, word := range words {
		if len(word) > maxWord {
			n := maxWord
			for !utf8.RuneStart(word[n]) {
				n--
			}
			words[i] = word[:n]
		}
	}
	return words
}
