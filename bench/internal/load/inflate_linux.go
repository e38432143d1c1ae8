package load

import (
	"errors"
	"math/bits"
)

// An inflater reads DEFLATE (RFC 1951) as permessage-deflate uses it. It is the client's own, because it has to see what others forgive: a reference
// farther back than the window that was agreed on, or to a message before, where none may be.
type inflater struct {
	in   []byte
	acc  uint64 // bits not used yet, the next one lowest
	n    uint   // how many
	lit  code
	dist code
	lens [288 + 32]uint8
}

var (
	errInflate  = errors.New("not DEFLATE")
	errDistance = errors.New("a reference beyond the window")
)

// inflate appends to dst what src stands for: the payload of a message with 00 00 ff ff after it (RFC 7692 7.2.2). References may go back
// window octets, into dst, which ends with the messages before if they are within reach. What comes out may be most octets long.
func (z *inflater) inflate(dst, src []byte, window, most int) ([]byte, error) {
	z.in, z.acc, z.n = src, 0, 0
	most += len(dst)
	for len(z.in) > 0 || z.n >= 8 {
		last := z.bits(1)
		var err error
		switch z.bits(2) {
		case 0:
			dst, err = z.stored(dst, most)
		case 1:
			for i := range z.lens[:288] {
				z.lens[i] = fixedLength(i)
			}
			for i := range z.lens[288:] {
				z.lens[288+i] = 5
			}
			if err = z.lit.build(z.lens[:288]); err == nil {
				err = z.dist.build(z.lens[288:])
			}
			if err == nil {
				dst, err = z.block(dst, window, most)
			}
		case 2:
			if err = z.codes(); err == nil {
				dst, err = z.block(dst, window, most)
			}
		default:
			err = errInflate
		}
		if err != nil {
			return dst, err
		}
		if last == 1 { // 7.2.3.4: whatever follows begins with the next octet
			z.bits(z.n & 7)
		}
	}
	if z.n > 0 { // 00 00 ff ff was not what it should be, the end of an empty block
		return dst, errInflate
	}
	return dst, nil
}

// bits takes k <= 16 bits; beyond the end they are zeros, which end in an error soon.
func (z *inflater) bits(k uint) uint32 {
	z.fill()
	v := uint32(z.acc) & (1<<k - 1)
	z.acc >>= k
	z.n -= min(k, z.n)
	return v
}

func (z *inflater) fill() {
	for z.n <= 56 && len(z.in) > 0 {
		z.acc |= uint64(z.in[0]) << z.n
		z.in = z.in[1:]
		z.n += 8
	}
}

func (z *inflater) stored(dst []byte, most int) ([]byte, error) {
	z.bits(z.n & 7)
	size := int(z.bits(16))
	if size^0xffff != int(z.bits(16)) || len(dst)+size > most {
		return dst, errInflate
	}
	for ; size > 0 && z.n > 0; size-- {
		dst = append(dst, byte(z.bits(8)))
	}
	if size > len(z.in) {
		return dst, errInflate
	}
	dst = append(dst, z.in[:size]...)
	z.in = z.in[size:]
	return dst, nil
}

// The lengths and distances of RFC 1951 3.2.5.
var lengthBase, lengthExtra, distBase, distExtra = func() (lb [29]int, le [29]uint, db [30]int, de [30]uint) {
	at := 3
	for i := range 28 {
		if i >= 8 {
			le[i] = uint(i/4 - 1)
		}
		lb[i] = at
		at += 1 << le[i]
	}
	lb[28] = 258
	at = 1
	for i := range 30 {
		if i >= 4 {
			de[i] = uint(i/2 - 1)
		}
		db[i] = at
		at += 1 << de[i]
	}
	return
}()

func fixedLength(i int) uint8 {
	switch {
	case i < 144:
		return 8
	case i < 256:
		return 9
	case i < 280:
		return 7
	}
	return 8
}

