package autobahn

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
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

// The loop that clients of the original make.
func TestServerLoop(t *testing.T) {
	var told []string
	reports := 0
	d := serve(t, func(s *Server) {
		s.Started = func(agent string, c *Case) { told = append(told, "started "+agent+" "+c.ID) }
		s.Finished = func(r *Result) { told = append(told, "finished "+r.Agent+" "+r.Case.ID) }
		s.Reports = func(r *Report) error {
			reports++
			require.Len(t, behaviors(r, "me"), 4)
			return nil
		}
	})
	require.Equal(t, "4", d.enter("/getCaseCount").text())
	require.Equal(t, `{"id": "1.10", "description": "Sends a \"text\"."}`, d.enter("/getCaseInfo?case=3").text())
	for n := 1; n <= 4; n++ {
		d.runCase(n, "me")
		require.JSONEq(t, `{"behavior": "OK"}`, d.enter(fmt.Sprintf("/getCaseStatus?case=%d&agent=me", n)).text())
	}
	d.enter("/updateReports?agent=me&shutdownOnComplete=true").bye(nil)
	r, err := d.end()
	require.NoError(t, err)
	require.Equal(t, 1, reports)
	require.Equal(t, map[string]Verdict{"1.1": OK, "1.2": OK, "1.10": OK, "2.1": OK}, behaviors(r, "me"))
	for i, id := range []string{"1.1", "1.2", "1.10", "2.1"} {
		result := r.results["me"][id]
		require.Equal(t, i+1, result.Number)
		require.True(t, result.IsServer)
		require.Equal(t, OK, result.BehaviorClose, result.ReasonClose)
		require.Contains(t, result.HTTPRequest, "GET /runCase?case=")
		require.Contains(t, result.HTTPResponse, "101 Switching Protocols")
		require.Equal(t, []string{"started me " + id, "finished me " + id}, told[2*i:2*i+2])
	}
	_, err = net.Dial("tcp", d.addr)
	require.Error(t, err)
}

func TestServerStops(t *testing.T) {
	for name, act := range map[string]func(d *desk){
		"stopServer":               func(d *desk) { d.enter("/stopServer").bye(nil) },
		"shutdownOnComplete=true":  func(d *desk) { d.enter("/updateReports?agent=a&shutdownOnComplete=true").bye(nil) },
		"shutdownOnComplete=yes":   func(d *desk) { d.enter("/updateReports?shutdownOnComplete=yes&agent=a").bye(nil) },
		"context":                  func(d *desk) { d.stop() },
		"stopServer, and no Close": func(d *desk) { d.enter("/stopServer").nc.Close() },
	} {
		t.Run(name, func(t *testing.T) {
			d := serve(t, func(s *Server) { s.Options.WebStatus = false })
			// Whoever waits, runs a case, or is on the way in is cut off.
			waits := d.enter("/getCaseStatus?case=1&agent=nobody")
			runs := d.enter("/runCase?case=1&agent=slow")
			knocks, err := net.Dial("tcp", d.addr)
			require.NoError(t, err)
			defer knocks.Close()
			act(d)
			r, err := d.end()
			require.NoError(t, err)
			require.Empty(t, behaviors(r, "slow"), "a case that did not end has no verdict")
			waits.gone()
			runs.echo()
			_, err = knocks.Read(make([]byte, 1))
			require.Error(t, err)
		})
	}
	t.Run("no shutdown", func(t *testing.T) {
		d := serve(t, nil)
		for _, url := range []string{"/updateReports?agent=a", "/updateReports?agent=a&shutdownOnComplete=false", "/updateReports?agent=a&shutdownOnComplete="} {
			d.enter(url).bye(nil)
		}
		require.Equal(t, "4", d.enter("/getCaseCount").text())
	})
}

