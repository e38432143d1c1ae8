package golibs

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"unicode/utf8"
)

var opNames = map[byte]string{opText: "text", opBinary: "binary"}

var samples sync.Map // of [2]int{opcode, length} to []byte

// sample returns n octets of a message: text of one- to four-octet characters, or noise. They are the caller's.
func sample(op byte, n int) []byte {
	if b, ok := samples.Load([2]int{int(op), n}); ok {
		return bytes.Clone(b.([]byte))
	}
	b := make([]byte, 0, n)
	if op == opBinary {
		r := rand.New(rand.NewPCG(uint64(n), 6455))
		for range n {
			b = append(b, byte(r.Uint32()))
		}
	}
	for i := 0; len(b) < n; i++ {
		c := []rune("wire Ωλ 線路 🧵 ")[i%12]
		if len(b)+utf8.RuneLen(c) > n {
			c = '.'
		}
		b = utf8.AppendRune(b, c)
	}
	samples.Store([2]int{int(op), n}, b)
	return bytes.Clone(b)
}

// cut returns b in n parts, which do not heed the borders of characters; some are empty.
func cut(b []byte, n int) (parts [][]byte) {
	for i := range n {
		parts = append(parts, b[len(b)*i/n:len(b)*(i+1)/n])
		if i%3 == 1 {
			parts = append(parts, nil)
		}
	}
	return parts
}

// echoChecks are what any client must see of an echo server.
func echoChecks() (all []check) {
	add := func(name string, run func(*stage) error) { all = append(all, check{name, run}) }
	for _, op := range []byte{opText, opBinary} {
		for _, n := range []int{0, 1, 125, 126, 127, 65535, 65536, 1 << 20} {
			add(fmt.Sprintf("%s/%d", opNames[op], n), func(s *stage) error { return echoOne(s, op, n) })
		}
	}
	add("in turn on one connection", inTurn)
	add("without waiting", pipelined)
	add("one octet at a time", dribbled)
	for _, op := range []byte{opText, opBinary} {
		for _, n := range []int{2, 7, 500} {
			add(fmt.Sprintf("fragments/%s in %d", opNames[op], n), func(s *stage) error { return fragmented(s, op, n, false) })
			add(fmt.Sprintf("fragments/%s in %d with a ping between", opNames[op], n), func(s *stage) error { return fragmented(s, op, n, true) })
		}
	}
	add("ping", pings)
	add("ping/50 in a row", pingsInARow)
	add("many connections", manyConnections)
	add("broadcast", broadcastSame)
	add("subprotocol offered, none chosen", noSubprotocol)
	add("compression offered, declined", noCompression)
	add("reset inside a frame", resetInside)
	all = append(all, closeChecks()...)
	all = append(all, limitChecks()...)
	all = append(all, handshakeChecks()...)
	return all
}

func echoOne(s *stage, op byte, n int) error {
	p, err := s.open("/", opts{})
	if err != nil {
		return err
	}
	want := sample(op, n)
	if err := p.send(op, bytes.Clone(want)); err != nil {
		return err
	}
	return p.expect(op, want)
}

func inTurn(s *stage) error {
	p, err := s.open("/any/path?with=query", opts{})
	if err != nil {
		return err
	}
	for n := range 200 {
		op := byte(opText + n%2)
		want := sample(op, n*3)
		if err := p.send(op, bytes.Clone(want)); err != nil {
			return err
		}
		if err := p.expect(op, want); err != nil {
			return fmt.Errorf("message %d: %w", n, err)
		}
	}
	return nil
}

// pipelined sends everything before it looks at what came back; the reader takes it all the while.
func pipelined(s *stage) error {
	p, err := s.open("/", opts{})
	if err != nil {
		return err
	}
	size := func(n int) int { return n * n % 5000 }
	for n := range 300 {
		if err := p.send(opBinary, sample(opBinary, size(n))); err != nil {
			return err
		}
	}
	for n := range 300 {
		if err := p.expect(opBinary, sample(opBinary, size(n))); err != nil {
			return fmt.Errorf("message %d: %w", n, err)
		}
	}
	return nil
}

func dribbled(s *stage) error {
	p, err := s.open("/", opts{dribble: true})
	if err != nil {
		return err
	}
	for _, n := range []int{0, 3, 126, 700} {
		if err := p.send(opText, sample(opText, n)); err != nil {
			return err
		}
		if err := p.expect(opText, sample(opText, n)); err != nil {
			return err
		}
	}
	return nil
}

func fragmented(s *stage, op byte, parts int, withPing bool) error {
	p, err := s.open("/", opts{small: true})
	if err != nil {
		return err
	}
	want := sample(op, 12000)
	var between func() error
	if withPing {
		between = func() error { return p.ping([]byte("between")) }
	}
	if err := p.fragments(op, cut(want, parts), between); err != nil {
		return err
	}
	if err := p.expect(op, want); err != nil {
		return err
	}
	sent := p.t.sent()
	if first := sent[0]; first.op != op || first.fin {
		return fmt.Errorf("%w: the message left in one frame", errNotOffered)
	}
	if !withPing {
		return nil
	}
	if sent[len(sent)-1].op == opPing {
		return errors.New("the client sent its ping after the message")
	}
	pong := payloadsOf(p.t.received(), opPong)
	if len(pong) != 1 {
		return fmt.Errorf("5.5.2: %d pongs to one ping", len(pong))
	}
	if first := p.t.received()[0]; first.op != opPong { // 5.4: the ping was whole before the message was
		return fmt.Errorf("5.5.2: the pong came after the message")
	}
	return same(pong[0], payloadsOf(sent, opPing)[0])
}

