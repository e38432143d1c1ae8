package deflate

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"unsafe"

	"github.com/klauspost/compress/flate"
	"github.com/stretchr/testify/require"

	"github.com/idlewire/idlewire/conn"
	"github.com/idlewire/idlewire/frame"
)

var _ conn.Decompressor = (*decompressor)(nil)

// windowOf returns a window of 1<<bits octets that ends with history; nil if that is nil.
func windowOf(bits int, history []byte) *window {
	if history == nil {
		return nil
	}
	w := newWindow(bits)
	w.add(history)
	return w
}

// inflate decompresses a message in one call, in so much room.
func inflate(bits int, history, payload []byte, room int) (message []byte, full bool, err error) {
	d := newDecompressor(bits, windowOf(bits, history))
	message, _, full, err = d.Decompress(make([]byte, 0, room), payload, true)
	d.End(nil)
	return message, full, err
}

var inflateTests = []struct {
	name    string
	payload string
	message string
	bad     bool
}{
	{"7.2.3.1 a compressed block", "f2 48 cd c9 c9 07 00", "Hello", false},
	{"7.2.3.3 no compression", "00 05 00 fa ff 48 65 6c 6c 6f 00", "Hello", false},
	{"7.2.3.4 BFINAL", "f3 48 cd c9 c9 07 00 00", "Hello", false},
	{"7.2.3.5 two blocks", "f2 48 05 00 00 00 ff ff ca c9 c9 07 00", "Hello", false},
	{"7.2.3.6 an empty message", "00", "", false},
	{"7.2.1 an empty block with fixed codes before the last", "02 00", "", false},
	{"7.2.1 BFINAL twice", "f3 48 cd c9 c9 07 00 f3 48 cd c9 c9 07 00 00", "HelloHello", false},
	{"7.2.1 BFINAL without compression", "01 01 00 fe ff 48 00", "H", false},
	{"7.2.1 BFINAL at the end", "f3 48 cd c9 c9 07 00", "Hello", false},
	{"7.2.1 BFINAL without compression at the end", "01 01 00 fe ff 48", "H", false},
	{"7.2.1 BFINAL, and a block that refers to it", "f3 48 cd c9 c9 07 00 02 13 00 00", "HelloHello", false},
	{"7.2.2 the tail in a block without compression", "00 06 00 f9 ff 48 65", "He\x00\x00\xff\xff", false},
	{"7.2.2 the tail, behind a final block that takes it in", "01 06 00 f9 ff 48 65", "He\x00\x00\xff\xff", false},
	{"7.2.2 some of the tail in a final block", "01 05 00 fa ff 48 65", "", true},

	{"nothing", "", "", true},
	{"no empty block", "f2 48 cd c9 c9 07", "", true},
	{"in the middle of a block", "f2 48 cd c9", "", true},
	{"in the middle of a block without compression", "00 0a 00 f5 ff 48 65 6c 6c", "", true},
	{"in the length of a block without compression", "00 05", "", true},
	{"an octet too many", "f2 48 cd c9 c9 07 00 00", "", true},
	{"its own tail", "f2 48 cd c9 c9 07 00 00 00 ff ff", "", true},
	{"its own tail, and an empty block", "f2 48 cd c9 c9 07 00 00 00 ff ff 00", "Hello", false},
	{"garbage behind BFINAL", "f3 48 cd c9 c9 07 00 07", "", true},
	{"garbage behind BFINAL, again", "f3 48 cd c9 c9 07 00 de ad be ef", "", true},
	{"RFC 1951 3.2.3 block type 3", "06", "", true},
	{"RFC 1951 3.2.4 length and complement", "00 05 00 fa fe 48 65 6c 6c 6f 00", "", true},
	{"RFC 1951 3.2.7 head only", "04", "", true},
	{"zlib's header", "78 9c f3 48 cd c9 c9 07 00 05 8c 01 f5", "", true},
}

