package deflate

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"unsafe"

	"github.com/stretchr/testify/require"
)

// Whatever is added in whatever pieces, a window is the end of all of it, in no more memory than its size.
func TestWindow(t *testing.T) {
	all := make([]byte, 1<<18)
	r := rand.New(rand.NewPCG(1, 2))
	for i := range all {
		all[i] = byte(r.Uint32())
	}
	for bits := 8; bits <= 15; bits++ {
		size := 1 << bits
		for _, lengths := range [][]int{
			{0}, {1}, {size - 1, 1, 1}, {size}, {size + 1}, {2*size + 3, 5}, {5, 2*size + 3}, {size / 2, size / 2, size / 2}, {size - 3, size - 3}, {1, 0, size, 0},
			{63, 1, 1, 63, 1},
			nil, // at random
		} {
			t.Run(fmt.Sprint(bits, lengths), func(t *testing.T) {
				if lengths == nil {
					for range 100 {
						lengths = append(lengths, r.IntN(size/10))
					}
				}
				w := newWindow(bits)
				require.Empty(t, w.bytes())
				end := 0
				for _, n := range lengths {
					w.add(all[end : end+n])
					end += n
					require.Equal(t, string(all[max(0, end-size):end]), string(w.bytes()))
					require.LessOrEqual(t, cap(w.bytes()), max(leastWindow, min(size, 2*end)))
				}
				w.reset()
				require.Empty(t, w.bytes())
				w.add(all[:3])
				require.Equal(t, all[:3], w.bytes())
			})
		}
	}
}

// A window copies: what was added may change.
func TestWindowCopies(t *testing.T) {
	w := newWindow(8)
	b := []byte("Hello")
	w.add(b)
	b[0] = 'J'
	require.Equal(t, "Hello", string(w.bytes()))
}

func TestWindowSize(t *testing.T) {
	require.LessOrEqual(t, unsafe.Sizeof(window{}), 4*unsafe.Sizeof(uintptr(0)))
	w := newWindow(9)
	m := make([]byte, 300)
	w.add(m)
	w.add(m)
	require.Zero(t, testing.AllocsPerRun(100, func() { w.add(m) }))
	require.Equal(t, 512, cap(w.bytes()))
}
