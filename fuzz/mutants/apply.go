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

// A workshop builds the tests of the module, with a fault or none. The tree is not touched.
type workshop struct {
	root    string // of the module
	dir     string // for what is built
	overlay string // a file for go build -overlay; "": no fault
}

// newWorkshop makes a workshop in an empty directory of its own. m may be nil, for no fault.
func newWorkshop(root string, m *mutant) (*workshop, error) {
	dir, err := os.MkdirTemp("", "mutant")
	if err != nil {
		return nil, err
	}
	w := &workshop{root: root, dir: dir}
	if m == nil {
		return w, nil
	}
	if err := w.spoil(m); err != nil {
		w.close()
		return nil, err
	}
	return w, nil
}

func (w *workshop) spoil(m *mutant) error {
	file := filepath.Join(w.root, filepath.FromSlash(m.file))
	source, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	b, err := m.apply(source)
	if err != nil {
		return err
	}
	spoilt := filepath.Join(w.dir, "spoilt.go")
	if err := os.WriteFile(spoilt, b, 0o600); err != nil {
		return err
	}
	overlay, err := json.Marshal(map[string]map[string]string{"Replace": {file: spoilt}})
	if err != nil {
		return err
	}
	w.overlay = filepath.Join(w.dir, "overlay.json")
	return os.WriteFile(w.overlay, overlay, 0o600)
}

func (w *workshop) close() { os.RemoveAll(w.dir) }

// build makes the test programs of packages, which run then runs. An error is one of the compiler.
func (w *workshop) build(ctx context.Context, packages ...string) error {
	args := []string{"test", "-c", "-vet=off", "-o", w.dir + string(filepath.Separator)}
	if w.overlay != "" {
		args = append(args, "-overlay", w.overlay)
	}
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

// memory is how much the tests of a mutant may take, in KiB: some faults make things grow without end.
const memory = 4 << 20

// test runs the test program of a package.
func (w *workshop) test(ctx context.Context, p string, args ...string) (out []byte, err error) {
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
	return cmd.CombinedOutput()
}
