package deflate

import "github.com/idlewire/idlewire/frame"

// An Error is a breach of RFC 7692 by the peer, or of a limit that the suite sets it. Each is one of the variables below, some of them wrapped with
// the name of a parameter: errors.Is finds which.
type Error struct {
	Code frame.CloseCode // with which to fail the connection; 0: the opening handshake fails
	text string
}

// Error says what is wrong, in lower case.
func (e *Error) Error() string { return "deflate: " + e.text }

// Breaches in an opening handshake.
var (
	ErrParam     = &Error{0, "unknown parameter"}                   // 7: "an extension parameter not defined for use in an offer"
	ErrRepeated  = &Error{0, "parameter given twice"}               // 7
	ErrWindow    = &Error{0, "expected window bits of 8 to 15"}     // 7.1.2
	ErrFlag      = &Error{0, "parameter that may not have a value"} // 7.1.1
	ErrExtension = &Error{0, "extension that was not offered"}      // RFC 6455, 4.1
	ErrTwice     = &Error{0, Name + " agreed twice"}                // RFC 6455, 9.1: one use of RSV1
)

// Breaches in a message.
var (
	ErrCorrupt   = &Error{frame.CloseInvalidPayload, "compressed data is not DEFLATE"}                         // RFC 1951
	ErrTruncated = &Error{frame.CloseInvalidPayload, "compressed data ends in the middle of a block"}          // 7.2.1
	ErrDistance  = &Error{frame.CloseInvalidPayload, "compressed data refers to octets outside of the window"} // 7.1.1, 7.1.2
	ErrTooLong   = &Error{frame.CloseTooBig, "decompressed message longer than the limit"}                     // 8
)
