package golibs

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/gorilla/websocket"
)

// gorillaLink keeps to the library's rule: one reader, one writer; control frames from anywhere.
type gorillaLink struct {
	c  *websocket.Conn
	mu sync.Mutex // guards the writer of data
}

func dialGorilla(ctx context.Context, url string, o opts) (*peer, error) {
	p := newPeer()
	d := websocket.Dialer{
		Subprotocols:      o.protocols,
		EnableCompression: o.compress || o.deflate != nil,
		TLSClientConfig:   o.tls,
		NetDialContext: func(ctx context.Context, network, addr string) (net.Conn, error) {
			t, err := o.tap(ctx, network, addr)
			p.t = t
			return t, err
		},
	}
	if o.small {
		d.WriteBufferSize = 16 // a message leaves in frames of this size
	}
	c, resp, err := d.DialContext(ctx, url, o.headers())
	if err != nil {
		if p.t != nil {
			p.t.Close()
		}
		if errors.Is(err, websocket.ErrBadHandshake) && resp != nil && resp.StatusCode != 101 {
			body, _ := io.ReadAll(resp.Body)
			return nil, &refusal{resp.StatusCode, resp.Header, body}
		}
		return nil, err
	}
	if o.deflate != nil && o.deflate.level != 0 {
		if err := c.SetCompressionLevel(o.deflate.level); err != nil {
			return nil, err
		}
	}
	newGorilla(p, c)
	return p, nil
}

func acceptGorilla(w http.ResponseWriter, r *http.Request, limit int64) (*peer, error) {
	u := websocket.Upgrader{Subprotocols: []string{"chat.v2"}}
	if r.URL.Path == "/fragments" {
		u.WriteBufferSize = 64
	}
	k := knobsOf(r.URL)
	u.EnableCompression = k != nil
	answer := http.Header{}
	if v := r.Header.Get("X-Ask"); v != "" {
		answer.Set("X-Answer", v)
	}
	c, err := u.Upgrade(w, r, answer)
	if err != nil {
		return nil, err
	}
	c.SetReadLimit(limit)
	if k != nil && k.level != 0 {
		c.SetCompressionLevel(k.level)
	}
	p := newPeer()
	newGorilla(p, c)
	return p, nil
}

func newGorilla(p *peer, c *websocket.Conn) {
	p.link, p.protocol = &gorillaLink{c: c}, c.Subprotocol()
	c.SetPongHandler(func(s string) error { p.emit(opPong, []byte(s)); return nil })
	go func() {
		for {
			op, b, err := c.ReadMessage()
			if err != nil {
				if e := (*websocket.CloseError)(nil); errors.As(err, &e) && e.Code != websocket.CloseAbnormalClosure {
					err = &goodbye{e.Code, e.Text}
				}
				p.finish(err)
				return
			}
			p.emit(byte(op), b)
		}
	}()
}

func (l *gorillaLink) send(op byte, payload []byte) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.c.WriteMessage(int(op), payload)
}

func (l *gorillaLink) fragments(op byte, parts [][]byte, between func() error) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	w, err := l.c.NextWriter(int(op))
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

func (l *gorillaLink) plain(op byte, payload []byte) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.c.EnableWriteCompression(false)
	defer l.c.EnableWriteCompression(true)
	return l.c.WriteMessage(int(op), payload)
}

func (l *gorillaLink) control(op int, b []byte) error {
	return l.c.WriteControl(op, b, time.Now().Add(10*time.Second))
}

func (l *gorillaLink) ping(payload []byte) error { return l.control(websocket.PingMessage, payload) }

func (l *gorillaLink) goodbye(code int, reason string) error {
	return l.control(websocket.CloseMessage, websocket.FormatCloseMessage(code, reason)) // nothing for 1005
}

func (l *gorillaLink) drop() { l.c.Close() }
