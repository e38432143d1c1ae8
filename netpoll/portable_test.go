package netpoll

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"runtime"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// The portable kernel's own promises: those it makes about its goroutines, and about connections that are no sockets.

// onPortable is a rig without a listener.
func onPortable(t *testing.T) *rig {
	before := runtime.NumGoroutine()
	r := &rig{T: t, k: newPortable(), events: make([]event, 64)}
	t.Cleanup(func() {
		require.NoError(t, r.k.release())
		noneLeft(t, before)
	})
	return r
}

// adopted registers nc.
func (r *rig) adopted(nc net.Conn, want interest) (handle, token) {
	h, t := r.k.(*portable).adopt(nc), r.fresh()
	require.NoError(r, r.k.register(h, t, want))
	return h, t
}

// A fakeConn is a net.Conn of which a test says what reading and writing do. Closing it ends both, and so does nothing else.
type fakeConn struct {
	net.Conn // nil
	read     func(b []byte) (int, error)
	write    func(b []byte) (int, error)
	closed   chan struct{}
	once     sync.Once
}

func (c *fakeConn) Read(b []byte) (int, error) {
	if c.read == nil {
		<-c.closed
		return 0, net.ErrClosed
	}
	return c.read(b)
}

func (c *fakeConn) Write(b []byte) (int, error) {
	if c.write == nil {
		<-c.closed
		return 0, net.ErrClosed
	}
	return c.write(b)
}

func (c *fakeConn) Close() error                   { c.once.Do(func() { close(c.closed) }); return nil }
func (*fakeConn) SetDeadline(time.Time) error      { return nil }
func (*fakeConn) SetReadDeadline(time.Time) error  { return nil }
func (*fakeConn) SetWriteDeadline(time.Time) error { return nil }

func newFakeConn() *fakeConn { return &fakeConn{closed: make(chan struct{})} }

func TestPortableOverPipe(t *testing.T) {
	r := onPortable(t)
	nc, peer := net.Pipe()
	h, tok := r.adopted(nc, readable)
	go func() { _, _ = peer.Write([]byte("hello")) }()
	b, err := r.readAll(h, tok, 5)
	require.NoError(t, err)
	require.Equal(t, "hello", string(b))
	r.writeAll(h, tok, []byte("world"))
	require.NoError(t, r.k.shutdown(h)) // a pipe has no halves
	b, err = io.ReadAll(peer)
	require.NoError(t, err)
	require.Equal(t, "world", string(b))
	r.await(tok, readable)
	n, err := r.k.read(h, make([]byte, 1))
	require.Zero(t, n)
	require.Error(t, err)
	require.NotEqual(t, syscall.EAGAIN, err)
	require.NoError(t, r.k.close(h))
}

// Back-pressure: of what the peer sends and nobody takes, one piece is read.
func TestPortableReadsOnePieceAhead(t *testing.T) {
	r := onPortable(t)
	nc, peer := net.Pipe()
	h, tok := r.adopted(nc, 0)
	const all = 20 << 10
	var sent atomic.Int64
	go func() {
		b := pattern(all)
		for i := range b {
			n, _ := peer.Write(b[i : i+1])
			sent.Add(int64(n))
		}
	}()
	r.silent(tok)
	require.LessOrEqual(t, sent.Load(), int64(portableIdle))
	require.NoError(t, r.k.modify(h, tok, readable))
	b, err := r.readAll(h, tok, all)
	require.NoError(t, err)
	require.Equal(t, pattern(all), b)
}

// A write takes no more than its share while the peer takes nothing, and never waits.
func TestPortableWriteIsBounded(t *testing.T) {
	r := onPortable(t)
	nc, peer := net.Pipe()
	h, tok := r.adopted(nc, readable)
	sent := pattern(200 << 10)
	n, err := r.k.write(h, sent)
	require.NoError(t, err)
	require.Equal(t, portableWrite, n)
	_, err = r.k.write(h, sent)
	require.Equal(t, syscall.EAGAIN, err)
	_, err = r.k.writev(h, [][]byte{nil, sent})
	require.Equal(t, syscall.EAGAIN, err)
	require.NoError(t, r.k.modify(h, tok, writable))
	r.silent(tok)
	got := make(chan []byte)
	go func() {
		b, _ := io.ReadAll(peer)
		got <- b
	}()
	r.writeAll(h, tok, sent[n:])
	require.NoError(t, r.k.close(h))
	require.Equal(t, sent, <-got)
}

