package mongo

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	driver "go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
)

// bell tells those who follow the changes that something was committed, by whatever process: one change stream on the history, for all
// of this process that follow, and none while nobody does. What was committed they read in the history; so a stream that was lost
// costs another look there, and nothing else.
type bell struct {
	s         *Store
	mu        sync.Mutex
	followers int
	stop      context.CancelFunc // of the stream
	rung      chan struct{}      // closed when it rings
	gaps      int64              // how often a stream was lost or began: what happened before is not known
}

// ringing is the next time that the bell rings.
type ringing struct {
	done <-chan struct{}
	gaps int64
}

const (
	// awaitTime is how long the server holds back an answer while there is nothing to tell.
	awaitTime = time.Second
	// streamPause is between attempts to have a stream; meanwhile followers look by themselves.
	streamPause = time.Second
)

// join begins to listen for one more follower.
func (b *bell) join() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.followers++; b.followers > 1 {
		return
	}
	ctx, stop := context.WithCancel(b.s.closing)
	b.stop = stop
	b.s.background.begin(func() { b.listen(ctx) })
}

// leave ends it; when the last follower has left nothing listens.
func (b *bell) leave() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.followers--; b.followers == 0 {
		b.stop()
	}
}

func (b *bell) next() ringing {
	b.mu.Lock()
	defer b.mu.Unlock()
	return ringing{b.rung, b.gaps}
}

// ring wakes everybody who waits.
func (b *bell) ring(gap bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if gap {
		b.gaps++
	}
	close(b.rung)
	b.rung = make(chan struct{})
}

// listen keeps a stream until the context ends. One that was cut goes on where it was, by its resume token; where the server does not
// know that any more, or the history was dropped, a new one begins.
func (b *bell) listen(ctx context.Context) {
	var token bson.Raw
	failing := false
	for ctx.Err() == nil {
		last, err := b.hear(ctx, token)
		if ctx.Err() != nil {
			return
		}
		gap := err != nil && !isUnreachable(err) || err == nil && last == nil
		if token = last; gap {
			token = nil
		}
		b.ring(gap)
		if err != nil && !failing {
			b.s.opt.Log.LogAttrs(ctx, slog.LevelWarn, "the change stream has ended", slog.Any("error", err))
		}
		if failing = err != nil; failing {
			sleep(ctx, streamPause)
		}
	}
}

// hear rings for what a stream tells, until that ends. It gives the token to go on with; none where the stream is invalid.
func (b *bell) hear(ctx context.Context, token bson.Raw) (bson.Raw, error) {
	stream, err := b.open(ctx, token)
	if err != nil {
		return token, err
	}
	defer func() {
		closing, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
		defer cancel()
		_ = stream.Close(closing) // the server ends what it does not hear of
	}()
	// What happened before there was a stream followers have to look for; one that does not go on where another was tells of no backup
	// that was restored just before.
	b.ring(token == nil)
	for {
		told, err := b.await(ctx, stream)
		switch {
		case err != nil:
			return stream.ResumeToken(), err
		case stream.ID() == 0: // the history was dropped or renamed
			return nil, nil
		case told:
			b.ring(false)
		}
	}
}

// open begins a stream of what is added to the history; of what it is the place alone is told.
func (b *bell) open(ctx context.Context, token bson.Raw) (*driver.ChangeStream, error) {
	ctx, cancel := context.WithTimeout(ctx, b.s.opt.Timeout)
	defer cancel()
	if err := b.s.check(ctx); err != nil {
		return nil, err
	}
	o := options.ChangeStream().SetMaxAwaitTime(awaitTime)
	if token != nil {
		o.SetResumeAfter(token)
	}
	inserts := bson.A{d("$match", d("operationType", "insert")), d("$project", d("_id", 1))}
	return b.s.db.Collection(historyName).Watch(ctx, inserts, o)
}

// await says whether the stream tells of something, within one answer of the server.
func (b *bell) await(ctx context.Context, stream *driver.ChangeStream) (told bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, awaitTime+b.s.opt.Timeout)
	defer cancel()
	for stream.TryNext(ctx) {
		if told = true; stream.RemainingBatchLength() == 0 {
			break
		}
	}
	return told, stream.Err()
}
