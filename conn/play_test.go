package conn

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"

	"github.com/idlewire/idlewire/frame"
)

// wire turns what a human can count into bytes: hex digits, blanks that say nothing, 'text', and N*xx for N times a byte.
func wire(s string) []byte {
	var b []byte
	for i, part := range strings.Split(s, "'") {
		if i%2 == 1 {
			b = append(b, part...)
			continue
		}
		for _, word := range strings.Fields(part) {
			times := 1
			if n, digits, ok := strings.Cut(word, "*"); ok {
				var err error
				if times, err = strconv.Atoi(n); err != nil {
					panic(err)
				}
				word = digits
			}
			x, err := hex.DecodeString(word)
			if err != nil {
				panic(fmt.Sprintf("%q: %v", s, err))
			}
			b = append(b, bytes.Repeat(x, times)...)
		}
	}
	return b
}

// A way says how play reads: with Receive, with ReceivePart, or with now this and now that.
type way byte

const (
	whole way = iota
	parts
	mixed
)

var ways = []way{whole, parts, mixed}

func (w way) String() string { return [...]string{"whole", "parts", "mixed"}[w] }

// An outcome is what came out of a machine: copies of the messages, put together if they came in pieces, and the error.
type outcome struct {
	msgs []Message
	err  error
	part []byte // of a message of which not all pieces came
}

// play feeds p with one chunk after the other as a driver does, and holds p at every call against what it promises: invariants, memory, work,
// progress, and for ever the same error.
func play(t testing.TB, p *Protocol, w way, chunks ...[]byte) (o outcome) {
	t.Helper()
	received := 0 // since the last data message
	turn := 0
	for _, chunk := range chunks {
		b := bytes.Clone(chunk) // Receive overwrites it
		for calls := 0; ; calls++ {
			if calls > len(chunk)+2 {
				t.Fatalf("%d calls for %d bytes", calls, len(chunk))
			}
			receive := p.Receive
			if turn++; w == parts || w == mixed && (turn/3)%2 == 1 {
				receive = p.ReceivePart
			}
			m, rest, err := receive(b)
			if steps := p.turns(); steps > 1+(len(b)-len(rest))/2 {
				t.Fatalf("%d turns of the loop for %d bytes", steps, len(b)-len(rest)) // V04
			}
			if err == nil && len(rest) > 0 && &rest[len(rest)-1] != &b[len(b)-1] {
				t.Fatal("rest is not the end of b")
			}
			received += len(b) - len(rest)
			if n := p.Buffered(); n > 2*received+4096 {
				t.Fatalf("%d bytes held, %d received", n, received) // V15, V17
			}
			if bad := p.broken(); bad != "" {
				t.Fatal(bad)
			}
			if err != nil {
				if m.Op != 0 || rest != nil || m.Payload != nil {
					t.Fatalf("%v, %d bytes of rest and an error", m, len(rest))
				}
				if p.Buffered() != 0 {
					t.Fatal("buffers after an error")
				}
				for _, again := range []func([]byte) (Message, []byte, error){p.Receive, p.ReceivePart} {
					if _, _, err2 := again([]byte{0x81}); err2 != err {
						t.Fatalf("%v, and then %v", err, err2)
					}
				}
				o.err = err
				return o
			}
			if m.Op == 0 {
				if len(rest) > 0 || m.More || m.Payload != nil {
					t.Fatalf("no message, and %d bytes of rest", len(rest))
				}
				break
			}
			if cap(m.Payload) != len(m.Payload) {
				t.Fatal("the payload can be appended to")
			}
			switch {
			case m.Op.IsControl():
				o.msgs = append(o.msgs, Message{Op: m.Op, Payload: bytes.Clone(m.Payload)})
			case m.More:
				if len(m.Payload) == 0 {
					t.Fatal("an empty piece")
				}
				o.part = append(o.part, m.Payload...)
			default:
				o.msgs = append(o.msgs, Message{Op: m.Op, Payload: append(o.part, m.Payload...)})
				o.part = nil
				received = 0
			}
			b = rest
		}
	}
	return o
}

