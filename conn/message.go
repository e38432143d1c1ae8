package conn

import "github.com/idlewire/idlewire/frame"

// A Message is what one endpoint says to the other: a data message or a control frame (RFC 6455, sections 5.5 and 5.6).
// The zero Message is none.
type Message struct {
	Op      frame.Opcode // Text, Binary, Close, Ping or Pong; 0: no message
	More    bool         // only from ReceivePart: a piece, and not the last of its message
	Payload []byte       // in clear; who gives the Message says how long it is valid
}

// Close returns the code and the reason of a Close message. The code is frame.CloseNoStatus if the Close has
// none (7.1.5), and for anything that is not a valid Close. The reason is a copy.
func (m Message) Close() (code frame.CloseCode, reason string) {
	if m.Op != frame.Close {
		return frame.CloseNoStatus, ""
	}
	code, text, err := frame.ParseClose(m.Payload)
	if err != nil {
		return frame.CloseNoStatus, ""
	}
	return code, string(text)
}
