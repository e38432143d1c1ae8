package deflate

// A history is the end of the messages before this one, as far back as a window reaches: a ring.
type history struct {
	ring []byte // as long as the window; nil until there is something to keep
	next int    // where the next octet goes
	n    int    // octets in the ring
}

// add puts the end of a message behind what is there.
func (h *history) add(message []byte, window int) {
	if h.ring == nil {
		h.ring = make([]byte, window)
	}
	message = message[max(0, len(message)-window):]
	n := copy(h.ring[h.next:], message)
	copy(h.ring, message[n:])
	if h.next += len(message); h.next >= window {
		h.next -= window
	}
	h.n = min(h.n+len(message), window)
}

// read fills dst with the octets that begin so many back from the end. 0 < len(dst) <= back <= h.n.
func (h *history) read(dst []byte, back int) {
	i := h.next - back
	if i < 0 {
		i += len(h.ring)
	}
	n := copy(dst, h.ring[i:])
	copy(dst[n:], h.ring)
}
