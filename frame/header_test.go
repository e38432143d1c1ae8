package frame

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"
	"unsafe"

	"github.com/gobwas/ws"
)

// octets reads "81 05 48656c6c6f": the octets in hex, spaces where they help the eye.
// What it takes is less than a testing.TB, for OSS-Fuzz's *testing.F is none.
func octets(t interface {
	Helper()
	Fatal(...any)
}, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// Any payload follows the header; n says where it begins.
var headers = []struct {
	name  string
	from  Direction
	rsv   byte
	bytes string
	want  Header
	n     int
	err   error
}{
	{"5.7 a single-frame unmasked text message", FromServer, 0, "81 05 48656c6c6f", Header{Opcode: Text, Fin: true, Length: 5}, 2, nil},
	{"5.7 a single-frame masked text message", FromClient, 0, "81 85 37fa213d 7f9f4d5158", Header{Opcode: Text, Fin: true, Length: 5, Masked: true, Key: 0x3d21fa37}, 6, nil},
	{"5.7 a fragmented unmasked text message, first", FromServer, 0, "01 03 48656c", Header{Opcode: Text, Length: 3}, 2, nil},
	{"5.7 a fragmented unmasked text message, last", FromServer, 0, "80 02 6c6f", Header{Opcode: Continuation, Fin: true, Length: 2}, 2, nil},
	{"5.7 unmasked ping request", FromServer, 0, "89 05 48656c6c6f", Header{Opcode: Ping, Fin: true, Length: 5}, 2, nil},
	{"5.7 masked ping response", FromClient, 0, "8a 85 37fa213d 7f9f4d5158", Header{Opcode: Pong, Fin: true, Length: 5, Masked: true, Key: 0x3d21fa37}, 6, nil},
	{"5.7 256 bytes binary message", FromServer, 0, "82 7e 0100", Header{Opcode: Binary, Fin: true, Length: 256}, 4, nil},
	{"5.7 64KiB binary message", FromServer, 0, "82 7f 0000000000010000", Header{Opcode: Binary, Fin: true, Length: 65536}, 10, nil},

	{"5.2 nothing", Either, 0, "", Header{}, 0, nil},
	{"5.2 octet 0", Either, 0, "81", Header{}, 0, nil},
	{"5.2 the key is missing", Either, 0, "81 85", Header{}, 0, nil},
	{"5.2 an octet of the key is missing", Either, 0, "81 85 37fa21", Header{}, 0, nil},
	{"5.2 an octet of the short length is missing", Either, 0, "82 7e 01", Header{}, 0, nil},
	{"5.2 an octet of the long length is missing", Either, 0, "82 7f 00000000000100", Header{}, 0, nil},
	{"5.2 the key after a short length", FromClient, 0, "82 fe 0100 01020304", Header{Opcode: Binary, Fin: true, Length: 256, Masked: true, Key: 0x04030201}, 8, nil},
	{"5.2 the key after a long length", FromClient, 0, "82 ff 0000000000010000 01020304", Header{Opcode: Binary, Fin: true, Length: 65536, Masked: true, Key: 0x04030201}, 14, nil},
	{"5.2 an empty fragment", FromClient, 0, "00 80 00000000", Header{Opcode: Continuation, Masked: true}, 6, nil},
	{"5.2 the longest length", Either, 0, "82 7f 7fffffffffffffff", Header{Opcode: Binary, Fin: true, Length: math.MaxInt64}, 10, nil},

	{"5.2 RSV1", Either, 0, "c1 00", Header{}, 0, ErrReservedBits},
	{"5.2 RSV2", Either, 0, "a1", Header{}, 0, ErrReservedBits},
	{"5.2 RSV3", Either, 0, "91", Header{}, 0, ErrReservedBits},
	{"5.2 RSV1 of an extension", Either, Rsv1, "c1 00", Header{Opcode: Text, Fin: true, Rsv: Rsv1}, 2, nil},
	{"5.2 RSV2 of an extension", Either, Rsv2, "a1 00", Header{Opcode: Text, Fin: true, Rsv: Rsv2}, 2, nil},
	{"5.2 RSV3 of an extension", Either, Rsv3, "91 00", Header{Opcode: Text, Fin: true, Rsv: Rsv3}, 2, nil},
	{"5.2 RSV2 where the extension has RSV1", Either, Rsv1, "e1", Header{}, 0, ErrReservedBits},
	{"5.2 a reserved data opcode", Either, 0, "83", Header{}, 0, ErrReservedOpcode},
	{"5.2 a reserved control opcode", Either, 0, "8b", Header{}, 0, ErrReservedOpcode},
	{"5.2 the length could be shorter by two", Either, 0, "82 7e 007d", Header{}, 0, ErrLengthNotMinimal},
	{"5.2 the length could be shorter by six", Either, 0, "82 7f 000000000000", Header{}, 0, ErrLengthNotMinimal},
	{"5.2 bit 63", Either, 0, "82 7f 80", Header{}, 0, ErrLengthOverflow},

	{"5.1 a client that does not mask", FromClient, 0, "81 05", Header{}, 0, ErrMaskRequired},
	{"5.1 a server that masks", FromServer, 0, "81 85", Header{}, 0, ErrMaskForbidden},

	{"5.5 a control frame in fragments", Either, 0, "09", Header{}, 0, ErrControlFragmented},
	{"5.5 a control frame of 125", Either, 0, "89 7d", Header{Opcode: Ping, Fin: true, Length: 125}, 2, nil},
	{"5.5 a control frame of 126", Either, 0, "89 7e", Header{}, 0, ErrControlTooLong},
	{"5.5 a control frame of 65536", Either, 0, "88 7f", Header{}, 0, ErrControlTooLong},

	{"the order: RSV before opcode", Either, 0, "f3", Header{}, 0, ErrReservedBits},
	{"the order: opcode before FIN", Either, 0, "0b", Header{}, 0, ErrReservedOpcode},
	{"the order: octet 0 before octet 1", FromClient, 0, "09 7f", Header{}, 0, ErrControlFragmented},
	{"the order: mask before length", FromClient, 0, "89 7f", Header{}, 0, ErrMaskRequired},
	{"the order: bit 63 before the rest", Either, 0, "82 7f 8000000000000000", Header{}, 0, ErrLengthOverflow},
}

func TestParseHeader(t *testing.T) {
	for _, row := range headers {
		t.Run(row.name, func(t *testing.T) {
			b := octets(t, row.bytes)
			h, n, err := ParseHeader(b, row.from, row.rsv)
			if h != row.want || n != row.n || err != row.err {
				t.Fatalf("ParseHeader = %+v, %d, %v\n       want  %+v, %d, %v", h, n, err, row.want, row.n, row.err)
			}
			everyCut(t, b, row.from, row.rsv)
			if n == 0 {
				return
			}
			if got := h.Append([]byte("dst")); string(got) != "dst"+string(b[:n]) {
				t.Errorf("Append = % x", got)
			}
		})
	}
}

// everyCut requires that b gives what its longest beginning gives that is a whole header or an error, and
// nothing before: then it does not matter how b arrives.
func everyCut(t testing.TB, b []byte, from Direction, rsv byte) {
	t.Helper()
	h, n, err := ParseHeader(b, from, rsv)
	done := false
	for i := range len(b) + 1 {
		hi, ni, erri := ParseHeader(b[:i], from, rsv)
		if !done && ni == 0 && erri == nil {
			if hi != (Header{}) {
				t.Fatalf("% x: %+v without a size", b[:i], hi)
			}
			continue
		}
		if ni > i {
			t.Fatalf("% x: size %d", b[:i], ni)
		}
		done = true
		if hi != h || ni != n || erri != err {
			t.Fatalf("% x: %+v, %d, %v\nand % x: %+v, %d, %v", b[:i], hi, ni, erri, b, h, n, err)
		}
	}
	if !done && (n != 0 || err != nil) {
		t.Fatalf("% x: only the whole gives %d, %v", b, n, err)
	}
}

// oracle is ParseHeader again, from the text of section 5 alone: a line for a rule, an octet at a time.
func oracle(b []byte, from Direction, rsv byte) (h Header, n int, err error) {
	more := func() (c byte) { // the next octet; once there is none, zeros
		if n < len(b) {
			c = b[n]
		}
		n++
		return c
	}
	breach := func(is bool, e *Error) { // the first counts, if the octet that shows it is there
		if is && err == nil && n <= len(b) {
			err = e
		}
	}
	c := more()
	h.Fin, h.Rsv, h.Opcode = c&0x80 != 0, c/16%8, Opcode(c%16)
	control := h.Opcode >= 8
	breach(h.Rsv&(rsv^7) != 0, ErrReservedBits)
	breach(!strings.ContainsRune("\x00\x01\x02\x08\x09\x0a", rune(h.Opcode)), ErrReservedOpcode)
	breach(control && !h.Fin, ErrControlFragmented)
	c = more()
	h.Masked = c >= 0x80
	breach(from == FromClient && !h.Masked, ErrMaskRequired)
	breach(from == FromServer && h.Masked, ErrMaskForbidden)
	breach(control && c%128 > 125, ErrControlTooLong)
	length := uint64(c % 128)
	switch length {
	case 126:
		length = uint64(more())<<8 + uint64(more())
		breach(length <= 125, ErrLengthNotMinimal)
	case 127:
		length = 0
		for i := range 8 {
			length = length<<8 + uint64(more())
			breach(i == 0 && length > 127, ErrLengthOverflow)
			breach(i == 5 && length == 0, ErrLengthNotMinimal)
		}
	}
	h.Length = int64(length)
	if h.Masked {
		h.Key = uint32(more()) + uint32(more())<<8 + uint32(more())<<16 + uint32(more())<<24
	}
	if n > len(b) || err != nil {
		return Header{}, 0, err
	}
	return h, n, nil
}

// same requires that ParseHeader and Parse do what the oracle does.
func same(t testing.TB, b []byte, from Direction, rsv byte) (n int, err error) {
	t.Helper()
	h, n, err := ParseHeader(b, from, rsv)
	wantH, wantN, wantErr := oracle(b, from, rsv)
	if h != wantH || n != wantN || err != wantErr {
		t.Fatalf("% x, direction %d, rsv %d:\nParseHeader = %+v, %d, %v\n     oracle = %+v, %d, %v",
			b, from, rsv, h, n, err, wantH, wantN, wantErr)
	}
	old := Header{1, 2, 3, 4, true, true}
	h = old
	if n, err := h.Parse(b, from, rsv); n != wantN || err != wantErr || n > 0 && h != wantH || n == 0 && h != old {
		t.Fatalf("% x, direction %d, rsv %d: Parse = %d, %v, and h is %+v", b, from, rsv, n, err, h)
	}
	return n, err
}

// All that the first two octets can be, from every direction and with every set of extension bits.
func TestParseHeaderFirstOctets(t *testing.T) {
	b := make([]byte, MaxHeaderSize)
	r := rand.New(rand.NewPCG(1, 2))
	step := 1
	if raceEnabled {
		step = 11
	}
	for i := 0; i < 1<<16; i += step {
		for j := 2; j < len(b); j++ {
			b[j] = byte(r.Uint32())
		}
		b[0], b[1] = byte(i>>8), byte(i)
		for from := Either; from <= FromServer; from++ {
			for rsv := range byte(8) {
				same(t, b, from, rsv)
				same(t, b[:2], from, rsv)
				if b[1] < 11 {
					same(t, b[:1], from, rsv)
				}
			}
		}
	}
}

// A length in 16 or 64 bits: all that 16 bits can hold.
func TestParseHeaderShortLengths(t *testing.T) {
	for i := range 1 << 16 {
		b := []byte{0x82, 126, byte(i >> 8), byte(i)}
		same(t, b, FromServer, 0)
		b = []byte{0x82, 127, 0, 0, 0, 0, 0, 0, byte(i >> 8), byte(i)}
		same(t, b, FromServer, 0)
	}
}

func TestHeaderAppend(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	for range 100_000 {
		h := Header{
			Length: int64(r.Uint64() >> (1 + r.IntN(63))),
			Opcode: []Opcode{Continuation, Text, Binary, Close, Ping, Pong}[r.IntN(6)],
			Rsv:    byte(r.IntN(8)),
			Fin:    r.IntN(2) == 0,
			Masked: r.IntN(2) == 0,
		}
		if h.Masked {
			h.Key = r.Uint32()
		}
		if h.Opcode.IsControl() {
			h.Fin = true
			h.Length %= 126
		}
		b := h.Append(nil)
		got, n, err := ParseHeader(b, Either, 7)
		if got != h || n != len(b) || n != h.Size() || err != nil {
			t.Fatalf("%+v: % x: %+v, %d, %v, Size %d", h, b, got, n, err, h.Size())
		}
	}
}

// What no endpoint may send, Append spells all the same, and never as something else.
func TestHeaderAppendBroken(t *testing.T) {
	for _, row := range []struct {
		h    Header
		want string
		err  error
	}{
		{Header{Opcode: 3, Fin: true}, "83 00", ErrReservedOpcode},
		{Header{Opcode: Ping}, "09 00", ErrControlFragmented},
		{Header{Opcode: Ping, Fin: true, Length: 126}, "89 7e 007e", ErrControlTooLong},
		{Header{Opcode: Text, Fin: true, Rsv: Rsv1 | Rsv3}, "d1 00", ErrReservedBits},
		{Header{Opcode: Text, Fin: true, Length: -1}, "81 7f ffffffffffffffff", ErrLengthOverflow},
		{Header{Opcode: Text, Fin: true, Length: math.MinInt64, Masked: true}, "81 ff 8000000000000000 00000000", ErrLengthOverflow},
		{Header{Opcode: Text, Fin: true, Key: 1}, "81 00", nil},
	} {
		b := row.h.Append(nil)
		if want := octets(t, row.want); !bytes.Equal(b, want) || row.h.Size() != len(b) {
			t.Errorf("%+v: % x, Size %d, want % x", row.h, b, row.h.Size(), want)
		}
		if _, _, err := ParseHeader(b, Either, 0); err != row.err {
			t.Errorf("%+v: %v, want %v", row.h, err, row.err)
		}
	}
}

// What gobwas/ws and we both take for a header means the same to both. It takes more: it does not look for
// the shortest form, and leaves the rules of section 5.5 to another function.
func TestGobwasReadHeader(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	both := 0
	for range 200_000 {
		b := make([]byte, r.IntN(MaxHeaderSize+1))
		for i := range b {
			b[i] = byte(r.Uint32())
			if r.IntN(3) == 0 {
				b[i] &= 0x8f // fewer reserved bits, and more zeros in lengths
			}
		}
		if len(b) > 1 && r.IntN(2) == 0 {
			b[1] |= 126
		}
		rd := bytes.NewReader(b)
		theirs, theirErr := ws.ReadHeader(rd)
		ours, n, err := ParseHeader(b, Either, 7)
		switch {
		case n > 0:
			both++
			want := Header{theirs.Length, uint32(theirs.Mask[0]) | uint32(theirs.Mask[1])<<8 | uint32(theirs.Mask[2])<<16 | uint32(theirs.Mask[3])<<24,
				Opcode(theirs.OpCode), theirs.Rsv, theirs.Fin, theirs.Masked}
			if theirErr != nil || ours != want || n != len(b)-rd.Len() {
				t.Fatalf("% x: %+v, %d; gobwas %+v, %v", b, ours, n, theirs, theirErr)
			}
			var out bytes.Buffer
			if err := ws.WriteHeader(&out, theirs); err != nil || !bytes.Equal(out.Bytes(), ours.Append(nil)) {
				t.Fatalf("%+v: % x; gobwas % x, %v", ours, ours.Append(nil), out.Bytes(), err)
			}
		case err == nil && theirErr == nil:
			t.Fatalf("% x: gobwas has a header, we want more", b)
		case err == ErrLengthOverflow && theirErr != ws.ErrHeaderLengthMSB && len(b) >= 14:
			t.Fatalf("% x: gobwas: %v", b, theirErr)
		}
	}
	if both < 20_000 {
		t.Errorf("only %d headers for both", both)
	}
}

func TestHeaderSizeof(t *testing.T) {
	if size := unsafe.Sizeof(Header{}); size != 16 {
		t.Errorf("a Header takes %d bytes", size)
	}
}

func TestHeaderAllocs(t *testing.T) {
	dst := make([]byte, 0, MaxHeaderSize)
	for _, row := range headers {
		b := octets(t, row.bytes)
		if n := testing.AllocsPerRun(100, func() {
			h, _, err := ParseHeader(b, row.from, row.rsv)
			if !errors.Is(err, row.err) {
				t.Error(err)
			}
			dst = h.Append(dst[:0])
		}); n != 0 {
			t.Errorf("%s: %v allocations", row.name, n)
		}
	}
}

// A header by value, into place, and by gobwas/ws, which has only an io.Reader to take it from.
func BenchmarkParseHeader(b *testing.B) {
	for _, row := range []struct {
		name string
		from Direction
		h    Header
	}{
		{"masked/5", FromClient, Header{Opcode: Text, Fin: true, Length: 5, Masked: true, Key: 1}},
		{"masked/125", FromClient, Header{Opcode: Text, Fin: true, Length: 125, Masked: true, Key: 1}},
		{"masked/126", FromClient, Header{Opcode: Text, Fin: true, Length: 126, Masked: true, Key: 1}},
		{"masked/65536", FromClient, Header{Opcode: Text, Fin: true, Length: 65536, Masked: true, Key: 1}},
		{"unmasked/5", FromServer, Header{Opcode: Text, Fin: true, Length: 5}},
		{"unmasked/126", FromServer, Header{Opcode: Text, Fin: true, Length: 126}},
	} {
		in := append(row.h.Append(nil), "Hello"...)
		b.Run(row.name+"/value", func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				h, n, err := ParseHeader(in, row.from, 0)
				if n == 0 || err != nil || h.Length != row.h.Length || h.Opcode != Text || !h.Fin {
					b.Fatal(h, n, err)
				}
			}
		})
		b.Run(row.name+"/place", func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				var h Header
				n, err := h.Parse(in, row.from, 0)
				if n == 0 || err != nil || h.Length != row.h.Length || h.Opcode != Text || !h.Fin {
					b.Fatal(n, err)
				}
			}
		})
		b.Run(row.name+"/gobwas", func(b *testing.B) {
			b.ReportAllocs()
			var rd bytes.Reader
			for b.Loop() {
				rd.Reset(in)
				if _, err := ws.ReadHeader(&rd); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkHeaderAppend(b *testing.B) {
	for _, length := range []int64{5, 126, 65536} {
		b.Run(fmt.Sprint(length), func(b *testing.B) {
			b.ReportAllocs()
			h := Header{Opcode: Text, Fin: true, Length: length}
			dst := make([]byte, 0, MaxHeaderSize)
			for b.Loop() {
				dst = h.Append(dst[:0])
			}
		})
	}
}
