package autobahn

import (
	"bytes"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/idlewire/idlewire/autobahn/internal/testee"
	"github.com/idlewire/idlewire/handshake"
	"github.com/stretchr/testify/require"
)

// An end is the peer of a session: octets and the time go in, octets come out.
type end interface {
	Receive(now time.Time, b []byte)
	Take() [][]byte
	Gone() bool // TCP is to be closed, after what Take returned
	Reading() bool
	Due() (time.Time, bool)
	Tick(now time.Time)
	End(now time.Time) // the runner has ended its direction of TCP
}

// What the runner as client asks for, and the key of the client that asks the runner.
const (
	testTarget, testHost = "/test?a=b", "test.example:9001"
	testKey              = "x3JJHMbDL1EzLkh9GBhXDw=="
)

// joinEnd plays a case with an end, in memory and under simulated time: octets take none, and it passes only when both wait. Each segment that the runner writes is a
// read of the peer's.
func joinEnd(t testing.TB, c *Case, client bool, p end, deliver delivery) *Result {
	var offers []handshake.Extension
	if c.Opening != nil {
		offers = testOffer(c)
	}
	return joinOffers(t, c, client, p, deliver, offers)
}

// joinOffers does so with a client that offers extensions.
func joinOffers(t testing.TB, c *Case, client bool, p end, deliver delivery, offers []handshake.Extension) *Result {
	now := time.Unix(0, 0)
	s := newSession(c, client, DefaultOptions(), masks(1, c.Number))
	if c.Opening != nil {
		s.greet = &opener{Opening: c.Opening, key: testKey, target: testTarget, host: testHost, offers: offers}
	}
	s.begin(now)
	var toPeer []segment
	ended := func() bool {
		for _, b := range deliver(p.Take()) {
			if s.drop != keep {
				break
			}
			s.receive(now, b)
		}
		for _, seg := range s.take() {
			s.wrote(now, len(seg.data))
			if seg.end {
				toPeer = append(toPeer, seg)
				continue
			}
			for _, b := range pieces(seg) {
				toPeer = append(toPeer, segment{data: b})
			}
		}
		return s.drop != keep || p.Gone()
	}
	for turns := 0; !ended(); turns++ {
		require.Less(t, turns, 10_000_000, "%s goes on for ever", c.ID)
		if len(toPeer) > 0 && p.Reading() {
			seg := toPeer[0]
			toPeer = toPeer[1:]
			if seg.end {
				p.End(now)
			} else {
				p.Receive(now, seg.data)
			}
			continue
		}
		at, mine := s.due()
		peerAt, peers := p.Due()
		require.True(t, mine || peers, "%s waits for nothing", c.ID)
		if peers && (!mine || peerAt.Before(at)) {
			now = peerAt
			p.Tick(now)
		} else {
			now = at
			s.tick(now)
		}
	}
	return s.lost(now)
}

// A frameEnd is a testee on a connection that is open. It closes TCP when the runner ends its direction of it, as every end without use for half a connection does.
type frameEnd struct {
	*testee.Peer
	ended bool
}

func (e *frameEnd) Gone() bool    { return e.ended || e.Peer.Gone() }
func (e *frameEnd) End(time.Time) { e.ended = true }

func openEnd(k *testee.Kind, role testee.Role) end {
	p := testee.New(k, role, 1)
	p.Opened(time.Unix(0, 0))
	return &frameEnd{Peer: p}
}

// A serverEnd reads a request with package handshake, answers it, and is a testee then.
type serverEnd struct {
	frameEnd
	request  handshake.Request
	upgrader handshake.Upgrader
	out      [][]byte
	raw      string // of the request, what came
	open     bool
	refused  bool
	// hooks for servers that are wrong
	refuse func(e *serverEnd, err error, rest []byte) // in place of a refusal
	accept func(response []byte) []byte               // changes a response that accepts
	loses  bool                                       // what comes with the request is not seen
	whole  bool                                       // nor is what comes after the first read
}

func openServer(k *testee.Kind) *serverEnd {
	return &serverEnd{frameEnd: frameEnd{Peer: testee.New(k, testee.Server, 1)}}
}

func (e *serverEnd) Receive(now time.Time, b []byte) {
	if e.open {
		e.Peer.Receive(now, b)
		return
	}
	b = slices.Clone(b)
	if e.whole && e.raw != "" {
		return
	}
	e.raw += string(b)
	rest, done, err := e.request.Receive(b)
	if err == nil && !done {
		return
	}
	var response []byte
	if err == nil {
		response, err = e.upgrader.AppendResponse(nil, &e.request)
	}
	if err != nil {
		if e.refuse != nil {
			e.refuse(e, err, rest)
			return
		}
		response := handshake.AppendRefusal(nil, err)
		if strings.HasPrefix(e.raw, "HEAD ") { // RFC 9110, 9.3.2: package handshake does not look that closely at what it refuses
			response = response[:bytes.Index(response, []byte("\r\n\r\n"))+4]
		}
		e.out, e.refused = append(e.out, response), true
		return
	}
	if e.accept != nil {
		response = e.accept(response)
	}
	e.opens(now, response, rest)
}

func (e *serverEnd) opens(now time.Time, response, rest []byte) {
	e.out, e.open = append(e.out, response), true
	e.Peer.Opened(now)
	if !e.loses {
		e.Peer.Receive(now, slices.Clone(rest))
	}
}

func (e *serverEnd) Take() [][]byte {
	out := append(e.out, e.Peer.Take()...)
	e.out = nil
	return out
}

func (e *serverEnd) Gone() bool { return e.refused || e.frameEnd.Gone() }

// A clientEnd reads the response to a request with testKey with package handshake, and is a testee then.
type clientEnd struct {
	frameEnd
	offer    handshake.Offer
	response handshake.Response
	open     bool
	failed   bool
	// forgive, if set, says which errors of the response are overlooked.
	forgive func(err error) bool
	loses   bool // what comes with the response is not seen
	whole   bool // nor is what comes after the first read
	keeps   bool // TCP is not closed
	read    bool
}

func openClient(t testing.TB, k *testee.Kind) *clientEnd {
	u, err := handshake.ParseURL("ws://" + testHost + testTarget)
	require.NoError(t, err)
	e := &clientEnd{frameEnd: frameEnd{Peer: testee.New(k, testee.Client, 1)}, offer: handshake.Offer{URL: u, Key: testKey}}
	_, err = e.offer.AppendRequest(nil)
	require.NoError(t, err)
	return e
}

func (e *clientEnd) Receive(now time.Time, b []byte) {
	if e.open {
		e.Peer.Receive(now, b)
		return
	}
	if e.failed || e.whole && e.read {
		return
	}
	e.read = true
	rest, done, err := e.response.Receive(slices.Clone(b))
	if err == nil && !done {
		return
	}
	if err == nil {
		err = e.offer.Check(&e.response)
	}
	if err != nil && (e.forgive == nil || !done || !e.forgive(err)) {
		e.failed = true
		return
	}
	e.open = true
	e.Peer.Opened(now)
	if !e.loses {
		e.Peer.Receive(now, slices.Clone(rest))
	}
}

func (e *clientEnd) Gone() bool { return e.failed && !e.keeps || e.frameEnd.Gone() }
