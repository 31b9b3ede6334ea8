package mongo

import (
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
// {_id: "clock", schema, time, open: [{commit, owner, until}], rules}, that a process changes once for all commits that it begins at
// the same moment:
//
//   - schema is the layout by which commits may write; a process that knows another one begins none. See upgrade.go.
//   - time is that of the commits that began last, in microseconds since 1970 and whole milliseconds. Every change that begins
//     commits moves it forward by at least one millisecond, and to the server's own time where that is further.
//   - A commit's number is its time plus its place among those that began with it: numbers are unique, order commits by time,
//     and tell the time.
//   - open lists the commits that may yet become visible. Each change leaves of the process's own those that are open: others have
//     ended, or began by a change whose answer was lost. A process that dies leaves its own in it, until the time by which it would
//     have given up.
//   - rules is the least number of rules that records of commits that begin may have; see require.go.
//
// A reader who goes on later from what it has seen must see nothing newer than the oldest open commit: horizon.
type clock struct {
	documents *driver.Collection
	schema    int32         // the layout by which this process writes
	owner     int64         // this process
	patience  time.Duration // the time by which a commit has ended
	mu        sync.Mutex
	waiting   []chan begun            // commits that want to begin
	open      map[int64]chan struct{} // commits of this process that are open; closed when they end
	ended     []int64                 // commits of this process that ended and are still listed in the document
	untidy    bool                    // the document may list commits of this process that are not open
	changing  bool                    // somebody changes the document
	flush     *time.Timer
	closed    bool
	overtaken atomic.Bool  // the database has a newer layout
	known     atomic.Int64 // the latest horizon that was asked for
}

type begun struct {
	commit, rules int64
	err           error
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

// begin gives a commit its number, and the least number of rules that it may write by. It is open until end or lapse.
func (c *clock) begin(ctx context.Context) (commit, rules int64, err error) {
	wait := make(chan begun, 1)
	c.mu.Lock()
	if c.closed {
		c.mu.Unlock()
		return 0, 0, errClosed
	}
	c.waiting = append(c.waiting, wait)
	if !c.changing {
		c.changing = true
		go c.run()
	}
	c.mu.Unlock()
	select {
	case b := <-wait:
		return b.commit, b.rules, b.err
	case <-ctx.Done():
		go func() { // what begins nevertheless ends at once
			if b := <-wait; b.err == nil {
				c.end(b.commit)
			}
		}()
		return 0, 0, context.Cause(ctx)
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
		first, rules, err := c.change(len(waiting), open)
		if errors.Is(err, errOvertaken) {
			_, _, _ = c.change(0, open) // what waits for the end of these commits is what has overtaken them
		}
		c.mu.Lock()
		for i, wait := range waiting {
			if err == nil {
				c.open[first+int64(i)] = make(chan struct{})
			}
			wait <- begun{first + int64(i), rules, err}
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
func (c *clock) take() (waiting []chan begun, ended, open []int64, more bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	n := min(len(c.waiting), perTime)
	waiting, c.waiting = c.waiting[:n:n], c.waiting[n:]
	ended, c.ended = c.ended, nil
	more = n > 0 || c.untidy
	c.untidy, c.changing = false, more
	return waiting, ended, slices.Collect(maps.Keys(c.open)), more
}

// change begins n commits and leaves of those that have begun the open ones; it returns the number of the first that begins, and that
// of the rules.
func (c *clock) change(n int, open []int64) (first, rules int64, err error) {
	ctx, cancel := context.WithTimeout(context.Background(), clockPatience)
	defer cancel()
	filter := d("_id", clockID)
	if n > 0 {
		filter = append(filter, bson.E{Key: "schema", Value: c.schema})
	}
	raw, err := c.documents.FindOneAndUpdate(ctx, filter, c.update(n, open),
		options.FindOneAndUpdate().SetReturnDocument(options.After).SetProjection(d("time", 1, "rules", 1))).Raw()
	if errors.Is(err, driver.ErrNoDocuments) && n > 0 && c.isThere(ctx) {
		c.overtaken.Store(true)
		return 0, 0, errOvertaken
	}
	if err != nil {
		return 0, 0, fmt.Errorf("the commit clock: %w", err)
	}
	if required := raw.Lookup("rules"); required.Type != 0 {
		if rules, err = whole(required); err != nil {
			return 0, 0, err
		}
	}
	first, err = whole(raw.Lookup("time"))
	return first, rules, err
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
func (c *clock) update(n int, open []int64) bson.A {
	if open == nil {
		open = []int64{}
	}
	stays := d("$and", bson.A{notLapsed, d("$or", bson.A{d("$ne", bson.A{"$$this.owner", c.owner}), d("$in", bson.A{"$$this.commit", open})})})
	listed := d("$filter", d("input", "$open", "cond", stays))
	if n == 0 {
		return bson.A{d("$set", d("open", listed))}
	}
	begins := make(bson.A, n)
	for i := range begins {
		begins[i] = d("commit", d("$add", bson.A{"$time", int64(i)}), "owner", c.owner,
			"until", d("$add", bson.A{serverNow, (c.patience + grace).Milliseconds()}))
	}
	const millisecond = int64(time.Millisecond / time.Microsecond)
	next := d("$max", bson.A{d("$add", bson.A{"$time", millisecond}), d("$multiply", bson.A{serverNow, millisecond})})
	return bson.A{d("$set", d("time", next)), d("$set", d("open", d("$concatArrays", bson.A{listed, begins})))}
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
	for pause := time.Millisecond; ; pause = min(2*pause, 50*time.Millisecond) {
		open = c.stillOpen(ctx, open, limit)
		if len(open) == 0 {
			return latest + perTime - 1, true, nil
		}
		if time.Now().After(limit) {
			return timeOf(slices.MinFunc(open, func(a, b entry) int { return int(a.commit - b.commit) }).commit) - 1, false, nil
		}
		select {
		case <-ctx.Done():
			return 0, false, context.Cause(ctx)
		case <-time.After(pause):
		}
		_, now, err := c.read(ctx)
		if err != nil {
			return 0, false, err
		}
		open = slices.DeleteFunc(open, func(e entry) bool { return !slices.Contains(now, e) })
	}
}

// entry is an open commit in the document.
type entry struct{ commit, owner int64 }

// stillOpen leaves out this process's own commits that have ended, and waits for those that have not.
func (c *clock) stillOpen(ctx context.Context, open []entry, limit time.Time) []entry {
	patience := time.NewTimer(time.Until(limit))
	defer patience.Stop()
	return slices.DeleteFunc(open, func(e entry) bool {
		if e.owner != c.owner {
			return false
		}
		c.mu.Lock()
		done, changing, ended := c.open[e.commit], c.changing, slices.Contains(c.ended, e.commit)
		c.mu.Unlock()
		if done == nil {
			// It has ended; or it begins right now; or it began by a change whose answer was lost, and is used by nobody.
			return ended || !changing
		}
		select {
		case <-done:
			return true
		case <-ctx.Done():
		case <-patience.C:
		}
		return false
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
	var read struct {
		Open []struct{ Commit, Owner int64 }
	}
	if err := cursor.Decode(&read); err != nil {
		return nil, nil, fmt.Errorf("the commit clock: %w", err)
	}
	for _, e := range read.Open {
		open = append(open, entry{e.Commit, e.Owner})
	}
	return cursor.Current, open, nil
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
		_, _, _ = c.change(0, open) // they lapse by themselves otherwise
	}
}