func TestServerRefuses(t *testing.T) {
	long := strings.Repeat("a", maxAgentName)
	d := serve(t, func(s *Server) {
		s.Skip = func(agent string, c *Case) bool { return agent == "skipper" && c.ID == "1.2" }
		s.Options.OpenHandshakeTimeout = 0 // nobody is sent away because time is up
	})
	for _, row := range []struct {
		url    string
		status int
		says   string
	}{
		{"/runCase?agent=a", 500, "no case"},
		{"/runCase?case=&agent=a", 500, "no case"},
		{"/runCase?case=0&agent=a", 500, "from 1 to 4"},
		{"/runCase?case=5&agent=a", 500, "from 1 to 4"},
		{"/runCase?case=-1&agent=a", 500, "from 1 to 4"},
		{"/runCase?case=1.1&agent=a", 500, "from 1 to 4"},
		{"/runCase?case=99999999999999999999&agent=a", 500, "from 1 to 4"},
		{"/runCase?case=x&casetuple=1.1&agent=a", 500, "from 1 to 4"}, // case wins
		{"/runCase?casetuple=1.3&agent=a", 500, "none of the 4 cases"},
		{"/runCase?casetuple=1.*&agent=a", 500, "none of the 4 cases"},
		{"/runCase?case=1&case=1&agent=a", 500, "case more than once"},
		{"/runCase?casetuple=1.1&casetuple=1.1&agent=a", 500, "casetuple more than once"},
		{"/runCase?case=1&agent=a&agent=a", 500, "agent more than once"},
		{"/runCase?case=1", 500, "no agent"},
		{"/runCase?case=1&agent=", 500, "no agent"},
		{"/runCase?case=1&agent=%20", 500, "no agent"},
		{"/runCase?case=1&agent=" + long + "a", 500, "more than 200"},
		{"/runCase?case=1&agent=a%0Ab", 500, "control"},
		{"/runCase?case=1&agent=%ff", 500, "UTF-8"},
		{"/runCase?case=1&agent=%f", 400, "hexadecimal"},
		{"/getCaseInfo", 500, "no case"},
		{"/getCaseInfo?case=9", 500, "from 1 to 4"},
		{"/getCaseStatus?agent=a", 500, "no case"},
		{"/getCaseStatus?case=1", 500, "no agent"},
		{"/getCaseStatus?case=2&agent=skipper", 500, "no result"},
		{"/updateReports", 500, "no agent"},
		{"/updateReports?agent=a&shutdownOnComplete=true&shutdownOnComplete=true", 500, "more than once"},
		{"/", 404, "/runCase"},
		{"/runcase?case=1&agent=a", 404, "/runCase"},
		{"/runCase/?case=1&agent=a", 404, "/runCase"},
	} {
		status, says := d.refused(row.url)
		require.Equal(t, row.status, status, "%s: %s", row.url, says)
		require.Contains(t, says, row.says, row.url)
	}
	// And what stands beside these is taken.
	for _, url := range []string{
		"/getCaseCount?case=1&case=2&agent", // parameters that are not used are ignored
		"/getCaseInfo?casetuple=1.10",
		"/getCaseInfo?case=&casetuple=1.10",
	} {
		d.enter(url).text()
	}
	d.runCase(2, "skipped")
	d.enter("/runCase?case=1&casetuple=2.1&agent=" + long).echo()
	d.enter("/runCase?casetuple=2.1&agent=%C3%A9+;%26").echo()
	d.stop()
	r, _ := d.end()
	require.Equal(t, map[string]Verdict{"1.1": OK}, behaviors(r, long))
	require.Equal(t, map[string]Verdict{"2.1": OK}, behaviors(r, "é ;&"))
	require.Equal(t, map[string]Verdict{"1.2": OK}, behaviors(r, "skipped"))
	require.Len(t, r.results, 3, "a refused request leaves nothing")
}

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

