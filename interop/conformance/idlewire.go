package conformance

import (
	"context"
	"errors"
	"net/http"

	"github.com/idlewire/idlewire/conn"
	"github.com/idlewire/idlewire/deflate"
	"github.com/idlewire/idlewire/frame"
	"github.com/idlewire/idlewire/handshake"
	"github.com/idlewire/idlewire/netpoll"
)

// ours are the defaults, but for the sizes that the suite needs: section 9 sends 4 MiB in frames of 64 octets, and then an empty one; and messages may refer to
// earlier ones both ways, because then a mistake in one shows in the next.
var ours = conn.Options{
	MaxMessage:   maxMessage,
	MaxFragments: 4<<20/64 + 1,
	Compression:  &deflate.Options{ServerContextTakeover: true, ClientContextTakeover: true},
}

// An idlewireEcho sends every message back.
type idlewireEcho struct{}

func (idlewireEcho) Message(c *netpoll.Conn, m conn.Message) { c.Write(m.Op, m.Payload) }
func (idlewireEcho) Close(*netpoll.Conn, error)              {}

func startLoop() (*Running, error)     { return startNetpoll(netpoll.Loop) }
func startPortable() (*Running, error) { return startNetpoll(netpoll.Portable) }

func startNetpoll(d netpoll.Driver) (*Running, error) {
	ln, url, err := listen()
	if err != nil {
		return nil, err
	}
	s := &netpoll.Server{Driver: d, Options: ours, Open: func(*netpoll.Conn, *handshake.Request) netpoll.Handler { return idlewireEcho{} }}
	done := make(chan error, 1)
	go func() { done <- s.Serve(ln) }()
	return &Running{url, func() error {
		s.Close()
		if err := <-done; !errors.Is(err, netpoll.ErrServerClosed) {
			return err
		}
		return nil
	}}, nil
}

func startAccept() (*Running, error) {
	return underHTTP(func(w http.ResponseWriter, r *http.Request) {
		if c, err := conn.Accept(w, r, nil, &ours); err == nil {
			echo(idlewireLink{c}, checked)
		}
	})
}

// An idlewireLink has checked the text, and says its own goodbyes.
type idlewireLink struct{ c *conn.Conn }

func (l idlewireLink) read() (bool, []byte, error) {
	m, err := l.c.Read()
	return m.Op == frame.Text, m.Payload, err
}

func (l idlewireLink) write(text bool, b []byte) error {
	op := frame.Binary
	if text {
		op = frame.Text
	}
	return l.c.Write(op, b)
}

func (l idlewireLink) fail1007() { l.c.Close(frame.CloseInvalidPayload, "") }

func (l idlewireLink) drop() { l.c.CloseNow() }

func dialIdlewire(ctx context.Context, url string) (link, func([]byte) bool, error) {
	c, err := conn.Dial(ctx, url, &conn.Dialer{Options: ours})
	if err != nil {
		return nil, nil, err
	}
	return idlewireLink{c}, checked, nil
}
