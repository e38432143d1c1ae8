package netpoll

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"syscall"
	"testing"
	"time"

	"github.com/idlewire/idlewire/conn"
	"github.com/idlewire/idlewire/frame"
)

// The rows of the threat list about readiness: what is ready, what is watched, what is sent and read.

// A peer sends many frames in one segment and then nothing: all of them are delivered, however they lie in the loop's buffer.
func TestE09ManyFramesInOneSegment(t *testing.T) {
	for _, frames := range []int{1, 2, 3, 64, 5000, 20000} {
		for _, size := range []int{0, 1, 125, 126} {
			st := newStage(t, &Server{})
			p := st.open()
			p.inCap = 1 << 30
			one := masked(frame.Binary, true, ballast[:size])
			if n := p.send(bytes.Repeat(one, frames)); n != frames*len(one) {
				t.Fatal("it does not fit")
			}
			st.quiet()
			if h := st.seen[0]; h.n != frames || h.octets != frames*size {
				t.Errorf("%d frames of %d octets: %d were delivered, of %d octets", frames, size, h.n, h.octets)
			}
			st.over()
		}
	}
}

// Nothing armed is forgotten: check, which runs before every wait, demands it of every connection; these worlds go in and out of back-pressure
// all the time.
func TestE10NothingArmedIsForgotten(t *testing.T) {
	paused := 0
	playAll(t, few(500), func(s *sim) { paused += s.paused }, func(s *sim) {
		s.srv.limits.soft = 40
		s.srv.WriteQueueSoft = 40
		s.made = func(c *client) {
			c.server = doBurst
			c.reads = readSlowly
		}
	})
	if paused < few(1500) {
		t.Errorf("reading was paused only %d times", paused)
	}
}

// Each error of register and modify, at each call: the connection concerned ends with that error, the others and the loop live.
func TestE11RegisterAndModifyFail(t *testing.T) {
	for _, errno := range []syscall.Errno{syscall.ENOMEM, syscall.ENOSPC, syscall.EEXIST, syscall.ENOENT, syscall.EPERM, syscall.EBADF} {
		for _, o := range []op{opRegister, opModify} {
			for nth := 1; nth <= 4; nth++ {
				t.Run(fmt.Sprintf("%s %d: %v", opNames[o], nth, errno), func(t *testing.T) {
					st := newStage(t, &Server{WriteQueueSoft: 100})
					st.onMessage = func(h *seen, m conn.Message) {
						for range 4 {
							echo(h, m)
						}
					}
					st.start()
					calls := 0
					st.inject = func(is op, h handle) error {
						if is == o && h > 0 {
							if calls++; calls == nth {
								return errno
							}
						}
						return nil
					}
					var ps []*far
					for range 5 {
						p := st.dial()
						p.outCap = 150
						p.say([]byte(opener))
						st.quiet()
						if p.drain(); p.sock.closed {
							continue
						}
						p.opened()
						ps = append(ps, p)
					}
					for range 3 {
						for _, p := range ps {
							p.message(frame.Text, "the quick brown fox jumps over the lazy dog and over the busy cat too")
							st.quiet()
							p.drain()
							st.quiet()
							p.drain()
						}
					}
					if calls < nth {
						t.Fatalf("only %d calls", calls)
					}
					st.inject = nil
					ended := 0
					for _, h := range st.seen {
						if h.closes > 0 {
							ended++
							if !errors.Is(h.err, errno) {
								t.Errorf("Close(%v)", h.err)
							}
						}
					}
					if want := 1; o == opModify && ended != want || o == opRegister && len(ps) != 4 {
						t.Errorf("%d of %d connections have ended", ended, len(ps))
					}
					st.over()
				})
			}
		}
	}
}

