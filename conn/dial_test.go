package conn

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/idlewire/idlewire/frame"
	"github.com/idlewire/idlewire/handshake"
)

// accepting reads an opening handshake from nc and returns the response that accepts it.
func accepting(nc net.Conn) ([]byte, error) {
	var r handshake.Request
	b := make([]byte, 4<<10)
	for {
		n, err := nc.Read(b)
		if err != nil {
			return nil, err
		}
		if _, done, err := r.Receive(b[:n]); err != nil {
			return nil, err
		} else if done {
			return new(handshake.Upgrader).AppendResponse(nil, &r)
		}
	}
}

// script is a Dialer.NetDial to a server that is a function, over a pipe.
func script(server func(nc net.Conn)) func(context.Context, string, string) (net.Conn, error) {
	return func(context.Context, string, string) (net.Conn, error) {
		a, b := net.Pipe()
		go func() {
			defer b.Close()
			server(b)
		}()
		return a, nil
	}
}

// scriptTCP is script over TCP: TLS wants a transport that holds a little, to say why it breaks off.
func scriptTCP(t *testing.T, server func(nc net.Conn)) func(context.Context, string, string) (net.Conn, error) {
	return func(context.Context, string, string) (net.Conn, error) {
		a, b := tcpPair(t)
		go func() {
			defer b.Close()
			server(b)
		}()
		return a, nil
	}
}

// What the program gives is what the server sees.
func TestDialRequest(t *testing.T) {
	requests := make(chan *http.Request, 1)
	url := serveHTTP(t, func(w http.ResponseWriter, r *http.Request) {
		requests <- r
		c, err := Accept(w, r, &handshake.Upgrader{Subprotocols: []string{"b"}, CheckOrigin: func(*handshake.Request) bool { return true }}, nil)
		if err != nil {
			t.Error(err)
			return
		}
		c.CloseNow()
	})
	host := strings.TrimPrefix(url, "ws://")
	c, err := Dial(context.Background(), "ws://user:pass@"+host+"/path?q=1", &Dialer{
		Header:       http.Header{"X-Own": {"one", "two"}, "Cookie": {"a=1"}},
		Origin:       "https://page.test",
		Subprotocols: []string{"a", "b"},
	})
	if err != nil {
		t.Fatal(err)
	}
	defer c.CloseNow()
	r := <-requests
	user, pass, _ := r.BasicAuth()
	if r.RequestURI != "/path?q=1" || r.Host != host || user != "user" || pass != "pass" ||
		fmt.Sprint(r.Header["X-Own"]) != "[one two]" || r.Header.Get("Cookie") != "a=1" || r.Header.Get("Origin") != "https://page.test" ||
		r.Header.Get("Sec-Websocket-Protocol") != "a, b" || r.Header.Get("Sec-Websocket-Extensions") != "" {
		t.Error(r.RequestURI, r.Host, r.Header)
	}
	if c.Subprotocol() != "b" {
		t.Error(c.Subprotocol())
	}
}

// A jar gives cookies, besides those of the program, and takes them, also from a refusal.
func TestDialJar(t *testing.T) {
	base := serveHTTP(t, func(w http.ResponseWriter, r *http.Request) {
		switch cookies := r.Header.Get("Cookie"); cookies {
		case "own=1":
			http.SetCookie(w, &http.Cookie{Name: "session", Value: "secret", HttpOnly: true})
			w.WriteHeader(http.StatusUnauthorized)
		case "own=1; session=secret":
			c, err := Accept(w, r, &handshake.Upgrader{Hook: func(r *handshake.Request) error {
				return r.AddHeader("Set-Cookie", "seen=yes")
			}}, nil)
			if err != nil {
				t.Error(err)
				return
			}
			c.CloseNow()
		default:
			t.Error(cookies)
		}
	})
	jar, _ := cookiejar.New(nil)
	d := &Dialer{Jar: jar, Header: http.Header{"Cookie": {"own=1"}}}
	var refusal *handshake.Error
	if _, err := Dial(context.Background(), base, d); !errors.As(err, &refusal) || refusal.Status != 401 {
		t.Fatal(err)
	}
	c, err := Dial(context.Background(), base, d)
	if err != nil {
		t.Fatal(err)
	}
	c.CloseNow()
	u, _ := url.Parse("http" + strings.TrimPrefix(base, "ws"))
	if got := fmt.Sprint(jar.Cookies(u)); got != "[session=secret seen=yes]" {
		t.Error(got)
	}
}

