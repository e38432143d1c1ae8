package handshake

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// hijacked is what Hijack returned in a handler.
type hijacked struct {
	nc   net.Conn
	rest []byte
	r    *Request
	err  error
}

// serve starts an http.Server whose handler hijacks with u, behind wrap if that is not nil.
func serve(t testing.TB, u *Upgrader, wrap func(http.Handler) http.Handler) (*httptest.Server, <-chan hijacked) {
	results := make(chan hijacked, 1)
	var h http.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		nc, rest, req, err := u.Hijack(w, r)
		results <- hijacked{nc, rest, req, err}
	})
	if wrap != nil {
		h = wrap(h)
	}
	s := httptest.NewUnstartedServer(h)
	s.Config.ReadTimeout, s.Config.WriteTimeout = time.Hour, time.Hour
	s.Config.ErrorLog = nil
	t.Cleanup(s.Close)
	return s, results
}

// exchange sends stream to the server and returns the head of the response, parsed, and the connection.
func exchange(t testing.TB, s *httptest.Server, stream string) (*http.Response, *bufio.Reader, net.Conn) {
	nc, err := net.Dial("tcp", s.Listener.Addr().String())
	require.NoError(t, err)
	t.Cleanup(func() { nc.Close() })
	_, err = io.WriteString(nc, stream)
	require.NoError(t, err)
	br := bufio.NewReader(nc)
	resp, err := http.ReadResponse(br, nil)
	require.NoError(t, err)
	return resp, br, nc
}

