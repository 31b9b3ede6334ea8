package load

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestSyntheaIsOrderedHospitalsPractitionersPatients(t *testing.T) {
	dir := filepath.Join("..", "..", "..", "shared", "data", "synthea")
	if _, err := os.Stat(dir); err != nil {
		t.Skip("the Synthea set is not here")
	}
	sources, err := find([]string{dir})
	if err != nil {
		t.Fatal(err)
	}
	if err := rank(sources); err != nil {
		t.Fatal(err)
	}
	for i, prefix := range []string{"0-hospital", "0-practitioner"} {
		if !strings.HasPrefix(filepath.Base(sources[i].path), prefix) {
			t.Errorf("file %d is %s, not %s…", i, sources[i].path, prefix)
		}
	}
	for _, s := range sources[2:] {
		if s.rank <= sources[1].rank {
			t.Errorf("%s may be loaded before the practitioners are there", s.path)
		}
	}
}
