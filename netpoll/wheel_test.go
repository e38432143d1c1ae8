package netpoll

import (
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
)

// A wheelModel is the wheel's naive twin: a map.
type wheelModel map[uint32]uint32 // slot to tick

func TestWheelAgainstAMap(t *testing.T) {
	for seed := range uint64(200) {
		rnd := rand.New(rand.NewPCG(seed, 1))
		var w wheel
		w.tick = rnd.Uint32() % 5000
		var conns []*Conn
		for i := range 50 {
			conns = append(conns, &Conn{slot: uint32(i)})
		}
		model := wheelModel{}
		for range 500 {
			c := conns[rnd.IntN(len(conns))]
			switch rnd.IntN(4) {
			case 0, 1:
				ahead := uint32(rnd.IntN(2 * wheelSize))
				w.schedule(conns, c, w.tick+ahead)
				model[c.slot] = w.tick + min(max(ahead, 1), wheelSize-1)
			case 2:
				w.remove(conns, c)
				delete(model, c.slot)
			case 3:
				to := w.tick + uint32(rnd.IntN(40))
				if rnd.IntN(20) == 0 {
					to = w.tick + uint32(rnd.IntN(3*wheelSize))
				}
				again := map[uint32]bool{}
				w.advance(func() []*Conn { return conns }, to, func(c *Conn) {
					due, ok := model[c.slot]
					require.True(t, ok, "seed %d: slot %d fired without being due", seed, c.slot)
					require.LessOrEqual(t, due, to)
					require.Zero(t, c.due)
					delete(model, c.slot)
					if rnd.IntN(3) == 0 { // f may schedule again
						w.schedule(conns, c, w.tick+5)
						again[c.slot] = true
						model[c.slot] = w.tick + 5
					}
				})
				require.Equal(t, to, w.tick)
				for slot, due := range model {
					require.Greater(t, due, to, "seed %d: slot %d was forgotten", seed, slot)
				}
			}
			require.Equal(t, len(model), w.count)
			n, ok := w.next()
			require.Equal(t, len(model) > 0, ok)
			if ok {
				first := ^uint32(0)
				for _, due := range model {
					first = min(first, due)
				}
				require.Equal(t, first-w.tick, n, "seed %d", seed)
			}
		}
	}
}

func TestTicksAreNeverEarly(t *testing.T) {
	require.Zero(t, ticks(-1, 5e9))
	require.EqualValues(t, 51, ticks(0, 5e9))
	require.EqualValues(t, 2, ticks(1, 5e9))
	require.EqualValues(t, 2, ticks(tickLength, 5e9))
	require.EqualValues(t, 3, ticks(tickLength+1, 5e9))
}