func TestServerHTTP(t *testing.T) {
	d := serve(t, func(s *Server) { s.Options.AllowedOrigins = []string{"http://*.example"} })
	resp, err := http.Get("http://" + d.addr + "/")
	require.NoError(t, err)
	page, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	resp.Body.Close()
	require.Equal(t, 200, resp.StatusCode)
	require.Contains(t, resp.Header.Get("Content-Type"), "text/html")
	require.Contains(t, string(page), "</html>")
	resp, err = http.Post("http://"+d.addr+"/getCaseCount", "text/plain", strings.NewReader("x"))
	require.NoError(t, err)
	resp.Body.Close()
	require.Equal(t, 405, resp.StatusCode)

	status, says := d.refused("/getCaseCount", func(o *handshake.Offer) { o.Host = "127.0.0.1:1" })
	require.Equal(t, 400, status)
	require.Contains(t, says, "names port 1, ")
	status, _ = d.refused("/getCaseCount", func(o *handshake.Offer) { o.Origin = "http://example" })
	require.Equal(t, 403, status)
	d.enter("/getCaseCount", func(o *handshake.Offer) { o.Origin = "http://www.example" }).text()

	// Drafts from 8 on are close enough; which they are is an option.
	nc, err := net.Dial("tcp", d.addr)
	require.NoError(t, err)
	defer nc.Close()
	fmt.Fprint(nc, strings.NewReplacer("localhost:9001", d.addr, "Version: 13", "Version: 8").Replace(goodRequest))
	line, err := bufio.NewReader(nc).ReadString('\n')
	require.NoError(t, err)
	require.Equal(t, "HTTP/1.1 101 Switching Protocols\r\n", line)

}

func TestServerHTTPOptions(t *testing.T) {
	d := serve(t, func(s *Server) { s.Options.Versions, s.Options.WebStatus = []int{8}, false })
	v := d.knock("/getCaseCount")
	resp := v.response()
	require.Equal(t, 400, resp.StatusCode)
	require.Equal(t, "8", resp.Header.Get("Sec-WebSocket-Version"))
	resp, err := http.Get("http://" + d.addr + "/")
	require.NoError(t, err)
	resp.Body.Close()
	require.Equal(t, 426, resp.StatusCode)
	require.Equal(t, "websocket", resp.Header.Get("Upgrade"))
}

// What /getCaseStatus has no answer for yet it answers later.
func TestServerStatusWaits(t *testing.T) {
	d := serve(t, nil)
	var waits []*visitor
	for range 3 {
		waits = append(waits, d.enter("/getCaseStatus?casetuple=1.2&agent=a"))
	}
	other := d.enter("/getCaseStatus?casetuple=1.2&agent=b")
	other.write(frame.Ping, []byte("there?"))
	f := other.read() // it is not closed, and answers pings
	require.Equal(t, frame.Pong, f.Opcode)
	require.Equal(t, "there?", string(f.Payload))
	d.runCase(1, "a")
	d.runCase(2, "b")
	require.JSONEq(t, `{"behavior": "OK"}`, other.text())
	waits[0].write(frame.Text, []byte("read over"))
	waits[0].write(frame.Ping, nil)
	require.Equal(t, frame.Pong, waits[0].read().Opcode) // nothing has come before
	d.runCase(2, "a")
	for _, v := range waits {
		require.JSONEq(t, `{"behavior": "OK"}`, v.text())
	}
	v := d.enter("/getCaseStatus?casetuple=1.1&agent=b")
	v.write(frame.Close, []byte{0x03, 0xe9, 'x'}) // the client goes away first
	require.Equal(t, "\x03\xe8", string(v.read().Payload))
	v.gone()
	v = d.enter("/getCaseStatus?casetuple=1.1&agent=b")
	_, err := v.nc.Write([]byte{0x83, 0x80, 0, 0, 0, 0}) // reserved opcode
	require.NoError(t, err)
	require.Equal(t, "\x03\xea", string(v.read().Payload)) // 1002
	v.gone()
}

