package autobahn

import (
	"bytes"
	"slices"
	"testing"
	"time"

	"github.com/idlewire/idlewire/autobahn/internal/corpus"
	"github.com/idlewire/idlewire/autobahn/internal/deflate"
	"github.com/idlewire/idlewire/autobahn/internal/testee"
)

// A delivery is how what the peer writes comes to the runner: it must not matter.
type delivery func(frames [][]byte) [][]byte

func frameByFrame(frames [][]byte) [][]byte { return frames }

func atOnce(frames [][]byte) [][]byte { return [][]byte{bytes.Join(frames, nil)} }

// manyPieces cuts what is short octet by octet.
func manyPieces(frames [][]byte) [][]byte {
	b := bytes.Join(frames, nil)
	return slices.Collect(slices.Chunk(b, 1+len(b)/1024))
}

// join plays a case with a peer of some kind, in memory and under simulated time: octets take none, and it passes only when both wait. Each segment that the runner
// writes is a read of the peer's.
func join(t testing.TB, c *Case, k *testee.Kind, role testee.Role, deliver delivery) *Result {
	now := time.Unix(0, 0)
	s := newSession(c, role == testee.Server, DefaultOptions(), masks(1, c.Number))
	p := testee.New(k, role, 1)
	if c.Compression != nil {
		agree(s, p, role)
	}
	s.begin(now)
	p.Opened(now)
	var toPeer [][]byte
	// ended hands over what both have written, and says whether TCP is gone.
	ended := func() bool {
		for _, b := range deliver(p.Take()) {
			if s.drop != keep {
				break
			}
			s.receive(now, b)
		}
		for _, seg := range s.take() {
			s.wrote(now, len(seg.data))
			toPeer = append(toPeer, pieces(seg)...)
		}
		return s.drop != keep || p.Gone()
	}
	for turns := 0; !ended(); turns++ {
		if turns == 1_000_000 {
			t.Fatalf("%s with %s goes on for ever", c.ID, k.Name)
		}
		if len(toPeer) > 0 && p.Reading() {
			b := toPeer[0]
			toPeer = toPeer[1:]
			p.Receive(now, b)
			continue
		}
		at, mine := s.due()
		peerAt, peers := p.Due()
		if !mine && !peers {
			t.Fatalf("%s with %s waits for nothing", c.ID, k.Name)
		}
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

// agree is the opening handshake as far as it matters.
func agree(s *session, p *testee.Peer, role testee.Role) {
	c := s.c.Compression
	var agreed *deflate.Params
	if role == testee.Server {
		_, agreed = p.Answer(deflate.Offers(c.Profile))
	} else {
		_, agreed, _ = deflate.Accept(c.Profile, p.Offers())
	}
	p.Agreed(agreed)
	s.corpus = corpus.Get(c.Corpus, 1)
	if agreed != nil {
		s.codec = deflate.New(*agreed, s.client)
	}
}

// pieces is what a segment is on the wire.
func pieces(seg segment) [][]byte {
	if seg.chop == 0 {
		return [][]byte{seg.data}
	}
	return slices.Collect(slices.Chunk(seg.data, seg.chop))
}
