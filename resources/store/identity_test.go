package store

import (
	"strings"
	"testing"

	"fhirside/fhir"
)

func TestChecked(t *testing.T) {
	seven := Version{Key: Key{"Patient", "7"}, Version: 2}
	inner := Version{Key: Key{"contained.Medication", "MedicationRequest/23#m1"}, Version: 5}
	for _, c := range []struct {
		v      Version
		body   string
		damage string // "": none
	}{
		{seven, `{"resourceType":"Patient","id":"7","meta":{"versionId":"2","lastUpdated":"x"},"active":true}`, ""},
		{seven, `{"resourceType":"Patient","id":"7"}`, ""},
		{seven, `{"resourceType":"Patient","id":"7","meta":{}}`, ""},
		{seven, `{"active":true,"name":[{"family":"a\"}\\"}],"meta":{"tag":[{"code":"2"}],"versionId":"2"},"id":"7","resourceType":"Patient"}`, ""},
		{seven, `{"resourceType":"Patient","id":"77","meta":{"versionId":"2"}}`, "id"},
		{seven, `{"resourceType":"Patient","id":7}`, "id"},
		{seven, `{"resourceType":"Patient"}`, "id"},
		{seven, `{"resourceType":"Patient","contained":[{"resourceType":"Patient","id":"7"}]}`, "id"},
		{seven, `{"resourceType":"Patient","id":"7","meta":{"versionId":"3"}}`, "versionId"},
		{seven, `{"resourceType":"Patient","id":"7","meta":{"versionId":"22"}}`, "versionId"},
		{seven, `{"resourceType":"Person","id":"7"}`, "resourceType"},
		{seven, `{"id":"7"}`, "resourceType"},
		{seven, `{}`, "resourceType"},
		{seven, `[]`, "JSON"},
		{seven, `{"resourceType"`, "JSON"},
		{seven, `{"resourceType":"Patient","id":"7"`, "JSON"},
		{seven, `{"resourceType":"Patient","id":"7"}}`, "JSON"},
		{inner, `{"resourceType":"Medication","id":"m1"}`, ""},
		{inner, `{"resourceType":"Medication","id":"m1","meta":{"versionId":"1"}}`, ""},
		{inner, `{"resourceType":"Medication","id":"m2"}`, "id"},
	} {
		c.v.Body = []byte(c.body)
		got := c.v.Checked()
		switch {
		case c.damage == "" && (got.Damage != nil || string(got.Body) != c.body):
			t.Errorf("%s: %v", c.body, got.Damage)
		case c.damage != "" && (got.Damage == nil || got.Body != nil || !strings.Contains(got.Damage.Error(), c.damage)):
			t.Errorf("%s: %v, not %s", c.body, got.Damage, c.damage)
		}
	}
}

// FuzzChecked: of what is a resource the same is found as by parsing it, and nothing else does harm.
func FuzzChecked(f *testing.F) {
	for _, body := range []string{
		`{"resourceType":"Patient","id":"7","meta":{"versionId":"2"}}`, `{"id":"7","a":[{"b":"]"},-1.5e3,null],"resourceType":"Patient","meta":{"versionId":"2"}}`,
		`{"resourceType":"Patient","id":"7","div":"<a href=\"x\\\">"}`, `{"resourceType":"Patient","id":"8"}`, `{"":{},"meta":[1]}`,
	} {
		f.Add([]byte(body))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		_, _ = Version{Key: Key{"Patient", "7"}, Version: 2, Body: body}.Checked(), Sound(body)
		r, err := fhir.Parse(body)
		if err != nil {
			return
		}
		body = r.Bytes()
		v := Version{Key: Key{"Patient", "7"}, Version: 2, Body: body}.Checked()
		if !Sound(body) {
			t.Errorf("%s is a resource, and not sound", body)
		}
		number := r.Get("meta").Get("versionId")
		want := r.Get("resourceType").Is("Patient") && r.Get("id").Is("7") && (!number.Exists() || number.Is("2"))
		if (v.Damage == nil) != want {
			t.Errorf("%s: %v", body, v.Damage)
		}
	})
}
