package conn

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/idlewire/idlewire/frame"
)

// Read returns the next data message, whole. Its payload may be overwritten, and is valid until the next Read, ReadContext or Reader;
// to call Close does not end its life. Control frames are dealt with on the way.
//
// After the peer's Close the error is a *CloseError, after a breach of the protocol a *frame.Error, and for ever the same. By then the
// closing handshake is over, and the transport closed. After a call of Close or CloseNow it is net.ErrClosed, too.
//
// The error is os.ErrDeadlineExceeded if the deadline for reading has passed (see [Conn.SetReadDeadline]); then nothing is lost, and Read may
// be called again.
func (c *Conn) Read() (Message, error) { return c.ReadContext(background) }

// ReadContext is Read for as long as ctx allows. An error that is ctx.Err() means that nothing is lost, and that ReadContext may be called
// again. While a Close is under way, no Read returns before its end, but for a context or deadline.
func (c *Conn) ReadContext(ctx context.Context) (Message, error) {
	if err := c.enter(ctx); err != nil {
		return Message{}, err
	}
	var m Message
	err := c.skip(ctx)
	if err == nil {
		m, err = c.next(ctx, (*Protocol).Receive)
	}
	if err != nil {
		return Message{}, c.exit(err)
	}
	c.lent = len(m.Payload) > 0
	c.input.free()
	return m, nil
}

var background = context.Background()

// errReaders is a mistake of the caller.
var errReaders = errors.New("conn: a Read is in progress already")

// errOver says, among ourselves, that the reader has found the end of the connection, and that the connection knows why.
var errOver = errors.New("conn: over")

// enter takes the input for the program, and ends the loan of the last payload.
func (c *Conn) enter(ctx context.Context) error {
	if err := ctx.Err(); err != nil && !c.isGone() {
		return fmt.Errorf("conn: read: %w", err)
	}
	mine := c.input.try()
	c.mu.Lock()
	gone, closing, limit := c.gone, c.closing, c.rd.limit
	c.mu.Unlock()
	switch {
	case mine && !gone:
		c.lent = false
		return nil
	case mine:
		c.input.free()
	case !closing:
		return errReaders
	case !gone:
		if err := c.awaitEnd(ctx, limit); err != nil {
			return fmt.Errorf("conn: read: %w", err)
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.readErr()
}

// awaitEnd waits until the closing that is under way is over. Whoever learns of it earlier may well
// call CloseNow, as is good use when a handler returns, and nobody would hear our Close.
func (c *Conn) awaitEnd(ctx context.Context, limit time.Time) error {
	if !limit.IsZero() {
		var cancel context.CancelFunc
		ctx, cancel = context.WithDeadlineCause(ctx, limit, os.ErrDeadlineExceeded)
		defer cancel()
	}
	select {
	case <-c.done:
		return nil
	case <-ctx.Done():
		if c.isGone() { // select has no order
			return nil
		}
		if err := context.Cause(ctx); err == os.ErrDeadlineExceeded {
			return err
		}
		return ctx.Err()
	}
}

// exit gives the input on and returns what the program is told for err.
func (c *Conn) exit(err error) error {
	c.leave()
	if err != errOver {
		return err
	}
	<-c.done // Close may be leading
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.readErr()
}

// readErr returns what a reader is told when the connection is over. c.mu is held.
func (c *Conn) readErr() error {
	if c.local || c.cause == nil {
		return c.over()
	}
	return c.cause
}

// next reads until receive gives a data message that the program should see, or a piece of one. The caller holds the input.
func (c *Conn) next(ctx context.Context, receive func(*Protocol, []byte) (Message, []byte, error)) (Message, error) {
	for {
		m, rest, err := receive(&c.proto, c.rest)
		c.rest = rest
		if err != nil {
			return c.fails(err)
		}
		switch m.Op {
		case 0:
			if c.owed {
				c.answer()
			}
			if err := c.fill(ctx, true); err != nil {
				return Message{}, err
			}
		case frame.Close:
			c.leadOut(goodbye(m), m)
			return Message{}, errOver
		case frame.Ping, frame.Pong:
			if !c.rate.allow(now(), c.proto.Options) {
				return c.fails(frame.ErrControlRate)
			}
			if m.Op == frame.Ping {
				c.owes(m.Payload)
			}
		default:
			if c.owed {
				c.answer()
			}
			if !c.muted() {
				return m, nil
			}
		}
	}
}

// fails fails the connection for a breach by the peer (7.1.7).
func (c *Conn) fails(err error) (Message, error) {
	c.leadOut(err, Message{})
	return Message{}, errOver
}

// owes queues the answer to a ping.
func (c *Conn) owes(payload []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.queue.push(payload)
	c.owed = true
}

// muted reports whether the program wants no more messages.
func (c *Conn) muted() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.local
}

const (
	minRead = 4 << 10  // bytes of the buffer that waits for the peer
	maxRead = 64 << 10 // to which it grows while reads fill it
)

// fill receives into rest, which has been used up. It returns errOver if the transport has ended, and else an error
// only if user is set and ctx or the program's deadline says so. The caller holds the input.
func (c *Conn) fill(ctx context.Context, user bool) error {
	n, err := c.receive(ctx, user)
	if err == nil {
		c.rest = c.buf.b[:n]
		return nil
	}
	if user && isTimeout(err) {
		return fmt.Errorf("conn: read: %w", orTimeout(ctx, err))
	}
	if errors.Is(err, io.EOF) && (c.part || c.proto.Buffered() > 0) {
		err = io.ErrUnexpectedEOF
	}
	c.mu.Lock()
	broken := c.broken
	c.mu.Unlock()
	if broken != nil && !errors.Is(err, io.EOF) {
		err = broken // the first sign of the same end
	} else {
		err = fmt.Errorf("conn: read: %w", err)
	}
	c.kill(err)
	return errOver
}

// receive reads from nc into buf until there is something.
func (c *Conn) receive(ctx context.Context, user bool) (n int, err error) {
	c.mu.Lock()
	if c.gone {
		c.mu.Unlock()
		return 0, errOver
	}
	call := c.begin(&c.rd, user)
	c.beat.reads(c)
	c.mu.Unlock()
	if ctx.Done() != nil {
		defer context.AfterFunc(ctx, func() { c.cut(&c.rd, call) })()
	}
	for range 100 {
		n, err = c.readParked()
		if n > 0 || err != nil {
			break
		}
	}
	c.mu.Lock()
	c.end(&c.rd)
	c.beat.read(n > 0)
	c.mu.Unlock()
	switch {
	case n > 0:
		c.buf.b = c.buf.b[:n] // an error comes again with the next call
		return n, nil
	case err == nil:
		err = io.ErrNoProgress
	}
	return 0, err
}

// readBuffer returns a buffer to read into. It begins small; a read that fills it is followed by one into a buffer of twice
// the size, so that large messages need few calls, and one that leaves three quarters of it empty by one of half.
func (c *Conn) readBuffer() []byte {
	if c.buf != nil {
		size := cap(c.buf.b)
		switch n := len(c.buf.b); {
		case n == size:
			size = min(2*size, maxRead)
		case n < size/4:
			size = max(size/2, minRead)
		}
		if c.room = int32(size); size != cap(c.buf.b) {
			c.freeBuffer()
		}
	}
	if c.buf == nil {
		c.buf = getBuffer(max(int(c.room), minRead))
	}
	return c.buf.b[:cap(c.buf.b)]
}

// freeBuffer gives buf back, in which nothing is any more.
func (c *Conn) freeBuffer() {
	c.buf.free()
	c.buf, c.rest = nil, nil
}
