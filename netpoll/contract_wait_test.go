package netpoll

import (
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

// The contract of kernel.go on waiting, waking, accepting, and on many connections at once.

func TestContractWait(t *testing.T) {
	onEachKernel(t, func(r *rig) {
		n, err := r.wait(r.events, 0)
		require.NoError(r, err)
		require.Zero(r, n)
		for _, d := range []int64{1, 1e6, 25e6} {
			start := r.k.now()
			n, err = r.wait(r.events, d)
			require.NoError(r, err)
			require.Zero(r, n)
			require.GreaterOrEqual(r, r.k.now()-start, d, "never early")
		}
		// Before wait.
		require.NoError(r, r.k.wake())
		require.NoError(r, r.k.wake())
		n, err = r.wait(r.events, -1)
		require.NoError(r, err)
		require.Zero(r, n, "a wake-up is no event")
		// While it waits.
		go func() { _ = r.k.wake() }()
		n, err = r.wait(r.events, -1)
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
			if _, err := r.k.wait(r.events, -1); err != syscall.EINTR { // which is no wake-up, and no failure
				require.NoError(r, err)
			}
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
			n, err := r.wait(r.events, 0)
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
			n, err := r.wait(few, int64(patience))
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
			n, err := r.wait(r.events, int64(patience))
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
