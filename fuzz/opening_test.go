package fuzz

import "testing"

// A client and a server of this library, however configured and however their octets are cut, agree on the same, lose nothing of what follows, and when octets are
// changed on the way, refuse or have the same key.
func FuzzOpening(f *testing.F) {
	addSeeds(f)
	f.Fuzz(func(t *testing.T, data []byte) { CheckOpening(data) })
}
