package search

import (
	"slices"
	"strings"
	"sync"

	"fhirside/fhir/terminology"
)

// spellings are the ways in which a code may be written in code systems that respect case: as it is, as R4's code systems have it,
// and in lower and upper case.
func spellings(code string) []string {
	all := append([]string{code, strings.ToLower(code), strings.ToUpper(code)}, spelled()[FoldCode(code)]...)
	slices.Sort(all)
	return slices.Compact(all)
}

// spelled are the codes of R4's code systems that respect case and have capitals beside small letters, by how they are folded.
var spelled = sync.OnceValue(func() map[string][]string {
	mixed := map[string][]string{}
	for url, codes := range terminology.R4Codes() {
		if FoldsCase(url) {
			continue
		}
		for _, code := range codes {
			if code == strings.ToLower(code) || code == strings.ToUpper(code) {
				continue
			}
			if folded := FoldCode(code); !slices.Contains(mixed[folded], code) {
				mixed[folded] = append(mixed[folded], code)
			}
		}
	}
	return mixed
})
