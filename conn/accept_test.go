package conn

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/idlewire/idlewire/frame"
	"github.com/idlewire/idlewire/handshake"
)

// serve starts a server whose handler gives every accepted connection to f, and returns its URL with scheme ws. It ends with the test.
func serve(t testing.TB, u *handshake.Upgrader, o *Options, f func(*Conn)) string {
	t.Helper()
	return serveHTTP(t, func(w http.ResponseWriter, r *http.Request) {
		c, err := Accept(w, r, u, o)
		if err != nil {
			return
		}
		defer c.CloseNow()
		f(c)
	})
}

func serveHTTP(t testing.TB, h http.HandlerFunc) string {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return "ws" + strings.TrimPrefix(s.URL, "http")
}

// echo is what most servers of these tests do.
func echo(c *Conn) {
	for {
		m, err := c.Read()
		if err != nil || c.Write(m.Op, m.Payload) != nil {
			return
		}
	}
}

// request is an opening handshake as a client may send it. Its key is that of RFC 6455, section 1.3.
func request(more ...string) string {
	return "GET /chat HTTP/1.1\r\nHost: example.test\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" +
		"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n" + strings.Join(more, "") + "\r\n"
}

// dialRaw opens a TCP connection to a URL of serve.
func dialRaw(t testing.TB, url string) net.Conn {
	t.Helper()
	nc, err := net.Dial("tcp", strings.TrimPrefix(url, "ws://"))
	if err != nil {
		t.Fatal(err)
	}
	nc.SetDeadline(time.Now().Add(patience))
	t.Cleanup(func() { nc.Close() })
	return nc
}

// V42: frames that come with the request are not lost, wherever the bytes are cut.
func TestV42AcceptEarlyFrames(t *testing.T) {
	url := serve(t, nil, nil, echo)
	p := &peer{TB: t, role: Client}
	head := request()
	stream := bytes.Join([][]byte{[]byte(head), p.text("early"), p.ping("bird"), p.bye(4000, "")}, nil)
	for cut := len(head) - 6; cut <= len(stream); cut++ {
		nc := dialRaw(t, url)
		for _, b := range [][]byte{stream[:cut], stream[cut:]} {
			if _, err := nc.Write(b); err != nil {
				t.Fatal(err)
			}
		}
		br := bufio.NewReader(nc)
		response, err := http.ReadResponse(br, nil)
		if err != nil || response.StatusCode != http.StatusSwitchingProtocols || response.Header.Get("Sec-WebSocket-Accept") != "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=" {
			t.Fatal(cut, response, err)
		}
		want := map[string]bool{"early": true, "bird": true} // the pong may overtake the echo
		for range 2 {
			f, err := frame.Read(br, frame.FromServer, 0, 1000)
			if err != nil || !want[string(f.Payload)] {
				t.Fatal(cut, f, err)
			}
			delete(want, string(f.Payload))
		}
		if f, err := frame.Read(br, frame.FromServer, 0, 1000); err != nil || f.Opcode != frame.Close {
			t.Fatal(cut, f, err)
		}
		nc.Close()
	}
}

// The defaults are safe: a page from elsewhere is refused, a program without a page is not. The program learns why.
func TestAcceptRefuses(t *testing.T) {
	errs := make(chan error, 1)
	url := serveHTTP(t, func(w http.ResponseWriter, r *http.Request) {
		c, err := Accept(w, r, nil, nil)
		if err == nil {
			c.CloseNow()
		}
		errs <- err
	})
	for _, row := range []struct {
		request string
		status  int
		err     error
	}{
		{request(), 101, nil},
		{request("Origin: http://example.test\r\n"), 101, nil},
		{request("Origin: https://evil.test\r\n"), 403, handshake.ErrOrigin},
		{"GET / HTTP/1.1\r\nHost: example.test\r\n\r\n", 426, handshake.ErrUpgrade},
		{strings.Replace(request(), "Version: 13", "Version: 8", 1), 426, handshake.ErrVersion},
		{strings.Replace(request(), "GET", "POST", 1), 405, handshake.ErrMethod},
	} {
		nc := dialRaw(t, url)
		io.WriteString(nc, row.request)
		response, err := http.ReadResponse(bufio.NewReader(nc), nil)
		if err != nil || response.StatusCode != row.status {
			t.Error(row.request, response, err)
		}
		if err := <-errs; !errors.Is(err, row.err) {
			t.Error(row.request, err)
		}
		nc.Close()
	}
}

