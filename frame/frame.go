package frame

import (
	"io"
	"math"
	"slices"
)

// A Frame is a header and its payload in clear. Only [Read] and [Write] use it.
type Frame struct {
	Header
	Payload []byte
}

// Append appends a whole frame to dst and returns the longer slice: the header h with len(payload) for
// Length, and the payload, masked with h.Key if h.Masked. The payload is copied once and not modified; it
// must not overlap the room behind dst. Like [Header.Append] it checks nothing.
func Append(dst []byte, h Header, payload []byte) []byte {
	h.Length = int64(len(payload))
	// Where there is clearly room, h.Size is not asked: it costs as much as the header.
	if cap(dst)-len(dst) < MaxHeaderSize+len(payload) {
		dst = slices.Grow(dst, h.Size()+len(payload))
	}
	dst = h.Append(dst)
	if !h.Masked {
		return append(dst, payload...)
	}
	for key := h.Key; len(payload) > 0; {
		piece := payload[:min(len(payload), maskPiece)]
		n := len(dst)
		dst = append(dst, piece...)
		key = Mask(dst[n:], key)
		payload = payload[len(piece):]
	}
	return dst
}

// maskPiece is how much Append copies before it masks the copy, while the cache still has it.
const maskPiece = 16 << 10

// ReadHeader reads one header from r, and not an octet more: the payload comes next. It returns the errors of
// [ParseHeader], as early as they show; io.EOF if r ends before the header, io.ErrUnexpectedEOF if
// inside; and any other error of r as it is.
//
// A payload that need not be held whole is then read by the caller, piece by piece, through [Mask].
func ReadHeader(r io.Reader, from Direction, rsv byte) (Header, error) {
	var buf [MaxHeaderSize]byte
	got := 0
	for {
		h, n, err := ParseHeader(buf[:got], from, rsv)
		if n > 0 || err != nil {
			return h, err
		}
		m, err := io.ReadAtLeast(r, buf[got:headerSize(buf[:got])], 1)
		if err != nil {
			if err == io.EOF && got > 0 {
				err = io.ErrUnexpectedEOF
			}
			return Header{}, err
		}
		got += m
	}
}

// headerSize returns the least size of a header that begins with b.
func headerSize(b []byte) int {
	n := 2
	if len(b) < 2 {
		return n
	}
	switch b[1] & 0x7f {
	case length16:
		n = 4
	case length64:
		n = 10
	}
	if b[1]&0x80 != 0 {
		n += 4
	}
	return n
}

// readChunk is how much of a payload Read makes room for before a byte of it is there.
const readChunk = 4 << 10

// Read reads one frame from r, and not an octet more. The payload is unmasked, and the caller's to keep.
//
// A frame whose header announces more than max octets is [ErrMessageTooBig] at once, and no payload is read;
// a negative max is no limit. Room is made as the payload arrives, for at most twice what has arrived and 4
// KiB. Other errors are those of [ReadHeader]; if r ends inside the frame, io.ErrUnexpectedEOF. With an error
// the Frame is zero.
//
// Read makes two or more calls of r.Read for each frame. Where r is a connection, give a bufio.Reader on it.
func Read(r io.Reader, from Direction, rsv byte, max int64) (Frame, error) {
	h, err := ReadHeader(r, from, rsv)
	if err != nil {
		return Frame{}, err
	}
	if max >= 0 && h.Length > max || h.Length > math.MaxInt { // an int may have 32 bits
		return Frame{}, ErrMessageTooBig
	}
	payload, err := readPayload(r, int(h.Length))
	if err != nil {
		return Frame{}, err
	}
	if h.Masked {
		Mask(payload, h.Key)
	}
	return Frame{h, payload}, nil
}

// readPayload reads size octets.
func readPayload(r io.Reader, size int) ([]byte, error) {
	var b []byte // len(b) <= size
	for {
		// Twice the room, or the whole of what is missing if that is less.
		got := len(b)
		more := min(max(got, readChunk), size-got)
		if more == 0 {
			return b, nil
		}
		bigger := make([]byte, got+more)
		copy(bigger, b)
		b = bigger
		if _, err := io.ReadFull(r, b[got:]); err != nil {
			if err == io.EOF {
				err = io.ErrUnexpectedEOF
			}
			return nil, err
		}
	}
}

// Write writes the frame f to w in one call of w.Write. Length is ignored; the length of the payload counts.
// If Masked, the payload is masked with Key on its way, and the caller chooses a fresh, unpredictable key for
// each frame (section 10.3). The payload is not modified.
//
// What no endpoint may send is [ErrNotSendable], and nothing is written: a reserved opcode, a control frame
// that is not Fin or has more than 125 octets, an Rsv above 7. Other errors are those of w.
func Write(w io.Writer, f Frame) error {
	switch {
	case f.Opcode.IsReserved():
		return errSendOpcode
	case f.Rsv > Rsv1|Rsv2|Rsv3:
		return errSendRsv
	case f.Opcode.IsControl() && !f.Fin:
		return errSendFragmented
	case f.Opcode.IsControl() && len(f.Payload) > MaxControlPayload:
		return errSendLong
	}
	_, err := w.Write(Append(nil, f.Header, f.Payload))
	return err
}
