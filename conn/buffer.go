package conn

import (
	"math/bits"
	"sync"
	"unsafe"

	"github.com/idlewire/idlewire/frame"
)

// incoming is all that is known about a frame or a message that is not complete.
type incoming struct {
	h         frame.Header // if open: the frame begun; h.Key goes on with the next byte
	left      int64        // if open: bytes of its payload to come, 0 <= left <= h.Length
	total     int64        // if op != 0: sum of Length over the message's frames
	buf       *buffer      // payload of the message so far; nil: none
	control   []byte       // payload of the control frame begun; in store
	fragments int          // if op != 0: frames of the message
	op        frame.Opcode // Text or Binary: a message is under assembly; 0: none
	got       uint8        // bytes in head: a header is not complete
	open      bool         // a frame's header is complete and its payload is not
	lent      bool         // buf is with the caller until the next call
	text      frame.UTF8
	head      [frame.MaxHeaderSize]byte
	store     [frame.MaxControlPayload]byte
}

func (in *incoming) size() int {
	n := int(unsafe.Sizeof(*in))
	if in.buf != nil {
		n += cap(in.buf.b)
	}
	return n
}

func (in *incoming) append(piece []byte) {
	if len(piece) == 0 {
		return
	}
	if in.buf == nil {
		in.buf = getBuffer(len(piece))
	} else if need := len(in.buf.b) + len(piece); need > cap(in.buf.b) {
		old := in.buf
		in.buf = getBuffer(need)
		in.buf.b = append(in.buf.b, old.b...)
		old.free()
	}
	in.buf.b = append(in.buf.b, piece...)
}

var incomings = sync.Pool{New: func() any { return new(incoming) }}

func (p *Protocol) incoming() *incoming {
	if p.in == nil {
		p.in = incomings.Get().(*incoming)
	}
	return p.in
}

// settle ends the loan of p's own buffers, and lets incoming go if nothing is incomplete.
func (p *Protocol) settle() {
	in := p.in
	if in.lent {
		in.buf.free()
		in.buf, in.lent = nil, false
	}
	if p.ended != 0 || in.op == 0 && in.got == 0 && !in.open {
		p.drop()
	}
}

func (p *Protocol) drop() {
	in := p.in
	if in == nil {
		return
	}
	p.in = nil
	if in.buf != nil {
		in.buf.free()
	}
	*in = incoming{}
	incomings.Put(in)
}

// A buffer is a slice that keeps its box through the pools.
type buffer struct{ b []byte }

const (
	minClass = 9  // 512 bytes
	maxClass = 20 // 1 MiB
)

var buffers [maxClass - minClass + 1]sync.Pool

func getBuffer(n int) *buffer {
	class := max(bits.Len(uint(n-1)), minClass)
	if class > maxClass {
		return &buffer{make([]byte, 0, n+n/2)}
	}
	if x, ok := buffers[class-minClass].Get().(*buffer); ok {
		return x
	}
	return &buffer{make([]byte, 0, 1<<class)}
}

func (x *buffer) free() {
	n := cap(x.b)
	class := bits.Len(uint(n - 1))
	if class > maxClass || n != 1<<class {
		return
	}
	scrub(x.b[:n])
	x.b = x.b[:0]
	buffers[class-minClass].Put(x)
}
