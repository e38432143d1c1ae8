package deflate

import (
	"bytes"
	stdflate "compress/flate"
	"io"
	"math/rand/v2"
	"testing"

	"github.com/klauspost/compress/flate"
	"github.com/stretchr/testify/require"
)

// An oracle is another's decompressor of a whole DEFLATE stream, with a dictionary, which reads octet by octet, and no more than it needs.
type oracle func(in io.Reader, dictionary []byte) io.ReadCloser

// Klauspost's takes some streams that compress/flate and the twin refuse: for a block without any code for its lengths, or its distances, it uses the
// codes of the block before.
var oracles = []struct {
	name    string
	open    oracle
	lenient bool
}{{"compress/flate", stdflate.NewReaderDict, false}, {"klauspost", flate.NewReaderDict, true}}

// inflate decompresses a message. Ok is that it is whole; then it has at most limit octets.
func (o oracle) inflate(payload, history []byte, limit int) (message []byte, ok bool) {
	// Two ends behind the tail, of different lengths: only what ends with the tail, and not in a block that takes some of the end for its own, has the one
	// as well as the other.
	a, ok := o.inflateTo(payload, history, "\x01\x10\x00\xef\xff", "an end, 16 long.", limit)
	if !ok {
		return a, false
	}
	b, ok := o.inflateTo(payload, history, "\x01\x13\x00\xec\xff", "one of nineteen oct", limit)
	return b, ok && bytes.Equal(a, b)
}

func (o oracle) inflateTo(payload, history []byte, header, end string, limit int) ([]byte, bool) {
	in := bytes.NewReader([]byte(string(payload) + tail + header + end))
	window := bytes.Clone(history)
	for {
		r := o(in, window[max(0, len(window)-1<<15):])
		b, err := io.ReadAll(io.LimitReader(r, int64(len(history)+limit+len(end)+1-len(window))))
		window = append(window, b...)
		message := window[len(history):]
		switch {
		case err != nil:
			return message, false
		case in.Len() == 0:
			message, ok := bytes.CutSuffix(message, []byte(end))
			return message, ok && len(message) <= limit
		case in.Len() == len(tail)+len(header)+len(end):
			return message, len(message) <= limit // a final block ended the payload
		case len(message) > limit+len(end):
			return message, false
		}
	}
}

// texts are messages of many kinds.
func texts(r *rand.Rand) (ms [][]byte) {
	noise := make([]byte, 700)
	few := make([]byte, 700)
	for i := range noise {
		noise[i], few[i] = byte(r.Uint32()), byte(min(r.IntN(40), r.IntN(40), r.IntN(40)))
	}
	return [][]byte{{}, []byte("H"), jsonText(r, 100), jsonText(r, 1000), noise, few, few[:40], make([]byte, 3000), append(noise[:300:300], noise[:300]...)}
}

// streams are the texts as compressors make them, at all levels.
func streams(t require.TestingT) (payloads [][]byte) {
	for _, m := range texts(rand.New(rand.NewPCG(6, 6))) {
		for level := stdflate.HuffmanOnly; level <= stdflate.BestCompression; level++ {
			payloads = append(payloads, deflated(t, level, m), stdDeflated(t, level, m))
		}
	}
	return payloads
}

// asOthers holds a decompressor, whole and in pieces, against the oracles and the twin. Only they know no window but 32 KiB.
func asOthers(t testing.TB, payload, history []byte, limit int) {
	got, full, err := inflate(15, append([]byte{}, history...), payload, limit)
	for _, o := range oracles {
		want, ok := o.open.inflate(payload, history, limit)
		if o.lenient && ok && err != nil {
			continue
		}
		require.Equal(t, ok, err == nil && !full, "%s: %v, %x", o.name, err, payload)
		if ok {
			require.Equal(t, string(want), string(got), o.name)
		}
		if full {
			require.Greater(t, len(want), limit, o.name)
		}
	}
}

// Property: what others decompress a decompressor does too, and nothing else: streams of several compressors, and what is made of them by changes.
func TestInflateOthers(t *testing.T) {
	const limit = 1 << 12
	r := rand.New(rand.NewPCG(9, 9))
	all := streams(t)
	for i, payload := range all {
		if raceEnabled && i%5 != 0 {
			continue
		}
		history := jsonText(r, 50)
		asOthers(t, payload, history, limit)
		for range 20 {
			asOthers(t, mutated(r, payload, all[r.IntN(len(all))]), history, limit)
		}
	}
	for _, payload := range splitTests(t) {
		asOthers(t, payload, nil, limit)
		if len(payload) < 1000 {
			for range 30 {
				asOthers(t, mutated(r, payload, all[r.IntN(len(all))]), []byte("Hello"), limit)
			}
		}
	}
}

// mutated is b with a few changes: bits, octets, less of it, or another behind it.
func mutated(r *rand.Rand, b, other []byte) []byte {
	b = bytes.Clone(b)
	for range 1 + r.IntN(3) {
		if len(b) == 0 {
			b = append(b, byte(r.Uint32()))
		}
		i := r.IntN(min(len(b), 1+r.IntN(len(b)))) // more in the head
		switch r.IntN(6) {
		case 0, 1:
			b[i] ^= 1 << r.IntN(8)
		case 2:
			b[i] = byte(r.Uint32())
		case 3:
			b = b[:i]
		case 4:
			b = append(b[:i:i], b[i+1:]...)
		case 5:
			b = append(b[:i:i], other...)
		}
	}
	return b
}

// Whatever is cut off, and whatever octet is put behind it, a decompressor says the same as its twin.
func TestInflateCut(t *testing.T) {
	m := jsonText(rand.New(rand.NewPCG(9, 1)), 300)
	for i, payload := range [][]byte{
		new(bitWriter).fixed().lit("abcdefgh").match(10, 5).match(3, 1).lit("z").match(9, 8).end(),
		deflated(t, flate.DefaultCompression, m),
		stdDeflated(t, flate.BestCompression, m),
		deflated(t, flate.HuffmanOnly, m),
		deflated(t, flate.NoCompression, m[:30]),
	} {
		for end := range payload {
			for _, last := range []string{"", "\x00", "\x01", "\x55", "\xff"} {
				b := append(payload[:end:end], last...)
				message, _, want := naiveInflate(b, nil, 1<<15)
				got, full, err := inflate(15, nil, b, 1<<12)
				require.False(t, full)
				require.Equal(t, want == nil, err == nil, "%d: %d of %d octets, and %x: %v, %v", i, end, len(payload), last, want, err)
				if err == nil {
					require.Equal(t, string(message), string(got))
				}
			}
		}
	}
}