func TestInflate(t *testing.T) {
	for _, tt := range inflateTests {
		t.Run(tt.name, func(t *testing.T) {
			payload := octets(t, tt.payload)
			want, _, wantErr := naiveInflate(payload, nil, 1<<15)
			require.Equal(t, tt.bad, wantErr != nil, "the twin")
			d := newDecompressor(15, nil)
			got, rest, full, err := d.Decompress([]byte("before"), payload, true)
			for full {
				got, rest, full, err = d.Decompress(append(make([]byte, 0, len(got)+1), got...), rest, true)
			}
			if tt.bad {
				require.Equal(t, error(frame.ErrInvalidDeflate), err)
				for range 2 { // it stays
					got, _, full, err = d.Decompress([]byte("x"), octets(t, "f2 48 cd c9 c9 07 00"), true)
					require.Equal(t, "x", string(got))
					require.False(t, full)
					require.Equal(t, error(frame.ErrInvalidDeflate), err)
				}
				return
			}
			require.NoError(t, err)
			require.Empty(t, rest)
			require.Equal(t, "before"+tt.message, string(got))
			require.Equal(t, tt.message, string(want))
		})
	}
}

// comb begins a block that has codes 0, 10, 110 and so on, up to so many bits; the last of them ends it.
func comb(longest int) *bitWriter {
	w := lengths(257, 1, 0, 0, 0, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4) // a length is a code of 4 bits
	for i := range 256 {
		if i < longest {
			w.code(i+1, 4)
		} else {
			w.code(0, 4)
		}
	}
	return w.code(longest, 4).code(1, 4)
}

