package netpoll

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"runtime"
	"runtime/pprof"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/idlewire/idlewire/conn"
	"github.com/idlewire/idlewire/frame"
	"github.com/idlewire/idlewire/handshake"
)

// Section 2 of the threat list, the hazards of an event loop, over real sockets.

// E14, V77: a reset of a connection that is paused because its peer does not read ends it, and the loop rests afterwards.
func TestE14RealResetWhilePaused(t *testing.T) {
	everyDriver(t, func(t *testing.T, d Driver) {
		opened := make(chan *Conn, 1)
		s := &Server{Driver: d, WriteQueueHard: -1, Open: func(c *Conn, _ *handshake.Request) Handler { opened <- c; return nil }}
		addr, k := metered(t, s)
		peer := connections(t, addr, 1)[0]
		c := <-opened
		for c.Buffered() < 1<<20 {
			require.NoError(t, c.Write(frame.Binary, make([]byte, 1<<20)))
		}
		quiet(t, k)
		resting(t, k, 300*time.Millisecond, 3) // it waits, and does nothing else
		require.NoError(t, peer.nc.SetLinger(0))
		require.NoError(t, peer.nc.Close())
		eventually(t, "it has ended", func() bool { return s.Stats().Open == 0 })
		resting(t, k, 300*time.Millisecond, 3)
	})
}

// E15: idle connections cost nothing at all.
func TestE15RealIdle(t *testing.T) {
	everyDriver(t, func(t *testing.T, d Driver) {
		s := &Server{Driver: d, Open: echoes}
		addr, k := metered(t, s)
		all := connections(t, addr, 1000)
		require.NoError(t, all[500].echo([]byte("one of them")))
		resting(t, k, 500*time.Millisecond, 1)
		require.NoError(t, all[999].echo([]byte("another")))
	})
}

// E17: a peer that sends and does not read is felt after the soft limit, holds no more memory than that, and gets everything in the end.
func TestE17RealPeerDoesNotRead(t *testing.T) {
	everyDriver(t, func(t *testing.T, d Driver) {
		s := &Server{Driver: d, Open: echoes}
		addr, _ := metered(t, s)
		k := connections(t, addr, 1)[0]
		require.NoError(t, k.nc.SetReadBuffer(128<<10))
		require.NoError(t, k.nc.SetWriteBuffer(128<<10))
		const size, most = 8 << 10, 32 << 10 // 256 MiB, if nobody stops it
		n, got := uint32(0), uint32(0)
		sent := untilStalled(most, func() error {
			b := []byte(long(size))
			binary.BigEndian.PutUint32(b, n)
			n++
			return k.say(b)
		}, func() { _ = k.say(nil) }, func() {
			require.Less(t, s.Stats().Queued, int64(64<<10+readSize+size), "the soft limit, and what one read may add to it")
			for ; ; got++ {
				f, err := k.hear()
				require.NoError(t, err)
				if len(f.Payload) == 0 { // the last
					return
				}
				require.Len(t, f.Payload, size)
				require.Equal(t, got, binary.BigEndian.Uint32(f.Payload))
			}
		})
		require.Less(t, sent, most)
		require.EqualValues(t, sent, got, "all have come back")
	})
}

// E19: whatever the peer has sent that nobody has read, it gets all that was written to it before the end, and no reset.
func TestE19RealLingeringClose(t *testing.T) {
	everyDriver(t, func(t *testing.T, d Driver) {
		const big = 1 << 20
		addr := serve(t, &Server{Driver: d, WriteQueueHard: -1, Open: func(*Conn, *handshake.Request) Handler {
			return funcs{message: func(c *Conn, m conn.Message) {
				if string(m.Payload) == "much" {
					c.Write(frame.Binary, make([]byte, big))
				}
				c.Close(4000, "")
			}}
		}})
		breach := framed(frame.Continuation, true, "x")
		for _, row := range []struct {
			name string
			send string // in one write
			much bool
			code frame.CloseCode
		}{
			{"much to write, 100 octets unread", text("much") + long(100), true, 4000},
			{"only a close to write, 100 octets unread", text("little") + text(long(94)), false, 4000},
			{"much to write, nothing unread", text("much"), true, 4000},
			{"a breach and 100000 octets behind it", breach + binaryFrame(long(100_000)), false, 1002}, // more than one read takes
			{"a breach inside what could not be read at once", text("much") + binaryFrame(long(200)) + breach, true, 4000},
		} {
			t.Run(row.name, func(t *testing.T) {
				together(t, 10, func(int) error {
					k, err := connect(addr)
					if err != nil {
						return err
					}
					defer k.nc.Close()
					if _, err := io.WriteString(k.nc, row.send); err != nil {
						return err
					}
					if row.much {
						if f, err := k.hear(); err != nil || len(f.Payload) != big {
							return fmt.Errorf("%d octets, %w", len(f.Payload), err)
						}
					}
					if err := k.hearClose(row.code); err != nil {
						return err
					}
					if _, err := io.WriteString(k.nc, closing(row.code, "")); err != nil {
						return err
					}
					return k.hearEnd()
				})
			})
		}
	})
}

