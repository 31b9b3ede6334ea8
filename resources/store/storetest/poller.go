package storetest

import (
	"context"
	"fmt"
	"time"

	"fhirside/resources/store"
	"fhirside/search"
)

// Poller is a client that asks again and again for the patients that changed since the last time, or position, that it saw.
type Poller struct {
	Name string
	Seen map[string]bool // "ID/VERSION"
	ask  func(context.Context, store.Store, *Poller) error
}

// Ask asks once. What it was answered before an error it has seen, and it goes on from where it was.
func (p *Poller) Ask(ctx context.Context, s store.Store) error {
	if err := p.ask(ctx, s, p); err != nil {
		return fmt.Errorf("%s: %w", p.Name, err)
	}
	return nil
}

func (p *Poller) saw(v store.Version) { p.Seen[versionName(v.ID, v.Version)] = true }

func versionName(id string, version int64) string { return fmt.Sprintf("%s/%d", id, version) }

// Pollers are one by each way of asking. The first one sees only versions that are current when it asks.
func Pollers() []*Poller {
	return []*Poller{
		{Name: "_lastUpdated=gt", Seen: map[string]bool{}, ask: byLastUpdated()},
		{Name: "_history?_since=", Seen: map[string]bool{}, ask: bySince()},
		{Name: "changes", Seen: map[string]bool{}, ask: byPosition()},
	}
}

func byLastUpdated() func(context.Context, store.Store, *Poller) error {
	last := time.UnixMicro(0) // a search without _lastUpdated may see what is newer than what is not visible yet
	return func(ctx context.Context, s store.Store, p *Poller) error {
		at := last.UnixMicro()
		f := search.Date{Param: "_lastUpdated", Op: search.Gt, Lo: at, Hi: at + 1000}
		newest := last
		for m, err := range s.Search(ctx, store.Search{Types: []string{"Patient"}, Filter: f, KeysOnly: true}) {
			if err != nil {
				return err
			}
			p.saw(m.Version)
			if m.Updated.After(newest) {
				newest = m.Updated
			}
		}
		last = newest
		return nil
	}
}

func bySince() func(context.Context, store.Store, *Poller) error {
	var last time.Time
	return func(ctx context.Context, s store.Store, p *Poller) error {
		newest := last
		for e, err := range s.History(ctx, store.History{Type: "Patient", Since: last}) {
			if err != nil {
				return err
			}
			p.saw(e.Version)
			if e.Updated.After(newest) {
				newest = e.Updated
			}
		}
		last = newest
		return nil
	}
}

func byPosition() func(context.Context, store.Store, *Poller) error {
	position := ""
	return func(ctx context.Context, s store.Store, p *Poller) error {
		for c, err := range s.Changes(ctx, position) {
			if err != nil {
				return err
			}
			p.saw(c.Version)
			position = c.Position
		}
		return nil
	}
}
