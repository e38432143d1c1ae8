package corpus

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"os"
	"sync"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
)

// A fact is what is known of a corpus of the original suite, whose name and properties ours has.
type fact struct {
	Corpus         string
	Size           int
	SentAs         string `json:"sent_as"`
	ASCII          bool   `json:"ascii_only"`
	UTF8           bool   `json:"valid_utf8"`
	DistinctOctets int    `json:"distinct_octets"`
	Len            int    `json:"corpus_len"`
	Ratios         struct {
		Takeover   map[string]float64 `json:"context_takeover_window_15"`
		NoTakeover map[string]float64 `json:"no_context_takeover_window_15"`
		Window9    map[string]float64 `json:"context_takeover_window_9"`
	} `json:"compressed_ratio_zlib6_by_message_len"`
}

func facts(t testing.TB) (facts []fact) {
	b, err := os.ReadFile("testdata/corpora.json")
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(b, &facts))
	require.Len(t, facts, len(kinds))
	return facts
}

func distinct(b []byte) int {
	var seen [256]bool
	n := 0
	for _, c := range b {
		if !seen[c] {
			seen[c] = true
			n++
		}
	}
	return n
}

func TestFacts(t *testing.T) {
	for _, f := range facts(t) {
		for _, seed := range []uint64{1, 2, 3, 1 << 63} {
			c := Get(f.Corpus, seed)
			require.Len(t, c.data, f.Size, "%s, seed %d", f.Corpus, seed)
			require.Equal(t, f.Len, c.Len(), f.Corpus)
			require.Equal(t, f.SentAs == "text", kinds[f.Corpus].text, f.Corpus)
			require.Equal(t, f.UTF8, utf8.Valid(c.data), f.Corpus)
			ascii := bytes.IndexFunc(c.data, func(r rune) bool { return r >= utf8.RuneSelf }) < 0
			require.Equal(t, f.ASCII, ascii, f.Corpus)
			require.InEpsilon(t, f.DistinctOctets, distinct(c.data), 0.2, f.Corpus)
		}
	}
}

// The octets are the same on every machine, and in every version: results can be compared.
func TestOctets(t *testing.T) {
	for name, want := range map[string]string{
		"json":   "50f5f1850d3297b5a417fa681fa6935e8af1eac5c617574e07a8e3b8521e19f3",
		"bitmap": "61a86c04919d302478b984b50a9184d8e9da22fa853db3bb2b1fbbb650495694",
		"prose":  "4c149350f1d8a8827f51f3f07359314e80736cfac6e6140961f9c506b879f85a",
		"html":   "c9568030d92f7ae709f2a95b1f8115c1b73bdca21383c5e04cfe5203d779fc2a",
		"pdf":    "e2f745e0682af0a4eab17f89f9bc3a777ae0eebf0f48932cea24d558e69bda65",
	} {
		sum := sha256.Sum256(Get(name, 1).data)
		require.Equal(t, want, hex.EncodeToString(sum[:]), name)
		require.NotEqual(t, Get(name, 1).data, Get(name, 2).data, "%s: the seed makes a difference", name)
	}
}

func TestGet(t *testing.T) {
	var wg sync.WaitGroup
	var got [8]*Corpus
	for i := range got {
		wg.Go(func() { got[i] = Get("json", 77) })
	}
	wg.Wait()
	for _, c := range got {
		require.Same(t, got[0], c, "it is made once")
	}
	require.PanicsWithValue(t, "corpus: there is no pdf2", func() { Get("pdf2", 1) })
}

// naive is Message in the words of its definition.
func naive(c *Corpus, k, n int) []byte {
	if c.wide == nil {
		var b []byte
		for i := range n {
			b = append(b, c.data[(k*n+i)%len(c.data)])
		}
		return b
	}
	runes := []rune(string(c.data))
	var b []byte
	for i := range n {
		b = utf8.AppendRune(b, runes[(k*n+i)%len(runes)])
	}
	return b
}

func TestMessage(t *testing.T) {
	for _, f := range facts(t) {
		c := Get(f.Corpus, 1)
		for _, at := range []struct{ k, n int }{
			{0, 0}, {0, 1}, {7, 0}, {0, f.Len}, {1, f.Len}, {0, 16}, {999, 16}, {999, 131072}, {1, 131072}, {2, 131072}, {3, 2*f.Len + 1}, {f.Len - 1, 1}, {f.Len, 1},
		} {
			got := c.Message([]byte("before"), at.k, at.n)
			require.Equal(t, "before", string(got[:6]))
			require.True(t, bytes.Equal(naive(c, at.k, at.n), got[6:]), "%s: message %d of %d", f.Corpus, at.k, at.n)
		}
		require.Equal(t, c.Message(nil, 999, 131072), c.Message(nil, 999+f.Len, 131072), "a round later")
		require.Len(t, c.Message(nil, 1<<31-1, 1<<10), 1<<10, "of 32 bits")
	}
}

// Every character of the page is found, above all those around one of more than an octet.
func TestOffset(t *testing.T) {
	c := Get("html", 1)
	require.NotEmpty(t, c.wide)
	at := 0
	for i := range string(c.data) {
		if c.offset(at) != i {
			t.Fatalf("character %d begins at octet %d, not %d", at, i, c.offset(at))
		}
		at++
	}
	require.Equal(t, len(c.data), c.offset(at))
}

// Property: a message is what its definition says, at each code point of a text as at each other.
func FuzzMessage(f *testing.F) {
	f.Add(uint32(0), uint16(16), true)
	f.Add(uint32(263600), uint16(60), true)
	f.Add(uint32(194050), uint16(10), false)
	page := Get("html", 1)
	runes := []rune(string(page.data))
	f.Fuzz(func(t *testing.T, k uint32, n uint16, html bool) {
		k %= 1 << 20
		if !html {
			c := Get("json", 1)
			require.True(t, bytes.Equal(naive(c, int(k), int(n%4096)), c.Message(nil, int(k), int(n%4096))))
			return
		}
		var want []byte
		for i := range int64(n) {
			want = utf8.AppendRune(want, runes[(int64(k)*int64(n)+i)%int64(len(runes))])
		}
		require.True(t, bytes.Equal(want, page.Message(nil, int(k), int(n))))
	})
}

func TestMessageAllocates(t *testing.T) {
	c := Get("html", 1)
	b := make([]byte, 0, 8192)
	k := 0
	require.Zero(t, testing.AllocsPerRun(100, func() { c.Message(b, k, 4096); k++ }))
}

func BenchmarkMessage(b *testing.B) {
	c := Get("html", 1)
	dst := make([]byte, 0, 1<<18)
	b.SetBytes(131072)
	for k := 0; b.Loop(); k++ {
		c.Message(dst, k, 131072)
	}
}

func BenchmarkMake(b *testing.B) {
	for name, kind := range kinds {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				r := rng(1)
				kind.make(&r)
			}
		})
	}
}
