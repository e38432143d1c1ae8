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
	"net/http/cookiejar"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/idlewire/idlewire/handshake"
)

// A stage is the network that a Dialer of the fuzzer sees: whatever host it dials, requests are answered one after the other by what stands in answers. Whoever begins with
// TLS gets it, as example.test; whoever asks for a tunnel, and is told yes, is at its other end.
type stage struct {
	testing.TB
	tls    *tls.Config
	cancel context.CancelFunc
	group  sync.WaitGroup

	mu      sync.Mutex
	answers []string
	dialled []*tracked
	asked   []asked
}

// An asked is a request that was answered.
type asked struct {
	r      *http.Request
	origin string // where it went
	answer string
}

// tracked is a transport that knows whether it was closed.
type tracked struct {
	net.Conn
	addr   string
	mu     sync.Mutex
	closed bool
}

func (c *tracked) Close() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.closed = true
	return c.Conn.Close()
}

func (c *tracked) isClosed() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.closed
}

// What an answer may say besides octets.
const (
	nextAnswer = "\x1e" // what follows is the answer to the next request
	theAccept  = "{accept}"
	theCancel  = "{cancel}" // the context of Dial ends before what follows
	unreached  = "{refused}"
	theDeaf    = "{deaf}" // the connection is closed before anything is read
)

func (s *stage) dial(_ context.Context, _, addr string) (net.Conn, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.answers) == 0 || strings.HasPrefix(s.answers[0], unreached) {
		return nil, errors.New("refused")
	}
	a, b := net.Pipe()
	c := &tracked{Conn: a, addr: addr}
	s.dialled = append(s.dialled, c)
	if strings.HasPrefix(s.answers[0], theDeaf) {
		s.answers = s.answers[1:]
		b.Close()
		return c, nil
	}
	s.group.Go(func() { s.serve(b, addr) })
	return c, nil
}

// An eager connection reads what the other end writes at once, so that nobody who writes to it has to wait: TLS wants a transport that holds a little, to say why it breaks off.
type eager struct {
	net.Conn
	gone chan struct{} // closed when the other end is gone, or this one

	mu   sync.Mutex
	more sync.Cond
	buf  bytes.Buffer
	err  error
}

func newEager(nc net.Conn) *eager {
	c := &eager{Conn: nc, gone: make(chan struct{})}
	c.more.L = &c.mu
	go func() {
		defer close(c.gone)
		b := make([]byte, 4096)
		for {
			n, err := nc.Read(b)
			c.mu.Lock()
			c.buf.Write(b[:n])
			c.err = err
			c.more.Broadcast()
			c.mu.Unlock()
			if err != nil {
				return
			}
		}
	}()
	return c
}

func (c *eager) Read(b []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for c.buf.Len() == 0 && c.err == nil {
		c.more.Wait()
	}
	if c.buf.Len() == 0 {
		return 0, c.err
	}
	return c.buf.Read(b)
}

// peeked is a connection of which some octets have been read.
type peeked struct {
	net.Conn
	r io.Reader
}

func (c peeked) Read(b []byte) (int, error) { return c.r.Read(b) }

func (s *stage) serve(under net.Conn, addr string) {
	client := newEager(under)
	defer func() {
		under.Close()
		<-client.gone
	}()
	nc, secure := net.Conn(client), ""
	br := bufio.NewReader(nc)
	for {
		first, err := br.Peek(1)
		if err != nil {
			return
		}
		if first[0] == 22 { // a record of a TLS handshake
			t := tls.Server(peeked{nc, br}, s.tls)
			if t.Handshake() != nil {
				return
			}
			nc, br, secure = t, bufio.NewReader(t), "s"
			continue
		}
		r, err := http.ReadRequest(br)
		if err != nil {
			if !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) && !errors.Is(err, io.ErrClosedPipe) {
				s.Errorf("a request that net/http does not read: %v", err)
			}
			return
		}
		answer := s.take(r, secure+" "+strings.ToLower(addr))
		if r.Method == http.MethodConnect && strings.HasPrefix(answer, "HTTP/1.1 2") && strings.Contains(answer, "\r\n\r\n") {
			addr, secure = r.RequestURI, ""
			if _, err := io.WriteString(nc, answer); err != nil {
				return
			}
			continue
		}
		before, after, cancels := strings.Cut(answer, theCancel)
		io.WriteString(nc, before)
		if cancels {
			s.cancel()
			<-client.gone
			io.WriteString(nc, after)
		}
		nc.Close()
		return
	}
}

