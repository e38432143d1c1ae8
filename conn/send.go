package conn

import "github.com/idlewire/idlewire/frame"

// sent is the state of the sending half.
type sent byte

const (
	closeSent   sent = 1 << iota // our Close has been appended; nothing may follow it: 5.5.1
	messageOpen                  // a fragmented message has been begun and not finished: 5.4
)

// AppendMessage appends to dst one data message. It does not modify payload.
func (p *Protocol) AppendMessage(dst []byte, op frame.Opcode, payload []byte) ([]byte, error) {
	if err := p.mayBegin(op); err != nil {
		return dst, err
	}
	return p.append(dst, op, true, payload), nil
}

// AppendFragment appends to dst one fragment of a data message. The first has the message's op, Text or Binary;
// those that follow have Continuation; fin marks the last. Control frames may come in between.
func (p *Protocol) AppendFragment(dst []byte, op frame.Opcode, fin bool, payload []byte) ([]byte, error) {
	if op == frame.Continuation {
		switch {
		case p.sent&closeSent != 0:
			return dst, ErrCloseSent
		case p.sent&messageOpen == 0:
			return dst, ErrNoMessage
		}
	} else if err := p.mayBegin(op); err != nil {
		return dst, err
	}
	if fin {
		p.sent &^= messageOpen
	} else {
		p.sent |= messageOpen
	}
	return p.append(dst, op, fin, payload), nil
}

// AppendPing appends to dst a ping with a payload of at most 125 bytes.
func (p *Protocol) AppendPing(dst, payload []byte) ([]byte, error) {
	return p.appendControl(dst, frame.Ping, payload)
}

// AppendPong appends to dst a pong with a payload of at most 125 bytes.
func (p *Protocol) AppendPong(dst, payload []byte) ([]byte, error) {
	return p.appendControl(dst, frame.Pong, payload)
}

// AppendClose appends to dst a Close. After it nothing can be appended.
func (p *Protocol) AppendClose(dst []byte, code frame.CloseCode, reason string) ([]byte, error) {
	var store [frame.MaxControlPayload]byte
	payload, err := frame.AppendClose(store[:0], code, reason)
	if err != nil {
		return dst, err
	}
	dst, err = p.appendControl(dst, frame.Close, payload)
	if err == nil {
		p.sent |= closeSent
	}
	return dst, err
}

// AppendReply appends to dst what RFC 6455 obliges an endpoint to answer to m: a pong to
// a ping (5.5.2), the echo of a close (5.5.1), and nothing to anything else.
func (p *Protocol) AppendReply(dst []byte, m Message) []byte {
	switch m.Op {
	case frame.Ping:
		dst, _ = p.AppendPong(dst, m.Payload)
	case frame.Close:
		if code, _, err := frame.ParseClose(m.Payload); err == nil {
			dst, _ = p.AppendClose(dst, code, "")
		}
	}
	return dst
}

func (p *Protocol) mayBegin(op frame.Opcode) error {
	switch {
	case !op.IsData():
		return ErrOpcode
	case p.sent == 0:
		return nil
	case p.sent&closeSent != 0:
		return ErrCloseSent
	}
	return ErrMessageOpen
}

func (p *Protocol) appendControl(dst []byte, op frame.Opcode, payload []byte) ([]byte, error) {
	switch {
	case len(payload) > frame.MaxControlPayload:
		return dst, ErrControlSize
	case p.sent&closeSent != 0:
		return dst, ErrCloseSent
	}
	return p.append(dst, op, true, payload), nil
}

func (p *Protocol) append(dst []byte, op frame.Opcode, fin bool, payload []byte) []byte {
	h := frame.Header{Opcode: op, Fin: fin}
	if p.Role == Client {
		h.Masked, h.Key = true, p.Options.maskKey()
	}
	return frame.Append(dst, h, payload)
}
