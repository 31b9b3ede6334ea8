package sqlite

import (
	"context"
	"errors"
	"sync"
)

// pool keeps connections for reading. The one used last is used next: its cache is the warmest.
type pool struct {
	open  func(context.Context) (*conn, error)
	slots chan struct{} // one token per connection that may be in use

	mu     sync.Mutex
	idle   []*conn
	closed bool
}

func newPool(size int, open func(context.Context) (*conn, error)) *pool {
	return &pool{open: open, slots: make(chan struct{}, size)}
}

func (p *pool) get(ctx context.Context) (*conn, error) {
	if err := ctx.Err(); err != nil {
		return nil, context.Cause(ctx)
	}
	select {
	case p.slots <- struct{}{}:
	default:
		select {
		case p.slots <- struct{}{}:
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
	}
	p.mu.Lock()
	if p.closed {
		p.mu.Unlock()
		<-p.slots
		return nil, errClosed
	}
	if n := len(p.idle); n > 0 {
		c := p.idle[n-1]
		p.idle = p.idle[:n-1]
		p.mu.Unlock()
		return c, nil
	}
	p.mu.Unlock()
	c, err := p.open(ctx)
	if err != nil {
		<-p.slots
		return nil, explain(ctx, err)
	}
	return c, nil
}

func (p *pool) put(c *conn) {
	if c.broken {
		c.discard()
	} else {
		p.mu.Lock()
		p.idle = append(p.idle, c)
		p.mu.Unlock()
	}
	<-p.slots
}

// close waits until no connection is in use.
func (p *pool) close() (err error) {
	p.mu.Lock()
	p.closed = true
	p.mu.Unlock()
	for range cap(p.slots) {
		p.slots <- struct{}{}
	}
	for _, c := range p.idle {
		err = errors.Join(err, c.close())
	}
	p.idle = nil
	for range cap(p.slots) {
		<-p.slots
	}
	return err
}
