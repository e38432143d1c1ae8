package handshake

import (
	"bytes"
	"net"
)

// A Request is an opening handshake as a server receives it (RFC 6455 section 4.2.1). The zero
// value is ready to Receive. Everything it hands out as []byte is lent: it points into the
// bytes given to Receive, or into a buffer of the Request, and is valid until those bytes are
// overwritten or the Request is Reset. It is nil until Receive said done, and after an error.
//
// A Request is not safe for concurrent use.
type Request struct {
	// Limits bound the request; nil means the defaults. Set it before the first Receive.
	Limits *Limits
	// RemoteAddr is the peer's address, set by the driver, for the program's hooks.
	RemoteAddr net.Addr
	// TLS says that the connection is encrypted, as far as this endpoint sees: set by the
	// driver. False means that it is not or that nobody knows, as behind a proxy.
	TLS bool

	// Subprotocol is what AppendResponse chose among the client's offers, or empty. A Hook
	// may change it to another that was offered.
	Subprotocol string
	// Extensions are those that AppendResponse agreed to, in the order of the response.
	Extensions []Extension

	head
	target, query span // query: what follows the '?', from 0 if there is none
	host          span
	key           span
	origin        span
	saw           saw
	extensions    uint8 // how many are offered; <= maxExtensions

	out    []byte // while AppendResponse runs: the response so far
	outErr error  // what AddHeader refused
}

// saw notes which headers came, and which came wrong. The checks wait for the blank line
// (blankLine), so that their order does not depend on that of the headers.
type saw uint32

const (
	sawHost saw = 1 << iota
	sawSecondHost
	sawUpgrade    // Upgrade: websocket
	sawConnection // Connection: Upgrade
	sawKey
	sawSecondKey
	sawVersion
	sawSecondVersion
	saw13
	sawDraft // a header of hixie-76
	sawOrigin
	sawSecondOrigin
	sawBody
	sawLength
	sawSubprotocolHeader
	sawSubprotocol
	sawBadSubprotocol
	sawExtensionHeader
	sawBadExtension
)

// Receive consumes bytes of the request until the blank line that ends it. When that was there
// it returns done and the bytes of b that follow, which belong to the first frames; called
// again it returns its argument. It returns neither done nor an error if b ended first: call
// again with the bytes that come next.
//
// If the whole request is in the first b, nothing is copied or allocated, and the Request
// points into b. Otherwise it gathers the bytes in a buffer that grows with what was received.
// However the bytes are cut, the outcome is the same and the cost is linear.
//
// The error is an *[Error] with the HTTP status of the refusal, the same on every later call;
// [AppendRefusal] makes the response. After an error nothing of b may be used: close the
// connection once the refusal is sent.
func (r *Request) Receive(b []byte) (rest []byte, done bool, err error) {
	return r.receive(b, r.Limits, r)
}

// Reset makes r ready for another request, with the same Limits. It lets go of all memory.
func (r *Request) Reset() { *r = Request{Limits: r.Limits} }

// Target returns the request target as it was sent: path, and query if any.
func (r *Request) Target() []byte { return r.lend(r.target) }

// Path returns the path as it was sent, percent-encoded, beginning with a slash.
func (r *Request) Path() []byte {
	s := r.target
	if r.query.from != 0 {
		s.to = r.query.from - 1
	}
	return r.lend(s)
}

// Query returns what follows the first '?' of the target, percent-encoded, and nil if there is
// none. net/url.ParseQuery understands it.
func (r *Request) Query() []byte {
	if r.query.from == 0 {
		return nil
	}
	return r.lend(r.query)
}

// Host returns the value of the Host header: a host name or address, and a port if there is one.
func (r *Request) Host() []byte { return r.lend(r.host) }

// Origin returns the value of the Origin header, and nil if there is none, as is usual for
// clients that are not browsers.
func (r *Request) Origin() []byte {
	if r.saw&sawOrigin == 0 {
		return nil
	}
	return r.lend(r.origin)
}

