package autobahn

import (
	"bufio"
	"context"
	"net"
	"net/http"
	"runtime"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/idlewire/idlewire/frame"
)

// playing runs cases by a function in place of a connection.
func playing(c *Client, one func(c *Case) *Result) *run {
	return &run{Client: c, t: &Target{}, report: &Report{}, one: func(_ context.Context, c *Case) (*Result, error) { return one(c), nil }}
}

func plainCases(n int, heavy bool) []*Case {
	var cases []*Case
	for range n {
		c := &Case{}
		if heavy {
			c.RoundTrips = 1
		}
		cases = append(cases, c)
	}
	return numbered("1", cases)
}

// Cases that move much data are no more at a time than there are processors, also when they run again.
func TestScheduleHeavy(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	for heavy, want := range map[bool]int32{true: 1, false: quiet} {
		runs := map[string]int{}
		var now, most, mostAgain atomic.Int32
		c := &Client{Cases: plainCases(confirmations, heavy)}
		c.Started = func(_ *Target, c *Case) { runs[c.ID]++ }
		r := playing(c, func(k *Case) *Result {
			n := now.Add(1)
			defer now.Add(-1)
			for range 1000 {
				runtime.Gosched()
			}
			c.mu.Lock()
			defer c.mu.Unlock()
			if m := &most; runs[k.ID] == 2 {
				mostAgain.Store(max(n, mostAgain.Load()))
			} else {
				m.Store(max(n, m.Load()))
			}
			return &Result{Case: k, Behavior: Failed, BehaviorClose: OK}
		})
		require.NoError(t, r.all(t.Context()))
		require.Equal(t, want, mostAgain.Load(), "again")
		if heavy {
			require.EqualValues(t, 1, most.Load())
		}
		for id, n := range runs {
			require.Equal(t, 2, n, id)
		}
	}
}

// What makes no sense is the default; and what is told is one Started and one Finished for each run of a case, however often it is repeated.
func TestScheduleTold(t *testing.T) {
	for _, parallel := range []int{-1, 0, 1, 3} {
		var started, finished, played atomic.Int32
		c := &Client{Cases: plainCases(5, false), Parallel: parallel, Repeat: 3,
			Started: func(*Target, *Case) { started.Add(1) }, Finished: func(*Result) { finished.Add(1) }}
		r := playing(c, func(k *Case) *Result {
			v := OK
			if played.Add(1) == 2 {
				v = Failed
			}
			return &Result{Case: k, Behavior: v, BehaviorClose: OK}
		})
		require.NoError(t, r.all(t.Context()))
		again := int32(1)
		if parallel == 1 {
			again = 0
		}
		require.Equal(t, []int32{5 + again, 5 + again, 15 + 3*again}, []int32{started.Load(), finished.Load(), played.Load()})
		require.Equal(t, again == 1, r.report.Good(), "a second verdict stands, and -j 1 has none")
	}
}

// namedServer starts an echo server that says its name in what it answers, and drops the connections that drops says before it does.
func namedServer(t *testing.T, drops func(n int32, r *http.Request) bool) string {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { ln.Close() })
	var n atomic.Int32
	go func() {
		for {
			nc, err := ln.Accept()
			if err != nil {
				return
			}
			go func() {
				defer nc.Close()
				br := bufio.NewReader(nc)
				r, err := http.ReadRequest(br)
				if err != nil || drops(n.Add(1), r) {
					return
				}
				nc.Write(appendSwitch(nil, r.Header.Get("Sec-WebSocket-Key"), "")) // as idlewire-wstest/1
				echoFrames(nc, br, frame.FromClient, nil)
			}()
		}
	}()
	return "ws://" + ln.Addr().String()
}

// A server that answers now and then keeps the name that it gave itself, and is one agent in the report.
func TestAgentsName(t *testing.T) {
	for name, row := range map[string]struct {
		parallel int
		drops    func(n int32, r *http.Request) bool
		bad      int
	}{
		"the first fails": {4, func(n int32, _ *http.Request) bool { return n == 1 }, 0},
		"one fails, as it does again": {4, func(_ int32, r *http.Request) bool {
			return r.Header.Get("Sec-WebSocket-Extensions") != ""
		}, 1},
		"a later one": {1, func(n int32, _ *http.Request) bool { return n == 3 }, 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cases, err := Select(Cases(), []string{"1.1.1", "1.1.2", "1.2.1", "1.2.2", "12.1.1"}, nil)
			require.NoError(t, err)
			c := &Client{Targets: []Target{{URL: namedServer(t, row.drops), Options: DefaultOptions()}}, Cases: cases, Parallel: row.parallel}
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			report, err := c.Run(ctx)
			require.NoError(t, err)
			require.Equal(t, []string{serverName}, report.Agents())
			results := report.Results(serverName)
			require.Len(t, results, len(cases))
			bad := 0
			for _, r := range results {
				if !r.Good() {
					bad++
				}
			}
			require.Equal(t, row.bad, bad)
		})
	}
}

