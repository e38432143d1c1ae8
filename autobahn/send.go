package autobahn

import (
	"time"

	"github.com/idlewire/idlewire/frame"
)

// sendFrame queues one frame. The header's Length, Masked and Key are set here.
func (s *session) sendFrame(h frame.Header, payload []byte, chop int, alone bool) {
	h = s.masking(h)
	h.Length = int64(len(payload))
	s.logFrameOut(h, payload, chop, alone)
	b := h.Append(make([]byte, 0, frame.MaxHeaderSize+len(payload)))
	n := len(b)
	b = append(b, payload...)
	if h.Masked && s.opt.ApplyMask {
		frame.Mask(b[n:], h.Key)
	}
	s.push(b, chop, alone)
}

// masking sets what hides the payload: a client masks, with a fresh key for each frame.
func (s *session) masking(h frame.Header) frame.Header {
	if s.client && s.opt.MaskClientFrames || !s.client && s.opt.MaskServerFrames {
		h.Masked, h.Key = true, s.key()
	}
	return h
}

// sendMessage queues a data message, if the connection is open. Fragments are full ones first, then one with the rest and FIN: when nothing is left over that one is empty.
func (s *session) sendMessage(op frame.Opcode, rsv byte, payload []byte, fragment int) {
	if s.state != stateOpen {
		return
	}
	if fragment == 0 {
		fragment = s.opt.AutoFragmentSize
	}
	frames := 1
	for fragment > 0 && len(payload) >= fragment && (frames > 1 || len(payload) > fragment) {
		s.sendFrame(frame.Header{Opcode: op, Rsv: rsv}, payload[:fragment], 0, false)
		payload = payload[fragment:]
		op, rsv = frame.Continuation, 0
		frames++
	}
	s.sendFrame(frame.Header{Opcode: op, Rsv: rsv, Fin: true}, payload, 0, false)
}

// sendHeader queues a header that announces a payload. The parts that follow are masked as one.
func (s *session) sendHeader(st *Step) {
	h := s.masking(frame.Header{Opcode: st.Opcode, Fin: !st.More, Rsv: st.Rsv, Length: int64(st.Announce)})
	s.header.key, s.header.masked, s.header.left = h.Key, h.Masked && s.opt.ApplyMask, st.Announce
	s.logFrameOut(h, nil, st.Chop, st.PerFrame)
	s.push(h.Append(nil), st.Chop, st.PerFrame)
}

func (s *session) sendPart(st *Step) {
	b := st.Payload.Bytes()
	if s.header.masked {
		s.header.key = frame.Mask(b, s.header.key)
	}
	s.push(b, st.Chop, st.PerFrame)
	s.header.left -= min(uint64(len(b)), s.header.left)
	s.payOwed()
}

// midFrame reports whether octets of a frame are still to come. Whatever is sent before they are would be a part of it.
func (s *session) midFrame() bool {
	return s.header.left > 0 || s.stream.sent > 0 && s.stream.sent < len(s.stream.data)
}

// payOwed sends the pong that had to wait, if the frame is at its end.
func (s *session) payOwed() {
	if pong := s.owed; pong != nil && !s.midFrame() {
		s.owed = nil
		s.answerPing(pong)
	}
}

// answerPing sends a pong. In the middle of a frame of which parts are still to come it would be payload to the peer: there it waits for the last part.
func (s *session) answerPing(payload []byte) {
	switch {
	case s.state != stateOpen:
	case s.midFrame():
		s.owed = append(make([]byte, 0, 1), payload...) // 5.5.3: of several pings the most recent may be answered alone
	default:
		s.sendFrame(frame.Header{Opcode: frame.Pong, Fin: true}, payload, 0, false) // 5.5.2
	}
}

// sendCloseCode queues a Close with a code; the connection is open.
func (s *session) sendCloseCode(code frame.CloseCode, reason string) {
	body, err := frame.AppendClose(nil, code, reason)
	if err != nil {
		panic(err) // all callers' codes and reasons are the suite's own
	}
	s.sendClose(body, false)
}

// sendClose queues a Close with the given body, which may be any octets; the connection is open, and is closing from now on.
func (s *session) sendClose(body []byte, reply bool) {
	s.sendFrame(frame.Header{Opcode: frame.Close, Fin: true}, body, 0, false)
	s.closing(body, reply)
}

// closing says that a Close was sent.
func (s *session) closing(body []byte, reply bool) {
	s.state = stateClosing
	s.r.ClosedByMe = !reply
	s.r.LocalClose = closeFrame(body)
	if !reply && s.opt.CloseHandshakeTimeout > 0 {
		s.arm(timerCloseHandshake, s.opt.CloseHandshakeTimeout)
	}
}

func (s *session) sendAutoPing() {
	switch {
	case s.state != stateOpen:
		return
	case s.midFrame():
		s.arm(timerAutoPing, s.opt.AutoPingInterval)
		return
	}
	s.ping = make([]byte, s.opt.AutoPingSize)
	for i := range s.ping {
		s.ping[i] = byte(s.key())
	}
	s.sendFrame(frame.Header{Opcode: frame.Ping, Fin: true}, s.ping, 0, false)
	if s.opt.AutoPingTimeout > 0 {
		s.arm(timerAutoPong, s.opt.AutoPingTimeout)
	}
}

// push queues octets. What may share a write is put together, so that the frames of a step leave in one TCP segment where they fit.
func (s *session) push(b []byte, chop int, alone bool) {
	s.countOctetsOut(b, chop, alone)
	if s.queued += len(b); s.queued > MaxQueued {
		s.unclean("the peer does not read what it asked for")
		s.dropTCP(abort)
		return
	}
	if n := len(s.out); n > 0 && chop == 0 && !alone && s.out[n-1].chop == 0 && !s.out[n-1].alone {
		s.out[n-1].data = append(s.out[n-1].data, b...)
		return
	}
	s.out = append(s.out, segment{data: b, chop: chop, alone: alone})
}

// take returns what is to be written, in order. Wrote has to be told when it is.
func (s *session) take() []segment {
	out := s.out
	s.out = nil
	return out
}

// wrote says that n octets were written.
func (s *session) wrote(now time.Time, n int) {
	s.queued -= n
	s.moved(now)
}
