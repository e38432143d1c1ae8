package frame

import "encoding/binary"

// A Direction says which endpoint sent a frame, and with it whether the frame must be masked.
type Direction byte

// The directions. The zero Direction checks nothing.
const (
	Either     Direction = iota // masked or not
	FromClient                  // 5.1: "a client MUST mask all frames that it sends to the server"
	FromServer                  // 5.1: "A server MUST NOT mask any frames that it sends to the client."
)

// The reserved bits, as they stand in Header.Rsv and in the argument rsv of [ParseHeader].
// RFC 6455 gives them no meaning; an extension may (RFC 7692 takes Rsv1).
const (
	Rsv1 byte = 4
	Rsv2 byte = 2
	Rsv3 byte = 1
)

const (
	// MaxHeaderSize is the size of the longest header in octets: 2, then 8 of length, then 4 of key.
	MaxHeaderSize = 14

	// MaxControlPayload is the length of the longest payload of a control frame in octets (section 5.5).
	MaxControlPayload = 125
)

// The seven bits of length in octet 1 are the length itself, up to 125, or one of these (5.2).
const (
	length16 = 126 // the next 2 octets are the length
	length64 = 127 // the next 8 octets are the length
)

// A Header is all of a frame but its payload. It takes 16 bytes of memory, and is passed by value.
type Header struct {
	Length int64  // octets of payload, >= 0
	Key    uint32 // masking key; the first octet on the wire is the least significant; 0 unless Masked
	Opcode Opcode // 0..15
	Rsv    byte   // some of Rsv1|Rsv2|Rsv3
	Fin    bool   // the last fragment of a message, or the only one
	Masked bool
}

// ParseHeader parses the header at the start of b. It returns the header and its size, n,
// from 2 to 14 octets; the payload begins at b[n]. If b ends before the header does, n is 0
// and err is nil: call again with the same octets and more.
//
// From says whose frame this is, rsv which reserved bits may be set because an extension was
// negotiated, on any frame: if an extension allows its bit only on some frames, its own code
// checks that.
//
// The header that is returned is sound: the opcode is defined, a control frame is whole and has at most
// [MaxControlPayload] octets, and Length is not negative. Length is otherwise only what the peer announced:
// compare it with a limit before anything else. It may be more than an int holds.
//
// Else err is one of the variables of this package, an [*Error]: [ErrReservedBits], [ErrReservedOpcode],
// [ErrControlFragmented] as soon as octet 0 is there; [ErrMaskRequired], [ErrMaskForbidden],
// [ErrControlTooLong] with octet 1; [ErrLengthOverflow], [ErrLengthNotMinimal] with the octet of the length
// that shows it. So the same octets give the same error, however they are cut. Then h is zero and n is 0.
//
// ParseHeader neither modifies b nor retains it.
func ParseHeader(b []byte, from Direction, rsv byte) (h Header, n int, err error) {
	n, err = h.Parse(b, from, rsv)
	return h, n, err
}

