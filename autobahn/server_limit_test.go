package autobahn

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/idlewire/idlewire/frame"
)

// What the client sends behind a request that is refused is read over: else TCP might take the refusal back.
func TestServerRefusesTalkative(t *testing.T) {
	ln := &pipeListener{queue: make(chan net.Conn), closed: make(chan struct{})}
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		(&Server{URL: "ws://localhost:9002", Options: DefaultOptions()}).Serve(ctx, ln)
	}()
	nc := ln.dial()
	go io.WriteString(nc, goodRequest)
	resp, err := http.ReadResponse(bufio.NewReader(nc), nil)
	require.NoError(t, err)
	require.Equal(t, 400, resp.StatusCode)
	_, err = io.Copy(io.Discard, resp.Body)
	require.NoError(t, err)
	for range 2 {
		_, err = nc.Write(make([]byte, maxLinger/2))
		require.NoError(t, err)
	}
	_, err = nc.Write(make([]byte, 1)) // there is an end to that
	require.ErrorIs(t, err, io.ErrClosedPipe)
	stop()
	<-ended
	noStrays(t)
}

// Those who wait are not more than so many, and one that goes away makes room.
func TestServerStatusLimit(t *testing.T) {
	d := serve(t, nil)
	var waits []*visitor
	for range maxStatusWaits {
		waits = append(waits, d.enter("/getCaseStatus?case=1&agent=a"))
	}
	status, says := d.refused("/getCaseStatus?case=1&agent=a")
	require.Equal(t, 503, status)
	require.Contains(t, says, "more than 256")
	waits[0].write(frame.Close, nil)
	waits[0].read()
	waits[0].gone()
	waits[1].nc.Close()
	// When the server has noticed there is room for these two; until then they are refused.
	for range 2 {
		for {
			v := d.knock("/getCaseStatus?case=1&agent=a")
			if v.response().StatusCode == 101 {
				break
			}
			v.nc.Close()
		}
	}
	status, _ = d.refused("/getCaseStatus?case=1&agent=a")
	require.Equal(t, 503, status)
	d.runCase(1, "a") // cases run all the same
	for _, v := range waits[2:] {
		require.JSONEq(t, `{"behavior": "OK"}`, v.text())
	}
	require.JSONEq(t, `{"behavior": "OK"}`, d.enter("/getCaseStatus?case=1&agent=a").text())
}

func TestServerAgentLimit(t *testing.T) {
	d := serve(t, nil)
	for i := range maxAgents {
		d.runCase(1, fmt.Sprint("agent", i))
	}
	status, says := d.refused("/runCase?case=1&agent=one-more")
	require.Equal(t, 500, status)
	require.Contains(t, says, "more than 256 agents")
	d.runCase(2, "agent0") // who is known stays welcome
	d.stop()
	r, _ := d.end()
	require.Len(t, r.results, maxAgents)
	require.Len(t, r.results["agent0"], 2)
}

func TestServerMaxConnections(t *testing.T) {
	d := serve(t, func(s *Server) { s.Options.MaxConnections = 2 })
	a := d.enter("/getCaseStatus?case=1&agent=a")
	b := d.enter("/getCaseStatus?case=1&agent=a")
	status, says := d.refused("/getCaseCount")
	require.Equal(t, 503, status)
	require.Contains(t, says, "maximum number of connections")
	a.write(frame.Close, nil)
	a.read()
	a.gone()
	for {
		v := d.knock("/getCaseCount")
		if v.response().StatusCode == 101 {
			break
		}
		v.nc.Close()
	}
	_ = b
}

// Past the limit connections wait in the listener's queue, and are served when there is room.
func TestServerConnectionLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ln := &pipeListener{queue: make(chan net.Conn), closed: make(chan struct{})}
		s := &Server{Cases: echoCases(), Options: DefaultOptions(), URL: "ws://localhost:9001"}
		s.Options.OpenHandshakeTimeout = time.Minute
		ctx, stop := context.WithCancel(context.Background())
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			s.Serve(ctx, ln)
		}()
		var open []net.Conn
		for range maxConnections {
			open = append(open, ln.dial())
		}
		extra := make(chan net.Conn)
		go func() { extra <- ln.dial() }()
		synctest.Wait()
		select {
		case <-extra:
			t.Error("accepted past the limit")
		default:
		}
		open[7].Close()
		nc := <-extra
		go io.WriteString(nc, goodRequest)
		line, err := bufio.NewReader(nc).ReadString('\n')
		require.NoError(t, err)
		require.Equal(t, "HTTP/1.1 101 Switching Protocols\r\n", line)
		stop()
		<-ended
	})
}