// Frames may come with the request.
func TestServerHurry(t *testing.T) {
	d := serve(t, nil)
	nc, err := net.Dial("tcp", d.addr)
	require.NoError(t, err)
	request := strings.NewReplacer("localhost:9001", d.addr, "/getCaseCount", "/getCaseStatus?case=1&agent=a").Replace(goodRequest)
	ping := frame.Append(nil, frame.Header{Opcode: frame.Ping, Fin: true, Masked: true}, []byte("there?"))
	_, err = nc.Write(append([]byte(request), ping...))
	require.NoError(t, err)
	v := &visitor{t: t, nc: nc, br: bufio.NewReader(nc)}
	require.Equal(t, 101, v.response().StatusCode)
	require.Equal(t, "there?", string(v.read().Payload))
	nc.Close()
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

func TestServerSkips(t *testing.T) {
	d := serve(t, func(s *Server) {
		s.Skip = func(agent string, c *Case) bool { return agent == "a" && strings.HasPrefix(c.ID, "1.") }
	})
	d.enter("/runCase?case=1&agent=a").bye(nil)
	d.enter("/runCase?case=2&agent=a").bye(nil)
	d.runCase(4, "a")
	d.runCase(1, "b")
	d.stop()
	r, err := d.end()
	require.NoError(t, err)
	require.Equal(t, map[string]Verdict{"2.1": OK}, behaviors(r, "a"))
	require.Equal(t, map[string]Verdict{"1.1": OK}, behaviors(r, "b"))
}

// A case that runs again replaces the result.
func TestServerReplaces(t *testing.T) {
	d := serve(t, nil)
	d.enter("/runCase?case=1&agent=a").nc.Close()
	require.JSONEq(t, `{"behavior": "FAILED"}`, d.enter("/getCaseStatus?case=1&agent=a").text())
	d.runCase(1, "a")
	d.enter("/updateReports?agent=a").bye(nil)
	require.JSONEq(t, `{"behavior": "OK"}`, d.enter("/getCaseStatus?case=1&agent=a").text())
}

// /updateReports comes with the cases whose connections the server has closed already, and with those that still run.
func TestServerReportsAfterCases(t *testing.T) {
	var seen []int
	d := serve(t, func(s *Server) {
		s.Reports = func(r *Report) error {
			seen = append(seen, len(behaviors(r, "a")))
			return nil
		}
	})
	runs := d.enter("/runCase?case=1&agent=a")
	other := d.enter("/runCase?case=1&agent=b") // is not waited for
	v := d.enter("/updateReports?agent=a")
	runs.echo()
	v.bye(nil)
	other.echo()
	d.stop()
	d.end()
	require.Equal(t, []int{1}, seen)
}

func TestServerReportsFail(t *testing.T) {
	full := errors.New("disk full")
	d := serve(t, func(s *Server) { s.Reports = func(*Report) error { return full } })
	d.enter("/updateReports?agent=a").bye([]byte{0x03, 0xf3}) // 1011
	d.enter("/stopServer").bye(nil)
	_, err := d.end()
	require.ErrorIs(t, err, full)
}

// Agents side by side, and cases of one agent side by side.
func TestServerParallel(t *testing.T) {
	const agents, rounds = 6, 3
	running, most := 0, 0
	d := serve(t, func(s *Server) {
		s.Started = func(string, *Case) { running++; most = max(most, running) } // one call at a time: the race detector looks
		s.Finished = func(*Result) { running-- }
	})
	var wg sync.WaitGroup
	for a := range agents {
		for n := 1; n <= 4; n++ {
			wg.Go(func() {
				for range rounds {
					d.runCase(n, fmt.Sprint(a))
				}
			})
			wg.Go(func() {
				require.JSONEq(t, `{"behavior": "OK"}`, d.enter(fmt.Sprintf("/getCaseStatus?case=%d&agent=%d", n, a)).text())
			})
		}
		wg.Go(func() { d.enter(fmt.Sprintf("/updateReports?agent=%d", a)).bye(nil) })
	}
	wg.Wait()
	d.stop()
	r, err := d.end()
	require.NoError(t, err)
	require.Len(t, r.results, agents)
	require.Zero(t, running)
	require.Positive(t, most)
	for _, results := range r.results {
		require.Len(t, results, 4)
		for _, result := range results {
			require.True(t, result.Good(), "%s %s", result.Reason, result.ReasonClose)
		}
	}
}

// Nobody who hangs keeps a connection for ever, wherever he hangs.
func TestServerHangs(t *testing.T) {
	d := serve(t, func(s *Server) {
		s.Options.OpenHandshakeTimeout = 20 * time.Millisecond
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

// Frames of the plain URLs obey the options too.
func TestServerMasks(t *testing.T) {
	d := serve(t, func(s *Server) {
		s.Options.MaskServerFrames, s.Options.RequireMaskedClientFrames, s.Options.EchoCloseCodeReason = true, false, true
	})
	v := d.enter("/getCaseCount")
	f, err := frame.Read(v.br, frame.Either, 0, 100)
	require.NoError(t, err)
	require.True(t, f.Masked)
	require.Equal(t, "4", string(f.Payload))
	v = d.enter("/getCaseStatus?case=1&agent=a")
	require.NoError(t, frame.Write(v.nc, frame.Frame{Header: frame.Header{Opcode: frame.Close, Fin: true}, Payload: []byte{0x03, 0xe9, 'x'}}))
	f, err = frame.Read(v.br, frame.Either, 0, 100)
	require.NoError(t, err)
	require.Equal(t, "\x03\xe9", string(f.Payload))
	v.gone()

}

// Without them, a frame in clear is a breach.
func TestServerWantsMasks(t *testing.T) {
	d := serve(t, nil)
	v := d.enter("/getCaseStatus?case=1&agent=a")
	require.NoError(t, frame.Write(v.nc, frame.Frame{Header: frame.Header{Opcode: frame.Ping, Fin: true}}))
	require.Equal(t, "\x03\xea", string(v.read().Payload))
}

func TestServerURL(t *testing.T) {
	here := &net.TCPAddr{Port: 1234}
	for url, want := range map[string]struct {
		port   int
		secure bool
	}{
		"":                       {1234, false},
		"ws://127.0.0.1:9001":    {9001, false},
		"ws://127.0.0.1:9001/":   {9001, false},
		"wss://localhost:0":      {1234, true},
		"ws://localhost":         {80, false},
		"wss://localhost":        {443, true},
		"ws://[::1]:9001":        {9001, false},
		"WSS://localhost:443/a":  {443, true},
		"http://localhost:9001":  {},
		"ws://localhost:9001?":   {},
		"ws://localhost:9001?a":  {},
		"ws://localhost:9001/#a": {},
		"ws://localhost:90001":   {},
		"ws://localhost:x":       {},
		"localhost":              {},
	} {
		s := &Server{URL: url}
		v := &service{Server: s}
		err := v.place(here)
		if want.port == 0 {
			require.Error(t, err, url)
			ln, err := net.Listen("tcp", "127.0.0.1:0")
			require.NoError(t, err)
			r, err := s.Serve(context.Background(), ln)
			require.Error(t, err)
			require.NotNil(t, r)
			_, err = ln.Accept()
			require.ErrorIs(t, err, net.ErrClosed)
			continue
		}
		require.NoError(t, err, url)
		require.Equal(t, want.port, v.port, url)
		require.Equal(t, want.secure, v.secure, url)
	}
	v := &service{Server: &Server{}}
	require.Error(t, v.place(&net.UnixAddr{Name: "/tmp/x"}))
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

// Quoting is JSON's.
func TestServerQuote(t *testing.T) {
	for _, s := range []string{"", "a\"b\\c", "é\n<"} {
		var back string
		require.NoError(t, json.Unmarshal([]byte(quote(s)), &back))
		require.Equal(t, s, back)
	}
}
