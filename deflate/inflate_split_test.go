package deflate

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/klauspost/compress/flate"
	"github.com/stretchr/testify/require"

	"github.com/idlewire/idlewire/frame"
)

// A feeding is a way to give a message and the room for it in pieces.
type feeding struct {
	input  func() int // octets that come next, perhaps none
	room   func() int // how much more room there is when it is full, at least 1
	apart  bool       // the end of the message comes alone
	before int        // octets in dst before the message
	trim   bool       // what goes out of the window is taken away
}

// inflate decompresses a message that has room for so many octets, and looks after what may be looked after.
func (f feeding) inflate(t testing.TB, bits int, history, payload []byte, limit int) (message []byte, full bool, err error) {
	d := newDecompressor(bits, windowOf(bits, history))
	var gone []byte // of the message, trimmed
	before := f.before
	dst, whole := grown(bytes.Repeat([]byte{0xa5}, before), min(limit, f.room()))
	src, end := payload, false
	for !end {
		piece := src[:min(len(src), f.input())]
		src = src[len(piece):]
		end = len(src) == 0 && (!f.apart || len(piece) == 0)
		for again := true; again; {
			old := bytes.Clone(dst)
			b, rest, full, err := d.Decompress(dst, piece, end)
			if !bytes.Equal(whole[cap(dst):], canary) || !bytes.Equal(old, whole[:len(old)]) {
				require.Fail(t, "something else was written to")
			}
			if err != nil {
				require.Equal(t, error(frame.ErrInvalidDeflate), err)
				require.False(t, full)
				d.End(nil)
				return append(gone, b[before:]...), false, err
			}
			if cap(b) != cap(dst) || cap(b) > 0 && &whole[0] != &b[:1][0] {
				require.Fail(t, "another slice")
			}
			if again = full; full && len(b) < cap(b) {
				require.Fail(t, "there was room")
			} else if !full && len(rest) > 0 || !bytes.HasSuffix(piece, rest) {
				require.Fail(t, "another rest")
			}
			if d.bits>>d.n != 0 {
				require.Fail(t, "bits that are not there")
			}
			n := len(gone) + len(b) - before // of the message
			if full && n == limit {
				d.End(nil)
				return append(gone, b[before:]...), true, nil
			}
			dst, piece = b, rest
			if f.trim && len(dst)-before > maxTotal {
				gone = append(gone, dst[before:len(dst)-maxTotal]...)
				dst, whole = grown(dst[len(dst)-maxTotal:], cap(dst)-len(dst))
				before = 0
			}
			if full {
				dst, whole = grown(dst, min(limit-n, f.room()))
			}
		}
	}
	message = append(gone, dst[before:]...)
	w := d.w
	d.End(dst)
	if w != nil {
		all := append(bytes.Clone(history), message...)
		require.Equal(t, string(all[max(0, len(all)-1<<bits):]), string(w.bytes()))
	}
	return message, false, nil
}

var canary = []byte("it may not change")

// grown is a copy of b with room for so many octets more; whole has other things behind that, which may not be written to.
func grown(b []byte, room int) (dst, whole []byte) {
	whole = make([]byte, len(b)+room+len(canary))
	copy(whole, b)
	copy(whole[len(b)+room:], canary)
	return whole[: len(b) : len(b)+room], whole
}

func always(n int) func() int { return func() int { return n } }

// Messages of every kind of block, good and bad.
func splitTests(t require.TestingT) (payloads [][]byte) {
	for _, tt := range inflateTests {
		payloads = append(payloads, octets(t, tt.payload))
	}
	for _, tt := range byHand {
		payloads = append(payloads, tt.payload)
	}
	r := rand.New(rand.NewPCG(3, 3))
	for level := flate.HuffmanOnly; level <= flate.BestCompression; level += 3 {
		payloads = append(payloads, deflated(t, level, jsonText(r, 300)), stdDeflated(t, max(level, -2), jsonText(r, 400)))
	}
	// Mistakes in the middle of much that is good: a symbol that there is not, and a distance.
	text := strings.Repeat("good ", 8)
	payloads = append(payloads,
		new(bitWriter).fixed().lit(text).code(0xc6, 8).lit(text).lit(text).b,
		new(bitWriter).fixed().lit(text).code(1, 7).code(30, 5).lit(text).lit(text).b)
	return append(payloads, manyBlocks(t))
}

// manyBlocks is a message of blocks of all kinds by turns, which refer to one another.
func manyBlocks(t require.TestingT) (payload []byte) {
	r := rand.New(rand.NewPCG(4, 4))
	var b bytes.Buffer
	fw, err := flate.NewWriter(&b, flate.BestCompression)
	require.NoError(t, err)
	for _, n := range []int{3, 400, 20, 0, 1, 700} {
		m := jsonText(r, n)
		if n == 20 {
			for i := range m {
				m[i] = byte(r.Uint32())
			}
		}
		_, err = fw.Write(m)
		require.NoError(t, err)
		require.NoError(t, fw.Flush())
	}
	return bytes.TrimSuffix(b.Bytes(), []byte(tail))
}