func TestHijack(t *testing.T) {
	u := &Upgrader{
		Subprotocols: []string{"superchat"},
		Origins:      []string{"http://example.com"},
		Extensions:   func(_ *Request, offers []Extension) []Extension { return offers },
		Hook:         func(r *Request) error { return r.AddHeader("Set-Cookie", "a=b") },
	}
	s, results := serve(t, u, nil)
	s.Start()
	stream := strings.Replace(rfcRequest, "\r\n\r\n", "\r\nSec-WebSocket-Extensions: x; y\r\nX: 1\r\nX: 2\r\n\r\n", 1)
	resp, br, nc := exchange(t, s, stream+"frames")
	require.Equal(t, 101, resp.StatusCode)
	require.Equal(t, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=", resp.Header.Get("Sec-WebSocket-Accept"))
	require.Equal(t, "superchat", resp.Header.Get("Sec-WebSocket-Protocol"))
	require.Equal(t, "x; y", resp.Header.Get("Sec-WebSocket-Extensions"))
	require.Equal(t, "a=b", resp.Header.Get("Set-Cookie"))

	h := <-results
	require.NoError(t, h.err)
	defer h.nc.Close()
	require.Equal(t, "superchat", h.r.Subprotocol)
	require.Equal(t, []Extension{{"x", params("y", "")}}, h.r.Extensions)
	require.Equal(t, "/chat", string(h.r.Target()))
	require.Equal(t, "server.example.com", string(h.r.Host()))
	require.Equal(t, "2", lastValue(h.r, "X"))
	require.Equal(t, nc.LocalAddr().String(), h.r.RemoteAddr.String())
	require.IsType(t, &net.TCPAddr{}, h.r.RemoteAddr)
	require.False(t, h.r.TLS)

	// The bytes of both directions go on, none lost.
	rest := h.rest
	for len(rest) < len("frames") {
		b := make([]byte, 10)
		n, err := h.nc.Read(b)
		require.NoError(t, err)
		rest = append(rest, b[:n]...)
	}
	require.Equal(t, "frames", string(rest))
	_, err := io.WriteString(h.nc, "back")
	require.NoError(t, err)
	b := make([]byte, 4)
	_, err = io.ReadFull(br, b)
	require.NoError(t, err)
	require.Equal(t, "back", string(b))
}

func lastValue(r *Request, name string) (last string) {
	for v := range r.Values(name) {
		last = string(v)
	}
	return last
}

// V42: each cut of request and first frame into two segments.
func TestV42Hijack(t *testing.T) {
	s, results := serve(t, &Upgrader{}, nil)
	s.Start()
	const frames = "\x81\x85\x00\x00\x00\x00Hello"
	stream := plainRequest + frames
	for _, cut := range []int{len(stream), len(plainRequest) - 1, len(plainRequest), len(plainRequest) + 1, len(stream) - 1} {
		nc, err := net.Dial("tcp", s.Listener.Addr().String())
		require.NoError(t, err)
		_, err = io.WriteString(nc, stream[:cut])
		require.NoError(t, err)
		_, err = io.WriteString(nc, stream[cut:])
		require.NoError(t, err)
		h := <-results
		require.NoError(t, h.err)
		got := make([]byte, len(frames))
		_, err = io.ReadFull(io.MultiReader(bytes.NewReader(h.rest), h.nc), got)
		require.NoError(t, err)
		require.Equal(t, frames, string(got))
		h.nc.Close()
		nc.Close()
	}
}

// deadlines notes what is set on a connection.
type deadlines struct {
	net.Conn
	read, write time.Time
}

func (c *deadlines) SetDeadline(t time.Time) error {
	c.read, c.write = t, t
	return c.Conn.SetDeadline(t)
}
func (c *deadlines) SetReadDeadline(t time.Time) error { c.read = t; return c.Conn.SetReadDeadline(t) }
func (c *deadlines) SetWriteDeadline(t time.Time) error {
	c.write = t
	return c.Conn.SetWriteDeadline(t)
}

// The deadlines that the server left on the connection are gone.
func TestHijackClearsDeadlines(t *testing.T) {
	client, server := net.Pipe()
	defer client.Close()
	defer server.Close()
	c := &deadlines{Conn: server}
	c.SetDeadline(time.Now().Add(time.Hour))
	w := &hijackable{ResponseRecorder: httptest.NewRecorder(), nc: c}
	r, err := http.ReadRequest(bufio.NewReader(strings.NewReader(plainRequest)))
	require.NoError(t, err)
	go io.Copy(io.Discard, client)
	nc, rest, _, err := new(Upgrader).Hijack(w, r)
	require.NoError(t, err)
	require.Same(t, c, nc)
	require.Empty(t, rest)
	require.Zero(t, c.read)
	require.Zero(t, c.write)
}

// A hijackable is a ResponseWriter that gives its connection away.
type hijackable struct {
	*httptest.ResponseRecorder
	nc       net.Conn
	buffered string
	err      error
}

func (w *hijackable) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	if w.err != nil {
		return nil, nil, w.err
	}
	br := bufio.NewReader(io.MultiReader(strings.NewReader(w.buffered), w.nc))
	if w.buffered != "" {
		br.Peek(len(w.buffered))
	}
	return w.nc, bufio.NewReadWriter(br, bufio.NewWriter(w.nc)), nil
}

// What the reader of net/http holds is copied out of it.
func TestHijackBuffered(t *testing.T) {
	client, server := net.Pipe()
	defer client.Close()
	defer server.Close()
	go io.Copy(io.Discard, client)
	w := &hijackable{ResponseRecorder: httptest.NewRecorder(), nc: server, buffered: "frames"}
	r, err := http.ReadRequest(bufio.NewReader(strings.NewReader(plainRequest)))
	require.NoError(t, err)
	_, rest, _, err := new(Upgrader).Hijack(w, r)
	require.NoError(t, err)
	require.Equal(t, "frames", string(rest))
	require.LessOrEqual(t, cap(rest), 16, "the 4 KiB of the reader are not held by it")
}

