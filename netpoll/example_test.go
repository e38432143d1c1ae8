package netpoll_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"time"

	"github.com/idlewire/idlewire/conn"
	"github.com/idlewire/idlewire/frame"
	"github.com/idlewire/idlewire/handshake"
	"github.com/idlewire/idlewire/netpoll"
)

// start serves s on a free port of this machine and returns a URL.
func start(s *netpoll.Server) string {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	go s.Serve(ln)
	return "ws://" + ln.Addr().String()
}

func dial(url string) *conn.Conn {
	c, err := conn.Dial(context.Background(), url, nil)
	if err != nil {
		panic(err)
	}
	return c
}

// Every message comes back.
type echo struct{}

func (echo) Message(c *netpoll.Conn, m conn.Message) { c.Write(m.Op, m.Payload) }
func (echo) Close(*netpoll.Conn, error)              {}

func Example() {
	s := &netpoll.Server{Open: func(*netpoll.Conn, *handshake.Request) netpoll.Handler { return echo{} }}
	url := start(s)
	defer s.Close()

	c := dial(url)
	defer c.CloseNow()
	c.Write(frame.Text, []byte("hello"))
	m, err := c.Read()
	fmt.Println(m.Op, string(m.Payload), err)
	// Output: text hello <nil>
}

// A chat: what one says, all hear. The frame is encoded once and shared.
type chat struct {
	mu    sync.Mutex
	conns map[*netpoll.Conn]bool
}

func (r *chat) open(c *netpoll.Conn, _ *handshake.Request) netpoll.Handler {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.conns[c] = true
	return r
}

func (r *chat) Message(_ *netpoll.Conn, m conn.Message) {
	p, err := conn.Prepare(m.Op, m.Payload)
	if err != nil {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for c := range r.conns {
		c.WritePrepared(p) // never blocks; who is gone will be told by Close
	}
}

func (r *chat) Close(c *netpoll.Conn, _ error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.conns, c)
}

func Example_chat() {
	r := &chat{conns: map[*netpoll.Conn]bool{}}
	s := &netpoll.Server{Open: r.open}
	url := start(s)
	defer s.Close()

	ann, bob := dial(url), dial(url)
	defer ann.CloseNow()
	defer bob.CloseNow()
	ann.Write(frame.Text, []byte("anybody there?"))
	for _, c := range []*conn.Conn{ann, bob} {
		m, err := c.Read()
		fmt.Println(string(m.Payload), err)
	}
	// Output:
	// anybody there? <nil>
	// anybody there? <nil>
}

// All peers hear that the server goes away, and have time to say goodbye.
func ExampleServer_Shutdown() {
	s := &netpoll.Server{}
	c := dial(start(s))
	done := make(chan error)
	go func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		done <- s.Shutdown(ctx)
	}()
	_, err := c.Read()
	var e *conn.CloseError
	fmt.Println(errors.As(err, &e), uint16(e.Code))
	fmt.Println(<-done)
	// Output:
	// true 1001
	// <nil>
}

// A ticker sends what is new to a consumer that may be slow: while its queue is long the ticker holds back, and it goes on when the queue has drained.
type ticker struct {
	next int
}

func (h *ticker) fill(c *netpoll.Conn) {
	for h.next < 1000 && c.Buffered() <= 64<<10 {
		c.Write(frame.Binary, make([]byte, 10_000))
		h.next++
	}
}

func (h *ticker) Message(c *netpoll.Conn, _ conn.Message) { h.fill(c) }
func (h *ticker) Drained(c *netpoll.Conn)                 { h.fill(c) }
func (h *ticker) Close(*netpoll.Conn, error)              {}

func Example_slowConsumer() {
	s := &netpoll.Server{Open: func(*netpoll.Conn, *handshake.Request) netpoll.Handler { return &ticker{} }}
	c := dial(start(s))
	defer s.Close()
	defer c.CloseNow()
	c.Write(frame.Text, []byte("go"))
	got := 0
	for range 1000 {
		m, err := c.Read()
		if err != nil {
			fmt.Println(err)
			return
		}
		got += len(m.Payload)
	}
	fmt.Println(got)
	// Output: 10000000
}
