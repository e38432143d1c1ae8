package netpoll

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/idlewire/idlewire/conn"
	"github.com/idlewire/idlewire/frame"
	"github.com/idlewire/idlewire/handshake"
)

// The rows of the threat list about quantities that a peer can make grow, seen from the loop.

// held is what the server holds for the connection of the n-th slot beside its Conn.
func (st *stage) held(n int) int {
	c := st.srv.loops[0].conns[n]
	if c == nil {
		return 0
	}
	held := c.proto.Buffered()
	if c.busy != nil {
		held += c.busy.size
	}
	return held
}

// A message of continuations without end: 1009 when it is too long, 1008 when it is too many, whichever is first, and memory stays within twice
// what was received.
func TestV14EndlessContinuations(t *testing.T) {
	for _, size := range []int{1, 16, 125, 126, 4096} {
		s := &Server{}
		s.Options.MaxMessage = 64 << 10
		st := newStage(t, s)
		p := st.open()
		p.say(masked(frame.Text, false, ballast[:size]))
		sent := int64(0)
		for i := 0; !p.shut && !p.sock.closed; i++ {
			if i > 1<<17 {
				t.Fatal("it goes on for ever")
			}
			p.say(masked(frame.Continuation, false, ballast[:size]))
			sent++
			st.quiet()
			if n := st.held(0); int64(n) > 2*p.taken+4096 && n > 4096 {
				t.Fatalf("%d octets held for %d received", n, p.taken)
			}
		}
		code, most := frame.CloseTooBig, 64<<10/int64(size)
		if most > 1024 {
			code, most = frame.ClosePolicyViolation, 1024
		}
		if p.expectClose(code); sent > most+1 {
			t.Errorf("fragments of %d: %d were taken", size, sent)
		}
		if h := st.seen[0]; h.n != 0 {
			t.Error("a part was delivered")
		}
		st.pass(time.Minute)
		st.over()
	}
}

// 200,000 fragments with nothing in them: 1008 at MaxFragments; what is held is at most twice what came, and 4 KiB, for fragments of any size.
func TestV15TinyFragments(t *testing.T) {
	for _, size := range []int{0, 1, 2, 16, 125} {
		st := newStage(t, &Server{})
		p := st.open()
		one := masked(frame.Continuation, false, ballast[:size])
		p.say(masked(frame.Text, false, ""))
		p.inCap = 1 << 30
		p.send(bytes.Repeat(one, 200_000))
		for i := 0; i < 100 && !p.sock.closed; i++ {
			st.turn()
			p.drain() // or what it gets in the end is a reset
			if n := int64(st.held(0)); n > 2*(p.taken-int64(len(opener)))+4096 {
				t.Fatalf("%d octets held for %d received", n, p.taken)
			}
		}
		if p.expectClose(frame.ClosePolicyViolation); st.seen[0].n != 0 {
			t.Error("a part was delivered")
		}
		st.pass(time.Minute)
		st.over()
	}
}

// A legal frame that dribbles in, an octet at a time: never more than twice what has come, and 4 KiB.
func TestV17DribbledFrame(t *testing.T) {
	const size = 1<<20 - 1
	st := newStage(t, &Server{})
	p := st.open()
	b := masked(frame.Binary, true, strings.Repeat("x", size))
	for i := range b {
		switch {
		case i < 20_000 || i&(i-1) == 0 || i > len(b)-100: // an octet alone
			p.say(b[i : i+1])
		default: // a few together, to save time
			if i%997 == 0 {
				p.say(b[i-997+1 : i+1])
				break
			}
			if j := i / 997 * 997; j+997 < len(b)-100 && j >= 20_000 && i > j {
				continue
			}
			p.say(b[i : i+1])
		}
		st.quiet()
		if n := int64(st.held(0)); n > 2*p.taken+4096 {
			t.Fatalf("%d octets held for %d received", n, p.taken)
		}
		if i == 20_000 {
			break // beyond that the buffer only doubles
		}
	}
	p.say(b[20_001:])
	st.quiet()
	if h := st.seen[0]; h.n != 1 || h.octets != size {
		t.Errorf("%d messages, %d octets", h.n, h.octets)
	}
	if n := st.held(0); n != 0 {
		t.Errorf("%d octets are held after the message", n)
	}
	st.over()
}

// A refusal in the hook, or a panic in it, at the moment of a reset, or before, or after: nothing is left, nobody is opened (sim.hook).
func TestV41RefusedAtTheMomentOfAReset(t *testing.T) {
	playAll(t, number(t, "IDLEWIRE_SEEDS", few(1500)), func(s *sim) {
		for _, c := range s.clients {
			if c.opening == openRefused && c.opened > 0 {
				t.Errorf("seed %d: client %d was opened", s.seed, c.id)
			}
		}
	}, func(s *sim) {
		s.luck.abort = 40
		s.budget = 300
		s.made = func(c *client) {
			c.opening = openRefused
			if s.chance(256) {
				c.opening = openWhole
			}
			c.panicked = c.opening == openRefused && s.chance(256)
		}
	})
}

