package conn

import (
	"bytes"
	"errors"
	"io"
	"math/rand/v2"
	"testing"

	"github.com/gobwas/ws"
	"github.com/gobwas/ws/wsutil"

	"github.com/idlewire/idlewire/frame"
)

// What gobwas/ws sends and what it hears, in legal sessions of every kind, beside what we do. (Of broken ones it refuses fewer: it does not insist on
// minimal lengths, nor does it check a text before its end.)

// gobwasState is the other end, as gobwas sees it.
func gobwasState(role Role) ws.State {
	if role == Client {
		return ws.StateClientSide
	}
	return ws.StateServerSide
}

// legalSession is a list of messages, what of them is sent in which fragments, and where control frames come in between.
type legalSession struct {
	rnd  *rand.Rand
	msgs []Message // in the order in which they are heard
}

// say calls send for each frame of a legal session.
func (s *legalSession) say(send func(op frame.Opcode, fin bool, payload []byte)) {
	rnd := s.rnd
	control := func() {
		for rnd.IntN(3) == 0 {
			m := Message{Op: frame.Ping + frame.Opcode(rnd.IntN(2)), Payload: randomBytes(rnd, rnd.IntN(126))}
			s.msgs = append(s.msgs, m)
			send(m.Op, true, m.Payload)
		}
	}
	for range 1 + rnd.IntN(8) {
		size := []int{0, 1, 10, 125, 126, 127, 300, 65535, 65536, 70000}[rnd.IntN(10)]
		m := Message{Op: frame.Binary, Payload: randomBytes(rnd, size)}
		if rnd.IntN(2) == 0 {
			m = Message{Op: frame.Text, Payload: randomText(rnd, size/4)}
		}
		op, payload := m.Op, m.Payload
		for rnd.IntN(2) == 0 {
			n := rnd.IntN(1 + len(payload))
			send(op, false, payload[:n])
			op, payload = frame.Continuation, payload[n:]
			control()
		}
		send(op, true, payload)
		s.msgs = append(s.msgs, m)
		control()
	}
	reason := []string{"", "bye"}[rnd.IntN(2)]
	payload, _ := frame.AppendClose(nil, frame.CloseNormal+frame.CloseCode(rnd.IntN(4)), reason)
	s.msgs = append(s.msgs, Message{Op: frame.Close, Payload: payload})
	send(frame.Close, true, payload)
}

func gobwasSeeds() uint64 {
	if raceBuild {
		return 10
	}
	return 60
}

func TestGobwasHearsWhatWeSay(t *testing.T) {
	for seed := range gobwasSeeds() {
		for _, role := range []Role{Server, Client} {
			s := legalSession{rnd: rand.New(rand.NewPCG(seed, 5))}
			p := Protocol{Role: role}
			var b []byte
			var err error
			s.say(func(op frame.Opcode, fin bool, payload []byte) {
				if err != nil {
					return
				}
				switch {
				case op == frame.Ping:
					b, err = p.AppendPing(b, payload)
				case op == frame.Pong:
					b, err = p.AppendPong(b, payload)
				case op == frame.Close:
					code, reason := Message{Op: op, Payload: payload}.Close()
					b, err = p.AppendClose(b, code, reason)
				case op.IsData() && fin:
					b, err = p.AppendMessage(b, op, payload)
				default:
					b, err = p.AppendFragment(b, op, fin, payload)
				}
			})
			if err != nil {
				t.Fatal(err)
			}

			var heard []Message
			r := wsutil.Reader{Source: bytes.NewReader(b), State: gobwasState(Client - role), CheckUTF8: true,
				OnIntermediate: func(h ws.Header, r io.Reader) error {
					payload, err := io.ReadAll(r)
					heard = append(heard, Message{Op: frame.Opcode(h.OpCode), Payload: payload})
					return err
				}}
			for {
				h, err := r.NextFrame()
				if errors.Is(err, io.EOF) {
					break
				}
				if err != nil {
					t.Fatalf("seed %d, %v: %v", seed, role, err)
				}
				payload, err := io.ReadAll(&r)
				if err != nil {
					t.Fatalf("seed %d, %v: %v", seed, role, err)
				}
				heard = append(heard, Message{Op: frame.Opcode(h.OpCode), Payload: payload})
			}
			if d := difference(outcome{msgs: heard}, outcome{msgs: s.msgs}); d != "" {
				t.Fatalf("seed %d, %v: %s", seed, role, d)
			}
		}
	}
}

func TestWeHearWhatGobwasSays(t *testing.T) {
	for seed := range gobwasSeeds() {
		for _, role := range []Role{Server, Client} { // gobwas's
			s := legalSession{rnd: rand.New(rand.NewPCG(seed, 6))}
			var b bytes.Buffer
			s.say(func(op frame.Opcode, fin bool, payload []byte) {
				f := ws.NewFrame(ws.OpCode(op), fin, payload)
				if role == Client {
					f = ws.MaskFrameWith(f, [4]byte{1, 2, 3, byte(seed)})
				}
				if err := ws.WriteFrame(&b, f); err != nil {
					t.Fatal(err)
				}
			})
			for _, w := range ways {
				p := Protocol{Role: Client - role}
				for _, chunks := range [][][]byte{{b.Bytes()}, chop(s.rnd, b.Bytes())} {
					p = Protocol{Role: Client - role}
					if d := difference(play(t, &p, w, chunks...), outcome{msgs: s.msgs}); d != "" {
						t.Fatalf("seed %d, %v, %v: %s", seed, role, w, d)
					}
				}
			}
		}
	}
}

// Gobwas's own fragmenting writer, and its answers to pings and Close.
func TestGobwasWriterAndReplies(t *testing.T) {
	payload := randomText(rand.New(rand.NewPCG(1, 7)), 5000)
	for _, role := range []Role{Server, Client} { // gobwas's
		var b bytes.Buffer
		w := wsutil.NewWriterSize(&b, gobwasState(role), ws.OpText, 100)
		if _, err := w.Write(payload); err != nil {
			t.Fatal(err)
		}
		if err := w.Flush(); err != nil {
			t.Fatal(err)
		}
		p := Protocol{Role: Client - role}
		same(t, play(t, &p, whole, b.Bytes()), outcome{msgs: []Message{{Op: frame.Text, Payload: payload}}})

		var out []byte
		out, err := p.AppendPing(out, []byte("are you there"))
		if err == nil {
			out, err = p.AppendClose(out, frame.CloseGoingAway, "home")
		}
		if err != nil {
			t.Fatal(err)
		}
		b.Reset()
		in := bytes.NewReader(out)
		for in.Len() > 0 {
			h, err := ws.ReadHeader(in)
			if err != nil {
				t.Fatal(err)
			}
			err = wsutil.ControlHandler{Src: io.LimitReader(in, h.Length), Dst: &b, State: gobwasState(role)}.Handle(h)
			var closed wsutil.ClosedError
			if err != nil && !(errors.As(err, &closed) && closed.Code == ws.StatusGoingAway && closed.Reason == "home") {
				t.Fatal(err)
			}
		}
		o := play(t, &p, whole, b.Bytes())
		if len(o.msgs) != 2 || o.msgs[0].Op != frame.Pong || string(o.msgs[0].Payload) != "are you there" || !p.CloseReceived() {
			t.Fatal(o)
		}
		if code, _ := o.msgs[1].Close(); code != frame.CloseGoingAway {
			t.Error(code)
		}
	}
}
