package conn

import (
	"github.com/idlewire/idlewire/frame"
)

// Receive consumes bytes from the peer until one message is complete or b is used up.
// It returns the message and the bytes that follow it. The zero Message means that b
// ended first; call again with the bytes that come next.
//
// Receive unmasks in place: it overwrites b. Message.Payload points into b or into a
// buffer of p, and is valid until the next call of Receive, ReceivePart or Release.
// Call until the zero Message comes back: that last call lets the buffer go.
//
// An error is a *frame.Error, and for ever the same. After a Close from the peer
// further bytes are discarded.
func (p *Protocol) Receive(b []byte) (m Message, rest []byte, err error) {
	return p.receive(b, false)
}

// ReceivePart is Receive for messages that should not be held whole: the payload of a data message is
// handed out as it comes, without a copy. Message.Op is that of the message in each piece, and Message.More
// is false in the last. Pieces are not cut between characters.
//
// Receive and ReceivePart may be mixed at will. A ReceivePart within a message that Receive has begun to assemble
// first gives what has been gathered; a Receive after some pieces gives what is left, as one message.
func (p *Protocol) ReceivePart(b []byte) (m Message, rest []byte, err error) {
	return p.receive(b, true)
}

func (p *Protocol) receive(b []byte, parts bool) (Message, []byte, error) {
	p.loan.end(b)
	if p.in != nil {
		p.settle()
	}
	if p.ended != 0 {
		if p.err != nil {
			return Message{}, nil, p.err
		}
		return Message{}, nil, nil
	}
	if parts && p.in != nil && p.in.buf != nil {
		in := p.in
		in.lent = true
		return Message{Op: in.op, More: true, Payload: in.buf.b}, b, nil
	}
	for len(b) > 0 {
		p.loan.step()
		if p.in == nil || !p.in.open {
			h, n, err := p.header(b)
			if err != nil {
				return p.fail(err)
			}
			if n == 0 {
				return Message{}, nil, nil
			}
			b = b[n:]
			if err := p.check(&h); err != nil {
				return p.fail(err)
			}
			if h.Fin && h.Opcode != frame.Continuation && h.Length <= int64(len(b)) {
				return p.whole(h, b)
			}
			p.begin(h)
		}
		in := p.in
		piece := b
		if int64(len(piece)) > in.left {
			piece = b[:in.left:in.left]
		}
		b = b[len(piece):]
		in.left -= int64(len(piece))
		if in.h.Masked {
			in.h.Key = frame.Mask(piece, in.h.Key)
		}
		in.open = in.left > 0
		if in.h.Opcode.IsControl() {
			in.control = append(in.control, piece...)
			if in.open {
				break
			}
			return p.message(in.h.Opcode, in.control, b)
		}
		done := !in.open && in.h.Fin
		if in.op == frame.Text && (!in.text.Valid(piece) || done && !in.text.Complete()) {
			return p.fail(frame.ErrInvalidUTF8)
		}
		if parts {
			if len(piece) == 0 && !done {
				continue
			}
			m := Message{Op: in.op, More: !done, Payload: piece}
			if done {
				in.op = 0
				p.settle()
			}
			return p.lend(m, b)
		}
		in.append(piece)
		if done {
			m := Message{Op: in.op}
			if in.op = 0; in.buf != nil {
				m.Payload, in.lent = in.buf.b, true
			}
			return m, b, nil
		}
	}
	return Message{}, nil, nil
}

func (p *Protocol) peer() frame.Direction {
	if p.Role == Client {
		return frame.FromServer
	}
	return frame.FromClient
}

// header parses the next header, which may have begun before b, and returns it with the number of bytes of b
// that it took. n is 0 if the header is not complete; then all of b has been taken.
func (p *Protocol) header(b []byte) (h frame.Header, n int, err error) {
	if p.in == nil || p.in.got == 0 {
		h, n, err = frame.ParseHeader(b, p.peer(), 0)
		if n == 0 && err == nil {
			in := p.incoming()
			in.got = uint8(copy(in.head[:], b))
		}
		return h, n, err
	}
	in := p.in
	had := in.got
	in.got += uint8(copy(in.head[had:], b))
	h, n, err = frame.ParseHeader(in.head[:in.got], p.peer(), 0)
	if n > 0 {
		n -= int(had)
		in.got = 0
	}
	return h, n, err
}

// check holds the header against the message under assembly and the limits.
func (p *Protocol) check(h *frame.Header) error {
	if h.Opcode.IsControl() {
		return nil // 5.4: control frames may come between the fragments of a message
	}
	var op frame.Opcode
	var size int64
	var fragments int
	if in := p.in; in != nil {
		op, size, fragments = in.op, in.total, in.fragments
	}
	if op == 0 {
		size, fragments = 0, 0
	}
	switch {
	case h.Opcode == frame.Continuation && op == 0:
		return frame.ErrUnexpectedContinuation
	case h.Opcode != frame.Continuation && op != 0:
		return frame.ErrExpectedContinuation
	case h.Length > p.Options.maxMessage()-size:
		return frame.ErrMessageTooBig
	case fragments >= p.Options.maxFragments():
		return frame.ErrTooManyFragments
	}
	return nil
}

func (p *Protocol) begin(h frame.Header) {
	in := p.incoming()
	in.h, in.left, in.open = h, h.Length, true
	if h.Opcode.IsControl() {
		in.control = in.store[:0]
		return
	}
	if h.Opcode != frame.Continuation {
		in.op, in.total, in.fragments, in.text = h.Opcode, 0, 0, frame.UTF8{}
	}
	in.total += h.Length
	in.fragments++
}

func (p *Protocol) whole(h frame.Header, b []byte) (Message, []byte, error) {
	payload, rest := b[:h.Length:h.Length], b[h.Length:]
	if h.Masked {
		frame.Mask(payload, h.Key)
	}
	if h.Opcode == frame.Text && !frame.ValidUTF8(payload) {
		return p.fail(frame.ErrInvalidUTF8)
	}
	if p.in != nil {
		p.settle()
	}
	return p.message(h.Opcode, payload, rest)
}

func (p *Protocol) message(op frame.Opcode, payload, rest []byte) (Message, []byte, error) {
	if op == frame.Close {
		if _, _, err := frame.ParseClose(payload); err != nil {
			return p.fail(err)
		}
		p.ended |= peerClosed
	}
	return p.lend(Message{Op: op, Payload: payload}, rest)
}

func (p *Protocol) lend(m Message, rest []byte) (Message, []byte, error) {
	p.loan.begin(m.Payload, rest)
	return m, rest, nil
}

func (p *Protocol) fail(err error) (Message, []byte, error) {
	p.err = err.(*frame.Error)
	p.ended |= failed
	p.drop()
	return Message{}, nil, p.err
}
