package mongo

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"strings"
	"sync"
	"time"

	driver "go.mongodb.org/mongo-driver/v2/mongo"
)

// builder makes the indexes that collections with documents lack: because somebody has dropped them, a restore left them out, or a new
// version of this program has more. Everybody reads and writes meanwhile, searches by what is missing slower or, where they take too
// long, not at all. One process at a time builds, under a lease in the collection "schema".
type builder struct {
	mu       sync.Mutex
	progress string
}

const (
	buildID    = "indexes"
	buildLease = 30 * time.Second
	buildPause = time.Second      // before the lease is asked for again
	buildEvery = 10 * time.Minute // between looks for what is missing
)

var errBuiltElsewhere = errors.New("another process builds them")

func (b *builder) tell(progress string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.progress = progress
}

// work is what is being built; "" for nothing.
func (b *builder) work() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.progress
}

// follow begins to see to it that no index is missing.
func (b *builder) follow(s *Store) {
	s.background.begin(func() {
		for {
			err := s.buildMissing(s.closing)
			pause := buildPause
			switch {
			case err == nil:
				pause = buildEvery
			case !errors.Is(err, errBuiltElsewhere) && s.closing.Err() == nil:
				s.opt.Log.LogAttrs(s.closing, slog.LevelWarn, "missing indexes are not built yet", slog.Any("error", err))
			}
			select {
			case <-s.closing.Done():
				return
			case <-s.catalog.awake:
			case <-time.After(pause):
			}
		}
	})
}

// missingIndex is one that a collection lacks.
type missingIndex struct {
	collection string
	index      driver.IndexModel
}

func (m missingIndex) String() string { return nameOf(m.index) + " of " + m.collection }

// buildMissing makes all indexes that are missing, one after the other.
func (s *Store) buildMissing(ctx context.Context) error {
	missing, err := s.missingIndexes(ctx)
	if err != nil {
		return err
	}
	defer func() { s.meters.missing.Set(float64(len(missing))) }()
	if len(missing) == 0 {
		s.builder.tell("")
		return nil
	}
	alone := lease{s.db.Collection(schemaName), buildID, rand.Int64(), buildLease}
	if _, err := once(ctx, alone.documents, d("_id", buildID)); err != nil {
		return err
	}
	if _, mine, err := alone.take(ctx); err != nil || !mine {
		s.builder.tell("indexes are built by another process: " + listed(missing))
		return errors.Join(err, errBuiltElsewhere)
	}
	defer func() { _ = alone.release(context.WithoutCancel(ctx)) }() // it ends by itself otherwise
	for ; len(missing) > 0; missing = missing[1:] {
		s.meters.missing.Set(float64(len(missing)))
		s.builder.tell("indexes are built: " + listed(missing))
		began := time.Now()
		s.opt.Log.LogAttrs(ctx, slog.LevelInfo, "an index is built", slog.String("index", missing[0].String()))
		if err := s.build(ctx, alone, missing[0]); err != nil {
			return err
		}
		s.opt.Log.LogAttrs(ctx, slog.LevelInfo, "an index has been built", slog.String("index", missing[0].String()), slog.Duration("took", time.Since(began)))
	}
	s.builder.tell("")
	return nil
}

func listed(missing []missingIndex) string {
	names := make([]string, len(missing))
	for i, m := range missing {
		names[i] = m.String()
	}
	return strings.Join(names, ", ")
}

// missingIndexes are those of all collections that have documents: an empty one gets its own at the first write.
func (s *Store) missingIndexes(ctx context.Context) (all []missingIndex, err error) {
	of := map[string][]driver.IndexModel{historyName: historyIndexes(), locksName: lockIndexes(), stateName: stateIndexes()}
	resources, err := s.catalog.collections(ctx)
	if err != nil {
		return nil, err
	}
	for _, name := range append([]string{historyName, locksName, stateName}, resources...) {
		indexes := of[name]
		if indexes == nil {
			indexes = resourceIndexes()
		}
		missing, err := s.catalog.missing(ctx, name, indexes)
		if err != nil {
			return nil, err
		}
		if len(missing) == 0 {
			continue
		}
		if empty, err := s.catalog.isEmpty(ctx, name); err != nil || empty {
			if err != nil {
				return nil, err
			}
			continue
		}
		for _, index := range missing {
			all = append(all, missingIndex{name, index})
		}
	}
	return all, nil
}

// build makes an index, however long that takes, and keeps the lease meanwhile. The server goes on with it when the connection is lost,
// and whoever asks again waits for its end.
func (s *Store) build(ctx context.Context, alone lease, m missingIndex) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var keeping sync.WaitGroup
	defer keeping.Wait()
	defer cancel(nil)
	keeping.Go(func() {
		for sleep(ctx, alone.time/3) {
			if _, mine, err := alone.take(ctx); err == nil && !mine {
				cancel(errBuiltElsewhere)
			}
		}
	})
	view := s.db.Collection(m.collection).Indexes()
	if err := view.DropOne(ctx, nameOf(m.index)); err != nil && !hasCode(err, codeIndexNotFound, codeNamespaceNotFound) {
		return fmt.Errorf("drop the index %s, which has other keys: %w", m, err)
	}
	if _, err := view.CreateOne(ctx, m.index); err != nil {
		return fmt.Errorf("build the index %s: %w", m, errors.Join(err, context.Cause(ctx)))
	}
	return nil
}
