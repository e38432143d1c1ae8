package testee

import (
	"encoding/binary"

	"github.com/idlewire/idlewire/frame"
)

// receiveClose takes the body of a Close.
func (p *Peer) receiveClose(body []byte) {
	check := p.kind.check
	goodCode := isGoodCode
	if p.kind.goodCode != nil {
		goodCode = p.kind.goodCode
	}
	switch {
	case len(body) == 1 && p.breaks(oneOctetClose),
		len(body) >= 2 && !goodCode(binary.BigEndian.Uint16(body)) && p.breaks(badCode),
		len(body) > 2 && !(check.add(body[2:]) && check.whole()) && p.breaks(badReason):
		return
	}
	if p.kind.closed != nil {
		p.kind.closed(p, body)
	} else {
		p.answer(body)
	}
}

// answer ends the connection after a Close that was good: with a reply, the code that came (5.5.1), unless our own Close came first.
func (p *Peer) answer(body []byte) {
	switch {
	case len(body) > 2:
		body = body[:2]
	case len(body) == 1: // it passed
		body = closeBody(uint16(frame.CloseNormal))
	}
	p.reply(body)
}

// reply sends a Close with the given body, unless one was sent before, and is done with the connection.
func (p *Peer) reply(body []byte) {
	if !p.sentClose {
		p.sendClose(body)
	}
	p.finish()
}

// sendClose sends a Close. What comes is still worked on.
func (p *Peer) sendClose(body []byte) {
	p.sentClose = true
	p.send(frame.Close, body)
}

// finish closes TCP, as the server at once, as the client when the server has had the time to (7.1.1).
func (p *Peer) finish() {
	p.deaf = true
	if p.role == Server {
		p.drop()
		return
	}
	p.after(closeWait, p.drop)
}

// fail fails the connection (7.1.7).
func (p *Peer) fail(b breach) {
	if p.kind.failed != nil {
		p.kind.failed(p, b)
		return
	}
	p.failWith(b)
}

func (p *Peer) failWith(b breach) {
	code := b.code()
	if p.kind.failCode != nil {
		code = p.kind.failCode(b)
	}
	// 7.1.7: "An endpoint MUST NOT continue to attempt to process data (including a responding Close frame)".
	p.reply(closeBody(code))
}

// closeBody is the body of a Close with a code, which may be any.
func closeBody(code uint16) []byte { return binary.BigEndian.AppendUint16(nil, code) }
