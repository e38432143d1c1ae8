package fuzz

import "testing"

// The inflater makes of compressed messages, however they are cut and however little room it gets, what the reference does, and refuses the same.
func FuzzInflater(f *testing.F) {
	addSeeds(f)
	for i := range byte(3) { // a message as long as the window, about, and one that refers to its first octet
		f.Add([]byte{0x40, 7, 0, 2, 0, 10, 5, i, 2, 37, 0, 0, 0, 1, 2, 1, 2, 0, 2, 0, 10, 0, 7, 0, 0, 0, 0, 0})
		f.Add([]byte{0x40, 7, 0, 2, 0, 10, 5, 1, 2, 37, 0, 0, 0, 0, 9, 0, 5, 0, 2, 0, 10, 5, i, 2, 41, 0, 0, 0, 0, 9, 0, 5, 0, 2, 0, 10, 0, 7, 0, 0, 0, 0, 0})
	}
	f.Fuzz(func(t *testing.T, data []byte) { CheckInflater(data) })
}
