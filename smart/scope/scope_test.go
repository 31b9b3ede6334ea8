package scope

import (
	"strings"
	"testing"
)

func parse(t *testing.T, text string) Set {
	t.Helper()
	set, err := Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return set
}

func TestParse(t *testing.T) {
	for text, resource := range map[string]int{
		"patient/Observation.rs":                           1,
		"patient/Observation.read user/*.* system/*.write": 3,
		"patient/Observation.rs patient/Observation.rs":    1,
		"openid launch/patient offline_access":             0,
		"patient/Observation.rs?category=a&code=b|c,d":     1,
		"patient/Observation.rs?category=a%7Cb":            1,
		// no scopes
		"patient/Observation.sr": 0, "patient/Observation.rr": 0, "patient/Observation.": 0, "patient/Observation": 0,
		"patient/Nonsense.rs": 0, "patients/Observation.rs": 0, "patient/Observation.rx": 0, "patient/observation.rs": 0,
		"patient/Observation.rs?": 0, "patient/Observation.rs?nonsense=1": 0, "patient/Observation.read?category=a": 0,
		"patient/Observation.rs?_count=1": 0, "patient/Observation.rs?category=%zz": 0, "patient/Observation.rs?date=never": 0,
	} {
		set := parse(t, text)
		if len(set.Resource()) != resource {
			t.Errorf("%q: %d scopes on resources, want %d", text, len(set.Resource()), resource)
		}
		if resource == 0 && len(set.Words()) == 0 {
			t.Errorf("%q: its words are gone", text)
		}
	}
	for _, text := range []string{"a\tb", "a\nb", `a"b`, `a\b`, "ä", "a\x00"} {
		if _, err := Parse(text); err == nil {
			t.Errorf("%q is taken", text)
		}
	}
}

func TestWithin(t *testing.T) {
	for _, test := range []struct{ asked, bound, want string }{
		{"patient/Observation.rs", "patient/*.cruds", "patient/Observation.rs"},
		{"patient/Observation.read", "patient/*.cruds", "patient/Observation.read"},
		{"patient/Observation.rs?category=lab", "patient/*.cruds", "patient/Observation.rs?category=lab"},
		{"patient/Observation.rs?category=lab", "patient/*.read", "patient/Observation.rs?category=lab"},
		{"patient/Observation.rs?category=lab", "patient/Observation.rs?category=lab", "patient/Observation.rs?category=lab"},
		{"patient/Observation.rs", "patient/Observation.rs?category=lab", "patient/Observation.rs?category=lab"},
		{"patient/Observation.rs?category=a", "patient/Observation.rs?code=b", "patient/Observation.rs?category=a&code=b"},
		{"patient/*.cruds", "patient/Observation.rs patient/Patient.r", "patient/Observation.rs patient/Patient.r"},
		{"patient/*.read", "patient/*.r", "patient/*.r"},
		{"patient/Observation.cruds", "patient/Observation.rs patient/Observation.cud", "patient/Observation.cruds"},
		{"patient/*.rs", "patient/*.rs patient/Observation.rs", "patient/*.rs"},
		{"patient/*.rs", "user/*.cruds", ""},
		{"system/*.rs", "user/*.cruds patient/*.cruds", ""},
		{"user/*.rs", "patient/*.cruds", ""},
		{"openid launch x-other", "openid x-other", "openid"},
		{"openid patient/*.rs nonsense", "openid patient/*.rs", "openid patient/*.rs"},
		{"patient/Observation.rs", "", ""},
	} {
		bound := parse(t, test.bound)
		got := parse(t, test.asked).Within(bound)
		if got.String() != test.want {
			t.Errorf("%q within %q is %q, want %q", test.asked, test.bound, got, test.want)
		}
		for _, s := range got.Resource() {
			if !bound.Covers(s) {
				t.Errorf("%q does not cover its own %q", test.bound, s)
			}
		}
		for _, s := range parse(t, test.asked).Resource() {
			if bound.Covers(s) != strings.Contains(" "+test.want+" ", " "+s.String()+" ") {
				t.Errorf("%q covers %q: %t", test.bound, s, bound.Covers(s))
			}
		}
	}
}

func TestDescribe(t *testing.T) {
	for text, want := range map[string]string{
		"patient/Observation.rs":                          "See the patient's measurements and results",
		"patient/Observation.cruds":                       "See, add, change and delete the patient's measurements and results",
		"patient/MedicationAdministration.c":              "Add the patient's medication administration records",
		"patient/Observation.rs?category=http://s|lab":    "See the patient's measurements and results, only with category lab",
		"user/Observation.rs?category=a,b&code:text=pain": "See the measurements and results, only with category a or b and code pain",
		"system/*.read":                                   "See everybody's whole record",
	} {
		if got := Describe(parse(t, text).Resource()[0]); got != want {
			t.Errorf("%q is %q, want %q", text, got, want)
		}
	}
}

// What a set is written as means the same set, and no bound lets more through than itself.
func FuzzScopes(f *testing.F) {
	f.Add("patient/Observation.rs?category=http://s|a openid", "patient/*.cruds openid")
	f.Add("user/*.read", "user/Patient.r?_tag=x")
	f.Add("patient/Observation.rs?code=%7C%25&code=a", "launch/patient patient/Observation.*")
	f.Fuzz(func(t *testing.T, asked, bound string) {
		a, err := Parse(asked)
		b, err2 := Parse(bound)
		if err != nil || err2 != nil {
			return
		}
		within := a.Within(b)
		for _, s := range within.Resource() {
			if !b.Covers(s) {
				t.Errorf("%q within %q gives %q", asked, bound, s)
			}
			if again, ok := parseScope(s.String()); !ok || again.Permissions != s.Permissions || again.Type != s.Type || len(again.Query) != len(s.Query) {
				t.Errorf("%q is not read as it is written", s)
			}
		}
	})
}
