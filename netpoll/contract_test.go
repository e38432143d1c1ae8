package netpoll

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// The contract of kernel.go, as tests that every kernel of this system has to pass over real sockets.

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

// await waits until an event of t has at least one of the conditions, and returns it.
func (r *rig) await(t token, any interest) event {
	r.Helper()
	for end := time.Now().Add(patience); time.Now().Before(end); {
		n, err := r.k.wait(r.events, int64(patience))
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
		n, err := r.k.wait(r.events, end-r.k.now())
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

func TestContractLevelTriggered(t *testing.T) {
	onEachKernel(t, func(r *rig) {
		h, tok, peer := r.registered(readable)
		r.silent(tok)
		_, err := peer.Write([]byte("hello"))
		require.NoError(r, err)
		for range 3 {
			require.Equal(r, readable, r.await(tok, readable).ready, "while it is not read, it stays ready")
		}
		b := make([]byte, 2)
		n, err := r.k.read(h, b)
		require.NoError(r, err)
		require.Equal(r, "he", string(b[:n]))
		require.Equal(r, readable, r.await(tok, readable).ready, "it was read in part")
		rest, err := r.readAll(h, tok, 3)
		require.NoError(r, err)
		require.Equal(r, "llo", string(rest))
		_, err = r.k.read(h, b)
		require.Equal(r, syscall.EAGAIN, err)
		r.silent(tok)
		_, err = peer.Write([]byte("again"))
		require.NoError(r, err)
		rest, err = r.readAll(h, tok, 5)
		require.NoError(r, err)
		require.Equal(r, "again", string(rest))
	})
}

func TestContractTokens(t *testing.T) {
	onEachKernel(t, func(r *rig) {
		for _, tok := range []token{0, 1, makeToken(0, 1), makeToken(1<<31-1, 1<<31), makeToken(0xfffffff0, 0xffffffff), makeToken(0x01020304, 0x05060708)} {
			h, peer := r.pair()
			require.NoError(r, r.k.register(h, tok, writable))
			require.Equal(r, event{tok, writable}, r.await(tok, writable))
			next := tok ^ 1<<40 ^ 1<<8
			require.NoError(r, r.k.modify(h, next, readable|writable))
			require.Equal(r, event{next, writable}, r.await(next, writable), "modify gives a new token")
			require.NoError(r, r.k.close(h))
			peer.Close()
		}
	})
}

func TestContractRegistration(t *testing.T) {
	onEachKernel(t, func(r *rig) {
		h, peer := r.pair()
		one, two := r.fresh(), r.fresh()
		require.Equal(r, syscall.ENOENT, r.k.modify(h, one, readable))
		require.Equal(r, syscall.ENOENT, r.k.deregister(h))
		require.NoError(r, r.k.register(h, one, 0))
		require.Equal(r, syscall.EEXIST, r.k.register(h, two, 0))
		_, err := peer.Write([]byte("x"))
		require.NoError(r, err)
		r.silent(one) // nothing is wanted
		require.NoError(r, r.k.modify(h, one, readable))
		require.Equal(r, event{one, readable}, r.await(one, readable))
		require.NoError(r, r.k.modify(h, one, readable|writable))
		for e := r.await(one, readable); e.ready != readable|writable; e = r.await(one, readable) {
		}
		require.NoError(r, r.k.modify(h, one, writable))
		require.Equal(r, event{one, writable}, r.await(one, writable))
		require.NoError(r, r.k.deregister(h))
		r.silent(one)
		require.NoError(r, r.k.register(h, two, readable))
		require.Equal(r, event{two, readable}, r.await(two, readable))
		b, err := r.readAll(h, two, 1)
		require.NoError(r, err)
		require.Equal(r, "x", string(b))

		require.NoError(r, r.k.close(h))
		r.silent(two)
		const never = 1 << 20
		for _, bad := range []handle{h, -1, never} {
			require.Equal(r, syscall.EBADF, r.k.register(bad, two, readable))
			require.Equal(r, syscall.EBADF, r.k.modify(bad, two, readable))
			require.Equal(r, syscall.EBADF, r.k.deregister(bad))
			require.Equal(r, syscall.EBADF, r.k.shutdown(bad))
			require.Equal(r, syscall.EBADF, r.k.close(bad))
			_, err = r.k.read(bad, make([]byte, 1))
			require.Equal(r, syscall.EBADF, err)
			_, err = r.k.write(bad, make([]byte, 1))
			require.Equal(r, syscall.EBADF, err)
			_, err = r.k.writev(bad, [][]byte{make([]byte, 1)})
			require.Equal(r, syscall.EBADF, err)
			require.Nil(r, r.k.local(bad))
			require.Nil(r, r.k.remote(bad))
		}
	})
}

func TestContractAddresses(t *testing.T) {
	onEachKernel(t, func(r *rig) {
		h, peer := r.pair()
		require.Equal(r, peer.RemoteAddr().String(), r.k.local(h).String())
		require.Equal(r, peer.LocalAddr().String(), r.k.remote(h).String())
		require.Equal(r, r.ln.Addr().String(), r.k.local(r.l).String())
	})
}

func TestContractEndOfOctets(t *testing.T) {
	onEachKernel(t, func(r *rig) {
		h, tok, peer := r.registered(readable)
		sent := pattern(100 << 10) // E13: the end does not overtake what came before
		go func() {
			_, _ = peer.Write(sent)
			_ = peer.CloseWrite()
		}()
		got, err := r.readAll(h, tok, len(sent)+1)
		require.Equal(r, io.EOF, err)
		require.True(r, bytes.Equal(sent, got))
		for range 3 {
			n, err := r.k.read(h, make([]byte, 1))
			require.Zero(r, n)
			require.Equal(r, io.EOF, err, "the end is told as often as it is asked for")
			require.Equal(r, readable, r.await(tok, readable).ready&readable)
		}
		// The other direction lives.
		r.writeAll(h, tok, []byte("still here"))
		b := make([]byte, 10)
		_, err = io.ReadFull(peer, b)
		require.NoError(r, err)
		require.Equal(r, "still here", string(b))
		require.NoError(r, r.k.modify(h, tok, 0))
		r.silent(tok)
		require.NoError(r, r.k.shutdown(h))
		_, err = peer.Read(b)
		require.Equal(r, io.EOF, err)
		r.await(tok, hangup) // both directions are over, whether that is wanted or not
		_, err = r.k.write(h, b)
		require.Equal(r, syscall.EPIPE, err)
	})
}

func TestContractReset(t *testing.T) {
	onEachKernel(t, func(r *rig) {
		h, tok, peer := r.registered(readable)
		require.NoError(r, peer.SetLinger(0))
		require.NoError(r, peer.Close())
		r.await(tok, readable|hangup)
		n, err := r.k.read(h, make([]byte, 10))
		require.Zero(r, n)
		require.Equal(r, syscall.ECONNRESET, err)
		for err = nil; err == nil || err == syscall.EAGAIN; { // writing fails too, if not at once
			_, err = r.k.write(h, make([]byte, 10))
		}
		require.Contains(r, []error{syscall.EPIPE, syscall.ECONNRESET}, err)
		r.await(tok, hangup)
	})
}

// A connection hears of a reset though it wants nothing; also one that waits for its peer to read.
func TestContractResetWhilePaused(t *testing.T) {
	onEachKernel(t, func(r *rig) {
		h, tok, peer := r.registered(0)
		require.NoError(r, peer.SetLinger(0))
		require.NoError(r, peer.Close())
		r.await(tok, hangup)
		_, err := r.k.read(h, make([]byte, 10))
		require.Equal(r, syscall.ECONNRESET, err)

		h, tok, peer = r.registered(0)
		for err = nil; err != syscall.EAGAIN; {
			_, err = r.k.write(h, make([]byte, 64<<10))
			require.Contains(r, []error{nil, syscall.EAGAIN}, err)
		}
		require.NoError(r, peer.SetLinger(0))
		require.NoError(r, peer.Close())
		r.await(tok, hangup)
		for err = syscall.EAGAIN; err == syscall.EAGAIN; {
			_, err = r.k.read(h, make([]byte, 10))
		}
		require.Contains(r, []error{syscall.EPIPE, syscall.ECONNRESET, io.EOF}, err)
	})
}

func TestContractShutdown(t *testing.T) {
	onEachKernel(t, func(r *rig) {
		h, tok, peer := r.registered(readable)
		sent := pattern(40 << 10)
		r.writeAll(h, tok, sent)
		require.NoError(r, r.k.shutdown(h))
		_, err := r.k.write(h, sent)
		require.Equal(r, syscall.EPIPE, err)
		got, err := io.ReadAll(peer) // all, and then the end
		require.NoError(r, err)
		require.True(r, bytes.Equal(sent, got))
		_, err = peer.Write([]byte("bye"))
		require.NoError(r, err)
		b, err := r.readAll(h, tok, 3)
		require.NoError(r, err)
		require.Equal(r, "bye", string(b))
		require.NoError(r, peer.Close())
		_, err = r.readAll(h, tok, 1)
		require.Equal(r, io.EOF, err)
	})
}

// What was written before a close reaches the peer.
func TestContractCloseFlushes(t *testing.T) {
	onEachKernel(t, func(r *rig) {
		for _, register := range []bool{false, true} {
			h, peer := r.pair()
			if register {
				require.NoError(r, r.k.register(h, r.fresh(), readable))
			}
			sent := pattern(100 << 10)
			n, err := r.k.write(h, sent)
			require.NoError(r, err)
			require.NoError(r, r.k.close(h))
			got, err := io.ReadAll(peer)
			require.NoError(r, err)
			require.True(r, bytes.Equal(sent[:n], got), "%d octets of %d", len(got), n)
		}
	})
}

func TestContractShortWrites(t *testing.T) {
	onEachKernel(t, func(r *rig) {
		h, tok, peer := r.registered(readable)
		require.NoError(r, peer.SetReadBuffer(128<<10))
		sent := pattern(12 << 20) // more than a system takes, on both sides together
		rest, full := sent, false
		for vector := false; !full; vector = !vector {
			piece := rest[:min(len(rest), 100<<10)]
			var n int
			var err error
			if vector {
				n, err = r.k.writev(h, [][]byte{piece[:1], nil, piece[1:1000], piece[1000:]})
			} else {
				n, err = r.k.write(h, piece)
			}
			if full = err == syscall.EAGAIN; !full {
				require.NoError(r, err)
				require.Positive(r, n)
				rest = rest[n:]
			}
			require.NotEmpty(r, rest, "a peer that does not read must be felt")
		}
		require.NoError(r, r.k.modify(h, tok, writable))
		// Until the peer reads, octets may still move inside the system. In the end nothing does.
		for still := false; !still; {
			n, err := r.k.wait(r.events, moment)
			require.NoError(r, err)
			if still = n == 0; !still {
				m, err := r.k.write(h, rest[:min(len(rest), 100<<10)])
				require.Contains(r, []error{nil, syscall.EAGAIN}, err)
				rest = rest[m:]
			}
		}
		got := make(chan []byte)
		go func() {
			b, _ := io.ReadAll(peer)
			got <- b
		}()
		r.writeAll(h, tok, rest)
		require.NoError(r, r.k.shutdown(h))
		require.True(r, bytes.Equal(sent, <-got))
	})
}

func TestContractWait(t *testing.T) {
	onEachKernel(t, func(r *rig) {
		n, err := r.k.wait(r.events, 0)
		require.NoError(r, err)
		require.Zero(r, n)
		for _, d := range []int64{1, 1e6, 25e6} {
			start := r.k.now()
			n, err = r.k.wait(r.events, d)
			require.NoError(r, err)
			require.Zero(r, n)
			require.GreaterOrEqual(r, r.k.now()-start, d, "never early")
		}
		// Before wait.
		require.NoError(r, r.k.wake())
		require.NoError(r, r.k.wake())
		n, err = r.k.wait(r.events, -1)
		require.NoError(r, err)
		require.Zero(r, n, "a wake-up is no event")
		// While it waits.
		go func() { _ = r.k.wake() }()
		n, err = r.k.wait(r.events, -1)
		require.NoError(r, err)
		require.Zero(r, n)
	})
}

// TestE12LostWakeup: whatever is posted before a wake is seen after the wait that follows it.
func TestE12LostWakeup(t *testing.T) {
	onEachKernel(t, func(r *rig) {
		const producers, posts = 16, 2000
		var posted atomic.Int64
		var seen atomic.Int64
		var wg sync.WaitGroup
		for p := range producers {
			wg.Add(1)
			go func() {
				defer wg.Done()
				for range posts {
					n := posted.Add(1)
					_ = r.k.wake()
					if p == 0 { // this one waits for its post to be seen: were its wake-up lost, nobody would come
						for seen.Load() < n {
							runtime.Gosched()
						}
					}
				}
			}()
		}
		stuck := time.AfterFunc(time.Minute, func() { panic("a wake-up was lost") })
		defer stuck.Stop()
		for seen.Load() < producers*posts {
			_, err := r.k.wait(r.events, -1)
			require.NoError(r, err)
			seen.Store(posted.Load())
		}
		wg.Wait()
	})
}

// Wake-ups do not hide events, and events do not swallow wake-ups.
func TestContractWakeAndEvent(t *testing.T) {
	onEachKernel(t, func(r *rig) {
		_, tok, peer := r.registered(readable)
		_, err := peer.Write([]byte("x"))
		require.NoError(r, err)
		r.await(tok, readable)
		for range 100 {
			require.NoError(r, r.k.wake())
			r.await(tok, readable)
		}
	})
}

func TestContractCloseWhileReady(t *testing.T) {
	onEachKernel(t, func(r *rig) {
		for range 20 {
			h, tok, peer := r.registered(readable)
			_, err := peer.Write([]byte("x"))
			require.NoError(r, err)
			r.await(tok, readable)
			require.NoError(r, r.k.close(h))
			// Whoever comes next may get the same handle, and must not get what was left of its predecessor.
			h2, tok2, peer2 := r.registered(readable)
			n, err := r.k.wait(r.events, 0)
			require.NoError(r, err)
			require.Zero(r, n)
			r.silent(tok2)
			_, err = r.k.read(h2, make([]byte, 1))
			require.Equal(r, syscall.EAGAIN, err)
			require.NoError(r, r.k.close(h2))
			peer.Close()
			peer2.Close()
		}
	})
}

// TestE26AcceptBudget: what one turn does not accept is reported in the next.
func TestE26AcceptBudget(t *testing.T) {
	onEachKernel(t, func(r *rig) {
		const all, budget = 100, 7
		peers := make(map[string]bool)
		for range all {
			nc, err := net.Dial("tcp", r.ln.Addr().String())
			require.NoError(r, err)
			defer nc.Close()
			peers[nc.LocalAddr().String()] = true
		}
		for len(peers) > 0 {
			r.await(listenToken, readable)
			for range budget {
				h, err := r.k.accept(r.l)
				if err == syscall.EAGAIN {
					break
				}
				require.NoError(r, err)
				from := r.k.remote(h).String()
				require.True(r, peers[from], "accepted once")
				delete(peers, from)
				require.NoError(r, r.k.close(h))
			}
		}
		_, err := r.k.accept(r.l)
		require.Equal(r, syscall.EAGAIN, err)
		r.silent(listenToken)
	})
}

// A listener may be left alone for a while: nobody is lost.
func TestContractListenerPaused(t *testing.T) {
	onEachKernel(t, func(r *rig) {
		require.NoError(r, r.k.deregister(r.l))
		nc, err := net.Dial("tcp", r.ln.Addr().String())
		require.NoError(r, err)
		defer nc.Close()
		r.silent(listenToken)
		require.NoError(r, r.k.register(r.l, listenToken, readable))
		h := r.accepted()
		require.Equal(r, nc.LocalAddr().String(), r.k.remote(h).String())
	})
}

// More ready connections than places for events: each gets its turn.
func TestContractManyReady(t *testing.T) {
	onEachKernel(t, func(r *rig) {
		const conns = 50
		waiting := map[token]bool{}
		for range conns {
			_, tok, peer := r.registered(readable)
			_, err := peer.Write([]byte("x"))
			require.NoError(r, err)
			waiting[tok] = true
		}
		few := make([]event, 3)
		for turns := 0; len(waiting) > 0; turns++ {
			require.Less(r, turns, 100*conns)
			n, err := r.k.wait(few, int64(patience))
			require.NoError(r, err)
			for _, e := range few[:n] {
				delete(waiting, e.token)
			}
		}
	})
}

// A thousand connections come, say something, and go in one of four ways, some fifty at a time.
func TestContractChurn(t *testing.T) {
	onEachKernel(t, func(r *rig) {
		const total, width = 1000, 50
		var wg sync.WaitGroup
		places := make(chan struct{}, width)
		failures := make(chan error, total)
		wg.Add(1)
		go func() {
			defer wg.Done()
			for i := range total {
				places <- struct{}{}
				wg.Add(1)
				go func() {
					defer wg.Done()
					if err := churn(r.ln.Addr().String(), i); err != nil {
						failures <- fmt.Errorf("connection %d: %w", i, err)
					}
					<-places
				}()
			}
		}()
		gone, open := 0, map[token]handle{}
		for gone < total {
			n, err := r.k.wait(r.events, int64(patience))
			require.NoError(r, err)
			require.Positive(r, n, "%d gone, %d open", gone, len(open))
			for _, e := range r.events[:n] {
				if e.token == listenToken {
					if h, err := r.k.accept(r.l); err == nil {
						tok := r.fresh()
						require.NoError(r, r.k.register(h, tok, readable))
						open[tok] = h
					}
					continue
				}
				h, ok := open[e.token]
				require.True(r, ok, "event of a connection that is gone")
				b := make([]byte, 64)
				n, err := r.k.read(h, b)
				switch {
				case err == syscall.EAGAIN:
				case err != nil:
					require.NoError(r, r.k.close(h))
					delete(open, e.token)
					gone++
				default:
					_, _ = r.k.write(h, b[:n])
					if strings.Contains(string(b[:n]), "!") { // we are asked to close first
						require.NoError(r, r.k.close(h))
						delete(open, e.token)
						gone++
					}
				}
			}
		}
		wg.Wait()
		close(failures)
		for err := range failures {
			r.Error(err)
		}
	})
}

// churn is one client of TestContractChurn.
func churn(addr string, i int) error {
	nc, err := net.Dial("tcp", addr)
	if err != nil {
		return err
	}
	defer nc.Close()
	say := fmt.Sprintf("hello from %d", i)
	if i%4 == 3 {
		say += "!"
	}
	if _, err := io.WriteString(nc, say); err != nil {
		return err
	}
	b := make([]byte, len(say))
	if _, err := io.ReadFull(nc, b); err != nil || string(b) != say {
		return fmt.Errorf("%q: %w", b, err)
	}
	switch i % 4 {
	case 0:
		return nc.Close()
	case 1:
		if err := nc.(*net.TCPConn).CloseWrite(); err != nil {
			return err
		}
	case 2:
		return nc.(*net.TCPConn).SetLinger(0)
	}
	_, err = nc.Read(b)
	if err != io.EOF {
		return fmt.Errorf("at the end: %w", err)
	}
	return nil
}
