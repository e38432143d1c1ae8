package fuzz

import (
	"bytes"
	"compress/flate"
	"sync"
)

// A squeezer is the sending end of permessage-deflate, as far as a generator needs it: what it makes is well formed, and it knows what later
// messages may refer to.
type squeezer struct {
	out    []byte // history, and then the message so far, in clear
	window int
}

// begin begins a message. It returns where its bits go, and where its text begins in z.out.
func (z *squeezer) begin(d *Deflate) (b *bitWriter, start int) {
	z.window = d.window()
	if !d.Takeover {
		z.out = nil
	}
	z.out = z.out[max(0, len(z.out)-32768):]
	return new(bitWriter), len(z.out)
}

// squeezed is a message of about n octets, compressed. Its text is drawn before it is compressed, or comes about with it.
func (g *generator) squeezed(op byte, n int) message {
	b, _ := g.z.begin(g.Deflate)
	m := message{op: op, rsv: 4, note: "compressed"}
	kind := g.below(9)
	if op == OpBinary && (kind >= 7 || n > searched*4) {
		m.note = "compressed, with matches of all distances"
		g.z.reach(b, n, &g.dice)
	} else {
		plain := g.plain(op, n)
		for {
			part := plain[:g.drawCut(len(plain))]
			if !g.one(3) {
				part = plain
			}
			plain = plain[len(part):]
			g.z.block(b, kind, part, g.one(6))
			if len(plain) == 0 {
				break
			}
			kind = g.below(9)
		}
	}
	m.wire = b.end()
	if b.closed && g.one(2) {
		m.wire = m.wire[:len(m.wire)-1]
		m.note += ", without the empty block that should end it"
	}
	return m
}

// block compresses plain in a block, or a few.
func (z *squeezer) block(b *bitWriter, kind int, plain []byte, final bool) {
	switch {
	case kind < 2: // of the standard library
		if fits := len(plain) <= z.window; fits && b.n == 0 {
			z.out = append(z.out, plain...)
			b.b = appendFlate(b.b, plain, kind)
			b.closed = false
			return
		}
		fallthrough
	case kind == 2:
		z.stored(b, plain, final)
	case kind == 3:
		z.literals(b, fixedSpelling, plain, final)
	case kind == 4:
		z.literals(b, ownSpelling, plain, final)
	case kind == 5:
		z.matches(b, fixedSpelling, plain, final)
	default:
		z.matches(b, ownSpelling, plain, final)
	}
}

// A bitWriter writes bits, the lowest first.
type bitWriter struct {
	b      []byte
	n      int // bits of the last octet that are in use, 0: all
	closed bool
}

func (w *bitWriter) put(v uint32, n int) {
	for range n {
		if w.n == 0 {
			w.b = append(w.b, 0)
		}
		w.b[len(w.b)-1] |= byte(v&1) << w.n
		w.n = (w.n + 1) % 8
		v >>= 1
	}
}

// header begins a block (RFC 1951, 3.2.3).
func (w *bitWriter) header(kind uint32, final bool) {
	w.closed = false
	v := kind << 1
	if final {
		v |= 1
	}
	w.put(v, 3)
}

// trailer ends a block.
func (w *bitWriter) trailer(final bool) {
	if final {
		w.n, w.closed = 0, true
	}
}

// end returns the payload: an empty block without compression, and its last four octets taken off (RFC 7692, 7.2.1).
func (w *bitWriter) end() []byte {
	w.put(0, 3)
	w.n = 0
	return w.b
}

func (z *squeezer) stored(b *bitWriter, plain []byte, final bool) {
	for {
		part := plain[:min(len(plain), 65535)]
		plain = plain[len(part):]
		b.header(0, final && len(plain) == 0)
		b.n = 0
		b.put(uint32(len(part)), 16)
		b.put(^uint32(len(part)), 16)
		b.b = append(b.b, part...)
		z.out = append(z.out, part...)
		if len(plain) == 0 {
			break
		}
	}
	b.trailer(final)
}

// A spelling is how symbols are spelled in a block, and what stands before them.
type spelling struct {
	kind       uint32
	head       func(b *bitWriter)
	lits, dist []codeWord
}

type codeWord struct {
	code uint32 // first bit lowest
	n    int
}

// spell gives symbols their codes by the lengths of these (RFC 1951, 3.2.2).
func spell(lengths []int) []codeWord {
	all := make([]codeWord, len(lengths))
	code := uint32(0)
	for n := 1; n <= 15; n++ {
		code <<= 1
		for s, length := range lengths {
			if length != n {
				continue
			}
			for i := range n {
				all[s].code |= code >> (n - 1 - i) & 1 << i
			}
			all[s].n = n
			code++
		}
	}
	return all
}

