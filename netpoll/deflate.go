package netpoll

import (
	"sync"

	"github.com/idlewire/idlewire/conn"
	"github.com/idlewire/idlewire/frame"
	"github.com/idlewire/idlewire/handshake"
)

// negotiating returns the server's Upgrader for one loop, which accepts offers of compression as well.
func (l *loop) negotiating(u handshake.Upgrader) handshake.Upgrader {
	if z := l.server.Options.Compression; z != nil {
		u.Extensions = conn.Accepting(z, func(c conn.Compressor) { l.agreed = c }, u.Extensions)
	}
	return u
}

// takeAgreed gives c the compression that its opening handshake agreed on, or, if that was refused after all, lets it go.
func (l *loop) takeAgreed(c *Conn, refused bool) {
	switch z := l.agreed; {
	case z == nil:
	case refused:
		z.Release()
	default:
		c.proto.Compressor = z
	}
	l.agreed = nil
}

// aloneSize is the length in octets of a message above which it is compressed before the connection's lock is taken, which the loop may be waiting for,
// and therefore without reference to earlier messages. They are no more than the 32 KiB of a window, and would not help much.
const aloneSize = 32 << 10

// maxScratch is what may stay in the pool.
const maxScratch = 1 << 20

var scratches = sync.Pool{New: func() any { return new([]byte) }}

func giveScratch(b *[]byte) {
	if cap(*b) <= maxScratch {
		*b = (*b)[:0]
		scratches.Put(b)
	}
}

// compressAlone compresses a long message. The caller gives what it returns back with giveScratch.
func compressAlone(z conn.Compressor, payload []byte) (*[]byte, bool) {
	s := scratches.Get().(*[]byte)
	b, ok := z.Alone().Compress((*s)[:0], payload)
	*s = b
	if !ok {
		giveScratch(s)
		return nil, false
	}
	return s, true
}

// writeDeflated sends a message compressed, if it is worth it. alone is the payload as compressed already, or nil. It is called with mu held.
func (c *Conn) writeDeflated(op frame.Opcode, payload []byte, alone *[]byte) error {
	if err := c.room(len(payload)); err != nil {
		return err
	}
	o := c.queue()
	switch {
	case alone != nil:
		head, err := c.proto.AppendAloneHeader(o.tail(frame.MaxHeaderSize), op, payload, len(*alone))
		if err != nil {
			return c.refused(err)
		}
		o.setTail(head)
		c.lendOut(o, *alone)
	case len(payload) <= chunkSize-frame.MaxHeaderSize:
		b, err := c.proto.AppendMessage(o.tail(len(payload)+frame.MaxHeaderSize), op, payload)
		if err != nil {
			return c.refused(err)
		}
		o.setTail(b)
	default:
		s := scratches.Get().(*[]byte)
		defer giveScratch(s)
		b, err := c.proto.AppendMessage((*s)[:0], op, payload)
		*s = b
		if err != nil {
			return c.refused(err)
		}
		if len(b) <= chunkSize {
			o.setTail(append(o.tail(len(b)), b...))
		} else {
			c.lendOut(o, b)
		}
	}
	o.messages++
	c.leave(o)
	return nil
}
