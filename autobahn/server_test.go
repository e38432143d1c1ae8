package autobahn

import (
	"bufio"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/idlewire/idlewire/frame"
)

// The loop that clients of the original make.
func TestServerLoop(t *testing.T) {
	var told []string
	reports := 0
	d := serve(t, func(s *Server) {
		s.Started = func(agent string, c *Case) { told = append(told, "started "+agent+" "+c.ID) }
		s.Finished = func(r *Result) { told = append(told, "finished "+r.Agent+" "+r.Case.ID) }
		s.Reports = func(r *Report) error {
			reports++
			require.Len(t, behaviors(r, "me"), 4)
			return nil
		}
	})
	require.Equal(t, "4", d.enter("/getCaseCount").text())
	require.Equal(t, `{"id": "1.10", "description": "Sends a \"text\"."}`, d.enter("/getCaseInfo?case=3").text())
	for n := 1; n <= 4; n++ {
		d.runCase(n, "me")
		require.JSONEq(t, `{"behavior": "OK"}`, d.enter(fmt.Sprintf("/getCaseStatus?case=%d&agent=me", n)).text())
	}
	d.enter("/updateReports?agent=me&shutdownOnComplete=true").bye(nil)
	r, err := d.end()
	require.NoError(t, err)
	require.Equal(t, 1, reports)
	require.Equal(t, map[string]Verdict{"1.1": OK, "1.2": OK, "1.10": OK, "2.1": OK}, behaviors(r, "me"))
	for i, id := range []string{"1.1", "1.2", "1.10", "2.1"} {
		result := r.results["me"][id]
		require.Equal(t, i+1, result.Number)
		require.True(t, result.IsServer)
		require.Equal(t, OK, result.BehaviorClose, result.ReasonClose)
		require.Contains(t, result.HTTPRequest, "GET /runCase?case=")
		require.Contains(t, result.HTTPResponse, "101 Switching Protocols")
		require.Equal(t, []string{"started me " + id, "finished me " + id}, told[2*i:2*i+2])
	}
	_, err = net.Dial("tcp", d.addr)
	require.Error(t, err)
}

func TestServerStops(t *testing.T) {
	for name, act := range map[string]func(d *desk){
		"stopServer":               func(d *desk) { d.enter("/stopServer").bye(nil) },
		"shutdownOnComplete=true":  func(d *desk) { d.enter("/updateReports?agent=a&shutdownOnComplete=true").bye(nil) },
		"shutdownOnComplete=yes":   func(d *desk) { d.enter("/updateReports?shutdownOnComplete=yes&agent=a").bye(nil) },
		"context":                  func(d *desk) { d.stop() },
		"stopServer, and no Close": func(d *desk) { d.enter("/stopServer").nc.Close() },
	} {
		t.Run(name, func(t *testing.T) {
			d := serve(t, func(s *Server) { s.Options.WebStatus = false })
			// Whoever waits, runs a case, or is on the way in is cut off.
			waits := d.enter("/getCaseStatus?case=1&agent=nobody")
			runs := d.enter("/runCase?case=1&agent=slow")
			knocks, err := net.Dial("tcp", d.addr)
			require.NoError(t, err)
			defer knocks.Close()
			act(d)
			r, err := d.end()
			require.NoError(t, err)
			require.Empty(t, behaviors(r, "slow"), "a case that did not end has no verdict")
			waits.gone()
			runs.echo()
			_, err = knocks.Read(make([]byte, 1))
			require.Error(t, err)
		})
	}
	t.Run("no shutdown", func(t *testing.T) {
		d := serve(t, nil)
		for _, url := range []string{"/updateReports?agent=a", "/updateReports?agent=a&shutdownOnComplete=false", "/updateReports?agent=a&shutdownOnComplete="} {
			d.enter(url).bye(nil)
		}
		require.Equal(t, "4", d.enter("/getCaseCount").text())
	})
}

// What /getCaseStatus has no answer for yet it answers later.
func TestServerStatusWaits(t *testing.T) {
	d := serve(t, nil)
	var waits []*visitor
	for range 3 {
		waits = append(waits, d.enter("/getCaseStatus?casetuple=1.2&agent=a"))
	}
	other := d.enter("/getCaseStatus?casetuple=1.2&agent=b")
	other.write(frame.Ping, []byte("there?"))
	f := other.read() // it is not closed, and answers pings
	require.Equal(t, frame.Pong, f.Opcode)
	require.Equal(t, "there?", string(f.Payload))
	d.runCase(1, "a")
	d.runCase(2, "b")
	require.JSONEq(t, `{"behavior": "OK"}`, other.text())
	waits[0].write(frame.Text, []byte("read over"))
	waits[0].write(frame.Ping, nil)
	require.Equal(t, frame.Pong, waits[0].read().Opcode) // nothing has come before
	d.runCase(2, "a")
	for _, v := range waits {
		require.JSONEq(t, `{"behavior": "OK"}`, v.text())
	}
	v := d.enter("/getCaseStatus?casetuple=1.1&agent=b")
	v.write(frame.Close, []byte{0x03, 0xe9, 'x'}) // the client goes away first
	require.Equal(t, "\x03\xe8", string(v.read().Payload))
	v.gone()
	v = d.enter("/getCaseStatus?casetuple=1.1&agent=b")
	_, err := v.nc.Write([]byte{0x83, 0x80, 0, 0, 0, 0}) // reserved opcode
	require.NoError(t, err)
	require.Equal(t, "\x03\xea", string(v.read().Payload)) // 1002
	v.gone()
}

