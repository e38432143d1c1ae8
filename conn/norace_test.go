//go:build !race

package conn

const raceBuild = false

// turns is only known when built with race.
func (p *Protocol) turns() int { return 0 }
