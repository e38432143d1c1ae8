package testee

import (
	"slices"
	"time"

	"github.com/idlewire/idlewire/frame"
)

// echoFaults send messages back wrongly. Section 9 looks only at their length.
var echoFaults = []*Kind{
	{
		Name: "text-is-binary", Text: "sends all messages back as binary",
		Red:    echoes + " " + echoFirst + " -1.2.* -9.2.* -9.4.* -9.6.* -9.8.*",
		traits: traits{message: func(p *Peer, _ frame.Opcode, payload []byte) { p.send(frame.Binary, payload) }},
	},
	{
		Name: "binary-is-text", Text: "sends all messages back as text",
		Red:    binaries,
		traits: traits{message: func(p *Peer, _ frame.Opcode, payload []byte) { p.send(frame.Text, payload) }},
	},
	{
		Name: "echo-altered", Text: "changes a bit of the first octet",
		Red:    full + " " + echoFirst + " -9.*",
		traits: traits{message: func(p *Peer, op frame.Opcode, payload []byte) { p.send(op, flipped(payload)) }},
	},
	{
		Name: "echo-last-altered", Text: "changes a bit of the last octet",
		Red: full + " " + echoFirst + " -9.*",
		traits: traits{message: func(p *Peer, op frame.Opcode, payload []byte) {
			if n := len(payload); n > 0 {
				payload = append([]byte(nil), payload...)
				payload[n-1] ^= 1
			}
			p.send(op, payload)
		}},
	},
	{
		Name: "echo-swapped", Text: "swaps the first octet with the last",
		Red: full + " " + echoFirst + " -9.* -1.1.* -1.2.* -6.7.1 -6.9.1 -10.1.1", // there they are the same
		traits: traits{message: func(p *Peer, op frame.Opcode, payload []byte) {
			if n := len(payload); n > 0 {
				payload = append([]byte(nil), payload...)
				payload[0], payload[n-1] = payload[n-1], payload[0]
			}
			p.send(op, payload)
		}},
	},
	{
		Name: "echo-short", Text: "loses the last octet",
		Red:    full + " " + echoFirst,
		traits: traits{message: func(p *Peer, op frame.Opcode, payload []byte) { p.send(op, payload[:max(0, len(payload)-1)]) }},
	},
	{
		Name: "echo-long", Text: "adds an octet",
		Red: echoes + " " + echoFirst,
		traits: traits{message: func(p *Peer, op frame.Opcode, payload []byte) {
			p.send(op, append(slices.Clip(payload), '\n'))
		}},
	},
	{
		Name: "echo-twice", Text: "sends each message back twice",
		Red: echoes + " " + echoFirst + " -9.*",
		traits: traits{message: func(p *Peer, op frame.Opcode, payload []byte) {
			p.send(op, payload)
			p.send(op, payload)
		}},
	},
	{
		Name: "no-echo", Text: "never sends a message back",
		Red:    echoes + " " + echoFirst,
		traits: traits{message: func(*Peer, frame.Opcode, []byte) {}},
	},
	{
		Name: "echo-every-other", Text: "loses every other message",
		Red: "9.7.* 9.8.*",
		traits: traits{message: func(p *Peer, op frame.Opcode, payload []byte) {
			if p.stash = append(p.stash, nil); len(p.stash)%2 == 1 {
				p.send(op, payload)
			}
		}},
	},
	{
		Name: "echo-one-behind", Text: "sends a message back when the next one comes",
		Red: echoes + " " + echoFirst,
		traits: traits{message: func(p *Peer, op frame.Opcode, payload []byte) {
			for _, b := range p.stash {
				p.send(op, b)
			}
			p.stash = [][]byte{payload}
		}},
	},
	{
		Name: "echo-late", Text: "sends a message back 0.7 s late",
		Red:    validText + " 9.7.* 9.8.*",
		traits: traits{message: echoLate(700 * time.Millisecond)},
	},
	{
		Name: "echo-too-late", Text: "sends a message back 1.2 s late",
		// In 5.* and the first of 6.* the runner only closes after a second, and what comes in the one after that still counts.
		Red:    "1.1.1..5 1.2.1..5 " + validText + " 7.1.1 9.7.* 9.8.* " + echoFirst,
		traits: traits{message: echoLate(1200 * time.Millisecond)},
	},
	{
		Name: "loses-empty", Text: "loses messages without payload",
		Red: empty,
		traits: traits{message: func(p *Peer, op frame.Opcode, payload []byte) {
			if len(payload) > 0 {
				p.send(op, payload)
			}
		}},
	},
	{
		Name: "greets", Text: "sends a text as soon as the connection is open",
		Red:    all,
		traits: traits{opened: func(p *Peer) { p.send(frame.Text, []byte("welcome")) }},
	},
}

// echoLate sends a message back later, and reads nothing in the meantime.
func echoLate(d time.Duration) func(*Peer, frame.Opcode, []byte) {
	return func(p *Peer, op frame.Opcode, payload []byte) {
		p.pause(d, func() { p.send(op, payload) })
	}
}
