package fuzz

import (
	"bytes"
	"fmt"

	"github.com/idlewire/idlewire/conn"
)

// CheckInflater panics unless the inflater of package deflate makes of compressed messages, one after the other, what the reference does, octet for octet, however
// they are cut and however little room it gets, and stops where there is nothing to make of them. Data draws the window, the messages, well formed,
// broken or any octets, their cuts and the room.
func CheckInflater(data []byte) {
	s, rest := SetupOf(data)
	if s.Deflate == nil {
		s.Deflate = &Deflate{Bits: 15, Takeover: true}
	}
	s.Role, s.Limits = Client, Limits{}
	g := &generator{Session: Session{Setup: s}, dice: dice{rest[:min(len(rest), 4096)]}}
	p, err := protocolOf(within(s))
	if err != nil {
		panic(err)
	}
	defer p.Compressor.Release()
	twin := &reference{Setup: s}
	for messages := 0; messages < 64 && !g.empty() && !g.full(); messages++ {
		g.Frames = g.Frames[:0]
		if g.one(4) {
			g.brokenDeflate()
		} else {
			m := g.drawMessage()
			if m.rsv == 0 {
				continue
			}
			g.send(m, 1)
		}
		if len(g.Frames) == 0 {
			return
		}
		wire := dataOf(g.Frames)
		want, fault := twin.inflated(wire)
		got, ok := inflate(p.Compressor.Decompressor(), wire, &g.dice, len(want)+1)
		if ok != (fault == Fault{}) || ok && !bytes.Equal(got, want) || !ok && !bytes.HasPrefix(want, got) {
			panic(fmt.Sprintf("message %d, %v, % x: %d octets, %v; want %d octets, %v", messages, *s.Deflate, wire, len(got), ok, len(want), fault))
		}
		if !ok {
			return
		}
	}
}

// dataOf joins the payloads of data frames.
func dataOf(frames []Frame) (b []byte) {
	for _, f := range frames {
		if f.Opcode < 8 {
			b = append(b, f.Payload...)
		}
	}
	return b
}

// inflated decompresses a message that is all there. With a fault, it returns what came before it.
func (r *reference) inflated(wire []byte) (out []byte, fault Fault) {
	defer func() {
		if e := recover(); e != nil && e != (over{}) {
			panic(e)
		}
		fault = r.v.Fault
	}()
	next := func() (byte, bool) {
		if len(wire) == 0 {
			return 0, false
		}
		b := wire[0]
		wire = wire[1:]
		return b, true
	}
	r.inflate(next, func(b byte) { out = append(out, b) })
	return out, fault
}

// inflate runs a Decompressor, and checks what it promises. It gets at most so many octets of room, which is one more than it needs.
func inflate(z conn.Decompressor, wire []byte, d *dice, most int) (got []byte, ok bool) {
	wire = bytes.Clone(wire)
	step, room, mostCalls := 1+d.below(300), 1+d.below(300), 2*most+len(wire)+16
	dst := make([]byte, 0, most)
	var src []byte
	for calls := 0; ; calls++ {
		if calls > mostCalls {
			panic(fmt.Sprintf("%d calls of Decompress for %d octets", calls, most))
		}
		n := min(step, len(wire))
		src, wire = append(src, wire[:n]...), wire[n:]
		fin := len(wire) == 0
		limit := min(len(dst)+room, cap(dst))
		before := bytes.Clone(src)
		b, rest, full, err := z.Decompress(dst[:len(dst):limit], src, fin)
		if err != nil {
			z.End(nil)
			return b, false
		}
		if len(b) < len(dst) || len(b) > limit || !bytes.HasSuffix(before, rest) || !full && len(rest) > 0 || full && len(b) < limit && fin {
			panic(fmt.Sprintf("Decompress: %d octets of %d to %d, %d of %d left, full: %v", len(b), len(dst), limit, len(rest), len(before), full))
		}
		dst = dst[:len(b)]
		src = bytes.Clone(rest)
		if full && len(dst) == most {
			panic(fmt.Sprintf("Decompress wants room for more than %d octets", most-1))
		}
		if fin && !full {
			z.End(dst)
			return dst, true
		}
	}
}
