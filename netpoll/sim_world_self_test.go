package netpoll

import (
	"io"
	"strings"
	"syscall"
	"testing"
)

// The world has to be trusted before the server is judged by it: a little echo over the bare kernel, under all the faults there are; and what the
// kernel refuses.

// bareEcho is a server of octets in forty lines, as the contract in kernel.go asks for it.
type bareEcho struct {
	k     *simKernel
	l     handle
	conns map[token]*echoing
	gen   uint32
	stop  bool
	evs   [4]event
}

type echoing struct {
	h    handle
	want interest
	out  []byte
	eof  bool
}

func (e *bareEcho) turn() bool {
	n, err := e.k.wait(e.evs[:], -1)
	if err != nil {
		return !e.stop
	}
	for _, ev := range e.evs[:n] {
		if ev.token.slot() == listenSlot {
			if h, err := e.k.accept(e.l); err == nil {
				e.gen++
				t := makeToken(e.gen, 1)
				e.conns[t] = &echoing{h: h, want: readable}
				for e.k.register(h, t, readable) != nil {
				}
			}
			continue
		}
		if c := e.conns[ev.token]; c != nil {
			e.serve(ev.token, c)
		}
	}
	if e.stop && len(e.conns) == 0 {
		_ = e.k.deregister(e.l)
		_ = e.k.close(e.l)
		_ = e.k.release()
		return false
	}
	return true
}

func (e *bareEcho) serve(t token, c *echoing) {
	if !c.eof {
		var b [100]byte
		n, err := e.k.read(c.h, b[:])
		c.out = append(c.out, b[:n]...)
		c.eof = err == io.EOF
	}
	if len(c.out) > 0 {
		if n, err := e.k.write(c.h, c.out); err == nil {
			c.out = c.out[n:]
		}
	}
	want := interest(0)
	if !c.eof {
		want |= readable
	}
	if len(c.out) > 0 {
		want |= writable
	}
	switch {
	case want == 0:
		_ = e.k.close(c.h)
		delete(e.conns, t)
	case want != c.want:
		for e.k.modify(c.h, t, want) != nil {
		}
		c.want = want
	}
}

// expectation is a peer that sends a text, and wants it back.
type expectation struct {
	s    *sock
	send string
	got  string
	next int64
	w    *world
}

func (p *expectation) when() int64 { return p.next }

func (p *expectation) act() {
	n := p.s.send([]byte(p.send[:min(len(p.send), p.w.upTo(200))]))
	if p.send = p.send[n:]; p.send == "" {
		p.s.finish()
	}
	p.got += string(p.s.receive(p.w.upTo(200)))
	if p.next = p.w.clock + int64(p.w.intn(1e6)); p.s.ended() {
		p.next = never
	}
}

func TestWorldCarriesOctets(t *testing.T) {
	for seed := range uint64(few(200)) {
		w := newWorld(seed)
		w.luck = luck{eintr: 200, eagain: 200, short: 500, dribble: 100, late: 300, spurious: 200, split: 300, accept: 0, modify: 100, register: 100, shuffle: true}
		l := w.listener()
		e := &bareEcho{k: w.newKernel(), l: l.h, conns: map[token]*echoing{}}
		for e.k.register(l.h, makeToken(listenSlot, 0), readable) != nil {
		}
		w.start(e.k, e.turn)
		var ps []*expectation
		for i := range 5 {
			p := &expectation{s: w.dial(l), send: ballast[i : i+w.upTo(5000)], w: w}
			p.s.inCap, p.s.outCap = int32(w.upTo(3000)), int32(w.upTo(3000))
			ps = append(ps, p)
			w.actors = append(w.actors, p)
		}
		want := make([]string, len(ps))
		for i, p := range ps {
			want[i] = p.send
		}
		for w.step() {
		}
		for i, p := range ps {
			if p.got != want[i] || !p.s.closed {
				t.Fatalf("seed %d: %d octets came back of %d, closed: %v", seed, len(p.got), len(want[i]), p.s.closed)
			}
		}
		e.stop = true
		_ = e.k.wake()
		for !e.k.over && w.step() {
		}
		w.leave()
	}
}

