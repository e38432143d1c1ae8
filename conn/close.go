package conn

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net"

	"github.com/idlewire/idlewire/frame"
)

// The end of a connection, in the words of RFC 6455, section 7:
//
//	open ──┬── Close ─────────── say Close, hear Close ──┐
//	       ├── peer's Close ──── say Close ──────────────┼── linger ── kill: gone
//	       ├── breach ────────── say Close ──────────────┘              ^
//	       └── CloseNow, lost transport, CloseTimeout at any point ─────┘
//
// Whoever leads the way from closing to gone holds the input: the reader, or Close, which takes it
// when no Read is in progress. A reader that is in Read while Close leads tells it what it found in Conn.heard.

// Close closes the connection with a closing handshake (RFC 6455, section 7.1.2): it sends a Close with code and reason after the message
// that is being sent, waits for the peer's, and closes the transport, which is closed when Close returns. All that may take Options.CloseTimeout.
// The code must be one that may be sent, or frame.CloseNoStatus, for none; the reason at most 123 bytes of UTF-8. For others
// Close returns an error and does nothing.
//
// From the call on no message is sent or delivered. Calls of Read and Write wait for the end of the connection, and then return an error that
// is net.ErrClosed; so a handler that calls CloseNow when it returns does not cut the Close short. If no Read is in progress, Close itself
// reads, and throws away what comes.
//
// Close returns nil if the peer answered with a Close, of whatever code. If the connection was closed, or closing, already, the
// error is net.ErrClosed.
func (c *Conn) Close(code frame.CloseCode, reason string) error {
	var store [frame.MaxControlPayload]byte
	if _, err := frame.AppendClose(store[:0], code, reason); err != nil {
		return fmt.Errorf("conn: close: %w", err)
	}
	c.mu.Lock()
	if c.closing {
		c.local = true
		broken := c.broken
		c.mu.Unlock()
		if broken != nil {
			c.kill(broken)
		}
		<-c.done
		return c.ended()
	}
	c.local = true
	c.closeBy(ErrCloseTimeout)
	c.mu.Unlock()

	// We read while we write: the peer may be writing as we are, and read only then.
	said := make(chan struct{})
	go func() {
		c.say(func(b []byte) ([]byte, error) { return c.proto.AppendClose(b, code, reason) })
		close(said)
	}()
	select {
	case c.input <- struct{}{}:
	case <-c.done:
		<-said
		return c.ended()
	}
	defer c.leave()
	c.mu.Lock()
	heard := c.heard
	c.mu.Unlock()
	if heard == nil {
		heard = c.hear()
	}
	<-said
	c.linger(heard)
	if ce := (*CloseError)(nil); errors.As(heard, &ce) {
		return nil
	}
	return c.ended()
}

// CloseNow closes the transport at once, without a closing handshake; what is being sent or received fails. If the connection was closed already,
// the error is net.ErrClosed.
func (c *Conn) CloseNow() error {
	c.mu.Lock()
	c.local = true
	gone := c.gone
	c.mu.Unlock()
	if gone {
		<-c.done
		return c.ended()
	}
	c.kill(nil)
	return nil
}

// closeBy begins the end of the connection, which is to be over within CloseTimeout; if it is not, it ends with doom. c.mu is held.
func (c *Conn) closeBy(doom error) {
	c.closing = true
	c.doom = doom
	c.beat.closes(c)
}

// breakOutput begins the end of a connection that can no more be written to. What the peer said before it went may still be read. c.mu is held.
func (c *Conn) breakOutput(err error) {
	c.broken = err
	if !c.closing {
		c.closeBy(err)
	}
}

// say sends our Close: what add appends. It goes after the frame that is being sent, and after the replies that we owe.
func (c *Conn) say(add func([]byte) ([]byte, error)) {
	select {
	case c.output <- struct{}{}:
	case <-c.done:
		return
	}
	defer c.pass()
	c.mu.Lock()
	o := c.takeQueued(frame.MaxControlPayload)
	c.mu.Unlock()
	c.appendQueued(&o)
	if b, err := add(o.buf.b); err == nil {
		o.buf.b = b
		c.send(background, &o, false, false) // an error ends the connection, or has
	}
	o.buf.free()
}

// hear reads until the peer's Close, which it returns as *CloseError, or a breach, as *frame.Error. It returns nil if the transport
// has ended. The caller holds the input.
func (c *Conn) hear() error {
	c.keepLoan()
	for {
		m, rest, err := c.proto.ReceivePart(c.rest)
		c.rest = rest
		if err != nil {
			return err
		}
		switch m.Op {
		case frame.Close:
			return goodbye(m)
		case 0:
			if c.fill(background, false) != nil {
				return nil
			}
		}
	}
}

func goodbye(m Message) *CloseError {
	code, reason := m.Close()
	return &CloseError{code, reason}
}

