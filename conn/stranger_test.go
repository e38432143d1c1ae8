package conn

import (
	"bytes"
	"crypto/tls"
	"io"
	"net"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/idlewire/idlewire/frame"
)

// A duplex is one end of a transport in memory that can be closed in one direction.
type duplex struct{ in, out net.Conn }

func duplexPair() (a, b duplex) {
	ab, ba := net.Pipe()
	cd, dc := net.Pipe()
	return duplex{ab, cd}, duplex{dc, ba}
}

func (d duplex) Read(b []byte) (int, error)         { return d.in.Read(b) }
func (d duplex) Write(b []byte) (int, error)        { return d.out.Write(b) }
func (d duplex) CloseWrite() error                  { return d.out.Close() }
func (d duplex) Close() error                       { d.in.Close(); return d.out.Close() }
func (d duplex) LocalAddr() net.Addr                { return d.in.LocalAddr() }
func (d duplex) RemoteAddr() net.Addr               { return d.in.RemoteAddr() }
func (d duplex) SetReadDeadline(t time.Time) error  { return d.in.SetReadDeadline(t) }
func (d duplex) SetWriteDeadline(t time.Time) error { return d.out.SetWriteDeadline(t) }
func (d duplex) SetDeadline(t time.Time) error {
	d.in.SetReadDeadline(t)
	return d.out.SetWriteDeadline(t)
}

// A faulty transport fails as it was told to.
type faulty struct {
	net.Conn
	fault byte

	mu   sync.Mutex
	room int // how many octets it takes, or reads there are, before the fault shows
}

// What may be wrong with a transport.
const (
	faultNone     = iota
	faultBroken   // a write fails, and all after it
	faultShort    // a write takes less than it was given, and says nothing
	faultTimeless // it knows no deadlines
	faultEmpty    // reads give nothing, for ever
	faults
)

func (c *faulty) Write(b []byte) (int, error) {
	c.mu.Lock()
	n := min(len(b), c.room)
	if c.fault == faultBroken || c.fault == faultShort {
		c.room -= n
	} else {
		n = len(b)
	}
	c.mu.Unlock()
	sent, err := c.Conn.Write(b[:n])
	if err == nil && n < len(b) && c.fault == faultBroken {
		err = syscall.EPIPE
	}
	return sent, err
}

func (c *faulty) Read(b []byte) (int, error) {
	c.mu.Lock()
	dry := false
	if c.fault == faultEmpty {
		dry = c.room == 0
		c.room = max(0, c.room-1)
	}
	c.mu.Unlock()
	if dry {
		return 0, nil
	}
	return c.Conn.Read(b)
}

func (c *faulty) SetReadDeadline(t time.Time) error {
	if c.fault == faultTimeless {
		return nil
	}
	return c.Conn.SetReadDeadline(t)
}

func (c *faulty) SetWriteDeadline(t time.Time) error {
	if c.fault == faultTimeless {
		return nil
	}
	return c.Conn.SetWriteDeadline(t)
}

func (c *faulty) CloseWrite() error {
	if d, ok := c.Conn.(duplex); ok {
		return d.CloseWrite()
	}
	return net.ErrClosed
}

// A stranger is a peer that says what octets tell it to, and listens or does not.
type stranger struct {
	testing.TB
	nc     net.Conn
	role   Role
	o      *Options
	z      Compressor // of the Conn
	listen chan struct{}

	mu   sync.Mutex
	deaf bool
	over bool // it is deaf no more

	proto    Protocol
	breach   error
	messages []string
	sure     bool // what the Conn has written, the stranger has heard
}

// What a session begins with is an octet each: the role, the Options, the transport, its fault, and after how many hundreds of octets it shows; and whether messages are compressed.
var sessionOptions = []*Options{
	nil,
	{PingInterval: 10 * time.Second, PongTimeout: 5 * time.Second, WriteStallTimeout: 2 * time.Second, CloseTimeout: 3 * time.Second, ControlRate: -1},
	{PingInterval: -1, PongTimeout: -1, WriteStallTimeout: -1, CloseTimeout: -1, HandshakeTimeout: -1},
	{PingInterval: time.Second, PongTimeout: -1, WriteStallTimeout: time.Minute},
	{MaxMessage: 100, MaxFragments: 2, ControlRate: 1, ControlBurst: 2},
}

