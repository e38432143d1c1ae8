package conn

import (
	"fmt"
	"io"
	"net"
	"testing"

	"github.com/gobwas/ws"
	"github.com/gobwas/ws/wsutil"
	"github.com/idlewire/idlewire/frame"
)

// BenchmarkConnEcho is one message there and back, one in flight: both ends are ours, or both are gobwas/ws with wsutil.
//
//	go test -run=- -bench=ConnEcho -cpu=1 ./conn
func BenchmarkConnEcho(b *testing.B) {
	for _, tr := range carriers {
		for _, size := range benchSizes {
			payload := make([]byte, size)
			b.Run(fmt.Sprintf("%s/%d/idlewire", tr.name, size), func(b *testing.B) {
				o := &Options{MaxMessage: -1}
				a, z := tr.pair(b)
				client, server := New(a, Client, o), New(z, Server, o)
				done := goes(func() { echo(server) })
				b.SetBytes(int64(2 * size))
				b.ReportAllocs()
				for b.Loop() {
					if err := client.Write(frame.Binary, payload); err != nil {
						b.Fatal(err)
					}
					if m, err := client.Read(); err != nil || len(m.Payload) != size {
						b.Fatal(err)
					}
				}
				client.CloseNow()
				done()
				server.CloseNow()
			})
			if tr.name == "pipe" && size == 0 {
				continue // gobwas/ws writes an empty payload by itself, for which a pipe waits for ever
			}
			b.Run(fmt.Sprintf("%s/%d/gobwas", tr.name, size), func(b *testing.B) {
				client, server := tr.pair(b)
				done := goes(func() {
					for {
						m, op, err := wsutil.ReadClientData(server)
						if err != nil || wsutil.WriteServerMessage(server, op, m) != nil {
							return
						}
					}
				})
				b.SetBytes(int64(2 * size))
				b.ReportAllocs()
				for b.Loop() {
					if err := wsutil.WriteClientMessage(client, ws.OpBinary, payload); err != nil {
						b.Fatal(err)
					}
					if m, _, err := wsutil.ReadServerData(client); err != nil || len(m) != size {
						b.Fatal(err)
					}
				}
				client.Close()
				done()
				server.Close()
			})
		}
	}
}

// sink is a transport that takes everything and says nothing.
type sink struct{ net.Conn }

func (sink) Write(b []byte) (int, error) { return len(b), nil }
func (sink) Close() error                { return nil }

// BenchmarkConnWrite is what a Write costs beside the transport.
func BenchmarkConnWrite(b *testing.B) {
	for _, role := range []Role{Server, Client} {
		for _, size := range benchSizes {
			b.Run(fmt.Sprintf("%v/%d", role, size), func(b *testing.B) {
				c := New(sink{}, role, nil)
				defer c.CloseNow()
				payload := make([]byte, size)
				b.SetBytes(int64(size))
				b.ReportAllocs()
				for b.Loop() {
					if err := c.Write(frame.Binary, payload); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}

// BenchmarkConnWriteMany is the same with many writers of one connection.
func BenchmarkConnWriteMany(b *testing.B) {
	c := New(sink{}, Server, nil)
	defer c.CloseNow()
	payload := make([]byte, 125)
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if err := c.Write(frame.Binary, payload); err != nil {
				b.Error(err)
				return
			}
		}
	})
}

// BenchmarkConnBroadcast is one prepared message for 1 000 connections.
func BenchmarkConnBroadcast(b *testing.B) {
	conns := make([]*Conn, 1000)
	for i := range conns {
		conns[i] = New(sink{}, Server, nil)
		defer conns[i].CloseNow()
	}
	payload := make([]byte, 128)
	b.ReportAllocs()
	for b.Loop() {
		m, err := Prepare(frame.Binary, payload)
		if err != nil {
			b.Fatal(err)
		}
		for _, c := range conns {
			if err := c.WritePrepared(m); err != nil {
				b.Fatal(err)
			}
		}
	}
}

// A spring is a transport from which the same bytes come again and again.
type spring struct {
	net.Conn
	b []byte
	n int
}

func (s *spring) Read(b []byte) (int, error) {
	n := copy(b, s.b[s.n:])
	s.n = (s.n + n) % len(s.b)
	return n, nil
}
func (*spring) Close() error { return nil }

// BenchmarkConnRead is what a Read costs beside the transport, which gives as much as is asked for.
func BenchmarkConnRead(b *testing.B) {
	for _, role := range []Role{Server, Client} {
		for _, size := range benchSizes {
			for _, how := range []string{"Read", "Reader"} {
				b.Run(fmt.Sprintf("%v/%d/%s", role, size, how), func(b *testing.B) {
					p := &peer{TB: b, role: role ^ 1}
					c := New(&spring{b: p.encode(frame.Binary, true, make([]byte, size))}, role, nil)
					defer c.CloseNow()
					b.SetBytes(int64(size))
					b.ReportAllocs()
					for b.Loop() {
						if how == "Read" {
							if m, err := c.Read(); err != nil || len(m.Payload) != size {
								b.Fatal(err)
							}
							continue
						}
						_, r, err := c.Reader(background)
						if err != nil {
							b.Fatal(err)
						}
						if n, err := io.Copy(io.Discard, r); err != nil || n != int64(size) {
							b.Fatal(n, err)
						}
					}
				})
			}
		}
	}
}
