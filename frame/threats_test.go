package frame

import (
	"bytes"
	"errors"
	"io"
	"math"
	"runtime"
	"strconv"
	"testing"
)

// The rows of the threat list that concern one frame. Zero keys stand where the list says m.

// spell writes a header with the length in a form of its own choice: 0, 2 or 8 octets after octet 1.
func spell(dst []byte, b0 byte, masked bool, form int, length uint64) []byte {
	var b1 byte
	if masked {
		b1 = 0x80
	}
	switch form {
	case 0:
		dst = append(dst, b0, b1|byte(length))
	case 2:
		dst = append(dst, b0, b1|126, byte(length>>8), byte(length))
	case 8:
		dst = append(dst, b0, b1|127)
		for i := 56; i >= 0; i -= 8 {
			dst = append(dst, byte(length>>i))
		}
	}
	if masked {
		dst = append(dst, 1, 2, 3, 4)
	}
	return dst
}

// A length that is negative as an int64, and the greatest that is not: the first is no header, the second
// is one whose Length any limit refuses.
func TestV01LengthOverflow(t *testing.T) {
	b := octets(t, "82 ff 8000000000000001 00000000")
	everyCut(t, b, FromClient, 0)
	if _, _, err := ParseHeader(b, FromClient, 0); err != ErrLengthOverflow || ErrLengthOverflow.Code != CloseProtocolError {
		t.Error(err)
	}
	b = octets(t, "02 ff 7fffffffffffffff 00000000")
	everyCut(t, b, FromClient, 0)
	if h, n, err := ParseHeader(b, FromClient, 0); n != 14 || h.Length != math.MaxInt64 || err != nil {
		t.Error(h, n, err)
	}
	r := &countingReader{r: bytes.NewReader(b)}
	if _, err := Read(r, FromClient, 0, 1<<20); err != ErrMessageTooBig || ErrMessageTooBig.Code != CloseTooBig || r.n != len(b) {
		t.Error(err, r.n)
	}
	// The limit itself is allowed, one more is not.
	for limit := range int64(300) {
		in := Append(nil, Header{Opcode: Binary, Fin: true}, make([]byte, limit))
		if _, err := Read(bytes.NewReader(in), FromServer, 0, limit); err != nil {
			t.Error(limit, err)
		}
		in = Append(nil, Header{Opcode: Binary, Fin: true}, make([]byte, limit+1))
		if _, err := Read(bytes.NewReader(in), FromServer, 0, limit); err != ErrMessageTooBig {
			t.Error(limit, err)
		}
	}
}

// Table L: every length that ever broke a parser, in every form that holds it, with every opcode, FIN, mask
// and RSV, from every direction, at every cut.
func TestV02LengthTable(t *testing.T) {
	lengths := []uint64{
		0, 1, 125, 126, 127, 128, 65535, 65536, 1<<31 - 1, 1 << 31, 1<<32 - 1, 1 << 32, 1 << 53,
		1<<63 - 1, 1 << 63, 1<<63 + 1, 1<<64 - 4, 1<<64 - 1,
	}
	headers, breaches := 0, 0
	buf := make([]byte, 0, 32)
	for _, length := range lengths {
		for _, form := range []int{0, 2, 8} {
			if form == 0 && length > 125 || form == 2 && length > 0xffff {
				continue
			}
			for b0 := range 256 { // FIN, RSV and opcode
				for _, masked := range []bool{false, true} {
					b := spell(buf, byte(b0), masked, form, length)
					for from := Either; from <= FromServer; from++ {
						for _, rsv := range []byte{0, Rsv1, 7} {
							n, err := same(t, b, from, rsv)
							if n > 0 {
								headers++
							} else if err != nil {
								breaches++
							} else {
								t.Fatalf("% x: neither a header nor a breach", b)
							}
							if n > 0 && n != len(b) {
								t.Fatalf("% x: size %d", b, n)
							}
						}
					}
					everyCut(t, b, Either, 7)
					everyCut(t, b, FromClient, 0)
					everyCut(t, b, FromServer, 0)
				}
			}
		}
	}
	t.Logf("%d headers, %d breaches", headers, breaches)
}

func TestV05LengthAllOnes(t *testing.T) {
	b := octets(t, "82 7f ffffffffffffffff")
	everyCut(t, b, FromServer, 0)
	if _, _, err := ParseHeader(b, FromServer, 0); err != ErrLengthOverflow {
		t.Error(err)
	}
}

