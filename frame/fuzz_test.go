package frame

import (
	"bytes"
	"errors"
	"io"
	"runtime"
	"testing"
	"testing/iotest"
	"unicode/utf8"
)

// Property: ParseHeader does what the oracle does, at every cut of its input the same, uses at most what
// there is, and what it accepts, Append spells again octet for octet.
func FuzzParseHeader(f *testing.F) {
	for _, row := range headers {
		f.Add(octets(f, row.bytes), byte(row.from), row.rsv)
	}
	for _, s := range []string{
		"82 ff 8000000000000001 00000000", "02 ff 7fffffffffffffff 00000000", // V01
		"82 ff fffffffffffffffc 00000000", "82 7f ffffffffffffffff", // V02, V06; V05
		"82 ff 0000000400000000 00000000", "82 fe 0005 00000000", "89 fe 00c8 00000000", // V10, V13, V20
		"81 05 68656c6c6f", "80 82 00000000 fffe", "89 80 00000000", // V53, V54, V56
	} {
		f.Add(octets(f, s), byte(FromClient), byte(0))
	}
	f.Fuzz(func(t *testing.T, b []byte, from, rsv byte) {
		direction, rsv := Direction(from%3), rsv&7
		if len(b) > 2*MaxHeaderSize {
			b = b[:2*MaxHeaderSize]
		}
		n, _ := same(t, b, direction, rsv)
		everyCut(t, b, direction, rsv)
		if n == 0 {
			return
		}
		h, _, _ := ParseHeader(b, direction, rsv)
		if n > len(b) || n != h.Size() || h.Length < 0 || h.Opcode.IsReserved() || h.Rsv&^rsv != 0 || !h.Masked && h.Key != 0 {
			t.Fatalf("% x: %+v, %d", b, h, n)
		}
		if h.Opcode.IsControl() && (!h.Fin || h.Length > MaxControlPayload) {
			t.Fatalf("% x: %+v", b, h)
		}
		if out := h.Append(nil); !bytes.Equal(out, b[:n]) {
			t.Fatalf("% x becomes % x", b[:n], out)
		}
	})
}

// Property: Mask in two pieces, at any alignment, is three plain lines on the whole; and Mask again is
// nothing.
func FuzzMask(f *testing.F) {
	f.Add([]byte("Hello"), uint32(0x3d21fa37), byte(2), byte(1))
	f.Add(bytes.Repeat([]byte("0123456789"), 20), uint32(0xffffffff), byte(64), byte(7))
	f.Fuzz(func(t *testing.T, payload []byte, key uint32, cut, align byte) {
		want := bytes.Clone(payload)
		wantNext := maskNaive(want, key)
		got := append(make([]byte, align%64), payload...)[align%64:]
		i := min(int(cut), len(got))
		next := Mask(got[i:], Mask(got[:i], key))
		if !bytes.Equal(got, want) || next != wantNext {
			t.Fatalf("% x, %08x, want % x, %08x", got, next, want, wantNext)
		}
		Mask(got, key)
		if !bytes.Equal(got, payload) {
			t.Fatalf("% x, want % x", got, payload)
		}
	})
}

// Property: a UTF8 says at every cut what unicode/utf8 says of the whole, and fails with the first octet that
// cannot be.
func FuzzUTF8(f *testing.F) {
	for _, row := range texts {
		f.Add(octets(f, row.octets), byte(1), byte(2))
	}
	f.Add(bytes.Repeat([]byte("aaaaaaaaé€😀"), 10), byte(9), byte(30))
	f.Add([]byte("aaaaaaaaaaaa\xc1\x81aaaaaaaaaaaaaaaaaaaaaaaaaaaa"), byte(255), byte(0)) // almost an accent amid ASCII
	f.Fuzz(func(t *testing.T, text []byte, cut1, cut2 byte) {
		if ValidUTF8(text) != utf8.Valid(text) {
			t.Fatalf("% x: ValidUTF8 = %v", text, !utf8.Valid(text))
		}
		i := min(int(cut1), len(text))
		j := min(i+int(cut2), len(text))
		var u UTF8
		for _, piece := range [][2]int{{0, i}, {i, j}, {j, len(text)}} {
			so := text[:piece[1]]
			if ok := u.Valid(text[piece[0]:piece[1]]); ok != validNaive(so) {
				t.Fatalf("% x: Valid = %v", so, ok)
			}
			if u.Complete() != utf8.Valid(so) {
				t.Fatalf("% x: Complete = %v", so, u.Complete())
			}
		}
	})
}