// The client is gone before the response: the connection is closed and the error says why.
func TestHijackWriteFails(t *testing.T) {
	client, server := net.Pipe()
	client.Close()
	w := &hijackable{ResponseRecorder: httptest.NewRecorder(), nc: server}
	r, err := http.ReadRequest(bufio.NewReader(strings.NewReader(plainRequest)))
	require.NoError(t, err)
	nc, _, _, err := new(Upgrader).Hijack(w, r)
	require.ErrorIs(t, err, io.ErrClosedPipe)
	require.Nil(t, nc)
	_, err = server.Read(make([]byte, 1))
	require.ErrorIs(t, err, io.ErrClosedPipe)
	require.Equal(t, 0, w.Body.Len(), "nothing was written through w")
}

type wrapper struct{ http.ResponseWriter }

type unwrapper struct{ http.ResponseWriter }

func (w unwrapper) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// A middleware that wraps the ResponseWriter is seen through if it has Unwrap, as
// http.ResponseController wants it; if not, the peer gets 500 and the program is told.
func TestHijackWrapped(t *testing.T) {
	s, results := serve(t, &Upgrader{}, func(h http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { h.ServeHTTP(unwrapper{unwrapper{w}}, r) })
	})
	s.Start()
	resp, _, _ := exchange(t, s, plainRequest)
	require.Equal(t, 101, resp.StatusCode)
	h := <-results
	require.NoError(t, h.err)
	h.nc.Close()

	s, results = serve(t, &Upgrader{}, func(h http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { h.ServeHTTP(wrapper{w}, r) })
	})
	s.Start()
	resp, br, _ := exchange(t, s, plainRequest)
	require.Equal(t, 500, resp.StatusCode)
	h = <-results
	require.ErrorIs(t, h.err, http.ErrNotSupported)
	var e *Error
	require.True(t, errors.As(h.err, &e))
	require.Equal(t, 500, e.Status)
	body, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	require.Equal(t, "Internal Server Error\n", string(body))
	_, err = br.ReadByte()
	require.Equal(t, io.EOF, err, "closed")
}

// RFC 8441 is not spoken; the error says so, and the server is not hijacked.
func TestHijackHTTP2(t *testing.T) {
	s, results := serve(t, &Upgrader{}, nil)
	s.EnableHTTP2 = true
	s.StartTLS()
	resp, err := s.Client().Get(s.URL)
	require.NoError(t, err)
	defer resp.Body.Close()
	require.Equal(t, 2, resp.ProtoMajor)
	require.Equal(t, 505, resp.StatusCode)
	h := <-results
	require.Same(t, ErrHTTP2, h.err)
	body, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	require.Contains(t, string(body), "RFC 8441")
}

// Over TLS the scheme of the origin is known: V45.
func TestHijackTLS(t *testing.T) {
	s, results := serve(t, &Upgrader{}, nil)
	s.StartTLS()
	config := s.Client().Transport.(*http.Transport).TLSClientConfig.Clone()
	config.NextProtos = []string{"http/1.1"}
	for origin, status := range map[string]int{"https://example.com": 101, "http://example.com": 403} {
		nc, err := tls.Dial("tcp", s.Listener.Addr().String(), config)
		require.NoError(t, err)
		_, err = io.WriteString(nc, request("+", "Origin: "+origin))
		require.NoError(t, err)
		resp, err := http.ReadResponse(bufio.NewReader(nc), nil)
		require.NoError(t, err)
		require.Equal(t, status, resp.StatusCode, origin)
		h := <-results
		if status == 101 {
			require.True(t, h.r.TLS)
			require.IsType(t, &tls.Conn{}, h.nc)
			h.nc.Close()
		}
		nc.Close()
	}
}

