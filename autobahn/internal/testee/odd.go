package testee

import (
	"time"

	"github.com/idlewire/idlewire/frame"
)

// Odd are the peers of testdata/odd-peers.json of package autobahn: those that the original suite was measured with. The texts are those of the file.
var Odd = []*Kind{
	odd("good", "well-behaved echo peer WITHOUT any validation (echoes bad UTF-8, ignores RSV, unknown opcodes count as continuation); answers Close with the same body and closes TCP",
		nil),
	odd("drop_at_once", "closes TCP right after the handshake",
		func(t *traits) { t.opened = (*Peer).drop }),
	odd("drop_on_frame", "closes TCP when the first frame arrives",
		func(t *traits) { t.header = func(p *Peer, _ *header) bool { p.drop(); return false } }),
	odd("close_at_once", "sends Close 1000 right after the handshake, ignores everything but Close, closes TCP when Close arrives",
		func(t *traits) {
			t.opened = func(p *Peer) { p.sendClose(closeBody(1000)) }
			t.header = onlyClose
		}),
	odd("close_bare_on_frame", "answers the first frame that is not Close with a Close without body, then ignores everything but Close and closes TCP when Close arrives",
		func(t *traits) {
			t.header = func(p *Peer, h *header) bool {
				if h.op != frame.Close && !p.sentClose {
					p.sendClose(nil)
				}
				return onlyClose(p, h)
			}
		}),
	odd("close_1002_on_frame", "answers the first frame that is not Close with Close 1002; as a server it closes TCP 50 ms later",
		func(t *traits) {
			t.header = func(p *Peer, h *header) bool {
				if h.op != frame.Close {
					p.sendClose(closeBody(1002))
					p.deaf = true
					if p.role == Server {
						p.after(50*time.Millisecond, p.drop)
					}
				}
				return onlyClose(p, h)
			}
		}),
	odd("close_1002_keep_tcp", "answers the first frame that is not Close with Close 1002 and never closes TCP itself",
		func(t *traits) {
			t.header = func(p *Peer, h *header) bool {
				if h.op != frame.Close {
					p.sendClose(closeBody(1002))
					p.deaf = true
				}
				return onlyClose(p, h)
			}
		}),
	odd("close_after_echo", "as good, but sends Close 1000 right after its first echo",
		func(t *traits) {
			t.message = func(p *Peer, op frame.Opcode, payload []byte) {
				p.send(op, payload)
				p.sendClose(closeBody(1000))
			}
			t.header = func(p *Peer, h *header) bool { return !p.sentClose || onlyClose(p, h) }
		}),
	odd("no_close_reply", "as good, but never answers Close and keeps TCP open",
		func(t *traits) { t.closed = func(*Peer, []byte) {} }),
	odd("close_reply_keep_tcp", "as good, answers Close but keeps TCP open",
		func(t *traits) { t.closed = (*Peer).sendClose }),
	odd("close_reply_late", "as good, answers Close (and closes TCP) 0.6 s late",
		func(t *traits) { t.closed = late(600 * time.Millisecond) }),
	odd("close_reply_too_late", "as good, answers Close 1.5 s late",
		func(t *traits) { t.closed = late(1500 * time.Millisecond) }),
	oddReply("close_reply_bare", "as good, answers every Close with one without body", nil),
	oddReply("close_reply_1001", "answers every Close with 1001", closeBody(1001)),
	oddReply("close_reply_1005", "answers every Close with 1005", closeBody(1005)),
	oddReply("close_reply_1002", "answers every Close with 1002", closeBody(1002)),
	oddReply("close_reply_len1", "answers every Close with a body of one octet", []byte{3}),
	odd("drop_on_close", "as good, but closes TCP instead of answering Close",
		func(t *traits) { t.closed = func(p *Peer, _ []byte) { p.drop() } }),
	odd("no_pong", "as good, but no pongs",
		func(t *traits) { t.ping = func(*Peer, []byte) {} }),
	odd("pong_extra", "as good, but sends an unsolicited pong before each echo",
		func(t *traits) {
			t.message = func(p *Peer, op frame.Opcode, payload []byte) {
				p.send(frame.Pong, nil)
				p.send(op, payload)
			}
		}),
	odd("wrong_type", "as good, but echoes text as binary and the other way round",
		func(t *traits) {
			t.message = func(p *Peer, op frame.Opcode, payload []byte) { p.send(otherType(op), payload) }
		}),
	odd("double_echo", "as good, but echoes twice",
		func(t *traits) {
			t.message = func(p *Peer, op frame.Opcode, payload []byte) {
				p.send(op, payload)
				p.send(op, payload)
			}
		}),
	odd("swap_content", "as good, but flips one bit of the first octet of each echo",
		func(t *traits) {
			t.message = func(p *Peer, op frame.Opcode, payload []byte) { p.send(op, flipped(payload)) }
		}),
	odd("fragment_echo", "as good, but echoes in two fragments",
		func(t *traits) {
			t.message = func(p *Peer, op frame.Opcode, payload []byte) {
				half := len(payload) / 2
				p.sendFrame(frame.Header{Opcode: op}, payload[:half])
				p.send(frame.Continuation, payload[half:])
			}
		}),
	odd("rsv_echo", "as good, but sets RSV=2 in its echoes",
		func(t *traits) {
			t.message = func(p *Peer, op frame.Opcode, payload []byte) {
				p.sendFrame(frame.Header{Opcode: op, Fin: true, Rsv: frame.Rsv2}, payload)
			}
		}),
	odd("ping_first", "as good, but sends a ping first",
		func(t *traits) { t.opened = func(p *Peer) { p.send(frame.Ping, []byte("first")) } }),
	odd("silent", "reads everything, sends nothing after the handshake",
		func(t *traits) { t.header = func(*Peer, *header) bool { return false } }),
	oddOpening("http400", "answers the handshake with HTTP 400",
		func(o *opening) { *o = opening{line: "HTTP/1.1 400 Bad Request", drop: true} }),
	oddOpening("bad_accept", "wrong Sec-WebSocket-Accept",
		func(o *opening) { o.set("Sec-WebSocket-Accept", accept("another key")) }),
	oddOpening("unasked_ext", "as good, but answers permessage-deflate to every handshake",
		func(o *opening) { o.set("Sec-WebSocket-Extensions", "permessage-deflate") }),
}

