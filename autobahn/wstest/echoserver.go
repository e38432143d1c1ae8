package main

import (
	"context"
	"crypto/tls"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"sync"
	"time"

	"github.com/idlewire/idlewire/conn"
	"github.com/idlewire/idlewire/deflate"
	"github.com/idlewire/idlewire/frame"
	"github.com/idlewire/idlewire/handshake"
	"github.com/idlewire/idlewire/netpoll"
)

// What the testees take from the suite: the greatest message of section 9, and a message of 4 MiB in fragments of 64 octets. The rest is as
// they take it from anybody.
const (
	testeeMessage   = 16 << 20
	testeeFragments = 1 << 17
	testeeQueue     = 4 * testeeMessage
)

// testeeOptions returns the options of a testee, with --deflate as it stands there.
func testeeOptions(compression string) conn.Options {
	o := conn.Options{MaxMessage: testeeMessage, MaxFragments: testeeFragments}
	switch compression {
	case "off":
	case "on":
		o.Compression = &deflate.Options{}
	default:
		o.Compression = &deflate.Options{ServerContextTakeover: true, ClientContextTakeover: true}
	}
	return o
}

// defaultURL is where the original's testees and runners meet.
const defaultURL = "ws://127.0.0.1:9001"

// An echoer is what the drivers have in common.
type echoer interface {
	Serve(net.Listener) error // until Shutdown, then an error that is not worth a word
	Shutdown(context.Context) error
}

// echoServer sends messages back, until ctx ends.
func (c *command) echoServer(ctx context.Context) (int, error) {
	if c.uri == "" {
		c.uri = defaultURL
	}
	u, err := url.Parse(c.uri)
	if err != nil {
		return badInput, err
	}
	driver := c.driver
	switch {
	case driver == "" && netpoll.DefaultDriver == netpoll.Loop && u.Scheme == "ws":
		driver = "loop"
	case driver == "":
		driver = "portable"
	case driver == "loop" && u.Scheme == "wss":
		return badInput, errors.New("the driver loop has no TLS; portable and blocking have")
	}
	port := u.Port()
	if port == "" {
		port = map[string]string{"ws": "80", "wss": "443"}[u.Scheme]
	}
	ln, err := c.serverListener(u, net.JoinHostPort(u.Hostname(), port), "", "")
	if err != nil {
		return badInput, err
	}
	upgrader := handshake.Upgrader{CheckOrigin: func(*handshake.Request) bool { return true }} // who comes is here to test
	var s echoer
	switch driver {
	case "blocking":
		s = newBlocking(upgrader, testeeOptions(c.deflate))
	default:
		d := netpoll.Portable
		if driver == "loop" {
			d = netpoll.Loop
		}
		s = &netpoll.Server{
			Driver:         d,
			Upgrader:       upgrader,
			Options:        testeeOptions(c.deflate),
			WriteQueueHard: testeeQueue,
			Logger:         slog.New(slog.NewTextHandler(c.stderr, &slog.HandlerOptions{Level: slog.LevelError})),
			Open:           func(*netpoll.Conn, *handshake.Request) netpoll.Handler { return echo{} },
		}
	}
	c.say("listening on %s driver=%s", u, driver)
	failed := make(chan error, 1)
	go func() { failed <- s.Serve(ln) }()
	select {
	case err := <-failed:
		return badInput, err
	case <-ctx.Done():
	}
	goodbye, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	if err := s.Shutdown(goodbye); err != nil {
		return notGood, err
	}
	return allGood, nil
}

// An echo sends every message of a connection of netpoll back.
type echo struct{}

func (echo) Message(c *netpoll.Conn, m conn.Message) { c.Write(m.Op, m.Payload) }
func (echo) Close(*netpoll.Conn, error)              {}

// A blocking is the echo server on net/http, with a goroutine per connection.
type blocking struct {
	http     http.Server
	upgrader handshake.Upgrader
	options  conn.Options

	mu    sync.Mutex // guards conns and gone
	conns map[*conn.Conn]bool
	gone  bool
	wg    sync.WaitGroup
}

func newBlocking(u handshake.Upgrader, o conn.Options) *blocking {
	s := &blocking{upgrader: u, options: o, conns: map[*conn.Conn]bool{}}
	s.http.Handler = s
	s.http.ReadHeaderTimeout = 5 * time.Second
	s.http.TLSNextProto = map[string]func(*http.Server, *tls.Conn, http.Handler){} // HTTP/1.1 only
	return s
}

func (s *blocking) Serve(ln net.Listener) error { return s.http.Serve(ln) }

func (s *blocking) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c, err := conn.Accept(w, r, &s.upgrader, &s.options)
	if err != nil {
		return // the client has been told
	}
	defer c.CloseNow()
	if !s.add(c) {
		c.Close(frame.CloseGoingAway, "")
		return
	}
	defer s.remove(c)
	echoAll(c)
}

// echoAll sends every message back until the connection ends.
func echoAll(c *conn.Conn) {
	for {
		m, err := c.Read()
		if err != nil || c.Write(m.Op, m.Payload) != nil {
			return
		}
	}
}

func (s *blocking) add(c *conn.Conn) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.gone {
		return false
	}
	s.conns[c] = true
	s.wg.Add(1)
	return true
}

func (s *blocking) remove(c *conn.Conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.conns, c)
	s.wg.Done()
}

// Shutdown says goodbye to all connections, which net/http no longer knows, and waits for them.
func (s *blocking) Shutdown(ctx context.Context) error {
	s.mu.Lock()
	s.gone = true
	for c := range s.conns {
		go c.Close(frame.CloseGoingAway, "")
	}
	s.mu.Unlock()
	if err := s.http.Shutdown(ctx); err != nil { // it waits for those that have not said what they want
		s.http.Close()
	}
	done := make(chan struct{})
	go func() {
		s.wg.Wait()
		close(done)
	}()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
