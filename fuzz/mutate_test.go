package fuzz

import (
	"reflect"
	"testing"

	"github.com/stretchr/testify/require"
)

// Mutations are functions of their octets, leave the session alone, stay in bounds, and change something, of every kind.
func TestMutate(t *testing.T) {
	all := seeds()
	notes := map[string]bool{}
	changed := 0
	for i, s := range sessions()[:150] {
		before := s.String()
		data := all[(i*7)%len(all)]
		got := Mutate(s, data)
		require.Equal(t, before, s.String())
		require.Equal(t, got, Mutate(s, data))
		require.LessOrEqual(t, len(got.Frames), MaxFrames)
		require.LessOrEqual(t, len(got.Bytes()), 2*MaxStream)
		require.Equal(t, s, Mutate(s, nil))
		if !reflect.DeepEqual(got, s) {
			changed++
		}
		for _, f := range got.Frames {
			notes[f.Note] = true
		}
	}
	require.Greater(t, changed, 120)
	for _, note := range []string{
		"a bit of the header is another", "the length is another", "the form of the length is another", "the payload is cut",
		"a bit of the payload is another", "is split", "two frames are joined",
	} {
		require.True(t, notes[note], note)
	}
}
