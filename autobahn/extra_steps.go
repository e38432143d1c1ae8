package autobahn

import (
	"encoding/binary"
	"slices"

	"github.com/idlewire/idlewire/frame"
)

// extraStep takes a step that only the extra cases have. It reports whether st is one.
func (s *session) extraStep(st *Step) bool {
	switch {
	case st.Do == SendOctets:
		s.push(st.Payload.Bytes(), st.Chop, st.PerFrame)
	case st.Do == SendStream:
		s.sendStream(st)
	case st.Do == EndWriting:
		s.out = append(s.out, segment{end: true, alone: true})
	case st.Do == Reset:
		s.dropTCP(abort)
	case st.Do == SendHeader && st.Odd != nil:
		b, key, masked := s.oddHeader(st, st.Announce)
		s.header.key, s.header.masked, s.header.left = key, masked, st.Announce
		s.push(b, st.Chop, st.PerFrame)
	case st.Do == SendFrame && st.Odd != nil:
		s.push(s.oddFrame(st), st.Chop, st.PerFrame)
	default:
		return false
	}
	return true
}

// oddHeader returns the header of a frame with that payload length, and with what is odd about it; and how the payload is to be masked. It is made of octets, since
// no header of package frame is wrong.
func (s *session) oddHeader(st *Step, length uint64) (b []byte, key uint32, masked bool) {
	odd := st.Odd
	if odd == nil {
		odd = &Odd{}
	}
	h := s.masking(frame.Header{Opcode: st.Opcode, Fin: !st.More, Rsv: st.Rsv, Length: int64(min(length, 1<<63-1))})
	if odd.OtherWay {
		if h.Masked = !h.Masked; h.Masked {
			h.Key = s.key()
		}
	}
	if odd.Key != nil {
		h.Key = binary.LittleEndian.Uint32(odd.Key)
	}
	s.logFrameOut(h, nil, st.Chop, st.PerFrame)
	b = []byte{h.Rsv<<4 | byte(h.Opcode), 0}
	if h.Fin {
		b[0] |= 0x80
	}
	switch form := odd.Form; {
	case form == 8 || form == 0 && length > 0xffff:
		b[1] = 127
		b = binary.BigEndian.AppendUint64(b, length)
	case form == 2 || form == 0 && length > 125:
		b[1] = 126
		b = binary.BigEndian.AppendUint16(b, uint16(length))
	default:
		b[1] = byte(length)
	}
	if h.Masked {
		b[1] |= 0x80
		b = binary.LittleEndian.AppendUint32(b, h.Key)
	}
	return b, h.Key, h.Masked && s.opt.ApplyMask
}

// oddFrame returns a frame as it goes on the wire.
func (s *session) oddFrame(st *Step) []byte {
	payload := st.Payload.Bytes()
	b, key, masked := s.oddHeader(st, uint64(len(payload)))
	if masked {
		frame.Mask(payload, key)
	}
	return append(b, payload...)
}

// A stream is the octets of Case.Stream.
type stream struct {
	data  []byte // nil: not made yet
	sent  int    // octets of it
	close int    // where in it a Close ends; 0: there is none
	body  []byte // of that Close
}

// sendStream sends the next piece of the stream.
func (s *session) sendStream(st *Step) {
	m := &s.stream
	if m.data == nil {
		m.data = []byte{}
		for i := range s.c.Stream {
			f := &s.c.Stream[i]
			if f.Do == SendOctets {
				m.data = append(m.data, f.Payload.Bytes()...)
				continue
			}
			m.data = append(m.data, s.oddFrame(f)...)
			if f.Do == SendClose {
				m.close, m.body = len(m.data), f.Payload.Bytes()
			}
		}
	}
	to := len(m.data)
	switch {
	case st.To > 0:
		to = min(st.To, to)
	case st.To < 0:
		to = max(0, to+st.To)
	}
	if to <= m.sent {
		return
	}
	s.push(slices.Clone(m.data[m.sent:to]), st.Chop, true)
	if m.sent < m.close && m.close <= to && s.state == stateOpen {
		s.closing(m.body, false)
	}
	m.sent = to
	s.payOwed()
}