func pings(s *stage) error {
	p, err := s.open("/", opts{})
	if err != nil {
		return err
	}
	for i, n := range []int{0, 1, 125} {
		if err := p.ping(sample(opBinary, n)); err != nil {
			return err
		}
		e := p.next()
		if e.end != nil || e.op != opPong {
			return fmt.Errorf("waiting for a pong: opcode %d, %w", e.op, e.end)
		}
		if err := same(e.payload, payloadsOf(p.t.sent(), opPing)[i]); err != nil {
			return fmt.Errorf("5.5.3: pong: %w", err)
		}
	}
	return nil
}

// pingsInARow: 5.5.3: an endpoint may answer only the most recent of several pings.
func pingsInARow(s *stage) error {
	p, err := s.open("/", opts{})
	if err != nil {
		return err
	}
	for i := range 50 {
		if err := p.ping([]byte{byte(i)}); err != nil {
			return err
		}
	}
	if err := p.send(opText, []byte("after")); err != nil {
		return err
	}
	if err := p.expect(opText, []byte("after")); err != nil {
		return err
	}
	pings, pongs := payloadsOf(p.t.sent(), opPing), payloadsOf(p.t.received(), opPong)
	i := 0
	for _, pong := range pongs {
		for ; i < len(pings) && !bytes.Equal(pings[i], pong); i++ {
		}
		if i++; i > len(pings) {
			return fmt.Errorf("5.5.3: the pong %x answers no ping, or out of order", pong)
		}
	}
	if i != len(pings) {
		return fmt.Errorf("5.5.2: the last ping was not answered: %d pings, %d pongs", len(pings), len(pongs))
	}
	return nil
}

func manyConnections(s *stage) error {
	const conns, messages = 32, 20
	peers := make([]*peer, conns)
	for i := range peers {
		var err error
		if peers[i], err = s.open(fmt.Sprintf("/%d", i), opts{}); err != nil {
			return err
		}
	}
	return together(peers, func(i int, p *peer) error {
		for n := range messages {
			want := []byte(fmt.Sprintf("connection %d, message %d %s", i, n, strings.Repeat(".", i*n)))
			if err := p.send(opText, bytes.Clone(want)); err != nil {
				return err
			}
			if err := p.expect(opText, want); err != nil {
				return fmt.Errorf("connection %d, message %d: %w", i, n, err)
			}
		}
		return nil
	})
}

// together runs f for all peers at once.
func together(peers []*peer, f func(i int, p *peer) error) error {
	errs := make([]error, len(peers))
	var wg sync.WaitGroup
	for i, p := range peers {
		wg.Go(func() { errs[i] = f(i, p) })
	}
	wg.Wait()
	return errors.Join(errs...)
}

// noSubprotocol: 4.2.2: a server that knows none of the subprotocols says nothing of them.
func noSubprotocol(s *stage) error {
	p, err := s.open("/", opts{protocols: []string{"chat.v9", "chat.v8"}})
	if err != nil {
		return err
	}
	if p.protocol != "" || strings.Contains(strings.ToLower(p.t.head()), "sec-websocket-protocol") {
		return fmt.Errorf("subprotocol %q in %q", p.protocol, p.t.head())
	}
	return echoOne(s, opText, 10)
}

func noCompression(s *stage) error {
	p, err := s.open("/", opts{compress: true})
	if err != nil {
		return err
	}
	if strings.Contains(strings.ToLower(p.t.head()), "sec-websocket-extensions") {
		return fmt.Errorf("an extension nobody asked the server for: %q", p.t.head())
	}
	want := bytes.Repeat([]byte("again and "), 100)
	if err := p.send(opText, bytes.Clone(want)); err != nil {
		return err
	}
	return p.expect(opText, want)
}

// resetInside: a peer that vanishes inside a frame harms nobody else.
func resetInside(s *stage) error {
	other, err := s.open("/", opts{})
	if err != nil {
		return err
	}
	for _, b := range [][]byte{{0x81}, {0x82, 0xfe, 0x10}, {0x82, 0xff, 0, 0, 0, 0, 0, 0x0f, 0, 0, 1, 2, 3, 4, 5}} {
		p, err := s.open("/", opts{})
		if err != nil {
			return err
		}
		p.wild = true
		if _, err := p.t.Write(b); err != nil {
			return err
		}
		p.t.reset()
	}
	if err := other.send(opText, []byte("still here")); err != nil {
		return err
	}
	if err := other.expect(opText, []byte("still here")); err != nil {
		return err
	}
	return echoOne(s, opText, 10)
}
