package netpoll

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/idlewire/idlewire/conn"
	"github.com/idlewire/idlewire/frame"
)

// The fault matrix, as far as the loop and its kernel are concerned: one scripted session, broken in every place and in every way.

// session is what a peer says from its first octet to its last.
var session = func() (b []byte) {
	b = append(b, opener...)
	b = append(b, masked(frame.Text, true, "one")...)
	b = append(b, masked(frame.Binary, false, "two, ")...)
	b = append(b, masked(frame.Ping, true, "ping")...)
	b = append(b, masked(frame.Continuation, false, "")...)
	b = append(b, masked(frame.Continuation, true, "in fragments")...)
	b = append(b, masked(frame.Text, true, "")...)
	b = append(b, masked(frame.Text, true, ballast[:200])...)
	return append(b, masked(frame.Close, true, "\x03\xe8bye")...)
}()

// sessionMessages are the data messages in it, and where in it each of them ends.
var sessionMessages = []struct {
	text string
	end  int
}{
	{"one", len(opener) + 9},
	{"two, in fragments", len(opener) + 9 + 11 + 10 + 6 + 18},
	{"", len(opener) + 9 + 11 + 10 + 6 + 18 + 6},
	{ballast[:200], len(opener) + 9 + 11 + 10 + 6 + 18 + 6 + 208},
}

// complete is how many of them are in the first n octets.
func complete(n int) (k int) {
	for k < len(sessionMessages) && sessionMessages[k].end <= n {
		k++
	}
	return k
}

// recorded is a stage whose connections echo and write down what they see.
func recorded(t testing.TB, s *Server) (*stage, *[]string) {
	st := newStage(t, s)
	var saw []string
	st.onMessage = func(h *seen, m conn.Message) {
		saw = append(saw, m.Op.String()+":"+string(m.Payload))
		echo(h, m)
	}
	st.onClose = func(h *seen) { saw = append(saw, "end") }
	return st, &saw
}

// after runs the session up to octet n and then end. What was whole is delivered, and nothing else; the handler hears of one end; the loop takes
// a few turns and no more (V77); nothing is left.
func after(t *testing.T, n int, whole bool, end func(p *far)) (h *seen) {
	t.Helper()
	st, saw := recorded(t, &Server{})
	p := st.dial()
	before := st.turns()
	p.say(session[:n])
	if st.intn(2) == 0 {
		st.quiet()
	}
	end(p)
	st.quiet()
	st.pass(11 * time.Second)
	if k := st.turns() - before; k > 40 {
		t.Fatalf("octet %d: %d turns", n, k)
	}
	want := complete(n)
	got := 0
	for _, s := range *saw {
		if _, text, ok := strings.Cut(s, ":"); ok {
			if got >= want || text != sessionMessages[got].text {
				t.Fatalf("octet %d: message %d is %.40q", n, got, text)
			}
			got++
		}
	}
	if whole && got != want {
		t.Fatalf("octet %d: %d messages of %d", n, got, want)
	}
	st.baseline(0)
	if len(st.seen) == 1 {
		h = st.seen[0]
	}
	st.over()
	return h
}

// F04: a reset after every octet of the session.
func TestF04ResetAtEveryOctet(t *testing.T) {
	for n := range len(session) + 1 {
		for _, lose := range []bool{false, true} {
			h := after(t, n, false, func(p *far) { p.abort(lose) })
			var errno syscall.Errno
			var closed *conn.CloseError
			if h != nil && !errors.As(h.err, &errno) && !errors.As(h.err, &closed) {
				t.Fatalf("octet %d: Close(%v)", n, h.err)
			}
		}
	}
	// And after every octet of the server's side of it.
	for n := range 600 {
		st, _ := recorded(t, &Server{})
		p := st.dial()
		p.outCap = int32(n + 1)
		p.say(session)
		st.quiet()
		p.receive(n)
		p.abort(false)
		st.pass(11 * time.Second)
		st.baseline(0)
		st.over()
	}
}

// F05: a FIN, or a close of the socket, after every octet: whatever was whole is delivered first.
func TestF05EndAtEveryOctet(t *testing.T) {
	for n := range len(session) + 1 {
		h := after(t, n, true, func(p *far) { p.finish() })
		var closed *conn.CloseError
		switch {
		case h == nil && n >= len(opener), h != nil && n < len(opener):
			t.Fatalf("octet %d: opened: %v", n, h != nil)
		case h != nil && n < len(session) && !errors.Is(h.err, io.ErrUnexpectedEOF),
			h != nil && n == len(session) && !errors.As(h.err, &closed):
			t.Fatalf("octet %d: Close(%v)", n, h.err)
		}
		after(t, n, false, func(p *far) { p.hangUp() })
	}
}

