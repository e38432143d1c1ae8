package netpoll

import "testing"

// FuzzSimulation: in whatever world, with whatever bad luck, the whole server keeps all that the simulation holds it to: no byte is lost, doubled or
// out of order, every connection that opened closes once, nothing is held or leaks, and all ends in time. The seed decides what happens; the
// knobs turn the laws of the world away from what the seed drew, so that a fuzzer can follow a rare one.
func FuzzSimulation(f *testing.F) {
	f.Add(uint64(1), []byte{})
	for i := range byte(16) {
		f.Add(uint64(i)+100, []byte{0x80 | i, 200, i * 16, 3 * i, 255 - i})
	}
	f.Fuzz(func(t *testing.T, seed uint64, knobs []byte) {
		s, failure := play(seed, nil, func(s *sim) { turn(s, knobs) })
		if failure != "" {
			t.Fatalf("seed %d, knobs %d, step %d: %s\n%s", seed, knobs, s.steps, failure, s.trace(40))
		}
	})
}

// turn turns knobs, two octets each: which, and how far, from nothing to the most that newSim draws.
func turn(s *sim, knobs []byte) {
	lucks := []struct {
		p    *int
		most int
	}{
		{&s.luck.eintr, 100}, {&s.luck.eagain, 200}, {&s.luck.short, 800}, {&s.luck.dribble, 300}, {&s.luck.late, 700}, {&s.luck.spurious, 300},
		{&s.luck.split, 700}, {&s.luck.accept, 200}, {&s.luck.register, 60}, {&s.luck.modify, 30}, {&s.luck.write, 12}, {&s.luck.read, 8},
		{&s.luck.shutdown, 100}, {&s.luck.abort, 10}, {&s.outside, 200}, {&s.population, 16},
	}
	for n := 0; len(knobs) >= 2 && n < 32; n++ {
		which, far := int(knobs[0])%(len(lucks)+2), int(knobs[1])
		knobs = knobs[2:]
		switch k := which - len(lucks); {
		case k < 0:
			*lucks[which].p = far * lucks[which].most / 255
		case k == 0:
			s.luck.shuffle = far&1 == 1
		default:
			s.stopStep = far*4 - 1
		}
	}
	s.population = max(1, s.population)
}
