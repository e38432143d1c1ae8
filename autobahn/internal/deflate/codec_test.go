package deflate

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/idlewire/idlewire/autobahn/internal/corpus"
)

// all are the Params of each window and takeover, given for one direction or the other.
func all() (ps []Params) {
	for bits := minWindowBits; bits <= maxWindowBits; bits++ {
		for _, no := range []bool{false, true} {
			ps = append(ps, Params{ServerMaxWindowBits: bits, ServerNoContextTakeover: no}, Params{ClientMaxWindowBits: bits, ClientNoContextTakeover: no})
		}
	}
	return append(ps, Params{})
}

// messages of many kinds and lengths, of which the far ones repeat what is just within a window or just without.
func messages() (ms [][]byte) {
	r := rand.New(rand.NewPCG(5, 6))
	for i, name := range []string{"json", "bitmap", "prose", "html", "pdf"} {
		for _, n := range []int{0, 1, 5, 13, 16, 100, 600, 3000, 20000} {
			ms = append(ms, corpus.Get(name, 1).Message(nil, i, n))
		}
	}
	for bits := minWindowBits; bits <= maxWindowBits; bits++ {
		noise := make([]byte, 1<<bits+1)
		for i := range noise {
			noise[i] = byte(r.Uint32())
		}
		for period := 1<<bits - 1; period <= 1<<bits+1; period++ {
			ms = append(ms, bytes.Repeat(noise[:period], 3))
		}
	}
	return append(ms, make([]byte, 70000))
}

// Both ends agree, and no distance is longer than the window.
func TestCodec(t *testing.T) {
	ms := messages()
	for _, p := range all() {
		t.Run(fmt.Sprintf("%+v", p), func(t *testing.T) {
			t.Parallel()
			client, server := New(p, true), New(p, false)
			for i, m := range ms {
				b, err := client.Compress([]byte("to"), m)
				require.NoError(t, err)
				require.Equal(t, "to", string(b[:2]))
				got, err := server.Decompress([]byte("from"), b[2:], len(m))
				require.NoError(t, err, i)
				require.True(t, bytes.Equal(m, got[4:]), i)

				b, err = server.Compress(nil, m)
				require.NoError(t, err)
				got, err = client.Decompress(nil, b, len(m))
				require.NoError(t, err, i)
				require.True(t, bytes.Equal(m, got), i)
			}
		})
	}
}

// The same for the twin, which trusts nothing of ours.
func TestCompressNaive(t *testing.T) {
	ms := messages()
	if raceEnabled {
		ms = ms[:30]
	}
	for bits := minWindowBits; bits <= maxWindowBits; bits++ {
		for _, no := range []bool{false, true} {
			c := New(Params{ServerMaxWindowBits: bits, ServerNoContextTakeover: no}, false)
			var history []byte
			farthest := 0
			for i, m := range ms {
				b, err := c.Compress(nil, m)
				require.NoError(t, err)
				got, far, err := naiveInflate(b, history, 1<<bits)
				require.NoError(t, err, "%d bits, message %d", bits, i)
				require.True(t, bytes.Equal(m, got))
				farthest = max(farthest, far)
				if !no {
					history = append(history, m...)
					history = history[max(0, len(history)-1<<15):]
				}
			}
			require.LessOrEqual(t, farthest, 1<<bits)
			if !raceEnabled {
				require.Greater(t, farthest, 1<<bits*3/4, "the window is used")
			}
		}
	}
}

// Takeover is what each direction agreed to, and only that.
func TestTakeover(t *testing.T) {
	m := corpus.Get("prose", 1).Message(nil, 0, 200)
	for _, p := range []Params{{}, {ServerNoContextTakeover: true}, {ClientNoContextTakeover: true}, {ServerNoContextTakeover: true, ClientNoContextTakeover: true}} {
		for _, client := range []bool{true, false} {
			c := New(p, client)
			first, err := c.Compress(nil, m)
			require.NoError(t, err)
			second, err := c.Compress(nil, m)
			require.NoError(t, err)
			own, peer := p.ServerNoContextTakeover, p.ClientNoContextTakeover
			if client {
				own, peer = peer, own
			}
			if own {
				require.Equal(t, first, second)
			} else {
				require.Less(t, len(second), 10)
			}
			// What refers to an earlier message fails where there are none.
			c = New(p, client)
			_, err = c.Decompress(nil, octets(t, "f2 48 cd c9 c9 07 00"), 5)
			require.NoError(t, err)
			got, err := c.Decompress(nil, octets(t, "f2 00 11 00 00"), 5) // 7.2.3.2
			if peer {
				require.Equal(t, ErrDistance, err)
			} else {
				require.NoError(t, err)
				require.Equal(t, "Hello", string(got))
			}
		}
	}
}

// 7.2.3.6: an empty message is one octet; and a payload has no tail.
func TestCompressEnd(t *testing.T) {
	for _, p := range []Params{{}, {ServerMaxWindowBits: 8}, {ServerNoContextTakeover: true}} {
		c := New(p, false)
		for range 3 {
			b, err := c.Compress(nil, nil)
			require.NoError(t, err)
			require.Equal(t, []byte{0}, b)
		}
	}
}

// In the long run nothing is allocated.
func TestCodecAllocates(t *testing.T) {
	m := corpus.Get("json", 1).Message(nil, 0, 5000)
	for _, p := range []Params{{}, {ServerMaxWindowBits: 9}, {ServerNoContextTakeover: true}} {
		server, client := New(p, false), New(p, true)
		var b, got []byte
		step := func() {
			var err error
			if b, err = server.Compress(b[:0], m); err == nil {
				got, err = client.Decompress(got[:0], b, len(m))
			}
			if err != nil || len(got) != len(m) {
				t.Fatal(err)
			}
		}
		for range 100 {
			step()
		}
		require.Zero(t, testing.AllocsPerRun(200, step))
	}
}
