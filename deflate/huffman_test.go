package deflate

import (
	"math/bits"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
)

// randomLengths makes a complete code of n symbols, 2 at least: it splits one code after the other in two, the more lopsided the longer the codes get.
func randomLengths(r *rand.Rand, n int, lopsided bool) []uint8 {
	lengths := []uint8{1, 1}
	for len(lengths) < n {
		i := r.IntN(len(lengths))
		if lopsided {
			for range 5 {
				if j := r.IntN(len(lengths)); lengths[j] > lengths[i] && lengths[j] < maxCodeLen {
					i = j
				}
			}
		}
		if lengths[i] < maxCodeLen {
			lengths[i]++
			lengths = append(lengths, lengths[i])
		}
	}
	for r.IntN(2) == 0 && len(lengths) < 286 {
		lengths = append(lengths, 0)
	}
	r.Shuffle(len(lengths), func(i, j int) { lengths[i], lengths[j] = lengths[j], lengths[i] })
	return lengths
}

// lookSymbol decodes what the lowest 15 bits of b begin with, and how many of them it takes.
func lookSymbol(table []entry, root uint, b uint64) (symbol, n int) {
	e, before := look(table, root, b)
	if e&invalid != 0 {
		return -1, int(before + e.width())
	}
	return e.value(), int(before + e.width())
}

// plain are symbols that are their own values.
var plain = func() (s [288]entry) {
	for i := range s {
		s[i] = literal | entry(i<<12)
	}
	return s
}()

// The tables decode all that there is, as the twin does by its definition.
func TestBuild(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	tables := []struct {
		table []entry
		root  uint
		max   int
	}{{make([]entry, litTable), litRoot, 286}, {make([]entry, distTable), distRoot, 30}, {make([]entry, litTable), lensRoot, 100}}
	for i := range 60 {
		tt := tables[i%3]
		lengths := randomLengths(r, 2+r.IntN(tt.max-1), i%2 == 0)
		root := tt.root
		require.True(t, build(tt.table, root, lengths, plain[:]), "%v", lengths)
		var wide []int
		for _, n := range lengths {
			wide = append(wide, int(n))
		}
		codes := naiveCodes(wide)
		require.Len(t, codes, len(lengths)-countOf(lengths, 0))
		for code, symbol := range codes {
			b := uint64(bits.Reverse32(uint32(code.bits)) >> (32 - code.length))
			for _, behind := range []uint64{0, 1<<40 - 1, r.Uint64()} {
				got, n := lookSymbol(tt.table, root, b|behind<<code.length)
				require.Equal(t, symbol, got, "%v", lengths)
				require.Equal(t, code.length, n)
			}
			for n := range code.length { // and no less than all its bits will do
				_, width := lookSymbol(tt.table, root, b&(1<<n-1))
				require.Greater(t, width, n)
			}
		}
	}
}

func countOf(lengths []uint8, n uint8) (c int) {
	for _, l := range lengths {
		if l == n {
			c++
		}
	}
	return c
}

// The codes that need the most room (a search like zlib's examples/enough.c has found them) fill the tables to the end.
func TestBuildLargest(t *testing.T) {
	for _, tt := range []struct {
		table  []entry
		root   uint
		counts [maxCodeLen + 1]int // symbols by length of code
	}{
		{make([]entry, litTable), litRoot, [maxCodeLen + 1]int{0, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0, 231, 49, 1, 1, 2}},
		{make([]entry, distTable), distRoot, [maxCodeLen + 1]int{0, 1, 1, 1, 1, 1, 0, 0, 0, 11, 9, 1, 1, 1, 1, 2}},
	} {
		var lengths []uint8
		for length, n := range tt.counts {
			for range n {
				lengths = append(lengths, uint8(length))
			}
		}
		require.True(t, build(tt.table, tt.root, lengths, plain[:]))
		for i, e := range tt.table {
			require.NotZero(t, e, i)
		}
	}
}

func TestBuildRefuses(t *testing.T) {
	for _, tt := range []struct {
		name    string
		lengths []uint8
		ok      bool
	}{
		{"none", []uint8{0, 0, 0}, true},
		{"one", []uint8{0, 1, 0}, true},
		{"one of two bits", []uint8{0, 2, 0}, false},
		{"two", []uint8{1, 1}, true},
		{"three of one bit", []uint8{1, 1, 1}, false},
		{"one too many", []uint8{1, 2, 2, 15}, false},
		{"one too few", []uint8{1, 2, 3}, false},
		{"one too few of 15 bits", []uint8{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15}, false},
		{"as many as there can be", []uint8{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 15}, true},
	} {
		var table [litTable]entry
		for i := range table {
			table[i] = literal // of an earlier code
		}
		ok := build(table[:], litRoot, tt.lengths, plain[:])
		require.Equal(t, tt.ok, ok, tt.name)
		if !ok {
			continue
		}
		for b := range uint64(1 << maxCodeLen) {
			symbol, n := lookSymbol(table[:], litRoot, b)
			if countOf(tt.lengths, 0) == len(tt.lengths) || len(tt.lengths) == 3 && b&1 == 1 {
				require.Equal(t, -1, symbol, tt.name)
			} else {
				require.EqualValues(t, tt.lengths[symbol], n, tt.name)
			}
		}
	}
}

// Lengths and distances are those of RFC 1951, 3.2.5, with each of their extra bits.
func TestSymbols(t *testing.T) {
	for _, tt := range []struct {
		symbols      []entry
		least, extra []int
	}{{litSymbols[257:286], naiveLength[:], naiveLengthExtra[:]}, {distSymbols[:30], naiveDistance[:], naiveDistanceExtra[:]}} {
		require.Len(t, tt.symbols, len(tt.least))
		for i, e := range tt.symbols {
			e += 7 | 7<<5 // with a code of 7 bits
			require.Zero(t, e&(literal|special))
			require.EqualValues(t, 7+tt.extra[i], e.width())
			require.Equal(t, tt.least[i], e.amount(0x7f), "the code does not count")
			require.Equal(t, tt.least[i]+(1<<tt.extra[i]-1), e.amount(1<<(7+tt.extra[i])-1))
			require.Equal(t, tt.least[i], e.amount(1<<(7+tt.extra[i])), "nor what comes behind")
		}
	}
}
