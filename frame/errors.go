package frame

import (
	"errors"
	"fmt"
)

// An Error is a breach of RFC 6455 by the peer. Code is the close code with which
// to fail the connection (section 7.1.7).
//
// All breaches are variables of this package: compare them with errors.Is, find the code
// with errors.As. Do not change them.
type Error struct {
	Code CloseCode
	text string
}

// Error returns the breach in lower case, without the name of the package.
func (e *Error) Error() string { return e.text }

// Breaches found in a header, in the order in which [ParseHeader] looks for them.
var (
	ErrReservedBits      = &Error{CloseProtocolError, "reserved bits set without an extension"}         // 5.2
	ErrReservedOpcode    = &Error{CloseProtocolError, "reserved opcode"}                                // 5.2
	ErrControlFragmented = &Error{CloseProtocolError, "fragmented control frame"}                       // 5.5
	ErrMaskRequired      = &Error{CloseProtocolError, "frame from a client is not masked"}              // 5.1
	ErrMaskForbidden     = &Error{CloseProtocolError, "frame from a server is masked"}                  // 5.1
	ErrControlTooLong    = &Error{CloseProtocolError, "control frame longer than 125 bytes"}            // 5.5
	ErrLengthOverflow    = &Error{CloseProtocolError, "most significant bit of the payload length set"} // 5.2
	ErrLengthNotMinimal  = &Error{CloseProtocolError, "payload length not in its shortest form"}        // 5.2
)

// Breaches found in a sequence of frames. This package only names them.
var (
	ErrUnexpectedContinuation = &Error{CloseProtocolError, "continuation without a message to continue"}             // 5.4
	ErrExpectedContinuation   = &Error{CloseProtocolError, "new message before the last fragment of the one before"} // 5.4
	ErrInvalidUTF8            = &Error{CloseInvalidPayload, "text is not UTF-8"}                                     // 8.1
	ErrMessageTooBig          = &Error{CloseTooBig, "message longer than the limit"}                                 // 7.4.1, 10.4
	ErrTooManyFragments       = &Error{ClosePolicyViolation, "message in more fragments than the limit"}             // 10.4
	ErrControlRate            = &Error{ClosePolicyViolation, "control frames come faster than the limit"}            // 10.4
)

// Breaches found in the payload of a Close frame by [ParseClose].
var (
	ErrCloseLength = &Error{CloseProtocolError, "close payload of one byte"}         // 5.5.1
	ErrCloseCode   = &Error{CloseProtocolError, "close code that must not be sent"}  // 7.4
	ErrCloseReason = &Error{CloseInvalidPayload, "reason of the close is not UTF-8"} // 5.5.1
)

// ErrNotSendable is behind every error of [AppendClose] and [Write] that is the program's own
// mistake: what it asked to send would be a breach. Nothing was written.
var ErrNotSendable = errors.New("frame: not sendable")

var (
	errSendCode       = fmt.Errorf("%w: close code that must not be on the wire", ErrNotSendable)
	errSendReason     = fmt.Errorf("%w: close reason is not UTF-8", ErrNotSendable)
	errSendReasonLong = fmt.Errorf("%w: close reason longer than 123 bytes", ErrNotSendable)
	errSendNoStatus   = fmt.Errorf("%w: close reason without a close code", ErrNotSendable)
	errSendOpcode     = fmt.Errorf("%w: reserved opcode", ErrNotSendable)
	errSendFragmented = fmt.Errorf("%w: control frame without FIN", ErrNotSendable)
	errSendLong       = fmt.Errorf("%w: control frame longer than 125 bytes", ErrNotSendable)
)
