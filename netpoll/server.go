package netpoll

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"runtime"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	"github.com/idlewire/idlewire/conn"
	"github.com/idlewire/idlewire/frame"
	"github.com/idlewire/idlewire/handshake"
)

// A Handler sees what happens to one connection. Its methods run on the connection's loop, one at a time, in order, and must not block. A panic
// in one of them costs that connection (1011), not the server.
//
// A Handler that also has a method Drained(c *Conn) is told when a write queue that had grown above Server.WriteQueueSoft has emptied to half of
// it.
type Handler interface {
	// Message is called with each text and binary message. m.Payload is lent: it is valid, and may be overwritten, until Message returns.
	Message(c *Conn, m conn.Message)

	// Close is called once, when the connection has ended; nothing is called after it. err says why: a *conn.CloseError if the peer has closed,
	// a *frame.Error if it broke the protocol, ErrPongTimeout, ErrCloseTimeout, ErrWriteStall, ErrQueueFull, ErrPanic, an error for which
	// errors.Is(err, net.ErrClosed) holds after CloseNow, io.ErrUnexpectedEOF or the system's error if the transport ended.
	Close(c *Conn, err error)
}

// A Drainer is a Handler that is told when a slow peer has caught up.
type Drainer interface{ Drained(c *Conn) }

// A Driver is a way to wait for many connections.
type Driver uint8

const (
	Auto     Driver = iota // DefaultDriver
	Loop                   // the system's poller
	Portable               // a goroutine per connection, anywhere
)

// String returns "loop" or "portable".
func (d Driver) String() string {
	if d == Auto {
		d = DefaultDriver
	}
	if d == Loop {
		return "loop"
	}
	return "portable"
}

// A WriteQueuePolicy says what becomes of a connection whose write queue is full.
type WriteQueuePolicy uint8

const (
	CloseWhenFull WriteQueuePolicy = iota // close it: 1008
	DropWhenFull                          // drop the message that does not fit
)

// A Server accepts connections and serves them from its loops. Its fields must not change after Serve has been called. The zero Server needs
// only Open.
type Server struct {
	// Addr is the TCP address for ListenAndServe, "host:port". The default is ":http".
	Addr string

	// Open is called on the connection's loop when the opening handshake is done, before any message, and gives the connection's handler. It
	// may write. r is valid until Open returns. A nil Open, or a nil handler, discards what is received.
	Open func(c *Conn, r *handshake.Request) Handler

	// Upgrader is the policy of the opening handshake.
	Upgrader handshake.Upgrader

	// Options are limits and timeouts. Zero fields are defaults, negative ones are off. Timeouts have a grain of 100 ms, and count from the loop's
	// own time: a process that was stopped does not time its peers out.
	Options conn.Options

	// Driver is Loop, Portable, or Auto.
	Driver Driver

	// Loops is the number of event loops. The default is GOMAXPROCS.
	Loops int

	// MaxConns is the greatest number of connections; others are answered with 503. The default is 90 % of the process's limit of open files, less
	// 64; negative: no limit.
	MaxConns int

	// WriteQueueSoft is how many octets may be queued for a peer before nothing more is read from it (64 KiB). WriteQueueHard is how many may be
	// queued at all (1 MiB), but for one message: a queue that is not above WriteQueueSoft takes any. So a program that answers one message with
	// one never meets the hard limit, and the queue is never above the greater of WriteQueueHard and WriteQueueSoft with one message. Negative: no limit.
	WriteQueueSoft, WriteQueueHard int
	WriteQueuePolicy               WriteQueuePolicy

	// Logger hears of what cannot be reported to a caller: panics of handlers, errors of accept, slow turns of a loop. Default: silent.
	Logger *slog.Logger

	limits limits
	loops  []*loop
	conns  atomic.Int64 // accepted and not finished

	mu      sync.Mutex // guards the fields below
	ln      net.Listener
	serving bool
	stopped bool
	done    chan struct{} // closed when all loops are over
}

// limits are the options as the loops use them: defaults filled in, times in ticks (0: never), sizes negative if off.
type limits struct {
	handshake, ping, pong, close, stall uint32
	controlRate, controlBurst           int
	soft, hard, maxConns                int
}

// Errors of Serve and its kin.
var (
	// ErrServerClosed is returned by Serve and ListenAndServe after Shutdown or Close, and seen by the handlers of connections that Close has ended.
	ErrServerClosed = errors.New("netpoll: server closed")

	// ErrServing is returned by Serve if the server has served before.
	ErrServing = errors.New("netpoll: a server serves once")

	// ErrNoPoller is returned by Serve if Driver is Loop on a system for which there is none.
	ErrNoPoller = errors.New("netpoll: no event loop on this system; use the portable driver")

	// ErrPanic is what Handler.Close sees after a panic in another method.
	ErrPanic = errors.New("netpoll: handler panicked")
)

// ListenAndServe listens on Addr and serves until Shutdown or Close.
func (s *Server) ListenAndServe() error {
	addr := s.Addr
	if addr == "" {
		addr = ":http"
	}
	ln, err := net.Listen("tcp", addr)
	if err != nil {
		return err
	}
	return s.Serve(ln)
}

// Serve serves the connections of ln until Shutdown or Close, and then returns ErrServerClosed. It owns ln, and closes it. A listener that has no
// descriptor is served by the portable driver.
func (s *Server) Serve(ln net.Listener) error {
	done, err := s.begin(ln)
	if err != nil {
		ln.Close()
		return err
	}
	<-done
	return ErrServerClosed
}

