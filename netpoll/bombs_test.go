package netpoll

import (
	"bytes"
	"math/rand/v2"
)

// Bombs: messages that are short on the wire and long when they are decompressed. They are written bit by bit, so that each is as mean as RFC 1951 allows.

// A bomb is a message of exactly size octets in clear, in the pieces that become its fragments.
type bomb struct {
	name    string
	limit   int     // MaxMessage that it is tried on; the smaller, the sooner the test is done
	ratio   float64 // at least, of a bomb of limit octets
	before  string  // a message that has to go before it, for it refers to it: with context takeover
	pieces  func(size int) [][]byte
	content func(size int) []byte
}

const mebibyte = 1 << 20

func bombs() []bomb {
	noise := string(randomOctets(32 << 10))
	one := func(write func(w *deflater, size int)) func(int) [][]byte {
		return func(size int) [][]byte {
			w := new(deflater)
			write(w, size)
			return [][]byte{w.end()}
		}
	}
	mixed := func(ratio int) (pieces func(int) [][]byte, content func(int) []byte) {
		plain := func(size int) []byte { return randomOctets(size/ratio - size/1032) }
		pieces = one(func(w *deflater, size int) {
			p := plain(size)
			w.stored(p)
			w.zeros(size - len(p))
		})
		return pieces, func(size int) []byte { return append(plain(size), make([]byte, size-size/ratio+size/1032)...) }
	}
	zeros := func(size int) []byte { return make([]byte, size) }
	ten, tenContent := mixed(10)
	hundred, hundredContent := mixed(100)
	thousand, thousandContent := mixed(1000)
	return []bomb{
		{"ratio 10", mebibyte, 9.9, "", ten, tenContent},
		{"ratio 100", mebibyte, 98, "", hundred, hundredContent},
		{"ratio 1000", 16 * mebibyte, 995, "", thousand, thousandContent},
		{"ratio 1030", 1 + 258*66000, 1030, "", one((*deflater).zeros), zeros},
		{"a small limit", 1000, 13, "", one((*deflater).zeros), zeros},
		{"fragments of one octet", mebibyte, 900, "", func(size int) [][]byte {
			w := new(deflater)
			w.zeros(size)
			return cutUp(w.end(), 1)
		}, zeros},
		{"a bomb in each fragment", mebibyte, 700, "", func(size int) (pieces [][]byte) {
			for i := range 8 {
				w := new(deflater)
				w.zeros(size*(i+1)/8 - size*i/8)
				pieces = append(pieces, w.flush())
			}
			return append(pieces, new(deflater).end())
		}, zeros},
		{"a flush behind every octet", 64 << 10, 0.14, "", one(func(w *deflater, size int) {
			for range size {
				w.fixed(0)
				w.stored(nil)
			}
		}), zeros},
		{"blocks without compression", mebibyte, 0.99, "", func(size int) [][]byte {
			w := new(deflater)
			w.stored(randomOctets(size))
			return cutUp(w.end(), 100_000)
		}, randomOctets},
		{"message 2 repeats message 1", mebibyte, 130, noise, one(func(w *deflater, size int) {
			w.repeat(size, 32<<10, []byte(noise))
		}), func(size int) []byte { return bytes.Repeat([]byte(noise), size/len(noise)+1)[:size] }},
		{"message 2 begins with a match into message 1", mebibyte, 900, "\x00", one(func(w *deflater, size int) {
			w.repeat(size, 1, zeros(size%258))
		}), zeros},
	}
}

func cutUp(b []byte, n int) (pieces [][]byte) {
	for len(b) > 0 {
		m := min(n, len(b))
		pieces, b = append(pieces, b[:m]), b[m:]
	}
	return pieces
}

// randomOctets returns the first n of a sequence that is always the same.
func randomOctets(n int) []byte {
	b := make([]byte, n)
	rand.NewChaCha8([32]byte{22}).Read(b)
	return b
}

