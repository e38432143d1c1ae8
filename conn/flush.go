package conn

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"sync"
	"time"

	"github.com/idlewire/idlewire/frame"
)

// Output has one owner at a time: who holds the turn called output. The reader never waits for that turn.
//
//	Read ── ping ──> queue ──┬── output is held: leaves with its holder's next write, or after it, see pass
//	                         └── output is free: a goroutine takes it, writes, and ends
//
// So two peers that both send what fills every buffer between them still read, and both go on.

// Write sends one data message; op is frame.Text or frame.Binary. The payload is the caller's again when Write returns, and is not
// modified. A text must be UTF-8 (RFC 6455, section 5.6); it is not checked.
//
// Write blocks until the transport has taken the message whole. Messages of several goroutines go out one after the other, never
// mixed; one that comes while a [Conn.Writer] is open waits until that is closed.
//
// An error that is net.ErrClosed says that the connection is over, or is ending. After any other error it stands as before, and nothing
// has been sent.
func (c *Conn) Write(op frame.Opcode, payload []byte) error {
	return c.WriteContext(background, op, payload)
}

// WriteContext is Write for as long as ctx allows. When ctx is done while not a byte of the message has left, WriteContext returns an
// error that is ctx.Err(), and the connection stands. When ctx is done in the middle of the message, the connection is over, since
// the peer could not make sense of what comes after: the error is net.ErrClosed, too. Over TLS that is so from the first byte on.
func (c *Conn) WriteContext(ctx context.Context, op frame.Opcode, payload []byte) error {
	return c.write(ctx, op, payload, c.proto.Compressor != nil)
}

// WriteUncompressed is Write for a message that shall not be compressed: because it is compressed in itself, or because it holds a secret
// beside what an attacker can choose, whose length would tell about the secret. Without compression they are the same.
func (c *Conn) WriteUncompressed(op frame.Opcode, payload []byte) error {
	return c.write(background, op, payload, false)
}

func (c *Conn) write(ctx context.Context, op frame.Opcode, payload []byte, deflate bool) error {
	if err := c.wait(ctx, c.data); err != nil {
		return err
	}
	defer c.data.free()
	if len(payload) >= shareSize && c.proto.Role == Server && c.chunk == 0 && !deflate {
		o, err := c.start(ctx, frame.MaxHeaderSize)
		if err != nil {
			return err
		}
		o.buf.b, err = c.proto.AppendMessageHeader(o.buf.b, op, len(payload))
		o.tail = payload
		return c.finishWrite(ctx, o, err, true)
	}
	o, err := c.start(ctx, len(payload))
	if err != nil {
		return err
	}
	if deflate {
		o.buf.b, err = c.proto.AppendMessage(o.buf.b, op, payload)
	} else {
		o.buf.b, err = c.proto.AppendUncompressed(o.buf.b, op, payload)
	}
	return c.finishWrite(ctx, o, err, true)
}

// shareSize is the size of a payload that is not copied where it need not be masked.
const shareSize = 16 << 10

// WritePrepared sends a message that was made once for many connections, with [Prepare]. A server sends the shared bytes
// as they are; a client has to mask them, and copies them. In all else it is Write.
func (c *Conn) WritePrepared(m *Prepared) error {
	if err := c.wait(background, c.data); err != nil {
		return err
	}
	defer c.data.free()
	if c.proto.Role == Server {
		o, err := c.start(background, 0)
		if err != nil {
			return err
		}
		o.tail, err = c.proto.PreparedFrame(m)
		return c.finishWrite(background, o, err, true)
	}
	o, err := c.start(background, len(m.wire))
	if err != nil {
		return err
	}
	o.buf.b, err = c.proto.AppendPrepared(o.buf.b, m)
	return c.finishWrite(background, o, err, true)
}

// Ping sends a ping with a payload of at most 125 bytes (RFC 6455, section 5.5.2). It does not wait for the pong. There is no need
// to call it to keep the connection alive: see Options.PingInterval.
func (c *Conn) Ping(payload []byte) error {
	o, err := c.start(background, len(payload))
	if err != nil {
		return err
	}
	o.buf.b, err = c.proto.AppendPing(o.buf.b, payload)
	return c.finishWrite(background, o, err, true)
}

// output is what one holder of the output writes: what was queued, then what it came for.
type output struct {
	buf     *buffer
	tail    []byte // shared bytes that follow buf
	queued  int    // bytes of buf that answer replies, and are a ping of ours if pinged
	replies pings
	pinged  bool
}