// What is written by hand: things that no compressor does.
var byHand = []struct {
	name    string
	payload []byte
	message string
	bad     bool
}{
	{"a match that overlaps itself", new(bitWriter).fixed().lit("ab").match(7, 2).match(3, 1).end(), "ababababaaaa"[:9] + "aaa", false},
	{"the shortest and the longest of few bits", new(bitWriter).fixed().lit("abcdefghijklm").match(10, 13).match(3, 5).end(), "abcdefghijklmabcdefghijfgh", false},
	{"3.2.5 length 258 both ways", new(bitWriter).fixed().lit("a").code(0b11000101, 8).code(0, 5).code(0b11000100, 8).put(31, 5).code(0, 5).end(),
		strings.Repeat("a", 1+258+258), false},
	{"3.2.5 length 258 of each short distance", new(bitWriter).fixed().lit("abcdefghi").code(0b11000101, 8).code(0, 5).code(0b11000101, 8).code(1, 5).
		lit("xyz").code(0b11000101, 8).code(2, 5).lit("1234").code(0b11000101, 8).code(3, 5).lit("12345").code(0b11000101, 8).code(4, 5).put(0, 1).
		lit("123456").code(0b11000101, 8).code(4, 5).put(1, 1).lit("1234567").code(0b11000101, 8).code(5, 5).put(0, 1).lit("12345678").code(0b11000101, 8).code(5, 5).put(1, 1).end(),
		"abcdefghi" + strings.Repeat("i", 516) + repeated("xyz", 258) + repeated("1234", 258) + repeated("12345", 258) + repeated("123456", 258) +
			repeated("1234567", 258) + repeated("12345678", 258), false},
	{"3.2.6 literal 255", new(bitWriter).fixed().code(0x1ff, 9).end(), "\xff", false},
	{"before the beginning", new(bitWriter).fixed().lit("ab").match(3, 3).end(), "", true},
	{"before anything", new(bitWriter).fixed().match(3, 1).end(), "", true},
	{"3.2.6 length symbol 286", new(bitWriter).fixed().lit("a").code(0b11000110, 8).code(0, 5).end(), "", true},
	{"3.2.6 length symbol 287", new(bitWriter).fixed().lit("a").code(0b11000111, 8).code(0, 5).end(), "", true},
	{"3.2.6 distance symbol 30", new(bitWriter).fixed().lit("a").code(1, 7).code(30, 5).end(), "", true},
	{"3.2.6 distance symbol 31", new(bitWriter).fixed().lit("a").code(1, 7).code(31, 5).end(), "", true},
	{"3.2.7 287 lengths", lengths(287, 1, oneAndZeros...).zeros(138).zeros(118).code(0, 1).zeros(30).code(0, 1).code(0, 1).put(0, 3).b, "", true},
	{"3.2.7 31 distances", lengths(257, 31, oneAndZeros...).zeros(138).zeros(118).code(0, 1).code(0, 1).zeros(30).code(0, 1).put(0, 3).b, "", true},
	{"3.2.7 286 lengths, 30 distances", lengths(286, 30, oneAndZeros...).zeros(138).zeros(118).code(0, 1).zeros(29).code(0, 1).zeros(29).code(0, 1).put(0, 3).b, "", false},
	{"3.2.7 no code for lengths", lengths(257, 1, 0, 0, 0, 0).put(0, 100).b, "", true},
	{"3.2.7 too many codes for lengths", lengths(257, 1, 1, 1, 1, 0).put(0, 100).b, "", true},
	{"3.2.7 too few codes for lengths", lengths(257, 1, 2, 2, 0, 0).put(0, 100).b, "", true},
	{"3.2.7 a repetition of nothing", lengths(257, 1, 1, 1, 0, 0).put(0, 100).b, "", true},
	// The codes 0, 10 and 11 are of 18, 1 and 16; were the repetition three zeros, all would be well.
	{"3.2.7 a repetition of nothing, and a whole block", lengths(257, 1, 2, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2).
		code(3, 2).put(0, 2).code(0, 1).put(127, 7).code(0, 1).put(104, 7).code(2, 2).code(2, 2).code(0, 1).put(0, 3).b, "", true},
	{"3.2.7 a block without literals", lengths(257, 1, oneAndZeros...).zeros(138).zeros(118).code(0, 3).put(0, 3).b, "", false},
	{"3.2.7 no end of block", lengths(257, 1, oneAndZeros...).code(0, 2).zeros(138).zeros(117).code(0, 1).put(0, 100).b, "", true},
	{"3.2.7 more lengths than there are", lengths(257, 1, oneAndZeros...).zeros(138).zeros(138).put(0, 100).b, "", true},
	{"3.2.7 one length more than there are", lengths(257, 1, oneAndZeros...).zeros(138).zeros(118).code(0, 1).zeros(11).put(0, 100).b, "", true},
	// 256 and 257 have a bit each, and there is one distance, or none.
	{"3.2.7 one distance, and the other bit", lengths(258, 1, oneAndZeros...).zeros(138).zeros(118).code(0, 3).code(1, 1).code(1, 1).code(0, 1).put(0, 3).b, "", true},
	{"3.2.7 no distance", lengths(258, 12, oneAndZeros...).zeros(138).zeros(118).code(0, 2).zeros(12).code(0, 1).put(0, 3).b, "", false},
	{"3.2.7 no distance, and a length", lengths(258, 12, oneAndZeros...).zeros(138).zeros(118).code(0, 2).zeros(12).code(1, 1).put(0, 100).b, "", true},
	// Codes of 1 to 15 bits, or to 14, whose last is the end of the block: the tail has 16 ones, and what is left is no head of another block.
	{"3.2.3 a bit", comb(15).b, "", true},
	{"3.2.3 two bits", comb(14).b, "", true},
	{"3.2.7 codes of 15 bits", comb(15).code(1<<14-2, 14).code(1<<15-2, 15).code(0, 1).code(1<<15-1, 15).put(0, 3).b, "\x0d\x0e\x00", false},
	// The tail is many lengths of 1, six repetitions of them, and no bits for how many the sixth is.
	{"3.2.7 no number", lengths(286, 30, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1).b, "", true},
	{"blocks of each kind behind final ones", new(bitWriter).stored(1, "abc").fixed().match(3, 3).code(0, 7).stored(0, "").final().lit("d").end(), "abcabcd", false},
	{"1000 empty blocks without compression", append(bytes.Repeat([]byte("\x00\x00\x00\xff\xff"), 1000), 0), "", false},
	{"1000 empty final blocks without compression", bytes.Repeat([]byte("\x01\x00\x00\xff\xff"), 1000), "", false},
	{"1000 empty blocks with fixed codes", func() []byte {
		w := new(bitWriter)
		for range 1000 {
			w.fixed().code(0, 7)
		}
		return w.put(0, 3).b
	}(), "", false},
}

func repeated(s string, more int) string { return strings.Repeat(s, 300)[:len(s)+more] }

