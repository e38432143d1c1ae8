package testee

import "github.com/idlewire/idlewire/frame"

// A breach is a set of ways to break RFC 6455.
type breach uint32

const (
	rsv1              breach = 1 << iota // 5.2: a reserved bit
	rsv2                                 // 5.2
	rsv3                                 // 5.2
	reservedData                         // 5.2: opcodes 3 to 7
	reservedControl                      // 5.2: opcodes 11 to 15
	fragmentedControl                    // 5.5
	longControl                          // 5.5
	wrongMasking                         // 5.1: masked by a server, or not by a client
	longForm                             // 5.2: a length not in its shortest form
	hugeLength                           // 5.2: the most significant bit of 64
	strayContinuation                    // 5.4
	innerMessage                         // 5.4: a new message inside a fragmented one
	badText                              // 8.1
	unfinishedText                       // 8.1: it ends inside a character
	oneOctetClose                        // 5.5.1
	badCode                              // 7.4
	badReason                            // 5.5.1: not UTF-8
	tooBig                               // 10.4: a limit of our own
	tooManyFragments                     // likewise
	badDeflate                           // RFC 7692, 7.2

	anything = 1<<iota - 1
	rsv      = rsv1 | rsv2 | rsv3
)

// code is the close code for a breach (7.4.1).
func (b breach) code() uint16 {
	switch b {
	case badText, unfinishedText, badReason, badDeflate:
		return uint16(frame.CloseInvalidPayload)
	case tooBig:
		return uint16(frame.CloseTooBig)
	case tooManyFragments:
		return uint16(frame.ClosePolicyViolation)
	}
	return uint16(frame.CloseProtocolError)
}

// isGoodCode reports whether a Close may have that code on the wire (7.4).
func isGoodCode(code uint16) bool {
	switch {
	case code >= 1000 && code <= 1014:
		return code < 1004 || code > 1006 // 7.4.1: reserved, or never on the wire; those above 1011 are IANA's
	}
	return code >= 3000 && code <= 4999 // 7.4.2
}
