package golibs

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"unicode/utf8"
)

// Opcodes, RFC 6455, 11.8.
const (
	opContinuation = 0x0
	opText         = 0x1
	opBinary       = 0x2
	opClose        = 0x8
	opPing         = 0x9
	opPong         = 0xa
)

// A wireFrame is one frame as it stood in the bytes. The payload is unmasked.
type wireFrame struct {
	op      byte
	fin     bool
	packed  bool // RSV1: the message is compressed
	payload []byte
	whole   []byte // of the last frame of a data message: all of the message, inflated

	farthest, back int // and how far back it referred, and how many octets came from earlier messages
}

// afterHead returns what follows the opening handshake in b, and the handshake's head.
func afterHead(b []byte) (head, rest []byte, ok bool) {
	i := bytes.Index(b, []byte("\r\n\r\n"))
	if i < 0 {
		return b, nil, false
	}
	return b[:i+4], b[i+4:], true
}

// readFrames reads the frames that b holds, b being all that one endpoint said after its handshake. masked says whether that endpoint is a client, 5.1.
// x inflates; it is nil if there is no agreement on compression.
// It is slow and plain on purpose: it is the judge. It returns the frames before the first fault, and the octets of an unfinished last frame.
func readFrames(b []byte, masked bool, x *inflater) (frames []wireFrame, rest []byte, err error) {
	open := false // a fragmented message is being sent, 5.4
	var whole []byte
	isText, packed, closed := false, false, false
	for len(b) > 0 {
		fault := func(section, what string) ([]wireFrame, []byte, error) {
			return frames, b, fmt.Errorf("%s: %s, in the frame % x", section, what, b[:min(16, len(b))])
		}
		if closed {
			return fault("5.5.1", "a frame after Close")
		}
		if len(b) < 2 {
			return frames, b, nil
		}
		f := wireFrame{op: b[0] & 0x0f, fin: b[0]&0x80 != 0}
		switch {
		case b[0]&0x70 == 0x40 && x != nil && (f.op == opText || f.op == opBinary):
			f.packed = true // RFC 7692, 6
		case b[0]&0x70 == 0x40 && x != nil:
			return fault("RFC 7692, 6.1", "RSV1 on a frame that begins no message")
		case b[0]&0x70 != 0:
			return fault("5.2", "reserved bits without an extension")
		}
		if (b[1]&0x80 != 0) != masked {
			return fault("5.1", "mask in the wrong direction")
		}
		n, size := uint64(b[1]&0x7f), 2
		switch n {
		case 126:
			if size = 4; len(b) < size {
				return frames, b, nil
			}
			if n = uint64(binary.BigEndian.Uint16(b[2:])); n < 126 {
				return fault("5.2", "length not minimal")
			}
		case 127:
			if size = 10; len(b) < size {
				return frames, b, nil
			}
			if n = binary.BigEndian.Uint64(b[2:]); n < 1<<16 || n>>63 != 0 {
				return fault("5.2", "length not minimal, or its highest bit is set")
			}
		}
		var key [4]byte
		if masked {
			if len(b) < size+4 {
				return frames, b, nil
			}
			copy(key[:], b[size:])
			size += 4
		}
		if f.op >= opClose {
			if n > 125 || !f.fin {
				return fault("5.5", "a control frame that is long or fragmented")
			}
		}
		if uint64(len(b)-size) < n {
			return frames, b, nil
		}
		f.payload = bytes.Clone(b[size : size+int(n)])
		for i := range f.payload {
			f.payload[i] ^= key[i%4]
		}
		switch f.op {
		case opText, opBinary:
			if open {
				return fault("5.4", "a new message inside a fragmented one")
			}
			open, isText, packed, whole = !f.fin, f.op == opText, f.packed, bytes.Clone(f.payload)
		case opContinuation:
			if !open {
				return fault("5.4", "a continuation of nothing")
			}
			open = !f.fin
			whole = append(whole, f.payload...)
		case opClose:
			if _, _, err := parseClose(f.payload); err != nil {
				return fault("5.5.1", err.Error())
			}
			closed = true
		case opPing, opPong:
		default:
			return fault("5.2", "reserved opcode")
		}
		if f.op < opClose && f.fin {
			if packed {
				if whole, err = x.message(whole); err != nil {
					return fault("RFC 7692", err.Error())
				}
				f.farthest, f.back = x.farthest, x.back
			}
			if f.whole = whole; isText && !utf8.Valid(whole) {
				return fault("8.1", "text that is not UTF-8")
			}
		}
		frames = append(frames, f)
		b = b[size+int(n):]
	}
	return frames, nil, nil
}

// parseClose returns code and reason of a Close payload; code 1005 if there is none, 7.1.5.
func parseClose(b []byte) (code int, reason string, err error) {
	switch {
	case len(b) == 0:
		return 1005, "", nil
	case len(b) == 1:
		return 0, "", errors.New("Close with one octet")
	}
	code = int(binary.BigEndian.Uint16(b))
	switch {
	case code < 1000, code >= 1015 && code < 3000, code >= 5000, code == 1004, code == 1005, code == 1006: // 7.4.1, 7.4.2
		return code, "", fmt.Errorf("Close with code %d", code)
	case !utf8.Valid(b[2:]):
		return code, "", errors.New("Close whose reason is not UTF-8")
	}
	return code, string(b[2:]), nil
}

// closeOf returns the Close among frames.
func closeOf(frames []wireFrame) (code int, reason string, ok bool) {
	for _, f := range frames {
		if f.op == opClose {
			code, reason, _ = parseClose(f.payload)
			return code, reason, true
		}
	}
	return 0, "", false
}

// payloadsOf returns the payloads of all frames with this opcode, in order.
func payloadsOf(frames []wireFrame, op byte) (all [][]byte) {
	for _, f := range frames {
		if f.op == op {
			all = append(all, f.payload)
		}
	}
	return all
}

// tail shows the end of b, for a message about a failure.
func tail(b []byte) string {
	const n = 96
	if len(b) > n {
		return fmt.Sprintf("%d octets, the last %d: %s", len(b), n, hex.EncodeToString(b[len(b)-n:]))
	}
	return fmt.Sprintf("%d octets: %s", len(b), hex.EncodeToString(b))
}
