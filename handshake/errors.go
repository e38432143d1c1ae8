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
	head  bool   // the request was HEAD: the response has no body
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

// Is reports whether e is a form of target: a HEAD request is ErrMethod, and answered otherwise than others.
func (e *Error) Is(target error) bool { return e == errHead && target == ErrMethod }

// errHead is ErrMethod for a HEAD request. RFC 9110 9.3.2: "the server MUST NOT send content in the response".
var errHead = &Error{Status: ErrMethod.Status, text: ErrMethod.text, head: true}

// Breaches of the protocol by a client, found by [Request.Receive]; refusals by policy, found by
// [Upgrader.AppendResponse]; and two for servers in trouble. They are variables: errors.Is
// finds them, and a peer cannot make us allocate. Do not modify them.
var (
	ErrRequestLine  = breach(400, "malformed request line")                                // RFC 9112 3
	ErrTarget       = breach(400, "request target is not a path in origin form")           // RFC 9112 3.2.1
	ErrHeader       = breach(400, "malformed header line")                                 // RFC 9112 5
	ErrHost         = breach(400, "expected one well-formed Host header")                  // RFC 9112 3.2
	ErrBody         = breach(400, "an opening handshake has no body")                      // 4.1
	ErrVersions     = breach(400, "more than one Sec-WebSocket-Version")                   // 11.3.5
	ErrKey          = breach(400, "expected one Sec-WebSocket-Key of 16 octets in base64") // 4.2.1
	ErrSubprotocols = breach(400, "malformed Sec-WebSocket-Protocol")                      // 4.3
	ErrExtensions   = breach(400, "malformed Sec-WebSocket-Extensions")                    // 9.1

	ErrOrigin  = breach(403, "origin not allowed")                           // 10.2
	ErrMethod  = breach(405, "an opening handshake is a GET request")        // 4.1
	ErrUpgrade = breach(426, "expected an upgrade to websocket")             // 4.2.1
	ErrVersion = breach(426, "expected Sec-WebSocket-Version: 13")           // 4.4
	ErrHTTP    = breach(505, "expected HTTP/1.1")                            // 4.1
	ErrHTTP2   = breach(505, "expected HTTP/1.1; RFC 8441 is not supported") // by Hijack alone

	ErrRequestLineTooLong = breach(414, "request line too long") // RFC 9110 15.5.15
	ErrHeaderTooLong      = breach(431, "header line too long")  // RFC 6585 5
	ErrHeadersTooLarge    = breach(431, "headers too large")
	ErrTooManyHeaders     = breach(431, "too many headers")

	ErrInternal    = breach(500, "internal error")       // for drivers: a hook panicked
	ErrUnavailable = breach(503, "too many connections") // for drivers: no room
)

// Breaches of the protocol by a server, found by [Response.Receive] and [Offer.Check]. Do not
// modify them.
var (
	ErrResponse             = breach(0, "malformed response")
	ErrResponseTooLarge     = breach(0, "response headers too large")
	ErrResponseHTTP         = breach(101, "response is not HTTP/1.1")
	ErrResponseBody         = breach(101, "response has a body") // RFC 9112 6.1
	ErrResponseUpgrade      = breach(101, "expected one Upgrade: websocket in the response")
	ErrResponseConnection   = breach(101, "expected Connection: Upgrade in the response")
	ErrResponseAccept       = breach(101, "Sec-WebSocket-Accept does not answer the key")
	ErrResponseSubprotocols = breach(101, "server chose a subprotocol that was not offered")
	ErrResponseExtensions   = breach(101, "server chose an extension that was not offered")

	ErrResponseDeflate = breach(101, "the server's parameters of permessage-deflate answer no offer")           // RFC 7692 7; found by package deflate
	ErrResponseWindow  = breach(101, "no room in the budget for the window that permessage-deflate needs here") // by package deflate; not the server's fault
)

func breach(status int, text string) *Error { return &Error{Status: status, text: text} }

// internal wraps what the program did wrong. The peer sees a bare 500.
func internal(cause error) *Error {
	return &Error{Status: http.StatusInternalServerError, cause: cause}
}
