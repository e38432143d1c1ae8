//go:build !race

package netpoll

const underRace = false