// What the contract forbids ends the world at once.
func TestWorldRefuses(t *testing.T) {
	cases := []struct {
		says string
		do   func(k *simKernel, l, h handle)
	}{
		{"close of handle 1, which is not open", func(k *simKernel, _, h handle) { _ = k.close(h); _ = k.close(h) }},
		{"read of handle 1, which is not open", func(k *simKernel, _, h handle) { _ = k.close(h); _, _ = k.read(h, make([]byte, 1)) }},
		{"write of handle 1, which is not open", func(k *simKernel, _, h handle) { _ = k.close(h); _, _ = k.write(h, make([]byte, 1)) }},
		{"modify of handle 1, which is not registered", func(k *simKernel, _, h handle) { _ = k.modify(h, 1, readable) }},
		{"deregister of handle 1, which is not registered", func(k *simKernel, _, h handle) { _ = k.deregister(h) }},
		{"register of handle 1, which is registered", func(k *simKernel, _, h handle) {
			_ = k.register(h, makeToken(1, 1), readable)
			_ = k.register(h, makeToken(1, 2), readable)
		}},
		{"slot 1 has generation 1 after 1", func(k *simKernel, _, h handle) {
			_ = k.register(h, makeToken(1, 1), readable)
			_ = k.deregister(h)
			_ = k.register(h, makeToken(1, 1), readable)
		}},
		{"by a stale owner", func(k *simKernel, _, h handle) {
			_ = k.register(h, makeToken(1, 2), readable)
			_ = k.modify(h, makeToken(1, 1), writable)
		}},
		{"that changes nothing", func(k *simKernel, _, h handle) {
			_ = k.register(h, makeToken(1, 2), readable)
			_ = k.modify(h, makeToken(1, 2), readable)
		}},
		{"after shutdown", func(k *simKernel, _, h handle) { _ = k.shutdown(h); _, _ = k.write(h, make([]byte, 1)) }},
		{"shutdown of handle 1, twice", func(k *simKernel, _, h handle) { _ = k.shutdown(h); _ = k.shutdown(h) }},
		{"write of nothing", func(k *simKernel, _, h handle) { _, _ = k.write(h, nil) }},
		{"writev of nothing", func(k *simKernel, _, h handle) { _, _ = k.writev(h, [][]byte{{}, {}}) }},
		{"a loop that has not registered it", func(k *simKernel, _, h handle) { _, _ = k.read(h, make([]byte, 1)) }},
		{"of which no event has come", func(k *simKernel, _, h handle) {
			_ = k.register(h, makeToken(1, 1), readable)
			k.turns = 5
			_, _ = k.read(h, make([]byte, 1))
		}},
		{"which does not listen", func(k *simKernel, _, h handle) { _, _ = k.accept(h) }},
		{"close after release", func(k *simKernel, _, h handle) { _ = k.release(); _ = k.close(h) }},
		{"wake after release", func(k *simKernel, _, _ handle) { _ = k.release(); _ = k.wake() }},
		{"wait outside of a loop", func(k *simKernel, _, _ handle) { _, _ = k.wait(make([]event, 1), -1) }},
	}
	for _, tc := range cases {
		t.Run(tc.says, func(t *testing.T) {
			w := newWorld(1)
			k := w.newKernel()
			l := w.listener()
			w.dial(l)
			h, err := k.accept(l.h)
			if err != nil || h != 1 {
				t.Fatal(h, err)
			}
			if err := quietly(func() { tc.do(k, l.h, h) }); err == nil || !strings.Contains(w.failure, tc.says) {
				t.Errorf("expected %q, got %q", tc.says, w.failure)
			}
		})
	}
}

// The lowest number that is free is given out first, as systems do, and at once.
func TestWorldReusesNumbers(t *testing.T) {
	w := newWorld(1)
	k := w.newKernel()
	l := w.listener()
	for range 10 {
		w.dial(l)
	}
	for i := range 5 {
		if h, _ := k.accept(l.h); h != handle(i+1) {
			t.Fatalf("accept %d gave %d", i, h)
		}
	}
	_ = k.close(4)
	_ = k.close(2)
	for _, want := range []handle{2, 4, 6} {
		if h, _ := k.accept(l.h); h != want {
			t.Fatalf("expected %d, got %d", want, h)
		}
	}
	if _, err := k.write(2, []byte("x")); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		_, _ = k.accept(l.h)
	}
	if _, err := k.accept(l.h); err != syscall.EAGAIN {
		t.Errorf("accept from an empty backlog: %v", err)
	}
}