// What a refusal looks like from outside, through a real server: it closes, and the second,
// pipelined request is not answered.
func TestV80HijackRefusalCloses(t *testing.T) {
	u := &Upgrader{Hook: func(r *Request) error {
		return &Error{Status: 401, Header: http.Header{"WWW-Authenticate": {"Basic"}}, Body: []byte("who?")}
	}}
	s, results := serve(t, u, nil)
	s.Start()
	for _, tt := range []struct {
		request string
		status  int
	}{
		{request("Sec-WebSocket-Version", "Sec-WebSocket-Version: 8"), 426},
		{request("+", "Content-Length: 5") + "Hello", 400},
		{request("+", "Transfer-Encoding: chunked") + "0\r\n\r\n", 400},
		{request("GET", "GET http://example.com/ HTTP/1.1"), 400},
		{request("GET", "GET //example.com/ HTTP/1.1"), 400},
		{"GET / HTTP/1.1\r\nHost: a\r\n\r\n", 426},
		{plainRequest, 401},
	} {
		resp, br, _ := exchange(t, s, tt.request+request("GET", "GET /secret HTTP/1.1"))
		require.Equal(t, tt.status, resp.StatusCode)
		require.True(t, resp.Close)
		_, err := io.Copy(io.Discard, resp.Body)
		require.NoError(t, err)
		_, err = br.ReadByte()
		require.Error(t, err, "closed")
		h := <-results
		require.Nil(t, h.nc)
		require.Equal(t, tt.status, h.err.(*Error).Status)
		require.Empty(t, results, "the second request is never served")
		if tt.status == 426 {
			require.Equal(t, []string{"13"}, resp.Header.Values("Sec-WebSocket-Version"))
			require.Equal(t, []string{"websocket"}, resp.Header.Values("Upgrade"))
		}
	}
}

// A request that no server made: without RequestURI, and with headers that a middleware spoilt.
func TestHijackMadeUpRequest(t *testing.T) {
	client, server := net.Pipe()
	defer client.Close()
	defer server.Close()
	go io.Copy(io.Discard, client)
	good := func() *http.Request {
		r, err := http.NewRequestWithContext(context.Background(), "GET", "http://example.com/a?b", nil)
		require.NoError(t, err)
		r.Header = http.Header{"Upgrade": {"websocket"}, "Connection": {"Upgrade"}, "Sec-Websocket-Version": {"13"}, "Sec-Websocket-Key": {"dGhlIHNhbXBsZSBub25jZQ=="}}
		r.RemoteAddr = "192.0.2.1" // as some middlewares leave it
		return r
	}
	w := &hijackable{ResponseRecorder: httptest.NewRecorder(), nc: server}
	_, _, r, err := new(Upgrader).Hijack(w, good())
	require.NoError(t, err)
	require.Equal(t, "/a?b", string(r.Target()))
	require.Equal(t, "192.0.2.1", r.RemoteAddr.String())
	require.Equal(t, "tcp", r.RemoteAddr.Network())

	for name, spoil := range map[string]func(r *http.Request){
		"line end in a value":        func(r *http.Request) { r.Header.Set("X", "a\r\nOrigin: b") },
		"blank line in a value":      func(r *http.Request) { r.Header.Set("X", "a\r\n\r\n") },
		"line end in a name":         func(r *http.Request) { r.Header["X: y\r\nZ"] = []string{"a"} },
		"line end in Host":           func(r *http.Request) { r.Host = "a\r\nX: y" },
		"line end in the target":     func(r *http.Request) { r.RequestURI = "/ HTTP/1.1\r\nX: y\r\nZ: " },
		"body":                       func(r *http.Request) { r.ContentLength = 5 },
		"body of unknown length":     func(r *http.Request) { r.ContentLength = -1 },
		"chunks":                     func(r *http.Request) { r.TransferEncoding = []string{"chunked"} },
		"no Host":                    func(r *http.Request) { r.Host = "" },
		"Host among the headers too": func(r *http.Request) { r.Header.Set("Host", "b") },
	} {
		r := good()
		spoil(r)
		w := &hijackable{ResponseRecorder: httptest.NewRecorder(), nc: server}
		_, _, _, err := new(Upgrader).Hijack(w, r)
		var e *Error
		require.True(t, errors.As(err, &e), name)
		require.Equal(t, 400, e.Status, name)
		require.Equal(t, 400, w.Code, name)
	}
}
