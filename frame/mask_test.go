package frame

import (
	"crypto/subtle"
	"encoding/binary"
	"fmt"
	"math/bits"
	"testing"

	"github.com/gobwas/ws"
)

// maskNaive is section 5.3 as it stands there.
func maskNaive(b []byte, key uint32) uint32 {
	var k [4]byte
	binary.LittleEndian.PutUint32(k[:], key)
	for i := range b {
		b[i] ^= k[i%4]
	}
	return bits.RotateLeft32(key, -8*(len(b)%4))
}

var pat [1024]byte

func maskStd(b []byte, key uint32) uint32 {
	for i := 0; i < len(pat) && i < len(b); i += 8 {
		binary.LittleEndian.PutUint64(pat[i:], uint64(key)|uint64(key)<<32)
	}
	for len(b) > 0 {
		n := subtle.XORBytes(b, b, pat[:])
		b = b[n:]
	}
	return 0
}

func BenchmarkMask(b *testing.B) {
	for _, size := range []int{0, 5, 16, 64, 125, 126, 128, 1 << 10, 64 << 10, 1 << 20} {
		for _, off := range []int{0, 1, 5} {
			if off > 0 && size < 125 {
				continue
			}
			buf := make([]byte, size+16)[off : off+size]
			name := fmt.Sprintf("size=%d/off=%d", size, off)
			for _, m := range []struct {
				name string
				f    func([]byte, uint32) uint32
			}{{"ours", Mask}, {"naive", maskNaive}, {"std", maskStd}, {"gobwas", func(b []byte, k uint32) uint32 {
				var a [4]byte
				binary.LittleEndian.PutUint32(a[:], k)
				ws.Cipher(b, a, 0)
				return 0
			}}} {
				b.Run(name+"/"+m.name, func(b *testing.B) {
					b.SetBytes(int64(size))
					for b.Loop() {
						m.f(buf, 0x12345678)
					}
				})
			}
		}
	}
}
