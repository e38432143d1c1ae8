package netpoll

import (
	"errors"
	"io"
	"net"
	"strconv"
	"syscall"

	"github.com/idlewire/idlewire/conn"
	"github.com/idlewire/idlewire/frame"
)

// sentWhole is how many data messages of a client have gone out whole.
func (cl *client) sentWhole() uint32 {
	n := len(cl.ends)
	for n > 0 && cl.ends[n-1] > cl.pushed {
		n--
	}
	return uint32(n)
}

// judge compares the reason the handler is given with what has happened.
func (s *sim) judge(cl *client) {
	err := cl.err
	l := s.loopOf(cl)
	bad := func(why string) { s.fail("client %d: Close(%v), but %s", cl.id, err, why) }
	var closed *conn.CloseError
	var broke *frame.Error
	var errno syscall.Errno
	whole := cl.closeAt == 0 && !cl.killed && !cl.full && !cl.panicked && !s.stopped && !cl.s.reset // nothing of ours came in between
	silence := l.clock - cl.s.heard
	switch o := &s.srv.Options; {
	case err == nil:
		bad("there must be a reason")
	case errors.As(err, &closed):
		if cl.close == 0 || cl.pushed < cl.close || closed.Code != cl.code {
			bad("the peer has not said that")
		}
		if whole && !cl.broken && cl.delivered != cl.sentWhole() {
			bad("messages before it were not delivered: " + strconv.Itoa(int(cl.delivered)) + " of " + strconv.Itoa(int(cl.sentWhole())))
		}
	case errors.As(err, &broke):
		if !cl.broken {
			bad("the peer broke no rule")
		}
		if ok := cl.codes[len(cl.codes)-1] == broke.Code; !ok && whole {
			bad("it broke another")
		}
		if whole && cl.delivered != cl.sentWhole() {
			bad("messages before it were not delivered")
		}
	case errors.Is(err, ErrPongTimeout):
		if silence < int64(o.PongTimeout) || o.PongTimeout < 0 || o.PingInterval < 0 {
			bad("the peer was heard a moment ago")
		}
	case errors.Is(err, ErrCloseTimeout):
		if cl.closeAt == 0 && !s.stopped || cl.closeAt != 0 && l.clock-cl.closeAt < int64(o.CloseTimeout) {
			bad("it is early")
		}
	case errors.Is(err, ErrWriteStall):
		if cl.s.blocked == 0 || o.WriteStallTimeout < 0 || l.clock-cl.s.blocked < int64(o.WriteStallTimeout) {
			bad("the peer took octets a moment ago")
		}
	case errors.Is(err, ErrQueueFull):
		if !cl.full {
			bad("no queue was full")
		}
	case errors.Is(err, ErrPanic):
		if !cl.panicked {
			bad("nobody panicked")
		}
	case errors.Is(err, ErrServerClosed):
		if !s.killed {
			bad("nobody closed the server")
		}
	case errors.Is(err, net.ErrClosed):
		if !cl.killed {
			bad("nobody closed it")
		}
	case errors.Is(err, io.ErrUnexpectedEOF):
		if !cl.s.fin && !cl.s.reset {
			bad("its octets have not ended")
		}
		if whole && !cl.broken && cl.delivered != cl.sentWhole() {
			bad("messages before the end were not delivered: " + strconv.Itoa(int(cl.delivered)) + " of " + strconv.Itoa(int(cl.sentWhole())))
		}
	case errors.As(err, &errno):
		if !cl.blamed && !cl.s.reset {
			bad("no call has failed")
		}
	default:
		bad("what is that?")
	}
}
