package conformance

import (
	"context"
	"net"
	"net/http"
	"time"

	"github.com/lesismal/nbio/logging"
	"github.com/lesismal/nbio/nbhttp"
	"github.com/lesismal/nbio/nbhttp/websocket"
)

func startNbio() (*Running, error) {
	logging.SetLevel(logging.LevelNone)
	ln, url, err := listen()
	if err != nil {
		return nil, err
	}
	websocket.DefaultMessageLengthLimit = maxMessage // there is no option for it
	u := websocket.NewUpgrader()
	u.EnableCompression(true)
	u.CheckOrigin = func(*http.Request) bool { return true }
	u.OnMessage(func(c *websocket.Conn, kind websocket.MessageType, b []byte) { c.WriteMessage(kind, b) })
	e := nbhttp.NewEngine(nbhttp.Config{
		Network:                 "tcp",
		Addrs:                   []string{ln.Addr().String()},
		Listen:                  func(string, string) (net.Listener, error) { return ln, nil },
		ReleaseWebsocketPayload: true,
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if c, err := u.Upgrade(w, r, nil); err == nil {
				c.SetReadDeadline(time.Time{})
			}
		}),
	})
	if err := e.Start(); err != nil {
		return nil, err
	}
	return &Running{url, func() error {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		return e.Shutdown(ctx)
	}}, nil
}
