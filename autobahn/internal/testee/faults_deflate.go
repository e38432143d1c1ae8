package testee

import (
	"github.com/idlewire/idlewire/autobahn/internal/deflate"
	"github.com/idlewire/idlewire/frame"
)

// compressed are all cases with permessage-deflate.
const compressed = "12.* 13.*"

// CorrectDeflate is Correct, and agrees to permessage-deflate (RFC 7692).
var CorrectDeflate = &Kind{Name: "correct-deflate", Text: "keeps to RFC 6455 and RFC 7692", Compresses: true}

// deflateFaults are about compression.
var deflateFaults = []*Kind{
	{
		Name: "no-deflate", Text: "does not know the extension: UNIMPLEMENTED",
		Red: compressed,
	},
	{
		Name: "inflates-nothing", Text: "agrees to the extension, and takes what is compressed for the message",
		Red:    compressed,
		traits: traits{neverInflates: true, neverDeflates: true},
	},
	{
		Name: "deflates-without-rsv1", Text: "compresses messages, but does not set RSV1 on them",
		Red:    compressed,
		traits: traits{message: func(p *Peer, op frame.Opcode, payload []byte) { p.send(op, p.squeeze(payload)) }},
	},
	{
		Name: "rsv1-in-clear", Text: "sets RSV1 on messages that are not compressed",
		Red: compressed,
		traits: traits{message: func(p *Peer, op frame.Opcode, payload []byte) {
			p.sendFrame(frame.Header{Opcode: op, Fin: true, Rsv: frame.Rsv1}, payload)
		}},
	},
	{
		Name: "rsv1-on-all-frames", Text: "sets RSV1 on each fragment of a compressed message",
		Red: compressed,
		traits: traits{message: func(p *Peer, op frame.Opcode, payload []byte) {
			b := p.squeeze(payload)
			p.sendFrame(frame.Header{Opcode: op, Rsv: frame.Rsv1}, b[:1])
			p.sendFrame(frame.Header{Opcode: frame.Continuation, Fin: true, Rsv: frame.Rsv1}, b[1:])
		}},
	},
	{
		Name: "rsv1-on-last-frame", Text: "sets RSV1 on the last fragment of a compressed message",
		Red: compressed,
		traits: traits{message: func(p *Peer, op frame.Opcode, payload []byte) {
			b := p.squeeze(payload)
			p.sendFrame(frame.Header{Opcode: op}, b[:1])
			p.sendFrame(frame.Header{Opcode: frame.Continuation, Fin: true, Rsv: frame.Rsv1}, b[1:])
		}},
	},
	{
		Name: "deflate-altered", Text: "changes a bit of a message before it compresses it",
		Red: compressed,
		traits: traits{message: func(p *Peer, op frame.Opcode, payload []byte) {
			payload = append([]byte(nil), payload...)
			if len(payload) > 0 {
				payload[len(payload)-1] ^= 1
			}
			p.echo(op, payload)
		}},
	},
	{
		Name: "deflate-twice", Text: "sends each compressed message back twice",
		Red: compressed,
		traits: traits{message: func(p *Peer, op frame.Opcode, payload []byte) {
			p.echo(op, payload)
			p.echo(op, payload)
		}},
	},
	{
		Name: "deflate-type", Text: "sends compressed messages back as the other type",
		Red:    compressed,
		traits: traits{message: func(p *Peer, op frame.Opcode, payload []byte) { p.echo(otherType(op), payload) }},
	},
	{
		Name: "inflates-afresh", Text: "forgets what it has inflated with each message, although the other end may refer to it",
		Red: "12.1.* 12.3.2..18 12.4.* 13.*", Chance: "12.2.* 12.3.1 12.5.*", // not all data refer back
		traits: traits{inflating: func(r Role, params *deflate.Params) { *theirs(r, params).noTakeover = true }},
	},
	{
		Name: "inflates-narrow", Text: "remembers 512 octets of what it has inflated, where the other end may refer to 32 768",
		Red: "12.1.3..18 12.3.3..18 12.4.3..18 13.*.3..18", Chance: "12.2.* 12.5.* 12.*.1..2 13.*.1..2",
		traits: traits{inflating: func(r Role, params *deflate.Params) { *theirs(r, params).windowBits = 9 }},
	},
	{
		Name: "deflates-on", Text: "refers to earlier messages, although it has agreed not to",
		Red:    "13.2.* 13.5.* 13.6.* 13.7.*",
		traits: traits{deflating: func(r Role, params *deflate.Params) { *ours(r, params).noTakeover = false }},
	},
	{
		Name: "deflates-wide", Text: "refers to octets up to 32 768 back, although it has agreed to 512",
		Red: "13.3.4..18 13.5.4..18 13.7.4..18", Chance: "13.3.1..3 13.5.1..3 13.7.1..3", // short messages need no more
		traits: traits{deflating: func(r Role, params *deflate.Params) { *ours(r, params).windowBits = 15 }},
	},
	{
		Name: "inflates-first-frame", Text: "inflates the first fragment of a message only",
		Red: "12.*.11..17 13.*.11..17", Chance: "12.*.18 13.*.18", // some fit into one frame
		traits: traits{fragment: func(p *Peer, _ bool) bool {
			if p.frames > 1 {
				p.message = p.message[:p.start]
			}
			return true
		}},
	},
	{
		Name: "inflates-64k", Text: "takes no message that inflates to more than 65535 octets",
		Red:    "12.*.9..10 12.*.14..18 13.*.9..10 13.*.14..18",
		traits: traits{maxMessage: 65535},
	},
	{
		Name: "utf8-before-inflating", Text: "validates the octets of a text as they come, compressed",
		Red:    "12.1.* 12.4.* 13.*",
		traits: traits{rawText: true},
	},
	{
		Name: "deflate-tail", Text: "leaves 00 00 ff ff at the end of what it has compressed",
		Red: compressed,
		traits: traits{message: func(p *Peer, op frame.Opcode, payload []byte) {
			p.sendFrame(frame.Header{Opcode: op, Fin: true, Rsv: frame.Rsv1}, append(p.squeeze(payload), 0, 0, 0xff, 0xff))
		}},
	},
	{
		Name: "deflate-cut", Text: "loses the last octet of what it has compressed",
		Red: compressed,
		traits: traits{message: func(p *Peer, op frame.Opcode, payload []byte) {
			b := p.squeeze(payload)
			p.sendFrame(frame.Header{Opcode: op, Fin: true, Rsv: frame.Rsv1}, b[:len(b)-1])
		}},
	},
	{
		Name: "deflates-nothing", Text: "agrees to the extension, and compresses nothing",
		Unseen: "RFC 7692, 6, leaves that to the sender",
		traits: traits{neverDeflates: true},
	},
	{
		Name: "deflates-afresh", Text: "never refers to earlier messages, although it may",
		Unseen: "7.1.1 only allows it",
		traits: traits{deflating: func(r Role, params *deflate.Params) { *ours(r, params).noTakeover = true }},
	},
}

// direction is the parameters of one direction of a connection.
type direction struct {
	noTakeover *bool
	windowBits *int
}

// ours is the direction from an endpoint in that role, theirs that to it.
func ours(r Role, p *deflate.Params) direction {
	if r == Server {
		return direction{&p.ServerNoContextTakeover, &p.ServerMaxWindowBits}
	}
	return direction{&p.ClientNoContextTakeover, &p.ClientMaxWindowBits}
}

func theirs(r Role, p *deflate.Params) direction { return ours(Server+Client-r, p) }

func init() {
	for _, k := range deflateFaults[1:] {
		k.Compresses = true
	}
}