// V42: frames that come with the 101 are not lost, wherever the bytes are cut.
func TestV42DialEarlyFrames(t *testing.T) {
	p := &peer{TB: t, role: Server}
	behind := append(p.text("early"), p.ping("bird")...)
	response := 0
	for cut := 0; cut <= response+len(behind); cut++ {
		d := &Dialer{NetDial: script(func(nc net.Conn) {
			b, err := accepting(nc)
			if err != nil {
				t.Error(err)
				return
			}
			response = len(b)
			b = append(b, behind...)
			nc.Write(b[:cut])
			nc.Write(b[cut:])
			q := &peer{t, nc, Server}
			q.expect(frame.Pong, "bird")
		})}
		c, err := Dial(context.Background(), "ws://example.test/", d)
		if err != nil {
			t.Fatal(cut, err)
		}
		expectText(t, c, "early")
		if _, err := c.Read(); !errors.Is(err, io.EOF) {
			t.Fatal(cut, err)
		}
	}
}

// A refusal says all that the program needs: status, headers, and the beginning of the body, however it is sent.
func TestDialRefused(t *testing.T) {
	long := strings.Repeat("because ", 10_000)
	for name, row := range map[string]struct {
		response, body string
		stays          bool
	}{
		"length":  {"HTTP/1.1 403 Forbidden\r\nX-Why: rules\r\nContent-Length: 7\r\n\r\nrefused and more", "refused", true},
		"long":    {"HTTP/1.1 403 Forbidden\r\nX-Why: rules\r\nContent-Length: 80000\r\n\r\n" + long, long[:1024], true},
		"chunked": {"HTTP/1.1 403 Forbidden\r\nX-Why: rules\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nref\r\n4\r\nused\r\n0\r\n\r\n", "refused", true},
		"close":   {"HTTP/1.1 403 Forbidden\r\nX-Why: rules\r\n\r\nrefused", "refused", false},
		"slow":    {"HTTP/1.1 403 Forbidden\r\nX-Why: rules\r\nContent-Length: 1000\r\n\r\nrefu", "refu", true}, // all that came in time
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				d := &Dialer{NetDial: script(func(nc net.Conn) {
					accepting(nc)
					io.WriteString(nc, row.response)
					if row.stays {
						io.Copy(io.Discard, nc) // until the client closes
					}
				})}
				c, err := Dial(context.Background(), "ws://example.test/", d)
				var refusal *handshake.Error
				if c != nil || !errors.As(err, &refusal) || refusal.Status != 403 || refusal.Header.Get("X-Why") != "rules" || string(refusal.Body) != row.body {
					t.Errorf("%v %+v", err, refusal)
				}
			})
		})
	}
}

