package netpoll

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"runtime"
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

// A funcs is a handler made of functions.
type funcs struct {
	message func(*Conn, conn.Message)
	close   func(*Conn, error)
	drained func(*Conn)
}

func (f funcs) Message(c *Conn, m conn.Message) {
	if f.message != nil {
		f.message(c, m)
	}
}

func (f funcs) Close(c *Conn, err error) {
	if f.close != nil {
		f.close(c, err)
	}
}

func (f funcs) Drained(c *Conn) {
	if f.drained != nil {
		f.drained(c)
	}
}

func echoes(*Conn, *handshake.Request) Handler {
	return funcs{message: func(c *Conn, m conn.Message) { c.Write(m.Op, m.Payload) }}
}

// serve starts s on a port of its own, and ends it with the test.
func serve(t testing.TB, s *Server) (addr string) {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	ended := make(chan error, 1)
	go func() { ended <- s.Serve(ln) }()
	t.Cleanup(func() {
		require.NoError(t, s.Close())
		require.ErrorIs(t, <-ended, ErrServerClosed)
		st := s.Stats()
		require.Zero(t, st.Open)
		require.Zero(t, st.Queued)
	})
	return ln.Addr().String()
}

// A peer is a client of raw bytes with the machine beside it.
type peer struct {
	t  testing.TB
	nc net.Conn
	br *bufio.Reader
	p  conn.Protocol
	in []byte
}

const request = "GET /chat?x=1 HTTP/1.1\r\nHost: example.com\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" +
	"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"

