package golibs

import (
	"bytes"
	"context"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/idlewire/idlewire/conn"
	"github.com/idlewire/idlewire/deflate"
	"github.com/idlewire/idlewire/frame"
	"github.com/idlewire/idlewire/handshake"
	"github.com/idlewire/idlewire/netpoll"
)

// idlewire turns the knobs.
func (k *knobs) idlewire() *deflate.Options {
	o := &deflate.Options{
		Level: k.level, MinSize: k.threshold, ServerContextTakeover: k.serverTakeover, ClientContextTakeover: k.clientTakeover,
		ServerMaxWindowBits: k.serverBits, ClientMaxWindowBits: k.clientBits,
	}
	if k.fallback {
		o.ClientOffers = []deflate.Params{{ServerNoContextTakeover: true, ClientNoContextTakeover: true}, {ClientNoContextTakeover: true}}
	}
	return o
}

// idlewireIs is what our own ends promise. An event loop's connection has no fragments to send.
func idlewireIs(k *knobs, driver string) end {
	return end{threshold: max(1000, k.threshold), plain: true, parts: driver == "blocking", shrinks: true}
}

// A packedLink is an idlewireLink with compression.
type packedLink struct{ *idlewireLink }

func (l packedLink) plain(op byte, payload []byte) error {
	return l.c.WriteUncompressed(frame.Opcode(op), payload)
}

// ping does not wait: the relay's judge sees the pong.
func (l packedLink) ping(payload []byte) error { return l.c.Ping(payload) }

func newPacked(c *conn.Conn) *peer {
	p := newPeer()
	p.link = packedLink{&idlewireLink{c, p}}
	go p.readIdlewire(c)
	return p
}

func dialIdlewireDeflate(ctx context.Context, url string, o opts) (*peer, error) {
	c, err := conn.Dial(ctx, url, &conn.Dialer{Options: conn.Options{Compression: o.deflate.idlewire()}})
	if err != nil {
		return nil, err
	}
	return newPacked(c), nil
}

// ourLib is conn.Dial and conn.Accept.
var ourLib = library{dialIdlewireDeflate, nil, func(k *knobs) end { return idlewireIs(k, "blocking") }}

// ourConn is what the connections of our drivers have in common.
type ourConn interface {
	Write(frame.Opcode, []byte) error
	WriteUncompressed(frame.Opcode, []byte) error
	WritePrepared(*conn.Prepared) error
}

// A program is what a server does: with a new connection, with a message, and at the end.
type program struct {
	open    func(ourConn)
	message func(ourConn, conn.Message)
	close   func(ourConn)
}

// echoing does what answer does.
var echoing = program{func(ourConn) {}, func(c ourConn, m conn.Message) {
	if bc, ok := c.(*conn.Conn); ok {
		answer(packedLink{&idlewireLink{bc, nil}}, byte(m.Op), m.Payload)
	} else if m.Op == frame.Text && bytes.HasPrefix(m.Payload, []byte("plain:")) {
		c.WriteUncompressed(m.Op, m.Payload)
	} else {
		c.Write(m.Op, m.Payload)
	}
}, func(ourConn) {}}

// anyOrigin lets pages connect that come from elsewhere.
var anyOrigin = handshake.Upgrader{CheckOrigin: func(*handshake.Request) bool { return true }}

// serveOurs starts a server with a driver, and returns its URL. It ends with the test.
func serveOurs(t *testing.T, driver string, options conn.Options, p program) string {
	if driver == "blocking" {
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			c, err := conn.Accept(w, r, &anyOrigin, &options)
			if err != nil {
				return
			}
			defer c.CloseNow()
			p.open(c)
			defer p.close(c)
			for {
				m, err := c.Read()
				if err != nil {
					return
				}
				p.message(c, m)
			}
		}))
		t.Cleanup(s.Close)
		return strings.Replace(s.URL, "http", "ws", 1)
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &netpoll.Server{
		Driver: map[string]netpoll.Driver{"loop": netpoll.Loop, "portable": netpoll.Portable}[driver], Options: options, Upgrader: anyOrigin,
		Open: func(c *netpoll.Conn, _ *handshake.Request) netpoll.Handler { p.open(c); return events{p} },
	}
	served := make(chan error, 1)
	go func() { served <- s.Serve(ln) }()
	t.Cleanup(func() {
		s.Close()
		if err := <-served; !errors.Is(err, netpoll.ErrServerClosed) {
			t.Errorf("Serve: %v", err)
		}
	})
	return "ws://" + ln.Addr().String()
}

// events is a program on an event loop.
type events struct{ p program }

func (e events) Message(c *netpoll.Conn, m conn.Message) { e.p.message(c, m) }
func (e events) Close(c *netpoll.Conn, _ error)          { e.p.close(c) }

// ourServers are echo servers of ours, one for each driver and set of knobs.
type ourServers struct {
	t    *testing.T
	mu   sync.Mutex // guards urls
	urls map[[2]string]string
}

// url returns the URL of the server, which ends with the test.
func (o *ourServers) url(driver, words string) string {
	o.mu.Lock()
	defer o.mu.Unlock()
	if u, ok := o.urls[[2]string{driver, words}]; ok {
		return u
	}
	k, err := parseKnobs(words)
	if err != nil {
		o.t.Fatal(err)
	}
	if o.urls == nil {
		o.urls = map[[2]string]string{}
	}
	u := serveOurs(o.t, driver, conn.Options{Compression: k.idlewire()}, echoing)
	o.urls[[2]string{driver, words}] = u
	return u
}
