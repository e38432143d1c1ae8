package netpoll

import (
	"io"
	"net"
	"sync"
	"syscall"
)

// A socket is a connection or a listener of the portable kernel.
//
// It has at most two goroutines. One, from register to close, reads ahead (or accepts ahead) whenever that is wanted and what it got last has
// been taken. The other writes, and exists only while there is something to write, to shut down or to close.
//
//	len(in) > 0       the reading goroutine waits, and in points into its buffer
//	0 <= pending <= portableWrite
//	queued            the kernel's queue holds an entry of this registration, or wait has it in hand
type socket struct {
	nc net.Conn     // one of the two
	ln net.Listener // is nil

	mu           sync.Mutex // guards all below
	more         sync.Cond  // the reading goroutine waits here for its turn
	owner        *portable  // answers for our goroutines: the kernel we came in by, then the one we are registered with
	kernel       *portable  // where we are registered; nil: nowhere
	token        token
	registration uint32 // changes with every register and deregister
	goroutines   int
	want         interest
	queued       bool
	reading      bool // the reading goroutine has been started
	writing      bool // the writing goroutine runs
	fin          bool // shutdown was called
	finished     bool // and is done
	closed       bool
	full         bool // the last read filled its buffer: there may be more

	in       []byte     // read, not yet taken
	accepted []net.Conn // accepted, not yet taken
	rerr     error      // how reading ended; after in
	aerr     error      // an accept that failed, not yet told

	out     *[]byte // taken by write, not yet by the writing goroutine; nil: nothing
	pending int     // octets taken by write and not yet by nc
	werr    error   // how writing ended
}

const (
	portableIdle    = 512      // octets of buffer of a goroutine that waits for a peer
	portableRead    = 16 << 10 // octets it borrows when those were not enough
	portableWrite   = 64 << 10 // octets that write takes and nc has not yet taken
	portableBacklog = 16       // connections accepted ahead
)

// Borrowed buffers. A connection has one only while octets move.
var (
	portableReads  = sync.Pool{New: func() any { return new([portableRead]byte) }}
	portableWrites = sync.Pool{New: func() any { b := make([]byte, 0, 4<<10); return &b }}
)

// ready says which conditions hold.
func (s *socket) ready() (r interest) {
	if s.ln != nil {
		if len(s.accepted) > 0 || s.aerr != nil || s.rerr != nil {
			r = readable
		}
		return r
	}
	if len(s.in) > 0 || s.rerr != nil {
		r |= readable
	}
	if s.pending <= portableWrite/2 || s.fin || s.werr != nil {
		r |= writable
	}
	switch {
	case s.werr != nil && r&readable != 0: // not before: a read has to say how; the reading goroutine is at it
		r |= hangup
	case s.rerr != nil && (s.finished || s.rerr != io.EOF):
		r |= hangup
	}
	return r
}

// changed has the kernel look at s if there is something to report. Callers hold mu.
func (s *socket) changed() {
	if s.kernel != nil && !s.queued && s.ready()&(s.want|hangup) != 0 {
		s.queued = true
		s.kernel.push(queued{s, s.registration})
	}
}

// report returns the event of s, for an entry of the queue. False drops the entry.
func (s *socket) report(registration uint32) (event, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.registration != registration {
		return event{}, false
	}
	r := s.ready() & (s.want | hangup)
	s.queued = r != 0
	return event{s.token, r}, r != 0
}

func (s *socket) register(k *portable, t token, want interest) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return syscall.EBADF
	}
	if s.kernel != nil {
		return syscall.EEXIST
	}
	if !k.join(s.goroutines) {
		return syscall.EBADF
	}
	s.owner.count(-s.goroutines)
	s.owner, s.kernel, s.token, s.want = k, k, t, want
	s.registration++
	if !s.reading {
		s.reading = true
		if s.ln != nil {
			s.start(s.acceptAhead)
		} else {
			s.start(s.readAhead)
		}
	}
	s.more.Signal()
	s.changed()
	return nil
}

func (s *socket) modify(k *portable, t token, want interest) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return syscall.EBADF
	}
	if s.kernel != k {
		return syscall.ENOENT
	}
	s.token, s.want = t, want
	s.more.Signal()
	s.changed()
	return nil
}

func (s *socket) deregister(k *portable) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return syscall.EBADF
	}
	if s.kernel != k {
		return syscall.ENOENT
	}
	s.forget()
	return nil
}

// forget ends the registration: entries of the queue that are left are worth nothing.
func (s *socket) forget() {
	s.kernel, s.want, s.queued = nil, 0, false
	s.registration++
}

func (s *socket) belongs(k *portable) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.owner == k
}

// start runs f in a goroutine for which the owner answers. Callers hold mu.
func (s *socket) start(f func()) {
	s.goroutines++
	s.owner.count(1)
	go func() {
		f()
		s.mu.Lock()
		defer s.mu.Unlock()
		s.goroutines--
		s.owner.count(-1)
	}()
}

// readAhead is the reading goroutine of a connection. It reads whether that is wanted or not, for a failure is to be reported in any case, but
// never more than one piece beyond what has been taken. It waits for the peer with a buffer of 512 octets; only when they came all, and more may
// have come with them, it borrows a larger one for the next read.
func (s *socket) readAhead() {
	idle := make([]byte, portableIdle)
	var large *[portableRead]byte
	s.mu.Lock()
	defer s.mu.Unlock()
	for {
		for !s.closed && len(s.in) > 0 {
			s.more.Wait()
		}
		if s.closed {
			break
		}
		b := idle
		if s.full {
			if large == nil {
				large = portableReads.Get().(*[portableRead]byte)
			}
			b = large[:]
		} else if large != nil {
			portableReads.Put(large)
			large = nil
		}
		s.mu.Unlock()
		n, err := s.nc.Read(b)
		s.mu.Lock()
		s.full = n == len(b)
		s.in = b[:n]
		if err != nil {
			s.rerr = systemError(err)
			if s.werr != nil && s.rerr == syscall.ETIMEDOUT {
				s.rerr = s.werr // the limit was ours: see flush
			}
		}
		s.changed()
		if err != nil {
			return // in keeps what it needs of the buffer
		}
	}
	if large != nil && len(s.in) == 0 {
		portableReads.Put(large)
	}
}

func (s *socket) read(b []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed || s.nc == nil {
		return 0, syscall.EBADF
	}
	if len(s.in) == 0 {
		if s.rerr != nil {
			return 0, s.rerr
		}
		return 0, syscall.EAGAIN
	}
	n := copy(b, s.in)
	if s.in = s.in[n:]; len(s.in) == 0 {
		s.in = nil
		s.more.Signal()
	}
	return n, nil
}
