package mongo

import (
	"testing"
	"time"
)

// Of several commits of this process that do not end a reader waits for all together, not for each.
func TestWaitingHasOneLimit(t *testing.T) {
	t.Parallel()
	c := &clock{owner: 1, open: map[int64]chan struct{}{}}
	var open []entry
	for commit := range int64(3) {
		c.open[commit] = make(chan struct{})
		open = append(open, entry{Commit: commit, Owner: 1})
	}
	left := make(chan []entry)
	go func() { left <- c.stillOpen(t.Context(), open, time.Now().Add(time.Millisecond)) }()
	select {
	case list := <-left:
		if len(list) != 3 {
			t.Errorf("%v are open, want 3", list)
		}
	case <-time.After(10 * time.Second):
		t.Error("the limit is over, and it still waits")
	}
}
