package conn

import (
	"bytes"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/idlewire/idlewire/frame"
)

func textOf(s string) Message   { return Message{Op: frame.Text, Payload: []byte(s)} }
func binaryOf(s string) Message { return Message{Op: frame.Binary, Payload: []byte(s)} }
func pingOf(s string) Message   { return Message{Op: frame.Ping, Payload: []byte(s)} }
func pongOf(s string) Message   { return Message{Op: frame.Pong, Payload: []byte(s)} }
func closeOf(s string) Message {
	return Message{Op: frame.Close, Payload: []byte(s)}
}

// sessions are what a receiver in a role gets and what it makes of it. In masked frames the key is mostly 00000000, which is legal and
// leaves the payload readable.
var sessions = []struct {
	name string
	role Role
	wire string
	msgs []Message
	err  error
}{
	// The examples of RFC 6455.
	{"5.7 a single-frame unmasked text message", Client, "81 05 48656c6c6f", []Message{textOf("Hello")}, nil},
	{"5.7 a single-frame masked text message", Server, "81 85 37fa213d 7f9f4d5158", []Message{textOf("Hello")}, nil},
	{"5.7 a fragmented unmasked text message", Client, "01 03 48656c 80 02 6c6f", []Message{textOf("Hello")}, nil},
	{"5.7 unmasked ping", Client, "89 05 48656c6c6f", []Message{pingOf("Hello")}, nil},
	{"5.7 masked pong", Server, "8a 85 37fa213d 7f9f4d5158", []Message{pongOf("Hello")}, nil},
	{"5.7 256 bytes binary", Client, "82 7e 0100 256*fe", []Message{binaryOf(strings.Repeat("\xfe", 256))}, nil},
	{"5.7 64KiB binary", Client, "82 7f 0000000000010000 65536*fe", []Message{binaryOf(strings.Repeat("\xfe", 65536))}, nil},

	// 1: framing.
	{"autobahn 1.1.1", Server, "81 80 00000000", []Message{textOf("")}, nil},
	{"autobahn 1.1.2", Server, "81 fd 00000000 125*2a", []Message{textOf(strings.Repeat("*", 125))}, nil},
	{"autobahn 1.1.3", Server, "81 fe 007e 00000000 126*2a", []Message{textOf(strings.Repeat("*", 126))}, nil},
	{"autobahn 1.1.4", Server, "81 fe 007f 00000000 127*2a", []Message{textOf(strings.Repeat("*", 127))}, nil},
	{"autobahn 1.1.6", Server, "81 fe ffff 00000000 65535*2a", []Message{textOf(strings.Repeat("*", 65535))}, nil},
	{"autobahn 1.1.7", Server, "81 ff 0000000000010000 00000000 65536*2a", []Message{textOf(strings.Repeat("*", 65536))}, nil},
	{"autobahn 1.2.1", Client, "82 00", []Message{binaryOf("")}, nil},
	{"autobahn 1.2.3", Client, "82 7e 007e 126*fe", []Message{binaryOf(strings.Repeat("\xfe", 126))}, nil},
	{"autobahn 1.2.6", Client, "82 7e ffff 65535*fe", []Message{binaryOf(strings.Repeat("\xfe", 65535))}, nil},

	// 2: pings and pongs.
	{"autobahn 2.1", Server, "89 80 00000000", []Message{pingOf("")}, nil},
	{"autobahn 2.3", Server, "89 88 00000000 00fffefdfcfb00ff", []Message{pingOf("\x00\xff\xfe\xfd\xfc\xfb\x00\xff")}, nil},
	{"autobahn 2.4", Server, "89 fd 00000000 125*fe", []Message{pingOf(strings.Repeat("\xfe", 125))}, nil},
	{"autobahn 2.5", Server, "89 fe 007e 00000000 126*fe", nil, frame.ErrControlTooLong},
	{"autobahn 2.5, client", Client, "89 7e 007e 126*fe", nil, frame.ErrControlTooLong},
	{"autobahn 2.7", Client, "8a 00", []Message{pongOf("")}, nil},
	{"autobahn 2.9", Client, "8a 01 'x' 89 01 'y'", []Message{pongOf("x"), pingOf("y")}, nil},

	// 3: reserved bits.
	{"autobahn 3.1", Server, "91 85 00000000 'Hello'", nil, frame.ErrReservedBits},
	{"autobahn 3.2", Server, "81 85 00000000 'Hello' a1 85 00000000 'Hello' 89 80 00000000", []Message{textOf("Hello")}, frame.ErrReservedBits},
	{"autobahn 3.4", Client, "81 05 'Hello' c1 05 'Hello' 89 00", []Message{textOf("Hello")}, frame.ErrReservedBits},
	{"autobahn 3.5", Client, "d2 01 'x'", nil, frame.ErrReservedBits},
	{"autobahn 3.6", Server, "e9 81 00000000 'x'", nil, frame.ErrReservedBits},
	{"autobahn 3.7", Server, "f8 80 00000000", nil, frame.ErrReservedBits},

	// 4: opcodes.
	{"autobahn 4.1.1", Server, "83 80 00000000", nil, frame.ErrReservedOpcode},
	{"autobahn 4.1.3", Server, "81 81 00000000 'a' 85 80 00000000 89 80 00000000", []Message{textOf("a")}, frame.ErrReservedOpcode},
	{"autobahn 4.1.5", Client, "87 01 'x'", nil, frame.ErrReservedOpcode},
	{"autobahn 4.2.1", Client, "8b 00", nil, frame.ErrReservedOpcode},
	{"autobahn 4.2.5", Server, "8f 80 00000000", nil, frame.ErrReservedOpcode},

	// 5: fragmentation.
	{"autobahn 5.1", Server, "09 81 00000000 'a' 80 81 00000000 'b'", nil, frame.ErrControlFragmented},
	{"autobahn 5.2", Client, "0a 01 'a' 80 01 'b'", nil, frame.ErrControlFragmented},
	{"autobahn 5.3", Server, "01 81 00000000 'a' 80 81 00000000 'b'", []Message{textOf("ab")}, nil},
	{"autobahn 5.6", Server, "01 81 00000000 'a' 89 81 00000000 'p' 80 81 00000000 'b'", []Message{pingOf("p"), textOf("ab")}, nil},
	{"autobahn 5.6, client", Client, "02 01 'a' 89 01 'p' 00 00 8a 01 'q' 80 01 'b'", []Message{pingOf("p"), pongOf("q"), binaryOf("ab")}, nil},
	{"autobahn 5.9", Server, "80 81 00000000 'x' 81 80 00000000", nil, frame.ErrUnexpectedContinuation},
	{"autobahn 5.12", Client, "00 01 'x' 81 00", nil, frame.ErrUnexpectedContinuation},
	{"autobahn 5.15", Server, "01 81 00000000 'a' 80 81 00000000 'b' 00 81 00000000 'c'", []Message{textOf("ab")}, frame.ErrUnexpectedContinuation},
	{"autobahn 5.18", Server, "01 81 00000000 'a' 81 81 00000000 'b'", nil, frame.ErrExpectedContinuation},
	{"autobahn 5.18, client", Client, "02 01 'a' 01 01 'b'", nil, frame.ErrExpectedContinuation},
	{"5.4 the last fragment is empty", Client, "02 01 'a' 80 00", []Message{binaryOf("a")}, nil},
	{"5.4 only the last fragment is not empty", Client, "02 00 00 00 80 01 'a' 81 01 'b'", []Message{binaryOf("a"), textOf("b")}, nil},

	// 6: UTF-8. 8.1: fail at the first byte that is impossible, not at the end.
	{"autobahn 6.1.2", Client, "01 00 00 00 80 00", []Message{textOf("")}, nil},
	{"autobahn 6.2.1", Server, "81 85 00000000 'h' c3a4 c2b5", []Message{textOf("häµ")}, nil},
	{"autobahn 6.2.4", Client, "01 01 ce 00 01 ba 80 01 'x'", []Message{textOf("κx")}, nil},
	{"autobahn 6.3.1", Server, "81 86 00000000 ceba eda080 'x'", nil, frame.ErrInvalidUTF8},
	{"autobahn 6.4.1", Client, "01 02 ceba 00 7f 000000000000ffff f490", nil, frame.ErrLengthNotMinimal},
	{"autobahn 6.4.2", Client, "01 02 ceba 00 7e 1000 f490", nil, frame.ErrInvalidUTF8},
	{"8.1 a text ends within a character", Server, "81 82 00000000 'a' c3", nil, frame.ErrInvalidUTF8},
	{"8.1 a fragmented text ends within a character", Client, "01 02 'a' e2 80 01 82", nil, frame.ErrInvalidUTF8},
	{"8.1 the end comes after an empty fragment", Client, "01 02 'a' e2 80 00", nil, frame.ErrInvalidUTF8},
	{"8.1 the next text begins anew", Client, "01 01 c3 80 01 a4 81 01 a4", []Message{textOf("ä")}, frame.ErrInvalidUTF8},
	{"5.6 binary is not text", Server, "82 82 00000000 fffe", []Message{binaryOf("\xff\xfe")}, nil},

	// 7: closing. What follows a Close is discarded.
	{"autobahn 7.1.2", Server, "88 82 00000000 03e8 88 82 00000000 03e8", []Message{closeOf("\x03\xe8")}, nil},
	{"autobahn 7.1.3", Server, "88 82 00000000 03e8 89 80 00000000", []Message{closeOf("\x03\xe8")}, nil},
	{"autobahn 7.1.4", Client, "88 02 03e8 81 02 fffe ffffffffffff", []Message{closeOf("\x03\xe8")}, nil},
	{"autobahn 7.1.5", Server, "01 81 00000000 'a' 88 82 00000000 03e8 80 81 00000000 'b'", []Message{closeOf("\x03\xe8")}, nil},
	{"autobahn 7.3.1", Client, "88 00", []Message{closeOf("")}, nil},
	{"autobahn 7.3.2", Client, "88 01 'a'", nil, frame.ErrCloseLength},
	{"autobahn 7.3.3", Server, "88 82 00000000 03e8", []Message{closeOf("\x03\xe8")}, nil},
	{"autobahn 7.3.4", Server, "88 8c 00000000 03e8 'Hello w' c3b6 'r'", []Message{closeOf("\x03\xe8Hello wör")}, nil},
	{"autobahn 7.3.5", Client, "88 7d 03e8 123*2a", []Message{closeOf("\x03\xe8" + strings.Repeat("*", 123))}, nil},
	{"autobahn 7.3.6", Client, "88 7e 007e 03e8 124*2a", nil, frame.ErrControlTooLong},
	{"autobahn 7.5.1", Server, "88 87 00000000 03e8 ceba eda080", nil, frame.ErrCloseReason},
	{"autobahn 7.7.5", Client, "88 02 03ef", []Message{closeOf("\x03\xef")}, nil},
	{"autobahn 7.9.1", Client, "88 02 0000", nil, frame.ErrCloseCode},
	{"autobahn 7.9.4", Server, "88 82 00000000 03ed", nil, frame.ErrCloseCode},

	// Masking and the length.
	{"5.1 a client must mask", Server, "81 05 'Hello'", nil, frame.ErrMaskRequired},
	{"5.1 a server must not mask", Client, "81 85 00000000 'Hello'", nil, frame.ErrMaskForbidden},
	{"5.1 in the second frame", Server, "82 81 00000000 'a' 82 01 'b'", []Message{binaryOf("a")}, frame.ErrMaskRequired},
	{"5.2 16 bits where 7 suffice", Client, "82 7e 007d 125*00", nil, frame.ErrLengthNotMinimal},
	{"5.2 64 bits where 16 suffice", Client, "82 7f 000000000000ffff 65535*00", nil, frame.ErrLengthNotMinimal},
	{"5.2 the most significant bit", Client, "82 7f 8000000000000000", nil, frame.ErrLengthOverflow},
	{"10.4 more than 1 MiB", Client, "82 7f 0000000000100001", nil, frame.ErrMessageTooBig},
	{"10.4 the greatest length", Server, "02 ff 7fffffffffffffff 00000000", nil, frame.ErrMessageTooBig},

	// Streams that end early say nothing.
	{"nothing", Server, "", nil, nil},
	{"half a header", Server, "81", nil, nil},
	{"a header", Client, "81 05", nil, nil},
	{"half a payload", Client, "81 05 'Hel'", nil, nil},
	{"half a message", Server, "01 81 00000000 'a'", nil, nil},
	{"half a close", Client, "88 02 03", nil, nil},
}

