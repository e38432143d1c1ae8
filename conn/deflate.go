package conn

import "github.com/idlewire/idlewire/frame"

// Messages that leave compressed (RFC 7692, section 6.1).

// AppendUncompressed is AppendMessage for a message that shall not be compressed, because it is compressed in itself, or holds a secret beside what
// an attacker can choose. Without a Compressor they are the same.
func (p *Protocol) AppendUncompressed(dst []byte, op frame.Opcode, payload []byte) ([]byte, error) {
	if err := p.mayBegin(op); err != nil {
		return dst, err
	}
	return p.append(dst, op, true, payload), nil
}

// Unsent says that what has been appended last is not sent after all: a later message must not refer to it.
// Without it, everything appended has to be sent, in order.
func (p *Protocol) Unsent() {
	if p.Compressor != nil {
		p.Compressor.Forget()
	}
}

// appendDeflated appends a data frame compressed, if it is worth it. op says whether it is the first of its message.
func (p *Protocol) appendDeflated(dst []byte, op frame.Opcode, fin bool, payload []byte) ([]byte, bool) {
	h := p.outHeader(op, fin)
	first := op != frame.Continuation
	if first {
		h.Rsv = frame.Rsv1 // RFC 7692, 6.1: "only the first fragment"
	}
	// The header goes before what is not there yet. It gets the room that it may need, and what follows moves down if that was too much.
	most := len(payload)
	if !first || !fin {
		most += len(payload)/1000 + 64
	}
	h.Length = int64(most)
	var room [frame.MaxHeaderSize]byte
	begin, size := len(dst), h.Size()
	b, ok := p.Compressor.Compress(append(dst, room[:size]...), payload, first, fin)
	if !ok {
		return dst, false
	}
	deflated := b[begin+size:]
	h.Length = int64(len(deflated))
	if n := h.Size(); n != size {
		b = append(b[:begin+n], deflated...)
		deflated = b[begin+n:]
	}
	h.Append(b[:begin])
	if h.Masked {
		frame.Mask(deflated, h.Key)
	}
	return b, true
}
