package deflate

import (
	"encoding/binary"
	"math"
	"slices"
)

// An inflater decompresses the messages of one direction, each as a whole. That is quicker than a stream: what the message has already given is the
// window, and only what went before is kept apart.
type inflater struct {
	direction
	history history
	err     error // the first, which stays

	in   []byte // the message as it came
	at   int    // how much of in, and of the tail behind it, is in bits or used up
	bits uint64 // what is next, from the lowest bit on; above the first n are 0s, or what is to come
	n    uint   // n <= 63

	out   []byte // all the room there is
	start int    // what is before is the caller's
	end   int    // where the next octet goes; start <= end <= limit
	limit int

	lit      [litTable]entry
	dist     [distTable]entry
	litRoot  uint // bits that select in the first part of lit
	distRoot uint
	fixed    bool // the tables are those of the fixed codes
	lengths  [numLit + numDist]uint8
}

// tail is what a sender takes off its last block, the length of an empty one without compression (RFC 7692, 7.2.1).
const tail = "\x00\x00\xff\xff"

// inflate appends what payload is when decompressed to dst, but no more than limit octets.
func (z *inflater) inflate(dst, payload []byte, limit int) ([]byte, error) {
	if z.err != nil {
		return dst, z.err
	}
	z.in, z.at, z.bits, z.n = payload, 0, 0, 0
	z.out, z.start, z.end = dst[:cap(dst)], len(dst), len(dst)
	z.limit = z.start + min(limit, math.MaxInt-z.start)
	z.err = z.blocks()
	message, end := z.out, z.end
	z.in, z.out = nil, nil
	if z.err != nil {
		return dst, z.err
	}
	if z.takeover {
		z.history.add(message[z.start:end], z.window)
	}
	return message[:end], nil
}

// blocks reads all blocks of a message, and the tail.
func (z *inflater) blocks() error {
	for z.at < len(z.in)+len(tail) || z.n > 0 {
		if z.fill(); z.n < 3 {
			return ErrTruncated
		}
		final, kind := z.bits&1, z.bits>>1&3
		z.skip(3)
		var err error
		switch kind { // RFC 1951, 3.2.3
		case 0:
			err = z.stored()
		case 1:
			z.fixedCodes()
			err = z.compressed()
		case 2:
			if err = z.dynamicCodes(); err == nil {
				err = z.compressed()
			}
		default:
			err = ErrCorrupt
		}
		if err != nil {
			return err
		}
		if final == 1 {
			// RFC 7692, 7.2.1: there may be final blocks, and others behind them, which begin at the next octet. (To zlib the first of them is
			// the end of all messages.) One may end the payload, although a sender has to put an empty block behind it: zlib takes that.
			if z.align(); z.at == len(z.in) {
				return nil
			}
		}
	}
	return nil
}

// fill reads bits until there are at least 56 (63 at most), or all.
func (z *inflater) fill() {
	for ; z.n < 56; z.n += 8 {
		switch {
		case z.at < len(z.in):
			z.bits |= uint64(z.in[z.at]) << z.n
		case z.at < len(z.in)+len(tail):
			z.bits |= uint64(tail[z.at-len(z.in)]) << z.n
		default:
			return
		}
		z.at++
	}
}

func (z *inflater) skip(n uint) {
	z.bits >>= n
	z.n -= n
}

// align goes back to the first octet that has not been begun.
func (z *inflater) align() {
	z.at -= int(z.n / 8)
	z.bits, z.n = 0, 0
}

// stored reads the rest of a block without compression (RFC 1951, 3.2.4).
func (z *inflater) stored() error {
	z.skip(z.n % 8)
	if z.fill(); z.n < 32 {
		return ErrTruncated
	}
	n := int(z.bits & 0xffff)
	if z.bits>>16&0xffff != uint64(^uint16(n)) {
		return ErrCorrupt
	}
	z.skip(32)
	z.align()
	if n > len(z.in)+len(tail)-z.at {
		return ErrTruncated
	}
	if n > z.limit-z.end {
		return ErrTooLong
	}
	z.room(n)
	to := z.out[z.end : z.end+n]
	done := copy(to, z.in[min(z.at, len(z.in)):])
	if done < n {
		copy(to[done:], tail[z.at+done-len(z.in):])
	}
	z.at += n
	z.end += n
	return nil
}

// room makes room for n octets, and for what a copy by words writes too much.
func (z *inflater) room(n int) {
	if len(z.out)-z.end < n+wordSize {
		n = max(n+wordSize, z.end-z.start) // twice as much as before
		z.out = slices.Grow(z.out[:z.end], n)
		z.out = z.out[:cap(z.out)]
	}
}

