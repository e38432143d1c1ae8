package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
)

// apply returns source with the fault.
func (m mutant) apply(source []byte) ([]byte, error) {
	source = bytes.ReplaceAll(source, []byte("\r\n"), []byte("\n"))
	switch n := bytes.Count(source, []byte(m.old)); n {
	case 0:
		return nil, fmt.Errorf("%s: its text is not in %s", m.name, m.file)
	case 1:
		return bytes.Replace(source, []byte(m.old), []byte(m.new), 1), nil
	default:
		return nil, fmt.Errorf("%s: its text is %d times in %s", m.name, n, m.file)
	}
}

// A workshop builds the tests of the module with some files replaced. The tree is not touched.
type workshop struct {
	root     string            // of the module
	dir      string            // for what is built
	replaced map[string]string // files by those that stand for them, for go build -overlay
}

// newWorkshop makes a workshop in an empty directory of its own.
func newWorkshop(root string) (*workshop, error) {
	dir, err := os.MkdirTemp("", "mutant")
	if err != nil {
		return nil, err
	}
	return &workshop{root, dir, map[string]string{}}, nil
}

// newAlone makes a workshop for one mutant.
func newAlone(root string, m mutant) (*workshop, error) {
	source, err := os.ReadFile(filepath.Join(root, filepath.FromSlash(m.file)))
	if err != nil {
		return nil, err
	}
	b, err := m.apply(source)
	if err != nil {
		return nil, err
	}
	w, err := newWorkshop(root)
	if err != nil {
		return nil, err
	}
	if err := w.replace(m.file, b); err != nil {
		w.close()
		return nil, err
	}
	return w, nil
}

// replace lets b stand for a file of the module, which need not be there.
func (w *workshop) replace(file string, b []byte) error {
	name := filepath.Join(w.dir, fmt.Sprintf("%d.go", len(w.replaced)))
	w.replaced[filepath.Join(w.root, filepath.FromSlash(file))] = name
	return os.WriteFile(name, b, 0o600)
}

func (w *workshop) close() { os.RemoveAll(w.dir) }

// build makes the test programs of packages, which test then runs. An error is one of the compiler.
func (w *workshop) build(ctx context.Context, packages ...string) error {
	overlay, err := json.Marshal(map[string]map[string]string{"Replace": w.replaced})
	if err != nil {
		return err
	}
	name := filepath.Join(w.dir, "overlay.json")
	if err := os.WriteFile(name, overlay, 0o600); err != nil {
		return err
	}
	args := []string{"test", "-c", "-vet=off", "-ldflags=-s -w", "-overlay", name, "-o", w.dir + string(filepath.Separator)}
	for _, p := range packages {
		args = append(args, "./"+p)
	}
	cmd := exec.CommandContext(ctx, "go", args...)
	cmd.Dir = w.root
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%w: %s", err, strings.TrimSpace(string(out)))
	}
	return ctx.Err()
}

// memory is how much a test program may take, in KiB, where there is a shell to say so: some faults make things grow without end.
const memory = 4 << 20

// test runs the test program of a package, with mutant number n of those that have been built together.
func (w *workshop) test(ctx context.Context, p string, n int, args ...string) (out []byte, err error) {
	name := filepath.Base(p) + ".test"
	if runtime.GOOS == "windows" {
		name += ".exe"
	}
	args = append([]string{filepath.Join(w.dir, name), "-test.short", "-test.count=1"}, args...)
	if sh, err := exec.LookPath("sh"); err == nil && runtime.GOOS == "linux" {
		args = append([]string{sh, "-c", fmt.Sprintf(`ulimit -v %d; exec "$@"`, memory), "sh"}, args...)
	}
	cmd := exec.CommandContext(ctx, args[0], args[1:]...)
	cmd.Dir = filepath.Join(w.root, filepath.FromSlash(p)) // where go test would run it
	cmd.Env = append(os.Environ(), fmt.Sprintf("%s=%d", mutantEnv, n))
	return cmd.CombinedOutput()
}
