package frame

import (
	"errors"
	"fmt"
)

// An Error is a breach of RFC 6455 by the peer, or of a limit that we set it. Code is the close code with
// which to fail the connection (section 7.1.7).
//
// Each breach is one of the variables below: errors.Is finds which, and errors.As finds the code. They are
// shared and must not be changed.
type Error struct {
	Code CloseCode
	text string
}

// Error says what is wrong, in lower case.
func (e *Error) Error() string { return e.text }

// Breaches in a header, in the order in which [ParseHeader] meets them.
var (
	ErrReservedBits      = &Error{CloseProtocolError, "reserved bits set without an extension"}         // 5.2
	ErrReservedOpcode    = &Error{CloseProtocolError, "reserved opcode"}                                // 5.2
	ErrControlFragmented = &Error{CloseProtocolError, "control frame in fragments"}                     // 5.5
	ErrMaskRequired      = &Error{CloseProtocolError, "frame from a client is not masked"}              // 5.1
	ErrMaskForbidden     = &Error{CloseProtocolError, "frame from a server is masked"}                  // 5.1
	ErrControlTooLong    = &Error{CloseProtocolError, "control frame longer than 125 bytes"}            // 5.5
	ErrLengthOverflow    = &Error{CloseProtocolError, "most significant bit of the payload length set"} // 5.2
	ErrLengthNotMinimal  = &Error{CloseProtocolError, "payload length not in its shortest form"}        // 5.2
)

// Breaches in the payload of a Close frame, found by [ParseClose].
var (
	ErrCloseLength = &Error{CloseProtocolError, "close frame with a payload of one byte"}  // 5.5.1
	ErrCloseCode   = &Error{CloseProtocolError, "close code that must not be on the wire"} // 7.4
	ErrCloseReason = &Error{CloseInvalidPayload, "reason of a close is not UTF-8"}         // 5.5.1, 8.1
)

// Breaches in a sequence of frames. Package conn finds them, and [Read] finds ErrMessageTooBig; here they
// have their names and codes.
var (
	ErrUnexpectedContinuation = &Error{CloseProtocolError, "continuation without a message to continue"}    // 5.4
	ErrExpectedContinuation   = &Error{CloseProtocolError, "new message inside a fragmented one"}           // 5.4
	ErrInvalidUTF8            = &Error{CloseInvalidPayload, "text is not UTF-8"}                            // 8.1
	ErrInvalidDeflate         = &Error{CloseInvalidPayload, "compressed payload is not valid DEFLATE"}      // RFC 7692 7.2.2
	ErrMessageTooBig          = &Error{CloseTooBig, "message longer than the limit"}                        // 10.4
	ErrTooManyFragments       = &Error{ClosePolicyViolation, "message in more fragments than the limit"}    // 10.4
	ErrControlRate            = &Error{ClosePolicyViolation, "more control frames a second than the limit"} // 10.4
)

// ErrNotSendable is the program's own mistake: [AppendClose] and [Write] refuse what no endpoint may send,
// and errors.Is finds ErrNotSendable in what they return. Nothing was appended or written.
var ErrNotSendable = errors.New("frame: not sendable")

var (
	errSendCode       = fmt.Errorf("%w: close code that must not be on the wire", ErrNotSendable) // 7.4
	errSendReason     = fmt.Errorf("%w: close reason is not UTF-8", ErrNotSendable)               // 5.5.1
	errSendReasonLong = fmt.Errorf("%w: close reason longer than 123 bytes", ErrNotSendable)      // 5.5
	errSendOpcode     = fmt.Errorf("%w: reserved opcode", ErrNotSendable)                         // 5.2
	errSendRsv        = fmt.Errorf("%w: more than three reserved bits", ErrNotSendable)           // 5.2
	errSendFragmented = fmt.Errorf("%w: control frame in fragments", ErrNotSendable)              // 5.5
	errSendLong       = fmt.Errorf("%w: control frame longer than 125 bytes", ErrNotSendable)     // 5.5
)
