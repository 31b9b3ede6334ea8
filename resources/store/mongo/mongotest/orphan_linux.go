package mongotest

import (
	"os/exec"
	"syscall"
)

// dieWithParent lets the kernel kill the server when the test process ends, however that ends. It counts for the thread that
// starts the process, so the caller keeps that.
func dieWithParent(cmd *exec.Cmd) { cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL} }
