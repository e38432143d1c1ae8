package conn

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/idlewire/idlewire/frame"
)

// A party is one of two machines that are joined by two slices. What it may say next follows from what it has said.
type party struct {
	Protocol
	out   []byte    // said and not yet delivered
	said  []Message // all that the other has to hear, in order
	heard []Message
	pieces,
	begun []byte // heard, and said, of a message in fragments
	kind   frame.Opcode // of the message begun; 0: none
	closed bool         // has said Close
}

// A conversation is two parties and a program that says what they do.
type conversation struct {
	t       testing.TB
	client  party
	server  party
	program []byte
}

func newConversation(t testing.TB, program []byte) *conversation {
	c := &conversation{t: t, program: program}
	c.client.Role = Client
	c.client.Options = &Options{MaxFragments: -1}
	c.server.Options = c.client.Options
	return c
}

// next takes a byte from the program; after its end there are zeros.
func (c *conversation) next() byte {
	if len(c.program) == 0 {
		return 0
	}
	b := c.program[0]
	c.program = c.program[1:]
	return b
}

// payload is of the length that the program wants, at most max.
func (c *conversation) payload(max int) []byte {
	n := int(c.next())
	if n > 250 {
		n = []int{1000, 65535, 65536, 70000, 126}[n-251]
	}
	return bytes.Repeat([]byte{'a' + c.next()%26}, min(n, max))
}

// do takes one step of the program. It may be one that a party must not take; then it has to be refused.
func (c *conversation) do() {
	what := c.next()
	a, b := &c.client, &c.server
	if what%2 == 1 {
		a, b = b, a
	}
	begin := error(nil) // of a new message
	switch {
	case a.closed:
		begin = ErrCloseSent
	case a.kind != 0:
		begin = errMessageOpen
	}
	control := error(nil)
	if a.closed {
		control = ErrCloseSent
	}
	switch what / 2 % 12 {
	case 0, 1:
		m := Message{Op: frame.Text + frame.Opcode(what/2%2), Payload: c.payload(1 << 20)}
		out, err := a.AppendMessage(a.out, m.Op, m.Payload)
		c.say(a, out, err, begin, m)
	case 2:
		m := Message{Op: frame.Binary, Payload: c.payload(1 << 20)}
		prepared, err := Prepare(m.Op, m.Payload)
		if err != nil {
			c.t.Fatal(err)
		}
		out, err := a.AppendPrepared(a.out, prepared)
		c.say(a, out, err, begin, m)
	case 3: // first fragment
		m := Message{Op: frame.Binary, Payload: c.payload(1 << 20)}
		out, err := a.AppendFragment(a.out, m.Op, false, m.Payload)
		c.say(a, out, err, begin)
		if err == nil {
			a.begun, a.kind = m.Payload, m.Op
		}
	case 4, 5: // next fragment, or last
		fin := what/2%2 == 1
		payload := c.payload(1 << 16)
		out, err := a.AppendFragment(a.out, frame.Continuation, fin, payload)
		want := control
		if want == nil && a.kind == 0 {
			want = errNoMessage
		}
		c.say(a, out, err, want)
		if err == nil {
			a.begun = append(a.begun, payload...)
			if fin {
				a.said = append(a.said, Message{Op: a.kind, Payload: a.begun})
				a.begun, a.kind = nil, 0
			}
		}
	case 6:
		m := Message{Op: frame.Ping, Payload: c.payload(125)}
		out, err := a.AppendPing(a.out, m.Payload)
		c.say(a, out, err, control, m)
	case 7:
		m := Message{Op: frame.Pong, Payload: c.payload(125)}
		out, err := a.AppendPong(a.out, m.Payload)
		c.say(a, out, err, control, m)
	case 8:
		if c.next() < 240 { // seldom
			break
		}
		c.close(a, frame.CloseNormal+frame.CloseCode(c.next()%4), string(c.payload(123)))
	default:
		c.deliver(a, b, int(c.next())+int(c.next())*256)
	}
}

