package netpoll

import (
	"io"
	"syscall"
	"time"
)

// The sending half of a socket of the portable kernel, and its end.

// write takes as many octets of bufs as there is room for.
func (s *socket) write(bufs ...[]byte) (n int, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.closed || s.nc == nil:
		return 0, syscall.EBADF
	case s.werr != nil:
		return 0, s.werr
	case s.fin:
		return 0, syscall.EPIPE
	}
	size := 0
	for _, b := range bufs {
		size += len(b)
		b = b[:min(len(b), portableWrite-s.pending)]
		if len(b) == 0 {
			continue
		}
		if s.out == nil {
			s.out = portableWrites.Get().(*[]byte)
		}
		*s.out = append(*s.out, b...)
		s.pending += len(b)
		n += len(b)
	}
	if n > 0 {
		s.flush()
	} else if size > 0 {
		return 0, syscall.EAGAIN
	}
	return n, nil
}

func (s *socket) shutdown() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.closed || s.nc == nil:
		return syscall.EBADF
	case s.werr != nil:
		return s.werr
	}
	s.fin = true
	s.flush()
	s.changed()
	return nil
}

// close makes s unusable. What was written still goes out, for linger at most; then nc is closed, and reading ends.
func (s *socket) close(linger time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.forget()
	s.closed = true
	s.in = nil
	s.more.Signal()
	s.owner.mu.Lock()
	s.owner.closing[s] = struct{}{}
	s.owner.mu.Unlock()
	if s.nc != nil && s.writing {
		s.nc.SetWriteDeadline(time.Now().Add(linger))
	}
	s.flush()
}

// hurry shortens the limit of a close.
func (s *socket) hurry(linger time.Duration) {
	if s.nc != nil {
		s.nc.SetDeadline(time.Now().Add(linger))
	}
}

// drop closes what s stands for, at once.
func (s *socket) drop() {
	if s.ln != nil {
		s.ln.Close()
		return
	}
	s.nc.Close()
}

// flush has the writing goroutine do what there is to do. Callers hold mu.
func (s *socket) flush() {
	if !s.writing {
		s.writing = true
		s.start(s.writeOut)
	}
}

// writeOut is the writing goroutine: first the octets, then the shutdown, then the close.
func (s *socket) writeOut() {
	s.mu.Lock()
	defer s.mu.Unlock()
	defer func() { s.writing = false }()
	for {
		switch {
		case s.out != nil:
			b := s.out
			s.out = nil
			s.mu.Unlock()
			_, err := s.nc.Write(*b)
			s.mu.Lock()
			s.pending -= len(*b)
			giveBack(b)
			if err != nil {
				s.failed(systemError(err))
			}
			s.changed()

		case s.fin && !s.finished && s.werr == nil:
			s.mu.Unlock()
			s.closeWrite()
			s.mu.Lock()
			s.finished = true
			s.changed()

		case s.closed:
			drain := s.full && s.rerr == nil && s.werr == nil
			s.mu.Unlock()
			if drain {
				s.drain()
			}
			s.drop()
			s.mu.Lock()
			s.owner.mu.Lock()
			delete(s.owner.closing, s)
			s.owner.mu.Unlock()
			for _, nc := range s.accepted {
				nc.Close()
			}
			s.accepted = nil
			return

		default:
			return
		}
	}
}

// closeWrite ends the sending side. What cannot be closed by half is closed whole; reading ends with it.
func (s *socket) closeWrite() {
	if half, ok := s.nc.(interface{ CloseWrite() error }); ok {
		half.CloseWrite()
	} else {
		s.nc.Close()
	}
}

// drain reads what the peer has sent beyond what was read ahead, as far as that is little and comes soon. A poller's read takes all there is,
// and whoever closes after it resets nothing; here a full buffer leaves the rest in the system, and closing over it would be a reset that
// takes our last octets from the peer as well (E19).
func (s *socket) drain() {
	s.closeWrite()
	s.nc.SetReadDeadline(time.Now().Add(portableDrain))
	io.CopyN(io.Discard, s.nc, maxDiscard)
}

// failed ends the writing half. The reading goroutine shall find out the rest; should it be waiting for a peer that is silent, not for long.
func (s *socket) failed(err error) {
	s.werr = err
	if s.out != nil {
		s.pending -= len(*s.out)
		giveBack(s.out)
		s.out = nil
	}
	s.nc.SetReadDeadline(time.Now().Add(time.Second))
}

func giveBack(b *[]byte) {
	*b = (*b)[:0]
	portableWrites.Put(b)
}
