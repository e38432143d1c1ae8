package server

import (
	"net"
	"net/http"

	"github.com/lesismal/nbio/logging"
	"github.com/lesismal/nbio/nbhttp"
	"github.com/lesismal/nbio/nbhttp/websocket"

	"github.com/idlewire/idlewire/bench/internal/mode"
)

func serveNbio(ln net.Listener, m mode.Mode, _ *func() any) error {
	logging.SetLevel(logging.LevelError)
	var all room[*websocket.Conn]
	upgrader := func(broadcast bool) *websocket.Upgrader {
		u := websocket.NewUpgrader()
		u.EnableCompression(m.On)
		u.OnMessage(func(c *websocket.Conn, op websocket.MessageType, b []byte) {
			if !broadcast {
				c.WriteMessage(op, b)
				return
			}
			all.each(func(c *websocket.Conn) { c.WriteMessage(op, b) }) // it has no prepared messages
		})
		if broadcast {
			u.OnOpen(all.enter)
			u.OnClose(func(c *websocket.Conn, _ error) { all.leave(c) })
		}
		return u
	}
	single, many := upgrader(false), upgrader(true)
	e := nbhttp.NewEngine(nbhttp.Config{
		Network:                      "tcp",
		Addrs:                        []string{ln.Addr().String()},
		Listen:                       func(string, string) (net.Listener, error) { return ln, nil },
		MaxLoad:                      1 << 20,
		ReleaseWebsocketPayload:      true,
		MaxWebsocketFramePayloadSize: 2 << 20, // one frame per message, like the others
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			u := single
			if r.URL.Path == broadcastPath {
				u = many
			}
			u.Upgrade(w, r, nil)
		}),
	})
	if err := e.Start(); err != nil {
		return err
	}
	select {}
}
