package deflate

import (
	"errors"
	"sync"

	"github.com/klauspost/compress/flate"
)

// An encoder is a flate.Writer (0.8 to 1.2 MB) with what belongs to it. Connections have one only while they compress.
type encoder struct {
	w    *flate.Writer
	out  sink
	dict []byte // of the encoder's own: the writer keeps what it is primed with, and in the pool would keep a connection's window
	kind kind
}

// A kind of encoder is a level from 1 to 9, which looks back 32 KiB; or one for a smaller window.
type kind int

func byLevel(level int) kind { return kind(level) }
func windowed(bits int) kind { return kind(10 + bits - minBits) }

var pools [10 + maxBits - minBits]sync.Pool // of *encoder, by kind

func getEncoder(k kind) *encoder {
	if e, ok := pools[k].Get().(*encoder); ok {
		return e
	}
	e := &encoder{kind: k}
	if k < 10 {
		e.w, _ = flate.NewWriter(nil, int(k))
	} else {
		e.w, _ = flate.NewWriterWindow(nil, 1<<(minBits+int(k)-10))
	}
	return e
}

func (e *encoder) put() { pools[e.kind].Put(e) }

// pieceSize is how much a flate.Writer gathers before it writes: the greatest size of a stored block.
const pieceSize = 65535

// encode appends to dst what payload is compressed behind dict, and ends it with a flush: an empty stored block (RFC 7692, 7.2.1). It gives up, and
// returns dst and false, if that would be more than limit octets, limit >= 0, or if after a good start of a long payload nothing is gained.
func (e *encoder) encode(dst, payload, dict []byte, limit int) (b []byte, ok bool) {
	e.out.b, e.out.left = dst, limit
	if limit < 0 {
		e.out.left = maxInt
	}
	e.dict = append(e.dict[:0], dict...)
	e.w.ResetDict(&e.out, e.dict)
	var err error
	for done := 0; done < len(payload) && err == nil; {
		n := min(len(payload)-done, pieceSize)
		_, err = e.w.Write(payload[done : done+n])
		if done += n; limit >= 0 && done > 2*pieceSize && len(e.out.b)-len(dst) >= done-pieceSize {
			err = errNoGain // all but the last piece has come out
		}
	}
	if err == nil {
		err = e.w.Flush()
	}
	b = e.out.b
	e.out.b = nil
	if err != nil {
		return dst, false
	}
	return b, true
}

const maxInt = int(^uint(0) >> 1)

// A sink gathers what a flate.Writer writes, up to a limit.
type sink struct {
	b    []byte
	left int // octets
}

var errNoGain = errors.New("deflate: no gain") // stays in this file

func (s *sink) Write(p []byte) (int, error) {
	if s.left -= len(p); s.left < 0 {
		return 0, errNoGain
	}
	s.b = append(s.b, p...)
	return len(p), nil
}
