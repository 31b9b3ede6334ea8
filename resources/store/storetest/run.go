package storetest

import (
	"context"
	"testing"

	"fhirside/resources/store"
)

// Run holds a store to the contract of store.Store and store.Tx.
func Run(t *testing.T, open func(t *testing.T) store.Store) {
	for _, scenario := range []struct {
		name string
		run  func(*world)
	}{
		{"a resource that never was", unknown},
		{"versions of a resource", versions},
		{"versions must follow each other", following},
		{"a resource's life within one commit", oneCommit},
		{"purging", purging},
		{"keys are told apart", keys},
		{"bodies come back as they were", bodies},
		{"reading many", readMany},
		{"searches", searches},
		{"words within the texts of tuples", wordsOfTuples},
		{"references astray and positions", oddities},
		{"searches after changes", searchesAfterChanges},
		{"counts", counts},
		{"orders", orders},
		{"pages", pages},
		{"positions", positions},
		{"histories", histories},
		{"histories of a time", historiesAt},
		{"changes", changes},
		{"following", followed},
		{"the end of following", followingEnds},
		{"positions that are gone", tooLate},
		{"a commit that fails", failing},
		{"a commit that panics", panicking},
		{"a commit sees its writes", ownWrites},
		{"a commit sees its writes, whatever they are", ownWritesAtRandom},
		{"a commit that searches and fails", searchedAndFailed},
		{"the time of commits", times},
		{"secrets", secrets},
		{"rules that are over", oldRules},
		{"reindexing", reindexing},
		{"importing", importing},
		{"contained resources", containedResources},
		{"contained resources indexed anew", containedReindexed},
		{"a context that has ended", cancelled},
		{"asking while reading", nested},
	} {
		t.Run(scenario.name, func(t *testing.T) {
			scenario.run(&world{T: t, ctx: context.WithoutCancel(t.Context()), Store: open(t)})
		})
	}
}