func TestV07LengthTableAsClient(t *testing.T) {
	for _, bits := range []int{31, 32, 33, 62, 63} {
		for _, off := range []int64{-2, -1, 0, 1, 2} {
			length := uint64(1)<<bits + uint64(off)
			b := spell(nil, 0x82, false, 8, length)
			h, n, err := ParseHeader(b, FromServer, 0)
			if length < 1<<63 && (n != 10 || err != nil || uint64(h.Length) != length) || length >= 1<<63 && err != ErrLengthOverflow {
				t.Errorf("%d: %+v, %d, %v", length, h, n, err)
			}
		}
	}
}

// Close payloads of every length, 0 to 126 and beyond.
func TestV08CloseLengths(t *testing.T) {
	for n := range 300 {
		payload := append([]byte{0x03, 0xe8}, bytes.Repeat([]byte("a"), 300)...)[:n]
		code, reason, err := ParseClose(payload)
		switch {
		case n == 0:
			if code != CloseNoStatus || reason != nil || err != nil {
				t.Error(n, code, reason, err)
			}
		case n == 1:
			if code != 0 || reason != nil || err != ErrCloseLength || ErrCloseLength.Code != CloseProtocolError {
				t.Error(n, code, reason, err)
			}
		case n <= 125:
			if code != CloseNormal || !bytes.Equal(reason, payload[2:]) || err != nil {
				t.Error(n, code, reason, err)
			}
		default:
			if code != 0 || reason != nil || err != ErrControlTooLong {
				t.Error(n, code, reason, err)
			}
		}
	}
}

// A header that announces much and then nothing: Read must not take memory for what has not come.
func TestV10AllocateWhatArrives(t *testing.T) {
	for _, length := range []int64{1 << 26, 8 << 30, 1<<31 - 1, 1 << 31, math.MaxInt64} {
		for _, arrives := range []int{0, 1, 4095, 4096, 5000, 100_000} {
			in := Header{Opcode: Binary, Fin: true, Masked: true, Length: length}.Append(nil)
			in = append(in, make([]byte, arrives)...)
			r := &countingReader{r: bytes.NewReader(in)}
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			_, err := Read(r, FromClient, 0, 8<<30)
			runtime.ReadMemStats(&after)
			if length > 8<<30 || length > math.MaxInt {
				if err != ErrMessageTooBig || r.n != 14 {
					t.Errorf("%d: %v, and %d octets were read", length, err, r.n)
				}
				continue
			}
			if err != io.ErrUnexpectedEOF {
				t.Errorf("%d: %v", length, err)
			}
			// The buffers before the last together are as large as it is.
			if got, most := after.TotalAlloc-before.TotalAlloc, uint64(4*arrives+12<<10); got > most {
				t.Errorf("length %d, %d arrived: %d bytes allocated, want at most %d", length, arrives, got, most)
			}
			if most := max(arrives, readChunk); r.most > most {
				t.Errorf("length %d, %d arrived: asked for %d at once", length, arrives, r.most)
			}
		}
	}
	// On the header, also where an int would hold it.
	in := octets(t, "82 ff 0000000400000000 00000000")
	if _, err := Read(bytes.NewReader(in), FromClient, 0, 1<<20); err != ErrMessageTooBig {
		t.Error(err)
	}
	// Without a limit of ours there is still that of an int.
	in = octets(t, "82 ff 7fffffffffffffff 00000000")
	want := io.ErrUnexpectedEOF
	if strconv.IntSize == 32 {
		want = ErrMessageTooBig
	}
	if _, err := Read(bytes.NewReader(in), FromClient, 0, -1); !errors.Is(err, want) {
		t.Error(err)
	}
}

func TestV13LengthNotMinimal(t *testing.T) {
	b := octets(t, "82 fe 0005 00000000 68656c6c6f")
	everyCut(t, b, FromClient, 0)
	if _, _, err := ParseHeader(b, FromClient, 0); err != ErrLengthNotMinimal || ErrLengthNotMinimal.Code != CloseProtocolError {
		t.Error(err)
	}
	for length := range uint64(1 << 16) {
		if _, _, err := ParseHeader(spell(nil, 0x82, false, 8, length), FromServer, 0); err != ErrLengthNotMinimal {
			t.Fatal(length, err)
		}
	}
	// And we never write one.
	for _, length := range []int64{0, 125, 126, 65535, 65536, math.MaxInt64} {
		h := Header{Opcode: Binary, Fin: true, Length: length}
		if got, n, err := ParseHeader(h.Append(nil), FromServer, 0); got != h || n != h.Size() || err != nil {
			t.Error(length, got, n, err)
		}
	}
}