// V47, V33, V34: what is no WebSocket server does not get one, and costs no more than the limits.
func TestV47DialBadResponse(t *testing.T) {
	for name, row := range map[string]struct {
		response func(good string) string
		err      error
	}{
		"no HTTP":       {func(string) string { return "\x16\x03\x01 what is this\r\n\r\n" }, handshake.ErrResponse},
		"wrong accept":  {func(s string) string { return strings.Replace(s, "Accept: ", "Accept: x", 1) }, handshake.ErrResponseAccept},
		"no accept":     {func(s string) string { return "HTTP/1.1 101 Fine\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n" }, handshake.ErrResponseAccept},
		"no upgrade":    {func(s string) string { return strings.Replace(s, "Upgrade: websocket", "X: y", 1) }, handshake.ErrResponseUpgrade},
		"no connection": {func(s string) string { return strings.Replace(s, "Connection: ", "X: ", 1) }, handshake.ErrResponseConnection},
		"subprotocol": {func(s string) string {
			return strings.Replace(s, "\r\n\r\n", "\r\nSec-WebSocket-Protocol: mine\r\n\r\n", 1)
		}, handshake.ErrResponseSubprotocols},
		"extension": {func(s string) string {
			return strings.Replace(s, "\r\n\r\n", "\r\nSec-WebSocket-Extensions: mine\r\n\r\n", 1)
		}, handshake.ErrResponseExtensions},
		"huge": {func(s string) string {
			return "HTTP/1.1 101 Fine\r\n" + strings.Repeat("X-Header: and on\r\n", 1<<20)
		}, handshake.ErrResponseTooLarge},
		"endless line": {func(s string) string { return "HTTP/1.1 101 Fine\r\nX: " + strings.Repeat("x", 10<<20) }, handshake.ErrResponseTooLarge},
	} {
		t.Run(name, func(t *testing.T) {
			took := make(chan int, 1)
			d := &Dialer{NetDial: script(func(nc net.Conn) {
				b, _ := accepting(nc)
				n, _ := io.WriteString(nc, row.response(string(b)))
				took <- n
			})}
			c, err := Dial(context.Background(), "ws://example.test/", d)
			if c != nil || !errors.Is(err, row.err) {
				t.Error(err)
			}
			if n := <-took; n > 32<<10 {
				t.Error("it read", n)
			}
		})
	}
}

// V48: what cannot be sent is found before anything is dialled.
func TestV48DialNothing(t *testing.T) {
	var dialed atomic.Int32
	netDial := func(context.Context, string, string) (net.Conn, error) {
		dialed.Add(1)
		return nil, errors.New("dialled")
	}
	for _, bad := range []string{"", "example.test", "http://example.test/", "ws://", "ws:///path", "ws://example.test/#fragment", "ws://exa mple.test/",
		"ws://example.test/a\r\nX: y", "ws://example.test:99999/", "ws://bücher.test/", "ws://example.test/\x00", "wss:opaque"} {
		if c, err := Dial(context.Background(), bad, &Dialer{NetDial: netDial}); err == nil || c != nil {
			t.Errorf("%q was dialled", bad)
		}
	}
	for name, d := range map[string]*Dialer{
		"header value": {Header: http.Header{"X": {"a\r\nY: b"}}},
		"header name":  {Header: http.Header{"X Y": {"a"}}},
		"NUL":          {Header: http.Header{"X": {"\x00"}}},
		"own header":   {Header: http.Header{"Sec-Websocket-Key": {"a"}}},
		"cookie":       {Header: http.Header{"Cookie": {"a=b\r\n\r\n"}}},
		"subprotocol":  {Subprotocols: []string{"a b"}},
		"origin":       {Origin: "https://page.test\r\nX: y"},
	} {
		d.NetDial = netDial
		if c, err := Dial(context.Background(), "ws://example.test/", d); err == nil || c != nil {
			t.Error(name, "was dialled")
		}
	}
	if dialed.Load() != 0 {
		t.Error(dialed.Load(), "dials")
	}
}

