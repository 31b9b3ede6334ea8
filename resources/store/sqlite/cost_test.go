package sqlite_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"fhirside/resources/store"
	"fhirside/resources/store/sqlite"
	"fhirside/search"
)

// shapes are searches that clinics and their apps live on. Their cost must not grow with the resources that do not match.
var shapes = []string{
	"Patient?family=family7x",
	"Patient?name=given7x&gender=male",
	"Patient?identifier=urn:mrn|7",
	"Patient?birthdate=ge1950-01-07&birthdate=lt1950-01-08",
	"Patient?_lastUpdated=gt2100",
	"Patient?_has:Observation:patient:code=urn:c|rare",
	"Observation?patient=p7&code=urn:c|1&_sort=-date",
	"Observation?patient=p7&category=lab",
	"Observation?patient=p7&date=ge2020-01-01&date=lt2021-01-01",
	"Observation?code=urn:c|1&value-quantity=gt5",
	"Observation?code=urn:c|1&_sort=-date",
	"Observation?code=urn:c|1&_sort=date",
	"Observation?code=1&_sort=-date",
	"Observation?code=urn:c|1&date=ge2020-06-01",
	"Observation?code=urn:c|1&_lastUpdated=ge2000&_lastUpdated=le2100",
	"Observation?code=urn:c|1&_lastUpdated=ge2030-01-01T00:00:50Z&_lastUpdated=lt2030-01-01T00:00:54Z",
	"Patient?_lastUpdated=ge2030-01-01T00:00:50Z&_lastUpdated=lt2030-01-01T00:00:54Z",
	"Observation?component-code-value-quantity=urn:c|sys$gt5",
	"Observation?patient.family=family7x&code=urn:c|1",
	"Observation?_sort=-date",
	"Observation?_sort=-_lastUpdated",
	"Observation?date=ge2021",
	"Observation?patient=p7",
	"Slot?schedule=Schedule/s7&start=ge2020-01-03&start=lt2020-01-04",
	"Slot?schedule=Schedule/s7&status=free&start=ge2020-01-03&_sort=start",
	"Appointment?patient=p7&status=booked&date=ge2020-01-01",
	"Appointment?date=ge2020-01-03&date=lt2020-01-04&status=booked",
}

// sorted are orders that a table has; they are only taken from it among many resources. Where they descend, all resources of the type
// are asked first whether they have no value.
var sorted = []string{
	"Patient?_sort=family",
	"Patient?_sort=name,birthdate",
	"Patient?_sort=birthdate&gender=male",
	"Observation?_sort=-date,code",
	"Observation?_sort=value-string&status=final",
}

// crowd commits n patients, from the first one on, with what belongs to each.
func crowd(t testing.TB, s store.Store, first, n int) {
	t.Helper()
	for i := first; i < first+n; i++ {
		gender := []string{"female", "male"}[i%2]
		bodies := []string{
			fmt.Sprintf(`{"resourceType":"Patient","id":"p%d","name":[{"family":"Family%dx","given":["Given%dx"]}],"gender":%q,"birthDate":"%d-01-%02d","identifier":[{"system":"urn:mrn","value":"%d"}]}`,
				i, i, i, gender, 1950+i/28, 1+i%28, i),
			fmt.Sprintf(`{"resourceType":"Schedule","id":"s%d","active":true}`, i),
		}
		for j := range 6 {
			bodies = append(bodies,
				fmt.Sprintf(`{"resourceType":"Observation","id":"o%d-%d","status":"final","category":[{"coding":[{"code":%q}]}],"code":{"coding":[{"system":"urn:c","code":"%d"}]},"subject":{"reference":"Patient/p%d"},"effectiveDateTime":"%d-%02d-%02dT10:%02d:00Z","valueQuantity":{"value":%d,"unit":"mg"}}`,
					i, j, []string{"lab", "vital"}[j%2], j%3, i, 2019+j%4, 1+i%12, 1+i%28, i%60, (i+j)%7*3),
				fmt.Sprintf(`{"resourceType":"Observation","id":"c%d-%d","status":"final","code":{"coding":[{"system":"urn:c","code":"bp"}]},"subject":{"reference":"Patient/p%d"},"effectiveDateTime":"%d-01-01T10:%02d:00Z","component":[{"code":{"coding":[{"system":"urn:c","code":"sys"}]},"valueQuantity":{"value":%d}}]}`,
					i, j, i, 2017+j%4, i%60, (i+j)%7*3),
				fmt.Sprintf(`{"resourceType":"Slot","id":"t%d-%d","schedule":{"reference":"Schedule/s%d"},"status":%q,"start":"2020-01-%02dT10:00:00Z","end":"2020-01-%02dT11:00:00Z"}`,
					i, j, i, []string{"free", "busy"}[j%2], 1+j, 1+j),
				fmt.Sprintf(`{"resourceType":"Appointment","id":"a%d-%d","status":%q,"start":"2020-01-%02dT10:00:00Z","end":"2020-01-%02dT11:00:00Z","participant":[{"actor":{"reference":"Patient/p%d"},"status":"accepted"}]}`,
					i, j, []string{"booked", "cancelled"}[j%2], 1+(i+j)%28, 1+(i+j)%28, i))
		}
		if i < 3 {
			bodies = append(bodies, fmt.Sprintf(`{"resourceType":"Observation","id":"rare%d","status":"final","code":{"coding":[{"system":"urn:c","code":"rare"}]},"subject":{"reference":"Patient/p%d"},"effectiveDateTime":"2020-01-01"}`, i, i))
		}
		if err := put(t.Context(), s, bodies...); err != nil {
			t.Fatal(err)
		}
	}
}