// Control frames above 125: refused at octet 1 when they come, and an error, never a shorter frame, when they
// are to go.
func TestV20ControlTooLong(t *testing.T) {
	for _, op := range []Opcode{Close, Ping, Pong} {
		for length := range 300 {
			in := Header{Opcode: op, Fin: true, Masked: true, Length: int64(length)}.Append(nil)
			everyCut(t, in, FromClient, 0)
			_, n, err := ParseHeader(in, FromClient, 0)
			_, _, early := ParseHeader(in[:2], FromClient, 0)
			var out bytes.Buffer
			werr := Write(&out, Frame{Header{Opcode: op, Fin: true}, make([]byte, length)})
			if length <= 125 {
				if n != 6 || err != nil || early != nil || werr != nil || out.Len() != 2+length {
					t.Errorf("%v of %d: %d, %v; written %v, %d", op, length, n, err, werr, out.Len())
				}
			} else if err != ErrControlTooLong || early != ErrControlTooLong || !errors.Is(werr, ErrNotSendable) || out.Len() != 0 {
				t.Errorf("%v of %d: %v, %v; written %v, %d", op, length, err, early, werr, out.Len())
			}
		}
	}
	if _, _, err := ParseHeader(octets(t, "89 fe 00c8 00000000"), FromClient, 0); err != ErrControlTooLong {
		t.Error(err)
	}
}

// A mask where none may be and the other way round: known at octet 1, before there is a payload to deliver.
func TestV53MaskDirection(t *testing.T) {
	if _, _, err := ParseHeader(octets(t, "81 05 68656c6c6f")[:2], FromClient, 0); err != ErrMaskRequired || ErrMaskRequired.Code != CloseProtocolError {
		t.Error(err)
	}
	if _, _, err := ParseHeader(octets(t, "81 85 00000000")[:2], FromServer, 0); err != ErrMaskForbidden || ErrMaskForbidden.Code != CloseProtocolError {
		t.Error(err)
	}
	for b1 := range 256 {
		_, _, err := ParseHeader([]byte{0x81, byte(b1)}, FromClient, 0)
		if (err == ErrMaskRequired) != (b1 < 0x80) {
			t.Errorf("%x from a client: %v", b1, err)
		}
		_, _, err = ParseHeader([]byte{0x81, byte(b1)}, FromServer, 0)
		if (err == ErrMaskForbidden) != (b1 >= 0x80) {
			t.Errorf("%x from a server: %v", b1, err)
		}
	}
}

// 16 opcodes x FIN x RSV x mask x length classes against the oracle; the states of the list belong to package
// conn. That a header always goes forward, also with nothing behind it, is what the zero-length ping teaches.
func TestV56EveryHeader(t *testing.T) {
	for b0 := range 256 {
		for _, masked := range []bool{false, true} {
			for _, length := range []uint64{0, 1, 125, 126, 127} {
				form := 0
				if length > 125 {
					form = 2
				}
				b := spell(nil, byte(b0), masked, form, length)
				for from := Either; from <= FromServer; from++ {
					for rsv := range byte(8) {
						n, err := same(t, b, from, rsv)
						if (n > 0) == (err != nil) || n > 0 && n < 2 {
							t.Fatalf("% x: %d, %v", b, n, err)
						}
						if n > 0 && Opcode(b0&15).IsReserved() {
							t.Fatalf("% x: a reserved opcode", b)
						}
					}
				}
			}
		}
	}
	f, err := Read(bytes.NewReader(octets(t, "89 80 00000000 89 80 00000000")), FromClient, 0, 0)
	if err != nil || f.Opcode != Ping || len(f.Payload) != 0 {
		t.Error(f, err)
	}
}

// countingReader counts the octets that were read and remembers the most that were asked for at once.
type countingReader struct {
	r       io.Reader
	n, most int
}

func (c *countingReader) Read(p []byte) (int, error) {
	c.most = max(c.most, len(p))
	n, err := c.r.Read(p)
	c.n += n
	return n, err
}