// V49: without more ado, a server has to prove that it is the one that was dialled.
func TestV49TLS(t *testing.T) {
	ca := testCA(t)
	for name, row := range map[string]struct {
		cert tls.Certificate
		max  uint16
		url  string
		ok   bool
	}{
		"right":          {cert: ca.issue(t, "example.test", time.Hour), url: "wss://example.test/", ok: true},
		"right, port":    {cert: ca.issue(t, "example.test", time.Hour), url: "wss://example.test:8443/", ok: true},
		"right, case":    {cert: ca.issue(t, "example.test", time.Hour), url: "WSS://Example.TEST/", ok: true},
		"wrong host":     {cert: ca.issue(t, "other.test", time.Hour), url: "wss://example.test/"},
		"parent domain":  {cert: ca.issue(t, "test", time.Hour), url: "wss://example.test/"},
		"expired":        {cert: ca.issue(t, "example.test", -time.Hour), url: "wss://example.test/"},
		"self-signed":    {cert: selfSigned(t, "example.test"), url: "wss://example.test/"},
		"address":        {cert: ca.issue(t, "example.test", time.Hour), url: "wss://127.0.0.1/"},
		"TLS 1.1":        {cert: ca.issue(t, "example.test", time.Hour), max: tls.VersionTLS11, url: "wss://example.test/"},
		"TLS 1.2 is old": {cert: ca.issue(t, "example.test", time.Hour), max: tls.VersionTLS12, url: "wss://example.test/", ok: true},
	} {
		t.Run(name, func(t *testing.T) {
			names := make(chan string, 1)
			config := &tls.Config{Certificates: []tls.Certificate{row.cert}, MinVersion: tls.VersionTLS10, MaxVersion: row.max, NextProtos: []string{"h2", "http/1.1"}}
			config.GetConfigForClient = func(h *tls.ClientHelloInfo) (*tls.Config, error) {
				names <- h.ServerName
				return nil, nil
			}
			d := &Dialer{
				TLS: &tls.Config{RootCAs: ca.pool, MinVersion: tls.VersionTLS10}, // asked for, but not spoken
				NetDial: scriptTCP(t, func(nc net.Conn) {
					s := tls.Server(nc, config)
					if s.Handshake() != nil {
						return
					}
					if p := s.ConnectionState().NegotiatedProtocol; p != "http/1.1" {
						t.Error(p)
					}
					b, _ := accepting(s)
					s.Write(b)
					io.Copy(io.Discard, s)
				}),
			}
			c, err := Dial(context.Background(), row.url, d)
			if (err == nil) != row.ok {
				t.Error(err)
			}
			if c != nil {
				c.CloseNow()
			}
			if name := <-names; !strings.Contains(row.url, "127") && !strings.EqualFold(name, "example.test") {
				t.Errorf("ServerName %q", name)
			}
			if d.TLS.ServerName != "" || d.TLS.NextProtos != nil {
				t.Error("the program's configuration was changed")
			}
		})
	}
	// And with no configuration at all: the test's authority is not in the system's roots.
	d := &Dialer{NetDial: scriptTCP(t, func(nc net.Conn) {
		tls.Server(nc, &tls.Config{Certificates: []tls.Certificate{ca.issue(t, "example.test", time.Hour)}}).Handshake()
	})}
	var unknown x509.UnknownAuthorityError
	if _, err := Dial(context.Background(), "wss://example.test/", d); !errors.As(err, &unknown) {
		t.Error(err)
	}
}

