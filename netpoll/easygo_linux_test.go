package netpoll

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gobwas/ws"
	easygo "github.com/mailru/easygo/netpoll"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// The published design for a million connections in Go ("A Million WebSockets and Go") is mailru/easygo's netpoll with gobwas/ws: no goroutine and no
// buffer for an idle connection; a read event hands the connection to a goroutine of a pool, which reads a frame through a pooled buffer, answers, and arms
// the event again. BenchmarkLoopAndEasygo drives the same sockets, with the same client, through that and through our loop.
//
//	go test ./netpoll -run '^$' -bench LoopAndEasygo
//
// An operation is one message echoed. System calls are counted by the kernel itself: a perf event on the tracepoint raw_syscalls:sys_enter for all threads of
// the process, less those that the client makes, which it counts itself. What is left is the server's, and the Go runtime's on its behalf
// (futex when a goroutine of the pool must be woken on another thread, for one). The counter needs the rights to it, which root has, and a mounted tracefs;
// where that is missing the metric is left out.
func BenchmarkLoopAndEasygo(b *testing.B) {
	for _, row := range []struct {
		name                  string
		conns, size, inFlight int
	}{
		{"100x64", 100, 64, 1},
		{"100x64x32", 100, 64, 32},
		{"50x16KiB", 50, 16 << 10, 1},
	} {
		for _, server := range []struct {
			name  string
			serve func(*testing.B) (addr string)
		}{
			{"loop", func(b *testing.B) string { return serve(b, echoServer()) }},
			{"easygo-inline", func(b *testing.B) string { return serveEasygo(b, false) }},
			{"easygo-pool", func(b *testing.B) string { return serveEasygo(b, true) }},
		} {
			b.Run(row.name+"/"+server.name, func(b *testing.B) {
				cl := newPlainClient(b, server.serve(b), row.conns, row.size, row.inFlight)
				require.NoError(b, cl.round())
				count := countSyscalls(b)
				b.ReportAllocs()
				b.SetBytes(int64(row.size))
				before, own := count(), cl.calls
				messages := 0
				for b.Loop() {
					if messages%(row.conns*row.inFlight) == 0 { // operations come in rounds: all connections send, all receive
						if err := cl.round(); err != nil {
							b.Fatal(err)
						}
					}
					messages++
				}
				if n := count() - before; n > 0 {
					rounds := (messages + row.conns*row.inFlight - 1) / (row.conns * row.inFlight)
					b.ReportMetric(float64(n-(cl.calls-own))/float64(rounds*row.conns*row.inFlight), "syscalls/msg")
				}
			})
		}
	}
}

// A plainClient is blocking sockets and nothing else: a message is one write and one read, or more reads if it comes in pieces, and all are counted.
type plainClient struct {
	fds   []int
	out   []byte
	in    []byte
	reply int // octets that answer out
	calls int64
}

func newPlainClient(b *testing.B, addr string, n, size, inFlight int) *plainClient {
	ap, err := net.ResolveTCPAddr("tcp4", addr)
	require.NoError(b, err)
	c := &plainClient{out: clientFrames(inFlight, size), reply: inFlight * serverSize(size), in: make([]byte, 64<<10)}
	for range n {
		fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
		require.NoError(b, err)
		c.fds = append(c.fds, fd)
		require.NoError(b, unix.Connect(fd, &unix.SockaddrInet4{Port: ap.Port, Addr: [4]byte(ap.IP.To4())}))
		require.NoError(b, unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_NODELAY, 1))
		require.NoError(b, unix.SetsockoptTimeval(fd, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &unix.Timeval{Sec: 20}))
		_, err = unix.Write(fd, []byte(request))
		require.NoError(b, err)
		var head []byte
		for !strings.HasSuffix(string(head), "\r\n\r\n") {
			n, err := unix.Read(fd, c.in[:1])
			require.NoError(b, err)
			require.Equal(b, 1, n)
			head = append(head, c.in[0])
		}
		require.Contains(b, string(head), "HTTP/1.1 101 ")
	}
	b.Cleanup(func() {
		for _, fd := range c.fds {
			unix.Close(fd)
		}
	})
	return c
}

