package netpoll

import (
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/idlewire/idlewire/conn"
	"github.com/idlewire/idlewire/frame"
	"github.com/idlewire/idlewire/handshake"
)

// Section 3A of the threat list, descriptors and what they stand for, over real sockets.

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
