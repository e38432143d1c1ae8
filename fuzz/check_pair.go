package fuzz

import (
	"bytes"
	"fmt"

	"github.com/idlewire/idlewire/conn"
	"github.com/idlewire/idlewire/deflate"
	"github.com/idlewire/idlewire/frame"
	"github.com/idlewire/idlewire/handshake"
)

// CheckPair joins two conn.Protocols, which agreed on compression or on none, and lets them do what program says. It panics unless all
// that either was allowed to say is legal by the reference, and is what the other hears, in order; what was refused had to be; and it ends with both
// closed and nothing held.
func CheckPair(program []byte) {
	p := newPair(program)
	defer p.release()
	for steps := 0; !p.empty() && steps < maxSteps && len(p.ends[0].wire)+len(p.ends[1].wire) < MaxStream; steps++ {
		p.step()
	}
	p.finish()
}

// maxSteps bounds the work of CheckPair.
const maxSteps = 2000

// A pair is two ends and a program.
type pair struct {
	generator // draws payloads
	ends      [2]*end
	prepared  *conn.Prepared
	text      []byte // of prepared
}

// An end is a Protocol, and what it has done.
type end struct {
	*conn.Protocol
	judge  Setup  // of who hears it
	wire   []byte // all that it has said
	heard  int    // so much of it the other has got
	said   []Event
	events []Event // what it has heard
	pieces []byte  // of a message that is being heard
	begun  []byte  // of a message that is being said in fragments
	kind   byte    // of that; 0: none is
	closed bool    // has said Close
}

func newPair(program []byte) *pair {
	p := &pair{}
	p.data = program[:min(len(program), maxInput)]
	key := uint32(0)
	o := &conn.Options{MaxMessage: -1, MaxFragments: -1, MaskKey: func() uint32 { key = key*1664525 + 1013904223; return key }}
	for i := range p.ends {
		p.ends[i] = &end{Protocol: &conn.Protocol{Role: conn.Role(i), Options: o}, judge: Setup{Role: 1 - Role(i)}}
	}
	if !p.one(4) {
		p.agree()
	}
	return p
}

// policy draws an endpoint's options of compression.
func (p *pair) policy() *deflate.Options {
	b, c := p.octet(), p.octet()
	o := &deflate.Options{
		Level:                 1 + int(b&7),
		MinSize:               [...]int{-1, 1, 0, 20}[b>>3&3],
		ServerContextTakeover: b&0x20 == 0,
		ClientContextTakeover: b&0x40 == 0,
		ServerMaxWindowBits:   8 + int(c&7),
		ClientMaxWindowBits:   8 + int(c>>3&7),
	}
	if c >= 0x80 {
		o.ServerMaxWindowBits, o.ClientMaxWindowBits = 0, 0
	}
	if b >= 0x80 {
		o.ConnBudget = 1 << (8 + c&7)
	}
	return o
}

// agree negotiates, by way of the header's octets.
func (p *pair) agree() {
	server, client := p.policy(), p.policy()
	offers := overWire(client.Offers())
	answer, c, ok := server.Accept(offers)
	if !ok {
		panic(fmt.Sprintf("the server refuses %v", offers))
	}
	p.ends[Server].Compressor = c
	c, err := client.Agree(overWire([]handshake.Extension{answer}))
	if err != nil || c == nil {
		panic(fmt.Sprintf("the client offers %v, and refuses %v: %v", offers, answer, err))
	}
	p.ends[Client].Compressor = c

	offered, _ := deflate.ParseParams(offers[0])
	agreed, _ := deflate.ParseParams(answer)
	bits := func(all ...int) int {
		least := 15
		for _, n := range all {
			if n > 0 {
				least = min(least, n)
			}
		}
		return least
	}
	p.ends[Server].judge.Deflate = &Deflate{Bits: bits(agreed.ServerMaxWindowBits, offered.ServerMaxWindowBits), Takeover: !agreed.ServerNoContextTakeover}
	// RFC 7692, 7.1.1.2 and 7.1.2.2: what a client says in its offer about itself, it keeps to without an answer.
	p.ends[Client].judge.Deflate = &Deflate{
		Bits:     bits(agreed.ClientMaxWindowBits, offered.ClientMaxWindowBits),
		Takeover: !agreed.ClientNoContextTakeover && !offered.ClientNoContextTakeover,
	}
}