func TestReceive(t *testing.T) {
	for _, s := range sessions {
		t.Run(s.name, func(t *testing.T) {
			var p Protocol
			p.Role = s.role
			same(t, play(t, &p, whole, wire(s.wire)), outcome{msgs: s.msgs, err: s.err})
			closed := len(s.msgs) > 0 && s.msgs[len(s.msgs)-1].Op == frame.Close
			if p.CloseReceived() != closed {
				t.Errorf("CloseReceived is %v", p.CloseReceived())
			}
		})
	}
}

func TestReceiveIsTheSameHoweverTheBytesAreCut(t *testing.T) {
	for _, s := range sessions {
		t.Run(s.name, func(t *testing.T) {
			invariant(t, s.role, nil, wire(s.wire), outcome{msgs: s.msgs, err: s.err})
		})
	}
}

// The same sessions as the other role gets them: clients mask, servers do not, and nothing else differs.
func TestReceiveIsTheSameInBothRoles(t *testing.T) {
	for _, s := range sessions {
		if s.err == frame.ErrMaskRequired || s.err == frame.ErrMaskForbidden {
			continue
		}
		t.Run(s.name, func(t *testing.T) {
			role := Client - s.role
			b := remask(wire(s.wire), role == Server)
			invariant(t, role, nil, b, outcome{msgs: s.msgs, err: s.err})
		})
	}
}

