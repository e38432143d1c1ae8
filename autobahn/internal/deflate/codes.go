package deflate

// fixedCodes makes the tables of a block with fixed codes (RFC 1951, 3.2.6), unless they are made.
func (z *inflater) fixedCodes() {
	if z.fixed {
		return
	}
	var lengths [288]uint8
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
	z.litRoot, _ = build(z.lit[:], litRoot, lengths[:], litSymbols[:])
	for i := range 32 {
		lengths[i] = 5
	}
	z.distRoot, _ = build(z.dist[:], distRoot, lengths[:32], distSymbols[:])
	z.fixed = true
}

// order is that of the code lengths for the code lengths (3.2.7).
var order = [numLens]uint8{16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15}

// dynamicCodes reads the codes at the head of a block that brings its own (3.2.7), and makes the tables.
func (z *inflater) dynamicCodes() error {
	if z.fill(); z.n < 14 {
		return ErrTruncated
	}
	lits, dists, lens := 257+int(z.bits&31), 1+int(z.bits>>5&31), 4+int(z.bits>>10&15)
	z.skip(14)
	if lits > numLit || dists > numDist {
		return ErrCorrupt
	}
	var lengths [numLens]uint8
	for _, i := range order[:lens] {
		if z.n < 3 {
			if z.fill(); z.n < 3 {
				return ErrTruncated
			}
		}
		lengths[i] = uint8(z.bits & 7)
		z.skip(3)
	}
	z.fixed = false
	table := z.dist[:1<<lensRoot] // free until its own lengths are known
	root, ok := build(table, lensRoot, lengths[:], lensSymbols[:])
	if !ok {
		return ErrCorrupt
	}
	all := z.lengths[:lits+dists]
	for i := 0; i < len(all); {
		if z.n < 14 { // 7 bits of code and 7 more
			z.fill()
		}
		e, err := z.symbol(table, root)
		if err != nil {
			return err
		}
		z.skip(e.width())
		var value uint8
		var least, extra uint
		switch n := e.value(); n {
		default:
			all[i] = uint8(n)
			i++
			continue
		case 16:
			if i == 0 {
				return ErrCorrupt
			}
			value, least, extra = all[i-1], 3, 2
		case 17:
			least, extra = 3, 3
		case 18:
			least, extra = 11, 7
		}
		if z.n < extra {
			return ErrTruncated
		}
		n := int(least + uint(z.bits)&(1<<extra-1))
		z.skip(extra)
		if n > len(all)-i {
			return ErrCorrupt
		}
		for range n {
			all[i] = value
			i++
		}
	}
	if all[256] == 0 { // a block could not end
		return ErrCorrupt
	}
	if z.litRoot, ok = build(z.lit[:], litRoot, all[:lits], litSymbols[:]); !ok {
		return ErrCorrupt
	}
	if z.distRoot, ok = build(z.dist[:], distRoot, all[lits:], distSymbols[:]); !ok {
		return ErrCorrupt
	}
	return nil
}
