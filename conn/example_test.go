package conn_test

import (
	"bufio"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/idlewire/idlewire/conn"
	"github.com/idlewire/idlewire/frame"
	"github.com/idlewire/idlewire/handshake"
)

// echo is a handler that sends back what it gets.
func echo(w http.ResponseWriter, r *http.Request) {
	c, err := conn.Accept(w, r, nil, nil)
	if err != nil {
		return // Accept has answered
	}
	defer c.CloseNow()
	for {
		m, err := c.Read()
		if err != nil {
			return
		}
		if err := c.Write(m.Op, m.Payload); err != nil {
			return
		}
	}
}

// An echo server is a handler of net/http. In a program, serve it with an http.Server that has a ReadHeaderTimeout.
func ExampleAccept() {
	server := httptest.NewServer(http.HandlerFunc(echo))
	defer server.Close()

	c, err := conn.Dial(context.Background(), strings.Replace(server.URL, "http", "ws", 1), nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer c.CloseNow()
	c.Write(frame.Text, []byte("Hello"))
	m, err := c.Read()
	fmt.Printf("%v %s %v\n", m.Op, m.Payload, err)
	fmt.Println(c.Close(frame.CloseNormal, "that is all"))
	// Output:
	// text Hello <nil>
	// <nil>
}

// A client that says who it is, what it speaks and how long it waits, and that finds out why it is not wanted.
func ExampleDial() {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, password, _ := r.BasicAuth(); password != "open sesame" {
			http.Error(w, "who are you?", http.StatusUnauthorized)
			return
		}
		c, err := conn.Accept(w, r, &handshake.Upgrader{Subprotocols: []string{"greeting"}}, nil)
		if err != nil {
			return
		}
		c.Write(frame.Text, []byte("welcome"))
		c.Close(frame.CloseNormal, "")
	}))
	defer server.Close()
	host := strings.TrimPrefix(server.URL, "http://")
	d := &conn.Dialer{Subprotocols: []string{"greeting"}}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()

	_, err := conn.Dial(ctx, "ws://ali:open%20barley@"+host+"/", d)
	var refusal *handshake.Error
	if errors.As(err, &refusal) {
		fmt.Printf("%d %s", refusal.Status, refusal.Body)
	}

	c, err := conn.Dial(ctx, "ws://ali:open%20sesame@"+host+"/", d)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer c.CloseNow()
	m, _ := c.ReadContext(ctx)
	fmt.Printf("%s: %s\n", c.Subprotocol(), m.Payload)
	_, err = c.Read()
	fmt.Println(err)
	// Output:
	// 401 who are you?
	// greeting: welcome
	// peer closed the connection: 1000 normal closure
}

// A hub sends each message to all its members. Each has a queue and a goroutine that empties it, so that a slow one keeps nobody waiting:
// when its queue is full, it is sent away.
type hub struct {
	mu      sync.Mutex
	members map[*conn.Conn]chan *conn.Prepared
}

func (h *hub) join(c *conn.Conn) {
	queue := make(chan *conn.Prepared, 16)
	h.mu.Lock()
	h.members[c] = queue
	h.mu.Unlock()
	go func() {
		for m := range queue {
			if c.WritePrepared(m) != nil {
				return
			}
		}
		c.Close(frame.ClosePolicyViolation, "too slow")
	}()
	for { // control frames are answered in Read; what a member says goes to all
		m, err := c.Read()
		if err != nil {
			break
		}
		h.broadcast(m)
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.leave(c)
}

func (h *hub) leave(c *conn.Conn) {
	if queue, ok := h.members[c]; ok {
		delete(h.members, c)
		close(queue)
	}
}

func (h *hub) broadcast(m conn.Message) {
	p, err := conn.Prepare(m.Op, m.Payload) // encoded once, for all
	if err != nil {
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	for c, queue := range h.members {
		select {
		case queue <- p:
		default:
			h.leave(c)
		}
	}
}

// A chat in which one member does not read: the others notice nothing.
func Example_hub() {
	h := &hub{members: make(map[*conn.Conn]chan *conn.Prepared)}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c, err := conn.Accept(w, r, nil, nil)
		if err != nil {
			return
		}
		defer c.CloseNow()
		h.join(c)
	}))
	defer server.Close()
	var members [3]*conn.Conn
	for i := range members {
		c, err := conn.Dial(context.Background(), strings.Replace(server.URL, "http", "ws", 1), nil)
		if err != nil {
			fmt.Println(err)
			return
		}
		defer c.CloseNow()
		members[i] = c
	}
	alice, bob := members[0], members[1] // the third never reads
	large := make([]byte, 256<<10)
	for range 40 {
		alice.Write(frame.Binary, large)
		for _, c := range []*conn.Conn{alice, bob} {
			if m, err := c.Read(); err != nil || len(m.Payload) != len(large) {
				fmt.Println(err)
				return
			}
		}
	}
	fmt.Println("all there")
	// Output: all there
}

