package deflate

import (
	"testing"

	"github.com/klauspost/compress/flate"
	"github.com/stretchr/testify/require"
)

// planned feeds in pieces as the octets of a plan say: 0 to 31 octets of input, and 1 to 8 of room or 1 to 1000; when it is at its end, all there is.
func planned(plan []byte) feeding {
	f := feeding{}
	if len(plan) > 0 {
		f.apart, f.trim, f.before = plan[0]&1 == 1, plan[0]&2 == 2, int(plan[0]>>4)
	}
	rooms := plan
	f.input = func() int {
		if len(plan) == 0 {
			return 1 << 20
		}
		n := int(plan[0] & 31)
		plan = plan[1:]
		return n
	}
	f.room = func() int {
		if len(rooms) == 0 {
			return 1 << 20
		}
		n := 1 + int(rooms[0]>>5)
		if rooms[0]&16 != 0 {
			n *= 125
		}
		rooms = rooms[1:]
		return n
	}
	return f
}

// Property: whatever comes, with whatever window before it, in whatever pieces of input and room, the outcome is that of the whole, and of the twin; and
// nothing is written to but the room.
func FuzzInflate(f *testing.F) {
	plans := [][]byte{{}, {1}, {0x00, 0xff, 0x01, 0x41, 0x9e}, []byte("0123456789abcdefghijklmnopqrstuvwxyz")}
	if testing.Testing() { // OSS-Fuzz has seeds in files, and calls a target once an input
		for i, payload := range splitTests(f) {
			f.Add(payload, []byte("Hello"), byte(i), plans[i%len(plans)])
		}
		f.Add(new(bitWriter).fixed().lit("ab").match(10, 300).end(), make([]byte, 600), byte(8), plans[3])
	}
	const limit = 1 << 12
	f.Fuzz(func(t *testing.T, payload, history []byte, bits byte, plan []byte) {
		bits = 8 + bits%8
		history = append([]byte{}, history...)
		want, wantFull, wantErr := inflate(int(bits), history, payload, limit)
		got, full, err := planned(plan).inflate(t, int(bits), history, payload, limit)
		require.Equal(t, wantErr, err)
		require.Equal(t, wantFull, full)
		require.Equal(t, string(want), string(got), "what comes before a mistake, too")
		window := 1 << bits
		twin, _, twinErr := naiveInflate(payload, history[max(0, len(history)-window):], window)
		switch {
		case full: // the twin may find a fault farther on
			require.Greater(t, len(twin), limit)
			require.Equal(t, string(twin[:limit]), string(want))
		case twinErr == nil:
			require.NoError(t, wantErr)
			require.Equal(t, string(twin), string(want))
		default:
			require.Error(t, wantErr, "%v", twinErr)
		}
	})
}

// Property: what compress/flate and klauspost decompress a decompressor does too, and nothing else.
func FuzzInflateOthers(f *testing.F) {
	if testing.Testing() {
		for _, payload := range append(splitTests(f), streams(f)...) {
			if len(payload) < 2000 {
				f.Add(payload, []byte("Hello"))
			}
		}
		f.Add(deflated(f, flate.BestSpeed, make([]byte, 1<<14)), []byte{})
	}
	f.Fuzz(func(t *testing.T, payload, history []byte) { asOthers(t, payload, history, 1<<12) })
}
