package testee

import (
	"encoding/binary"

	"github.com/idlewire/idlewire/frame"
)

// A header is that of a frame that comes.
type header struct {
	fin    bool
	rsv    byte
	op     frame.Opcode
	masked bool
	key    [4]byte
	length uint64
	form   int // octets that the length takes besides the 7 bits
}

// receiveHeader takes octets of a header, and returns what is left of b.
func (p *Peer) receiveHeader(b []byte) []byte {
	size := 2
	for {
		n := min(max(size-len(p.head), 0), len(b))
		p.head = append(p.head, b[:n]...)
		b = b[n:]
		if len(p.head) < size {
			return nil
		}
		if full := headerSize(p.head[1]); full > size {
			size = full
			continue
		}
		break
	}
	h := parseHeader(p.head)
	p.head = p.head[:0]
	p.in, p.got, p.busy, p.keyFrom = h, 0, true, 0
	if p.gathering != 0 && h.op == frame.Continuation {
		p.in.op = p.gathering
	}
	// A frame behind which the connection has failed is read over, if anything is read at all.
	p.skip = p.kind.header != nil && !p.kind.header(p, &p.in) || !p.begin()
	if p.in.length == 0 {
		p.end()
	}
	return b
}

// headerSize is the size of a header with the octet 1 given.
func headerSize(b1 byte) int {
	size := 2
	switch b1 & 0x7f {
	case 126:
		size = 4
	case 127:
		size = 10
	}
	if b1 >= 0x80 {
		size += 4
	}
	return size
}

func parseHeader(b []byte) header {
	h := header{fin: b[0] >= 0x80, rsv: b[0] >> 4 & 7, op: frame.Opcode(b[0] & 15), masked: b[1] >= 0x80, length: uint64(b[1] & 0x7f)}
	switch h.length {
	case 126:
		h.length, h.form = uint64(binary.BigEndian.Uint16(b[2:])), 2
	case 127:
		h.length, h.form = binary.BigEndian.Uint64(b[2:]), 8
	}
	if h.masked {
		copy(h.key[:], b[len(b)-4:])
	}
	return h
}

// breaks reports whether b ends the connection here.
func (p *Peer) breaks(b breach) bool {
	if p.kind.tolerates&b == b {
		return false
	}
	p.fail(b)
	return true
}

// begin checks the header of a frame, and where it stands. It is not ok if that failed the connection.
func (p *Peer) begin() (ok bool) {
	h := &p.in
	for _, bit := range [...]struct {
		rsv byte
		breach
	}{{frame.Rsv1, rsv1}, {frame.Rsv2, rsv2}, {frame.Rsv3, rsv3}} {
		// RFC 7692, 6: RSV1 of the first frame says that the message is compressed.
		compressed := bit.breach == rsv1 && p.deflate != nil && (h.op == frame.Text || h.op == frame.Binary)
		if h.rsv&bit.rsv != 0 && !compressed && p.breaks(bit.breach) {
			return false
		}
	}
	control := h.op&8 != 0
	switch {
	case h.masked != (p.role == Server) && p.breaks(wrongMasking),
		h.op > frame.Binary && !control && p.breaks(reservedData),
		h.op > frame.Pong && p.breaks(reservedControl),
		control && !h.fin && p.breaks(fragmentedControl),
		control && h.length > frame.MaxControlPayload && p.breaks(longControl),
		(h.form == 2 && h.length < 126 || h.form == 8 && h.length < 1<<16) && p.breaks(longForm),
		h.length >= 1<<63 && p.breaks(hugeLength):
		return false
	}
	if h.op >= frame.Close && h.op <= frame.Pong {
		if h.length > MaxControl {
			p.fail(tooBig)
			return false
		}
		if p.gathering == 0 {
			p.control = p.control[:0]
		}
		return true
	}
	return p.beginData()
}

