package deflate

import (
	"encoding/hex"
	"strings"

	"github.com/stretchr/testify/require"
)

// octets reads hex in which spaces and what follows a # do not count.
// It takes no testing.TB, nor do others whom targets call to have seeds: OSS-Fuzz's *testing.F is none.
func octets(t require.TestingT, s string) []byte {
	s, _, _ = strings.Cut(s, "#")
	b, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
	require.NoError(t, err, s)
	return b
}

// A bitWriter writes DEFLATE by hand, right or wrong.
type bitWriter struct {
	b []byte
	n int // bits in b
}

// put writes bits as numbers stand in DEFLATE, the lowest first.
func (w *bitWriter) put(v, n int) *bitWriter {
	for i := range n {
		if w.n%8 == 0 {
			w.b = append(w.b, 0)
		}
		w.b[len(w.b)-1] |= byte(v>>i&1) << (w.n % 8)
		w.n++
	}
	return w
}

// code writes bits as codes do, the highest first.
func (w *bitWriter) code(v, n int) *bitWriter {
	for i := range n {
		w.put(v>>(n-1-i), 1)
	}
	return w
}

// fixed begins a block with fixed codes, and final one that is final.
func (w *bitWriter) fixed() *bitWriter { return w.put(0, 1).put(1, 2) }
func (w *bitWriter) final() *bitWriter { return w.put(1, 1).put(1, 2) }

// lit writes literals below 144 with the fixed code.
func (w *bitWriter) lit(s string) *bitWriter {
	for _, c := range []byte(s) {
		w.code(0x30+int(c), 8)
	}
	return w
}

// match writes a length of 3 to 10 and a distance with the fixed codes.
func (w *bitWriter) match(length, distance int) *bitWriter {
	w.code(length-2, 7)
	return w.distance(distance, func(symbol int) { w.code(symbol, 5) })
}

// distance writes the symbol of a distance, as it is told, and the extra bits.
func (w *bitWriter) distance(distance int, write func(symbol int)) *bitWriter {
	symbol := len(naiveDistance) - 1
	for naiveDistance[symbol] > distance {
		symbol--
	}
	write(symbol)
	return w.put(distance-naiveDistance[symbol], naiveDistanceExtra[symbol])
}

// end ends a block with fixed codes, and begins an empty one without compression, whose length is the tail.
func (w *bitWriter) end() []byte { return w.code(0, 7).put(0, 3).b }

// stored writes a block without compression.
func (w *bitWriter) stored(final int, s string) *bitWriter {
	w.put(final, 1).put(0, 2)
	w.put(0, (8-w.n%8)%8).put(len(s), 16).put(^len(s), 16)
	for _, c := range []byte(s) {
		w.put(int(c), 8)
	}
	return w
}

// lengths begins a block with codes of its own: 14 bits of how many there are, and so many of their lengths' lengths, in their order.
func lengths(lits, dists int, lens ...int) *bitWriter {
	w := new(bitWriter).put(0, 1).put(2, 2).put(lits-257, 5).put(dists-1, 5).put(len(lens)-4, 4)
	for _, n := range lens {
		w.put(n, 3)
	}
	return w
}

// oneAndZeros give a bit each to the codes of the lengths 1 and 18 (zeros, 11 to 138 of them).
var oneAndZeros = []int{0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1}

// zeros writes 11 to 138 lengths of 0, where symbol 18 has the code 1.
func (w *bitWriter) zeros(n int) *bitWriter { return w.code(1, 1).put(n-11, 7) }
