package netpoll

import (
	"errors"
	"fmt"
	"os"
	"syscall"
	"testing"
	"time"

	"github.com/idlewire/idlewire/conn"
	"github.com/idlewire/idlewire/frame"
)

// The rows of the threat list about time: who waits for what, and for how long.

const twoTicks = 2 * tickLength * time.Nanosecond

// errands of a flooder and of a hundred others on the same loop: each of the others is answered in the turn in which it is heard.
func TestE21OneFloodsAndTheOthersAreServed(t *testing.T) {
	st := newStage(t, &Server{})
	st.onMessage = echo
	flood := st.open()
	flood.inCap = 1 << 20
	var ps []*far
	for range 100 {
		ps = append(ps, st.open())
	}
	one := masked(frame.Text, true, "flood")
	for round := range 50 {
		for flood.room() > len(one) { // its socket is never empty
			flood.send(one)
		}
		flood.got = nil
		flood.out.cut(0)
		for i, p := range ps {
			p.message(frame.Text, fmt.Sprint(round, i))
		}
		before := flood.taken
		st.turn()
		for i, p := range ps {
			p.expect(frame.Text, fmt.Sprint(round, i))
		}
		if n := flood.taken - before; n > readSize {
			t.Fatalf("%d octets of the flood in one turn", n)
		}
	}
	st.over()
}

// One sends half a frame header and stops: nobody else notices.
func TestE22OneStopsInTheMiddle(t *testing.T) {
	st := newStage(t, &Server{})
	st.onMessage = echo
	for cut := 1; cut < 30; cut++ {
		slow, other := st.open(), st.open()
		slow.say(masked(frame.Text, true, "twenty octets of text")[:min(cut, 20)])
		for range 3 {
			other.message(frame.Text, "and I?")
			st.turn()
			other.expect(frame.Text, "and I?")
		}
	}
	st.over()
}

// Accept fails for want of descriptors or memory while connections wait: the loop does not spin, and they are served within a second of the
// shortage's end (the pause between two attempts is at most that).
func TestE24AcceptFails(t *testing.T) {
	for _, errno := range []syscall.Errno{syscall.EMFILE, syscall.ENFILE, syscall.ENOBUFS, syscall.ENOMEM, syscall.EPERM, syscall.ECONNABORTED, syscall.EPROTO, syscall.EINTR, syscall.EINVAL} {
		t.Run(errno.Error(), func(t *testing.T) {
			st := newStage(t, &Server{})
			st.onMessage = echo
			old := st.open()
			calls, failing := 0, true
			st.inject = func(o op, _ handle) error {
				if o == opAccept && failing {
					if calls++; calls > 3 && (errno == syscall.ECONNABORTED || errno == syscall.EPROTO || errno == syscall.EPERM || errno == syscall.EINTR) {
						return nil // the trouble of one connection, not of the system
					}
					return errno
				}
				return nil
			}
			var ps []*far
			for range 10 {
				p := st.dial()
				p.say([]byte(opener))
				ps = append(ps, p)
			}
			before := st.turns()
			for range 100 { // those who are there do not notice
				old.message(frame.Text, "still there?")
				st.pass(100 * time.Millisecond)
				old.expect(frame.Text, "still there?")
			}
			if n := st.turns() - before; n > 100+40 || calls > 40 {
				t.Errorf("%d turns and %d calls of accept in ten seconds of shortage", n, calls)
			}
			failing = false
			st.pass(time.Second + twoTicks)
			for _, p := range ps {
				p.opened()
			}
			st.over()
		})
	}
}

// The system has room for few descriptors: those who wait are served as soon as others go.
func TestE24DescriptorsRunOut(t *testing.T) {
	st := newStage(t, &Server{})
	st.limit = 65
	var ps []*far
	for range 1000 {
		p := st.dial()
		p.say([]byte(opener))
		ps = append(ps, p)
	}
	before := st.turns()
	st.pass(4 * time.Second)
	if n := st.turns() - before; n > 150 || len(st.seen) != 64 {
		t.Errorf("%d turns, %d open", n, len(st.seen))
	}
	for i := 0; i < len(ps); i += 50 {
		for _, p := range ps[i:min(i+50, len(ps))] {
			p.abort(true)
		}
		st.pass(time.Second + twoTicks)
	}
	if len(st.seen) < 900 {
		t.Errorf("%d of 1000 were ever served", len(st.seen))
	}
	st.over()
}

