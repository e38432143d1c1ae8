package deflate

import (
	"encoding/binary"
	"sync"
	"unsafe"

	"github.com/idlewire/idlewire/frame"
)

// Package autobahn/internal/deflate has an inflater that is much like this one in its tables and its fast loop. They are two on purpose: the conformance suite
// shares no code with what it tests.

// A decompressor decompresses one message (a conn.Decompressor), from any octet to any other. What the message has already given, in the caller's
// slice, is the window; what went before is in a window of its own, if at all. Between calls it holds what is below and nothing else: the decoding
// tables are made anew when a call goes on in the middle of a block.
type decompressor struct {
	w      *window // nil: messages do not refer to earlier ones
	window int     // the longest distance, 1<<8 to 1<<15
	total  int     // octets of the message so far; at most maxTotal, which stands for more too
	left   int     // octets to come of a match, or of a block without compression
	back   int     // distance of the match

	// What is next in the input, from the lowest bit on. Above the first n are 0s, or what is to come; between calls 0s. n <= 63; and n < 48 if a call
	// ended for want of input, as no step needs more at once than a length and its distance do (20+28 bits).
	bits uint64
	n    uint

	tailed uint8 // octets of the tail that have been read, at most 4
	step   step
	final  bool // of the block
	closed bool // a final block has ended, and nothing has come since
	failed bool

	lits, dists uint16                  // how many lengths there are of a block with its own codes, 257 to 286 and 1 to 30,
	read        uint16                  // and how many have been read; or of those in lens
	lensLeft    uint8                   // how many are still to be read of those in lens
	lens        [numLens]uint8          // lengths of the codes for lengths
	lengths     [numLit + numDist]uint8 // lengths of the codes
}

// A step is what a message goes on with.
type step uint8

const (
	stepBlock        step = iota // 3 bits begin a block (RFC 1951, 3.2.3)
	stepStoredLength             // of a block without compression (3.2.4)
	stepStored
	stepCounts  // how many lengths there are (3.2.7)
	stepLens    // lengths of the codes for lengths
	stepLengths // lengths
	stepDynamic // symbols of the block's own codes
	stepFixed   // symbols of the fixed codes (3.2.6)
)

const (
	maxTotal = 1 << 15 // no distance is longer

	// tail is what a sender takes off its last block, the length of an empty one without compression (RFC 7692, 7.2.1).
	tail = "\x00\x00\xff\xff"
)

var decompressors = sync.Pool{New: func() any { return new(decompressor) }}

// newDecompressor returns what decompresses the next message of a peer whose window is 1<<bits octets, bits 8 to 15. With context takeover w has
// the end of the messages before, and gets this one at its end; else it is nil.
func newDecompressor(bits int, w *window) *decompressor {
	d := decompressors.Get().(*decompressor)
	d.w, d.window = w, 1<<bits
	d.total, d.left, d.bits, d.n, d.tailed = 0, 0, 0, 0, 0
	d.step, d.closed, d.failed = stepBlock, false, false
	return d
}

// Decompress is as in conn.Decompressor. Behind what it returns, up to the capacity, it may overwrite dst.
func (d *decompressor) Decompress(dst, src []byte, fin bool) (b, rest []byte, full bool, err error) {
	if d.failed {
		return dst, nil, false, frame.ErrInvalidDeflate
	}
	r := run{decompressor: d, in: src, fin: fin, out: dst[:cap(dst)], low: len(dst) - d.total, end: len(dst)}
	o := r.blocks()
	if r.tables != nil {
		workspaces.Put(r.tables)
	}
	if o == broken || o == starved && fin { // 7.2.2: with the tail the last block is whole
		d.failed = true
		return r.out[:r.end], nil, false, frame.ErrInvalidDeflate
	}
	d.bits &= 1<<d.n - 1
	d.total = min(d.total+r.end-len(dst), maxTotal)
	return r.out[:r.end], src[r.at:], o == crowded, nil
}

// Size is as in conn.Decompressor.
func (d *decompressor) Size() int { return int(unsafe.Sizeof(*d)) }

// End is as in conn.Decompressor. The decompressor may not be used any more.
func (d *decompressor) End(dst []byte) {
	if d.w != nil && !d.failed {
		d.w.add(dst[max(0, len(dst)-d.total):])
		d.w = nil
	}
	decompressors.Put(d)
}

