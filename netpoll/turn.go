package netpoll

import (
	"errors"
	"fmt"
	"io"
	"syscall"

	"github.com/idlewire/idlewire/conn"
	"github.com/idlewire/idlewire/frame"
)

// One connection's part in a turn of its loop: dispatch, one read, the messages in it, settle. All of it runs on the loop's goroutine.

// maxDiscard is how many octets are thrown away of what a peer sends after the end, before its connection is closed hard. Closing with octets unread
// resets the connection, and the reset can overtake our Close: a peer that is in the middle of a message that is too big would not learn why. So
// there is room for the rest of a large one; Options.CloseTimeout bounds it as well.
const maxDiscard = 16 << 20

// dispatch does what an event calls for.
func (l *loop) dispatch(ev event) {
	slot := ev.token.slot()
	if slot == listenSlot {
		l.accepting.ready(l)
		return
	}
	if int64(slot) >= int64(len(l.conns)) {
		return
	}
	c := l.conns[slot]
	if c == nil || c.gen != ev.token.gen() {
		return // E01: of a connection that has ended, or of its predecessor
	}
	l.begin(c, ev.ready)
	// A hangup is followed by a read even when reading is paused: the output can never leave, and waiting would spin (E14). What has been read and
	// not yet delivered comes first.
	if c.busy.input == nil && (ev.ready&hangup != 0 || ev.ready&readable != 0 && c.want&readable != 0) {
		l.readable(c)
	}
	l.settle(c)
}

// begin lends c the loop's output for the length of its turn, and notes that there is room if the kernel says so. What anybody writes meanwhile
// leaves with the rest.
func (l *loop) begin(c *Conn, ready interest) {
	c.mu.Lock()
	c.posted = true
	if c.busy == nil {
		c.busy = l.spare
	}
	if ready&(writable|hangup) != 0 {
		c.busy.blocked = false
	}
	c.mu.Unlock()
}

// lend gets the loop another output to lend, since the connection keeps the last.
func (l *loop) lend() {
	l.spare = busies.Get().(*busy)
	l.spare.tail(1)
}

// readable reads once and does what the octets call for.
func (l *loop) readable(c *Conn) {
	n, err := l.k.read(c.handle, l.buf)
	if err != nil {
		if err != syscall.EAGAIN && err != syscall.EINTR { // level-triggered: what is there will be reported again
			l.lost(c, err)
		}
		return
	}
	c.set(wasFull, n == len(l.buf))
	c.heard = l.tick.Load()
	if c.wait == forPong {
		c.wait = forNothing
	}
	l.counts.bytesIn += uint64(n)
	switch b := l.buf[:n]; c.state {
	case opening:
		l.open(c, b)
	case open:
		l.receive(c, b)
	default:
		if c.busy.discarded += n; c.busy.discarded > maxDiscard {
			l.finish(c, nil)
		}
	}
}

// lost ends a connection whose octets have come to an end, or which has failed.
func (l *loop) lost(c *Conn, err error) {
	if c.state == opening {
		l.counts.refuse(0)
	}
	switch {
	case err != io.EOF:
		l.finish(c, fmt.Errorf("read: %w", err))
	case c.state == opening:
		l.finish(c, errEnded)
	case c.state == lingering:
		l.finish(c, nil)
	default: // what is queued may still reach a peer that has only ended its own side
		c.mark(atEnd)
		if c.state == open {
			l.end(c, errEnded)
		}
	}
}

// receive takes octets of frames through the machine. A message whose answer makes the output too long is the last for now: the rest waits with
// the connection until the peer has caught up. So a peer that only asks is never blamed for what it makes us answer.
func (l *loop) receive(c *Conn, b []byte) {
	for {
		m, rest, err := c.proto.Receive(b)
		if err != nil {
			l.fail(c, err)
			return
		}
		if m.Op == 0 {
			return
		}
		if !m.Op.IsControl() {
			l.counts.messagesIn++
			if !c.is(isClosing) {
				l.message(c, m)
			}
			if c.state != open { // the handler has panicked
				return
			}
			if len(rest) > 0 && c.is(isPressed) {
				_, _, _ = c.proto.Receive(nil) // lets the message's buffer go
				c.busy.input = append([]byte(nil), rest...)
				return
			}
		} else if !l.control(c, m) {
			return
		}
		b = rest
	}
}

// resume goes on with what was read before the output became too long.
func (l *loop) resume(c *Conn) {
	l.begin(c, 0)
	if b := c.busy.input; !c.is(isPressed) {
		c.busy.input = nil
		l.receive(c, b)
	}
	l.settle(c)
}

// control answers a ping, pong or close. It returns false if nothing is to be received any more.
func (l *loop) control(c *Conn, m conn.Message) bool {
	if m.Op == frame.Close {
		l.counts.closed(m)
		c.reply(m)
		code, reason := m.Close()
		l.end(c, &conn.CloseError{Code: code, Reason: reason})
		return false
	}
	if !l.forgive(c) {
		l.fail(c, frame.ErrControlRate)
		return false
	}
	if m.Op == frame.Ping {
		c.reply(m)
	}
	return true
}

// forgive counts a control frame and reports whether the peer is within Options.ControlRate and ControlBurst.
func (l *loop) forgive(c *Conn) bool {
	lim := &l.server.limits
	if lim.controlRate < 0 {
		return true
	}
	now := l.tick.Load()
	if back := uint64(now-c.spentTick) * uint64(lim.controlRate) * tickLength / 1e9; back > 0 || c.spent == 0 {
		c.spent -= uint32(min(back, uint64(c.spent)))
		c.spentTick = now
	}
	c.spent++
	return c.spent <= uint32(lim.controlBurst)
}