func (z *inflater) block(dst []byte, window, most int) ([]byte, error) {
	for {
		if len(dst) > most {
			return dst, errInflate
		}
		s := z.symbol(&z.lit)
		if s < 256 {
			if s < 0 {
				return dst, errInflate
			}
			dst = append(dst, byte(s))
			continue
		}
		if s == 256 {
			return dst, nil
		}
		if s -= 257; s >= 29 {
			return dst, errInflate
		}
		length := lengthBase[s] + int(z.bits(lengthExtra[s]))
		d := z.symbol(&z.dist)
		if d < 0 || d >= 30 {
			return dst, errInflate
		}
		back := distBase[d] + int(z.bits(distExtra[d]))
		if back > window || back > len(dst) {
			return dst, errDistance
		}
		for length > 0 { // what it copies may be what it has just written
			n := min(length, back)
			from := len(dst) - back
			dst = append(dst, dst[from:from+n]...)
			length -= n
		}
	}
}

// codes reads the codes of a block that brings its own (3.2.7).
func (z *inflater) codes() error {
	nlit, ndist, nclen := int(z.bits(5))+257, int(z.bits(5))+1, int(z.bits(4))+4
	var clen [19]uint8
	for _, i := range [...]int{16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15} {
		if nclen--; nclen < 0 {
			break
		}
		clen[i] = uint8(z.bits(3))
	}
	if nlit > 286 || z.lit.build(clen[:]) != nil {
		return errInflate
	}
	lens := z.lens[:nlit+ndist]
	for i := 0; i < len(lens); {
		s := z.symbol(&z.lit)
		switch {
		case s < 0:
			return errInflate
		case s < 16:
			lens[i] = uint8(s)
			i++
			continue
		}
		var l uint8
		var n int
		switch s {
		case 16:
			if i == 0 {
				return errInflate
			}
			l, n = lens[i-1], 3+int(z.bits(2))
		case 17:
			n = 3 + int(z.bits(3))
		default:
			n = 11 + int(z.bits(7))
		}
		if i+n > len(lens) {
			return errInflate
		}
		for ; n > 0; n-- {
			lens[i] = l
			i++
		}
	}
	if lens[256] == 0 || z.lit.build(lens[:nlit]) != nil || z.dist.build(lens[nlit:]) != nil {
		return errInflate
	}
	return nil
}

// A code is a canonical Huffman code (3.2.2).
type code struct {
	count   [16]int                // codes of each length
	symbols [288]uint16            // in the order of their codes
	quick   [1 << quickBits]uint16 // by the next bits: symbol<<4 | length; 0: the code is longer, or none
}

const quickBits = 9

// build makes the code from the length of each symbol's.
func (c *code) build(lens []uint8) error {
	clear(c.count[:])
	clear(c.quick[:])
	for _, l := range lens {
		c.count[l]++
	}
	c.count[0] = 0
	var next [17]int // where in symbols those of each length begin
	left := 1        // codes that are free
	for l := 1; l < 16; l++ {
		if left = left<<1 - c.count[l]; left < 0 {
			return errInflate
		}
		next[l+1] = next[l] + c.count[l]
	}
	// Codes are complete, but for those of a single distance, or of none (3.2.7).
	if n := next[16]; left > 0 && n > 0 && (n > 1 || c.count[1] == 0) {
		return errInflate
	}
	var first, at [16]int
	for l, v := 1, 0; l < 16; l++ {
		first[l], at[l] = v, next[l]
		v = (v + c.count[l]) << 1
	}
	for s, l := range lens {
		if l == 0 {
			continue
		}
		k := at[l]
		at[l]++
		c.symbols[k] = uint16(s)
		if l > quickBits {
			continue
		}
		v := bits.Reverse16(uint16(first[l]+k-next[l])) >> (16 - l)
		for i := int(v); i < len(c.quick); i += 1 << l {
			c.quick[i] = uint16(s)<<4 | uint16(l)
		}
	}
	return nil
}

// symbol reads one; it is negative if there is none.
func (z *inflater) symbol(c *code) int {
	z.fill()
	if q := c.quick[z.acc&(1<<quickBits-1)]; q != 0 && uint(q&15) <= z.n {
		z.acc >>= q & 15
		z.n -= uint(q & 15)
		return int(q >> 4)
	}
	v, first, at := 0, 0, 0
	for l := uint(1); l < 16 && l <= z.n; l++ {
		v |= int(z.acc>>(l-1)) & 1
		if n := c.count[l]; v-first < n {
			z.acc >>= l
			z.n -= l
			return int(c.symbols[at+v-first])
		} else {
			at += n
			first = (first + n) << 1
			v <<= 1
		}
	}
	return -1
}
