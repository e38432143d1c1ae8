package autobahn

import (
	"encoding/binary"
	"fmt"
	"time"
	"unicode/utf8"

	"github.com/idlewire/idlewire/frame"
)

// incoming is where in a frame and a message the peer's octets stand. The suite reads frames with code of its own, written to be plain and to go on behind
// breaches, so that no fault of the code that it tests hides itself here.
type incoming struct {
	head []byte // of a header that is not complete

	inFrame bool
	opcode  frame.Opcode
	fin     bool
	rsv     byte
	masked  bool
	mask    [4]byte
	length  uint64 // of the payload
	got     uint64 // octets of it that came; 0 <= got <= length
	first   []byte // for the log
	control []byte // payload of a control frame

	inMessage  bool
	binary     bool
	compressed bool
	text       bool // the octets are validated as UTF-8
	tail       []byte
	badText    bool
	message    []byte
	wire       int // octets of its frames, with their headers
	frames     int
}

// receive takes octets of the peer. They are not kept.
func (s *session) receive(now time.Time, b []byte) {
	s.now = now
	s.moved(now)
	s.countOctetsIn(b)
	if s.greet != nil {
		b = s.receiveAnswer(b)
	}
	if s.greet != nil {
		return
	}
	for s.state != stateClosed {
		if !s.in.inFrame {
			var ok bool
			if b, ok = s.receiveHeader(b); !ok {
				return
			}
		}
		n := min(uint64(len(b)), s.in.length-s.in.got)
		s.receivePayload(b[:n])
		b = b[n:]
		if s.state == stateClosed {
			return
		}
		if s.in.got < s.in.length {
			return
		}
		s.endFrame()
	}
}

// receiveHeader takes octets of a header, and returns what is left of b. It is not ok if b ended first.
func (s *session) receiveHeader(b []byte) (rest []byte, ok bool) {
	in := &s.in
	need := func(n int) bool {
		take := min(max(n-len(in.head), 0), len(b))
		in.head = append(in.head, b[:take]...)
		b = b[take:]
		return len(in.head) >= n
	}
	if !need(2) {
		return nil, false
	}
	size, length := 2, uint64(in.head[1]&0x7f)
	switch length {
	case 126:
		size = 4
	case 127:
		size = 10
	}
	if in.head[1]&0x80 != 0 {
		size += 4
	}
	if !need(size) {
		return nil, false
	}
	h := in.head
	in.fin = h[0]&0x80 != 0
	in.rsv = h[0] >> 4 & 7
	in.opcode = frame.Opcode(h[0] & 0x0f)
	in.masked = h[1]&0x80 != 0
	short := h[1] & 0x7f
	minimal := true
	switch short {
	case 126:
		length = uint64(binary.BigEndian.Uint16(h[2:]))
		minimal = length > 125
	case 127:
		length = binary.BigEndian.Uint64(h[2:])
		minimal = length > 0xffff
	}
	if in.masked {
		copy(in.mask[:], h[size-4:])
	}
	in.head = in.head[:0]
	in.inFrame, in.length, in.got = true, length, 0
	in.first, in.control = nil, nil
	s.checkHeader(short, minimal)
	if s.state == stateClosed {
		return nil, false
	}
	s.beginFrame(size)
	return b, true
}

