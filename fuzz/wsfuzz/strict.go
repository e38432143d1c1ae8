package main

import (
	"math/rand/v2"

	"github.com/idlewire/idlewire/fuzz"
)

// strictly makes sessions for those who are held to be strict: what they are about is legal to get wrong. The second result says that what is open in a session is to be completed.
func strictly(r *rand.Rand, setup fuzz.Setup) (fuzz.Session, bool) {
	s := fuzz.Session{Setup: setup}
	add := func(f fuzz.Frame) {
		f.Masked = setup.Role == fuzz.Server
		if f.Masked {
			copy(f.Key[:], octets(r, 4))
		}
		f.Length = max(f.Length, uint64(len(f.Payload)))
		s.Frames = append(s.Frames, f)
	}
	message := func() {
		add(fuzz.Frame{Fin: true, Opcode: fuzz.OpText + byte(r.IntN(2)), Payload: words(r, r.IntN(200))})
	}
	pings := func(n int) {
		for range n {
			add(fuzz.Frame{Fin: true, Opcode: fuzz.OpPing, Payload: words(r, 1+r.IntN(20))})
		}
	}
	switch r.IntN(4) {
	case 0: // a text that cannot become UTF-8 any more, and neither frame nor message end
		b := append(words(r, r.IntN(40)), "\xff\xfe\xc0\x80"[r.IntN(2):]...)
		if r.IntN(2) == 0 {
			add(fuzz.Frame{Opcode: fuzz.OpText, Payload: b})
			return s, false
		}
		add(fuzz.Frame{Fin: true, Opcode: fuzz.OpText, Payload: b, Length: uint64(len(b) + 40)})
		return s, false
	case 1: // what stands before a fault
		for range 1 + r.IntN(3) {
			message()
			pings(r.IntN(3))
		}
		add(fuzz.Frame{Fin: true, Opcode: 3 + byte(r.IntN(5))})
	case 2: // what stands before a Close
		for range 1 + r.IntN(3) {
			message()
			pings(r.IntN(3))
		}
		add(fuzz.Frame{Fin: true, Opcode: fuzz.OpClose, Payload: []byte{3, 232}})
	default: // pings that come at once, of which each wants its pong
		pings(2 + r.IntN(9))
	}
	return s, true
}

// squeezable makes sessions whose echoes are worth to be compressed, and to refer to what was before.
func squeezable(r *rand.Rand, setup fuzz.Setup) fuzz.Session {
	s := fuzz.Session{Setup: setup}
	payload := words(r, minSqueezed+r.IntN(1000)) // letters: two thirds of that, or next to nothing the second time
	if r.IntN(2) == 0 {
		for i := range payload {
			payload[i] = payload[i%7]
		}
	}
	for range 3 {
		f := fuzz.Frame{Fin: true, Opcode: fuzz.OpText, Masked: setup.Role == fuzz.Server, Length: uint64(len(payload)), Payload: payload}
		if f.Masked {
			copy(f.Key[:], octets(r, 4))
		}
		s.Frames = append(s.Frames, f)
	}
	return s
}
