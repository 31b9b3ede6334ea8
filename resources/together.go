package resources

import (
	"context"
	"errors"

	"fhirside/fhir"
	"fhirside/resources/access"
	"fhirside/resources/store"
)

// Transactions that are nothing to each other, the entries of a batch, share the store's commit, and so the waiting for the disk. What is
// refused there before it has written anything is left out, and the others go on, unless it is too much for what the commit has already.
// Else those before it are committed first, and then those behind it: each is prepared once, and carried out twice at most as long as nobody
// else comes between.

// sharing is a transaction that shares the store's commit with others.
type sharing struct {
	*transaction
	prepared *preparation // nil where what is there now refuses it, which those before it may change
	retiring []store.Key  // what it is going to delete, see Service.retiring
	by       int64        // the number of the rules that it was prepared by, or unprepared
	refused  error        // in the run that was committed
}

const unprepared = -1

// commitEach commits transactions one after the other, each for itself, but makes as many as it can durable at once. It reports each
// one's error or nil, in any order.
func (s *Service) commitEach(ctx context.Context, p access.Policy, list []*transaction, report func(*transaction, error)) {
	waiting := make([]*sharing, len(list))
	for i, t := range list {
		waiting[i] = &sharing{transaction: t, by: unprepared}
	}
	s.commitAll(ctx, p, waiting, report)
}

func (s *Service) commitAll(ctx context.Context, p access.Policy, list []*sharing, report func(*transaction, error)) {
	for len(list) > 0 {
		blamed, err := s.commitTogether(ctx, p, list)
		switch {
		case err == nil:
			for _, t := range list {
				report(t.transaction, t.refused)
			}
			return
		case blamed < 0 && len(list) > 1 && asError(err).Reason == fhir.TooLarge: // they are too much at once
			half := len(list) / 2
			s.commitAll(ctx, p, list[:half], report)
			list = list[half:]
		case blamed < 0:
			for _, t := range list {
				report(t.transaction, err)
			}
			return
		case blamed > 0 && asError(err).Reason == fhir.TooLarge: // for a commit, that is, and not by itself
			s.commitAll(ctx, p, list[:blamed], report)
			list = list[blamed:]
		default:
			s.commitAll(ctx, p, list[:blamed], report)
			report(list[blamed].transaction, err)
			list = list[blamed+1:]
		}
	}
}

// commitTogether commits all or none, but for those that are refused before they write. It says which one is to blame where none is
// committed; -1 where none is, or where the failure is nobody's.
func (s *Service) commitTogether(ctx context.Context, p access.Policy, list []*sharing) (blamed int, err error) {
	blamed = -1
	err = s.byCurrentRules(ctx, func() error {
		var retiring []store.Key
		for _, t := range list {
			if err := s.prepareSharing(ctx, p, t); err != nil {
				return err
			}
			retiring = append(retiring, t.retiring...)
		}
		return s.Store.Commit(ctx, func(tx store.Tx) error {
			blamed = -1
			if err := s.retire(tx, retiring); err != nil {
				return err
			}
			for i, t := range list {
				wrote, err := s.runIn(ctx, tx, p, t.transaction, t.prepared)
				t.refused = err
				if err == nil || !wrote && isRefusal(err) && asError(err).Reason != fhir.TooLarge {
					continue
				}
				if isRefusal(err) || errors.Is(err, store.ErrTooCostly) {
					blamed = i
				}
				return err
			}
			return nil
		})
	})
	return blamed, err
}

// prepareSharing prepares a transaction where it is not by the rules of this moment. Its error is that of a store that is not there, for
// which the others would wait as well.
func (s *Service) prepareSharing(ctx context.Context, p access.Policy, t *sharing) (err error) {
	number, v := s.rules().number, storeView{ctx, s.Store}
	if t.by == number {
		return nil
	}
	if t.prepared, err = s.prepare(v, p, t.transaction); errors.Is(err, store.ErrUnavailable) {
		return err
	}
	t.by = number
	t.retiring, err = s.retiring(v, t.transaction)
	return err
}

// isRefusal says whether an error is about what was sent, and not about the store.
func isRefusal(err error) bool {
	var refusal *fhir.Error
	return errors.As(err, &refusal)
}
