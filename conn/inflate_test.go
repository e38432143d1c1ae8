package conn

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/idlewire/idlewire/frame"
)

// deflated returns payload as it goes into frames.
func deflated(payload string) []byte { return naiveFlush(nil, []byte(payload), nil, true) }

// flushed is deflated for what is not the end of a message.
func flushed(payload string) []byte { return naiveFlush(nil, []byte(payload), nil, false) }

// rsv1 is a frame of a server, with RSV1.
func rsv1(op frame.Opcode, fin bool, payload []byte) []byte {
	return frame.Append(nil, frame.Header{Opcode: op, Fin: fin, Rsv: frame.Rsv1}, payload)
}

// plain is the same without.
func plain(op frame.Opcode, fin bool, payload []byte) []byte {
	return frame.Append(nil, frame.Header{Opcode: op, Fin: fin}, payload)
}

type inflateRow struct {
	name string
	in   []byte
	msgs []Message
	err  error
}

func inflateRows() []inflateRow {
	hello := "f2 48 cd c9 c9 07 00"
	long := strings.Repeat("long ", 3000)
	return []inflateRow{
		// RFC 7692, 7.2.3
		{"7.2.3.1 one block", wire("c1 07" + hello), []Message{textOf("Hello")}, nil},
		{"7.2.3.1 in two fragments", wire("41 03 f2 48 cd  80 04 c9 c9 07 00"), []Message{textOf("Hello")}, nil},
		{"7.2.3.2 context takeover", wire("c1 07" + hello + "c1 05 f2 00 11 00 00"), []Message{textOf("Hello"), textOf("Hello")}, nil},
		{"7.2.3.3 a block without compression", wire("c1 0b 00 05 00 fa ff 'Hello' 00"), []Message{textOf("Hello")}, nil},
		{"7.2.3.5 two blocks", wire("c1 0d f2 48 05 00 00 00 ff ff ca c9 c9 07 00"), []Message{textOf("Hello")}, nil},
		{"7.2.3.6 an empty message", wire("c1 01 00"), []Message{textOf("")}, nil},
		{"not compressed", wire("81 05 'Hello'"), []Message{textOf("Hello")}, nil},
		{"one and the other", wire("c2 07" + hello + "82 02 'no' c2 07" + hello), []Message{binaryOf("Hello"), binaryOf("no"), binaryOf("Hello")}, nil},
		{"6.1 a ping between the fragments", wire("41 03 f2 48 cd  89 01 'p' 80 04 c9 c9 07 00"), []Message{pingOf("p"), textOf("Hello")}, nil},
		{"empty fragments", wire("41 00 00 03 f2 48 cd 00 00 00 04 c9 c9 07 00 80 00"), []Message{textOf("Hello")}, nil},
		{"then a Close", wire("c1 07" + hello + "88 02 03e8"), []Message{textOf("Hello"), closeOf("\x03\xe8")}, nil},
		{"long", rsv1(frame.Text, true, deflated(long)), []Message{textOf(long)}, nil},

		// 6.1: RSV1 on the first fragment only, and not on control frames
		{"6.1 RSV1 on a continuation", wire("41 03 f2 48 cd  c0 04 c9 c9 07 00"), nil, frame.ErrReservedBits},
		{"6.1 RSV1 on the continuation of a plain message", wire("01 01 'a' c0 01 'b'"), nil, frame.ErrReservedBits},
		{"6.1 RSV1 on a ping", wire("c9 01 'p'"), nil, frame.ErrReservedBits},
		{"6.1 RSV1 on a pong", wire("ca 00"), nil, frame.ErrReservedBits},
		{"6.1 RSV1 on a Close", wire("c8 02 03e8"), nil, frame.ErrReservedBits},
		{"RSV2", wire("e1 07" + hello), nil, frame.ErrReservedBits},
		{"RSV3 alone", wire("91 07" + hello), nil, frame.ErrReservedBits},

		{"not DEFLATE", wire("c1 02 06 00"), nil, frame.ErrInvalidDeflate}, // block type 3
		{"no octets", wire("c1 00"), nil, frame.ErrInvalidDeflate},
		{"cut short", wire("c1 03 f2 48 cd"), nil, frame.ErrInvalidDeflate},
		{"before the first message", wire("c1 05 f2 00 11 00 00"), nil, frame.ErrInvalidDeflate},
		{"good and bad", wire("c1 07" + hello + "c1 02 06 00"), []Message{textOf("Hello")}, frame.ErrInvalidDeflate},

		// 8.1, of what comes out
		{"8.1 not UTF-8", rsv1(frame.Text, true, deflated("good\xff")), nil, frame.ErrInvalidUTF8},
		{"8.1 ends in a character", rsv1(frame.Text, true, deflated("good\xc3")), nil, frame.ErrInvalidUTF8},
		{"8.1 a character in two fragments", slices.Concat(rsv1(frame.Text, false, flushed("k\xc3")), plain(frame.Continuation, true, deflated("\xa4se"))),
			[]Message{textOf("käse")}, nil},
		{"8.1 at the first impossible octet", rsv1(frame.Text, false, flushed("good\xff")), nil, frame.ErrInvalidUTF8},
		{"8.1 what is bad comes before what is no DEFLATE", rsv1(frame.Text, true, append(flushed("\xff"), 6)), nil, frame.ErrInvalidUTF8},
		{"binary is anything", rsv1(frame.Binary, true, deflated("good\xff")), []Message{binaryOf("good\xff")}, nil},

		// 5.4 as ever
		{"5.4 a message inside another", wire("41 03 f2 48 cd c1 07" + hello), nil, frame.ErrExpectedContinuation},
	}
}

