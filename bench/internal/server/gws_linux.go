package server

import (
	"net"
	"net/http"

	"github.com/lxzan/gws"

	"github.com/idlewire/idlewire/bench/internal/mode"
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

func serveGws(ln net.Listener, m mode.Mode, _ *func() any) error {
	// The window has to be told: with takeover the default is one of 12 bits.
	option := func() *gws.ServerOption {
		return &gws.ServerOption{PermessageDeflate: gws.PermessageDeflate{
			Enabled:               m.On,
			ServerContextTakeover: m.Takeover,
			ClientContextTakeover: m.Takeover,
			ServerMaxWindowBits:   m.Bits,
			ClientMaxWindowBits:   m.Bits,
		}}
	}
	single := gws.NewUpgrader(&gwsHandler{}, option())
	many := gws.NewUpgrader(&gwsHandler{broadcast: true}, option())
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
