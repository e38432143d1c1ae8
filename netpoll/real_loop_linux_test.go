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
	"os/exec"
	"runtime"
	"runtime/pprof"
	"slices"
	"strconv"
	"strings"
	"sync"
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

// registrations are the descriptors that an epoll instance watches, and what they stand for now.
func registrations(t *testing.T, epfd int) (live []string) {
	t.Helper()
	info, err := os.ReadFile(fmt.Sprintf("/proc/self/fdinfo/%d", epfd))
	require.NoError(t, err)
	fds := descriptors(t)
	for line := range strings.Lines(string(info)) {
		if f := strings.Fields(line); len(f) > 1 && f[0] == "tfd:" {
			to, ok := fds[f[1]]
			require.True(t, ok, "registered, and closed: %s", line)
			live = append(live, to)
		}
	}
	return live
}

func TestE04RealNothingStaysRegistered(t *testing.T) {
	s := &Server{Driver: Loop, Open: echoes}
	addr, k := metered(t, s)
	ep := k.kernel.(*epoll)
	const own = 2 // the listener and the eventfd
	before := sockets(t)
	for range 3 {
		all := connections(t, addr, 50)
		require.Len(t, registrations(t, ep.fd), own+50)
		require.Equal(t, before+2*50, sockets(t), "one descriptor for each end: nothing is duplicated")
		for i, c := range all {
			if i%2 == 0 {
				c.nc.SetLinger(0)
			}
			c.nc.Close()
		}
		eventually(t, "all have ended", func() bool { return s.Stats().Open == 0 })
		require.Len(t, registrations(t, ep.fd), own)
		require.Equal(t, before, sockets(t))
	}
	resting(t, k, 100*time.Millisecond, 0)
}

// E05: the listener's descriptor stays non-blocking, its deadlines hold, and what it accepts is non-blocking.
func TestE05RealDescriptorsStayNonBlocking(t *testing.T) {
	opened := make(chan *Conn, 1)
	s := &Server{Driver: Loop, Open: func(c *Conn, _ *handshake.Request) Handler { opened <- c; return nil }}
	addr, _ := metered(t, s)
	connections(t, addr, 1)
	s.mu.Lock()
	l := s.loops[0].accepting.h
	s.mu.Unlock()
	for _, h := range []handle{l, (<-opened).handle} {
		flags, err := unix.FcntlInt(uintptr(h), unix.F_GETFL, 0)
		require.NoError(t, err)
		require.NotZero(t, flags&unix.O_NONBLOCK)
	}
}

// E06: no finalizer closes what is in use.
func TestE06RealGarbageCollection(t *testing.T) {
	everyDriver(t, func(t *testing.T, d Driver) {
		addr := serve(t, &Server{Driver: d, Loops: 2, Open: echoes})
		done := make(chan bool)
		collected := make(chan bool)
		go func() {
			defer close(collected)
			for {
				select {
				case <-done:
					return
				case <-time.After(time.Millisecond):
					runtime.GC()
				}
			}
		}()
		together(t, 10, func(int) error {
			for i := range 20 {
				k, err := connect(addr)
				if err != nil {
					return err
				}
				for range 5 {
					if err := k.echo([]byte(long(10 * i))); err != nil {
						return err
					}
				}
				if err := k.leave(); err != nil {
					return err
				}
			}
			return nil
		})
		close(done)
		<-collected
	})
}

// E07: a child process inherits no socket, no epoll instance, no eventfd: nothing but what this process has inherited itself.
func TestE07RealChildrenInheritNothing(t *testing.T) {
	inherited := func() (all []string) {
		out, err := exec.Command("ls", "-l", "/proc/self/fd").Output()
		require.NoError(t, err)
		for line := range strings.Lines(string(out)) {
			if number, to, ok := strings.Cut(line, " -> "); ok && !strings.Contains(to, "/fd") && !strings.Contains(to, "pipe:") { // the folder that ls reads, and its output
				f := strings.Fields(number)
				all = append(all, f[len(f)-1]+" "+to)
			}
		}
		return all
	}
	before := inherited()
	everyDriver(t, func(t *testing.T, d Driver) {
		addr := serve(t, &Server{Driver: d, Loops: 2, Open: echoes})
		connections(t, addr, 10)
		require.Equal(t, before, inherited())
	})
}

// E08: numbers of descriptors may be as high as the limit allows.
func TestE08RealHighDescriptors(t *testing.T) {
	limit := min(fileLimit(), 20_000)
	if limit == 0 {
		limit = 20_000
	}
	top := limit - 200
	addr := serve(t, &Server{Driver: Loop, Loops: 2, MaxConns: -1, Open: func(c *Conn, _ *handshake.Request) Handler {
		c.Write(frame.Text, []byte(strconv.Itoa(int(c.handle))))
		return funcs{message: func(c *Conn, m conn.Message) { c.Write(m.Op, m.Payload) }}
	}})
	null, err := unix.Open("/dev/null", unix.O_RDONLY|unix.O_CLOEXEC, 0)
	require.NoError(t, err)
	fill := []int{null}
	defer func() {
		for _, fd := range fill {
			unix.Close(fd)
		}
	}()
	for fill[len(fill)-1] < top {
		fd, err := unix.FcntlInt(uintptr(null), unix.F_DUPFD_CLOEXEC, 0)
		require.NoError(t, err)
		fill = append(fill, fd)
	}
	for _, k := range connections(t, addr, 30) {
		f, err := k.hear()
		require.NoError(t, err)
		fd, err := strconv.Atoi(string(f.Payload))
		require.NoError(t, err)
		require.Greater(t, fd, top)
		require.NoError(t, k.echo([]byte("up here")))
	}
}

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

