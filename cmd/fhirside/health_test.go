package main

import "testing"

func TestHealth(t *testing.T) {
	url, stop, done := startServer(t, testSettings(t))
	if out, _, err := execute(t, healthCommand(), "--server", url); err != nil || out != "ready\n" {
		t.Errorf("%q, %v", out, err)
	}
	stop()
	<-done
	if _, _, err := execute(t, healthCommand(), "--server", url); err == nil {
		t.Error("a server that has ended is ready")
	}
}
