package deflate

import (
	"encoding/hex"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// octets reads hex in which spaces and what follows a # do not count.
func octets(t testing.TB, s string) []byte {
	s, _, _ = strings.Cut(s, "#")
	b, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
	require.NoError(t, err, s)
	return b
}

// A bitWriter writes DEFLATE by hand, right or wrong.
type bitWriter struct {
	b []byte
	n int // bits of the last octet that are used, if not 8
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

// fixed begins a block with fixed codes.
func (w *bitWriter) fixed() *bitWriter { return w.put(0, 1).put(1, 2) }

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
	for symbol := 29; ; symbol-- {
		if e := distSymbols[symbol]; e.value() <= distance {
			return w.code(symbol, 5).put(distance-e.value(), int(e.width()))
		}
	}
}

// end ends a block with fixed codes, and begins an empty one without compression, whose length is the tail.
func (w *bitWriter) end() []byte { return w.code(0, 7).put(0, 3).b }

// zeros writes 11 to 138 lengths of 0, where symbol 18 has the code 1.
func (w *bitWriter) zeros(n int) *bitWriter { return w.code(1, 1).put(n-11, 7) }
