package netpoll

import (
	"fmt"
	"math"
	"runtime"
	"runtime/debug"
	"testing"
	"time"

	"github.com/idlewire/idlewire/conn"
	"github.com/idlewire/idlewire/frame"
	"github.com/idlewire/idlewire/handshake"
)

// A million idle connections in one process (IDLEWIRE_IDLE=1000000; the ordinary run has 100,000), over sockets that are made beforehand and whose
// memory is counted apart: what is measured is the server's own heap for each, whatever it has been through, and what they cost a cycle of the
// garbage collector.

const idleBudget = 256 // octets of heap for each idle connection

// A sleeper is a handler with the least there can be to it: what a program keeps for each of its connections is the program's.
type sleeper struct{}

func (sleeper) Message(c *Conn, m conn.Message) { _ = c.Write(m.Op, m.Payload) }
func (sleeper) Close(*Conn, error)              {}

// heap is what is live, after a collection, and what a collection costs in CPU seconds: the cheapest of a few.
func heap() (octets int64, cost float64) {
	runtime.GC()
	runtime.GC() // pools let go
	cost = math.Inf(1)
	for range 7 {
		before := cpuTime()
		runtime.GC()
		cost = min(cost, cpuTime()-before)
	}
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc), cost
}

func TestMillionIdle(t *testing.T) {
	n := 100_000
	if simRace || testing.Short() {
		n = 20_000
	}
	n = number(t, "IDLEWIRE_IDLE", n)
	if n >= 1_000_000 {
		defer debug.SetGCPercent(debug.SetGCPercent(400))
	}
	s := &Server{Open: func(*Conn, *handshake.Request) Handler { return sleeper{} }}
	st := newStage(t, s)
	k := st.kernels[0]

	// The world: the sockets, and room for them in every table.
	request := []byte(opener)
	slab := make([]sock, n)
	st.socks = append(make([]*sock, 0, n+2), st.socks...)
	st.ln.backlog = make([]*sock, 0, n)
	k.maybe = make([]*sock, 0, n+2)
	k.gens = make([]uint32, 0, n)
	st.freed = make(map[handle]int, n)
	for i := range slab {
		slab[i] = sock{w: st.world, h: -1, inCap: 1 << 16, outCap: 1 << 16, sink: true}
		slab[i].in.buf = request
		st.ln.backlog = append(st.ln.backlog, &slab[i])
	}
	st.start()
	empty, worldCost := heap()

	report := func(what string) {
		t.Helper()
		live, cost := heap()
		each := float64(live-empty) / float64(n)
		t.Logf("%d connections %s: %.1f octets of heap each; a collection costs %.1f ms more than without them", n, what, each, (cost-worldCost)*1e3)
		if each > idleBudget && n >= 20_000 && !simRace {
			t.Errorf("%.1f octets each, and the budget is %d", each, idleBudget)
		}
		if st := s.Stats(); st.Open != int64(n) || st.Queued != 0 {
			t.Fatalf("%d open, %d octets queued", st.Open, st.Queued)
		}
	}
	st.quiet()
	report("opened")

	// An echo on each, of 512 octets.
	one := masked(frame.Binary, true, ballast[:512])
	for i := range slab {
		slab[i].in = queue{buf: one}
		slab[i].changed()
	}
	st.quiet()
	if got := s.Stats().MessagesOut; got != uint64(n) {
		t.Fatalf("%d echoes", got)
	}
	report("after an echo of 512 octets")

	// Silence, until every one has been pinged.
	st.pass(37 * time.Second)
	report("waiting for pongs")

	began := st.turns()
	for i := range slab {
		slab[i].in = queue{buf: pong}
		slab[i].changed()
	}
	st.quiet()
	report("after a ping and its pong")
	if turns := st.turns() - began; turns > n/eventBatch+2 {
		t.Errorf("%d turns for %d pongs", turns, n)
	}

	// A random one among them is served in a turn.
	p := &slab[st.intn(n)]
	p.sink = false
	p.out = queue{}
	p.in = queue{buf: one}
	p.changed()
	began = st.turns()
	st.quiet()
	if p.out.len() != 512+4 || st.turns() != began+1 {
		t.Errorf("an idle connection answered with %d octets after %d turns", p.out.len(), st.turns()-began)
	}
	if !testing.Short() {
		st.over()
	}
}

var pong = masked(frame.Pong, true, "")

// BenchmarkIdleConnection says what an idle connection costs, and what opening one does.
func BenchmarkIdleConnection(b *testing.B) {
	s := &Server{Open: func(*Conn, *handshake.Request) Handler { return sleeper{} }}
	st := newStage(b, s)
	st.start()
	request := []byte(opener)
	b.ReportAllocs()
	opened := 0
	for b.Loop() {
		p := st.world.dial(st.ln)
		p.sink = true
		p.in.buf = request
		p.changed()
		st.quiet()
		opened++
	}
	if got := s.Stats().Opened; got != uint64(opened) {
		b.Fatal(fmt.Sprint(got, " opened"))
	}
}
