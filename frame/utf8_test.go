package frame

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"testing"
	"unicode/utf8"
	"unsafe"
)

// validNaive reports whether b is the beginning of a valid text, with the words of unicode/utf8.
func validNaive(b []byte) bool {
	for len(b) > 0 {
		if r, size := utf8.DecodeRune(b); r != utf8.RuneError || size > 1 {
			b = b[size:]
		} else {
			return !utf8.FullRune(b) // cut short, or wrong
		}
	}
	return true
}

var texts = []struct {
	name, octets string
	fail         int // the index of the first impossible octet; -1 if there is none
	complete     bool
}{
	{"nothing", "", -1, true},
	{"ASCII", "00 41 7f", -1, true},
	{"RFC 3629 7, A<NOT IDENTICAL TO><ALPHA>.", "41 e289a2 ce91 2e", -1, true},
	{"RFC 3629 7, hangugeo", "ed959c eab5ad ec96b4", -1, true},
	{"RFC 3629 7, nihongo", "e697a5 e69cac e8aa9e", -1, true},
	{"RFC 3629 7, BOM and a stump of tree", "efbbbf f0a38eb4", -1, true},
	{"Autobahn 6.4, kosme and U+110000", "ceba e1bdb9 cf83 cebc ceb5 f490 8080 656469746564", 12, false},
	{"a continuation octet first", "80", 0, false},
	{"a continuation octet too many", "c3a9 a9", 2, false},
	{"ASCII where a continuation octet is due", "c3 28", 1, false},
	{"a lead where a continuation octet is due", "e282 c3", 2, false},
	{"cut in two", "c3", -1, false},
	{"cut in three", "e282", -1, false},
	{"cut in four", "f09f98", -1, false},
	{"overlong in two, C0", "c0", 0, false},
	{"overlong in two, C1", "c1", 0, false},
	{"overlong in three", "e0 9f", 1, false},
	{"the first of three", "e0a080", -1, true},
	{"the last before the surrogates", "ed9fbf", -1, true},
	{"a surrogate", "ed a0", 1, false},
	{"the first after the surrogates", "ee8080", -1, true},
	{"a noncharacter is a character", "efbfbf", -1, true},
	{"overlong in four", "f0 8f", 1, false},
	{"the first of four", "f0908080", -1, true},
	{"the last of all", "f48fbfbf", -1, true},
	{"U+110000", "f4 90", 1, false},
	{"F5", "f5", 0, false},
	{"FE", "fe", 0, false},
	{"FF", "ff", 0, false},
}

func TestUTF8(t *testing.T) {
	for _, row := range texts {
		t.Run(row.name, func(t *testing.T) {
			text := octets(t, row.octets)
			if ValidUTF8(text) != (row.complete && row.fail < 0) {
				t.Errorf("ValidUTF8 = %v", !row.complete)
			}
			for before := range 70 { // behind ASCII, so that every loop meets it
				b := append(bytes.Repeat([]byte("a"), before), text...)
				for i := range len(b) + 1 {
					var u UTF8
					failed := row.fail >= 0 && i > before+row.fail
					if u.Valid(b[:i]) == failed {
						t.Fatalf("% x: Valid = %v", b[:i], failed)
					}
					if i == len(b) && u.Complete() != row.complete {
						t.Fatalf("% x: Complete = %v", b, !row.complete)
					}
					// Once failed, failed for ever.
					if failed && (u.Valid(nil) || u.Valid([]byte("a")) || u.Complete()) {
						t.Fatalf("% x: forgotten", b[:i])
					}
				}
			}
		})
	}
}

