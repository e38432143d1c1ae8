package deflate

import "math/bits"

// A window is the end of what the compressed messages of one direction were in clear, as far back as later ones may refer to (RFC 7692, 7.1.1): at most
// the last size octets. It holds no more than that, and less as long as less was said. It belongs to one half of a connection.
type window struct {
	kept []byte // oldest first; len(kept) <= cap(kept) <= size
	size int    // octets, 1<<8 to 1<<15
}

// newWindow returns an empty window of 1<<bits octets, bits 8 to 15.
func newWindow(bits int) *window { return &window{size: 1 << bits} }

// leastWindow is what a window holds at first, if it holds anything. As all that it grows to it is a size class of the allocator.
const leastWindow = 64

// add puts a message behind what is there. It does not keep the slice.
func (w *window) add(message []byte) {
	if n := len(message) - w.size; n > 0 {
		message = message[n:]
	}
	n := min(len(w.kept)+len(message), w.size)
	stays := w.kept[len(w.kept)+len(message)-n:]
	if n > cap(w.kept) {
		w.kept = make([]byte, n, max(leastWindow, 1<<bits.Len(uint(n-1)))) // n <= size, a power of two
	}
	w.kept = w.kept[:n]
	copy(w.kept, stays)
	copy(w.kept[n-len(message):], message)
}

// bytes returns what is there, oldest first. It is valid until the next add or reset, and not to be modified.
func (w *window) bytes() []byte { return w.kept }

// reset forgets what is there, and lets its memory go.
func (w *window) reset() { w.kept = nil }
