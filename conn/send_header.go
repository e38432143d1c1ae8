package conn

import "github.com/idlewire/idlewire/frame"

// AppendMessageHeader appends to dst the header of one data message of n bytes, for a driver that sends
// the payload from where it lies. Exactly n bytes of payload must follow. Only a server may: a client masks its payload (RFC 6455, section 5.1).
func (p *Protocol) AppendMessageHeader(dst []byte, op frame.Opcode, n int) ([]byte, error) {
	if p.Role == Client {
		return dst, errClientShares
	}
	if err := p.mayBegin(op); err != nil {
		return dst, err
	}
	return frame.Header{Opcode: op, Fin: true, Length: int64(n)}.Append(dst), nil
}

// AppendAloneHeader is AppendMessageHeader for a message that Compressor.Alone has compressed to n bytes. payload is the message in clear. With the header
// the message counts as sent.
func (p *Protocol) AppendAloneHeader(dst []byte, op frame.Opcode, payload []byte, n int) ([]byte, error) {
	if p.Role == Client {
		return dst, errClientShares
	}
	if err := p.mayBegin(op); err != nil {
		return dst, err
	}
	p.Compressor.Sent(payload)
	return frame.Header{Opcode: op, Fin: true, Rsv: frame.Rsv1, Length: int64(n)}.Append(dst), nil
}
