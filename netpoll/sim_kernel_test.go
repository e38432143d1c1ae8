package netpoll

import (
	"net"
	"syscall"
)

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

var _ kernel = (*simKernel)(nil)
