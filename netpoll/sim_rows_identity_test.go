package netpoll

import (
	"errors"
	"fmt"
	"net"
	"os"
	"testing"
	"time"

	"github.com/idlewire/idlewire/conn"
	"github.com/idlewire/idlewire/frame"
	"github.com/idlewire/idlewire/handshake"
)

// The rows of the threat list about who is who: numbers, slots, generations, buffers. The checks themselves are the simulation's (sim_world_test.go
// and sim_check_test.go); here are worlds in which there is more of it.

// shortLives is a world of many short connections, of which many end in the middle of a batch of events.
func shortLives(s *sim) {
	s.population = 24
	s.luck.shuffle, s.luck.split, s.luck.late = true, 700, 200
	s.luck.write, s.luck.read = 60, 60
	s.limit, s.crowded = 1<<30, false
	s.srv.limits.maxConns = -1
	s.stopStep = -1
	s.closing = func(k *simKernel, c *client) { // where one goes another comes, at once
		s.checkClosing(k, c)
		if !s.calm && !s.stopped && len(s.clients) < 300 {
			s.arrive()
			s.clients[len(s.clients)-1].dial()
		}
	}
	s.made = func(c *client) {
		c.want = 1 + s.intn(3)
		c.pause = 0
		if c.fate == fateStay || c.fate == fateVanish {
			c.fate = fateReset
		}
	}
}

// A number that is closed and given out again while events for it are still in the batch: none of them reaches the successor.
func TestE01NumberReusedWithinOneTurn(t *testing.T) {
	reused := 0
	playAll(t, few(1000), func(s *sim) { reused += s.reused }, shortLives)
	if reused < few(500) {
		t.Errorf("only %d numbers were reused within a turn: the worlds prove too little", reused)
	}
	t.Logf("%d numbers reused within a turn", reused)
}

// A loop that serves a connection while others close it, or it and its neighbours, in the middle of the kernel's calls: no octet of one connection is
// read or written by another.
func TestE02StruckInTheMiddleOfACall(t *testing.T) {
	strikes := 0
	playAll(t, few(1000), func(s *sim) { strikes += s.struckSoFar }, shortLives, func(s *sim) {
		s.luck.strike = 300
		s.strike = s.struck
	})
	if strikes < few(10_000) {
		t.Errorf("only %d strikes", strikes)
	}
}

// Slots rest, generations grow: no token is ever given to the kernel twice (register checks it), however often the slots change hands.
func TestE03TokensAreNeverReused(t *testing.T) {
	st := newStage(t, &Server{})
	for range 300 {
		for range 4 {
			st.open()
		}
		for _, p := range st.peers[len(st.peers)-4:] {
			p.abort(true)
		}
		st.quiet()
	}
	if n := len(st.srv.loops[0].conns); n > 8 {
		t.Errorf("%d slots for 4 connections at a time", n)
	}
	st.over()
}

// What the program does in a handler, to its own connection, to another of the same batch, or to the server, from each of the handlers: each
// connection that was opened gets one Close and nothing after it.
func TestE28HandlersThatEndThings(t *testing.T) {
	deeds := map[string]func(st *stage, h *seen){
		"close itself":         func(_ *stage, h *seen) { _ = h.c.Close(4000, "") },
		"close itself now":     func(_ *stage, h *seen) { _ = h.c.CloseNow() },
		"close the others":     func(st *stage, h *seen) { others(st, h, func(c *Conn) { _ = c.Close(4000, "") }) },
		"close the others now": func(st *stage, h *seen) { others(st, h, func(c *Conn) { _ = c.CloseNow() }) },
		"close all now":        func(st *stage, h *seen) { others(st, nil, func(c *Conn) { _ = c.CloseNow() }) },
		"shut down":            func(st *stage, h *seen) { st.srv.beginShutdown(false) },
		"close the server":     func(st *stage, h *seen) { st.srv.beginShutdown(true) },
		"panic":                func(st *stage, h *seen) { panic("on purpose") },
		"all at once": func(st *stage, h *seen) {
			_ = h.c.Write(frame.Text, []byte("bye"))
			_ = h.c.Close(4000, "")
			_ = h.c.CloseNow()
			st.srv.beginShutdown(false)
			st.srv.beginShutdown(true)
			panic("on purpose")
		},
	}
	for _, where := range []string{"Open", "Message", "Drained", "Close", "timer"} {
		for what, deed := range deeds {
			for loops := 1; loops <= 2; loops++ {
				t.Run(fmt.Sprintf("%s: %s, %d loops", where, what, loops), func(t *testing.T) {
					s := &Server{WriteQueueSoft: 100, WriteQueueHard: 1 << 20}
					s.Options.PingInterval, s.Options.PongTimeout = time.Second, time.Second
					st := newStage(t, s, loops)
					done := false
					strike := func(h *seen) {
						if !done {
							done = true
							deed(st, h)
						}
					}
					var ps []*far
					for range 4 {
						p := st.open()
						p.outCap = 64
						ps = append(ps, p)
					}
					switch where {
					case "Open":
						st.onOpen = func(h *seen, _ *handshake.Request) {
							if what == "panic" || what == "all at once" {
								h.closes = 1 // a handler that was never given hears of nothing
							}
							strike(h)
						}
						p := st.dial()
						p.say([]byte(opener))
					case "Message":
						st.onMessage = func(h *seen, _ conn.Message) { strike(h) }
					case "Drained":
						st.onMessage = func(h *seen, _ conn.Message) { _ = h.c.Write(frame.Binary, make([]byte, 400)) }
						st.onDrained = strike
					case "Close", "timer":
						st.onClose = strike
					}
					for _, p := range ps { // all of one batch
						p.message(frame.Text, "hello")
					}
					if where == "Close" {
						ps[1].abort(true)
					}
					for range 40 {
						st.turn()
						for _, p := range ps {
							p.drain()
						}
					}
					st.pass(10 * time.Second)
					if !done {
						t.Fatal("it did not come to it")
					}
					st.onOpen, st.onMessage, st.onDrained, st.onClose = nil, nil, nil, nil
					st.over()
				})
			}
		}
	}
}

