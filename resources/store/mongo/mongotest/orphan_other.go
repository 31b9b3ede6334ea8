//go:build !linux

package mongotest

import "os/exec"

// dieWithParent is Linux's; elsewhere a test process that is killed leaves its server behind.
func dieWithParent(*exec.Cmd) {}