// remask masks the frames in b, or unmasks them. What is no frame stays what it is.
func remask(b []byte, masked bool) (out []byte) {
	for len(b) > 1 {
		n := 2
		switch b[1] & 0x7f {
		case 126:
			n = 4
		case 127:
			n = 10
		}
		head, was := bytes.Clone(b[:min(n, len(b))]), b[1]&0x80 != 0
		length := 0
		for _, c := range append([]byte{0}, head[2:]...) {
			length = min(length<<8|int(c), 1<<22)
		}
		if n == 2 {
			length = int(b[1] & 0x7f)
		}
		b = b[len(head):]
		var key []byte
		if was {
			key, b = b[:min(4, len(b))], b[min(4, len(b)):]
		}
		payload := bytes.Clone(b[:min(length, len(b))])
		b = b[len(payload):]
		for i := range payload {
			if was {
				payload[i] ^= key[i%4]
			}
			if masked {
				payload[i] ^= "wire"[i%4]
			}
		}
		head[1] &= 0x7f
		if masked {
			head[1] |= 0x80
			head = append(head, "wire"...)
		}
		out = append(append(out, head...), payload...)
	}
	return append(out, b...)
}

// Sessions that chance makes, legal and broken, hold against the oracle, however they are cut.
func TestReceiveAgainstTheOracle(t *testing.T) {
	n := 300
	if testing.Short() || raceBuild {
		n = 60
	}
	limits := []*Options{nil, {MaxMessage: 300, MaxFragments: 3}, {MaxMessage: 1, MaxFragments: 1}, {MaxMessage: -1, MaxFragments: -1}}
	for seed := range uint64(n) {
		rnd := rand.New(rand.NewPCG(seed, 2))
		role := Role(rnd.IntN(2))
		b := randomSession(rnd, role)
		o := limits[rnd.IntN(len(limits))]
		msgs, breach := oracle(role, uint64(o.maxMessage()), o.maxFragments(), b)
		cuts(b, seed, func(how string, chunks [][]byte) {
			for _, w := range ways {
				p := Protocol{Role: role, Options: o}
				if d := difference(play(t, &p, w, chunks...), outcome{msgs: msgs, err: breach}); d != "" {
					t.Fatalf("seed %d, %v, %v, %v: %s", seed, role, w, how, d)
				}
			}
		})
	}
}

