package fuzz

import "testing"

// Whatever a program asks of two joined machines, compression agreed on or not, what either may say is legal and is what the other hears, in order; the rest is
// refused; and it ends with both closed and nothing held.
func FuzzPair(f *testing.F) {
	addSeeds(f)
	f.Fuzz(func(t *testing.T, program []byte) { CheckPair(program) })
}
