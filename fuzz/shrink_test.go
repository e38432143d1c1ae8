package fuzz

import (
	"bytes"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
)

// Of any session that fails by a rule, the least that fails by it is left.
func TestShrink(t *testing.T) {
	least := map[string]int{
		"reserved opcode": 1,
		"RSV without an extension that gives it a meaning": 1,
		"continuation, and nothing to continue":            1,
		"control frame longer than 125":                    2,
		"fragments of two messages are interleaved":        8, // 01 80 key, and the first octet of another; or 3
		"frame from a client is not masked":                2,
		"most significant bit of a length is not 0":        3,
		"length not in the minimal number of bytes":        8,
		"text is not UTF-8":                                7,
		"code that no endpoint may send":                   8,
		"message longer than the limit":                    14,
		"body of a close of one octet":                     2,
		"block of the reserved type":                       7,
	}
	seen := map[string]bool{}
	for _, s := range sessions()[:200] {
		setup := within(s.Setup)
		v := Judge(setup, s.Bytes())
		if v.State != Failed || len(s.Frames) > 100 {
			continue
		}
		fails := func(stream []byte) bool {
			w := Judge(setup, stream)
			return w.State == Failed && w.Fault.Rule == v.Fault.Rule
		}
		calls := 0
		got := Shrink(s, func(stream []byte) bool { calls++; return fails(stream) }, 20000)
		require.LessOrEqual(t, calls, 20000)
		require.True(t, fails(got))
		for i := range got {
			require.False(t, fails(append(bytes.Clone(got[:i]), got[i+1:]...)), "% x: octet %d can be left out", got, i)
		}
		if n, ok := least[v.Fault.Rule]; ok && s.Deflate == nil {
			require.LessOrEqual(t, len(got), n, "%v: % x", v.Fault, got)
			seen[v.Fault.Rule] = true
		}
	}
	require.Greater(t, len(seen), 5)
}

func TestShrinkBudget(t *testing.T) {
	for calls := range 50 {
		n := 0
		fails := func(b []byte) bool { n++; return bytes.Contains(b, []byte("x")) }
		b := []byte("abcxdefghijklmnopqrstuvw")
		got := ShrinkBytes(b, fails, calls)
		require.LessOrEqual(t, n, calls)
		require.True(t, bytes.Contains(got, []byte("x")))
		require.Equal(t, "abcxdefghijklmnopqrstuvw", string(b))
		if calls == 49 {
			require.Equal(t, "x", string(got))
		}
	}
	require.Equal(t, "abc", string(ShrinkBytes([]byte("abc"), func([]byte) bool { return false }, 100)))
}

// What depends on the cuts keeps them, and what does not loses them.
func TestShrinkSession(t *testing.T) {
	pinged := func(s *Session) bool { return len(s.Frames) > 1 && s.Frames[1].Opcode == OpPing }
	all := sessions()
	s := all[slices.IndexFunc(all, func(s Session) bool { return len(s.Frames) > 20 && pinged(&s) })]
	s.Cuts = []int{5, 9}
	got := ShrinkSession(s, pinged, 5000)
	require.Len(t, got.Frames, 2)
	require.Nil(t, got.Cuts)
	require.Empty(t, got.Frames[1].Payload)
	got = ShrinkSession(s, func(s *Session) bool { return len(s.Cuts) == 2 }, 5000)
	require.Empty(t, got.Frames)
	require.Equal(t, []int{5, 9}, got.Cuts)
}
