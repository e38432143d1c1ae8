package golibs

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/idlewire/idlewire/conn"
)

// A sharing server sends what begins with "all:" to everyone, prepared once, what begins with "plain:" back without compression, and all else just back.
func sharing() program {
	var mu sync.Mutex // guards all; held while a message goes to everyone, so that all hear the same order
	var all []ourConn
	return program{
		func(c ourConn) {
			mu.Lock()
			defer mu.Unlock()
			all = append(all, c)
		},
		func(c ourConn, m conn.Message) {
			if !bytes.HasPrefix(m.Payload, []byte("all:")) {
				echoing.message(c, m)
				return
			}
			p, err := conn.Prepare(m.Op, m.Payload)
			if err != nil {
				return
			}
			mu.Lock()
			defer mu.Unlock()
			for _, c := range all {
				c.WritePrepared(p)
			}
		},
		func(c ourConn) {
			mu.Lock()
			defer mu.Unlock()
			all = slices.DeleteFunc(all, func(other ourConn) bool { return other == c })
		},
	}
}

// TestDeflatePrepared: one prepared message after the other to connections that have agreed on different things, with messages of their own between.
func TestDeflatePrepared(t *testing.T) {
	members := []talk{
		{client: "gorilla", want: none},
		{client: "coder", want: none},
		{client: "coder", clientKnobs: both},
		{client: "gws", clientKnobs: both},
		{client: "gws", clientKnobs: both + " server_bits=12", want: "server_max_window_bits=12"},
		{client: "gws", clientKnobs: both + " server_bits=9", want: "server_max_window_bits=9"},
		{client: "gobwas", clientKnobs: both + " server_bits=9", want: "server_max_window_bits=9"},
		{client: "gobwas", clientKnobs: "server_bits=9", want: sorted(none + "; server_max_window_bits=9")},
		{client: "gobwas", clientKnobs: "server_takeover server_bits=8", want: "client_no_context_takeover; server_max_window_bits=8"},
		{client: "idlewire", clientKnobs: both},
		{client: "idlewire", want: none},
		{client: "no compression", want: "none"},
	}
	for _, driver := range drivers {
		t.Run(driver, func(t *testing.T) {
			knobs, err := parseKnobs(both + " threshold=-1")
			if err != nil {
				t.Fatal(err)
			}
			url := serveOurs(t, driver, conn.Options{Compression: knobs.idlewire()}, sharing())
			var peers []*peer
			var relays []*relay
			for _, k := range members {
				r := startRelay(t, url)
				p, err := k.join(t, r)
				if err != nil {
					t.Fatalf("%s: %v", k.client, err)
				}
				peers, relays = append(peers, p), append(relays, r)
			}
			if err := share(peers); err != nil {
				t.Error(err)
			}
			var leave sync.WaitGroup
			for _, p := range peers {
				leave.Go(func() {
					p.goodbye(1000, "")
					p.waitEnd()
					p.drop()
				})
			}
			leave.Wait()
			forms := map[string]map[string]bool{} // by agreement and message: what went over the wire
			for i, k := range members {
				if err := k.shared(t, relays[i], forms); err != nil {
					t.Errorf("%s(%s): %v", k.client, k.clientKnobs, err)
				}
			}
		})
	}
}

// join opens a member's connection.
func (k talk) join(t *testing.T, r *relay) (*peer, error) {
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	if k.client == "no compression" {
		return dialGorilla(ctx, r.url, opts{patience: relayPatience})
	}
	knobs, err := parseKnobs(k.clientKnobs)
	if err != nil {
		return nil, err
	}
	lib := deflateLibs[k.client]
	if k.client == "idlewire" {
		lib = ourLib
	}
	return lib.dial(ctx, r.url, opts{deflate: knobs, patience: relayPatience})
}

// share: in each round every peer has a word for itself, and then one has a word for all. At the end all have words for all at once.
func share(peers []*peer) error {
	for i, p := range peers { // whoever hears itself is in
		if err := echoed(p, opText, fmt.Appendf(nil, "join %d", i)); err != nil {
			return fmt.Errorf("peer %d, joining: %w", i, err)
		}
	}
	for round := range 3 * len(peers) {
		size := []int{0, 60, 300, 3000, 20000, 70000}[round%6]
		for i, p := range peers {
			word := fmt.Appendf(nil, "own:%d:%s", i, document(size/2))
			if (round+i)%3 == 0 {
				word = fmt.Appendf(nil, "plain:%d:%s", i, document(size/3))
			}
			if err := echoed(p, opText, word); err != nil {
				return fmt.Errorf("round %d, peer %d: %w", round, i, err)
			}
		}
		word, op := fmt.Appendf(nil, "all:%d:%s", round, document(size)), byte(opText)
		if round%5 == 4 {
			word, op = append([]byte("all:"), sample(opBinary, size)...), opBinary
		}
		if err := peers[round%len(peers)].send(op, bytes.Clone(word)); err != nil {
			return err
		}
		for i, p := range peers {
			if err := p.expect(op, word); err != nil {
				return fmt.Errorf("round %d, peer %d, a word for all: %w", round, i, err)
			}
		}
	}
	const words = 5
	var say sync.WaitGroup
	for i, p := range peers {
		say.Go(func() {
			for n := range words {
				p.send(opText, fmt.Appendf(nil, "all:%d:%d:%s", i, n, document(200+n)))
			}
		})
	}
	defer say.Wait()
	for i, p := range peers {
		next := make([]int, len(peers))
		for range words * len(peers) {
			_, got, err := p.receive()
			if err != nil {
				return fmt.Errorf("peer %d, having heard %v: %w", i, next, err)
			}
			var from, n int
			if _, err := fmt.Sscanf(string(got), "all:%d:%d:", &from, &n); err != nil || from >= len(peers) || n != next[from] {
				return fmt.Errorf("peer %d, having heard %v: %.20q", i, next, got)
			}
			if err := same(got, fmt.Appendf(nil, "all:%d:%d:%s", from, n, document(200+n))); err != nil {
				return fmt.Errorf("peer %d: %w", i, err)
			}
			next[from]++
		}
	}
	return nil
}

func echoed(p *peer, op byte, word []byte) error {
	if err := p.send(op, bytes.Clone(word)); err != nil {
		return err
	}
	return p.expect(op, word)
}

// shared judges what a member heard: a message for all refers to none before it, and is the same octets wherever the window is the same.
func (k talk) shared(t *testing.T, r *relay, forms map[string]map[string]bool) error {
	all := r.upgraded(t)
	if len(all) != 1 {
		return fmt.Errorf("%d connections passed", len(all))
	}
	_, s, on, err := all[0].read(k.answer())
	if err != nil {
		return err
	}
	packed, back := 0, 0
	for i, m := range s.messages {
		if !bytes.HasPrefix(m.payload, []byte("all:")) {
			back += m.back
			continue
		}
		if m.packed {
			packed++
		}
		if m.back > 0 {
			return fmt.Errorf("message %d is for all, and refers to an earlier one", i)
		}
		key := fmt.Sprint(on, s.bits, string(m.payload))
		if forms[key] == nil {
			forms[key] = map[string]bool{}
		}
		if forms[key][m.wire] = true; len(forms[key]) > 1 {
			return fmt.Errorf("message %d is for all, and not the same octets on all connections with this window", i)
		}
	}
	if on && packed == 0 {
		return errors.New("no message for all was compressed")
	}
	if on && !s.alone && back == 0 {
		return errors.New("no message refers to an earlier one")
	}
	return nil
}