// Slowloris: an octet of the request a second. All are closed when the time from accept is over, none earlier, and none costs more than 8 KiB.
func TestV43SlowOpeningHandshakes(t *testing.T) {
	const slow = 2000
	st := newStage(t, &Server{})
	for range slow {
		st.dial()
	}
	st.quiet()
	for second := range 5 {
		for _, p := range st.peers[:slow] {
			if p.sock.closed {
				t.Fatalf("closed after %d s", second)
			}
			p.say([]byte{opener[second]})
		}
		for range 100 {
			st.open() // honest ones come through meanwhile
		}
		st.pass(990 * time.Millisecond)
	}
	for _, c := range st.srv.loops[0].conns {
		if c != nil && c.busy != nil {
			if n := c.busy.request.Buffered(); n > 8<<10 {
				t.Fatalf("%d octets for half a request", n)
			}
		}
	}
	st.pass(50*time.Millisecond + twoTicks)
	for i, p := range st.peers[:slow] {
		if !p.sock.closed {
			t.Fatalf("%d is still open", i)
		}
	}
	if n := st.srv.Stats().Refused[408]; n != slow {
		t.Errorf("%d counted as too slow, of %d", n, slow)
	}
	st.baseline(500)
	st.over()
}

// After Close(code) the peer reads exactly that code, whatever was queued before it and whoever else closes at the same time, and no connection is
// left over.
func TestV60CloseFrameIsNeverLost(t *testing.T) {
	closed := 0
	playAll(t, few(1000), func(s *sim) {
		for _, c := range s.clients {
			if c.honest() && c.closeAt != 0 {
				closed++
				if c.farewell == 0 {
					t.Errorf("seed %d: client %d never read the Close", s.seed, c.id)
				}
			}
		}
	}, func(s *sim) {
		s.jumps, s.luck.jump = false, 0
		s.made = func(c *client) {
			c.server = doClose
			c.reads, c.slow, c.pause = readAll, false, 0
		}
	})
	if closed < few(1000) {
		t.Errorf("only %d were closed", closed)
	}
}

// The peer does not answer our Close: the descriptor is gone at CloseTimeout, neither before nor later.
func TestV69PeerIgnoresClose(t *testing.T) {
	for _, talks := range []bool{false, true} {
		st := newStage(t, &Server{})
		p := st.open()
		_ = st.seen[0].c.Close(1000, "")
		st.quiet()
		p.expectClose(1000)
		for range 48 {
			st.pass(100 * time.Millisecond)
			if talks {
				p.message(frame.Text, "what?")
			}
		}
		if p.sock.closed {
			t.Fatal("closed early")
		}
		st.pass(200*time.Millisecond + twoTicks)
		if h := st.seen[0]; !p.sock.closed || !errors.Is(h.err, ErrCloseTimeout) || h.n != 0 {
			t.Errorf("closed %v, Close(%v), %d messages", p.sock.closed, h.err, h.n)
		}
		st.over()
	}
}

// A peer that has vanished is found within PingInterval (and a fifth) and PongTimeout; one that answers lives for ever.
func TestV70HalfOpen(t *testing.T) {
	st := newStage(t, &Server{})
	const n = 200
	for range n {
		st.open()
	}
	alive := st.peers[0]
	began := st.clock
	st.pass(23 * time.Second)
	st.baseline(n)
	for st.clock < began+int64(36*time.Second) {
		st.pass(time.Second)
		for m := alive.next(); m.Op != 0; m = alive.next() {
			alive.say(alive.proto.AppendReply(nil, m))
		}
	}
	for st.clock < began+int64(56*time.Second+twoTicks) {
		st.pass(100 * time.Millisecond)
		for m := alive.next(); m.Op != 0; m = alive.next() {
			alive.say(alive.proto.AppendReply(nil, m))
		}
	}
	st.baseline(1)
	for i, h := range st.seen[1:] {
		if !errors.Is(h.err, ErrPongTimeout) || !errors.Is(h.err, os.ErrDeadlineExceeded) {
			t.Fatalf("%d: Close(%v)", i, h.err)
		}
	}
	spread := map[int64]int{} // they came together, and do not go together
	for _, p := range st.peers[1:] {
		spread[p.died/1e9]++
	}
	if len(spread) < 8 {
		t.Errorf("the ends of %d connections lie in %d seconds", n, len(spread))
	}
	for range 20 {
		for m := alive.next(); m.Op != 0; m = alive.next() {
			alive.say(alive.proto.AppendReply(nil, m))
		}
		st.pass(19 * time.Second)
	}
	st.baseline(1)
	st.over()
}

