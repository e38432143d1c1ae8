package conn

import "github.com/idlewire/idlewire/frame"

// Receive consumes bytes from the peer until one message is complete or b is used up.
// It returns the message and the bytes that follow it. The zero Message means that b
// ended first; call again with the bytes that come next.
//
// Receive unmasks in place: it overwrites b. Message.Payload points into b or into a
// buffer of p, and is valid until the next call of Receive or ReceivePart. Call until the
// zero Message comes: that last call lets the buffer go. (Built with race, the machine
// overwrites a payload when its time is over, so that tests find who kept it.)
//
// However the bytes are cut, the messages and the error are the same. An error is
// one of the *frame.Error variables, rest is then nil, and every later call returns the same.
// After the peer's Close, further bytes are discarded (5.5.1).
func (p *Protocol) Receive(b []byte) (m Message, rest []byte, err error) {
	return p.receive(b, false)
}

// ReceivePart is Receive for messages that should not be held whole: it hands out the payload of a
// data message as it comes, in pieces that point into b. Each piece has the opcode of its message, and
// More is false in the last, which alone may be empty. Between the pieces may come control
// messages (5.4). A piece of a text may end within a character. The limits of Options hold as for Receive.
//
// Receive and ReceivePart may be mixed at will. A ReceivePart when Receive has begun to assemble a message
// first gives what is there; a Receive after some pieces gives what is left of the message.
func (p *Protocol) ReceivePart(b []byte) (m Message, rest []byte, err error) {
	return p.receive(b, true)
}

// incoming is all that is known about a header, a frame or a message that is not complete, and it holds payloads
// of ours that are lent. It comes from a pool, and goes back at the next call when it holds neither.
//
// Every byte of the peer is in one place at most: head, control or buf.
type incoming struct {
	frame frame.Header // the frame begun: its Length and Key are those of the bytes still to come; Length == 0: none
	total int64        // op != 0: payload of the message as announced so far, total <= MaxMessage
	buf   *buffer      // op != 0: payload of the message as assembled so far, len <= total; nil: empty
	z     *inflation   // op != 0: the message is compressed, and then total <= wireLimit; nil: it is not

	frames int          // op != 0: frames of the message so far, 1 <= frames <= MaxFragments
	op     frame.Opcode // Text or Binary: that message is not complete; 0: none is
	text   frame.UTF8   // op == Text: state after the bytes so far
	lent   lent         // what of this the caller may read until the next call

	inHead    uint8 // inHead <= 13; > 0: a header is not complete, and then frame.Length == 0
	inControl uint8 // a control frame is not complete: inControl + frame.Length <= 125
	head      [frame.MaxHeaderSize]byte
	control   [frame.MaxControlPayload]byte
}

// lent is what the caller has of an incoming.
type lent byte

const (
	lentNothing lent = iota
	lentControl
	lentBuf
)

// receive is the one parser. Each turn of the loop either consumes a header of at least two bytes, or
// is the first; so its turns are at most 1 + len(b)/2.
func (p *Protocol) receive(b []byte, parts bool) (Message, []byte, error) {
	p.loan.end(b)
	if p.in != nil {
		p.settle()
	}
	if p.ended != 0 {
		return p.over()
	}
	if p.in != nil && p.in.more(parts) {
		if m, ok, err := p.inflate(nil, false, parts); err != nil {
			return p.fail(err)
		} else if ok {
			return m, b, nil
		}
	}
	if parts && p.in != nil && p.in.buf != nil && p.in.z == nil {
		return p.handOver(b)
	}
	var h frame.Header
	for len(b) > 0 {
		p.loan.step()
		if p.in == nil || p.in.frame.Length == 0 {
			n, err := p.header(&h, b)
			if err != nil {
				return p.fail(err)
			}
			if n == 0 {
				break
			}
			b = b[n:]
			if h.Length <= int64(len(b)) && h.Fin && h.Opcode != frame.Continuation && (h.Rsv == 0 || !parts) {
				return p.whole(&h, b)
			}
			p.begin(&h)
		}
		in := p.in
		piece := b[:min(in.frame.Length, int64(len(b)))]
		if parts && in.z != nil {
			piece = piece[:min(len(piece), pieceBite)]
		}
		b = b[len(piece):]
		if in.frame.Masked {
			in.frame.Key = frame.Mask(piece, in.frame.Key) // 5.3
		}
		in.frame.Length -= int64(len(piece))
		if in.frame.Opcode.IsControl() {
			in.inControl += uint8(copy(in.control[in.inControl:], piece))
			if in.frame.Length == 0 {
				return p.controlComplete(b)
			}
			break
		}
		last := in.frame.Length == 0 && in.frame.Fin
		if in.z != nil {
			if m, ok, err := p.inflate(piece, last, parts); err != nil {
				return p.fail(err)
			} else if ok {
				return m, b, nil
			}
			continue
		}
		// 8.1, and fail at the first impossible byte: do not wait for the end of frame or message.
		if in.op == frame.Text && (!in.text.Valid(piece) || last && !in.text.Complete()) {
			return p.fail(frame.ErrInvalidUTF8)
		}
		switch {
		case parts && (len(piece) > 0 || last):
			m := Message{Op: in.op, More: !last, Payload: piece[:len(piece):len(piece)]}
			if last {
				in.op = 0
			}
			return p.lend(m, b)
		case !parts:
			in.append(piece, p.Options.maxMessage())
			if last {
				return p.assembled(b)
			}
		}
	}
	return Message{}, nil, nil
}