// The first frames come with the request, in one segment, or cut anywhere: they are handled.
func TestV42FirstFramesWithTheRequest(t *testing.T) {
	b := append([]byte(opener), masked(frame.Text, true, "first")...)
	b = append(b, masked(frame.Ping, true, "ping")...)
	for cut := 0; cut <= len(b); cut++ {
		for cut2 := cut; cut2 <= len(b); cut2 += 1 + (cut2-cut)/4 {
			st := newStage(t, &Server{})
			st.onMessage = echo
			p := st.dial()
			for _, piece := range [][]byte{b[:cut], b[cut:cut2], b[cut2:]} {
				p.say(piece)
				st.quiet()
			}
			p.opened()
			p.expect(frame.Text, "first")
			p.expect(frame.Pong, "ping")
			st.over()
		}
	}
}

// A flood of pings from a peer that never reads: at most 16 pongs wait, and one more; with the default rate it is failed with 1008. Ten pings in one
// segment get ten pongs.
func TestV61PingFlood(t *testing.T) {
	s := &Server{}
	s.Options.ControlRate = -1
	st := newStage(t, s)
	p := st.open()
	p.outCap = 16
	one := masked(frame.Ping, true, strings.Repeat("p", 125))
	p.inCap = 1 << 20
	flood := bytes.Repeat(one, 7000)
	for range 20 {
		p.send(flood)
		st.quiet()
		if n := st.held(0); n > (maxPongs+1)*127 {
			t.Fatalf("%d octets are queued", n)
		}
	}
	if p.taken < 16<<20 {
		t.Errorf("only %d octets of pings were taken", p.taken)
	}
	p.outCap = 1 << 20
	p.changed()
	p.say(masked(frame.Ping, true, "the newest"))
	st.quiet()
	pongs, last := 0, ""
	for m := p.next(); m.Op != 0; m = p.next() {
		pongs++
		last = string(m.Payload)
	}
	if pongs > maxPongs+3 || last != "the newest" {
		t.Errorf("%d pongs, the last is %.20q", pongs, last)
	}
	st.over()

	st = newStage(t, &Server{})
	p = st.open()
	p.say(bytes.Repeat(one, 10))
	st.quiet()
	for range 10 {
		p.expect(frame.Pong, strings.Repeat("p", 125))
	}
	p.outCap = 16
	p.say(bytes.Repeat(one, 1000))
	st.quiet()
	p.outCap = 1 << 20
	p.changed()
	st.quiet()
	p.expectClose(frame.ClosePolicyViolation)
	st.pass(time.Minute)
	if h := st.seen[0]; !errors.Is(h.err, frame.ErrControlRate) {
		t.Errorf("Close(%v)", h.err)
	}
	st.over()
}

// A subscriber that never reads, and a broadcast that goes on: its queue stays within the hard limit, the policy is carried out, the others get
// everything.
func TestV68OneNeverReads(t *testing.T) {
	for _, policy := range []WriteQueuePolicy{CloseWhenFull, DropWhenFull} {
		s := &Server{WriteQueuePolicy: policy, WriteQueueHard: 64 << 10, WriteQueueSoft: 8 << 10}
		st := newStage(t, s)
		var ps []*far
		for range 10 {
			ps = append(ps, st.open())
		}
		ps[0].outCap = 2048
		got := make([]int, len(ps))
		const n = 2000
		for i := range n {
			m, err := conn.Prepare(frame.Binary, []byte(ballast[:1000+i%100]))
			if err != nil {
				t.Fatal(err)
			}
			for j, h := range st.seen {
				switch err := h.c.WritePrepared(m); {
				case err == nil || j == 0 && (errors.Is(err, ErrQueueFull) || errors.Is(err, ErrClosed)):
				default:
					t.Fatal(err)
				}
				if b := h.c.Buffered(); b > 64<<10+200 {
					t.Fatalf("%d octets are queued", b)
				}
			}
			st.pass(time.Millisecond * 10)
			for j, p := range ps[1:] {
				for m := p.data(); m.Op != 0; m = p.data() {
					got[j+1]++
				}
			}
		}
		for j := range ps[1:] {
			if got[j+1] != n {
				t.Fatalf("subscriber %d got %d of %d", j+1, got[j+1], n)
			}
		}
		st.pass(5 * time.Second)
		h := st.seen[0]
		want := ErrQueueFull
		if policy == DropWhenFull {
			want = ErrWriteStall
		}
		if h.closes != 1 || !errors.Is(h.err, want) || st.srv.Stats().Drops == 0 {
			t.Errorf("policy %d: %d times Close(%v), %d drops", policy, h.closes, h.err, st.srv.Stats().Drops)
		}
		st.over()
	}
}