// Parse is [ParseHeader] into h, for the code that runs once a message. It sets all of h, or if n is 0
// nothing.
//
// It exists because a Header has more fields than the compiler keeps in registers: by value it goes through
// memory twice, octet by octet and then in words that wait for the octets, and that costs more than the
// parsing (16 ns; 6 ns into h).
func (h *Header) Parse(b []byte, from Direction, rsv byte) (n int, err error) {
	if len(b) < 1 {
		return 0, nil
	}
	b0 := b[0]
	op := Opcode(b0 & 15)
	switch {
	case b0>>4&7&^rsv != 0:
		// 5.2: "MUST be 0 unless an extension is negotiated that defines meanings for non-zero values."
		return 0, ErrReservedBits
	case op.IsReserved():
		// 5.2: "If an unknown opcode is received, the receiving endpoint MUST _Fail the WebSocket
		// Connection_."
		return 0, ErrReservedOpcode
	case op.IsControl() && b0 < 0x80:
		// 5.5: "All control frames MUST have a payload length of 125 bytes or less and MUST NOT be
		// fragmented."
		return 0, ErrControlFragmented
	}
	if len(b) < 2 {
		return 0, nil
	}
	b1 := b[1]
	masked := b1 >= 0x80
	length := int64(b1 & 0x7f)
	switch {
	case from == FromClient && !masked:
		// 5.1: "The server MUST close the connection upon receiving a frame that is not masked."
		return 0, ErrMaskRequired
	case from == FromServer && masked:
		// 5.1: "A client MUST close a connection if it detects a masked frame."
		return 0, ErrMaskForbidden
	case length > MaxControlPayload && op.IsControl():
		return 0, ErrControlTooLong // 5.5, as above
	}
	n = 2
	if length >= length16 {
		if length, n, err = parseLength(b); n == 0 {
			return 0, err
		}
	}
	var key uint32
	if masked {
		if len(b)-n < 4 {
			return 0, nil
		}
		key = binary.LittleEndian.Uint32(b[n:])
		n += 4
	}
	h.Length = length
	h.Key = key
	h.Opcode = op
	h.Rsv = b0 >> 4 & 7
	h.Fin = b0 >= 0x80
	h.Masked = masked
	return n, nil
}

// parseLength parses the length of a header whose octet 1 says that it takes 2 or 8 octets more, which
// begin at b[2]. It returns the length and the offset of what follows it, or 0, 0 if b ends first.
func parseLength(b []byte) (length int64, n int, err error) {
	// 5.2: "in all cases, the minimal number of bytes MUST be used to encode the length".
	if b[1]&0x7f == length16 {
		if len(b) < 4 {
			return 0, 0, nil
		}
		v := binary.BigEndian.Uint16(b[2:])
		if v < length16 {
			return 0, 0, ErrLengthNotMinimal
		}
		return int64(v), 4, nil
	}
	// 5.2: a "64-bit unsigned integer (the most significant bit MUST be 0)".
	if len(b) > 2 && b[2] >= 0x80 {
		return 0, 0, ErrLengthOverflow
	}
	if len(b) >= 8 && [6]byte(b[2:]) == [6]byte{} {
		return 0, 0, ErrLengthNotMinimal // six zeros, so that 16 bits would do
	}
	if len(b) < 10 {
		return 0, 0, nil
	}
	return int64(binary.BigEndian.Uint64(b[2:])), 10, nil
}

// Size returns the number of octets that [Header.Append] appends, from 2 to 14.
func (h Header) Size() int {
	n := 2
	switch length := uint64(h.Length); {
	case length > 0xffff:
		n = 10
	case length > 125:
		n = 4
	}
	if h.Masked {
		n += 4
	}
	return n
}

// Append appends the header h to dst, its length in the shortest form, and returns the longer slice.
// It keeps nothing of dst.
//
// Append checks nothing, so that a test can write what no endpoint may send. It never cuts a length short: a
// control frame of 200 octets says 200. Of Opcode it writes four bits and of Rsv three; a negative
// Length it writes as the 64 bits that it is, which no [ParseHeader] will take; Key only if Masked.
func (h Header) Append(dst []byte) []byte {
	b0 := byte(h.Opcode)&15 | h.Rsv&7<<4
	if h.Fin {
		b0 |= 0x80
	}
	var b1 byte
	if h.Masked {
		b1 = 0x80
	}
	// 5.2: in network byte order, and "the minimal number of bytes MUST be used".
	switch length := uint64(h.Length); {
	case length <= 125:
		dst = append(dst, b0, b1|byte(length))
	case length <= 0xffff:
		dst = append(dst, b0, b1|length16, byte(length>>8), byte(length))
	default:
		dst = append(dst, b0, b1|length64)
		dst = binary.BigEndian.AppendUint64(dst, length)
	}
	if h.Masked {
		dst = binary.LittleEndian.AppendUint32(dst, h.Key)
	}
	return dst
}
