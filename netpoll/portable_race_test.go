//go:build race

package netpoll

const underRace = true // memory is not what it is otherwise
