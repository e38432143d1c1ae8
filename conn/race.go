//go:build race

package conn

import (
	"bytes"
	"unsafe"
)

// poison is what lent bytes become when the loan ends, and pooled bytes while nobody has them.
const poison = 0xDB

var poisoned = bytes.Repeat([]byte{poison}, 4096)

// A loan is a payload that the caller may read until the next call. Built with race, the machine overwrites it then, so that
// who keeps it sees rubbish in a test and not another message in production.
type loan struct {
	lent  []byte
	next  *byte // where the bytes after the payload begin; nil: lent is a buffer of ours
	steps int   // turns of the loop in the last call
}

// begin lends payload. It stands in the caller's bytes right before rest, or in ours, and then rest is nil.
func (l *loan) begin(payload, rest []byte) {
	l.lent, l.next = payload, unsafe.SliceData(rest)
}

// end ends the loan when the caller comes with b. The caller may have reused the memory of the bytes of which the payload was
// a part: only if he goes on behind the payload, or brings nothing, is it surely still what we lent.
func (l *loan) end(b []byte) {
	if l.next == nil || len(b) == 0 || unsafe.SliceData(b) == l.next {
		scrub(l.lent)
	}
	*l = loan{}
}

// cancel leaves the payload to the caller for ever.
func (l *loan) cancel() { *l = loan{} }

// step counts a turn of the loop.
func (l *loan) step() { l.steps++ }

func scrub(b []byte) {
	for len(b) > 0 {
		b = b[copy(b, poisoned):]
	}
}

// poolState is whether a buffer is in its pool.
type poolState struct{ in bool }

// give marks a buffer as nobody's, and finds who gives it back twice.
func (s *poolState) give(b []byte) {
	if s.in {
		panic("conn: buffer given back twice")
	}
	s.in = true
	scrub(b[:cap(b)])
}

// take finds who wrote to a buffer while it was nobody's.
func (s *poolState) take(b []byte) {
	for b := b[:cap(b)]; len(b) > 0; {
		n := min(len(b), len(poisoned))
		if !bytes.Equal(b[:n], poisoned[:n]) {
			panic("conn: buffer written to after it was given back")
		}
		b = b[n:]
	}
	s.in = false
}
