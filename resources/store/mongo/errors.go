package mongo

import (
	"context"
	"errors"
	"fmt"
	"strings"

	driver "go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/x/mongo/driver/topology"

	"fhirside/fhir"
	"fhirside/resources/store"
)

// Labels of server errors (transactions specification of MongoDB).
const (
	labelTransient     = "TransientTransactionError"
	labelUnknownCommit = "UnknownTransactionCommitResult"
)

// Codes of server errors.
const (
	codeBadValue             = 2
	codeWriteConflict        = 112
	codeMaxTimeExpired       = 50
	codeOutOfDisk            = 14031
	codeMemoryLimit          = 292 // of a sort, without use of the disk
	codeTransactionTooLarge  = 257
	codeTooLargeForCache     = 388
	codeDocumentTooLarge     = 10334
	codeNamespaceExists      = 48
	codeNamespaceNotFound    = 26
	codeIndexNotFound        = 27
	codeSnapshotTooOld       = 239
	codeSnapshotUnavailable  = 246
	codeNoSuchTransaction    = 251
	codeUnauthorized         = 13
	codeAuthenticationFailed = 18
)

// unavailable are the codes of a server that is no primary, is going down or coming up, or has not enough others to agree with.
var unavailable = []int{
	6, 7, 89, // host unreachable, not found, network timeout
	91, 11600, // shutdown
	189, 10107, 13435, 13436, 10058, // not the primary
	11602,       // interrupted by a change of the primary
	64, 79, 100, // write concern
	133, 134, // no host for a read, read concern not available yet
	262, 9001, // time limit exceeded, socket
	211, 225, // keys not there yet, transaction too old
}

func hasCode(err error, codes ...int) bool {
	var server driver.ServerError
	if !errors.As(err, &server) {
		return false
	}
	for _, code := range codes {
		if server.HasErrorCode(code) {
			return true
		}
	}
	return false
}

func hasLabel(err error, label string) bool {
	var labelled driver.LabeledError
	return errors.As(err, &labelled) && labelled.HasErrorLabel(label)
}

// tooLargeForCache is what a server says with codeTooLargeForCache.
const tooLargeForCache = "will not fit in the storage engine cache"

// isTooLarge says whether a transaction is more than the server takes at once.
func isTooLarge(err error) bool {
	var command driver.CommandError
	return hasCode(err, codeTransactionTooLarge, codeTooLargeForCache) ||
		errors.As(err, &command) && (command.Name == "TransactionTooLargeForCache" || strings.Contains(command.Message, tooLargeForCache)) // of which SecantusDB has other codes
}

// isUnreachable says whether the server could not be reached, or answered that it cannot serve now.
func isUnreachable(err error) bool {
	var selection topology.ServerSelectionError
	var pool interface{ Retryable() bool } // of a connection pool that was cleared while the operation waited for it
	return errors.As(err, &selection) || errors.As(err, &pool) && pool.Retryable() || driver.IsNetworkError(err) || driver.IsTimeout(err) && !hasCode(err, codeMaxTimeExpired) ||
		hasLabel(err, "RetryableWriteError") || hasCode(err, unavailable...) || errors.Is(err, driver.ErrClientDisconnected)
}

// isConflict says whether a transaction met another one, or the moment that a search sees is not kept: it may well succeed when it runs
// again.
func isConflict(err error) bool {
	return hasLabel(err, labelTransient) || hasCode(err, codeWriteConflict, codeNoSuchTransaction, codeSnapshotTooOld, codeSnapshotUnavailable)
}

// explain turns a driver's error into what callers of a store tell apart. What the caller gave up itself is told as that.
func explain(ctx context.Context, err error) error {
	var known *fhir.Error
	switch {
	case errors.Is(ctx.Err(), context.Canceled) && errors.Is(err, context.Canceled):
		return context.Cause(ctx)
	case errors.Is(err, context.Canceled): // it was not the caller who stopped waiting
		return fmt.Errorf("%w: %s", store.ErrUnavailable, err.Error())
	case err == nil, errors.As(err, &known), errors.Is(err, store.ErrUnavailable), errors.Is(err, store.ErrCursor),
		errors.Is(err, store.ErrNotFound), errors.Is(err, store.ErrTooCostly), errors.Is(err, store.ErrFull),
		errors.Is(err, store.ErrConflict), errors.Is(err, store.ErrTooLate):
		return err
	case errors.Is(ctx.Err(), context.Canceled):
		return context.Cause(ctx)
	case hasCode(err, codeOutOfDisk):
		return fmt.Errorf("%w: %w", store.ErrFull, err)
	case hasCode(err, codeDocumentTooLarge):
		return tooLarge(err)
	case isUnreachable(err), isConflict(err), hasCode(err, codeMaxTimeExpired), errors.Is(err, context.DeadlineExceeded):
		return fmt.Errorf("%w: %w", store.ErrUnavailable, err)
	}
	return err
}

// explainSearch is explain for searches, whose time is limited on purpose.
func explainSearch(ctx context.Context, err error) error {
	if err != nil && hasCode(err, codeMaxTimeExpired, codeMemoryLimit) {
		return fmt.Errorf("%w: %w", store.ErrTooCostly, err)
	}
	return explain(ctx, err)
}

// maxDocument is how large a resource may be as BSON; MongoDB ends at 16 MiB with everything beside it.
const maxDocument = 15 << 20

func tooLarge(cause error) error {
	return fhir.Errorf(fhir.TooLarge, fhir.CodeTooLong, "the resource is too large: as a document of the database it may have %d MiB", maxDocument>>20).Because(cause)
}
