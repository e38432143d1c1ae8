package conn

import (
	"math/bits"
	"sync"
	"unsafe"
)

var incomings = sync.Pool{New: func() any { return new(incoming) }}

// size is the number of bytes that in holds, itself included.
func (in *incoming) size() int {
	n := int(unsafe.Sizeof(*in))
	if in.buf != nil {
		n += cap(in.buf.b)
	}
	if in.z != nil {
		n += in.z.size()
	}
	return n
}

// A buffer holds the payload of a message under assembly. Its capacity is a power of two, and buffers of one capacity
// share a pool; other capacities are the garbage collector's. The slice travels in this box so that giving it back
// allocates nothing.
type buffer struct {
	pool poolState // no bytes unless built with race
	b    []byte
}

const (
	minClass = 9  // 512 bytes
	maxClass = 20 // 1 MiB, the default MaxMessage
)

var pools [maxClass - minClass + 1]sync.Pool

// slack keeps a buffer that has just begun from growing at every read. With it, an incoming and its buffer
// are at most twice the bytes received plus 4 KiB: size() <= 2*n + 2*slack + unsafe.Sizeof(incoming{}).
const slack = 1024

// newBuffer returns an empty buffer for n bytes that are there, 0 < n, of a message that has no more than total, n <= total. Its capacity
// is at least n, at most 2*(n+slack), and total only ever makes it smaller: memory grows with what is received.
func newBuffer(n int, total int64) *buffer {
	room := int64(1) << bits.Len64(uint64(n)+slack) // 64 bits: n may be near the end of a 32-bit int
	if room > 1<<maxClass {
		room = int64(n) + int64(n)/2
	}
	return getBuffer(int(min(room, total)))
}

// getBuffer returns an empty buffer with a capacity of at least n.
func getBuffer(n int) *buffer {
	class := max(bits.Len(uint(max(n, 1)-1)), minClass) // n <= 1<<class
	if class > maxClass {
		return &buffer{b: make([]byte, 0, n)}
	}
	if x, ok := pools[class-minClass].Get().(*buffer); ok {
		x.pool.take(x.b)
		return x
	}
	return &buffer{b: make([]byte, 0, 1<<class)}
}

// append returns a buffer with piece added, 0 < len(piece); x may be nil, and is gone if another is returned. total is
// what the message can have at most, len(x.b) + len(piece) <= total.
func (x *buffer) append(piece []byte, total int64) *buffer {
	if x == nil {
		x = newBuffer(len(piece), total)
	} else if n := len(x.b) + len(piece); n > cap(x.b) {
		old := x
		x = newBuffer(n, total)
		x.b = append(x.b, old.b...)
		old.free()
	}
	x.b = append(x.b, piece...)
	return x
}

// bytes returns what is in x, such that appending to it does not write into x.
func (x *buffer) bytes() []byte { return x.b[:len(x.b):len(x.b)] }

// free gives x back. Its bytes must not be used any more.
func (x *buffer) free() {
	c := cap(x.b)
	if c < 1<<minClass || c > 1<<maxClass || c&(c-1) != 0 {
		return // it has outgrown the pools
	}
	x.pool.give(x.b)
	x.b = x.b[:0]
	pools[bits.Len(uint(c))-1-minClass].Put(x)
}
