package deflate

import (
	"bytes"
	stdflate "compress/flate"
	"errors"
	"io"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/klauspost/compress/flate"
	"github.com/stretchr/testify/require"

	"github.com/idlewire/idlewire/autobahn/internal/corpus"
)

// newInflater has the window of so many bits, and history behind it.
func newInflater(bits int, history []byte) *inflater {
	z := &inflater{direction: direction{window(bits), true}}
	z.history.add(history, z.window)
	return z
}

var inflateTests = []struct {
	name    string
	payload string
	message string
	err     error
}{
	{"7.2.3.1 a compressed block", "f2 48 cd c9 c9 07 00", "Hello", nil},
	{"7.2.3.3 no compression", "00 05 00 fa ff 48 65 6c 6c 6f 00", "Hello", nil},
	{"7.2.3.4 BFINAL", "f3 48 cd c9 c9 07 00 00", "Hello", nil},
	{"7.2.3.5 two blocks", "f2 48 05 00 00 00 ff ff ca c9 c9 07 00", "Hello", nil},
	{"7.2.3.6 an empty message", "00", "", nil},
	{"7.2.1 an empty block with fixed codes before the last", "02 00", "", nil},
	{"7.2.1 BFINAL twice", "f3 48 cd c9 c9 07 00 f3 48 cd c9 c9 07 00 00", "HelloHello", nil},
	{"7.2.1 BFINAL without compression", "01 01 00 fe ff 48 00", "H", nil},
	{"7.2.1 BFINAL at the end", "f3 48 cd c9 c9 07 00", "Hello", nil},
	{"7.2.2 the tail in a block without compression", "00 06 00 f9 ff 48 65", "He\x00\x00\xff\xff", nil},

	{"nothing", "", "", ErrTruncated},
	{"no empty block", "f2 48 cd c9 c9 07", "", ErrTruncated},
	{"in the middle of a block", "f2 48 cd c9", "", ErrTruncated},
	{"in the middle of a block without compression", "00 0a 00 f5 ff 48 65 6c 6c", "", ErrTruncated},
	{"in the length of a block without compression", "00 05", "", ErrCorrupt},
	{"an octet too many", "f2 48 cd c9 c9 07 00 00", "", ErrCorrupt},
	{"its own tail", "f2 48 cd c9 c9 07 00 00 00 ff ff", "", ErrTruncated},
	{"garbage behind BFINAL", "f3 48 cd c9 c9 07 00 07", "", ErrCorrupt},
	{"garbage behind BFINAL, again", "f3 48 cd c9 c9 07 00 de ad be ef", "", ErrCorrupt},
	{"RFC 1951 3.2.3 block type 3", "06", "", ErrCorrupt},
	{"RFC 1951 3.2.4 length and complement", "00 05 00 fa fe 48 65 6c 6c 6f 00", "", ErrCorrupt},
	{"RFC 1951 3.2.7 head only", "04", "", ErrCorrupt},
	{"zlib's header", "78 9c f3 48 cd c9 c9 07 00 05 8c 01 f5", "", ErrCorrupt},
}

func TestInflate(t *testing.T) {
	for _, tt := range inflateTests {
		t.Run(tt.name, func(t *testing.T) {
			payload := octets(t, tt.payload)
			want, _, wantErr := naiveInflate(payload, nil, 1<<15)
			require.Equal(t, tt.err == nil, wantErr == nil, "the twin")
			got, err := newInflater(15, nil).inflate([]byte("before"), payload, 1000)
			if tt.err != nil {
				require.Equal(t, tt.err, err)
				require.Equal(t, "before", string(got))
				return
			}
			require.NoError(t, err)
			require.Equal(t, "before"+tt.message, string(got))
			require.Equal(t, tt.message, string(want))
		})
	}
}

