package handshake

import (
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// RFC 9110 5.6.2, as it is written there.
const tchar = "!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

func TestIsToken(t *testing.T) {
	require.False(t, isToken(""))
	for c := range 256 {
		s := string([]byte{byte(c)})
		want := strings.Contains(tchar, s)
		require.Equal(t, want, isToken(s), "%q", s)
		require.Equal(t, want, isToken([]byte("a"+s)), "%q", s)
		require.Equal(t, want, isToken(s+"a"), "%q", s)
	}
}

// isFieldValue, eight octets at a time, beside one octet at a time; each octet at each place.
func TestIsFieldValue(t *testing.T) {
	naive := func(b []byte) bool {
		for _, c := range b {
			if c != '\t' && (c < ' ' || c == 0x7f) {
				return false
			}
		}
		return true
	}
	rnd := rand.New(rand.NewPCG(3, 4))
	fill := []byte{' ', '~', '\t', 0x80, 0xff, 'a', 0x21, 0xa0, 0x9f}
	for n := range 40 {
		b := make([]byte, n)
		for i := range b {
			for c := range 256 {
				for j := range b {
					b[j] = fill[rnd.IntN(len(fill))]
				}
				b[i] = byte(c)
				require.Equal(t, naive(b), isFieldValue(b), "%q", b)
			}
		}
		require.Equal(t, naive(b), isFieldValue(b), "%q", b)
	}
}

func TestHasControl(t *testing.T) {
	rnd := rand.New(rand.NewPCG(5, 6))
	for range 200_000 {
		x := rnd.Uint64() | 0x2020202020202020 // few controls, so that both answers come often
		if rnd.IntN(2) == 0 {
			x ^= uint64(rnd.IntN(256)) << (8 * rnd.IntN(8))
		}
		want := false
		for i := range 8 {
			c := byte(x >> (8 * i))
			want = want || c < ' ' || c == 0x7f
		}
		require.Equal(t, want, hasControl(x), "%016x", x)
	}
}

func TestEqualFold(t *testing.T) {
	for a := range 256 {
		for _, b := range []byte(tchar) {
			x, y := string([]byte{'x', byte(a)}), "X"+string(rune(b))
			want := a < 128 && strings.EqualFold(x, y)
			require.Equal(t, want, equalFold(x, y), "%q %q", x, y)
		}
	}
	require.False(t, equalFold("upgrade", "upgrades"))
	require.True(t, equalFold([]byte("uPGRADE"), "Upgrade"))
}

func TestEqualHost(t *testing.T) {
	for a := range 256 {
		for b := range 256 {
			x, y := []byte{'x', byte(a)}, []byte{'x', byte(b)}
			want := a == b || a < 128 && b < 128 && strings.EqualFold(string(x), string(y))
			require.Equal(t, want, equalHost(x, y), "%q %q", x, y)
		}
	}
	require.False(t, equalHost([]byte("a.example"), []byte("a.example.")))
}

func TestHasElement(t *testing.T) {
	for _, tt := range []struct {
		list string
		want bool
	}{
		{"Upgrade", true},
		{"upgrade", true},
		{"UPGRADE", true},
		{"keep-alive, Upgrade", true},
		{"keep-alive,Upgrade", true},
		{"Upgrade, keep-alive", true},
		{",, \t,Upgrade\t,", true},
		{"keep-alive", false},
		{"", false},
		{",", false},
		{"Upgrades", false},
		{"No Upgrade", false},
		{"Upgrade keep-alive", false},
		{`"Upgrade"`, false},
		{"Upgrade;q=1", false},
		{"Upgrade/13", false},
	} {
		require.Equal(t, tt.want, hasElement([]byte(tt.list), "Upgrade"), "%q", tt.list)
	}
}
