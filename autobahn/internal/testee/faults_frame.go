package testee

import "github.com/idlewire/idlewire/frame"

// frameFaults let pass single frames that they must not, or lose their place among them.
var frameFaults = []*Kind{
	{
		Name: "accepts-rsv", Text: "takes no notice of the reserved bits",
		Red:    "3.1..6", // 3.7 is a Close: answering it looks like failing the connection
		traits: traits{tolerates: rsv},
	},
	{
		Name: "accepts-rsv1", Text: "takes no notice of RSV1, although there is no extension",
		Red:    "3.4",
		traits: traits{tolerates: rsv1},
	},
	{
		Name: "accepts-rsv2", Text: "takes no notice of RSV2",
		Red:    "3.2",
		traits: traits{tolerates: rsv2},
	},
	{
		Name: "accepts-rsv3", Text: "takes no notice of RSV3",
		Red:    "3.1",
		traits: traits{tolerates: rsv3},
	},
	{
		Name: "reserved-is-text", Text: "takes frames of opcodes 3 to 7 for text",
		Red: "4.1.*",
		traits: traits{header: func(_ *Peer, h *header) bool {
			if h.op > frame.Binary && h.op < frame.Close {
				h.op = frame.Text
			}
			return true
		}},
	},
	{
		Name: "ignores-reserved-data", Text: "reads over frames of opcodes 3 to 7",
		Red:    "4.1.*",
		traits: traits{header: func(_ *Peer, h *header) bool { return h.op <= frame.Binary || h.op >= frame.Close }},
	},
	{
		Name: "ignores-reserved-control", Text: "reads over frames of opcodes 11 to 15",
		Red:    "4.2.*",
		traits: traits{header: func(_ *Peer, h *header) bool { return h.op <= frame.Pong }},
	},
	{
		Name: "reserved-is-ping", Text: "takes frames of opcodes 11 to 15 for pings",
		Red: "4.2.*",
		traits: traits{header: func(_ *Peer, h *header) bool {
			if h.op > frame.Pong {
				h.op = frame.Ping
			}
			return true
		}},
	},
	{
		Name: "ignores-unknown", Text: "reads over frames of any opcode that is not defined",
		Red: "4.*",
		traits: traits{header: func(_ *Peer, h *header) bool {
			return h.op <= frame.Binary || h.op >= frame.Close && h.op <= frame.Pong
		}},
	},
	{
		Name: "accepts-long-control", Text: "accepts control frames of more than 125 octets",
		Red:    "2.5 7.3.6",
		traits: traits{tolerates: longControl},
	},
	{
		Name: "accepts-fragmented-control", Text: "takes a fragment of a control frame for a whole one",
		Red:    "5.1", // in 5.2 the pong needs no answer, and the continuation behind it fails the connection
		traits: traits{tolerates: fragmentedControl},
	},
	{
		Name: "gathers-control", Text: "puts together control frames that come in fragments",
		Red:    "5.1..2",
		traits: traits{tolerates: fragmentedControl, gathers: true},
	},
	{
		Name: "refuses-empty-control", Text: "fails the connection because of a control frame without payload",
		Red: "2.1 2.7 7.3.1",
		traits: traits{header: func(p *Peer, h *header) bool {
			if h.op >= frame.Close && h.length == 0 && !p.deaf {
				p.fail(longControl)
				return false
			}
			return true
		}},
	},
	{
		Name: "key-per-read", Text: "begins anew with the masking key wherever a read begins",
		Only: Server,
		Red:  "1.1.8 1.2.8 2.6 2.11 3.4 4.1.5 4.2.5 5.5 5.8", Chance: "6.4.3..4 9.5.*", // 9.6.* looks at the length only
		traits: traits{keyPerRead: true},
	},
	{
		Name: "read-is-frames", Text: "takes for granted that a read ends where a frame does, and loses what is incomplete",
		Red:    chopped + " 6.4.3..4",
		traits: traits{idle: func(p *Peer) { p.head, p.busy = nil, false }},
	},
	{
		Name: "read-is-a-frame", Text: "loses what comes in a read behind its first frame",
		Red:    "2.7..10 3.2 4.1.3..4 4.2.3..4 5.3 5.6 5.15 5.18 5.19 6.1.2..3 6.2.2..4 6.3.2 7.1.5 10.1.1 " + longFragments,
		traits: traits{oneFrame: true},
	},
	{
		Name: "accepts-wrong-masking", Text: "accepts frames that are not masked from a client, and masked ones from a server",
		Unseen: "no case masks wrongly",
		traits: traits{tolerates: wrongMasking},
	},
	{
		Name: "accepts-long-lengths", Text: "accepts lengths that are not in their shortest form",
		Unseen: "no case sends one",
		traits: traits{tolerates: longForm},
	},
}
