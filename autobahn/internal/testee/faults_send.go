package testee

import "github.com/idlewire/idlewire/frame"

// sendFaults write frames that are not well formed.
var sendFaults = []*Kind{
	sendsData("sends-rsv1", "sets RSV1 on messages, without an extension", func(f *out) { f.Rsv = frame.Rsv1 }),
	sendsData("sends-rsv2", "sets RSV2 on messages", func(f *out) { f.Rsv = frame.Rsv2 }),
	sendsData("sends-rsv3", "sets RSV3 on messages", func(f *out) { f.Rsv = frame.Rsv3 }),
	sendsData("sends-reserved", "sends messages with opcode 3", func(f *out) { f.Opcode = 3 }),
	sendsData("sends-continuation", "sends messages as continuations of nothing", func(f *out) { f.Opcode = frame.Continuation }),
	sendsData("sends-no-fin", "never sets FIN on messages", func(f *out) { f.Fin = false }),
	sendsData("announces-more", "announces an octet of a message more than there are", func(f *out) { f.Length++ }),
	{
		Name: "announces-less", Text: "announces an octet of a message less than there are",
		Red: full + " " + echoFirst,
		traits: traits{write: func(_ *Peer, f *out) {
			if f.Opcode <= frame.Binary && f.Length > 0 {
				f.Length--
			}
		}},
	},
	{
		Name: "sends-bad-fragments", Text: "sends messages in two fragments that both say what type they are",
		Red: echoes + " " + echoFirst,
		traits: traits{message: func(p *Peer, op frame.Opcode, payload []byte) {
			half := len(payload) / 2
			p.sendFrame(frame.Header{Opcode: op}, payload[:half])
			p.send(op, payload[half:])
		}},
	},
	{
		Name: "server-masks", Text: "masks its frames as a server",
		Only:   Server,
		Red:    all,
		traits: traits{write: func(p *Peer, f *out) { f.Masked, f.Key = true, p.rand.Uint32() }},
	},
	{
		Name: "client-does-not-mask", Text: "does not mask its frames as a client",
		Only:   Client,
		Red:    goodCloses + " " + breaches + " " + invalidText,
		traits: traits{write: func(_ *Peer, f *out) { f.Masked = false }},
	},
	{
		Name: "client-masks-header-only", Text: "says that its frames are masked, and sends their payload in clear",
		Only:   Client,
		Red:    all + " -7.3.1",
		traits: traits{write: func(_ *Peer, f *out) { f.clear = true }},
	},
	{
		Name: "client-masks-messages-only", Text: "masks messages, but not control frames",
		Only:   Client,
		Red:    goodCloses + " " + breaches + " " + invalidText,
		traits: traits{write: func(_ *Peer, f *out) { f.Masked = f.Masked && f.Opcode <= frame.Binary }},
	},
	{
		Name: "client-reuses-key", Text: "masks all frames with the same key",
		Only:   Client,
		Unseen: "10.3 asks for unpredictable keys, but a frame alone does not show it",
		traits: traits{write: func(_ *Peer, f *out) { f.Key = 0x12345678 }},
	},
}

// sendsData is a Kind that changes the header of each message.
func sendsData(name, text string, change func(f *out)) *Kind {
	return &Kind{
		Name: name, Text: text, Red: echoes + " " + echoFirst,
		traits: traits{write: func(_ *Peer, f *out) {
			if f.Opcode <= frame.Binary {
				change(f)
			}
		}},
	}
}
