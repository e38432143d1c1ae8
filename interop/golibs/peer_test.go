package golibs

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"
)

// A link is one library's connection, of either role, in the words of the checks. The library's own reader runs in a goroutine and hands what it sees to the peer.
type link interface {
	send(op byte, payload []byte) error
	// fragments sends one message as the parts, calling between (if not nil) before the last. A library that cuts where it likes must still send more than one frame.
	fragments(op byte, parts [][]byte, between func() error) error
	ping(payload []byte) error
	// goodbye sends a Close; code 1005 means one without a code.
	goodbye(code int, reason string) error
	drop() // closes TCP
}

// errNotOffered says that a library's interface has no way to do what the check needs.
var errNotOffered = errors.New("not offered by the library")

// An event is what the library's reader saw: a data message, a pong, or, last, an end.
type event struct {
	op      byte
	payload []byte
	end     error // *goodbye if the other end said Close
}

// A goodbye is a received Close, as the library tells it.
type goodbye struct {
	code   int
	reason string
}

func (g *goodbye) Error() string {
	return fmt.Sprintf("closed by the other end: %d %q", g.code, g.reason)
}

// A refusal is an answer to the opening handshake that is not 101.
type refusal struct {
	status int
	header http.Header
	body   []byte
}

func (r *refusal) Error() string { return fmt.Sprintf("refused: %d %q", r.status, r.body) }

// opts is what a client wants of its opening handshake.
type opts struct {
	origin    string
	header    http.Header
	protocols []string
	compress  bool        // offer permessage-deflate
	deflate   *knobs      // offer it so
	dribble   bool        // one octet per write, from the first
	small     bool        // use small buffers where they decide about fragments
	tls       *tls.Config // for wss
	patience  time.Duration
}

// headers returns o.header with the origin.
func (o opts) headers() http.Header {
	h := o.header.Clone()
	if h == nil {
		h = http.Header{}
	}
	if o.origin != "" {
		h.Set("Origin", o.origin)
	}
	return h
}

// A peer is a link and what its reader saw.
type peer struct {
	link
	t        *tap // nil on the server side
	protocol string
	wild     bool // this end broke the rules on purpose
	dirty    bool // the server did
	events   chan event
	over     *event // the end, once it was taken
	once     sync.Once
}

// dialer opens a connection with one library's client, over a tap.
type dialer func(ctx context.Context, url string, o opts) (*peer, error)

func newPeer() *peer { return &peer{events: make(chan event, 8192)} }

func (p *peer) emit(op byte, payload []byte) {
	p.events <- event{op: op, payload: bytes.Clone(payload)}
}

// finish ends the events. What follows is not heard.
func (p *peer) finish(err error) { p.once.Do(func() { p.events <- event{end: err} }) }

// next waits for the next event. The tap's bound makes it end.
func (p *peer) next() event {
	if p.over != nil {
		return *p.over
	}
	e := <-p.events
	if e.end != nil {
		p.over = &e
	}
	return e
}

// receive waits for a data message.
func (p *peer) receive() (op byte, payload []byte, err error) {
	for {
		switch e := p.next(); {
		case e.end != nil:
			return 0, nil, e.end
		case e.op == opPong:
		default:
			return e.op, e.payload, nil
		}
	}
}

// expect waits for this message and nothing else.
func (p *peer) expect(op byte, want []byte) error {
	gotOp, got, err := p.receive()
	if err != nil {
		return fmt.Errorf("waiting for a message of %d octets: %w", len(want), err)
	}
	if gotOp != op {
		return fmt.Errorf("sent opcode %d, received %d", op, gotOp)
	}
	return same(got, want)
}

// same says where got differs from want.
func same(got, want []byte) error {
	if bytes.Equal(got, want) {
		return nil
	}
	for i := range min(len(got), len(want)) {
		if got[i] != want[i] {
			return fmt.Errorf("octet %d of %d is %#02x, want %#02x", i, len(want), got[i], want[i])
		}
	}
	if len(got) != len(want) {
		return fmt.Errorf("%d octets, want %d", len(got), len(want))
	}
	return nil
}

// waitEnd waits for the end and passes by all messages before it.
func (p *peer) waitEnd() error {
	for {
		if e := p.next(); e.end != nil {
			return e.end
		}
	}
}

// waitGoodbye waits for the other end's Close, and returns its code and reason as they were on the wire if there is a tap, else as the library tells them.
func (p *peer) waitGoodbye() (code int, reason string, err error) {
	end := p.waitEnd()
	if p.t != nil && !p.t.opaque {
		if code, reason, ok := closeOf(p.t.received()); ok {
			if g := (*goodbye)(nil); errors.As(end, &g) && (g.code != code || g.reason != reason) {
				return code, reason, fmt.Errorf("the library tells of Close %d %q, the wire of %d %q", g.code, g.reason, code, reason)
			}
			return code, reason, nil
		}
	} else if g := (*goodbye)(nil); errors.As(end, &g) {
		return g.code, g.reason, nil
	}
	return 0, "", fmt.Errorf("no Close came: %w", end)
}
