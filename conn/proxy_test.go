package conn

import (
	"bufio"
	"context"
	"crypto/tls"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/idlewire/idlewire/frame"
	"github.com/idlewire/idlewire/handshake"
)

func noProxy(*url.URL) (*url.URL, error) { return nil, nil }

// A proxy is an HTTP proxy that knows CONNECT, and leads to one server whatever it is asked for.
type proxy struct {
	to    string
	tls   *tls.Config
	wants string // Proxy-Authorization

	mu   sync.Mutex
	seen []*http.Request
}

// start serves until the test ends, and returns the address.
func (p *proxy) start(t testing.TB) string {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	if p.tls != nil {
		ln = tls.NewListener(ln, p.tls)
	}
	var group sync.WaitGroup
	t.Cleanup(func() {
		ln.Close()
		group.Wait()
	})
	group.Go(func() {
		for {
			nc, err := ln.Accept()
			if err != nil {
				return
			}
			group.Go(func() {
				defer nc.Close()
				p.serve(nc)
			})
		}
	})
	return ln.Addr().String()
}

func (p *proxy) serve(nc net.Conn) {
	br := bufio.NewReader(nc)
	r, err := http.ReadRequest(br)
	if err != nil {
		return
	}
	p.mu.Lock()
	p.seen = append(p.seen, r)
	p.mu.Unlock()
	if got := r.Header.Get("Proxy-Authorization"); got != p.wants {
		fmt.Fprint(nc, "HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: Basic\r\nContent-Length: 9\r\n\r\nwho? you?")
		return
	}
	to, err := net.Dial("tcp", p.to)
	if err != nil {
		return
	}
	defer to.Close()
	fmt.Fprint(nc, "HTTP/1.1 200 Connection established\r\n\r\n")
	go func() {
		io.Copy(to, br)
		to.Close()
	}()
	io.Copy(nc, to)
}

// Both ws and wss go through a tunnel; the proxy sees the name and the port, its own credentials, and nothing else.
func TestProxy(t *testing.T) {
	ca := testCA(t)
	plain := strings.TrimPrefix(serve(t, nil, nil, echo), "ws://")
	secure := func() string {
		ln, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		s := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if c, err := Accept(w, r, nil, nil); err == nil {
				echo(c)
				c.CloseNow()
			}
		}), TLSConfig: &tls.Config{Certificates: []tls.Certificate{ca.issue(t, "example.test", time.Hour)}}}
		go s.ServeTLS(ln, "", "")
		t.Cleanup(func() { s.Close() })
		return ln.Addr().String()
	}()
	basic := "Basic " + base64.StdEncoding.EncodeToString([]byte("me:pass word"))
	for _, row := range []struct {
		url, proxy, target string
		wants              string
	}{
		{"ws://example.test/x", "http://", "example.test:80", ""},
		{"ws://example.test:8080/x", "http://", "example.test:8080", ""},
		{"wss://example.test/x", "http://", "example.test:443", ""},
		{"ws://example.test/x", "https://", "example.test:80", ""},
		{"wss://example.test/x", "https://", "example.test:443", ""},
		{"ws://user:secret@example.test/x", "http://me:pass%20word@", "example.test:80", basic},
		{"wss://user:secret@example.test/x", "HTTPS://me:pass%20word@", "example.test:443", basic},
	} {
		t.Run(row.url+" "+row.proxy, func(t *testing.T) {
			p := &proxy{to: plain, wants: row.wants}
			if strings.HasPrefix(row.url, "wss") {
				p.to = secure
			}
			if strings.HasPrefix(strings.ToLower(row.proxy), "https") {
				p.tls = &tls.Config{Certificates: []tls.Certificate{ca.issue(t, "proxy.test", time.Hour)}}
			}
			addr := p.start(t)
			var asked string
			d := &Dialer{
				TLS:      &tls.Config{RootCAs: ca.pool},
				ProxyTLS: &tls.Config{RootCAs: ca.pool},
				Header:   http.Header{"Cookie": {"session=secret"}},
				Proxy: func(u *url.URL) (*url.URL, error) {
					asked = u.String()
					return url.Parse(row.proxy + "proxy.test:3128")
				},
				NetDial: func(ctx context.Context, network, to string) (net.Conn, error) {
					if to != "proxy.test:3128" {
						return nil, fmt.Errorf("dialled %s", to)
					}
					return new(net.Dialer).DialContext(ctx, network, addr)
				},
			}
			c, err := Dial(context.Background(), row.url, d)
			if err != nil {
				t.Fatal(err)
			}
			c.Write(frame.Text, []byte("through"))
			expectText(t, c, "through")
			if err := c.Close(1000, ""); err != nil {
				t.Error(err)
			}
			if want := strings.Replace(strings.Replace(row.url, "ws", "http", 1), "user:secret@", "", 1); asked != want {
				t.Errorf("asked for the proxy of %s", asked)
			}
			r := p.seen[0]
			if r.Method != "CONNECT" || r.Host != row.target || r.RequestURI != row.target {
				t.Error(r.Method, r.RequestURI, r.Host)
			}
			delete(r.Header, "Proxy-Authorization")
			if len(r.Header) > 0 {
				t.Error(r.Header)
			}
		})
	}
}

