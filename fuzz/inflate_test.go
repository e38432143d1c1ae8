package fuzz

import "testing"

// The inflater makes of compressed messages, however they are cut and however little room it gets, what the reference does, and refuses the same.
func FuzzInflater(f *testing.F) {
	addSeeds(f)
	f.Fuzz(func(t *testing.T, data []byte) { CheckInflater(data) })
}
