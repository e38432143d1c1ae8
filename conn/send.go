package conn

import "github.com/idlewire/idlewire/frame"

// sent is the state of the sending half. The zero sent: a message may be begun.
type sent byte

const (
	closeSent   sent = 1 << iota // our Close has been appended: 5.5.1, nothing follows it
	messageOpen                  // a fragment has been appended that is not the last of its message
	compressing                  // and it was compressed, as all of them have to be: RFC 7692, 6.1
)

// AppendMessage appends to dst one data message, Text or Binary, and returns the longer slice. It copies payload
// once and does not modify it; payload must not overlap the free part of dst. The payload of a Text must be UTF-8, which
// AppendMessage does not check. With a Compressor the message goes out compressed, if that makes it shorter; it never takes more
// room than without.
//
// If no message may be sent now, it returns dst as it is and an error: ErrCloseSent after our Close, else
// frame.ErrNotSendable for another op or between the fragments of another message. The same holds for all Append methods.
func (p *Protocol) AppendMessage(dst []byte, op frame.Opcode, payload []byte) ([]byte, error) {
	if err := p.mayBegin(op); err != nil {
		return dst, err
	}
	if p.Compressor != nil {
		if b, ok := p.appendDeflated(dst, op, true, payload); ok {
			return b, nil
		}
	}
	return p.append(dst, op, true, payload), nil
}

// AppendFragment appends to dst one fragment of a data message, for a message whose length is not known when
// it begins. op is Text or Binary in the first fragment and Continuation in those that follow; fin marks the
// last. Only control frames may come in between (5.4). A character of a Text may be cut.
func (p *Protocol) AppendFragment(dst []byte, op frame.Opcode, fin bool, payload []byte) ([]byte, error) {
	switch {
	case op != frame.Continuation:
		if err := p.mayBegin(op); err != nil {
			return dst, err
		}
	case p.sent&closeSent != 0:
		return dst, ErrCloseSent
	case p.sent&messageOpen == 0:
		return dst, errNoMessage
	}
	deflated := p.sent&compressing != 0
	b := dst
	if deflated || p.Compressor != nil && op != frame.Continuation {
		b, deflated = p.appendDeflated(dst, op, fin, payload)
	}
	if !deflated {
		b = p.append(dst, op, fin, payload)
	}
	switch {
	case fin:
		p.sent = 0
	case deflated:
		p.sent = messageOpen | compressing
	default:
		p.sent = messageOpen
	}
	return b, nil
}

// AppendPing appends to dst a ping. Its payload, which the pong will carry too, has at most 125 bytes.
func (p *Protocol) AppendPing(dst, payload []byte) ([]byte, error) {
	return p.appendControl(dst, frame.Ping, payload)
}

// AppendPong appends to dst a pong that answers no ping (5.5.3). Its payload has at most 125 bytes.
func (p *Protocol) AppendPong(dst, payload []byte) ([]byte, error) {
	return p.appendControl(dst, frame.Pong, payload)
}

// AppendClose appends to dst our Close, with a code that is Sendable and at most 123 bytes of UTF-8 as reason, or
// with neither: CloseNoStatus and "". It may be called once, also between the fragments of a message; after it nothing
// can be appended.
func (p *Protocol) AppendClose(dst []byte, code frame.CloseCode, reason string) ([]byte, error) {
	if p.sent&closeSent != 0 {
		return dst, ErrCloseSent
	}
	var store [frame.MaxControlPayload]byte
	payload, err := frame.AppendClose(store[:0], code, reason)
	if err != nil {
		return dst, err
	}
	p.sent |= closeSent
	return p.append(dst, frame.Close, true, payload), nil
}

// AppendReply appends to dst what RFC 6455 obliges an endpoint to answer to m: a pong to
// a ping (5.5.2), the echo of a close (5.5.1), and nothing to anything else, nor to what Receive never
// gives, such as a ping of 126 bytes. The echo has the code of m, and no reason. After our Close it appends nothing.
func (p *Protocol) AppendReply(dst []byte, m Message) []byte {
	switch m.Op {
	case frame.Ping:
		dst, _ = p.appendControl(dst, frame.Pong, m.Payload) // 5.5.3: "identical application data"
	case frame.Close:
		if code, _, err := frame.ParseClose(m.Payload); err == nil {
			dst, _ = p.AppendClose(dst, code, "")
		}
	}
	return dst
}

// mayBegin says whether a message of op may be begun.
func (p *Protocol) mayBegin(op frame.Opcode) error {
	switch {
	case !op.IsData():
		return ErrOpcode
	case p.sent&closeSent != 0:
		return ErrCloseSent
	case p.sent&messageOpen != 0:
		return errMessageOpen
	}
	return nil
}

// appendControl appends a Ping or a Pong, which may also stand between fragments (5.4).
func (p *Protocol) appendControl(dst []byte, op frame.Opcode, payload []byte) ([]byte, error) {
	switch {
	case len(payload) > frame.MaxControlPayload: // 5.5
		return dst, errControlSize
	case p.sent&closeSent != 0:
		return dst, ErrCloseSent
	}
	return p.append(dst, op, true, payload), nil
}

// append appends a frame.
func (p *Protocol) append(dst []byte, op frame.Opcode, fin bool, payload []byte) []byte {
	return frame.Append(dst, p.outHeader(op, fin), payload)
}

// outHeader returns the header of a frame of ours.
func (p *Protocol) outHeader(op frame.Opcode, fin bool) frame.Header {
	h := frame.Header{Opcode: op, Fin: fin}
	if p.Role == Client { // 5.1: "a client MUST mask all frames"; 5.3: with a fresh key
		h.Masked, h.Key = true, p.Options.maskKey()
	}
	return h
}
