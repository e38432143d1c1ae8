package conn

import (
	"unicode/utf8"

	"github.com/idlewire/idlewire/frame"
)

// oracle says what RFC 6455 wants a receiver to make of a stream. It shares no code with the machine or with package frame, only
// the names of the breaches: it looks at the whole stream at once, keeps everything, copies everything, and is written down from the text.
// maxMessage and maxFrames are limits of the receiver (10.4).
func oracle(receiver Role, maxMessage uint64, maxFrames int, s []byte) (msgs []Message, breach error) {
	var message []byte   // payload of the message under assembly
	var kind, frames int // its opcode, 0 if there is none; its frames

	for {
		// 5.2: FIN, RSV1-3, opcode
		if len(s) < 1 {
			return msgs, nil
		}
		fin, rsv, opcode := s[0] >= 0x80, s[0]/16%8, int(s[0]%16)
		control := opcode >= 8
		switch {
		case rsv != 0: // "MUST be 0 unless an extension is negotiated"
			return msgs, frame.ErrReservedBits
		case opcode >= 3 && opcode <= 7, opcode >= 11: // "reserved for further frames"
			return msgs, frame.ErrReservedOpcode
		case control && !fin: // 5.5: "MUST NOT be fragmented"
			return msgs, frame.ErrControlFragmented
		}

		// 5.2: MASK, payload length
		if len(s) < 2 {
			return msgs, nil
		}
		masked, length := s[1] >= 0x80, uint64(s[1]%128)
		switch {
		case receiver == Server && !masked: // 5.1: "a client MUST mask all frames"
			return msgs, frame.ErrMaskRequired
		case receiver == Client && masked: // 5.1: "A server MUST NOT mask any frames"
			return msgs, frame.ErrMaskForbidden
		case control && length > 125: // 5.5: "MUST have a payload length of 125 bytes or less"
			return msgs, frame.ErrControlTooLong
		}
		s = s[2:]
		var extended, least uint64
		switch length {
		case 126: // "the following 2 bytes"
			extended, least = 2, 126
		case 127: // "the following 8 bytes"
			extended, least = 8, 65536
		}
		if extended > 0 {
			length = 0
			for i := range extended {
				if i >= uint64(len(s)) {
					return msgs, nil
				}
				length = length*256 + uint64(s[i])
				switch {
				case extended == 8 && i == 0 && s[0] >= 0x80: // "the most significant bit MUST be 0"
					return msgs, frame.ErrLengthOverflow
				case extended == 8 && i == 5 && length == 0, // two more bytes cannot make it 65536
					i == extended-1 && length < least: // "the minimal number of bytes MUST be used"
					return msgs, frame.ErrLengthNotMinimal
				}
			}
			s = s[extended:]
		}
		var key [4]byte
		if masked {
			if len(s) < 4 {
				return msgs, nil
			}
			copy(key[:], s)
			s = s[4:]
		}

		// 5.4: fragmentation; 10.4: limits
		if !control {
			switch {
			case opcode == 0 && kind == 0:
				return msgs, frame.ErrUnexpectedContinuation
			case opcode != 0 && kind != 0:
				return msgs, frame.ErrExpectedContinuation
			case length > maxMessage-uint64(len(message)):
				return msgs, frame.ErrMessageTooBig
			case frames == maxFrames:
				return msgs, frame.ErrTooManyFragments
			}
			frames++
			if opcode != 0 {
				kind = opcode
			}
		}

		// 5.3: "transformed-octet-i = original-octet-i XOR masking-key-octet-j", j = i MOD 4
		payload := make([]byte, min(length, uint64(len(s))))
		for i := range payload {
			payload[i] = s[i] ^ key[i%4]
		}
		s = s[len(payload):]
		whole := uint64(len(payload)) == length

		if control {
			if !whole {
				return msgs, nil
			}
			msgs = append(msgs, Message{Op: frame.Opcode(opcode), Payload: payload})
			if opcode != 8 {
				continue
			}
			if breach := oracleClose(payload); breach != nil {
				return msgs[:len(msgs)-1], breach
			}
			return msgs, nil // 5.5.1: nothing follows a Close
		}
		message = append(message, payload...)
		if kind == 1 && !oracleText(message, whole && fin) { // 8.1
			return msgs, frame.ErrInvalidUTF8
		}
		if !whole {
			return msgs, nil
		}
		if fin {
			msgs = append(msgs, Message{Op: frame.Opcode(kind), Payload: message})
			message, kind, frames = nil, 0, 0
		}
	}
}

// oracleText reports whether b is UTF-8 or, unless it is the end, may become UTF-8.
func oracleText(b []byte, end bool) bool {
	for len(b) > 0 {
		r, n := utf8.DecodeRune(b)
		if r == utf8.RuneError && n == 1 {
			return !end && !utf8.FullRune(b)
		}
		b = b[n:]
	}
	return true
}

// oracleClose checks the payload of a Close: 5.5.1, 7.4.
func oracleClose(b []byte) error {
	if len(b) == 0 {
		return nil
	}
	if len(b) == 1 { // "the first two bytes of the body MUST be a 2-byte unsigned integer"
		return frame.ErrCloseLength
	}
	if !oracleCode(int(b[0])*256 + int(b[1])) {
		return frame.ErrCloseCode
	}
	if !utf8.Valid(b[2:]) {
		return frame.ErrCloseReason
	}
	return nil
}

// oracleCode reports whether a code may stand in a Close: 7.4.1 and 7.4.2, and the IANA registry for 1012 to 1014.
func oracleCode(code int) bool {
	switch code {
	case 1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014:
		return true
	case 1004, 1005, 1006, 1015: // reserved; "MUST NOT be set as a status code in a Close control frame by an endpoint"
		return false
	}
	return code >= 3000 && code <= 4999 // registered, private
}
