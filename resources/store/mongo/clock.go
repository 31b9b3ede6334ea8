package mongo

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	driver "go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
	"go.mongodb.org/mongo-driver/v2/mongo/writeconcern"

	"fhirside/resources/store"
)

// The clock gives commits their time and their number, and knows which commits are open, over all processes. It is one document,
// {_id: "clock", schema, time, open: [{commit, owner, until}], deleting: [{commit, owner, keys}], rules}, that a process changes once for
// all commits that it begins at the same moment:
//
//   - schema is the layout by which commits may write; a process that knows another one begins none. See upgrade.go.
//   - time is that of the commits that began last, in microseconds since 1970 and whole milliseconds. Every change that begins
//     commits moves it forward by at least one millisecond, and to the server's own time where that is further.
//   - A commit's number is its time plus its place among those that began with it: numbers are unique, order commits by time,
//     and tell the time.
//   - open lists the commits that may yet become visible. Each change leaves of the process's own those that are open: others have
//     ended, or began by a change whose answer was lost. A process that dies leaves its own in it, until the time by which it would
//     have given up.
//   - deleting says what open commits may delete; see targets.go.
//   - rules is the least number of rules that records of commits that begin may have; see require.go.
//
// A reader who goes on later from what it has seen must see nothing newer than the oldest open commit: horizon.
type clock struct {
	documents *driver.Collection
	schema    int32         // the layout by which this process writes
	owner     int64         // this process
	patience  time.Duration // the time by which a commit has ended
	mu        sync.Mutex
	waiting   []beginning             // commits that want to begin
	open      map[int64]chan struct{} // commits of this process that are open; closed when they end
	ended     []int64                 // commits of this process that ended and are still listed in the document
	untidy    bool                    // the document may list commits of this process that are not open
	changing  bool                    // somebody changes the document
	flush     *time.Timer
	closed    bool
	overtaken atomic.Bool  // the database has a newer layout
	known     atomic.Int64 // the latest horizon that was asked for
}

// beginning is a commit that wants to begin.
type beginning struct {
	begun chan begun
	as    role
}

// role is what others have to know of a commit; see targets.go.
type role struct {
	late     bool   // it refers to nothing that was there before, or will look for that under another number
	deleting []byte // the hashes of what it may delete; see hashesOf
}

// begun is a commit that has begun.
type begun struct {
	commit   int64
	rules    int64      // the least number of rules by which it may write
	deleting []deletion // what commits that began before it may delete
	before   []entry    // where it deletes itself, the commits that began before it
	err      error
}

const (
	clockID = "clock"
	// perTime is how many commits may share a time: their numbers differ in the microseconds.
	perTime = 1000
	// clockPatience bounds one change of the clock.
	clockPatience = 5 * time.Second
	// flushAfter is how long the end of a commit waits to be written with the beginning of another, and retryAfter how long what
	// could not be written does.
	flushAfter = 5 * time.Millisecond
	retryAfter = 250 * time.Millisecond
	// grace is added to the time by which a commit has ended, for clocks that run differently.
	grace = 5 * time.Second
)

var errClosed = fmt.Errorf("%w: it is closed", store.ErrUnavailable)

// errOvertaken says that a newer version of this program has laid out the database in its own way, and that this process must write no
// more.
var errOvertaken = fmt.Errorf("%w: the database has been brought up to date by a newer fhirside: use that one", store.ErrUnavailable)

func newClock(db *driver.Database, schema int32, patience time.Duration) *clock {
	// These writes need no majority: a commit that survives a change of the primary stands behind them in the oplog.
	documents := db.Collection(clockName, options.Collection().SetWriteConcern(writeconcern.W1()))
	return &clock{documents: documents, schema: schema, owner: rand.Int64(), patience: patience, open: map[int64]chan struct{}{}}
}

// newClockDocument is a clock on which no commit is open; rules may be nil.
func newClockDocument(schema int32, latest int64, rules any) bson.D {
	document := d("_id", clockID, "schema", schema, "time", latest, "open", bson.A{})
	if rules != nil {
		document = append(document, bson.E{Key: "rules", Value: rules})
	}
	return document
}