// E21, E26: a peer that floods, and peers that come in crowds, do not make the others wait: what an honest peer has sent is seen within a few
// turns, and a turn is a bounded amount of work.
func TestE21RealHotConnection(t *testing.T) {
	asked := scaled(200)
	var k atomic.Pointer[meter]
	delays := make(chan int64, asked)
	s := &Server{Driver: Loop, Open: func(*Conn, *handshake.Request) Handler {
		return funcs{message: func(c *Conn, m conn.Message) {
			if m.Op == frame.Binary { // the honest peer tells at which turn it wrote
				delays <- k.Load().waits.Load() - int64(binary.BigEndian.Uint64(m.Payload))
				c.Write(m.Op, m.Payload)
			}
		}}
	}}
	addr, counted := metered(t, s)
	k.Store(counted)
	flooder, honest := connections(t, addr, 1)[0], connections(t, addr, 1)[0]
	stop := make(chan bool)
	var others sync.WaitGroup
	others.Go(func() {
		flood := strings.Repeat(text(long(1000)), 1000)
		for {
			if _, err := io.WriteString(flooder.nc, flood); err != nil {
				return
			}
		}
	})
	others.Go(func() {
		for {
			select {
			case <-stop:
				return
			default:
			}
			if nc, err := net.Dial("tcp", addr); err == nil {
				nc.(*net.TCPConn).SetLinger(0)
				nc.Close()
			}
		}
	})
	halt := sync.OnceFunc(func() {
		close(stop)
		flooder.nc.Close()
		others.Wait()
	})
	defer halt()
	for range asked {
		require.NoError(t, honest.echo(binary.BigEndian.AppendUint64(nil, uint64(counted.waits.Load()))))
	}
	halt()
	eventually(t, "the rest has ended", func() bool { return s.Stats().Open == 1 })
	var sorted []int64
	for range asked {
		sorted = append(sorted, <-delays)
	}
	slices.Sort(sorted)
	t.Logf("turns until it is seen: median %d, 90 %% %d, at most %d", sorted[asked/2], sorted[asked*9/10], sorted[asked-1])
	require.LessOrEqual(t, sorted[asked/2], int64(3)) // the client may lose the processor between counting and writing; half of the time it does not
	require.LessOrEqual(t, counted.mostSeen.Load(), int64(acceptBatch))
}

func TestE26RealAcceptBudget(t *testing.T) {
	everyDriver(t, func(t *testing.T, d Driver) {
		release := make(chan bool)
		s := &Server{Driver: d, Open: func(*Conn, *handshake.Request) Handler {
			return funcs{message: func(c *Conn, m conn.Message) { <-release; c.Write(m.Op, m.Payload) }}
		}}
		addr, k := metered(t, s)
		first := connections(t, addr, 1)[0]
		require.NoError(t, first.say([]byte("hold the loop")))
		eventually(t, "the loop is held", func() bool { return s.loops[0].asleepNow() == false })
		for range 3 * acceptBatch { // they pile up
			nc, err := net.Dial("tcp", addr)
			require.NoError(t, err)
			defer nc.Close()
		}
		close(release)
		eventually(t, "all are accepted", func() bool { return s.Stats().Open == 1+3*acceptBatch })
		require.LessOrEqual(t, k.mostSeen.Load(), int64(acceptBatch))
		if d == Loop {
			require.EqualValues(t, acceptBatch, k.mostSeen.Load())
		}
	})
}

// asleepNow reports whether the loop sleeps.
func (l *loop) asleepNow() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.asleep
}

// E22: clients that stop anywhere, in the request, in a header, in a payload, hold nobody up. This is what parts an event loop from the usual
// recipe.
func TestE22RealSlowSenders(t *testing.T) {
	everyDriver(t, func(t *testing.T, d Driver) {
		addr, _ := metered(t, &Server{Driver: d, Open: echoes})
		session := request + binaryFrame(long(300)) + framed(frame.Text, false, "a")
		for n := 0; n < len(session); n += 7 {
			nc, err := net.Dial("tcp", addr)
			require.NoError(t, err)
			defer nc.Close()
			_, err = io.WriteString(nc, session[:n])
			require.NoError(t, err)
		}
		together(t, 10, func(int) error {
			k, err := connect(addr)
			if err != nil {
				return err
			}
			for range 20 {
				if err := k.echo([]byte("not affected")); err != nil {
					return err
				}
			}
			return k.leave()
		})
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
