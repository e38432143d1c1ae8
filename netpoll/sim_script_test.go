package netpoll

import (
	"fmt"

	"math"
	"strings"
	"testing"
	"time"

	"github.com/idlewire/idlewire/conn"
	"github.com/idlewire/idlewire/frame"
	"github.com/idlewire/idlewire/handshake"
)

// A stage is a world in which nothing goes wrong by itself: a test says what happens, step by step. How to use it:
//
//	st := newStage(t, &Server{})
//	p := st.open()                              // a peer whose opening handshake is done
//	p.message(frame.Text, "hello")              // it sends
//	st.quiet()                                  // the loops turn until nothing moves
//	p.expect(frame.Text, "hello")               // it receives
//	st.pass(time.Minute)                        // time passes
//	p.close(1000); st.quiet()
//	st.over()                                   // Shutdown, and nothing is left
type stage struct {
	*world
	t     testing.TB
	srv   *Server
	ln    *sock
	seen  []*seen // by order of Open
	peers []*far

	onOpen    func(*seen, *handshake.Request)
	onMessage func(*seen, conn.Message)
	onDrained func(*seen)
	onClose   func(*seen)
}

// A seen is what the handler of one connection has seen.
type seen struct {
	st      *stage
	c       *Conn
	n       int // messages
	octets  int
	last    string // the last message
	drained int
	closes  int
	err     error
	inside  int // handlers of this connection that are running
	quietly bool
	deepest int
}

func (h *seen) enter() func() {
	if h.closes > 0 {
		h.st.t.Error("called after Close")
	}
	if h.inside++; h.inside > h.deepest {
		h.deepest = h.inside
	}
	return func() { h.inside-- }
}

func (h *seen) Message(c *Conn, m conn.Message) {
	defer h.enter()()
	h.n++
	h.octets += len(m.Payload)
	if !h.quietly {
		h.last = string(m.Payload)
	}
	if h.st.onMessage != nil {
		h.st.onMessage(h, m)
	}
}

func (h *seen) Drained(*Conn) {
	defer h.enter()()
	h.drained++
	if h.st.onDrained != nil {
		h.st.onDrained(h)
	}
}

func (h *seen) Close(_ *Conn, err error) {
	defer h.enter()()
	h.closes++
	h.err = err
	if h.st.onClose != nil {
		h.st.onClose(h)
	}
}

// echo is a handler's Message.
func echo(h *seen, m conn.Message) { _ = h.c.Write(m.Op, m.Payload) }

// newStage starts s, with one loop or so many, in a world of its own.
func newStage(t testing.TB, s *Server, loops ...int) *stage {
	t.Helper()
	st := &stage{world: newWorld(1), t: t, srv: s}
	st.inject = nil
	if s.Open == nil {
		s.Open = func(c *Conn, r *handshake.Request) Handler {
			h := &seen{st: st, c: c}
			st.seen = append(st.seen, h)
			if st.onOpen != nil {
				st.onOpen(h, r)
			}
			return h
		}
	}
	if s.MaxConns == 0 {
		s.MaxConns = -1
	}
	n := 1
	if len(loops) > 0 {
		n = loops[0]
	}
	st.ln = st.listener()
	ks := make([]kernel, n)
	for i := range ks {
		ks[i] = st.newKernel()
	}
	s.prepare(ks)
	return st
}

// start lets the loops run.
func (st *stage) start() *stage {
	st.guard(func() {
		if err := st.srv.loops[0].listen(st.ln.h); err != nil {
			st.t.Fatal(err)
		}
		for i, l := range st.srv.loops {
			st.world.start(st.kernels[i], l.turn)
		}
	})
	st.t.Cleanup(st.leave)
	return st
}

// guard turns a failure of the world into one of the test.
func (st *stage) guard(f func()) {
	st.t.Helper()
	defer func() {
		if v := recover(); v != nil {
			if _, ok := v.(failed); !ok {
				panic(v)
			}
			st.t.Fatalf("%s\n%s", st.failure, st.trace(40))
		}
	}()
	f()
}

// quiet turns the loops until nothing moves. It takes no time but that of the calls themselves.
func (st *stage) quiet() {
	st.t.Helper()
	if st.kernels[0].resume == nil {
		st.start()
	}
	st.guard(func() {
		for moved := true; moved; {
			moved = false
			for _, k := range st.kernels {
				if k.runnable() {
					k.turn()
					moved = true
				}
			}
		}
	})
}

// turn gives each loop that can go on one turn.
func (st *stage) turn() {
	st.t.Helper()
	if st.kernels[0].resume == nil {
		st.start()
	}
	st.guard(func() {
		for _, k := range st.kernels {
			if k.runnable() {
				k.turn()
			}
		}
	})
}

// pass lets time pass, and the loops turn when they want to.
func (st *stage) pass(d time.Duration) {
	st.t.Helper()
	st.quiet()
	for end := st.clock + int64(d); st.clock < end; st.quiet() {
		next := end
		for _, k := range st.kernels {
			if k.waiting && !k.over {
				next = min(next, k.deadline)
			}
		}
		st.clock = max(next, st.clock)
	}
}

// turns is how often the loops have woken up so far.
func (st *stage) turns() (n int) {
	for _, k := range st.kernels {
		n += k.turns
	}
	return n
}