// Property: in whatever pieces a message comes, and in whatever pieces the room for it does, the outcome is the same.
func TestInflateSplit(t *testing.T) {
	r := rand.New(rand.NewPCG(2, 2))
	for i, payload := range splitTests(t) {
		const limit = 1 << 12
		history := [][]byte{nil, []byte("before Hello"), jsonText(r, 1000)}[i%3]
		want, wantFull, wantErr := feeding{input: always(len(payload)), room: always(limit)}.inflate(t, 15, history, payload, limit)
		same := func(f feeding, what ...any) {
			got, full, err := f.inflate(t, 15, history, payload, limit)
			require.Equal(t, wantErr, err, "%d: %v", i, what)
			require.Equal(t, wantFull, full, "%d: %v", i, what)
			require.True(t, bytes.Equal(want, got), "%d: %v", i, what)
		}
		for _, room := range []int{1, 2, 7, 300, limit} {
			for _, input := range []int{1, 2, 5, len(payload)} {
				for _, apart := range []bool{false, true} {
					same(feeding{input: always(max(1, input)), room: always(room), apart: apart, before: room % 3}, input, room, apart)
				}
			}
		}
		for cut := 0; cut < len(payload); cut += 1 + len(payload)/1000 { // every single one
			n := cut
			same(feeding{input: func() int { n = len(payload) - n; return n }, room: always(300), apart: cut%2 == 0}, "cut", cut)
		}
		for range 30 {
			same(feeding{input: func() int { return r.IntN(20) }, room: func() int { return 1 + r.IntN(100) }, apart: r.IntN(2) == 0}, "random")
		}
	}
}

// The room may be of any size, with each cut, and its end at each octet of a match.
func TestInflateSplitRoom(t *testing.T) {
	payload := new(bitWriter).fixed().lit("abcdefghijklm").match(10, 3).match(10, 20).lit("z").code(0b11000101, 8).code(0, 5).lit("0123456789abcdef").match(10, 9).end()
	history := []byte("0123456789")
	want, _, err := naiveInflate(payload, history, 1<<15)
	require.NoError(t, err)
	for room := 1; room <= len(want); room++ {
		for first := range len(payload) {
			n := first
			got, full, err := feeding{input: func() int { n = len(payload) - n; return n }, room: always(room)}.inflate(t, 15, history, payload, len(want))
			require.NoError(t, err)
			require.False(t, full)
			require.Equal(t, string(want), string(got))
			n = first
			got, full, err = feeding{input: func() int { n = len(payload) - n; return n }, room: always(room)}.inflate(t, 15, history, payload, room)
			require.NoError(t, err)
			require.Equal(t, room < len(want), full)
			require.Equal(t, string(want[:room]), string(got))
		}
	}
}

// The caller may take away what is farther back than any window.
func TestInflateTrimmed(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 5))
	m := append(jsonText(r, 60000), jsonText(r, 5)...)
	m = append(append(m, m[len(m)-maxTotal:][:300]...), bytes.Repeat([]byte("ab"), 40000)...)
	history := jsonText(r, 40000)
	for _, level := range []int{0, 1, 5, 9} {
		payload := deflated(t, level, m)
		for _, f := range []feeding{
			{input: always(len(payload)), room: always(1000), trim: true},
			{input: always(1000), room: always(maxTotal), trim: true, before: 5},
			{input: always(997), room: always(1 << 20), trim: true, apart: true},
		} {
			got, full, err := f.inflate(t, 15, history, payload, 1<<20)
			require.NoError(t, err)
			require.False(t, full)
			require.True(t, bytes.Equal(m, got))
		}
	}
}

// However the pieces are, a call makes the tables once at most, and where it need not, never.
func TestInflateWork(t *testing.T) {
	if raceEnabled {
		t.Skip("sync.Pool drops things")
	}
	for _, tt := range []struct {
		name    string
		payload []byte
		dynamic bool
	}{
		{"fixed", new(bitWriter).fixed().lit("abcdefgh").match(10, 5).end(), false},
		{"stored", octets(t, "00 05 00 fa ff 48 65 6c 6c 6f 00"), false},
		{"dynamic", comb(15).code(1<<15-1, 15).put(0, 3).b, true},
	} {
		dst := make([]byte, 0, 100)
		d := newDecompressor(15, nil)
		used := false
		for i := range tt.payload {
			r := run{decompressor: d, in: tt.payload[i : i+1], fin: i == len(tt.payload)-1, out: dst[:cap(dst)], low: len(dst) - d.total, end: len(dst)}
			r.blocks()
			used = used || r.tables != nil
			dst = r.out[:r.end]
			d.total, d.bits = len(dst), d.bits&(1<<d.n-1)
		}
		require.Equal(t, tt.dynamic, used, fmt.Sprint(tt.name))
		d.End(nil)
	}
}