// beginData does likewise for a frame of a message. An opcode that is not defined, if it passes, counts as a continuation.
func (p *Peer) beginData() (ok bool) {
	h := &p.in
	fresh := h.op == frame.Text || h.op == frame.Binary
	switch {
	case fresh && p.inMessage && p.breaks(innerMessage), h.op == frame.Continuation && !p.inMessage && p.breaks(strayContinuation):
		return false
	}
	if fresh || !p.inMessage {
		p.beginMessage(h.op)
	}
	p.start = len(p.message)
	if p.frames++; p.kind.maxFragment > 0 && p.frames > p.kind.maxFragment {
		p.fail(tooManyFragments)
		return false
	}
	limit := uint64(MaxMessage)
	if p.kind.maxMessage > 0 {
		limit = p.kind.maxMessage
	}
	if h.length > limit-min(limit, uint64(len(p.message))) {
		p.fail(tooBig)
		return false
	}
	if p.kind.check.when == perFrame {
		p.text.reset()
	}
	return true
}

func (p *Peer) beginMessage(op frame.Opcode) {
	p.inMessage, p.op, p.message, p.frames = true, op, nil, 0
	p.unchecked = op != frame.Text && !(p.kind.asText && op == frame.Binary)
	p.text.reset()
	if p.deflate != nil {
		p.deflate.fresh = p.in.rsv&frame.Rsv1 != 0
		p.unchecked = p.unchecked || p.deflate.fresh && !p.kind.rawText
	}
}

// receivePayload takes octets of the payload of the current frame, and returns what is left of b.
func (p *Peer) receivePayload(b []byte) []byte {
	n := len(b)
	if left := p.in.length - p.got; uint64(n) > left {
		n = int(left)
	}
	payload := b[:n]
	if p.in.masked {
		for i := range payload {
			payload[i] ^= p.in.key[(p.got-p.keyFrom+uint64(i))&3]
		}
	}
	p.got += uint64(n)
	switch {
	case p.skip:
	case p.in.op >= frame.Close && p.in.op <= frame.Pong:
		p.control = append(p.control, payload...)
	default:
		p.message = append(p.message, payload...)
		if w := p.kind.check.when; (w == atOnce || w == perFrame) && !p.checkText(payload) {
			p.skip = true
		}
	}
	if p.got == p.in.length {
		p.end()
	}
	return b[n:]
}

// checkText reports whether b can stand in a text where it does. If not, the connection has been failed.
func (p *Peer) checkText(b []byte) bool {
	if p.unchecked || p.text.add(b) {
		return true
	}
	p.unchecked = true
	return !p.breaks(badText)
}

// checkWhole does likewise for the end of a text.
func (p *Peer) checkWhole() bool { return p.unchecked || p.text.whole() || !p.breaks(unfinishedText) }

// end is where the current frame is complete.
func (p *Peer) end() {
	p.busy, p.ended = false, true
	if p.skip {
		return
	}
	switch p.in.op {
	case frame.Close, frame.Ping, frame.Pong:
		p.endControl()
		return
	}
	w := p.kind.check.when
	switch {
	case w == frameEnd && !p.checkText(p.message[p.start:]),
		w == perFrame && !p.checkWhole(),
		p.in.fin && w == messageEnd && !p.checkText(p.message),
		p.in.fin && w != perFrame && !p.checkWhole():
		return
	}
	p.inMessage = !p.in.fin
	if p.kind.fragment != nil && !p.kind.fragment(p, p.in.fin) || p.inMessage {
		return
	}
	if !p.inflate() {
		return
	}
	if p.kind.message != nil && !(p.kind.Compresses && p.deflate == nil) { // else it is as without
		p.kind.message(p, p.op, p.message)
	} else {
		p.echo(p.op, p.message)
	}
	p.message = nil
}

func (p *Peer) endControl() {
	op := p.in.op
	if p.kind.gathers && !p.in.fin {
		p.gathering = op
		return
	}
	p.gathering = 0
	switch op {
	case frame.Close:
		p.receiveClose(p.control)
	case frame.Ping:
		if p.kind.ping != nil {
			p.kind.ping(p, p.control)
		} else {
			p.send(frame.Pong, p.control)
		}
	case frame.Pong:
		if p.kind.pong != nil {
			p.kind.pong(p, p.control)
		}
	}
}
