package mongo

import "testing"

// TestBackground: closing waits for what has begun, and nothing begins meanwhile.
func TestBackground(t *testing.T) {
	var b background
	finish, ended := make(chan struct{}), make(chan struct{})
	b.begin(func() { <-finish })
	go func() {
		b.end()
		close(ended)
	}()
	until(t, "it is ending", func() bool {
		b.mu.Lock()
		defer b.mu.Unlock()
		return b.over
	})
	b.begin(func() { t.Error("it begins") })
	select {
	case <-ended:
		t.Error("it has ended before what has begun")
	default:
	}
	close(finish)
	<-ended
}