// A failed write shows in the next one and as a hangup, and reading says the same, after what had come before.
func TestPortableWriteFails(t *testing.T) {
	r := onPortable(t)
	nc := newFakeConn()
	came := make(chan []byte, 1)
	came <- []byte("before")
	nc.read = func(b []byte) (int, error) {
		select {
		case c := <-came:
			return copy(b, c), nil
		case <-nc.closed:
			return 0, net.ErrClosed
		}
	}
	fail := make(chan error)
	nc.write = func([]byte) (int, error) { return 0, <-fail }
	h, tok := r.adopted(nc, 0)
	n, err := r.k.write(h, make([]byte, 10))
	require.NoError(t, err)
	require.Equal(t, 10, n)
	r.silent(tok)
	fail <- &net.OpError{Op: "write", Err: os.NewSyscallError("write", syscall.EPIPE)}
	r.await(tok, hangup)
	_, err = r.k.write(h, make([]byte, 10))
	require.Equal(t, syscall.EPIPE, err)
	require.Equal(t, syscall.EPIPE, r.k.shutdown(h))
	b, err := r.readAll(h, tok, 6)
	require.NoError(t, err)
	require.Equal(t, "before", string(b))
	nc.Close() // what a deadline would do
	r.await(tok, hangup)
	_, err = r.k.read(h, make([]byte, 1))
	require.Equal(t, syscall.EBADF, err)
}

// When the writing half fails and the peer stays silent, the reading half does not wait for ever: the limit is ours, and so the error is the
// writing half's.
func TestPortableWriteFailsSilently(t *testing.T) {
	r := onPortable(t)
	nc, peer := net.Pipe()
	defer peer.Close()
	h, tok := r.adopted(brokenWriter{nc}, 0)
	_, err := r.k.write(h, make([]byte, 10))
	require.NoError(t, err)
	r.await(tok, hangup)
	_, err = r.k.read(h, make([]byte, 1))
	require.Equal(t, syscall.ENOBUFS, err)
}

type brokenWriter struct{ net.Conn }

func (brokenWriter) Write([]byte) (int, error) { return 0, syscall.ENOBUFS }

// E19: a reset would take the last octets from a peer that has sent more than one piece.
func TestE19PortableCloseOverUnread(t *testing.T) {
	before := runtime.NumGoroutine()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	k := newPortable()
	r := &rig{T: t, k: k, l: k.addListener(ln), ln: ln, events: make([]event, 64)}
	require.NoError(t, k.register(r.l, listenToken, readable))
	for range 20 {
		h, tok, peer := r.registered(readable)
		_, err := peer.Write(pattern(10 << 10))
		require.NoError(t, err)
		_, err = r.readAll(h, tok, portableIdle)
		require.NoError(t, err)
		answer := pattern(50 << 10)
		r.writeAll(h, tok, answer)
		require.NoError(t, k.close(h))
		got, err := io.ReadAll(peer)
		require.NoError(t, err)
		require.Equal(t, answer, got)
		require.NoError(t, peer.Close())
	}
	require.NoError(t, k.release())
	noneLeft(t, before)
}

