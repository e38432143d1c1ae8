package conn

import (
	"sync"
	"unsafe"

	"github.com/idlewire/idlewire/frame"
)

// Messages that come compressed (RFC 7692, section 6.2). They are decompressed as they come, so that what is wrong with them shows at
// once, but only as far as the memory that takes is not too much for what the peer has sent: 4 KiB, and 64 octets for each of its own. What is over
// waits as it came. So who sends us a bomb in pieces, and never its end, holds what he pays for; when the end comes, what the bomb makes is
// held for as long as the message is lent, and no longer.

// An inflation is a compressed message that is not complete, or a piece of which is lent.
//
// What it came to so far is in incoming.buf, from base on: what is before has been handed out, and stays for the Decompressor, which looks back.
type inflation struct {
	d     Decompressor
	wait  *buffer // received, and not yet decompressed; nil: nothing
	next  *buffer // while a piece is lent in incoming.buf: what becomes incoming.buf after that
	wire  int64   // octets received of the message, wire <= wireLimit
	given int64   // octets handed out in pieces; given + len(buf) - base <= MaxMessage
	base  int     // 0 <= base <= lookBack
	fin   bool    // the last octet of the message has been received
	full  bool    // there was no room for all of it: wait, or d, has more
}

const (
	lookBack   = 32 << 10 // the greatest window: RFC 7692, 7.1.2
	pieceSize  = 64 << 10 // of the buffer of a message that is handed out in pieces, with what it looks back to
	pieceBite  = 4 << 10  // of what is received that goes into one piece
	smallest   = 1 << minClass
	wireFactor = 16 // a flush behind every octet makes 11 of 1

	// heldFactor is how many octets may be held for each that was received of a message that has not come to its end. DEFLATE makes up to 1032 of one. A
	// smaller factor holds less for who sends a part of a bomb; but then more of it waits until all the room is made, and both are there together.
	heldFactor = 64

	// The last size before the limit; see grow.
	lastStep = 16 << 10
)

const inflationSize = int(unsafe.Sizeof(inflation{}))

var inflations = sync.Pool{New: func() any { return new(inflation) }}

// wireLimit is how many octets a compressed message may be sent in. They are not held; but nothing may go on for ever.
func (o *Options) wireLimit() int64 {
	limit := o.maxMessage()
	if limit > (1<<63-1-4096)/wireFactor {
		return 1<<63 - 1
	}
	return limit*wireFactor + 4096
}

// allowance is how large the buffer of a message may be that has not come to its end: one of the sizes that grow goes through.
func (z *inflation) allowance(limit int64) int64 {
	most := int64(4096)
	if z.wire > (1<<63-1-4096)/heldFactor {
		most = limit
	} else if most += heldFactor * z.wire; most > limit {
		most = limit
	}
	size := min(smallest, limit)
	for next := grow(size, limit); next > size && next <= most; next = grow(size, limit) {
		size = next
	}
	return size
}

// grow returns the size of the buffer after size. From 16 KiB it goes up to the limit at once, if that is 1 MiB or less: old and new are there
// together while one is copied, beside up to 32 KiB that wait, and shall not be more than the limit and 64 KiB.
func grow(size, limit int64) int64 {
	if size < lastStep {
		return min(2*size, limit)
	}
	return min(max(2*size, 1<<20), limit)
}

// inflate goes on with a compressed message by what has come of it, in clear of its mask; fin if that was the last. Without more to come it
// may be called with what there is. It returns the message, or with parts a piece, if there is one.
func (p *Protocol) inflate(piece []byte, fin, parts bool) (m Message, ok bool, err error) {
	in, z := p.in, p.in.z
	limit := p.Options.maxMessage()
	z.wire += int64(len(piece))
	z.fin = z.fin || fin
	src := piece
	if z.wait != nil {
		if len(piece) > 0 {
			z.wait = z.wait.append(piece, p.Options.wireLimit())
		}
		src = z.wait.b
	}
	for {
		most := limit - z.given // what the message may come to
		if !parts && !z.fin {
			most = min(most, z.allowance(limit))
		}
		room := in.inflateRoom(len(src), int64(z.base)+most, parts)
		old := in.buf.b
		b, rest, full, broken := z.d.Decompress(old[:len(old):room], src, z.fin)
		in.buf.b = old[:len(b)]
		text := in.buf.b[len(old):]
		// 8.1: of a compressed text this is about what it is when decompressed (RFC 7692, 6.2).
		if in.op == frame.Text && (!in.text.Valid(text) || z.fin && !full && broken == nil && !in.text.Complete()) {
			return Message{}, false, frame.ErrInvalidUTF8
		}
		if broken != nil {
			return Message{}, false, frame.ErrInvalidDeflate
		}
		if z.full, src = full, rest; !full {
			break
		}
		held := int64(len(b) - z.base)
		if held == limit-z.given { // and there is more
			return Message{}, false, frame.ErrMessageTooBig
		}
		if held >= most || parts && held > 0 {
			break
		}
	}
	z.keep(src)
	complete := z.fin && !z.full
	switch {
	case parts && (len(in.buf.b) > z.base || complete):
		return p.inflatedPiece(complete), true, nil
	case !parts && complete:
		return p.inflated(), true, nil
	}
	return Message{}, false, nil
}