// overWire returns what is left of extensions as a header.
func overWire(all []handshake.Extension) []handshake.Extension {
	b, err := handshake.AppendExtensions(nil, all)
	if err != nil {
		panic(err)
	}
	again, err := handshake.ParseExtensions(nil, b)
	if err != nil {
		panic(fmt.Sprintf("%s: %v", b, err))
	}
	return again
}

func (p *pair) release() {
	for _, e := range p.ends {
		if e.Compressor != nil {
			e.Compressor.Release()
		}
	}
}

// payload draws what one end says: now and then it does not shrink.
func (p *pair) payload(op byte, most int) []byte {
	b := p.plain(op, min(p.drawSize(MaxStream), most))
	if op == OpBinary && p.one(3) {
		x := uint32(p.octet())
		for i := range b {
			x = x*1664525 + 1013904223
			b[i] = byte(x >> 24)
		}
	}
	return b
}

// step does one thing, which an end may be forbidden to do.
func (p *pair) step() {
	what := p.octet()
	a := p.ends[what&1]
	op := OpText + what>>1&1
	switch what >> 2 % 16 {
	case 0, 1:
		payload := p.payload(op, MaxStream)
		out, err := a.AppendMessage(a.wire, frame.Opcode(op), payload)
		a.say(out, err, a.kind == 0, op, payload)
	case 2:
		payload := p.payload(op, MaxStream)
		out, err := a.AppendUncompressed(a.wire, frame.Opcode(op), payload)
		a.say(out, err, a.kind == 0, op, payload)
	case 3:
		p.sayPrepared(a)
	case 4: // does not go out
		if a.kind == 0 && !a.closed {
			if _, err := a.AppendMessage(nil, frame.Opcode(op), p.payload(op, MaxStream)); err != nil {
				panic(err)
			}
			a.Unsent()
		}
	case 5, 6, 7:
		p.sayFragment(a, op, what>>2%16 == 7)
	case 8:
		payload := p.payload(OpBinary, 130)
		out, err := a.AppendPing(a.wire, payload)
		a.say(out, err, len(payload) <= 125, OpPing, payload)
	case 9:
		payload := p.payload(OpBinary, 130)
		out, err := a.AppendPong(a.wire, payload)
		a.say(out, err, len(payload) <= 125, OpPong, payload)
	case 10:
		if p.one(16) {
			p.sayClose(a)
		}
	default:
		p.deliver(a, p.ends[1-what&1], p.below(256)*(1+p.below(64)))
	}
}

// say notes what an end has appended; may says that nothing but an earlier Close forbids it. Op 0 is no event.
func (e *end) say(out []byte, err error, may bool, op byte, payload []byte) bool {
	may = may && !e.closed
	if (err == nil) != may || err != nil && !bytes.Equal(out, e.wire) {
		panic(fmt.Sprintf("%v says %v: %v, %d octets more; may it: %v", e.Role, Event{Op: op, Payload: payload}, err, len(out)-len(e.wire), may))
	}
	e.wire = out
	if err == nil && op != 0 {
		e.said = append(e.said, Event{Op: op, Payload: bytes.Clone(payload)})
	}
	return err == nil
}

// sayPrepared sends a message that both ends send, more than once.
func (p *pair) sayPrepared(a *end) {
	if p.prepared == nil || p.one(3) {
		p.text = p.payload(OpText, MaxStream)
		var err error
		if p.prepared, err = conn.Prepare(frame.Text, p.text); err != nil {
			panic(err)
		}
	}
	out, err := a.AppendPrepared(a.wire, p.prepared)
	a.say(out, err, a.kind == 0, OpText, p.text)
}

