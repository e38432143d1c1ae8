package handshake

import (
	"errors"
	"fmt"
	"iter"
	"maps"
	"net/http"
	"slices"
	"strconv"
)

// AppendRefusal appends to dst the complete HTTP response that refuses an opening handshake
// because of err. Close the connection after it. An error that is not, and does not wrap, an
// *[Error] is answered with a bare 500, as is one that no response can be made of.
//
// It does not allocate for the variables of this package, so that refusing costs no more than
// accepting.
func AppendRefusal(dst []byte, err error) []byte {
	e := refusal(err)
	var scratch [128]byte
	body := e.appendBody(scratch[:0])
	dst = append(dst, "HTTP/1.1 "...)
	dst = strconv.AppendInt(dst, int64(e.Status), 10)
	dst = append(append(append(dst, ' '), http.StatusText(e.Status)...), "\r\n"...)
	for name, value := range e.headers(len(body)) {
		dst = appendHeader(dst, name, value)
	}
	dst = append(dst, "\r\n"...)
	return append(dst, body...)
}

// refusal returns the *Error to tell the peer about, checked.
func refusal(err error) *Error {
	e, plain := err.(*Error)
	if !plain {
		var wrapped *Error
		errors.As(err, &wrapped)
		e = wrapped
	}
	if e == nil {
		return internal(err)
	}
	if e.Status < 200 || e.Status > 599 {
		return internal(fmt.Errorf("handshake: a refusal cannot have status %d: %w", e.Status, err))
	}
	for name, values := range e.Header {
		for _, v := range values {
			if bad := checkHeader(name, v); bad != nil {
				return internal(fmt.Errorf("%w: %w", bad, err))
			}
		}
	}
	if !plain {
		return &Error{Status: e.Status, Header: e.Header, Body: e.Body, text: e.text, cause: err, head: e.head}
	}
	return e
}

// bodyless reports whether the response has no body (RFC 9110 6.4.1).
func (e *Error) bodyless() bool {
	return e.head || e.Status == http.StatusNoContent || e.Status == http.StatusNotModified
}

func (e *Error) appendBody(dst []byte) []byte {
	switch {
	case e.bodyless():
		return dst
	case e.Body != nil:
		return append(dst, e.Body...)
	case e.text != "":
		return append(append(dst, e.text...), '\n')
	}
	return append(append(dst, http.StatusText(e.Status)...), '\n')
}

// headers iterates over the headers of the response with a body of n octets, in a fixed order.
func (e *Error) headers(n int) iter.Seq2[string, string] {
	return func(yield func(name, value string) bool) {
		ok := yield("Connection", "close")
		switch e.Status {
		case http.StatusMethodNotAllowed: // RFC 9110 15.5.6
			ok = ok && (has(e.Header, "Allow") || yield("Allow", "GET"))
		case http.StatusUpgradeRequired:
			// RFC 9110 15.5.22: what to upgrade to. 7.8: "A sender of Upgrade MUST also send an
			// 'Upgrade' connection option". RFC 6455 4.4: the version that we speak.
			ok = ok && yield("Connection", "Upgrade") && yield("Upgrade", "websocket") &&
				yield("Sec-WebSocket-Version", "13")
		}
		if !e.bodyless() {
			ok = ok && (has(e.Header, "Content-Type") || yield("Content-Type", "text/plain; charset=utf-8")) &&
				yield("Content-Length", strconv.Itoa(n))
		}
		if !ok || len(e.Header) == 0 {
			return
		}
		for _, name := range slices.Sorted(maps.Keys(e.Header)) {
			for _, v := range e.Header[name] {
				if !yield(name, v) {
					return
				}
			}
		}
	}
}

// has reports whether h has the header, however the program spelt its name.
func has(h http.Header, name string) bool {
	for n, v := range h {
		if len(v) > 0 && equalFold(n, name) {
			return true
		}
	}
	return false
}