// checkHeader finds what is wrong with a header, each breach for itself.
func (s *session) checkHeader(short byte, minimal bool) {
	in := &s.in
	deflated := s.codec != nil && in.rsv == frame.Rsv1
	if in.rsv != 0 && !deflated {
		s.breach("reserved bits %03b without an extension", in.rsv) // 5.2
	}
	if in.masked && s.client && !s.opt.AcceptMaskedServerFrames {
		s.breach("masked frame from a server") // 5.1
	}
	if !in.masked && !s.client && s.opt.RequireMaskedClientFrames {
		s.breach("frame from a client that is not masked") // 5.1
	}
	if in.opcode&8 != 0 {
		if !in.fin {
			s.breach("control frame in fragments") // 5.5
		}
		if short > 125 {
			s.breach("control frame with more than 125 octets") // 5.5
		}
		if in.opcode > frame.Pong {
			s.breach("reserved opcode %d", in.opcode) // 5.2
		}
		if in.opcode == frame.Close && in.length == 1 {
			s.breach("Close with a body of one octet") // 5.5.1
		}
		if deflated {
			s.breach("control frame with RSV1") // RFC 7692, 6
		}
	} else {
		if in.opcode > frame.Binary {
			s.breach("reserved opcode %d", in.opcode) // 5.2
		}
		if !in.inMessage && in.opcode == frame.Continuation {
			s.breach("continuation without a message to continue") // 5.4
		}
		if in.inMessage && in.opcode != frame.Continuation {
			s.breach("new message inside a fragmented one") // 5.4
		}
		if deflated && in.opcode == frame.Continuation {
			s.breach("continuation with RSV1") // RFC 7692, 6
		}
	}
	if !minimal {
		s.breach("payload length not in its shortest form") // 5.2
	}
	if in.length > 1<<63-1 {
		s.breach("most significant bit of the payload length set") // 5.2
	}
}

// beginFrame is where a frame starts whose header had size octets.
func (s *session) beginFrame(size int) {
	in := &s.in
	if in.opcode&8 != 0 {
		return
	}
	if !in.inMessage {
		in.inMessage = true
		in.binary = in.opcode == frame.Binary
		in.compressed = s.codec != nil && in.rsv == frame.Rsv1
		in.text = in.opcode == frame.Text && s.opt.UTF8ValidateIncoming
		in.tail, in.badText = nil, false
		in.message = nil
		in.wire, in.frames = 0, 0
	}
	s.r.dataAfterClose = s.r.dataAfterClose || s.r.RemoteClose != nil
	in.wire += size
	in.frames++
	if max := s.opt.MaxFramePayloadSize; max > 0 && in.length > uint64(max) {
		s.fail(frame.CloseTooBig, "frame longer than the limit")
	}
	limit := uint64(MaxIncoming)
	if max := s.opt.MaxMessagePayloadSize; max > 0 {
		limit = min(limit, uint64(max))
	}
	if in.length > limit-min(limit, uint64(len(in.message))) {
		s.fail(frame.CloseTooBig, "message longer than the limit")
		if in.length > MaxIncoming { // there is no sense in waiting for its end
			s.dropTCP(flush)
		}
	}
}

// receivePayload takes octets of the current frame's payload.
func (s *session) receivePayload(b []byte) {
	in := &s.in
	if len(b) == 0 {
		return
	}
	if in.masked {
		b = append([]byte(nil), b...) // what came is not ours to change
		for i := range b {
			b[i] ^= in.mask[(in.got+uint64(i))&3]
		}
	}
	in.got += uint64(len(b))
	if missing := logCut - len(in.first); missing > 0 {
		in.first = append(in.first, b[:min(missing, len(b))]...)
	}
	if in.opcode&8 != 0 {
		if len(in.control)+len(b) <= 1<<16 { // more than 125 is a breach already
			in.control = append(in.control, b...)
		}
		return
	}
	in.wire += len(b)
	if in.text && !in.compressed {
		s.validate(b)
	}
	if !s.r.FailedByMe {
		in.message = append(in.message, b...)
	}
}

// validate looks at the next octets of a text, and fails the connection at the first octet that cannot stand where it does (8.1).
func (s *session) validate(b []byte) {
	in := &s.in
	if in.badText {
		s.invalidText()
		return
	}
	if len(in.tail) > 0 {
		b = append(in.tail, b...)
		in.tail = nil
	}
	if utf8.Valid(b) {
		return
	}
	for len(b) > 0 {
		if !utf8.FullRune(b) {
			in.tail = append([]byte(nil), b...)
			return
		}
		r, size := utf8.DecodeRune(b)
		if r == utf8.RuneError && size == 1 {
			in.badText = true
			s.invalidText()
			return
		}
		b = b[size:]
	}
}