// Property: ParseClose accepts what may be sent and nothing else: the error is that of the first rule broken,
// and AppendClose of what was parsed is the payload again.
func FuzzClosePayload(f *testing.F) {
	for _, s := range []string{"", "03", "03e8", "03e8627965", "03ed", "03e8ff", "0fa0c3a9", "1388"} {
		f.Add(octets(f, s))
	}
	f.Fuzz(func(t *testing.T, payload []byte) {
		code, reason, err := ParseClose(payload)
		if err != nil {
			var e *Error
			if code != 0 || reason != nil || !errors.As(err, &e) || e.Code != CloseProtocolError && e.Code != CloseInvalidPayload {
				t.Fatalf("% x: %d, % x, %v", payload, code, reason, err)
			}
			wire := len(payload) > 1 && func() bool {
				c := int(payload[0])<<8 | int(payload[1])
				for _, row := range registry {
					if row.from <= c && c <= row.to {
						return row.wire == '+'
					}
				}
				return false
			}()
			if len(payload) != 1 && len(payload) <= 125 && wire && utf8.Valid(payload[2:]) {
				t.Fatalf("% x: %v", payload, err)
			}
			return
		}
		if !utf8.Valid(reason) || len(payload) > 0 && !code.Receivable() {
			t.Fatalf("% x: %d, % x", payload, code, reason)
		}
		if out, err := AppendClose(nil, code, string(reason)); err != nil || !bytes.Equal(out, payload) {
			t.Fatalf("% x becomes % x, %v", payload, out, err)
		}
	})
}

// Property: Read gives the same frames and the same error however the octets come, allocates in proportion to
// the octets that came, and what it read Write writes again octet for octet.
func FuzzRead(f *testing.F) {
	for _, row := range frames {
		f.Add(octets(f, row.octets), byte(row.from), int64(125))
	}
	f.Add(octets(f, "82 ff 0000000400000000 00000000"), byte(FromClient), int64(-1))
	f.Add(octets(f, "82 ff 7fffffffffffffff 00000000"), byte(FromClient), int64(-1))
	f.Fuzz(func(t *testing.T, in []byte, from byte, limit int64) {
		direction := Direction(from % 3)
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		rest, slow := bytes.NewReader(in), iotest.OneByteReader(bytes.NewReader(in))
		for frames := uint64(0); ; frames++ {
			at := len(in) - rest.Len()
			f, err := Read(rest, direction, 7, limit)
			f2, err2 := Read(slow, direction, 7, limit)
			if f.Header != f2.Header || !bytes.Equal(f.Payload, f2.Payload) || err != err2 {
				t.Fatalf("%+v, %v; by octets %+v, %v", f, err, f2, err2)
			}
			if err != nil {
				var e *Error
				if err != io.EOF && err != io.ErrUnexpectedEOF && !errors.As(err, &e) {
					t.Fatal(err)
				}
				runtime.ReadMemStats(&after)
				if got, most := after.TotalAlloc-before.TotalAlloc, uint64(64<<10)+16*uint64(len(in))+2048*frames; got > most {
					t.Fatalf("%d octets, %d frames: %d bytes allocated, want at most %d", len(in), frames, got, most)
				}
				return
			}
			if limit >= 0 && int64(len(f.Payload)) > limit || int64(len(f.Payload)) != f.Length {
				t.Fatalf("%+v, limit %d", f, limit)
			}
			var out bytes.Buffer
			if err := Write(&out, f); err != nil || !bytes.Equal(out.Bytes(), in[at:len(in)-rest.Len()]) {
				t.Fatalf("% x becomes % x, %v", in[at:len(in)-rest.Len()], out.Bytes(), err)
			}
		}
	})
}
