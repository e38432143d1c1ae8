package conn

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"

	"github.com/idlewire/idlewire/frame"
)

// Messages that should not be held whole. A message is read in the pieces in which it comes, and sent in fragments as they fill
// (RFC 6455, section 5.4).

// Reader waits for the next data message, and returns its opcode and a reader of its payload, which ends with io.EOF after the last byte.
// The reader holds no more than what one call of the transport gave, but Options.MaxMessage and MaxFragments hold for it: a message
// that may be larger needs an Options that says so. Text is checked as it comes; what one call of the io.Reader gives may end within a character.
//
// The reader belongs to the connection's one reader. It may be left where it is: the next Read or Reader throws away what is left
// of the message, and the old io.Reader returns an error. ctx holds for Reader and for the io.Reader; what either returns for an expired context or
// deadline does not end the connection, and the call may be repeated with the deadline put off, or a new Reader asked for.
func (c *Conn) Reader(ctx context.Context) (frame.Opcode, io.Reader, error) {
	if err := c.enter(ctx); err != nil {
		return 0, nil, err
	}
	var m Message
	err := c.skip(ctx)
	if err == nil {
		m, err = c.next(ctx, (*Protocol).ReceivePart)
	}
	if err != nil {
		return 0, nil, c.exit(err)
	}
	c.part = m.More
	r := &messageReader{c: c, ctx: ctx, serial: c.serial, piece: m.Payload, last: !m.More}
	c.input.free()
	return m.Op, r, nil
}

// skip throws away what is left of a message that was handed out in pieces, and ends the right of its reader to the connection.
func (c *Conn) skip(ctx context.Context) error {
	c.serial++
	for c.part {
		m, err := c.next(ctx, (*Protocol).ReceivePart)
		if err != nil {
			return err
		}
		c.part = m.More
	}
	return nil
}

// A messageReader is what Reader gives. While serial is the connection's, piece is its own.
type messageReader struct {
	c      *Conn
	ctx    context.Context
	serial uint32
	piece  []byte
	last   bool // no piece follows
}

var errLeft = errors.New("conn: the message was left for the next")

// more takes the input and waits until piece is not empty, or the message ends: io.EOF. Without an error the caller holds the input.
func (r *messageReader) more() error {
	c := r.c
	if err := c.enter(r.ctx); err != nil {
		return err
	}
	if r.serial != c.serial {
		c.input.free()
		return errLeft
	}
	for len(r.piece) == 0 {
		if r.last {
			c.input.free()
			return io.EOF
		}
		m, err := c.next(r.ctx, (*Protocol).ReceivePart)
		if err != nil {
			return c.exit(err)
		}
		r.piece, r.last = m.Payload, !m.More
		c.part = m.More
	}
	return nil
}

// Read implements io.Reader.
func (r *messageReader) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	if err := r.more(); err != nil {
		return 0, err
	}
	n := copy(p, r.piece)
	r.piece = r.piece[n:]
	r.c.input.free()
	return n, nil
}

// WriteTo implements io.WriterTo, so that io.Copy needs no buffer.
func (r *messageReader) WriteTo(w io.Writer) (total int64, err error) {
	for {
		switch err := r.more(); err {
		case nil:
		case io.EOF:
			return total, nil
		default:
			return total, err
		}
		piece := r.piece
		r.piece = nil
		r.c.lent = true
		r.c.input.free() // Close need not wait for w
		n, err := w.Write(piece)
		total += int64(n)
		if err == nil && n < len(piece) {
			err = io.ErrShortWrite
		}
		if err != nil {
			return total, err
		}
	}
}

const (
	fragmentSize = 4 << 10  // what a Writer gathers at first; for each fragment twice that of the one before
	maxFragment  = 64 << 10 // what goes into one fragment at most, so that control frames need not wait long
)

// Writer begins one data message that is sent in fragments as it is written; op is frame.Text or frame.Binary. Closing the writer ends the message, and
// must not be forgotten: until then the data of all others waits, so a goroutine that calls [Conn.Write] with its own Writer open waits for itself.
// Pings, pongs and the Close of others go between the fragments.
//
// The writer gathers 4 KiB for the first fragment, and twice as much for each that follows, up to 64 KiB, so that long messages keep below
// the peer's limit of fragments. A Write of more than it gathers goes straight from the caller's slice. It is for one goroutine at a time.
//
// If ctx is done, or the deadline for writing has passed, before a byte of the message has left, the writer is useless, and the connection
// stands. After that the connection is over: half a message cannot be taken back.
func (c *Conn) Writer(ctx context.Context, op frame.Opcode) (io.WriteCloser, error) {
	if !op.IsData() {
		return nil, ErrOpcode
	}
	if err := c.wait(ctx, c.data); err != nil {
		return nil, err
	}
	return &messageWriter{c: c, ctx: ctx, op: op, buf: getBuffer(fragmentSize)}, nil
}

// A messageWriter is what Writer gives. It holds the turn called data until err is set.
type messageWriter struct {
	c   *Conn
	ctx context.Context
	op  frame.Opcode // of the next frame: Continuation after the first
	buf *buffer
	err error
}

var (
	errEnded = errors.New("conn: the message has been ended")
	errGiven = &lost{"conn: a message was given up after its first fragment"}
)

// Write implements io.Writer.
func (w *messageWriter) Write(p []byte) (n int, err error) {
	if w.err == nil && w.c.isGone() {
		w.leave(w.c.ended())
	}
	for len(p) > 0 && w.err == nil {
		var k int
		if b := w.buf.b; len(b) == 0 && len(p) > cap(b) {
			k = min(len(p)-1, maxFragment) // the last octet is kept for the last fragment
			w.send(p[:k], false)
		} else if k = min(len(p), cap(b)-len(b)); k > 0 {
			w.buf.b = append(b, p[:k]...)
		} else {
			w.send(b, false)
		}
		if w.err == nil {
			n += k
			p = p[k:]
		}
	}
	return n, w.err
}

// Close implements io.Closer: it sends the last fragment.
func (w *messageWriter) Close() error {
	if w.err != nil {
		return w.err
	}
	w.send(w.buf.b, true)
	if w.err != nil {
		return w.err
	}
	w.leave(errEnded)
	return nil
}

// send sends one fragment.
func (w *messageWriter) send(payload []byte, fin bool) {
	c := w.c
	first := w.op != frame.Continuation
	o, err := c.start(w.ctx, len(payload))
	if err == nil {
		o.buf.b, err = c.proto.AppendFragment(o.buf.b, w.op, fin, payload)
		w.op = frame.Continuation
		err = c.finishWrite(w.ctx, o, err, false)
	} else if !first && !errors.Is(err, net.ErrClosed) {
		c.kill(errGiven)
		err = fmt.Errorf("%w: %w", c.ended(), err)
	}
	if err != nil {
		w.leave(err)
	} else if !fin {
		size := cap(w.buf.b)
		w.buf.free()
		w.buf = getBuffer(min(2*size, maxFragment))
	}
}

func (w *messageWriter) leave(err error) {
	w.err = err
	w.buf.free()
	w.buf = nil
	w.c.data.free()
}
