package netpoll

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/idlewire/idlewire/frame"
)

// Tests in which the server is a process of its own: because its limits are to be low, or because it is to be seen if it dies.

// A child is this test binary, run again for one test with a word in its environment.
type child struct {
	t    *testing.T
	cmd  *exec.Cmd
	in   io.Closer // closing it ends the child
	out  *bufio.Reader
	addr string
}

const childEnv = "IDLEWIRE_CHILD"

// born starts the current test again as a child, which must call beChild.
func born(t *testing.T, word string) *child {
	t.Helper()
	c := &child{t: t, cmd: exec.Command(os.Args[0], "-test.run=^"+strings.ReplaceAll(t.Name(), "/", "$/^")+"$")}
	c.cmd.Env = append(os.Environ(), childEnv+"="+word)
	c.cmd.Stderr = os.Stderr
	in, err := c.cmd.StdinPipe()
	require.NoError(t, err)
	out, err := c.cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, c.cmd.Start())
	c.in, c.out = in, bufio.NewReader(out)
	t.Cleanup(func() {
		in.Close()
		_ = c.cmd.Process.Kill()
		_ = c.cmd.Wait()
	})
	line, err := c.out.ReadString('\n')
	require.NoError(t, err)
	c.addr = strings.TrimSpace(line)
	return c
}

// beChild serves s, with the address on the standard output, until the standard input ends; then it prints the statistics.
func beChild(s *Server) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	fmt.Println(ln.Addr())
	served := make(chan error, 1)
	go func() { served <- s.Serve(ln) }()
	_, _ = io.Copy(io.Discard, os.Stdin)
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	_ = s.Shutdown(ctx)
	if err := <-served; err != ErrServerClosed {
		panic(err)
	}
	b, err := json.Marshal(s.Stats())
	if err != nil {
		panic(err)
	}
	fmt.Println(string(b))
}

// end ends the child, which must be alive and well, and returns its statistics.
func (c *child) end() (st Stats) {
	c.t.Helper()
	require.NoError(c.t, c.in.Close())
	line, err := c.out.ReadBytes('\n')
	require.NoError(c.t, err)
	require.NoError(c.t, json.Unmarshal(line, &st))
	_, _ = io.Copy(io.Discard, c.out)
	require.NoError(c.t, c.cmd.Wait())
	return st
}

// cpu is the processor time that the child has used, in hundredths of a second.
func (c *child) cpu() (ticks int) {
	c.t.Helper()
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", c.cmd.Process.Pid))
	require.NoError(c.t, err)
	f := strings.Fields(string(stat[strings.LastIndexByte(string(stat), ')')+1:]))
	for _, i := range []int{11, 12} { // utime, stime
		n, err := strconv.Atoi(f[i])
		require.NoError(c.t, err)
		ticks += n
	}
	return ticks
}

// peak is the most resident memory that the child has had, in KiB.
func (c *child) peak() (kib int) {
	c.t.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", c.cmd.Process.Pid))
	require.NoError(c.t, err)
	_, rest, ok := strings.Cut(string(status), "VmHWM:")
	require.True(c.t, ok)
	_, err = fmt.Sscanf(rest, "%d kB", &kib)
	require.NoError(c.t, err)
	return kib
}

// E24, F09: a process without descriptors left waits, and does not spin; those who were waiting are served when there are some again.
func TestE24RealNoDescriptorsLeft(t *testing.T) {
	everyDriver(t, func(t *testing.T, d Driver) {
		if os.Getenv(childEnv) != "" {
			if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &unix.Rlimit{Cur: 60, Max: 60}); err != nil {
				panic(err)
			}
			beChild(&Server{Driver: d, Loops: 1, MaxConns: -1, Open: echoes})
			return
		}
		c := born(t, "served")
		const clients = 150
		type answer struct {
			i      int
			status string
		}
		answers := make(chan answer, clients)
		ncs := make([]net.Conn, clients)
		for i := range ncs {
			nc, err := net.Dial("tcp", c.addr) // the system accepts for the server, as far as its backlog goes
			require.NoError(t, err)
			defer nc.Close()
			ncs[i] = nc
			_, err = io.WriteString(nc, request)
			require.NoError(t, err)
			go func() {
				line, _ := bufio.NewReader(nc).ReadString('\n')
				if len(line) > 12 {
					line = line[9:12]
				}
				answers <- answer{i, line}
			}()
		}
		served, others := []int{}, 0
		count := func(a answer) {
			if a.status == "101" {
				served = append(served, a.i)
				return
			}
			require.Contains(t, []string{"503", ""}, a.status)
			others++
		}
		for len(served) < 30 {
			count(<-answers)
		}
		before := c.cpu()
		<-time.After(time.Second)
		require.LessOrEqual(t, c.cpu()-before, 5, "hundredths of a second of processor time in a second")
		for len(answers) > 0 {
			count(<-answers)
		}
		require.Less(t, len(served)+others, clients, "some wait")
		t.Logf("%d served, %d refused, %d wait", len(served), others, clients-len(served)-others)
		for len(served)+others < clients { // places become free, and those who wait come in
			for _, i := range served {
				ncs[i].Close()
			}
			count(<-answers)
		}
		eventually(t, "it serves again", func() bool {
			k, err := connect(c.addr)
			if err != nil {
				return false
			}
			return k.echo([]byte("hello")) == nil && k.leave() == nil
		})
		for _, nc := range ncs {
			nc.Close()
		}
		st := c.end()
		require.NotZero(t, st.AcceptErrors)
		require.Zero(t, st.Panics)
	})
}

