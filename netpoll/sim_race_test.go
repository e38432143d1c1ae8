//go:build race

package netpoll

// simRace: the race detector makes the simulation ten times slower, and it runs in one goroutine: fewer worlds do.
const simRace = true
