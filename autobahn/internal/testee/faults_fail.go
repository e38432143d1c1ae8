package testee

import (
	"time"

	"github.com/idlewire/idlewire/frame"
)

// framing are the breaches for which the code is 1002, and that the cases show.
const framing = breaches + " 7.3.2 7.3.6 7.9.*"

// failFaults are about how a connection is failed.
var failFaults = []*Kind{
	{
		Name: "fails-1000", Text: "fails the connection with 1000 where the code is 1002",
		Red:    framing,
		traits: traits{failCode: insteadOf(1002, 1000)},
	},
	{
		Name: "fails-1007", Text: "fails the connection with 1007 where the code is 1002",
		Red:    framing,
		traits: traits{failCode: insteadOf(1002, 1007)},
	},
	{
		Name: "fails-1006", Text: "fails the connection with 1006, which is never on the wire",
		Red:    breaches + " " + invalidText + " " + badCloses,
		traits: traits{failCode: func(breach) uint16 { return 1006 }},
	},
	{
		Name: "fails-silently", Text: "falls silent where it has to fail the connection, and closes nothing",
		Red:       breaches + " " + invalidText,
		RedServer: badCloses, // as for the runner as server, it waits for the Close no longer than for TCP to go
		traits:    traits{failed: func(p *Peer, _ breach) { p.deaf = true }},
	},
	{
		Name: "fails-late", Text: "fails the connection 1.5 s late",
		Red:       breaches + " " + invalidText,
		RedServer: badCloses,
		traits: traits{failed: func(p *Peer, b breach) {
			p.deaf = true
			p.after(1500*time.Millisecond, func() { p.failWith(b) })
		}},
	},
	{
		Name: "fails-reading-on", Text: "sends a Close where it has to fail the connection, and goes on answering",
		RedServer: "3.2..4 4.1.3..5 4.2.3..5 5.9..17 6.3.2", // the runner as server reads nothing behind the Close
		traits: traits{failed: func(p *Peer, b breach) {
			if !p.sentClose {
				p.sendClose(closeBody(b.code()))
				p.after(100*time.Millisecond, p.drop)
			}
		}},
	},
	{
		Name: "fails-losing-output", Text: "throws away what it has not sent yet when it fails the connection (allowed, but not strict)",
		Red: "3.2 4.1.3..4 4.2.3..4 5.15",
		traits: traits{failed: func(p *Peer, b breach) {
			p.out = nil
			p.failWith(b)
		}},
	},
	{
		Name: "fails-lingering", Text: "fails the connection with a Close, but closes TCP 1.5 s later",
		Only: Server,
		Red:  breaches + " " + invalidText + " -6.4.* " + badCloses, // 6.4.* has no deadline before its last step
		traits: traits{failed: func(p *Peer, b breach) {
			p.sendClose(closeBody(b.code()))
			p.deaf = true
			p.after(1500*time.Millisecond, p.drop)
		}},
	},
	{
		Name: "fails-by-dropping", Text: "closes TCP where it has to fail the connection, without a Close",
		Unseen: "the original accepts that, since 7.1.7 only says SHOULD",
		traits: traits{failed: func(p *Peer, _ breach) { p.gone = true }},
	},
	{
		Name: "fails-without-code", Text: "fails the connection with a Close without body",
		Unseen: "the original accepts a Close without code everywhere",
		traits: traits{failed: func(p *Peer, _ breach) { p.reply(nil) }},
	},
}

func insteadOf(code, other uint16) func(breach) uint16 {
	return func(b breach) uint16 {
		if b.code() == code {
			return other
		}
		return b.code()
	}
}

// dropFaults close TCP too early, or hang.
var dropFaults = []*Kind{
	{
		Name: "drops-at-once", Text: "closes TCP as soon as the connection is open",
		Red:    goodCloses + " " + echoFirst + " 6.4.*", // elsewhere it looks like failing the connection
		traits: traits{opened: (*Peer).drop},
	},
	{
		Name: "drops-before-echo", Text: "closes TCP when a message is complete",
		Red:    echoes + " " + echoFirst,
		traits: traits{message: func(p *Peer, _ frame.Opcode, _ []byte) { p.drop() }},
	},
	{
		Name: "drops-after-echo", Text: "closes TCP behind its first echo",
		Red: echoes,
		traits: traits{message: func(p *Peer, op frame.Opcode, payload []byte) {
			p.send(op, payload)
			p.drop()
		}},
	},
	{
		Name: "drops-on-ping", Text: "closes TCP when a ping comes",
		Red:    pings,
		traits: traits{ping: func(p *Peer, _ []byte) { p.drop() }},
	},
	{
		Name: "drops-large", Text: "closes TCP when a frame announces more than 65535 octets",
		Red: over64k + " -9.3.* 9.3.6..9 -9.4.* 9.4.6..9 -10.1.1",
		traits: traits{header: func(p *Peer, h *header) bool {
			if h.length > 65535 {
				p.drop()
				return false
			}
			return true
		}},
	},
	{
		Name: "hangs", Text: "reads nothing",
		Red:       goodCloses + " " + echoFirst + " " + breaches + " " + invalidText,
		RedServer: badCloses,
		traits:    traits{opened: (*Peer).hang},
	},
	{
		Name: "hangs-on-large", Text: "reads nothing more when a message has 65536 octets and more",
		Red: over64k,
		traits: traits{fragment: func(p *Peer, _ bool) bool {
			if len(p.message) >= 65536 {
				p.hang()
				return false
			}
			return true
		}},
	},
	{
		Name: "gives-up", Text: "closes TCP after 500 messages",
		Red: "9.7.* 9.8.*",
		traits: traits{message: func(p *Peer, op frame.Opcode, payload []byte) {
			if p.stash = append(p.stash, nil); len(p.stash) > 500 {
				p.drop()
				return
			}
			p.send(op, payload)
		}},
	},
}
