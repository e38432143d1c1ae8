package conn

import (
	"bytes"
	"errors"
	"testing"

	"github.com/idlewire/idlewire/frame"
)

// Each call of the program is two octets: which, and how.
const (
	sendMessage = iota // how: the opcode, and the length
	sendUncompressed
	sendFragment // how: likewise, and whether it is the last
	sendPing     // how: the length
	sendPong
	sendClose  // how: see goodbyes
	sendReply  // how: to what
	sendHeader // the header of a message, whose payload the driver sends
	sendPreparedFrame
	sendPrepared
	sendAloneHeader
	sendUnsent
	sends
)

// A sender is a machine of which only the sending half is used, what it should be like, and the machine that hears it.
type sender struct {
	testing.TB
	p, q   Protocol
	closed bool
	open   frame.Opcode // of the message that is not complete; 0: none
	begun  []byte       // of that message
}

// FuzzSending: whatever is asked of the sending half of a machine, in whatever order, is refused if RFC 6455 does not let it be said then, and dst is as it was; all else the peer hears
// as it was meant, compressed or not.
func FuzzSending(f *testing.F) {
	f.Add([]byte{sendMessage, 1, sendMessage, 2, sendMessage, 0, sendMessage, 9, sendPing, 5, sendPong, 125, sendPing, 126, sendClose, 0, sendMessage, 1, sendClose, 0, sendPing, 1, sendReply, 2}, byte(0))
	f.Add([]byte{sendFragment, 1, sendMessage, 1, sendFragment, 2, sendFragment, 0, sendPing, 1, sendFragment, 16, sendFragment, 0, sendFragment, 4, sendFragment, 1, sendClose, 1, sendFragment, 0}, byte(1))
	f.Add([]byte{sendHeader, 1, sendHeader, 6, sendHeader, 0, sendPreparedFrame, 1, sendPreparedFrame, 2, sendPrepared, 1, sendAloneHeader, 5, sendUnsent, 0, sendFragment, 1, sendHeader, 1, sendPreparedFrame, 1, sendPrepared, 1, sendAloneHeader, 5}, byte(0))
	f.Add([]byte{sendHeader, 1, sendPreparedFrame, 1, sendPrepared, 1, sendUncompressed, 1, sendUncompressed, 3}, byte(1))
	for setup := range byte(8) {
		f.Add([]byte{sendMessage, 57, sendPreparedFrame, 53, sendAloneHeader, 17, sendAloneHeader, 19, sendPrepared, 58, sendUnsent, 0, sendMessage, 61, sendFragment, 61, sendFragment, 56, sendFragment, 72, sendUncompressed, 57,
			sendFragment, 58, sendAloneHeader, 17, sendPreparedFrame, 53, sendFragment, 68}, setup)
	}
	f.Add([]byte{sendReply, 130, sendReply, 205, sendReply, 129}, byte(1))
	for how := range byte(8) {
		f.Add([]byte{sendReply, how, sendReply, how + 8, sendClose, how, sendReply, how}, how)
	}
	f.Fuzz(func(t *testing.T, program []byte, setup byte) {
		s := &sender{TB: t}
		s.p.Role, s.q.Role = Role(setup&1), Role(setup&1)^1
		s.q.Options = &Options{MaxMessage: -1, MaxFragments: -1}
		if setup&2 != 0 {
			s.p.Compressor, s.q.Compressor = &naiveDeflate{takeover: setup&4 != 0, minSize: 8}, &naiveDeflate{takeover: setup&4 != 0}
		}
		for n := 0; len(program) > 1 && n < 64; n++ {
			s.call(program[0]%sends, program[1])
			program = program[2:]
		}
	})
}