// over shuts the server down, which must end it, and looks for what is left.
func (st *stage) over() {
	st.t.Helper()
	st.quiet()
	st.guard(func() { st.srv.beginShutdown(false) })
	st.pass(time.Hour)
	for i, k := range st.kernels {
		if !k.over {
			st.t.Fatalf("loop %d goes on after Shutdown", i)
		}
	}
	st.baseline(0)
	for i, h := range st.seen {
		if h.closes != 1 {
			st.t.Errorf("connection %d: %d calls of Close", i, h.closes)
		}
	}
	if n := st.world.open; n != 0 {
		st.t.Errorf("%d handles are open", n)
	}
}

// baseline checks that so many connections are there, and nothing else.
func (st *stage) baseline(conns int) {
	st.t.Helper()
	stats := st.srv.Stats()
	if stats.Open != int64(conns) || conns == 0 && stats.Queued != 0 {
		st.t.Errorf("%d connections, expected %d, %d octets queued", stats.Open, conns, stats.Queued)
	}
	live, timers, load := 0, 0, 0
	for _, l := range st.srv.loops {
		live += l.live
		timers += l.wheel.count
		load += int(l.load.Load())
	}
	if live != conns || load != conns || timers > conns {
		st.t.Errorf("%d connections in the loops, load %d, %d timers, expected %d", live, load, timers, conns)
	}
}

// A far is the far end of a connection on a stage.
type far struct {
	*sock
	st    *stage
	proto conn.Protocol
	got   []byte // what has been received and not looked at
}

const opener = "GET / HTTP/1.1\r\nHost: sim.example\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" +
	"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"

// dial connects a peer, which has said nothing yet.
func (st *stage) dial() *far {
	p := &far{sock: st.world.dial(st.ln), st: st}
	p.proto.Role = conn.Client
	p.proto.Options = &conn.Options{MaxMessage: -1}
	st.peers = append(st.peers, p)
	return p
}

// open connects a peer and does its opening handshake.
func (st *stage) open() *far {
	st.t.Helper()
	p := st.dial()
	p.say([]byte(opener))
	st.quiet()
	p.opened()
	return p
}

// opened takes the response off what the peer has received.
func (p *far) opened() {
	p.st.t.Helper()
	p.drain()
	head, rest, ok := strings.Cut(string(p.got), "\r\n\r\n")
	if !ok || !strings.HasPrefix(head, "HTTP/1.1 101 ") {
		p.st.t.Fatalf("expected a 101, got %.80q\n%s", p.got, p.st.trace(20))
	}
	p.got = []byte(rest)
}

// say sends octets, and lets the loops turn when they do not fit.
func (p *far) say(b []byte) {
	for len(b) > 0 {
		n := p.send(b)
		if b = b[n:]; n == 0 {
			before := p.st.progress
			if p.st.quiet(); p.st.progress == before {
				return // the server takes no more
			}
		}
	}
}

// message sends a data message.
func (p *far) message(op frame.Opcode, payload string) { p.say(masked(op, true, payload)) }

func (p *far) close(code frame.CloseCode) {
	b, _ := frame.AppendClose(nil, code, "")
	p.say(masked(frame.Close, true, string(b)))
}

func masked(op frame.Opcode, fin bool, payload string) []byte {
	return frame.Append(nil, frame.Header{Opcode: op, Fin: fin, Masked: true, Key: 0x01020304, Length: int64(len(payload))}, []byte(payload))
}

// drain receives all there is.
func (p *far) drain() { p.got = append(p.got, p.receive(math.MaxInt)...) }

// next is the next frame that the peer has received; the zero Message: there is none yet.
func (p *far) next() conn.Message {
	p.st.t.Helper()
	p.drain()
	m, rest, err := p.proto.Receive(p.got)
	if err != nil {
		p.st.t.Fatalf("the server broke the protocol: %v", err)
	}
	m.Payload = append([]byte(nil), m.Payload...)
	p.got = rest
	return m
}

// data is the next data message; pings and pongs before it are passed over.
func (p *far) data() conn.Message {
	p.st.t.Helper()
	for {
		if m := p.next(); m.Op != frame.Ping && m.Op != frame.Pong {
			return m
		}
	}
}

func (p *far) expect(op frame.Opcode, payload string) {
	p.st.t.Helper()
	if m := p.next(); m.Op != op || string(m.Payload) != payload {
		p.st.t.Fatalf("expected %v %.60q, got %v %.60q\n%s", op, payload, m.Op, m.Payload, p.st.trace(30))
	}
}

// expectClose reads to the server's Close, which has this code.
func (p *far) expectClose(code frame.CloseCode) {
	p.st.t.Helper()
	for {
		m := p.next()
		if m.Op == 0 {
			p.st.t.Fatalf("expected a Close with %d, got none, reset: %v\n%s", code, p.wasReset, p.st.trace(30))
		}
		if m.Op == frame.Close {
			if got, _ := m.Close(); got != code {
				p.st.t.Fatalf("expected a Close with %d, got %d", code, got)
			}
			return
		}
	}
}

// quietly is f's panic, as an error.
func quietly(f func()) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = fmt.Errorf("panic: %v", v)
		}
	}()
	f()
	return nil
}
