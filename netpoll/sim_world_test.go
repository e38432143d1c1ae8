package netpoll

import (
	"fmt"
	"iter"
	"math"
	"math/rand/v2"
	"net"
	"runtime/debug"
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

// A simKernel is the kernel of one loop in a world.
type simKernel struct {
	w        *world
	id       int
	maybe    []*sock // registered, and perhaps ready; all others are not
	woken    bool
	released bool
	coarse   bool // now and the other calls take no time

	waiting  bool
	deadline int64
	resume   func() (struct{}, bool)
	stop     func()
	yield    func(struct{}) bool
	over     bool

	turns   int    // waits that returned
	idle    int    // of these, in a row, those after which nothing moved
	seen    uint64 // world.progress when the last wait returned
	seenAt  int64
	excused bool     // the last wait returned because of a fault
	gens    []uint32 // by slot: the last generation
}

func (w *world) newKernel() *simKernel {
	k := &simKernel{w: w, id: len(w.kernels)}
	w.kernels = append(w.kernels, k)
	return k
}

// start makes turn, which waits on k, a coroutine of the world.
func (w *world) start(k *simKernel, turn func() bool) {
	k.resume, k.stop = iter.Pull(func(yield func(struct{}) bool) {
		defer func() {
			if v := recover(); v != nil {
				if _, ok := v.(failed); !ok && w.failure == "" {
					w.failure = fmt.Sprintf("panic: %v\n%s", v, debug.Stack())
				}
			}
		}()
		k.yield = yield
		for turn() {
		}
		k.over = true
	})
	k.turn()
}

// turn lets the loop of k run until it waits again.
func (k *simKernel) turn() {
	k.resume()
	if k.w.failure != "" {
		panic(failed{})
	}
	if k.over && !k.released {
		k.w.fail("loop %d ended and did not release its kernel", k.id)
	}
}

// leave ends all coroutines.
func (w *world) leave() {
	for _, k := range w.kernels {
		if k.stop != nil {
			k.stop()
		}
	}
}

// enter is the beginning of every call of a kernel.
func (k *simKernel) enter(o op, h handle, mayStrike bool) error {
	w := k.w
	w.steps++
	if !k.coarse {
		w.clock += 200
	}
	if k.released {
		w.fail("%s after release", opNames[o])
	}
	if w.inject != nil {
		if err := w.inject(o, h); err != nil {
			w.note(o, int64(h), 0, err)
			w.progress++
			k.excused = true
			return err
		}
	}
	if mayStrike && w.strike != nil && w.strikers == 0 && w.chance(w.luck.strike) {
		w.strikers++
		w.note(opStrike, int64(h), 0, nil)
		w.strike()
		w.strikers--
	}
	return nil
}

// interrupted is EINTR, now and then.
func (k *simKernel) interrupted(o op, h handle) bool {
	if k.w.chance(k.w.luck.eintr) {
		k.w.note(o, int64(h), 0, syscall.EINTR)
		k.w.progress++
		return true
	}
	return false
}

// sock is the socket behind a handle, which must be open.
func (k *simKernel) sock(o op, h handle) *sock {
	if h < 0 || int(h) >= len(k.w.socks) || k.w.socks[h] == nil {
		k.w.fail("%s of handle %d, which is not open", opNames[o], h)
	}
	return k.w.socks[h]
}

func (k *simKernel) wait(events []event, timeout int64) (int, error) {
	w := k.w
	if err := k.enter(opWait, -1, true); err != nil {
		return 0, err
	}
	if len(events) == 0 {
		w.fail("wait without room for events")
	}
	if w.resting != nil {
		w.resting(k)
	}
	k.spinning(timeout)
	if k.interrupted(opWait, -1) {
		k.excused = true
		return 0, syscall.EINTR
	}
	k.deadline = math.MaxInt64
	if timeout >= 0 {
		k.deadline = w.clock + timeout
	}
	n := 0
	for first := true; ; first = false {
		if first && timeout != 0 || !first || w.chance(512) {
			k.waiting = true
			if k.yield == nil {
				w.fail("wait outside of a loop")
			}
			if !k.yield(struct{}{}) {
				panic(failed{})
			}
			k.waiting = false
		}
		if n = k.gather(events); n > 0 || k.woken || w.clock >= k.deadline {
			break
		}
		if w.chance(w.luck.eintr) {
			w.note(opWait, -1, 0, syscall.EINTR)
			k.excused = true
			return 0, syscall.EINTR
		}
	}
	if k.woken {
		k.woken = false
		w.progress++
	}
	w.note(opWait, int64(k.id), int64(n), nil)
	for _, ev := range events[:n] {
		w.note(opReady, int64(ev.token.slot()), int64(ev.ready), nil)
	}
	k.turns++
	return n, nil
}

// spinning fails the world if the loop turns and turns and nothing moves (E14, E15, V77).
func (k *simKernel) spinning(timeout int64) {
	w := k.w
	if w.progress != k.seen || w.clock/1e6 != k.seenAt/1e6 || k.excused {
		k.idle = 0
	} else if k.idle++; k.idle > 8 {
		w.fail("loop %d spins: %d turns in which nothing moved", k.id, k.idle)
	}
	k.seen, k.seenAt, k.excused = w.progress, w.clock, false
}

// runnable reports whether a loop that waits would return.
func (k *simKernel) runnable() bool {
	if k.over || !k.waiting {
		return false
	}
	if k.woken || k.w.clock >= k.deadline {
		return true
	}
	for i := 0; i < len(k.maybe); {
		s := k.maybe[i]
		if s.registered && s.k == k && s.conditions()&(s.want|hangup) != 0 {
			return true
		}
		k.forget(i)
	}
	return false
}

// forget takes the i-th socket off the list of those that may be ready.
func (k *simKernel) forget(i int) {
	k.maybe[i].listed = false
	last := len(k.maybe) - 1
	k.maybe[i] = k.maybe[last]
	k.maybe[last] = nil
	k.maybe = k.maybe[:last]
}

// gather fills in what is ready, some of it late, some of it in two pieces, some of it not true.
func (k *simKernel) gather(events []event) int {
	w := k.w
	n := 0
	if w.luck.shuffle {
		for i := len(k.maybe) - 1; i > 0; i-- {
			j := w.intn(i + 1)
			k.maybe[i], k.maybe[j] = k.maybe[j], k.maybe[i]
		}
	}
	for i := 0; i < len(k.maybe) && n < len(events); {
		s := k.maybe[i]
		ready := s.conditions() & (s.want | hangup)
		if !s.registered || s.k != k || ready == 0 {
			k.forget(i)
			continue
		}
		i++
		if w.chance(w.luck.late) {
			continue
		}
		s.reported = k.turns + 1
		if ready&readable != 0 && ready&^readable != 0 && n+1 < len(events) && w.chance(w.luck.split) {
			events[n] = event{s.tok, ready &^ readable}
			n++
			ready = readable
		}
		events[n] = event{s.tok, ready}
		n++
	}
	if w.luck.spurious > 0 && n < len(events) && w.chance(w.luck.spurious) && len(w.socks) > 0 {
		if s := w.socks[w.intn(len(w.socks))]; s != nil && s.registered && s.k == k && s.want != 0 {
			events[n] = event{s.tok, s.want}
			s.reported = k.turns + 1
			n++
			k.excused = true
		}
	}
	if w.luck.shuffle && w.luck.split > 0 { // the two halves need not be neighbours
		for i := n - 1; i > 0; i-- {
			j := w.intn(i + 1)
			events[i], events[j] = events[j], events[i]
		}
	}
	return n
}

func (k *simKernel) wake() error {
	if err := k.enter(opWake, -1, false); err != nil {
		return err
	}
	if k.interrupted(opWake, -1) {
		return syscall.EINTR
	}
	k.woken = true
	k.w.note(opWake, int64(k.id), 0, nil)
	return nil
}

func (k *simKernel) register(h handle, t token, want interest) error {
	if err := k.enter(opRegister, h, true); err != nil {
		return err
	}
	s := k.sock(opRegister, h)
	if s.registered {
		k.w.fail("register of handle %d, which is registered", h)
	}
	if k.interrupted(opRegister, h) {
		return syscall.EINTR
	}
	if k.w.chance(k.w.luck.register) {
		return k.fault(opRegister, h, syscall.ENOMEM, syscall.ENOSPC, syscall.EEXIST)
	}
	if n := int(t.slot() & 0x7fffffff); n < 1<<20 { // E03: no token comes twice
		for len(k.gens) <= n {
			k.gens = append(k.gens, 0)
		}
		if k.gens[n] >= t.gen() {
			k.w.fail("register of handle %d: slot %d has generation %d after %d", h, n, t.gen(), k.gens[n])
		}
		k.gens[n] = t.gen()
	}
	if at, ok := k.w.freed[h]; ok && at == k.turns {
		k.w.reused++
	}
	s.registered, s.k, s.tok, s.want, s.born = true, k, t, want, k.time()
	if !s.listed {
		s.listed = true
		k.maybe = append(k.maybe, s)
	}
	k.w.note(opRegister, int64(h), int64(want), nil)
	return nil
}

func (k *simKernel) modify(h handle, t token, want interest) error {
	if err := k.enter(opModify, h, true); err != nil {
		return err
	}
	s := k.sock(opModify, h)
	switch {
	case !s.registered || s.k != k:
		k.w.fail("modify of handle %d, which is not registered", h)
	case s.tok != t:
		k.w.fail("modify of handle %d by a stale owner: token %x, registered with %x", h, t, s.tok)
	case s.want == want:
		k.w.fail("modify of handle %d that changes nothing", h)
	}
	if k.interrupted(opModify, h) {
		return syscall.EINTR
	}
	if k.w.chance(k.w.luck.modify) {
		return k.fault(opModify, h, syscall.ENOMEM, syscall.ENOENT)
	}
	if want&readable == 0 {
		k.w.paused++
	} else if s.want&readable == 0 {
		s.resumed = k.time()
	}
	s.want = want
	s.changed()
	k.w.note(opModify, int64(h), int64(want), nil)
	return nil
}

func (k *simKernel) deregister(h handle) error {
	if err := k.enter(opDeregister, h, true); err != nil {
		return err
	}
	s := k.sock(opDeregister, h)
	if !s.registered || s.k != k {
		k.w.fail("deregister of handle %d, which is not registered", h)
	}
	if k.interrupted(opDeregister, h) {
		return syscall.EINTR
	}
	s.registered = false
	k.w.note(opDeregister, int64(h), 0, nil)
	return nil
}

func (k *simKernel) accept(h handle) (handle, error) {
	if err := k.enter(opAccept, h, true); err != nil {
		return 0, err
	}
	l := k.sock(opAccept, h)
	if !l.listening {
		k.w.fail("accept on handle %d, which does not listen", h)
	}
	if k.interrupted(opAccept, h) {
		return 0, syscall.EINTR
	}
	if k.w.chance(k.w.luck.eagain) || len(l.backlog) == 0 {
		k.w.note(opAccept, int64(h), 0, syscall.EAGAIN)
		if len(l.backlog) > 0 {
			k.w.progress++
		}
		return 0, syscall.EAGAIN
	}
	if k.w.open >= k.w.limit {
		k.w.note(opAccept, int64(h), 0, syscall.EMFILE)
		return 0, syscall.EMFILE
	}
	if k.w.chance(k.w.luck.accept) {
		return 0, k.fault(opAccept, h, syscall.EMFILE, syscall.ENFILE, syscall.ENOBUFS, syscall.ENOMEM, syscall.EPERM, syscall.EPROTO)
	}
	s := l.backlog[0]
	l.backlog[0] = nil
	l.backlog = l.backlog[1:]
	k.w.progress++
	if k.w.chance(k.w.luck.accept) {
		s.closed, s.wasReset, s.died = true, true, k.w.clock
		if s.client != nil {
			s.client.blamed = true
			s.poke()
		}
		return 0, k.fault(opAccept, h, syscall.ECONNABORTED)
	}
	k.w.install(s)
	k.w.note(opAccept, int64(h), int64(s.h), nil)
	return s.h, nil
}

// fault is one of errs.
func (k *simKernel) fault(o op, h handle, errs ...syscall.Errno) error {
	err := errs[k.w.intn(len(errs))]
	k.w.note(o, int64(h), 0, err)
	k.w.progress++
	if h >= 0 && k.w.socks[h].client != nil {
		k.w.socks[h].client.blamed = true
	}
	return err
}

func (k *simKernel) read(h handle, b []byte) (int, error) {
	if err := k.enter(opRead, h, true); err != nil {
		return 0, err
	}
	w, s := k.w, k.sock(opRead, h)
	if len(b) == 0 {
		w.fail("read of handle %d into nothing", h)
	}
	if !s.registered || s.k != k {
		w.fail("read of handle %d by a loop that has not registered it", h)
	}
	if s.reported != k.turns { // E01
		w.fail("read of handle %d, of which no event has come: one for another connection has reached it", h)
	}
	if k.interrupted(opRead, h) {
		return 0, syscall.EINTR
	}
	if w.chance(w.luck.eagain) {
		w.note(opRead, int64(h), 0, syscall.EAGAIN)
		w.progress++
		return 0, syscall.EAGAIN
	}
	if w.chance(w.luck.read) {
		s.err, s.reset = 0, true
		return 0, k.fault(opRead, h, syscall.ETIMEDOUT, syscall.EHOSTUNREACH, syscall.ENOMEM)
	}
	most := len(b)
	if w.chance(w.luck.dribble) {
		most = 1
	} else if w.chance(w.luck.short) {
		most = w.upTo(len(b))
	}
	n, err := s.serverRead(b, most)
	if err != syscall.EAGAIN {
		w.progress++
	}
	if n > 0 {
		s.heard = k.time()
	}
	w.note(opRead, int64(h), int64(n), err)
	return n, err
}

// time is what the loop believes the time to be.
func (k *simKernel) time() int64 {
	if k.w.loopTime == nil {
		return k.w.clock
	}
	return k.w.loopTime(k)
}

// stuck notes since when a socket cannot write.
func (k *simKernel) stuck(s *sock) {
	if s.blocked == 0 {
		s.blocked = k.time()
	}
}

func (k *simKernel) write(h handle, b []byte) (int, error) {
	return k.writeSome(opWrite, h, b, nil)
}

func (k *simKernel) writev(h handle, bufs [][]byte) (int, error) {
	return k.writeSome(opWritev, h, nil, bufs)
}

func (k *simKernel) writeSome(o op, h handle, b []byte, bufs [][]byte) (int, error) {
	if err := k.enter(o, h, false); err != nil {
		return 0, err
	}
	w, s := k.w, k.sock(o, h)
	all := len(b)
	for _, b := range bufs {
		all += len(b)
	}
	switch {
	case s.shut:
		w.fail("%s to handle %d after shutdown", opNames[o], h)
	case all == 0:
		w.fail("%s of nothing to handle %d", opNames[o], h)
	}
	if k.interrupted(o, h) {
		k.stuck(s)
		return 0, syscall.EINTR
	}
	if w.chance(w.luck.eagain) {
		w.note(o, int64(h), 0, syscall.EAGAIN)
		w.progress++
		k.stuck(s)
		return 0, syscall.EAGAIN
	}
	if w.chance(w.luck.write) {
		s.reset, s.err = true, 0
		return 0, k.fault(o, h, syscall.EPIPE, syscall.ECONNRESET, syscall.ENOBUFS, syscall.ETIMEDOUT)
	}
	room, err := s.writeRoom()
	if err != nil {
		w.note(o, int64(h), 0, err)
		if err != syscall.EAGAIN {
			w.progress++
		}
		k.stuck(s)
		return 0, err
	}
	s.blocked = 0
	n := min(room, all)
	if w.chance(w.luck.dribble) {
		n = 1
	} else if w.chance(w.luck.short) {
		n = w.upTo(n)
	}
	if w.progress++; n < all {
		k.stuck(s)
	}
	if rest := n; bufs == nil {
		s.serverWrite(b[:n])
	} else {
		for _, b := range bufs {
			b = b[:min(rest, len(b))]
			s.serverWrite(b)
			rest -= len(b)
		}
	}
	w.note(o, int64(h), int64(n), nil)
	return n, nil
}

func (k *simKernel) shutdown(h handle) error {
	if err := k.enter(opShutdown, h, true); err != nil {
		return err
	}
	s := k.sock(opShutdown, h)
	if s.shut {
		k.w.fail("shutdown of handle %d, twice", h)
	}
	if k.interrupted(opShutdown, h) {
		return syscall.EINTR
	}
	if s.reset || k.w.chance(k.w.luck.shutdown) {
		return k.fault(opShutdown, h, syscall.ENOTCONN)
	}
	s.shut = true
	s.changed()
	s.poke()
	k.w.progress++
	k.w.note(opShutdown, int64(h), 0, nil)
	return nil
}

// close gives the number back, whatever it says: as on Linux, EINTR included.
func (k *simKernel) close(h handle) error {
	err := k.enter(opClose, h, false)
	w, s := k.w, k.sock(opClose, h)
	if w.closing != nil && s.client != nil && s.registered {
		w.closing(k, s.client)
	}
	s.registered = false
	w.freed[h] = k.turns
	w.socks[h] = nil
	w.low = min(w.low, int(h))
	w.open--
	w.progress++
	s.serverClose()
	for _, p := range s.backlog {
		p.closed, p.wasReset, p.died = true, true, w.clock
		p.poke()
	}
	if err == nil {
		w.note(opClose, int64(h), 0, nil)
	}
	return err
}

func (k *simKernel) local(h handle) net.Addr { return k.remote(h) }

func (k *simKernel) remote(h handle) net.Addr {
	s := k.sock(opNow, h)
	if s.addr == nil {
		s.addr = &net.TCPAddr{IP: net.IPv4(10, byte(s.serial>>16), byte(s.serial>>8), byte(s.serial)), Port: 1024}
	}
	return s.addr
}

func (k *simKernel) now() int64 {
	_ = k.enter(opNow, -1, k.yield != nil)
	return k.w.clock
}

func (k *simKernel) release() error {
	err := k.enter(opRelease, -1, false)
	k.released = true
	k.w.note(opRelease, int64(k.id), 0, err)
	return err
}

// step lets one of those act who can; if nobody can, time passes until somebody can. It returns false if nobody ever will.
func (w *world) step() bool {
	n := 0
	var pick actor
	var loop *simKernel
	soon := int64(math.MaxInt64)
	for _, k := range w.kernels {
		if k.runnable() {
			if n++; n == 1 || w.intn(n) == 0 {
				loop, pick = k, nil
			}
		} else if k.waiting && !k.over {
			soon = min(soon, k.deadline)
		}
	}
	for _, a := range w.actors {
		if at := a.when(); at <= w.clock {
			if n++; n == 1 || w.intn(n) == 0 {
				loop, pick = nil, a
			}
		} else {
			soon = min(soon, at)
		}
	}
	switch {
	case loop != nil:
		loop.turn()
	case pick != nil:
		w.steps++
		pick.act()
	case soon < math.MaxInt64:
		if w.passing != nil {
			w.passing()
		}
		w.clock = soon
		if w.chance(w.luck.jump) {
			w.clock += int64(w.upTo(3_600_000)) * 1e6
			w.note(opJump, 0, 0, nil)
		}
	default:
		return false
	}
	return true
}

var _ kernel = (*simKernel)(nil)
