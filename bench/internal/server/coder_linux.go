package server

import (
	"bytes"
	"context"
	"net"
	"net/http"

	"github.com/coder/websocket"

	"github.com/idlewire/idlewire/bench/internal/mode"
)

func serveCoder(ln net.Listener, m mode.Mode, _ *func() any) error {
	var all room[*websocket.Conn]
	var o websocket.AcceptOptions // compression is off unless asked for
	switch {
	case m.Takeover:
		o.CompressionMode = websocket.CompressionContextTakeover
	case m.On:
		o.CompressionMode = websocket.CompressionNoContextTakeover
	}
	return http.Serve(ln, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c, err := websocket.Accept(w, r, &o)
		if err != nil {
			return
		}
		c.SetReadLimit(1 << 20)
		broadcast := r.URL.Path == broadcastPath
		go func() {
			defer c.CloseNow()
			if broadcast {
				all.enter(c)
				defer all.leave(c)
			}
			for coderOne(c, broadcast, &all) == nil {
			}
		}()
	}))
}

// coderOne reads one message and answers it.
func coderOne(c *websocket.Conn, broadcast bool, all *room[*websocket.Conn]) error {
	ctx := context.Background()
	op, r, err := c.Reader(ctx)
	if err != nil {
		return err
	}
	b := buffers.Get().(*bytes.Buffer)
	defer buffers.Put(b)
	b.Reset()
	if _, err := b.ReadFrom(r); err != nil {
		return err
	}
	if !broadcast {
		return c.Write(ctx, op, b.Bytes())
	}
	all.each(func(c *websocket.Conn) { c.Write(ctx, op, b.Bytes()) }) // it has no prepared messages
	return nil
}
