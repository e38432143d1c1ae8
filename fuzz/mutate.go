package fuzz

import "slices"

// Mutate returns a session that is s but for a few small changes, which data draws: frames are dropped, doubled and swapped, headers get other bits,
// lengths and forms, payloads are cut, joined and changed, the cuts are others. It changes neither s nor data. Without data it is s.
func Mutate(s Session, data []byte) Session {
	s = s.clone()
	d := &dice{data: data[:min(len(data), maxInput)]}
	for n := 0; n < maxChanges && !d.empty(); n++ {
		changes[d.below(len(changes))](&s, d)
	}
	size := 0
	for i := range s.Frames {
		if size += s.Frames[i].Size(); size > MaxStream || i == MaxFrames {
			s.Frames = s.Frames[:i]
			break
		}
	}
	return s
}

// maxChanges is how much Mutate changes at most.
const maxChanges = 8

var changes = [...]func(*Session, *dice){
	dropFrames, doubleFrame, swapFrames, moveFrame, flipHeader, flipHeader, changeLength, changeForm, cutPayload, flipPayload, splitFrame, joinFrames,
	changeCuts, truncateStream,
}

// draw returns an index of s.Frames, or false if there is none. It favours the end, where faults are most interesting.
func (s *Session) draw(d *dice) (int, bool) {
	n := len(s.Frames)
	if n == 0 {
		return 0, false
	}
	if d.one(2) {
		return max(0, n-1-d.below(8)), true
	}
	return d.below(n), true
}

func dropFrames(s *Session, d *dice) {
	if i, ok := s.draw(d); ok {
		s.Frames = slices.Delete(s.Frames, i, min(i+1+d.below(3), len(s.Frames)))
	}
}

func doubleFrame(s *Session, d *dice) {
	if i, ok := s.draw(d); ok {
		n := min(1<<d.below(8), 1+MaxStream/s.Frames[i].Size())
		s.Frames = slices.Insert(s.Frames, i, slices.Repeat(s.Frames[i:i+1], n)...)
	}
}

func swapFrames(s *Session, d *dice) {
	if i, ok := s.draw(d); ok {
		j := min(i+1, len(s.Frames)-1)
		s.Frames[i], s.Frames[j] = s.Frames[j], s.Frames[i]
	}
}

func moveFrame(s *Session, d *dice) {
	i, ok := s.draw(d)
	if !ok {
		return
	}
	f := s.Frames[i]
	s.Frames = slices.Delete(s.Frames, i, i+1)
	s.Frames = slices.Insert(s.Frames, d.below(len(s.Frames)+1), f)
}

// flipHeader flips a bit of the first two octets, or of the key.
func flipHeader(s *Session, d *dice) {
	i, ok := s.draw(d)
	if !ok {
		return
	}
	f := &s.Frames[i]
	f.Note = "a bit of the header is another"
	switch k := d.below(16); {
	case k == 0:
		f.Fin = !f.Fin
	case k < 4:
		f.Rsv ^= 1 << (k - 1)
	case k < 8:
		f.Opcode ^= 1 << (k - 4)
	case k < 10:
		f.Masked = !f.Masked
	case k < 12:
		f.Key[d.below(4)] ^= 1 << d.below(8)
	default:
		f.Length ^= 1 << d.below(64)
	}
}

func changeLength(s *Session, d *dice) {
	i, ok := s.draw(d)
	if !ok {
		return
	}
	f := &s.Frames[i]
	f.Note = "the length is another"
	switch d.below(4) {
	case 0:
		f.Length++
	case 1:
		f.Length--
	case 2:
		f.Length = hugeLengths[d.below(len(hugeLengths))]
	default:
		f.Length = uint64(borders[d.below(len(borders))])
	}
}

func changeForm(s *Session, d *dice) {
	if i, ok := s.draw(d); ok {
		s.Frames[i].Form = Form(d.below(4))
		s.Frames[i].Note = "the form of the length is another"
	}
}

// cutPayload takes octets off the end, and may announce it so.
func cutPayload(s *Session, d *dice) {
	if i, ok := s.draw(d); ok {
		f := &s.Frames[i]
		f.Payload = f.Payload[:d.below(min(len(f.Payload), 65535)+1)]
		if f.Note = "the payload is cut"; d.one(2) {
			f.Length = uint64(len(f.Payload))
		}
	}
}

func flipPayload(s *Session, d *dice) {
	if i, ok := s.draw(d); ok && len(s.Frames[i].Payload) > 0 {
		f := &s.Frames[i]
		f.Payload = slices.Clone(f.Payload)
		f.Payload[d.below(min(len(f.Payload), 65536))] ^= 1 << d.below(8)
		f.Note = "a bit of the payload is another"
	}
}

// splitFrame makes a frame two fragments.
func splitFrame(s *Session, d *dice) {
	i, ok := s.draw(d)
	if !ok {
		return
	}
	first, second := s.Frames[i], s.Frames[i]
	at := d.below(min(len(first.Payload), 65535) + 1)
	first.Fin, first.Payload, first.Length = false, first.Payload[:at], uint64(at)
	second.Opcode, second.Rsv, second.Payload = OpContinuation, 0, second.Payload[at:]
	second.Length -= uint64(at)
	first.Note = "is split"
	s.Frames[i] = first
	s.Frames = slices.Insert(s.Frames, i+1, second)
}

// joinFrames makes two frames one.
func joinFrames(s *Session, d *dice) {
	if i, ok := s.draw(d); ok && i+1 < len(s.Frames) && len(s.Frames[i].Payload) < MaxStream/2 {
		f, g := &s.Frames[i], s.Frames[i+1]
		f.Payload = append(f.Payload[:len(f.Payload):len(f.Payload)], g.Payload...)
		f.Length += g.Length
		f.Fin = g.Fin
		f.Note = "two frames are joined"
		s.Frames = slices.Delete(s.Frames, i+1, i+2)
	}
}

func changeCuts(s *Session, d *dice) {
	s.Cuts = make([]int, d.below(5))
	for i := range s.Cuts {
		s.Cuts[i] = int(d.octet())
	}
}

// truncateStream ends the stream within the last frame.
func truncateStream(s *Session, d *dice) {
	if last := len(s.Frames) - 1; last >= 0 && len(s.Tail) == 0 {
		b := s.Frames[last].Append(nil)
		s.Frames, s.Tail = s.Frames[:last], b[:d.below(min(len(b), 65536))]
	}
}