// timeOf is the time of a commit by its number.
func timeOf(commit int64) int64 { return commit - commit%perTime }

// begin gives a commit its number. It is open until end or lapse.
func (c *clock) begin(ctx context.Context, as role) (begun, error) {
	wait := make(chan begun, 1)
	c.mu.Lock()
	if c.closed {
		c.mu.Unlock()
		return begun{}, errClosed
	}
	c.waiting = append(c.waiting, beginning{wait, as})
	if !c.changing {
		c.changing = true
		go c.run()
	}
	c.mu.Unlock()
	select {
	case b := <-wait:
		return b, b.err
	case <-ctx.Done():
		go func() { // what begins nevertheless ends at once
			if b := <-wait; b.err == nil {
				c.end(b.commit)
			}
		}()
		return begun{}, context.Cause(ctx)
	}
}

// end says that a commit is visible, or will never be.
func (c *clock) end(commit int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if done := c.open[commit]; done != nil {
		delete(c.open, commit)
		close(done)
		c.ended = append(c.ended, commit)
		c.untidy = true
		c.tidySoon(flushAfter)
	}
}

// tidySoon lets the document be changed in a while, unless somebody is at it.
func (c *clock) tidySoon(after time.Duration) {
	if !c.changing && c.flush == nil && !c.closed {
		c.flush = time.AfterFunc(after, c.tidy)
	}
}

// lapse gives up a commit of which nobody knows whether it will become visible: it counts as open until its time is over.
func (c *clock) lapse(commit int64) {
	time.AfterFunc(c.patience+grace, func() { c.end(commit) })
}

func (c *clock) tidy() {
	c.mu.Lock()
	c.flush = nil
	start := !c.changing && c.untidy && !c.closed
	c.changing = c.changing || start
	c.mu.Unlock()
	if start {
		c.run()
	}
}

// run changes the document until nobody waits and nothing is left to be written. Only one run is under way (changing).
func (c *clock) run() {
	for {
		waiting, ended, open, more := c.take()
		if !more {
			return
		}
		now, err := c.change(waiting, open)
		if errors.Is(err, errOvertaken) {
			_, _ = c.change(nil, open) // what waits for the end of these commits is what has overtaken them
		}
		c.mu.Lock()
		for i, wait := range waiting {
			b := begun{err: err}
			if err == nil {
				b = now.begun(now.Time+int64(i), wait.as)
				c.open[b.commit] = make(chan struct{})
			}
			wait.begun <- b
		}
		if err != nil {
			c.ended, c.untidy = append(c.ended, ended...), true
			if len(c.waiting) == 0 {
				c.changing = false
				c.tidySoon(retryAfter)
				c.mu.Unlock()
				return
			}
		}
		c.mu.Unlock()
	}
}

// take is what the next change is to write. Where that is nothing, nobody is changing any more.
func (c *clock) take() (waiting []beginning, ended, open []int64, more bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	n := min(len(c.waiting), perTime)
	waiting, c.waiting = c.waiting[:n:n], c.waiting[n:]
	ended, c.ended = c.ended, nil
	more = n > 0 || c.untidy
	c.untidy, c.changing = false, more
	return waiting, ended, slices.Collect(maps.Keys(c.open)), more
}

// clockState is the clock's document, as far as it was asked for.
type clockState struct {
	Time     int64
	Rules    int64
	Open     []entry
	Deleting []deletion
}

// entry is an open commit in the document.
type entry struct {
	Commit, Owner int64
	Late          bool `bson:",omitempty"` // see role
}

// begun is what a commit that has begun is told.
func (s clockState) begun(commit int64, as role) begun {
	b := begun{commit: commit, rules: s.Rules}
	for _, other := range s.Deleting {
		if other.Commit < commit {
			b.deleting = append(b.deleting, other)
		}
	}
	if as.deleting == nil {
		return b
	}
	for _, e := range s.Open {
		if e.Commit < commit && !e.Late {
			b.before = append(b.before, e)
		}
	}
	return b
}