// randomSession returns a few messages, with control frames between fragments, as sent to receiver. Half of the sessions are broken somewhere.
func randomSession(rnd *rand.Rand, receiver Role) (b []byte) {
	add := func(op frame.Opcode, fin bool, payload []byte) {
		h := frame.Header{Opcode: op, Fin: fin, Masked: receiver == Server}
		if h.Masked {
			h.Key = rnd.Uint32()
		}
		b = frame.Append(b, h, payload)
	}
	control := func() {
		for rnd.IntN(3) == 0 {
			add(frame.Ping+frame.Opcode(rnd.IntN(2)), true, randomBytes(rnd, rnd.IntN(126)))
		}
	}
	for range 1 + rnd.IntN(5) {
		op := frame.Text + frame.Opcode(rnd.IntN(2))
		size := []int{0, 1, 10, 125, 126, 300, 2000}[rnd.IntN(7)]
		payload := randomBytes(rnd, size)
		if op == frame.Text {
			payload = randomText(rnd, size)
		}
		for rnd.IntN(2) == 0 {
			control()
			n := rnd.IntN(1 + len(payload))
			add(op, false, payload[:n])
			op, payload = frame.Continuation, payload[n:]
		}
		control()
		add(op, true, payload)
	}
	if rnd.IntN(2) == 0 {
		add(frame.Close, true, wire("0bb8 'bye'"))
	}
	if rnd.IntN(2) == 0 { // break it
		for range 1 + rnd.IntN(3) {
			b[rnd.IntN(len(b))] ^= 1 << rnd.IntN(8)
		}
	}
	return b
}

