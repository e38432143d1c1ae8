//go:build race

package conn

const raceBuild = true

// turns returns how many turns of its loop the last call of Receive took.
func (p *Protocol) turns() int { return p.loan.steps }
