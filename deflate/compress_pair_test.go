package deflate

import (
	"bytes"
	"compress/flate"
	"fmt"
	"io"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
)

// jsonOf returns n octets of JSON-like text, other ones each time.
func jsonOf(r *rand.Rand, n int) []byte {
	names := []string{"alice", "bob", "carol", "dave", "erin", "frank", "grace", "heidi", "ivan", "judy"}
	kinds := []string{"order.created", "order.updated", "trade.executed", "quote", "heartbeat", "position.changed"}
	var b bytes.Buffer
	for b.Len() < n {
		fmt.Fprintf(&b, `{"id":%d,"type":"%s","user":{"name":"%s","active":%v},"price":%d.%02d,"qty":%d,"ts":"2026-%02d-%02dT%02d:%02d:%02d.%03dZ","tags":["%s","%x"]},`,
			r.IntN(1<<30), kinds[r.IntN(len(kinds))], names[r.IntN(len(names))], r.IntN(2) == 0, r.IntN(10000), r.IntN(100), r.IntN(500),
			1+r.IntN(12), 1+r.IntN(28), r.IntN(24), r.IntN(60), r.IntN(60), r.IntN(1000), names[r.IntN(len(names))], r.Uint32())
	}
	return b.Bytes()[:n]
}

// noise returns n octets that no one can compress.
func noise(r *rand.Rand, n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(r.Uint32())
	}
	return b
}

// text returns n octets: JSON, one octet again and again, noise, or noise that comes again after about distance octets.
func text(r *rand.Rand, n, distance int) []byte {
	switch r.IntN(6) {
	case 0:
		return bytes.Repeat([]byte{byte(r.Uint32())}, n)
	case 1:
		return noise(r, n)
	case 2:
		period := noise(r, max(1, distance+r.IntN(7)-3))
		return bytes.Repeat(period, n/len(period)+1)[:n]
	}
	return jsonOf(r, n)
}

// A pair is the two ends of one direction.
type pair struct {
	out, in *compressor
	seen    []byte // what the receiving end may refer to, if it takes over
	hurry   bool   // leave long messages to our own Decompressor, which minds the window too, and is a thousand times faster than the naive twin
}

// newPair returns the server-to-client direction of a connection on which answer was agreed.
func newPair(t testing.TB, o *Options, offer string) *pair {
	answer, s, ok := o.Accept(parse(t, offer))
	require.True(t, ok)
	p, _ := ParseParams(answer)
	c, err := (&Options{ClientOffers: []Params{{ClientMaxWindowBits: Any}}, Budget: -1}).Agree(parse(t, wire(t, p.Extension())))
	require.NoError(t, err)
	require.Equal(t, s.(*compressor).sent == nil, c.(*compressor).received == nil)
	return &pair{out: s.(*compressor), in: c.(*compressor)}
}

// receive checks the payload of a message, of which want is the sense: that it refers to nothing but what it may, that the naive twin, the standard library
// and our own Decompressor read it as that.
func (p *pair) receive(t testing.TB, payload, want []byte) {
	t.Helper()
	window := 1 << p.in.bits[1]
	require.LessOrEqual(t, len(p.seen), window)
	if len(want) < naiveLimit && !(p.hurry && len(want) > 300) {
		got, farthest, err := naiveInflate(payload, p.seen, window)
		require.NoError(t, err)
		require.LessOrEqual(t, farthest, window)
		require.True(t, bytes.Equal(want, got))
	}
	whole := io.MultiReader(bytes.NewReader(payload), bytes.NewReader([]byte("\x00\x00\xff\xff\x01\x00\x00\xff\xff")))
	got, err := io.ReadAll(flate.NewReaderDict(whole, p.seen))
	require.NoError(t, err)
	require.True(t, bytes.Equal(want, got))

	d := p.in.Decompressor()
	b, rest, full, err := d.Decompress(make([]byte, 0, len(want)), payload, true)
	require.NoError(t, err)
	require.False(t, full)
	require.Empty(t, rest)
	require.True(t, bytes.Equal(want, b))
	d.End(b)

	if p.in.received != nil {
		p.seen = append(p.seen, want...)
		p.seen = p.seen[max(0, len(p.seen)-window):]
		require.True(t, bytes.Equal(p.seen, p.in.received.bytes()))
	}
}
