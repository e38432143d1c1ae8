package main

import (
	"bytes"
	"context"
	"errors"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestRun(t *testing.T) {
	gone, cancel := context.WithCancel(context.Background())
	cancel()
	for _, row := range []struct {
		args     []string
		status   int
		out, err string // parts of it
	}{
		{[]string{"-list", "-only", "surrogates"}, 0, "frame/utf8.go                      surrogates pass\n", ""},
		{[]string{"-only", "("}, 2, "", "wrong arguments"},
		{[]string{"-j", "0"}, 2, "", "wrong arguments"},
		{[]string{"more"}, 2, "", "wrong arguments"},
		{[]string{"-never"}, 2, "", "never"},
		{[]string{"-help"}, 0, "", "-only"},
		{nil, 1, "", "mutants: "},
	} {
		var out, err bytes.Buffer
		require.Equal(t, row.status, run(gone, row.args, &out, &err), row.args)
		require.Contains(t, out.String(), row.out, row.args)
		require.Contains(t, err.String(), row.err, row.args)
	}
}

func TestSum(t *testing.T) {
	results := []result{
		{mutant: mutant{name: "a", file: "frame/a.go"}, targets: []string{"fuzz.FuzzA", "fuzz.FuzzB", "frame.FuzzC"}, tests: []string{"frame.TestA"}, all: true},
		{mutant: mutant{name: "b", file: "frame/b.go"}, tests: []string{"frame.TestB (hangs)"}},
		{mutant: mutant{name: "c", file: "conn/c.go", survives: "it is the same."}},
		{mutant: mutant{name: "d", file: "conn/d.go"}, all: true},
	}
	s := sum(results)
	require.Equal(t, summary{all: 4, caught: 2, byTargets: 1, byTests: 1, excused: 1, asked: 2}, s)
	require.Equal(t, 66, s.percent())
	require.Contains(t, s.String(), "4 faults: 2 caught (66 %)")
	require.Contains(t, s.String(), "; 1 survive; 1 survive for a reason")
	b := table(results)
	require.Contains(t, b, "| a * | a.go | fuzz.FuzzA, FuzzB, frame.FuzzC | frame.TestA |\n| b | b.go |  | frame.TestB (hangs) |\n")
	require.Contains(t, b, "| c | c.go |  | **survives** it is the same. |\n| d * | d.go |  | **survives**  |\n")

	s = sum(append(results, result{err: errors.New("no")}))
	require.Contains(t, s.String(), "1 MISTAKES")
	require.Equal(t, 50, s.percent())
}