// A proxy that refuses is told of as such, without the secrets; one that is none costs no more than the limits.
func TestProxyRefuses(t *testing.T) {
	for name, row := range map[string]struct {
		response string
		status   int // of the *handshake.Error, if any
		err      error
	}{
		"407":           {"HTTP/1.1 407 Who?\r\nProxy-Authenticate: Basic\r\nContent-Length: 9\r\n\r\nwho? you?", 407, nil},
		"302":           {"HTTP/1.1 302 Found\r\nLocation: ws://evil.test/\r\nContent-Length: 9\r\n\r\nwho? you?", 302, nil},
		"101":           {"HTTP/1.1 101 Fine\r\n\r\n", 0, handshake.ErrResponse},
		"nonsense":      {"SSH-2.0-OpenSSH\r\n\r\n", 0, handshake.ErrResponse},
		"huge":          {"HTTP/1.1 200 Fine\r\n" + strings.Repeat("X: y\r\n", 100_000), 0, handshake.ErrResponseTooLarge},
		"speaks first":  {"HTTP/1.1 200 Fine\r\n\r\nHTTP/1.1 101 smuggled\r\n\r\n", 0, errProxySpoke},
		"end":           {"HTTP/1.1 200 Fi", 0, io.ErrUnexpectedEOF},
		"no TLS behind": {"HTTP/1.1 200 Fine\r\n\r\n", 0, nil},
	} {
		t.Run(name, func(t *testing.T) {
			dials := 0
			d := &Dialer{
				MaxRedirects: 3,
				Proxy:        func(*url.URL) (*url.URL, error) { return url.Parse("http://me:secret@proxy.test") },
				NetDial: func(ctx context.Context, n, addr string) (net.Conn, error) {
					dials++
					return script(func(nc net.Conn) {
						http.ReadRequest(bufio.NewReader(nc))
						io.WriteString(nc, row.response)
						if name == "no TLS behind" {
							nc.Read(make([]byte, 1000))
						}
					})(ctx, n, addr)
				},
			}
			c, err := Dial(context.Background(), "wss://example.test/", d)
			var refusal *handshake.Error
			if c != nil || err == nil || row.err != nil && !errors.Is(err, row.err) ||
				row.status != 0 && (!errors.As(err, &refusal) || refusal.Status != row.status || string(refusal.Body) != "who? you?") {
				t.Error(err)
			}
			if err != nil && (strings.Contains(err.Error(), "secret") || name != "no TLS behind" && !strings.Contains(err.Error(), "proxy.test")) {
				t.Error(err)
			}
			if dials != 1 {
				t.Error(dials, "dials: the redirect of a proxy was followed")
			}
		})
	}
}

func TestProxyChoice(t *testing.T) {
	never := func(context.Context, string, string) (net.Conn, error) {
		t.Error("dialled")
		return nil, errors.New("dialled")
	}
	unknown := errors.New("which proxy?")
	for name, ask := range map[string]func(*url.URL) (*url.URL, error){
		"error": func(*url.URL) (*url.URL, error) { return nil, unknown },
		"socks": func(*url.URL) (*url.URL, error) { return url.Parse("socks5://proxy.test") },
	} {
		if _, err := Dial(context.Background(), "ws://example.test/", &Dialer{Proxy: ask, NetDial: never}); err == nil || name == "error" && !errors.Is(err, unknown) {
			t.Error(name, err)
		}
	}
}

// The environment decides if the program does not. It is read once in a process, so this needs one of its own.
func TestProxyEnvironment(t *testing.T) {
	if os.Getenv("IDLEWIRE_TEST_PROXY") == "" {
		cmd := exec.Command(os.Args[0], "-test.run=^TestProxyEnvironment$", "-test.v")
		cmd.Env = append(os.Environ(), "IDLEWIRE_TEST_PROXY=1", "HTTP_PROXY=http://plain.test:1", "HTTPS_PROXY=http://secure.test:2", "NO_PROXY=direct.test", "http_proxy=", "https_proxy=", "no_proxy=")
		out, err := cmd.CombinedOutput()
		if err != nil || !strings.Contains(string(out), "--- PASS") {
			t.Fatalf("%v\n%s", err, out)
		}
		return
	}
	for url, want := range map[string]string{
		"ws://example.test/":  "plain.test:1",
		"wss://example.test/": "secure.test:2",
		"ws://direct.test/":   "direct.test:80",
		"ws://localhost:5/":   "localhost:5",
		"wss://127.0.0.1/":    "127.0.0.1:443",
	} {
		var got string
		Dial(context.Background(), url, &Dialer{NetDial: func(_ context.Context, _, addr string) (net.Conn, error) {
			got = addr
			return nil, errors.New("enough")
		}})
		if got != want {
			t.Errorf("%s went to %s, expected %s", url, got, want)
		}
	}
}
