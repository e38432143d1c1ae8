package frame

import "encoding/binary"

// A Direction says which endpoint sent a frame, and with it whether the frame must be masked.
type Direction byte

// The directions. The zero Direction checks nothing. Each is the set of what it refuses:
// bit 0 is set if frames without a mask are refused, bit 1 if frames with one are.
const (
	Either     Direction = 0 // masked or not
	FromClient Direction = 1 // 5.1: "a client MUST mask all frames that it sends to the server"
	FromServer Direction = 2 // 5.1: "A server MUST NOT mask any frames that it sends to the client."
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
// [ErrControlFragmented] as soon as octet 0 is there; [ErrMaskRequired], [ErrMaskForbidden], [ErrControlTooLong]
// with octet 1; [ErrLengthOverflow], [ErrLengthNotMinimal] with the octet of the length that shows it. So the same
// octets give the same error, however they are cut. Then h is zero and n is 0.
//
// ParseHeader neither modifies b nor retains it.
func ParseHeader(b []byte, from Direction, rsv byte) (h Header, n int, err error) {
	if len(b) < 2 {
		if len(b) == 1 {
			err = breach0(b[0], rsv)
		}
		return Header{}, 0, err
	}
	b0, b1 := b[0], b[1]
	masked, length := b1>>7, b1&0x7f

	// All that can be wrong with the first two octets, without a branch for each. breach0 and breach1 say the
	// same in words; a test compares the two for all octets.
	wrong := b0>>4&7&^rsv | // bits that no extension uses
		byte(reservedOpcodes>>(b0&15)&1) |
		b0>>3&^(b0>>7)&1 | // a control frame without FIN
		byte(from)>>masked&1 // unmasked or masked, against the direction
	if wrong != 0 || length > MaxControlPayload && b0&8 != 0 {
		if err = breach0(b0, rsv); err == nil {
			err = breach1(b0, b1, from)
		}
		return Header{}, 0, err
	}

	n = 2
	h.Length = int64(length)
	if length >= length16 {
		if h.Length, n, err = parseLength(b); n == 0 {
			return Header{}, 0, err
		}
	}
	if masked != 0 {
		if len(b)-n < 4 {
			return Header{}, 0, nil
		}
		h.Key = binary.LittleEndian.Uint32(b[n:])
		h.Masked = true
		n += 4
	}
	h.Opcode = Opcode(b0 & 15)
	h.Rsv = b0 >> 4 & 7
	h.Fin = b0>>7 != 0
	return h, n, nil
}

// breach0 says what is wrong with octet 0, if anything is.
func breach0(b0, rsv byte) error {
	op := Opcode(b0 & 15)
	switch {
	case b0>>4&7&^rsv != 0:
		// 5.2: "MUST be 0 unless an extension is negotiated that defines meanings for non-zero values."
		return ErrReservedBits
	case op.IsReserved():
		// 5.2: "If an unknown opcode is received, the receiving endpoint MUST _Fail the WebSocket Connection_."
		return ErrReservedOpcode
	case op.IsControl() && b0>>7 == 0:
		// 5.5: control frames "MUST NOT be fragmented".
		return ErrControlFragmented
	}
	return nil
}

// breach1 says what is wrong with octet 1, if anything is. Octet 0 has passed.
func breach1(b0, b1 byte, from Direction) error {
	masked := b1>>7 != 0
	switch {
	case from == FromClient && !masked:
		// 5.1: "The server MUST close the connection upon receiving a frame that is not masked."
		return ErrMaskRequired
	case from == FromServer && masked:
		// 5.1: "A client MUST close a connection if it detects a masked frame."
		return ErrMaskForbidden
	case Opcode(b0&15).IsControl() && b1&0x7f > MaxControlPayload:
		// 5.5: "All control frames MUST have a payload length of 125 bytes or less".
		return ErrControlTooLong
	}
	return nil
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
	if len(b) < 10 {
		return 0, 0, breach64(b[2:])
	}
	v := binary.BigEndian.Uint64(b[2:])
	if v > 0xffff && v <= 1<<63-1 {
		return int64(v), 10, nil
	}
	return 0, 0, breach64(b[2:])
}

// breach64 says what is wrong with a length of 8 octets, of which only the first may be there.
func breach64(b []byte) error {
	// 5.2: a "64-bit unsigned integer (the most significant bit MUST be 0)".
	if len(b) > 0 && b[0]&0x80 != 0 {
		return ErrLengthOverflow
	}
	// Six zeros come before any length that 16 bits can hold.
	if len(b) >= 6 && [6]byte(b) == [6]byte{} {
		return ErrLengthNotMinimal
	}
	return nil
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