// The peer's last octets and its end come together: everything is delivered before the end is.
func TestE13DataAndEndTogether(t *testing.T) {
	for _, end := range []string{"FIN", "hang up", "reset", "reset and lost"} {
		for _, size := range []int{1, 100, 4 << 10, 64<<10 - 14, 64 << 10, 100 << 10, 200 << 10} {
			t.Run(fmt.Sprintf("%s after %d", end, size), func(t *testing.T) {
				st := newStage(t, &Server{})
				p := st.open()
				p.inCap = 1 << 30
				var sent int
				for n := size; n > 0; n -= 1000 {
					p.message(frame.Binary, ballast[:min(n, 1000)])
					sent++
				}
				p.message(frame.Text, "the last")
				p.say(masked(frame.Text, true, "half a message")[:10])
				switch end {
				case "FIN":
					p.finish()
				case "hang up":
					p.hangUp()
				case "reset":
					p.abort(false)
				case "reset and lost":
					p.abort(true)
				}
				st.quiet()
				h := st.seen[0]
				if h.closes != 1 {
					t.Fatal("no Close")
				}
				switch end {
				case "FIN", "hang up":
					if h.n != sent+1 || h.last != "the last" || !errors.Is(h.err, io.ErrUnexpectedEOF) {
						t.Errorf("%d of %d messages, the last %.20q, Close(%v)", h.n, sent+1, h.last, h.err)
					}
				case "reset":
					if h.n != sent+1 || !errors.Is(h.err, syscall.ECONNRESET) {
						t.Errorf("%d of %d messages, Close(%v)", h.n, sent+1, h.err)
					}
				default:
					if h.n != 0 || !errors.Is(h.err, syscall.ECONNRESET) {
						t.Errorf("%d messages, Close(%v)", h.n, h.err)
					}
				}
				st.over()
			})
		}
	}
}

// stuck opens a connection that is paused: its peer does not read, its queue is above the soft limit, and there is input.
func stuck(t *testing.T) (*stage, *far) {
	s := &Server{WriteQueueSoft: 1000}
	s.Options.WriteStallTimeout, s.Options.PingInterval = -1, -1
	st := newStage(t, s)
	st.onMessage = func(h *seen, _ conn.Message) { _ = h.c.Write(frame.Binary, make([]byte, 3000)) }
	p := st.open()
	p.outCap = 100
	for range 3 {
		p.message(frame.Text, "more")
		st.turn()
	}
	if c := st.seen[0].c; c.want&readable != 0 || p.in.len() == 0 {
		t.Fatalf("it is not paused: %b, %d octets wait", c.want, p.in.len())
	}
	return st, p
}

// A reset while reading is paused: the loop does not spin on an event that it does not want.
func TestE14ResetWhilePaused(t *testing.T) {
	st, p := stuck(t)
	st.pass(10 * time.Second)
	before := st.turns()
	p.abort(false)
	st.pass(10 * time.Second)
	if n := st.turns() - before; n > 8 {
		t.Errorf("%d turns for a reset", n)
	}
	var errno syscall.Errno // whichever call meets the reset first
	if h := st.seen[0]; h.closes != 1 || !errors.As(h.err, &errno) {
		t.Errorf("%d times Close(%v)", h.closes, h.err)
	}
	st.over()

	st, p = stuck(t)
	before = st.turns()
	p.finish() // its output may still be read: nothing happens before there is room
	st.pass(10 * time.Second)
	if n := st.turns() - before; n > 2 {
		t.Errorf("%d turns for a FIN that nobody wants to know of", n)
	}
	for range 1000 {
		p.drain()
		st.quiet()
	}
	if h := st.seen[0]; h.closes != 1 || h.n != 3 || !errors.Is(h.err, io.ErrUnexpectedEOF) || len(p.got) < 9000 {
		t.Errorf("%d times Close(%v) after %d messages, %d octets received", h.closes, h.err, h.n, len(p.got))
	}
	st.over()
}

// A thousand idle connections with nothing queued: the loops sleep.
func TestE15IdleConnectionsCostNoTurns(t *testing.T) {
	s := &Server{}
	s.Options.PingInterval = -1
	st := newStage(t, s, 2)
	st.onMessage = echo
	for range 1000 {
		p := st.open()
		p.message(frame.Text, "hello")
	}
	st.quiet()
	st.pass(6 * time.Second) // the timers of the handshakes are looked at once more
	before := st.turns()
	st.pass(10 * time.Second)
	if n := st.turns() - before; n != 0 {
		t.Errorf("%d turns in which nothing happened", n)
	}
	st.over()
}

