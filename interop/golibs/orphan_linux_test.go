package golibs

import (
	"os/exec"
	"syscall"
)

// notOrphaned: should the tests be killed, the kernel ends what they started.
func notOrphaned(cmd *exec.Cmd) { cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL} }
