package load

import (
	"encoding/binary"
	"math/rand/v2"
)

// The frames are built here, and not by the library, so that a mistake of the library cannot hide in its own peer.

// variants is how many different messages there are. Message k of every connection is variant k%variants, so that a reply that is lost, doubled or
// swapped is seen.
const variants = 16

// frames are all octets that a client sends and expects, made before the clock runs.
type frames struct {
	ring []byte   // masked frames, variant after variant, and again as many as may leave at once
	size int      // of one of them
	want [][]byte // the reply to each variant
	most int      // frames in ring that follow each of the variants
}

func newFrames(payload, most int, floor bool) frames {
	n := variants
	if payload > 64<<10 { // a few MiB more would only wash the caches
		n = 1
	}
	rnd := rand.New(rand.NewPCG(1, uint64(payload)))
	f := frames{most: most}
	var one [][]byte
	for range n {
		b := make([]byte, payload)
		for i := range b {
			b[i] = byte(rnd.Uint32())
		}
		one = append(one, masked(0x82, b, rnd.Uint32()))
		reply := append(head(nil, 0x82, 0, payload), b...)
		if floor {
			clear(reply)
		}
		f.want = append(f.want, reply)
	}
	f.size = len(one[0])
	for i := range n + most {
		f.ring = append(f.ring, one[i%n]...)
	}
	return f
}

// run returns k frames, beginning with variant v; k <= f.most.
func (f *frames) run(v, k int) []byte { return f.ring[v*f.size : (v+k)*f.size] }

// head appends a frame header; mask is 0 or 0x80.
func head(dst []byte, first, mask byte, n int) []byte {
	switch {
	case n < 126:
		return append(dst, first, mask|byte(n))
	case n < 1<<16:
		return binary.BigEndian.AppendUint16(append(dst, first, mask|126), uint16(n))
	}
	return binary.BigEndian.AppendUint64(append(dst, first, mask|127), uint64(n))
}

func masked(first byte, payload []byte, key uint32) []byte {
	b := binary.LittleEndian.AppendUint32(head(nil, first, 0x80, len(payload)), key)
	for i, x := range payload {
		b = append(b, x^byte(key>>(i%4*8)))
	}
	return b
}

// ReadSize and WriteSize are how many octets a server receives for a message of so many, and sends for one.
func ReadSize(payload int) int  { return len(head(nil, 0x82, 0x80, payload)) + 4 + payload }
func WriteSize(payload int) int { return len(head(nil, 0x82, 0, payload)) + payload }

var (
	goodbye      = masked(0x88, []byte{0x03, 0xe8}, 0x12345678) // 1000
	goodbyeReply = []byte{0x88, 0x02, 0x03, 0xe8}
)