// A run is a call of Decompress.
type run struct {
	*decompressor
	in  []byte
	at  int // how much of in is in bits or used up
	fin bool

	out []byte // all the room there is
	low int    // where the message begins; or maxTotal before what has come before
	end int    // where the next octet goes; low <= end <= len(out)

	tables *tables // the workspace, if it was needed; in stepDynamic the tables of the block
}

var workspaces = sync.Pool{New: func() any { return new(tables) }}

// An outcome is how a step has ended.
type outcome uint8

const (
	done    outcome = iota // the next may begin
	starved                // the input is at its end
	crowded                // there is no room for an octet that comes next
	broken                 // it is no DEFLATE, or refers to octets outside of the window
	whole                  // the message is
)

// blocks reads blocks until it cannot.
func (r *run) blocks() (o outcome) {
	for {
		switch r.step {
		case stepBlock:
			o = r.block()
		case stepStoredLength:
			o = r.storedLength()
		case stepStored:
			o = r.stored()
		case stepCounts:
			o = r.counts()
		case stepLens:
			o = r.readLens()
		case stepLengths:
			o = r.readLengths()
		default:
			o = r.coded()
		}
		if o != done {
			return o
		}
	}
}

// fill reads bits until there are at least 56 (63 at most), or all.
func (r *run) fill() {
	if len(r.in)-r.at < wordSize {
		r.fillEnd()
		return
	}
	r.bits |= binary.LittleEndian.Uint64(r.in[r.at:]) << (r.n & 63)
	r.at += int((63 - r.n) / 8)
	r.n |= 56
}

// fillEnd is fill by octets, where there may be none, or only those of the tail.
func (r *run) fillEnd() {
	for ; r.n < 56; r.n += 8 {
		switch {
		case r.at < len(r.in):
			r.bits |= uint64(r.in[r.at]) << r.n
			r.at++
		case r.fin && int(r.tailed) < len(tail):
			r.bits |= uint64(tail[r.tailed]) << r.n
			r.tailed++
		default:
			return
		}
	}
}

func (r *run) skip(n uint) {
	r.bits >>= n
	r.n -= n
}

// block begins a block, or ends the message.
func (r *run) block() outcome {
	if r.fin && r.at == len(r.in) {
		// RFC 7692, 7.2.1: there may be final blocks, and others behind them, which begin at the next octet. (To zlib the first of them is the end of all
		// messages.) One may end the payload, although a sender has to put an empty block behind it: zlib takes that.
		if r.n == 0 && int(r.tailed) == len(tail) || r.closed && r.n == 8*uint(r.tailed) {
			return whole
		}
	}
	if r.fill(); r.n < 3 {
		return starved
	}
	r.final, r.closed = r.bits&1 == 1, false
	switch r.bits >> 1 & 3 { // RFC 1951, 3.2.3
	case 0:
		r.step = stepStoredLength
	case 1:
		r.step = stepFixed
	case 2:
		r.step = stepCounts
	default:
		return broken
	}
	r.skip(3)
	return done
}

// endBlock goes on behind the block.
func (r *run) endBlock() {
	if r.step = stepBlock; r.final {
		r.skip(r.n % 8)
		r.closed = true
	}
}

// storedLength reads the length of a block without compression (3.2.4).
func (r *run) storedLength() outcome {
	r.fill()
	padding := r.n % 8 // of the octet that began the block: the others are whole
	if r.n < padding+32 {
		return starved
	}
	r.skip(padding)
	n := int(r.bits & 0xffff)
	if r.bits>>16&0xffff != uint64(^uint16(n)) {
		return broken
	}
	r.skip(32)
	if r.tailed == 0 {
		back := min(int(r.n/8), r.at) // octets are copied from where they stand, not from the bits
		r.at -= back
		r.n -= 8 * uint(back)
	}
	r.bits &= 1<<r.n - 1
	r.left, r.step = n, stepStored
	return done
}

// stored copies a block without compression: first what is in the bits nevertheless, octets all.
func (r *run) stored() outcome {
	for r.left > 0 {
		if r.n == 0 && r.at < len(r.in) {
			n := copy(r.out[r.end:], r.in[r.at:min(len(r.in), r.at+r.left)])
			if n == 0 {
				return crowded
			}
			r.at += n
			r.end += n
			r.left -= n
			continue
		}
		if r.n == 0 {
			if r.fill(); r.n == 0 { // of the tail
				return starved
			}
		}
		if r.end == len(r.out) {
			return crowded
		}
		r.out[r.end] = byte(r.bits)
		r.end++
		r.left--
		r.skip(8)
	}
	r.endBlock()
	return done
}
