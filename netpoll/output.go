package netpoll

import (
	"sync"

	"github.com/idlewire/idlewire/handshake"
)

const (
	chunkSize = 4096 // octets of one chunk of queued output
	maxVector = 64   // segments that leave in one system call
)

// A chunk is storage for queued output.
type chunk [chunkSize]byte

var chunks = sync.Pool{New: func() any { return new(chunk) }}

// A segment is a run of queued octets: in a chunk of the queue's own, or, if chunk is nil, in a prepared frame that many connections share and
// nobody may modify.
type segment struct {
	b     []byte
	chunk *chunk
}

// A busy is what a connection has only while it is busy: output that the kernel has not taken, an opening handshake that has come in part, the
// reason of an end that is under way. An idle connection has none.
//
// During a turn every connection borrows its loop's own, so that output which leaves at once touches no pool; see loop.begin and loop.settle.
type busy struct {
	segs []segment // what is queued, in order
	size int       // octets in segs
	vec  [][]byte  // the same for one system call; empty outside of it

	pongs    int    // pongs in segs; see Conn.reply
	lastPong []byte // payload of the newest ping that found maxPongs waiting
	hasPong  bool

	messages, taken uint64 // messages queued, and octets taken by the kernel, that Stats does not count yet
	accounted       int    // octets that Stats.Queued counts

	blocked  bool   // the kernel took less than it was given: it will say when there is room
	progress bool   // it has taken octets since the loop last looked
	moved    uint32 // tick at which it last took some, or the queue began

	input     []byte             // read, but not yet delivered: the output was too long; len <= readSize; of the loop's goroutine
	request   *handshake.Request // an opening handshake that has come in part
	end       error              // why the connection ends, for Handler.Close
	discarded int                // octets thrown away while it ends
}

var busies = sync.Pool{New: func() any { return new(busy) }}

// tail returns the last chunk's octets, with room for at least n more, n <= chunkSize. What is appended to it becomes part of the queue with setTail.
func (o *busy) tail(n int) []byte {
	if k := len(o.segs); k > 0 {
		if s := &o.segs[k-1]; s.chunk != nil && cap(s.b)-len(s.b) >= n {
			return s.b
		}
	}
	c := chunks.Get().(*chunk)
	o.segs = append(o.segs, segment{b: c[:0], chunk: c})
	return c[:0]
}

// setTail makes b, which began as what tail returned, the last chunk's octets.
func (o *busy) setTail(b []byte) {
	s := &o.segs[len(o.segs)-1]
	o.size += len(b) - len(s.b)
	s.b = b
}

// copy queues a copy of b.
func (o *busy) copy(b []byte) {
	for len(b) > 0 {
		t := o.tail(1)
		n := min(cap(t)-len(t), len(b))
		o.setTail(append(t, b[:n]...))
		b = b[n:]
	}
}

// share queues b itself.
func (o *busy) share(b []byte) {
	o.segs = append(o.segs, segment{b: b})
	o.size += len(b)
}

// sent removes the first n octets. Of what it empties it keeps one chunk, if that is all there is, for the next turn.
func (o *busy) sent(n int) {
	o.size -= n
	i := 0
	for i < len(o.segs) {
		s := &o.segs[i]
		if n < len(s.b) {
			s.b = s.b[n:]
			break
		}
		n -= len(s.b)
		if s.chunk != nil {
			if i == len(o.segs)-1 {
				s.b = s.chunk[:0]
				break
			}
			chunks.Put(s.chunk)
		}
		i++
	}
	if i > 0 {
		rest := copy(o.segs, o.segs[i:])
		clear(o.segs[rest:])
		o.segs = o.segs[:rest]
	}
}

// trim gives back a chunk that is empty: what o is kept for is no output.
func (o *busy) trim() {
	if o.size == 0 && len(o.segs) == 1 && o.segs[0].chunk != nil {
		chunks.Put(o.segs[0].chunk)
		o.segs[0] = segment{}
		o.segs = o.segs[:0]
	}
}

// idle reports whether nothing in o is needed any more.
func (o *busy) idle() bool {
	return o.size == 0 && !o.hasPong && o.request == nil && o.end == nil && o.input == nil
}

// drop throws away what is queued.
func (o *busy) drop() {
	for _, s := range o.segs {
		if s.chunk != nil {
			chunks.Put(s.chunk)
		}
	}
	clear(o.segs)
	o.segs, o.size = o.segs[:0], 0
}

// free gives o and its chunks back.
func (o *busy) free() {
	o.drop()
	segs, vec := o.segs[:0], o.vec[:0]
	if cap(segs) > maxVector {
		segs = nil
	}
	if o.request != nil {
		freeRequest(o.request)
	}
	*o = busy{segs: segs, vec: vec}
	busies.Put(o)
}