// What was agreed is there; the deadlines of the http.Server are gone; what wraps the ResponseWriter is no obstacle; and
// TLS is as good as TCP.
func TestAccept(t *testing.T) {
	for _, secure := range []bool{false, true} {
		t.Run(fmt.Sprint("tls=", secure), func(t *testing.T) {
			u := &handshake.Upgrader{Subprotocols: []string{"chat.v2", "chat.v1"}}
			s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				c, err := Accept(wrapped{w}, r, u, &Options{MaxMessage: 10})
				if err != nil {
					t.Error(err)
					return
				}
				defer c.CloseNow()
				if c.Subprotocol() != "chat.v1" || c.Extensions() != nil || c.RemoteAddr() == nil || c.LocalAddr() == nil || c.NetConn() == nil {
					t.Error(c.Subprotocol(), c.Extensions())
				}
				echo(c)
			}))
			s.Config.ReadTimeout, s.Config.WriteTimeout = 400*time.Millisecond, 400*time.Millisecond
			d := &Dialer{Subprotocols: []string{"chat.v1", "other"}}
			url := ""
			if secure {
				s.TLS = &tls.Config{Certificates: []tls.Certificate{testCA(t).issue(t, "example.test", time.Hour)}, NextProtos: []string{"h2", "http/1.1"}}
				s.StartTLS()
				d.TLS = &tls.Config{RootCAs: testCA(t).pool, ServerName: "example.test"}
				url = "wss" + strings.TrimPrefix(s.URL, "https")
			} else {
				s.Start()
				url = "ws" + strings.TrimPrefix(s.URL, "http")
			}
			defer s.Close()
			c, err := Dial(context.Background(), url, d)
			if err != nil {
				t.Fatal(err)
			}
			defer c.CloseNow()
			if c.Subprotocol() != "chat.v1" || c.Extensions() != nil {
				t.Error(c.Subprotocol(), c.Extensions())
			}
			// Longer than the server's timeouts: a read that has to be given up says so.
			c.SetReadDeadline(time.Now().Add(500 * time.Millisecond))
			if _, err := c.Read(); !isDeadline(err) {
				t.Fatal(err)
			}
			c.SetReadDeadline(time.Time{})
			c.Write(frame.Text, []byte("hello"))
			expectText(t, c, "hello")
			c.Write(frame.Text, []byte("hello world"))
			if _, err := c.Read(); CodeOf(err) != frame.CloseTooBig {
				t.Fatal(err)
			}
		})
	}
}

// wrapped is what a middleware makes of a ResponseWriter.
type wrapped struct{ inner http.ResponseWriter }

func (w wrapped) Header() http.Header         { return w.inner.Header() }
func (w wrapped) Write(b []byte) (int, error) { return w.inner.Write(b) }
func (w wrapped) WriteHeader(status int)      { w.inner.WriteHeader(status) }
func (w wrapped) Unwrap() http.ResponseWriter { return w.inner }

// A handler that returns leaves the connection to whoever has it.
func TestAcceptOutlivesHandler(t *testing.T) {
	conns := make(chan *Conn, 1)
	url := serveHTTP(t, func(w http.ResponseWriter, r *http.Request) {
		c, err := Accept(w, r, nil, nil)
		if err != nil {
			t.Error(err)
		}
		conns <- c
	})
	c, err := Dial(context.Background(), url, nil)
	if err != nil {
		t.Fatal(err)
	}
	server := <-conns
	done := goes(func() { echo(server) })
	for range 10 {
		c.Write(frame.Text, []byte("still"))
		expectText(t, c, "still")
	}
	if err := c.Close(1000, ""); err != nil {
		t.Fatal(err)
	}
	done()
}
