package conn

import (
	"bytes"
	"compress/flate"
	"errors"
	"io"
	"sync/atomic"

	"github.com/idlewire/idlewire/frame"
	"github.com/idlewire/idlewire/handshake"
)

// A naiveDeflate is a Compressor of the simplest kind: it compresses with the standard library, and decompresses all of a message anew
// whenever a byte of it comes. It takes the context over in both directions, if takeover is set.
type naiveDeflate struct {
	takeover bool
	minSize  int
	out, in  []byte // the windows

	alone    naiveAlone
	calls    int // of Compress
	forgets  int
	current  *naiveInflate // that has not been ended
	released atomic.Int32
}

// naiveAlone is equal for all; it counts for the test that sets it.
type naiveAlone struct{ calls *atomic.Int32 }

const syncTail = "\x00\x00\xff\xff"

func naiveFlush(dst, payload, dict []byte, fin bool) []byte {
	var b bytes.Buffer
	w, err := flate.NewWriterDict(&b, 6, dict)
	if err != nil {
		panic(err)
	}
	w.Write(payload)
	w.Flush()
	deflated := b.Bytes()
	if fin {
		deflated = bytes.TrimSuffix(deflated, []byte(syncTail))
	}
	return append(dst, deflated...)
}

func (a naiveAlone) Compress(dst, payload []byte) ([]byte, bool) {
	if a.calls != nil {
		a.calls.Add(1)
	}
	b := naiveFlush(dst, payload, nil, true)
	if len(b)-len(dst) >= len(payload) {
		return dst, false
	}
	return b, true
}

func (z *naiveDeflate) Compress(dst, payload []byte, first, fin bool) ([]byte, bool) {
	z.calls++
	if first && len(payload) < z.minSize {
		return dst, false
	}
	b := naiveFlush(dst, payload, z.out, fin)
	if first && fin && len(b)-len(dst) >= len(payload) {
		return dst, false
	}
	z.Sent(payload)
	return b, true
}

func (z *naiveDeflate) Sent(payload []byte) {
	if z.takeover {
		z.out = lastOf(append(z.out, payload...))
	}
}

func lastOf(window []byte) []byte { return bytes.Clone(window[max(0, len(window)-lookBack):]) }

func (z *naiveDeflate) Alone() MessageCompressor { return z.alone }
func (z *naiveDeflate) Forget()                  { z.out = nil; z.forgets++ }
func (z *naiveDeflate) Release()                 { z.released.Add(1) }

func (z *naiveDeflate) Decompressor() Decompressor {
	if z.current != nil {
		panic("two messages at a time")
	}
	z.current = &naiveInflate{z: z}
	return z.current
}

type naiveInflate struct {
	z     *naiveDeflate
	src   []byte
	out   []byte
	err   error
	given int
}

func (d *naiveInflate) Decompress(dst, src []byte, fin bool) (b, rest []byte, full bool, err error) {
	if len(src) > 0 || fin && d.given == len(d.out) {
		d.src = append(d.src, src...)
		s := d.src
		if fin {
			s = append(bytes.Clone(s), syncTail+"\x01\x00\x00\xff\xff"...)
		}
		d.out, d.err = io.ReadAll(flate.NewReaderDict(bytes.NewReader(s), d.z.in))
		if !fin && errors.Is(d.err, io.ErrUnexpectedEOF) {
			d.err = nil
		}
	}
	n := min(cap(dst)-len(dst), len(d.out)-d.given)
	b = append(dst, d.out[d.given:d.given+n]...)
	d.given += n
	if d.given < len(d.out) {
		return b, nil, true, nil
	}
	if d.err != nil {
		return b, nil, false, frame.ErrInvalidDeflate
	}
	return b, nil, false, nil
}

func (d *naiveInflate) Size() int { return 0 }

func (d *naiveInflate) End(dst []byte) {
	if d.z.current != d {
		panic("ended twice")
	}
	d.z.current = nil
	if dst != nil && d.z.takeover {
		d.z.in = lastOf(append(d.z.in, dst...))
	}
}

// A naiveCompression agrees to permessage-deflate without parameters.
type naiveCompression struct {
	takeover bool
	made     []*naiveDeflate
}

var naiveName = handshake.Extension{Name: "permessage-deflate"}

func (n *naiveCompression) compressor() Compressor {
	z := &naiveDeflate{takeover: n.takeover, minSize: 16}
	n.made = append(n.made, z)
	return z
}

func (n *naiveCompression) Offers() []handshake.Extension { return []handshake.Extension{naiveName} }

func (n *naiveCompression) Accept(offers []handshake.Extension) (handshake.Extension, Compressor, bool) {
	for _, e := range offers {
		if e.Name == naiveName.Name {
			return naiveName, n.compressor(), true
		}
	}
	return handshake.Extension{}, nil, false
}

func (n *naiveCompression) Agree(agreed []handshake.Extension) (Compressor, error) {
	if len(agreed) == 0 {
		return nil, nil
	}
	if len(agreed[0].Params) > 0 {
		return nil, handshake.ErrResponseExtensions
	}
	return n.compressor(), nil
}
