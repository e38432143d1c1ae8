package conn

import (
	"bytes"
	"math"
	"math/rand/v2"
	"testing"
	"unsafe"

	"github.com/idlewire/idlewire/frame"
)

// A buffer has room for what is there, and never for much more: not for what is announced.
func TestBufferGrowsWithWhatIsThere(t *testing.T) {
	var sizes []int
	for shift := range 23 {
		for d := -1025; d <= 1025; d++ {
			if n := 1<<shift + d; n > 0 && (shift < 12 || d > -3 && d < 3 || d%1024 < 2 && d%1024 > -2) {
				sizes = append(sizes, n)
			}
		}
	}
	for _, n := range sizes {
		for _, total := range []int64{int64(n), int64(n) + 1, 2*int64(n) + 7, 1<<20 - 1, 1 << 20, 1<<20 + 1, math.MaxInt32, math.MaxInt} {
			if total < int64(n) {
				continue
			}
			x := newBuffer(n, total)
			if c := cap(x.b); len(x.b) != 0 || c < n || c > 2*(n+slack) && c > 1<<minClass {
				t.Fatalf("for %d of %d bytes: %d", n, total, c)
			}
			x.free()
		}
	}
}

func TestGetBuffer(t *testing.T) {
	for _, n := range []int{0, 1, 511, 512, 513, 1 << 20, 1<<20 + 1, 5 << 20} {
		x := getBuffer(n)
		if len(x.b) != 0 || cap(x.b) < max(n, 512) {
			t.Errorf("for %d bytes: %d of %d", n, len(x.b), cap(x.b))
		}
		x.free()
	}
	// Buffers that their users have let grow are not lost to the pools only, they do no harm there.
	for _, b := range [][]byte{nil, make([]byte, 3), make([]byte, 512), make([]byte, 1000), make([]byte, 4096), make([]byte, 1<<21)} {
		x := &buffer{b: b}
		x.free()
	}
	for range 100 {
		if x := getBuffer(4096); len(x.b) != 0 || cap(x.b) != 4096 {
			t.Fatal(len(x.b), cap(x.b))
		}
	}
}

// Whatever the pieces, the bytes come out as they went in, and the room stays in bounds at every step.
func TestBufferAppend(t *testing.T) {
	for seed := range uint64(50) {
		rnd := rand.New(rand.NewPCG(seed, 1))
		want := randomBytes(rnd, 1+rnd.IntN(1<<uint(rnd.IntN(22))))
		var x *buffer
		n := 0
		for _, piece := range chop(rnd, want) {
			if len(piece) == 0 {
				continue
			}
			x = x.append(piece, int64(len(want)))
			if n += len(piece); cap(x.b)+int(unsafe.Sizeof(incoming{})) > 2*n+4096 {
				t.Fatalf("%d bytes of room for %d", cap(x.b), n)
			}
		}
		if !bytes.Equal(x.bytes(), want) || cap(x.bytes()) != len(want) {
			t.Fatal("not what went in")
		}
		x.free()
	}
}

// A message costs the same however it is cut. Were there room for no more than is announced, each fragment of a long one would copy all that
// came before, and a peer could buy minutes of our time with a few megabytes.
func TestFragmentsAreCopiedOnce(t *testing.T) {
	const size, fragment = 8 << 20, 1 << 10
	p := Protocol{Options: &Options{MaxMessage: size, MaxFragments: -1}}
	var h [frame.MaxHeaderSize]byte
	payload := make([]byte, fragment)
	allocations := testing.AllocsPerRun(1, func() {
		for n := 0; n < size; n += fragment {
			f := frame.Header{Fin: n+fragment == size, Opcode: frame.Continuation, Masked: true, Length: fragment}
			if n == 0 {
				f.Opcode = frame.Binary
			}
			for _, b := range [][]byte{f.Append(h[:0]), payload} {
				m, _, err := p.Receive(b)
				if err != nil || f.Fin && len(b) == fragment && len(m.Payload) != size {
					t.Fatal(n, m.Op, len(m.Payload), err)
				}
			}
		}
	})
	if allocations > 100 { // each is a copy of what has come so far
		t.Errorf("%v buffers for %d fragments", allocations, size/fragment)
	}
}