// take returns the answer to r.
func (s *stage) take(r *http.Request, origin string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	answer := ""
	if len(s.answers) > 0 {
		answer, s.answers = s.answers[0], s.answers[1:]
	}
	answer = strings.ReplaceAll(answer, theAccept, string(handshake.AppendAccept(nil, []byte(r.Header.Get("Sec-WebSocket-Key")))))
	s.asked = append(s.asked, asked{r, origin, answer})
	return answer
}

// dialer makes a Dialer of settings, one in a line: "origin=", "subprotocol=", "header=Name: value", "redirects=", "proxy=", "timeout=", each with a value, "jar",
// "deflate", "roots" (the system's).
func (s *stage) dialer(settings string) *Dialer {
	d := &Dialer{NetDial: s.dial, Proxy: noProxy, TLS: &tls.Config{RootCAs: testCA(s).pool}, ProxyTLS: &tls.Config{RootCAs: testCA(s).pool}}
	d.Options.ControlRate = -1
	for _, line := range strings.Split(settings, "\n") {
		switch what, value, _ := strings.Cut(line, "="); what {
		case "origin":
			d.Origin = value
		case "subprotocol":
			d.Subprotocols = append(d.Subprotocols, value)
		case "header":
			if d.Header == nil {
				d.Header = http.Header{}
			}
			name, v, _ := strings.Cut(value, ": ")
			d.Header[name] = append(d.Header[name], v)
		case "redirects":
			d.MaxRedirects, _ = strconv.Atoi(value)
			d.MaxRedirects = min(d.MaxRedirects, 20)
		case "proxy":
			proxy, err := url.Parse(value)
			if err != nil {
				proxy, err = nil, errors.New("no URL") // url.Parse would tell the password
			}
			d.Proxy = func(*url.URL) (*url.URL, error) { return proxy, err }
		case "timeout":
			if strings.HasPrefix(value, "-") {
				d.Options.HandshakeTimeout = -1
			} else {
				d.Options.HandshakeTimeout = time.Hour
			}
		case "jar":
			d.Jar, _ = cookiejar.New(nil)
		case "deflate":
			d.Options.Compression = new(naiveCompression)
		case "roots":
			d.TLS = nil
		}
	}
	return d
}

var fuzzServer struct {
	once sync.Once
	tls  *tls.Config
}

// theServer is example.test. It sends no tickets, which would wait in a pipe for a client that waits for it to read.
func theServer(t testing.TB) *tls.Config {
	fuzzServer.once.Do(func() {
		cert := testCA(t).issue(t, "example.test", 24*time.Hour)
		fuzzServer.tls = &tls.Config{Certificates: []tls.Certificate{cert}, SessionTicketsDisabled: true}
	})
	return fuzzServer.tls
}