// keepLoan sees to it that bytes which the program may still look at are not used again, neither by us nor by another connection.
func (c *Conn) keepLoan() {
	if !c.lent {
		return
	}
	c.lent = false
	c.buf = nil // rest is behind what is lent: it may be unmasked
	c.proto.keepLoan()
}

// leadOut ends the connection for the reader, which found the peer's Close (m) or a breach. The caller holds the input. If Close is under way already, it leads.
func (c *Conn) leadOut(found error, m Message) {
	c.mu.Lock()
	if c.closing && c.broken == nil {
		c.heard = found
		c.mu.Unlock()
		return
	}
	c.closeBy(found)
	c.mu.Unlock()
	c.say(func(b []byte) ([]byte, error) {
		if m.Op == frame.Close {
			return c.proto.AppendReply(b, m), nil // 5.5.1
		}
		return c.proto.AppendClose(b, CodeOf(found), "") // 7.1.7
	})
	c.linger(found)
}

// maxLinger is how many bytes we throw away so that the peer reads our Close, and not a reset: the rest of a message that was too big may still be
// on its way. CloseTimeout bounds it as well.
const maxLinger = 16 << 20

// linger closes the transport when both have said what they had to say, or tried to. The caller holds the input.
//
// 7.1.1: the server closes first, the client waits for it. A close with unread input sends a reset, which may overtake our last bytes, so whoever
// goes first only closes its own direction, and reads until the peer has done the same.
func (c *Conn) linger(found error) {
	_, clean := found.(*CloseError)
	c.mu.Lock()
	dead := c.gone || c.broken != nil
	if clean {
		c.doom = found // should the time be up before the peer has closed: it has said goodbye all the same
	}
	c.mu.Unlock()
	switch {
	case dead:
	case clean && c.proto.Role == Client:
		c.drain()
		c.closeWrite()
	default:
		over := clean && len(c.rest) == 0 // nothing may come after the peer's Close (5.5.1), so there is nothing to wait for
		if c.closeWrite() && !over {
			c.drain()
		}
	}
	c.kill(found)
}

// closeWrite says that we send no more: TLS first, then TCP.
func (c *Conn) closeWrite() bool {
	type writeCloser interface{ CloseWrite() error }
	select {
	case c.output <- struct{}{}: // held for a moment by those who learn that they came too late
		defer c.output.free()
	case <-c.done:
		return false
	}
	nc, ok := c.nc.(writeCloser)
	if !ok || nc.CloseWrite() != nil {
		return false
	}
	if t, ok := c.nc.(*tls.Conn); ok {
		nc, ok := t.NetConn().(writeCloser)
		return ok && nc.CloseWrite() == nil
	}
	return true
}

// drain reads until the peer has closed, and not too much.
func (c *Conn) drain() {
	for total := 0; total < maxLinger; {
		n, err := c.receive(background, false)
		if err != nil {
			return
		}
		total += n
	}
}

// kill closes the transport. It is the only place that does. A nil cause means that the program wanted it.
func (c *Conn) kill(cause error) {
	c.mu.Lock()
	if c.gone {
		c.mu.Unlock()
		return
	}
	c.gone, c.closing = true, true
	c.cause = cause
	c.closed = &closedError{cause}
	c.beat.stop()
	if c.waits != nil {
		c.waits.stop()
	}
	c.mu.Unlock()

	if t, ok := c.nc.(*tls.Conn); ok {
		t.NetConn().Close() // its own Close waits for the peer to take an alert; linger has sent that
	} else {
		c.nc.Close()
	}
	c.agreed.release()
	close(c.done)
	if c.input.try() {
		c.leave()
	}
}

// leave gives the input on, and, if the connection is over, what it held.
func (c *Conn) leave() {
	if c.isGone() && !c.lent {
		c.proto.Release()
		if c.buf != nil {
			c.freeBuffer()
		}
		c.rest = nil
	}
	c.input.free()
}

// isGone reports whether the connection is over.
func (c *Conn) isGone() bool {
	select {
	case <-c.done:
		return true
	default:
		return false
	}
}

// ended waits for nothing, and returns what a method returns that came too late.
func (c *Conn) ended() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.over()
}

// errClosing is what a connection returns that is closing.
var errClosing error = &closedError{}

// over is ended with c.mu held.
func (c *Conn) over() error {
	switch {
	case c.gone:
		return c.closed
	case c.broken != nil:
		return &closedError{c.broken}
	}
	return errClosing
}

// isTLS reports whether a write that timed out breaks nc.
func isTLS(nc net.Conn) bool {
	_, ok := nc.(*tls.Conn)
	return ok
}

// tlsRecord is the most that TLS puts into a record, and so the most of which we learn that the peer has taken it.
const tlsRecord = 16 << 10