// round lets every connection send what is in flight, and then receive the answers.
func (c *plainClient) round() error {
	for _, fd := range c.fds {
		for b := c.out; len(b) > 0; {
			c.calls++
			n, err := unix.Write(fd, b)
			if err != nil && err != unix.EINTR {
				return err
			}
			b = b[max(n, 0):]
		}
	}
	for _, fd := range c.fds {
		for left := c.reply; left > 0; {
			c.calls++
			n, err := unix.Read(fd, c.in[:min(left, len(c.in))])
			if err == unix.EINTR {
				continue
			}
			if err != nil {
				return err
			}
			if n == 0 {
				return fmt.Errorf("the server has ended the connection")
			}
			left -= n
		}
	}
	return nil
}

// serveEasygo is the design's echo server. Its connections are handled in the poller's own goroutine, which is as fast as it gets but lets a peer that sends
// half a frame hold up all others; or, as published, in a pool.
func serveEasygo(b *testing.B, pooled bool) (addr string) {
	poller, err := easygo.New(&easygo.Config{OnWaitError: func(error) {}})
	require.NoError(b, err)
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(b, err)
	tasks := make(chan func())
	var wg sync.WaitGroup
	if pooled {
		for range 128 {
			wg.Go(func() {
				for f := range tasks {
					f()
				}
			})
		}
	}
	var all sync.Map
	var stopped atomic.Bool
	wg.Go(func() {
		for {
			nc, err := ln.Accept()
			if err != nil {
				return
			}
			if _, err := ws.Upgrade(nc); err != nil {
				nc.Close()
				continue
			}
			c := &easygoConn{nc: nc}
			event := easygo.EventRead
			if pooled {
				event |= easygo.EventOneShot
			}
			if c.desc, err = easygo.Handle(nc, event); err != nil {
				nc.Close()
				continue
			}
			all.Store(c, true)
			err = poller.Start(c.desc, func(ev easygo.Event) {
				switch {
				case ev&easygo.EventPollerClosed != 0 || stopped.Load():
				case pooled:
					tasks <- func() {
						if c.receive() == nil {
							poller.Resume(c.desc)
						}
					}
				case c.receive() != nil:
					poller.Stop(c.desc)
				}
			})
			if err != nil {
				b.Error(err)
			}
		}
	})
	b.Cleanup(func() {
		stopped.Store(true)
		ln.Close()
		all.Range(func(c, _ any) bool { // ends a receive under way, too
			c.(*easygoConn).desc.Close()
			c.(*easygoConn).nc.Close()
			return true
		})
		if p, ok := poller.(interface{ Close() error }); ok {
			p.Close()
		}
		close(tasks)
		wg.Wait()
	})
	return ln.Addr().String()
}

type easygoConn struct {
	nc   net.Conn
	desc *easygo.Desc
}

var (
	easygoReaders = sync.Pool{New: func() any { return bufio.NewReaderSize(nil, 4096) }}
	easygoWriters = sync.Pool{New: func() any { return bufio.NewWriterSize(nil, 4096) }}
)

// receive reads and answers what is there, at least one frame.
func (c *easygoConn) receive() error {
	r := easygoReaders.Get().(*bufio.Reader)
	defer easygoReaders.Put(r)
	w := easygoWriters.Get().(*bufio.Writer)
	defer easygoWriters.Put(w)
	r.Reset(c.nc)
	w.Reset(c.nc)
	for {
		f, err := ws.ReadFrame(r)
		if err != nil {
			return err
		}
		f = ws.UnmaskFrameInPlace(f)
		if err := ws.WriteFrame(w, ws.NewFrame(f.Header.OpCode, f.Header.Fin, f.Payload)); err != nil {
			return err
		}
		if err := w.Flush(); err != nil {
			return err
		}
		if r.Buffered() == 0 {
			return nil
		}
	}
}