// What is written by hand: things that no compressor does.
func TestInflateByHand(t *testing.T) {
	fixed := func() *bitWriter { return new(bitWriter).fixed() }
	// lengths begins a block with codes of its own: 14 bits of how many there are, and so many of their lengths' lengths, in their order.
	lengths := func(lits, dists int, lens ...int) *bitWriter {
		w := new(bitWriter).put(0, 1).put(2, 2).put(lits-257, 5).put(dists-1, 5).put(len(lens)-4, 4)
		for _, n := range lens {
			w.put(n, 3)
		}
		return w
	}
	// comb begins a block that has codes 0, 10, 110 and so on, up to so many bits; the last of them ends it.
	comb := func(longest int) []byte {
		w := lengths(257, 1, 0, 0, 0, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4) // a length is a code of 4 bits
		for i := range 256 {
			if i < longest {
				w.code(i+1, 4)
			} else {
				w.code(0, 4)
			}
		}
		return w.code(longest, 4).code(1, 4).b
	}
	oneAndZeros := []int{0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1}
	for _, tt := range []struct {
		name    string
		payload []byte
		message string
		err     error
	}{
		{"a match that overlaps itself", fixed().lit("ab").match(7, 2).match(3, 1).end(), "ababababaaaa"[:9] + "aaa", nil},
		{"the shortest and the longest of few bits", fixed().lit("abcdefghijklm").match(10, 13).match(3, 5).end(), "abcdefghijklmabcdefghijfgh", nil},
		{"3.2.5 length 258 both ways", fixed().lit("a").code(0b11000101, 8).code(0, 5).code(0b11000100, 8).put(31, 5).code(0, 5).end(), strings.Repeat("a", 1+258+258), nil},
		{"3.2.6 literal 255", fixed().code(0x1ff, 9).end(), "\xff", nil},
		{"before the beginning", fixed().lit("ab").match(3, 3).end(), "", ErrDistance},
		{"before anything", fixed().match(3, 1).end(), "", ErrDistance},
		{"3.2.6 length symbol 286", fixed().lit("a").code(0b11000110, 8).code(0, 5).end(), "", ErrCorrupt},
		{"3.2.6 length symbol 287", fixed().lit("a").code(0b11000111, 8).code(0, 5).end(), "", ErrCorrupt},
		{"3.2.6 distance symbol 30", fixed().lit("a").code(1, 7).code(30, 5).end(), "", ErrCorrupt},
		{"3.2.6 distance symbol 31", fixed().lit("a").code(1, 7).code(31, 5).end(), "", ErrCorrupt},
		// The codes of the lengths 1 and 18 (zeros, 11 to 138 of them) have a bit each.
		{"3.2.7 287 lengths", lengths(287, 1, oneAndZeros...).zeros(138).zeros(118).code(0, 1).zeros(30).code(0, 1).code(0, 1).put(0, 3).b, "", ErrCorrupt},
		{"3.2.7 31 distances", lengths(257, 31, oneAndZeros...).zeros(138).zeros(118).code(0, 1).code(0, 1).zeros(30).code(0, 1).put(0, 3).b, "", ErrCorrupt},
		{"3.2.7 286 lengths, 30 distances", lengths(286, 30, oneAndZeros...).zeros(138).zeros(118).code(0, 1).zeros(29).code(0, 1).zeros(29).code(0, 1).put(0, 3).b, "", nil},
		{"3.2.7 no code for lengths", lengths(257, 1, 0, 0, 0, 0).put(0, 100).b, "", ErrCorrupt},
		{"3.2.7 too many codes for lengths", lengths(257, 1, 1, 1, 1, 0).put(0, 100).b, "", ErrCorrupt},
		{"3.2.7 too few codes for lengths", lengths(257, 1, 2, 2, 0, 0).put(0, 100).b, "", ErrCorrupt},
		{"3.2.7 a repetition of nothing", lengths(257, 1, 1, 1, 0, 0).put(0, 100).b, "", ErrCorrupt},
		{"3.2.7 a block without literals", lengths(257, 1, oneAndZeros...).zeros(138).zeros(118).code(0, 3).put(0, 3).b, "", nil},
		{"3.2.7 no end of block", lengths(257, 1, oneAndZeros...).code(0, 2).zeros(138).zeros(117).code(0, 1).put(0, 100).b, "", ErrCorrupt},
		{"3.2.7 more lengths than there are", lengths(257, 1, oneAndZeros...).zeros(138).zeros(138).put(0, 100).b, "", ErrCorrupt},
		// 256 and 257 have a bit each, and there is one distance, or none.
		{"3.2.7 one distance", lengths(258, 1, oneAndZeros...).zeros(138).zeros(118).code(0, 3).code(1, 1).code(0, 1).code(0, 1).put(0, 3).b, "ttt", nil},
		{"3.2.7 one distance, and the other bit", lengths(258, 1, oneAndZeros...).zeros(138).zeros(118).code(0, 3).code(1, 1).code(1, 1).code(0, 1).put(0, 3).b, "", ErrCorrupt},
		{"3.2.7 no distance", lengths(258, 12, oneAndZeros...).zeros(138).zeros(118).code(0, 2).zeros(12).code(0, 1).put(0, 3).b, "", nil},
		{"3.2.7 no distance, and a length", lengths(258, 12, oneAndZeros...).zeros(138).zeros(118).code(0, 2).zeros(12).code(1, 1).put(0, 100).b, "", ErrCorrupt},
		// Codes of 1 to 15 bits, or to 14, whose last is the end of the block: the tail has 16 ones, and what is left is no head of another block.
		{"3.2.3 a bit", comb(15), "", ErrTruncated},
		{"3.2.3 two bits", comb(14), "", ErrTruncated},
		// The tail is many lengths of 1, six repetitions of them, and no bits for how many the sixth is.
		{"3.2.7 no number", lengths(286, 30, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1).b, "", ErrTruncated},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var history []byte
			if tt.message == "ttt" {
				history = []byte("t")
			}
			_, _, wantErr := naiveInflate(tt.payload, history, 1<<15)
			require.Equal(t, tt.err == nil, wantErr == nil, "the twin: %v", wantErr)
			for _, limit := range []int{len(tt.message), 1 << 10, 1 << 20} { // with less room and more
				got, err := newInflater(15, history).inflate(nil, tt.payload, limit)
				if tt.err != nil {
					require.Error(t, err)
					if limit > len(tt.message) {
						require.Equal(t, tt.err, err)
						_, err = newInflater(15, history).inflate(nil, append(bytes.Clone(tt.payload), make([]byte, 40)...), limit)
						require.True(t, err == tt.err || tt.err == ErrTruncated, "with more behind it: %v", err)
					}
					continue
				}
				require.NoError(t, err)
				require.Equal(t, tt.message, string(got))
			}
		})
	}
}

