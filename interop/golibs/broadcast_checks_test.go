package golibs

import (
	"bytes"
	"fmt"
)

func broadcastSame(s *stage) error {
	var peers []*peer
	for range 4 {
		p, err := s.open("/broadcast", opts{})
		if err != nil {
			return err
		}
		peers = append(peers, p)
	}
	stranger, err := s.open("/", opts{})
	if err != nil {
		return err
	}
	return broadcast(peers, stranger)
}

// broadcast: each of peers must see all that each of them says, in the order in which it was said; the stranger, on another path, nothing. All that is said is
// less than 1 MiB, so that a server which lets that much wait for a slow client has no reason to lose anyone.
func broadcast(peers []*peer, stranger *peer) error {
	const messages = 40
	for i, p := range peers { // a peer that sees its own word is surely in
		word := []byte(fmt.Sprintf("join %d", i))
		if err := p.send(opText, bytes.Clone(word)); err != nil {
			return err
		}
		for {
			_, got, err := p.receive()
			if err != nil {
				return fmt.Errorf("peer %d, joining: %w", i, err)
			}
			if bytes.Equal(got, word) {
				break
			}
		}
	}
	step := 900_000 / (len(peers) * messages * messages / 2)
	word := func(i, n int) []byte { return sample(opBinary, step*n+i) }
	err := together(peers, func(i int, p *peer) (err error) {
		defer func() {
			if err != nil { // the others would wait for what cannot come
				for _, other := range peers {
					other.t.Close()
				}
			}
		}()
		done := make(chan error, 1)
		go func() {
			var err error
			for n := 0; n < messages && err == nil; n++ {
				err = p.send(opBinary, append([]byte{byte(i), byte(n)}, word(i, n)...))
			}
			done <- err
		}()
		next := make([]int, len(peers))
		for range messages * len(peers) {
			op, got, err := p.receive()
			for err == nil && op == opText { // a join
				op, got, err = p.receive()
			}
			if err != nil {
				return fmt.Errorf("peer %d, having received %v of each: %w", i, next, err)
			}
			if len(got) < 2 || int(got[0]) >= len(peers) {
				return fmt.Errorf("peer %d: a message nobody sent: % x", i, got[:min(16, len(got))])
			}
			from := got[0]
			if int(got[1]) != next[from] {
				return fmt.Errorf("peer %d: message %d of peer %d came in place of %d", i, got[1], from, next[from])
			}
			if err := same(got[2:], word(int(from), next[from])); err != nil {
				return fmt.Errorf("peer %d: message %d of peer %d: %w", i, next[from], from, err)
			}
			next[from]++
		}
		return <-done
	})
	if err != nil {
		return err
	}
	if err := stranger.send(opText, []byte("alone")); err != nil {
		return err
	}
	return stranger.expect(opText, []byte("alone"))
}
