package demo

import (
	"crypto/sha256"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"fhirside/fhir"
	"fhirside/fhir/validation"
)

var today = time.Date(2025, 12, 1, 23, 59, 0, 0, time.UTC)

// digest of the small clinic. Who changes the tables or the code changes it; a new version of Go or another processor must not.
const digest = "bba5d57e5b4d61164b25770fbb2003f6ad0ac6da3cbb8945e5af481cfe67b059"

func TestSameClinicSameBytes(t *testing.T) {
	h := sha256.New()
	for b := range (Clinic{Patients: 30, Seed: 7, Today: today}).Bundles() {
		fmt.Fprintf(h, "%s %s\n", b.Name, b.Body)
	}
	if got := fmt.Sprintf("%x", h.Sum(nil)); got != digest {
		t.Errorf("the bytes have changed; where that was meant, the digest is now %s", got)
	}
}

func TestSeedAndDateMatter(t *testing.T) {
	bundles := func(c Clinic) (all string) {
		for b := range c.Bundles() {
			all += string(b.Body)
		}
		return all
	}
	base := Clinic{Patients: 3, Seed: 1, Today: today}
	first := bundles(base)
	for name, other := range map[string]Clinic{
		"seed": {Patients: 3, Seed: 2, Today: today},
		"date": {Patients: 3, Seed: 1, Today: today.AddDate(0, 0, 1)},
	} {
		if bundles(other) == first {
			t.Errorf("another %s gives the same clinic", name)
		}
	}
	base.Today = today.Add(-20 * time.Hour)
	if bundles(base) != first {
		t.Error("the time of the day makes a difference")
	}
}

func TestBiggerClinicBeginsWithTheSamePatients(t *testing.T) {
	small := slices.Collect(Clinic{Patients: 4, Seed: 3, Today: today}.Bundles())
	big := slices.Collect(Clinic{Patients: 25, Seed: 3, Today: today}.Bundles())
	i := slices.IndexFunc(small, func(b Bundle) bool { return strings.HasPrefix(b.Name, "3-") })
	if small[i].Name != big[i].Name || string(small[i].Body) != string(big[i].Body) {
		t.Error("the first patients differ")
	}
}

// made is the clinic that make run shows, parsed.
type made struct {
	bundles   []*fhir.Resource
	names     []string
	resources map[string]*fhir.Resource // by Type/id
	order     []string                  // their keys
}

var makeOnce = sync.OnceValues(func() (made, error) {
	m := made{resources: map[string]*fhir.Resource{}}
	for b := range (Clinic{Patients: 200, Seed: 1, Today: today}).Bundles() {
		r, err := fhir.Parse(b.Body)
		if err != nil {
			return m, fmt.Errorf("%s: %w", b.Name, err)
		}
		if string(r.Bytes()) != string(b.Body) {
			return m, fmt.Errorf("%s is not canonical", b.Name)
		}
		m.bundles, m.names = append(m.bundles, r), append(m.names, b.Name)
		for e := range r.Get("entry").Children() {
			res := e.Get("resource").Resource()
			key := res.Type() + "/" + res.ID()
			if request := e.Get("request"); !request.Get("url").Is(key) || !request.Get("method").Is("PUT") {
				return m, fmt.Errorf("%s: request %s", key, request.Raw())
			}
			if m.resources[key] != nil || !fhir.ValidID(res.ID()) {
				return m, fmt.Errorf("%s: the id is no id or in use", key)
			}
			m.resources[key] = res
			m.order = append(m.order, key)
		}
	}
	return m, nil
})

