package server

import (
	"net"
	"net/http"

	"github.com/idlewire/idlewire/conn"
	"github.com/idlewire/idlewire/deflate"
	"github.com/idlewire/idlewire/handshake"
	"github.com/idlewire/idlewire/netpoll"

	"github.com/idlewire/idlewire/bench/internal/mode"
)

// Default options all of them: limits, timeouts and checks are on, as in a server that is exposed. The message limit makes room for the largest
// row, whose messages are exactly as long as the default allows.

func serveLoop(ln net.Listener, m mode.Mode, counts *func() any) error {
	return serveNetpoll(ln, compression(m, 0), netpoll.Loop, counts)
}

// harder is the level at which zlib compresses unless told otherwise.
const harder = 6

func serveHarder(ln net.Listener, m mode.Mode, counts *func() any) error {
	return serveNetpoll(ln, compression(m, harder), netpoll.Loop, counts)
}

func servePortable(ln net.Listener, m mode.Mode, counts *func() any) error {
	return serveNetpoll(ln, compression(m, 0), netpoll.Portable, counts)
}

// compression is off by default. With takeover its budget is for some 4 000 connections by default, and grants the rest none; the others have no budget.
func compression(m mode.Mode, level int) conn.Options {
	if !m.On {
		return conn.Options{}
	}
	return conn.Options{Compression: &deflate.Options{
		Level:                 level,
		ServerContextTakeover: m.Takeover,
		ClientContextTakeover: m.Takeover,
		ServerMaxWindowBits:   m.Bits,
		ClientMaxWindowBits:   m.Bits,
		Budget:                -1,
	}}
}

func serveNetpoll(ln net.Listener, o conn.Options, d netpoll.Driver, counts *func() any) error {
	var all room[*netpoll.Conn]
	s := &netpoll.Server{
		Driver:   d,
		MaxConns: -1,
		Options:  o,
		Open: func(c *netpoll.Conn, r *handshake.Request) netpoll.Handler {
			if string(r.Path()) == broadcastPath {
				all.enter(c)
				return &member{&all}
			}
			return echo{}
		},
	}
	*counts = func() any {
		st := s.Stats()
		return map[string]int64{"open": st.Open, "queued": st.Queued}
	}
	return s.Serve(ln)
}

type echo struct{}

func (echo) Message(c *netpoll.Conn, m conn.Message) { c.Write(m.Op, m.Payload) }
func (echo) Close(*netpoll.Conn, error)              {}

type member struct{ all *room[*netpoll.Conn] }

func (b *member) Message(_ *netpoll.Conn, m conn.Message) {
	p, err := conn.Prepare(m.Op, m.Payload)
	if err != nil {
		return
	}
	b.all.each(func(c *netpoll.Conn) { c.WritePrepared(p) })
}

func (b *member) Close(c *netpoll.Conn, _ error) { b.all.leave(c) }

// serveBlocking, like all that take connections over from net/http, serves each in a goroutine of its own, so that the handler returns and what
// net/http keeps for a request is let go.
func serveBlocking(ln net.Listener, m mode.Mode, _ *func() any) error {
	var all room[*conn.Conn]
	o := compression(m, 0)
	return http.Serve(ln, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c, err := conn.Accept(w, r, nil, &o)
		if err != nil {
			return
		}
		broadcast := r.URL.Path == broadcastPath
		go func() {
			defer c.CloseNow()
			if broadcast {
				all.enter(c)
				defer all.leave(c)
			}
			for {
				m, err := c.Read()
				if err != nil {
					return
				}
				if !broadcast {
					c.Write(m.Op, m.Payload)
				} else if p, err := conn.Prepare(m.Op, m.Payload); err == nil {
					all.each(func(c *conn.Conn) { c.WritePrepared(p) })
				}
			}
		}()
	}))
}
