package deflate

// order is that of the code lengths for the code lengths (RFC 1951, 3.2.7).
var order = [numLens]uint8{16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15}

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
	root, ok := build(table[:], lensRoot, r.lens[:], lensSymbols[:])
	if !ok {
		return broken
	}
	mask := uint64(1)<<root - 1
	all, i := r.lengths[:r.lits+r.dists], int(r.read)
	for i < len(all) {
		if r.n < 14 { // 7 bits of code and 7 more
			r.fill()
		}
		e := table[r.bits&mask]
		width := e.width()
		if width > r.n {
			r.read = uint16(i)
			return starved
		}
		if e&invalid != 0 {
			return broken
		}
		var value uint8
		var least int
		var extra uint
		switch v := e.value(); v {
		default:
			all[i] = uint8(v)
			i++
			r.skip(width)
			continue
		case 16:
			if i == 0 {
				return broken
			}
			value, least, extra = all[i-1], 3, 2
		case 17:
			least, extra = 3, 3
		case 18:
			least, extra = 11, 7
		}
		if width+extra > r.n {
			r.read = uint16(i)
			return starved
		}
		n := least + int(r.bits>>width&(1<<extra-1))
		r.skip(width + extra)
		if n > len(all)-i {
			return broken
		}
		for range n {
			all[i] = value
			i++
		}
	}
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
func (r *run) makeTables() (ok bool) {
	if r.tables == nil {
		r.tables = workspaces.Get().(*tables)
	}
	t, all := r.tables, r.lengths[:r.lits+r.dists]
	if t.litRoot, ok = build(t.lit[:], litRoot, all[:r.lits], litSymbols[:]); !ok {
		return false
	}
	if t.distRoot, ok = build(t.dist[:], distRoot, all[r.lits:], distSymbols[:]); !ok {
		return false
	}
	r.made = true
	return true
}
