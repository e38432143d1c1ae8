package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/idlewire/idlewire/conn"
	"github.com/idlewire/idlewire/deflate"
	"github.com/idlewire/idlewire/frame"
	"github.com/idlewire/idlewire/fuzz"
	"github.com/idlewire/idlewire/handshake"
	"github.com/idlewire/idlewire/netpoll"
)

// command runs the program, and returns its status and its outputs.
func command(t *testing.T, args ...string) (status int, out, errs string) {
	t.Helper()
	var stdout, stderr bytes.Buffer
	status = run(t.Context(), args, &stdout, &stderr)
	return status, stdout.String(), stderr.String()
}

// takeover is compression with all that there is.
func takeover() *conn.Options {
	return &conn.Options{Compression: &deflate.Options{ServerContextTakeover: true, ClientContextTakeover: true}}
}

type echo struct{}

func (echo) Message(c *netpoll.Conn, m conn.Message) { c.Write(m.Op, m.Payload) }
func (echo) Close(*netpoll.Conn, error)              {}

// loopServer starts a server of package netpoll, and returns its URL.
func loopServer(t *testing.T, d netpoll.Driver) string {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	s := &netpoll.Server{Driver: d, Options: *takeover(), Open: func(*netpoll.Conn, *handshake.Request) netpoll.Handler { return echo{} }}
	done := make(chan error, 1)
	go func() { done <- s.Serve(ln) }()
	t.Cleanup(func() {
		s.Close()
		require.ErrorIs(t, <-done, netpoll.ErrServerClosed)
	})
	return "ws://" + ln.Addr().String() + "/"
}

// blockingServer starts one of package conn under net/http.
func blockingServer(t *testing.T) string {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	o := takeover()
	var conns sync.WaitGroup
	s := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		conns.Add(1)
		defer conns.Done()
		if c, err := conn.Accept(w, r, nil, o); err == nil {
			echoAll(c)
		}
	})}
	done := make(chan error, 1)
	go func() { done <- s.Serve(ln) }()
	t.Cleanup(func() {
		s.Close()
		require.ErrorIs(t, <-done, http.ErrServerClosed)
		conns.Wait()
	})
	return "ws://" + ln.Addr().String() + "/"
}

func echoAll(c *conn.Conn) {
	defer c.CloseNow()
	for {
		m, err := c.Read()
		if err != nil || c.Write(m.Op, m.Payload) != nil {
			return
		}
	}
}

// Nothing is wrong with our own.
func TestOurServers(t *testing.T) {
	for _, row := range []struct {
		name string
		url  func(t *testing.T) string
	}{
		{"loop", func(t *testing.T) string { return loopServer(t, netpoll.DefaultDriver) }},
		{"portable", func(t *testing.T) string { return loopServer(t, netpoll.Portable) }},
		{"blocking", blockingServer},
	} {
		t.Run(row.name, func(t *testing.T) {
			status, out, errs := command(t, "-url", row.url(t), "-sessions", "250", "-seed", "3", "-timeout", "20s")
			require.Equal(t, nothingFound, status, "%s%s", out, errs)
			require.Contains(t, out, "0 odd things")
			require.Contains(t, out, " 250 sessions")
		})
	}
}

func TestOurClient(t *testing.T) {
	h := huntsOurClient(t, "ws://127.0.0.1:0", 250, nil)
	n, of := h.table.covered(true)
	require.Greater(t, n, of/2)
}

// huntsOurClient tests conn.Dial at a URL to listen on, with so many sessions and that TLS. It finds nothing.
func huntsOurClient(t *testing.T, listenURL string, sessions int, config *tls.Config) *hunt {
	h := &hunt{out: new(bytes.Buffer)}
	require.NoError(t, h.parse([]string{"-listen", listenURL, "-sessions", strconv.Itoa(sessions), "-seed", "4", "-timeout", "20s"}, nil))
	h.errOut = new(bytes.Buffer)
	ln, err := listen(h.listen, false)
	require.NoError(t, err)
	h.src = ln
	ctx, cancel := context.WithCancel(t.Context())
	var workers sync.WaitGroup
	workers.Go(func() { ln.serve(ctx) })
	for range 3 {
		workers.Go(func() {
			d := &conn.Dialer{Options: *takeover(), TLS: config}
			for ctx.Err() == nil {
				if c, err := conn.Dial(ctx, ln.url()+"/", d); err == nil {
					echoAll(c)
				}
			}
		})
	}
	require.NoError(t, h.run(ctx))
	cancel()
	workers.Wait()
	require.Empty(t, h.order, "%s", h.out)
	require.EqualValues(t, sessions, h.done.Load())
	return h
}

// One that dies of a ping is found, and that is the worst that there is.
func TestDead(t *testing.T) {
	u := fragile(t, func(c *conn.Conn, m conn.Message, ln net.Listener) bool {
		if m.Op == frame.Text && len(m.Payload) > 100 {
			ln.Close()
			return false
		}
		return true
	})
	status, out, _ := command(t, "-url", u, "-seed", "5", "-timeout", "1s", "-duration", "50s", "-max-message", "100000", "-deflate=false")
	require.Equal(t, somethingIs, status, out)
	require.Contains(t, out, "dead: -: an endpoint survives: takes no connection any more")
}

