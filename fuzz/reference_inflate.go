package fuzz

// An inflater decompresses one message: RFC 1951, bit by bit, with what RFC 7692 adds in section 7.2.
type inflater struct {
	next   func() (byte, bool) // the payload, octet by octet; false at its end
	window int                 // the longest distance
	out    []byte              // what may be referred to, and then the message
	hear   func(byte)          // gets each octet of the message; need not return
	bad    func(rule string)   // does not return
	stops  bool                // at the first final block, whatever follows it; see Quirk
	inside bool                // ends where the data does, be it inside a block; see Quirk

	longTail bool // with the final block that others append; see Quirk

	bits  byte // what is left of the present octet, next bit lowest
	n     int  // how many
	ended bool // the payload is

	lenient bool // the payload ended right behind a final block
	final   bool // there was a final block
	tail    int  // octets read of what 7.2.2 appends
}

// fill gets the next octet, or returns false.
func (z *inflater) fill() bool {
	if !z.ended {
		if b, ok := z.next(); ok {
			z.bits, z.n = b, 8
			return true
		}
		z.ended = true
	}
	appended := "\x00\x00\xff\xff"
	if z.longTail {
		appended += "\x01\x00\x00\xff\xff"
	}
	if z.tail == len(appended) {
		return false
	}
	z.bits, z.n = appended[z.tail], 8 // 7.2.2: "Append 4 octets of 0x00 0x00 0xff 0xff to the tail end of the payload"
	z.tail++
	return true
}

// message reads all of it: RFC 1951, 3.2.3.
func (z *inflater) message() {
	defer func() {
		if e := recover(); e != nil && e != (inside{}) {
			panic(e)
		}
	}()
	closed := false // the last block was a final one
	for {
		if z.n == 0 {
			more := z.fill()
			// A final block should be followed by an empty one (7.2.1, 7.2.3.4), but some leave it out, and zlib does not mind.
			if !more || closed && z.tail == 1 {
				z.lenient = more
				return
			}
		}
		final := z.bit() == 1
		z.final = z.final || final
		switch z.number(2) {
		case 0:
			z.stored()
		case 1:
			z.symbols(fixedLits, fixedDists)
		case 2:
			z.dynamic()
		default:
			z.bad("block of the reserved type")
		}
		if final && z.stops {
			return // what is left of the message has to come all the same
		}
		if closed = final; final {
			z.n = 0 // 7.2.1: "minimal padding bits of 0", to a byte boundary
		}
	}
}

// inside is the value of a panic that ends a message inside a block.
type inside struct{}

// bit reads one bit: RFC 1951, 3.1.1.
func (z *inflater) bit() int {
	if z.n == 0 && !z.fill() {
		if z.inside {
			panic(inside{})
		}
		z.bad("compressed data ends inside a block")
	}
	b := int(z.bits & 1)
	z.bits >>= 1
	z.n--
	return b
}

// number reads n bits, the least significant first.
func (z *inflater) number(n int) (v int) {
	for i := range n {
		v |= z.bit() << i
	}
	return v
}

func (z *inflater) put(b byte) {
	z.out = append(z.out, b)
	z.hear(b)
}

// stored reads a block without compression: 3.2.4.
func (z *inflater) stored() {
	z.n = 0 // "any bits of input up to the next byte boundary are ignored"
	length, complement := z.number(16), z.number(16)
	if length != ^complement&0xffff {
		z.bad("length of a stored block, and its complement do not agree")
	}
	for range length {
		z.put(byte(z.number(8)))
	}
}

// A prefixCode is made of the lengths of its codes alone: 3.2.2.
type prefixCode struct {
	longest int
	first   [16]int   // the code of the first symbol of each length
	symbols [16][]int // in the order of their codes
}

// codeOf returns the code, and whether it is complete, or lacks only what a code of one symbol lacks.
func codeOf(lengths []int) (c prefixCode, ok bool) {
	for symbol, n := range lengths {
		if n > 0 {
			c.symbols[n] = append(c.symbols[n], symbol)
			c.longest = max(c.longest, n)
		}
	}
	code := 0
	for n := 1; n <= 15; n++ {
		code = (code + len(c.symbols[n-1])) << 1
		c.first[n] = code
		if code+len(c.symbols[n]) > 1<<n {
			return c, false
		}
	}
	complete := c.longest == 0 || c.first[c.longest]+len(c.symbols[c.longest]) == 1<<c.longest
	return c, complete || c.longest == 1 && len(c.symbols[1]) == 1
}

