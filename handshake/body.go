package handshake

import "bytes"

// MaxBody is how much of the body of a refusal a client keeps, in octets. The rest is dropped.
const MaxBody = 1024

// A body gathers the beginning of the body of a response that is no 101.
type body struct {
	data  []byte
	state bodyState
	left  int64 // octets of the body, or of the chunk, that are to come
	line  []byte
}

type bodyState byte

const (
	bodyUnknown   bodyState = iota
	bodyLength              // left octets are to come
	bodyClose               // all that comes, until the connection closes
	bodyChunkLine           // the line with the size of a chunk
	bodyChunk               // left octets of a chunk
	bodyChunkEnd            // the CRLF after a chunk
	bodyDone
)

// ReceiveBody consumes bytes of the body of a response that refuses the handshake, beginning
// with the rest that Receive returned. It says done when the body is complete or [MaxBody]
// octets of it are kept; until then, call again with the bytes that come next, or give up when
// the connection closes. It reads Content-Length and chunked bodies; a malformed one ends
// where it breaks.
func (r *Response) ReceiveBody(b []byte) (done bool) {
	s := &r.body
	if s.state == bodyUnknown {
		s.begin(r)
	}
	for s.state != bodyDone && len(b) > 0 {
		b = s.step(b)
	}
	return s.state == bodyDone
}

// Body returns what ReceiveBody kept, at most [MaxBody] octets.
func (r *Response) Body() []byte { return r.body.data }

// begin finds out how the body ends (RFC 9112 6.3).
func (s *body) begin(r *Response) {
	length := r.Header("Content-Length")
	switch {
	case r.Status < 200 || r.Status == 204 || r.Status == 304:
		s.state = bodyDone
	case hasElement(r.Header("Transfer-Encoding"), "chunked"):
		s.state = bodyChunkLine
	case length != nil:
		s.state = bodyLength
		for _, c := range length {
			if !isDigit(c) || s.left > MaxBody {
				break
			}
			s.left = s.left*10 + int64(c-'0')
		}
		if s.left == 0 {
			s.state = bodyDone
		}
	default:
		s.state = bodyClose
	}
}

// step consumes at least one octet of b, or is done.
func (s *body) step(b []byte) (rest []byte) {
	switch s.state {
	case bodyClose:
		s.keep(b)
		return nil
	case bodyLength:
		if b = s.take(b); s.left == 0 {
			s.state = bodyDone
		}
		return b
	case bodyChunk:
		if b = s.take(b); s.left == 0 && s.state == bodyChunk {
			s.state = bodyChunkEnd
		}
		return b
	}
	line, rest, whole := bytes.Cut(b, []byte{'\n'})
	if s.line = append(s.line, line...); len(s.line) > maxChunkLine {
		s.state = bodyDone
	}
	if whole && s.state != bodyDone {
		s.endLine()
	}
	return rest
}

const maxChunkLine = 256 // size and extensions of a chunk

// endLine understands the line around a chunk (RFC 9112 7.1), without its LF.
func (s *body) endLine() {
	line, ok := bytes.CutSuffix(s.line, []byte{'\r'})
	s.line = s.line[:0]
	switch {
	case !ok || s.state == bodyChunkEnd && len(line) > 0:
		s.state = bodyDone
		return
	case s.state == bodyChunkEnd:
		s.state = bodyChunkLine
		return
	}
	for _, c := range line { // hexadecimal digits, perhaps followed by extensions
		if !isHex(c) || s.left > MaxBody {
			break
		}
		s.left = s.left<<4 | int64(hexDigit(c))
	}
	s.state = bodyChunk
	if s.left == 0 { // the last chunk, or no number
		s.state = bodyDone
	}
}

// take keeps what of b belongs to the left octets.
func (s *body) take(b []byte) (rest []byte) {
	n := int(min(s.left, int64(len(b))))
	s.keep(b[:n])
	s.left -= int64(n)
	return b[n:]
}

func hexDigit(c byte) byte {
	if isDigit(c) {
		return c - '0'
	}
	return c | 0x20 - 'a' + 10
}

// keep adds b to the data as far as there is room.
func (s *body) keep(b []byte) {
	s.data = append(s.data, b[:min(len(b), MaxBody-len(s.data))]...)
	if len(s.data) == MaxBody {
		s.state = bodyDone
	}
}
