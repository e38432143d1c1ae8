package netpoll

import (
	"fmt"
	"os"
	"time"

	"github.com/idlewire/idlewire/frame"
)

// What Handler.Close sees when a deadline has passed; errors.Is(err, os.ErrDeadlineExceeded) holds for all of them.
var (
	ErrPongTimeout  = fmt.Errorf("netpoll: no answer to a ping: %w", os.ErrDeadlineExceeded)
	ErrCloseTimeout = fmt.Errorf("netpoll: no answer to a close: %w", os.ErrDeadlineExceeded)
	ErrWriteStall   = fmt.Errorf("netpoll: the peer does not read: %w", os.ErrDeadlineExceeded)

	errHandshakeTimeout = fmt.Errorf("netpoll: opening handshake: %w", os.ErrDeadlineExceeded)
)

// ticks converts an option: zero means def, negative means never, which is zero ticks. It rounds up and adds the tick that has partly passed, so
// that nothing is ever early.
func ticks(d, def time.Duration) uint32 {
	switch {
	case d < 0:
		return 0
	case d == 0:
		d = def
	}
	return uint32(min((int64(d)+tickLength-1)/tickLength, 1<<30)) + 1
}

// deadline returns the tick at which something must happen to c if nothing else does, and what it would mean; nil means a ping is due. The
// octets queued for it last moved at tick moved.
func (l *loop) deadline(c *Conn, queued int, moved uint32) (at uint32, why error, ok bool) {
	lim := &l.server.limits
	from, after := c.since, uint32(0)
	switch {
	case c.state == opening:
		after, why = lim.handshake, errHandshakeTimeout
	case c.state != open || c.wait == forClose:
		after, why = lim.close, ErrCloseTimeout
	case c.want&readable == 0 && lim.stall > 0: // its silence is our doing: we do not read
	case c.wait == forPong:
		after, why = lim.pong, ErrPongTimeout
	default:
		from, after = c.heard, lim.ping
		if after > 0 {
			// +-20 %, the same for a connection all its life: peers that came together do not stay together.
			after = max(after-after/5+(c.gen*2654435761>>16)*(2*(after/5)+1)>>16, 1)
		}
	}
	if after > 0 {
		at, ok = from+after, true
	}
	if queued > 0 && lim.stall > 0 {
		if stall := moved + lim.stall; !ok || int32(stall-at) < 0 {
			at, why, ok = stall, ErrWriteStall, true
		}
	}
	return at, why, ok
}

// arm sees to it that the wheel comes to c in time. Coming too early does no harm, so a later deadline moves nothing.
func (l *loop) arm(c *Conn, queued int, moved uint32) {
	at, _, ok := l.deadline(c, queued, moved)
	if ok && (c.due == 0 || int32(at-c.due) < 0) {
		l.wheel.schedule(l.conns, c, at)
	}
}

// look is called by the wheel: c's deadline has come, unless c has been heard of meanwhile.
func (l *loop) look(c *Conn) {
	c.mu.Lock()
	queued, moved := 0, uint32(0)
	if c.busy != nil {
		queued, moved = c.busy.size, c.busy.moved
		if c.busy.progress {
			moved = l.tick.Load()
		}
	}
	c.mu.Unlock()
	at, why, ok := l.deadline(c, queued, moved)
	switch {
	case !ok:
	case int32(at-l.wheel.tick) > 0:
		l.wheel.schedule(l.conns, c, at)
	case why == nil:
		l.ping(c)
	case c.state == opening:
		l.counts.refuse(408)
		l.finish(c, why)
	default:
		l.finish(c, why)
	}
}

// ping asks a silent peer for a sign of life.
func (l *loop) ping(c *Conn) {
	c.mu.Lock()
	o := c.queue()
	b, err := c.proto.AppendPing(o.tail(frame.MaxHeaderSize), nil)
	if err == nil {
		o.setTail(b)
	}
	c.posted = true
	c.mu.Unlock()
	if l.server.limits.pong > 0 {
		c.wait = forPong
	} else {
		c.heard = l.tick.Load() // nobody waits for the answer; the next ping is an interval away
	}
	c.since = l.tick.Load()
	l.settle(c)
}