// rough returns a transport for a Conn, and its other end. A third of them are TLS.
func rough(t testing.TB, setup []byte) (net.Conn, *stranger) {
	setup = append(append([]byte{}, setup...), make([]byte, 6)...)
	p := &stranger{TB: t, role: Role(setup[0]&1) ^ 1, o: sessionOptions[int(setup[1])%len(sessionOptions)], listen: make(chan struct{}, 1)}
	p.proto = Protocol{Role: p.role, Options: &Options{MaxMessage: -1, MaxFragments: -1}}
	if setup[5]&1 != 0 {
		p.z, p.proto.Compressor = &naiveDeflate{takeover: true}, &naiveDeflate{takeover: true}
	}
	var a, b net.Conn
	if setup[2]%3 == 0 {
		a, b = net.Pipe()
	} else {
		a, b = duplexPair()
	}
	f := &faulty{Conn: a, room: int(setup[4]) * 100}
	p.nc = b
	p.sure = setup[3]%faults != faultShort
	nc := net.Conn(f)
	if setup[2]%3 == 2 {
		p.sure = false
		client, server := tls.Client(f, &tls.Config{InsecureSkipVerify: true}), tls.Server(b, theServer(t))
		shaken := goes(func() { server.Handshake() })
		if err := client.Handshake(); err != nil {
			t.Fatal(err)
		}
		shaken()
		nc, p.nc = client, server
	}
	f.fault = setup[3] % faults
	if nc != f && f.fault == faultEmpty {
		f.fault = faultNone // crypto/tls asks for ever
	}
	return nc, p
}

// conn returns the Conn.
func (p *stranger) conn(nc net.Conn) *Conn {
	return newConn(nc, p.role^1, p.o, nil, agreed{compressor: p.z})
}

// hear listens, and holds what comes against the rules.
func (p *stranger) hear() {
	b := make([]byte, 4096)
	for {
		p.mu.Lock()
		deaf := p.deaf
		p.mu.Unlock()
		if deaf {
			<-p.listen
			continue
		}
		n, err := p.nc.Read(b)
		for rest := b[:n]; len(rest) > 0 && p.breach == nil; {
			var m Message
			m, rest, p.breach = p.proto.Receive(rest)
			if m.Op.IsData() {
				p.messages = append(p.messages, string(m.Payload))
			}
		}
		if err != nil {
			return
		}
	}
}

// turns makes the stranger deaf, or listen again.
func (p *stranger) turns(deaf bool) {
	p.mu.Lock()
	p.deaf = deaf && !p.over
	p.mu.Unlock()
	select {
	case p.listen <- struct{}{}:
	default:
	}
}

// end lets the stranger go.
func (p *stranger) end() {
	p.nc.Close()
	p.mu.Lock()
	p.over = true
	p.mu.Unlock()
	p.turns(false)
}

// speak says what the script says, an octet each, and goes on if nobody listens.
func (p *stranger) speak(script []byte) {
	e := &peer{TB: p.TB, role: p.role}
	for _, x := range script {
		var b []byte
		switch x % 20 {
		case 0:
			b = e.text("hi")
		case 1:
			b = e.encode(frame.Text, false, []byte("h"))
		case 2:
			b = e.encode(frame.Continuation, false, []byte("i"))
		case 3:
			b = e.encode(frame.Continuation, true, []byte("!"))
		case 4:
			b = e.ping("ping")
		case 5:
			b = e.pong("pong")
		case 6:
			b = e.bye(1000, "bye")
		case 7:
			b = []byte{0xff, 0xff}
		case 8:
			b = e.encode(frame.Binary, true, make([]byte, 70_000))
		case 9:
			b = bytes.Repeat(e.ping("flood"), 300)
		case 10:
			b = e.encode(frame.Binary, true, make([]byte, 2<<20))
		case 11:
			b = e.text("half")[:3]
		case 12:
			p.turns(true)
		case 13:
			p.turns(false)
		case 14:
			time.Sleep(time.Second)
		case 15:
			time.Sleep(30 * time.Second)
		case 16:
			p.nc.Close()
		case 17:
			if nc, ok := p.nc.(interface{ CloseWrite() error }); ok {
				nc.CloseWrite()
			}
		case 18:
			b = e.encode(frame.Close, true, nil)
		case 19:
			b = bytes.Repeat(e.ping("a few"), 20)
		}
		if _, err := p.nc.Write(b); len(b) > 0 && err != nil && err != io.ErrClosedPipe {
			return
		}
	}
}
