package search

import (
	"strings"
	"testing"
	"unicode"

	"pgregory.net/rapid"

	"fhirside/fhir"
	"fhirside/fhir/fhirtest"
)

func TestFold(t *testing.T) {
	for text, want := range map[string]string{
		"":                    "",
		"Chalmers":            "chalmers",
		"van  der\tBerg ":     "van der berg",
		"Müller-Lüdenscheidt": "muller ludenscheidt",
		"O'Brien":             "obrien",
		"D’Angelo":            "dangelo",
		"St. John's":          "st johns",
		"José":                "jose",
		"Jose\u0301":          "jose",
		"Straße":              "strasse",
		"ＦＵＬＬ":                "full",
		"ﬁn":                  "fin",
		"ΣΊΣΥΦΟΣ":             "σισυφοσ",
		"(a), [b]; c/d":       "a b c d",
		"---":                 "",
		"100 % + 1":           "100 + 1",
		"李 小龙":                "李 小龙",
		"İstanbul":            "istanbul",
	} {
		if got := Fold(text); got != want {
			t.Errorf("Fold(%q) is %q, want %q", text, got, want)
		}
	}
}

func TestFoldProperties(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.OneOf(rapid.String(), rapid.StringMatching(`[ -~]{0,20}`), rapid.StringMatching(`[A-Za-zÄéß'’.,\- ]{0,20}`)).Draw(t, "text")
		folded := Fold(text)
		if again := Fold(folded); again != folded {
			t.Fatalf("folded %q, folded twice %q", folded, again)
		}
		if strings.TrimSpace(folded) != folded || strings.Contains(folded, "  ") {
			t.Fatalf("%q has spaces too many", folded)
		}
		if isASCII(text) && tidyASCII(text) != tidy(text) {
			t.Fatalf("ASCII is folded to %q, else to %q", tidyASCII(text), tidy(text))
		}
		if strings.IndexFunc(folded, unicode.IsPunct) >= 0 {
			t.Fatalf("%q has punctuation", folded)
		}
	})
	rapid.Check(t, func(t *rapid.T) {
		code := rapid.String().Draw(t, "code")
		if once := FoldCode(code); FoldCode(once) != once {
			t.Fatalf("%q changes when it is folded again", once)
		}
	})
}

func TestFoldsCase(t *testing.T) {
	for system, folds := range map[string]bool{
		"":                          true,
		"urn:oid:1.2.3":             true,
		"http://loinc.org":          true,
		"http://snomed.info/sct":    true,
		"http://unitsofmeasure.org": false,
		"http://hl7.org/fhir/administrative-gender":                  false,
		"http://hl7.org/fhir/sid/us-npi":                             true,
		"http://terminology.hl7.org/CodeSystem/v3-ActCode":           false,
		"http://terminology.hl7.org/CodeSystem/v2-0203":              true,
		"http://terminology.hl7.org/CodeSystem/observation-category": false,
	} {
		if FoldsCase(system) != folds {
			t.Errorf("FoldsCase(%q) is %v", system, !folds)
		}
	}
}

// The rule for HL7's systems agrees with what R4's own CodeSystem resources declare.
func TestFoldsCaseAsDeclared(t *testing.T) {
	n := 0
	for name, data := range fhirtest.Files(t) {
		if !strings.HasPrefix(name, "CodeSystem-") {
			continue
		}
		r, err := fhir.Parse(data)
		if err != nil {
			t.Fatal(err)
		}
		url := r.Get("url").Text()
		if strings.Contains(url, "example") || strings.Contains(url, "/sid/ex-") {
			continue
		}
		n++
		if sensitive := r.Get("caseSensitive").Text() == "true"; FoldsCase(url) == sensitive {
			t.Errorf("%s: %s declares caseSensitive %v", name, url, sensitive)
		}
	}
	if n < 1000 {
		t.Errorf("only %d code systems were compared", n)
	}
}
