package resources

import (
	"context"
	"errors"
	"fmt"

	"fhirside/fhir"
	"fhirside/resources/access"
	"fhirside/resources/store"
	"fhirside/search"
)

// A stored resource that cannot be read, or that is not the one under its key, was damaged by somebody else's hand in the database. Its
// own read fails; answers of several resources go on without it and say so. Its content, which nobody knows, grants nothing: who may
// know of it is decided by its index values, which were computed when it was whole.

// errDamaged is the cause of errors about damaged resources.
var errDamaged = errors.New("it was changed in the database by something else than this program")

// damaged is the error of what needs the content.
func damaged(key store.Key, err error) error {
	return fhir.Errorf(fhir.Internal, fhir.CodeException, "the stored %s/%s cannot be read", key.Type, key.ID).Because(fmt.Errorf("%w: %w", errDamaged, err))
}

// isUndecided says whether nobody can tell whether what a search has found matches.
func isUndecided(v store.Version) bool { return errors.Is(v.Damage, store.ErrUndecided) }

// knowsOf says whether a policy's answer lets the caller know of a current version: whether it permits that or, where it cannot be read,
// the index says so. Of what the index cannot tell the caller learns nothing.
func (s *Service) knowsOf(v view, f search.Filter, current store.Version) (bool, error) {
	if current.Damage == nil || isAll(f) || isNone(f) {
		return s.permits(v, f, current)
	}
	find := store.Search{Types: []string{current.Type}, Filter: search.AllOf(search.ID{current.ID}, f), Limit: 1, KeysOnly: true}
	for match, err := range v.Search(find) {
		return err == nil && !isUndecided(match.Version), err
	}
	return false, nil
}

type requestIDKey struct{}

// WithRequestID is a context for a request with that id, by which the log tells what belongs to it.
func WithRequestID(ctx context.Context, id string) context.Context {
	return context.WithValue(ctx, requestIDKey{}, id)
}

func requestID(ctx context.Context) string {
	id, _ := ctx.Value(requestIDKey{}).(string)
	return id
}

// FailureIssues are what a client is told of a fault of the server: where its details are.
func FailureIssues(requestID string) []fhir.Issue {
	return []fhir.Issue{failure("the server failed", requestID)}
}

func failure(what, requestID string) fhir.Issue {
	return fhir.Issue{
		Severity: fhir.SeverityError, Code: fhir.CodeException,
		Diagnostics: what + "; the server's log has the details under the request id " + requestID,
	}
}

// damages are the resources that an answer goes on without.
type damages struct {
	s      *Service
	ctx    context.Context // of the request
	policy access.Policy
	found  map[store.Key]bool
	issues []fhir.Issue
}

// maxDamages is how many damaged resources an answer tells of one by one.
const maxDamages = 20

func (s *Service) damages(ctx context.Context, p access.Policy) damages {
	return damages{s: s, ctx: ctx, policy: p}
}

// skip notes, once, that the answer lacks a resource which belongs to it, and logs why. It is named only where the policy shows all of
// its type: what shows it otherwise is for certain no more. Of one that may not match only those learn whom everything of its type is
// shown.
func (d *damages) skip(v store.Version) {
	whole := isAll(may(d.policy, v.Type, access.Search))
	if d.found[v.Key] || !whole && isUndecided(v) {
		return
	}
	if d.found == nil {
		d.found = map[store.Key]bool{}
	}
	d.found[v.Key] = true
	d.log(v)
	what := "a resource that belongs to this answer"
	if whole {
		what = v.Type + "/" + v.ID
	}
	switch n := len(d.issues); {
	case n < maxDamages && isUndecided(v):
		d.issues = append(d.issues, failure("whether "+what+" matches cannot be told", requestID(d.ctx)))
	case n < maxDamages:
		d.issues = append(d.issues, failure(what+" cannot be read", requestID(d.ctx)))
	case n == maxDamages:
		d.issues = append(d.issues, failure("more resources cannot be read", requestID(d.ctx)))
	}
}

// version logs why a version of a history has no content, and is what the client is told of it.
func (d *damages) version(v store.Version) fhir.Issue {
	d.log(v)
	return failure(Location(v)+" cannot be read", requestID(d.ctx))
}

func (d *damages) log(v store.Version) {
	d.s.Log.Error("a stored resource cannot be read", "id", requestID(d.ctx), "resource", v.Type+"/"+v.ID, "version", v.Version, "error", v.Damage)
}