func clinic(t *testing.T) made {
	t.Helper()
	m, err := makeOnce()
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func TestEveryResourceIsValid(t *testing.T) {
	seen := map[string]bool{}
	for key, r := range clinic(t).resources {
		for _, issue := range validation.Structure(r) {
			if text := fmt.Sprint(r.Type(), issue.Diagnostics, issue.Expression); issue.Severity <= fhir.SeverityError && !seen[text] {
				seen[text] = true
				t.Errorf("%s: %s %v", key, issue.Diagnostics, issue.Expression)
			}
		}
		if !strings.Contains(string(r.Get("meta").Raw()), `"HTEST"`) {
			t.Errorf("%s is not labelled as test data", key)
		}
	}
}

var references = regexp.MustCompile(`"reference":"([^"]+)"`)

func TestReferencesPointBackOrIntoTheSameBundle(t *testing.T) {
	m := clinic(t)
	known := map[string]bool{}
	for i, b := range m.bundles {
		for e := range b.Get("entry").Children() {
			known[e.Get("request").Get("url").Text()] = true
		}
		for _, ref := range references.FindAllSubmatch(b.Bytes(), -1) {
			if !known[string(ref[1])] {
				t.Fatalf("%s refers to %s, which comes later or never", m.names[i], ref[1])
			}
		}
	}
}

func TestSizes(t *testing.T) {
	order := clinic(t).order
	count := map[string]int{}
	for _, key := range order {
		typ, _, _ := strings.Cut(key, "/")
		count[typ]++
	}
	t.Log(len(order), count)
	for typ, want := range map[string]int{"Patient": 200, "Practitioner": 25, "Location": 4} {
		if count[typ] != want {
			t.Errorf("%d %ss, not %d", count[typ], typ, want)
		}
	}
	for _, typ := range []string{
		"Organization", "HealthcareService", "PractitionerRole", "Schedule", "Slot", "RelatedPerson", "Appointment", "Encounter",
		"Observation", "Condition", "AllergyIntolerance", "Immunization", "MedicationRequest", "Communication", "CareTeam",
	} {
		if count[typ] == 0 {
			t.Errorf("no %s", typ)
		}
	}
}

func TestSlotsAndAppointmentsAgree(t *testing.T) {
	resources, order := clinic(t).resources, clinic(t).order
	last := date(today.AddDate(0, 0, slotDays-1))
	seen := map[string]string{}
	for _, key := range order {
		r := resources[key]
		switch r.Type() {
		case "Slot":
			if day := r.Get("start").Text()[:10]; day < date(today) || day > last {
				t.Errorf("%s is on %s", key, day)
			}
		case "Appointment":
			status := r.Get("status").Text()
			if status == "cancelled" {
				continue
			}
			at := r.Get("participant").Index(1).Get("actor").Get("reference").Text() + r.Get("start").Text()
			if seen[at] != "" {
				t.Errorf("%s and %s are at the same time", key, seen[at])
			}
			seen[at] = key
			slot := r.Get("slot").Index(0).Get("reference").Text()
			if slot == "" {
				continue
			}
			want := map[string]string{"booked": "busy", "pending": "busy-tentative"}[status]
			if s := resources[slot]; !s.Get("status").Is(want) || s.Get("start").Text() != r.Get("start").Text() || s.Get("end").Text() != r.Get("end").Text() {
				t.Errorf("%s (%s) is in %s", key, status, s.Bytes())
			}
		}
	}
}

func TestNothingHappensBeforeBirthOrAfterToday(t *testing.T) {
	resources, order := clinic(t).resources, clinic(t).order
	for _, key := range order {
		r := resources[key]
		patient := resources[r.Get("subject").Get("reference").Text()]
		if patient == nil {
			patient = resources[r.Get("patient").Get("reference").Text()]
		}
		if patient == nil || r.Type() == "CareTeam" {
			continue
		}
		for _, name := range []string{"effectiveDateTime", "issued", "authoredOn", "sent", "onsetDateTime", "recordedDate", "occurrenceDateTime"} {
			if at := r.Get(name).Text(); at != "" && (at[:10] < patient.Get("birthDate").Text() || at[:10] > date(today)) {
				t.Errorf("%s: %s is %s; born %s", key, name, at, patient.Get("birthDate").Text())
			}
		}
	}
}

func TestWriteFiles(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "new")
	c := Clinic{Patients: 12, Seed: 1, Today: today}
	if err := c.WriteFiles(dir); err != nil {
		t.Fatal(err)
	}
	files, err := os.ReadDir(dir) // sorted by name
	if err != nil {
		t.Fatal(err)
	}
	i := 0
	for b := range c.Bundles() {
		if i >= len(files) || files[i].Name() != b.Name+".json" {
			t.Fatalf("Bundle %d is %s: names do not sort in the order of the Bundles: %v", i, b.Name, files)
		}
		i++
	}
	if i != len(files) {
		t.Errorf("%d files for %d Bundles", len(files), i)
	}
}

func TestDecimals(t *testing.T) {
	for want, d := range map[string]decimal{"72.5": {725, 1}, "0.05": {5, 2}, "-111.5237": {-1115237, 4}, "7": {7, 0}, "-0.5": {-5, 1}, "0.0": {0, 1}} {
		if d.String() != want {
			t.Errorf("%v is written %s", [2]int{d.value, d.digits}, d)
		}
	}
}

func BenchmarkClinicOf200(b *testing.B) {
	for b.Loop() {
		for range (Clinic{Patients: 200, Seed: 1, Today: today}).Bundles() {
		}
	}
}
