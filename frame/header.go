package frame

import "encoding/binary"

// A Direction says which endpoint sent a frame, and so whether it must be masked (section 5.1).
type Direction byte

// The directions. The zero Direction checks nothing.
const (
	Either     Direction = iota // masked or not
	FromClient                  // must be masked
	FromServer                  // must not be masked
)

// The reserved bits, as they stand in Header.Rsv.
const (
	Rsv1 byte = 4
	Rsv2 byte = 2
	Rsv3 byte = 1
)

// MaxHeaderSize is the size in octets of the longest header: 2, and 8 of length, and 4 of key.
const MaxHeaderSize = 14

// MaxControlPayload is the greatest length in octets of a control frame's payload (section 5.5).
const MaxControlPayload = 125

// A Header is all of a frame but its payload.
type Header struct {
	Length int64  // octets of payload, >= 0
	Key    uint32 // masking key; its first octet on the wire is the least significant here; 0 unless Masked
	Opcode Opcode // 0..15
	Rsv    byte   // Rsv1, Rsv2, Rsv3 or'ed
	Fin    bool   // the last fragment of its message
	Masked bool
}

// ParseHeader parses the header at the beginning of b and returns it with its size.
// If b ends before the header does, n is 0 and err is nil.
func ParseHeader(b []byte, from Direction, rsv byte) (h Header, n int, err error) {
	if len(b) == 0 {
		return Header{}, 0, nil
	}
	h.Fin = b[0]&0x80 != 0
	h.Rsv = b[0] >> 4 & 7
	h.Opcode = Opcode(b[0] & 15)
	switch {
	case h.Rsv&^rsv != 0:
		return Header{}, 0, ErrReservedBits
	case h.Opcode.IsReserved():
		return Header{}, 0, ErrReservedOpcode
	case h.Opcode.IsControl() && !h.Fin:
		return Header{}, 0, ErrControlFragmented
	}
	if len(b) < 2 {
		return Header{}, 0, nil
	}
	h.Masked = b[1]&0x80 != 0
	h.Length = int64(b[1] & 0x7f)
	switch {
	case from == FromClient && !h.Masked:
		return Header{}, 0, ErrMaskRequired
	case from == FromServer && h.Masked:
		return Header{}, 0, ErrMaskForbidden
	case h.Opcode.IsControl() && h.Length > MaxControlPayload:
		return Header{}, 0, ErrControlTooLong
	}
	n = 2
	switch h.Length {
	case 126:
		if len(b) < 4 {
			return Header{}, 0, nil
		}
		h.Length = int64(binary.BigEndian.Uint16(b[2:]))
		if h.Length < 126 {
			return Header{}, 0, ErrLengthNotMinimal
		}
		n = 4
	case 127:
		if len(b) > 2 && b[2]&0x80 != 0 {
			return Header{}, 0, ErrLengthOverflow
		}
		if len(b) >= 8 && binary.BigEndian.Uint64(b[:8])<<16 == 0 {
			return Header{}, 0, ErrLengthNotMinimal
		}
		if len(b) < 10 {
			return Header{}, 0, nil
		}
		h.Length = int64(binary.BigEndian.Uint64(b[2:]))
		n = 10
	}
	if h.Masked {
		if len(b) < n+4 {
			return Header{}, 0, nil
		}
		h.Key = binary.LittleEndian.Uint32(b[n:])
		n += 4
	}
	return h, n, nil
}

// Size returns the number of octets that Append appends: 2 to 14.
func (h Header) Size() int {
	n := 2
	switch {
	case uint64(h.Length) > 0xffff:
		n = 10
	case h.Length > 125:
		n = 4
	}
	if h.Masked {
		n += 4
	}
	return n
}

// Append appends h to dst. It checks nothing.
func (h Header) Append(dst []byte) []byte {
	b0 := byte(h.Opcode&15) | h.Rsv&7<<4
	if h.Fin {
		b0 |= 0x80
	}
	var b1 byte
	if h.Masked {
		b1 = 0x80
	}
	switch {
	case uint64(h.Length) > 0xffff:
		dst = append(dst, b0, b1|127)
		dst = binary.BigEndian.AppendUint64(dst, uint64(h.Length))
	case h.Length > 125:
		dst = append(dst, b0, b1|126)
		dst = binary.BigEndian.AppendUint16(dst, uint16(h.Length))
	default:
		dst = append(dst, b0, b1|byte(h.Length))
	}
	if h.Masked {
		dst = binary.LittleEndian.AppendUint32(dst, h.Key)
	}
	return dst
}
