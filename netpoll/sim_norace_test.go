//go:build !race

package netpoll

const simRace = false
