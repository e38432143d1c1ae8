package server

import (
	"bufio"
	"io"
	"net"
	"sync"

	"github.com/gobwas/pool/pbufio"
	"github.com/gobwas/ws"

	"github.com/idlewire/idlewire/bench/internal/mode"
)

// A gobwasConn is what both servers on gobwas/ws share.
type gobwasConn struct {
	net.Conn
	mu        sync.Mutex // one writer at a time: a broadcast comes from other goroutines
	broadcast bool
	all       *room[*gobwasConn]
}

// upgrade does the opening handshake without net/http, as the library recommends.
func (c *gobwasConn) upgrade() error {
	u := ws.Upgrader{OnRequest: func(uri []byte) error {
		c.broadcast = string(uri) == broadcastPath
		return nil
	}}
	_, err := u.Upgrade(c.Conn)
	if err == nil && c.broadcast {
		c.all.enter(c)
	}
	return err
}

func (c *gobwasConn) end() {
	if c.broadcast {
		c.all.leave(c)
	}
	c.Close()
}

var payloads = sync.Pool{New: func() any { return new([]byte) }}

// one reads one frame and answers it.
func (c *gobwasConn) one(r *bufio.Reader) error {
	h, err := ws.ReadHeader(r)
	if err != nil {
		return err
	}
	if err := ws.CheckHeader(h, ws.StateServerSide); err != nil {
		return err
	}
	b := payloads.Get().(*[]byte)
	defer payloads.Put(b)
	if int64(cap(*b)) < h.Length {
		*b = make([]byte, h.Length)
	}
	p := (*b)[:h.Length]
	if _, err := io.ReadFull(r, p); err != nil {
		return err
	}
	ws.Cipher(p, h.Mask, 0)
	switch h.OpCode {
	case ws.OpClose:
		_ = c.write(ws.NewCloseFrame(p))
		return io.EOF
	case ws.OpPing:
		return c.write(ws.NewPongFrame(p))
	case ws.OpPong:
		return nil
	}
	f := ws.NewFrame(h.OpCode, h.Fin, p)
	if !c.broadcast {
		return c.write(f)
	}
	compiled, err := ws.CompileFrame(f)
	if err != nil {
		return err
	}
	c.all.each(func(c *gobwasConn) {
		c.mu.Lock()
		c.Conn.Write(compiled)
		c.mu.Unlock()
	})
	return nil
}

// write sends a frame through a pooled buffer: one system call, two if it is longer than the buffer.
func (c *gobwasConn) write(f ws.Frame) error {
	w := pbufio.GetWriter(c.Conn, 4096)
	defer pbufio.PutWriter(w)
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := ws.WriteFrame(w, f); err != nil {
		return err
	}
	return w.Flush()
}

func serveGobwas(ln net.Listener, _ mode.Mode, _ *func() any) error {
	var all room[*gobwasConn]
	for {
		nc, err := ln.Accept()
		if err != nil {
			return err
		}
		go func() {
			c := &gobwasConn{Conn: nc, all: &all}
			defer c.end()
			if c.upgrade() != nil {
				return
			}
			r := bufio.NewReader(nc)
			for c.one(r) == nil {
			}
		}()
	}
}
