package golibs

import (
	"io"
	"net"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"
)

// A relay stands between a client and a server, and keeps what passes. So it does not matter in which process, or browser, either of them is.
type relay struct {
	url    string // ws://host:port
	target string // host:port
	ln     net.Listener
	wg     sync.WaitGroup
	mu     sync.Mutex // guards passed
	passed []*passage
}

// A passage is one connection through a relay.
type passage struct {
	mu                 sync.Mutex // guards the octets
	toServer, toClient []byte
	done               chan struct{} // closed when both directions are over
}

// startRelay starts a relay to a server's URL. It ends with the test.
func startRelay(t testing.TB, server string) *relay {
	t.Helper()
	u, err := url.Parse(server)
	if err != nil {
		t.Fatal(err)
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	r := &relay{url: "ws://" + ln.Addr().String(), target: u.Host, ln: ln}
	r.wg.Go(r.accept)
	t.Cleanup(func() { ln.Close(); r.wg.Wait() })
	return r
}

func (r *relay) accept() {
	for {
		nc, err := r.ln.Accept()
		if err != nil {
			return
		}
		p := &passage{done: make(chan struct{})}
		r.mu.Lock()
		r.passed = append(r.passed, p)
		r.mu.Unlock()
		r.wg.Go(func() { p.run(nc, r.target) })
	}
}

// patience bounds the life of a passage.
const relayPatience = 60 * time.Second

func (p *passage) run(client net.Conn, target string) {
	defer close(p.done)
	defer client.Close()
	server, err := net.Dial("tcp", target)
	if err != nil {
		return
	}
	defer server.Close()
	client.SetDeadline(time.Now().Add(relayPatience))
	server.SetDeadline(time.Now().Add(relayPatience))
	var both sync.WaitGroup
	both.Go(func() { p.pass(server, client, &p.toServer) })
	both.Go(func() { p.pass(client, server, &p.toClient) })
	both.Wait()
}

// pass hands on what src says to dst until src ends, and the end as well.
func (p *passage) pass(dst, src net.Conn, kept *[]byte) {
	b := make([]byte, 32<<10)
	for {
		n, err := src.Read(b)
		p.mu.Lock()
		*kept = append(*kept, b[:n]...)
		p.mu.Unlock()
		if _, werr := dst.Write(b[:n]); err == nil && werr != nil {
			io.Copy(io.Discard, src)
			err = werr
		}
		if err != nil {
			if c, ok := dst.(*net.TCPConn); ok {
				c.CloseWrite()
			}
			return
		}
	}
}

// upgraded returns the connections that asked for the path and became WebSockets, after they have ended.
func (r *relay) upgraded(t testing.TB) (all []*passage) {
	t.Helper()
	r.mu.Lock()
	passed := r.passed
	r.mu.Unlock()
	for _, p := range passed {
		select {
		case <-p.done:
		case <-time.After(relayPatience):
			t.Fatal("a connection has not ended")
		}
		if strings.HasPrefix(string(p.toClient), "HTTP/1.1 101 ") {
			all = append(all, p)
		}
	}
	return all
}
