package sqlite

import (
	"context"
	"errors"
	"fmt"

	"fhirside/resources/store"
)

// meter is a context that also ends when the work allowed for a search is done. SQLite asks it once in a thousand steps of its
// virtual machine.
type meter struct {
	context.Context
	left int // thousands of steps
	// statements that were begun. SQLite does not count what it takes to begin one.
	statements int
}

// perStatements is how many statements take as long to begin as a thousand steps to run.
const perStatements = 4

var errSpent = errors.New("the work allowed for this is done")

func (m *meter) Err() error {
	if err := m.Context.Err(); err != nil {
		return err
	}
	if m.left--; m.left < 0 {
		return errSpent
	}
	return nil
}

// credit makes up for a question that is not SQLite's.
func (m *meter) credit() {
	m.left++
	if outer, ok := m.Context.(*meter); ok {
		outer.credit()
	}
}

// statement notes that one is begun.
func (m *meter) statement() {
	if m.statements++; m.statements%perStatements == 0 {
		m.left--
	}
	if outer, ok := m.Context.(*meter); ok {
		outer.statement()
	}
}

// metered runs f with a bound on its work; spent says that the bound was what ended it. Bounds nest.
func (c *conn) metered(ctx context.Context, thousands int, f func() error) (spent bool, err error) {
	m := &meter{Context: ctx, left: thousands}
	outer := c.meter
	if outer != nil {
		m.Context = outer
	}
	c.meter = m
	c.db.SetInterrupt(m)
	defer func() {
		c.meter = outer
		if outer != nil {
			c.db.SetInterrupt(outer)
		} else {
			c.db.SetInterrupt(context.Background())
		}
	}()
	err = f()
	return m.left < 0, err
}

// work notes work outside SQLite that takes as long as about a thousand steps. It fails when no more is allowed.
func (c *conn) work() error {
	if c.meter == nil {
		return nil
	}
	return c.meter.Err()
}

// bounded runs a search with the bound of the options.
func (s *db) bounded(ctx context.Context, c *conn, f func() error) error {
	spent, err := c.metered(ctx, s.opt.MaxSteps*1000, f)
	if spent && err != nil {
		return fmt.Errorf("%w: it was given up after %d million steps", store.ErrTooCostly, s.opt.MaxSteps)
	}
	return err
}
