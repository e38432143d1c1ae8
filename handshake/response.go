package handshake

import (
	"bytes"
	"net/http"
)

// A Response is what a server answers to an opening handshake, as a client receives it (RFC
// 6455 section 4.1). The zero value is ready to Receive. Everything it hands out as []byte is
// lent: it points into the bytes given to Receive, or into a buffer of the Response.
//
// A Response is not safe for concurrent use.
type Response struct {
	// Limits bound the response; nil means the defaults. Set it before the first Receive.
	Limits *Limits

	// Status is the status code, 100 to 999, once Receive says done; 0 before, and after an error.
	Status int
	// Subprotocol is what the server chose of the client's offers, or empty, once Check was
	// content.
	Subprotocol string
	// Extensions are those that the server agreed to, in its order, once Check was content.
	Extensions []Extension

	head
	body   body
	status int  // of the status line that came last
	http11 bool // it said HTTP/1.1
}

// Receive consumes bytes of the response until the blank line that ends its headers. When that
// was there it returns done and the bytes of b that follow: frames if the status is 101, else
// the beginning of the body. It returns neither done nor an error if b ended first: call again
// with the bytes that come next. Interim responses (1xx except 101) are read over; the limits
// hold for all together.
//
// If the whole response is in the first b, nothing is copied or allocated, and the Response
// points into b. Otherwise it gathers the bytes in a buffer that grows with what was received.
// However the bytes are cut, the outcome is the same and the cost is linear.
//
// The error is [ErrResponse] or [ErrResponseTooLarge], the same on every later call.
func (r *Response) Receive(b []byte) (rest []byte, done bool, err error) {
	return r.receive(b, r.Limits, r)
}

// Reset makes r ready for another response, with the same Limits. It lets go of all memory.
func (r *Response) Reset() { *r = Response{Limits: r.Limits} }

// fault says what an error of the shared parser means to a client.
func (*Response) fault(e *Error) *Error {
	switch e.Status {
	case http.StatusRequestURITooLong, http.StatusRequestHeaderFieldsTooLarge:
		return ErrResponseTooLarge
	}
	return ErrResponse
}

// firstLine checks the status line (RFC 9112 4): HTTP-version SP 3DIGIT SP [ reason-phrase ].
// Some servers leave out the second space with the reason; so may they. The reason means
// nothing.
func (r *Response) firstLine(line span) *Error {
	b := r.slice(line)
	version, b, ok := bytes.Cut(b, []byte{' '})
	if !ok || !isHTTPVersion(version) || version[5] != '1' {
		return ErrResponse
	}
	r.http11 = version[7] == '1'
	if len(b) < 3 || len(b) > 3 && b[3] != ' ' || !isFieldValue(b) {
		return ErrResponse
	}
	r.status = 0
	for _, c := range b[:3] {
		if !isDigit(c) {
			return ErrResponse
		}
		r.status = r.status*10 + int(c-'0')
	}
	if r.status < 100 {
		return ErrResponse
	}
	return nil
}

func (r *Response) field([]byte, span) *Error { return nil }

// blankLine: RFC 9110 15.2: "A client MUST be able to parse one or more 1xx responses received
// prior to a final response".
func (r *Response) blankLine() (done bool, err *Error) {
	if r.status < 200 && r.status != http.StatusSwitchingProtocols {
		return false, nil
	}
	r.Status = r.status
	return true, nil
}

// headers copies the headers, for an Error.
func (r *Response) headers() http.Header {
	h := make(http.Header)
	for name, value := range r.All() {
		h.Add(string(name), string(value))
	}
	return h
}