var (
	fixedSpelling = &spelling{1, func(*bitWriter) {}, spell(lengthsOf(288, 8, 144, 9, 256, 7, 280, 8)), spell(lengthsOf(32, 5))}

	// ownSpelling is for blocks that bring their codes: those of fixed blocks, but complete without the symbols that mean nothing.
	ownLits     = lengthsOf(286, 8, 144, 9, 256, 7, 282, 8)
	ownDists    = lengthsOf(30, 4, 2, 5)
	ownSpelling = &spelling{2, func(b *bitWriter) { b.codes(ownLits, ownDists) }, spell(ownLits), spell(ownDists)}
)

// lengthsOf lists n lengths: the first, and then from a symbol on another, and so on.
func lengthsOf(n, first int, more ...int) []int {
	all := make([]int, n)
	for i := range all {
		all[i] = first
		for j := 0; j < len(more); j += 2 {
			if i >= more[j] {
				all[i] = more[j+1]
			}
		}
	}
	return all
}

// codes writes the head of a block that brings its own codes (3.2.7). The lengths are spelled in a code of 4 bits for 0 to 15, without repetitions.
func (w *bitWriter) codes(lits, dists []int) {
	w.put(uint32(len(lits)-257), 5)
	w.put(uint32(len(dists)-1), 5)
	w.put(19-4, 4)
	short := lengthsOf(19, 4, 16, 0)
	for _, i := range lengthsOrder {
		w.put(uint32(short[i]), 3)
	}
	words := spell(short)
	for _, all := range [2][]int{lits, dists} {
		for _, n := range all {
			w.put(words[n].code, words[n].n)
		}
	}
}

func (w *bitWriter) word(c codeWord) { w.put(c.code, c.n) }

func (s *spelling) begin(b *bitWriter, final bool) {
	b.header(s.kind, final)
	s.head(b)
}

// match writes that length octets are those of distance octets before.
func (s *spelling) match(b *bitWriter, length, distance int) {
	i := len(lengthBase) - 1
	for lengthBase[i] > length {
		i--
	}
	b.word(s.lits[257+i])
	b.put(uint32(length-lengthBase[i]), lengthExtra[i])
	i = len(distanceBase) - 1
	for distanceBase[i] > distance {
		i--
	}
	b.word(s.dist[i])
	b.put(uint32(distance-distanceBase[i]), distanceExtra[i])
}

func (z *squeezer) literals(b *bitWriter, s *spelling, plain []byte, final bool) {
	s.begin(b, final)
	for _, o := range plain {
		b.word(s.lits[o])
	}
	z.out = append(z.out, plain...)
	b.word(s.lits[256])
	b.trailer(final)
}

// matches finds what has been there before, in earlier messages too, if they may be referred to.
func (z *squeezer) matches(b *bitWriter, s *spelling, plain []byte, final bool) {
	s.begin(b, final)
	last := map[string]int{} // where three octets have been last
	for i := max(0, len(z.out)-min(z.window, searched)); i+3 <= len(z.out); i++ {
		last[string(z.out[i:i+3])] = i
	}
	for len(plain) > 0 {
		n := 0
		from, ok := 0, false
		if len(plain) >= 3 {
			from, ok = last[string(plain[:3])]
		}
		if distance := len(z.out) - from; ok && distance <= z.window {
			for n < len(plain) && n < 258 && z.before(from, n, plain) {
				n++
			}
			s.match(b, n, distance)
		} else {
			n = 1
			b.word(s.lits[plain[0]])
		}
		for range n {
			z.out = append(z.out, plain[0])
			plain = plain[1:]
			if i := len(z.out) - 3; i >= 0 {
				last[string(z.out[i:])] = i
			}
		}
	}
	b.word(s.lits[256])
	b.trailer(final)
}

// searched is how far matches looks back, so that a session of many messages takes no time; reach goes farther.
const searched = 2048

// before reports whether octet n of plain is what a match from there on says; a match may run into itself.
func (z *squeezer) before(from, n int, plain []byte) bool {
	if at := from + n; at < len(z.out) {
		return z.out[at] == plain[n]
	}
	return plain[from+n-len(z.out)] == plain[n]
}

// reach writes n octets, mostly matches, as far back as they may be and as near.
func (z *squeezer) reach(b *bitWriter, n int, d *dice) {
	s := fixedSpelling
	if d.one(2) {
		s = ownSpelling
	}
	s.begin(b, false)
	start := len(z.out)
	for len(z.out)-start < n {
		most, left := min(len(z.out), z.window), n-(len(z.out)-start)
		if most == 0 || left < 3 || d.one(4) {
			o := d.octet()
			b.word(s.lits[o])
			z.out = append(z.out, o)
			continue
		}
		distance := [...]int{most, 1, most - 1, 1 + d.below(most)}[d.below(4)]
		z.copy(b, s, min(3+d.below(256), left), max(1, distance))
	}
	b.word(s.lits[256])
}

