//go:build race

package deflate

// raceEnabled thins out the longest tests: the detector makes them ten times longer, and they have one goroutine.
const raceEnabled = true
