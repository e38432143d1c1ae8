package server

import (
	"bytes"
	"net"
	"net/http"
	"sync"

	"github.com/gorilla/websocket"

	"github.com/idlewire/idlewire/bench/internal/mode"
)

var buffers = sync.Pool{New: func() any { return new(bytes.Buffer) }}

type gorillaConn struct {
	*websocket.Conn
	mu sync.Mutex // one writer at a time
}

func serveGorilla(ln net.Listener, m mode.Mode, _ *func() any) error {
	var all room[*gorillaConn]
	// What its documentation advises for very many connections: small buffers of its own instead of the two of net/http, and a pool for writing.
	u := websocket.Upgrader{ReadBufferSize: 1024, WriteBufferSize: 4096, WriteBufferPool: new(sync.Pool), EnableCompression: m.On}
	return http.Serve(ln, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		nc, err := u.Upgrade(w, r, nil)
		if err != nil {
			return
		}
		broadcast := r.URL.Path == broadcastPath
		go func() {
			c := &gorillaConn{Conn: nc}
			defer c.Close()
			if broadcast {
				all.enter(c)
				defer all.leave(c)
			}
			for c.one(broadcast, &all) == nil {
			}
		}()
	}))
}

// one reads one message and answers it.
func (c *gorillaConn) one(broadcast bool, all *room[*gorillaConn]) error {
	op, r, err := c.NextReader()
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
		c.mu.Lock()
		defer c.mu.Unlock()
		return c.WriteMessage(op, b.Bytes())
	}
	p, err := websocket.NewPreparedMessage(op, bytes.Clone(b.Bytes()))
	if err != nil {
		return err
	}
	all.each(func(c *gorillaConn) {
		c.mu.Lock()
		c.WritePreparedMessage(p)
		c.mu.Unlock()
	})
	return nil
}
