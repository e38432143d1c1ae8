package main

import "slices"

// A mutant is a small fault in a file of the library, such as might be put there by a slip.
type mutant struct {
	name     string // says what the library does with it, and is unique
	file     string // from the root of the module, with slashes
	old, new string // new stands for old, which occurs in the file exactly once
	survives string // why nothing has to catch it; else it counts
}

// mutants are all of them.
func mutants() []mutant {
	return slices.Concat(frameMutants, connMutants, deflateMutants, handshakeMutants)
}

// above are the packages whose tests say something about a package, besides its own and the targets of fuzz, in the order in which they are asked.
var above = map[string][]string{
	"frame":     {"conn"},
	"handshake": {"conn"},
	"conn":      {},
	"deflate":   {},
}