// FuzzDial: whatever servers and proxies answer, and however the Dialer is configured, Dial returns an error and has closed all that it opened; or a connection to who gave
// the right answer to the key, over TLS if that was asked for, on which no octet of what followed is lost. It asks no more often than it may, and what is secret stays with the origin
// that it was meant for.
func FuzzDial(f *testing.F) {
	const (
		yes    = "HTTP/1.1 101 Fine\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: {accept}\r\n"
		open   = yes + "\r\n"
		tunnel = "HTTP/1.1 200 Fine\r\n\r\n" + nextAnswer
		plain  = "ws://example.test/"
		secure = "wss://example.test/"
	)
	to := func(location string) string {
		return "HTTP/1.1 302 Found\r\nSet-Cookie: c=d\r\nLocation: " + location + "\r\n\r\n" + nextAnswer
	}
	for _, row := range [][3]string{
		{plain, "", open + "\x81\x02hi\x89\x01p\x88\x02\x03\xe8"},
		{"ws://user:pass@example.test:81/a?b", "origin=https://page.test\nsubprotocol=a\nsubprotocol=b\nheader=X: y\ntimeout=-1", yes + "Sec-WebSocket-Protocol: b\r\n\r\n\x81\x85"},
		{secure, "", open + "\x82\x00"},
		{"wss://other.test/", "", open},
		{secure, "roots", open},
		{"wss://[fe80::1%25eth0]/", "", open},
		{secure, "", unreached},
		{plain, "", theDeaf},
		{plain, "", ""},
		{plain, "", "HTTP/1.1 1"},
		{plain, "", "HTTP/1.1 101 " + theCancel},
		{plain, "", open + theCancel},
		{plain, "timeout=-1", theCancel},
		{plain, "deflate\njar", yes + "Set-Cookie: a=b\r\nSec-WebSocket-Extensions: permessage-deflate\r\n\r\n\xc1\x07\xf2\x48\xcd\xc9\xc9\x07\x00"},
		{plain, "deflate", yes + "Sec-WebSocket-Extensions: permessage-deflate; x\r\n\r\n"},
		{plain, "deflate", yes + "Sec-WebSocket-Extensions: permessage-deflate\r\n\r\n" + theCancel},
		{plain, "deflate", open},
		{plain, "", yes + "Sec-WebSocket-Protocol: unasked\r\n\r\n"},
		{plain, "", "HTTP/1.1 101 Fine\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n"},
		{plain, "", "HTTP/1.1 403 No\r\nContent-Length: 20\r\n\r\nbecause"},
		{plain, "", "HTTP/1.1 503 No\r\n\r\n" + strings.Repeat("because ", 1000)},
		{plain, "header=Cookie: own=1\njar\nredirects=1", to("/x") + open},
		{plain, "jar\nredirects=1", to("/x") + open},
		{"ws://user:secret@example.test/", "header=Authorization: secret\nheader=cookie: secret\nheader=X: y\nredirects=3", to("http://EXAMPLE.test:80/#x") + to("https://example.test/") + to("wss://example.test/y") + open},
		{"ws://user:secret@example.test/", "header=Cookie: secret\nredirects=2", to("ws://evil.test/") + to("ws://example.test/") + open},
		{secure, "redirects=1", to("ws://example.test/") + open},
		{plain, "redirects=1", to("ftp://example.test/") + open},
		{plain, "redirects=1", to("ws://%zz/") + open},
		{plain, "redirects=1", to("") + open},
		{plain, "redirects=1", to("/a") + to("/b") + open},
		{plain, "redirects=1", "HTTP/1.1 300 Many\r\nLocation: /\r\n\r\n" + nextAnswer + open},
		{plain, "", to("/a")},
		{plain, "proxy=http://me:hunter2@proxy.test:8080", tunnel + open + "\x81\x02hi"},
		{secure, "proxy=https://example.test", tunnel + open},
		{secure, "proxy=https://proxy.test", tunnel + open},
		{plain, "proxy=https://example.test", tunnel + open},
		{plain, "proxy=http://proxy.test", "HTTP/1.1 407 Who\r\nContent-Length: 4\r\n\r\nwho?"},
		{plain, "proxy=http://proxy.test", "HTTP/1.1 101 Fine\r\n\r\n"},
		{plain, "proxy=http://proxy.test", "HTTP/1.1 200 Fine\r\n\r\nHTTP/1.1 101 smuggled\r\n\r\n"},
		{plain, "proxy=http://proxy.test", "HTTP/1.1 302 Found\r\nLocation: /\r\n\r\n"},
		{plain, "proxy=http://proxy.test", "nonsense\r\n\r\n"},
		{plain, "proxy=http://proxy.test", theCancel},
		{plain, "proxy=http://proxy.test", unreached},
		{plain, "proxy=http://me:hunter2@proxy.test\nheader=a b: c", ""},
		{plain, "proxy=socks5://me:hunter2@proxy.test", ""},
		{plain, "proxy=%", ""},
		{"http://example.test/", "", ""},
		{plain, "header=X: a\rb", open},
		{plain, "subprotocol=a b", open},
	} {
		f.Add(row[0], row[1], row[2])
	}
	f.Fuzz(func(t *testing.T, raw, settings, answers string) {
		if len(settings)+len(answers) > 64<<10 {
			return
		}
		ctx, cancel := context.Background(), func() {}
		if strings.Contains(answers, theCancel) {
			ctx, cancel = context.WithCancel(ctx)
		}
		defer cancel()
		s := &stage{TB: t, cancel: cancel, answers: strings.Split(answers, nextAnswer)}
		s.tls = theServer(t)
		d := s.dialer(settings)
		c, err := Dial(ctx, raw, d)
		if err != nil {
			if c != nil || !strings.HasPrefix(err.Error(), "conn: dial: ") || strings.Contains(err.Error(), "hunter2") {
				t.Errorf("%v, %v", c, err)
			}
			var refusal *handshake.Error
			if errors.As(err, &refusal) && len(refusal.Body) > handshake.MaxBody {
				t.Errorf("a body of %d", len(refusal.Body))
			}
			for _, nc := range s.dialled {
				if !nc.isClosed() {
					t.Errorf("%s is left open after %v", nc.addr, err)
				}
			}
			s.group.Wait()
		} else {
			s.opened(c, d)
			c.CloseNow()
			s.group.Wait()
		}
		hops := map[string]int{}
		for _, a := range s.asked {
			hops[a.r.Method]++
		}
		if most := 1 + max(0, d.MaxRedirects); hops["GET"] > most || hops["CONNECT"] > most || hops["GET"]+hops["CONNECT"] != len(s.asked) || len(s.dialled) > most {
			t.Errorf("%d dials, %v, and %d redirects at most", len(s.dialled), hops, d.MaxRedirects)
		}
		s.secrets(d)
		if z, ok := d.Options.Compression.(*naiveCompression); ok {
			allReleased(t, z)
		}
	})
}

