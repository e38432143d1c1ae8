package frame

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"unicode/utf8"
)

// script makes text of about size octets: words of 2..9 letters from lo..hi, and something else between them.
func script(size int, seed uint64, word func(r *rand.Rand) rune, sep func(r *rand.Rand) rune, lmin, lmax int) []byte {
	r := rand.New(rand.NewPCG(seed, 1))
	var b []byte
	for len(b) < size {
		for range lmin + r.IntN(lmax-lmin+1) {
			b = utf8.AppendRune(b, word(r))
		}
		b = utf8.AppendRune(b, sep(r))
	}
	for len(b) > size || !utf8.Valid(b) {
		b = b[:len(b)-1]
	}
	for len(b) < size {
		b = append(b, 'x')
	}
	return b
}

func between(lo, hi rune) func(*rand.Rand) rune {
	return func(r *rand.Rand) rune { return lo + r.Int32N(hi-lo+1) }
}
func space(*rand.Rand) rune { return ' ' }

var scripts = []struct {
	name string
	make func(size int) []byte
}{
	{"ascii", func(n int) []byte { return script(n, 1, between('a', 'z'), space, 2, 9) }},
	{"french", func(n int) []byte {
		return script(n, 2, func(r *rand.Rand) rune {
			if r.IntN(25) == 0 {
				return 'é'
			}
			return 'a' + r.Int32N(26)
		}, space, 2, 9)
	}},
	{"russian", func(n int) []byte { return script(n, 3, between(0x430, 0x44f), space, 2, 9) }},
	{"hindi", func(n int) []byte { return script(n, 4, between(0x900, 0x96f), space, 2, 9) }},
	{"chinese", func(n int) []byte { return script(n, 5, between(0x4e00, 0x9fff), between(0x3001, 0x3002), 5, 30) }},
	{"korean", func(n int) []byte { return script(n, 6, between(0xac00, 0xd7a3), space, 2, 5) }},
	{"emoji", func(n int) []byte { return script(n, 7, between(0x1f600, 0x1f64f), space, 1, 5) }},
	{"mixed", func(n int) []byte {
		return script(n, 8, func(r *rand.Rand) rune {
			switch r.IntN(4) {
			case 0:
				return 'a' + r.Int32N(26)
			case 1:
				return 0x430 + r.Int32N(32)
			case 2:
				return 0x4e00 + r.Int32N(20000)
			}
			return 0x1f600 + r.Int32N(80)
		}, space, 2, 9)
	}},
}

func BenchmarkUTF8(b *testing.B) {
	for _, s := range scripts {
		for _, size := range []int{16, 125, 1 << 10, 16 << 10} {
			text := s.make(size)
			b.Run(fmt.Sprintf("%s/%d/ours", s.name, size), func(b *testing.B) {
				b.SetBytes(int64(size))
				for b.Loop() {
					if !ValidUTF8(text) {
						b.Fatal()
					}
				}
			})
			b.Run(fmt.Sprintf("%s/%d/std", s.name, size), func(b *testing.B) {
				b.SetBytes(int64(size))
				for b.Loop() {
					if !utf8.Valid(text) {
						b.Fatal()
					}
				}
			})
		}
	}
}