// When as many verdicts as confirmations have come out as they were before, the rest is believed; until then each is heard again.
func TestScheduleConfirms(t *testing.T) {
	const n = 3*confirmations - 1
	for name, row := range map[string]struct {
		again func(r *Result) // what is different the second time
		runs  int32
	}{
		"the same":         {func(*Result) {}, n + confirmations},
		"good":             {func(r *Result) { r.Behavior, r.BehaviorClose = OK, OK }, 2 * n},
		"another behavior": {func(r *Result) { r.Behavior = NonStrict }, 2 * n},
		"another close":    {func(r *Result) { r.BehaviorClose = WrongCode }, 2 * n},
	} {
		t.Run(name, func(t *testing.T) {
			runs := map[*Case]int{}
			var all atomic.Int32
			c := &Client{Cases: plainCases(n, false)}
			r := playing(c, func(k *Case) *Result {
				c.mu.Lock()
				defer c.mu.Unlock()
				result := &Result{Case: k, Behavior: Failed, BehaviorClose: Unclean}
				all.Add(1)
				if runs[k]++; runs[k] == 2 {
					row.again(result)
				}
				return result
			})
			require.NoError(t, r.all(t.Context()))
			require.Equal(t, row.runs, all.Load())
		})
	}
}

// Those that wait longest begin first.
func TestScheduleLongestFirst(t *testing.T) {
	c := &Client{Cases: plainCases(20, false), Parallel: 2}
	c.Cases[17].Steps = []Step{pause(time.Second), pause(2 * time.Second)}
	c.Cases[3].Steps = []Step{pause(2 * time.Second)}
	var started []string
	both := make(chan struct{}) // closed when two have started: neither of the two may overtake the other with a third
	c.Started = func(_ *Target, c *Case) {
		if started = append(started, c.ID); len(started) == 2 {
			close(both)
		}
	}
	r := playing(c, func(k *Case) *Result {
		<-both
		return &Result{Case: k, Behavior: OK, BehaviorClose: OK}
	})
	require.NoError(t, r.all(t.Context()))
	require.ElementsMatch(t, []string{"1.18", "1.4"}, started[:2])
}

// Of several runs of a case the worst counts.
func TestScheduleWorst(t *testing.T) {
	order := []*Result{
		{Behavior: OK, BehaviorClose: OK}, {Behavior: OK, BehaviorClose: Unclean}, {Behavior: NonStrict, BehaviorClose: OK}, {Behavior: NonStrict, BehaviorClose: WrongCode},
		{Behavior: Unimplemented, BehaviorClose: OK}, {Behavior: Failed, BehaviorClose: OK}, {Behavior: Failed, BehaviorClose: Failed},
	}
	for i := 1; i < len(order); i++ {
		require.Greater(t, order[i].badness(), order[i-1].badness())
		require.Equal(t, order[i].Behavior != Unimplemented, order[i].doubtful())
	}
	require.False(t, order[0].doubtful())
	require.Zero(t, (&Result{Behavior: Informational, BehaviorClose: Informational}).badness())
	for _, results := range [][]*Result{{order[0], order[5], order[2]}, {order[5], order[0]}, {nil, order[5]}, {order[5], nil}} {
		i := 0
		r := playing(&Client{Repeat: len(results)}, func(k *Case) *Result { i++; return results[i-1] })
		worst, err := r.repeated(t.Context(), &Case{})
		require.NoError(t, err)
		require.Same(t, order[5], worst)
	}
}

// A result of a server that had no name yet does not stand beside that of the second run; one that another target has replaced is left alone.
func TestScheduleRenames(t *testing.T) {
	runs := map[*Case]int{}
	c := &Client{Cases: plainCases(2, false)}
	r := playing(c, func(k *Case) *Result {
		c.mu.Lock()
		defer c.mu.Unlock()
		if runs[k]++; runs[k] == 1 {
			return &Result{Case: k, Agent: "UnknownServer", Behavior: Failed, BehaviorClose: OK}
		}
		return &Result{Case: k, Agent: "x", Behavior: OK, BehaviorClose: OK}
	})
	require.NoError(t, r.all(t.Context()))
	require.Equal(t, []string{"x"}, r.report.Agents())
	require.Len(t, r.report.Results("x"), 2)

	old := &Result{Case: c.Cases[0], Agent: "x"}
	r.report.remove(old)
	require.Len(t, r.report.Results("x"), 2)
}