// A deflater writes DEFLATE (RFC 1951).
type deflater struct {
	b    []byte
	bits uint64
	n    uint
}

// put writes the low n bits of v, the lowest first.
func (w *deflater) put(v uint64, n uint) {
	w.bits |= v << w.n
	for w.n += n; w.n >= 8; w.n -= 8 {
		w.b = append(w.b, byte(w.bits))
		w.bits >>= 8
	}
}

func (w *deflater) align() {
	if w.n > 0 {
		w.put(0, 8-w.n)
	}
}

// stored writes p in blocks without compression (3.2.4), one at least.
func (w *deflater) stored(p []byte) {
	for first := true; first || len(p) > 0; first = false {
		n := min(len(p), 65535)
		w.put(0, 3)
		w.align()
		w.b = append(w.b, byte(n), byte(n>>8), ^byte(n), ^byte(n>>8))
		w.b = append(w.b, p[:n]...)
		p = p[n:]
	}
}

// fixed writes a block with fixed codes (3.2.6) of one octet, below 144.
func (w *deflater) fixed(c byte) {
	w.put(1<<1, 3)
	for i := 7; i >= 0; i-- { // codes have their first bit highest
		w.put(uint64(c+0x30)>>i&1, 1)
	}
	w.put(0, 7)
}

// flush ends what may go on, and returns it (RFC 7692, 7.2.1).
func (w *deflater) flush() []byte {
	w.stored(nil)
	return w.b
}

// end ends the message, and returns it.
func (w *deflater) end() []byte {
	w.put(0, 3)
	w.align()
	return w.b
}

// zeros writes n zeros, 0 < n, where nothing may be referred to.
func (w *deflater) zeros(n int) {
	w.begin(1)
	w.put(1, 2) // the literal 0
	for ; n > 258; n -= 258 {
		w.put(0, 2)
	}
	for ; n > 1; n-- {
		w.put(1, 2)
	}
	w.put(3, 2)
}

// forever writes n octets of zeros that do not end. Each stands for 1032 others: it is four matches of 258 octets, because their codes are 0, and those of the distances.
func (w *deflater) forever(n int) {
	w.begin(1)
	w.put(1, 2)
	w.align()
	w.b = append(w.b, make([]byte, n-len(w.b))...)
}

// repeat writes n octets as they were so far back, 1 or 32768. After matches of 258 the rest is as rest begins.
func (w *deflater) repeat(n, distance int, rest []byte) {
	w.begin(distance)
	at := 0
	for ; n-at >= 258; at += 258 {
		w.put(0, 2)
		if distance > 1 {
			w.put(8191, 13) // 24577 is the least of its code
		}
	}
	w.put(3, 2)
	if at < n && distance > 1 {
		at %= distance
		rest = append(rest[at:len(rest):len(rest)], rest...)
		w.stored(rest[:n%258])
	} else if at < n {
		w.stored(rest)
	}
}

// begin begins a block with codes of its own (3.2.7): one bit, 0, for a match of 258 octets, and as much for the distance, 1 or 32768; two bits for the
// literal 0 (1, as put takes it) and for the end (3). There is no better one.
func (w *deflater) begin(distance int) {
	code := uint64(0)
	if distance > 1 {
		code = 29
	}
	w.put(2<<1, 3)
	w.put(286-257, 5)
	w.put(code, 5)
	w.put(19-4, 4)
	for _, symbol := range []int{16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15} {
		length := uint64(0)
		if symbol <= 2 || symbol == 18 {
			length = 2
		}
		w.put(length, 3)
	}
	one := func() { w.put(2, 2) }
	two := func() { w.put(1, 2) }
	none := func(n uint64) { w.put(3|(n-11)<<2, 9) } // 11 to 138 symbols that there are not
	two()                                            // 0
	none(138)
	none(117)
	two() // 256
	none(28)
	one() // 285
	if code > 0 {
		none(code)
	}
	one()
}
