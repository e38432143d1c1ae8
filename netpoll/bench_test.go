package netpoll

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"runtime"
	"testing"
	"time"
	"unsafe"

	"github.com/stretchr/testify/require"

	"github.com/idlewire/idlewire/conn"
	"github.com/idlewire/idlewire/frame"
	"github.com/idlewire/idlewire/handshake"
)

// An idle connection is a Conn, its place in the loop's table and what the kernel holds. What stands in Conn is paid a million times.
func TestSizes(t *testing.T) {
	if unsafe.Sizeof(uintptr(0)) != 8 {
		t.Skip("the size is pinned for 64-bit systems")
	}
	if underRace {
		t.Skip("built with race, the machine watches over what it lends")
	}
	require.EqualValues(t, 128, unsafe.Sizeof(Conn{}))
}

// A driven server has one loop, which the test turns itself, so that what is allocated in its turns can be counted.
type driven struct {
	l       *loop
	addr    string
	mallocs uint64 // in all turns so far
}

func drive(t testing.TB, s *Server) *driven {
	t.Helper()
	if DefaultDriver != Loop {
		t.Skip("the portable driver's goroutines cannot be told from the loop's")
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	ks, h, err := newKernels(ln, Loop, 1)
	require.NoError(t, err)
	s.prepare(ks)
	l := s.loops[0]
	require.NoError(t, l.listen(h))
	t.Cleanup(func() {
		l.stop(true)
		for l.turn() {
		}
		ln.Close()
		require.Zero(t, s.Stats().Open)
		require.Zero(t, s.Stats().Queued)
	})
	return &driven{l: l, addr: ln.Addr().String()}
}

// turn turns the loop until the condition holds.
func (d *driven) turn(until func() bool) {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for !until() {
		d.l.turn()
	}
	runtime.ReadMemStats(&after)
	d.mallocs += after.Mallocs - before.Mallocs
}

// connectTo returns a connected client that has sent its opening handshake; the loop must turn for the answer.
func connectTo(t testing.TB, addr string) net.Conn {
	t.Helper()
	nc, err := net.Dial("tcp", addr)
	require.NoError(t, err)
	t.Cleanup(func() { nc.Close() })
	nc.SetDeadline(time.Now().Add(20 * time.Second))
	_, err = io.WriteString(nc, request)
	require.NoError(t, err)
	return nc
}

// readHead reads a response to an opening handshake, octet by octet, so that nothing of what follows is lost.
func readHead(t testing.TB, nc net.Conn) {
	t.Helper()
	var b []byte
	for !bytes.HasSuffix(b, []byte("\r\n\r\n")) {
		b = append(b, 0)
		_, err := io.ReadFull(nc, b[len(b)-1:])
		require.NoError(t, err)
	}
	require.True(t, bytes.HasPrefix(b, []byte("HTTP/1.1 101 ")), "%s", b)
}

// clientFrames returns k masked messages of n octets.
func clientFrames(k, n int) (b []byte) {
	payload := bytes.Repeat([]byte{'x'}, n)
	for range k {
		b = frame.Append(b, frame.Header{Opcode: frame.Binary, Fin: true, Masked: true, Key: 0x12345678}, payload)
	}
	return b
}

func serverSize(n int) int { return frame.Header{Length: int64(n)}.Size() + n }

// shared is a handler without state: what a program that wants nothing of its own for a connection pays.
type shared struct{ all *[]*Conn }

func (shared) Close(*Conn, error) {}

func (h shared) Message(c *Conn, m conn.Message) {
	if h.all == nil {
		c.Write(m.Op, m.Payload)
		return
	}
	p, _ := conn.Prepare(m.Op, m.Payload)
	for _, c := range *h.all {
		c.WritePrepared(p)
	}
}

var echoer Handler = shared{}

func echoServer() *Server {
	return &Server{Loops: 1, Open: func(*Conn, *handshake.Request) Handler { return echoer }}
}

// Receiving and echoing a message allocates nothing, whatever its size and however many come at a time.
func TestAllocationsPerMessage(t *testing.T) {
	if underRace {
		t.Skip("the race detector makes sync.Pool forget at random")
	}
	for _, row := range []struct{ size, inFlight int }{
		{0, 1}, {64, 1}, {125, 1}, {126, 1}, {1 << 10, 1}, {16 << 10, 1}, {64 << 10, 1}, {1 << 20, 1}, {64, 32}, {1 << 10, 32}, {16 << 10, 4},
	} {
		t.Run(fmt.Sprintf("%d of %d octets", row.inFlight, row.size), func(t *testing.T) {
			d := drive(t, echoServer())
			nc := connectTo(t, d.addr)
			d.turn(func() bool { return d.l.counts.opened.Load() == 1 })
			readHead(t, nc)

			rounds := max(50, min(1000, 8<<20/(row.size+1)/row.inFlight))
			failed := make(chan error, 1)
			go func() { // it allocates nothing either
				out, in := clientFrames(row.inFlight, row.size), make([]byte, row.inFlight*serverSize(row.size))
				for range 2 * rounds {
					if _, err := nc.Write(out); err != nil {
						failed <- err
						return
					}
					if _, err := io.ReadFull(nc, in); err != nil {
						failed <- err
						return
					}
				}
				failed <- nil
			}()
			echoed := func(n int) func() bool {
				return func() bool {
					return d.l.counts.published.messagesOut.Load() >= uint64(n*row.inFlight) && d.l.counts.queued.Load() == 0 || len(failed) > 0
				}
			}
			d.turn(echoed(rounds)) // pools fill
			d.mallocs = 0
			d.turn(echoed(2 * rounds))
			require.NoError(t, <-failed)
			// A collection may empty a pool, and the runtime has goroutines of its own; but not for every message. Of a large message the kernel may
			// leave a part, which is then queued in chunks: when there was a collection, some of them are new.
			limit := rounds/50 + 4
			if row.size > 256<<10 {
				limit = rounds
			}
			require.Less(t, d.mallocs, uint64(limit), "allocations for %d messages", rounds*row.inFlight)
		})
	}
}

// perUpgrade is what a connection that is accepted, upgraded and closed allocates. The first is the connection itself; nothing else lives as long.
//
// The others are of its end: the *conn.CloseError that Handler.Close gets.
const perUpgrade = 2

// A whole connection, from accept to close, allocates itself and what its handler is told at the end.
func TestAllocationsPerUpgrade(t *testing.T) {
	if underRace {
		t.Skip("the race detector makes sync.Pool forget at random")
	}
	d := drive(t, echoServer())
	goodbye := frame.Append(nil, frame.Header{Opcode: frame.Close, Fin: true, Masked: true, Key: 0x12345678}, []byte{0x03, 0xe8})
	var opening, ending uint64
	one := func() {
		nc := connectTo(t, d.addr)
		n := d.l.counts.opened.Load()
		d.mallocs = 0
		d.turn(func() bool { return d.l.counts.opened.Load() > n })
		opening += d.mallocs
		readHead(t, nc)
		_, err := nc.Write(goodbye)
		require.NoError(t, err)
		d.mallocs = 0
		d.turn(func() bool { return d.l.live == 0 })
		ending += d.mallocs
		nc.Close()
	}
	const n = 300
	for range n {
		one()
	}
	opening, ending = 0, 0
	for range n {
		one()
	}
	t.Logf("%.2f allocations to accept and upgrade, %.2f to close", float64(opening)/n, float64(ending)/n)
	require.LessOrEqual(t, opening, uint64(n+n/20), "to accept and upgrade: more than the Conn itself")
	require.LessOrEqual(t, opening+ending, uint64(perUpgrade*n+n/20))
}

// benchServer serves for a benchmark and returns n upgraded clients.
func benchServer(b *testing.B, s *Server, n int) []net.Conn {
	b.Helper()
	addr := serve(b, s)
	conns := make([]net.Conn, n)
	for i := range conns {
		conns[i] = connectTo(b, addr)
		readHead(b, conns[i])
		conns[i].SetDeadline(time.Time{})
	}
	return conns
}

// BenchmarkEcho has one client that sends messages and waits for their echoes. Client and server share the process; so do their allocations, of which
// the client makes none.
func BenchmarkEcho(b *testing.B) {
	for _, row := range []struct {
		name           string
		size, inFlight int
	}{
		{"0", 0, 1}, {"125", 125, 1}, {"126", 126, 1}, {"1KiB", 1 << 10, 1}, {"16KiB", 16 << 10, 1}, {"64KiB", 64 << 10, 1}, {"1MiB", 1 << 20, 1},
		{"32x64", 64, 32},
	} {
		b.Run(row.name, func(b *testing.B) {
			nc := benchServer(b, echoServer(), 1)[0]
			out, in := clientFrames(row.inFlight, row.size), make([]byte, row.inFlight*serverSize(row.size))
			b.ReportAllocs()
			b.SetBytes(int64(row.size * row.inFlight))
			for b.Loop() {
				if _, err := nc.Write(out); err != nil {
					b.Fatal(err)
				}
				if _, err := io.ReadFull(nc, in); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkBroadcast has one client whose messages come back on all: an operation is a message to 1000 connections.
func BenchmarkBroadcast(b *testing.B) {
	const members, size = 1000, 128
	var all []*Conn
	conns := benchServer(b, &Server{Loops: 1, Open: func(c *Conn, _ *handshake.Request) Handler {
		all = append(all, c)
		return shared{&all}
	}}, members)
	out, in := clientFrames(1, size), make([]byte, serverSize(size))
	b.ReportAllocs()
	b.SetBytes(members * size)
	for b.Loop() {
		if _, err := conns[0].Write(out); err != nil {
			b.Fatal(err)
		}
		for _, nc := range conns {
			if _, err := io.ReadFull(nc, in); err != nil {
				b.Fatal(err)
			}
		}
	}
}

// BenchmarkUpgrade is a whole connection: connect, opening handshake, closing handshake, close. Most of what it allocates is the client's.
func BenchmarkUpgrade(b *testing.B) {
	addr := serve(b, echoServer())
	goodbye := frame.Append(nil, frame.Header{Opcode: frame.Close, Fin: true, Masked: true, Key: 0x12345678}, []byte{0x03, 0xe8})
	buf := make([]byte, 4096)
	b.ReportAllocs()
	for b.Loop() {
		nc, err := net.Dial("tcp", addr)
		if err != nil {
			b.Fatal(err)
		}
		if _, err := nc.Write(append(append(buf[:0], request...), goodbye...)); err != nil {
			b.Fatal(err)
		}
		for err == nil { // to the end: the server closes first (RFC 6455 7.1.1)
			_, err = nc.Read(buf)
		}
		if err != io.EOF {
			b.Fatal(err)
		}
		nc.Close()
	}
}