// ask runs a search given as in a URL for its first 20 matches.
func ask(t testing.TB, s store.Store, url string) {
	t.Helper()
	resourceType, criteria, _ := strings.Cut(url, "?")
	var params []search.Parameter
	for pair := range strings.SplitSeq(criteria, "&") {
		name, value, _ := strings.Cut(pair, "=")
		params = append(params, search.Parameter{Name: name, Value: value})
	}
	if ids, err := find(t.Context(), s, resourceType, 20, params...); err != nil || len(ids) == 0 && !strings.Contains(url, "2100") {
		t.Errorf("%s: found %d (%v)", url, len(ids), err)
	}
}

// TestCosts counts the steps of SQLite's machine for each shape among few and among five times as many resources.
func TestCosts(t *testing.T) {
	s := open(t, sqlite.Memory, sqlite.Options{Now: secondBySecond()})
	measure := func() (steps []int) {
		for _, url := range slices.Concat(shapes, sorted) {
			ask(t, s, url)
			sqlite.Steps(s)
			ask(t, s, url)
			steps = append(steps, sqlite.Steps(s))
		}
		return steps
	}
	sqlite.ClimbFrom(s, 50)
	crowd(t, s, 0, 100)
	few := measure()
	crowd(t, s, 100, 400)
	for i, many := range measure() {
		url := slices.Concat(shapes, sorted)[i]
		t.Logf("%6d %6d steps: %s", few[i], many, url)
		if many > few[i]*13/10+400 {
			t.Errorf("%s takes %d steps among five times as many resources, instead of %d", url, many, few[i])
		}
	}
}

// secondBySecond is a clock on which a second passes whenever it is looked at.
func secondBySecond() func() time.Time {
	now := time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC)
	return func() time.Time {
		now = now.Add(time.Second)
		return now
	}
}

// TestPlans: every statement that these searches take walks an index.
func TestPlans(t *testing.T) {
	s := open(t, sqlite.Memory, sqlite.Options{Now: secondBySecond()})
	crowd(t, s, 0, 60)
	sqlite.ClimbFrom(s, 0)
	for _, url := range slices.Concat(shapes, sorted) {
		ask(t, s, url)
	}
	plans, err := sqlite.Plans(s)
	if err != nil {
		t.Fatal(err)
	}
	if len(plans) < len(shapes)/2 {
		t.Errorf("only %d statements", len(plans))
	}
	for sql, plan := range plans {
		for _, step := range plan {
			switch {
			case strings.HasPrefix(step, "SCAN") && !strings.Contains(step, "VIRTUAL TABLE") && !strings.HasPrefix(step, "SCAN (") && step != "SCAN CONSTANT ROW" && step != "SCAN type":
				t.Errorf("%s\nreads all of a table: %s", sql, strings.Join(plan, "; "))
			case strings.Contains(step, "AUTOMATIC"):
				t.Errorf("%s\nhas no index for: %s", sql, strings.Join(plan, "; "))
			case strings.Contains(step, "TEMP B-TREE") && !strings.Contains(sql, "DISTINCT") && !strings.Contains(sql, "resource c") && !strings.Contains(sql, "json_each"):
				t.Errorf("%s\nsorts: %s", sql, strings.Join(plan, "; "))
			}
		}
	}
}

// TestRareCode: among a patient's many resources those of a code are found by the code where hardly any has it.
func TestRareCode(t *testing.T) {
	s := open(t, sqlite.Memory, sqlite.Options{})
	bodies := []string{`{"resourceType":"Observation","id":"rare","code":{"coding":[{"code":"rare"}]},"subject":{"reference":"Patient/p"}}`}
	for i := range 1000 {
		bodies = append(bodies, fmt.Sprintf(`{"resourceType":"Observation","id":"o%d","code":{"coding":[{"code":"1"}]},"subject":{"reference":"Patient/p"}}`, i))
	}
	if err := put(t.Context(), s, bodies...); err != nil {
		t.Fatal(err)
	}
	const rare = "Observation?patient=Patient/p&code=rare"
	ask(t, s, rare)
	sqlite.Steps(s)
	ask(t, s, rare)
	if steps := sqlite.Steps(s); steps > 500 {
		t.Errorf("%s takes %d steps", rare, steps)
	}
}

// TestTimesOfChainedMatches: the times of change asked for are not read anew for each resource that a chain leads to.
func TestTimesOfChainedMatches(t *testing.T) {
	s := open(t, sqlite.Memory, sqlite.Options{Now: secondBySecond()})
	crowd(t, s, 0, 120)
	const window = "Slot?schedule._lastUpdated=lt2030-01-01T00:01:00Z&_lastUpdated=ge2030-01-01T00:00:20Z&_sort=_id"
	ask(t, s, window)
	sqlite.Steps(s)
	ask(t, s, window)
	if steps := sqlite.Steps(s); steps > 40_000 {
		t.Errorf("%s takes %d steps", window, steps)
	}
}

// TestAskedTwice: a condition that is asked again costs hardly more than to look up what it means.
func TestAskedTwice(t *testing.T) {
	s := open(t, sqlite.Memory, sqlite.Options{Now: secondBySecond()})
	crowd(t, s, 0, 20)
	steps := func(url string) int {
		ask(t, s, url)
		sqlite.Steps(s)
		ask(t, s, url)
		return sqlite.Steps(s)
	}
	for _, condition := range []string{"code=urn:c|1", "code=urn:c|1,urn:c|2", "value-quantity=gt5", "date=ge2020"} {
		once, often := steps("Observation?"+condition), steps("Observation?"+condition+strings.Repeat("&"+condition, 5))
		if often > once+100 {
			t.Errorf("%s takes %d steps, six times %d", condition, once, often)
		}
	}
}
