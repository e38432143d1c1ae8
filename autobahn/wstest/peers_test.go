package main

import (
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/idlewire/idlewire/conn"
)

// curtServer returns the URL of a server that opens connections and drops them.
func curtServer(t *testing.T) string {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if c, err := conn.Accept(w, r, nil, nil); err == nil {
			c.CloseNow()
		}
	}))
	t.Cleanup(s.Close)
	return strings.Replace(s.URL, "http", "ws", 1)
}

// countingServer returns the URL of an echo server that counts its connections.
func countingServer(t *testing.T, n *atomic.Int32) string {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		n.Add(1)
		if c, err := conn.Accept(w, r, nil, nil); err == nil {
			defer c.CloseNow()
			echoAll(c)
		}
	}))
	t.Cleanup(s.Close)
	return strings.Replace(s.URL, "http", "ws", 1)
}

// crowd returns the URL of an echo server, and how many connections it has had open at most.
func crowd(t *testing.T) (url string, most *atomic.Int32) {
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if c, err := conn.Accept(w, r, nil, nil); err == nil {
			defer c.CloseNow()
			echoAll(c)
		}
	}))
	ln := &crowdListener{Listener: s.Listener}
	s.Listener = ln
	s.Start()
	t.Cleanup(s.Close)
	return strings.Replace(s.URL, "http", "ws", 1), &ln.most
}

type crowdListener struct {
	net.Listener
	now, most atomic.Int32
}

func (l *crowdListener) Accept() (net.Conn, error) {
	nc, err := l.Listener.Accept()
	if err != nil {
		return nc, err
	}
	if n := l.now.Add(1); n > l.most.Load() { // there is one caller of Accept
		l.most.Store(n)
	}
	return &crowdConn{Conn: nc, gone: sync.OnceFunc(func() { l.now.Add(-1) })}, nil
}

// A crowdConn is gone before its peer can know.
type crowdConn struct {
	net.Conn
	gone func()
}

func (c *crowdConn) Close() error {
	c.gone()
	return c.Conn.Close()
}
