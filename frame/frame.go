package frame

import (
	"io"
	"math"
)

// A Frame is a header and its payload in clear.
type Frame struct {
	Header
	Payload []byte
}

// Append appends a whole frame to dst: h with Length set to len(payload), then payload, masked if h.Masked.
// It copies payload once and does not modify it. Like Header.Append it checks nothing.
func Append(dst []byte, h Header, payload []byte) []byte {
	h.Length = int64(len(payload))
	dst = h.Append(dst)
	n := len(dst)
	dst = append(dst, payload...)
	if h.Masked {
		Mask(dst[n:], h.Key)
	}
	return dst
}

// ReadHeader reads one header from r, and no octet more.
func ReadHeader(r io.Reader, from Direction, rsv byte) (Header, error) {
	var buf [MaxHeaderSize]byte
	got := 0
	for {
		h, n, err := ParseHeader(buf[:got], from, rsv)
		if n > 0 || err != nil {
			return h, err
		}
		want := 2
		if got >= 2 {
			switch buf[1] & 0x7f {
			case 126:
				want = 4
			case 127:
				want = 10
			}
			if buf[1]&0x80 != 0 {
				want += 4
			}
		}
		m, err := io.ReadAtLeast(r, buf[got:want], 1)
		if err == io.EOF && got > 0 {
			err = io.ErrUnexpectedEOF
		}
		if err != nil {
			return Header{}, err
		}
		got += m
	}
}

// Read reads one frame from r, and no octet more, and unmasks its payload.
func Read(r io.Reader, from Direction, rsv byte, max int64) (Frame, error) {
	h, err := ReadHeader(r, from, rsv)
	if err != nil {
		return Frame{}, err
	}
	if max >= 0 && h.Length > max || h.Length > math.MaxInt {
		return Frame{}, ErrMessageTooBig
	}
	f := Frame{Header: h}
	for int64(len(f.Payload)) < h.Length {
		got := len(f.Payload)
		more := min(h.Length-int64(got), int64(max64(got, 4096)))
		p := make([]byte, got+int(more))
		copy(p, f.Payload)
		m, err := io.ReadFull(r, p[got:])
		f.Payload = p[:got+m]
		if err == io.EOF {
			err = io.ErrUnexpectedEOF
		}
		if err != nil {
			return Frame{}, err
		}
	}
	if h.Masked {
		Mask(f.Payload, h.Key)
	}
	return f, nil
}

func max64(a, b int) int {
	if a > b {
		return a
	}
	return b
}

// Write writes f to w in one call of w.Write.
func Write(w io.Writer, f Frame) error {
	switch {
	case f.Opcode.IsReserved():
		return errSendOpcode
	case f.Opcode.IsControl() && !f.Fin:
		return errSendFragmented
	case f.Opcode.IsControl() && len(f.Payload) > MaxControlPayload:
		return errSendLong
	}
	_, err := w.Write(Append(nil, f.Header, f.Payload))
	return err
}
