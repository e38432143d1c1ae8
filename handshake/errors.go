package handshake

import (
	"net/http"
	"strconv"
)

// An Error says why there is no WebSocket connection, and carries the HTTP status that goes
// with it.
//
// On a server it is a refusal: the peer's request was no valid opening handshake, or the
// program does not want it. A Hook returns one to choose status, headers and body; what it
// leaves out is filled in by [AppendRefusal].
//
// On a client it is what came instead of a good response. Status is the status that was
// received: 101 if the response was a 101 that breaks RFC 6455 section 4.1, and 0 if no valid
// HTTP response came at all.
type Error struct {
	Status int         // HTTP status code
	Header http.Header // headers of the response besides those that frame it; may be nil
	Body   []byte      // body of the response; nil on a server: a short text

	text  string // what was expected; the constant text of a breach, or empty
	cause error  // what the program said, or nil
}

// Error describes the breach. It holds no octet that came from the peer.
func (e *Error) Error() string {
	text := e.text
	if text == "" {
		text = http.StatusText(e.Status)
	}
	if e.cause != nil {
		text += ": " + e.cause.Error()
	}
	if e.Status == 0 {
		return "handshake: " + text
	}
	return "handshake: " + text + " (status " + strconv.Itoa(e.Status) + ")"
}

// Unwrap returns the error of the program that led to e, or nil.
func (e *Error) Unwrap() error { return e.cause }

// Breaches of the protocol by a client, found by [Request.Receive], and refusals by policy,
// found by [Upgrader.AppendResponse]. They are variables: errors.Is finds them, and a peer
// cannot make us allocate. Do not modify them.
var (
	ErrRequestLine        = &Error{Status: http.StatusBadRequest, text: "malformed request line"}                                                            // RFC 9112 3
	ErrTarget             = &Error{Status: http.StatusBadRequest, text: "request target is not a path in origin form"}                                       // RFC 9112 3.2.1
	ErrHeader             = &Error{Status: http.StatusBadRequest, text: "malformed header line"}                                                             // RFC 9112 5
	ErrHost               = &Error{Status: http.StatusBadRequest, text: "expected one well-formed Host header"}                                              // 4.2.1, RFC 9112 3.2
	ErrBody               = &Error{Status: http.StatusBadRequest, text: "an opening handshake has no body"}                                                  // 4.1
	ErrKey                = &Error{Status: http.StatusBadRequest, text: "expected one Sec-WebSocket-Key of 16 octets in base64"}                             // 4.2.1
	ErrSubprotocols       = &Error{Status: http.StatusBadRequest, text: "malformed Sec-WebSocket-Protocol"}                                                  // 4.1, 4.3
	ErrExtensions         = &Error{Status: http.StatusBadRequest, text: "malformed Sec-WebSocket-Extensions"}                                                // 9.1
	ErrVersions           = &Error{Status: http.StatusBadRequest, text: "more than one Sec-WebSocket-Version"}                                               // 11.3.5
	ErrOrigin             = &Error{Status: http.StatusForbidden, text: "origin not allowed"}                                                                 // 10.2
	ErrMethod             = &Error{Status: http.StatusMethodNotAllowed, text: "an opening handshake is a GET request"}                                       // 4.1
	ErrRequestLineTooLong = &Error{Status: http.StatusRequestURITooLong, text: "request line too long"}                                                      // RFC 9112 3
	ErrUpgrade            = &Error{Status: http.StatusUpgradeRequired, text: "expected an upgrade to websocket"}                                             // 4.2.1
	ErrVersion            = &Error{Status: http.StatusUpgradeRequired, text: "expected Sec-WebSocket-Version: 13"}                                           // 4.4
	ErrHeaderTooLong      = &Error{Status: http.StatusRequestHeaderFieldsTooLarge, text: "header line too long"}                                             // RFC 6585 5
	ErrHeadersTooLarge    = &Error{Status: http.StatusRequestHeaderFieldsTooLarge, text: "headers too large"}                                                // RFC 6585 5
	ErrTooManyHeaders     = &Error{Status: http.StatusRequestHeaderFieldsTooLarge, text: "too many headers"}                                                 // RFC 6585 5
	ErrHTTPVersion        = &Error{Status: http.StatusHTTPVersionNotSupported, text: "expected HTTP/1.1"}                                                    // 4.1
	ErrHTTP2              = &Error{Status: http.StatusHTTPVersionNotSupported, text: "WebSocket over HTTP/2 (RFC 8441) is not supported, expected HTTP/1.1"} // RFC 8441
	ErrInternal           = &Error{Status: http.StatusInternalServerError}
	ErrUnavailable        = &Error{Status: http.StatusServiceUnavailable, text: "too many connections"} // for servers at their limit
)

// Breaches of the protocol by a server, found by [Response.Receive] and [Offer.Check]. Do not
// modify them.
var (
	ErrResponse            = &Error{Status: 0, text: "malformed response"}
	ErrResponseTooLarge    = &Error{Status: 0, text: "response headers too large"}
	ErrResponseVersion     = &Error{Status: http.StatusSwitchingProtocols, text: "response is not HTTP/1.1"}
	ErrResponseUpgrade     = &Error{Status: http.StatusSwitchingProtocols, text: "expected one Upgrade: websocket in the response"}
	ErrResponseConnection  = &Error{Status: http.StatusSwitchingProtocols, text: "expected Connection: Upgrade in the response"}
	ErrResponseAccept      = &Error{Status: http.StatusSwitchingProtocols, text: "Sec-WebSocket-Accept does not answer the key"}
	ErrResponseSubprotocol = &Error{Status: http.StatusSwitchingProtocols, text: "server chose a subprotocol that was not offered"}
	ErrResponseExtensions  = &Error{Status: http.StatusSwitchingProtocols, text: "server chose an extension that was not offered"}
)

// internal wraps what the program did wrong. The peer sees a bare 500.
func internal(cause error) *Error {
	return &Error{Status: http.StatusInternalServerError, cause: cause}
}