// Aborted handshakes, one for each way to fail, over and over: nothing is left of any.
func TestV81AbortedHandshakesLeaveNothing(t *testing.T) {
	st := newStage(t, &Server{Upgrader: handshake.Upgrader{Hook: func(r *handshake.Request) error {
		if string(r.Path()) == "/panic" {
			panic("on purpose")
		}
		if string(r.Path()) == "/no" {
			return errors.New("no")
		}
		return nil
	}}})
	ways := []string{opener[:1], opener[:50], opener[:len(opener)-1], "\r\n", "\x00",
		strings.Replace(opener, "/ ", "/no ", 1), strings.Replace(opener, "/ ", "/panic ", 1)}
	for _, bad := range badRequests {
		ways = append(ways, strings.ReplaceAll(bad.text, "$", "1"))
	}
	ends := []func(p *far){
		func(p *far) { p.finish() }, func(p *far) { p.abort(true) }, func(p *far) { p.abort(false) }, func(p *far) { p.hangUp() }, func(p *far) {},
	}
	n := 0
	for range 100 {
		for _, way := range ways {
			for _, end := range ends {
				p := st.dial()
				p.say([]byte(way))
				if n++; n%2 == 0 {
					st.turn()
				}
				end(p)
				st.turn()
			}
		}
	}
	st.pass(30 * time.Second)
	st.baseline(0)
	if l := st.srv.loops[0]; len(l.conns) > len(ways)*len(ends)*100 || len(st.seen) != 0 {
		t.Errorf("%d slots, %d opened", len(l.conns), len(st.seen))
	}
	if st.world.open != 1 {
		t.Errorf("%d handles are open", st.world.open)
	}
	total := uint64(0)
	for _, k := range st.srv.Stats().Refused {
		total += k
	}
	if total != uint64(n) {
		t.Errorf("%d handshakes, %d counted as refused: %v", n, total, st.srv.Stats().Refused)
	}
	st.over()
}

// F22: a panic in each handler costs its connection, 1011, and is counted; the loop and the others live.
func TestF22HandlerPanics(t *testing.T) {
	for _, where := range []string{"hook", "Open", "Message", "Drained", "Close"} {
		t.Run(where, func(t *testing.T) {
			boom := func(is string) {
				if is == where {
					panic(fmt.Sprintf("on purpose, in %s", is))
				}
			}
			armed := false
			st := newStage(t, &Server{WriteQueueSoft: 100, Upgrader: handshake.Upgrader{Hook: func(*handshake.Request) error {
				if armed {
					boom("hook")
				}
				return nil
			}}})
			st.onMessage = echo
			other := st.open()
			armed = true
			st.onOpen = func(h *seen, _ *handshake.Request) {
				if where == "Open" {
					h.closes = 1 // nobody hears of the end
				}
				boom("Open")
			}
			st.onMessage = func(h *seen, m conn.Message) {
				if h == st.seen[0] {
					echo(h, m)
					return
				}
				boom("Message")
				_ = h.c.Write(frame.Binary, make([]byte, 1000))
			}
			st.onDrained = func(*seen) { boom("Drained") }
			st.onClose = func(h *seen) {
				if h != st.seen[0] {
					boom("Close")
				}
			}
			p := st.dial()
			p.outCap = 300
			p.say([]byte(opener))
			st.quiet()
			if where == "hook" {
				if p.drain(); !strings.HasPrefix(string(p.got), "HTTP/1.1 500 ") {
					t.Fatalf("%.50q", p.got)
				}
			} else {
				p.opened()
				p.message(frame.Text, "hello")
				for range 20 {
					st.quiet()
					p.drain()
				}
				if where == "Close" {
					p.close(1000)
					st.quiet()
					p.data()
					p.expectClose(1000)
				} else {
					if where == "Drained" {
						p.data()
					}
					p.expectClose(frame.CloseInternalError)
				}
			}
			other.message(frame.Text, "and I?")
			st.quiet()
			other.expect(frame.Text, "and I?")
			if n := st.srv.Stats().Panics; n != 1 {
				t.Errorf("%d panics counted", n)
			}
			p.finish()
			st.pass(time.Minute)
			if where == "Message" || where == "Drained" {
				if h := st.seen[1]; !errors.Is(h.err, ErrPanic) {
					t.Errorf("Close(%v)", h.err)
				}
			}
			st.over()
		})
	}
}
