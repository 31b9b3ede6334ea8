package load

import (
	"context"
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"fhirside/fhir"
)

// send posts a unit and counts what was stored. What is refused is put by, to be tried again at the end.
func (r *run) send(ctx context.Context, u unit) error {
	bundleType := "transaction"
	if u.Batch {
		bundleType = "batch"
	}
	a, err := r.post(ctx, u.bundle(bundleType), u.repeatable())
	if err != nil {
		return err
	}
	switch {
	case a.status/100 == 2:
		return r.accept(u, a)
	case a.unknown:
		// Sent again, it might be stored twice.
		r.refuse(u.because(a.reason))
		return nil
	case u.Whole:
		return r.deferred.add(u.because(a.reason))
	case !u.Batch:
		// One of the entries is to blame: each for itself, so that the others get in.
		u.Batch = true
		return r.send(ctx, u)
	case len(u.Entries) > 1:
		// Too big, or unreadable as a whole.
		half := len(u.Entries) / 2
		if err := r.send(ctx, unit{Batch: true, Entries: u.Entries[:half]}); err != nil {
			return err
		}
		return r.send(ctx, unit{Batch: true, Entries: u.Entries[half:]})
	}
	return r.deferred.add(u.because(a.reason))
}

// because notes the reason of a refusal with each entry.
func (u unit) because(reason string) unit {
	for i := range u.Entries {
		u.Entries[i].Reason = reason
	}
	return u
}

// accept counts the answers of a Bundle's entries; in a batch each has a fate of its own.
func (r *run) accept(u unit, a answer) error {
	responses, err := a.entries()
	if err == nil && len(responses) != len(u.Entries) {
		err = fmt.Errorf("it has %d entries", len(responses))
	}
	if err != nil {
		return fmt.Errorf("the server's answer to a Bundle of %d entries: %w", len(u.Entries), err)
	}
	var refused []entry
	r.mu.Lock()
	for i, e := range u.Entries {
		if responses[i].status/100 == 2 {
			r.stored(e, responses[i].status)
			continue
		}
		e.Reason = responses[i].reason
		refused = append(refused, e)
	}
	r.tell()
	r.mu.Unlock()
	if len(refused) == 0 {
		return nil
	}
	return r.deferred.add(unit{Batch: true, Entries: refused})
}

// answer to a request.
type answer struct {
	status int
	body   []byte
	reason string // of a refusal, in words
	// unknown: the connection broke, and the request may or may not have been carried out.
	unknown bool
}

// entryAnswer is the answer to one entry of a Bundle.
type entryAnswer struct {
	status int
	reason string
}

func (a answer) entries() ([]entryAnswer, error) {
	r, err := fhir.Parse(a.body)
	if err != nil {
		return nil, err
	}
	var out []entryAnswer
	for e := range r.Get("entry").Children() {
		response := e.Get("response")
		text := response.Get("status").Text()
		code, _, _ := strings.Cut(text, " ")
		status, err := strconv.Atoi(code)
		if err != nil {
			return nil, fmt.Errorf("entry %d has status %q", len(out)+1, text)
		}
		ea := entryAnswer{status: status}
		if status/100 != 2 {
			ea.reason = reason(text, response.Get("outcome").Resource())
		}
		out = append(out, ea)
	}
	return out, nil
}

// reason is a status with what an OperationOutcome says.
func reason(status string, outcome *fhir.Resource) string {
	parts := []string{status}
	if outcome != nil {
		for issue := range outcome.Get("issue").Children() {
			text := issue.Get("diagnostics").Text()
			if text == "" {
				text = issue.Get("details").Get("text").Text()
			}
			if text == "" {
				text = issue.Get("code").Text()
			}
			if at := issue.Get("expression").Index(0).Text(); at != "" {
				text += " (at " + at + ")"
			}
			parts = append(parts, text)
		}
	}
	return strings.Join(parts, "; ")
}

// refusalText is the reason of a whole answer: its OperationOutcome, or the beginning of whatever it is.
func refusalText(status int, body []byte) string {
	line := fmt.Sprintf("%d %s", status, http.StatusText(status))
	if r, err := fhir.Parse(body); err == nil && r.Type() == "OperationOutcome" {
		return reason(line, r)
	}
	text := strings.Join(strings.Fields(string(body)), " ")
	if len(text) > 200 {
		text = strings.ToValidUTF8(text[:200], "") + "…"
	}
	return strings.TrimSuffix(line+"; "+text, "; ")
}