// Cookie returns the value of the first cookie called name, without the quotes if it has them,
// and nil if there is none (RFC 6265 section 5.4).
func (r *Request) Cookie(name string) []byte {
	for line := range r.Values("Cookie") {
		for len(line) > 0 {
			var pair []byte
			pair, line, _ = bytes.Cut(line, []byte{';'})
			n, v, ok := bytes.Cut(trim(pair), []byte{'='})
			if !ok || string(trim(n)) != name {
				continue
			}
			v = trim(v)
			if len(v) > 1 && v[0] == '"' && v[len(v)-1] == '"' {
				v = v[1 : len(v)-1]
			}
			return v
		}
	}
	return nil
}

func (*Request) fault(e *Error) *Error { return e }

// firstLine checks the request line. 4.1: "The method of the request MUST be GET, and the HTTP
// version MUST be at least 1.1." Higher ones than 1.1 have no request line.
func (r *Request) firstLine(line span) *Error {
	b := r.slice(line)
	i, j := bytes.IndexByte(b, ' '), bytes.LastIndexByte(b, ' ')
	if i == j || !isToken(b[:i]) { // i == j: no space, or only one
		return ErrRequestLine
	}
	if string(b[:i]) == "HEAD" {
		return errHead
	}
	if v := b[j+1:]; string(v) != "HTTP/1.1" {
		if !isHTTPVersion(v) {
			return ErrRequestLine
		}
		return ErrHTTP
	}
	if string(b[:i]) != "GET" {
		return ErrMethod
	}
	r.target = span{line.from + int32(i) + 1, line.from + int32(j)}
	target := r.slice(r.target)
	if !isTarget(target) || bytes.HasPrefix(target, []byte("//")) {
		return ErrTarget // "//host" is a path to some and an authority to others
	}
	if q := bytes.IndexByte(target, '?'); q >= 0 {
		r.query = span{r.target.from + int32(q) + 1, r.target.to}
	}
	return nil
}

