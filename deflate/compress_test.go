package deflate

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

// offersOf are offers for all windows of the server with takeover and without.
func offersOf() (all []string) {
	for bits := minBits; bits <= maxBits; bits++ {
		all = append(all, fmt.Sprintf("permessage-deflate; server_max_window_bits=%d", bits),
			fmt.Sprintf("permessage-deflate; server_no_context_takeover; server_max_window_bits=%d", bits))
	}
	return append(all, "permessage-deflate")
}

// Whatever is sent, in whatever way, one message after the other, comes out again.
func TestRoundTrip(t *testing.T) {
	for i, offer := range offersOf() {
		for _, level := range []int{0, 2, 3, 4, 5, 6, 7, 9}[i%2*3:] {
			if level > 6 && (raceEnabled || i%5 != 0) {
				continue
			}
			r := rand.New(rand.NewPCG(uint64(i), uint64(level)))
			p := newPair(t, &Options{Level: level, MinSize: -1, ServerContextTakeover: true}, offer)
			for i := 0; i < 25 && !(raceEnabled && i == 8); i++ {
				p.step(t, r)
			}
		}
	}
}

// step sends one message in one of the ways there are.
func (p *pair) step(t testing.TB, r *rand.Rand) {
	window := 1 << p.out.bits[0]
	sizes := []int{0, 1, 2, 15, 64, 300, 1024, 5000, window - 1, window, window + 1, 2 * window, 40000, 70000}
	n := sizes[r.IntN(len(sizes))]
	if n > 6000 && (p.hurry || r.IntN(3) > 0) {
		n = r.IntN(6000)
	}
	message := text(r, n, window)
	before := bytes.Clone(message)
	prefix := []byte("prefix")
	switch r.IntN(8) {
	case 0: // as Alone has it, prepared
		if b, ok := p.out.Alone().Compress(nil, message); ok {
			require.Less(t, len(b), len(message))
			p.out.Sent(message)
			p.receive(t, b, message)
		}
	case 1: // not sent
		p.out.Compress(nil, message, true, true)
		p.out.Forget()
	case 2, 3: // fragments
		var payload []byte
		rest := message
		for first, fin := true, false; !fin; first = false {
			n := min(len(rest), []int{0, 1, 200, 3000, 1 << 20}[r.IntN(5)])
			fin = n == len(rest) && r.IntN(2) == 0
			b, ok := p.out.Compress(prefix, rest[:n], first, fin)
			require.Equal(t, "prefix", string(b[:6]))
			if first && !ok {
				require.Len(t, b, 6)
				return
			}
			require.True(t, ok)
			require.LessOrEqual(t, len(b)-6, n+n/1000+64)
			payload = append(payload, b[6:]...)
			rest = rest[n:]
			if r.IntN(10) == 0 {
				p.out.Forget() // a fragment that has gone to no one is only known to be the last one sent by its absence
			}
		}
		p.receive(t, payload, message)
	default:
		b, ok := p.out.Compress(prefix, message, true, true)
		require.Equal(t, "prefix", string(b[:6]))
		if !ok {
			require.Len(t, b, 6)
			break
		}
		require.Less(t, len(b)-6, len(message))
		p.receive(t, b[6:], message)
	}
	require.True(t, bytes.Equal(before, message), "payload is the caller's")
}

// FuzzRoundTrip: any messages, cut anywhere, compressed, plain, prepared and lost in any order, come out again by any parameters.
func FuzzRoundTrip(f *testing.F) {
	for i := range 16 {
		f.Add(uint8(i), uint8(i), uint64(i), []byte("hello, hello, hello, world"))
	}
	offers := offersOf()
	f.Fuzz(func(t *testing.T, params, level uint8, seed uint64, message []byte) {
		if len(message) > 1<<14 {
			return
		}
		r := rand.New(rand.NewPCG(seed, 0))
		p := newPair(t, &Options{Level: int(level % 10), MinSize: -1, ServerContextTakeover: true}, offers[int(params)%len(offers)])
		p.hurry = true
		for range 2 {
			if b, ok := p.out.Compress(nil, message, true, true); ok {
				require.Less(t, len(b), len(message))
				p.receive(t, b, message)
			}
			cut := r.IntN(len(message) + 1)
			if b, ok := p.out.Compress(nil, message[cut:], true, false); ok {
				b, ok = p.out.Compress(b, message[:cut], false, true)
				require.True(t, ok)
				p.receive(t, b, append(bytes.Clone(message[cut:]), message[:cut]...))
			}
			p.step(t, r)
		}
	})
}

