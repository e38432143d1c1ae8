package netpoll

import (
	"net"
	"syscall"
)

// A listener of the portable kernel.

// acceptAhead is the reading goroutine of a listener. After an error it waits until the loop has been told.
func (s *socket) acceptAhead() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for {
		for !s.closed && (s.want&readable == 0 || s.aerr != nil || len(s.accepted) >= portableBacklog) {
			s.more.Wait()
		}
		if s.closed {
			return
		}
		s.mu.Unlock()
		nc, err := s.ln.Accept()
		s.mu.Lock()
		switch {
		case err == nil && s.closed:
			nc.Close()
		case err == nil:
			s.accepted = append(s.accepted, nc)
		default:
			if s.aerr = systemError(err); s.aerr == syscall.EBADF { // somebody else closed it; no other call will do better
				s.rerr = s.aerr
				s.changed()
				return
			}
		}
		s.changed()
	}
}

func (s *socket) accept() (net.Conn, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.closed:
		return nil, syscall.EBADF
	case s.ln == nil:
		return nil, syscall.EINVAL
	}
	if len(s.accepted) > 0 {
		nc := s.accepted[0]
		s.accepted = s.accepted[:copy(s.accepted, s.accepted[1:])]
		s.more.Signal()
		return nc, nil
	}
	if err := s.aerr; err != nil {
		s.aerr = nil
		s.more.Signal()
		return nil, err
	}
	if s.rerr != nil {
		return nil, s.rerr
	}
	return nil, syscall.EAGAIN
}
