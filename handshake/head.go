package handshake

import (
	"bytes"
	"iter"
)

// Limits bound what a peer may send before the blank line. Sizes are in octets and count the
// CRLF of each line. For each field zero means the default and a negative number means no
// limit but that of the implementation, 256 MiB (1<<28 headers).
type Limits struct {
	RequestLine int // the request line (or, on a client, the status line); 4 KiB
	HeaderLine  int // one header line; 4 KiB
	HeaderBytes int // all lines after the first, with the blank line; 16 KiB
	Headers     int // number of header lines; 100
}

const noLimit = 1 << 28 // small enough that the sum of two fits an int32

func (l *Limits) withDefaults() Limits {
	if l == nil {
		l = &Limits{}
	}
	return Limits{
		RequestLine: limit(l.RequestLine, 4<<10),
		HeaderLine:  limit(l.HeaderLine, 4<<10),
		HeaderBytes: limit(l.HeaderBytes, 16<<10),
		Headers:     limit(l.Headers, 100),
	}
}

func limit(n, otherwise int) int {
	switch {
	case n == 0:
		return otherwise
	case n < 0 || n > noLimit:
		return noLimit
	}
	return n
}

// A span is a piece of head.buf: buf[from:to]. It stays true when buf grows.
type span struct{ from, to int32 }

// head gathers the lines of a request or response up to the blank line, however the bytes are
// cut, and keeps them. Each octet is looked at once to find the end of its line, and its line
// is parsed once, when it is whole.
type head struct {
	buf    []byte // the head so far: the caller's bytes if it came whole at once, else our copy
	err    *Error // sticky
	line   int32  // where the line now being read begins; line <= seen <= len(buf)
	seen   int32  // up to here there is no LF after line
	fields int32  // where the header lines begin; 0 while the first line is not there
	start  int32  // where the second line of the first head began: HeaderBytes counts from here
	count  int32  // header lines
	work   int32  // octets looked at, so that the tests can see that the cost is linear
	own    bool   // buf is our copy
	done   bool   // the blank line was there
}

// A parser understands the lines that head finds.
type parser interface {
	firstLine(line span) *Error           // the request or status line
	field(name []byte, value span) *Error // one header line; name is a token, value has no white space around it
	blankLine() (done bool, err *Error)   // false: another head follows
	fault(e *Error) *Error                // what an error of head is called here
}

func (h *head) receive(b []byte, limits *Limits, p parser) (rest []byte, done bool, err error) {
	if h.err != nil {
		return nil, false, h.err
	}
	if h.done {
		return b, true, nil
	}
	l := limits.withDefaults()
	before := len(h.buf) // octets that came with earlier calls
	if h.own {
		h.buf = append(h.buf, b[:min(len(b), l.RequestLine+l.HeaderBytes-before)]...)
	} else {
		h.buf = b
	}
	for !h.done {
		more, e := h.next(&l, p)
		if e != nil {
			e = p.fault(e)
			*h = head{err: e, work: h.work} // nothing is kept of what is refused
			return nil, false, e
		}
		if more {
			h.keep()
			return b[len(b):], false, nil
		}
	}
	h.buf = h.buf[:h.line:h.line]
	return b[int(h.line)-before:], true, nil
}

// keep copies the incomplete head out of the caller's bytes.
func (h *head) keep() {
	if h.own || len(h.buf) == 0 {
		return
	}
	h.buf = append(make([]byte, 0, max(512, len(h.buf))), h.buf...)
	h.own = true
}

// next parses one line, or says that more bytes are needed to have it.
func (h *head) next(l *Limits, p parser) (more bool, err *Error) {
	first := h.fields == 0
	end, whole := int(h.line)+l.HeaderLine, int(h.start)+l.HeaderBytes
	if first {
		end = int(h.line) + l.RequestLine
		if h.start == 0 {
			whole = noLimit*2 - 1
		}
	}
	upTo := min(len(h.buf), end, whole)
	i := bytes.IndexByte(h.buf[h.seen:upTo], '\n')
	if i < 0 {
		h.work += int32(upTo) - h.seen
		h.seen = int32(upTo)
		switch {
		case upTo == end && first:
			return false, ErrRequestLineTooLong
		case upTo == end:
			return false, ErrHeaderTooLong
		case upTo == whole:
			return false, ErrHeadersTooLarge
		}
		return true, nil
	}
	lf := h.seen + int32(i)
	h.work += int32(i) + 1 + lf + 1 - h.line
	line := span{h.line, lf - 1}
	h.line, h.seen = lf+1, lf+1
	// RFC 9112 2.2: a line ends with CRLF; a bare LF is not taken for one.
	bare := line.to < line.from || h.buf[line.to] != '\r'
	switch {
	case first && bare:
		return false, ErrRequestLine
	case first:
		h.fields = h.line
		if h.start == 0 {
			h.start = h.line
		}
		return false, p.firstLine(line)
	case bare:
		return false, ErrHeader
	case line.from == line.to:
		h.done, err = p.blankLine()
		if !h.done {
			h.fields = 0
		}
		return false, err
	}
	if h.count++; int(h.count) > l.Headers {
		return false, ErrTooManyHeaders
	}
	name, value, ok := h.cutField(line)
	if !ok {
		return false, ErrHeader
	}
	return false, p.field(name, value)
}

// cutField cuts a header line into name and value. RFC 9112 5: no white space before the
// colon; 5.2: no line that begins with white space, which once folded lines. RFC 9110 5.5: no
// CR, LF, NUL; we take no other control either.
func (h *head) cutField(line span) (name []byte, value span, ok bool) {
	b := h.buf[line.from:line.to]
	n := tokenLen(b)
	if n == 0 || n == len(b) || b[n] != ':' {
		return nil, span{}, false
	}
	v := trimLeft(b[n+1:])
	value.from = line.to - int32(len(v))
	v = trim(v)
	value.to = value.from + int32(len(v))
	return b[:n], value, isFieldValue(v)
}

// lend is slice for those who may ask too early, or after an error.
func (h *head) lend(s span) []byte {
	if !h.done {
		return nil
	}
	return h.slice(s)
}

func (h *head) slice(s span) []byte { return h.buf[s.from:s.to:s.to] }

// All iterates over the header lines in the order in which they came: name as it was sent, and
// value without the white space around it. Both are lent, as by Header.
func (h *head) All() iter.Seq2[[]byte, []byte] {
	return func(yield func(name, value []byte) bool) {
		if !h.done {
			return
		}
		for at := h.fields; at < int32(len(h.buf))-2; {
			lf := at + int32(bytes.IndexByte(h.buf[at:], '\n'))
			name, value, _ := h.cutField(span{at, lf - 1})
			if !yield(name, h.slice(value)) {
				return
			}
			at = lf + 1
		}
	}
}

// Values iterates over the values of the header lines called name, in either case.
func (h *head) Values(name string) iter.Seq[[]byte] {
	return func(yield func(value []byte) bool) {
		for n, v := range h.All() {
			if equalFold(n, name) && !yield(v) {
				return
			}
		}
	}
}

// Header returns the value of the first header called name, in either case, and nil if there
// is none. An empty header is not nil. The slice is lent: do not modify it, and copy what has
// to outlive the handshake.
func (h *head) Header(name string) []byte {
	for v := range h.Values(name) {
		return v
	}
	return nil
}

// Buffered returns how many octets of memory the incomplete or complete head holds. It is 0 if
// the head came whole in one call of Receive.
func (h *head) Buffered() int {
	if !h.own {
		return 0
	}
	return cap(h.buf)
}
