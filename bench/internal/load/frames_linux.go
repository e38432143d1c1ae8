package load

import (
	"bytes"
	"compress/flate"
	"encoding/binary"
	"math/rand/v2"

	window "github.com/klauspost/compress/flate"

	"github.com/idlewire/idlewire/bench/internal/mode"
)

// The frames are built here, and not by the library, so that a mistake of the library cannot hide in its own peer.

// variants is how many different messages there are. Message k of every connection is variant k%variants, so that a reply that is lost, doubled or
// swapped is seen.
const variants = 16

// farther is how many octets of messages come before the first is said again, if they are compressed: no window holds it any more.
const farther = 8 << mode.MaxBits

// frames are all octets that a client sends and expects, made before the clock runs.
type frames struct {
	ring []byte   // masked frames, variant after variant, and again as many as may leave at once
	at   []int    // where each of them begins, and the end
	want [][]byte // the reply to each variant: its octets, or, if the connection compresses, the message
	most int      // frames in ring that follow each of the variants
}

func newFrames(o Options) frames {
	n := variants
	if o.Payload > 64<<10 { // a few MiB more would only wash the caches
		n = 1
	}
	op := byte(0x82)
	if o.Text {
		op = 0x81
	}
	if o.Mode.On {
		n = max(n, farther/o.Payload)
		op |= 0x40 // RSV1 (RFC 7692 6)
	}
	rnd := rand.New(rand.NewPCG(1, uint64(o.Payload)))
	f := frames{most: o.InFlight}
	var all [][]byte
	for range n {
		var b []byte
		if o.Text {
			b = text(o.Payload, rnd)
		} else {
			b = make([]byte, o.Payload)
			for i := range b {
				b[i] = byte(rnd.Uint32())
			}
		}
		if o.Mode.On {
			all = append(all, masked(op, alone(b, o.Mode.Bits), rnd.Uint32()))
			f.want = append(f.want, b)
			continue
		}
		all = append(all, masked(op, b, rnd.Uint32()))
		reply := append(head(nil, op, 0, o.Payload), b...)
		if o.Floor {
			clear(reply)
		}
		f.want = append(f.want, reply)
	}
	for i := range n + f.most {
		f.at = append(f.at, len(f.ring))
		f.ring = append(f.ring, all[i%n]...)
	}
	f.at = append(f.at, len(f.ring))
	return f
}

// run returns k frames, beginning with variant v; k <= f.most.
func (f *frames) run(v, k int) []byte { return f.ring[f.at[v]:f.at[v+k]] }

// alone compresses a message so that it refers to nothing before, which is allowed whatever was agreed on, and by a window of so many bits.
func alone(plain []byte, bits int) []byte {
	var b bytes.Buffer
	var w interface {
		Write([]byte) (int, error)
		Flush() error
	}
	var err error
	if bits == mode.MaxBits {
		w, err = flate.NewWriter(&b, flate.DefaultCompression)
	} else {
		w, err = window.NewWriterWindow(&b, 1<<bits)
	}
	if err == nil {
		_, err = w.Write(plain)
	}
	if err == nil {
		err = w.Flush()
	}
	if err != nil {
		panic(err) // a level or a window that there is not
	}
	return b.Bytes()[:b.Len()-4] // 7.2.1
}

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
