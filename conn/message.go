package conn

import "github.com/idlewire/idlewire/frame"

// A Message is what one endpoint says to the other: a data message or a control frame (RFC 6455, section 5.4).
// The zero Message is none.
type Message struct {
	Op      frame.Opcode // Text, Binary, Close, Ping or Pong; 0: no message
	More    bool         // only from ReceivePart: this is a piece, and not the last of its message
	Payload []byte       // in clear; whoever gives the Message says how long it is valid
}

// Close returns the code and the reason of a Close message. Without a payload the code
// is frame.CloseNoStatus; so it is for messages that are no Close or no valid one.
func (m Message) Close() (frame.CloseCode, string) {
	if m.Op != frame.Close {
		return frame.CloseNoStatus, ""
	}
	code, reason, err := frame.ParseClose(m.Payload)
	if err != nil {
		return frame.CloseNoStatus, ""
	}
	return code, string(reason)
}
