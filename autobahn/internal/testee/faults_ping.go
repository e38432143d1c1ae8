package testee

import (
	"time"

	"github.com/idlewire/idlewire/frame"
)

// pingFaults are about pings and pongs.
var pingFaults = []*Kind{
	{
		Name: "no-pong", Text: "never answers a ping",
		Red:    pings,
		traits: traits{ping: func(*Peer, []byte) {}},
	},
	{
		Name: "pong-empty", Text: "answers pings with a pong without payload",
		Red:    pings + " -2.1",
		traits: traits{ping: func(p *Peer, _ []byte) { p.send(frame.Pong, nil) }},
	},
	{
		Name: "pong-altered", Text: "changes a bit of a ping's payload",
		Red:    pings + " -2.1",
		traits: traits{ping: func(p *Peer, payload []byte) { p.send(frame.Pong, flipped(payload)) }},
	},
	{
		Name: "pong-cut", Text: "cuts the payload of a ping to 124 octets",
		Red:    "2.4 2.6",
		traits: traits{ping: func(p *Peer, payload []byte) { p.send(frame.Pong, payload[:min(len(payload), 124)]) }},
	},
	{
		Name: "pong-c-string", Text: "takes the payload of a ping for a C string",
		Red:    "2.3",
		traits: traits{ping: func(p *Peer, payload []byte) { p.send(frame.Pong, cString(payload)) }},
	},
	{
		Name: "pong-text-only", Text: "answers only pings whose payload is ASCII",
		Red: "2.3..4 2.6",
		traits: traits{ping: func(p *Peer, payload []byte) {
			for _, c := range payload {
				if c >= 0x80 {
					return
				}
			}
			p.send(frame.Pong, payload)
		}},
	},
	{
		Name: "pong-latest", Text: "answers of several pings in a read the last only (which 5.5.3 allows, but the suite counts ten)",
		Red: "2.10",
		traits: traits{
			ping: func(p *Peer, payload []byte) { p.stash = [][]byte{append([]byte(nil), payload...)} },
			message: func(p *Peer, op frame.Opcode, payload []byte) {
				sendStash(p)
				p.send(op, payload)
			},
			idle: sendStash,
		},
	},
	{
		Name: "pongs-backwards", Text: "answers several pings in a read from the last to the first",
		Red: "2.10",
		traits: traits{
			ping: func(p *Peer, payload []byte) {
				p.stash = append([][]byte{append([]byte(nil), payload...)}, p.stash...)
			},
			message: func(p *Peer, op frame.Opcode, payload []byte) {
				sendStash(p)
				p.send(op, payload)
			},
			idle: sendStash,
		},
	},
	{
		Name: "pong-after-message", Text: "answers a ping between fragments when the message is over",
		Red: inner,
		traits: traits{
			ping: func(p *Peer, payload []byte) {
				if p.stash = append(p.stash, append([]byte(nil), payload...)); !p.inMessage {
					sendStash(p)
				}
			},
			message: func(p *Peer, op frame.Opcode, payload []byte) {
				p.send(op, payload)
				sendStash(p)
			},
		},
	},
	{
		Name: "pong-twice", Text: "answers each ping twice",
		Red: pings,
		traits: traits{ping: func(p *Peer, payload []byte) {
			p.send(frame.Pong, payload)
			p.send(frame.Pong, payload)
		}},
	},
	{
		Name: "pong-late", Text: "answers a ping 1.2 s late",
		Red: pings + " -2.6 -2.10..11", // which have two and three seconds
		traits: traits{ping: func(p *Peer, payload []byte) {
			payload = append([]byte(nil), payload...)
			p.after(1200*time.Millisecond, func() { p.send(frame.Pong, payload) })
		}},
	},
	{
		Name: "pong-fragmented", Text: "sends pongs without FIN",
		Red:    pings,
		traits: traits{ping: func(p *Peer, payload []byte) { p.sendFrame(frame.Header{Opcode: frame.Pong}, payload) }},
	},
	{
		Name: "pong-rsv", Text: "sends pongs with RSV1",
		Red: pings,
		traits: traits{ping: func(p *Peer, payload []byte) {
			p.sendFrame(frame.Header{Opcode: frame.Pong, Fin: true, Rsv: frame.Rsv1}, payload)
		}},
	},
	{
		Name: "ping-for-ping", Text: "answers a ping with a ping",
		Red:    pings,
		traits: traits{ping: func(p *Peer, payload []byte) { p.send(frame.Ping, payload) }},
	},
	{
		Name: "text-for-ping", Text: "answers a ping with a text, as if it were a message",
		Red:    pings,
		traits: traits{ping: func(p *Peer, payload []byte) { p.send(frame.Text, payload) }},
	},
	{
		Name: "pong-for-pong", Text: "answers pongs",
		Red:    "2.7..9",
		traits: traits{pong: func(p *Peer, payload []byte) { p.send(frame.Pong, payload) }},
	},
	{
		Name: "refuses-pong", Text: "fails the connection because of a pong that it did not ask for",
		Red:    "2.7..9",
		traits: traits{pong: func(p *Peer, _ []byte) { p.fail(strayContinuation) }},
	},
	{
		Name: "inner-ping-lost", Text: "reads over pings between fragments",
		Red: inner,
		traits: traits{ping: func(p *Peer, payload []byte) {
			if !p.inMessage {
				p.send(frame.Pong, payload)
			}
		}},
	},
	{
		Name: "inner-ping-refused", Text: "fails the connection because of a ping between fragments",
		Red: inner,
		traits: traits{ping: func(p *Peer, payload []byte) {
			if p.inMessage {
				p.fail(innerMessage)
				return
			}
			p.send(frame.Pong, payload)
		}},
	},
	{
		Name: "inner-ping-in-message", Text: "adds the payload of a ping between fragments to the message",
		Red: inner,
		traits: traits{ping: func(p *Peer, payload []byte) {
			if p.inMessage {
				p.message = append(p.message, payload...)
			}
			p.send(frame.Pong, payload)
		}},
	},
	{
		Name: "inner-ping-ends", Text: "forgets what it has of a message when a ping comes",
		Red: inner,
		traits: traits{ping: func(p *Peer, payload []byte) {
			p.inMessage = false
			p.send(frame.Pong, payload)
		}},
	},
	{
		Name: "pong-before-echo", Text: "sends a pong that nobody asked for before each echo",
		Red: echoes + " " + echoFirst + " -9.1.* -9.2.* -9.3.* -9.4.* -9.5.* -9.6.*", // there it makes the runner close early, and the echo still counts
		traits: traits{message: func(p *Peer, op frame.Opcode, payload []byte) {
			p.send(frame.Pong, nil)
			p.send(op, payload)
		}},
	},
	{
		Name: "pings", Text: "sends a ping each millisecond",
		Unseen: "5.5.2 allows it at any time, and the runner answers",
		traits: traits{opened: pingForEver},
	},
}

func pingForEver(p *Peer) {
	if !p.sentClose {
		p.send(frame.Ping, []byte("again"))
		p.after(time.Millisecond, func() { pingForEver(p) })
	}
}

// sendStash sends the pongs that were kept back.
func sendStash(p *Peer) {
	for _, b := range p.stash {
		p.send(frame.Pong, b)
	}
	p.stash = nil
}

func cString(b []byte) []byte {
	for i, c := range b {
		if c == 0 {
			return b[:i]
		}
	}
	return b
}
