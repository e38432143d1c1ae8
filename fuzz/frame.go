package fuzz

import (
	"encoding/binary"
	"fmt"
	"math"
	"strings"
	"unicode/utf8"
)

// A Frame is a frame of which nothing has to be right.
type Frame struct {
	Fin     bool
	Rsv     byte // 0 to 7; RSV1 is 4
	Opcode  byte // 0 to 15
	Masked  bool
	Key     [4]byte // Masked
	Form    Form
	Length  uint64 // as announced
	Payload []byte // in clear; what there is, whatever was announced
	Note    string // what is special about it; "": nothing
}

// A Form says how a length is spelled. A length that is too great for its form loses its upper bits.
type Form byte

// The forms (RFC 6455, 5.2).
const (
	FormShortest Form = iota
	Form7             // 7 bits; 126 and 127 cannot be spelled
	Form16            // 126, and 16 bits
	Form64            // 127, and 64 bits
)

// form returns the Form that is in use.
func (f *Frame) form() Form {
	switch {
	case f.Form != FormShortest:
		return f.Form
	case f.Length <= 125:
		return Form7
	case f.Length <= math.MaxUint16:
		return Form16
	}
	return Form64
}

// AppendHeader appends what stands before the payload, 2 to 14 octets.
func (f *Frame) AppendHeader(dst []byte) []byte {
	b0 := f.Rsv&7<<4 | f.Opcode&15
	if f.Fin {
		b0 |= 0x80
	}
	var mask byte
	if f.Masked {
		mask = 0x80
	}
	switch f.form() {
	case Form16:
		dst = append(dst, b0, mask|126)
		dst = binary.BigEndian.AppendUint16(dst, uint16(f.Length))
	case Form64:
		dst = append(dst, b0, mask|127)
		dst = binary.BigEndian.AppendUint64(dst, f.Length)
	default:
		dst = append(dst, b0, mask|byte(f.Length)&0x7f)
	}
	if f.Masked {
		dst = append(dst, f.Key[:]...)
	}
	return dst
}

// Append appends the frame as it goes over the wire.
func (f *Frame) Append(dst []byte) []byte {
	dst = f.AppendHeader(dst)
	at := len(dst)
	dst = append(dst, f.Payload...)
	if f.Masked {
		for i := range f.Payload {
			dst[at+i] ^= f.Key[i%4]
		}
	}
	return dst
}

// Size is the number of octets that Append appends.
func (f *Frame) Size() int {
	n := [...]int{Form7: 2, Form16: 4, Form64: 10}[f.form()] + len(f.Payload)
	if f.Masked {
		n += 4
	}
	return n
}

// String is the frame in one line, such as
//
//	FIN text 5 masked 37fa213d "Hello"
func (f Frame) String() string {
	var b strings.Builder
	if f.Fin {
		b.WriteString("FIN ")
	}
	for i, name := range [...]string{"RSV1 ", "RSV2 ", "RSV3 "} {
		if f.Rsv&(4>>i) != 0 {
			b.WriteString(name)
		}
	}
	fmt.Fprintf(&b, "%s %d", opName(f.Opcode&15), f.Length)
	if shortest := (&Frame{Length: f.Length}).form(); f.Form != FormShortest && f.Form != shortest {
		fmt.Fprintf(&b, " in %s bits", [...]string{Form7: "7", Form16: "16", Form64: "64"}[f.Form])
	}
	if f.Masked {
		fmt.Fprintf(&b, " masked %x", f.Key)
	}
	if f.Length != uint64(len(f.Payload)) {
		fmt.Fprintf(&b, " but has %d", len(f.Payload))
	}
	switch code, _ := (Event{Op: f.Opcode, Payload: f.Payload}).Close(); {
	case f.Opcode == OpClose && len(f.Payload) >= 2:
		fmt.Fprintf(&b, " %d %s", code, excerpt(f.Payload[2:]))
	case len(f.Payload) > 0:
		b.WriteString(" " + excerpt(f.Payload))
	}
	if f.Note != "" {
		b.WriteString(" -- " + f.Note)
	}
	return b.String()
}

func opName(op byte) string {
	switch op {
	case OpContinuation:
		return "continuation"
	case OpText:
		return "text"
	case OpBinary:
		return "binary"
	case OpClose:
		return "close"
	case OpPing:
		return "ping"
	case OpPong:
		return "pong"
	}
	return fmt.Sprintf("opcode-%d", op)
}

// excerpt is a payload as far as it fits on a line.
func excerpt(b []byte) string {
	const most = 32
	dots := ""
	if len(b) > most {
		dots = fmt.Sprintf("... (%d)", len(b))
		b = b[:most]
		for i := most - 1; i >= most-3; i-- { // not within a character
			if utf8.RuneStart(b[i]) && !utf8.FullRune(b[i:]) {
				b = b[:i]
				break
			}
		}
	}
	if utf8.Valid(b) {
		return fmt.Sprintf("%q", b) + dots
	}
	return fmt.Sprintf("%x", b) + dots
}

// Dissect takes a stream apart into frames, whatever is wrong with them; rest is what is left when a header is not complete. The last frame may have
// less payload than it announces. Appended, the frames and rest are the stream again.
func Dissect(stream []byte) (frames []Frame, rest []byte) {
	for len(stream) > 0 {
		f, n := dissectHeader(stream)
		if n == 0 {
			return frames, stream
		}
		stream = stream[n:]
		f.Payload = make([]byte, min(f.Length, uint64(len(stream))))
		for i := range f.Payload {
			f.Payload[i] = stream[i]
			if f.Masked {
				f.Payload[i] ^= f.Key[i%4]
			}
		}
		stream = stream[len(f.Payload):]
		frames = append(frames, f)
	}
	return frames, nil
}

// dissectHeader reads a header; n is 0 if it is not complete.
func dissectHeader(b []byte) (f Frame, n int) {
	if len(b) < 2 {
		return f, 0
	}
	f = Frame{Fin: b[0] >= 0x80, Rsv: b[0] >> 4 & 7, Opcode: b[0] & 15, Masked: b[1] >= 0x80, Length: uint64(b[1] & 0x7f), Form: Form7}
	n = 2
	switch {
	case f.Length == 126 && len(b) >= n+2:
		f.Form, f.Length = Form16, uint64(binary.BigEndian.Uint16(b[2:]))
		n += 2
	case f.Length == 127 && len(b) >= n+8:
		f.Form, f.Length = Form64, binary.BigEndian.Uint64(b[2:])
		n += 8
	case f.Length > 125:
		return f, 0
	}
	if f.Masked {
		if len(b) < n+4 {
			return f, 0
		}
		copy(f.Key[:], b[n:])
		n += 4
	}
	return f, n
}
