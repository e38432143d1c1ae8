//go:build race

package main

// raceEnabled is whether the race detector is on, with which everything takes ten times as long.
const raceEnabled = true