func TestInflate(t *testing.T) {
	for _, row := range inflateRows() {
		t.Run(row.name, func(t *testing.T) {
			eachRole(t, func(t *testing.T, role Role) {
				in := remask(row.in, role == Server)
				cuts(in, 1, func(how string, chunks [][]byte) {
					for _, w := range ways {
						p := &Protocol{Role: role, Compressor: &naiveDeflate{takeover: true}}
						o := playDeflate(t, p, w, chunks...)
						if d := difference(o, outcome{msgs: row.msgs, err: row.err}); d != "" {
							t.Fatalf("%v, %s: %s", w, how, d)
						}
					}
				})
			})
		})
	}
}

// V28: without negotiation nothing is inflated.
func TestV28RSV1WithoutNegotiation(t *testing.T) {
	for _, row := range inflateRows() {
		if row.in[0]&0x40 == 0 {
			continue
		}
		same(t, play(t, &Protocol{Role: Client}, whole, row.in), outcome{err: frame.ErrReservedBits})
	}
}

// playDeflate is play for machines that decompress: what they hold may be more, and what is received means something else.
func playDeflate(t testing.TB, p *Protocol, w way, chunks ...[]byte) (o outcome) {
	t.Helper()
	received, turn := 0, 0
	var part []byte
	for _, chunk := range chunks {
		b := bytes.Clone(chunk)
		for {
			receive := p.Receive
			if turn++; w == parts || w == mixed && (turn/3)%2 == 1 {
				receive = p.ReceivePart
			}
			m, rest, err := receive(b)
			received += len(b) - len(rest)
			lent := m.Op != 0
			if n := p.Buffered(); w == whole && !lent && n > 66*received+8<<10 {
				t.Fatalf("%d bytes held, %d received", n, received)
			}
			if err != nil {
				if m.Op != 0 || rest != nil || p.Buffered() != 0 {
					t.Fatal("an error, and something beside it")
				}
				if _, _, err2 := p.Receive([]byte{0x81}); err2 != err {
					t.Fatalf("%v, and then %v", err, err2)
				}
				o.err = err
				return o
			}
			if m.Op == 0 {
				if len(rest) > 0 {
					t.Fatal("no message, and bytes left")
				}
				break
			}
			if cap(m.Payload) != len(m.Payload) {
				t.Fatal("the payload can be appended to")
			}
			switch payload := bytes.Clone(m.Payload); {
			case m.Op.IsControl():
				o.msgs = append(o.msgs, Message{Op: m.Op, Payload: payload})
			case m.More:
				if len(payload) == 0 {
					t.Fatal("an empty piece")
				}
				part = append(part, payload...)
			default:
				o.msgs = append(o.msgs, Message{Op: m.Op, Payload: append(part, payload...)})
				part, received = nil, 0
			}
			for i := range m.Payload { // it is ours
				m.Payload[i] = '!'
			}
			b = rest
		}
	}
	if p.in != nil && p.in.op == 0 && p.Buffered() > 0 && p.in.inHead == 0 && p.in.frame.Length == 0 {
		t.Fatal("something is held, and nothing incomplete")
	}
	return o
}

