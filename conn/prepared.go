package conn

import "github.com/idlewire/idlewire/frame"

// A Prepared is a data message to be sent on many connections, framed once, and compressed once for each set of parameters that
// connections have agreed on. Any number of goroutines may use it.
type Prepared struct {
	wire  []byte // the whole frame as servers send it, not compressed: header, payload
	head  int    // size of the header
	op    frame.Opcode
	forms forms // the same compressed
}

// Prepare returns the message with a copy of payload. op is Text or Binary, else the error is frame.ErrNotSendable. The
// payload of a Text must be UTF-8, which Prepare does not check.
func Prepare(op frame.Opcode, payload []byte) (*Prepared, error) {
	if !op.IsData() {
		return nil, ErrOpcode
	}
	h := frame.Header{Length: int64(len(payload)), Opcode: op, Fin: true}
	head := h.Size()
	wire := make([]byte, 0, head+len(payload))
	return &Prepared{wire: frame.Append(wire, h, payload), head: head, op: op}, nil
}

// Size returns how many bytes the message takes on the way to a client, its header included, at most: compressed it takes less.
func (m *Prepared) Size() int { return len(m.wire) }

// PreparedFrame returns the bytes of m, for a server to send as they are. They are the same for all connections with the same parameters:
// they must not be modified, and are valid for ever; and they must be sent, or Unsent called. The error is that of AppendMessage; a client gets frame.ErrNotSendable, because
// it has to mask, and uses AppendPrepared.
func (p *Protocol) PreparedFrame(m *Prepared) ([]byte, error) {
	if p.Role == Client {
		return nil, errClientShares
	}
	if err := p.mayBegin(m.op); err != nil {
		return nil, err
	}
	if p.Compressor != nil {
		if x := m.form(p.Compressor.Alone()); x.wire != nil {
			p.Compressor.Sent(m.wire[m.head:])
			return x.wire, nil
		}
	}
	return m.wire, nil
}

// AppendPrepared appends m to dst, in either role. The error is that of AppendMessage.
func (p *Protocol) AppendPrepared(dst []byte, m *Prepared) ([]byte, error) {
	if err := p.mayBegin(m.op); err != nil {
		return dst, err
	}
	h := p.outHeader(m.op, true)
	if p.Compressor != nil {
		if x := m.form(p.Compressor.Alone()); x.wire != nil {
			p.Compressor.Sent(m.wire[m.head:])
			h.Rsv = frame.Rsv1
			return frame.Append(dst, h, x.wire[x.head:]), nil
		}
	}
	return frame.Append(dst, h, m.wire[m.head:]), nil
}
