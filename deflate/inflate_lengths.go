package deflate

// order is that of the code lengths for the code lengths (RFC 1951, 3.2.7).
var order = [numLens]uint8{16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15}

// repetitions are what the symbols 16 to 18 stand for: 16 repeats a length, the others are zeros.
var repetitions = [4]struct {
	least int
	extra uint
}{{3, 2}, {3, 3}, {11, 7}}

// counts reads how many lengths there are at the head of a block that brings its own codes.
func (r *run) counts() outcome {
	if r.fill(); r.n < 14 {
		return starved
	}
	r.lits, r.dists, r.lensLeft = 257+uint16(r.bits&31), 1+uint16(r.bits>>5&31), 4+uint8(r.bits>>10&15)
	r.skip(14)
	if r.lits > numLit || r.dists > numDist {
		return broken
	}
	r.lens, r.read = [numLens]uint8{}, 0
	r.step = stepLens
	return done
}

// readLens reads the lengths of the codes for the lengths.
func (r *run) readLens() outcome {
	for ; r.lensLeft > 0; r.lensLeft-- {
		if r.n < 3 {
			if r.fill(); r.n < 3 {
				return starved
			}
		}
		r.lens[order[r.read]] = uint8(r.bits & 7)
		r.read++
		r.skip(3)
	}
	r.read = 0
	r.step = stepLengths
	return done
}

// readLengths reads the lengths, and makes the tables.
func (r *run) readLengths() outcome {
	if r.tables == nil {
		r.tables = workspaces.Get().(*tables)
	}
	table := &r.tables.dist // free until its own lengths are known
	if !build(table[:], lensRoot, r.lens[:], lensSymbols[:]) {
		return broken
	}
	all, i := r.lengths[:r.lits+r.dists], int(r.read)
	bits, n := r.bits, r.n
	for i < len(all) {
		if n < 14 { // 7 bits of code and 7 more
			r.bits, r.n = bits, n
			r.fill()
			bits, n = r.bits, r.n
		}
		e := table[bits&(1<<lensRoot-1)]
		width := e.width()
		if width <= n && e < 16<<12 {
			all[i] = uint8(e.value())
			i++
			bits >>= width
			n -= width
			continue
		}
		if width <= n && e&invalid != 0 {
			return broken
		}
		repeat := repetitions[e.value()&3]
		if width+repeat.extra > n {
			r.bits, r.n, r.read = bits, n, uint16(i)
			return starved
		}
		times := repeat.least + int(bits>>width&(1<<repeat.extra-1))
		bits >>= width + repeat.extra
		n -= width + repeat.extra
		if times > len(all)-i {
			return broken
		}
		var value uint8
		if e.value() == 16 {
			if i == 0 {
				return broken
			}
			value = all[i-1]
		}
		for to := i + times; i < to; i++ {
			all[i] = value
		}
	}
	r.bits, r.n = bits, n
	if all[256] == 0 { // a block could not end
		return broken
	}
	r.step = stepDynamic
	if !r.makeTables() {
		return broken
	}
	return done
}

// makeTables makes the tables of a block's own codes.
func (r *run) makeTables() bool {
	if r.tables == nil {
		r.tables = workspaces.Get().(*tables)
	}
	t, all := r.tables, r.lengths[:r.lits+r.dists]
	return build(t.lit[:], litRoot, all[:r.lits], litSymbols[:]) && build(t.dist[:], distRoot, all[r.lits:], distSymbols[:])
}
