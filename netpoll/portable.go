package netpoll

import (
	"net"
	"sync"
	"syscall"
	"time"
)

// The portable kernel: the contract of kernel.go over net.Listener and net.Conn, for systems without a poller of ours and for connections
// without a descriptor. It is no second driver. Loop, timers, handshake and protocol run on it as they run on epoll; only here goroutines
// stand where the system has readiness:
//
//	register ──> one goroutine that reads ahead ──> a piece of at most 16 KiB ──> readable ──> read copies it out ──> reads ahead again
//	write ─────> at most 64 KiB gathered ─────────> a goroutine for as long as there is something to write ──────────> writable
//
// While nobody takes that piece no other is read, so that back-pressure reaches the peer. An idle connection costs
// one goroutine waiting in Read, with 512 octets to read into: 3.4 KiB, see TestPortableIdleMemory, and 3.7 KiB with its net.TCPConn.
//
// Handles are indices of a table. Kernels made by sibling share it, so a connection accepted by one loop may be registered by another.
//
// Locks are taken in this order: socket.mu, portable.mu. socketTable.mu is held alone.
type portable struct {
	table  *socketTable
	notify chan struct{} // one place: something for wait to look at
	timer  *time.Timer   // wait's; nil until the first limit
	batch  []queued      // wait's; entries taken from the queue for a moment

	mu       sync.Mutex // guards all below
	queue    []queued   // sockets that may have something to report, oldest first; wait drops those that have nothing
	woken    bool       // wake was called and no wait has returned for it
	released bool
	running  int                  // goroutines of the sockets owned by this kernel
	closing  map[*socket]struct{} // closed by the loop, not yet by us: their last octets are on the way out
	done     chan struct{}        // closed when released and running == 0; made by release
}

// A queued entry is worth something only while the registration under which it was made stands.
type queued struct {
	s            *socket
	registration uint32
}

// A socketTable holds the open sockets of one server, by handle.
type socketTable struct {
	start time.Time // the zero of now

	mu      sync.RWMutex // guards all below
	sockets []*socket    // nil: free; the first is never used, so that no zero handle names a socket
	free    []handle
}

const (
	// portableLinger is how long octets written before a close may take to leave.
	portableLinger = 5 * time.Second
	// portableDrain is how long a peer is then read from that may have sent more than was read.
	portableDrain = time.Second
	// portableRelease is what is left of it when the kernel is released.
	portableRelease = 500 * time.Millisecond
)

// newPortableKernels returns the kernels of n loops on which ln can be served, and the handle by which they know it. The listener is theirs.
func newPortableKernels(ln net.Listener, n int) ([]kernel, handle, error) {
	first := newPortable()
	ks := []kernel{first}
	for len(ks) < n {
		ks = append(ks, first.sibling())
	}
	return ks, first.addListener(ln), nil
}

func newPortable() *portable {
	return (&socketTable{start: time.Now(), sockets: make([]*socket, 1)}).kernel()
}

// sibling returns another kernel, for another loop, to which the same handles belong.
func (k *portable) sibling() *portable { return k.table.kernel() }

func (t *socketTable) kernel() *portable {
	return &portable{table: t, notify: make(chan struct{}, 1), closing: make(map[*socket]struct{})}
}

// addListener gives ln a handle. From here on it is the kernel's, and is closed with the handle.
func (k *portable) addListener(ln net.Listener) handle { return k.add(&socket{ln: ln}) }

// adopt gives nc a handle. From here on it is the kernel's, and is closed with the handle.
func (k *portable) adopt(nc net.Conn) handle { return k.add(&socket{nc: nc}) }

// add puts s into the table. On a released kernel it closes s and returns a handle that names nothing.
func (k *portable) add(s *socket) handle {
	s.owner, s.more.L = k, &s.mu
	h := k.table.put(s)
	k.mu.Lock()
	released := k.released
	k.mu.Unlock()
	if released { // release may have looked at the table before s was in it
		if k.table.take(h, s) {
			s.drop()
		}
		return -1
	}
	return h
}

func (k *portable) wait(events []event, timeout int64) (int, error) {
	var expired <-chan time.Time
	if timeout > 0 {
		if k.timer == nil {
			k.timer = time.NewTimer(time.Duration(timeout))
		} else {
			k.timer.Reset(time.Duration(timeout))
		}
		defer k.timer.Stop()
		expired = k.timer.C
	}
	for {
		n, woken := k.collect(events)
		if n > 0 || woken || timeout == 0 {
			return n, nil
		}
		select {
		case <-k.notify:
		case <-expired:
			timeout = 0 // one last look
		}
	}
}

// collect fills events from the queue, in one round at most. Readiness is level-triggered: a socket that was reported stays in the queue,
// behind all others, until a look finds that it has nothing to report.
func (k *portable) collect(events []event) (n int, woken bool) {
	k.mu.Lock()
	woken, k.woken = k.woken, false
	round := len(k.queue)
	for round > 0 && n < len(events) {
		some := min(round, len(events)-n)
		round -= some
		k.batch = append(k.batch[:0], k.queue[:some]...)
		k.queue = k.queue[:copy(k.queue, k.queue[some:])]
		k.mu.Unlock()
		kept := k.batch[:0]
		for _, q := range k.batch {
			if e, ok := q.s.report(q.registration); ok {
				events[n] = e
				n++
				kept = append(kept, q)
			}
		}
		k.mu.Lock()
		k.queue = append(k.queue, kept...)
		clear(k.batch)
	}
	k.mu.Unlock()
	return n, woken
}