func TestInflateByHand(t *testing.T) {
	for _, tt := range byHand {
		t.Run(tt.name, func(t *testing.T) {
			want, _, wantErr := naiveInflate(tt.payload, nil, 1<<15)
			require.Equal(t, tt.bad, wantErr != nil, "the twin: %v", wantErr)
			for _, room := range []int{len(tt.message), 1 << 10, 1 << 20} { // with less room and more
				got, full, err := inflate(15, nil, tt.payload, room)
				if tt.bad {
					if room > len(tt.message) {
						require.Error(t, err)
					}
					continue
				}
				if room < len(tt.message) {
					require.True(t, full)
					continue
				}
				require.NoError(t, err)
				require.False(t, full)
				require.Equal(t, tt.message, string(got))
				require.Equal(t, tt.message, string(want))
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
						got, full, err := inflate(bits, history, payload, 2000)
						want, _, wantErr := naiveInflate(payload, history[max(0, len(history)-window):], window)
						require.False(t, full)
						if distance > window || distance > min(before, window)+inside {
							require.Equal(t, error(frame.ErrInvalidDeflate), err, "%d bits, %d and %d octets, distance %d", bits, before, inside, distance)
							require.Error(t, wantErr)
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

// Without context takeover there is nothing before the message (7.1.1), whatever dst begins with.
func TestInflateNoTakeover(t *testing.T) {
	for _, payload := range [][]byte{
		octets(t, "f2 00 11 00 00"), // 7.2.3.2: it refers to a Hello
		new(bitWriter).fixed().match(3, 1).lit(strings.Repeat("z", 40)).end(),
		new(bitWriter).fixed().lit("z").match(3, 2).lit(strings.Repeat("z", 40)).end(),
	} {
		d := newDecompressor(15, nil)
		_, _, _, err := d.Decompress(append(make([]byte, 0, 100), "Hello"...), payload, true)
		require.Equal(t, error(frame.ErrInvalidDeflate), err)
		d.End(nil)
	}
}

// Messages refer to those before, to all of them that the window holds; one that is longer than the window, too.
func TestInflateTakeover(t *testing.T) {
	w := newWindow(15)
	for _, tt := range []struct{ payload, message string }{
		{"f2 48 cd c9 c9 07 00", "Hello"},
		{"f2 00 11 00 00", "Hello"}, // 7.2.3.2
		{"00", ""},
		{"f2 00 11 00 00", "Hello"},
	} {
		d := newDecompressor(15, w)
		got, _, _, err := d.Decompress(append(make([]byte, 0, 20), "before"...), octets(t, tt.payload), true)
		require.NoError(t, err)
		require.Equal(t, "before"+tt.message, string(got))
		d.End(got)
	}
	require.Equal(t, "HelloHelloHello", string(w.bytes()))

	r := rand.New(rand.NewPCG(8, 8))
	for bits := 8; bits <= 15; bits++ {
		var b bytes.Buffer
		fw, err := flate.NewWriterWindow(&b, min(1<<bits, flate.MaxCustomWindowSize))
		require.NoError(t, err)
		w, all := newWindow(bits), []byte(nil)
		for _, n := range []int{100, 10, 0, 3000, 1, 1<<bits - 1, 1 << bits, 1<<bits + 1, 90000, 70, 700} {
			m := jsonText(r, n+1)[1:]
			b.Reset()
			_, err = fw.Write(m)
			require.NoError(t, err)
			require.NoError(t, fw.Flush())
			d := newDecompressor(bits, w)
			var dst []byte
			rest, full := bytes.TrimSuffix(b.Bytes(), []byte(tail)), true
			var message []byte
			for full {
				if len(dst) > maxTotal { // what the caller may do
					message = append(message, dst[:len(dst)-maxTotal]...)
					dst = append(make([]byte, 0, maxTotal+10000), dst[len(dst)-maxTotal:]...)
				} else {
					dst = append(make([]byte, 0, len(dst)+5000), dst...)
				}
				dst, rest, full, err = d.Decompress(dst, rest, true)
				require.NoError(t, err)
			}
			message = append(message, dst...)
			require.True(t, bytes.Equal(m, message))
			d.End(dst)
			all = append(all, m...)
			require.True(t, bytes.Equal(all[max(0, len(all)-1<<bits):], w.bytes()))
		}
	}
}

// What is given up leaves nothing behind; nor does what has failed.
func TestInflateGivenUp(t *testing.T) {
	w := windowOf(15, []byte("before"))
	d := newDecompressor(15, w)
	_, _, _, err := d.Decompress(make([]byte, 0, 10), octets(t, "f2 48 cd"), false)
	require.NoError(t, err)
	d.End(nil)
	d = newDecompressor(15, w)
	b, _, _, err := d.Decompress(make([]byte, 0, 10), octets(t, "f2 48 cd c9 c9 07 00"), false)
	require.NoError(t, err)
	require.Equal(t, "Hello", string(b))
	b, _, _, err = d.Decompress(b, octets(t, "06"), true)
	require.Error(t, err)
	d.End(b)
	require.Equal(t, "before", string(w.bytes()))
}

// Room that is as long as the message is not full, and less is.
func TestInflateRoom(t *testing.T) {
	for i, payload := range [][]byte{
		octets(t, "f2 48 cd c9 c9 07 00"),
		octets(t, "00 05 00 fa ff 48 65 6c 6c 6f 00"),
		octets(t, "00 05 00 fa ff 48 65 6c 6c 6f 02 00 00 00 ff ff 00"), // much that is nothing
		new(bitWriter).fixed().lit("ab").match(9, 2).lit(strings.Repeat("c", 300)).match(10, 300).end(),
		new(bitWriter).fixed().lit("ab").match(3, 1).match(3, 2).lit("cdefgh").match(3, 7).match(4, 6).match(10, 3).lit(strings.Repeat("z", 50)).end(),
		deflated(t, flate.BestCompression, jsonText(rand.New(rand.NewPCG(1, 1)), 2000)),
		octets(t, "00 06 00 f9 ff 48 65"), // some of the tail
		// With nothing behind it.
		octets(t, "01 05 00 fa ff 48 65 6c 6c 6f"),
		new(bitWriter).final().lit("abcde").code(0, 7).b,
		new(bitWriter).final().lit("abcde").match(10, 5).code(0, 7).b,
	} {
		whole, full, err := inflate(15, nil, payload, 1<<20)
		require.NoError(t, err)
		require.False(t, full)
		for room := range len(whole) + 300 {
			got, full, err := inflate(15, nil, payload, room)
			require.NoError(t, err)
			require.Equal(t, room < len(whole), full, "%d: %d", i, room)
			require.Equal(t, string(whole[:min(room, len(whole))]), string(got))
		}
	}
}

// What comes is given at once: nothing that could be told waits for more input.
func TestInflateAtOnce(t *testing.T) {
	d := newDecompressor(15, nil)
	var got []byte
	for i, b := range octets(t, "f2 48 cd c9 c9 07 00") {
		var err error
		got, _, _, err = d.Decompress(append(make([]byte, 0, 20), got...), []byte{b}, false)
		require.NoError(t, err)
		require.Equal(t, "Hello"[:max(0, min(i, 5))], string(got), "fixed codes of 8 bits, behind 3 bits")
	}
	d.End(nil)
}

// A block that could never end is refused at its head (RFC 1951, 3.2.7), and not when the input is at its end.
func TestInflateNoEnd(t *testing.T) {
	d := newDecompressor(15, nil)
	_, _, _, err := d.Decompress(nil, lengths(257, 1, oneAndZeros...).code(0, 2).zeros(138).zeros(117).code(0, 1).b, false)
	require.Equal(t, error(frame.ErrInvalidDeflate), err)
	d.End(nil)
}

// Idle in a message there is this, and nothing else; and what is held of the input is less than a word.
func TestInflateSize(t *testing.T) {
	d := newDecompressor(8, nil)
	require.Equal(t, int(unsafe.Sizeof(decompressor{})), d.Size())
	require.LessOrEqual(t, d.Size(), 416) // a size class
	d.End(nil)
	payload := deflated(t, flate.BestCompression, jsonText(rand.New(rand.NewPCG(1, 1)), 2000))
	for cut := range payload {
		d := newDecompressor(15, nil)
		_, rest, full, err := d.Decompress(make([]byte, 0, 3000), payload[:cut], false)
		require.NoError(t, err)
		require.False(t, full)
		require.Empty(t, rest)
		require.Less(t, d.n, uint(48))
		require.Zero(t, d.bits>>d.n)
		d.End(nil)
	}
}

func TestInflateAllocates(t *testing.T) {
	if raceEnabled {
		t.Skip("sync.Pool drops things")
	}
	w := newWindow(9)
	w.add(make([]byte, 512))
	m := jsonText(rand.New(rand.NewPCG(1, 1)), 5000)
	payload := deflated(t, flate.DefaultCompression, m)
	dst := make([]byte, 0, 5000)
	for _, w := range []*window{nil, w} {
		require.Zero(t, testing.AllocsPerRun(200, func() {
			d := newDecompressor(15, w)
			b, _, _, err := d.Decompress(dst, payload[:200], false)
			if err == nil {
				b, _, _, err = d.Decompress(b, payload[200:], true)
			}
			if err != nil || len(b) != len(m) {
				t.Fatal(err)
			}
			d.End(b)
		}), fmt.Sprint(w != nil))
	}
}
