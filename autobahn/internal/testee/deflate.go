package testee

import (
	"errors"

	"github.com/idlewire/idlewire/autobahn/internal/deflate"
	"github.com/idlewire/idlewire/frame"
	"github.com/idlewire/idlewire/handshake"
)

// Compression is permessage-deflate (RFC 7692) at work on a connection. The two directions have a Codec each, so that a Kind can have one go wrong.
type compression struct {
	in, out *deflate.Codec
	fresh   bool // the message that comes is compressed
}

// Offers returns the extensions that a client asks for; none if its Kind does not compress.
func (p *Peer) Offers() []handshake.Extension {
	if !p.kind.Compresses {
		return nil
	}
	return deflate.Offers("12") // whatever a server may want of it
}

// Answer returns what a server agrees to of what a client offers: all that the client wants of it. It asks for nothing itself.
func (p *Peer) Answer(offers []handshake.Extension) (answer []handshake.Extension, agreed *deflate.Params) {
	if !p.kind.Compresses {
		return nil, nil
	}
	answer, agreed, err := deflate.Accept("12", offers)
	if err != nil {
		return nil, nil
	}
	return answer, agreed
}

// Agreed says what was agreed in the opening handshake; nil is no compression.
func (p *Peer) Agreed(params *deflate.Params) {
	if params == nil {
		return
	}
	in, out := *params, *params
	if p.kind.inflating != nil {
		p.kind.inflating(p.role, &in)
	}
	if p.kind.deflating != nil {
		p.kind.deflating(p.role, &out)
	}
	p.deflate = &compression{in: deflate.New(in, p.role == Client), out: deflate.New(out, p.role == Client)}
}

// inflate makes the message that has come what it stands for. It is not ok if that failed the connection.
func (p *Peer) inflate() (ok bool) {
	if p.deflate == nil || !p.deflate.fresh || p.kind.neverInflates {
		return true
	}
	limit := MaxMessage
	if p.kind.maxMessage > 0 {
		limit = int(p.kind.maxMessage)
	}
	b, err := p.deflate.in.Decompress(nil, p.message, limit)
	switch {
	case errors.Is(err, deflate.ErrTooLong):
		p.fail(tooBig)
		return false
	case err != nil:
		p.fail(badDeflate)
		return false
	}
	p.message = b
	if p.op == frame.Text {
		check := p.kind.check
		if !(check.add(b) && check.whole()) && p.breaks(badText) {
			return false
		}
	}
	return true
}

// echo sends a message back, compressed if that was agreed.
func (p *Peer) echo(op frame.Opcode, payload []byte) {
	if p.deflate == nil || p.kind.neverDeflates {
		p.send(op, payload)
		return
	}
	p.sendFrame(frame.Header{Opcode: op, Fin: true, Rsv: frame.Rsv1}, p.squeeze(payload))
}

func (p *Peer) squeeze(payload []byte) []byte {
	b, err := p.deflate.out.Compress(nil, payload)
	if err != nil {
		panic(err) // it writes to memory
	}
	return b
}
