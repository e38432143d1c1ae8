package frame

import "strconv"

// An Opcode says what a frame is (RFC 6455, section 5.2). On the wire it is four bits, 0 to 15.
type Opcode byte

// The opcodes that RFC 6455 defines (section 11.8). All others are reserved.
const (
	Continuation Opcode = 0x0 // goes on with the fragmented message
	Text         Opcode = 0x1 // UTF-8
	Binary       Opcode = 0x2
	Close        Opcode = 0x8
	Ping         Opcode = 0x9
	Pong         Opcode = 0xA
)

// IsControl reports whether o is a control opcode, 8 to 15, of which 11 to 15 are reserved.
func (o Opcode) IsControl() bool { return o&8 != 0 } // 5.5: the most significant bit is 1

// IsData reports whether o begins a data message: Text or Binary.
func (o Opcode) IsData() bool { return o == Text || o == Binary }

// IsReserved reports whether RFC 6455 gives o no meaning: 3 to 7, 11 to 15, and whatever
// does not fit in four bits.
func (o Opcode) IsReserved() bool {
	return o > 15 || reservedOpcodes>>o&1 != 0
}

// One bit for each reserved opcode. 5.2: 3-7 and B-F are reserved.
const reservedOpcodes = 0b1111_1000_1111_1000

// String returns the RFC's word for o, such as "text", or "opcode 3" for a reserved one.
func (o Opcode) String() string {
	switch o {
	case Continuation:
		return "continuation"
	case Text:
		return "text"
	case Binary:
		return "binary"
	case Close:
		return "close"
	case Ping:
		return "ping"
	case Pong:
		return "pong"
	}
	return "opcode " + strconv.Itoa(int(o))
}
