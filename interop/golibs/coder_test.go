package golibs

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"time"

	"github.com/coder/websocket"
)

type coderLink struct {
	c   *websocket.Conn
	ctx context.Context
}

func dialCoder(ctx context.Context, url string, o opts) (*peer, error) {
	p := newPeer()
	tr := &http.Transport{
		TLSClientConfig: o.tls,
		DialContext: func(ctx context.Context, network, addr string) (net.Conn, error) {
			t, err := o.tap(ctx, network, addr)
			p.t = t
			return t, err
		},
	}
	d := &websocket.DialOptions{
		HTTPClient:     &http.Client{Transport: tr},
		HTTPHeader:     o.headers(),
		Subprotocols:   o.protocols,
		OnPongReceived: func(_ context.Context, b []byte) { p.emit(opPong, b) },
	}
	if o.compress {
		d.CompressionMode = websocket.CompressionContextTakeover
	}
	if k := o.deflate; k != nil {
		d.CompressionMode, d.CompressionThreshold = k.coderMode(), k.threshold
	}
	c, resp, err := websocket.Dial(ctx, url, d)
	if err != nil {
		tr.CloseIdleConnections()
		if p.t != nil {
			p.t.Close()
		}
		if resp != nil && resp.StatusCode != 101 {
			body, _ := io.ReadAll(resp.Body)
			return nil, &refusal{resp.StatusCode, resp.Header, body}
		}
		return nil, err
	}
	c.SetReadLimit(-1)
	newCoder(p, c)
	return p, nil
}

func acceptCoder(w http.ResponseWriter, r *http.Request, limit int64) (*peer, error) {
	p := newPeer()
	if v := r.Header.Get("X-Ask"); v != "" {
		w.Header().Set("X-Answer", v)
	}
	o := &websocket.AcceptOptions{
		Subprotocols:   []string{"chat.v2"},
		OnPongReceived: func(_ context.Context, b []byte) { p.emit(opPong, b) },
	}
	if k := knobsOf(r.URL); k != nil {
		o.CompressionMode, o.CompressionThreshold = k.coderMode(), k.threshold
	}
	c, err := websocket.Accept(w, r, o)
	if err != nil {
		return nil, err
	}
	c.SetReadLimit(limit)
	newCoder(p, c)
	return p, nil
}

func newCoder(p *peer, c *websocket.Conn) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	p.link, p.protocol = &coderLink{c, ctx}, c.Subprotocol()
	go func() {
		defer cancel()
		for {
			op, b, err := c.Read(ctx)
			if err != nil {
				if e := (websocket.CloseError{}); errors.As(err, &e) {
					err = &goodbye{int(e.Code), e.Reason}
				}
				p.finish(err)
				return
			}
			p.emit(byte(op), b) // MessageText is 1, MessageBinary 2
		}
	}()
}

func (l *coderLink) send(op byte, payload []byte) error {
	return l.c.Write(l.ctx, websocket.MessageType(op), payload)
}

func (l *coderLink) fragments(op byte, parts [][]byte, between func() error) error {
	w, err := l.c.Writer(l.ctx, websocket.MessageType(op))
	if err != nil {
		return err
	}
	for i, part := range parts {
		if i == len(parts)-1 && between != nil {
			if err := between(); err != nil {
				return err
			}
		}
		if _, err := w.Write(part); err != nil {
			return err
		}
	}
	return w.Close()
}

// ping has a payload of the library's choice, and returns when the pong with the same payload was read.
func (l *coderLink) ping([]byte) error { return l.c.Ping(l.ctx) }

// goodbye returns when the whole closing handshake is over.
func (l *coderLink) goodbye(code int, reason string) error {
	return l.c.Close(websocket.StatusCode(code), reason)
}

func (l *coderLink) drop() { l.c.CloseNow() }