// broken checks the formulas that stand at the fields.
func (p *Protocol) broken() string {
	if (p.breach != 0) != (p.ended&failed != 0) {
		return "err without failed, or failed without err"
	}
	in := p.in
	if in == nil {
		return ""
	}
	left := in.frame.Length
	switch {
	case in.inHead >= frame.MaxHeaderSize:
		return "a whole header is kept as bytes"
	case in.inHead > 0 && left != 0:
		return "a header within a frame"
	case left < 0:
		return "less than nothing is to come"
	case left > 0 && in.frame.Opcode.IsControl() && int64(in.inControl)+left > frame.MaxControlPayload:
		return "a control payload that is too long"
	case in.op != 0 && !in.op.IsData():
		return "a message that is neither text nor binary"
	case in.op != 0 && (in.total > p.Options.maxMessage() || in.frames < 1 || in.frames > p.Options.maxFragments()):
		return "a message beyond the limits"
	case in.op != 0 && in.buf != nil && (len(in.buf.b) == 0 || int64(len(in.buf.b)) > in.total):
		return "a buffer that is not the message's"
	case in.op == 0 && in.buf != nil && in.lent != lentBuf:
		return "a buffer without a message"
	}
	return ""
}

// same compares outcomes: the messages and the error.
func same(t testing.TB, got, want outcome) {
	t.Helper()
	if d := difference(got, want); d != "" {
		t.Fatal(d)
	}
}

func difference(got, want outcome) string {
	if len(got.msgs) != len(want.msgs) {
		return fmt.Sprintf("%d messages, want %d: %v, want %v", len(got.msgs), len(want.msgs), got, want)
	}
	for i, m := range got.msgs {
		if w := want.msgs[i]; m.Op != w.Op || !bytes.Equal(m.Payload, w.Payload) {
			return fmt.Sprintf("message %d: %v, want %v", i, short(m), short(w))
		}
	}
	if got.err != want.err {
		return fmt.Sprintf("error %v, want %v", got.err, want.err)
	}
	return ""
}

func short(m Message) string {
	return fmt.Sprintf("%v of %d: %.60q", m.Op, len(m.Payload), m.Payload)
}

func (o outcome) String() string {
	var s []string
	for _, m := range o.msgs {
		s = append(s, short(m))
	}
	return fmt.Sprint(s, o.err)
}

// cuts calls f with b whole, byte by byte, cut in two everywhere, and cut at random: style.md's split invariance. A long b is
// cut in two near its ends and where the seed says.
func cuts(b []byte, seed uint64, f func(how string, chunks [][]byte)) {
	f("whole", [][]byte{b})
	if len(b) <= 4096 {
		var single [][]byte
		for i := range b {
			single = append(single, b[i:i+1])
		}
		f("byte by byte", single)
	}
	rnd := rand.New(rand.NewPCG(seed, uint64(len(b))))
	times, edge := 64, 24
	if len(b) > 1000 || raceBuild { // which is ten times slower
		times, edge = 8, 15
	}
	for i := range b {
		if len(b) < 300 || i < edge || i > len(b)-edge || rnd.IntN(len(b)) < times {
			f(fmt.Sprintf("cut at %d", i), [][]byte{b[:i], b[i:]})
		}
	}
	for n := range times {
		f(fmt.Sprintf("random cuts, seed %d, %d", seed, n), chop(rnd, b))
	}
}

// chop cuts b at random, into chunks most of which are small.
func chop(rnd *rand.Rand, b []byte) (chunks [][]byte) {
	for len(b) > 0 {
		n := min(rnd.IntN(1+len(b)), rnd.IntN(1<<(1+rnd.IntN(12))))
		chunks = append(chunks, b[:n])
		b = b[n:]
	}
	return chunks
}

// invariant checks that a receiver with these options makes want of b however it is cut, and in whatever way it is read.
func invariant(t *testing.T, role Role, o *Options, b []byte, want outcome) {
	t.Helper()
	cuts(b, 1, func(how string, chunks [][]byte) {
		for _, w := range ways {
			p := Protocol{Role: role, Options: o}
			if d := difference(play(t, &p, w, chunks...), want); d != "" {
				t.Fatalf("%v, %v, %v: %s", role, w, how, d)
			}
			p.Release()
			if p.Buffered() != 0 {
				t.Fatal("buffers after Release")
			}
		}
	})
}
