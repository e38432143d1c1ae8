package conn

import (
	"bytes"
	"errors"
	"io"
	"net"
	"testing"
	"testing/synctest"
	"time"

	"github.com/idlewire/idlewire/frame"
)

// FuzzConn: whatever bytes a peer sends, in whatever pieces, a Conn delivers the messages that a Protocol makes of them, ends as it does, and
// answers each ping once or, of many, the latest; and leaves nothing behind.
func FuzzConn(f *testing.F) {
	for i, s := range sessions {
		f.Add(wire(s.wire), byte(i), s.role == Client)
	}
	f.Fuzz(func(t *testing.T, stream []byte, cut byte, client bool) {
		if len(stream) > 1<<16 {
			return
		}
		role := Server
		if client {
			role = Client
		}
		want := play(t, &Protocol{Role: role}, whole, stream)
		synctest.Test(t, func(t *testing.T) {
			a, b := net.Pipe()
			c, p := New(a, role, &Options{ControlRate: -1}), &peer{t, b, role ^ 1}
			wrote := goes(func() {
				for rest := stream; len(rest) > 0; {
					n := min(len(rest), int(cut)+1)
					if _, err := b.Write(rest[:n]); err != nil {
						return
					}
					rest = rest[n:]
				}
				synctest.Wait() // until all is answered
				b.Close()
			})
			pongs := 0
			heard := goes(func() {
				for {
					f, err := p.read()
					if err != nil || f.Opcode == frame.Close {
						b.Close()
						return
					}
					if f.Opcode == frame.Pong {
						pongs++
					}
				}
			})
			var data []Message
			var err error
			for {
				var m Message
				if m, err = c.Read(); err != nil {
					break
				}
				data = append(data, Message{Op: m.Op, Payload: bytes.Clone(m.Payload)})
			}
			wrote()
			heard()
			var expected []Message
			pings, code := 0, frame.CloseAbnormal
			for _, m := range want.msgs {
				switch {
				case m.Op.IsData():
					expected = append(expected, m)
				case m.Op == frame.Ping:
					pings++
				case m.Op == frame.Close:
					code, _ = m.Close()
				}
			}
			if want.err != nil {
				code = CodeOf(want.err)
			}
			same(t, outcome{msgs: data}, outcome{msgs: expected})
			if CodeOf(err) != code || want.err != nil && err != want.err || code == frame.CloseAbnormal && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
				t.Errorf("ended with %v, the machine with %v, %v", err, want.err, code)
			}
			if pongs > pings || pings > 0 && pongs == 0 && code == frame.CloseAbnormal {
				t.Errorf("%d pongs for %d pings", pongs, pings)
			}
		})
	})
}

// FuzzCalls: whatever methods are called, by two goroutines at once, in whatever order, with a peer that lives or not, none panics or waits for
// ever; and after the end each says that it is the end (E31).
func FuzzCalls(f *testing.F) {
	f.Add([]byte{0, 3, 11}, []byte{7, 6}, byte(0))
	f.Add([]byte{2, 6, 8}, []byte{12}, byte(1))
	f.Add([]byte{11}, []byte{11, 11}, byte(2))
	f.Add([]byte{3, 4, 5, 6, 0, 0, 0}, []byte{1, 1, 2, 11}, byte(4))
	f.Fuzz(func(t *testing.T, one, other []byte, kind byte) {
		if len(one)+len(other) > 20 {
			return
		}
		synctest.Test(t, func(t *testing.T) {
			a, b := net.Pipe()
			role := Role(kind & 1)
			c := New(a, role, nil)
			lived := func() {}
			if kind&2 == 0 {
				lived = goes(func() {
					e := New(b, role^1, nil)
					defer e.CloseNow()
					echo(e)
				})
			}
			if kind&4 != 0 {
				time.AfterFunc(time.Second, func() { b.Close() })
			}
			var waits []func()
			for _, calls := range [][]byte{one, other} {
				waits = append(waits, goes(func() {
					for _, n := range calls {
						methods[int(n)%len(methods)].call(c)
					}
				}))
			}
			time.AfterFunc(time.Hour, func() { c.CloseNow() }) // a Read may wait for ever
			for _, wait := range waits {
				wait()
			}
			c.CloseNow()
			allClosed(t, c)
			b.Close()
			lived()
			time.Sleep(2 * time.Hour)
		})
	})
}
