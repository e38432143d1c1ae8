package autobahn

import (
	"bytes"

	"github.com/klauspost/compress/flate"
)

// A squeezer writes compressed data (RFC 1951) block by block, and match by match, as no compressor would. Its methods return it, so that data reads as a row.
type squeezer struct {
	b   []byte
	n   uint // bits of the last octet that are used; 0: all
	end bool // the last block is final
}

// bits appends the lowest n bits of v, the lowest first (3.1.1).
func (z *squeezer) bits(v uint, n uint) *squeezer {
	for ; n > 0; n-- {
		if z.n == 0 {
			z.b = append(z.b, 0)
		}
		z.b[len(z.b)-1] |= byte(v&1) << z.n
		v >>= 1
		z.n = (z.n + 1) % 8
	}
	return z
}

// code appends a Huffman code of n bits, the highest first.
func (z *squeezer) code(v uint, n uint) *squeezer {
	for ; n > 0; n-- {
		z.bits(v>>(n-1), 1)
	}
	return z
}

func (z *squeezer) align() *squeezer {
	z.n = 0
	return z
}

// stored is a block without compression (3.2.4).
func (z *squeezer) stored(s string) *squeezer {
	z.block(0).align()
	n := uint16(len(s))
	z.b = append(append(z.b, byte(n), byte(n>>8), byte(^n), byte(^n>>8)), s...)
	return z
}

// block begins a block of a type: 0 stored, 1 fixed codes, 2 dynamic codes, 3 reserved (3.2.3).
func (z *squeezer) block(kind uint) *squeezer {
	final := uint(0)
	if z.end {
		final = 1
	}
	z.end = false
	return z.bits(final, 1).bits(kind, 2)
}

// final makes the next block a final one.
func (z *squeezer) final() *squeezer {
	z.end = true
	return z
}

// fixed begins a block with fixed codes (3.2.6), which eob ends.
func (z *squeezer) fixed() *squeezer { return z.block(1) }

func (z *squeezer) eob() *squeezer { return z.symbol(256) }

func (z *squeezer) literals(s string) *squeezer {
	for i := range len(s) {
		z.symbol(uint(s[i]))
	}
	return z
}

// symbol appends one of the literal and length alphabet, in its fixed code.
func (z *squeezer) symbol(v uint) *squeezer {
	switch {
	case v < 144:
		return z.code(0x30+v, 8)
	case v < 256:
		return z.code(0x190+v-144, 9)
	case v < 280:
		return z.code(v-256, 7)
	}
	return z.code(0xc0+v-280, 8)
}

// match appends a match of 3 to 10 octets, or of 258, so many octets back, 1 to 32768 (3.2.5).
func (z *squeezer) match(length, distance uint) *squeezer {
	if length == 258 {
		z.symbol(285)
	} else {
		z.symbol(254 + length)
	}
	code, extra := uint(0), uint(0)
	base := uint(1)
	for code = 0; ; code++ {
		if extra = 0; code > 3 {
			extra = code/2 - 1
		}
		if distance < base+1<<extra {
			break
		}
		base += 1 << extra
	}
	return z.code(code, 5).bits(distance-base, extra)
}

// message is the data as RFC 7692 has it in a message (7.2.1): ended with the header of an empty stored block, whose four octets of length are left out.
func (z *squeezer) message() string {
	z.block(0).align()
	return string(z.b)
}

// data is what there is, as it is.
func (z *squeezer) data() string { return string(z.b) }

// squeezed is s as an ordinary compressor makes it, with that window, and with references only to s itself.
func squeezed(s string, window int) string {
	var b bytes.Buffer
	w, err := flate.NewWriterWindow(&b, window)
	if err == nil {
		_, err = w.Write([]byte(s))
	}
	if err == nil {
		err = w.Flush()
	}
	if err != nil {
		panic(err) // there is no I/O in it, and 256 to 32767 are good windows
	}
	return string(bytes.TrimSuffix(b.Bytes(), []byte("\x00\x00\xff\xff")))
}

// noise is n octets that are not to be compressed, always the same ones.
func noise(n int) string {
	b := make([]byte, n)
	x := uint32(1)
	for i := range b {
		x ^= x << 13 // Marsaglia's xorshift
		x ^= x >> 17
		x ^= x << 5
		b[i] = byte(x >> 8)
	}
	return string(b)
}
