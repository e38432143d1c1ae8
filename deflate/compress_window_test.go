package deflate

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/idlewire/idlewire/conn"
	"github.com/idlewire/idlewire/frame"
)

// A window that was updated by a message that then went uncompressed, for which the receiver fails on the next one.
func TestWindowKnowsWhatWasSent(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	p := newPair(t, &Options{ServerContextTakeover: true}, "permessage-deflate; server_max_window_bits=12")
	one, two := jsonOf(r, 1000), jsonOf(r, 1000)
	b, ok := p.out.Compress(nil, one, true, true)
	require.True(t, ok)
	p.receive(t, b, one)

	plain := noise(r, 1000)
	_, ok = p.out.Compress(nil, plain, true, true)
	require.False(t, ok)
	require.Equal(t, one, p.out.sent.bytes())
	short := plain[:63]
	_, ok = p.out.Compress(nil, short, true, true)
	require.False(t, ok)
	require.Equal(t, one, p.out.sent.bytes())

	// Were the noise in the window it would shrink now.
	_, ok = p.out.Compress(nil, plain, true, true)
	require.False(t, ok)
	b, ok = p.out.Compress(nil, two, true, true)
	require.True(t, ok)
	p.receive(t, b, two)

	p.out.Sent(plain)
	require.Equal(t, append(append(bytes.Clone(one), two...), plain...), p.out.sent.bytes())
	p.seen = bytes.Clone(p.out.sent.bytes())
	p.in.received.add(plain)
	b, ok = p.out.Compress(nil, plain, true, true)
	require.True(t, ok, "what Alone compressed is referred to")
	require.Less(t, len(b), 30)
	p.receive(t, b, plain)

	p.out.Forget()
	_, ok = p.out.Compress(nil, plain, true, true)
	require.False(t, ok, "what was forgotten is not")
}

// A level that is none is taken for the nearest.
func TestLevels(t *testing.T) {
	for level, want := range map[int]int{-9: 1, -1: 1, 0: DefaultLevel, 1: 1, 5: 5, 9: 9, 10: 9, 99: 9} {
		p := newPair(t, &Options{Level: level}, "permessage-deflate")
		require.Equal(t, want, p.out.alone.level, level)
		message := bytes.Repeat([]byte("level "), 100)
		b, ok := p.out.Compress(nil, message, true, true)
		require.True(t, ok)
		p.receive(t, b, message)
	}

	// Each does better than those before it, or nearly.
	r := rand.New(rand.NewPCG(19, 20))
	message := jsonOf(r, 50000)
	size := len(message) / 3
	for level := 1; level <= 9; level++ {
		b, ok := newPair(t, &Options{Level: level}, "permessage-deflate").out.Compress(nil, message, true, true)
		require.True(t, ok)
		require.Less(t, len(b), size+size/50, level)
		size = len(b)
	}
	require.Less(t, size, len(message)/4)
}

// Takeover that is agreed on is used, in both directions and however small the window is.
func TestTakeoverIsUsed(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 8))
	for bits := minBits; bits <= maxBits; bits++ {
		n := min(1<<bits/2, primes[1]) // of more it sees but a part
		message := noise(r, n)
		p := newPair(t, &Options{MinSize: -1, ServerContextTakeover: true}, fmt.Sprintf("permessage-deflate; server_max_window_bits=%d", bits))
		p.out.Sent(message)
		p.in.received.add(message)
		p.seen = bytes.Clone(message)
		b, ok := p.out.Compress(nil, message, true, true)
		require.True(t, ok, bits)
		p.receive(t, b, message)
		require.Less(t, len(b), n/4+16, bits)
	}
}

// A message nearly as long as the window still finds the one before.
func TestWindowBesideLongMessage(t *testing.T) {
	r := rand.New(rand.NewPCG(23, 24))
	for bits := minBits; bits < maxBits; bits++ {
		message := noise(r, 1<<bits-16)
		p := newPair(t, &Options{MinSize: -1, ServerContextTakeover: true}, fmt.Sprintf("permessage-deflate; server_max_window_bits=%d", bits))
		p.out.Sent(message)
		p.in.received.add(message)
		p.seen = bytes.Clone(message)
		b, ok := p.out.Compress(nil, message, true, true)
		require.True(t, ok, bits)
		require.Less(t, len(b), len(message)/2, bits)
		p.receive(t, b, message)
	}
}

// A long message is found again whole, at any level.
func TestLongMessageAgain(t *testing.T) {
	message := jsonOf(rand.New(rand.NewPCG(25, 26)), 15000)
	for level := 1; level <= 9; level++ {
		p := newPair(t, &Options{Level: level, ServerContextTakeover: true}, "permessage-deflate")
		first, ok := p.out.Compress(nil, message, true, true)
		require.True(t, ok)
		p.receive(t, first, message)
		b, ok := p.out.Compress(nil, message, true, true)
		require.True(t, ok)
		require.Less(t, len(b), len(first)/10, level)
		p.receive(t, b, message)
	}
}

// Small windows are used to the full by messages longer than they are, and not beyond.
func TestSmallWindowsAreUsed(t *testing.T) {
	r := rand.New(rand.NewPCG(9, 10))
	for bits := minBits; bits <= maxBits; bits++ {
		window := 1 << bits
		for _, test := range []struct {
			distance int
			shrinks  bool
		}{{window - 8, true}, {window + 1, false}} {
			message := bytes.Repeat(noise(r, test.distance), 4)
			p := newPair(t, &Options{MinSize: -1}, fmt.Sprintf("permessage-deflate; server_max_window_bits=%d", bits))
			b, ok := p.out.Compress(nil, message, true, true)
			if ok {
				p.receive(t, b, message)
			}
			require.Equal(t, test.shrinks, ok && len(b) < len(message)/2, "%d of %d", test.distance, window) // codes alone may save a little
		}
	}
}

// What refers farther back than the peer's window, the one that was agreed on for its direction, is refused.
func TestReceivedWindowIsKept(t *testing.T) {
	r := rand.New(rand.NewPCG(21, 22))
	message := bytes.Repeat(noise(r, 600), 4) // refers 600 back
	b, ok := intern(alone{0, 1, maxBits}).Compress(nil, message)
	require.True(t, ok)
	_, s, _ := new(Options).Accept(parse(t, "permessage-deflate; client_max_window_bits=9"))
	c, err := new(Options).Agree(parse(t, "permessage-deflate; server_no_context_takeover; server_max_window_bits=9"))
	require.NoError(t, err)
	for _, end := range []conn.Compressor{s, c} {
		_, _, _, err := end.Decompressor().Decompress(make([]byte, 0, len(message)), b, true)
		require.ErrorIs(t, err, frame.ErrInvalidDeflate)
	}
	_, s, _ = new(Options).Accept(parse(t, "permessage-deflate; server_max_window_bits=9"))
	got, _, _, err := s.Decompressor().Decompress(make([]byte, 0, len(message)), b, true)
	require.NoError(t, err)
	require.Equal(t, message, got)
}
