package mongo

import (
	"context"
	"runtime"
	"slices"
	"sync"
	"time"

	"fhirside/resources/store"
)

// together reads current versions for many requests with few commands. While fewer commands are under way than there are processors, each
// read sends one of its own. Further ones wait until one of those ends, and go together in one, those of a type. A command that is sent
// for a read is always sent after the read was asked for: it sees all that was acknowledged before.
type together struct {
	s       *Store
	mu      sync.Mutex
	running int
	waiting []*sharer // in the order in which they came
}

const (
	// maxTogether is how many resources one command reads, so that nobody waits for a huge answer.
	maxTogether = 32
	// waitPatience is how long a read waits for others' commands before it goes ahead: the connection of a command that takes longer may
	// be cut.
	waitPatience = 20 * time.Millisecond
)

// sharer is a read and what came of it.
type sharer struct {
	ctx     context.Context
	key     store.Key
	lead    []*sharer     // it sends the command for these, itself the first
	woken   chan struct{} // of one: it leads, or another one has read it
	version store.Version
	found   bool
	err     error
}

// read is the current version of a resource, and whether the collection of its type has one.
func (t *together) read(ctx context.Context, key store.Key) (version store.Version, found bool, err error) {
	r := &sharer{ctx: ctx, key: key}
	if !t.begin(r) && !t.await(r) {
		return version, false, ctx.Err()
	}
	if r.lead != nil {
		t.run(r.lead)
	}
	return r.version, r.found, r.err
}

// begin lets a read go by itself; where it may not it has to wait.
func (t *together) begin(r *sharer) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.running < runtime.GOMAXPROCS(0) {
		t.running++
		r.lead = []*sharer{r}
		return true
	}
	r.woken = make(chan struct{}, 1)
	t.waiting = append(t.waiting, r)
	return false
}

// await waits until a read leads, or was read, and says whether one of the two has happened before its context ended.
func (t *together) await(r *sharer) bool {
	timer := time.NewTimer(waitPatience)
	defer timer.Stop()
	select {
	case <-r.woken:
		return true
	case <-timer.C:
		t.goAhead(r)
		select {
		case <-r.woken:
			return true
		case <-r.ctx.Done():
		}
	case <-r.ctx.Done():
	}
	return t.giveUp(r)
}

// goAhead lets a read lead that still waits.
func (t *together) goAhead(r *sharer) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if i := slices.Index(t.waiting, r); i >= 0 {
		t.waiting[0], t.waiting[i] = r, t.waiting[0]
		t.running++
		t.appoint()
	}
}

// giveUp takes a read back, and says whether it leads, so that others rely on it.
func (t *together) giveUp(r *sharer) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.waiting = slices.DeleteFunc(t.waiting, func(w *sharer) bool { return w == r })
	return r.lead != nil
}

// end lets the next ones go in place of a command that has ended.
func (t *together) end() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.waiting) == 0 {
		t.running--
		return
	}
	t.appoint()
}

// appoint makes the first that waits lead those of its type.
func (t *together) appoint() {
	leader := t.waiting[0]
	left := t.waiting[:0]
	for _, r := range t.waiting {
		if r.key.Type == leader.key.Type && len(leader.lead) < maxTogether {
			leader.lead = append(leader.lead, r)
		} else {
			left = append(left, r)
		}
	}
	clear(t.waiting[len(left):])
	t.waiting = left
	leader.woken <- struct{}{}
}

// run reads what the first of a batch leads, and wakes the others.
func (t *together) run(batch []*sharer) {
	defer t.end()
	leader := batch[0]
	ctx := leader.ctx
	if len(batch) > 1 { // who leads may give up, the others have not
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(context.WithoutCancel(ctx), t.s.opt.Timeout)
		defer cancel()
	}
	v := &view{s: t.s, ctx: ctx, outside: ctx}
	if len(batch) == 1 {
		leader.version, leader.found, leader.err = v.readOne(leader.key)
		return
	}
	err := v.readBatch(batch)
	for i, r := range batch {
		if !r.found && r.err == nil {
			r.err = err
		}
		if i > 0 {
			r.woken <- struct{}{}
		}
	}
}

// readOne is a version of a type's collection.
func (v *view) readOne(key store.Key) (version store.Version, found bool, err error) {
	raw, err := v.findOne(key)
	if err != nil || raw == nil {
		return version, false, err
	}
	return decodeCurrent(key.Type, raw), true, nil
}

// readBatch reads versions of one type.
func (v *view) readBatch(batch []*sharer) error {
	ids := make([]string, len(batch))
	for i, r := range batch {
		ids[i] = r.key.ID
	}
	resourceType := batch[0].key.Type
	for raw, err := range v.byIDs(resourceType, ids) {
		if err != nil {
			return err
		}
		id, _ := raw.Lookup("_id").StringValueOK()
		for _, r := range batch {
			if r.key.ID == id {
				r.version, r.found = decodeCurrent(resourceType, raw), true
			}
		}
	}
	return nil
}
