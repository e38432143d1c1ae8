package fuzz

import "slices"

// Shrink makes the stream of s small for as long as fails reports true of it: first by frames, so that what stays keeps its place among
// legal frames, then within frames, then by octets. It calls fails at most calls times, first of all with the stream itself; if that does not fail it is
// what Shrink returns. Fails must not change its argument, nor keep it.
//
// The result has failed. With calls enough, no frame and no octet of it can be left out.
func Shrink(s Session, fails func(stream []byte) bool, calls int) []byte {
	b := &budget{calls}
	s, ok := shrinkSession(s, func(s *Session) bool { return fails(s.Bytes()) }, b)
	stream := s.Bytes()
	if !ok {
		return stream
	}
	return shrinkBytes(stream, fails, b)
}

// ShrinkSession is Shrink for what depends on more than the stream, such as how it is cut. It tries not to cut at all, or at every
// octet, and stops short of single octets.
func ShrinkSession(s Session, fails func(*Session) bool, calls int) Session {
	s, _ = shrinkSession(s, fails, &budget{calls})
	return s
}

// ShrinkBytes makes b small by octets alone: pieces are left out, and octets made 0.
func ShrinkBytes(b []byte, fails func([]byte) bool, calls int) []byte {
	left := &budget{calls}
	if !left.take() || !fails(b) {
		return b
	}
	return shrinkBytes(b, fails, left)
}

// A budget counts calls of a predicate.
type budget struct{ calls int }

func (b *budget) take() bool {
	b.calls--
	return b.calls >= 0
}

// shrinkSession reports whether s failed at all.
func shrinkSession(s Session, fails func(*Session) bool, left *budget) (Session, bool) {
	try := func(change func(*Session)) bool {
		if !left.take() { // before anything is copied: there may be as many changes to try as octets
			return false
		}
		t := s.clone()
		change(&t)
		if !fails(&t) {
			return false
		}
		s = t
		return true
	}
	if !try(func(*Session) {}) {
		return s, false
	}
	try(func(t *Session) { t.Tail = nil })
	if len(s.Cuts) > 0 && !try(func(t *Session) { t.Cuts = nil }) {
		try(func(t *Session) { t.Cuts = []int{1} })
	}
	for before := -1; before != s.weight() && left.calls > 0; { // what one step leaves may make another possible
		before = s.weight()
		leaveOut(len(s.Frames), func(i, n int) bool {
			return try(func(t *Session) { t.Frames = slices.Delete(t.Frames, i, i+n) })
		})
		for i := range s.Frames {
			shrinkFrame(i, &s, try)
		}
	}
	return s, true
}

// weight is what shrinking makes less.
func (s *Session) weight() int {
	n := len(s.Tail)
	for i := range s.Frames {
		n += s.Frames[i].Size() + 1
		if s.Frames[i].Key != [4]byte{} {
			n++
		}
	}
	return n
}

// shrinkFrame makes frame i simple: it has less, and announces what it has, or as much more as before.
func shrinkFrame(i int, s *Session, try func(func(*Session)) bool) {
	if s.Frames[i].Masked && s.Frames[i].Key != [4]byte{} {
		try(func(t *Session) { t.Frames[i].Key = [4]byte{} })
	}
	leaveOut(len(s.Frames[i].Payload), func(at, n int) bool {
		return try(func(t *Session) {
			f := &t.Frames[i]
			f.Payload = slices.Delete(slices.Clone(f.Payload), at, at+n)
			f.Length -= min(uint64(n), f.Length)
		})
	})
}

// leaveOut leaves out of n things as many as it can: first long runs of them, from the end, then shorter ones. Without says whether it may be without those
// from i on, so many, and if so leaves them out itself.
func leaveOut(n int, without func(i, n int) bool) {
	for size := n; size > 0; size = min(size-max(1, size/4), n) {
		for end := n; end > 0; end -= min(size, end) {
			i := max(0, end-size)
			if without(i, end-i) {
				n -= end - i
			}
		}
	}
}

// shrinkBytes is ShrinkBytes for what has failed.
func shrinkBytes(b []byte, fails func([]byte) bool, left *budget) []byte {
	try := func(c []byte) bool {
		if !left.take() || !fails(c) {
			return false
		}
		b = c
		return true
	}
	for before := -1; before != len(b) && left.calls > 0; {
		before = len(b)
		leaveOut(len(b), func(i, n int) bool { return left.calls > 0 && try(slices.Delete(slices.Clone(b), i, i+n)) })
	}
	for i := range b {
		if b[i] != 0 && left.calls > 0 {
			c := slices.Clone(b)
			c[i] = 0
			try(c)
		}
	}
	return b
}
