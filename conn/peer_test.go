package conn

import (
	"bytes"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"testing"
	"time"

	"github.com/idlewire/idlewire/frame"
)

// A peer is the other end of a Conn, scripted with the encoder of package frame: it may say any wrong thing.
type peer struct {
	testing.TB
	nc   net.Conn
	role Role
}

// patience is after what time a test that hangs fails. No test waits for it.
const patience = 20 * time.Second

// encode returns a frame as this peer sends it.
func (p *peer) encode(op frame.Opcode, fin bool, payload []byte) []byte {
	h := frame.Header{Opcode: op, Fin: fin}
	if p.role == Client {
		h.Masked, h.Key = true, 0xd15ea5e
	}
	return frame.Append(nil, h, payload)
}

func (p *peer) text(s string) []byte { return p.encode(frame.Text, true, []byte(s)) }
func (p *peer) ping(s string) []byte { return p.encode(frame.Ping, true, []byte(s)) }
func (p *peer) pong(s string) []byte { return p.encode(frame.Pong, true, []byte(s)) }

func (p *peer) bye(code frame.CloseCode, reason string) []byte {
	payload, err := frame.AppendClose(nil, code, reason)
	if err != nil {
		p.Fatal(err)
	}
	return p.encode(frame.Close, true, payload)
}

// send writes the frames in one call. Over a pipe it returns when the Conn has read them.
func (p *peer) send(frames ...[]byte) {
	p.Helper()
	if _, err := p.nc.Write(bytes.Join(frames, nil)); err != nil {
		p.Error("peer: send:", err)
	}
}

// read reads a frame, of which it checks that a Conn may send it.
func (p *peer) read() (frame.Frame, error) {
	from := frame.FromServer
	if p.role == Server {
		from = frame.FromClient
	}
	return frame.Read(p.nc, from, 0, 1<<30)
}

// expect reads a frame and checks it.
func (p *peer) expect(op frame.Opcode, payload string) {
	p.Helper()
	f, err := p.read()
	if err != nil {
		p.Fatalf("peer: expected %v %.40q: %v", op, payload, err)
	}
	if f.Opcode != op || string(f.Payload) != payload || !f.Fin {
		p.Fatalf("peer: got %v fin=%v %.40q, expected %v %.40q", f.Opcode, f.Fin, f.Payload, op, payload)
	}
}

// expectBye reads a Close and checks its code.
func (p *peer) expectBye(code frame.CloseCode) {
	p.Helper()
	f, err := p.read()
	if err != nil {
		p.Fatalf("peer: expected a Close with %v: %v", code, err)
	}
	got, reason, err := frame.ParseClose(f.Payload)
	if f.Opcode != frame.Close || err != nil || got != code {
		p.Fatalf("peer: got %v %v %q (%v), expected a Close with %v", f.Opcode, got, reason, err, code)
	}
}

// expectEOF checks that the Conn has closed its direction, cleanly.
func (p *peer) expectEOF() {
	p.Helper()
	if f, err := p.read(); !errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		p.Fatalf("peer: got %v, %v, expected EOF", f, err)
	}
}

// A carrier makes two ends of a connection.
type carrier struct {
	name string
	pair func(testing.TB) (a, b net.Conn)
}

var carriers = []carrier{{"pipe", pipePair}, {"tcp", tcpPair}, {"tls", tlsPair}}

func pipePair(t testing.TB) (a, b net.Conn) {
	a, b = net.Pipe()
	t.Cleanup(func() { a.Close(); b.Close() })
	return a, b
}

func tcpPair(t testing.TB) (a, b net.Conn) {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	dialed := make(chan error, 1)
	go func() {
		var err error
		a, err = net.Dial("tcp", ln.Addr().String())
		dialed <- err
	}()
	b, err = ln.Accept()
	if err := errors.Join(err, <-dialed); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { a.Close(); b.Close() })
	return a, b
}

// tlsPair returns TLS connections over TCP, the client first.
func tlsPair(t testing.TB) (a, b net.Conn) {
	t.Helper()
	ta, tb := tcpPair(t)
	ca := testCA(t)
	client := tls.Client(ta, &tls.Config{RootCAs: ca.pool, ServerName: "example.test"})
	server := tls.Server(tb, &tls.Config{Certificates: []tls.Certificate{ca.issue(t, "example.test", time.Hour)}})
	done := make(chan error, 1)
	go func() { done <- server.Handshake() }()
	if err := errors.Join(client.Handshake(), <-done); err != nil {
		t.Fatal(err)
	}
	return client, server
}

// newPair returns a Conn of the role and its scripted peer.
func newPair(t testing.TB, tr carrier, role Role, o *Options) (*Conn, *peer) {
	t.Helper()
	client, server := tr.pair(t)
	mine, its := server, client
	if role == Client {
		mine, its = client, server
	}
	its.SetDeadline(time.Now().Add(patience))
	c := New(mine, role, o)
	t.Cleanup(func() { c.CloseNow() })
	return c, &peer{t, its, role ^ 1}
}

// everywhere runs f for both roles over all carriers.
func everywhere(t *testing.T, o *Options, f func(t *testing.T, c *Conn, p *peer)) {
	for _, tr := range carriers {
		for _, role := range []Role{Server, Client} {
			t.Run(fmt.Sprintf("%s/%v", tr.name, role), func(t *testing.T) {
				c, p := newPair(t, tr, role, o)
				f(t, c, p)
			})
		}
	}
}

// eachRole runs f for both roles over one transport.
func eachRole(t *testing.T, f func(t *testing.T, role Role)) {
	for _, role := range []Role{Server, Client} {
		t.Run(role.String(), func(t *testing.T) { f(t, role) })
	}
}

// goes runs f, and returns a function that waits for it.
func goes(f func()) (wait func()) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		f()
	}()
	return func() { <-done }
}

// expectText reads a message and checks it.
func expectText(t testing.TB, c *Conn, want string) {
	t.Helper()
	m, err := c.Read()
	if err != nil || m.Op != frame.Text || string(m.Payload) != want {
		t.Fatalf("got %v %.40q, %v, expected %.40q", m.Op, m.Payload, err, want)
	}
}

func isDeadline(err error) bool { return errors.Is(err, os.ErrDeadlineExceeded) }
