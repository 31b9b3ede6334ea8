package account

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"time"

	"fhirside/resources/store"
	"fhirside/smart/state"
)

// TooManyError says that there were too many failures, and how long until the next attempt.
type TooManyError struct{ Wait time.Duration }

func (e *TooManyError) Error() string {
	return fmt.Sprintf("too many attempts; try again in %d seconds", e.Seconds())
}

// Seconds until the next attempt, rounded up; for Retry-After.
func (e *TooManyError) Seconds() int { return int((e.Wait + time.Second - 1) / time.Second) }

// limit is how failures slow the next attempts down: after the free ones each doubles the wait, from a second up to the most.
type limit struct {
	free int
	most time.Duration
}

// What is counted. An account's own failures, from wherever they come, never make it wait for longer than half a minute: whoever
// guesses at it can make its owner wait, but not lock them out; and a browser in which they have signed in before does not wait
// for other people's failures at all (OWASP, "Device cookies").
var (
	byBrowser = limit{free: 5, most: 15 * time.Minute}  // one account from one address, or from one known browser
	byAccount = limit{free: 20, most: 30 * time.Second} // one account from all other browsers
	byAddress = limit{free: 50, most: 15 * time.Minute} // all accounts from one address: a clinic may share one
	byCode    = limit{free: 5, most: 15 * time.Minute}  // codes of one account's second factor, by whoever knows the password
)

// forget is how long after the last failure they are forgotten.
const forget = 24 * time.Hour

// Browser is where an attempt comes from.
type Browser struct {
	Address string // IP address, perhaps with a port
	device  string // value of the cookie of a browser in which somebody has signed in before
}

// BrowserOf is the browser that sends a request.
func (a *Accounts) BrowserOf(r *http.Request) Browser {
	return Browser{Address: r.RemoteAddr, device: a.cookie(r, deviceCookie)}
}

// network is what one attacker has at their disposal: an IPv4 address, or 64 bits of IPv6.
func (b Browser) network() string {
	address, err := netip.ParseAddr(b.Address)
	if err != nil {
		withPort, err := netip.ParseAddrPort(b.Address)
		if err != nil {
			return b.Address
		}
		address = withPort.Addr()
	}
	address = address.Unmap()
	if address.Is4() {
		return address.String()
	}
	if prefix, err := address.WithZone("").Prefix(64); err == nil {
		return prefix.String()
	}
	return address.String()
}

// attempt is one that has been counted as a failure until it succeeds: so a hundred at once are a hundred.
type attempt struct {
	accounts *Accounts
	counted  []string // keys of what is forgotten when it succeeds
	address  string   // key of what only the attempt itself is taken off
}

func (a *Accounts) begin(ctx context.Context, name string, b Browser) (*attempt, error) {
	t := &attempt{accounts: a, address: "address:" + b.network()}
	known, err := a.knows(ctx, name, b)
	if err != nil {
		return nil, err
	}
	if known != "" {
		t.counted = []string{"sign-in:" + name + "@" + known}
		return t, a.count(ctx, t.counted[0], byBrowser)
	}
	t.counted = []string{"sign-in:" + name + "@" + b.network(), "sign-in:" + name}
	for i, l := range []limit{byBrowser, byAccount} {
		if err := a.count(ctx, t.counted[i], l); err != nil {
			return nil, err
		}
	}
	return t, a.count(ctx, t.address, byAddress)
}

func (t *attempt) succeeded(ctx context.Context) error {
	for _, key := range t.counted {
		if err := t.accounts.Tables.Attempts.Delete(ctx, key); err != nil {
			return err
		}
	}
	_, err := t.accounts.Tables.Attempts.Change(ctx, t.address, func(r *state.Record[state.Attempts]) error {
		r.Value.Failures = max(0, r.Value.Failures-1)
		r.Value.Until = time.Time{}
		return nil
	})
	if errors.Is(err, store.ErrNotFound) {
		return nil
	}
	return err
}

// count adds a failure to what is known under a key, or refuses with *TooManyError, which adds none.
func (a *Accounts) count(ctx context.Context, key string, l limit) error {
	for {
		r, err := a.Tables.Attempts.Get(ctx, key)
		if err != nil && !errors.Is(err, store.ErrNotFound) {
			return err
		}
		now := a.Now()
		if wait := r.Value.Until.Sub(now); wait > 0 {
			return &TooManyError{wait}
		}
		r.Key = key
		r.Value.Failures++
		if over := r.Value.Failures - l.free; over >= 0 {
			r.Value.Until = now.Add(min(l.most, time.Second<<min(over, 20)))
		}
		r.Expires = now.Add(forget)
		if _, err := a.Tables.Attempts.Put(ctx, r); !errors.Is(err, store.ErrConflict) {
			return err
		}
	}
}
