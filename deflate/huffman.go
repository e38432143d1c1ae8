package deflate

import (
	"encoding/binary"
	"math/bits"
)

// An entry of a decoding table: what a code means and how many bits it takes, so that one look-up and one shift do for a symbol.
//
//	bits 0-4   all bits of the symbol: its code and what extra bits follow
//	bits 5-8   those of the code
//	bits 12-27 octet of a literal, least length, least distance; or the place of a second table
//	bits 28-31 what kind it is; none of them: a length or a distance
//
// In a link bits 0-4 are the bits that select the link, and bits 5-8 those that select in the second table.
type entry uint32

const (
	literal entry = 1 << (28 + iota)
	endOfBlock
	link
	invalid
	special = endOfBlock | link | invalid

	maxCodeLen = 15 // RFC 1951, 3.2.7
)

func (e entry) width() uint    { return uint(e & 31) }      // bits of the symbol
func (e entry) codeLen() uint  { return uint(e >> 5 & 15) } // bits of its code
func (e entry) value() int     { return int(e >> 12 & 0xffff) }
func (e entry) octet() byte    { return byte(e >> 12) }
func (e entry) second() uint64 { return 1<<(e>>5&15) - 1 } // mask of the index in a second table

// amount is a length or distance, with the extra bits that stand in b behind the code.
func (e entry) amount(b uint64) int {
	return e.value() + int(uint32(b)&(1<<e.width()-1)>>e.codeLen())
}

// tables are those of a block: a workspace for a call, or the fixed ones.
type tables struct {
	lit  [litTable]entry
	dist [distTable]entry
}

// Sizes of the tables: the roots, which are bits that select in the first part, and room for the second tables of any complete code (zlib's examples/enough.c computes it).
const (
	litRoot   = 10
	distRoot  = 8
	lensRoot  = 7 // no code is longer
	litTable  = 1334
	distTable = 402
)

const (
	numLit  = 286 // 3.2.6: 286 and 287 "will never actually occur in the compressed data"
	numDist = 30  // likewise 30 and 31
	numLens = 19
)

// Symbols of 3.2.5 to 3.2.7, as entries without their codes; and the tables of the fixed codes.
var (
	litSymbols  = literals()
	distSymbols = distances()
	lensSymbols = codeLengths()
	fixed       = fixedTables()
)

func literals() (s [numLit + 2]entry) {
	for i := range 256 {
		s[i] = literal | entry(i)<<12
	}
	s[256] = endOfBlock
	length := 3
	for i := 257; i < 285; i++ {
		extra := max(0, (i-261)/4)
		s[i] = entry(length<<12 | extra)
		length += 1 << extra
	}
	s[285] = 258 << 12 // not 227+31: 284 has that one too
	s[286], s[287] = invalid, invalid
	return s
}

func distances() (s [numDist + 2]entry) {
	distance := 1
	for i := range numDist {
		extra := max(0, i/2-1)
		s[i] = entry(distance<<12 | extra)
		distance += 1 << extra
	}
	s[30], s[31] = invalid, invalid
	return s
}

func codeLengths() (s [numLens]entry) {
	for i := range s {
		s[i] = entry(i << 12)
	}
	return s
}

// fixedTables are for all the blocks with fixed codes (3.2.6), and are not written to.
func fixedTables() *tables {
	t := new(tables)
	var lengths [numLit + 2]uint8
	for i := range lengths {
		switch {
		case i < 144:
			lengths[i] = 8
		case i < 256:
			lengths[i] = 9
		case i < 280:
			lengths[i] = 7
		default:
			lengths[i] = 8
		}
	}
	build(t.lit[:], litRoot, lengths[:], litSymbols[:])
	for i := range lengths[:numDist+2] {
		lengths[i] = 5
	}
	build(t.dist[:], distRoot, lengths[:numDist+2], distSymbols[:])
	return t
}

// build fills table for the codes of the given lengths (0: none), with root bits that select in its first part. It reports false if the lengths make no
// complete prefix code. As in zlib and everywhere, a code of one symbol and one bit will do, and none at all until a symbol is looked for.
func build(table []entry, root uint, lengths []uint8, symbols []entry) bool {
	var count [maxCodeLen + 1]int
	var used [numLit + 2]uint16 // the symbols that have a code, 16 times, and its length; text needs a quarter of them
	k := 0
	for i := 0; i < len(lengths); {
		to := len(lengths)
		if to-i > wordSize {
			if to = i + wordSize; binary.LittleEndian.Uint64(lengths[i:]) == 0 {
				i = to
				continue
			}
		}
		for ; i < to; i++ {
			n := lengths[i] & maxCodeLen
			count[n]++
			used[k] = uint16(i)<<4 | uint16(n)
			k += int(n+maxCodeLen) >> 4 // without a branch: which ones have a code is hard to predict
		}
	}
	count[0] = 0
	var next [maxCodeLen + 2]int // where in sorted the symbols of a length go
	left := 1
	for n := 1; n <= maxCodeLen; n++ {
		next[n+1] = next[n] + count[n]
		if left = left<<1 - count[n]; left < 0 {
			return false
		}
	}
	if left > 0 && k > 0 && (k > 1 || count[1] == 0) {
		return false
	}
	var sorted [numLit + 2]uint16 // symbols by length of code, then by value: the order of their codes (3.2.2)
	for _, u := range used[:k] {
		n := u & maxCodeLen
		sorted[next[n]] = u >> 4
		next[n]++
	}

	// Codes come with their first bit lowest, so those of n bits fill the table up to 1<<n, and what is shorter repeats from there on.
	code, i := uint(0), 0
	table[0], table[1] = invalid|1, invalid|1 // what no code stands for stays so
	for n := uint(1); n <= root; n++ {
		if i > 0 || k == 0 {
			copy(table[1<<(n-1):1<<n], table[:1<<(n-1)])
		}
		for range count[n] {
			table[code] = symbols[sorted[i]] + entry(n|n<<5)
			code = following(code, n)
			i++
		}
	}
	// Longer codes share a second table with those that begin with the same bits.
	end := 1 << root
	var second []entry
	var width uint
	prefix := ^uint(0)
	for n := root + 1; i < k; n++ {
		for range count[n] {
			if p := code & (1<<root - 1); p != prefix {
				prefix = p
				width = n - root
				for room := 1<<width - count[n]; room > 0 && root+width < maxCodeLen; {
					width++
					room = room<<1 - count[root+width]
				}
				table[p] = link | entry(end<<12) | entry(root|width<<5)
				second = table[end : end+1<<width]
				end += 1 << width
			}
			e := symbols[sorted[i]] + entry((n-root)|(n-root)<<5)
			for at := code >> root; at < 1<<width; at += 1 << (n - root) {
				second[at] = e
			}
			code = following(code, n)
			i++
			count[n]--
		}
	}
	return true
}

// following is the code of n bits that comes after code, both with their first bit lowest: 1 is added at the other end. The one after the last of a
// length has 1s only, and is not used; else a 0 put behind it, highest, makes it the next of the following length (3.2.2).
func following(code, n uint) uint {
	bit := uint(1) << bits.Len(code^(1<<n-1)) >> 1 // the highest 0
	return code&(bit-1) | bit
}
