package deflate

import (
	"bytes"
	"errors"

	"github.com/klauspost/compress/flate"
)

// A Codec compresses the messages that the runner sends on a connection, and decompresses those of its peer. The two halves share nothing: one
// goroutine may compress while another decompresses. It holds about 1 MiB once it has compressed, and at most 40 KiB to decompress.
type Codec struct {
	deflater deflater
	inflater inflater
}

// New returns the Codec of a connection. Client is the role of the runner.
func New(p Params, client bool) *Codec {
	own, peer := p.server(), p.client()
	if client {
		own, peer = peer, own
	}
	return &Codec{deflater: deflater{direction: own}, inflater: inflater{direction: peer}}
}

// Compress appends to dst a message of the runner as it goes into frames. It does not modify payload, and retains neither.
func (c *Codec) Compress(dst, payload []byte) ([]byte, error) {
	return c.deflater.deflate(dst, payload)
}

// Decompress appends to dst what the payload of a message of the peer stands for: at most max octets, more are ErrTooLong. Room is made for what comes
// out, and not for what might. It does not modify payload, which may not overlap the room behind dst, and retains neither. The error is an *Error,
// and dst is returned as it was, although what is behind it is overwritten.
//
// After an error there is no knowing what later messages refer to: every call returns it again.
func (c *Codec) Decompress(dst, payload []byte, max int) ([]byte, error) {
	return c.inflater.inflate(dst, payload, max)
}

// level leaves about as much of text as zlib's level 6, the original's, and is two to five times as quick. It gives up on noise sooner: of the bitmap
// 0.98 is left in place of 0.86, and a few octets that repeat nothing become a block without compression. Level 7 is nearer to zlib,
// at half the speed and 10 us for each message that starts afresh.
const level = flate.DefaultCompression

// A deflater compresses the messages of one direction.
type deflater struct {
	direction
	w    *flate.Writer // nil before the first message
	sink sink
}

// A sink gathers what a flate.Writer writes.
type sink struct{ b []byte }

func (s *sink) Write(b []byte) (int, error) {
	s.b = append(s.b, b...)
	return len(b), nil
}

var errTail = errors.New("deflate: expected that a flush ends with an empty block")

// deflate appends a message, flushed and without its tail.
func (d *deflater) deflate(dst, payload []byte) ([]byte, error) {
	if d.w == nil {
		d.w = d.writer()
	} else if !d.takeover {
		d.w.Reset(&d.sink)
	}
	d.sink.b = dst
	_, err := d.w.Write(payload)
	if err == nil {
		err = d.w.Flush()
	}
	b := d.sink.b
	d.sink.b = nil
	if err != nil {
		return dst, err
	}
	b, ok := bytes.CutSuffix(b, []byte(tail)) // 7.2.1
	if !ok {
		return dst, errTail
	}
	return b, nil
}

func (d *deflater) writer() *flate.Writer {
	var w *flate.Writer
	var err error
	if d.window == flate.MaxCustomWindowSize {
		w, err = flate.NewWriter(&d.sink, level)
	} else {
		w, err = flate.NewWriterWindow(&d.sink, d.window)
	}
	if err != nil {
		panic(err) // 1<<8 to 1<<15 are good
	}
	return w
}
