package netpoll

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/idlewire/idlewire/conn"
	"github.com/idlewire/idlewire/frame"
	"github.com/idlewire/idlewire/handshake"
)

// What the tests over real sockets have in common: clients that run in goroutines of their own, and a loop whose turns are counted. The rows
// of the threat list are in the files real_*_linux_test.go.

// A talker is a client for goroutines: it returns its errors.
type talker struct {
	nc *net.TCPConn
	br *bufio.Reader
}

// connect opens a WebSocket connection.
func connect(addr string) (*talker, error) {
	nc, err := net.Dial("tcp", addr)
	if err != nil {
		return nil, err
	}
	k := &talker{nc.(*net.TCPConn), bufio.NewReader(nc)}
	nc.SetDeadline(time.Now().Add(time.Minute))
	if _, err := io.WriteString(nc, request); err != nil {
		nc.Close()
		return nil, err
	}
	resp, err := http.ReadResponse(k.br, nil)
	if err == nil && resp.StatusCode != 101 {
		err = fmt.Errorf("status %d", resp.StatusCode)
	}
	if err != nil {
		nc.Close()
		return nil, fmt.Errorf("connect: %w", err)
	}
	return k, nil
}

func (k *talker) say(b []byte) error {
	_, err := io.WriteString(k.nc, framed(frame.Binary, true, string(b)))
	return err
}

func (k *talker) hear() (frame.Frame, error) { return frame.Read(k.br, frame.FromServer, 0, -1) }

// echo says b and expects to hear it.
func (k *talker) echo(b []byte) error {
	if err := k.say(b); err != nil {
		return err
	}
	f, err := k.hear()
	if err == nil && !bytes.Equal(f.Payload, b) {
		err = fmt.Errorf("%q came back as %v %q", b, f.Opcode, f.Payload)
	}
	return err
}

// hearClose expects a Close with the code and then the end, and no reset.
func (k *talker) hearClose(code frame.CloseCode) error {
	f, err := k.hear()
	if err != nil {
		return err
	}
	got, _, err := frame.ParseClose(f.Payload)
	if f.Opcode != frame.Close || err != nil || got != code {
		return fmt.Errorf("%v %q, expected close %d", f.Opcode, f.Payload, code)
	}
	return nil
}

func (k *talker) hearEnd() error {
	if f, err := k.hear(); err != io.EOF {
		return fmt.Errorf("%v %v instead of the end", f.Opcode, err)
	}
	return nil
}

// leave says goodbye and waits for the end.
func (k *talker) leave() error {
	defer k.nc.Close()
	if _, err := io.WriteString(k.nc, bye); err != nil {
		return err
	}
	if err := k.hearClose(frame.CloseNormal); err != nil {
		return err
	}
	return k.hearEnd()
}

// together runs f n times at the same time, and fails the test with what they return.
func together(t *testing.T, n int, f func(i int) error) {
	t.Helper()
	failures := make(chan error, n)
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() {
			if err := f(i); err != nil {
				failures <- fmt.Errorf("client %d: %w", i, err)
			}
		})
	}
	wg.Wait()
	close(failures)
	for err := range failures {
		t.Error(err)
	}
	if t.Failed() {
		t.FailNow()
	}
}

// connections opens n, which are closed with the test.
func connections(t *testing.T, addr string, n int) []*talker {
	t.Helper()
	all := make([]*talker, n)
	for i := range all {
		k, err := connect(addr)
		require.NoError(t, err)
		t.Cleanup(func() { k.nc.Close() })
		all[i] = k
	}
	return all
}

// eventually waits for what has to become true.
func eventually(t *testing.T, what string, is func() bool) {
	t.Helper()
	require.Eventually(t, is, 20*time.Second, time.Millisecond, what)
}

// scaled is n, or less where everything takes ten times as long.
func scaled(n int) int {
	if underRace {
		return n/4 + 1
	}
	return n
}

// A meter is a kernel that counts.
type meter struct {
	kernel
	waits    atomic.Int64
	accepts  int // since the last wait
	mostSeen atomic.Int64
}

func (k *meter) wait(events []event, timeout int64) (int, error) {
	k.accepts = 0
	n, err := k.kernel.wait(events, timeout)
	k.waits.Add(1)
	return n, err
}

func (k *meter) accept(l handle) (handle, error) {
	h, err := k.kernel.accept(l)
	if err == nil {
		k.accepts++
		k.mostSeen.Store(max(k.mostSeen.Load(), int64(k.accepts)))
	}
	return h, err
}

// metered serves s from one loop whose kernel counts.
func metered(t *testing.T, s *Server) (addr string, k *meter) {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	ks, h, err := newKernels(ln, max(s.Driver, Loop), 1)
	require.NoError(t, err)
	k = &meter{kernel: ks[0]}
	s.prepare([]kernel{k})
	require.NoError(t, s.loops[0].listen(h))
	s.mu.Lock()
	s.serving, s.ln, s.done = true, ln, make(chan struct{})
	s.mu.Unlock()
	go func() {
		s.loops[0].run()
		close(s.done)
	}()
	t.Cleanup(func() {
		require.NoError(t, s.Close())
		require.Zero(t, s.Stats().Open)
	})
	return ln.Addr().String(), k
}

// resting checks that for a while the loop turns at most a few times.
func resting(t *testing.T, k *meter, d time.Duration, most int64) {
	t.Helper()
	before := k.waits.Load()
	<-time.After(d) // nothing is to happen, so there is nothing to wait for
	require.LessOrEqual(t, k.waits.Load()-before, most, "turns of the loop in %v", d)
}

// quiet waits until the loop has nothing to do.
func quiet(t *testing.T, k *meter) {
	t.Helper()
	last := int64(-1)
	eventually(t, "the loop comes to rest", func() bool {
		<-time.After(50 * time.Millisecond)
		was := last
		last = k.waits.Load()
		return was == last
	})
}

// descriptors are those of this process, with what they stand for.
func descriptors(t *testing.T) map[string]string {
	t.Helper()
	entries, err := os.ReadDir("/proc/self/fd")
	require.NoError(t, err)
	all := map[string]string{}
	for _, e := range entries {
		if to, err := os.Readlink("/proc/self/fd/" + e.Name()); err == nil {
			all[e.Name()] = to
		}
	}
	return all
}

// sockets counts the descriptors that are sockets.
func sockets(t *testing.T) (n int) {
	for _, to := range descriptors(t) {
		if strings.HasPrefix(to, "socket:") {
			n++
		}
	}
	return n
}

// A tally is the handler's side of a test: what opened, and how it ended.
type tally struct {
	opened, ended atomic.Int64
	mu            sync.Mutex
	conns         map[*Conn]int // how often each has ended
}

func (a *tally) open(c *Conn, _ *handshake.Request) Handler {
	a.opened.Add(1)
	a.mu.Lock()
	if a.conns == nil {
		a.conns = map[*Conn]int{}
	}
	a.conns[c] = 0
	a.mu.Unlock()
	return funcs{
		message: func(c *Conn, m conn.Message) { c.Write(m.Op, m.Payload) },
		close: func(c *Conn, _ error) {
			a.ended.Add(1)
			a.mu.Lock()
			a.conns[c]++
			a.mu.Unlock()
		},
	}
}

// balanced checks that each connection that was opened has ended once.
func (a *tally) balanced(t *testing.T) {
	t.Helper()
	eventually(t, "as many have ended as have opened", func() bool { return a.opened.Load() == a.ended.Load() })
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, n := range a.conns {
		require.Equal(t, 1, n, "one Close for each Open")
	}
}
