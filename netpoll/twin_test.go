package netpoll

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"log"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/idlewire/idlewire/conn"
	"github.com/idlewire/idlewire/frame"
	"github.com/idlewire/idlewire/handshake"
)

// E34: the event loop, the portable driver and the blocking driver serve the same program to the same client. What the client sees and what the
// program sees is written down as a trace, and the traces must be those that the row expects, whatever the driver, and however the
// client's octets are cut.

// A journal is what a program, or a client, has seen.
type journal struct {
	mu    sync.Mutex
	lines []string
	ended chan struct{} // closed by end
}

func newJournal() *journal { return &journal{ended: make(chan struct{})} }

func (j *journal) add(format string, args ...any) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.lines = append(j.lines, fmt.Sprintf(format, args...))
}

func (j *journal) end(format string, args ...any) {
	j.add(format, args...)
	close(j.ended)
}

func (j *journal) String() string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return strings.Join(j.lines, "\n")
}

// shown is a payload as a trace shows it.
func shown(b []byte) string {
	if len(b) > 40 {
		return fmt.Sprintf("%d octets %08x", len(b), crc32.ChecksumIEEE(b))
	}
	return fmt.Sprintf("%q", b)
}

// A line is how the program of the twins holds a connection: both drivers have these verbs.
type line interface {
	Write(op frame.Opcode, payload []byte) error
	Close(code frame.CloseCode, reason string) error
	CloseNow() error
}

// obey is the program: it echoes, and understands a few words.
func obey(j *journal, c line, m conn.Message) {
	j.add("%v %s", m.Op, shown(m.Payload))
	switch string(m.Payload) {
	case "close":
		_ = c.Close(4001, "asked")
	case "abort":
		_ = c.CloseNow()
	case "panic":
		panic("asked")
	default:
		_ = c.Write(m.Op, m.Payload)
	}
}

// cause is how a connection ended, in words that all drivers have in common.
func cause(err error) string {
	var ce *conn.CloseError
	var fe *frame.Error
	switch {
	case err == nil:
		return "nil"
	case errors.As(err, &ce):
		return fmt.Sprintf("peer %d %q", ce.Code, ce.Reason)
	case errors.As(err, &fe):
		return fmt.Sprintf("breach %d", fe.Code)
	case errors.Is(err, ErrPanic):
		return "panic"
	case errors.Is(err, ErrCloseTimeout), errors.Is(err, conn.ErrCloseTimeout):
		return "no answer to close"
	case errors.Is(err, net.ErrClosed):
		return "closed"
	case errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.EOF):
		return "ended"
	case errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE):
		return "reset"
	}
	return err.Error()
}

// A twin is one driver with the program on it.
type twin struct {
	name  string
	serve func(t *testing.T, p *program) (addr string)
}

// A program is what is served, with everything that a driver needs to know of it.
type program struct {
	upgrader handshake.Upgrader
	options  conn.Options
	journals chan *journal // of connections, in the order in which they opened
	shutdown func() error  // set by serve
}

func (p *program) opened(path string) *journal {
	j := newJournal()
	j.add("open %s", path)
	p.journals <- j
	return j
}

var twins = []twin{
	{"loop", func(t *testing.T, p *program) string { return serveLoops(t, p, DefaultDriver) }},
	{"portable", func(t *testing.T, p *program) string { return serveLoops(t, p, Portable) }},
	{"blocking", serveBlocking},
}

// A twinHandler is the program on a loop.
type twinHandler struct{ j *journal }

func (h twinHandler) Message(c *Conn, m conn.Message) { obey(h.j, c, m) }
func (h twinHandler) Close(_ *Conn, err error)        { h.j.end("close: %s", cause(err)) }

func serveLoops(t *testing.T, p *program, d Driver) string {
	s := &Server{Driver: d, Loops: 2, Upgrader: p.upgrader, Options: p.options, Open: func(_ *Conn, r *handshake.Request) Handler {
		return twinHandler{p.opened(string(r.Path()))}
	}}
	p.shutdown = func() error { return s.Shutdown(context.Background()) }
	return serve(t, s)
}

// serveBlocking serves the program with a goroutine per connection. What netpoll.Server does for all connections, the program does here itself:
// it recovers, and says goodbye.
func serveBlocking(t *testing.T, p *program) string {
	var mu sync.Mutex
	open := map[*conn.Conn]bool{}
	var wg sync.WaitGroup
	hs := &http.Server{ErrorLog: log.New(io.Discard, "", 0), ReadHeaderTimeout: p.options.HandshakeTimeout, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c, err := conn.Accept(w, r, &p.upgrader, &p.options)
		if err != nil {
			return
		}
		wg.Add(1)
		defer wg.Done()
		j := p.opened(r.URL.Path)
		mu.Lock()
		open[c] = true
		mu.Unlock()
		defer func() {
			defer c.CloseNow()
			if recover() != nil {
				_ = c.Close(frame.CloseInternalError, "")
				j.end("close: panic")
			}
			mu.Lock()
			delete(open, c)
			mu.Unlock()
		}()
		for {
			m, err := c.Read()
			if err != nil {
				if errors.Is(err, net.ErrClosed) { // another goroutine is closing: wait for it, and hear how it went
					err = c.Close(frame.CloseNormal, "")
				}
				j.end("close: %s", cause(err))
				return
			}
			obey(j, c, m)
		}
	})}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	served := make(chan error, 1)
	go func() { served <- hs.Serve(ln) }()
	p.shutdown = func() error {
		err := hs.Shutdown(context.Background())
		mu.Lock()
		for c := range open {
			wg.Go(func() { _ = c.Close(frame.CloseGoingAway, "") })
		}
		mu.Unlock()
		wg.Wait()
		return err
	}
	t.Cleanup(func() {
		hs.Close()
		require.ErrorIs(t, <-served, http.ErrServerClosed)
		mu.Lock()
		for c := range open {
			wg.Go(func() { _ = c.CloseNow() })
		}
		mu.Unlock()
		wg.Wait()
	})
	return ln.Addr().String()
}