// symbol reads one; "Huffman codes are packed starting with the most significant bit of the code" (3.1.1).
func (z *inflater) symbol(c *prefixCode) int {
	code := 0
	for n := 1; n <= c.longest; n++ {
		code = code<<1 | z.bit()
		if i := code - c.first[n]; i >= 0 && i < len(c.symbols[n]) {
			return c.symbols[n][i]
		}
	}
	z.bad("bits that are no code")
	return 0
}

// The fixed codes: 3.2.6.
var fixedLits, fixedDists = func() (*prefixCode, *prefixCode) {
	lits, dists := make([]int, 288), make([]int, 32)
	for i := range lits {
		switch {
		case i <= 143:
			lits[i] = 8
		case i <= 255:
			lits[i] = 9
		case i <= 279:
			lits[i] = 7
		default:
			lits[i] = 8
		}
	}
	for i := range dists {
		dists[i] = 5
	}
	l, _ := codeOf(lits)
	d, _ := codeOf(dists)
	return &l, &d
}()

// lengthsOrder is that of 3.2.7.
var lengthsOrder = [19]int{16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15}

// dynamic reads a block with codes of its own: 3.2.7.
func (z *inflater) dynamic() {
	lits, dists, lens := 257+z.number(5), 1+z.number(5), 4+z.number(4)
	if lits > 286 || dists > 30 {
		z.bad("more codes than there are symbols")
	}
	short := make([]int, 19)
	for _, i := range lengthsOrder[:lens] {
		short[i] = z.number(3)
	}
	code, ok := codeOf(short)
	if !ok {
		z.bad("code for code lengths is not complete")
	}
	var all []int
	for len(all) < lits+dists {
		n := z.symbol(&code)
		switch n {
		default:
			all = append(all, n)
			continue
		case 16: // "Copy the previous code length 3 - 6 times"
			if len(all) == 0 {
				z.bad("repeats a code length, and there is none")
			}
			n = all[len(all)-1]
			all = repeat(all, n, 3+z.number(2))
		case 17: // "Repeat a code length of 0 for 3 - 10 times"
			all = repeat(all, 0, 3+z.number(3))
		case 18: // "for 11 - 138 times"
			all = repeat(all, 0, 11+z.number(7))
		}
	}
	if len(all) > lits+dists {
		z.bad("repeats a code length beyond the last")
	}
	if all[256] == 0 {
		z.bad("no code for the end of the block")
	}
	l, ok := codeOf(all[:lits])
	if !ok {
		z.bad("code for literals and lengths is not complete")
	}
	d, ok := codeOf(all[lits:])
	if !ok {
		z.bad("code for distances is not complete")
	}
	z.symbols(&l, &d)
}

func repeat(all []int, n, times int) []int {
	for range times {
		all = append(all, n)
	}
	return all
}

// symbols reads the symbols of a block: 3.2.3, with the alphabets of 3.2.5.
func (z *inflater) symbols(lits, dists *prefixCode) {
	for {
		s := z.symbol(lits)
		switch {
		case s < 256:
			z.put(byte(s))
			continue
		case s == 256:
			return
		case s > 285:
			z.bad("length symbol that has no meaning")
		}
		length := lengthBase[s-257] + z.number(lengthExtra[s-257])
		s = z.symbol(dists)
		if s > 29 {
			z.bad("distance symbol that has no meaning")
		}
		distance := distanceBase[s] + z.number(distanceExtra[s])
		if distance > z.window {
			z.bad("distance beyond the window")
		}
		if distance > len(z.out) {
			z.bad("distance beyond the beginning")
		}
		for range length {
			z.put(z.out[len(z.out)-distance])
		}
	}
}

// The tables of 3.2.5.
var (
	lengthBase    = [29]int{3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 15, 17, 19, 23, 27, 31, 35, 43, 51, 59, 67, 83, 99, 115, 131, 163, 195, 227, 258}
	lengthExtra   = [29]int{0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 0}
	distanceBase  = [30]int{1, 2, 3, 4, 5, 7, 9, 13, 17, 25, 33, 49, 65, 97, 129, 193, 257, 385, 513, 769, 1025, 1537, 2049, 3073, 4097, 6145, 8193, 12289, 16385, 24577}
	distanceExtra = [30]int{0, 0, 0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7, 8, 8, 9, 9, 10, 10, 11, 11, 12, 12, 13, 13}
)
