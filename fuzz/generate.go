package fuzz

// Generate makes a session of a string of octets: any string is one, what is appended to it only adds to the session, and the same gives the same. One
// session in three is as legal as it can be; in the others now and then something is wrong, and what is, is in the Note of a frame. It ends when data
// does, or with MaxFrames or MaxStream.
//
// It does not modify data, nor keep it.
func Generate(s Setup, data []byte) Session {
	g := &generator{Session: Session{Setup: s}, dice: dice{data[:min(len(data), maxInput)]}}
	g.Cuts = g.drawCuts()
	rarity, stop := [...]int{0, 0, 40, 20, 10, 3}[g.below(6)], g.octet()
	for !g.empty() && !g.full() {
		if rarity > 0 && g.one(rarity) {
			faults[g.below(len(faults))](g)
			continue
		}
		g.legal()
		if g.closed && !g.one(8) { // seldom goes on: what follows a Close means nothing
			break
		}
	}
	if stop > 220 {
		g.truncate(int(stop - 220))
	}
	return g.Session
}

// truncate takes some octets from the end of the last frame: n of 36 parts stay, n < 36.
func (g *generator) truncate(n int) {
	if last := len(g.Frames) - 1; last >= 0 && len(g.Tail) == 0 {
		b := g.Frames[last].Append(nil)
		frames, rest := Dissect(b[:len(b)*n/36])
		g.Frames, g.Tail = g.Frames[:last], rest
		for _, f := range frames {
			f.Note = "the last octets of the stream are missing"
			g.Frames = append(g.Frames, f)
		}
	}
}

// A generator is a session in the making.
type generator struct {
	Session
	dice
	size   int // of the frames on the wire
	closed bool
	runs   int      // octets of messages that are next to nothing on the wire
	last   []byte   // the last text, to be said again
	z      squeezer // the sending end of the compression
}

// full reports whether the session is as long as it may be.
func (g *generator) full() bool { return len(g.Frames) >= MaxFrames || g.size >= MaxStream }

// room is how many octets of payload still fit, about.
func (g *generator) room() int { return max(0, MaxStream-g.size-1024) }

// drawCuts draws how the octets arrive.
func (g *generator) drawCuts() []int {
	switch k := g.octet(); {
	case k < 64:
		return nil
	case k < 96:
		return []int{1}
	case k < 128:
		return []int{1 + int(k&15)}
	default:
		cuts := make([]int, 1+k&7)
		for i := range cuts {
			cuts[i] = int(g.octet())
		}
		return cuts
	}
}

// add adds a frame, if there is room: its key is drawn, and its mask is that of the peer.
func (g *generator) add(f Frame) {
	f.Masked = g.Role == Server
	f.Key = g.key()
	g.addAs(f)
}

// addAs adds a frame as it is.
func (g *generator) addAs(f Frame) {
	if g.full() || f.Size() > g.room()+1024 {
		return
	}
	g.size += f.Size()
	g.Frames = append(g.Frames, f)
}

func (g *generator) key() (key [4]byte) {
	if g.Role == Server {
		k := g.octet()
		key = [4]byte{k, k * 7, k * 31, k * 101}
	}
	return key
}

// frame is a frame that announces its payload.
func frameOf(op byte, fin bool, payload []byte) Frame {
	return Frame{Fin: fin, Opcode: op, Length: uint64(len(payload)), Payload: payload}
}

// Lengths at which parsers change their ways.
var borders = [...]int{0, 1, 2, 3, 123, 124, 125, 126, 127, 128, 129, 255, 256, 257, 1023, 4096, 16384, 32768, 65534, 65535, 65536, 65537}

// drawSize draws a length of at most most.
func (g *generator) drawSize(most int) int {
	n := int(g.octet())
	switch {
	case n < 176:
		n %= 40
	case n < 248:
		n = borders[n%15]
	default:
		n = borders[n%len(borders)]
	}
	return max(0, min(n, most, g.room()))
}

// mostPlain is how many octets a legal message may have.
func (g *generator) mostPlain() int {
	if m := g.Limits.Message; m > 0 && m < MaxStream {
		return int(m)
	}
	return MaxStream
}

// legal does something that a peer may do.
func (g *generator) legal() {
	switch k := g.octet(); {
	case k < 90:
		g.send(g.drawMessage())
	case k < 120:
		op, n := OpText, g.drawSize(g.mostPlain())
		if k&1 == 0 {
			op = OpBinary
		}
		g.add(frameOf(op, true, g.plain(op, n)))
	case k < 180:
		g.control()
	case k < 192:
		g.send(g.atLimit(0))
	case k < 198: // a flood
		f := frameOf(OpPing, true, g.text(g.drawSize(125)))
		for range 16 << g.below(6) {
			g.add(f)
		}
	case k < 206:
		g.emptyFragments(0)
	case k < 246:
		m := g.drawMessage()
		g.send(m, 2+g.below(30))
	default:
		g.close()
	}
}

