package deflate

import "encoding/binary"

const (
	wordSize = 8
	fastOut  = 3 // literals that a turn of the fast loop may write
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
		if r.tables == nil {
			r.makeTables() // as they have been made before
		}
		t = r.tables
	}
	if o, ended := r.fast(t); o != done || ended {
		return o
	}
	return r.careful(t)
}

// fast reads symbols as long as there is a word to read and room to write what may come. It reports whether the block is at its end.
func (r *run) fast(t *tables) (o outcome, ended bool) {
	in, out := r.in, r.out
	at, bits, n, end := r.at, r.bits, r.n, r.end
	lit, dist := &t.lit, &t.dist
	lastIn, lastOut := len(in)-wordSize, len(out)-fastOut
	for at <= lastIn && end <= lastOut {
		bits |= binary.LittleEndian.Uint64(in[at:]) << (n & 63)
		at += int((63 - n) / 8)
		n |= 56

		e := lit[bits&(1<<litRoot-1)]
		if e&literal != 0 {
			// Up to three literals, of 10 bits each at most; then there are at least 26 bits left.
			bits >>= e & 31
			n -= e.width()
			out[end] = e.octet()
			end++
			e = lit[bits&(1<<litRoot-1)]
			if e&literal != 0 {
				bits >>= e & 31
				n -= e.width()
				out[end] = e.octet()
				end++
				e = lit[bits&(1<<litRoot-1)]
				if e&literal != 0 {
					bits >>= e & 31
					n -= e.width()
					out[end] = e.octet()
					end++
					continue
				}
			}
			if at > lastIn {
				break
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

		e = dist[bits&(1<<distRoot-1)]
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

		if distance > end-r.low || distance > r.window || length+3*wordSize > len(out)-end { // 7 octets and two words may be written
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
		// Two words do for most, and how many more there are is hard to predict.
		src, dst := out[from:from+2*wordSize], out[end:end+2*wordSize]
		binary.LittleEndian.PutUint64(dst, binary.LittleEndian.Uint64(src))
		binary.LittleEndian.PutUint64(dst[wordSize:], binary.LittleEndian.Uint64(src[wordSize:]))
		for end, from = end+2*wordSize, from+2*wordSize; end < to; end, from = end+wordSize, from+wordSize {
			binary.LittleEndian.PutUint64(out[end:], binary.LittleEndian.Uint64(out[from:]))
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

// careful reads the symbols where octets or room are short, to the end of the block or of one of these: a symbol is read whole, or not at all.
func (r *run) careful(t *tables) outcome {
	for {
		if r.n < 48 {
			r.fill()
		}
		bits := r.bits
		e, before := look(t.lit[:], litRoot, bits)
		used := before + e.width()
		switch {
		case used > r.n:
			return starved
		case e&literal != 0:
			if r.end == len(r.out) {
				return crowded
			}
			r.out[r.end] = e.octet()
			r.end++
			r.skip(used)
			continue
		case e&endOfBlock != 0:
			r.skip(used)
			r.endBlock()
			return done
		case e&invalid != 0:
			return broken
		}
		length := e.amount(bits >> before)
		e, before = look(t.dist[:], distRoot, bits>>used)
		before += used
		if used = before + e.width(); used > r.n {
			return starved
		}
		if e&invalid != 0 {
			return broken
		}
		distance := e.amount(bits >> before)
		r.skip(used)
		if !r.begin(length, distance) {
			return broken
		}
		if r.left > 0 {
			return crowded
		}
	}
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
