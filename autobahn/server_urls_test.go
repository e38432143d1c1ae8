package autobahn

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/idlewire/idlewire/frame"
	"github.com/idlewire/idlewire/handshake"
)

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

// Quoting is JSON's.
func TestServerQuote(t *testing.T) {
	for _, s := range []string{"", "a\"b\\c", "é\n<"} {
		var back string
		require.NoError(t, json.Unmarshal([]byte(quote(s)), &back))
		require.Equal(t, s, back)
	}
}
