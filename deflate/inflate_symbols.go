package deflate

import "encoding/binary"

const (
	wordSize = 8
	fastIn   = 2 * wordSize // octets that a turn of the fast loop may load
	fastOut  = 3            // and literals that it may write
)

// coded reads the symbols of a block up to its end.
func (r *run) coded() outcome {
	if r.left > 0 {
		if r.match(); r.left > 0 {
			return crowded
		}
	}
	t := fixed
	if r.step == stepDynamic {
		if !r.made {
			r.makeTables() // as they have been made before
		}
		t = r.tables
	}
	for {
		if r.at <= len(r.in)-fastIn && r.end <= len(r.out)-fastOut {
			if o, ended := r.fast(t); o != done || ended {
				return o
			}
		}
		if o, ended := r.careful(t); o != done || ended {
			return o
		}
	}
}

// fast reads symbols as long as there are enough octets to read and enough room to write for the next. It reports whether the block is at its end.
func (r *run) fast(t *tables) (o outcome, ended bool) {
	in, out := r.in, r.out
	at, bits, n, end := r.at, r.bits, r.n, r.end
	lit, dist := &t.lit, &t.dist
	litMask, distMask := uint64(1)<<t.litRoot-1, uint64(1)<<t.distRoot-1
	lastIn, lastOut := len(in)-fastIn, len(out)-fastOut
	for at <= lastIn && end <= lastOut {
		bits |= binary.LittleEndian.Uint64(in[at:]) << (n & 63)
		at += int((63 - n) / 8)
		n |= 56

		e := lit[bits&litMask]
		if e&literal != 0 {
			// Up to three literals, of 10 bits each at most; then there are at least 26 bits left.
			bits >>= e & 31
			n -= e.width()
			out[end] = e.octet()
			end++
			e = lit[bits&litMask]
			if e&literal != 0 {
				bits >>= e & 31
				n -= e.width()
				out[end] = e.octet()
				end++
				e = lit[bits&litMask]
				if e&literal != 0 {
					bits >>= e & 31
					n -= e.width()
					out[end] = e.octet()
					end++
					continue
				}
			}
			// A length and a distance may take 48.
			bits |= binary.LittleEndian.Uint64(in[at:]) << (n & 63)
			at += int((63 - n) / 8)
			n |= 56
		}
		if e&special != 0 {
			if e&link != 0 {
				bits >>= e & 31
				n -= e.width()
				e = lit[e.value()+int(bits&e.second())]
				if e&literal != 0 {
					bits >>= e & 31
					n -= e.width()
					out[end] = e.octet()
					end++
					continue
				}
			}
			if e&special != 0 {
				if e&endOfBlock == 0 {
					r.end = end
					return broken, false
				}
				bits >>= e & 31
				n -= e.width()
				ended = true
				break
			}
		}
		length := e.amount(bits)
		bits >>= e & 31
		n -= e.width()

		e = dist[bits&distMask]
		if e&special != 0 {
			if e&link != 0 {
				bits >>= e & 31
				n -= e.width()
				e = dist[e.value()+int(bits&e.second())]
			}
			if e&special != 0 {
				r.end = end
				return broken, false
			}
		}
		distance := e.amount(bits)
		bits >>= e & 31
		n -= e.width()

		if distance > end-r.low || distance > r.window || length+wordSize > len(out)-end {
			r.end = end
			if !r.begin(length, distance) {
				return broken, false
			}
			if end = r.end; r.left > 0 {
				o = crowded
				break
			}
			continue
		}
		from, to := end-distance, end+length
		if distance < wordSize {
			// 3.2.3: "the referenced string may overlap the current position": after a few octets, one by one, it stands a word back and more.
			n := int(short[distance])
			for i := range n {
				out[end+i] = out[from+i]
			}
			end += n
		} else if length > 64 && distance >= length {
			end += copy(out[end:to], out[from:])
			continue
		}
		for ; end < to; end += wordSize {
			binary.LittleEndian.PutUint64(out[end:], binary.LittleEndian.Uint64(out[from:]))
			from += wordSize
		}
		end = to
	}
	r.at, r.bits, r.n, r.end = at, bits, n, end
	if ended {
		r.endBlock()
	}
	return o, ended
}

// short is what is missing from a distance to the next of its multiples that is a word or more.
var short = [wordSize]uint8{1: 7, 2: 6, 3: 6, 4: 4, 5: 5, 6: 6, 7: 7}

// careful reads one symbol where octets or room may be short: all of it, or nothing.
func (r *run) careful(t *tables) (o outcome, ended bool) {
	r.fill()
	e, before := look(t.lit[:], t.litRoot, r.bits)
	used := before + e.width()
	switch {
	case used > r.n:
		return starved, false
	case e&literal != 0:
		if r.end == len(r.out) {
			return crowded, false
		}
		r.out[r.end] = e.octet()
		r.end++
		r.skip(used)
		return done, false
	case e&endOfBlock != 0:
		r.skip(used)
		r.endBlock()
		return done, true
	case e&invalid != 0:
		return broken, false
	}
	length := e.amount(r.bits >> before)
	e, before = look(t.dist[:], t.distRoot, r.bits>>used)
	before += used
	if used = before + e.width(); used > r.n {
		return starved, false
	}
	if e&invalid != 0 {
		return broken, false
	}
	distance := e.amount(r.bits >> before)
	r.skip(used)
	if !r.begin(length, distance) {
		return broken, false
	}
	if r.left > 0 {
		return crowded, false
	}
	return done, false
}

// look finds the entry of the symbol that comes next, and how many bits of its code come before those in the entry.
func look(table []entry, root uint, bits uint64) (e entry, before uint) {
	e = table[bits&(1<<root-1)]
	if e&link != 0 {
		before = e.width()
		e = table[e.value()+int(bits>>before&e.second())]
	}
	return e, before
}

// begin appends a match, as far as there is room. It reports false if its distance is too long.
func (r *run) begin(length, distance int) bool {
	if distance > r.window {
		return false // 7.1.2: even if there is something
	}
	if far := distance - (r.end - r.low); far > 0 && (r.w == nil || far > len(r.w.bytes())) {
		return false
	}
	r.left, r.back = length, distance
	r.match()
	return true
}

// match goes on with a match, as far as there is room.
func (r *run) match() {
	n := min(r.left, len(r.out)-r.end)
	r.left -= n
	to := r.end + n
	if far := r.back - (r.end - r.low); far > 0 {
		kept := r.w.bytes()
		r.end += copy(r.out[r.end:to], kept[len(kept)-far:])
	}
	from := r.end - r.back
	for r.end < to {
		r.end += copy(r.out[r.end:to], r.out[from:r.end])
	}
}