// V43: whatever the server, the proxy or the network is slow at, Dial ends with its context, and without one at HandshakeTimeout, which no byte puts off.
func TestV43DialTimeouts(t *testing.T) {
	drip := func(nc net.Conn, s string) {
		for i := range s {
			if _, err := nc.Write([]byte(s[i : i+1])); err != nil {
				return
			}
			time.Sleep(time.Second)
		}
	}
	silence := func(nc net.Conn) { io.Copy(io.Discard, nc) }
	through := func(*url.URL) (*url.URL, error) { return url.Parse("http://proxy.test") }
	for name, row := range map[string]struct {
		url string
		d   Dialer
	}{
		"dial": {"ws://example.test/", Dialer{NetDial: func(ctx context.Context, _, _ string) (net.Conn, error) {
			<-ctx.Done()
			return nil, ctx.Err()
		}}},
		"deaf":          {"ws://example.test/", Dialer{NetDial: script(func(nc net.Conn) { time.Sleep(time.Hour) })}},
		"response":      {"ws://example.test/", Dialer{NetDial: script(silence)}},
		"slow response": {"ws://example.test/", Dialer{NetDial: script(func(nc net.Conn) { b, _ := accepting(nc); drip(nc, string(b)) })}},
		"TLS":           {"wss://example.test/", Dialer{NetDial: script(silence)}},
		"proxy":         {"ws://example.test/", Dialer{Proxy: through, NetDial: script(silence)}},
		"slow proxy": {"ws://example.test/", Dialer{Proxy: through, NetDial: script(func(nc net.Conn) {
			nc.Read(make([]byte, 1000))
			drip(nc, "HTTP/1.1 200 Fine\r\nX: "+strings.Repeat("x", 1000))
		})}},
	} {
		for _, how := range []string{"default", "context", "cancel"} {
			t.Run(name+"/"+how, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					d := row.d
					ctx, want, limit := context.Background(), context.DeadlineExceeded, defaultHandshakeTimeout
					switch how {
					case "context":
						limit = 2 * time.Second
						var cancel context.CancelFunc
						ctx, cancel = context.WithTimeout(ctx, limit)
						defer cancel()
					case "cancel":
						want, limit = context.Canceled, 3*time.Second
						var cancel context.CancelFunc
						ctx, cancel = context.WithCancel(ctx)
						time.AfterFunc(limit, cancel)
					}
					began := time.Now()
					c, err := Dial(ctx, row.url, &d)
					if c != nil || !errors.Is(err, want) {
						t.Error(err)
					}
					if d := time.Since(began); d != limit {
						t.Error(d)
					}
					time.Sleep(2 * time.Hour) // in the bubble: until the servers have noticed
				})
			})
		}
	}
}

// The context of Dial has no meaning for the connection, and neither has its deadline.
func TestDialContextEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(context.Background())
		c, err := Dial(ctx, "ws://example.test/", &Dialer{NetDial: script(func(nc net.Conn) {
			b, _ := accepting(nc)
			nc.Write(b)
			c := New(nc, Server, nil)
			echo(c)
			c.CloseNow()
		})})
		cancel()
		if err != nil {
			t.Error(err)
			return
		}
		read := goes(func() { expectText(t, c, "on") })
		time.Sleep(time.Hour)
		c.Write(frame.Text, []byte("on"))
		read()
		c.CloseNow()
	})
}

// Names of hosts that nobody else knows, and sockets that have none, are the business of NetDial.
func TestDialUnix(t *testing.T) {
	path := filepath.Join(t.TempDir(), "socket")
	ln, err := net.Listen("unix", path)
	if err != nil {
		t.Skip("no unix sockets here:", err)
	}
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if c, err := Accept(w, r, nil, nil); err == nil {
			echo(c)
			c.CloseNow()
		}
	}))
	s.Listener.Close()
	s.Listener = ln
	s.Start()
	defer s.Close()
	c, err := Dial(context.Background(), "ws://local.invalid/", &Dialer{NetDial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "unix", path)
	}})
	if err != nil {
		t.Fatal(err)
	}
	c.Write(frame.Text, []byte("over unix"))
	expectText(t, c, "over unix")
	if err := c.Close(1000, ""); err != nil {
		t.Fatal(err)
	}
}

// A transport that Dial gives up is closed.
func TestDialClosesTransport(t *testing.T) {
	for name, server := range map[string]func(net.Conn){
		"refused": func(nc net.Conn) {
			accepting(nc)
			io.WriteString(nc, "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n")
		},
		"broken": func(nc net.Conn) { accepting(nc); io.WriteString(nc, "nonsense\r\n\r\n") },
	} {
		closed := make(chan struct{})
		_, err := Dial(context.Background(), "ws://example.test/", &Dialer{NetDial: script(func(nc net.Conn) {
			server(nc)
			io.Copy(io.Discard, nc)
			close(closed)
		})})
		if err == nil {
			t.Error(name)
		}
		<-closed
	}
	_, err := Dial(context.Background(), "ws://example.test/", &Dialer{NetDial: script(func(nc net.Conn) { accepting(nc) })})
	if !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Error(err)
	}
}