// The server waits for the answer to its Close, and then closes TCP at once, also when Serve is to return (7.1.1).
func TestServerCloses(t *testing.T) {
	for _, path := range []string{"/getCaseCount", "/stopServer", "/updateReports?agent=a&shutdownOnComplete=yes"} {
		synctest.Test(t, func(t *testing.T) {
			ln := &pipeListener{queue: make(chan net.Conn), closed: make(chan struct{})}
			s := &Server{Cases: echoCases(), Options: DefaultOptions(), URL: "ws://localhost:9001"}
			ctx, stop := context.WithCancel(context.Background())
			ended := make(chan struct{})
			go func() {
				defer close(ended)
				s.Serve(ctx, ln)
			}()
			nc := ln.dial()
			go io.WriteString(nc, strings.Replace(goodRequest, "/getCaseCount", path, 1))
			br := bufio.NewReader(nc)
			_, err := http.ReadResponse(br, nil)
			require.NoError(t, err)
			seen := map[frame.Opcode]bool{}
			for !seen[frame.Close] {
				f, err := frame.Read(br, frame.FromServer, 0, 100)
				require.NoError(t, err)
				seen[f.Opcode] = true
			}
			synctest.Wait()
			began := time.Now()
			require.NoError(t, frame.Write(nc, frame.Frame{Header: frame.Header{Opcode: frame.Close, Fin: true, Masked: true}}))
			_, err = br.ReadByte()
			require.ErrorIs(t, err, io.EOF)
			require.Zero(t, time.Since(began))
			if path == "/getCaseCount" {
				stop()
			}
			<-ended
			stop()
		})
	}
}

// A pipeListener listens in memory.
type pipeListener struct {
	queue  chan net.Conn
	closed chan struct{}
	once   sync.Once
}

func (l *pipeListener) dial() net.Conn {
	a, b := net.Pipe()
	l.queue <- a
	return b
}

func (l *pipeListener) Accept() (net.Conn, error) {
	select {
	case nc := <-l.queue:
		return nc, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

func (l *pipeListener) Close() error {
	l.once.Do(func() { close(l.closed) })
	return nil
}

func (l *pipeListener) Addr() net.Addr { return &net.UnixAddr{} }

// Nobody who hangs keeps a connection for ever, wherever he hangs.
func TestServerHangs(t *testing.T) {
	d := serve(t, func(s *Server) {
		s.Options.OpenHandshakeTimeout = time.Second // on a busy machine the good ones below take their time, too
		s.Options.CloseHandshakeTimeout = 20 * time.Millisecond
		for _, c := range s.Cases {
			c.Deadline.After = 20 * time.Millisecond
		}
		s.Cases[3].Steps[0] = Step{Do: SendMessage, Opcode: frame.Binary, Payload: Payload{make([]byte, 1), 32 << 20}} // does not fit into any buffer
	})
	for _, half := range []string{"", "GET /getCaseCount HTTP/1.1\r\nHost: ", strings.TrimSuffix(goodRequest, "\n")} {
		nc, err := net.Dial("tcp", d.addr)
		require.NoError(t, err)
		io.WriteString(nc, half)
		_, err = io.Copy(io.Discard, nc) // until the server closes
		if ne := net.Error(nil); errors.As(err, &ne) {
			require.False(t, ne.Timeout())
		}
		nc.Close()
	}
	v := d.enter("/getCaseCount") // it does not answer the Close
	v.read()
	v.read()
	v.gone()
	v = d.knock("/nowhere") // it does not close after the refusal
	v.response()
	_, err := io.Copy(io.Discard, v.br)
	require.NoError(t, err)
	silent := d.enter("/runCase?case=1&agent=a")
	deaf := d.enter("/runCase?case=4&agent=a") // it never reads
	require.JSONEq(t, `{"behavior": "FAILED"}`, d.enter("/getCaseStatus?case=1&agent=a").text())
	require.JSONEq(t, `{"behavior": "FAILED"}`, d.enter("/getCaseStatus?case=4&agent=a").text())
	silent.echo()
	deaf.nc.Close()
	flood := d.enter("/getCaseStatus?case=2&agent=a") // pings, and does not read the pongs
	flood.nc.SetDeadline(time.Time{})
	ping := bytes.Repeat(frame.Append(nil, frame.Header{Opcode: frame.Ping, Fin: true, Masked: true}, make([]byte, 125)), 500)
	for {
		if _, err := flood.nc.Write(ping); err != nil {
			break
		}
	}
}

// A listener that fails for a moment is tried again, one that fails for good ends Serve.
func TestServerAccept(t *testing.T) {
	s := &Server{Cases: echoCases(), Options: DefaultOptions(), URL: "ws://localhost:9001"}
	ends := errors.New("ends")
	ln := &badListener{errs: append(slices.Repeat([]error{passing{}}, maxConnections+1), ends)}
	synctest.Test(t, func(t *testing.T) { // for the pauses
		_, err := s.Serve(context.Background(), ln)
		require.ErrorIs(t, err, ends)
	})
	require.Empty(t, ln.errs)
	_, err := s.Serve(context.Background(), &badListener{errs: []error{net.ErrClosed}})
	require.ErrorIs(t, err, net.ErrClosed)
}

type passing struct{}

func (passing) Error() string   { return "too many open files" }
func (passing) Timeout() bool   { return false }
func (passing) Temporary() bool { return true }

type badListener struct{ errs []error }

func (l *badListener) Accept() (net.Conn, error) {
	err := l.errs[0]
	l.errs = slices.Delete(l.errs, 0, 1)
	return nil, err
}
func (l *badListener) Close() error   { return nil }
func (l *badListener) Addr() net.Addr { return &net.TCPAddr{} }