func randomBytes(rnd *rand.Rand, n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(rnd.Uint32())
	}
	return b
}

func randomText(rnd *rand.Rand, n int) []byte {
	var s []rune
	for range n {
		s = append(s, []rune{'a', 'z', 'ä', 'κ', '€', '世', '😀', 0x10ffff}[rnd.IntN(8)])
	}
	return []byte(string(s))
}

// ReceivePart hands out what Receive has assembled, and Receive what is left after pieces.
func TestReceivePartAndReceiveTakeTurns(t *testing.T) {
	next := func(m Message, rest []byte, err error) string {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		s := m.Op.String() + " " + string(m.Payload)
		if m.Op == 0 {
			s = "nothing"
		}
		if m.More {
			s += ".."
		}
		return s + " | " + string(rest)
	}
	expect := func(got, want string) {
		t.Helper()
		if got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
	p := Protocol{Role: Client}
	expect(next(p.Receive(wire("02 03 'abc' 00 04 'de'"))), "nothing | ")
	expect(next(p.ReceivePart(wire("'fg' 89 01 'p' 80 05 'hij'"))), "binary abcde.. | fg\x89\x01p\x80\x05hij") // consumes nothing
	expect(next(p.ReceivePart(wire("'fg' 89 01 'p' 80 05 'hij'"))), "binary fg.. | \x89\x01p\x80\x05hij")
	expect(next(p.ReceivePart(wire("89 01 'p' 80 05 'hij'"))), "ping p | \x80\x05hij")
	expect(next(p.ReceivePart(wire("80 05 'hij'"))), "binary hij.. | ")
	expect(next(p.ReceivePart(nil)), "nothing | ")
	expect(next(p.Receive(wire("'k'"))), "nothing | ")
	expect(next(p.Receive(wire("'l' 81 01 'x'"))), "binary kl | \x81\x01x")
	expect(next(p.ReceivePart(wire("81 01 'x'"))), "text x | ")
	expect(next(p.ReceivePart(wire("01 00 00 02 'yz' 80 00"))), "text yz.. | \x80\x00")
	expect(next(p.ReceivePart(wire("80 00"))), "text  | ") // the last piece may be empty
	expect(next(p.ReceivePart(nil)), "nothing | ")
	if p.in != nil {
		t.Error("idle, and it still holds an incoming")
	}
}

// Receive of bytes that are there costs no memory. So does Receive of bytes that come in pieces, once the pools are warm.
func TestReceiveAllocatesNothing(t *testing.T) {
	if raceBuild {
		t.Skip("sync.Pool forgets at random when built with race")
	}
	big := strings.Repeat("x", 5000)
	for _, s := range []struct{ name, wire string }{
		{"binary", "82 85 00000000 'Hello'"},
		{"text", "81 85 00000000 'Hello'"},
		{"ping", "89 85 00000000 'Hello'"},
		{"fragments", "01 83 00000000 'abc' 89 80 00000000 80 83 00000000 'def'"},
		{"5000 bytes", "82 fe 1388 00000000 '" + big + "'"},
	} {
		t.Run(s.name, func(t *testing.T) {
			b := wire(s.wire)
			for _, n := range []int{len(b), 1, 7, 1000} {
				for _, w := range ways {
					var p Protocol
					turn := 0
					if avg := testing.AllocsPerRun(100, func() {
						for i := 0; i < len(b); i += n {
							for rest := b[i:min(i+n, len(b))]; ; {
								receive := p.Receive
								if turn++; w == parts || w == mixed && turn%5 == 0 {
									receive = p.ReceivePart
								}
								m, r, err := receive(rest)
								if err != nil {
									t.Fatal(err)
								}
								if rest = r; m.Op == 0 {
									break
								}
							}
						}
					}); avg != 0 {
						t.Errorf("%v in pieces of %d: %v allocations", w, n, avg)
					}
				}
			}
		})
	}
}

func TestReceiveErrorAllocatesNothing(t *testing.T) {
	b := wire("83 80 00000000")
	if avg := testing.AllocsPerRun(100, func() {
		p := Protocol{}
		if _, _, err := p.Receive(b); err != frame.ErrReservedOpcode {
			t.Fatal(err)
		}
	}); avg != 0 {
		t.Errorf("%v allocations", avg)
	}
}