// countSyscalls returns a function that tells how many system calls the process has made since; or always 0 if that is not to be known.
func countSyscalls(b *testing.B) func() int64 {
	none := func() int64 { return 0 }
	id, err := os.ReadFile("/sys/kernel/tracing/events/raw_syscalls/sys_enter/id")
	if err != nil {
		b.Logf("no syscalls/msg: %v", err)
		return none
	}
	config, err := strconv.ParseUint(strings.TrimSpace(string(id)), 10, 64)
	require.NoError(b, err)
	tasks, err := os.ReadDir("/proc/self/task")
	require.NoError(b, err)
	var fds []int
	for _, t := range tasks {
		tid, _ := strconv.Atoi(t.Name())
		attr := unix.PerfEventAttr{
			Type:   unix.PERF_TYPE_TRACEPOINT,
			Size:   unix.PERF_ATTR_SIZE_VER0,
			Config: config,
			Bits:   unix.PerfBitInherit, // threads that this one starts
		}
		fd, err := unix.PerfEventOpen(&attr, tid, -1, -1, unix.PERF_FLAG_FD_CLOEXEC)
		if err == unix.ESRCH {
			continue
		}
		if err != nil {
			b.Logf("no syscalls/msg: %v", os.NewSyscallError("perf_event_open", err))
			return none
		}
		fds = append(fds, fd)
		b.Cleanup(func() { unix.Close(fd) })
	}
	return func() (sum int64) {
		var n [8]byte
		for _, fd := range fds {
			if _, err := unix.Read(fd, n[:]); err == nil {
				sum += int64(binary.NativeEndian.Uint64(n[:]))
			}
		}
		return sum
	}
}

// A callCounter is a kernel that counts what the loop asks of it.
type callCounter struct {
	kernel
	waits, reads, writes, changes int
}

func (k *callCounter) wait(ev []event, timeout int64) (int, error) {
	k.waits++
	return k.kernel.wait(ev, timeout)
}
func (k *callCounter) read(h handle, b []byte) (int, error) { k.reads++; return k.kernel.read(h, b) }
func (k *callCounter) write(h handle, b []byte) (int, error) {
	k.writes++
	return k.kernel.write(h, b)
}
func (k *callCounter) writev(h handle, bufs [][]byte) (int, error) {
	k.writes++
	return k.kernel.writev(h, bufs)
}
func (k *callCounter) modify(h handle, t token, want interest) error {
	k.changes++
	return k.kernel.modify(h, t, want)
}

// One read and one write for as many messages as have come at a time, one wait for as many connections, and nothing else.
func TestSystemCallsPerMessage(t *testing.T) {
	for _, inFlight := range []int{1, 32} {
		t.Run(strconv.Itoa(inFlight), func(t *testing.T) {
			const n, rounds, size = 50, 20, 64
			d := drive(t, echoServer())
			var conns []net.Conn
			for range n {
				conns = append(conns, connectTo(t, d.addr))
			}
			d.turn(func() bool { return d.l.counts.opened.Load() == n })
			for _, nc := range conns {
				readHead(t, nc)
			}
			k := &callCounter{kernel: d.l.k}
			d.l.k = k
			out, in := clientFrames(inFlight, size), make([]byte, inFlight*serverSize(size))
			for i := range rounds {
				for _, nc := range conns {
					nc.SetDeadline(time.Now().Add(20 * time.Second))
					_, err := nc.Write(out)
					require.NoError(t, err)
				}
				d.turn(func() bool { return d.l.counts.published.messagesOut.Load() == uint64((i+1)*n*inFlight) })
				for _, nc := range conns {
					_, err := io.ReadFull(nc, in)
					require.NoError(t, err)
				}
			}
			require.Equal(t, n*rounds, k.reads)
			require.Equal(t, n*rounds, k.writes)
			require.Zero(t, k.changes)
			// Octets on the loopback interface are there when write returns, or soon: a turn has many events.
			require.LessOrEqual(t, k.waits, n*rounds/4)
		})
	}
}
