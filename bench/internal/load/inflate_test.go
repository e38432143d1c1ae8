//go:build linux

package load

import (
	"bytes"
	"compress/flate"
	"io"
	"math/rand/v2"
	"slices"
	"testing"

	kflate "github.com/klauspost/compress/flate"
	"github.com/stretchr/testify/require"
)

var tail = []byte{0, 0, 0xff, 0xff}

// RFC 7692 7.2.3: its examples of "Hello", one after the other.
func TestInflateRFC(t *testing.T) {
	var z inflater
	hello := []byte("Hello")
	for name, payload := range map[string][]byte{
		"7.2.3.1 one block":    {0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00},
		"7.2.3.3 not deflated": {0x00, 0x05, 0x00, 0xfa, 0xff, 0x48, 0x65, 0x6c, 0x6c, 0x6f, 0x00},
		"7.2.3.4 BFINAL":       {0xf3, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00, 0x00},
		"7.2.3.5 two blocks":   {0xf2, 0x48, 0x05, 0x00, 0x00, 0x00, 0xff, 0xff, 0xca, 0xc9, 0xc9, 0x07, 0x00},
	} {
		out, err := z.inflate(nil, append(payload, tail...), 32768, 5)
		require.NoError(t, err, name)
		require.Equal(t, hello, out, name)
		_, err = z.inflate(nil, append(payload, tail...), 32768, 4)
		require.Error(t, err, name+", longer than asked for")
	}
	// 7.2.3.2: the second of two messages refers to the first.
	second := append([]byte{0xf2, 0x00, 0x11, 0x00, 0x00}, tail...)
	out, err := z.inflate(slices.Clone(hello), second, 32768, 5)
	require.NoError(t, err)
	require.Equal(t, "HelloHello", string(out))
	_, err = z.inflate(nil, second, 32768, 5)
	require.ErrorIs(t, err, errDistance, "no takeover")
	_, err = z.inflate(slices.Clone(hello), second, 4, 5)
	require.ErrorIs(t, err, errDistance, "a small window")
}

// The twin is the standard library's.
func TestInflateAsStandard(t *testing.T) {
	rnd := rand.New(rand.NewPCG(3, 4))
	var z inflater
	for level := -2; level <= 9; level++ {
		for _, n := range []int{0, 1, 2, 300, 1 << 10, 70_000} {
			for kind, plain := range map[string][]byte{"text": text(max(n, 128), rnd), "zeros": make([]byte, n), "noise": noise(n, rnd), "few": few(n, rnd)} {
				var b bytes.Buffer
				w, err := flate.NewWriter(&b, level)
				require.NoError(t, err)
				w.Write(plain)
				require.NoError(t, w.Flush())
				out, err := z.inflate(nil, b.Bytes(), 32768, len(plain))
				require.NoError(t, err, "%s, level %d, %d", kind, level, n)
				require.True(t, bytes.Equal(plain, out), "%s, level %d, %d", kind, level, n)
			}
		}
	}
}

// Whatever the octets are, both say the same, or both refuse.
func TestInflateBroken(t *testing.T) {
	rnd := rand.New(rand.NewPCG(5, 6))
	var z inflater
	refused := 0
	for range 5_000 {
		c := alone(text(128+rnd.IntN(500), rnd), 15)
		for range 1 + rnd.IntN(3) {
			c[rnd.IntN(len(c))] ^= 1 << rnd.IntN(8)
		}
		in := append(c[:rnd.IntN(len(c)+1)], tail...)
		out, err := z.inflate(nil, in, 32768, 1<<20)
		want, werr := io.ReadAll(flate.NewReader(bytes.NewReader(in)))
		if err != nil {
			refused++
			continue // the standard reader may have met a final block before, and stopped there
		}
		// Without a final block it says that more should come.
		if werr == io.ErrUnexpectedEOF {
			require.True(t, bytes.Equal(want, out), "% x", in)
		} else {
			require.NoError(t, werr)
			require.True(t, bytes.HasPrefix(out, want), "% x", in)
		}
	}
	require.NotZero(t, refused)
}

func TestAloneKeepsToItsWindow(t *testing.T) {
	rnd := rand.New(rand.NewPCG(7, 8))
	var z inflater
	for _, n := range []int{1 << 10, 64 << 10} {
		plain := text(n, rnd)
		require.Len(t, plain, n)
		for bits := 9; bits <= 15; bits++ {
			c := append(alone(plain, bits), tail...)
			out, err := z.inflate(nil, c, 1<<bits, n)
			require.NoError(t, err, "%d bits", bits)
			require.True(t, bytes.Equal(plain, out))
		}
		_, err := z.inflate(nil, append(alone(plain, 15), tail...), 512, n)
		require.ErrorIs(t, err, errDistance)
	}
}

func noise(n int, rnd *rand.Rand) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(rnd.Uint32())
	}
	return b
}

func few(n int, rnd *rand.Rand) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = "ab"[rnd.IntN(2)]
	}
	return b
}

func BenchmarkInflate(b *testing.B) {
	plain := text(64<<10, rand.New(rand.NewPCG(1, 1)))
	var buf bytes.Buffer
	w, _ := kflate.NewWriter(&buf, 6)
	w.Write(plain)
	w.Flush()
	var z inflater
	var out []byte
	b.SetBytes(int64(len(plain)))
	for b.Loop() {
		out, _ = z.inflate(out[:0], buf.Bytes(), 32768, len(plain))
	}
}