// push queues a socket to be looked at.
func (k *portable) push(q queued) {
	k.mu.Lock()
	k.queue = append(k.queue, q)
	k.mu.Unlock()
	k.signal()
}

func (k *portable) signal() {
	select {
	case k.notify <- struct{}{}:
	default: // there is a look to come already
	}
}

func (k *portable) wake() error {
	k.mu.Lock()
	k.woken = true
	k.mu.Unlock()
	k.signal()
	return nil
}

func (k *portable) register(h handle, t token, want interest) error {
	s := k.table.get(h)
	if s == nil {
		return syscall.EBADF
	}
	return s.register(k, t, want)
}

func (k *portable) modify(h handle, t token, want interest) error {
	s := k.table.get(h)
	if s == nil {
		return syscall.EBADF
	}
	return s.modify(k, t, want)
}

func (k *portable) deregister(h handle) error {
	s := k.table.get(h)
	if s == nil {
		return syscall.EBADF
	}
	return s.deregister(k)
}

func (k *portable) accept(l handle) (handle, error) {
	s := k.table.get(l)
	if s == nil {
		return -1, syscall.EBADF
	}
	nc, err := s.accept()
	if err != nil {
		return -1, err
	}
	h := k.adopt(nc)
	if h < 0 {
		return -1, syscall.EBADF
	}
	return h, nil
}

func (k *portable) read(h handle, b []byte) (int, error) {
	s := k.table.get(h)
	if s == nil {
		return 0, syscall.EBADF
	}
	return s.read(b)
}

func (k *portable) write(h handle, b []byte) (int, error) {
	s := k.table.get(h)
	if s == nil {
		return 0, syscall.EBADF
	}
	return s.write(b)
}

func (k *portable) writev(h handle, bufs [][]byte) (int, error) {
	s := k.table.get(h)
	if s == nil {
		return 0, syscall.EBADF
	}
	return s.write(bufs...)
}

// shutdown comes after what was written before: the octets that are still here go out first.
func (k *portable) shutdown(h handle) error {
	s := k.table.get(h)
	if s == nil {
		return syscall.EBADF
	}
	return s.shutdown()
}

// close gives the handle back at once. What was written before still reaches the peer if it takes it within portableLinger.
func (k *portable) close(h handle) error {
	s := k.table.get(h)
	if s == nil || !k.table.take(h, s) {
		return syscall.EBADF
	}
	s.close(portableLinger)
	return nil
}

func (k *portable) local(h handle) net.Addr {
	switch s := k.table.get(h); {
	case s == nil:
		return nil
	case s.ln != nil:
		return s.ln.Addr()
	default:
		return s.nc.LocalAddr()
	}
}

func (k *portable) remote(h handle) net.Addr {
	if s := k.table.get(h); s != nil && s.nc != nil {
		return s.nc.RemoteAddr()
	}
	return nil
}

func (k *portable) now() int64 { return int64(time.Since(k.table.start)) }

// release closes the handles that are left of those this kernel accepted, adopted or registered, and returns when none of their goroutines
// runs any more. Octets on the way to a peer that does not take them are given up after portableRelease.
func (k *portable) release() error {
	k.mu.Lock()
	if k.released {
		k.mu.Unlock()
		return nil
	}
	k.released = true
	k.running++ // ours, so that done is not closed before all sockets are
	k.done = make(chan struct{})
	k.mu.Unlock()

	for h, s := range k.table.all() {
		if s != nil && s.belongs(k) && k.table.take(handle(h), s) {
			s.close(portableRelease)
		}
	}
	for _, s := range k.lingering() {
		s.hurry(portableRelease)
	}
	k.count(-1)
	late := time.NewTimer(2 * portableRelease) // for a net.Conn that does not keep its deadlines
	defer late.Stop()
	select {
	case <-k.done:
	case <-late.C:
		for _, s := range k.lingering() {
			s.nc.Close()
		}
		<-k.done
	}
	return nil
}

// lingering returns the sockets that are closed but for their last octets.
func (k *portable) lingering() []*socket {
	k.mu.Lock()
	defer k.mu.Unlock()
	all := make([]*socket, 0, len(k.closing))
	for s := range k.closing {
		all = append(all, s)
	}
	return all
}

// join makes k answer for n goroutines more, unless it has been released.
func (k *portable) join(n int) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.released {
		return false
	}
	k.running += n
	return true
}

// count adds n to the goroutines for which k answers already: those of its own sockets.
func (k *portable) count(n int) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.running += n
	if n < 0 && k.released && k.running == 0 {
		close(k.done)
	}
}

func (t *socketTable) get(h handle) *socket {
	t.mu.RLock()
	defer t.mu.RUnlock()
	if h < 0 || int(h) >= len(t.sockets) {
		return nil
	}
	return t.sockets[h]
}

func (t *socketTable) put(s *socket) handle {
	t.mu.Lock()
	defer t.mu.Unlock()
	if n := len(t.free); n > 0 {
		h := t.free[n-1]
		t.free = t.free[:n-1]
		t.sockets[h] = s
		return h
	}
	t.sockets = append(t.sockets, s)
	return handle(len(t.sockets) - 1)
}

// take frees h if it still names s. Of several callers one is told true.
func (t *socketTable) take(h handle, s *socket) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.sockets[h] != s {
		return false
	}
	t.sockets[h] = nil
	t.free = append(t.free, h)
	return true
}

func (t *socketTable) all() []*socket {
	t.mu.RLock()
	defer t.mu.RUnlock()
	return append([]*socket(nil), t.sockets...)
}