// dial opens a connection, with the octets of first right behind the request.
func dial(t testing.TB, addr string, first ...byte) *peer {
	t.Helper()
	nc, err := net.Dial("tcp", addr)
	require.NoError(t, err)
	t.Cleanup(func() { nc.Close() })
	nc.SetDeadline(time.Now().Add(20 * time.Second))
	_, err = nc.Write(append([]byte(request), first...))
	require.NoError(t, err)
	c := &peer{t: t, nc: nc, br: bufio.NewReaderSize(nc, 1<<16), p: conn.Protocol{Role: conn.Client, Options: &conn.Options{MaxMessage: 1 << 30}}}
	resp, err := http.ReadResponse(c.br, nil)
	require.NoError(t, err)
	require.Equal(t, 101, resp.StatusCode)
	require.Equal(t, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=", resp.Header.Get("Sec-WebSocket-Accept"))
	return c
}

func (c *peer) write(b []byte, err error) {
	c.t.Helper()
	require.NoError(c.t, err)
	_, err = c.nc.Write(b)
	require.NoError(c.t, err)
}

// read returns the next message, whose payload is the caller's.
func (c *peer) read() (conn.Message, error) {
	for {
		m, rest, err := c.p.Receive(c.in)
		c.in = rest
		if err != nil {
			return m, err
		}
		if m.Op != 0 {
			m.Payload = append([]byte(nil), m.Payload...)
			return m, nil
		}
		b := make([]byte, 1<<16)
		n, err := c.br.Read(b)
		if err != nil {
			return m, err
		}
		c.in = b[:n]
	}
}

func (c *peer) expect(op frame.Opcode, payload string) {
	c.t.Helper()
	m, err := c.read()
	require.NoError(c.t, err)
	require.Equal(c.t, op, m.Op)
	require.Equal(c.t, payload, string(m.Payload))
}

func (c *peer) expectClose(code frame.CloseCode) {
	c.t.Helper()
	m, err := c.read()
	require.NoError(c.t, err)
	require.Equal(c.t, frame.Close, m.Op)
	got, _ := m.Close()
	require.Equal(c.t, code, got)
}

func (c *peer) expectEOF() {
	c.t.Helper()
	m, err := c.read()
	require.ErrorIs(c.t, err, io.EOF, "%v", m)
}

func everyDriver(t *testing.T, f func(t *testing.T, d Driver)) {
	for _, d := range []Driver{DefaultDriver, Portable} {
		t.Run(d.String(), func(t *testing.T) { f(t, d) })
		if DefaultDriver == Portable {
			return
		}
	}
}

func TestServerEchoes(t *testing.T) {
	everyDriver(t, func(t *testing.T, d Driver) {
		addr := serve(t, &Server{Driver: d, Open: echoes})
		c := dial(t, addr)
		for _, n := range []int{0, 1, 125, 126, 4081, 4082, 4083, 4096, 65535, 65536, 1 << 20} {
			text := strings.Repeat("x", n)
			c.write(c.p.AppendMessage(nil, frame.Text, []byte(text)))
			c.expect(frame.Text, text)
			c.write(c.p.AppendMessage(nil, frame.Binary, []byte(text)))
			c.expect(frame.Binary, text)
		}
		c.write(c.p.AppendPing(nil, []byte("are you there")))
		c.expect(frame.Pong, "are you there")
		c.write(c.p.AppendClose(nil, 3000, "that is all"))
		c.expectClose(3000)
		c.expectEOF()
	})
}

// V42: the first frames come in the segment of the request.
func TestV42FramesBehindTheRequest(t *testing.T) {
	everyDriver(t, func(t *testing.T, d Driver) {
		addr := serve(t, &Server{Driver: d, Open: echoes})
		p := conn.Protocol{Role: conn.Client}
		first, err := p.AppendMessage(nil, frame.Text, []byte("early"))
		require.NoError(t, err)
		first, err = p.AppendPing(first, []byte("bird"))
		require.NoError(t, err)
		c := dial(t, addr, first...)
		c.expect(frame.Text, "early")
		c.expect(frame.Pong, "bird")
	})
}

func TestServerRefuses(t *testing.T) {
	everyDriver(t, func(t *testing.T, d Driver) {
		s := &Server{Driver: d, Open: echoes}
		s.Upgrader.Hook = func(r *handshake.Request) error {
			if r.RemoteAddr == nil {
				return errors.New("no address")
			}
			if string(r.Path()) != "/chat" {
				return &handshake.Error{Status: 404}
			}
			panic("hook")
		}
		addr := serve(t, s)
		for want, line := range map[int]string{400: "GET", 404: "GET /other HTTP/1.1", 405: "POST /chat HTTP/1.1", 500: "GET /chat HTTP/1.1"} {
			nc, err := net.Dial("tcp", addr)
			require.NoError(t, err)
			defer nc.Close()
			_, rest, _ := strings.Cut(request, "\r\n")
			_, err = io.WriteString(nc, line+"\r\n"+rest)
			require.NoError(t, err)
			br := bufio.NewReader(nc)
			resp, err := http.ReadResponse(br, nil)
			require.NoError(t, err)
			require.Equal(t, want, resp.StatusCode)
			require.True(t, resp.Close)
			_, err = io.Copy(io.Discard, resp.Body)
			require.NoError(t, err)
			_, err = br.ReadByte()
			require.ErrorIs(t, err, io.EOF)
		}
		require.EqualValues(t, 1, s.Stats().Panics)
		require.Equal(t, map[int]uint64{400: 1, 404: 1, 405: 1, 500: 1}, s.Stats().Refused)
	})
}

func TestServerFailsTheConnection(t *testing.T) {
	everyDriver(t, func(t *testing.T, d Driver) {
		why := make(chan error, 1)
		s := &Server{Driver: d, Open: func(*Conn, *handshake.Request) Handler {
			return funcs{close: func(_ *Conn, err error) { why <- err }, message: func(*Conn, conn.Message) { panic("boo") }}
		}}
		addr := serve(t, s)
		for _, row := range []struct {
			name string
			bad  string
			code frame.CloseCode
			err  error
		}{
			{"5.1 unmasked", "\x81\x01a", frame.CloseProtocolError, frame.ErrMaskRequired},
			{"8.1 not UTF-8", "\x81\x81\x00\x00\x00\x00\xff", frame.CloseInvalidPayload, frame.ErrInvalidUTF8},
			{"too big", "\x82\xff\x00\x00\x00\x00\x00\x10\x00\x01\x00\x00\x00\x00", frame.CloseTooBig, frame.ErrMessageTooBig},
			{"F22 the handler panics", "\x81\x81\x00\x00\x00\x00a", frame.CloseInternalError, ErrPanic},
		} {
			t.Run(row.name, func(t *testing.T) {
				c := dial(t, addr, []byte(row.bad)...)
				c.expectClose(row.code)
				c.expectEOF()
				c.nc.Close()
				require.ErrorIs(t, <-why, row.err)
			})
		}
		require.EqualValues(t, 1, s.Stats().Panics)
		require.Equal(t, map[frame.CloseCode]uint64{1002: 1, 1007: 1, 1009: 1, 1011: 1}, s.Stats().Failed)
	})
}

func TestServerWritesFromAnyGoroutine(t *testing.T) {
	everyDriver(t, func(t *testing.T, d Driver) {
		opened := make(chan *Conn, 1)
		addr := serve(t, &Server{Driver: d, Open: func(c *Conn, _ *handshake.Request) Handler { opened <- c; return nil }})
		p := dial(t, addr)
		c := <-opened
		const writers, each = 16, 100
		var wg sync.WaitGroup
		for w := range writers {
			wg.Go(func() {
				for i := range each {
					if err := c.Write(frame.Binary, []byte{byte(w), byte(i)}); err != nil {
						t.Error(err)
					}
				}
			})
		}
		next := [writers]byte{}
		for range writers * each {
			m, err := p.read()
			require.NoError(t, err)
			require.Equal(t, next[m.Payload[0]], m.Payload[1], "E30: the order of one writer")
			next[m.Payload[0]]++
		}
		wg.Wait()
		require.NoError(t, c.Close(4000, "bye"))
		require.ErrorIs(t, c.Write(frame.Text, nil), net.ErrClosed)
		p.expectClose(4000)
	})
}

func TestServerPrepared(t *testing.T) {
	everyDriver(t, func(t *testing.T, d Driver) {
		opened := make(chan *Conn, 3)
		addr := serve(t, &Server{Driver: d, Open: func(c *Conn, _ *handshake.Request) Handler { opened <- c; return nil }})
		m, err := conn.Prepare(frame.Text, []byte("to all"))
		require.NoError(t, err)
		for range 3 {
			p := dial(t, addr)
			c := <-opened
			require.NoError(t, c.WritePrepared(m))
			require.NoError(t, c.Write(frame.Text, []byte("to you")))
			require.NoError(t, c.WritePrepared(m))
			p.expect(frame.Text, "to all")
			p.expect(frame.Text, "to you")
			p.expect(frame.Text, "to all")
		}
	})
}

func TestServerWriteQueue(t *testing.T) {
	everyDriver(t, func(t *testing.T, d Driver) {
		for _, policy := range []WriteQueuePolicy{CloseWhenFull, DropWhenFull} {
			opened, ended, drained := make(chan *Conn, 1), make(chan error, 1), make(chan bool, 100)
			s := &Server{Driver: d, WriteQueueSoft: 10_000, WriteQueueHard: 20_000, WriteQueuePolicy: policy, Open: func(c *Conn, _ *handshake.Request) Handler {
				opened <- c
				return funcs{close: func(_ *Conn, err error) { ended <- err }, drained: func(*Conn) { drained <- true }}
			}}
			p := dial(t, serve(t, s))
			c := <-opened
			// Until the kernel takes no more and the queue is full.
			wrote := 0
			var err error
			for ; wrote < 100_000; wrote++ {
				before := c.Buffered()
				if err = c.Write(frame.Binary, make([]byte, 996)); err != nil { // 1000 octets with the header
					require.Greater(t, before+1000, 20_000, "at the limit there is room")
					break
				}
				require.LessOrEqual(t, c.Buffered(), 20_000)
			}
			require.ErrorIs(t, err, ErrQueueFull)
			require.EqualValues(t, 1, s.Stats().Drops)
			for range wrote {
				m, err := p.read()
				require.NoError(t, err)
				require.Len(t, m.Payload, 996)
			}
			if policy == CloseWhenFull {
				require.ErrorIs(t, c.Write(frame.Binary, nil), ErrClosed)
				p.expectClose(frame.ClosePolicyViolation)
				p.write(p.p.AppendClose(nil, frame.ClosePolicyViolation, ""))
				require.ErrorIs(t, <-ended, ErrQueueFull)
				continue
			}
			<-drained
			require.NoError(t, c.Write(frame.Text, []byte("on we go")))
			p.expect(frame.Text, "on we go")
		}
	})
}

func TestServerShutdown(t *testing.T) {
	everyDriver(t, func(t *testing.T, d Driver) {
		ended := make(chan error, 3)
		s := &Server{Driver: d, Loops: 2, Options: conn.Options{CloseTimeout: time.Second}, Open: func(*Conn, *handshake.Request) Handler {
			return funcs{close: func(_ *Conn, err error) { ended <- err }}
		}}
		ln, err := net.Listen("tcp", "127.0.0.1:0")
		require.NoError(t, err)
		served := make(chan error, 1)
		go func() { served <- s.Serve(ln) }()
		addr := ln.Addr().String()
		polite, deaf := dial(t, addr), dial(t, addr)
		done := make(chan error, 1)
		go func() { done <- s.Shutdown(context.Background()) }()
		polite.expectClose(frame.CloseGoingAway)
		polite.write(polite.p.AppendClose(nil, frame.CloseGoingAway, ""))
		polite.expectEOF()
		var ce *conn.CloseError
		require.ErrorAs(t, <-ended, &ce)
		require.Equal(t, frame.CloseGoingAway, ce.Code)
		require.ErrorIs(t, <-ended, ErrCloseTimeout) // the deaf one
		deaf.expectClose(frame.CloseGoingAway)
		require.NoError(t, <-done)
		require.ErrorIs(t, <-served, ErrServerClosed)
		_, err = net.Dial("tcp", addr)
		require.Error(t, err)
		require.ErrorIs(t, s.Serve(ln), ErrServerClosed)
	})
}

func TestServerMaxConns(t *testing.T) {
	everyDriver(t, func(t *testing.T, d Driver) {
		s := &Server{Driver: d, MaxConns: 2, Open: echoes}
		addr := serve(t, s)
		first, second := dial(t, addr), dial(t, addr)
		nc, err := net.Dial("tcp", addr)
		require.NoError(t, err)
		defer nc.Close()
		resp, err := http.ReadResponse(bufio.NewReader(nc), nil)
		require.NoError(t, err)
		require.Equal(t, 503, resp.StatusCode)
		first.write(first.p.AppendClose(nil, frame.CloseNormal, ""))
		first.expectClose(frame.CloseNormal)
		first.expectEOF()
		first.nc.Close()
		for s.Stats().Open > 1 { // the loop has sent its FIN before it counts
			time.Sleep(time.Millisecond)
		}
		third := dial(t, addr)
		for _, c := range []*peer{second, third} {
			c.write(c.p.AppendMessage(nil, frame.Text, []byte("hi")))
			c.expect(frame.Text, "hi")
		}
	})
}

func TestServerHeartbeat(t *testing.T) {
	everyDriver(t, func(t *testing.T, d Driver) {
		ended := make(chan error, 1)
		s := &Server{Driver: d, Options: conn.Options{PingInterval: 100 * time.Millisecond, PongTimeout: 200 * time.Millisecond}, Open: func(*Conn, *handshake.Request) Handler {
			return funcs{close: func(_ *Conn, err error) { ended <- err }}
		}}
		c := dial(t, serve(t, s))
		for range 3 {
			c.expect(frame.Ping, "")
			c.write(c.p.AppendPong(nil, nil))
		}
		c.expect(frame.Ping, "") // and no answer
		require.ErrorIs(t, <-ended, ErrPongTimeout)
	})
}

func TestServerHandshakeTimeout(t *testing.T) {
	everyDriver(t, func(t *testing.T, d Driver) {
		s := &Server{Driver: d, Options: conn.Options{HandshakeTimeout: 200 * time.Millisecond}}
		nc, err := net.Dial("tcp", serve(t, s))
		require.NoError(t, err)
		defer nc.Close()
		_, err = io.WriteString(nc, request[:20])
		require.NoError(t, err)
		_, err = io.ReadAll(nc)
		if err != nil { // a reset will do as well
			require.NotErrorIs(t, err, context.DeadlineExceeded)
		}
		require.EqualValues(t, 1, s.Stats().Refused[408])
	})
}

// E25: no loop has many more connections than another.
func TestE25LoopsAreEven(t *testing.T) {
	everyDriver(t, func(t *testing.T, d Driver) {
		s := &Server{Driver: d, Loops: 4, Open: echoes}
		addr := serve(t, s)
		var peers []*peer
		for range 202 {
			peers = append(peers, dial(t, addr))
		}
		for i := range 100 { // some go, others come
			peers[2*i].nc.Close()
		}
		require.Eventually(t, func() bool { return s.Stats().Open == 102 }, 10*time.Second, time.Millisecond)
		for range 100 {
			peers = append(peers, dial(t, addr))
		}
		for _, l := range s.loops {
			require.LessOrEqual(t, float64(l.load.Load()), 1.2*202/4, "max/mean")
		}
	})
}

// E23: a handler that holds its loop up is noticed.
func TestE23SlowHandlerIsCounted(t *testing.T) {
	everyDriver(t, func(t *testing.T, d Driver) {
		s := &Server{Driver: d, Open: func(*Conn, *handshake.Request) Handler {
			return funcs{message: func(c *Conn, m conn.Message) {
				for start := time.Now(); time.Since(start) < 2*slowTurn; {
				}
				c.Write(m.Op, nil)
			}}
		}}
		c := dial(t, serve(t, s))
		c.write(c.p.AppendMessage(nil, frame.Text, []byte("take your time")))
		c.expect(frame.Text, "")
		require.Eventually(t, func() bool { return s.Stats().SlowTurns >= 1 && s.Stats().MaxLag >= 2*slowTurn }, 10*time.Second, time.Millisecond)
	})
}

// V62: messages, however many, make no goroutines.
func TestV62MessagesMakeNoGoroutines(t *testing.T) {
	addr := serve(t, &Server{Loops: 1, Open: echoes})
	c := dial(t, addr)
	var many []byte
	for range 1000 {
		var err error
		many, err = c.p.AppendMessage(many, frame.Binary, []byte("x"))
		require.NoError(t, err)
	}
	before := runtime.NumGoroutine()
	for range 100 {
		c.write(many, nil)
		for range 1000 {
			c.expect(frame.Binary, "x")
		}
		require.LessOrEqual(t, runtime.NumGoroutine(), before+2)
	}
}

// V52: who is refused by the program has cost no more than his request.
func TestV52HookRunsBeforeMemoryIsSpent(t *testing.T) {
	s := &Server{Loops: 1, Open: echoes}
	var held []int
	s.Upgrader.Hook = func(r *handshake.Request) error {
		held = append(held, r.Buffered())
		return &handshake.Error{Status: 401}
	}
	addr := serve(t, s)
	for range 3 {
		nc, err := net.Dial("tcp", addr)
		require.NoError(t, err)
		_, err = io.WriteString(nc, request)
		require.NoError(t, err)
		answer, err := io.ReadAll(nc)
		require.NoError(t, err)
		require.Contains(t, string(answer), "HTTP/1.1 401 ")
		nc.Close()
	}
	require.NoError(t, s.Close())
	require.Equal(t, []int{0, 0, 0}, held) // a request that comes whole is not copied
}

// V73: connections that open and close at clicking speed.
func TestV73Churn(t *testing.T) {
	everyDriver(t, func(t *testing.T, d Driver) {
		var opened, closed atomic.Int64
		s := &Server{Driver: d, Loops: 2, Open: func(c *Conn, _ *handshake.Request) Handler {
			opened.Add(1)
			return funcs{close: func(*Conn, error) { closed.Add(1) }}
		}}
		addr := serve(t, s)
		var wg sync.WaitGroup
		for range 4 {
			wg.Go(func() {
				for range 100 {
					nc, err := net.Dial("tcp", addr)
					if err != nil {
						t.Error(err)
						return
					}
					io.WriteString(nc, request)
					nc.Close()
				}
			})
		}
		wg.Wait()
		require.Eventually(t, func() bool { return s.Stats().Open == 0 && opened.Load() == closed.Load() }, 20*time.Second, time.Millisecond)
	})
}

// A client that sends on and on before it reads is held back, and loses nothing: the write queue's hard limit is for programs that write of their
// own accord.
func TestServerHoldsBackWhoeverDoesNotRead(t *testing.T) {
	everyDriver(t, func(t *testing.T, d Driver) {
		s := &Server{Driver: d, Open: echoes}
		c := dial(t, serve(t, s))
		var want []int
		var all []byte
		for range 6 { // 1 MiB is as much as the queue may hold, and then come small ones with the same read
			want = append(want, 1<<20)
			for n := range 300 {
				want = append(want, n)
			}
		}
		for _, n := range want {
			var err error
			all, err = c.p.AppendMessage(all, frame.Binary, make([]byte, n))
			require.NoError(t, err)
		}
		sent := make(chan error, 1)
		go func() {
			_, err := c.nc.Write(all)
			sent <- err
		}()
		require.Eventually(t, func() bool { return s.Stats().Queued > 64<<10 }, 10*time.Second, time.Millisecond)
		for i, n := range want {
			m, err := c.read()
			require.NoError(t, err)
			require.Equal(t, frame.Binary, m.Op, "%d: %v", i, m)
			require.Len(t, m.Payload, n)
		}
		require.NoError(t, <-sent)
		require.Zero(t, s.Stats().Drops)
	})
}