// Writes that take any number of octets, or none, or are interrupted: what arrives is what was sent.
func TestE16ShortWrites(t *testing.T) {
	for seed := range uint64(few(40)) {
		st := newStage(t, &Server{WriteQueueHard: -1, WriteQueueSoft: -1})
		st.pcg.Seed(seed, 1)
		st.luck = luck{short: 900, eagain: 300, eintr: 200}
		st.luck.eintr = 0 // during the handshake
		p := st.open()
		st.luck.eintr = 200
		var want []byte
		prepared, err := conn.Prepare(frame.Binary, []byte(ballast[:5000]))
		if err != nil {
			t.Fatal(err)
		}
		for i := range 100 {
			p.outCap = int32(st.upTo(50000))
			c := st.seen[0].c
			switch i % 3 {
			case 0:
				_ = c.WritePrepared(prepared)
				want = append(want, ballast[:5000]...)
			default:
				n := st.upTo(40000)
				_ = c.Write(frame.Binary, []byte(ballast[i:i+n]))
				want = append(want, ballast[i:i+n]...)
			}
			if st.chance(600) {
				st.turn()
			}
			if st.chance(600) {
				p.drain()
			}
		}
		p.outCap = 20000
		var got []byte
		for n := 0; len(got) < len(want) && n < 100000; n++ {
			if m := p.next(); m.Op == frame.Binary {
				got = append(got, m.Payload...)
			} else {
				st.turn()
			}
		}
		if !bytes.Equal(got, want) {
			t.Fatalf("seed %d: %d octets arrived of %d, or others: %v\n%s", seed, len(got), len(want), st.seen[0].err, st.trace(40))
		}
		st.luck = luck{}
		st.over()
	}
}

// A peer that writes and does not read, to a server that echoes: the server stops reading, with bounded memory, and goes on when the peer reads.
func TestE17WritesWithoutReading(t *testing.T) {
	s := &Server{}
	s.Options.WriteStallTimeout = -1
	st := newStage(t, s)
	st.onMessage = echo
	p := st.open()
	p.inCap, p.outCap = 1<<18, 1<<18
	const size, count = 64 << 10, 512
	one := masked(frame.Binary, true, ballast[:size])
	var wire []byte
	sent, most := 0, 0
	for range 4 {
		for sent < count*len(one) {
			if len(wire) == 0 {
				wire = one
			}
			n := p.send(wire)
			wire = wire[n:]
			sent += n
			st.quiet()
			most = max(most, st.seen[0].c.Buffered())
			if n == 0 {
				break
			}
		}
	}
	if sent > 2<<20 || most > 64<<10+2*(size+14) {
		t.Fatalf("it took %d octets from a peer that does not read, and queued %d", sent, most)
	}
	echoed := 0
	for echoed < count {
		if m := p.next(); m.Op == frame.Binary {
			if string(m.Payload) != ballast[:size] {
				t.Fatal("another message")
			}
			echoed++
			continue
		}
		if sent < count*len(one) {
			if len(wire) == 0 {
				wire = one
			}
			n := p.send(wire)
			wire, sent = wire[n:], sent+n
		}
		before := st.progress
		st.quiet()
		if p.out.len() == 0 && st.progress == before && p.room() == 0 {
			t.Fatalf("stuck after %d messages", echoed)
		}
	}
	if most = st.seen[0].c.Buffered(); most != 0 {
		t.Errorf("%d octets are still queued", most)
	}
	st.over()
}

