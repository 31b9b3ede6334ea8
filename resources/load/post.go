package load

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"strconv"
	"time"

	"fhirside/fhir"
)

const (
	// patience is how long a server may be away or too busy before a load is given up.
	patience = 2 * time.Minute
	// conflictTries is how often a request is repeated that met another one at the same resources (409, 412).
	conflictTries = 6
	longestPause  = 10 * time.Second
	// untold is after how many tries it is told that the server is waited for: a third of a second.
	untold = 4
)

// post sends a Bundle, and sends it again while the server is away or busy, or when it collides with another one. An error is
// the end of the load.
func (r *run) post(ctx context.Context, bundle []byte, repeatable bool) (answer, error) {
	giveUp := time.Now().Add(patience)
	conflicts := 0
	for try := 0; ; try++ {
		a, wait, err := r.once(ctx, bundle)
		switch {
		case ctx.Err() != nil:
			return answer{}, ctx.Err()
		case err != nil && !repeatable && !notSent(err):
			return answer{unknown: true, reason: "the connection broke before the answer came; it may have been stored or not: " + err.Error()}, nil
		case err != nil:
		case a.status == http.StatusServiceUnavailable, a.status == http.StatusTooManyRequests:
			err = errors.New(a.reason)
		case a.status == http.StatusUnauthorized, a.status == http.StatusForbidden:
			return answer{}, fmt.Errorf("the server lets nobody load: %s", a.reason)
		case (a.status == http.StatusConflict || a.status == http.StatusPreconditionFailed) && conflicts < conflictTries:
			conflicts++
		default:
			return a, nil
		}
		if err != nil && time.Now().After(giveUp) {
			return answer{}, fmt.Errorf("the server was away or busy for %s: %w", patience, err)
		}
		r.tellWait(try, err)
		if err := pause(ctx, max(wait, backOff(try))); err != nil {
			return answer{}, err
		}
	}
}

// tellWait tells now and then that the server is waited for: not of what is over in a moment.
func (r *run) tellWait(try int, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if err == nil || r.Waits == nil || try < untold || time.Since(r.told) < longestPause {
		return
	}
	r.told = time.Now()
	r.Waits(err)
}

// once sends a Bundle, and says how long the server asks to wait.
func (r *run) once(ctx context.Context, bundle []byte) (a answer, wait time.Duration, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, r.Base, bytes.NewReader(bundle))
	if err != nil {
		return answer{}, 0, err
	}
	req.Header.Set("Content-Type", "application/fhir+json")
	req.Header.Set("Accept", "application/fhir+json")
	req.Header.Set("Prefer", "return=minimal")
	res, err := r.Client.Do(req)
	if err != nil {
		return answer{}, 0, err
	}
	defer res.Body.Close()
	a = answer{status: res.StatusCode}
	if a.body, err = io.ReadAll(res.Body); err != nil {
		return answer{}, 0, err
	}
	if a.status/100 != 2 {
		a.reason = refusalText(a.status, a.body)
	}
	return a, retryAfter(res.Header), nil
}

// retryAfter reads the header of that name: seconds or a date (RFC 9110, 10.2.3).
func retryAfter(h http.Header) time.Duration {
	text := h.Get("Retry-After")
	if n, err := strconv.Atoi(text); err == nil {
		return time.Duration(n) * time.Second
	}
	if t, err := http.ParseTime(text); err == nil {
		return time.Until(t)
	}
	return 0
}

// backOff doubles from 20 ms on, with chance, so that those who collided do not meet again.
func backOff(try int) time.Duration {
	longest := min(20*time.Millisecond<<min(try, 20), longestPause)
	return longest/2 + rand.N(longest/2)
}

func pause(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// notSent says that no connection was made.
func notSent(err error) bool {
	var op *net.OpError
	return errors.As(err, &op) && op.Op == "dial"
}

// greet asks the server who it is, so that a wrong address is told at once.
func (r *run) greet(ctx context.Context) error {
	giveUp := time.Now().Add(patience)
	for try := 0; ; try++ {
		body, err := r.metadata(ctx)
		if err == nil {
			if m, err := fhir.Parse(body); err != nil || m.Type() != "CapabilityStatement" {
				return fmt.Errorf("%s is not the base of a FHIR server: its /metadata is no CapabilityStatement", r.Base)
			}
			return nil
		}
		if final := (*refusal)(nil); errors.As(err, &final) || ctx.Err() != nil || time.Now().After(giveUp) {
			return fmt.Errorf("%s: %w", r.Base, err)
		}
		r.tellWait(try, err)
		if err := pause(ctx, backOff(try)); err != nil {
			return err
		}
	}
}

// refusal is an answer that does not become better by asking again.
type refusal struct{ reason string }

func (e *refusal) Error() string { return e.reason }

func (r *run) metadata(ctx context.Context) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, r.Base+"/metadata", nil)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Accept", "application/fhir+json")
	res, err := r.Client.Do(req)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	switch {
	case err != nil:
		return nil, err
	case res.StatusCode == http.StatusServiceUnavailable || res.StatusCode == http.StatusTooManyRequests:
		return nil, errors.New(refusalText(res.StatusCode, body))
	case res.StatusCode != http.StatusOK:
		return nil, &refusal{refusalText(res.StatusCode, body)}
	}
	return body, nil
}
