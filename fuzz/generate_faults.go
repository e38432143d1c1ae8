package fuzz

import "bytes"

// faults are what a peer must not do, as moves of a generator.
var faults = [...]func(*generator){
	(*generator).reservedBits,
	(*generator).reservedOpcode,
	(*generator).fragmentedControl,
	(*generator).longControl,
	(*generator).wrongMask,
	(*generator).longForm,
	(*generator).hugeLength,
	(*generator).continuesNothing,
	(*generator).interleaved,
	(*generator).badClose,
	(*generator).invalidText,
	(*generator).shortPayload,
	(*generator).tooLong,
	(*generator).tooManyFragments,
	(*generator).unfinished,
	(*generator).anyFrame,
	(*generator).anyOctets,
	(*generator).brokenDeflate,
	(*generator).brokenDeflate,
	(*generator).compressedNoText,
	(*generator).rsv1Misplaced,
}

// someFrame is a legal frame, small, of any kind that may stand alone.
func (g *generator) someFrame() Frame {
	op := [...]byte{OpText, OpBinary, OpPing, OpPong, OpClose}[g.below(5)]
	if op == OpClose {
		return frameOf(op, true, []byte{3, 232})
	}
	return frameOf(op, true, g.text(g.drawSize(min(125, g.mostPlain()))))
}

func (g *generator) reservedBits() {
	f := g.someFrame()
	f.Rsv = byte(1 + g.below(7))
	f.Note = "reserved bits"
	g.add(f)
}

func (g *generator) reservedOpcode() {
	f := g.someFrame()
	f.Opcode = [...]byte{3, 4, 5, 6, 7, 11, 12, 13, 14, 15}[g.below(10)]
	f.Note = "reserved opcode"
	g.add(f)
}

func (g *generator) fragmentedControl() {
	f := frameOf([...]byte{OpPing, OpPong, OpClose}[g.below(3)], false, nil)
	f.Note = "control frame without FIN"
	g.add(f)
	if g.one(2) {
		g.add(frameOf(OpContinuation, true, nil))
	}
}

func (g *generator) longControl() {
	n := [...]int{126, 127, 128, 255, 65535, 65536}[g.below(6)]
	op := [...]byte{OpPing, OpPong, OpClose}[g.below(3)]
	payload := g.text(min(n, g.room()))
	if op == OpClose {
		copy(payload, "\x03\xe8")
	}
	f := frameOf(op, true, payload)
	f.Length = uint64(n)
	f.Note = "control frame longer than 125"
	g.add(f)
}

func (g *generator) wrongMask() {
	f := g.someFrame()
	f.Masked = g.Role == Client
	f.Key = [4]byte{1, 2, 3, g.octet()}
	f.Note = "the wrong way about the mask"
	g.addAs(f)
}

func (g *generator) longForm() {
	f := g.someFrame()
	f.Form = Form16
	if g.one(2) {
		f.Form = Form64
	}
	if n := g.octet(); f.Opcode < 8 && n > 200 { // at the edge
		f.Payload = g.plain(f.Opcode, min([...]int{65535, 65534, 126, 125}[n%4], g.mostPlain(), g.room()))
		f.Length = uint64(len(f.Payload))
	}
	f.Note = "length not in its shortest form"
	g.add(f)
}

// Lengths that are too much for somebody's integers, or nearly.
var hugeLengths = [...]uint64{
	1<<31 - 1, 1 << 31, 1<<31 + 1, 1<<32 - 1, 1 << 32, 1<<32 + 5, 1<<53 - 1, 1 << 53, 1<<53 + 1, 1<<62 + 1, 1<<63 - 1, 1 << 63, 1<<63 + 1, 1<<64 - 1, 1<<64 - 4,
	1<<64 - 14, 1 << 24, 1 << 20, 1<<20 + 1, 65536, 1 << 40, 1<<48 + 125, 1 << 56,
}

func (g *generator) hugeLength() {
	f := g.someFrame()
	f.Form, f.Length = Form64, hugeLengths[g.below(len(hugeLengths))]
	f.Note = "a length that does not come"
	if g.one(3) { // the sum of two is too much
		first := frameOf(f.Opcode, false, []byte("x"))
		if first.Opcode > OpBinary {
			first.Opcode = OpBinary
		}
		f.Opcode = OpContinuation
		g.add(first)
	}
	g.add(f)
}

func (g *generator) continuesNothing() {
	f := frameOf(OpContinuation, g.one(2), g.text(g.drawSize(20)))
	f.Note = "continues nothing"
	g.add(f)
}

