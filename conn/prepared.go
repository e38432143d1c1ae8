package conn

import "github.com/idlewire/idlewire/frame"

// A Prepared is a message to be sent to many.
type Prepared struct {
	wire []byte // the frame as a server sends it
	head int    // size of its header
	op   frame.Opcode
}

// Prepare copies payload into a frame that any number of connections may send, at the same time.
func Prepare(op frame.Opcode, payload []byte) (*Prepared, error) {
	if !op.IsData() {
		return nil, ErrOpcode
	}
	h := frame.Header{Length: int64(len(payload)), Opcode: op, Fin: true}
	n := h.Size()
	return &Prepared{frame.Append(make([]byte, 0, n+len(payload)), h, payload), n, op}, nil
}

// PreparedFrame returns the bytes of m as a server sends them. They are shared: do not modify them.
func (p *Protocol) PreparedFrame(m *Prepared) ([]byte, error) {
	if p.Role == Client {
		return nil, ErrClientShares
	}
	if err := p.mayBegin(m.op); err != nil {
		return nil, err
	}
	return m.wire, nil
}

// AppendPrepared appends m to dst, in either role.
func (p *Protocol) AppendPrepared(dst []byte, m *Prepared) ([]byte, error) {
	return p.AppendMessage(dst, m.op, m.wire[m.head:])
}