// MaxMessage is about what comes out, exactly.
func TestInflateLimit(t *testing.T) {
	for _, limit := range []int{1, 100, 512, 513, 4096, 32 << 10, 40000, 70000, 1 << 20} {
		for _, over := range []int{0, 1, 1000} {
			for _, pieces := range []int{1, 3} {
				var in []byte
				size := limit + over
				for i := range pieces {
					part := strings.Repeat("a", size/pieces)
					last := i == pieces-1
					if last {
						part = strings.Repeat("a", size-size/pieces*(pieces-1))
					}
					op := frame.Continuation
					if i == 0 {
						op = frame.Text
					}
					h := frame.Header{Opcode: op, Fin: last}
					if i == 0 {
						h.Rsv = frame.Rsv1
					}
					in = frame.Append(in, h, naiveFlush(nil, []byte(part), nil, last))
					if !last {
						in = append(in, plain(frame.Ping, true, nil)...)
					}
				}
				for _, w := range ways {
					p := &Protocol{Role: Client, Options: &Options{MaxMessage: limit}, Compressor: &naiveDeflate{}}
					o := playDeflate(t, p, w, in)
					var text string
					for _, m := range o.msgs {
						text += string(m.Payload)
					}
					switch {
					case over == 0 && (o.err != nil || len(text) != size):
						t.Errorf("limit %d, %d pieces, %v: %d octets, %v", limit, pieces, w, len(text), o.err)
					case over > 0 && (o.err != frame.ErrMessageTooBig || text != ""):
						t.Errorf("limit %d and %d, %d pieces, %v: %d octets, %v", limit, over, pieces, w, len(text), o.err)
					}
				}
			}
		}
	}
}

// What is sent compressed is not endless either, although it is not held: at the limit, and one past it.
func TestInflateWireLimit(t *testing.T) {
	o := &Options{MaxMessage: 100, MaxFragments: -1}
	limit := o.wireLimit()
	if limit != 100*16+4096 || (&Options{MaxMessage: -1}).wireLimit() < 1<<31-1 {
		t.Fatal(limit)
	}
	for _, first := range []int64{0, 1, limit - 1, limit} {
		for over := range int64(2) {
			p := &Protocol{Role: Client, Options: o, Compressor: &naiveDeflate{}}
			b := frame.Header{Opcode: frame.Text, Rsv: frame.Rsv1, Length: first}.Append(nil)
			b = append(b, bytes.Repeat([]byte{0}, int(first))...)
			for i := range first { // empty blocks without compression, one after the other
				copy(b[len(b)-int(first)+int(i):], []byte{0, 0, 0, 0xff, 0xff}[i%5:i%5+1])
			}
			b = frame.Header{Opcode: frame.Continuation, Length: limit - first + over}.Append(b)
			_, _, err := p.Receive(b)
			if over == 0 && err != nil || over == 1 && err != frame.ErrMessageTooBig {
				t.Errorf("%d and %d past it: %v", first, over, err)
			}
			p.Release()
		}
		p := &Protocol{Role: Client, Options: o, Compressor: &naiveDeflate{}}
		if _, _, err := p.Receive(frame.Header{Opcode: frame.Text, Rsv: frame.Rsv1, Length: limit + 1}.Append(nil)); err != frame.ErrMessageTooBig {
			t.Error(err)
		}
	}
}

// V15, of compressed messages: who sends a bomb and not its end makes us hold what he has paid for, whatever he cuts it into.
func TestV22ABombInPiecesIsHeldAsItCame(t *testing.T) {
	const size = 1 << 20
	payload := strings.Repeat("\x00", size)
	bomb := deflated(payload)
	for _, chunk := range []int{7, 100, 1000, len(bomb) - 1} {
		p := &Protocol{Role: Client, Compressor: &naiveDeflate{}}
		head := frame.Header{Opcode: frame.Binary, Fin: true, Rsv: frame.Rsv1, Length: int64(len(bomb))}.Append(nil)
		if _, _, err := p.Receive(head); err != nil {
			t.Fatal(err)
		}
		sent := 0
		for sent < len(bomb)-1 {
			n := min(chunk, len(bomb)-1-sent)
			_, _, err := p.Receive(bytes.Clone(bomb[sent : sent+n]))
			if sent += n; err != nil || p.Buffered() > 66*sent+8<<10 {
				t.Fatalf("%d held of %d, %v", p.Buffered(), sent, err)
			}
		}
		m, _, err := p.Receive(bytes.Clone(bomb[sent:]))
		if err != nil || string(m.Payload) != payload {
			t.Fatal(len(m.Payload), err)
		}
		if n := p.Buffered(); n > size+64<<10 {
			t.Errorf("%d held while the message is lent", n)
		}
		if m, _, err := p.Receive(nil); m.Op != 0 || err != nil || p.Buffered() != 0 {
			t.Errorf("%d held after it", p.Buffered())
		}
	}
}