func (s *Server) begin(ln net.Listener) (<-chan struct{}, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.stopped {
		return nil, ErrServerClosed
	}
	if s.serving {
		return nil, ErrServing
	}
	n := s.Loops
	if n <= 0 {
		n = runtime.GOMAXPROCS(0)
	}
	d := s.Driver
	if d == Auto {
		d = DefaultDriver
	}
	ks, h, err := newKernels(ln, d, n)
	if err != nil {
		return nil, err
	}
	s.prepare(ks)
	if err := s.loops[0].listen(h); err != nil {
		for _, k := range ks {
			k.release()
		}
		return nil, err
	}
	s.serving, s.ln, s.done = true, ln, make(chan struct{})
	var wg sync.WaitGroup
	for _, l := range s.loops {
		wg.Go(l.run)
	}
	go func() {
		wg.Wait()
		close(s.done)
	}()
	return s.done, nil
}

// prepare fills in the defaults and makes a loop for each kernel.
func (s *Server) prepare(ks []kernel) {
	o := &s.Options
	s.limits = limits{
		handshake:    ticks(o.HandshakeTimeout, 5*time.Second),
		ping:         ticks(o.PingInterval, 30*time.Second),
		pong:         ticks(o.PongTimeout, 20*time.Second),
		close:        ticks(o.CloseTimeout, 5*time.Second),
		stall:        ticks(o.WriteStallTimeout, 10*time.Second),
		controlRate:  or(o.ControlRate, 100),
		controlBurst: or(o.ControlBurst, 200),
		soft:         or(s.WriteQueueSoft, 64<<10),
		hard:         or(s.WriteQueueHard, 1<<20),
		maxConns:     or(s.MaxConns, fileLimit()*9/10-64),
	}
	s.loops = nil
	for i, k := range ks {
		s.loops = append(s.loops, newLoop(s, i, k))
	}
}

func or(n, def int) int {
	if n == 0 {
		return def
	}
	return n
}

// Shutdown ends the server gracefully: it stops accepting, sends every peer a Close with 1001, waits for their answers, and returns when all
// connections have ended and all handlers have been told. A peer that does not answer is cut off after Options.CloseTimeout. If ctx ends
// first, all that are left are cut off at once, and Shutdown returns ctx's error.
func (s *Server) Shutdown(ctx context.Context) error {
	done := s.beginShutdown(false)
	if done == nil {
		return nil
	}
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		s.beginShutdown(true)
		<-done
		return ctx.Err()
	}
}

// Close ends the server and all connections at once.
func (s *Server) Close() error {
	if done := s.beginShutdown(true); done != nil {
		<-done
	}
	return nil
}

// beginShutdown tells the loops to end. The channel is closed when they have; it is nil if there never were any.
func (s *Server) beginShutdown(now bool) <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.stopped = true
	for _, l := range s.loops {
		l.stop(now)
	}
	return s.done
}

// closeListener is called by the first loop when it has stopped to accept.
func (s *Server) closeListener() {
	s.mu.Lock()
	ln := s.ln
	s.ln = nil
	s.mu.Unlock()
	if ln != nil {
		ln.Close()
	}
}

// goodbye tells a peer that the server is going away.
func (l *loop) goodbye(c *Conn) {
	if c.state == opening {
		l.begin(c, 0)
		l.refuse(c, handshake.ErrUnavailable)
		l.settle(c)
		return
	}
	_ = c.Close(frame.CloseGoingAway, "")
}

// The program's code runs in the following four, which put a wall around its panics.

func (l *loop) opened(c *Conn, r *handshake.Request) {
	c.handler = discard{}
	if l.server.Open == nil {
		return
	}
	defer l.recovered(c)
	if h := l.server.Open(c, r); h != nil {
		c.handler = h
	}
}

func (l *loop) message(c *Conn, m conn.Message) {
	defer l.recovered(c)
	c.handler.Message(c, m)
}

func (l *loop) drained(c *Conn) {
	d, ok := c.handler.(Drainer)
	if !ok || c.is(isClosing) {
		return
	}
	defer func() {
		if v := recover(); v != nil {
			l.blame(c, v)
			c.mu.Lock()
			if !c.posted {
				c.post()
			}
			c.mu.Unlock()
		}
	}()
	d.Drained(c)
}

func (l *loop) farewell(c *Conn, h Handler, err error) {
	defer func() {
		if v := recover(); v != nil {
			l.panicked(v)
		}
	}()
	h.Close(c, err)
}

// recovered is deferred around a handler's methods.
func (l *loop) recovered(c *Conn) {
	if v := recover(); v != nil {
		l.blame(c, v)
	}
}

// blame ends a connection whose handler has panicked.
func (l *loop) blame(c *Conn, v any) {
	l.panicked(v)
	l.fail(c, ErrPanic)
}

func (l *loop) panicked(v any) {
	l.counts.panics.Add(1)
	if log := l.server.Logger; log != nil {
		log.Error("netpoll: handler panicked", "panic", v, "stack", string(debug.Stack()))
	}
}

func (s *Server) logf(what string, err error) {
	if s.Logger != nil {
		s.Logger.Warn("netpoll: "+what+" failed", "error", err)
	}
}

// A discard is the handler of a connection that has no other.
type discard struct{}

func (discard) Message(*Conn, conn.Message) {}
func (discard) Close(*Conn, error)          {}