// The stall: it counts from the last octet that the peer took, fires once, and new writes, pings, pauses and closes neither lose it nor hurry it.
func TestV76WriteStall(t *testing.T) {
	for seed := range uint64(few(300)) {
		st := newStage(t, &Server{WriteQueueHard: -1, WriteQueueSoft: 500})
		st.pcg.Seed(seed, 76)
		p := st.open()
		p.outCap = int32(300 + st.intn(2000))
		st.pass(time.Duration(st.intn(25)) * time.Second)
		if p.next(); p.sock.closed { // a ping may have come
			t.Fatal("closed")
		}
		c := st.seen[0].c
		var last int64
		for range 2 + st.intn(20) {
			switch st.intn(4) {
			case 0:
				if st.seen[0].closes == 0 && len(p.receive(1+st.intn(500))) > 0 && c.Buffered() > 0 {
					st.quiet()
					last = st.clock
				}
			case 1:
				_ = c.Ping(nil)
			default:
				_ = c.Write(frame.Binary, make([]byte, st.intn(3000)))
			}
			st.quiet()
			if st.seen[0].closes > 0 {
				break
			}
			if c.Buffered() > 0 && last == 0 {
				last = st.clock
			} else if c.Buffered() == 0 {
				last = 0
			}
			if st.pass(time.Duration(st.intn(3000)) * time.Millisecond); st.seen[0].closes > 0 {
				break
			}
			p.say(masked(frame.Pong, true, "")) // it is alive, it does not read
			st.quiet()
		}
		for c.Buffered() == 0 && st.seen[0].closes == 0 {
			_ = c.Write(frame.Binary, make([]byte, 3000))
			st.quiet()
			if last == 0 && c.Buffered() > 0 {
				last = st.clock
			}
		}
		for st.seen[0].closes == 0 && st.clock < last+int64(30*time.Second) {
			st.pass(100 * time.Millisecond)
			p.say(masked(frame.Pong, true, ""))
		}
		h := st.seen[0]
		if h.closes != 1 || !errors.Is(h.err, ErrWriteStall) {
			t.Fatalf("seed %d: %d times Close(%v)", seed, h.closes, h.err)
		}
		if d := time.Duration(p.died - last); d < 10*time.Second || d > 10*time.Second+twoTicks+tickLength {
			t.Fatalf("seed %d: it fired after %v", seed, d)
		}
		st.over()
	}
}

// While a close is in progress the loop sleeps, whatever the peer has done to its socket.
func TestV77ClosingIsNoBusyWait(t *testing.T) {
	for _, what := range []string{"nothing", "half a frame", "FIN", "reset", "hang up"} {
		st := newStage(t, &Server{})
		p := st.open()
		_ = st.seen[0].c.Close(1000, "")
		st.quiet()
		before := st.turns()
		switch what {
		case "half a frame":
			p.say([]byte{0x81})
		case "FIN":
			p.finish()
		case "reset":
			p.abort(true)
		case "hang up":
			p.drain()
			p.hangUp()
		}
		st.pass(5 * time.Second)
		if n := st.turns() - before; n > 8 {
			t.Errorf("%s: %d turns in 5 s of closing", what, n)
		}
		st.over()
	}
}

// F15: the clock jumps, because the process was stopped. Nobody is timed out for it: not whose octets have come meanwhile, and not who
// answers the next ping.
func TestF15TimeJumps(t *testing.T) {
	for _, jump := range []time.Duration{5 * time.Second, 30 * time.Second, time.Hour, 1000 * time.Hour} {
		st := newStage(t, &Server{})
		st.onMessage = echo
		var ps []*far
		for range 100 {
			ps = append(ps, st.open())
		}
		answer := func() {
			for _, p := range ps {
				for m := p.next(); m.Op != 0; m = p.next() {
					p.say(p.proto.AppendReply(nil, m))
				}
			}
			st.quiet()
		}
		for range 20 {
			st.pass(7 * time.Second)
			answer()
			half := st.dial()
			half.say([]byte(opener[:20]))
			st.quiet()
			_ = st.seen[0].c.Ping([]byte("ping"))
			st.quiet()
			st.clock += int64(jump) // all of it between two turns; what the peers have sent meanwhile waits in the sockets
			half.send([]byte(opener[20:]))
			st.turn()
			answer()
			half.opened()
			ps = append(ps, half)
			st.baseline(len(ps))
		}
		st.over()
	}
}

// E33: Shutdown at any moment: it ends, in time, with nothing left (sim.outlast and sim.reckon).
func TestE33ShutdownAtAnyMoment(t *testing.T) {
	seeds := few(3000)
	if os.Getenv("IDLEWIRE_SEEDS") != "" {
		seeds = 10_000
	}
	playAll(t, seeds, nil, func(s *sim) { s.stopStep = s.intn(400) })
}

// E29: a handler that writes, and is told that the queue has drained, and writes again: none of its methods runs inside another.
func TestE29NoReentrancy(t *testing.T) {
	st := newStage(t, &Server{WriteQueueSoft: 100, WriteQueueHard: -1})
	rounds := 0
	st.onMessage = func(h *seen, _ conn.Message) {
		for range 100_000 {
			_ = h.c.Write(frame.Text, nil)
		}
	}
	st.onDrained = func(h *seen) {
		if rounds++; rounds < 1000 {
			_ = h.c.Write(frame.Binary, make([]byte, 5000))
		}
	}
	p := st.open()
	p.outCap = 1000
	p.message(frame.Text, "go")
	for range 100_000 {
		st.quiet()
		if p.receive(1<<20) == nil || p.out.len() == 0 && st.seen[0].c.Buffered() == 0 {
			break
		}
	}
	if h := st.seen[0]; h.deepest != 1 || h.drained != 1000 {
		t.Errorf("handlers %d deep, drained %d times", h.deepest, h.drained)
	}
	st.over()
}