// Half a close: the peer's FIN without a closing handshake is an abnormal end (1006), once what it sent before has been delivered; what is queued
// for it still leaves.
func TestE18HalfClose(t *testing.T) {
	st := newStage(t, &Server{})
	st.onMessage = func(h *seen, m conn.Message) { _ = h.c.Write(frame.Binary, []byte(ballast[:50000])) }
	p := st.open()
	p.outCap = 1000
	p.message(frame.Text, "go on")
	p.finish()
	st.quiet()
	if h := st.seen[0]; h.closes != 0 || h.n != 1 {
		t.Fatalf("%d messages, closed %d times", h.n, h.closes)
	}
	for range 100 {
		p.drain()
		st.quiet()
	}
	p.expect(frame.Binary, ballast[:50000])
	if h := st.seen[0]; h.closes != 1 || conn.CodeOf(h.err) != frame.CloseAbnormal || p.wasReset || !p.ended() {
		t.Errorf("closed %d times with %v, reset %v", h.closes, h.err, p.wasReset)
	}
	st.over()
}

// Closing over input that nobody has read sends a reset, which costs the peer what it has not read yet. The five cases that were measured on a
// real system, and the two in which the peer goes on sending: the peer always reads everything, the Close frame last.
func TestE19LingeringClose(t *testing.T) {
	cases := []struct {
		name    string
		unread  int // octets under way to the server when it closes
		output  int
		later   int // octets the peer sends after it has read the Close
		answers bool
	}{
		{"nothing to read, nothing to write", 0, 0, 0, true},
		{"100 unread octets, 1 MiB to write", 100, 1 << 20, 0, true},
		{"100 unread octets, a Close frame", 100, 0, 0, true},
		{"nothing to read, 1 MiB to write", 0, 1 << 20, 0, true},
		{"100 unread octets, 1 MiB, no answer", 100, 1 << 20, 0, false},
		{"the peer goes on sending", 1000, 1 << 10, 30_000, false},
		{"the peer breaks the rules and goes on", -1, 1 << 10, 30_000, false},
	}
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			st := newStage(t, &Server{WriteQueueHard: 4 << 20})
			p := st.open()
			p.outCap = 10_000
			if tc.output > 0 {
				_ = st.seen[0].c.Write(frame.Binary, make([]byte, tc.output))
			}
			code := frame.CloseCode(4001)
			if tc.unread < 0 {
				code = frame.CloseProtocolError
				p.say(append([]byte{0x81, 0x00}, make([]byte, 100)...))
			} else {
				_ = st.seen[0].c.Close(code, "")
				p.say(masked(frame.Text, true, ballast[:tc.unread]))
			}
			st.turn()
			if tc.output > 0 {
				m := p.next()
				for i := 0; m.Op == 0 && i < 1000; i++ {
					st.quiet()
					m = p.next()
				}
				if len(m.Payload) != tc.output {
					t.Fatalf("%d octets arrived of %d, reset: %v", len(m.Payload), tc.output, p.wasReset)
				}
			}
			st.quiet()
			if tc.later > 0 {
				p.say([]byte(ballast[:tc.later]))
				st.quiet()
			}
			p.expectClose(code)
			if tc.answers {
				p.close(code)
				st.quiet()
				if p.wasReset || !p.sock.closed {
					t.Errorf("reset %v, closed %v", p.wasReset, p.sock.closed)
				}
			}
			st.pass(11 * time.Second)
			if !p.sock.closed || st.seen[0].closes != 1 {
				t.Error("it is still open")
			}
			st.over()
		})
	}
	// The favour has its limit: a peer that sends more than maxDiscard after the end is cut off.
	st := newStage(t, &Server{})
	p := st.open()
	p.say([]byte{0xff, 0xff})
	for range maxDiscard / len(ballast) {
		p.say([]byte(ballast))
		st.quiet()
	}
	if p.sock.closed {
		t.Errorf("up to the limit it is read from; it took %d octets", p.taken)
	}
	for range 100 {
		p.say([]byte(ballast[:4096]))
		st.quiet()
	}
	if !p.sock.closed || p.taken > maxDiscard+1<<20 {
		t.Errorf("after the end it took %d octets", p.taken)
	}
	st.over()
}
