package conformance

import (
	"os/exec"
	"syscall"
)

// notOrphaned: should this process be killed, the kernel ends what it started.
func notOrphaned(cmd *exec.Cmd) { cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL} }