func (g *generator) interleaved() {
	text := g.text(min(3, g.mostPlain()))
	g.add(frameOf(OpText, false, text[:len(text)/2]))
	if g.one(3) {
		g.control()
	}
	f := frameOf([...]byte{OpText, OpBinary}[g.below(2)], g.one(2), nil)
	f.Note = "begins a message inside another"
	g.add(f)
}

func (g *generator) badClose() {
	code := badCodes[g.below(len(badCodes))]
	good := goodCodes[g.below(len(goodCodes))]
	f := frameOf(OpClose, true, nil)
	switch g.below(5) {
	case 0:
		f.Payload, f.Note = []byte{byte(good >> 8)}, "close with one octet"
	case 1:
		f.Payload, f.Note = append([]byte{byte(good >> 8), byte(good)}, g.badText(100)...), "reason that is no text"
	case 2:
		code = g.below(65536)
		fallthrough
	default:
		f.Payload, f.Note = append([]byte{byte(code >> 8), byte(code)}, g.text(g.drawSize(123))...), "close with a code of any kind"
	}
	f.Payload = f.Payload[:min(len(f.Payload), 125)]
	f.Length = uint64(len(f.Payload))
	g.add(f)
	g.closed = true
}

func (g *generator) invalidText() {
	if g.one(3) {
		g.brokenCharacter()
		return
	}
	g.send(message{op: OpText, wire: g.badText(min(g.mostPlain(), g.drawSize(MaxStream)+1)), note: "text that is none"})
}

// brokenCharacter goes on with ASCII where a frame has ended within a character, and has the rest of the character after that, for those who read in words.
func (g *generator) brokenCharacter() {
	c := characters[1+g.below(3)]
	at := 1 + g.below(len(c)-1)
	g.add(frameOf(OpText, false, append(g.text(g.drawSize(min(64, g.mostPlain()))), c[:at]...)))
	n := [...]int{8, 1, 7, 9, 15, 16, 32, 40, 64, 100}[g.below(10)]
	text := append(bytes.Repeat([]byte("a"), n), c[at:]...)
	f := frameOf(OpContinuation, !g.one(2), append(text, bytes.Repeat([]byte("b"), g.below(100))...))
	f.Note = "does not go on with the character that was begun"
	g.add(f)
}

func (g *generator) shortPayload() {
	f := g.someFrame()
	f.Length += uint64(1 + g.below(64))
	f.Note = "has less than it announces"
	g.add(f)
}

func (g *generator) tooLong() {
	m := g.atLimit(1 + g.below(3))
	if n := g.Limits.Message; m.note == "" && n > 0 {
		f := frameOf(m.op, true, m.wire)
		f.Length, f.Note = uint64(n)+1, "announces more than the limit"
		g.add(f)
		return
	}
	g.send(m)
}

func (g *generator) tooManyFragments() { g.emptyFragments(1 + g.below(3)) }

// unfinished begins a message, and forgets it.
func (g *generator) unfinished() {
	m := g.drawMessage()
	f := frameOf(m.op, false, m.wire)
	f.Rsv, f.Note = m.rsv, "begins a message"
	g.add(f)
}

// anyFrame has nothing that is not drawn.
func (g *generator) anyFrame() {
	b := g.octet()
	f := Frame{Fin: b >= 0x80, Rsv: b >> 4 & 7, Opcode: b & 15, Form: Form(g.below(4)), Masked: !g.one(2), Length: g.number(), Note: "any frame"}
	for i := range f.Key {
		f.Key[i] = g.octet()
	}
	f.Payload = g.plain(OpBinary, g.drawSize(300))
	if g.one(2) {
		f.Length = uint64(len(f.Payload))
	}
	g.addAs(f)
}

// anyOctets are no frames but by chance.
func (g *generator) anyOctets() {
	b := make([]byte, 2+g.below(30))
	for i := range b {
		b[i] = g.octet()
	}
	frames, rest := Dissect(b)
	for _, f := range frames {
		f.Note = "any octets"
		g.addAs(f)
	}
	if len(rest) > 0 && g.empty() {
		g.Tail = rest
	}
}

// rsv1Misplaced sets RSV1 where it must not be even with compression.
func (g *generator) rsv1Misplaced() {
	if g.one(2) {
		f := frameOf([...]byte{OpPing, OpPong, OpClose}[g.below(3)], true, nil)
		f.Rsv, f.Note = 4, "RSV1 on a control frame"
		g.add(f)
		return
	}
	m := g.drawMessage()
	at := g.drawCut(len(m.wire))
	first, second := frameOf(m.op, false, m.wire[:at]), frameOf(OpContinuation, true, m.wire[at:])
	first.Rsv, second.Rsv, second.Note = m.rsv, 4, "RSV1 on a continuation"
	g.add(first)
	g.add(second)
}