// change begins commits and leaves of those that have begun the open ones. The time of the state that it returns is the number of the first
// that begins.
func (c *clock) change(waiting []beginning, open []int64) (now clockState, err error) {
	ctx, cancel := context.WithTimeout(context.Background(), clockPatience)
	defer cancel()
	filter, asked := d("_id", clockID), d("time", 1, "rules", 1, "deleting", 1)
	if len(waiting) > 0 {
		filter = append(filter, bson.E{Key: "schema", Value: c.schema})
	}
	if slices.ContainsFunc(waiting, func(b beginning) bool { return b.as.deleting != nil }) {
		asked = append(asked, bson.E{Key: "open", Value: 1})
	}
	raw, err := c.documents.FindOneAndUpdate(ctx, filter, c.update(waiting, open),
		options.FindOneAndUpdate().SetReturnDocument(options.After).SetProjection(asked)).Raw()
	if errors.Is(err, driver.ErrNoDocuments) && len(waiting) > 0 && c.isThere(ctx) {
		c.overtaken.Store(true)
		return now, errOvertaken
	}
	if err == nil {
		err = bson.Unmarshal(raw, &now)
	}
	if err != nil {
		return now, fmt.Errorf("the commit clock: %w", err)
	}
	return now, nil
}

// isThere says whether there is a clock, whatever its layout.
func (c *clock) isThere(ctx context.Context) bool {
	return c.documents.FindOne(ctx, d("_id", clockID), options.FindOne().SetProjection(d("_id", 1))).Err() == nil
}

// serverNow is the server's time in milliseconds, as an expression.
var serverNow = d("$toLong", "$$NOW")

// notLapsed selects the entries whose time is not over.
var notLapsed = d("$gt", bson.A{"$$this.until", serverNow})

// update is a pipeline that the server runs on the document in one step.
func (c *clock) update(waiting []beginning, open []int64) bson.A {
	if open == nil {
		open = []int64{}
	}
	stays := d("$and", bson.A{notLapsed, d("$or", bson.A{d("$ne", bson.A{"$$this.owner", c.owner}), d("$in", bson.A{"$$this.commit", open})})})
	listed := d("$filter", d("input", "$open", "cond", stays))
	// What an open commit may delete stands there as long as the commit does.
	numbers := d("$map", d("input", "$open", "in", "$$this.commit"))
	deleting := d("$filter", d("input", d("$ifNull", bson.A{"$deleting", bson.A{}}), "as", "d", "cond", d("$in", bson.A{"$$d.commit", numbers})))
	if len(waiting) == 0 {
		return bson.A{d("$set", d("open", listed)), d("$set", d("deleting", deleting))}
	}
	begins, deletes := make(bson.A, len(waiting)), bson.A{}
	for i, b := range waiting {
		commit := d("$add", bson.A{"$time", int64(i)})
		entry := d("commit", commit, "owner", c.owner, "until", d("$add", bson.A{serverNow, (c.patience + grace).Milliseconds()}))
		if b.as.late {
			entry = append(entry, bson.E{Key: "late", Value: true})
		}
		if begins[i] = entry; b.as.deleting != nil {
			deletes = append(deletes, d("commit", commit, "owner", c.owner, "keys", bson.Binary{Data: b.as.deleting}))
		}
	}
	const millisecond = int64(time.Millisecond / time.Microsecond)
	next := d("$max", bson.A{d("$add", bson.A{"$time", millisecond}), d("$multiply", bson.A{serverNow, millisecond})})
	update := bson.A{d("$set", d("time", next)), d("$set", d("open", d("$concatArrays", bson.A{listed, begins}))), d("$set", d("deleting", deleting))}
	if len(deletes) > 0 {
		update = append(update, d("$set", d("deleting", d("$concatArrays", bson.A{"$deleting", deletes}))))
	}
	return update
}

// horizonPatience bounds how long a reader waits for open commits before it takes an older horizon.
const horizonPatience = 2 * time.Second

// isBehind says whether a time is known to be within a horizon: whoever reads up to there need not ask.
func (c *clock) isBehind(t int64) bool { return t <= c.known.Load() }

