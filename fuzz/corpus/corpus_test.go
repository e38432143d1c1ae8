package corpus

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/idlewire/idlewire/autobahn"
	"github.com/idlewire/idlewire/fuzz"
	"github.com/stretchr/testify/require"
)

// What is committed is what the program writes, and no more; and it is not much.
func TestFiles(t *testing.T) {
	const root = "../.."
	files := Files()
	total := 0
	for name, want := range files {
		got, err := os.ReadFile(filepath.Join(root, filepath.FromSlash(name)))
		require.NoError(t, err, "go run ./fuzz/corpus/write")
		require.True(t, bytes.Equal(want, got), "%s is another: go run ./fuzz/corpus/write", name)
		total += len(got)
	}
	require.Less(t, total, 3<<20)
	stale, err := Stale(root, files)
	require.NoError(t, err)
	require.Empty(t, stale, "go run ./fuzz/corpus/write")
}

// Each conformance case is there, or one that is the same; names are said once; plans mean what the entry says.
func TestEntries(t *testing.T) {
	names := map[string]bool{}
	for _, e := range All() {
		require.False(t, names[e.Name], "%s is there twice", e.Name)
		names[e.Name] = true
		require.NotEmpty(t, e.Note, e.Name)
		s, rest := fuzz.SetupOf(e.Plan())
		require.Empty(t, rest)
		require.Equal(t, e.Deflate != 0, s.Deflate != nil, e.Name)
		if s.Deflate != nil {
			require.Equal(t, fuzz.Deflate{Bits: 15, Takeover: e.Deflate == takeover}, *s.Deflate, e.Name)
		}
	}
	same := 0
	for _, c := range autobahn.Cases() {
		if !names["case-"+c.ID] {
			same++
			require.Regexp(t, `^(1|2|5|6|7|9|12|13)\.`, c.ID)
		}
	}
	t.Logf("%d entries; %d of %d cases are others when they are cut down", len(names), same, len(autobahn.Cases()))
	require.Less(t, same, 300)
}

// What the entries are made for, the reference finds in them.
func TestVerdicts(t *testing.T) {
	want := map[string]string{
		"rfc7692-7.2.3.2": "Hello Hello", "rfc7692-7.2.3.5": "Hello", "takeover-window-of-plain": "Hello World Hello", "takeover-granted": "Hello Hello Hello",
		"takeover-not-granted": "Hello failed", "V13-not-minimal": "failed", "V75-after-final": "HelloHello Hello", "D03-final-and-next": "Hello Hello", "V01-negative-length": "failed",
	}
	for _, e := range All() {
		if text, ok := want[e.Name]; ok {
			s, _ := fuzz.SetupOf(e.Plan())
			s.Role = e.Role
			if !e.AsIs {
				s.Role = fuzz.Client
			}
			v := fuzz.Judge(s, e.Stream(s.Role))
			var heard []string
			for _, event := range v.Events {
				heard = append(heard, string(event.Payload))
			}
			if v.State == fuzz.Failed {
				heard = append(heard, v.State.String())
			}
			require.Equal(t, text, strings.Join(heard, " "), e.Name)
			delete(want, e.Name)
		}
	}
	require.Empty(t, want)
}
