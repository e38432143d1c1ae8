package deflate

import (
	"bytes"
	"math/rand/v2"
	"runtime"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/idlewire/idlewire/conn"
)

// What a message brings with it is less than it is long, also if it does not shrink.
func TestMemoryOfOneMessage(t *testing.T) {
	if raceEnabled {
		t.Skip("sync.Pool drops encoders")
	}
	p := newPair(t, &Options{}, "permessage-deflate")
	message := noise(rand.New(rand.NewPCG(13, 14)), 60000)
	p.out.Compress(nil, message, true, true)
	require.LessOrEqual(t, testing.AllocsPerRun(20, func() { p.out.Compress(make([]byte, 0, len(message)), message, true, true) }), 1.0)
	e, _ := p.out.alone.encoder(len(message), 0)
	defer e.put()
	require.Nil(t, e.out.b, "what is in the pool holds nothing of a connection")

	kept := jsonOf(rand.New(rand.NewPCG(15, 16)), 2000)
	_, ok := e.encode(nil, kept, kept, -1)
	require.True(t, ok)
	require.Equal(t, kept, e.dict)
	require.False(t, &kept[0] == &e.dict[0], "nor its window")
}

// Once everything has its size a message costs no allocation.
func TestCompressAllocs(t *testing.T) {
	if raceEnabled {
		t.Skip("sync.Pool drops encoders")
	}
	r := rand.New(rand.NewPCG(15, 16))
	message, hard := jsonOf(r, 1024), noise(r, 1024)
	dst := make([]byte, 0, 2048)
	for _, offer := range offersOf() {
		p := newPair(t, &Options{ServerContextTakeover: true}, offer)
		for range 70 {
			p.out.Compress(dst, message, true, true) // until the window is full
		}
		require.Zero(t, testing.AllocsPerRun(50, func() {
			p.out.Compress(dst, message, true, true)
			p.out.Compress(dst, hard, true, true)
			p.out.Compress(dst, message, true, false)
			p.out.Compress(dst, message, false, true)
			p.out.Alone().Compress(dst, message)
			p.out.Sent(message)
		}), offer)
	}
}

// Idle, a connection holds its windows and at most 512 octets besides; without takeover nothing.
func TestIdleMemory(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector's memory is not ours")
	}
	r := rand.New(rand.NewPCG(17, 18))
	message := jsonOf(r, 1<<16)
	defer runtime.KeepAlive(message)
	for _, bits := range []int{0, 8, 9, 12, 15} {
		o := &Options{ServerContextTakeover: bits > 0, ClientContextTakeover: bits > 0, ServerMaxWindowBits: bits, ClientMaxWindowBits: bits}
		offers := parse(t, "permessage-deflate; client_max_window_bits")
		many := 200
		if bits == 0 {
			many = 2000 // so that what the runtime and the pools hold meanwhile does not count
		}
		open := make([]conn.Compressor, many)
		wireForm := bytes.Clone(mustCompress(t, message))
		room := make([]byte, 0, 1<<17)
		use := func(i int) {
			_, c, _ := o.Accept(offers)
			c.Compress(room, message[:min(len(message), max(1<<14, 4<<bits))], true, true)
			d := c.Decompressor()
			b, _, _, err := d.Decompress(room, wireForm, true)
			require.NoError(t, err)
			d.End(b)
			open[i] = c
		}
		use(0)
		before := heap()
		for i := range open {
			use(i)
		}
		each := (heap() - before) / int64(many)
		windows := int64(0)
		if bits > 0 {
			windows = 2 << bits
		}
		if bits == 0 {
			require.Less(t, each, int64(48), "nothing: the least Compressor would be 80")
		} else {
			require.LessOrEqual(t, each, windows+512, bits)
			require.Greater(t, each, windows*9/10, "the windows are there")
		}
		runtime.KeepAlive([]any{open, wireForm, room, o, offers})
	}
}

// mustCompress returns message as a client with a window of 8 bits would send it.
func mustCompress(t testing.TB, message []byte) []byte {
	b, ok := intern(alone{0, 1, minBits}).Compress(nil, message)
	require.True(t, ok)
	return b
}

// heap returns the octets of living objects. Pools are emptied by two collections.
func heap() int64 {
	for range 3 {
		runtime.GC()
	}
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}