// A distance may be as long as the window and what there is, and no longer, in the message as in the ones before it.
func TestInflateWindow(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	text := make([]byte, 1<<15+300)
	for i := range text {
		text[i] = byte('a' + random.IntN(26))
	}
	for bits := 8; bits <= 15; bits++ {
		if raceEnabled && bits > 8 && bits < 15 {
			continue
		}
		window := 1 << bits
		for _, before := range []int{0, 1, 9, window - 9, window - 1, window, window + 1, window + 299} {
			for _, inside := range []int{0, 3, 250, 1000} { // of the message, before the match; behind it comes much, or little
				before = min(before, len(text)-inside)
				history, start := text[:before], string(text[before:before+inside])
				for _, distance := range []int{1, 7, 8, inside, inside + 2, inside + 9, window - 1, window, window + 1, before + inside, before + inside + 1} {
					if distance < 1 || distance > 1<<15 {
						continue
					}
					for _, behind := range []string{"", strings.Repeat("z", 40)} {
						payload := new(bitWriter).fixed().lit(start).match(10, distance).lit(behind).end()
						got, err := newInflater(bits, history).inflate(nil, payload, 1<<20)
						want, _, wantErr := naiveInflate(payload, history[max(0, len(history)-window):], window)
						if distance > window || distance > min(before, window)+inside {
							require.Equal(t, ErrDistance, err, "%d bits, %d and %d octets, distance %d", bits, before, inside, distance)
							require.Equal(t, ErrDistance, wantErr)
							continue
						}
						require.NoError(t, err, "%d bits, %d and %d octets, distance %d", bits, before, inside, distance)
						require.NoError(t, wantErr)
						require.Equal(t, string(want), string(got))
					}
				}
			}
		}
	}
}

// A message gives its octets if they are no more than the limit, and never more than that.
func TestInflateLimit(t *testing.T) {
	for _, payload := range [][]byte{
		octets(t, "f2 48 cd c9 c9 07 00"),
		octets(t, "00 05 00 fa ff 48 65 6c 6c 6f 00"),
		new(bitWriter).fixed().lit("ab").match(9, 2).lit(strings.Repeat("c", 300)).match(10, 300).end(),
		compressed(t, flate.BestCompression, corpus.Get("html", 1).Message(nil, 0, 2000)),
		// With nothing behind it.
		octets(t, "01 05 00 fa ff 48 65 6c 6c 6f"),
		new(bitWriter).put(1, 1).put(1, 2).lit("abcde").code(0, 7).b,
		new(bitWriter).put(1, 1).put(1, 2).lit("abcde").match(10, 5).code(0, 7).b,
	} {
		whole, err := newInflater(15, nil).inflate(nil, payload, 1<<20)
		require.NoError(t, err)
		for limit := range len(whole) + 300 {
			got, err := newInflater(15, nil).inflate(nil, payload, limit)
			if limit < len(whole) {
				require.Equal(t, ErrTooLong, err, limit)
				require.Empty(t, got)
				continue
			}
			require.NoError(t, err, limit)
			require.Equal(t, whole, got)
		}
	}
}

