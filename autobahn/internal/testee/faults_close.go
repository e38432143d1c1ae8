package testee

import (
	"fmt"
	"time"

	"github.com/idlewire/idlewire/frame"
)

// closeFaults are about the answer to a Close.
var closeFaults = append([]*Kind{
	{
		Name: "close-ignored", Text: "never answers a Close",
		Red:    goodCloses,
		traits: traits{closed: func(*Peer, []byte) {}},
	},
	{
		Name: "close-drops", Text: "closes TCP in place of answering a Close",
		Red:    goodCloses,
		traits: traits{closed: func(p *Peer, _ []byte) { p.drop() }},
	},
	{
		Name: "close-late", Text: "answers a Close 0.7 s late",
		Red:    validText,
		traits: traits{closed: answerLate(700 * time.Millisecond)},
	},
	{
		Name: "close-too-late", Text: "answers a Close 1.5 s late",
		Red:    goodCloses,
		traits: traits{closed: answerLate(1500 * time.Millisecond)},
	},
	{
		Name: "close-behind", Text: "answers a Close when it has worked off what came with it",
		Red: "7.1.3..5",
		traits: traits{
			closed: func(p *Peer, body []byte) {
				if p.stash == nil {
					p.stash = [][]byte{append([]byte(nil), body...)}
				}
			},
			idle: func(p *Peer) {
				if p.stash != nil {
					p.answer(p.stash[0])
					p.stash = nil
				}
			},
		},
	},
	{
		Name: "server-keeps-tcp", Text: "leaves it to the client to close TCP",
		Only:   Server,
		Red:    all,
		traits: traits{keepsTCP: true},
	},
	{
		Name: "talks-after-close", Text: "sends a text behind its answer to a Close",
		RedServer: goodCloses + " -9.*", // the runner as server reads nothing behind the answer, and in 9.* the verdict has been given
		traits: traits{closed: func(p *Peer, body []byte) {
			p.sendClose(closeBody(1000))
			p.send(frame.Text, []byte("bye"))
			p.finish()
		}},
	},
	{
		Name: "echoes-bad-close", Text: "sends the body of a Close back unseen",
		Red:       "7.5.1 7.9.*",
		RedServer: "7.3.2", // the runner as server has closed TCP, as it should, because of the one octet
		traits: traits{
			tolerates: oneOctetClose | badCode | badReason,
			closed:    func(p *Peer, body []byte) { p.reply(body) },
		},
	},
	{
		Name: "accepts-bad-codes", Text: "accepts any close code",
		Red:    "7.9.*",
		traits: traits{goodCode: func(uint16) bool { return true }},
	},
	{
		Name: "accepts-small-codes", Text: "accepts close codes below 1000",
		Red:    "7.9.1..2",
		traits: traits{goodCode: func(code uint16) bool { return code < 1000 || isGoodCode(code) }},
	},
	{
		Name: "accepts-local-codes", Text: "accepts the close codes that are never on the wire, 1004 to 1006",
		Red:    "7.9.3..5",
		traits: traits{goodCode: func(code uint16) bool { return code >= 1004 && code <= 1006 || isGoodCode(code) }},
	},
	{
		Name: "accepts-unassigned-codes", Text: "accepts close codes from 1015 to 2999",
		Red:    "7.9.6..9",
		traits: traits{goodCode: func(code uint16) bool { return code >= 1015 && code < 3000 || isGoodCode(code) }},
	},
	{
		Name: "accepts-one-octet-close", Text: "takes a Close with one octet for one without body",
		Red:    "7.3.2",
		traits: traits{tolerates: oneOctetClose},
	},
	{
		Name: "accepts-bad-reason", Text: "does not validate the reason of a Close",
		Red:    "7.5.1",
		traits: traits{tolerates: badReason},
	},
	{
		Name: "refuses-bare-close", Text: "does not accept a Close without body",
		Red: "7.3.1",
		traits: traits{closed: func(p *Peer, body []byte) {
			if len(body) == 0 {
				p.fail(oneOctetClose)
				return
			}
			p.answer(body)
		}},
	},
	{
		Name: "refuses-reasons", Text: "does not accept a Close with a reason",
		Red: "7.3.4..5",
		traits: traits{closed: func(p *Peer, body []byte) {
			if len(body) > 2 {
				p.fail(oneOctetClose)
				return
			}
			p.answer(body)
		}},
	},
	{
		Name: "refuses-application-codes", Text: "does not accept close codes of 3000 and more",
		Red:    "7.7.10..13",
		traits: traits{goodCode: func(code uint16) bool { return code < 3000 && isGoodCode(code) }},
	},
	{
		Name: "refuses-private-codes", Text: "does not accept close codes of 4000 and more",
		Red:    "7.7.12..13",
		traits: traits{goodCode: func(code uint16) bool { return code < 4000 && isGoodCode(code) }},
	},
	{
		Name: "refuses-error-codes", Text: "does not accept close codes from 1007 to 1011",
		Red:    "7.7.5..9",
		traits: traits{goodCode: func(code uint16) bool { return (code < 1007 || code > 1011) && isGoodCode(code) }},
	},
	{
		Name: "reply-one-octet", Text: "answers a Close with one octet",
		Red:    goodCloses,
		traits: traits{closed: func(p *Peer, _ []byte) { p.reply([]byte{3}) }},
	},
	{
		Name: "reply-bad-reason", Text: "answers a Close with a reason that is not UTF-8",
		Red:    goodCloses,
		traits: traits{closed: func(p *Peer, _ []byte) { p.reply(append(closeBody(1000), 0xff)) }},
	},
	{
		Name: "reply-too-long", Text: "answers a Close with 126 octets",
		Red: goodCloses,
		traits: traits{closed: func(p *Peer, _ []byte) {
			p.reply(append(closeBody(1000), make([]byte, 124)...))
		}},
	},
	{
		Name: "reply-fragmented", Text: "answers a Close with one without FIN",
		Red: goodCloses,
		traits: traits{closed: func(p *Peer, body []byte) {
			p.sendFrame(frame.Header{Opcode: frame.Close}, body)
			p.finish()
		}},
	},
	{
		Name: "reply-as-pong", Text: "answers a Close as if it were a ping",
		Red:    goodCloses,
		traits: traits{closed: func(p *Peer, body []byte) { p.send(frame.Pong, body) }},
	},
	{
		Name: "closes-after-echo", Text: "sends a Close behind its first echo",
		Red: echoFirst + " 9.7.* 9.8.*",
		traits: traits{message: func(p *Peer, op frame.Opcode, payload []byte) {
			p.send(op, payload)
			p.sendClose(closeBody(1000))
			p.deaf = true
			p.after(time.Millisecond, p.drop)
		}},
	},
	{
		Name: "closes-at-once", Text: "sends a Close as soon as the connection is open",
		Red: all + " -2.7..8 -7.1.2..5 -7.3.1 -7.3.3..5 -7.7.*", // in those the runner's Close is first, and this looks like the answer
		traits: traits{opened: func(p *Peer) {
			p.sendClose(closeBody(1000))
			p.deaf = true
			p.after(time.Millisecond, p.drop)
		}},
	},
	{
		Name: "client-keeps-tcp", Text: "waits for the server to close TCP for ever",
		Only:   Client,
		Unseen: "the runner as server closes TCP itself",
		traits: traits{keepsTCP: true},
	},
}, replies(1001, 1002, 1004, 1005, 1006, 1015, 1012, 0, 999, 2000, 5000)...)

// replies are Kinds that answer every Close with the same code. 1012 is IANA's, but the original runner does not know it, and so neither do we.
func replies(codes ...uint16) (kinds []*Kind) {
	for _, code := range codes {
		red := goodCloses
		switch code {
		case 1001:
			red += " -7.7.2" // the code that is echoed
		case 1002:
			red += " -7.7.3"
		}
		kinds = append(kinds, &Kind{
			Name: fmt.Sprintf("reply-%d", code), Text: fmt.Sprintf("answers every Close with code %d", code),
			Red:    red,
			traits: traits{closed: func(p *Peer, _ []byte) { p.reply(closeBody(code)) }},
		})
	}
	return kinds
}

// answerLate answers a Close later, and reads nothing in the meantime.
func answerLate(d time.Duration) func(*Peer, []byte) {
	return func(p *Peer, body []byte) {
		body = append([]byte(nil), body...)
		p.pause(d, func() { p.answer(body) })
	}
}
