package conn

import (
	"bytes"
	"errors"
	"net"
	"slices"
	"testing"
	"time"

	"github.com/idlewire/idlewire/frame"
)

// FuzzSocket: over a socket, where a Conn waits without a buffer, it delivers what a Protocol makes of the octets, however they come; a Read that was given up has lost nothing; and a
// reset takes away the end of what was sent, and no more.
func FuzzSocket(f *testing.F) {
	for i, s := range sessions {
		if i%7 == 0 {
			f.Add(wire(s.wire), byte(i), s.role == Client, i%2 == 0)
		}
	}
	f.Add(wire("88 82 00000000 03f3"), byte(70), false, true)
	f.Add(bytes.Repeat(wire("82 fe 0080 00000000 128*61"), 100), byte(99), false, false)
	f.Fuzz(func(t *testing.T, stream []byte, cut byte, client, reset bool) {
		if len(stream) > 1<<15 {
			return
		}
		role := Server
		if client {
			role = Client
		}
		want := play(t, &Protocol{Role: role}, whole, stream)
		data := slices.DeleteFunc(want.msgs, func(m Message) bool { return !m.Op.IsData() })
		a, b := tcpPair(t)
		c := New(a, role, &Options{ControlRate: -1, CloseTimeout: time.Hour})
		c.SetReadDeadline(longAgo)
		if _, err := c.Read(); !isDeadline(err) {
			t.Errorf("read before anything was sent: %v", err)
		}
		c.SetReadDeadline(time.Time{})
		heard := goes(func() {
			p := &peer{t, b, role ^ 1}
			for {
				if f, err := p.read(); err != nil || f.Opcode == frame.Close {
					break
				}
			}
			b.Close()
		})
		wrote := goes(func() {
			for rest := stream; len(rest) > 0; {
				n := min(len(rest), int(cut)*16+1)
				if _, err := b.Write(rest[:n]); err != nil {
					return
				}
				rest = rest[n:]
			}
			if tcp := b.(*net.TCPConn); reset {
				tcp.SetLinger(0)
				tcp.Close()
			} else {
				tcp.CloseWrite()
			}
		})
		var got []Message
		var err error
		for {
			var m Message
			if m, err = c.Read(); err != nil {
				break
			}
			got = append(got, Message{Op: m.Op, Payload: bytes.Clone(m.Payload)})
		}
		wrote()
		c.CloseNow()
		heard()
		switch {
		case reset:
			if len(got) > len(data) {
				t.Fatalf("%d messages, of %d", len(got), len(data))
			}
			data = data[:len(got)]
		case want.err != nil && CodeOf(err) != CodeOf(want.err):
			t.Errorf("ended with %v, the machine with %v", err, want.err)
		}
		same(t, outcome{msgs: got}, outcome{msgs: data})
		if bye := (*CloseError)(nil); CodeOf(err) == frame.CloseInternalError && !errors.As(err, &bye) { // the peer may say that of itself
			t.Errorf("ended with %v", err)
		}
	})
}
