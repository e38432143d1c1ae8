package server

import (
	"net"
	"net/http"

	"github.com/lxzan/gws"
)

type gwsHandler struct {
	gws.BuiltinEventHandler
	broadcast bool
	all       room[*gws.Conn]
}

func (h *gwsHandler) OnOpen(c *gws.Conn) {
	if h.broadcast {
		h.all.enter(c)
	}
}

func (h *gwsHandler) OnClose(c *gws.Conn, _ error) {
	if h.broadcast {
		h.all.leave(c)
	}
}

func (h *gwsHandler) OnMessage(c *gws.Conn, m *gws.Message) {
	defer m.Close()
	if !h.broadcast {
		c.WriteMessage(m.Opcode, m.Bytes())
		return
	}
	b := gws.NewBroadcaster(m.Opcode, append([]byte(nil), m.Bytes()...))
	defer b.Close()
	h.all.each(func(c *gws.Conn) { b.Broadcast(c) })
}

func serveGws(ln net.Listener, _ *func() any) error {
	single := gws.NewUpgrader(&gwsHandler{}, nil)
	many := gws.NewUpgrader(&gwsHandler{broadcast: true}, nil)
	return http.Serve(ln, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		u := single
		if r.URL.Path == broadcastPath {
			u = many
		}
		c, err := u.Upgrade(w, r)
		if err != nil {
			return
		}
		go c.ReadLoop() // so that net/http's goroutine and its buffers may go
	}))
}