// E20: signals interrupt system calls, and nothing comes of it.
func TestE20RealSignalStorm(t *testing.T) {
	everyDriver(t, func(t *testing.T, d Driver) {
		addr := serve(t, &Server{Driver: d, Loops: 2, Open: echoes})
		for _, profiled := range []bool{false, true} {
			if profiled {
				require.NoError(t, pprof.StartCPUProfile(io.Discard))
			}
			done, ended := make(chan bool), make(chan bool)
			go func() {
				defer close(ended)
				for {
					select {
					case <-done:
						return
					case <-time.After(time.Millisecond):
					}
					threads, _ := os.ReadDir("/proc/self/task")
					for _, th := range threads {
						if tid, err := strconv.Atoi(th.Name()); err == nil {
							_ = unix.Tgkill(os.Getpid(), tid, unix.SIGURG)
						}
					}
				}
			}()
			together(t, 20, func(i int) error {
				k, err := connect(addr)
				if err != nil {
					return err
				}
				for n := range 100 {
					if err := k.echo([]byte(long(n * i))); err != nil {
						return err
					}
				}
				return k.leave()
			})
			close(done)
			<-ended
			if profiled {
				pprof.StopCPUProfile()
			}
		}
	})
}

// E31: everything may be called after the end, any number of times, from anywhere.
func TestE31RealAfterTheEnd(t *testing.T) {
	everyDriver(t, func(t *testing.T, d Driver) {
		var a tally
		opened := make(chan *Conn, 100)
		addr := serve(t, &Server{Driver: d, Loops: 2, Open: func(c *Conn, r *handshake.Request) Handler {
			opened <- c
			return a.open(c, r)
		}})
		shared, err := conn.Prepare(frame.Text, []byte("x"))
		require.NoError(t, err)
		together(t, 20, func(i int) error {
			k, err := connect(addr)
			if err != nil {
				return err
			}
			c := <-opened
			go k.nc.Close() // while all of this happens
			rnd := rand.New(rand.NewPCG(uint64(i), 0))
			for ended := false; !ended; {
				a.mu.Lock()
				ended = a.conns[c] > 0
				a.mu.Unlock()
				for range 50 {
					err := error(nil)
					switch rnd.IntN(8) {
					case 0:
						err = c.Write(frame.Text, []byte("x"))
					case 1:
						err = c.WritePrepared(shared)
					case 2:
						err = c.Ping(nil)
					case 3:
						c.Buffered()
					case 4:
						c.RemoteAddr()
					case 5:
						c.LocalAddr()
					case 6:
						err = c.Close(1000, "")
					case 7:
						err = c.CloseNow()
					}
					if err != nil && !errors.Is(err, net.ErrClosed) {
						return err
					}
				}
			}
			for _, err := range []error{c.Write(frame.Text, nil), c.WritePrepared(shared), c.Ping(nil), c.Close(1000, ""), c.CloseNow()} {
				if !errors.Is(err, net.ErrClosed) {
					return fmt.Errorf("after the end: %w", err)
				}
			}
			if c.Buffered() != 0 || c.LocalAddr() != nil || c.RemoteAddr() != nil {
				return errors.New("something is left")
			}
			return nil
		})
		a.balanced(t)
	})
}

// E32: threads do not grow with connections.
func TestE32RealThreads(t *testing.T) {
	threads := func() int {
		all, err := os.ReadDir("/proc/self/task")
		require.NoError(t, err)
		return len(all)
	}
	before := threads()
	const loops = 3
	addr := serve(t, &Server{Driver: Loop, Loops: loops, Open: echoes})
	all := connections(t, addr, 1)
	goroutines := runtime.NumGoroutine()
	all = append(all, connections(t, addr, 499)...)
	together(t, 50, func(i int) error {
		for n := range 20 {
			if err := all[10*i+n%10].echo([]byte("hello")); err != nil {
				return err
			}
		}
		return nil
	})
	require.LessOrEqual(t, threads(), before+loops+runtime.GOMAXPROCS(0)+4)
	require.LessOrEqual(t, runtime.NumGoroutine(), goroutines+2, "nor do goroutines")
}

// E33: a server may be stopped at any moment.
func TestE33RealStopAnywhere(t *testing.T) {
	everyDriver(t, func(t *testing.T, d Driver) {
		goroutines, fds := runtime.NumGoroutine(), sockets(t)
		for i := range scaled(40) {
			var a tally
			s := &Server{Driver: d, Loops: 1 + i%3, Options: conn.Options{CloseTimeout: time.Second}, Open: a.open}
			ln, err := net.Listen("tcp", "127.0.0.1:0")
			require.NoError(t, err)
			served := make(chan error, 1)
			go func() { served <- s.Serve(ln) }()
			stopped := make(chan bool)
			var did atomic.Int64
			clients := make(chan bool)
			for range 4 {
				go func() {
					defer func() { clients <- true }()
					for {
						select {
						case <-stopped:
							return
						default:
						}
						k, err := connect(ln.Addr().String())
						if err != nil {
							continue
						}
						did.Add(1)
						for range 3 {
							if k.echo([]byte("hello")) != nil {
								break
							}
							did.Add(1)
						}
						_, _ = io.WriteString(k.nc, bye)
						k.nc.Close()
					}
				}()
			}
			for did.Load() < int64(i) {
				runtime.Gosched()
			}
			switch i % 3 {
			case 0:
				require.NoError(t, s.Close())
			case 1:
				require.NoError(t, s.Shutdown(context.Background()))
			case 2:
				ctx, cancel := context.WithCancel(context.Background())
				cancel()
				if err := s.Shutdown(ctx); err != nil {
					require.ErrorIs(t, err, context.Canceled)
				}
			}
			close(stopped)
			require.ErrorIs(t, <-served, ErrServerClosed)
			for range 4 {
				<-clients
			}
			a.balanced(t)
			require.Zero(t, s.Stats().Open)
		}
		noneLeft(t, goroutines)
		eventually(t, "no descriptor is left", func() bool { return sockets(t) <= fds })
	})
}
