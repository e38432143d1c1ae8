//go:build race

package deflate

// raceEnabled thins out a test that the detector makes ten times longer, and that has one goroutine.
const raceEnabled = true
