package main

import (
	"encoding/json"
	"io"
	"net/http"
	"os"
	"regexp"
	"strings"
	"testing"
)

var exampleURL = regexp.MustCompile(`curl (?:-s )?-H \\*"\\*\$*AUTH\\*" 'http://[^/]+(/fhir/[^']+)'`)

// What the README and make run propose to try gives something on the demo clinic.
func TestExamplesFindSomething(t *testing.T) {
	set := testSettings(t)
	if _, _, err := execute(t, demoCommand(), "--store", set.store); err != nil {
		t.Fatal(err)
	}
	url, _, _ := startServer(t, set)
	for _, file := range []string{"../../README.md", "../../Makefile"} {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		examples := exampleURL.FindAllStringSubmatch(string(text), -1)
		if len(examples) < 3 {
			t.Errorf("%s has %d examples", file, len(examples))
		}
		for _, e := range examples {
			response, err := http.Get(url + strings.ReplaceAll(e[1], "$$", "$"))
			if err != nil {
				t.Fatal(err)
			}
			body, _ := io.ReadAll(response.Body)
			response.Body.Close()
			var answer struct {
				ResourceType string
				Total        *int
			}
			if err := json.Unmarshal(body, &answer); err != nil || response.StatusCode != http.StatusOK {
				t.Errorf("%s: %s: %s %.200s", file, e[1], response.Status, body)
			}
			if answer.ResourceType == "Bundle" && (answer.Total == nil || *answer.Total == 0) {
				t.Errorf("%s: %s finds nothing", file, e[1])
			}
		}
	}
}