func (s *sender) call(op, how byte) {
	code := []frame.Opcode{frame.Continuation, frame.Text, frame.Binary, frame.Ping}[how%4]
	payload := bytes.Repeat([]byte{'a' + how%26}, []int{0, 1, 20, 125, 126, 3000}[int(how/4)%6])
	may := code.IsData() && !s.closed && s.open == 0 // a message may be begun
	shares := may && s.p.Role == Server
	dst := []byte("dst")
	switch op {
	case sendMessage:
		b, err := s.p.AppendMessage(dst, code, payload)
		s.said(b, err, may, Message{Op: code, Payload: payload})
	case sendUncompressed:
		b, err := s.p.AppendUncompressed(dst, code, payload)
		s.said(b, err, may, Message{Op: code, Payload: payload})
	case sendFragment:
		fin := how >= 64
		if code == frame.Continuation {
			may = !s.closed && s.open != 0
		}
		b, err := s.p.AppendFragment(dst, code, fin, payload)
		if may {
			if code != frame.Continuation {
				s.open, s.begun = code, nil
			}
			s.begun = append(s.begun, payload...)
		}
		m := Message{Op: s.open, Payload: s.begun}
		if !fin {
			m = Message{}
		} else if may {
			s.open = 0
		}
		s.said(b, err, may, m)
	case sendPing, sendPong:
		payload = make([]byte, how)
		add, code := s.p.AppendPing, frame.Ping
		if op == sendPong {
			add, code = s.p.AppendPong, frame.Pong
		}
		b, err := add(dst, payload)
		s.said(b, err, !s.closed && how <= 125, Message{Op: code, Payload: payload})
	case sendClose:
		bye := goodbyes[int(how)%len(goodbyes)]
		payload, refused := frame.AppendClose(nil, bye.Code, bye.Reason)
		b, err := s.p.AppendClose(dst, bye.Code, bye.Reason)
		may = !s.closed && refused == nil
		s.closed = s.closed || may
		s.said(b, err, may, Message{Op: frame.Close, Payload: payload})
	case sendReply:
		s.reply(dst, how)
	case sendHeader:
		b, err := s.p.AppendMessageHeader(dst, code, len(payload))
		if err == nil {
			b = append(b, payload...)
		}
		s.said(b, err, shares, Message{Op: code, Payload: payload})
	case sendPreparedFrame, sendPrepared:
		m, err := Prepare(code, payload)
		if code.IsData() != (err == nil) {
			s.Fatalf("prepared %v: %v", code, err)
		}
		if err != nil {
			return
		}
		b := dst
		if op == sendPrepared {
			b, err = s.p.AppendPrepared(dst, m)
		} else {
			var shared []byte
			shared, err = s.p.PreparedFrame(m)
			b = append(b, shared...)
			may = shares
		}
		if len(b) > len(dst)+m.Size()+4 { // a masking key
			s.Fatalf("%d octets, of at most %d", len(b)-len(dst), m.Size())
		}
		s.said(b, err, may, Message{Op: code, Payload: payload})
	case sendAloneHeader:
		if s.p.Compressor == nil {
			return
		}
		z, ok := s.p.Compressor.Alone().Compress(nil, payload)
		if !ok {
			return
		}
		b, err := s.p.AppendAloneHeader(dst, code, payload, len(z))
		if err == nil {
			b = append(b, z...)
		}
		s.said(b, err, shares, Message{Op: code, Payload: payload})
	case sendUnsent:
		s.p.Unsent()
	}
}

// reply lets the machine answer what a peer has said, or cannot have said.
func (s *sender) reply(dst []byte, how byte) {
	m := Message{Op: []frame.Opcode{frame.Text, frame.Ping, frame.Close, frame.Pong}[how%4], Payload: make([]byte, how)}
	var want Message
	switch m.Op {
	case frame.Ping:
		want = Message{Op: frame.Pong, Payload: m.Payload}
		if how > 125 {
			want = Message{}
		}
	case frame.Close:
		bye := goodbyes[int(how/4)%len(goodbyes)]
		m.Payload, _ = frame.AppendClose(nil, bye.Code, bye.Reason)
		if how >= 128 {
			m.Payload = []byte{3, 0xe8, 0xff}
		} else if code, reason := m.Close(); bye.Code.Sendable() && len(m.Payload) > 0 && (code != bye.Code || reason != bye.Reason) {
			s.Fatalf("%+v: %d %q", bye, code, reason)
		}
		if code, _, err := frame.ParseClose(m.Payload); err == nil {
			payload, _ := frame.AppendClose(nil, code, "")
			want = Message{Op: frame.Close, Payload: payload}
		}
	}
	if code, reason := m.Close(); (m.Op != frame.Close || how >= 128) && (code != frame.CloseNoStatus || reason != "") {
		s.Fatalf("%v is a Close with %d %q", m.Op, code, reason)
	}
	b := s.p.AppendReply(dst, m)
	if want.Op == 0 || s.closed {
		if string(b) != string(dst) {
			s.Fatalf("% x answers %v", b, m)
		}
		return
	}
	s.closed = want.Op == frame.Close
	s.said(b, nil, true, want)
}

// said checks what has been appended: nothing, with an error, if it may not be said; else the peer hears m, or only a part if m is the zero Message.
func (s *sender) said(b []byte, err error, may bool, m Message) {
	s.Helper()
	if !may {
		if string(b) != "dst" || !errors.Is(err, frame.ErrNotSendable) && !errors.Is(err, ErrCloseSent) {
			s.Fatalf("%v: % x, %v", m.Op, b, err)
		}
		return
	}
	if err != nil || string(b[:3]) != "dst" {
		s.Fatalf("%v: % x, %v", m.Op, b, err)
	}
	got, rest, err := s.q.Receive(b[3:])
	if err != nil || len(rest) > 0 || got.Op != m.Op || !bytes.Equal(got.Payload, m.Payload) {
		s.Fatalf("the peer hears %v, %v, %d left, want %v", short(got), err, len(rest), short(m))
	}
}
