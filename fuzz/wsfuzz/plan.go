package main

import (
	"math/rand/v2"

	"github.com/idlewire/idlewire/fuzz"
)

// A pace is how a session waits for the endpoint.
type pace byte

const (
	atOnce    pace = iota // not before all is said
	lastAlone             // for what is due before the last thing that is heard, or the first that is wrong
	inStep                // for each answer
	paces
)

func (p pace) String() string { return [...]string{"at-once", "last-alone", "in-step"}[p%paces] }

// A plan is what is said on one connection.
type plan struct {
	number  int64 // of the session, from 1
	offer   string
	stream  []byte
	cuts    []int
	pace    pace
	limit   bool // it is about a limit, and as large as that
	holds   bool // leaves it to a client to end TCP
	afterIt bool // goes on talking when the endpoint has sent its Close
	session fuzz.Session
}

// draw makes what a session is made of: number n of a seed is always the same.
func draw(seed uint64, n int64) *rand.Rand { return rand.New(rand.NewPCG(seed, uint64(n))) }

// offerOf is what session n offers; most offer nothing, or the most usual thing.
func offerOf(r *rand.Rand, try bool) string {
	k := r.IntN(8)
	if !try || k >= 4 {
		return offers[0]
	}
	return offers[1+k]
}

// planOf makes session n for a connection on which z was agreed.
func planOf(r *rand.Rand, n int64, offer string, role fuzz.Role, z *fuzz.Deflate, want *wants) *plan {
	l := &want.limits
	tight, loose := l.setups(role, z)
	setup := tight
	if setup.Limits.Message = l.message.bad; l.message.bad == 0 {
		setup.Limits.Message = min(l.message.good, 1<<17)
	}
	setup.Limits.Fragments = int(l.fragments.bad)
	setup.Limits.Wire = 0
	if most := [...]int64{300, 2000, 70000, 5000}[r.IntN(4)]; r.IntN(8) > 0 { // most messages are short, and sessions quick
		setup.Limits.Message = min(setup.Limits.Message, most)
	}
	var s fuzz.Session
	whole := true // what is open is to be completed
	switch k := r.IntN(16); {
	case want.strict && r.IntN(8) == 0: // only then anything is drawn
		s, whole = strictly(r, setup)
	case want.compress && z != nil && r.IntN(4) == 0:
		s = squeezable(r, setup)
	case k < 7:
		s = fuzz.Generate(setup, octets(r, lengthOf(r)))
	case k < 10:
		s = fuzz.Mutate(fuzz.Generate(setup, octets(r, lengthOf(r))), octets(r, 1+r.IntN(24)))
	case k < 15:
		s = directed(r, setup)
	default:
		setup.Limits.Message = tight.Limits.Message
		s = special(r, setup)
	}
	if whole {
		s = complete(r, s, loose)
	}
	p := &plan{number: n, offer: offer, session: s, stream: s.Bytes(), cuts: s.Cuts, pace: pace(r.IntN(int(paces))), afterIt: r.IntN(4) == 0}
	p.holds = want.strict && role == fuzz.Client && r.IntN(128) == 0
	if p.pace == inStep && len(s.Frames) > 64 {
		p.pace = lastAlone
	}
	return p
}

// lengthOf draws for how many octets of decisions: short sessions are quick, and long ones get farther.
func lengthOf(r *rand.Rand) int {
	switch r.IntN(8) {
	case 0:
		return 512 + r.IntN(1024)
	case 1, 2:
		return 128 + r.IntN(256)
	}
	return 6 + r.IntN(64)
}

func octets(r *rand.Rand, n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(r.Uint32())
	}
	return b
}

// complete ends what a session leaves open, most of the times: of what is not complete nobody can say much.
func complete(r *rand.Rand, s fuzz.Session, setup fuzz.Setup) fuzz.Session {
	if r.IntN(8) == 0 {
		return s
	}
	stream := s.Bytes()
	v := fuzz.JudgeLate(setup, stream)
	if v.State != fuzz.NeedMore || len(s.Tail) > 0 || len(s.Frames) == 0 {
		return s
	}
	s.Frames = append([]fuzz.Frame(nil), s.Frames...)
	last := &s.Frames[len(s.Frames)-1]
	if lack := last.Length - uint64(len(last.Payload)); uint64(len(last.Payload)) < last.Length {
		if lack > 64<<10 {
			return s
		}
		payload := append([]byte(nil), last.Payload...)
		for range lack {
			payload = append(payload, 'x')
		}
		last.Payload = payload
	}
	if fuzz.JudgeLate(setup, s.Bytes()).State == fuzz.NeedMore {
		s.Frames = append(s.Frames, fuzz.Frame{Fin: true, Masked: s.Role == fuzz.Server, Key: [4]byte{7, 1, 9, 2}, Opcode: fuzz.OpContinuation, Note: "ends the message"})
	}
	return s
}

// special makes sessions that the generator does not: many messages, and the sizes at which frames change their form, in turn.
func special(r *rand.Rand, setup fuzz.Setup) fuzz.Session {
	s := fuzz.Session{Setup: setup}
	add := func(op byte, payload []byte) {
		f := fuzz.Frame{Fin: true, Opcode: op, Masked: setup.Role == fuzz.Server, Length: uint64(len(payload)), Payload: payload}
		if f.Masked {
			copy(f.Key[:], octets(r, 4))
		}
		s.Frames = append(s.Frames, f)
	}
	word := func(n int) []byte {
		b := make([]byte, n)
		for i := range b {
			b[i] = 'a' + byte((i*7+n)%26)
		}
		return b
	}
	switch r.IntN(4) {
	case 0: // many
		for i := range 300 + r.IntN(500) {
			add(fuzz.OpText+byte(r.IntN(2)), word(i%40))
		}
	case 1: // large
		n := [...]int{125, 126, 127, 255, 256, 32767, 32768, 65535, 65536, 65537, 131072}[r.IntN(11)]
		add(fuzz.OpText+byte(r.IntN(2)), word(min(n, int(setup.Limits.Message))))
		add(fuzz.OpText, word(3))
	case 2: // pings, and each with another payload
		for i := range 2 + r.IntN(12) {
			add(fuzz.OpPing, word(1+i))
		}
		add(fuzz.OpText, word(r.IntN(300)))
	default: // a ping inside a message, and its pong has to come before the end
		n := 2 + r.IntN(6)
		for i := range n {
			op := fuzz.OpContinuation
			if i == 0 {
				op = fuzz.OpText
			}
			add(op, word(r.IntN(20)))
			s.Frames[len(s.Frames)-1].Fin = i == n-1
			if i < n-1 {
				add(fuzz.OpPing, word(r.IntN(20)))
			}
		}
	}
	if r.IntN(2) == 0 {
		s.Cuts = []int{1 + r.IntN(40), 1 + r.IntN(200)}
	}
	return s
}
