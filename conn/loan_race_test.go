//go:build race

package conn

import (
	"bytes"
	"testing"
)

// Built with race, the machine overwrites a payload when the loan ends, wherever it stands, and no byte that is not lent.
func TestTheLoanEnds(t *testing.T) {
	for _, s := range []struct {
		name, begin, end string
		receive          func(p *Protocol, b []byte) (Message, []byte, error)
	}{
		{"message in b", "", "82 05 'Hello' 82 01 'x'", (*Protocol).Receive},
		{"message in a buffer", "02 03 'Hel'", "80 02 'lo' 82 01 'x'", (*Protocol).Receive},
		{"ping in b", "", "89 05 'Hello' 82 01 'x'", (*Protocol).Receive},
		{"ping in a buffer", "89 05 'Hel'", "'lo' 82 01 'x'", (*Protocol).Receive},
		{"ping in a message", "02 05 'ab' ", "'cde' 89 05 'Hello' 80 01 'x'", (*Protocol).Receive},
		{"piece", "02 00", "00 05 'Hello' 80 01 'x'", (*Protocol).ReceivePart},
		{"what was assembled", "02 07 'Hello'", "'xy' 80 01 'x'", (*Protocol).ReceivePart},
	} {
		t.Run(s.name, func(t *testing.T) {
			p := Protocol{Role: Client}
			if m, _, err := p.Receive(wire(s.begin)); m.Op != 0 || err != nil {
				t.Fatal(m, err)
			}
			m, rest, err := s.receive(&p, wire(s.end))
			if err != nil || len(m.Payload) < 4 {
				t.Fatal(m, err)
			}
			lent := string(m.Payload)
			if bytes.Contains(m.Payload, poisoned[:1]) {
				t.Fatal("overwritten while it is lent")
			}
			next, _, err := s.receive(&p, rest)
			if err != nil || next.Op == 0 && s.name != "ping in a message" {
				t.Fatal(next, err)
			}
			for i := range m.Payload {
				if m.Payload[i] == lent[i] {
					t.Errorf("still %q", m.Payload)
				}
			}
			if bytes.Contains(next.Payload, poisoned[:1]) {
				t.Error("the next message is overwritten")
			}
		})
	}
}

// Who has read new bytes into the same memory gets them as they are.
func TestTheLoanIsNotInNewBytes(t *testing.T) {
	p := Protocol{Role: Client}
	memory := make([]byte, 64)
	for range 10 {
		b := memory[:copy(memory, wire("82 05 'Hello'"))]
		m, rest, err := p.Receive(b)
		if err != nil || len(rest) != 0 || string(m.Payload) != "Hello" {
			t.Fatalf("%q, %v", m.Payload, err)
		}
	}
}

func TestBuffersAreWatched(t *testing.T) {
	panics := func(f func()) (v any) {
		defer func() { v = recover() }()
		f()
		return nil
	}
	x := getBuffer(1)
	x.free()
	if panics(x.free) == nil {
		t.Error("given back twice, and nobody minds")
	}
	y := &buffer{b: make([]byte, 0, 512)}
	y.pool.give(y.b)
	y.b[:1][0] = 'x'
	if panics(func() { y.pool.take(y.b) }) == nil {
		t.Error("written to while nobody had it, and nobody minds")
	}
}