// isHTTPVersion reports whether v is "HTTP/" DIGIT "." DIGIT (RFC 9112 2.3).
func isHTTPVersion(v []byte) bool {
	return len(v) == 8 && string(v[:5]) == "HTTP/" && isDigit(v[5]) && v[6] == '.' && isDigit(v[7])
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

// isTarget reports whether t is in origin form (RFC 9112 3.2.1): a path that begins with a
// slash, and perhaps a query, of visible ASCII without '#'; every '%' of the path begins an
// octet in hexadecimal. So "*" and absolute URIs are none.
func isTarget[T bytesOrString](t T) bool {
	if len(t) == 0 || t[0] != '/' {
		return false
	}
	path := true
	for i := 0; i < len(t); i++ {
		switch c := t[i]; {
		case c <= ' ' || c >= 0x7f || c == '#':
			return false
		case c == '?':
			path = false
		case c == '%' && path && (len(t)-i < 3 || !isHex(t[i+1]) || !isHex(t[i+2])):
			return false
		}
	}
	return true
}

func isHex(c byte) bool { return isDigit(c) || 'a' <= c|0x20 && c|0x20 <= 'f' }

// field notes what a header line says.
func (r *Request) field(name []byte, value span) *Error {
	switch len(name) {
	case len("Host"):
		if equalFold(name, "Host") {
			r.once(sawHost, sawSecondHost, &r.host, value)
		}
	case len("Origin"):
		if equalFold(name, "Origin") {
			r.once(sawOrigin, sawSecondOrigin, &r.origin, value)
		}
	case len("Upgrade"):
		// 4.2.1: "containing the value 'websocket', treated as an ASCII case-insensitive
		// value". RFC 9110 7.8: it is a list.
		if equalFold(name, "Upgrade") && hasElement(r.slice(value), "websocket") {
			r.saw |= sawUpgrade
		}
	case len("Connection"):
		if equalFold(name, "Connection") && hasElement(r.slice(value), "Upgrade") {
			r.saw |= sawConnection
		}
	case len("Content-Length"):
		// Some clients say 0 with every request. That leaves no doubt about where the frames
		// begin; everything else does.
		if equalFold(name, "Content-Length") {
			if r.saw&sawLength != 0 || string(r.slice(value)) != "0" {
				r.saw |= sawBody
			}
			r.saw |= sawLength
		}
	case len("Transfer-Encoding"):
		if equalFold(name, "Transfer-Encoding") {
			r.saw |= sawBody
		} else if equalFold(name, "Sec-WebSocket-Key") {
			r.once(sawKey, sawSecondKey, &r.key, value)
		}
	case len("Sec-WebSocket-Key1"):
		if equalFold(name, "Sec-WebSocket-Key1") || equalFold(name, "Sec-WebSocket-Key2") {
			r.saw |= sawDraft
		}
	case len("Sec-WebSocket-Version"):
		if equalFold(name, "Sec-WebSocket-Version") {
			var version span
			r.once(sawVersion, sawSecondVersion, &version, value)
			if string(r.slice(value)) == "13" {
				r.saw |= saw13
			}
		}
	case len("Sec-WebSocket-Protocol"):
		if equalFold(name, "Sec-WebSocket-Protocol") {
			r.checkSubprotocols(r.slice(value))
		}
	case len("Sec-WebSocket-Extensions"):
		if equalFold(name, "Sec-WebSocket-Extensions") {
			r.saw |= sawExtensionHeader
			_, n, ok := parseExtensions(nil, r.slice(value), int(r.extensions), false)
			if !ok {
				r.saw |= sawBadExtension
			}
			r.extensions = uint8(min(n, maxExtensions))
		}
	}
	return nil
}

func (r *Request) once(first, second saw, at *span, value span) {
	if r.saw&first != 0 {
		r.saw |= second
	}
	r.saw |= first
	*at = value
}

// checkSubprotocols notes whether every element of the list is a token. (4.3: 1#token)
func (r *Request) checkSubprotocols(list []byte) {
	r.saw |= sawSubprotocolHeader
	for len(list) > 0 {
		var e []byte
		e, list = cutElement(list)
		switch {
		case len(e) == 0: // RFC 9110 5.6.1.2: empty elements are ignored
		case isToken(e):
			r.saw |= sawSubprotocol
		default:
			r.saw |= sawBadSubprotocol
		}
	}
}

// blankLine checks what only the whole request can show (4.2.1).
func (r *Request) blankLine() (done bool, err *Error) {
	switch s := r.saw; {
	case s&(sawHost|sawSecondHost) != sawHost || !isAuthority(r.slice(r.host)):
		return false, ErrHost
	case s&sawBody != 0:
		return false, ErrBody
	case s&(sawUpgrade|sawConnection) != sawUpgrade|sawConnection:
		return false, ErrUpgrade
	case s&sawSecondVersion != 0:
		return false, ErrVersions
	case s&saw13 == 0 || s&sawDraft != 0:
		return false, ErrVersion
	case s&(sawKey|sawSecondKey) != sawKey || !validKey(r.slice(r.key)):
		return false, ErrKey
	case s&sawSecondOrigin != 0: // RFC 6454 7.3: at most one
		return false, ErrOrigin
	case s&sawBadSubprotocol != 0 || s&(sawSubprotocolHeader|sawSubprotocol) == sawSubprotocolHeader:
		return false, ErrSubprotocols
	case s&sawBadExtension != 0 || s&sawExtensionHeader != 0 && r.extensions == 0:
		return false, ErrExtensions
	}
	return true, nil
}

// offers reports whether the client offers the subprotocol. (4.1: compared as they are)
func (r *Request) offers(subprotocol string) bool {
	for list := range r.Values("Sec-WebSocket-Protocol") {
		for len(list) > 0 {
			var e []byte
			if e, list = cutElement(list); len(e) > 0 && string(e) == subprotocol {
				return true
			}
		}
	}
	return false
}