// 7.2.3: the examples there that a compressor decides on.
func TestExamples7_2_3(t *testing.T) {
	p := newPair(t, &Options{MinSize: -1, ServerContextTakeover: true}, "permessage-deflate")
	hello := bytes.Repeat([]byte("Hello"), 20)
	b, ok := p.out.Compress(nil, hello, true, false)
	require.True(t, ok)
	require.Equal(t, "\x00\x00\xff\xff", string(b[len(b)-4:]), "7.2.1: a fragment that is not the last keeps its tail")
	last, ok := p.out.Compress(nil, nil, false, true)
	require.True(t, ok)
	require.Equal(t, []byte{0}, last, "7.2.3.6: an empty fragment at the end")
	p.receive(t, append(b, last...), hello)

	again, ok := p.out.Compress(nil, hello, true, true)
	require.True(t, ok)
	require.NotEqual(t, "\x00\x00\xff\xff", string(again[len(again)-4:]))
	require.Less(t, len(again), 10, "7.2.3.2: the second message is one reference to the first")
	p.receive(t, again, hello)

	p = newPair(t, &Options{MinSize: -1}, "permessage-deflate")
	first, _ := p.out.Compress(nil, hello, true, true)
	second, _ := p.out.Compress(nil, hello, true, true)
	require.Equal(t, first, second, "without takeover the same message is the same octets")
}

// Below MinSize, and if it would not shrink, a message goes as it is; once it has begun in compression it does not.
func TestWhatIsNotCompressed(t *testing.T) {
	zeros := make([]byte, 1000)
	r := rand.New(rand.NewPCG(1, 2))
	for _, test := range []struct {
		minSize, size int
		compressed    bool
	}{{0, 63, false}, {0, 64, true}, {100, 99, false}, {100, 100, true}, {-1, 20, true}, {-1, 0, false}, {1, 0, false}} {
		c := newPair(t, &Options{MinSize: test.minSize, ServerContextTakeover: true}, "permessage-deflate").out
		_, ok := c.Alone().Compress(nil, zeros[:test.size])
		require.Equal(t, test.compressed, ok, "%+v", test)
		b, ok := c.Compress([]byte("x"), zeros[:test.size], true, true)
		require.Equal(t, test.compressed, ok, "%+v", test)
		require.Equal(t, test.compressed, len(b) > 1)
		b, ok = c.Compress(nil, zeros[:test.size], true, false)
		require.Equal(t, test.compressed || test.minSize < 0, ok, "the first fragment decides: %+v", test)
		if test.size == 0 {
			require.Empty(t, b, "nothing is nothing, but at the end")
		}
		_, ok = c.Compress(nil, zeros[:1], false, false)
		require.True(t, ok)
		_, ok = c.Compress(nil, noise(r, 1000), false, true)
		require.True(t, ok)
	}
	for _, offer := range offersOf() {
		c := newPair(t, &Options{MinSize: -1, ServerContextTakeover: true}, offer).out
		for _, n := range []int{1, 2, 5, 64, 1024, 70000} {
			b, ok := c.Compress([]byte("dst"), noise(r, n), true, true)
			require.False(t, ok)
			require.Equal(t, "dst", string(b))
			b, ok = c.Compress([]byte("dst"), noise(r, n), true, false)
			require.False(t, ok)
			require.Equal(t, "dst", string(b))
			if c.sent != nil {
				require.Empty(t, c.sent.bytes())
			}
		}
	}
}