// say notes what a has appended, or holds the refusal against the one that is due.
func (c *conversation) say(a *party, out []byte, err, want error, m ...Message) {
	c.t.Helper()
	if err != want {
		c.t.Fatalf("%v, want %v", err, want)
	}
	if err != nil && len(out) != len(a.out) {
		c.t.Fatal("refused, and appended")
	}
	if a.out = out; err == nil {
		a.said = append(a.said, m...)
	}
}

func (c *conversation) close(a *party, code frame.CloseCode, reason string) {
	payload, err := frame.AppendClose(nil, code, reason)
	if err != nil {
		c.t.Fatal(err)
	}
	want := error(nil)
	if a.closed {
		want = ErrCloseSent
	}
	out, err := a.AppendClose(a.out, code, reason)
	c.say(a, out, err, want, Message{Op: frame.Close, Payload: payload})
	a.closed = true
}

// deliver gives at most n bytes of what a has said to b, which replies.
func (c *conversation) deliver(a, b *party, n int) {
	n = min(n, len(a.out))
	rest := bytes.Clone(a.out[:n])
	a.out = a.out[n:]
	for {
		receive := b.Receive
		if c.next()%4 == 3 {
			receive = b.ReceivePart
		}
		m, r, err := receive(rest)
		if err != nil {
			c.t.Fatalf("%v hears %v", b.Role, err)
		}
		if m.Op == 0 {
			return
		}
		before := len(b.out)
		b.out = b.AppendReply(b.out, m)
		switch {
		case b.closed:
		case m.Op == frame.Ping:
			b.said = append(b.said, Message{Op: frame.Pong, Payload: bytes.Clone(m.Payload)})
		case m.Op == frame.Close:
			b.said = append(b.said, Message{Op: frame.Close, Payload: bytes.Clone(m.Payload[:min(2, len(m.Payload))])})
			b.closed = true
		}
		if replied := len(b.out) > before; !replied && !b.closed && m.Op == frame.Ping {
			c.t.Fatal("no reply")
		}
		switch {
		case m.More:
			b.pieces = append(b.pieces, m.Payload...)
		case m.Op.IsData():
			b.heard = append(b.heard, Message{Op: m.Op, Payload: append(b.pieces, m.Payload...)})
			b.pieces = nil
		default:
			b.heard = append(b.heard, Message{Op: m.Op, Payload: bytes.Clone(m.Payload)})
		}
		rest = r
	}
}

// end delivers everything, and holds what was heard against what was said. Somebody has said Close.
func (c *conversation) end() {
	c.t.Helper()
	for len(c.client.out)+len(c.server.out) > 0 {
		c.deliver(&c.client, &c.server, len(c.client.out))
		c.deliver(&c.server, &c.client, len(c.server.out))
	}
	for _, both := range [][2]*party{{&c.client, &c.server}, {&c.server, &c.client}} {
		a, b := both[0], both[1]
		if !a.CloseSent() || !a.CloseReceived() || a.Buffered() != 0 {
			c.t.Fatalf("%v: close sent %v, received %v; %d bytes held", a.Role, a.CloseSent(), a.CloseReceived(), a.Buffered())
		}
		if d := difference(outcome{msgs: b.heard}, outcome{msgs: a.said}); d != "" {
			c.t.Fatalf("%v heard: %s", b.Role, d)
		}
	}
}

// run runs the whole program, lets somebody say goodbye, and ends.
func (c *conversation) run() {
	c.t.Helper()
	who := []*party{&c.client, &c.server}
	if c.next()%2 == 1 {
		who[0], who[1] = who[1], who[0]
	}
	for steps := 0; len(c.program) > 0; steps++ {
		c.do()
		if sum := len(c.client.out) + len(c.server.out); sum > 1<<20 || steps > 2000 {
			break
		}
	}
	if !who[0].closed && !who[1].closed {
		c.close(who[0], frame.CloseGoingAway, "")
	}
	c.end()
}

func TestBackToBack(t *testing.T) {
	n := 2000
	if testing.Short() || raceBuild {
		n = 200
	}
	for seed := range uint64(n) {
		rnd := rand.New(rand.NewPCG(seed, 3))
		program := randomBytes(rnd, 20+rnd.IntN(600))
		t.Run("", func(t *testing.T) {
			defer func() {
				if t.Failed() {
					t.Logf("seed %d", seed)
				}
			}()
			newConversation(t, program).run()
		})
	}
}