// V55: all 2^24 strings of three octets against unicode/utf8, whole, at every cut, and inside texts that take
// them through the loops for words.
func TestV55EveryThreeOctets(t *testing.T) {
	check := func(ok bool, b []byte, what string) {
		if !ok {
			t.Fatalf("% x: %s", b, what)
		}
	}
	// What stands around is whole characters, so the text is valid if the three octets are.
	frames := [][]byte{
		bytes.Repeat([]byte("a"), 40),                    // ASCII before and after
		bytes.Repeat([]byte("é"), 20),                    // characters all along
		[]byte("aaaaaaaaaaaaaaaaaaaaaéaaaéaaaaaaaaaaaa"), // accents
	}
	long := make([]byte, 0, 64)
	step := 1
	if raceEnabled {
		step = 17
	}
	at := 0
	for a := range 256 {
		for b := range 256 {
			var b3 = [3]byte{byte(a), byte(b)}
			var u1, u2, u11 UTF8
			ok1 := u1.Valid(b3[:1])
			ok2 := u2.Valid(b3[:2])
			u11 = u1
			ok11 := u11.Valid(b3[1:2])
			check(ok1 == validNaive(b3[:1]), b3[:1], "Valid")
			check(ok2 == validNaive(b3[:2]) && ok2 == ok11 && u2 == u11, b3[:2], "Valid")
			check(u1.Complete() == utf8.Valid(b3[:1]), b3[:1], "Complete")
			check(u2.Complete() == utf8.Valid(b3[:2]), b3[:2], "Complete")
			for c := at % step; c < 256; c += step {
				b3[2] = byte(c)
				s := b3[:]
				valid := utf8.Valid(s)
				var whole, cut1, cut2 UTF8 = UTF8{}, u1, u2
				ok := whole.Valid(s)
				check(whole.Complete() == valid, s, "Complete")
				check(cut1.Valid(s[1:]) == ok && cut1 == whole, s, "cut after one")
				check(cut2.Valid(s[2:]) == ok && cut2 == whole, s, "cut after two")
				if !valid && ok2 {
					check(ok == validNaive(s), s, "Valid") // ok1, ok2, ok: the first impossible octet
				} else {
					check(ok == valid, s, "Valid")
				}

				f := frames[at%len(frames)]
				i := at / len(frames) % 16 * 2 // between two characters of the second; of the others, nearly always
				for !utf8.RuneStart(f[i]) {
					i++
				}
				long = append(append(append(long[:0], f[:i]...), s...), f[i:]...)
				check(ValidUTF8(long) == valid, long, "ValidUTF8")
				at++
			}
			at++
		}
	}
}

// V55: strings of four octets that begin with F0 to F4: all second and third octets, and of the fourth all
// where the third can stand, else every 16th (all are 84 million).
func TestV55FourOctets(t *testing.T) {
	long := append(bytes.Repeat([]byte("a"), 20), "....aaaaaaaaaaaaaaaaaaaa"...)
	thin := 1
	if raceEnabled {
		thin = 11
	}
	for a := 0xf0; a <= 0xf4; a++ {
		for b := range 256 {
			for c := b % thin; c < 256; c += thin {
				s := []byte{byte(a), byte(b), byte(c), 0}
				var u UTF8
				alive := u.Valid(s[:3])
				if alive != validNaive(s[:3]) {
					t.Fatalf("% x: Valid = %v", s[:3], alive)
				}
				step := 1
				if !alive {
					step = 16
				}
				for d := c % step; d < 256; d += step {
					s[3] = byte(d)
					valid := utf8.Valid(s)
					cut := u
					if ok := cut.Valid(s[3:]); ok != valid || cut.Complete() != valid {
						t.Fatalf("% x: Valid = %v, Complete = %v", s, ok, cut.Complete())
					}
					copy(long[20:], s)
					if ValidUTF8(s) != valid || ValidUTF8(long) != valid || ValidUTF8(long[4+d%16:]) != valid {
						t.Fatalf("% x: ValidUTF8 = %v", s, !valid)
					}
				}
			}
		}
	}
}

// V55: a character that is interrupted by whole ones, and then goes on as if nothing had been. What stands
// between is what the loops for words skip, and the cut before it may fall between two of their turns or
// between two pieces.
func TestV55InterruptedCharacter(t *testing.T) {
	for _, char := range []string{"é", "€", "😀"} {
		for head := 1; head < len(char); head++ {
			for before := range 20 {
				for _, between := range []string{"a", "aaa", "éaaaaaa", "éaaaaaaaaaaaa", "aéaaaaaaaaaaaa", "aaaaaaaa", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"} {
					for _, after := range []string{"", "aaaaaaaaaaaaaaaaaaaaaaaaa"} {
						text := append(bytes.Repeat([]byte("ж"), before), char[:head]...)
						fail := len(text)
						text = append(text, between+char[head:]+after...)
						var whole, pieces UTF8
						if ValidUTF8(text) || whole.Valid(text) {
							t.Fatalf("% x: valid", text)
						}
						if !pieces.Valid(text[:fail]) || pieces.Complete() || pieces.Valid(text[fail:]) {
							t.Fatalf("% x | % x: valid", text[:fail], text[fail:])
						}
						for i := fail + 1; i < len(text); i++ {
							var u UTF8
							if u.Valid(text[:i]) {
								t.Fatalf("% x: valid", text[:i])
							}
						}
					}
				}
			}
		}
	}
}