// fail fails the connection (7.1.7): the Close frame that err calls for, if none has been sent, and no more.
func (l *loop) fail(c *Conn, err error) {
	c.mu.Lock()
	if !c.is(isGone) && !c.proto.CloseSent() {
		_ = c.sendClose(conn.CodeOf(err), closeReason(err))
	}
	c.mu.Unlock()
	l.counts.failed(err)
	l.end(c, err)
}

// closeReason is what the peer is told: its own mistake, and nothing of ours.
func closeReason(err error) string {
	var e *frame.Error
	if errors.As(err, &e) {
		return e.Error()
	}
	return ""
}

// end lets the output leave and then ends the connection, with err for the handler.
func (l *loop) end(c *Conn, err error) {
	c.mu.Lock()
	c.mark(isClosing)
	o := c.queue()
	if o.input = nil; o.end == nil {
		o.end = err
	}
	c.mu.Unlock()
	c.proto.Release() // nothing is received any more, and the end may take its time
	c.state = ending
	c.since = l.tick.Load()
}

// settle brings c in order after its turn, or when somebody has written to it: output leaves, the interest is what the state calls for, the
// timer is armed, the end goes on.
func (l *loop) settle(c *Conn) {
	c.mu.Lock()
	c.posted = false
	if c.is(isGone) {
		c.mu.Unlock()
		return
	}
	err := c.flush()
	if err == nil && c.is(isAborted) {
		err = ErrClosed
	}
	queued, moved, drained, waiting := 0, l.tick.Load(), false, false
	if o := c.busy; o != nil {
		if o.progress && c.want&readable == 0 { // we do not listen; what the peer takes is its sign of life
			if c.heard = moved; c.wait == forPong {
				c.wait = forNothing
			}
		}
		if queued = o.size; o.progress || queued == 0 || o.accounted == 0 { // it moves, or begins now
			o.moved, o.progress = moved, false
		}
		moved = o.moved
		l.counts.account(o)
		if c.is(isPressed) && queued <= l.server.limits.soft/2 {
			c.unmark(isPressed)
			drained = true
		}
		waiting = o.input != nil
		if o.idle() {
			c.busy = nil
			if o != l.spare {
				o.free()
			}
		} else { // it stays with the connection
			o.trim()
			if o == l.spare {
				l.lend()
			}
		}
	}
	closeSent := c.proto.CloseSent()
	c.mu.Unlock()

	if err != nil {
		l.finish(c, err)
		return
	}
	if c.state == ending && queued == 0 && !l.depart(c) {
		return
	}
	if c.state == open && closeSent && c.wait != forClose {
		c.wait = forClose
		c.since = l.tick.Load()
	}
	if !l.watch(c, queued, waiting, drained) {
		return
	}
	if waiting && drained && c.state == open {
		l.resume(c)
		return
	}
	l.arm(c, queued, moved)
}

// depart goes on with an end when all output has left. It returns false if that was the last of the connection.
func (l *loop) depart(c *Conn) bool {
	if c.is(atEnd) || c.proto.CloseReceived() && !c.is(wasFull) && c.proto.CloseSent() {
		// The peer's octets have ended; or both have said goodbye, and nothing is left to be read: closing now resets nothing (E19). The server
		// closes first (7.1.1).
		l.finish(c, nil)
		return false
	}
	if err := retry(func() error { return l.k.shutdown(c.handle) }); err != nil {
		l.finish(c, nil)
		return false
	}
	c.state = lingering
	c.since = l.tick.Load()
	return true
}

// watch makes the kernel watch for what c needs: nothing new is read while the queue is long, or what has been read is waiting. It tells the handler
// if a long queue has drained. It returns false if that was the end of c.
func (l *loop) watch(c *Conn, queued int, waiting, drained bool) bool {
	want := c.want &^ writable
	if queued > 0 {
		want |= writable
	}
	switch soft := l.server.limits.soft; {
	case c.is(atEnd): // it would be reported for ever
		want &^= readable
	case c.state != open || soft < 0:
		want |= readable
	case queued > soft, waiting:
		want &^= readable
	case queued <= soft/2:
		want |= readable
	}
	if want != c.want {
		switch err := l.k.modify(c.handle, makeToken(c.slot, c.gen), want); err {
		case nil:
			c.want = want
		case syscall.EINTR: // once more in the next turn
			c.mu.Lock()
			c.post()
			c.mu.Unlock()
		default:
			l.finish(c, fmt.Errorf("watch: %w", err))
			return false
		}
	}
	if drained {
		l.drained(c)
	}
	return !c.is(isGone)
}

// finish ends c for good: the handle is closed, everything it held is given back, and its handler hears of it, once. A nil err means the reason
// that was noted when the end began.
func (l *loop) finish(c *Conn, err error) {
	c.mu.Lock()
	if c.is(isGone) {
		c.mu.Unlock()
		return
	}
	c.mark(isGone)
	c.mark(isClosing)
	if o := c.busy; o != nil {
		if o.end != nil {
			err = o.end
		}
		o.drop()
		l.counts.account(o)
		c.busy = nil
		if o == l.spare {
			l.lend()
		}
		o.free()
	}
	_ = l.k.close(c.handle)
	c.mu.Unlock()

	l.wheel.remove(l.conns, c)
	l.conns[c.slot] = nil
	l.resting = append(l.resting, c.slot)
	l.live--
	l.load.Add(-1)
	l.server.conns.Add(-1)
	c.proto.Release()
	if z := c.proto.Compressor; z != nil {
		z.Release()
	}
	if h := c.handler; h != nil {
		c.handler = nil
		if err == nil {
			err = ErrClosed
		}
		l.farewell(c, h, err)
	}
}
