package conn

import (
	"crypto/rand"
	"time"
)

// One timer serves all that a connection does by the clock, and no goroutine waits. It is set to the earliest thing that may become due,
// and not set back when that thing is done with: it fires, finds nothing, and is set to what is next. So a message costs no
// timer, only to look at the clock.
//
//	ping      PingInterval after the last byte came
//	no pong   PongTimeout after the ping left, if not a byte came
//	stall     WriteStallTimeout after a write began, or last got on
//	close     CloseTimeout after the closing began
//
// The first two count only while a Read is in progress: a program that is busy with a message has not yet looked
// whether the peer lives.

// A heartbeat is guarded by Conn.mu. Times are those of now; 0 is never.
type heartbeat struct {
	timer    *time.Timer   // nil: never set
	wake     time.Duration // when timer fires; 0: it is not set
	interval time.Duration // between the last byte and the next ping; 0: off
	heard    time.Duration // when the last byte came, later by the time in which nobody read
	asked    time.Duration // when the last ping left, likewise; 0: it has been answered
	away     time.Duration // when the last call of nc.Read returned
	reading  bool          // nc.Read is under way
	wrote    time.Duration // when the write that is under way began or got on; 0: none is
	stalled  bool          // that write is being interrupted
	end      time.Duration // when the closing has to be over; 0: not closing
}

// The defaults of Options that are about time.
const (
	defaultPingInterval      = 30 * time.Second
	defaultPongTimeout       = 20 * time.Second
	defaultCloseTimeout      = 5 * time.Second
	defaultWriteStallTimeout = 10 * time.Second
	defaultHandshakeTimeout  = 5 * time.Second
)

func (o *Options) pingInterval() time.Duration {
	if o == nil {
		return defaultPingInterval
	}
	return limitOf(o.PingInterval, defaultPingInterval)
}

func (o *Options) pongTimeout() time.Duration {
	if o == nil {
		return defaultPongTimeout
	}
	return limitOf(o.PongTimeout, defaultPongTimeout)
}

func (o *Options) closeTimeout() time.Duration {
	if o == nil {
		return defaultCloseTimeout
	}
	return limitOf(o.CloseTimeout, defaultCloseTimeout)
}

func (o *Options) writeStallTimeout() time.Duration {
	if o == nil {
		return defaultWriteStallTimeout
	}
	return limitOf(o.WriteStallTimeout, defaultWriteStallTimeout)
}

func (o *Options) handshakeTimeout() time.Duration {
	if o == nil {
		return defaultHandshakeTimeout
	}
	return limitOf(o.HandshakeTimeout, defaultHandshakeTimeout)
}

// limitOf returns d, or the default for 0, or 0 for off.
func limitOf(d, byDefault time.Duration) time.Duration {
	if d == 0 {
		return byDefault
	}
	return max(d, 0)
}

var epoch = time.Now().Add(-1)

// now is the monotonic clock. It is never 0. (In a bubble of testing/synctest it begins below.)
func now() time.Duration { return time.Since(epoch) }

// jitter returns d, give or take 20 %, so that many connections made at once do not ping at once.
func jitter(d time.Duration) time.Duration {
	var b [1]byte
	rand.Read(b[:])
	return d/5*4 + d*2/5/255*time.Duration(b[0])
}

func (h *heartbeat) start(o *Options) {
	h.interval = jitter(o.pingInterval())
	h.heard = now()
	h.away = h.heard
}

// due sets the timer to fire at t, or earlier.
func (h *heartbeat) due(c *Conn, now, t time.Duration) {
	if h.wake != 0 && h.wake <= t || c.gone {
		return
	}
	h.wake = t
	if h.timer == nil {
		h.timer = time.AfterFunc(t-now, c.tick)
	} else {
		h.timer.Reset(t - now)
	}
}

func (h *heartbeat) stop() {
	if h.timer != nil {
		h.timer.Stop()
	}
}

// reads says that a call of nc.Read begins.
func (h *heartbeat) reads(c *Conn) {
	h.reading = true
	if h.interval == 0 {
		return
	}
	t := now()
	gap := t - h.away
	h.heard += gap
	if h.asked != 0 {
		h.asked += gap
	}
	h.due(c, t, h.silent(c))
}

// silent returns when the peer's silence calls for something.
func (h *heartbeat) silent(c *Conn) time.Duration {
	pong := c.proto.Options.pongTimeout()
	switch {
	case h.asked == 0:
		return h.heard + h.interval
	case pong == 0:
		return h.asked + h.interval
	}
	return h.asked + pong
}

// read says that the call has returned, and whether it gave something: any byte is a sign of life.
func (h *heartbeat) read(life bool) {
	h.reading = false
	if h.interval == 0 {
		return
	}
	h.away = now()
	if life {
		h.heard, h.asked = h.away, 0
	}
}

// asks says that a ping of ours has left, in a write that began at t. If something has come since then, that may be the pong.
func (h *heartbeat) asks(c *Conn, t time.Duration) {
	if h.heard < t {
		h.asked = t
	}
	h.due(c, now(), h.silent(c))
}

// writes says that a write begins, or has got on.
func (h *heartbeat) writes(c *Conn) {
	stall := c.proto.Options.writeStallTimeout()
	if stall == 0 {
		return
	}
	h.wrote = now()
	h.due(c, h.wrote, h.wrote+stall)
}

// written says that no write is under way, and returns whether it had been interrupted.
func (h *heartbeat) written() (stalled bool) {
	stalled = h.stalled
	h.wrote, h.stalled = 0, false
	return stalled
}

// closes says that the closing begins.
func (h *heartbeat) closes(c *Conn) {
	if d := c.proto.Options.closeTimeout(); d > 0 {
		t := now()
		h.end = t + d
		h.due(c, t, h.end)
	}
}

// tick is what the timer calls.
func (c *Conn) tick() {
	c.mu.Lock()
	dead, ping := c.beat.fire(c)
	if dead == nil && ping {
		c.pingDue = true
		ping = c.claim()
	}
	c.mu.Unlock()
	if dead != nil {
		c.kill(dead)
	} else if ping {
		c.flush()
	}
}

// fire does what is due, says what the connection has died of, or that a ping is due, and sets the timer for what is next.
func (h *heartbeat) fire(c *Conn) (dead error, ping bool) {
	h.wake = 0
	if c.gone {
		return nil, false
	}
	o := c.proto.Options
	t := now()
	if h.end != 0 {
		if t >= h.end {
			return c.doom, false
		}
		h.due(c, t, h.end)
	}
	if stall := o.writeStallTimeout(); h.wrote != 0 && stall != 0 {
		if t >= h.wrote+stall {
			if h.stalled {
				return ErrWriteStall, false // the transport knows no deadlines
			}
			// Interrupted, the write says whether it has got on.
			h.stalled = true
			h.wrote = t
			c.arm(&c.wr, longAgo)
		}
		h.due(c, t, h.wrote+stall)
	}
	if h.reading && h.interval != 0 && !c.closing {
		next := h.silent(c)
		if t >= next {
			if h.asked != 0 && o.pongTimeout() != 0 {
				return ErrNoPong, false
			}
			h.interval = jitter(o.pingInterval())
			return nil, true // when it has left, asks sets the timer
		}
		h.due(c, t, next)
	}
	return nil, false
}