func (p *pair) sayFragment(a *end, op byte, fin bool) {
	payload, begins := p.payload(OpText, MaxStream), a.kind == 0 // a text at any rate
	of := frame.Continuation
	if begins {
		of = frame.Opcode(op)
	}
	out, err := a.AppendFragment(a.wire, of, fin, payload)
	if !a.say(out, err, true, 0, payload) {
		return
	}
	if begins {
		a.kind, a.begun = op, nil
	}
	a.begun = append(a.begun, payload...)
	if fin {
		a.said = append(a.said, Event{Op: a.kind, Payload: a.begun})
		a.kind = 0
	}
}

func (p *pair) sayClose(a *end) {
	code, reason := frame.CloseCode(goodCodes[p.below(len(goodCodes))]), string(p.generator.text(p.drawSize(123)))
	out, err := a.AppendClose(a.wire, code, reason)
	a.say(out, err, true, OpClose, append([]byte{byte(code >> 8), byte(code)}, reason...))
	a.closed = true
}

// deliver gives b at most n octets of what a has said. It answers.
func (p *pair) deliver(a, b *end, n int) {
	n = min(n, len(a.wire)-a.heard)
	rest := bytes.Clone(a.wire[a.heard : a.heard+n])
	a.heard += n
	for {
		take := b.Receive
		if p.one(4) {
			take = b.ReceivePart
		}
		m, r, err := take(rest)
		if err != nil {
			panic(fmt.Sprintf("%v hears %v: %v", b.Role, m, err))
		}
		if m.Op == 0 {
			return
		}
		rest = r
		b.pieces = append(b.pieces, m.Payload...)
		if m.Op.IsControl() {
			b.pieces = b.pieces[:len(b.pieces)-len(m.Payload)]
			b.events = append(b.events, Event{Op: byte(m.Op), Payload: bytes.Clone(m.Payload)})
		} else if !m.More {
			b.events = append(b.events, Event{Op: byte(m.Op), Payload: b.pieces})
			b.pieces = nil
		}
		b.answer(m)
	}
}

// answer is AppendReply, held to 5.5.1 to 5.5.3.
func (e *end) answer(m conn.Message) {
	var nothing error
	out := e.AppendReply(e.wire, m)
	switch {
	case m.Op == frame.Ping && !e.closed:
		e.say(out, nothing, true, OpPong, m.Payload)
	case m.Op == frame.Close && !e.closed:
		e.say(out, nothing, true, OpClose, m.Payload[:min(2, len(m.Payload))])
		e.closed = true
	case len(out) != len(e.wire):
		panic(fmt.Sprintf("%v answers %v", e.Role, m))
	}
}

// finish lets both close, and looks back.
func (p *pair) finish() {
	for i, e := range p.ends {
		if e.kind != 0 && p.one(2) {
			p.sayFragment(e, OpText, true)
		}
		if i == 0 && !e.closed {
			p.sayClose(e)
		}
	}
	for range 3 {
		p.deliver(p.ends[0], p.ends[1], MaxStream*8)
		p.deliver(p.ends[1], p.ends[0], MaxStream*8)
	}
	for i, a := range p.ends {
		b := p.ends[1-i]
		if !a.closed || !a.CloseSent() || !a.CloseReceived() || a.Buffered() != 0 {
			panic(fmt.Sprintf("%v at the end: Close sent: %v, received: %v; %d octets held", a.Role, a.CloseSent(), a.CloseReceived(), a.Buffered()))
		}
		want := Verdict{State: Closed, Events: a.said}
		if text := Between(want, want, Outcome{Events: b.events}); text != "" {
			panic(fmt.Sprintf("%v hears: %s", b.Role, text))
		}
		v := Judge(a.judge, a.wire)
		if text := Between(want, want, Outcome{v.Events, v.State == Failed, v.Fault.Code}); text != "" || v.State != Closed {
			panic(fmt.Sprintf("%v says what is not legal: %s, %v %v; compression %+v", a.Role, text, v.State, v.Fault, a.judge.Deflate))
		}
	}
}
