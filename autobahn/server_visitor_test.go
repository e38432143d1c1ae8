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
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/idlewire/idlewire/frame"
	"github.com/idlewire/idlewire/handshake"
)

// A desk is a Server at work, and what there is to know of it.
type desk struct {
	*Server
	t    *testing.T
	addr string
	stop context.CancelFunc
	end  func() (*Report, error) // waits for Serve to return
}

// echoCases are four cases that a client passes which echoes.
func echoCases() []*Case {
	text := func(id, s string) *Case {
		p := Payload{[]byte(s), len(s)}
		return &Case{
			ID: id, Title: "Sends  a \"text\".", Steps: []Step{{Do: SendMessage, Opcode: frame.Text, Payload: p}},
			Deadline: Deadline{After: 10 * time.Second},
			Expect:   []Expectation{{OK, []Event{{Kind: Message, Payload: p}}}},
			Close:    CloseExpectation{Codes: []frame.CloseCode{1000}, Clean: true, OnMatch: true},
		}
	}
	return []*Case{text("1.1", "Hello"), text("1.2", "and"), text("1.10", "good"), text("2.1", "bye")}
}

// serve starts a Server with echoCases on a free port, changed by configure. At the end of the test it is stopped, and nothing of it may be left.
func serve(t *testing.T, configure func(*Server)) *desk {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	s := &Server{Cases: echoCases(), Options: DefaultOptions()}
	if configure != nil {
		configure(s)
	}
	ctx, stop := context.WithCancel(context.Background())
	d := &desk{Server: s, t: t, addr: ln.Addr().String(), stop: stop}
	type outcome struct {
		r   *Report
		err error
	}
	ended := make(chan outcome, 1)
	go func() {
		r, err := s.Serve(ctx, ln)
		ended <- outcome{r, err}
	}()
	d.end = sync.OnceValues(func() (*Report, error) {
		o := <-ended
		return o.r, o.err
	})
	t.Cleanup(func() {
		stop()
		d.end()
		noStrays(t)
	})
	return d
}

// noStrays looks for goroutines of the suite.
func noStrays(t *testing.T) {
	var left []string
	for range 5000 { // a goroutine may have a few instructions to go
		b := make([]byte, 1<<20)
		b = b[:runtime.Stack(b, true)]
		left = nil
		for _, g := range strings.Split(string(b), "\n\n") {
			for _, of := range []string{"autobahn.(*service)", "autobahn.(*chat)", "autobahn.(*driver)", "autobahn.(*Server)"} {
				if strings.Contains(g, of) {
					left = append(left, g)
				}
			}
		}
		if len(left) == 0 {
			return
		}
		runtime.Gosched()
		<-time.After(time.Millisecond)
	}
	t.Errorf("left behind:\n%s", strings.Join(left, "\n\n"))
}

// A visitor is a client of the suite's server, made of frames.
type visitor struct {
	t     *testing.T
	nc    net.Conn
	br    *bufio.Reader
	offer handshake.Offer
}

// knock connects and sends the opening handshake.
func (d *desk) knock(url string, change ...func(*handshake.Offer)) *visitor {
	u, err := handshake.ParseURL("ws://" + d.addr + url)
	require.NoError(d.t, err)
	nc, err := net.Dial("tcp", d.addr)
	require.NoError(d.t, err)
	d.t.Cleanup(func() { nc.Close() })
	nc.SetDeadline(time.Now().Add(maxOpeningTime / 2))
	v := &visitor{t: d.t, nc: nc, br: bufio.NewReader(nc), offer: handshake.Offer{URL: u}}
	for _, f := range change {
		f(&v.offer)
	}
	b, err := v.offer.AppendRequest(nil)
	require.NoError(d.t, err)
	_, err = nc.Write(b)
	require.NoError(d.t, err)
	return v
}

// response reads the answer to the opening handshake.
func (v *visitor) response() *http.Response {
	resp, err := http.ReadResponse(v.br, &http.Request{Method: "GET"})
	require.NoError(v.t, err)
	return resp
}

// enter makes an opening handshake that has to succeed.
func (d *desk) enter(url string, change ...func(*handshake.Offer)) *visitor {
	v := d.knock(url, change...)
	var head []byte
	for !bytes.HasSuffix(head, []byte("\r\n\r\n")) {
		line, err := v.br.ReadBytes('\n')
		require.NoError(d.t, err, "%s", head)
		head = append(head, line...)
	}
	var r handshake.Response
	_, done, err := r.Receive(head)
	require.NoError(d.t, err, "%s", head)
	require.True(d.t, done)
	require.NoError(d.t, v.offer.Check(&r), "%s", head)
	return v
}

// refused makes an opening handshake that has to fail, and returns the status and what the server says of it. The server has to close.
func (d *desk) refused(url string, change ...func(*handshake.Offer)) (int, string) {
	return d.knock(url, change...).refused()
}

func (v *visitor) refused() (int, string) {
	resp := v.response()
	body, err := io.ReadAll(resp.Body)
	require.NoError(v.t, err)
	require.NotEqual(v.t, 101, resp.StatusCode)
	v.gone()
	return resp.StatusCode, strings.TrimSpace(string(body))
}

// read reads a frame of the server.
func (v *visitor) read() frame.Frame {
	f, err := frame.Read(v.br, frame.FromServer, 0, 1<<20)
	require.NoError(v.t, err)
	return f
}

// write sends a frame.
func (v *visitor) write(op frame.Opcode, payload []byte) {
	require.NoError(v.t, frame.Write(v.nc, frame.Frame{Header: frame.Header{Opcode: op, Fin: true, Masked: true, Key: 0x12345678}, Payload: payload}))
}

// text reads a text message, and the Close without body behind it, answers that, and sees the server close.
func (v *visitor) text() string {
	f := v.read()
	require.Equal(v.t, frame.Text, f.Opcode)
	v.bye(nil)
	return string(f.Payload)
}

// bye reads a Close with the body, answers it, and sees the server close.
func (v *visitor) bye(body []byte) {
	f := v.read()
	require.Equal(v.t, frame.Close, f.Opcode)
	require.Equal(v.t, string(body), string(f.Payload))
	v.write(frame.Close, body)
	v.gone()
}

// gone sees the server close.
func (v *visitor) gone() {
	_, err := v.br.ReadByte()
	timeout := net.Error(nil)
	require.False(v.t, err == nil || errors.As(err, &timeout) && timeout.Timeout(), "%v", err)
	v.nc.Close()
}

// echo plays a client that echoes, until the server closes.
func (v *visitor) echo() {
	for {
		f, err := frame.Read(v.br, frame.FromServer, 0, 1<<20)
		if err != nil {
			v.nc.Close()
			return
		}
		if f.Opcode == frame.Ping {
			f.Opcode = frame.Pong
		}
		f.Masked, f.Key = true, 0xdeadbeef
		frame.Write(v.nc, f)
	}
}

func (d *desk) runCase(n int, agent string) {
	d.enter(fmt.Sprintf("/runCase?case=%d&agent=%s", n, agent)).echo()
}

// behaviors returns the verdicts of an agent by case.
func behaviors(r *Report, agent string) map[string]Verdict {
	r.mu.Lock()
	defer r.mu.Unlock()
	m := map[string]Verdict{}
	for id, result := range r.results[agent] {
		m[id] = result.Behavior
	}
	return m
}
