package testee

import (
	"math/rand/v2"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
)

// valid is what the check says of a text that comes in two pieces.
func valid(t textCheck, b []byte, cut int) bool {
	t.reset()
	return t.add(b[:cut]) && t.add(b[cut:]) && t.whole()
}

// The check without switches is package utf8, wherever the text is cut.
func TestTextIsUTF8(t *testing.T) {
	for a := range 256 {
		for b := range 256 {
			text := []byte{byte(a), byte(b), 0x80, 0xbf}
			for n := range len(text) + 1 {
				require.Equal(t, utf8.Valid(text[:n]), valid(textCheck{}, text[:n], n/2), "% x", text[:n])
			}
		}
	}
	r := rand.New(rand.NewPCG(1, 2))
	pieces := []string{"a", "\x00", "\x7f", "\xc2\x80", "\xdf\xbf", "\xe0\xa0\x80", "\xed\x9f\xbf", "\xee\x80\x80", "\xef\xbf\xbf", "\xf0\x90\x80\x80", "\xf4\x8f\xbf\xbf",
		"\x80", "\xc0\xaf", "\xe0\x9f\xbf", "\xed\xa0\x80", "\xf0\x8f\xbf\xbf", "\xf4\x90\x80\x80", "\xf5", "\xf8\x88\x80\x80\x80", "\xff", "\xe2", "\xe2\x82", "\xf0\x9f\x98"}
	good := 0
	for range 20_000 {
		var text []byte
		for range r.IntN(4) {
			text = append(text, pieces[r.IntN(len(pieces))]...)
		}
		want := utf8.Valid(text)
		if want {
			good++
		}
		require.Equal(t, want, valid(textCheck{}, text, r.IntN(len(text)+1)), "% x", text)
	}
	require.Greater(t, good, 1000)
}

// Text fails at the first octet that cannot be right, not later.
func TestTextFailsAtOnce(t *testing.T) {
	for text, at := range map[string]int{"a\x80": 1, "\xc0": 0, "\xe0\x9f": 1, "\xed\xa0": 1, "\xf4\x90": 1, "\xf5": 0, "\xc3a": 1, "\xf0\x9f\x98a": 3} {
		var c textCheck
		for i := range len(text) {
			require.Equal(t, i < at, c.add([]byte{text[i]}), "% x at %d", text, i)
			if i == at {
				break
			}
		}
	}
}

// Each switch lets pass, or refuses, what it says and nothing else.
func TestTextSwitches(t *testing.T) {
	texts := []string{"\xc0\xaf", "\xe0\x9f\xbf", "\xf0\x8f\xbf\xbf", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\xf7\xbf\xbf\xbf", "\xf8\x88\x80\x80\x80", "\xfd\xbf\xbf\xbf\xbf\xbf",
		"\x80", "\xc3", "\xff", "\xef\xbf\xbf", "ok", "\xf8\x80\x80\x80\xaf"}
	for _, row := range []struct {
		name  string
		check textCheck
		good  []string
	}{
		{"none", textCheck{}, []string{"\xef\xbf\xbf", "ok"}},
		{"overlong", textCheck{overlong: true}, []string{"\xc0\xaf", "\xe0\x9f\xbf", "\xf0\x8f\xbf\xbf", "\xef\xbf\xbf", "ok"}},
		{"surrogates", textCheck{surrogates: true}, []string{"\xed\xa0\x80", "\xef\xbf\xbf", "ok"}},
		{"beyond", textCheck{beyond: true}, []string{"\xf4\x90\x80\x80", "\xf7\xbf\xbf\xbf", "\xef\xbf\xbf", "ok"}},
		{"long", textCheck{long: true}, []string{"\xf8\x88\x80\x80\x80", "\xfd\xbf\xbf\xbf\xbf\xbf", "\xef\xbf\xbf", "ok"}},
		{"refuse", textCheck{refuse: func(r rune) bool { return r == 0xffff }}, []string{"ok"}},
		{"only", textCheck{only: 1}, []string{"\xc3", "\xe0\x9f\xbf", "\xf0\x8f\xbf\xbf", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\xef\xbf\xbf", "ok"}},
	} {
		var good []string
		for _, text := range texts {
			if valid(row.check, []byte(text), len(text)/2) {
				good = append(good, text)
			}
		}
		require.ElementsMatch(t, row.good, good, row.name)
	}
}
