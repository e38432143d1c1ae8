package testee

import "github.com/idlewire/idlewire/frame"

// sizeFaults are about lengths and limits.
var sizeFaults = []*Kind{
	{
		Name: "cuts-125", Text: "cuts messages to 125 octets",
		Red:    over125,
		traits: traits{message: cutTo(125)},
	},
	{
		Name: "cuts-126", Text: "cuts messages to 126 octets",
		Red:    over125 + " -1.1.3 -1.2.3",
		traits: traits{message: cutTo(126)},
	},
	{
		Name: "cuts-65535", Text: "cuts messages to 65535 octets",
		Red:    over64k,
		traits: traits{message: cutTo(65535)},
	},
	{
		Name: "cuts-64k", Text: "cuts messages to 64 KiB",
		Red:    over64k + " -1.1.* -1.2.* -9.1.1 -9.2.1 -10.1.1",
		traits: traits{message: cutTo(65536)},
	},
	{
		Name: "cuts-1m", Text: "cuts messages to 1 MiB",
		Red:    "9.1.4..6 9.2.4..6 9.3.* 9.4.*",
		traits: traits{message: cutTo(1 << 20)},
	},
	{
		Name: "length-7-bits", Text: "writes no length of more than 7 bits",
		Red: over125,
		traits: traits{write: func(_ *Peer, f *out) {
			if n := len(f.payload); n > 125 {
				f.Length = int64(n % 126)
			}
		}},
	},
	{
		Name: "length-16-bits", Text: "writes no length of more than 16 bits",
		Red:    over64k,
		traits: traits{write: func(_ *Peer, f *out) { f.Length &= 0xffff }},
	},
	{
		Name: "length-little-endian", Text: "writes lengths with the least octet first",
		Red: over125 + " -1.1.6 -1.2.6", // 65535 reads the same both ways
		traits: traits{write: func(_ *Peer, f *out) {
			if n := f.Length; n > 125 && n <= 0xffff {
				f.Length = n>>8 | n&0xff<<8
			} else if n > 0xffff {
				f.Length = n << 32
			}
		}},
	},
	{
		Name: "length-always-16", Text: "writes lengths up to 125 in 16 bits",
		Red: echoes + " " + echoFirst + " -" + "1.1.3..8 -1.2.3..8 -9.* 9.7.1..3 9.8.1..3 -10.1.1",
		traits: traits{write: func(_ *Peer, f *out) {
			if f.Opcode <= frame.Binary && len(f.payload) < 126 {
				f.long16()
			}
		}},
	},
	{
		Name: "length-always-64", Text: "writes all lengths in 64 bits",
		Red:       all + " -7.3.2 -7.3.6 -7.5.1 -7.9.*",
		RedServer: badCloses,
		traits:    traits{write: func(_ *Peer, f *out) { f.long64() }},
	},
	{
		Name: "length-message-64", Text: "writes the lengths of messages in 64 bits",
		Red: echoes + " " + echoFirst + " -1.1.7..8 -1.2.7..8 -9.* 9.7.* 9.8.* -10.1.1",
		traits: traits{write: func(_ *Peer, f *out) {
			if f.Opcode <= frame.Binary {
				f.long64()
			}
		}},
	},
	{
		Name: "reads-signed-16", Text: "takes lengths of 32768 and more in 16 bits for negative, and fails the connection",
		Red: "1.1.6 1.2.6",
		traits: traits{header: func(p *Peer, h *header) bool {
			if h.form == 2 && h.length >= 1<<15 {
				p.fail(hugeLength)
				return false
			}
			return true
		}},
	},
	{
		Name: "reads-unsigned-16", Text: "takes no frame of more than 65535 octets",
		Red: over64k + " -9.3.* 9.3.6..9 -9.4.* 9.4.6..9 -10.1.1",
		traits: traits{header: func(p *Peer, h *header) bool {
			if h.form == 8 {
				p.fail(tooBig)
				return false
			}
			return true
		}},
	},
	{
		Name: "at-most-65535", Text: "takes no message of more than 65535 octets",
		Red:    over64k,
		traits: traits{maxMessage: 65535},
	},
	{
		Name: "at-most-1m", Text: "takes no message of more than 1 MiB",
		Red:    "9.1.4..6 9.2.4..6 9.3.* 9.4.*",
		traits: traits{maxMessage: 1 << 20},
	},
	{
		Name: "at-most-8m", Text: "takes no message of more than 8 MiB",
		Red:    "9.1.6 9.2.6",
		traits: traits{maxMessage: 8 << 20},
	},
}

// over125 are messages that the peer has to send back and that have more than 125 octets.
const over125 = "1.1.3..8 1.2.3..8 9.* -9.7.1..3 -9.8.1..3 10.1.1"

func cutTo(n int) func(*Peer, frame.Opcode, []byte) {
	return func(p *Peer, op frame.Opcode, payload []byte) { p.send(op, payload[:min(len(payload), n)]) }
}
