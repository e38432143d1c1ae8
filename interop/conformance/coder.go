package conformance

import (
	"context"
	"net/http"
	"unicode/utf8"

	"github.com/coder/websocket"
)

// A coderLink leaves to the program whether text is UTF-8. Breaches of the framing it answers itself.
type coderLink struct{ c *websocket.Conn }

func newCoderLink(c *websocket.Conn) coderLink {
	c.SetReadLimit(-1) // its own is 32 KiB
	return coderLink{c}
}

func (l coderLink) read() (bool, []byte, error) {
	kind, b, err := l.c.Read(context.Background())
	return kind == websocket.MessageText, b, err
}

func (l coderLink) write(text bool, b []byte) error {
	kind := websocket.MessageBinary
	if text {
		kind = websocket.MessageText
	}
	return l.c.Write(context.Background(), kind, b)
}

func (l coderLink) fail1007() { l.c.Close(websocket.StatusInvalidFramePayloadData, "") }

func (l coderLink) drop() { l.c.CloseNow() }

func startCoder() (*Running, error) {
	o := websocket.AcceptOptions{CompressionMode: websocket.CompressionContextTakeover, InsecureSkipVerify: true}
	return underHTTP(func(w http.ResponseWriter, r *http.Request) {
		if c, err := websocket.Accept(w, r, &o); err == nil {
			echo(newCoderLink(c), utf8.Valid)
		}
	})
}

func dialCoder(ctx context.Context, url string) (link, func([]byte) bool, error) {
	c, _, err := websocket.Dial(ctx, url, &websocket.DialOptions{CompressionMode: websocket.CompressionContextTakeover})
	if err != nil {
		return nil, nil, err
	}
	return newCoderLink(c), utf8.Valid, nil
}
