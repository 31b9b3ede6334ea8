package mongo

import (
	"context"

	"github.com/prometheus/client_golang/prometheus"
	"go.mongodb.org/mongo-driver/v2/event"
)

// meters are what the store tells an operator of its work; the store is a prometheus.Collector of them. They hold names of commands and
// counts, never what was asked or stored.
type meters struct {
	commands    *prometheus.HistogramVec // by command and outcome
	connections prometheus.Gauge
	inUse       prometheus.Gauge
	attempts    *prometheus.CounterVec // of commits, by outcome
	missing     prometheus.Gauge       // indexes that are to be built
}

func newMeters() meters {
	return meters{
		commands: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "fhirside_mongodb_command_seconds", Help: "Time that commands of MongoDB took.",
			Buckets: prometheus.ExponentialBuckets(0.0002, 4, 9),
		}, []string{"command", "outcome"}),
		connections: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "fhirside_mongodb_connections", Help: "Open connections to MongoDB.",
		}),
		inUse: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "fhirside_mongodb_connections_in_use", Help: "Connections to MongoDB on which a command runs.",
		}),
		attempts: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "fhirside_mongodb_commit_attempts_total", Help: "Attempts to commit, by what became of them.",
		}, []string{"outcome"}),
		missing: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "fhirside_mongodb_missing_indexes", Help: "Indexes that collections lack and that are built in the background.",
		}),
	}
}

func (m meters) collectors() []prometheus.Collector {
	return []prometheus.Collector{m.commands, m.connections, m.inUse, m.attempts, m.missing}
}

// Describe and Collect make the store a prometheus.Collector.
func (s *Store) Describe(to chan<- *prometheus.Desc) {
	for _, c := range s.meters.collectors() {
		c.Describe(to)
	}
}

// Collect gives the current values.
func (s *Store) Collect(to chan<- prometheus.Metric) {
	for _, c := range s.meters.collectors() {
		c.Collect(to)
	}
}

var _ prometheus.Collector = (*Store)(nil)

func (m meters) commandMonitor() *event.CommandMonitor {
	return &event.CommandMonitor{
		Succeeded: func(_ context.Context, e *event.CommandSucceededEvent) {
			m.commands.WithLabelValues(e.CommandName, "ok").Observe(e.Duration.Seconds())
		},
		Failed: func(_ context.Context, e *event.CommandFailedEvent) {
			m.commands.WithLabelValues(e.CommandName, "failed").Observe(e.Duration.Seconds())
		},
	}
}

func (m meters) poolMonitor() *event.PoolMonitor {
	return &event.PoolMonitor{Event: func(e *event.PoolEvent) {
		switch e.Type {
		case event.ConnectionCreated:
			m.connections.Inc()
		case event.ConnectionClosed:
			m.connections.Dec()
		case event.ConnectionCheckedOut:
			m.inUse.Inc()
		case event.ConnectionCheckedIn:
			m.inUse.Dec()
		}
	}}
}

// attempted counts an attempt of a commit.
func (m meters) attempted(err error) {
	outcome := "failed"
	switch {
	case err == nil:
		outcome = "committed"
	case isUnreachable(err):
		outcome = "unreachable"
	case isConflict(err):
		outcome = "conflict"
	}
	m.attempts.WithLabelValues(outcome).Inc()
}