// proxyIsSecure reports whether there is TLS as far as the proxy, whatever goes through it.
func proxyIsSecure(d *Dialer) bool {
	if d.Proxy == nil {
		return false
	}
	proxy, err := d.Proxy(nil)
	return err == nil && proxy != nil && proxy.Scheme == "https"
}

// opened checks the connection that d made.
func (s *stage) opened(c *Conn, d *Dialer) {
	s.mu.Lock()
	last := s.asked[len(s.asked)-1]
	s.mu.Unlock()
	accept := string(handshake.AppendAccept(nil, []byte(last.r.Header.Get("Sec-WebSocket-Key"))))
	if !strings.Contains(last.answer, accept) || !strings.Contains(last.answer, " 101") {
		s.Errorf("content with %q for %q", last.answer, accept)
	}
	_, encrypted := c.NetConn().(*tls.Conn)
	switch secure := strings.HasPrefix(last.origin, "s"); {
	case secure && (!encrypted || !strings.HasPrefix(last.origin, "s example.test:")), !secure && encrypted != proxyIsSecure(d):
		s.Errorf("TLS %v with %s", encrypted, last.origin)
	}
	if p := c.Subprotocol(); p != "" && !slices.Contains(d.Subprotocols, p) {
		s.Errorf("subprotocol %q", p)
	}
	if strings.Contains(last.answer, theCancel) {
		return // the server waits for us
	}
	var got []Message
	for {
		m, err := c.Read()
		if err != nil {
			break
		}
		got = append(got, Message{Op: m.Op, Payload: bytes.Clone(m.Payload)})
	}
	if len(c.Extensions()) > 0 {
		return
	}
	// The head that was accepted is the first that says 101.
	var r handshake.Response
	rest, done, err := r.Receive([]byte(last.answer))
	if err != nil || !done {
		s.Fatal(done, err)
	}
	want := play(s, &Protocol{Role: Client}, whole, bytes.Clone(rest))
	data := slices.DeleteFunc(want.msgs, func(m Message) bool { return !m.Op.IsData() })
	if wrong := difference(outcome{msgs: got}, outcome{msgs: data}); wrong != "" {
		s.Error(wrong)
	}
}

// secrets checks that what the program, or the URL, has for one origin goes to no other, nor back there from another.
func (s *stage) secrets(d *Dialer) {
	first, left := "", false
	for _, a := range s.asked {
		if a.r.Method == http.MethodConnect {
			for _, name := range []string{"Authorization", "Cookie"} {
				if a.r.Header.Get(name) != "" {
					s.Errorf("the proxy is told the %s of the server", name)
				}
			}
			continue
		}
		if first == "" {
			first = a.origin
		}
		left = left || a.origin != first
		if left && (a.r.Header.Get("Authorization") != "" || a.r.Header.Get("Cookie") != "" && d.Jar == nil) {
			s.Errorf("%s of %s sees %v", a.origin, first, a.r.Header)
		}
		if a.r.Header.Get("Proxy-Authorization") != "" && d.Header.Get("Proxy-Authorization") == "" {
			s.Error("the server is told the password of the proxy: ", fmt.Sprint(a.r.Header))
		}
	}
}