func (o *output) size() int { return len(o.buf.b) + len(o.tail) }

// wait waits for a turn to write.
func (c *Conn) wait(ctx context.Context, t turn) error {
	err := ctx.Err()
	if err != nil && !c.isGone() {
		return fmt.Errorf("conn: write: %w", err)
	}
	if t.try() {
		return nil
	}
	select {
	case t <- struct{}{}:
		return nil
	case <-c.done:
		return c.ended()
	case <-ctx.Done():
		err = ctx.Err()
	case <-c.writeLimit():
		err = os.ErrDeadlineExceeded
	}
	if c.isGone() { // select has no order
		return c.ended()
	}
	return fmt.Errorf("conn: write: %w", err)
}

// start takes the output for the program, with room for what is queued and a frame of n bytes of payload.
func (c *Conn) start(ctx context.Context, n int) (output, error) {
	if err := c.wait(ctx, c.output); err != nil {
		return output{}, err
	}
	c.mu.Lock()
	if c.closing {
		dead, limit := c.gone || c.broken != nil, c.wr.limit
		c.mu.Unlock()
		c.pass()
		if !dead {
			if err := c.awaitEnd(ctx, limit); err != nil {
				return output{}, fmt.Errorf("conn: write: %w (%w)", c.ended(), err)
			}
		}
		return output{}, c.ended()
	}
	o := c.takeQueued(n)
	c.mu.Unlock()
	c.appendQueued(&o)
	return o, nil
}

// takeQueued takes what waits for the output. c.mu is held.
func (c *Conn) takeQueued(n int) output {
	o := output{replies: c.queue, pinged: c.pingDue}
	c.queue, c.pingDue = pings{}, false
	n += len(o.replies.b) + frame.MaxHeaderSize*(o.replies.n+2)
	o.buf = getBuffer(n)
	return o
}

func (c *Conn) appendQueued(o *output) {
	for q := o.replies; q.n > 0; {
		o.buf.b = c.proto.AppendReply(o.buf.b, Message{Op: frame.Ping, Payload: q.pop()})
	}
	if o.pinged {
		b, err := c.proto.AppendPing(o.buf.b, nil)
		o.buf.b, o.pinged = b, err == nil
	}
	o.queued = len(o.buf.b)
}

// finishWrite sends o for the program, unless the machine has refused what was to be appended, and gives the output on. If the message is whole, it may
// be given up before its first byte.
func (c *Conn) finishWrite(ctx context.Context, o output, refused error, whole bool) error {
	defer c.pass()
	err := refused
	if refused == nil {
		err = c.send(ctx, &o, true, whole)
	} else if o.queued > 0 {
		c.send(background, &o, false, false)
	}
	o.buf.free()
	return err
}

// pass gives the output on. What has been queued meanwhile leaves with the writer that is next, or if none waits, with a goroutine.
func (c *Conn) pass() {
	if c.freeOutput() {
		go c.flush()
	}
}

// freeOutput gives the output on, and takes it again if nobody waits for it and something is queued.
func (c *Conn) freeOutput() (again bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.output.free()
	return c.claim()
}

// claim takes the output if it is free and something is queued. c.mu is held: whoever holds the output looks into the queue
// under c.mu once more before it lets go, so nothing stays behind.
func (c *Conn) claim() bool {
	return (c.queue.n > 0 || c.pingDue) && !c.closing && c.output.try()
}

// flush writes what is queued. The caller has claimed the output.
func (c *Conn) flush() {
	for {
		c.mu.Lock()
		o := c.takeQueued(0)
		c.mu.Unlock()
		c.appendQueued(&o)
		if o.queued > 0 {
			c.send(background, &o, false, false)
		}
		o.buf.free()
		if !c.freeOutput() {
			return
		}
	}
}

// answer sends what the reader owes, if the output is free; else its holder does.
func (c *Conn) answer() {
	c.owed = false
	c.mu.Lock()
	mine := c.claim()
	c.mu.Unlock()
	if mine {
		go c.flush()
	}
}

