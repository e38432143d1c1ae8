package main

import (
	"os"
	"path"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// Every fault can still be put where it belongs, and there are enough of them.
func TestApply(t *testing.T) {
	names, faults := map[string]bool{}, map[[3]string]string{}
	for _, m := range mutants() {
		require.False(t, names[m.name], m.name)
		names[m.name] = true
		fault := [3]string{m.file, m.old, m.new}
		require.Empty(t, faults[fault], m.name)
		faults[fault] = m.name
		require.Contains(t, above, path.Dir(m.file), m.name)

		source, err := os.ReadFile(filepath.Join("../..", filepath.FromSlash(m.file)))
		require.NoError(t, err)
		b, err := m.apply(source)
		require.NoError(t, err)
		require.NotEqual(t, string(source), string(b), m.name)
	}
	require.GreaterOrEqual(t, len(names), 60)
}

func TestApplyRefuses(t *testing.T) {
	m := mutant{name: "a fault", file: "a.go", old: "x", new: "y"}
	for source, want := range map[string]string{
		"":    "a fault: its text is not in a.go",
		"x x": "a fault: its text is 2 times in a.go",
	} {
		_, err := m.apply([]byte(source))
		require.EqualError(t, err, want)
	}
	b, err := m.apply([]byte("a x"))
	require.NoError(t, err)
	require.Equal(t, "a y", string(b))
}

func TestFailures(t *testing.T) {
	for _, row := range []struct {
		name, out string
		want      string
		stopped   bool
	}{
		{"two", "--- FAIL: TestA (0.01s)\n    --- FAIL: TestA/b (0.00s)\n    a_test.go:1: no\n--- FAIL: ExampleB (0.00s)\nFAIL\n", "TestA ExampleB", false},
		{"a panic in a target", "--- FAIL: FuzzA (0.02s)\n    --- FAIL: FuzzA/seed#1 (0.00s)\npanic: no [recovered]\n", "FuzzA", true},
		{"a panic elsewhere", "panic: no\n\ngoroutine 7 [running]:\nexample.org/a.run(...)\n\t/a.go:1\nexample.org/a.TestA.func1()\n\t/a_test.go:2\n", "TestA", true},
		{"the memory", "fatal error: runtime: out of memory\n\ngoroutine 7 [running]:\nexample.org/a.FuzzB(0xc000)\n", "FuzzB", true},
		{"a hang", "panic: test timed out after 1m0s\n\trunning tests:\n\t\tTestA (59s)\n\t\tTestB/c (2s)\n\ngoroutine 7", "TestA TestB", true},
		{"a hang in a target", "panic: test timed out after 1m0s\n\ngoroutine 1 [running]:\ntesting.(*F).Fuzz.func1(...)\nexample.org/a.FuzzA(0xc000)\n", "FuzzA", true},
		{"what is left behind", "PASS\nleft behind: goroutine 7\n", "TestMain", true},
	} {
		names, stopped := failures([]byte(row.out))
		require.Equal(t, row.want, strings.Join(names, " "), row.name)
		require.Equal(t, row.stopped, stopped, row.name)
	}
}
