package benchmark

import (
	"fmt"
	"net/url"
	"time"
)

// A shape is searches that differ in what they look for only. Among more resources they find as many.
type shape struct {
	name string
	// perPatient: all that they look at is one patient's.
	perPatient bool
	// grows says why more is examined among more resources, where that is so.
	grows string
	// noSecantusDB says why SecantusDB is not asked, where it does not use an index that MongoDB uses.
	noSecantusDB string
	of           func(c *clinic, s source) []string
}

// source is what searches are made of: the set, loaded once.
type source struct {
	people       []found
	observations []string // codes of theirs
	conditions   []string
}

// shapes are those of a clinic's app, and those of the benchmark by which the server is compared with others.
var shapes = []shape{
	{name: "Observation?patient&code&_sort=-date&_count=50", perPatient: true, of: func(c *clinic, _ source) []string {
		return c.ofCodes("Observation", func(patient, code string) string {
			return "Observation?patient=" + patient + "&code=" + code + "&_sort=-date&_count=50"
		})
	}},
	{name: "Observation?patient&category=vital-signs", perPatient: true, of: func(c *clinic, _ source) []string {
		return c.ofPatients(func(p string) string { return "Observation?patient=" + p + "&category=vital-signs" })
	}},
	{name: "Observation?patient&date=ge&date=lt", perPatient: true, of: func(c *clinic, _ source) []string {
		return c.ofPatients(func(p string) string { return "Observation?patient=" + p + "&date=ge2016&date=lt2018" })
	}},
	{name: "Observation?patient&code&_include=Observation:encounter", perPatient: true, of: func(c *clinic, _ source) []string {
		return c.ofCodes("Observation", func(patient, code string) string {
			return "Observation?patient=" + patient + "&code=" + code + "&_include=Observation:encounter"
		})
	}},
	{name: "Encounter?patient&date=ge2019", perPatient: true, of: func(c *clinic, _ source) []string {
		return c.ofPatients(func(p string) string { return "Encounter?patient=" + p + "&date=ge2019" })
	}},
	{name: "Condition?patient&code", perPatient: true, of: func(c *clinic, _ source) []string {
		return c.ofCodes("Condition", func(patient, code string) string { return "Condition?patient=" + patient + "&code=" + code })
	}},
	{name: "MedicationRequest?patient&status", perPatient: true, of: func(c *clinic, _ source) []string {
		return c.ofPatients(func(p string) string { return "MedicationRequest?patient=" + p + "&status=stopped" })
	}},
	{name: "Immunization?patient", perPatient: true, of: func(c *clinic, _ source) []string {
		return c.ofPatients(func(p string) string { return "Immunization?patient=" + p })
	}},
	{name: "DiagnosticReport?patient&_sort=-date&_count=10", perPatient: true, of: func(c *clinic, _ source) []string {
		return c.ofPatients(func(p string) string { return "DiagnosticReport?patient=" + p + "&_sort=-date&_count=10" })
	}},
	{name: "Patient?identifier=s|v", perPatient: true, of: func(c *clinic, s source) []string {
		return ofPeople(s, func(p found) string { return "Patient?identifier=" + token(synthea, identifierOf(p)) })
	}},
	{name: "DiagnosticReport?result.encounter.subject.identifier=s|v", of: func(c *clinic, s source) []string {
		return ofPeople(s, func(p found) string {
			return "DiagnosticReport?result:Observation.encounter:Encounter.subject:Patient.identifier=" + token(synthea, identifierOf(p))
		})
	}},
	{name: "Patient?_id&_revinclude=Observation:patient", of: func(c *clinic, _ source) []string {
		return c.ofPatients(func(p string) string {
			return "Patient?_id=" + p[len("Patient/"):] + "&_revinclude=Observation:patient"
		})
	}},
	{name: "Patient?family=prefix", of: func(c *clinic, s source) (list []string) {
		for _, p := range s.people {
			family := []rune(p.Name[0].Family)
			for n := range family {
				list = append(list, "Patient?family="+url.QueryEscape(string(family[:n+1])))
			}
		}
		return c.finding(10, list)
	}},
	{name: "Patient?name=prefix&gender", of: func(c *clinic, s source) (list []string) {
		for _, p := range s.people {
			given := []rune(p.Name[0].Given[0])
			for n := range given {
				list = append(list, "Patient?name="+url.QueryEscape(string(given[:n+1]))+"&gender="+p.Gender)
			}
		}
		return c.finding(10, list)
	}},
	{name: "Patient?birthdate=ge&birthdate=lt", of: func(c *clinic, s source) (list []string) {
		for _, p := range s.people[:40] {
			born, err := time.Parse(time.DateOnly, p.BirthDate)
			c.must(err)
			for _, days := range []int{1, 100, 500, 2500} {
				list = append(list, fmt.Sprintf("Patient?birthdate=ge%s&birthdate=lt%s", p.BirthDate, born.AddDate(0, 0, days).Format(time.DateOnly)))
			}
		}
		return c.finding(10, list)
	}},
	{name: "Patient?_lastUpdated=ge&_lastUpdated=lt", of: func(c *clinic, _ source) (list []string) {
		for _, window := range c.windows(10) {
			list = append(list, "Patient?"+window)
		}
		return list
	}},
	{name: "Observation?code&_lastUpdated=ge&_lastUpdated=lt", grows: "each of the two conditions finds more among more: the one that finds less is walked", of: func(c *clinic, s source) (list []string) {
		for i, window := range c.windows(10) {
			list = append(list, "Observation?code="+s.observations[i%5]+"&"+window)
		}
		return list
	}},
	{name: "Patient?_has:Observation:patient:code", of: func(c *clinic, s source) []string {
		return c.finding(10, ofList(s.observations, "Patient?_has:Observation:patient:code="))
	}},
	{name: "Observation?patient.family=prefix&code", grows: "copies have the same names: the chain leads to five times as many patients", of: func(c *clinic, s source) (list []string) {
		for i, p := range s.people[:60] {
			list = append(list, "Observation?patient.family="+url.QueryEscape(p.Name[0].Family)+"&code="+s.observations[i%20])
		}
		return c.finding(25, list)
	}},
	{name: "Observation?code&_sort=-date&_count=20", noSecantusDB: "it reads all that match before it takes the first ones", of: func(c *clinic, s source) []string {
		return ofList(s.observations[:searchesEach], "Observation?_sort=-date&_count=20&_total=none&code=")
	}},
	{name: "Observation?code&value-quantity=gt", grows: "each of the two conditions finds more among more: the one that finds less is walked", of: func(c *clinic, s source) (list []string) {
		for _, code := range s.observations[:20] {
			for _, value := range []string{"1", "5", "10", "20", "50", "75", "100", "150", "200", "300"} {
				list = append(list, "Observation?code="+code+"&value-quantity=gt"+value)
			}
		}
		return c.finding(25, list)
	}},
	{name: "Observation?component-code-value-quantity=c$gt", grows: "each of the two conditions finds more among more: the one that finds less is walked", of: func(c *clinic, s source) (list []string) {
		for value := 100.0; value < 250; value += 2 {
			list = append(list, fmt.Sprintf("Observation?component-code-value-quantity=%s$gt%g", token("http://loinc.org", "8480-6"), value))
		}
		return c.finding(25, list)
	}},
	{name: "Observation?code&date=ge&_include=Observation:patient", noSecantusDB: "it does not narrow the entries of a code by the date", of: func(c *clinic, s source) (list []string) {
		for i, code := range s.observations[:20] {
			for year := 2015; year < 2022; year++ {
				list = append(list, fmt.Sprintf("Observation?code=%s&date=ge%d-%02d&_include=Observation:patient", code, year, 1+i%12))
			}
		}
		return c.finding(25, list)
	}},
	{name: "Observation?code&_summary=count", of: func(c *clinic, s source) (list []string) {
		for _, query := range c.finding(25, ofList(s.observations, "Observation?code=")) {
			list = append(list, query+"&_summary=count")
		}
		return list
	}},
	{name: "Condition?code", of: func(c *clinic, s source) []string {
		return c.finding(25, ofList(s.conditions, "Condition?code="))
	}},
}

func ofPeople(s source, query func(p found) string) (list []string) {
	for _, p := range s.people[:searchesEach] {
		list = append(list, query(p))
	}
	return list
}

func ofList(values []string, prefix string) (list []string) {
	for _, value := range values {
		list = append(list, prefix+value)
	}
	return list
}
