package netpoll

import (
	"syscall"
)

const (
	acceptBatch = 64 // connections accepted in one turn (E26)

	minBackoff = 5e6 // nanoseconds; doubles with every failure in a row
	maxBackoff = 1e9

	listenSlot = ^uint32(0) - 1 // slot in the token of the listening socket; no connection has it
)

// An acceptor is the listening socket of a server, in the hands of its first loop. Every new connection goes to the loop that has the fewest.
type acceptor struct {
	h        handle
	open     bool  // the handle is ours
	on       bool  // registered
	resumeAt int64 // the loop's clock at which to listen again after an error; 0: no pause
	backoff  int64
}

// listen makes the loop accept connections from h.
func (l *loop) listen(h handle) error {
	l.accepting.h, l.accepting.open = h, true
	err := retry(func() error { return l.k.register(h, makeToken(listenSlot, 0), readable) })
	l.accepting.on = err == nil
	return err
}

// ready accepts what waits, up to a limit.
func (a *acceptor) ready(l *loop) {
	if !a.on {
		return
	}
	for range acceptBatch {
		h, err := l.k.accept(a.h)
		switch err {
		case nil:
			a.backoff = 0
			l.server.assign(l, h)
		case syscall.EAGAIN:
			return
		case syscall.EINTR, syscall.ECONNABORTED, syscall.EPROTO, syscall.EPERM: // it was this one connection's trouble
			l.counts.acceptErrors.Add(1)
		default: // EMFILE, ENFILE, ENOBUFS, ENOMEM: the trouble is ours, and the event would come again and again (E24)
			l.counts.acceptErrors.Add(1)
			a.pause(l, err)
			return
		}
	}
}

// pause stops listening for a while.
func (a *acceptor) pause(l *loop, err error) {
	a.backoff = min(max(2*a.backoff, minBackoff), maxBackoff)
	a.resumeAt = l.clock + a.backoff
	l.server.logf("accept", err)
	a.off(l)
}

func (a *acceptor) off(l *loop) {
	if a.on {
		a.on = false
		if err := retry(func() error { return l.k.deregister(a.h) }); err != nil {
			l.server.logf("deregister", err)
		}
	}
}

// resume listens again when a pause is over.
func (a *acceptor) resume(l *loop) {
	if a.resumeAt == 0 || l.clock < a.resumeAt {
		return
	}
	a.resumeAt = 0
	if err := l.listen(a.h); err != nil {
		a.pause(l, err)
	}
}

// stop ends listening for good.
func (a *acceptor) stop(l *loop) {
	a.off(l)
	a.resumeAt = 0
	if a.open {
		a.open = false
		_ = l.k.close(a.h)
		l.server.closeListener()
	}
}

// retry calls f until it is not interrupted; a few times at most.
func retry(f func() error) (err error) {
	for range 10 {
		if err = f(); err != syscall.EINTR {
			return err
		}
	}
	return err
}

// assign gives a fresh connection to the loop with the fewest; from is the loop that has accepted it.
func (s *Server) assign(from *loop, h handle) {
	if n := s.conns.Add(1); s.limits.maxConns > 0 && n > int64(s.limits.maxConns) {
		s.conns.Add(-1)
		from.counts.refuse(503)
		_, _ = from.k.write(h, overloaded)
		_ = from.k.close(h)
		return
	}
	to := from
	for _, l := range s.loops {
		if l.load.Load() < to.load.Load() {
			to = l
		}
	}
	to.load.Add(1)
	if to == from {
		from.adopt(h)
	} else if !to.hand(h) {
		to.load.Add(-1)
		s.conns.Add(-1)
		_ = from.k.close(h)
	}
}

// adopt makes h a connection of the loop.
func (l *loop) adopt(h handle) {
	l.gen++
	tick := l.tick.Load()
	c := &Conn{loop: l, handle: h, gen: l.gen, heard: tick, since: tick, want: readable}
	c.proto.Options = &l.server.Options
	if n := len(l.free); n > 0 {
		c.slot = l.free[n-1]
		l.free = l.free[:n-1]
		l.conns[c.slot] = c
	} else {
		c.slot = uint32(len(l.conns))
		l.conns = append(l.conns, c)
	}
	l.live++
	if err := retry(func() error { return l.k.register(h, makeToken(c.slot, c.gen), readable) }); err != nil {
		l.server.logf("register", err)
		l.finish(c, err)
		return
	}
	if l.handled.stopping {
		l.finish(c, ErrServerClosed)
		return
	}
	l.arm(c, 0, tick)
}
