package autobahn

import (
	"bytes"
	"fmt"

	"github.com/idlewire/idlewire/frame"
)

// A codec compresses what the runner sends, and inflates what it receives.
type codec interface {
	Compress(dst, payload []byte) ([]byte, error)
	Decompress(dst, payload []byte, max int) ([]byte, error) // more than max octets are an error
}

// messages makes the messages of a case with compression.
type messages interface {
	// Message appends to dst the k-th message of n octets, or code points.
	Message(dst []byte, k, n int) []byte
}

// echoed is where a message came in a case that a rule judges: the echo of the last one, if all is well.
func (s *session) echoed(isBinary bool, payload []byte) {
	if s.done {
		return
	}
	if wrong := s.wrongEcho(isBinary, payload); wrong != "" {
		s.decide(Failed, wrong)
		return
	}
	s.count++
	if s.c.Compression != nil {
		if s.count < s.c.Compression.Count {
			s.sendCompressed()
			return
		}
		s.decide(OK, fmt.Sprintf("%d messages came back as they were sent", s.count))
		return
	}
	if s.count < s.c.RoundTrips {
		st := &s.c.Steps[0]
		s.sendMessage(st.Opcode, 0, st.Payload.Bytes(), st.Fragment)
		return
	}
	s.decide(OK, fmt.Sprintf("%d of %d messages came back with type and length", s.count, s.c.RoundTrips))
}

// wrongEcho says what is wrong with an echo, and "" if nothing is.
func (s *session) wrongEcho(isBinary bool, payload []byte) string {
	if c := s.c.Compression; c != nil {
		want := s.corpus.Message(nil, s.count, c.MessageLen)
		switch {
		case isBinary != c.Binary:
			return fmt.Sprintf("message %d came back with the other type", s.count+1)
		case len(payload) != len(want):
			return fmt.Sprintf("message %d came back with %d octets of %d", s.count+1, len(payload), len(want))
		case !bytes.Equal(payload, want):
			return fmt.Sprintf("message %d came back with other octets", s.count+1)
		}
		return ""
	}
	st := &s.c.Steps[0]
	if isBinary != (st.Opcode == frame.Binary) {
		return fmt.Sprintf("message %d came back with the other type", s.count+1)
	}
	if len(payload) != st.Payload.Len {
		return fmt.Sprintf("message %d came back with %d octets of %d", s.count+1, len(payload), st.Payload.Len)
	}
	return ""
}

// decide gives the verdict of the case's rule, and closes the connection.
func (s *session) decide(v Verdict, why string) {
	s.done = true
	s.r.Behavior, s.r.Reason = v, why
	s.switchLog(true)
	if s.state == stateOpen {
		s.sendCloseCode(frame.CloseNormal, "")
	}
}

// beginCompressed starts a case of section 12 or 13.
func (s *session) beginCompressed() {
	if s.codec == nil {
		s.decide(Unimplemented, "permessage-deflate was not agreed")
		return
	}
	s.setDeadline()
	s.switchLog(false)
	s.r.Traffic = &Traffic{}
	s.sendCompressed()
}

// sendCompressed sends the next message of such a case.
func (s *session) sendCompressed() {
	c := s.c.Compression
	if s.state != stateOpen {
		return
	}
	payload := s.corpus.Message(nil, s.count, c.MessageLen)
	squeezed, err := s.codec.Compress(nil, payload)
	if err != nil {
		panic(err) // compressing cannot fail
	}
	op := frame.Text
	if c.Binary {
		op = frame.Binary
	}
	before := s.queued
	frames := s.r.TxFrames[op] + s.r.TxFrames[frame.Continuation]
	s.sendMessage(op, frame.Rsv1, squeezed, c.Fragment)
	v := &s.r.Traffic.Outgoing
	v.WireLevel += s.queued - before
	v.WebSocketLevel += len(squeezed)
	v.AppLevel += len(payload)
	v.Frames += s.r.TxFrames[op] + s.r.TxFrames[frame.Continuation] - frames
	v.Messages++
}

// inflate returns the octets of a message that came, and counts them. It is not ok if they cannot be had: the connection is failed then.
func (s *session) inflate(b []byte) (payload []byte, ok bool) {
	in := &s.in
	payload = b
	if in.compressed {
		var err error
		if payload, err = s.codec.Decompress(nil, b, MaxIncoming); err != nil {
			s.fail(frame.CloseInvalidPayload, "compressed message cannot be inflated")
			return nil, false
		}
		if in.text && !validText(payload) {
			s.invalidText()
			s.invalidText() // as with a message in clear
			return nil, false
		}
	}
	if s.r.Traffic != nil {
		v := &s.r.Traffic.Incoming
		v.WireLevel += in.wire
		v.WebSocketLevel += len(b)
		v.AppLevel += len(payload)
		v.Frames += in.frames
		v.Messages++
	}
	return payload, true
}
