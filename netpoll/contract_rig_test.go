package netpoll

import (
	"net"
	"runtime"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// What the tests of the contract stand on: a kernel with a listener, and connections to it.

// A rig is one kernel with a listener on it.
type rig struct {
	*testing.T
	k      kernel
	l      handle
	ln     net.Listener
	events []event
	last   uint32 // the last slot given out
}

// kernels makes the kernels to be tested. Platform files add theirs.
var kernels = map[string]func(t *testing.T, ln net.Listener) (kernel, handle){
	"portable": func(_ *testing.T, ln net.Listener) (kernel, handle) {
		k := newPortable()
		return k, k.addListener(ln)
	},
}

const (
	patience = 10 * time.Second // for what must come
	moment   = 20e6             // nanoseconds; for what must not come
)

var listenToken = makeToken(1<<31, 1)

// onEachKernel runs f on a fresh kernel of every sort, and looks for goroutines that it leaves.
func onEachKernel(t *testing.T, f func(r *rig)) {
	for name, kernelFor := range kernels {
		t.Run(name, func(t *testing.T) {
			before := runtime.NumGoroutine()
			ln, err := net.Listen("tcp", "127.0.0.1:0")
			require.NoError(t, err)
			k, l := kernelFor(t, ln)
			r := &rig{T: t, k: k, l: l, ln: ln, events: make([]event, 64)}
			defer func() {
				require.NoError(t, k.release())
				ln.Close()
				noneLeft(t, before)
			}()
			require.NoError(t, k.register(l, listenToken, readable))
			f(r)
		})
	}
}

// noneLeft waits until there are no more goroutines than before.
func noneLeft(t *testing.T, before int) {
	t.Helper()
	for end := time.Now().Add(patience); runtime.NumGoroutine() > before; runtime.Gosched() {
		if time.Now().After(end) {
			all := make([]byte, 1<<20)
			t.Fatalf("%d goroutines, %d before:\n%s", runtime.NumGoroutine(), before, all[:runtime.Stack(all, true)])
		}
	}
}

// fresh returns a token that no other handle of the rig has.
func (r *rig) fresh() token {
	r.last++
	return makeToken(r.last, ^r.last)
}

// accepted waits for a connection and accepts it.
func (r *rig) accepted() handle {
	r.Helper()
	for {
		h, err := r.k.accept(r.l)
		if err == nil {
			return h
		}
		require.Equal(r, syscall.EAGAIN, err)
		r.await(listenToken, readable)
	}
}

// pair returns a connection of the kernel, not yet registered, and its peer.
func (r *rig) pair() (handle, *net.TCPConn) {
	r.Helper()
	nc, err := net.Dial("tcp", r.ln.Addr().String())
	require.NoError(r, err)
	r.Cleanup(func() { nc.Close() })
	return r.accepted(), nc.(*net.TCPConn)
}

// registered is pair, with the connection registered.
func (r *rig) registered(want interest) (handle, token, *net.TCPConn) {
	r.Helper()
	h, peer := r.pair()
	t := r.fresh()
	require.NoError(r, r.k.register(h, t, want))
	return h, t, peer
}

// wait waits as the kernel does, and goes on when a signal ends it early: a collection or a preemption may send one at any time.
func (r *rig) wait(events []event, d int64) (int, error) {
	end := r.k.now() + d
	for {
		n, err := r.k.wait(events, d)
		if err != syscall.EINTR {
			return n, err
		}
		if d > 0 {
			d = max(end-r.k.now(), 0)
		}
	}
}

// await waits until an event of t has at least one of the conditions, and returns it.
func (r *rig) await(t token, any interest) event {
	r.Helper()
	for end := time.Now().Add(patience); time.Now().Before(end); {
		n, err := r.wait(r.events, int64(patience))
		require.NoError(r, err)
		for _, e := range r.events[:n] {
			if e.token == t && e.ready&any != 0 {
				return e
			}
		}
	}
	r.Fatalf("no event %b of %x", any, t)
	return event{}
}

// silent checks that for a moment no event of t comes.
func (r *rig) silent(t token) {
	r.Helper()
	for end := r.k.now() + moment; r.k.now() < end; {
		n, err := r.wait(r.events, end-r.k.now())
		require.NoError(r, err)
		for _, e := range r.events[:n] {
			require.NotEqual(r, t, e.token, "ready: %b", e.ready)
		}
	}
}

// readAll reads n octets of h, or all until the error that it returns.
func (r *rig) readAll(h handle, t token, n int) ([]byte, error) {
	r.Helper()
	var all []byte
	b := make([]byte, 4096)
	for len(all) < n {
		m, err := r.k.read(h, b[:min(len(b), n-len(all))])
		all = append(all, b[:m]...)
		if err == syscall.EAGAIN {
			r.await(t, readable|hangup)
		} else if err != nil {
			return all, err
		}
	}
	return all, nil
}

// writeAll writes b, waiting where it must.
func (r *rig) writeAll(h handle, t token, b []byte) {
	r.Helper()
	for len(b) > 0 {
		n, err := r.k.write(h, b)
		if err == syscall.EAGAIN {
			require.NoError(r, r.k.modify(h, t, readable|writable))
			r.await(t, writable)
			require.NoError(r, r.k.modify(h, t, readable))
			continue
		}
		require.NoError(r, err)
		require.Positive(r, n)
		b = b[n:]
	}
}

// pattern returns octets in which a loss, a doubling or an exchange shows.
func pattern(n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(i ^ i>>8 ^ i>>16)
	}
	return b
}