// The buffer goes through sizes of which two neighbours are never more than the limit and 64 KiB together, up to the default limit.
func TestInflateGrows(t *testing.T) {
	for _, limit := range []int64{1, 511, 512, 513, 1000, 32 << 10, 32<<10 + 1, 100000, 1 << 20, 1<<20 + 1, 10 << 20} {
		size := min(smallest, limit)
		for steps := 0; size < limit; steps++ {
			next := grow(size, limit)
			if next <= size || next > limit || steps > 64 {
				t.Fatalf("limit %d: from %d to %d", limit, size, next)
			}
			if limit <= 1<<20 && size+next > limit+64<<10 {
				t.Errorf("limit %d: from %d to %d", limit, size, next)
			}
			size = next
		}
		for wire := range int64(200000) {
			z := inflation{wire: wire}
			if a := z.allowance(limit); a < 1 || a > limit || a > max(heldFactor*wire+4096, smallest) {
				t.Fatalf("limit %d: %d for %d", limit, a, wire)
			}
		}
	}
	z := inflation{wire: 1<<63 - 1}
	if z.allowance(1<<62) != 1<<62 {
		t.Error("overflow")
	}
}

// While a message is lent it takes what it is, but for the steps in which its buffer grows, and never the limit and 64 KiB more.
func TestInflateHolds(t *testing.T) {
	for _, limit := range []int{100, 5000, 33000, 100000, 600000, 1 << 20, 1<<20 + 1, 3 << 20} {
		for _, size := range []int{limit / 2, limit} {
			p := &Protocol{Role: Client, Options: &Options{MaxMessage: limit}, Compressor: &naiveDeflate{}}
			m, _, err := p.Receive(rsv1(frame.Binary, true, deflated(strings.Repeat("a", size))))
			if err != nil || len(m.Payload) != size {
				t.Fatal(len(m.Payload), err)
			}
			if n := p.Buffered(); n > limit+64<<10 {
				t.Errorf("limit %d: %d held for %d", limit, n, size)
			}
		}
	}
}

// A message that is left, in whatever state, leaves nothing behind.
func TestInflateReleased(t *testing.T) {
	in := slices.Concat(rsv1(frame.Text, false, flushed(strings.Repeat("some text ", 20000))), rsv1(frame.Text, true, deflated("x")))
	for cut := range in {
		for _, w := range ways {
			z := &naiveDeflate{}
			p := &Protocol{Role: Client, Compressor: z}
			o := playDeflate(t, p, w, in[:cut])
			if o.err != nil && !errors.Is(o.err, frame.ErrExpectedContinuation) {
				t.Fatal(o.err)
			}
			p.Release()
			if p.Buffered() != 0 || z.current != nil {
				t.Fatalf("%d octets, %v: something is left", cut, w)
			}
		}
	}
}

// Receive and ReceivePart may take turns also within a compressed message that looks far back.
func TestInflateLongPieces(t *testing.T) {
	rnd := rand.New(rand.NewPCG(3, 4))
	noise := randomBytes(rnd, 32000)
	payload := string(bytes.Repeat(noise, 8)) // each refers 32 000 octets back
	for _, w := range ways {
		for _, cut := range []int{100, 5000, 1 << 20} {
			var chunks [][]byte
			for in := rsv1(frame.Binary, true, deflated(payload)); len(in) > 0; {
				n := min(cut, len(in))
				chunks, in = append(chunks, in[:n]), in[n:]
			}
			p := &Protocol{Role: Client, Compressor: &naiveDeflate{}}
			o := playDeflate(t, p, w, chunks...)
			same(t, o, outcome{msgs: []Message{binaryOf(payload)}})
		}
	}
}