// An octet more or less decides: what comes out is never as long as what goes in.
func TestShrinksOrFails(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	c := newPair(t, &Options{MinSize: -1}, "permessage-deflate")
	yes, no := 0, 0
	for range 3000 {
		message := noise(r, 20+r.IntN(20))
		copy(message[len(message)-r.IntN(16):], message) // repeats itself a little
		b, ok := c.out.Compress(nil, message, true, true)
		if ok {
			yes++
			require.Less(t, len(b), len(message))
			c.receive(t, b, message)
			continue
		}
		no++
		e, _ := c.out.alone.encoder(len(message), 0)
		all, ok := e.encode(nil, message, nil, -1)
		e.put()
		require.True(t, ok)
		require.GreaterOrEqual(t, len(all)-tailSize, len(message))
	}
	require.Greater(t, yes, 100)
	require.Greater(t, no, 100)
}

// Alone is one and the same for all that compress alike.
func TestAlone(t *testing.T) {
	o := &Options{ServerContextTakeover: true}
	a := newPair(t, o, "permessage-deflate").out.Alone()
	require.True(t, a == newPair(t, o, "permessage-deflate").out.Alone())
	require.True(t, a == newPair(t, &Options{}, "permessage-deflate; server_no_context_takeover").out.Alone(), "other options, the same way")
	require.True(t, a == newPair(t, &Options{Level: DefaultLevel, MinSize: 64}, "permessage-deflate; server_max_window_bits=15").out.Alone())
	for _, other := range []*pair{
		newPair(t, o, "permessage-deflate; server_max_window_bits=14"),
		newPair(t, &Options{Level: 2}, "permessage-deflate"),
		newPair(t, &Options{MinSize: 65}, "permessage-deflate"),
	} {
		require.False(t, a == other.out.Alone())
	}
}

// One Compressor without takeover, and one Alone, serve many goroutines at once.
func TestConcurrentUse(t *testing.T) {
	shared := newPair(t, &Options{}, "permessage-deflate; server_max_window_bits=10")
	takeover := newPair(t, &Options{ServerContextTakeover: true}, "permessage-deflate; server_max_window_bits=10")
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			r := rand.New(rand.NewPCG(uint64(i), 1))
			p := &pair{out: shared.out, in: shared.in}
			for range 20 {
				p.step(t, r)
				message := jsonOf(r, 500)
				b, ok := takeover.out.Alone().Compress(nil, message)
				require.True(t, ok)
				p.receive(t, b, message)
				shared.out.Release()
			}
		})
	}
	wg.Wait()
}

// Long messages come out in pieces; what does not shrink is given up after the first.
func TestLongMessages(t *testing.T) {
	r := rand.New(rand.NewPCG(11, 12))
	json := bytes.Repeat(jsonOf(r, 1<<17), 1<<5) // 4 MiB
	for _, offer := range []string{"permessage-deflate", "permessage-deflate; server_max_window_bits=9"} {
		p := newPair(t, &Options{ServerContextTakeover: true}, offer)
		b, ok := p.out.Compress(nil, json, true, true)
		require.True(t, ok)
		p.receive(t, b, json)
		b, ok = p.out.Compress(nil, json, true, false)
		require.True(t, ok)
		b, ok = p.out.Compress(b, json, false, true)
		require.True(t, ok)
		p.receive(t, b, append(bytes.Clone(json), json...))
	}
	p := newPair(t, &Options{ServerContextTakeover: true}, "permessage-deflate")
	hard := append(noise(r, 1<<20), json...)
	room := make([]byte, 0, 4*pieceSize)
	b, ok := p.out.Compress(room, hard, true, true)
	require.False(t, ok)
	require.Empty(t, b)
	require.True(t, &b[:1][0] == &room[:1][0], "dst as it was")
	require.Zero(t, room[:cap(room)][4*pieceSize-1], "given up early: not even this room was filled")
	b, ok = p.out.Compress(nil, hard, false, true)
	require.True(t, ok, "but not of a message begun")
	require.Less(t, len(b), 1<<20+len(json)/3)
}
