package server

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"time"

	"github.com/idlewire/idlewire/bench/internal/mode"
)

// Servers that run on Node are a folder each in bench/node, with a server.js that does what Main does, and a lock file for npm.

// nodePackage is what npm installs into each folder.
var nodePackage = map[string]string{"ws": "ws", "uws": "uwebsockets"}

// Missing returns what keeps the kind from running here; nil: nothing.
func (k Kind) Missing() error {
	if k.node == "" {
		return nil
	}
	if _, err := exec.LookPath("node"); err != nil {
		return err
	}
	dir, err := nodeDir(k.node)
	if err != nil {
		return err
	}
	if _, err := os.Stat(filepath.Join(dir, "node_modules", nodePackage[k.node], "package.json")); err == nil {
		return nil
	}
	// uWebSockets is nothing that npm has from its authors: a binary of theirs that somebody else has published. Whoever wants to run it says so.
	if k.node == "uws" {
		return fmt.Errorf("%s is not installed: (cd node/uws && npm ci --ignore-scripts) does it", k.Name)
	}
	return install(dir)
}

// install does npm ci, which fetches what the lock file pins, and nothing else.
func install(dir string) error {
	npm, err := exec.LookPath("npm")
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, npm, "ci", "--no-audit", "--no-fund", "--ignore-scripts")
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("npm ci in %s: %w\n%s", dir, err, out)
	}
	return nil
}

func (k Kind) nodeCommand(m mode.Mode) (name string, args []string, err error) {
	if err := k.Missing(); err != nil {
		return "", nil, err
	}
	dir, err := nodeDir(k.node)
	return "node", []string{"--expose-gc", filepath.Join(dir, "server.js"), m.String()}, err
}

// nodeDir finds the folder from where this file was when it was compiled.
func nodeDir(name string) (string, error) {
	_, file, _, _ := runtime.Caller(0)
	dir := filepath.Join(filepath.Dir(file), "..", "..", "node", name)
	_, err := os.Stat(filepath.Join(dir, "server.js"))
	return dir, err
}