// F06: octets that come and go one at a time, or in any pieces: the handler and the peer see the same.
func TestF06OneOctetAtATime(t *testing.T) {
	run := func(l luck, seed uint64, pieces func(st *stage) int) (saw []string, got string) {
		st, rec := recorded(t, &Server{})
		st.pcg.Seed(seed, 6)
		st.luck = l
		p := st.dial()
		for b := session; len(b) > 0; {
			n := min(pieces(st), len(b))
			p.say(b[:n])
			b = b[n:]
			st.quiet()
		}
		st.quiet()
		p.opened()
		for m := p.next(); m.Op != 0; m = p.next() {
			got += m.Op.String() + ":" + string(m.Payload) + "\n"
		}
		st.luck = luck{}
		st.over()
		return *rec, got
	}
	all := func(*stage) int { return len(session) }
	saw, got := run(luck{}, 0, all)
	if len(saw) != len(sessionMessages)+1 || !strings.Contains(got, "pong:ping\n") {
		t.Fatalf("%q %q", saw, got)
	}
	check := func(name string, s []string, g string) {
		t.Helper()
		if strings.Join(s, "\n") != strings.Join(saw, "\n") || g != got {
			t.Errorf("%s: the handler saw %q, the peer %q", name, s, g)
		}
	}
	s, g := run(luck{dribble: 1024}, 0, all)
	check("read and written by the octet", s, g)
	s, g = run(luck{}, 0, func(*stage) int { return 1 })
	check("sent by the octet", s, g)
	s, g = run(luck{dribble: 1024}, 0, func(*stage) int { return 1 })
	check("both", s, g)
	for cut := 1; cut < len(session); cut++ {
		first := true
		s, g = run(luck{}, 0, func(*stage) int {
			if first {
				first = false
				return cut
			}
			return len(session)
		})
		check(fmt.Sprintf("cut at %d", cut), s, g)
	}
	for seed := range uint64(64) {
		s, g = run(luck{short: 800, eagain: 200, eintr: 200, spurious: 500, late: 500, split: 500, shuffle: true}, seed, func(st *stage) int { return st.upTo(100) })
		check(fmt.Sprintf("seed %d", seed), s, g)
	}
}

// F11: each call of the kernel fails at its n-th time, for all n of a session of several peers, with each error. The loop lives, whoever is not
// concerned is served, nothing is left.
func TestF11EveryCallFails(t *testing.T) {
	errnos := []syscall.Errno{syscall.EINTR, syscall.EAGAIN, syscall.EPIPE, syscall.ECONNRESET, syscall.ENOBUFS, syscall.ENOMEM, syscall.EBADF}
	ops := []op{opWait, opWake, opRegister, opModify, opDeregister, opAccept, opRead, opWrite, opWritev, opShutdown, opClose}
	runs := 0
	for _, o := range ops {
		for _, errno := range errnos {
			for nth := 1; ; nth++ {
				calls := failing(t, o, nth, errno)
				if runs++; calls < nth {
					break
				}
			}
		}
	}
	t.Logf("%d sessions", runs)
	if runs < 400 {
		t.Error("the session is too short to prove anything")
	}
}

// failing plays a session in which the n-th call of o fails, and returns how many such calls there were.
func failing(t *testing.T, o op, nth int, errno syscall.Errno) (calls int) {
	t.Helper()
	st, _ := recorded(t, &Server{WriteQueueSoft: 200})
	st.start()
	st.inject = func(is op, h handle) error {
		if is != o {
			return nil
		}
		if calls++; calls != nth {
			return nil
		}
		if o == opDeregister && errno != syscall.EINTR { // then there is nothing registered
			st.socks[h].registered = false
		}
		return errno
	}
	var ps []*far
	for i := range 4 {
		p := st.dial()
		p.outCap = 250
		switch i {
		case 0, 1:
			p.say(session)
		case 2:
			p.say([]byte("GET nonsense\r\n\r\n"))
		case 3:
			p.say([]byte(opener))
		}
		st.turn()
		ps = append(ps, p)
	}
	if h := st.last(); h != nil {
		_ = h.c.Write(frame.Binary, []byte(ballast[:1000]))
		_ = h.c.Write(frame.Binary, []byte(ballast[:5000]))
	}
	for range 60 {
		st.turn()
		for _, p := range ps {
			p.receive(200)
		}
	}
	if h := st.last(); h != nil {
		_ = h.c.Close(1000, "")
	}
	for range 20 {
		st.turn()
		for _, p := range ps {
			p.receive(200)
		}
	}
	ps[0].abort(false)
	st.pass(2 * time.Second)
	hit := calls >= nth
	fresh := st.dial() // the loop lives
	fresh.say([]byte(opener))
	st.pass(2 * time.Second)
	if hit {
		fresh.opened()
		fresh.message(frame.Text, "are you there?")
		st.quiet()
		fresh.expect(frame.Text, "are you there?")
	}
	st.pass(20 * time.Second)
	st.over()
	for i, h := range st.seen {
		if h.err == nil {
			t.Fatalf("%s %d %v: connection %d ended without a reason", opNames[o], nth, errno, i)
		}
		if errors.Is(h.err, syscall.EINTR) {
			t.Fatalf("%s %d: an interruption was the end: Close(%v)", opNames[o], nth, h.err)
		}
	}
	return calls
}

func (st *stage) last() *seen {
	if len(st.seen) == 0 {
		return nil
	}
	return st.seen[len(st.seen)-1]
}