// odd makes a Kind of "good" with something else about it.
func odd(name, text string, change func(t *traits)) *Kind {
	k := &Kind{Name: name, Text: text, traits: traits{
		tolerates: anything,
		closed: func(p *Peer, body []byte) {
			if !p.sentClose {
				p.sendClose(body)
			}
			p.drop()
		},
	}}
	if change != nil {
		change(&k.traits)
	}
	return k
}

func oddReply(name, text string, body []byte) *Kind {
	return odd(name, text, func(t *traits) {
		t.closed = func(p *Peer, _ []byte) {
			p.sendClose(body)
			p.drop()
		}
	})
}

// oddOpening makes one that is a server only.
func oddOpening(name, text string, change func(o *opening)) *Kind {
	k := odd(name, text, func(t *traits) { t.opening = change })
	k.Only = Server
	return k
}

// onlyClose lets pass what ends the connection.
func onlyClose(_ *Peer, h *header) bool { return h.op == frame.Close }

// late answers a Close as "good" does, but later; what comes in the meantime is not read before.
func late(d time.Duration) func(p *Peer, body []byte) {
	return func(p *Peer, body []byte) {
		body = append([]byte(nil), body...)
		p.pause(d, func() {
			p.sendClose(body)
			p.drop()
		})
	}
}

func otherType(op frame.Opcode) frame.Opcode {
	switch op {
	case frame.Text:
		return frame.Binary
	case frame.Binary:
		return frame.Text
	}
	return op
}

// flipped is b with one bit of its first octet the other way round. Text remains UTF-8: a bit of the lowest place of ASCII, or of the first octet of two.
func flipped(b []byte) []byte {
	b = append([]byte(nil), b...)
	if len(b) > 0 {
		b[0] ^= 1
	}
	return b
}
