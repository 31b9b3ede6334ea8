package storetest

import "sync"

// secrets: each name has one, and whoever asks gets the same, also when many ask for the first time at once.
func secrets(w *world) {
	got := make([]string, 8)
	var all sync.WaitGroup
	for i := range got {
		all.Go(func() {
			key, err := w.Secret(w.ctx, "a")
			if err != nil {
				w.Error(err)
				return
			}
			got[i] = string(key[:])
		})
	}
	all.Wait()
	for _, key := range got {
		if key != got[0] {
			w.Fatal("several secrets of one name")
		}
	}
	other, err := w.Secret(w.ctx, "b")
	if err != nil || string(other[:]) == got[0] {
		w.Errorf("two names share a secret, or %v", err)
	}
}
