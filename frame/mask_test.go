package frame

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math/bits"
	"math/rand/v2"
	"testing"

	"github.com/gobwas/ws"
)

// maskNaive is section 5.3 as it stands there.
func maskNaive(b []byte, key uint32) uint32 {
	k := binary.LittleEndian.AppendUint32(nil, key)
	for i := range b {
		b[i] ^= k[i%4]
	}
	return bits.RotateLeft32(key, -8*(len(b)%4))
}

func TestMask(t *testing.T) {
	for _, row := range []struct {
		name, in string
		key      uint32
		want     string
		next     uint32
	}{
		{"5.7 Hello", "7f9f4d5158", 0x3d21fa37, "48656c6c6f", 0x373d21fa},
		{"nothing", "", 0x04030201, "", 0x04030201},
		{"one octet", "00", 0x04030201, "01", 0x01040302},
		{"two", "0000", 0x04030201, "0102", 0x02010403},
		{"three", "000000", 0x04030201, "010203", 0x03020104},
		{"four", "00000000", 0x04030201, "01020304", 0x04030201},
		{"nine", "000000000000000000", 0x04030201, "010203040102030401", 0x01040302},
		{"a zero key", "48656c6c6f", 0, "48656c6c6f", 0},
	} {
		b := octets(t, row.in)
		next := Mask(b, row.key)
		if !bytes.Equal(b, octets(t, row.want)) || next != row.next {
			t.Errorf("%s: % x, next key %08x", row.name, b, next)
		}
	}
}

// Every length up to three turns of the widest loop, at every alignment; what lies before and after is left
// alone.
func TestMaskNaive(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	for length := range 3*64 + 16 {
		for align := range 16 {
			key := r.Uint32()
			buf := make([]byte, align+length+16)
			for i := range buf {
				buf[i] = byte(r.Uint32())
			}
			want := bytes.Clone(buf)
			wantNext := maskNaive(want[align:align+length], key)
			next := Mask(buf[align:align+length], key)
			if !bytes.Equal(buf, want) || next != wantNext {
				t.Fatalf("length %d at %d, key %08x:\n% x, %08x, want\n% x, %08x", length, align, key, buf, next, want, wantNext)
			}
		}
	}
}

// A payload masked in pieces is the payload masked whole: at every cut in two, and at random cuts in many,
// empty ones too.
func TestMaskPieces(t *testing.T) {
	r := rand.New(rand.NewPCG(2, 2))
	payload := make([]byte, 300)
	for i := range payload {
		payload[i] = byte(r.Uint32())
	}
	for length := range len(payload) {
		key := r.Uint32()
		want := bytes.Clone(payload[:length])
		wantNext := Mask(want, key)
		check := func(cuts func(left int) int) {
			t.Helper()
			got := bytes.Clone(payload[:length])
			next := key
			for b := got; len(b) > 0; {
				n := cuts(len(b))
				next = Mask(b[:n], next)
				b = b[n:]
			}
			if !bytes.Equal(got, want) || next != wantNext {
				t.Fatalf("length %d: % x, %08x, want % x, %08x", length, got, next, want, wantNext)
			}
		}
		check(func(int) int { return 1 })
		for range 16 {
			check(func(left int) int { return r.IntN(left + 1) })
		}
		if length < 100 {
			for cut := range length {
				first := true
				check(func(left int) int {
					if first {
						first = false
						return cut
					}
					return left
				})
			}
		}
	}
}

func TestMaskTwiceIsNothing(t *testing.T) {
	b := []byte("the same act masks and unmasks, section 5.3, whatever the length of the payload is")
	was := bytes.Clone(b)
	Mask(b, 0xdeadbeef)
	if bytes.Equal(b, was) {
		t.Error("nothing was masked")
	}
	Mask(b, 0xdeadbeef)
	if !bytes.Equal(b, was) {
		t.Errorf("%q", b)
	}
}

func TestMaskAllocs(t *testing.T) {
	b := make([]byte, 1000)
	if n := testing.AllocsPerRun(100, func() { Mask(b, 1) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkMask(b *testing.B) {
	for _, size := range []int{0, 16, 125, 126, 128, 1 << 10, 64 << 10, 1 << 20} {
		for _, align := range []int{0, 3} {
			buf := make([]byte, align+size)[align:]
			run := func(name string, mask func()) {
				b.Run(fmt.Sprintf("%d/align%d/%s", size, align, name), func(b *testing.B) {
					b.ReportAllocs()
					b.SetBytes(int64(size))
					for b.Loop() {
						mask()
					}
				})
			}
			run("idlewire", func() { Mask(buf, 0x04030201) })
			run("naive", func() { maskNaive(buf, 0x04030201) })
			run("gobwas", func() { ws.Cipher(buf, [4]byte{1, 2, 3, 4}, 0) })
		}
	}
}