// V84: a program that sets no option survives everything that this package's tests know of, in little memory, and serves the honest meanwhile.
func TestV84RealNaiveProgram(t *testing.T) {
	if os.Getenv(childEnv) != "" {
		beChild(&Server{Open: echoes})
		return
	}
	c := born(t, "naive")
	corpus := []string{
		strings.Repeat("x", 1<<20), // no line at all
		"GET /" + strings.Repeat("x", 1<<20) + " HTTP/1.1\r\n",
		"GET / HTTP/1.1\r\n" + strings.Repeat("X: y\r\n", 5000),
		"GET / HTTP/1.1\r\nX: " + strings.Repeat("y", 1<<20),
		"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + long(500), // TLS
		"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
		asks(plain, "Content-Length: 5") + "hello",
		asks(plain, "Sec-WebSocket-Key: x"),
		asks(plain) + asks(plain),
		asks(plain) + strings.Repeat(ping(long(125)), 5000),
		asks(plain) + strings.Repeat(framed(frame.Text, false, "x"), 1) + strings.Repeat(framed(frame.Continuation, false, "x"), 20_000),
		asks(plain) + strings.Repeat(binaryFrame(long(1<<20)), 8),
		asks(plain) + strings.Repeat(binaryFrame("x"), 20_000),
		asks(plain) + "\x82\xff\x00\x00\x00\x00\x00\x0f\xff\xffaaaa" + long(5000), // and no more
		asks(plain) + strings.Repeat("\x00", 100_000),
		asks(plain) + strings.Repeat("\xff", 100_000),
	}
	for _, r := range twinRows {
		if r.octets != "" {
			corpus = append(corpus, asks(plain)+r.octets, asks(plain)+text("before")+r.octets+text("after"))
		}
	}
	rnd := rand.New(rand.NewPCG(84, 84))
	for range 200 { // an honest session with some octets that are not
		b := []byte(asks(plain) + text("hello") + framed(frame.Text, false, "a") + ping("x") + framed(frame.Continuation, true, "b") + bye)
		for range 1 + rnd.IntN(4) {
			b[rnd.IntN(len(b))] = byte(rnd.Uint32())
		}
		corpus = append(corpus, string(b))
	}
	honest := connections(t, c.addr, 1)[0]
	done := make(chan bool)
	served := make(chan error, 1)
	go func() {
		n := 0
		for {
			select {
			case <-done:
				served <- nil
				return
			default:
				if err := honest.echo([]byte(long(n % 1000))); err != nil {
					served <- err
					return
				}
				n++
			}
		}
	}()
	together(t, 16, func(i int) error {
		for n := i; n < len(corpus); n += 16 {
			for how := range 3 {
				nc, err := net.Dial("tcp", c.addr)
				if err != nil {
					return err
				}
				nc.SetDeadline(time.Now().Add(2 * time.Second))
				_, _ = io.WriteString(nc, corpus[n]) // whatever comes of it; how 2: nobody reads
				switch how {
				case 0: // it reads until the server is quiet for a moment
					for b := make([]byte, 64<<10); ; {
						nc.SetReadDeadline(time.Now().Add(20 * time.Millisecond))
						if _, err := nc.Read(b); err != nil {
							break
						}
					}
				case 1:
					nc.(*net.TCPConn).SetLinger(0)
				}
				nc.Close()
			}
		}
		return nil
	})
	close(done)
	require.NoError(t, <-served, "the honest one")
	fresh, err := connect(c.addr)
	require.NoError(t, err)
	require.NoError(t, fresh.echo([]byte("still here")))
	require.NoError(t, fresh.leave())
	require.NoError(t, honest.leave())
	peak := c.peak()
	t.Logf("at most %d KiB resident", peak)
	if !underRace {
		require.Less(t, peak, 64<<10)
	}
	st := c.end()
	require.Zero(t, st.Panics)
	require.Zero(t, st.Open)
	require.Zero(t, st.Queued)
	require.NotZero(t, st.Failed[frame.CloseProtocolError])
}