// control sends a ping or a pong.
func (g *generator) control() {
	op := OpPing
	if g.one(3) {
		op = OpPong
	}
	g.add(frameOf(op, true, g.text(g.drawSize(125))))
}

// Codes of all classes (7.4).
var (
	goodCodes = [...]int{1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014, 3000, 3999, 4000, 4999}
	badCodes  = [...]int{0, 1, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 9999, 65535}
)

// close says goodbye, with or without a reason.
func (g *generator) close() {
	payload := []byte{}
	if !g.one(5) {
		code := goodCodes[g.below(len(goodCodes))]
		payload = append([]byte{byte(code >> 8), byte(code)}, g.text(g.drawSize(123))...)
	}
	g.add(frameOf(OpClose, true, payload))
	g.closed = true
}

// A message is a data message and how it goes over the wire.
type message struct {
	op   byte
	rsv  byte
	wire []byte // in clear of the mask
	note string
}

// drawMessage draws a legal message, compressed or not.
func (g *generator) drawMessage() message {
	op := OpText
	if g.one(3) {
		op = OpBinary
	}
	if g.Deflate != nil && !g.one(3) {
		n, w := g.drawSize(g.mostPlain()), g.Deflate.window()
		switch {
		case w <= 4096 && g.one(6): // so that the next may refer to its first octet, or just not
			n = w - 1 + g.below(3)
		case w > 4096 && g.one(40): // so that it refers to its own octets from afar
			op, n = OpBinary, w/2+g.below(w)
		}
		n = min(n, g.mostPlain(), g.room())
		return g.squeezed(op, n)
	}
	return message{op: op, wire: g.plain(op, g.drawSize(g.mostPlain()))}
}

// plain draws a legal payload.
func (g *generator) plain(op byte, n int) []byte {
	if op == OpText {
		return g.text(n)
	}
	k := g.octet()
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(i)*k + k
	}
	return b
}

// send sends a message in one frame or more: as many as fragments says, or as the dice do.
func (g *generator) send(m message, fragments ...int) {
	n := 1
	if len(fragments) > 0 {
		n = fragments[0]
	} else if g.one(2) {
		n += g.below(5)
	}
	if most := g.Limits.Fragments; most > 0 && len(fragments) < 2 {
		n = min(n, most)
	}
	rest := m.wire
	for i := range n {
		f := Frame{Opcode: OpContinuation, Fin: i == n-1}
		if i == 0 {
			f.Opcode, f.Rsv, f.Note = m.op, m.rsv, m.note
		}
		at := len(rest)
		if !f.Fin {
			at = g.drawCut(len(rest))
		}
		f.Payload, f.Length = rest[:at], uint64(at)
		rest = rest[at:]
		g.add(f)
		for !f.Fin && g.one(4) {
			g.control()
		}
	}
}

// drawCut draws where n octets are cut, near the beginning most of the times.
func (g *generator) drawCut(n int) int {
	if n > 256 && g.one(3) {
		return g.below(min(n, 65535) + 1)
	}
	return g.below(min(n, 255) + 1)
}

// atLimit is a message as long as the limit, and more by so much.
func (g *generator) atLimit(more int) message {
	op := OpText
	if g.one(3) {
		op = OpBinary
	}
	note := "as long as the limit"
	if more > 0 {
		note = "longer than the limit"
	}
	n := g.Limits.Message
	switch {
	case n == 0:
		return g.drawMessage()
	case g.Deflate != nil && n <= int64(maxRuns-g.runs) && g.one(2) && (n <= 1<<16 || g.one(16)): // of one letter
		g.runs += int(n)
		b, _ := g.z.begin(g.Deflate)
		wire := g.z.run(b, byte('a'+g.below(26)), int(n)+more)
		return message{op: op, rsv: 4, wire: wire, note: "compressed, and " + note}
	case n > int64(g.room()):
		if more == 0 {
			return g.drawMessage()
		}
		return message{op: op, wire: g.text(10)}
	}
	return message{op: op, wire: g.plain(op, int(n)+more), note: note}
}

// emptyFragments sends a message of many frames with nothing or little in them: as many as the limit, and more by so many.
func (g *generator) emptyFragments(more int) {
	n := g.Limits.Fragments + more
	if g.Limits.Fragments == 0 || n > 1030 {
		n = 1 + g.below(1030)
	}
	g.send(message{op: OpBinary, wire: g.plain(OpBinary, min(g.below(8), g.mostPlain()))}, n, 1)
}
