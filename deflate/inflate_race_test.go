//go:build race

package deflate

// raceEnabled: sync.Pool then drops things at random, and long tests are ten times longer.
const raceEnabled = true