// A server that goes down says 1001 to all, waits until they have answered, or CloseTimeout has passed, and only then ends.
func Example_shutdown() {
	var mu sync.Mutex
	open := make(map[*conn.Conn]bool)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c, err := conn.Accept(w, r, nil, nil)
		if err != nil {
			return
		}
		defer c.CloseNow()
		mu.Lock()
		open[c] = true
		mu.Unlock()
		for err == nil {
			var m conn.Message
			if m, err = c.Read(); err == nil {
				err = c.Write(m.Op, m.Payload)
			}
		}
		mu.Lock()
		delete(open, c)
		mu.Unlock()
	}))
	goodbyes := make(chan error)
	for range 3 {
		c, err := conn.Dial(context.Background(), strings.Replace(server.URL, "http", "ws", 1), nil)
		if err != nil {
			fmt.Println(err)
			return
		}
		c.Write(frame.Text, []byte("here"))
		c.Read()
		go func() {
			_, err := c.Read()
			goodbyes <- err
		}()
	}

	// On SIGTERM: no new connections, then a Close for each of the old ones. Shutdown of an http.Server does not know them.
	server.Config.Shutdown(context.Background())
	var group sync.WaitGroup
	mu.Lock()
	for c := range open {
		group.Go(func() { c.Close(frame.CloseGoingAway, "") })
	}
	mu.Unlock()
	for range 3 {
		fmt.Println(<-goodbyes)
	}
	group.Wait()
	server.Close()
	// Output:
	// peer closed the connection: 1001 going away
	// peer closed the connection: 1001 going away
	// peer closed the connection: 1001 going away
}

// A message that is too large to be held is copied from a file, and into one. Options.MaxMessage is about these, too.
func ExampleConn_Reader() {
	const size = 10 << 20
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c, err := conn.Accept(w, r, nil, &conn.Options{MaxMessage: 1 << 30})
		if err != nil {
			return
		}
		defer c.CloseNow()
		_, message, err := c.Reader(r.Context())
		if err != nil {
			return
		}
		n, err := io.Copy(io.Discard, message)
		c.Write(frame.Text, fmt.Appendf(nil, "%d bytes, %v", n, err))
		c.Read() // until the client closes
	}))
	defer server.Close()
	c, err := conn.Dial(context.Background(), strings.Replace(server.URL, "http", "ws", 1), nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer c.Close(frame.CloseNormal, "")
	w, err := c.Writer(context.Background(), frame.Binary)
	if err != nil {
		fmt.Println(err)
		return
	}
	io.Copy(w, io.LimitReader(zeros{}, size))
	w.Close()
	m, _ := c.Read()
	fmt.Printf("%s\n", m.Payload)
	// Output: 10485760 bytes, <nil>
}

type zeros struct{}

func (zeros) Read(b []byte) (int, error) { clear(b); return len(b), nil }

// A SOCKS proxy, or anything else that leads to a server, is a function.
func ExampleDialer_socks() {
	server := httptest.NewServer(http.HandlerFunc(echo))
	defer server.Close()
	proxy := startSOCKS(server.Listener.Addr().String())
	defer proxy.Close()

	d := &conn.Dialer{
		Proxy: func(*url.URL) (*url.URL, error) { return nil, nil }, // not by HTTP
		NetDial: func(ctx context.Context, network, addr string) (net.Conn, error) {
			nc, err := new(net.Dialer).DialContext(ctx, network, proxy.Addr().String())
			if err != nil {
				return nil, err
			}
			if err := socks5(ctx, nc, addr); err != nil {
				nc.Close()
				return nil, err
			}
			return nc, nil
		},
	}
	c, err := conn.Dial(context.Background(), "ws://hidden.example/", d)
	if err != nil {
		fmt.Println(err)
		return
	}
	c.Write(frame.Text, []byte("through SOCKS"))
	m, _ := c.Read()
	fmt.Printf("%s\n", m.Payload)
	c.Close(frame.CloseNormal, "")
	// Output: through SOCKS
}

// socks5 asks the proxy at nc for a connection to addr (RFC 1928).
func socks5(ctx context.Context, nc net.Conn, addr string) error {
	stop := context.AfterFunc(ctx, func() { nc.SetDeadline(time.Unix(1, 0)) })
	defer stop()
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return err
	}
	n, err := net.LookupPort("tcp", port)
	if err != nil {
		return err
	}
	b := []byte{5, 1, 0, 5, 1, 0, 3, byte(len(host))}
	b = binary.BigEndian.AppendUint16(append(b, host...), uint16(n))
	if _, err := nc.Write(b); err != nil {
		return err
	}
	answer := make([]byte, 2+10) // to the greeting, and to the request
	if _, err := io.ReadFull(nc, answer); err != nil {
		return err
	}
	if answer[1] != 0 || answer[3] != 0 {
		return fmt.Errorf("socks: refused: %w", os.ErrPermission)
	}
	return nil
}

// startSOCKS starts a proxy that leads every connection to one server.
func startSOCKS(to string) net.Listener {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	go func() {
		nc, err := ln.Accept()
		if err != nil {
			return
		}
		defer nc.Close()
		br := bufio.NewReader(nc)
		head := make([]byte, 8)
		if _, err := io.ReadFull(br, head); err != nil {
			return
		}
		io.CopyN(io.Discard, br, int64(head[7])+2)
		server, err := net.Dial("tcp", to)
		if err != nil {
			return
		}
		defer server.Close()
		nc.Write([]byte{5, 0, 5, 0, 0, 1, 0, 0, 0, 0, 0, 0})
		go func() {
			io.Copy(server, br)
			server.Close()
		}()
		io.Copy(nc, server)
	}()
	return ln
}
