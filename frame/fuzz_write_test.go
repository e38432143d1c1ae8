package frame

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"strconv"
	"strings"
	"testing"
	"testing/iotest"
)

// Property: what Write refuses is ErrNotSendable, for a reason of section 5, and nothing of it is written; all else is written in one call, and Read
// makes the same frame of it, or ErrUnexpectedEOF of any part of it.
func FuzzWrite(f *testing.F) {
	for op := range byte(18) {
		f.Add(op, true, op%2 == 0, byte(0), uint32(0x37fa213d), []byte("Hello"), uint16(op))
	}
	f.Add(byte(Text), false, true, byte(Rsv1), uint32(1), bytes.Repeat([]byte("x"), 126), uint16(3))
	f.Add(byte(Binary), true, false, byte(7), uint32(0), bytes.Repeat([]byte("x"), 70_000), uint16(9))
	f.Add(byte(Binary), true, true, byte(8), uint32(0), []byte{}, uint16(0))
	f.Add(byte(Ping), false, true, byte(0), uint32(0), []byte{}, uint16(0))
	f.Add(byte(Pong), true, false, byte(0), uint32(0), bytes.Repeat([]byte("x"), 126), uint16(0))
	f.Add(byte(Close), true, false, byte(0), uint32(0), bytes.Repeat([]byte("x"), 125), uint16(1))
	f.Fuzz(func(t *testing.T, op byte, fin, masked bool, rsv byte, key uint32, payload []byte, cut uint16) {
		sent := Frame{Header{Opcode: Opcode(op), Fin: fin, Rsv: rsv, Masked: masked, Key: key, Length: -1}, bytes.Clone(payload)}
		var w calls
		err := Write(&w, sent)
		if !bytes.Equal(sent.Payload, payload) {
			t.Fatal("the payload was modified")
		}
		control := op >= 8
		if reserved := op > 2 && op < 8 || op > 10; reserved || rsv > 7 || control && (!fin || len(payload) > 125) {
			if !errors.Is(err, ErrNotSendable) || w.n != 0 {
				t.Fatalf("%+v: %v, %d calls", sent.Header, err, w.n)
			}
			if name := sent.Opcode.String(); !reserved && strings.Contains(name, "reserved") || reserved && !strings.Contains(name, "reserved opcode "+strconv.Itoa(int(op))) && op < 16 {
				t.Fatalf("opcode %d is called %q", op, name)
			}
			return
		}
		if err != nil || w.n != 1 {
			t.Fatalf("%+v: %v, %d calls", sent.Header, err, w.n)
		}
		from := FromServer
		if masked {
			from = FromClient
		} else {
			sent.Key = 0
		}
		sent.Length = int64(len(payload))
		got, err := Read(bytes.NewReader(w.b), from, rsv, int64(len(payload)))
		if err != nil || got.Header != sent.Header || !bytes.Equal(got.Payload, payload) {
			t.Fatalf("%+v is read as %+v, %v", sent.Header, got.Header, err)
		}
		part := w.b[:int(cut)%len(w.b)]
		want := io.ErrUnexpectedEOF
		if len(part) == 0 {
			want = io.EOF
		}
		if got, err := Read(iotest.HalfReader(bytes.NewReader(part)), from, rsv, -1); err != want || got.Payload != nil {
			t.Fatalf("% .20x, cut at %d: %+v, %v", w.b, len(part), got.Header, err)
		}
	})
}

// calls counts the calls of Write, and keeps what they wrote.
type calls struct {
	b []byte
	n int
}

func (w *calls) Write(b []byte) (int, error) {
	w.b = append(w.b, b...)
	w.n++
	return len(b), nil
}

// Property: a code and a reason are refused by AppendClose, which appends nothing then, if and only if ParseClose refuses them on the wire; what it accepts
// ParseClose gives back. And what either says of a code begins with its number.
func FuzzAppendClose(f *testing.F) {
	for _, row := range registry {
		f.Add(uint16(row.from), "")
		f.Add(uint16(row.to), "bye")
	}
	for code := uint16(999); code <= 1016; code++ {
		f.Add(code, "é")
	}
	for _, code := range []uint16{3000, 3001, 3003, 3008} {
		f.Add(code, "")
	}
	f.Add(uint16(1005), "a reason for nothing")
	f.Add(uint16(1000), "\xff")
	f.Add(uint16(1000), strings.Repeat("x", 123))
	f.Add(uint16(1000), strings.Repeat("x", 124))
	f.Fuzz(func(t *testing.T, number uint16, reason string) {
		code := CloseCode(number)
		if name, digits := code.String(), strconv.Itoa(int(number)); name != digits && !strings.HasPrefix(name, digits+" ") {
			t.Fatalf("%d is called %q", number, name)
		}
		payload, err := AppendClose([]byte("dst"), code, reason)
		wire := append(binary.BigEndian.AppendUint16(nil, number), reason...)
		if code == CloseNoStatus && reason == "" {
			wire = nil
		}
		gotCode, gotReason, breach := ParseClose(wire)
		if err != nil {
			var e *Error
			if !errors.Is(err, ErrNotSendable) || string(payload) != "dst" || !errors.As(breach, &e) || e.Error() == "" {
				t.Fatalf("%d %q: %v, % x; on the wire %v", number, reason, err, payload, breach)
			}
			return
		}
		if breach != nil || gotCode != code || string(gotReason) != reason || string(payload) != "dst"+string(wire) {
			t.Fatalf("%d %q: % x; on the wire %d %q, %v", number, reason, payload, gotCode, gotReason, breach)
		}
	})
}