// Every order of the closing handshake, and every kind of goodbye, ends with both closed: 5.5.1, 7.1.
func TestClosingHandshake(t *testing.T) {
	goodbyes := []struct {
		name   string
		code   frame.CloseCode
		reason string
	}{
		{"no code", frame.CloseNoStatus, ""},
		{"code without reason", frame.CloseNormal, ""},
		{"code and reason", frame.CloseGoingAway, "auf Wiederhören"},
		{"longest reason", frame.CloseInternalError, strings.Repeat("x", 123)},
		{"private code", 4999, "x"},
	}
	for _, g := range goodbyes {
		for _, order := range []string{"client first", "server first", "both at once", "both at once, different", "in a message", "after pings"} {
			for cut := range 130 {
				t.Run(fmt.Sprintf("%s, %s, cut at %d", g.name, order, cut), func(t *testing.T) {
					c := newConversation(t, nil)
					switch order {
					case "client first":
						c.close(&c.client, g.code, g.reason)
					case "server first":
						c.close(&c.server, g.code, g.reason)
					case "both at once":
						c.close(&c.client, g.code, g.reason)
						c.close(&c.server, g.code, g.reason)
					case "both at once, different":
						c.close(&c.client, frame.CloseGoingAway, "")
						c.close(&c.server, g.code, g.reason)
					case "in a message":
						for _, p := range []*party{&c.client, &c.server} {
							out, err := p.AppendFragment(p.out, frame.Text, false, []byte("never fini"))
							c.say(p, out, err, nil)
						}
						c.close(&c.server, g.code, g.reason)
					case "after pings": // the pongs are not owed any more: 5.5.1
						for range 3 {
							out, err := c.client.AppendPing(c.client.out, []byte("p"))
							c.say(&c.client, out, err, nil, pingOf("p"))
						}
						c.close(&c.server, g.code, g.reason)
						c.close(&c.client, g.code, g.reason)
					}
					c.deliver(&c.client, &c.server, cut)
					c.deliver(&c.server, &c.client, cut)
					c.end()
					// The one who was told knows why, and the one who told hears his own code.
					for _, p := range []*party{&c.client, &c.server} {
						code, reason := p.heard[len(p.heard)-1].Close()
						if code != g.code && order != "both at once, different" {
							t.Errorf("%v heard %v %q", p.Role, code, reason)
						}
						if reason != "" && reason != g.reason {
							t.Errorf("%v heard %q", p.Role, reason)
						}
					}
				})
			}
		}
	}
}

// A Close that is no valid one fails the connection with the code of the breach (7.1.7), of which the peer hears.
func TestClosingHandshakeWithInvalidClose(t *testing.T) {
	for _, payload := range []string{"\x03", "\x00\x00", "\x03\xe7", "\x03\xec", "\x03\xed", "\x03\xee", "\x03\xf7", "\x03\xf8", "\x0b\xb7", "\x13\x88", "\xff\xff", "\x03\xe8\xff"} {
		for _, role := range []Role{Server, Client} {
			t.Run(fmt.Sprintf("%v, %x", role, payload), func(t *testing.T) {
				c := newConversation(t, nil)
				we, peer := &c.client, &c.server
				if role == Server {
					we, peer = peer, we
				}
				b := frame.Append(nil, frame.Header{Opcode: frame.Close, Fin: true, Masked: role == Server, Key: 1}, []byte(payload))
				o := play(t, &we.Protocol, whole, b)
				code := frame.CloseProtocolError
				if len(payload) > 2 {
					code = frame.CloseInvalidPayload
				}
				if CodeOf(o.err) != code || len(o.msgs) != 0 || we.CloseReceived() {
					t.Fatal(o)
				}
				c.close(we, CodeOf(o.err), o.err.Error())
				c.deliver(we, peer, len(we.out))
				if got, reason := peer.heard[0].Close(); got != code || reason != o.err.Error() {
					t.Errorf("the peer hears %v %q", got, reason)
				}
				if !we.CloseSent() || !peer.CloseSent() || !peer.CloseReceived() {
					t.Error("not closed")
				}
			})
		}
	}
}