// A connection accepted on one kernel belongs to the kernel that registers it.
func TestPortableSiblings(t *testing.T) {
	before := runtime.NumGoroutine()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	ks, l, err := newPortableKernels(ln, 3)
	require.NoError(t, err)
	require.Len(t, ks, 3)
	first := &rig{T: t, k: ks[0], l: l, ln: ln, events: make([]event, 64)}
	require.NoError(t, ks[0].register(l, listenToken, readable))
	var open []handle
	var peers []net.Conn
	for _, k := range ks[1:] {
		h, peer := first.pair()
		open, peers = append(open, h), append(peers, peer)
		here := &rig{T: t, k: k, events: make([]event, 64)}
		tok := first.fresh()
		require.NoError(t, k.register(h, tok, readable))
		require.Equal(t, syscall.EEXIST, ks[0].register(h, tok, readable))
		require.Equal(t, syscall.ENOENT, ks[0].modify(h, tok, readable))
		require.Equal(t, syscall.ENOENT, ks[0].deregister(h))
		_, err = peer.Write([]byte("x"))
		require.NoError(t, err)
		here.await(tok, readable)
		first.silent(tok)
	}
	h, peer := first.pair() // never registered anywhere
	require.NotZero(t, h)
	require.NoError(t, ks[0].release())
	_, err = peer.Read(make([]byte, 1))
	require.Equal(t, io.EOF, err, "release closes what nobody else has registered")
	require.Equal(t, syscall.EBADF, ks[1].register(h, 1, readable))
	_, err = net.Dial("tcp", ln.Addr().String())
	require.Error(t, err, "the listener is closed")
	for i, k := range ks[1:] { // they live on
		_, err = k.write(open[i], []byte("y"))
		require.NoError(t, err)
		_, err = peers[i].Read(make([]byte, 1))
		require.NoError(t, err)
		require.NoError(t, k.release())
		_, err = peers[i].Read(make([]byte, 1))
		require.Error(t, err)
	}
	noneLeft(t, before)
}

// Released with connections in every state, nothing is left: no goroutine, no timer, and no peer that waits.
func TestPortableRelease(t *testing.T) {
	before := runtime.NumGoroutine()
	k := newPortable()
	r := &rig{T: t, k: k, events: make([]event, 64)}
	var peers []net.Conn
	for i := range 24 {
		nc, peer := net.Pipe() // the peer takes nothing
		peers = append(peers, peer)
		h := k.adopt(nc)
		if i%2 == 0 {
			require.NoError(t, k.register(h, r.fresh(), readable))
		}
		if i%3 == 0 {
			_, err := k.write(h, make([]byte, 1000))
			require.NoError(t, err)
		}
		if i%4 == 0 {
			require.NoError(t, k.shutdown(h))
		}
		if i%5 == 0 {
			require.NoError(t, k.close(h))
		}
	}
	stubborn := newFakeConn() // keeps no deadline
	h := k.adopt(stubborn)
	_, err := k.write(h, []byte("x"))
	require.NoError(t, err)
	require.NoError(t, k.close(h))

	_, err = k.wait(r.events, 1e6) // has a timer made
	require.NoError(t, err)
	require.NoError(t, k.release())
	noneLeft(t, before)
	for _, peer := range peers {
		_, err := peer.Read(make([]byte, 1))
		require.Equal(t, io.EOF, err)
	}
	require.NoError(t, k.release(), "once more does no harm")

	// Whatever comes now is turned away.
	nc, peer := net.Pipe()
	h = k.adopt(nc)
	require.Equal(t, syscall.EBADF, k.register(h, 1, readable))
	_, err = peer.Read(make([]byte, 1))
	require.Equal(t, io.EOF, err)
	require.NoError(t, k.wake())
}

// A fakeListener fails as a test says.
type fakeListener struct {
	calls atomic.Int64
	next  chan error
}

func (l *fakeListener) Accept() (net.Conn, error) {
	l.calls.Add(1)
	if err := <-l.next; err != nil {
		return nil, &net.OpError{Op: "accept", Net: "tcp", Err: err}
	}
	nc, _ := net.Pipe()
	return nc, nil
}

func (l *fakeListener) Close() error   { close(l.next); return nil }
func (l *fakeListener) Addr() net.Addr { return &net.TCPAddr{} }

