package main

import (
	"bytes"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/idlewire/idlewire/autobahn"
)

// A screen is what a terminal shows of what was written to it.
type screen struct {
	lines  [][]rune
	column int
}

func (s *screen) Write(b []byte) (int, error) {
	for _, r := range string(b) {
		if len(s.lines) == 0 {
			s.lines = [][]rune{nil}
		}
		last := &s.lines[len(s.lines)-1]
		switch {
		case r == '\r':
			s.column = 0
		case r == '\n':
			s.lines, s.column = append(s.lines, nil), 0
		case s.column < len(*last):
			(*last)[s.column] = r
			s.column++
		default:
			*last = append(*last, r)
			s.column++
		}
	}
	return len(b), nil
}

func (s *screen) String() string {
	var lines []string
	for _, l := range s.lines {
		lines = append(lines, strings.TrimRight(string(l), " "))
	}
	return strings.Join(lines, "\n")
}

func someCases(ids ...string) (cases []*autobahn.Case) {
	for _, id := range ids {
		cases = append(cases, &autobahn.Case{ID: id})
	}
	return cases
}

func result(c *autobahn.Case, v autobahn.Verdict) *autobahn.Result {
	return &autobahn.Result{Case: c, Agent: "agent", Behavior: v, BehaviorClose: autobahn.OK, Reason: "the reason"}
}

// On a terminal there is one line, which is written again and again, and the cases that are not good above it.
func TestProgressOnTerminal(t *testing.T) {
	var s screen
	cases := someCases("1.1", "1.2", "2.1", "2.2")
	p := newProgress(&command{stdout: &s, terminal: true, now: time.Now}, cases)
	p.started("ws://a", cases[0])
	p.started("ws://a", cases[1])
	require.Equal(t, "0 of 4, now 1.1 1.2", s.String())
	p.finished(result(cases[0], autobahn.OK))
	require.Equal(t, "1 of 4, now 1.2", s.String())
	p.started("ws://a", cases[2])
	p.finished(result(cases[1], autobahn.Failed))
	failed := "1.2 agent: FAILED (the reason), close OK\n"
	require.Equal(t, failed+"2 of 4, 1 not good, now 2.1", s.String())
	p.leaveOut("", cases[2])
	require.Equal(t, failed+"3 of 4, 1 not good", s.String())
	p.started("ws://a", cases[3])
	p.finished(result(cases[3], autobahn.OK))
	require.False(t, p.good())
	p.started("ws://a", cases[1])
	p.finished(result(cases[1], autobahn.Failed)) // again: it is not said again
	require.Equal(t, failed+"4 of 4, 1 not good", s.String())
	p.started("ws://a", cases[1])
	p.finished(result(cases[1], autobahn.NonStrict)) // and the verdict of the last time stands
	again := failed + "1.2 agent: NON-STRICT, close OK when run again\n"
	require.Equal(t, again+"4 of 4", s.String())
	require.True(t, p.good())
	p.end()
	require.Equal(t, again, s.String())
}

// A line that wraps could not be taken back.
func TestProgressIsNarrow(t *testing.T) {
	var s screen
	var cases []*autobahn.Case
	for i := range 100 {
		cases = append(cases, someCases(fmt.Sprint("1.", i))...)
	}
	p := newProgress(&command{stdout: &s, terminal: true, now: time.Now}, cases)
	for _, c := range cases {
		p.started("ws://a", c)
		require.LessOrEqual(t, len(s.lines[0]), 79)
	}
	require.Equal(t, "0 of 100, now 1.0 1.1 1.2 1.3 1.4 1.5 1.6 1.7 1.8 1.9 1.10 1.11 1.12 1.13 1....", s.String())
	for _, c := range cases {
		p.leaveOut("", c)
	}
	require.Equal(t, "100 of 100", s.String())
	require.False(t, p.good(), "nothing was shown")
}

// Elsewhere there are lines that stay: one for each section, one for each case that is not good, and one now and then.
func TestProgressInLog(t *testing.T) {
	var b bytes.Buffer
	now := time.Unix(0, 0)
	cases := someCases("1.1", "1.2", "2.1", "20.1")
	p := newProgress(&command{stdout: &b, now: func() time.Time { return now }}, cases)
	for _, peer := range []string{"ws://a", "ws://b"} {
		for _, c := range cases {
			p.started(peer, c)
		}
		p.finished(result(cases[0], autobahn.OK))
		now = now.Add(between)
		p.leaveOut("", cases[2])
		unclean := result(cases[1], autobahn.Failed)
		unclean.BehaviorClose, unclean.ReasonClose, unclean.Agent = autobahn.Unclean, "no\x1b[2J reply", "a\r\nb"
		p.finished(unclean)
		now = now.Add(between)
		p.finished(result(cases[3], autobahn.OK))
		p.finished(result(cases[0], autobahn.OK))
		now = now.Add(between - 1)
		p.finished(result(cases[0], autobahn.OK))
		now = now.Add(1)
		p.finished(result(cases[0], autobahn.OK))
	}
	p.end()
	require.Equal(t, `section 2: 0 of 0 good, 1 left out
1.2 a??b: FAILED (the reason), close UNCLEAN (no?[2J reply)
section 1: 1 of 2 good
section 20: 1 of 1 good
4 of 4, 1 not good
section 2: 0 of 0 good, 1 left out (ws://b)
1.2 a??b: FAILED (the reason), close UNCLEAN (no?[2J reply)
section 1: 1 of 2 good (ws://b)
section 20: 1 of 1 good (ws://b)
8 of 8, 2 not good
`, b.String())
}

// Names that are excluded are not kept without end.
func TestProgressOfManyNames(t *testing.T) {
	cases := someCases("1.1", "1.2")
	p := newProgress(&command{stdout: io.Discard, now: time.Now}, cases)
	for i := range 2 * maxPeers {
		p.leaveOut(fmt.Sprint("x", i), cases[0])
	}
	require.Len(t, p.outcomes, maxPeers)
	p.leaveOut("x1", cases[1])
	require.Len(t, p.outcomes["x1"], 2)
}

// Clients are told apart by their names, whatever the order in which they are heard of.
func TestProgressOfClients(t *testing.T) {
	var b bytes.Buffer
	cases := someCases("1.1", "1.2")
	p := newProgress(&command{stdout: &b, now: time.Now}, cases)
	p.started("x", cases[0])
	p.started("y", cases[0])
	for _, agent := range []string{"x", "y", "x"} {
		r := result(cases[0], autobahn.OK)
		r.Agent, r.IsServer = agent, true
		p.finished(r)
	}
	p.leaveOut("x", cases[1])
	require.Equal(t, "section 1: 1 of 1 good, 1 left out (x)\n", b.String())
	require.Equal(t, "3 of 4", p.state())
}
