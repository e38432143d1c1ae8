//go:build !linux

package golibs

import "os/exec"

func notOrphaned(*exec.Cmd) {} // only Linux has a way

func ownGroup(*exec.Cmd)      {}
func killGroup(cmd *exec.Cmd) { cmd.Process.Kill() }