// Whatever is cut off, an inflater says the same as its twin.
func TestInflateCut(t *testing.T) {
	for i, payload := range [][]byte{
		new(bitWriter).fixed().lit("abcdefgh").match(10, 5).match(3, 1).lit("z").match(9, 8).end(),
		compressed(t, flate.DefaultCompression, corpus.Get("html", 1).Message(nil, 40, 300)),
		compressed(t, flate.BestCompression, corpus.Get("prose", 1).Message(nil, 9, 500)),
		compressed(t, flate.HuffmanOnly, corpus.Get("json", 1).Message(nil, 9, 400)),
		compressed(t, flate.NoCompression, corpus.Get("json", 1).Message(nil, 9, 30)),
	} {
		for end := range payload {
			_, _, want := naiveInflate(payload[:end], nil, 1<<15)
			_, err := newInflater(15, nil).inflate(nil, payload[:end], 1<<20)
			require.Equal(t, want, err, "%d: %d of %d octets", i, end, len(payload))
			// And with something else behind it.
			for _, last := range []byte{0, 1, 0x55, 0xff} {
				b := append(bytes.Clone(payload[:end]), last)
				message, _, want := naiveInflate(b, nil, 1<<15)
				got, err := newInflater(15, nil).inflate(nil, b, 1<<20)
				require.Equal(t, want == nil, err == nil, "%d: %d of %d octets, and %x: %v, %v", i, end, len(payload), last, want, err)
				if err == nil {
					require.Equal(t, string(message), string(got))
				}
			}
		}
	}
}

// A bomb costs what the limit allows, and a great limit costs nothing.
func TestInflateMemory(t *testing.T) {
	bomb := compressed(t, flate.BestSpeed, make([]byte, 4<<20))
	require.Less(t, len(bomb), 32<<10)
	z := newInflater(15, nil)
	_, err := z.inflate(nil, bomb, 1<<20)
	require.Equal(t, ErrTooLong, err)
	z = newInflater(15, nil)
	z.in, z.limit = bomb, 1<<20
	require.Equal(t, ErrTooLong, z.blocks())
	require.LessOrEqual(t, z.end, 1<<20)
	require.Less(t, cap(z.out), 3<<20)

	b, err := newInflater(15, nil).inflate(nil, octets(t, "f2 48 cd c9 c9 07 00"), int(^uint(0)>>1))
	require.NoError(t, err)
	require.Less(t, cap(b), 1<<10)
}

func TestInflateErrorStays(t *testing.T) {
	c := New(Params{}, true)
	_, err := c.Decompress(nil, octets(t, "06"), 100)
	require.Equal(t, ErrCorrupt, err)
	got, err := c.Decompress([]byte("x"), octets(t, "f2 48 cd c9 c9 07 00"), 100)
	require.Equal(t, ErrCorrupt, err)
	require.Equal(t, "x", string(got))
	var e *Error
	require.True(t, errors.As(err, &e))
	require.EqualValues(t, 1007, e.Code)
	require.EqualValues(t, 1009, ErrTooLong.Code)
}

func compressed(t testing.TB, level int, message []byte) []byte {
	var b bytes.Buffer
	w, err := flate.NewWriter(&b, level)
	require.NoError(t, err)
	_, err = w.Write(message)
	require.NoError(t, err)
	require.NoError(t, w.Flush())
	return bytes.TrimSuffix(b.Bytes(), []byte(tail))
}

// Other compressors and decompressors, at every level.
func TestInflateOthers(t *testing.T) {
	for _, name := range []string{"json", "bitmap", "prose", "html", "pdf"} {
		for level := stdflate.HuffmanOnly; level <= stdflate.BestCompression; level++ {
			if raceEnabled && level%3 != 0 {
				continue
			}
			var std, klauspost bytes.Buffer
			w, err := stdflate.NewWriter(&std, level)
			require.NoError(t, err)
			k, err := flate.NewWriter(&klauspost, level)
			require.NoError(t, err)
			a, b := newInflater(15, nil), newInflater(15, nil)
			var whole []byte
			for i, n := range []int{16, 0, 1, 300, 5000, 40000, 3} {
				message := corpus.Get(name, 1).Message(nil, i, n)
				whole = append(whole, message...)
				for _, other := range []struct {
					w interface {
						io.Writer
						Flush() error
					}
					b *bytes.Buffer
					z *inflater
				}{{w, &std, a}, {k, &klauspost, b}} {
					other.b.Reset()
					_, err = other.w.Write(message)
					require.NoError(t, err)
					require.NoError(t, other.w.Flush())
					got, err := other.z.inflate(nil, bytes.TrimSuffix(other.b.Bytes(), []byte(tail)), n)
					require.NoError(t, err)
					require.True(t, bytes.Equal(message, got), "%s, level %d, %d octets", name, level, n)
				}
			}
			require.NotEmpty(t, whole)
		}
	}
}