const (
	wordSize = 8
	maxMatch = 258
	fastIn   = 16                      // octets that a turn of the fast loop may load
	fastOut  = 2 + maxMatch + wordSize // and those that it may write
)

// compressed reads the rest of a block with the codes of the tables.
func (z *inflater) compressed() error {
	for {
		done, err := z.fast()
		if done || err != nil {
			return err
		}
		if done, err = z.careful(); done || err != nil {
			return err
		}
	}
}

// fast reads symbols as long as there are enough octets to read and enough room to write for the next. It reports whether the block is at its end.
func (z *inflater) fast() (bool, error) {
	if z.limit-z.end >= fastOut {
		z.room(fastOut)
	}
	in, out := z.in, z.out
	at, bits, n, end := z.at, z.bits, z.n, z.end
	lit, dist := &z.lit, &z.dist
	litMask, distMask := uint64(1)<<z.litRoot-1, uint64(1)<<z.distRoot-1
	lastIn, lastOut := len(in)-fastIn, min(len(out), z.limit)-fastOut
	done := false
	var err error
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
				bits >>= e & 31
				n -= e.width()
				if done = e&endOfBlock != 0; !done {
					err = ErrCorrupt
				}
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
				err = ErrCorrupt
				break
			}
		}
		distance := e.amount(bits)
		bits >>= e & 31
		n -= e.width()

		if distance > end-z.start || distance > z.window {
			z.end = end
			if err = z.before(length, distance); err != nil {
				break
			}
			end = z.end
			continue
		}
		repeat(out, end, length, distance)
		end += length
	}
	z.at, z.bits, z.n, z.end = at, bits, n, end
	return done, err
}

// careful reads one symbol where octets or room are short.
func (z *inflater) careful() (done bool, err error) {
	z.fill()
	e, err := z.symbol(z.lit[:], z.litRoot)
	if err != nil {
		return false, err
	}
	if e&literal != 0 {
		if z.end == z.limit {
			return false, ErrTooLong
		}
		z.room(1)
		z.out[z.end] = e.octet()
		z.end++
		z.skip(e.width())
		return false, nil
	}
	if e&endOfBlock != 0 {
		z.skip(e.width())
		return true, nil
	}
	length := e.amount(z.bits)
	z.skip(e.width())
	z.fill()
	if e, err = z.symbol(z.dist[:], z.distRoot); err != nil {
		return false, err
	}
	distance := e.amount(z.bits)
	z.skip(e.width())
	if length > z.limit-z.end {
		return false, ErrTooLong
	}
	z.room(length)
	if distance > z.end-z.start || distance > z.window {
		return false, z.before(length, distance)
	}
	repeat(z.out, z.end, length, distance)
	z.end += length
	return false, nil
}

// symbol looks up the next symbol, all of whose bits are there, and takes a first part of its code away if it is in a second table.
func (z *inflater) symbol(table []entry, root uint) (entry, error) {
	e := table[z.bits&(1<<root-1)]
	if e&link != 0 {
		if e.width() > z.n {
			return 0, ErrTruncated
		}
		z.skip(e.width())
		e = table[e.value()+int(z.bits&e.second())]
	}
	switch {
	case e.width() > z.n:
		return 0, ErrTruncated
	case e&invalid != 0:
		return 0, ErrCorrupt
	}
	return e, nil
}

// before copies octets that begin before this message, if they may.
func (z *inflater) before(length, distance int) error {
	back := distance - (z.end - z.start)
	if distance > z.window || back > z.history.n {
		return ErrDistance
	}
	n := min(length, back)
	z.history.read(z.out[z.end:z.end+n], back)
	z.end += n
	if length > n {
		repeat(z.out, z.end, length-n, distance)
		z.end += length - n
	}
	return nil
}

// repeat appends, at end, length octets that begin distance octets before it. It may overwrite some octets behind them, up to wordSize.
func repeat(out []byte, end, length, distance int) {
	from := end - distance
	switch {
	case distance >= length && length > 64:
		copy(out[end:end+length], out[from:])
	case distance >= wordSize:
		for to := end + length; end < to; end += wordSize {
			binary.LittleEndian.PutUint64(out[end:], binary.LittleEndian.Uint64(out[from:]))
			from += wordSize
		}
	default: // 3.2.3: "the referenced string may overlap the current position"
		to := out[end : end+length]
		for i := range to {
			to[i] = out[from+i]
		}
	}
}