// horizon is a number such that every commit up to it is visible and none will become visible later. Every commit that was acknowledged
// before is within it (all), unless an older one is still open after horizonPatience.
func (c *clock) horizon(ctx context.Context) (last int64, all bool, err error) {
	last, all, err = c.horizonNow(ctx)
	for known := c.known.Load(); err == nil && last > known && !c.known.CompareAndSwap(known, last); {
		known = c.known.Load()
	}
	return last, all, err
}

func (c *clock) horizonNow(ctx context.Context) (last int64, all bool, err error) {
	limit := time.Now().Add(horizonPatience)
	latest, open, err := c.read(ctx)
	if err != nil {
		return 0, false, err
	}
	open, err = c.over(ctx, open, limit)
	switch {
	case err != nil:
		return 0, false, err
	case len(open) == 0:
		return latest + perTime - 1, true, nil
	}
	return timeOf(slices.MinFunc(open, func(a, b entry) int { return cmp.Compare(a.Commit, b.Commit) }).Commit) - 1, false, nil
}

// over waits until commits have ended or their time is over, and returns those of which that is not so at the limit.
func (c *clock) over(ctx context.Context, open []entry, limit time.Time) ([]entry, error) {
	for pause := time.Millisecond; ; pause = min(2*pause, 50*time.Millisecond) {
		open = c.stillOpen(ctx, open, limit)
		if len(open) == 0 || time.Now().After(limit) {
			return open, nil
		}
		if !sleep(ctx, pause) {
			return open, context.Cause(ctx)
		}
		_, now, err := c.read(ctx)
		if err != nil {
			return open, err
		}
		open = slices.DeleteFunc(open, func(e entry) bool { return !slices.Contains(now, e) })
	}
}

// stillOpen leaves out this process's own commits that have ended, and waits for those that have not.
func (c *clock) stillOpen(ctx context.Context, open []entry, limit time.Time) []entry {
	ctx, cancel := context.WithDeadline(ctx, limit)
	defer cancel()
	return slices.DeleteFunc(open, func(e entry) bool {
		if e.Owner != c.owner {
			return false
		}
		c.mu.Lock()
		done, changing, ended := c.open[e.Commit], c.changing, slices.Contains(c.ended, e.Commit)
		c.mu.Unlock()
		if done == nil {
			// It has ended; or it begins right now; or it began by a change whose answer was lost, and is used by nobody.
			return ended || !changing
		}
		select {
		case <-done:
			return true
		case <-ctx.Done():
			return false
		}
	})
}

// read is the time of the commits that began last, and those that are open and have not lapsed.
func (c *clock) read(ctx context.Context) (latest int64, open []entry, err error) {
	raw, open, err := c.state(ctx, clockID)
	if err != nil {
		return 0, nil, err
	}
	latest, err = whole(raw.Lookup("time"))
	return latest, open, err
}

// state is the clock of that _id, and its entries that have not lapsed.
func (c *clock) state(ctx context.Context, id string) (clock bson.Raw, open []entry, err error) {
	cursor, err := c.documents.Aggregate(ctx, bson.A{
		d("$match", d("_id", id)),
		d("$set", d("open", d("$filter", d("input", "$open", "cond", notLapsed)))),
	})
	if err != nil {
		return nil, nil, fmt.Errorf("the commit clock: %w", err)
	}
	defer cursor.Close(ctx)
	if !cursor.Next(ctx) {
		return nil, nil, fmt.Errorf("the commit clock is gone: %w", errors.Join(cursor.Err(), driver.ErrNoDocuments))
	}
	var read struct{ Open []entry } // the time of the layouts 1 and 2 may be a text
	if err := cursor.Decode(&read); err != nil {
		return nil, nil, fmt.Errorf("the commit clock: %w", err)
	}
	return cursor.Current, read.Open, nil
}

// close takes the ended commits out of the document.
func (c *clock) close(ctx context.Context) {
	c.mu.Lock()
	c.closed = true
	untidy, open := c.untidy, slices.Collect(maps.Keys(c.open))
	if c.flush != nil {
		c.flush.Stop()
	}
	c.mu.Unlock()
	if untidy && ctx.Err() == nil {
		_, _ = c.change(nil, open) // they lapse by themselves otherwise
	}
}
