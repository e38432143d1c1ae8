package handshake

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
)

// AppendRefusal appends to dst the complete HTTP response that refuses an opening handshake
// because of err. Close the connection after it. An error that is not, and does not wrap, an
// *[Error] is answered with a bare 500, as is one that no response can be made of.
func AppendRefusal(dst []byte, err error) []byte {
	e := refusal(err)
	body := e.body()
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
	var e *Error
	if !errors.As(err, &e) || e == nil {
		return internal(err)
	}
	if e.Status < 200 || e.Status > 599 {
		return internal(fmt.Errorf("handshake: a refusal cannot have status %d: %w", e.Status, err))
	}
	for name, values := range e.Header {
		for _, v := range values {
			if bad := checkHeader(name, v); bad != nil {
				return internal(bad)
			}
		}
	}
	if error(e) != err {
		return &Error{Status: e.Status, Header: e.Header, Body: e.Body, text: e.text, cause: err}
	}
	return e
}

// body returns the body of the response.
func (e *Error) body() string {
	switch {
	case e.Status == http.StatusNoContent || e.Status == http.StatusNotModified:
		return "" // RFC 9110 6.4.1
	case e.Body != nil:
		return string(e.Body)
	case e.text != "":
		return e.text + "\n"
	}
	return http.StatusText(e.Status) + "\n"
}

// headers calls yield for each header of the response with a body of n octets.
func (e *Error) headers(n int) func(yield func(name, value string) bool) {
	return func(yield func(name, value string) bool) {
		switch e.Status {
		case http.StatusMethodNotAllowed:
			if e.Header.Get("Allow") == "" && !yield("Allow", "GET") { // RFC 9110 15.5.6
				return
			}
		case http.StatusUpgradeRequired:
			// 4.4: the versions that we speak. RFC 9110 7.8 and 15.5.22: what to upgrade to.
			if !yield("Sec-WebSocket-Version", "13") || !yield("Upgrade", "websocket") {
				return
			}
		}
		if !yield("Connection", "close") {
			return
		}
		// RFC 9110 7.8: "A sender of Upgrade MUST also send an 'Upgrade' connection option."
		if e.Status == http.StatusUpgradeRequired && !yield("Connection", "Upgrade") {
			return
		}
		if e.Status != http.StatusNoContent && e.Status != http.StatusNotModified {
			if e.Header.Get("Content-Type") == "" && !yield("Content-Type", "text/plain; charset=utf-8") {
				return
			}
			if !yield("Content-Length", strconv.Itoa(n)) {
				return
			}
		}
		names := make([]string, 0, len(e.Header))
		for name := range e.Header {
			names = append(names, name)
		}
		slices.Sort(names)
		for _, name := range names {
			for _, v := range e.Header[name] {
				if !yield(name, v) {
					return
				}
			}
		}
	}
}
