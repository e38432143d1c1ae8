package netpoll

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// A mutation is a fault put into the loop, one or two lines of it. The simulation must find it, and say what is wrong.
type mutation struct {
	name  string
	lines [][2]string // each must stand in the package once, or else the mutation has to be looked at again
	finds string      // what the simulation says
	test  string      // the test that shows it; "": TestSimulation
}

var mutations = []mutation{
	{"dropped re-arm: reading is not taken up again", [][2]string{
		{"case queued <= soft/2:", "case queued < 0:"},
	}, `not watched for reading`, ""},
	{"dropped re-arm: a timer that came early is forgotten", [][2]string{
		{"\t\tl.wheel.schedule(l.conns, c, at)\n\tcase why == nil:", "\tcase why == nil:"},
	}, `in no bucket of the wheel`, ""},
	{"ignored generation, of a slot that did not rest", [][2]string{
		{"if c == nil || c.gen != ev.token.gen() {", "if c == nil {"},
		{"l.resting = append(l.resting, c.slot)", "l.free = append(l.free, c.slot)"},
	}, `one for another connection has reached it`, "TestE01NumberReusedWithinOneTurn"},
	{"lost wake-up: the loop sleeps and does not say so", [][2]string{
		{"l.asleep = l.planned != 0", "l.asleep = l.planned > 0"},
	}, `a wake-up was lost`, ""},
	{"lost wake-up: work is put down and nobody told", [][2]string{
		{"l.newcomers = append(l.newcomers, h)\n\tl.wakeLocked()", "l.newcomers = append(l.newcomers, h)"},
	}, `a wake-up was lost`, ""},
	{"a short write is taken as full", [][2]string{
		{"o.sent(n)", "o.sent(o.size)"},
	}, `expected message|the server broke the protocol|honest, and its end was not proper|after \d+ of|out,`, ""},
	{"double close", [][2]string{
		{"_ = l.k.close(c.handle)", "_, _ = l.k.close(c.handle), l.k.close(c.handle)"},
	}, `close of handle \d+, which is not open`, ""},
	{"writability is watched for ever", [][2]string{
		{"want := c.want &^ writable", "want := c.want"},
	}, `watched for writing: true`, ""},
	{"an output that stays with its connection is lent to the next as well", [][2]string{
		{"o.trim()\n\t\t\tif o == l.spare {", "o.trim()\n\t\t\tif l == nil {"},
	}, `never written|expected message|broke the protocol|octets in the queue|idle connection keeps|queued`, ""},
	{"closed without lingering", [][2]string{
		{"if c.is(atEnd) || c.proto.CloseReceived() &&", "if true || c.proto.CloseReceived() &&"},
	}, `its end was not proper`, ""},
	{"an interrupted write is the end", [][2]string{
		{"case syscall.EINTR: // the socket is writable", "case syscall.EDOM: // the socket is writable"},
	}, `no call has failed`, ""},
	{"a queue is as old as the last one", [][2]string{
		{" || o.accounted == 0 {", " {"},
	}, `took octets a moment ago`, ""},
	{"pongs without limit", [][2]string{
		{"o.pongs++", ""},
	}, `octets queued, and at most|pongs wait`, ""},
}

// TestSimulationFindsFaults puts each mutation into a copy of the module and lets TestSimulation run there. That takes a minute: it is part of
// the ordinary run only if IDLEWIRE_MUTATIONS is set, as the gate does.
func TestSimulationFindsFaults(t *testing.T) {
	if os.Getenv("IDLEWIRE_MUTATIONS") == "" {
		for _, m := range mutations { // that they still fit is checked always
			m.apply(t)
		}
		t.Skip("IDLEWIRE_MUTATIONS is not set: the faults are not built")
	}
	tree := t.TempDir()
	copyModule(t, tree)
	if out, ok := simulate(t, tree, "", "TestSimulation"); !ok {
		t.Fatalf("without a fault:\n%s", out)
	}
	for _, m := range mutations {
		t.Run(m.name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			overlay := filepath.Join(dir, "overlay.json")
			replace := map[string]string{}
			for name, src := range m.apply(t) {
				mutated := filepath.Join(dir, name)
				if err := os.WriteFile(mutated, src, 0o644); err != nil {
					t.Fatal(err)
				}
				replace[filepath.Join(tree, "netpoll", name)] = mutated
			}
			b, err := json.Marshal(map[string]any{"Replace": replace})
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(overlay, b, 0o644); err != nil {
				t.Fatal(err)
			}
			out, ok := simulate(t, tree, overlay, cmp.Or(m.test, "TestSimulation"))
			if ok {
				t.Fatal("not found")
			}
			said := regexp.MustCompile(`seed \d+, step \d+: .*`).FindAllString(out, -1)
			if len(said) == 0 {
				t.Fatalf("something else went wrong:\n%s", out)
			}
			if !regexp.MustCompile(m.finds).MatchString(strings.Join(said, "\n")) {
				t.Fatalf("expected %q, got\n%s", m.finds, strings.Join(said, "\n"))
			}
			t.Log(said[0])
		})
	}
}

// apply returns the files that the fault is in, by name, with the fault in them.
func (m mutation) apply(t *testing.T) map[string][]byte {
	t.Helper()
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	sources := map[string][]byte{}
	for _, f := range files {
		if !strings.HasSuffix(f, "_test.go") {
			if sources[f], err = os.ReadFile(f); err != nil {
				t.Fatal(err)
			}
		}
	}
	mutated := map[string][]byte{}
	for _, l := range m.lines {
		n := 0
		for f, src := range sources {
			k := bytes.Count(src, []byte(l[0]))
			if n += k; k > 0 {
				sources[f] = bytes.Replace(src, []byte(l[0]), []byte(l[1]), 1)
				mutated[f] = sources[f]
			}
		}
		if n != 1 {
			t.Fatalf("%s: %q stands in %d places: the mutation has to be brought up to date", m.name, l[0], n)
		}
	}
	for f := range mutated {
		mutated[f] = sources[f]
	}
	return mutated
}

// copyModule copies what the simulation needs.
func copyModule(t *testing.T, to string) {
	t.Helper()
	for _, pattern := range []string{"go.mod", "go.sum", "frame/*.go", "handshake/*.go", "conn/*.go", "deflate/*.go", "netpoll/*.go"} {
		files, err := filepath.Glob(filepath.Join("..", pattern))
		if err != nil || len(files) == 0 {
			t.Fatalf("%s: %v", pattern, err)
		}
		for _, f := range files {
			name := filepath.Base(f)
			if strings.HasSuffix(name, "_test.go") && !strings.HasPrefix(name, "sim_") {
				continue
			}
			b, err := os.ReadFile(f)
			if err != nil {
				t.Fatal(err)
			}
			rel, err := filepath.Rel("..", f)
			if err != nil {
				t.Fatal(err)
			}
			dst := filepath.Join(to, rel)
			if err := os.MkdirAll(filepath.Dir(dst), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(dst, b, 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// simulate runs a test in tree.
func simulate(t *testing.T, tree, overlay, test string) (out string, ok bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	args := []string{"test", "-vet=off", "-count=1", "-timeout=2m", "-run=^" + test + "$"}
	if overlay != "" {
		args = append(args, "-overlay="+overlay)
	}
	cmd := exec.CommandContext(ctx, "go", append(args, "./netpoll")...)
	cmd.Dir = tree
	cmd.Env = append(os.Environ(), "IDLEWIRE_SEEDS=2000", "IDLEWIRE_FIRST=1", "IDLEWIRE_SEED=")
	b, err := cmd.CombinedOutput()
	return string(b), err == nil
}