// over is what Receive has to say when it takes no more bytes.
func (p *Protocol) over() (Message, []byte, error) {
	return Message{}, nil, p.breach.err()
}

// fail ends the receiving half (7.1.7). From here on the error is the same for ever.
func (p *Protocol) fail(err error) (Message, []byte, error) {
	p.breach = breachOf(err)
	p.ended |= failed
	p.drop()
	return p.over()
}

// from is whose frames we receive.
func (p *Protocol) from() frame.Direction {
	if p.Role == Client {
		return frame.FromServer
	}
	return frame.FromClient
}

// rsv is which reserved bits may be set: none (5.2), or with a Compressor the one that says "compressed" (RFC 7692, 6).
func (p *Protocol) rsv() byte {
	if p.Compressor == nil {
		return 0
	}
	return frame.Rsv1
}

// header parses and checks the next header into h. Bytes of it may have come before b; n is how many of b belong to it. If n
// is 0, b ended first and all of it is in p.in.head.
func (p *Protocol) header(h *frame.Header, b []byte) (n int, err error) {
	if in := p.in; in == nil || in.inHead == 0 {
		n, err = h.Parse(b, p.from(), p.rsv())
		if n == 0 && err == nil {
			in = p.begun()
			in.inHead = uint8(copy(in.head[:], b))
		}
	} else {
		before := int(in.inHead)
		in.inHead += uint8(copy(in.head[before:], b))
		n, err = h.Parse(in.head[:in.inHead], p.from(), p.rsv())
		if n > 0 {
			n -= before
			in.inHead = 0
		}
	}
	switch {
	case n == 0:
	case h.Rsv != 0 && !h.Opcode.IsData(): // RFC 7692, 6.1: neither on control frames, nor on "non-first fragments"
		err = frame.ErrReservedBits
	case !h.Opcode.IsControl(): // 5.4: control frames may come between the fragments of a message
		err = p.check(h)
	}
	return n, err
}

// check holds the header of a data frame against the message under assembly and against the limits, before a byte
// of its payload is looked at.
func (p *Protocol) check(h *frame.Header) error {
	room := p.Options.maxMessage()
	if h.Rsv != 0 || p.in != nil && p.in.z != nil {
		room = p.Options.wireLimit()
	}
	if p.in == nil || p.in.op == 0 {
		switch {
		case h.Opcode == frame.Continuation: // 5.4: it continues nothing
			return frame.ErrUnexpectedContinuation
		case h.Length > room: // 10.4
			return frame.ErrMessageTooBig
		}
		return nil
	}
	switch {
	case h.Opcode != frame.Continuation: // 5.4: "MUST NOT be interleaved"
		return frame.ErrExpectedContinuation
	case h.Length > room-p.in.total: // 10.4; Length is up to 1<<63-1, so nothing is added to it
		return frame.ErrMessageTooBig
	case p.in.frames >= p.Options.maxFragments(): // 10.4
		return frame.ErrTooManyFragments
	}
	return nil
}

