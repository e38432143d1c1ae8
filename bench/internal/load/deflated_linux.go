package load

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
)

// Traffic is what has come of compressed replies.
type Traffic struct {
	Messages int
	Plain    int // octets of the messages
	Wire     int // octets of the frames that they came in, headers included
}

// Sub returns t - u.
func (t Traffic) Sub(u Traffic) Traffic {
	return Traffic{t.Messages - u.Messages, t.Plain - u.Plain, t.Wire - u.Wire}
}

// Ratio is compressed to plain; 0 if nothing has come.
func (t Traffic) Ratio() float64 { return float64(t.Wire) / float64(max(t.Plain, 1)) }

// A deflated reply comes in frames, as many as the server likes, and is compared when it is complete.
type deflated struct {
	left    int    // octets of the frame that are still to come
	fin     bool   // it is the last one
	begun   bool   // a message has begun
	plain   bool   // it is not compressed, because it would not shrink, perhaps; that is the server's to say (RFC 7692 6)
	body    []byte // of the message, as it came
	history []byte // what the server may refer to: as much of the messages before as the window holds
}

// inFrame tells whether the next octet is not the first of a frame.
func (d *deflated) inFrame() bool { return d != nil && d.left > 0 }

// takeDeflated takes octets of c's replies: the rest of a frame, or the header and what follows. It returns what it has not used, how many replies are
// complete, and whether it needs more than there is in b.
func (cl *Client) takeDeflated(c *conn, b []byte) (rest []byte, done int, more bool, err error) {
	d := c.z
	if d.left == 0 {
		size, n, ok := header(b)
		if !ok {
			return b, 0, true, nil
		}
		first := b[0] &^ 0x80 // without FIN
		switch {
		case d.begun && first != 0 || !d.begun && first != 0x01 && first != 0x41: // text, perhaps RSV1
			return nil, 0, false, fmt.Errorf("a frame of a reply that may be compressed begins with %#02x", b[0])
		case b[1]&0x80 != 0:
			return nil, 0, false, errors.New("a masked reply")
		case size > len(cl.f.want[0])*2+1024:
			return nil, 0, false, fmt.Errorf("a frame of %d octets", size)
		}
		if !d.begun {
			d.plain = first&0x40 == 0
		}
		d.begun, d.fin, d.left = true, b[0]&0x80 != 0, size
		cl.traffic.Wire += n
		b = b[n:]
	}
	if d.body == nil {
		d.body = cl.spare()
	}
	n := min(d.left, len(b))
	d.body = append(d.body, b[:n]...)
	d.left -= n
	cl.traffic.Wire += n
	if b = b[n:]; d.left > 0 || !d.fin {
		return b, 0, false, nil
	}
	return b, 1, false, cl.compare(c)
}

// compare inflates a reply that is complete, and looks at it.
func (cl *Client) compare(c *conn) error {
	d, want, got := c.z, cl.f.want[c.next], c.z.body
	if !d.plain {
		d.body = append(d.body, 0, 0, 0xff, 0xff) // RFC 7692 7.2.2
		window := cl.o.Mode.Window()
		out, err := cl.inflater.inflate(append(cl.plain[:0], d.history...), d.body, window, len(want))
		cl.plain, got = out, out[len(d.history):]
		if err != nil {
			return fmt.Errorf("a compressed reply: %w (%v)", err, cl.o.Mode)
		}
		if cl.o.Mode.Takeover {
			d.history = append(d.history[:0], out[max(0, len(out)-window):]...)
		}
	}
	if !bytes.Equal(got, want) {
		return fmt.Errorf("a wrong reply: %d octets for %d", len(got), len(want))
	}
	cl.spares = append(cl.spares, d.body)
	d.body, d.begun = nil, false
	c.next = (c.next + 1) % len(cl.f.want)
	cl.traffic.Messages++
	cl.traffic.Plain += len(want)
	return nil
}

// spare returns a buffer for a body: as many are kept as replies were ever under way at a time, and not one for each connection.
func (cl *Client) spare() []byte {
	n := len(cl.spares)
	if n == 0 {
		return make([]byte, 0, 1024)
	}
	b := cl.spares[n-1]
	cl.spares = cl.spares[:n-1]
	return b[:0]
}

// header reads a frame header: how long the payload is, and the header itself. ok is false if b ends first.
func header(b []byte) (size, n int, ok bool) {
	if len(b) < 2 {
		return 0, 0, false
	}
	switch size = int(b[1] & 0x7f); size {
	case 126:
		if len(b) < 4 {
			return 0, 0, false
		}
		return int(binary.BigEndian.Uint16(b[2:])), 4, true
	case 127:
		if len(b) < 10 {
			return 0, 0, false
		}
		return int(min(binary.BigEndian.Uint64(b[2:]), 1<<40)), 10, true
	}
	return size, 2, true
}

// Traffic returns what has come of compressed replies so far.
func (cl *Client) Traffic() Traffic { return cl.traffic }
