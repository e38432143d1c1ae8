package golibs

import (
	"context"
	"errors"
	"net"

	"github.com/idlewire/idlewire/conn"
	"github.com/idlewire/idlewire/deflate"
	"github.com/idlewire/idlewire/frame"
	"github.com/idlewire/idlewire/handshake"
)

// libs are the clients that nobody here wrote.
var libs = []client{{"gobwas", dialGobwas}, {"gorilla", dialGorilla}, {"coder", dialCoder}}

// everyClient is they and our own.
var everyClient = append(libs[:len(libs):len(libs)], client{"idlewire", dialIdlewire})

type client struct {
	name string
	dial dialer
}

type idlewireLink struct {
	c *conn.Conn
	p *peer
}

func dialIdlewire(ctx context.Context, url string, o opts) (*peer, error) {
	p := newPeer()
	d := &conn.Dialer{
		Header:       o.header,
		Origin:       o.origin,
		Subprotocols: o.protocols,
		TLS:          o.tls,
		NetDial: func(ctx context.Context, network, addr string) (net.Conn, error) {
			t, err := o.tap(ctx, network, addr)
			p.t = t
			return t, err
		},
	}
	if o.compress {
		d.Options.Compression = new(deflate.Options)
	}
	c, err := conn.Dial(ctx, url, d)
	if err != nil {
		if e := (*handshake.Error)(nil); errors.As(err, &e) && e.Status != 101 && e.Status != 0 {
			return nil, &refusal{e.Status, e.Header, e.Body}
		}
		return nil, err
	}
	p.link, p.protocol = &idlewireLink{c, p}, c.Subprotocol()
	go p.readIdlewire(c)
	return p, nil
}

// readIdlewire hands what comes to p.
func (p *peer) readIdlewire(c *conn.Conn) {
	for {
		m, err := c.Read()
		if err != nil {
			if e := (*conn.CloseError)(nil); errors.As(err, &e) {
				err = &goodbye{int(e.Code), e.Reason}
			}
			p.finish(err)
			return
		}
		p.emit(byte(m.Op), m.Payload)
	}
}

func (l *idlewireLink) send(op byte, payload []byte) error {
	return l.c.Write(frame.Opcode(op), payload)
}

func (l *idlewireLink) fragments(op byte, parts [][]byte, between func() error) error {
	w, err := l.c.Writer(context.Background(), frame.Opcode(op))
	if err != nil {
		return err
	}
	for i, part := range parts {
		if i == len(parts)-1 && between != nil {
			if err := between(); err != nil {
				return errors.Join(err, w.Close())
			}
		}
		if _, err := w.Write(part); err != nil {
			return errors.Join(err, w.Close())
		}
	}
	return w.Close()
}

// ping returns when the pong was read. conn.Conn keeps pongs to itself, so the tap tells.
func (l *idlewireLink) ping(payload []byte) error {
	before := len(payloadsOf(l.p.t.received(), opPong))
	if err := l.c.Ping(payload); err != nil {
		return err
	}
	for {
		if pongs := payloadsOf(l.p.t.received(), opPong); len(pongs) > before {
			l.p.emit(opPong, pongs[before])
			return nil
		}
		if l.p.t.over() {
			return errors.New("the server is gone and has sent no pong")
		}
		<-l.p.t.news
	}
}

func (l *idlewireLink) goodbye(code int, reason string) error {
	return l.c.Close(frame.CloseCode(code), reason)
}

func (l *idlewireLink) drop() { l.c.CloseNow() }