// inflateRoom sees to it that there is some room in buf, if there may be more than there is, and returns how far what is in it may reach, at most most.
// src is how much there is to decompress.
func (in *incoming) inflateRoom(src int, most int64, parts bool) int {
	switch x := in.buf; {
	case x == nil && parts:
		in.buf = getBuffer(pieceSize)
	case x == nil:
		guess := int64(lastStep) // of a message that is not whole
		if in.z.fin {
			guess *= 2
		}
		in.buf = inflateBuffer(min(max(4*int64(src), smallest), guess, most), most)
	case len(x.b) == cap(x.b) && int64(cap(x.b)) < most:
		in.buf = inflateBuffer(grow(int64(cap(x.b)), most), most)
		in.buf.b = append(in.buf.b, x.b...)
		x.free()
	}
	return int(min(int64(cap(in.buf.b)), most))
}

// inflateBuffer returns an empty buffer of at least size octets, and not much more.
func inflateBuffer(size, most int64) *buffer {
	if x := getBufferIn(size, most); x != nil {
		return x
	}
	return &buffer{b: make([]byte, 0, size)}
}

// getBufferIn returns an empty buffer for size octets from the pools, or nil if it would be more than 32 KiB larger than most.
func getBufferIn(size, most int64) *buffer {
	pooled := int64(smallest)
	for pooled < size {
		pooled *= 2
	}
	if pooled > most+32<<10 {
		return nil
	}
	return getBuffer(int(size))
}

// keep keeps what could not be decompressed yet. src is of wait, if there is one, or of the caller's.
func (z *inflation) keep(src []byte) {
	switch {
	case len(src) > 0 && z.wait != nil:
		z.wait.b = z.wait.b[:copy(z.wait.b, src)]
	case len(src) > 0:
		z.wait = z.wait.append(src, int64(len(src)))
	case z.wait != nil:
		z.wait.free()
		z.wait = nil
	}
}

// inflated returns the message, which is complete.
func (p *Protocol) inflated() Message {
	in := p.in
	in.z.d.End(in.buf.b) // before anybody may change it
	m := Message{Op: in.op, Payload: in.buf.bytes()[in.z.base:]}
	in.z.free()
	in.op, in.z, in.lent = 0, nil, lentBuf
	p.loan.begin(m.Payload, nil)
	return m
}

// inflatedPiece returns what there is of the message.
func (p *Protocol) inflatedPiece(last bool) Message {
	if last {
		return p.inflated()
	}
	in, z := p.in, p.in.z
	m := Message{Op: in.op, More: true, Payload: in.buf.bytes()[z.base:]}
	// What the rest of the message may refer to is copied, because the piece is the caller's to change.
	z.next = getBuffer(pieceSize)
	back := in.buf.b[max(0, len(in.buf.b)-lookBack):]
	z.next.b = append(z.next.b, back...)
	z.given += int64(len(m.Payload))
	z.base = len(back)
	in.lent = lentBuf
	p.loan.begin(m.Payload, nil)
	return m
}

// more reports whether there is more of the message, or to do about it, than was asked for, before anything is received.
func (in *incoming) more(parts bool) bool {
	z := in.z
	if z == nil {
		return false
	}
	return z.full && (parts || z.fin) || parts && in.buf != nil && len(in.buf.b) > z.base
}

// size is how many octets z holds, beside the incoming and its buf.
func (z *inflation) size() int {
	n := inflationSize + z.d.Size()
	for _, x := range [2]*buffer{z.wait, z.next} {
		if x != nil {
			n += cap(x.b)
		}
	}
	return n
}

// free gives z back. Its Decompressor has been ended.
func (z *inflation) free() {
	for _, x := range [2]*buffer{z.wait, z.next} {
		if x != nil {
			x.free()
		}
	}
	*z = inflation{}
	inflations.Put(z)
}
