package handshake

import (
	"encoding/base64"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestAppendAccept(t *testing.T) {
	for _, tt := range []struct{ name, key, accept string }{
		{"1.3", "dGhlIHNhbXBsZSBub25jZQ==", "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="},
		{"zero", "AAAAAAAAAAAAAAAAAAAAAA==", "ICX+Yqv66kxgM0FcWaLWlFLwTAI="},
		{"another pair often quoted", "x3JJHMbDL1EzLkh9GBhXDw==", "HSmrc0sMlYUkAGmm5OPpG2HaGWk="},
	} {
		t.Run(tt.name, func(t *testing.T) {
			require.Equal(t, "> "+tt.accept, string(AppendAccept([]byte("> "), []byte(tt.key))))
			require.Len(t, tt.accept, acceptSize)
		})
	}
}

func TestValidKey(t *testing.T) {
	for _, tt := range []struct {
		name, key string
		want      bool
	}{
		{"1.3", "dGhlIHNhbXBsZSBub25jZQ==", true},
		{"all digits of the alphabet", "+/+/0123456789abcdefgA==", true},
		{"empty", "", false},
		{"15 octets", "dGhlIHNhbXBsZSBub25j", false},
		{"15 octets and padding", "dGhlIHNhbXBsZSBub25jAA=="[:20] + "====", false},
		{"17 octets", "dGhlIHNhbXBsZSBub25jZUE=", false},
		{"18 octets", "dGhlIHNhbXBsZSBub25jZUFB", false},
		{"padding in place, and more behind", "dGhlIHNhbXBsZSBub25jZQ==AAAA", false},
		{"padding in place, and one octet behind", "dGhlIHNhbXBsZSBub25jZQ===", false},
		{"no padding", "dGhlIHNhbXBsZSBub25jZQ", false},
		{"stray bits at the end", "dGhlIHNhbXBsZSBub25jZR==", false},
		{"URL alphabet", "-_-_IHNhbXBsZSBub25jZQ==", false},
		{"space inside", "dGhlIHNhbXBs ZSBub25jZQ=", false},
		{"newline that encoding/base64 would skip", "dGhlIHNhbXBsZSBub25jZ\n==", false},
		{"padding inside", "dGhlIHNhbXBsZSBub25j=Q==", false},
		{"octet above 127", "dGhlIHNhbXBsZSBub25j\xc3Q==", false},
	} {
		t.Run(tt.name, func(t *testing.T) { require.Equal(t, tt.want, validKey([]byte(tt.key))) })
	}
}

// validKey beside the three lines that are plainly right.
func TestValidKeyTwin(t *testing.T) {
	naive := func(key []byte) bool {
		b, err := base64.StdEncoding.Strict().DecodeString(string(key))
		return err == nil && len(b) == 16 && len(key) == keySize
	}
	rnd := rand.New(rand.NewPCG(1, 2))
	valid := 0
	for range 100_000 {
		key := appendKey(nil)
		switch rnd.IntN(4) {
		case 0:
			key[rnd.IntN(len(key))] = byte(rnd.IntN(256))
		case 1:
			key = key[:rnd.IntN(len(key))]
		case 2:
			key[21] = key[rnd.IntN(21)]
		}
		require.Equal(t, naive(key), validKey(key), "%q", key)
		if validKey(key) {
			valid++
		}
	}
	require.Greater(t, valid, 25_000)
}

func TestAppendKey(t *testing.T) {
	seen := map[string]bool{}
	for range 1000 {
		key := appendKey(nil)
		require.True(t, validKey(key))
		require.False(t, seen[string(key)], "keys are fresh")
		seen[string(key)] = true
	}
}