// E24: what accept fails with is told once, as the system's own number, and nobody tries again before it has been told.
func TestE24PortableAcceptErrors(t *testing.T) {
	r := onPortable(t)
	ln := &fakeListener{next: make(chan error, 10)}
	l := r.k.(*portable).addListener(ln)
	require.NoError(t, r.k.register(l, listenToken, readable))
	calls := int64(0)
	for _, errno := range []syscall.Errno{syscall.EMFILE, syscall.ENFILE, syscall.ENOBUFS, syscall.ENOMEM, syscall.ECONNABORTED, syscall.EPERM} {
		ln.next <- os.NewSyscallError("accept4", errno)
		for range 3 {
			require.Equal(t, event{listenToken, readable}, r.await(listenToken, readable))
		}
		calls++
		require.Equal(t, calls, ln.calls.Load(), "before it is told")
		_, err := r.k.accept(l)
		require.Equal(t, errno, err)
		_, err = r.k.accept(l)
		require.Equal(t, syscall.EAGAIN, err)
		r.silent(listenToken)
	}
	ln.next <- nil
	r.await(listenToken, readable)
	h, err := r.k.accept(l)
	require.NoError(t, err)
	require.NoError(t, r.k.close(h))
	// Somebody else closes the listener.
	ln.next <- net.ErrClosed
	for range 3 {
		r.await(listenToken, readable)
		_, err = r.k.accept(l)
		require.Equal(t, syscall.EBADF, err)
	}
	require.NoError(t, r.k.deregister(l))
	r.silent(listenToken)
}

// A connection that is accepted while its listener is being closed is closed too.
func TestPortableAcceptedTooLate(t *testing.T) {
	r := onPortable(t)
	nc, peer := net.Pipe()
	ln := &lateListener{asked: make(chan struct{}), closed: make(chan struct{}), nc: nc}
	l := r.k.(*portable).addListener(ln)
	require.NoError(t, r.k.register(l, listenToken, readable))
	<-ln.asked
	require.NoError(t, r.k.close(l))
	_, err := peer.Read(make([]byte, 1))
	require.Equal(t, io.EOF, err)
}

type lateListener struct {
	asked, closed chan struct{}
	nc            net.Conn
}

func (l *lateListener) Accept() (net.Conn, error) { close(l.asked); <-l.closed; return l.nc, nil }
func (l *lateListener) Close() error              { close(l.closed); return nil }
func (l *lateListener) Addr() net.Addr            { return &net.TCPAddr{} }

func TestPortableErrors(t *testing.T) {
	op := func(err error) error { return &net.OpError{Op: "read", Err: err} }
	own := errors.New("tls: something")
	for _, row := range []struct{ err, want error }{
		{nil, nil},
		{io.EOF, io.EOF},
		{op(io.EOF), io.EOF},
		{op(os.NewSyscallError("read", syscall.ECONNRESET)), syscall.ECONNRESET},
		{fmt.Errorf("accept: %w", syscall.EMFILE), syscall.EMFILE},
		{op(net.ErrClosed), syscall.EBADF},
		{op(os.ErrDeadlineExceeded), syscall.ETIMEDOUT},
		{io.ErrClosedPipe, syscall.EPIPE},
		{op(os.NewSyscallError("wsarecv", syscall.Errno(10054))), syscall.ECONNRESET},
		{op(os.NewSyscallError("acceptex", syscall.Errno(10024))), syscall.EMFILE},
		{op(os.NewSyscallError("wsasend", syscall.Errno(10053))), syscall.ECONNABORTED},
		{op(own), op(own)},
	} {
		require.Equal(t, row.want, systemError(row.err), "%v", row.err)
	}
}

// TestPortableIdleMemory pins what an idle connection costs beside the net.Conn itself: the goroutine that waits in Read (2 KiB of stack), its
// buffer of 512 octets, and the socket.
func TestPortableIdleMemory(t *testing.T) {
	r := onPortable(t)
	const conns = 2000
	ncs := make([]*fakeConn, conns)
	for i := range ncs {
		ncs[i] = newFakeConn()
	}
	used := func() uint64 {
		runtime.GC()
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapInuse + m.StackInuse
	}
	before := used()
	for _, nc := range ncs {
		r.adopted(nc, readable)
	}
	each := (used() - before) / conns
	t.Logf("%d octets for each idle connection", each)
	if !underRace {
		require.Less(t, each, uint64(6<<10)) // stacks come from a pool that other tests have filled
	}
	runtime.KeepAlive(ncs)
}
