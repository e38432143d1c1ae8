package frame

import (
	"encoding/binary"
	"strconv"
	"unicode/utf8"
)

// A CloseCode says why a connection ends (section 7.4).
type CloseCode uint16

// The close codes of RFC 6455, section 7.4.1, and of the IANA registry.
const (
	CloseNormal             CloseCode = 1000
	CloseGoingAway          CloseCode = 1001
	CloseProtocolError      CloseCode = 1002
	CloseUnsupportedData    CloseCode = 1003
	CloseNoStatus           CloseCode = 1005 // never on the wire
	CloseAbnormal           CloseCode = 1006 // never on the wire
	CloseInvalidPayload     CloseCode = 1007
	ClosePolicyViolation    CloseCode = 1008
	CloseTooBig             CloseCode = 1009
	CloseMandatoryExtension CloseCode = 1010
	CloseInternalError      CloseCode = 1011
	CloseServiceRestart     CloseCode = 1012
	CloseTryAgainLater      CloseCode = 1013
	CloseBadGateway         CloseCode = 1014
	CloseTLSHandshake       CloseCode = 1015 // never on the wire
)

// Sendable reports whether c may stand in a Close frame that we send.
func (c CloseCode) Sendable() bool { return c.onWire() }

// Receivable reports whether c may stand in a Close frame of the peer.
func (c CloseCode) Receivable() bool { return c.onWire() }

func (c CloseCode) onWire() bool {
	return c >= 1000 && c <= 1014 && (c < 1004 || c > 1006) || c >= 3000 && c <= 4999
}

// String returns the number.
func (c CloseCode) String() string { return strconv.Itoa(int(c)) }

// ParseClose parses the payload of a Close frame. The reason points into payload.
// An empty payload is CloseNoStatus.
func ParseClose(payload []byte) (code CloseCode, reason []byte, err error) {
	switch {
	case len(payload) == 0:
		return CloseNoStatus, nil, nil
	case len(payload) > MaxControlPayload:
		return 0, nil, ErrControlTooLong
	case len(payload) == 1:
		return 0, nil, ErrCloseLength
	}
	code, reason = CloseCode(binary.BigEndian.Uint16(payload)), payload[2:]
	if !code.Receivable() {
		return 0, nil, ErrCloseCode
	}
	if !ValidUTF8(reason) {
		return 0, nil, ErrCloseReason
	}
	return code, reason, nil
}

// AppendClose appends the payload of a Close frame to dst.
func AppendClose(dst []byte, code CloseCode, reason string) ([]byte, error) {
	switch {
	case code == CloseNoStatus && reason == "":
		return dst, nil
	case code == CloseNoStatus:
		return dst, errSendNoStatus
	case !code.Sendable():
		return dst, errSendCode
	case len(reason) > MaxControlPayload-2:
		return dst, errSendReasonLong
	case !utf8.ValidString(reason):
		return dst, errSendReason
	}
	return append(binary.BigEndian.AppendUint16(dst, uint16(code)), reason...), nil
}
