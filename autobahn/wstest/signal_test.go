//go:build unix

package main

import (
	"bytes"
	"io"
	"os"
	"os/exec"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
)

// The whole program: a signal ends it, and what has run is reported.
func TestSignals(t *testing.T) {
	dir := t.TempDir()
	p := start(t, "-m", "echoserver", "-w", "ws://127.0.0.1:0")
	for _, row := range []struct {
		signal os.Signal
		until  string // it has said so much
		args   []string
		status int
		reason string
	}{
		{os.Interrupt, "section 1:", []string{"-m", "fuzzingclient", "-w", p.url, "--only", "1.1.1,5.19", "-j", "1"}, notGood, "interrupted"},
		{syscall.SIGTERM, "listening", []string{"-m", "echoserver", "-w", "ws://127.0.0.1:0"}, allGood, "listening"},
	} {
		cmd := exec.Command(os.Args[0], row.args...)
		cmd.Dir = dir
		cmd.Env = append(os.Environ(), "WSTEST_MAIN=1")
		var stderr bytes.Buffer
		cmd.Stderr = &stderr
		pipe, err := cmd.StdoutPipe()
		require.NoError(t, err)
		require.NoError(t, cmd.Start())
		var out []byte
		b := make([]byte, 1000)
		for n := 0; err == nil && !bytes.Contains(out, []byte(row.until)); out = append(out, b[:n]...) {
			n, err = pipe.Read(b)
		}
		require.NoError(t, cmd.Process.Signal(row.signal))
		rest, _ := io.ReadAll(pipe)
		cmd.Wait()
		require.Equal(t, row.status, cmd.ProcessState.ExitCode(), "%s%s", out, rest)
		require.Contains(t, string(out)+string(rest), row.reason)
		require.Empty(t, stderr.String())
	}
}
