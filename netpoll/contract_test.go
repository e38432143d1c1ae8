package netpoll

import (
	"bytes"
	"io"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
)

// The contract of kernel.go, as tests that every kernel of this system has to pass over real sockets.

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
			n, err := r.wait(r.events, moment)
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
