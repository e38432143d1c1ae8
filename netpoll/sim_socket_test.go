package netpoll

import (
	"io"
	"net"
	"syscall"
)

// A queue holds the octets under way in one direction of a simulated connection.
type queue struct {
	buf  []byte
	head int
}

func (q *queue) len() int { return len(q.buf) - q.head }

func (q *queue) bytes() []byte { return q.buf[q.head:] }

func (q *queue) push(b []byte) {
	if q.head == len(q.buf) {
		q.buf, q.head = q.buf[:0], 0
	} else if q.head > 4096 && q.head > len(q.buf)/2 {
		n := copy(q.buf, q.buf[q.head:])
		q.buf, q.head = q.buf[:n], 0
	}
	q.buf = append(q.buf, b...)
}

func (q *queue) drop(n int) { q.head += n }

// cut forgets all but the first n octets.
func (q *queue) cut(n int) { q.buf = q.buf[:q.head+n] }

// A sock is one simulated socket: a pair of queues, what each end has done to it, and how a kernel watches it. The server's end is
// reached by its handle, through a simKernel; the far end by the methods below.
type sock struct {
	w      *world
	h      handle // of the server's end
	serial uint32 // counts the sockets of a world: numbers come back, serials do not

	in, out       queue // to the server; to the peer
	inCap, outCap int32

	fin, gone bool // the peer has sent FIN, after in; the peer has closed or reset: it reads no more
	shut      bool // the server has sent FIN, after out
	closed    bool // the server has closed
	reset     bool // a reset has reached the server; err is what the next call says of it
	wasReset  bool // a reset has reached the peer
	sink      bool // what the server writes is counted and forgotten
	err       syscall.Errno

	// What the kernel knows.
	k          *simKernel
	tok        token
	want       interest
	registered bool
	listed     bool // in k.maybe
	reported   int  // the turn that has last had an event of it

	listening bool
	backlog   []*sock

	written int64   // octets the server's writes took
	taken   int64   // octets the server's reads took
	heard   int64   // when the server last took some
	resumed int64   // when reading was last taken up again
	blocked int64   // since when it cannot write what it wants to; 0: it can
	client  *client // whose it is
	died    int64   // when the server closed it
	born    int64   // when its loop took it up
	addr    net.Addr
}

// conditions are the readiness of the server's end as it stands.
func (s *sock) conditions() interest {
	if s.listening {
		if len(s.backlog) > 0 {
			return readable
		}
		return 0
	}
	var c interest
	if s.in.len() > 0 || s.fin || s.reset {
		c |= readable
	}
	if s.reset || s.shut || s.out.len() < int(s.outCap) {
		c |= writable
	}
	if s.reset || s.fin && s.shut {
		c |= hangup
	}
	return c
}

// changed tells the kernel that watches the socket that its readiness may have become greater.
func (s *sock) changed() {
	if s.registered && !s.listed {
		s.listed = true
		s.k.maybe = append(s.k.maybe, s)
	}
}

// poke tells the peer that something has changed.
func (s *sock) poke() {
	if s.client != nil {
		s.client.poke()
	}
}

// send is the peer's write: it takes what fits.
func (s *sock) send(b []byte) int {
	if s.fin || s.gone || s.wasReset {
		return 0
	}
	if s.closed { // nobody is there to read it: the answer is a reset, and what the peer has not read yet may be lost
		s.resetPeer()
		return 0
	}
	n := min(len(b), int(s.inCap)-s.in.len())
	if n <= 0 {
		return 0
	}
	s.in.push(b[:n])
	s.changed()
	return n
}

// room is how many octets a send would take.
func (s *sock) room() int { return max(0, int(s.inCap)-s.in.len()) }

// receive is the peer's read, of at most n octets. They are valid until the next call of anything.
func (s *sock) receive(n int) []byte {
	n = min(n, s.out.len())
	b := s.out.bytes()[:n]
	s.out.drop(n)
	if n > 0 {
		s.changed()
	}
	return b
}

// ended reports whether the peer has read everything there will ever be.
func (s *sock) ended() bool { return s.out.len() == 0 && (s.shut || s.closed) || s.wasReset }

// finish is the peer's shutdown(WR).
func (s *sock) finish() {
	if !s.fin && !s.gone {
		s.fin = true
		s.changed()
	}
}

// abort is the peer's close with a reset, or the network's. lose says that octets which had arrived but were not read yet are lost, as a
// system may do.
func (s *sock) abort(lose bool) {
	if s.gone {
		return
	}
	s.gone = true
	s.out.cut(0)
	if s.closed {
		return
	}
	s.reset = true
	s.err = syscall.ECONNRESET
	if lose {
		s.in.cut(0)
	}
	s.changed()
}

// hangUp is the peer's close: FIN, and a reset as the answer to whatever it has not read or what comes later.
func (s *sock) hangUp() {
	if s.gone {
		return
	}
	if s.out.len() > 0 {
		s.abort(false)
		return
	}
	s.finish()
	s.gone = true
}

// resetPeer is the reset that the server's system sends when it has closed over octets that nobody read (E19).
func (s *sock) resetPeer() {
	if s.gone || s.wasReset {
		return
	}
	s.wasReset = true
	if n := s.out.len(); n > 0 {
		s.out.cut(s.w.intn(n + 1))
	}
}

// What the server's end does.

func (s *sock) serverRead(b []byte, limit int) (int, error) {
	if n := min(len(b), s.in.len(), limit); n > 0 {
		copy(b, s.in.bytes()[:n])
		s.in.drop(n)
		s.taken += int64(n)
		s.poke()
		return n, nil
	}
	switch {
	case s.err != 0:
		e := s.err
		s.err = 0
		return 0, e
	case s.fin, s.reset:
		return 0, io.EOF
	}
	return 0, syscall.EAGAIN
}

// writeRoom is how many octets a write may take, or why it takes none.
func (s *sock) writeRoom() (int, error) {
	switch {
	case s.err != 0:
		e := s.err
		s.err = 0
		return 0, e
	case s.reset:
		return 0, syscall.EPIPE
	}
	if n := int(s.outCap) - s.out.len(); n > 0 {
		return n, nil
	}
	return 0, syscall.EAGAIN
}

func (s *sock) serverWrite(b []byte) {
	s.written += int64(len(b))
	if s.sink {
		return
	}
	if s.gone { // nobody is there: the answer is a reset
		s.reset = true
		s.err = syscall.EPIPE
		if len(b)&1 == 0 {
			s.err = syscall.ECONNRESET
		}
		s.changed()
		return
	}
	s.out.push(b)
	s.poke()
}

func (s *sock) serverClose() {
	s.closed = true
	s.died = s.w.clock
	if s.in.len() > 0 {
		s.resetPeer()
	}
	s.poke()
}
