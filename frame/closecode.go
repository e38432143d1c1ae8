package frame

import (
	"encoding/binary"
	"strconv"
	"unicode/utf8"
)

// A CloseCode says why a connection ends (section 7.4). On the wire it is the first two octets of
// the payload of a Close frame, in network byte order.
//
//	   0- 999  not used
//	1000-1015  below
//	1016-2999  reserved for the protocol and its extensions
//	3000-3999  registered with IANA by libraries and frameworks
//	4000-4999  free for programs that agree on them
//	5000-      undefined
type CloseCode uint16

// The close codes of section 7.4.1, and those that IANA registered since then: 1012 to 1014. 1004 is
// reserved.
const (
	CloseNormal             CloseCode = 1000 // the purpose is fulfilled
	CloseGoingAway          CloseCode = 1001 // a server going down, a browser leaving the page
	CloseProtocolError      CloseCode = 1002
	CloseUnsupportedData    CloseCode = 1003 // a type of data that the endpoint cannot accept
	CloseNoStatus           CloseCode = 1005 // never on the wire: the Close had no code
	CloseAbnormal           CloseCode = 1006 // never on the wire: there was no Close
	CloseInvalidPayload     CloseCode = 1007 // such as text that is not UTF-8
	ClosePolicyViolation    CloseCode = 1008
	CloseTooBig             CloseCode = 1009
	CloseMandatoryExtension CloseCode = 1010 // from a client: the server did not negotiate an extension that it needs
	CloseInternalError      CloseCode = 1011 // an unexpected condition, such as a panic
	CloseServiceRestart     CloseCode = 1012
	CloseTryAgainLater      CloseCode = 1013
	CloseBadGateway         CloseCode = 1014
	CloseTLSHandshake       CloseCode = 1015 // never on the wire: there was no TLS
)

// Sendable reports whether a Close frame may carry c: 1000-1003, 1007-1014, 3000-4999.
func (c CloseCode) Sendable() bool { return c.onWire() }

// Receivable reports whether the peer may send c. Today that is what [CloseCode.Sendable] says of us.
func (c CloseCode) Receivable() bool { return c.onWire() }

func (c CloseCode) onWire() bool {
	switch {
	case 1000 <= c && c <= 1003:
		return true
	case 1004 <= c && c <= 1006:
		// 7.4.1: 1004 is reserved; 1005 and 1006 "MUST NOT be set as a status code in a Close control frame".
		return false
	case 1007 <= c && c <= 1011:
		return true
	case 1012 <= c && c <= 1014:
		// Not in the RFC, but in the registry that it founded (11.7), for either side to send.
		return true
	case 3000 <= c && c <= 4999:
		// 7.4.2: registered, or private. What they mean is not for this protocol to say.
		return true
	}
	// 7.4.1: 1015 is like 1005. 7.4.2: 0-999 "are not used", 1016-2999 "are reserved".
	return false
}

// String returns the number and the name, such as "1002 protocol error", or for a code that the registry does
// not name the number alone.
func (c CloseCode) String() string {
	switch c {
	case CloseNormal:
		return "1000 normal closure"
	case CloseGoingAway:
		return "1001 going away"
	case CloseProtocolError:
		return "1002 protocol error"
	case CloseUnsupportedData:
		return "1003 unsupported data"
	case 1004:
		return "1004 reserved"
	case CloseNoStatus:
		return "1005 no status received"
	case CloseAbnormal:
		return "1006 abnormal closure"
	case CloseInvalidPayload:
		return "1007 invalid frame payload data"
	case ClosePolicyViolation:
		return "1008 policy violation"
	case CloseTooBig:
		return "1009 message too big"
	case CloseMandatoryExtension:
		return "1010 mandatory extension"
	case CloseInternalError:
		return "1011 internal error"
	case CloseServiceRestart:
		return "1012 service restart"
	case CloseTryAgainLater:
		return "1013 try again later"
	case CloseBadGateway:
		return "1014 bad gateway"
	case CloseTLSHandshake:
		return "1015 TLS handshake"
	case 3000:
		return "3000 unauthorized"
	case 3003:
		return "3003 forbidden"
	case 3008:
		return "3008 timeout"
	}
	return strconv.Itoa(int(c))
}

// ParseClose parses the payload of a Close frame, unmasked: nothing, or a code and after it a reason in
// UTF-8. For nothing the code is [CloseNoStatus], as section 7.1.5 wants. The reason points into payload, and
// is as long valid.
//
// A payload of one octet is [ErrCloseLength], one of more than 125 [ErrControlTooLong]; a code that is not
// [CloseCode.Receivable] is [ErrCloseCode]; a reason that is not UTF-8 is [ErrCloseReason]. Then code is 0
// and reason nil.
func ParseClose(payload []byte) (code CloseCode, reason []byte, err error) {
	switch {
	case len(payload) == 0:
		return CloseNoStatus, nil, nil
	case len(payload) == 1:
		// 5.5.1: "If there is a body, the first two bytes of the body MUST be a 2-byte unsigned integer".
		return 0, nil, ErrCloseLength
	case len(payload) > MaxControlPayload:
		return 0, nil, ErrControlTooLong // 5.5
	}
	code, reason = CloseCode(binary.BigEndian.Uint16(payload)), payload[2:]
	if !code.Receivable() {
		return 0, nil, ErrCloseCode
	}
	if !ValidUTF8(reason) {
		// 5.5.1: "the body MAY contain UTF-8-encoded data". 8.1 says what else is.
		return 0, nil, ErrCloseReason
	}
	return code, reason, nil
}

// AppendClose appends to dst the payload of a Close frame, 0 to 125 octets, and returns the longer slice.
// [CloseNoStatus] without a reason is the empty payload.
//
// If code is not [CloseCode.Sendable], or reason is not UTF-8 or longer than 123 octets, the error is
// [ErrNotSendable] and dst is returned as it was.
func AppendClose(dst []byte, code CloseCode, reason string) ([]byte, error) {
	switch {
	case code == CloseNoStatus && reason == "":
		return dst, nil
	case !code.Sendable():
		return dst, errSendCode // a reason without a code there is not: 5.5.1
	case len(reason) > MaxControlPayload-2:
		return dst, errSendReasonLong
	case !utf8.ValidString(reason):
		return dst, errSendReason
	}
	dst = append(dst, byte(code>>8), byte(code))
	return append(dst, reason...), nil
}