// What did not come once, and does when it is tried again, is no finding.
func TestLate(t *testing.T) {
	var once sync.Once
	u := fragile(t, func(c *conn.Conn, m conn.Message, _ net.Listener) bool {
		once.Do(func() { c.Read() }) // loses a message
		return true
	})
	status, out, _ := command(t, "-url", u, "-seed", "6", "-timeout", "300ms", "-sessions", "20", "-j", "1", "-max-message", "100000")
	require.Equal(t, nothingFound, status, out)
	require.Contains(t, out, "0 findings, 0 odd things, 1 late but well")
}

// Who was slow once, and is not when asked alone, is not slow.
func TestSlowOnce(t *testing.T) {
	const limit = time.Second
	var once sync.Once
	u := fragile(t, func(_ *conn.Conn, m conn.Message, _ net.Listener) bool {
		if len(m.Payload) < 1000 { // how soon long ones are answered is not asked
			once.Do(func() { <-time.After(limit) })
		}
		return true
	})
	status, out, _ := command(t, "-url", u, "-seed", "6", "-timeout", "20s", "-slow", limit.String(), "-sessions", "20", "-j", "1", "-max-message", "100000")
	require.Equal(t, nothingFound, status, out)
	require.Contains(t, out, "0 findings, 0 odd things")
	require.NotContains(t, out, " 0 late but well")
}

// fragile is a server that asks before each echo.
func fragile(t *testing.T, good func(*conn.Conn, conn.Message, net.Listener) bool) string {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	s := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c, err := conn.Accept(w, r, nil, &conn.Options{MaxMessage: 100000})
		if err != nil {
			return
		}
		defer c.CloseNow()
		for {
			m, err := c.Read()
			if err != nil || !good(c, m, ln) || c.Write(m.Op, m.Payload) != nil {
				return
			}
		}
	})}
	done := make(chan struct{})
	go func() {
		s.Serve(ln)
		close(done)
	}()
	t.Cleanup(func() {
		s.Close()
		<-done
	})
	return "ws://" + ln.Addr().String() + "/"
}

// The same seed gives the same sessions, whoever plays them, and however often.
func TestSeed(t *testing.T) {
	want := common()
	z := &fuzz.Deflate{Bits: 15, Takeover: true}
	plans := func(seed uint64) (all []string) {
		for n := range int64(60) {
			r := draw(seed, n)
			p := planOf(r, n, offerOf(r, true), fuzz.Server, z, want)
			all = append(all, p.offer+string(p.stream)+p.pace.String())
		}
		return all
	}
	require.Equal(t, plans(1), plans(1))
	require.NotEqual(t, plans(1), plans(2))
}

func TestUsage(t *testing.T) {
	for _, args := range []string{
		"", "-url", "-url http://x", "-url ws://127.0.0.1 -listen ws://127.0.0.1:0", "-url ws://127.0.0.1 rest", "-url ws://x -j 0", "-url ws://x -timeout 0s",
		"-url ws://x -sessions -1", "-listen http://127.0.0.1:0", "-url ws://x -replay /nowhere/at/all", "-nonsense",
		"-url ws://x -slow 2s", "-url ws://x -slow -1s", "-url ws://x -compress -deflate=false", "-url ws://x -min-message 5 -max-message 4",
		"-url ws://x -min-fragments 5 -max-fragments 4", "-url ws://x -min-message -1",
	} {
		status, out, errs := command(t, strings.Fields(args)...)
		require.Equal(t, badUsage, status, args)
		require.Equal(t, 1, strings.Count(errs, "\n"), "%s: %s%s", args, out, errs)
	}
	status, out, _ := command(t, "-h")
	require.Equal(t, nothingFound, status)
	require.Contains(t, out, "-replay")
}

func TestNobody(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	ln.Close()
	status, _, errs := command(t, "-url", "ws://"+ln.Addr().String()+"/", "-timeout", "1s", "-sessions", "1")
	require.Equal(t, badUsage, status)
	require.Contains(t, errs, "nobody answers")
}

// An interrupt ends a hunt with its report.
func TestInterrupt(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var out signalling
	out.seen = make(chan struct{})
	var status int
	done := make(chan struct{})
	u := loopServer(t, netpoll.DefaultDriver)
	go func() {
		defer close(done)
		status = run(ctx, []string{"-url", u, "-v", "-timeout", "20s"}, &out, new(bytes.Buffer))
	}()
	<-out.seen
	cancel()
	<-done
	require.Equal(t, nothingFound, status)
	require.Contains(t, out.String(), "frames by the state of the receiver")
}

// signalling says when the first session is there.
type signalling struct {
	bytes.Buffer
	seen chan struct{}
	once sync.Once
}

func (s *signalling) Write(b []byte) (int, error) {
	if bytes.HasPrefix(b, []byte("session ")) {
		s.once.Do(func() { close(s.seen) })
	}
	return s.Buffer.Write(b)
}
