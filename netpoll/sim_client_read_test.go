package netpoll

import (
	"bytes"
	"strconv"
	"strings"

	"github.com/idlewire/idlewire/conn"
	"github.com/idlewire/idlewire/frame"
	"github.com/idlewire/idlewire/handshake"
)

// How a client reads, and what it expects.

// hear reads and takes in what the server has sent.
func (c *client) hear() bool {
	w := c.sim.world
	switch c.reads {
	case readNothing:
		if w.chance(1000) || !c.s.closed {
			return false
		}
	case readSome:
		if c.received > 0 && !c.s.closed && !c.sim.calm {
			return false
		}
	}
	n := 1 << 20
	if c.reads == readSlowly || w.chance(200) {
		n = w.upTo(c.piece)
	}
	b := c.s.receive(n)
	if len(b) > 0 {
		w.note(opReceive, int64(c.id), int64(len(b)), nil)
		c.take(b)
		return true
	}
	if c.s.ended() {
		c.end()
	}
	return false
}

// take looks at octets of the server.
func (c *client) take(b []byte) {
	if !c.open {
		if b = c.opens(b); !c.open || len(b) == 0 {
			return
		}
	}
	w := c.sim
	for {
		m, rest, err := c.proto.Receive(b)
		if err != nil {
			w.fail("client %d: the server broke the protocol: %v", c.id, err)
		}
		switch m.Op {
		case 0:
			return
		case frame.Text, frame.Binary:
			size, op := w.shape('S', c.id, c.received)
			if c.received >= c.accepted {
				w.fail("client %d: message %d was never written: %.40q", c.id, c.received, m.Payload)
			}
			if want := body(w.scratch[:0], 'S', c.id, c.received, size); op != m.Op || !bytes.Equal(want, m.Payload) {
				w.fail("client %d: expected message %d %.40q of %d octets, got %.40q of %d", c.id, c.received, want, size, m.Payload, len(m.Payload))
			}
			c.received++
		case frame.Pong:
			n, _ := strconv.Atoi(string(m.Payload))
			if n <= int(c.pongs) || n > int(c.pings) {
				if !c.broken || string(m.Payload) != ballast[:125] {
					w.fail("client %d: pong %q after pong %d of %d pings", c.id, m.Payload, c.pongs, c.pings)
				}
			} else {
				c.pongs = uint32(n)
			}
		case frame.Ping:
			if !c.silent && !c.told && !c.closed && !c.broken {
				n := c.out.len()
				if n == 0 {
					c.out.buf, c.out.head = c.out.buf[:0], 0
				}
				c.out.buf = c.proto.AppendReply(c.out.buf, m)
				c.made += int64(c.out.len() - n)
			}
		case frame.Close:
			c.goodbye(m)
		}
		b = rest
	}
}

// goodbye is the server's Close.
func (c *client) goodbye(m conn.Message) {
	w := c.sim
	code, _ := m.Close()
	c.farewell = code
	ok := false
	for _, x := range c.codes {
		ok = ok || x == code
	}
	if !ok {
		w.fail("client %d: closed with %d, expected one of %d", c.id, code, c.codes)
	}
	if c.received != c.accepted {
		w.fail("client %d: the server's Close came after %d of the %d messages that had been written", c.id, c.received, c.accepted)
	}
	if !c.closed && !c.rude && !c.told && !c.broken {
		// What is half sent has to be sent; then the answer.
		c.closed = true
		c.want = int(c.sent)
		c.out.push(c.proto.AppendReply(nil, m))
		c.made = c.pushed + int64(c.out.len())
		c.close = c.made
		c.code = code
	} else if c.rude {
		c.stopTalking()
	}
}

// opens takes in the response to the opening handshake and returns what follows it.
func (c *client) opens(b []byte) []byte {
	w := c.sim
	if c.refusal > 0 { // the body of the refusal
		return nil
	}
	c.answer = append(c.answer, b...)
	i := bytes.Index(c.answer, []byte("\r\n\r\n"))
	if i < 0 {
		if len(c.answer) > 4096 {
			w.fail("client %d: a response of %d octets", c.id, len(c.answer))
		}
		return nil
	}
	head, rest := c.answer[:i+4], c.answer[i+4:]
	status, _ := strconv.Atoi(string(head[9:12]))
	if status == 101 {
		if c.refusal != 0 || c.opening == openNever || c.opened != 1 {
			w.fail("client %d: a handshake was accepted that should not have been (%d calls of Open)", c.id, c.opened)
		}
		if !bytes.Contains(head, []byte("s3pPLMBiTxaQ9kYGzzhZRbK+xOo=")) {
			w.fail("client %d: the wrong Sec-WebSocket-Accept", c.id)
		}
		c.agree(string(head))
		c.open = true
		return rest
	}
	if c.opened > 0 {
		w.fail("client %d: refused with %d after Open", c.id, status)
	}
	if status != -c.refusal && status != 503 && !(status == 500 && c.panicked) || status == 503 && !w.stopped && !w.crowded {
		w.fail("client %d: refused with %d, expected %d", c.id, status, -c.refusal)
	}
	c.refusal = status
	c.stopTalking()
	return nil
}

// agree takes in what the server has agreed to.
func (c *client) agree(head string) {
	_, value, agreed := strings.Cut(head, "Sec-WebSocket-Extensions: ")
	switch {
	case agreed && c.offers == nil:
		c.sim.fail("client %d: an extension that was not offered: %q", c.id, head)
	case c.offers == nil:
		return
	case agreed != (c.sim.srv.Options.Compression != nil):
		c.sim.fail("client %d: the server has compression, or not: %q", c.id, head)
	}
	var exts []handshake.Extension
	if agreed {
		value, _, _ = strings.Cut(value, "\r\n")
		exts, _ = handshake.ParseExtensions(nil, []byte(value))
	}
	z, err := c.offers.Agree(exts)
	if err != nil {
		c.sim.fail("client %d: %q: %v", c.id, value, err)
	}
	c.proto.Compressor = z
}

// end is when the client has read the end of everything.
func (c *client) end() {
	if c.ended {
		return
	}
	c.ended = true
	c.sim.note(opEnd, int64(c.id), int64(c.farewell), nil)
	if !c.s.wasReset && c.open && c.received != c.accepted && c.err == nil && c.done == 1 {
		c.sim.fail("client %d: the end came after %d of %d messages, and nobody said why", c.id, c.received, c.accepted)
	}
	c.s.hangUp()
	c.proto.Release()
	c.gone = true
}
