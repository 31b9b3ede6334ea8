package mongo

import (
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"fhirside/resources/store/mongo/mongotest"
)

// withOptions is a connection string with further options.
func withOptions(uri, more string) string {
	if strings.Contains(uri, "?") {
		return uri + "&" + more
	}
	return uri + "?" + more
}

func TestTimeouts(t *testing.T) {
	uri := mongotest.URI(t)
	for _, test := range []struct {
		options string
		set     Options
		want    Options
	}{
		{"maxPoolSize=7", Options{}, Options{Timeout: 9 * time.Second, CommitTimeout: 9 * time.Second, Patience: 6 * time.Second, SearchTime: 5 * time.Second}},
		{"timeoutMS=18000", Options{}, Options{Timeout: 18 * time.Second, CommitTimeout: 18 * time.Second, Patience: 12 * time.Second, SearchTime: 10 * time.Second}},
		{"timeoutMS=18000", Options{SearchTime: time.Second}, Options{Timeout: 18 * time.Second, CommitTimeout: 18 * time.Second, Patience: 12 * time.Second, SearchTime: time.Second}},
	} {
		got := openAt(t, withOptions(uri, test.options), test.set).opt
		if got.Timeout != test.want.Timeout || got.CommitTimeout != test.want.CommitTimeout || got.Patience != test.want.Patience || got.SearchTime != test.want.SearchTime {
			t.Errorf("%s: %v, %v, %v, %v", test.options, got.Timeout, got.CommitTimeout, got.Patience, got.SearchTime)
		}
	}
}

func TestPoolSize(t *testing.T) {
	s := openAt(t, withOptions(mongotest.URI(t), "maxPoolSize=2"), Options{})
	var all sync.WaitGroup
	for range 20 {
		all.Go(func() {
			if _, err := s.Count(t.Context(), []string{"Patient"}, identified("a")); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	registry := prometheus.NewRegistry()
	registry.MustRegister(s.meters.connections)
	families, err := registry.Gather()
	if err != nil || len(families) != 1 {
		t.Fatal(families, err)
	}
	if n := families[0].GetMetric()[0].GetGauge().GetValue(); n < 1 || n > 2 {
		t.Errorf("%v connections", n)
	}
}