func others(st *stage, h *seen, f func(*Conn)) {
	for _, o := range st.seen {
		if o != h {
			f(o.c)
		}
	}
}

// After the end every method says so, whatever was called before, in any order.
func TestE31UseAfterTheEnd(t *testing.T) {
	prepared, err := conn.Prepare(frame.Text, []byte("x"))
	if err != nil {
		t.Fatal(err)
	}
	calls := []func(c *Conn) error{
		func(c *Conn) error { return c.Write(frame.Text, []byte("x")) },
		func(c *Conn) error { return c.Write(frame.Binary, make([]byte, 100_000)) },
		func(c *Conn) error { return c.Write(frame.Text, nil) },
		func(c *Conn) error { return c.WritePrepared(prepared) },
		func(c *Conn) error { return c.Ping(nil) },
		func(c *Conn) error { return c.Close(1000, "") },
		func(c *Conn) error { return c.CloseNow() },
	}
	endings := map[string]func(st *stage, p *far){
		"CloseNow": func(st *stage, p *far) { _ = st.seen[0].c.CloseNow() },
		"Close": func(st *stage, p *far) {
			_ = st.seen[0].c.Close(1000, "")
			st.quiet()
			p.close(1000)
		},
		"the peer": func(_ *stage, p *far) { p.close(1000) },
		"FIN":      func(_ *stage, p *far) { p.finish() },
		"reset":    func(_ *stage, p *far) { p.abort(false) },
		"shutdown": func(st *stage, _ *far) { st.srv.beginShutdown(false) },
		"breach":   func(_ *stage, p *far) { p.say([]byte{0xff, 0xff}) },
	}
	for name, end := range endings {
		t.Run(name, func(t *testing.T) {
			st := newStage(t, &Server{})
			p := st.open()
			for range 100 { // before the end anything goes but a bad opcode
				if err := st.seen[0].c.Write(frame.Close, nil); err == nil || errors.Is(err, net.ErrClosed) {
					t.Fatalf("Write of a Close frame: %v", err)
				}
			}
			end(st, p)
			st.pass(time.Minute)
			c := st.seen[0].c
			for range 2000 {
				if i := st.intn(len(calls)); !errors.Is(calls[i](c), net.ErrClosed) {
					t.Fatalf("call %d after the end: no error, or another", i)
				}
				if c.Buffered() != 0 || c.RemoteAddr() != nil || c.LocalAddr() != nil {
					t.Fatal("it still has octets queued, or an address")
				}
			}
			st.over()
		})
	}
}

// The timer of a connection never ends another that has its slot: the second lives as long as its own timers say.
func TestE27TimersOfASlotThatChangedHands(t *testing.T) {
	s := &Server{}
	s.Options.HandshakeTimeout = 2 * time.Second
	s.Options.PingInterval, s.Options.PongTimeout = 10*time.Second, 5*time.Second
	st := newStage(t, s)
	first := st.dial()
	st.pass(1900 * time.Millisecond)
	first.abort(true)
	st.quiet()
	second := st.dial()
	st.pass(1900 * time.Millisecond)
	if second.sock.closed {
		t.Fatal("the handshake timeout of the first ended the second")
	}
	second.say([]byte(opener))
	st.quiet()
	second.opened()
	st.pass(12 * time.Second)
	second.expect(frame.Ping, "")
	second.abort(true)
	st.quiet()
	third := st.open()
	st.pass(7 * time.Second) // the second's pong timeout comes in this time
	if third.sock.closed || third.next().Op != 0 {
		t.Fatal("the timers of the second reached the third")
	}
	if s.loops[0].live != 1 || len(s.loops[0].conns) > 2 {
		t.Fatalf("%d connections, %d slots", s.loops[0].live, len(s.loops[0].conns))
	}
	st.over()
}

// V64: every connection only ever sends its own number, over buffers and slots that change hands all the time; a foreign one is a failure
// (simHandler.Message and client.take compare every octet).
func TestV64Canary(t *testing.T) {
	seeds := few(500)
	if os.Getenv("IDLEWIRE_SEEDS") != "" {
		seeds = number(t, "IDLEWIRE_SEEDS", seeds) / 4
	}
	var messages, conns uint64
	playAll(t, seeds, func(s *sim) {
		st := s.srv.Stats()
		messages += st.MessagesIn + st.MessagesOut
		conns += st.Opened
	}, shortLives, func(s *sim) {
		s.luck.write, s.luck.read, s.luck.short, s.luck.dribble = 5, 5, 600, 0
		s.srv.WriteQueueSoft, s.srv.limits.soft = 200, 200
		s.budget = 3000
	})
	t.Logf("%d messages on %d connections", messages, conns)
}