// send writes o to the transport. The caller holds the output. If user, the program's deadline holds; if whole, what comes after the
// replies may be given up before its first byte.
func (c *Conn) send(ctx context.Context, o *output, user, whole bool) error {
	c.mu.Lock()
	if c.gone || c.broken != nil {
		defer c.mu.Unlock()
		return c.over()
	}
	call := c.begin(&c.wr, user)
	c.beat.writes(c)
	var began time.Duration
	if o.pinged {
		began = now()
	}
	c.mu.Unlock()
	if ctx.Done() != nil {
		defer context.AfterFunc(ctx, func() { c.cut(&c.wr, call) })()
	}

	sent, err := c.push(ctx, o.buf.b, o.tail)

	c.mu.Lock()
	c.end(&c.wr)
	stalled := c.beat.written()
	if o.pinged && sent >= o.queued {
		c.beat.asks(c, began)
	}
	switch {
	case err == nil:
		c.mu.Unlock()
		return nil
	case c.gone:
	case !isTimeout(err):
		c.breakOutput(fmt.Errorf("conn: write: %w", err))
	case whole && !stalled && c.chunk == 0 && (sent == 0 || sent == o.queued): // a tls.Conn is broken by any write that timed out
		if sent == 0 && c.queue.n == 0 { // 5.5.3: "MAY elect to send a Pong frame for only the most recently processed Ping frame"
			c.queue = o.replies
		}
		c.pingDue = c.pingDue || o.pinged && sent == 0
		c.mu.Unlock()
		c.proto.Unsent() // the caller holds the output still
		return fmt.Errorf("conn: write: %w", orTimeout(ctx, err))
	default:
		c.mu.Unlock()
		if stalled && ctx.Err() == nil {
			c.kill(ErrWriteStall)
			return c.ended()
		}
		c.kill(&lost{fmt.Sprintf("conn: a write was cut after %d of %d bytes", sent, o.size())})
		return fmt.Errorf("%w: %w", c.ended(), orTimeout(ctx, err))
	}
	defer c.mu.Unlock()
	return c.over()
}

// push writes head and tail, and goes on if it was interrupted for a stall that turns out to be none.
func (c *Conn) push(ctx context.Context, head, tail []byte) (sent int, err error) {
	if c.chunk == 0 && len(head) > 0 && len(tail) > 0 {
		return c.pushBoth(ctx, head, tail)
	}
	for _, b := range [2][]byte{head, tail} {
		for len(b) > 0 {
			piece := b
			if c.chunk > 0 && len(piece) > c.chunk {
				piece = piece[:c.chunk]
			}
			n, err := c.nc.Write(piece)
			sent += n
			b = b[n:]
			if err == nil && n < len(piece) {
				err = io.ErrShortWrite
			}
			if len(b) > 0 || err != nil {
				if err = c.goOn(ctx, n, err); err != nil {
					return sent, err
				}
			}
		}
	}
	return sent, nil
}

// A vector is what net.Buffers needs, kept together.
type vector struct {
	bufs  net.Buffers
	store [2][]byte
}

var vectors = sync.Pool{New: func() any { return new(vector) }}

// pushBoth is push in one system call, where there is one.
func (c *Conn) pushBoth(ctx context.Context, head, tail []byte) (sent int, err error) {
	v := vectors.Get().(*vector)
	v.store = [2][]byte{head, tail}
	for v.bufs = v.store[:]; len(v.bufs) > 0 && err == nil; {
		var n int64
		n, err = v.bufs.WriteTo(c.nc)
		sent += int(n)
		if err == nil && len(v.bufs) > 0 {
			err = io.ErrShortWrite // net.Buffers does not look
		}
		if err != nil {
			err = c.goOn(ctx, int(n), err)
		}
	}
	*v = vector{}
	vectors.Put(v)
	return sent, err
}

// goOn is asked between two calls of nc.Write, after one that took n bytes and returned err. It returns nil if the write goes on: there was no error,
// or it was that of an interruption by tick, which wanted to know whether the write had got on. It had.
func (c *Conn) goOn(ctx context.Context, n int, err error) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if err != nil {
		var limit time.Time
		if c.wr.user {
			limit = c.wr.limit
		}
		late := ctx.Err() != nil || !limit.IsZero() && !time.Now().Before(limit)
		if n == 0 || c.gone || c.chunk > 0 || late || !c.beat.stalled || !isTimeout(err) {
			return err
		}
		c.beat.stalled = false
		if err := c.arm(&c.wr, limit); err != nil {
			return err
		}
	}
	c.beat.writes(c)
	return nil
}

// orTimeout returns why a call was interrupted: ctx, or else the deadline, as err says.
func orTimeout(ctx context.Context, err error) error {
	if e := ctx.Err(); e != nil {
		return e
	}
	return err
}

func isTimeout(err error) bool {
	var ne net.Error
	return errors.Is(err, os.ErrDeadlineExceeded) || errors.As(err, &ne) && ne.Timeout()
}
