package main

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

//go:embed testdata/fuzz.go
var fuzzFile []byte // in place of testing/fuzz.go

// build writes the archive of one target of the package in dir.
func build(dir, target, tags, out string) error {
	tags = strings.Trim("gofuzz_libfuzzer,libfuzzer,"+tags, ",")
	pkg, err := list(dir, tags)
	if err != nil {
		return err
	}
	tmp, err := os.MkdirTemp("", "native")
	if err != nil {
		return err
	}
	defer os.RemoveAll(tmp)
	o := overlay{dir: tmp, Replace: map[string]string{}}
	if err := o.tests(pkg.Dir); err != nil {
		return err
	}
	if err := o.testing(pkg.goroot); err != nil {
		return err
	}
	// In the working directory, where the module is that the import path is looked for in.
	entry, err := filepath.Abs("native_main.go")
	if err != nil {
		return err
	}
	if err := o.add(entry, []byte(entryOf(pkg.ImportPath, target))); err != nil {
		return err
	}
	file, err := o.write()
	if err != nil {
		return err
	}
	args := []string{"build", "-buildmode=c-archive", "-trimpath", "-overlay", file, "-tags", tags, "-o", out, "-gcflags=all=-d=libfuzzer"}
	// These are not instrumented: cgo and the race detector run where there is no goroutine, and system calls before there is a runtime.
	for _, p := range []string{"runtime/cgo", "runtime/pprof", "runtime/race", "syscall"} {
		args = append(args, "-gcflags="+p+"=-d=libfuzzer=0")
	}
	cmd := exec.Command("go", append(args, entry)...)
	cmd.Stdout, cmd.Stderr = os.Stderr, os.Stderr
	return cmd.Run()
}

// A pkg is what go list says of a package.
type pkg struct {
	Dir, ImportPath string
	goroot          string
}

func list(dir, tags string) (p pkg, err error) {
	out, err := output("go", "list", "-json=Dir,ImportPath", "-tags", tags, dir)
	if err != nil {
		return p, err
	}
	if err := json.Unmarshal(out, &p); err != nil {
		return p, fmt.Errorf("go list: %w", err)
	}
	out, err = output("go", "env", "GOROOT")
	p.goroot = strings.TrimSpace(string(out))
	return p, err
}

func output(name string, args ...string) ([]byte, error) {
	cmd := exec.Command(name, args...)
	out, err := cmd.Output()
	var e *exec.ExitError
	if errors.As(err, &e) {
		err = fmt.Errorf("%s: %w: %s", strings.Join(cmd.Args, " "), err, bytes.TrimSpace(e.Stderr))
	}
	return out, err
}

// tests makes the test files of dir files of its package. What their names say of systems is lost, and so they had better say nothing.
func (o *overlay) tests(dir string) error {
	names, err := filepath.Glob(filepath.Join(dir, "*_test.go"))
	if err != nil {
		return err
	}
	for _, name := range names {
		text, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		if err := o.add(strings.TrimSuffix(name, "_test.go")+"_libFuzzer.go", text); err != nil {
			return err
		}
	}
	return nil
}

// skipped is what a T or an F panics with to leave an input.
const skipped = "GO-FUZZ-BUILD-PANIC"

// What the methods of a T do first. There is nobody above it to report to.
var hooks = [][2]string{
	{"func (c *common) Cleanup(f func()) {", "f()"}, // at once
	{"func (c *common) Context() context.Context {", "return context.Background()"},
	{"func (t *T) Deadline() (deadline time.Time, ok bool) {", `panic("T.Deadline")`},
	{"func (c *common) Error(args ...any) {", `fmt.Println(args...); panic("T.Error")`},
	{"func (c *common) Errorf(format string, args ...any) {", `fmt.Printf(format+"\n", args...); panic("T.Errorf")`},
	{"func (c *common) Fail() {", `panic("T.Fail")`},
	{"func (c *common) FailNow() {", `panic("T.FailNow")`},
	{"func (c *common) Failed() bool {", `panic("T.Failed")`},
	{"func (c *common) Fatal(args ...any) {", `fmt.Println(args...); panic("T.Fatal")`},
	{"func (c *common) Fatalf(format string, args ...any) {", `fmt.Printf(format+"\n", args...); panic("T.Fatalf")`},
	{"func (c *common) Helper() {", "return"},
	{"func (c *common) Log(args ...any) {", "fmt.Println(args...); return"},
	{"func (c *common) Logf(format string, args ...any) {", `fmt.Printf(format+"\n", args...); return`},
	{"func (c *common) Name() string {", `return "libFuzzer"`},
	{"func (t *T) Parallel() {", `panic("T.Parallel")`},
	{"func (t *T) Run(name string, f func(t *T)) bool {", "f(t); return true"},
	{"func (c *common) Skip(args ...any) {", `panic("` + skipped + `")`},
	{"func (c *common) Skipped() bool {", `panic("T.Skipped")`},
}

// testing replaces what package testing fuzzes with, and how a T fails.
func (o *overlay) testing(goroot string) error {
	dir := filepath.Join(goroot, "src", "testing")
	text, err := os.ReadFile(filepath.Join(dir, "testing.go"))
	if err != nil {
		return err
	}
	for _, h := range hooks {
		if bytes.Count(text, []byte(h[0])) != 1 {
			return fmt.Errorf("testing.go of this Go does not have «%s» once", h[0])
		}
		text = bytes.Replace(text, []byte(h[0]), []byte(h[0]+"\n"+h[1]), 1)
	}
	if err := o.add(filepath.Join(dir, "testing.go"), text); err != nil {
		return err
	}
	return o.add(filepath.Join(dir, "fuzz.go"), fuzzFile)
}

// entryOf is the program: what libFuzzer calls, and what that calls.
func entryOf(importPath, target string) string {
	return fmt.Sprintf(`package main

import (
	"testing"
	"unsafe"

	target %q
)

// #include <stddef.h>
import "C"

//export LLVMFuzzerTestOneInput
func LLVMFuzzerTestOneInput(data *C.char, size C.size_t) C.int {
	defer func() {
		if r := recover(); r != nil && r != any(%q) {
			panic(r)
		}
	}()
	f := testing.NewF(unsafe.Slice((*byte)(unsafe.Pointer(data)), int(size)))
	defer f.CleanupTempDirs()
	target.%s(f)
	return 0
}

func main() {}
`, importPath, skipped, target)
}
