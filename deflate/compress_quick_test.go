package deflate

import (
	"bytes"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
)

// Every length, and distances on both sides of each power of two and of what lies between, come out as they went in, and none beyond the window.
func TestQuick(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	q := new(quick)
	for step := 1; step < 1<<maxBits; step *= 2 {
		for _, distance := range []int{step - 1, step, step + 1, step + step/2 - 1, step + step/2, step + step/2 + 1, 2 * step} {
			for _, length := range []int{16, 20 + r.IntN(quickMax-20), quickMax} {
				if distance < 1 {
					continue
				}
				period := noise(r, min(distance, length))
				history := append(bytes.Clone(period), make([]byte, distance-len(period))...)
				payload := bytes.Repeat(period, length/len(period)+1)[:length]
				for _, fin := range []bool{true, false} {
					b, ok := q.encode([]byte("dst"), payload, history, distance, fin)
					require.True(t, ok, "%d octets from %d back", length, distance)
					require.Less(t, len(b), 3+9+tailSize)
					if !fin {
						require.Equal(t, "\x00\x00\xff\xff", string(b[len(b)-tailSize:]))
						b = append(b, 0) // and an empty fragment
					}
					got, farthest, err := naiveInflate(b[3:], history, distance)
					require.NoError(t, err)
					require.Equal(t, payload, got)
					require.Equal(t, distance, farthest)

					_, ok = q.encode(nil, payload, history, distance-1, fin)
					require.False(t, ok, "what is %d back is not in a window of %d", distance, distance-1)
				}
			}
		}
	}
	for length := 8; length <= quickMax; length++ {
		payload := bytes.Repeat([]byte{byte(length)}, length)
		b, ok := q.encode(nil, payload, nil, 1<<minBits, true)
		require.True(t, ok)
		require.LessOrEqual(t, len(b), 7)
		got, _, err := naiveInflate(b, nil, 1<<minBits)
		require.NoError(t, err)
		require.Equal(t, payload, got)
	}
}

// What a quick has seen in other messages it does not refer to, not even when its count of octets begins again.
func TestQuickForgets(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	q := new(quick)
	message := noise(r, quickMax)
	for _, base := range []uint32{0, 1<<31 - 100, 1 << 31, 1<<31 + 1} {
		q.base = base
		for range 3 {
			_, ok := q.encode(nil, message, nil, 1<<maxBits, true)
			require.False(t, ok)
			b, ok := q.encode(nil, message, message, 1<<maxBits, true)
			require.True(t, ok)
			require.Less(t, len(b), 10)
			got, _, err := naiveInflate(b, message, 1<<maxBits)
			require.NoError(t, err)
			require.Equal(t, message, got)
		}
		require.Less(t, q.base, uint32(1<<31+1<<12))
	}
}

// Short messages that would not shrink by codes of their own come into the window, so that those that follow shrink much.
func TestShortMessagesTakeOver(t *testing.T) {
	for _, level := range []int{1, 3, 6, 9} {
		r := rand.New(rand.NewPCG(5, 6))
		p := newPair(t, &Options{Level: level, ServerContextTakeover: true}, "permessage-deflate")
		in, out := 0, 0
		for i := range 60 {
			message := jsonOf(r, 100+i%50)
			b, ok := p.out.Compress(nil, message, true, true)
			if ok {
				p.receive(t, b, message)
			} else {
				b = message
			}
			if i >= 20 {
				in, out = in+len(message), out+len(b)
			}
		}
		require.Less(t, out, in/2, level)
	}
}

func TestFixedCodes(t *testing.T) {
	require.Equal(t, fixedCode{0b00001100, 8}, fixedLit[0])
	require.Equal(t, fixedCode{0b11111101, 8}, fixedLit[143])
	require.Equal(t, fixedCode{0b000010011, 9}, fixedLit[144])
	require.Equal(t, fixedCode{0b111111111, 9}, fixedLit[255])
	for length := 3; length <= maxMatch; length++ {
		c := fixedLength[length]
		require.LessOrEqual(t, c.size, uint8(13))
		require.NotZero(t, c.size)
		require.Zero(t, c.bits>>c.size)
	}
	for distance := 1; distance <= 1<<maxBits; distance++ {
		v, size := distanceCode(distance)
		require.LessOrEqual(t, size, uint(18))
		require.Zero(t, v>>size)
	}
}
