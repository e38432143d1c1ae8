package testee

import (
	"encoding/binary"

	"github.com/idlewire/idlewire/frame"
)

// An out is a frame to be sent.
type out struct {
	frame.Header        // Length and Masked are right; the Key is set
	payload      []byte // not to be modified; a changed frame has another
	raw          []byte // if not nil: sent instead, as it is
	clear        bool   // the payload is not masked, whatever the header says
}

// send sends a frame. It does not modify payload, nor keep it.
func (p *Peer) send(op frame.Opcode, payload []byte) {
	p.sendFrame(frame.Header{Opcode: op, Fin: true}, payload)
}

func (p *Peer) sendFrame(h frame.Header, payload []byte) {
	if p.gone {
		return
	}
	h.Length = int64(len(payload))
	if p.role == Client {
		h.Masked, h.Key = true, p.rand.Uint32()
	}
	f := out{Header: h, payload: payload}
	if p.kind.write != nil {
		p.kind.write(p, &f)
	}
	if f.raw == nil {
		f.raw = f.bytes(f.Header.Append(make([]byte, 0, frame.MaxHeaderSize+len(f.payload))))
	}
	p.out = append(p.out, f.raw)
}

// bytes appends the payload to a header, masked if the header says so.
func (f *out) bytes(header []byte) []byte {
	b := append(header, f.payload...)
	if f.Masked && !f.clear {
		frame.Mask(b[len(header):], f.Key)
	}
	return b
}

// long16 and long64 put f together with its length in so many bits, however short it is.
func (f *out) long16() {
	f.long(126, binary.BigEndian.AppendUint16(nil, uint16(len(f.payload))))
}

func (f *out) long64() {
	f.long(127, binary.BigEndian.AppendUint64(nil, uint64(len(f.payload))))
}

func (f *out) long(form byte, length []byte) {
	b := []byte{byte(f.Opcode) | f.Rsv<<4, form}
	if f.Fin {
		b[0] |= 0x80
	}
	b = append(b, length...)
	if f.Masked {
		b[1] |= 0x80
		b = binary.LittleEndian.AppendUint32(b, f.Key)
	}
	f.raw = f.bytes(b)
}