// Frames may come with the request.
func TestServerHurry(t *testing.T) {
	d := serve(t, nil)
	nc, err := net.Dial("tcp", d.addr)
	require.NoError(t, err)
	request := strings.NewReplacer("localhost:9001", d.addr, "/getCaseCount", "/getCaseStatus?case=1&agent=a").Replace(goodRequest)
	ping := frame.Append(nil, frame.Header{Opcode: frame.Ping, Fin: true, Masked: true}, []byte("there?"))
	_, err = nc.Write(append([]byte(request), ping...))
	require.NoError(t, err)
	v := &visitor{t: t, nc: nc, br: bufio.NewReader(nc)}
	require.Equal(t, 101, v.response().StatusCode)
	require.Equal(t, "there?", string(v.read().Payload))
	nc.Close()
}

func TestServerSkips(t *testing.T) {
	d := serve(t, func(s *Server) {
		s.Skip = func(agent string, c *Case) bool { return agent == "a" && strings.HasPrefix(c.ID, "1.") }
	})
	d.enter("/runCase?case=1&agent=a").bye(nil)
	d.enter("/runCase?case=2&agent=a").bye(nil)
	d.runCase(4, "a")
	d.runCase(1, "b")
	d.stop()
	r, err := d.end()
	require.NoError(t, err)
	require.Equal(t, map[string]Verdict{"2.1": OK}, behaviors(r, "a"))
	require.Equal(t, map[string]Verdict{"1.1": OK}, behaviors(r, "b"))
}

// A case that runs again replaces the result.
func TestServerReplaces(t *testing.T) {
	d := serve(t, nil)
	d.enter("/runCase?case=1&agent=a").nc.Close()
	require.JSONEq(t, `{"behavior": "FAILED"}`, d.enter("/getCaseStatus?case=1&agent=a").text())
	d.runCase(1, "a")
	d.enter("/updateReports?agent=a").bye(nil)
	require.JSONEq(t, `{"behavior": "OK"}`, d.enter("/getCaseStatus?case=1&agent=a").text())
}

// /updateReports comes with the cases whose connections the server has closed already, and with those that still run.
func TestServerReportsAfterCases(t *testing.T) {
	var seen []int
	d := serve(t, func(s *Server) {
		s.Reports = func(r *Report) error {
			seen = append(seen, len(behaviors(r, "a")))
			return nil
		}
	})
	runs := d.enter("/runCase?case=1&agent=a")
	other := d.enter("/runCase?case=1&agent=b") // is not waited for
	v := d.enter("/updateReports?agent=a")
	runs.echo()
	v.bye(nil)
	other.echo()
	d.stop()
	d.end()
	require.Equal(t, []int{1}, seen)
}

func TestServerReportsFail(t *testing.T) {
	full := errors.New("disk full")
	d := serve(t, func(s *Server) { s.Reports = func(*Report) error { return full } })
	d.enter("/updateReports?agent=a").bye([]byte{0x03, 0xf3}) // 1011
	d.enter("/stopServer").bye(nil)
	_, err := d.end()
	require.ErrorIs(t, err, full)
}

// Agents side by side, and cases of one agent side by side.
func TestServerParallel(t *testing.T) {
	const agents, rounds = 6, 3
	running, most := 0, 0
	d := serve(t, func(s *Server) {
		s.Started = func(string, *Case) { running++; most = max(most, running) } // one call at a time: the race detector looks
		s.Finished = func(*Result) { running-- }
	})
	var wg sync.WaitGroup
	for a := range agents {
		for n := 1; n <= 4; n++ {
			wg.Go(func() {
				for range rounds {
					d.runCase(n, fmt.Sprint(a))
				}
			})
			wg.Go(func() {
				require.JSONEq(t, `{"behavior": "OK"}`, d.enter(fmt.Sprintf("/getCaseStatus?case=%d&agent=%d", n, a)).text())
			})
		}
		wg.Go(func() { d.enter(fmt.Sprintf("/updateReports?agent=%d", a)).bye(nil) })
	}
	wg.Wait()
	d.stop()
	r, err := d.end()
	require.NoError(t, err)
	require.Len(t, r.results, agents)
	require.Zero(t, running)
	require.Positive(t, most)
	for _, results := range r.results {
		require.Len(t, results, 4)
		for _, result := range results {
			require.True(t, result.Good(), "%s %s", result.Reason, result.ReasonClose)
		}
	}
}