func (s *session) invalidText() { s.fail(frame.CloseInvalidPayload, "text is not UTF-8") }

// endFrame is where a frame is complete.
func (s *session) endFrame() {
	in := &s.in
	in.inFrame = false
	s.logFrameIn()
	switch {
	case in.opcode == frame.Close:
		s.receiveClose(in.control)
	case in.opcode == frame.Ping:
		s.answerPing(in.control)
	case in.opcode == frame.Pong:
		if s.ping != nil && string(s.ping) == string(in.control) {
			s.ping = nil
			s.timers[timerAutoPong] = time.Time{}
			s.arm(timerAutoPing, s.opt.AutoPingInterval)
			return
		}
		s.record(Event{Kind: Pong, Payload: Payload{in.control, len(in.control)}})
	case in.opcode&8 != 0: // reserved: a breach already
	case in.fin:
		s.endMessage()
	}
}

// endMessage is where a message is complete.
func (s *session) endMessage() {
	in := &s.in
	in.inMessage = false
	if in.text && !in.compressed && (in.badText || len(in.tail) > 0) {
		s.invalidText() // once more, if the bad octet was seen before: that drops TCP
	}
	if s.r.FailedByMe {
		return
	}
	payload := in.message
	in.message = nil
	if s.codec != nil {
		var ok bool
		if payload, ok = s.inflate(payload); !ok {
			return
		}
	}
	if s.byRule() {
		s.echoed(in.binary, payload)
		return
	}
	s.record(Event{Kind: Message, Binary: in.binary, Payload: Payload{payload, len(payload)}})
}

// receiveClose takes the body of a Close (5.5.1).
func (s *session) receiveClose(body []byte) {
	c := closeFrame(body)
	s.r.RemoteClose = c
	if c.HasCode && !acceptable(c.Code) && !(s.c.Outcomes != nil && registered(c.Code)) {
		s.breach("Close with code %d", c.Code) // 7.4
	}
	if !utf8.Valid(c.Reason) {
		s.fail(frame.CloseInvalidPayload, "reason of a Close is not UTF-8")
	}
	switch s.state {
	case stateClosed:
		s.unclean("the peer's Close is a breach")
	case stateClosing:
		s.timers[timerCloseHandshake] = time.Time{}
		s.r.WasClean = true
		if !s.client {
			s.dropTCP(flush) // 7.1.1: the server closes first
		} else if s.opt.ServerConnectionDropTimeout > 0 {
			s.arm(timerServerDrop, s.opt.ServerConnectionDropTimeout)
		}
	case stateOpen:
		if s.c.Mute {
			return
		}
		s.r.WasClean = true
		reply := []byte{0x03, 0xe8} // 1000
		if s.opt.EchoCloseCodeReason {
			reply = body
		}
		s.sendClose(reply, true)
		if !s.client {
			s.dropTCP(flush)
		}
	}
}

// acceptable reports whether the runner takes code for one that may be sent. It knows what RFC 6455 knew; 1012 to 1014 were registered later.
func acceptable(code uint16) bool {
	switch {
	case code >= 1000 && code <= 1003, code >= 1007 && code <= 1011, code >= 3000 && code <= 4999:
		return true
	}
	return false
}

// registered reports whether code is one that IANA has registered since.
func registered(code uint16) bool { return code >= 1012 && code <= 1014 }

func closeFrame(body []byte) *CloseFrame {
	c := &CloseFrame{}
	if len(body) >= 2 {
		c.HasCode, c.Code = true, binary.BigEndian.Uint16(body)
	}
	if len(body) > 2 {
		c.Reason = append([]byte(nil), body[2:]...)
	}
	return c
}

func (s *session) breach(format string, args ...any) {
	s.fail(frame.CloseProtocolError, fmt.Sprintf(format, args...))
}