// A twinClient plays the client's part of a row. Its octets go out as cut says.
type twinClient struct {
	*journal
	t    *testing.T
	nc   *net.TCPConn
	br   *bufio.Reader
	cut  int // octets in one write; 0: all
	prog *program
}

// send writes octets. Errors are not told: the server may have closed long before the end.
func (c *twinClient) send(b string) {
	for len(b) > 0 {
		n := len(b)
		if c.cut > 0 {
			n = min(c.cut, n)
		}
		if _, err := io.WriteString(c.nc, b[:n]); err != nil {
			return
		}
		b = b[n:]
	}
}

// response reads the answer to the opening handshake.
func (c *twinClient) response() {
	resp, err := http.ReadResponse(c.br, nil)
	if err != nil {
		c.add("no response: %s", cause(err))
		return
	}
	b := new(strings.Builder)
	for _, name := range []string{"Sec-WebSocket-Accept", "Sec-WebSocket-Protocol", "Sec-WebSocket-Version", "Allow", "X-Program"} {
		if v := resp.Header[http.CanonicalHeaderKey(name)]; v != nil {
			fmt.Fprintf(b, " %s=%s", name, strings.Join(v, "|"))
		}
	}
	c.add("%d%s", resp.StatusCode, b)
	if resp.StatusCode != 101 {
		body, err := io.ReadAll(resp.Body)
		if err != nil {
			c.add("body: %v", err)
		}
		if len(body) > 0 && resp.Header.Get("X-Program") != "" {
			c.add("body %q", body)
		}
	}
}

// frames reads n frames; with n < 0, all until the end, and says what end it was.
func (c *twinClient) frames(n int) {
	for ; n != 0; n-- {
		f, err := frame.Read(c.br, frame.FromServer, 0, -1)
		if err != nil {
			c.add("%s", cause(err))
			return
		}
		if !f.Fin || f.Rsv != 0 {
			c.add("fin=%v rsv=%d", f.Fin, f.Rsv)
		}
		if f.Opcode == frame.Close {
			code, _, err := frame.ParseClose(f.Payload) // the reason is for people, and is each driver's own
			if err != nil {
				c.add("close: %v", err)
			}
			c.add("close %d", code)
			continue
		}
		c.add("%v %s", f.Opcode, shown(f.Payload))
	}
}

func TestE34Twins(t *testing.T) {
	for _, tw := range twins {
		t.Run(tw.name, func(t *testing.T) {
			t.Parallel()
			for _, r := range twinRows {
				t.Run(r.name, func(t *testing.T) {
					for _, cut := range []int{0, 1, 7} {
						if cut > 0 && r.whole {
							break
						}
						playTwin(t, tw, r, cut)
					}
				})
			}
		})
	}
}

// playTwin plays a row, with at most cut octets in each write of the client.
func playTwin(t *testing.T, tw twin, r twinRow, cut int) {
	t.Helper()
	p := &program{
		options:  conn.Options{HandshakeTimeout: 300 * time.Millisecond, CloseTimeout: 500 * time.Millisecond, ControlRate: 1},
		journals: make(chan *journal, 1),
	}
	if !r.whole {
		p.options.HandshakeTimeout = 5 * time.Second
		p.options.CloseTimeout = 5 * time.Second
	}
	p.upgrader.Subprotocols = []string{"soap", "chat"}
	p.upgrader.Hook = func(r *handshake.Request) error {
		switch string(r.Path()) {
		case "/gone":
			return &handshake.Error{Status: 410, Header: http.Header{"X-Program": {"yes"}}, Body: []byte("it was here")}
		case "/hook-panics":
			panic("asked")
		}
		return nil
	}
	addr := tw.serve(t, p)
	nc, err := net.Dial("tcp", addr)
	require.NoError(t, err)
	defer nc.Close()
	require.NoError(t, nc.SetDeadline(time.Now().Add(20*time.Second)))
	c := &twinClient{journal: newJournal(), t: t, nc: nc.(*net.TCPConn), br: bufio.NewReader(nc), cut: cut, prog: p}
	c.send(r.request)
	r.play(c)
	nc.Close()

	want := r.client
	if tw.name == "blocking" && r.http != "" {
		want = r.http
	}
	where := fmt.Sprintf("%s, cut %d", tw.name, cut)
	require.Equal(t, strings.ReplaceAll(want, "; ", "\n"), c.String(), "the client of %s", where)
	if r.server == "" {
		require.Empty(t, p.journals, "no connection is opened: %s", where)
		return
	}
	select {
	case j := <-p.journals:
		select {
		case <-j.ended:
		case <-time.After(10 * time.Second):
			t.Errorf("%s: the program has not heard of the end", where)
		}
		if r.many {
			j.lines = slices.Compact(j.lines)
		}
		require.Equal(t, strings.ReplaceAll(r.server, "; ", "\n"), j.String(), "the program on %s", where)
	default:
		t.Errorf("%s: the program has not heard of the connection", where)
	}
}