// Long texts of every script with one octet spoiled: the position of the failure is the naive one's, however
// the text is cut.
func TestUTF8FailPosition(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 7))
	rounds := 150
	if raceEnabled {
		rounds = 30
	}
	failures := 0
	for _, s := range scripts {
		for range rounds {
			text := s.make(1+r.IntN(300), r)
			for range r.IntN(3) {
				text[r.IntN(len(text))] = byte(r.Uint32())
			}
			want := len(text) // the length of the longest good beginning
			for want > 0 && !validNaive(text[:want]) {
				want--
			}
			var octet UTF8
			got := 0
			for got < len(text) && octet.Valid(text[got:got+1]) {
				got++
			}
			if got != want {
				t.Fatalf("%s: % x fails at %d, want %d", s.name, text, got, want)
			}
			for i := range len(text) + 1 {
				var whole, pieces UTF8
				if whole.Valid(text[:i]) != (i <= want) {
					t.Fatalf("%s: Valid of % x, want %v", s.name, text[:i], i <= want)
				}
				cut := r.IntN(i + 1)
				first := pieces.Valid(text[:cut])
				if first != (cut <= want) || pieces.Valid(text[cut:i]) != (i <= want) || pieces != whole {
					t.Fatalf("%s: % x cut at %d of %d", s.name, text, cut, i)
				}
				if whole.Complete() != utf8.Valid(text[:i]) || ValidUTF8(text[:i]) != utf8.Valid(text[:i]) {
					t.Fatalf("%s: Complete of % x", s.name, text[:i])
				}
			}
			if want < len(text) {
				failures++
			}
		}
	}
	if failures < 2*rounds {
		t.Errorf("only %d failures", failures)
	}
}

func TestUTF8Sizeof(t *testing.T) {
	if size := unsafe.Sizeof(UTF8{}); size != 1 {
		t.Errorf("a UTF8 takes %d bytes", size)
	}
}

func TestUTF8Allocs(t *testing.T) {
	text := bytes.Repeat([]byte("aé€😀"), 100)
	var u UTF8
	if n := testing.AllocsPerRun(100, func() {
		if !u.Valid(text[:501]) || !u.Valid(text[501:]) || !u.Complete() || !ValidUTF8(text) {
			t.Error("not valid")
		}
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// scripts make texts of about size octets out of words in one script, which no branch predictor can learn.
var scripts = []struct {
	name string
	make func(size int, r *rand.Rand) []byte
}{
	{"ASCII", words(2, 9, ' ', func(r *rand.Rand) rune { return 'a' + r.Int32N(26) })},
	{"French", words(2, 9, ' ', func(r *rand.Rand) rune {
		if r.IntN(25) == 0 {
			return 'é'
		}
		return 'a' + r.Int32N(26)
	})},
	{"Russian", words(2, 9, ' ', func(r *rand.Rand) rune { return 'а' + r.Int32N(32) })},
	{"Hindi", words(2, 9, ' ', func(r *rand.Rand) rune { return 'अ' + r.Int32N(60) })},
	{"Chinese", words(5, 30, '。', func(r *rand.Rand) rune { return '一' + r.Int32N(20_000) })},
	{"Korean", words(2, 5, ' ', func(r *rand.Rand) rune { return '가' + r.Int32N(11_172) })},
	{"emoji", words(1, 5, ' ', func(r *rand.Rand) rune { return '😀' + r.Int32N(80) })},
	{"all", words(2, 9, ' ', func(r *rand.Rand) rune { return []rune{'a', 'ж', '中', '😀'}[r.IntN(4)] })},
}

// words returns a function that makes words of least..most letters, and sep between them.
func words(least, most int, sep rune, letter func(*rand.Rand) rune) func(int, *rand.Rand) []byte {
	return func(size int, r *rand.Rand) []byte {
		var b []byte
		for len(b) < size {
			for range least + r.IntN(most-least+1) {
				b = utf8.AppendRune(b, letter(r))
			}
			b = utf8.AppendRune(b, sep)
		}
		for len(b) > size || !utf8.Valid(b) {
			b = b[:len(b)-1]
		}
		return append(b, "..."[:min(3, size-len(b))]...)
	}
}

func BenchmarkUTF8(b *testing.B) {
	for _, s := range scripts {
		for _, size := range []int{0, 125, 126, 1 << 10, 64 << 10, 1 << 20} {
			text := s.make(size, rand.New(rand.NewPCG(1, 1)))
			run := func(name string, valid func([]byte) bool) {
				b.Run(fmt.Sprintf("%s/%d/%s", s.name, size, name), func(b *testing.B) {
					b.ReportAllocs()
					b.SetBytes(int64(size))
					for b.Loop() {
						if !valid(text) {
							b.Fatal("not valid")
						}
					}
				})
			}
			run("idlewire", ValidUTF8)
			run("std", utf8.Valid)
			run("naive", validNaive)
		}
	}
}
