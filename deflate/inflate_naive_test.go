package deflate

type naiveError string

func (e naiveError) Error() string { return string(e) }

const (
	errNaive     naiveError = "no DEFLATE, or outside of the window"
	errNaiveLong naiveError = "too long for the twin"
)

// naiveInflate is the naive twin of a decompressor: bit for bit by RFC 1951, and as slow as that is. History is what went before the message. It also returns
// the farthest distance that it met.
func naiveInflate(payload, history []byte, window int) (message []byte, farthest int, err error) {
	n := naive{in: append(append([]byte{}, payload...), tail...), out: append([]byte{}, history...), window: window}
	defer func() {
		if e := recover(); e != nil {
			err = e.(naiveError) // anything else is a fault of this file
		}
		message, farthest = n.out[len(history):], n.farthest
	}()
	for n.at < 8*len(n.in) {
		if n.block(len(history) + naiveLimit) {
			n.at = (n.at + 7) / 8 * 8
			if n.at == 8*len(payload) {
				break
			}
		}
	}
	return
}

// naiveLimit keeps the fuzzer from waiting for bombs.
const naiveLimit = 1 << 18

type naive struct {
	in       []byte
	at       int // bits
	out      []byte
	window   int
	farthest int
}

func (n *naive) bits(count int) int {
	v := 0
	for i := range count {
		if n.at/8 == len(n.in) {
			panic(errNaive)
		}
		v |= int(n.in[n.at/8]>>(n.at%8)&1) << i
		n.at++
	}
	return v
}

// A code of some length, with its first bit highest (3.2.2).
type naiveCode struct{ length, bits int }

func naiveCodes(lengths []int) map[naiveCode]int {
	codes := map[naiveCode]int{}
	next, room := 0, 1
	for length := 1; length <= 15; length++ {
		next, room = next*2, room*2
		for symbol, l := range lengths {
			if l == length {
				codes[naiveCode{length, next}] = symbol
				next++
				room--
			}
		}
		if room < 0 {
			panic(errNaive)
		}
	}
	if room == 0 || len(codes) == 0 {
		return codes
	}
	if _, ok := codes[naiveCode{1, 0}]; !ok || len(codes) != 1 {
		panic(errNaive)
	}
	return codes
}

func (n *naive) symbol(codes map[naiveCode]int) int {
	c := naiveCode{}
	for range 15 {
		c = naiveCode{c.length + 1, c.bits<<1 | n.bits(1)}
		if symbol, ok := codes[c]; ok {
			return symbol
		}
	}
	panic(errNaive)
}

func (n *naive) block(limit int) (final bool) {
	final = n.bits(1) == 1
	var lengths []int
	lits := 288
	switch n.bits(2) {
	case 0:
		n.at = (n.at + 7) / 8 * 8
		size := n.bits(16)
		if n.bits(16) != size^0xffff {
			panic(errNaive)
		}
		for range size {
			n.out = append(n.out, byte(n.bits(8)))
		}
		return final
	case 1: // 3.2.6
		for i := range 288 + 32 {
			switch {
			case i >= 288:
				lengths = append(lengths, 5)
			case i < 144 || i >= 280:
				lengths = append(lengths, 8)
			case i < 256:
				lengths = append(lengths, 9)
			default:
				lengths = append(lengths, 7)
			}
		}
	case 2: // 3.2.7
		lits = n.bits(5) + 257
		dists := n.bits(5) + 1
		if lits > 286 || dists > 30 {
			panic(errNaive)
		}
		forLengths := make([]int, 19)
		for _, i := range []int{16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15}[:n.bits(4)+4] {
			forLengths[i] = n.bits(3)
		}
		codes := naiveCodes(forLengths)
		for len(lengths) < lits+dists {
			length, times := 0, 1
			switch symbol := n.symbol(codes); symbol {
			case 16:
				if len(lengths) == 0 {
					panic(errNaive)
				}
				length, times = lengths[len(lengths)-1], 3+n.bits(2)
			case 17:
				times = 3 + n.bits(3)
			case 18:
				times = 11 + n.bits(7)
			default:
				length = symbol
			}
			for range times {
				lengths = append(lengths, length)
			}
		}
		if len(lengths) > lits+dists {
			panic(errNaive)
		}
	default:
		panic(errNaive)
	}
	litCodes, distCodes := naiveCodes(lengths[:lits]), naiveCodes(lengths[lits:])
	for {
		if len(n.out) > limit {
			panic(errNaiveLong)
		}
		symbol := n.symbol(litCodes)
		if symbol < 256 {
			n.out = append(n.out, byte(symbol))
			continue
		}
		if symbol == 256 {
			return final
		}
		length := n.amount(symbol-257, naiveLength[:], naiveLengthExtra[:])
		distance := n.amount(n.symbol(distCodes), naiveDistance[:], naiveDistanceExtra[:])
		n.farthest = max(n.farthest, distance)
		if distance > n.window || distance > len(n.out) {
			panic(errNaive)
		}
		for range length {
			n.out = append(n.out, n.out[len(n.out)-distance])
		}
	}
}

// 3.2.5, as it stands there.
var (
	naiveLength      = [29]int{3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 15, 17, 19, 23, 27, 31, 35, 43, 51, 59, 67, 83, 99, 115, 131, 163, 195, 227, 258}
	naiveLengthExtra = [29]int{0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 0}
	naiveDistance    = [30]int{1, 2, 3, 4, 5, 7, 9, 13, 17, 25, 33, 49, 65, 97, 129, 193, 257, 385, 513, 769, 1025, 1537, 2049, 3073, 4097, 6145, 8193,
		12289, 16385, 24577}
	naiveDistanceExtra = [30]int{0, 0, 0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7, 8, 8, 9, 9, 10, 10, 11, 11, 12, 12, 13, 13}
)

// amount reads the extra bits of a length or a distance (3.2.5).
func (n *naive) amount(i int, least, extra []int) int {
	if i >= len(least) {
		panic(errNaive)
	}
	return least[i] + n.bits(extra[i])
}
