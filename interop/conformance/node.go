package conformance

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strconv"
	"time"
)

// nodeDir is interop/node, where the programs for Node and their packages are.
var nodeDir = func() string {
	_, file, _, _ := runtime.Caller(0)
	return filepath.Join(filepath.Dir(file), "..", "node")
}()

// ErrNoNode says that a peer cannot run because Node, or ws for it, is not installed.
var ErrNoNode = errors.New("no Node with ws: install Node, and run npm ci in interop/node")

// node makes a process that ends with ctx, by its own pid, with its standard input, and on Linux with its parent.
func node(ctx context.Context, script string, args ...string) (*exec.Cmd, error) {
	path, err := exec.LookPath("node")
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrNoNode, err)
	}
	if found, _ := filepath.Glob(filepath.Join(nodeDir, "node_modules", "ws", "package.json")); len(found) == 0 {
		return nil, ErrNoNode
	}
	cmd := exec.CommandContext(ctx, path, append([]string{script}, args...)...)
	cmd.Dir = nodeDir
	cmd.WaitDelay = 5 * time.Second
	notOrphaned(cmd)
	if _, err := cmd.StdinPipe(); err != nil {
		return nil, err
	}
	return cmd, nil
}

var urlInLine = regexp.MustCompile(`ws://[^\s/]+:\d+`)

func startNode() (*Running, error) {
	ctx, cancel := context.WithCancel(context.Background())
	cmd, err := node(ctx, "conformance-server.js")
	if err != nil {
		cancel()
		return nil, err
	}
	var complaints bytes.Buffer
	cmd.Stderr = &complaints
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		cancel()
		return nil, err
	}
	patience := time.AfterFunc(20*time.Second, cancel)
	line, _ := bufio.NewReader(out).ReadString('\n')
	patience.Stop()
	url := urlInLine.FindString(line)
	stop := func() error {
		cancel()
		cmd.Wait() // killed: its status says nothing
		return nil
	}
	if url == "" {
		stop()
		return nil, fmt.Errorf("node printed no URL but %q: %s", line, complaints.Bytes())
	}
	return &Running{url, stop}, nil
}

func playNode(ctx context.Context, base, agent string, parallel int) error {
	cmd, err := node(ctx, "conformance-client.js", base, agent, strconv.Itoa(max(parallel, 1)))
	if err != nil {
		return err
	}
	if out, err := cmd.CombinedOutput(); err != nil {
		return errors.Join(ctx.Err(), fmt.Errorf("node: %w: %s", err, out))
	}
	return nil
}
