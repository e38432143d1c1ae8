package conformance

import (
	"context"
	"net/http"
	"time"
	"unicode/utf8"

	"github.com/gorilla/websocket"
)

// A gorillaLink leaves to the program whether text is UTF-8. It answers a breach of the framing with 1002 itself.
type gorillaLink struct{ c *websocket.Conn }

func (l gorillaLink) read() (bool, []byte, error) {
	kind, b, err := l.c.ReadMessage()
	return kind == websocket.TextMessage, b, err
}

func (l gorillaLink) write(text bool, b []byte) error {
	kind := websocket.BinaryMessage
	if text {
		kind = websocket.TextMessage
	}
	return l.c.WriteMessage(kind, b)
}

func (l gorillaLink) fail1007() {
	l.c.WriteControl(websocket.CloseMessage, websocket.FormatCloseMessage(websocket.CloseInvalidFramePayloadData, ""), time.Now().Add(time.Second))
	l.c.SetReadDeadline(time.Now().Add(time.Second))
	for {
		if _, _, err := l.c.ReadMessage(); err != nil {
			return
		}
	}
}

func (l gorillaLink) drop() { l.c.Close() }

func startGorilla() (*Running, error) {
	u := websocket.Upgrader{EnableCompression: true, CheckOrigin: func(*http.Request) bool { return true }}
	return underHTTP(func(w http.ResponseWriter, r *http.Request) {
		if c, err := u.Upgrade(w, r, nil); err == nil {
			echo(gorillaLink{c}, utf8.Valid)
		}
	})
}

func dialGorilla(ctx context.Context, url string) (link, func([]byte) bool, error) {
	d := websocket.Dialer{EnableCompression: true, HandshakeTimeout: 10 * time.Second}
	c, _, err := d.DialContext(ctx, url, nil)
	if err != nil {
		return nil, nil, err
	}
	return gorillaLink{c}, utf8.Valid, nil
}
