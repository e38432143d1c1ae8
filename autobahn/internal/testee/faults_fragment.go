package testee

import "github.com/idlewire/idlewire/frame"

// fragmentFaults put messages together wrongly.
var fragmentFaults = []*Kind{
	{
		Name: "stray-begins", Text: "takes a continuation of nothing for the beginning of a text",
		Red: "5.9..11 5.17", // in 5.12 to 5.16 the next frame cannot follow a first fragment, and fails the connection
		traits: traits{header: func(p *Peer, h *header) bool {
			if h.op == frame.Continuation && !p.inMessage {
				h.op = frame.Text
			}
			return true
		}},
	},
	{
		Name: "stray-echoed", Text: "sends a continuation of nothing back as it is",
		Red:    "5.9..11 5.17",
		traits: traits{tolerates: strayContinuation},
	},
	{
		Name: "ignores-stray", Text: "reads over continuations of nothing",
		Red:    "5.9..17",
		traits: traits{header: func(p *Peer, h *header) bool { return h.op != frame.Continuation || p.inMessage }},
	},
	{
		Name: "inner-restarts", Text: "forgets the message of which there were fragments when a new one begins",
		Red:    "5.18", // in 5.12 to 5.16 a stray continuation comes first
		traits: traits{tolerates: innerMessage},
	},
	{
		Name: "inner-continues", Text: "takes any frame inside a message for its continuation",
		Red: "5.18",
		traits: traits{header: func(p *Peer, h *header) bool {
			if p.inMessage && h.op <= frame.Binary {
				h.op = frame.Continuation
			}
			return true
		}},
	},
	{
		Name: "no-order", Text: "does not mind in which order fragments come",
		Red:    "5.9..18",
		traits: traits{tolerates: strayContinuation | innerMessage},
	},
	{
		Name: "each-fragment", Text: "sends back each fragment as a message",
		Red: fragments + " 5.15 5.18 6.3.2 6.4.1..2 7.1.5",
		traits: traits{fragment: func(p *Peer, _ bool) bool {
			p.send(p.op, p.message[p.start:])
			return false
		}},
	},
	{
		Name: "first-fragment", Text: "sends back the first fragment of a message only",
		Red: fragments + " 5.15 -6.1.2",
		traits: traits{fragment: func(p *Peer, _ bool) bool {
			if p.frames > 1 {
				p.message = p.message[:p.start]
			}
			return true
		}},
	},
	{
		Name: "last-fragment", Text: "sends back the last fragment of a message only",
		Red: fragments + " 5.15 -6.1.2",
		traits: traits{fragment: func(p *Peer, last bool) bool {
			if last {
				p.message = p.message[p.start:]
			}
			return true
		}},
	},
	{
		Name: "fragments-backwards", Text: "puts each fragment in front of those before it",
		Red: "5.3..8 5.15 5.19..20 6.2.2..4",
		traits: traits{fragment: func(p *Peer, _ bool) bool {
			p.message = append(append([]byte(nil), p.message[p.start:]...), p.message[:p.start]...)
			return true
		}},
	},
	{
		Name: "loses-empty-fragments", Text: "reads over fragments without payload, and with them the end of a message",
		Red: "6.1.2..3 6.2.3..4 " + longFragments,
		traits: traits{header: func(p *Peer, h *header) bool {
			return h.length > 0 || h.op > frame.Binary || h.fin && h.op != frame.Continuation
		}},
	},
	{
		Name: "empty-fragment-ends", Text: "takes a fragment without payload for the end of the message",
		Red: "6.1.2..3",
		traits: traits{header: func(_ *Peer, h *header) bool {
			h.fin = h.fin || h.length == 0 && h.op <= frame.Binary
			return true
		}},
	},
	{
		Name: "four-fragments", Text: "takes no more than four fragments of a message",
		Red:    "5.19..20 6.2.3..4 6.3.2 10.1.1 " + longFragments,
		traits: traits{maxFragment: 4},
	},
	{
		Name: "16384-fragments", Text: "takes no more than 16384 fragments of a message",
		Red:    "9.3.1..2 9.4.1..2",
		traits: traits{maxFragment: 16384},
	},
	{
		Name: "forgets-type", Text: "sends back as binary what came in fragments",
		Red: "5.3..8 5.15 5.19..20 6.1.2..3 6.2.2..4 9.3.* 9.3.8 -9.3.9 10.1.1",
		traits: traits{fragment: func(p *Peer, _ bool) bool {
			if p.frames > 1 {
				p.op = frame.Binary
			}
			return true
		}},
	},
	{
		Name: "never-clears", Text: "keeps the octets of a message in front of the next one",
		Red: "9.7.* 9.8.* -9.7.1 -9.8.1",
		traits: traits{message: func(p *Peer, op frame.Opcode, payload []byte) {
			p.kept = append(p.kept, payload...)
			p.send(op, p.kept)
		}},
	},
}
