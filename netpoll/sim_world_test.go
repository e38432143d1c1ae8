package netpoll

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"syscall"
)

// A world is everything outside of the server: sockets, peers, time, other goroutines, bad luck. One integer decides all of it. Whatever
// happens in it happens in one goroutine (the loops are coroutines that give way where they wait), so that a seed that fails fails again.
type world struct {
	seed  uint64
	pcg   rand.PCG
	rng   *rand.Rand
	luck  luck
	clock int64 // nanoseconds
	steps int   // calls of kernels and actions of peers

	socks  []*sock // by handle; nil: free
	low    int     // no handle below is free
	open   int
	limit  int // handles; above it accept says EMFILE
	serial uint32
	freed  map[handle]int // the turn in which a handle was last closed
	reused int            // handles that were closed and taken up again within one turn

	paused int // modifies that ended reading

	kernels []*simKernel
	actors  []actor

	progress uint64                      // counts what moves; see simKernel.wait
	strikers int                         // > 0: a strike is under way
	strike   func()                      // what another goroutine does in the middle of a kernel call
	resting  func(*simKernel)            // a loop is about to wait
	passing  func()                      // nobody can do anything: time is about to pass
	closing  func(*simKernel, *client)   // the handle of one of the clients is being closed
	loopTime func(*simKernel) int64      // the time as a loop knows it
	inject   func(op op, h handle) error // F11: an error for this call, or nil

	failure string
	ring    [64]entry
	entries int
	digest  uint64
	verbose func(string)
}

// An actor is somebody who acts in the world at times of its own.
type actor interface {
	when() int64 // time of the next action, math.MaxInt64: none
	act()
}

// luck says how often what goes wrong, in 1024ths of the calls.
type luck struct {
	eintr, eagain, short, dribble, late, spurious, split int
	accept, register, modify, write, read, shutdown      int
	jump, strike, abort                                  int
	shuffle                                              bool
}

// A failed world is left by this panic; what happened stands in world.failure, where it survives a recover.
type failed struct{}

func newWorld(seed uint64) *world {
	w := &world{seed: seed, limit: math.MaxInt32, clock: 1e9, freed: map[handle]int{}}
	w.pcg.Seed(seed, 0x9e3779b97f4a7c15)
	w.rng = rand.New(&w.pcg)
	w.digest = 14695981039346656037
	return w
}

func (w *world) intn(n int) int {
	if n <= 1 {
		return 0
	}
	return int(w.pcg.Uint64() >> 33 * uint64(n) >> 31)
}

// within is a time from 0 to d.
func (w *world) within(d int64) int64 {
	if d <= 0 {
		return 0
	}
	return int64(w.pcg.Uint64()>>1) % d
}

// chance is true so often of 1024 times.
func (w *world) chance(of1024 int) bool {
	return of1024 > 0 && int(w.pcg.Uint64()>>54) < of1024
}

// upTo is a number from 1 to n, small ones as likely as great ones (its logarithm is even).
func (w *world) upTo(n int) int {
	bits := 0
	for n>>bits > 0 {
		bits++
	}
	return min(1+w.intn(1<<w.intn(bits+1)), n)
}

// fail ends the world.
func (w *world) fail(format string, args ...any) {
	if w.failure == "" {
		w.failure = fmt.Sprintf(format, args...)
		w.note(opFail, 0, 0, nil)
	}
	panic(failed{})
}

// An op is a kind of thing that happens.
type op uint8

const (
	opWait op = iota
	opReady
	opWake
	opRegister
	opModify
	opDeregister
	opAccept
	opRead
	opWrite
	opWritev
	opShutdown
	opClose
	opNow
	opRelease
	opDial
	opSend
	opReceive
	opFin
	opReset
	opVanish
	opOpen
	opMessage
	opEnd
	opCall
	opStrike
	opJump
	opFail
	opStop
)

var opNames = [...]string{"wait", "  ready", "wake", "register", "modify", "deregister", "accept", "read", "write", "writev", "shutdown", "close",
	"now", "release", "peer dials", "peer sends", "peer receives", "peer FIN", "peer reset", "peer vanishes", "Open", "Message", "Close",
	"call", "strike", "time jumps", "FAILURE", "beginShutdown"}

// An entry is one line of the trace.
type entry struct {
	at   int64
	err  error
	a, b int64
	op   op
}

func (e entry) String() string {
	s := fmt.Sprintf("%12.6f  %-14s %4d %8d", float64(e.at)/1e9, opNames[e.op], e.a, e.b)
	if e.err != nil {
		s += "  " + e.err.Error()
	}
	return s
}

func (w *world) note(o op, a, b int64, err error) {
	e := entry{w.clock, err, a, b, o}
	w.ring[w.entries%len(w.ring)] = e
	w.entries++
	code := uint64(0)
	switch e := err.(type) {
	case nil:
	case syscall.Errno:
		code = uint64(e)
	default:
		code = 1 << 20
	}
	w.digest = (w.digest ^ uint64(w.clock)) * 1099511628211
	w.digest = (w.digest ^ uint64(o) ^ uint64(a)<<8 ^ uint64(b)<<24 ^ code<<40) * 1099511628211
	if w.verbose != nil {
		w.verbose(e.String())
	}
}

// trace is the last lines.
func (w *world) trace(n int) string {
	var b strings.Builder
	n = min(n, w.entries, len(w.ring))
	for i := w.entries - n; i < w.entries; i++ {
		b.WriteString(w.ring[i%len(w.ring)].String())
		b.WriteByte('\n')
	}
	return b.String()
}

// newSock makes a socket that has no handle yet.
func (w *world) newSock() *sock {
	w.serial++
	return &sock{w: w, h: -1, serial: w.serial, inCap: 1 << 16, outCap: 1 << 16}
}

// install gives s the lowest number that is free, as systems do.
func (w *world) install(s *sock) handle {
	for w.low < len(w.socks) && w.socks[w.low] != nil {
		w.low++
	}
	if w.low == len(w.socks) {
		w.socks = append(w.socks, nil)
	}
	w.socks[w.low] = s
	s.h = handle(w.low)
	w.low++
	w.open++
	return s.h
}

// listener makes a listening socket.
func (w *world) listener() *sock {
	s := w.newSock()
	s.listening = true
	w.install(s)
	return s
}

// dial puts a new socket into the backlog of l. The peer may use it at once, as a client may.
func (w *world) dial(l *sock) *sock {
	s := w.newSock()
	l.backlog = append(l.backlog, s)
	l.changed()
	return s
}
