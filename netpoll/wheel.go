package netpoll

import "math/bits"

// A wheel holds the connections of one loop by the tick at which each is to be looked at next. It is lazy: a message only stores the tick of
// its arrival in its connection and touches no list; when the wheel comes to a connection too early, the connection goes in again, further on.
//
// The buckets are doubly linked lists through the connections, by slot, so that an idle connection pays twelve octets for its timer and one
// that is looked at sooner than planned moves in constant time. Time is an argument: the wheel never asks for it.
//
//	every connection of the loop with due != 0 is in bucket due%wheelSize, and in no other
//	tick < due <= tick + wheelSize-1
type wheel struct {
	tick  uint32            // the last tick that was handled
	heads [wheelSize]uint32 // slot+1 of a bucket's first connection; 0: empty
	used  [wheelSize / 64]uint64
	count int
}

const (
	wheelSize = 512 // ticks; a later time is reached in more than one round

	// tickLength is the grain of all timeouts, in nanoseconds.
	tickLength = 100e6
)

// schedule puts c where it will be looked at tick at, or moves it there. The past means the next tick.
func (w *wheel) schedule(conns []*Conn, c *Conn, at uint32) {
	if ahead := int32(at - w.tick); ahead < 1 {
		at = w.tick + 1
	} else if ahead > wheelSize-1 {
		at = w.tick + wheelSize - 1
	}
	if at == 0 { // 0 means: in no bucket
		at = 1
	}
	if c.due == at {
		return
	}
	w.remove(conns, c)
	c.due = at
	i := at % wheelSize
	c.prev, c.next = 0, w.heads[i]
	if c.next != 0 {
		conns[c.next-1].prev = c.slot + 1
	}
	w.heads[i] = c.slot + 1
	w.used[i/64] |= 1 << (i % 64)
	w.count++
}

// remove takes c out.
func (w *wheel) remove(conns []*Conn, c *Conn) {
	if c.due == 0 {
		return
	}
	i := c.due % wheelSize
	if c.next != 0 {
		conns[c.next-1].prev = c.prev
	}
	if c.prev != 0 {
		conns[c.prev-1].next = c.next
	} else if w.heads[i] = c.next; c.next == 0 {
		w.used[i/64] &^= 1 << (i % 64)
	}
	c.due, c.prev, c.next = 0, 0, 0
	w.count--
}

// next returns the number of ticks until the next connection is due, and false if there is none.
func (w *wheel) next() (uint32, bool) {
	if w.count == 0 {
		return 0, false
	}
	start := (w.tick + 1) % wheelSize
	for n := uint32(0); n <= wheelSize/64; n++ {
		word := (start/64 + n) % (wheelSize / 64)
		set := w.used[word]
		if n == 0 {
			set &= ^uint64(0) << (start % 64)
		}
		if set != 0 {
			i := word*64 + uint32(bits.TrailingZeros64(set))
			return (i-start)%wheelSize + 1, true
		}
	}
	return 0, false
}

// advance moves the wheel on to tick to and calls f for every connection that has become due, which is then in no bucket; f may schedule it,
// or any other, again.
func (w *wheel) advance(conns func() []*Conn, to uint32, f func(*Conn)) {
	if int32(to-w.tick) > wheelSize { // a round and more: every bucket once
		w.tick = to - wheelSize
	}
	for w.tick != to {
		w.tick++
		i := w.tick % wheelSize
		for w.heads[i] != 0 {
			c := conns()[w.heads[i]-1]
			w.remove(conns(), c)
			f(c)
		}
	}
}
