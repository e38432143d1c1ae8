package frame

// An Opcode says what a frame is (section 5.2). On the wire it is four bits, 0 to 15.
type Opcode byte

// The opcodes that have a meaning (section 11.8). The others are reserved.
const (
	Continuation Opcode = 0x0 // goes on with the message that a Text or Binary began
	Text         Opcode = 0x1 // UTF-8
	Binary       Opcode = 0x2
	Close        Opcode = 0x8 // see ParseClose
	Ping         Opcode = 0x9
	Pong         Opcode = 0xA
)

// reservedOpcodes has a bit for each reserved opcode. 5.2: 3-7 and B-F.
const reservedOpcodes uint16 = 0b1111_1000_1111_1000

// IsControl reports whether o is a control opcode: Close, Ping, Pong, or reserved for one.
func (o Opcode) IsControl() bool { return o&8 != 0 } // 5.5: "opcodes where the most significant bit of the opcode is 1"

// IsData reports whether a frame with o begins a message of data: Text or Binary.
func (o Opcode) IsData() bool { return o == Text || o == Binary }

// IsReserved reports whether o has no meaning: 3 to 7, 11 to 15, and whatever does not fit in four bits.
func (o Opcode) IsReserved() bool { return o > 15 || reservedOpcodes>>o&1 != 0 }

// String returns the RFC's word for o in lower case, such as "text", or "reserved opcode 3".
func (o Opcode) String() string {
	if o > 15 {
		return "opcode above 15"
	}
	return opcodeNames[o]
}

var opcodeNames = [16]string{
	"continuation", "text", "binary",
	"reserved opcode 3", "reserved opcode 4", "reserved opcode 5", "reserved opcode 6", "reserved opcode 7",
	"close", "ping", "pong",
	"reserved opcode 11", "reserved opcode 12", "reserved opcode 13", "reserved opcode 14", "reserved opcode 15",
}