// whole is the usual case: all of an unfragmented message, or of a control frame, stands at the beginning of b. It stays there.
func (p *Protocol) whole(h *frame.Header, b []byte) (Message, []byte, error) {
	payload, rest := b[:h.Length:h.Length], b[h.Length:]
	if h.Masked {
		frame.Mask(payload, h.Key) // 5.3
	}
	if h.Rsv != 0 {
		p.begin(h)
		p.in.frame.Length = 0
		m, _, err := p.inflate(payload, true, false)
		if err != nil {
			return p.fail(err)
		}
		return m, rest, nil
	}
	switch h.Opcode {
	case frame.Text:
		if !frame.ValidUTF8(payload) { // 8.1
			return p.fail(frame.ErrInvalidUTF8)
		}
	case frame.Close:
		if err := p.peerClose(payload); err != nil {
			return p.fail(err)
		}
	}
	return p.lend(Message{Op: h.Opcode, Payload: payload}, rest)
}

// peerClose checks the payload of the peer's Close: 5.5.1, 7.4.
func (p *Protocol) peerClose(payload []byte) error {
	if _, _, err := frame.ParseClose(payload); err != nil {
		return err
	}
	p.ended |= peerClosed
	return nil
}

// begun returns p.in, and takes one from the pool if there is none.
func (p *Protocol) begun() *incoming {
	if p.in == nil {
		p.in = incomings.Get().(*incoming)
	}
	return p.in
}

// begin notes a frame whose payload is not whole in b, or that is a fragment.
func (p *Protocol) begin(h *frame.Header) {
	in := p.begun()
	in.frame = *h
	switch h.Opcode {
	case frame.Text, frame.Binary:
		in.op, in.total, in.frames, in.text = h.Opcode, h.Length, 1, frame.UTF8{}
		if h.Rsv != 0 {
			in.z = inflations.Get().(*inflation)
			in.z.d = p.Compressor.Decompressor()
		}
	case frame.Continuation:
		in.total += h.Length
		in.frames++
	default:
		in.inControl = 0
	}
}

// controlComplete returns the control frame whose payload came in several calls.
func (p *Protocol) controlComplete(rest []byte) (Message, []byte, error) {
	in := p.in
	m := Message{Op: in.frame.Opcode, Payload: in.control[:in.inControl:in.inControl]}
	if m.Op == frame.Close {
		if err := p.peerClose(m.Payload); err != nil {
			return p.fail(err)
		}
	}
	in.lent = lentControl
	p.loan.begin(m.Payload, nil)
	return m, rest, nil
}

// append gathers a piece of the message, which may grow to limit as long as this is not its last frame: room for what is announced
// alone would be too small at every fragment, and the message copied at each.
func (in *incoming) append(piece []byte, limit int64) {
	if in.frame.Fin {
		limit = in.total
	}
	if len(piece) > 0 {
		in.buf = in.buf.append(piece, limit)
	}
}

// assembled returns the message whose last byte has been gathered.
func (p *Protocol) assembled(rest []byte) (Message, []byte, error) {
	in := p.in
	m := Message{Op: in.op}
	in.op = 0
	if in.buf != nil {
		m.Payload, in.lent = in.buf.bytes(), lentBuf
	}
	p.loan.begin(m.Payload, nil)
	return m, rest, nil
}

// handOver gives what Receive has assembled to ReceivePart, as a piece. It consumes no bytes.
func (p *Protocol) handOver(b []byte) (Message, []byte, error) {
	in := p.in
	m := Message{Op: in.op, More: true, Payload: in.buf.bytes()}
	in.lent = lentBuf
	p.loan.begin(m.Payload, nil)
	return m, b, nil
}

// lend returns m, whose payload stands in the caller's bytes, right before rest.
func (p *Protocol) lend(m Message, rest []byte) (Message, []byte, error) {
	p.loan.begin(m.Payload, rest)
	return m, rest, nil
}

// settle takes back what was lent, and lets p.in go when nothing is incomplete.
func (p *Protocol) settle() {
	in := p.in
	if in.lent == lentBuf {
		in.buf.free()
		in.buf = nil
		if in.z != nil {
			in.buf, in.z.next = in.z.next, nil
		}
	}
	in.lent = lentNothing
	if p.ended != 0 || in.op == 0 && in.inHead == 0 && in.frame.Length == 0 {
		p.drop()
	}
}

// drop gives p.in back.
func (p *Protocol) drop() {
	if in := p.in; in != nil {
		p.in = nil
		if in.buf != nil {
			in.buf.free()
		}
		if in.z != nil {
			in.z.d.End(nil)
			in.z.free()
		}
		*in = incoming{}
		incomings.Put(in)
	}
}