func (z *squeezer) copy(b *bitWriter, s *spelling, length, distance int) {
	s.match(b, length, distance)
	for range length {
		z.out = append(z.out, z.out[len(z.out)-distance])
	}
}

// run compresses n times the letter, in as little as can be, and returns the payload.
func (z *squeezer) run(b *bitWriter, letter byte, n int) []byte {
	s := fixedSpelling
	s.begin(b, false)
	if n > 0 {
		b.word(s.lits[letter])
		z.out = append(z.out, letter)
		n--
	}
	for ; n >= 3; n -= min(n, 258) {
		z.copy(b, s, min(n, 258), 1)
	}
	for range n {
		b.word(s.lits[letter])
		z.out = append(z.out, letter)
	}
	b.word(s.lits[256])
	return b.end()
}

// brokenDeflate sends what does not decompress.
func (g *generator) brokenDeflate() {
	if g.Deflate == nil {
		g.reservedBits()
		return
	}
	b, _ := g.z.begin(g.Deflate)
	op := [...]byte{OpBinary, OpText}[g.below(2)]
	if g.one(2) {
		g.z.block(b, g.below(8), g.plain(op, g.drawSize(g.mostPlain())), false)
	}
	m := message{op: op, rsv: 4}
	s := fixedSpelling
	switch g.below(11) {
	case 0:
		m.note = "block of the reserved type"
		b.header(3, false)
	case 1:
		m.note = "length of a stored block, and its complement do not agree"
		b.header(0, false)
		b.n = 0
		b.put(5, 16)
		b.put(5, 16)
	case 2:
		m.note = "symbol 286 or 287"
		s.begin(b, false)
		b.word(s.lits[286+g.below(2)])
	case 3:
		m.note = "distance symbol 30 or 31"
		s.begin(b, false)
		b.word(s.lits['a'])
		b.word(s.lits[257])
		b.word(s.dist[30+g.below(2)])
	case 4:
		m.note = "distance beyond the window or the beginning"
		if g.one(2) {
			g.z.stored(b, g.plain(op, max(0, min(g.z.window, g.mostPlain()-3))), false)
		}
		s.begin(b, false)
		distance := min(len(g.z.out), g.z.window) + 1 + g.below(3)
		s.match(b, 3, min(distance, 32768))
		b.word(s.lits[256])
	case 5:
		m.note = "codes that are not prefix codes"
		b.header(2, false)
		lits := append([]int(nil), ownLits...)
		lits[g.below(286)] -= g.below(3)
		b.codes(lits, lengthsOf(1+g.below(30), g.below(16)))
	case 6:
		m.note = "more codes than symbols"
		b.header(2, false)
		b.put(uint32(g.below(32)), 5)
		b.put(uint32(g.below(32)), 5)
		b.put(uint32(g.below(16)), 4)
	case 7:
		m.note = "no code for the end of the block"
		b.header(2, false)
		lits := append([]int(nil), ownLits...)
		lits[256], lits[257], lits[258] = 0, 6, 7
		b.codes(lits, ownDists)
	}
	m.wire = b.end()
	switch n := len(m.wire); {
	case m.note != "":
	case g.one(3):
		m.note = "compressed, without its end"
		m.wire = m.wire[:g.below(min(n, 65536))]
	case g.one(2):
		m.note = "compressed, with a bit changed"
		m.wire[g.below(min(n, 65536))] ^= 1 << g.below(8)
	default:
		m.note = "any octets as compressed"
		m.wire = make([]byte, g.below(64))
		for i := range m.wire {
			m.wire[i] = g.octet()
		}
	}
	g.send(m)
}

// compressedNoText sends a text that is none, compressed.
func (g *generator) compressedNoText() {
	if g.Deflate == nil {
		g.invalidText()
		return
	}
	b, _ := g.z.begin(g.Deflate)
	g.z.block(b, g.below(8), g.badText(min(g.mostPlain(), 3000)), g.one(6))
	g.send(message{op: OpText, rsv: 4, wire: b.end(), note: "compressed, and no text"})
}

// flateWriters are what the standard library compresses with, by level: they are large.
var flateWriters [2]sync.Pool

// appendFlate appends plain as the standard library compresses it, up to a boundary of octets.
func appendFlate(dst, plain []byte, kind int) []byte {
	level := [...]int{flate.BestSpeed, flate.DefaultCompression}[kind]
	var out bytes.Buffer
	w, _ := flateWriters[kind].Get().(*flate.Writer)
	if w == nil {
		w, _ = flate.NewWriter(&out, level) // no error: the level is one
	}
	w.Reset(&out)
	w.Write(plain) // to memory: no errors
	w.Flush()
	flateWriters[kind].Put(w)
	return append(dst, out.Bytes()...)
}
