package autobahn

import (
	"bufio"
	"bytes"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"sync"
	"time"

	"github.com/idlewire/idlewire/frame"
)

// A chat is a connection that says something, and tests nothing: whatever the client says is read over, but for its pings and its Close. So it
// may use package frame for both directions.
type chat struct {
	nc      net.Conn
	mask    bool // what is sent is masked
	echo    bool // a Close is answered with its own code
	closing time.Duration
	gone    chan struct{} // closed when nothing can be said any more

	mu     sync.Mutex // held while a frame is written; guards closed
	closed bool       // a Close was sent
}

// newChat starts a chat on a connection whose opening handshake is done; rest is what came behind it.
func newChat(nc net.Conn, rest []byte, o *Options) *chat {
	t := &chat{
		nc: nc, mask: o.MaskServerFrames, echo: o.EchoCloseCodeReason, closing: within(o.CloseHandshakeTimeout, maxClosingTime), gone: make(chan struct{}),
	}
	from := frame.FromClient
	if !o.RequireMaskedClientFrames {
		from = frame.Either
	}
	go func() {
		defer close(t.gone)
		t.read(bufio.NewReader(io.MultiReader(bytes.NewReader(rest), nc)), from)
	}()
	return t
}

// read reads frames until the client's Close, a breach, or the end of the connection.
func (t *chat) read(r io.Reader, from frame.Direction) {
	for {
		h, err := frame.ReadHeader(r, from, 0)
		if breach := (*frame.Error)(nil); errors.As(err, &breach) {
			t.close(breach.Code)
		}
		if err != nil {
			return
		}
		if !h.Opcode.IsControl() {
			if _, err := io.CopyN(io.Discard, r, h.Length); err != nil {
				return
			}
			continue
		}
		var b [frame.MaxControlPayload]byte
		payload := b[:h.Length]
		if _, err := io.ReadFull(r, payload); err != nil {
			return
		}
		if h.Masked {
			frame.Mask(payload, h.Key)
		}
		switch h.Opcode {
		case frame.Ping:
			t.write(frame.Pong, payload)
		case frame.Close:
			code := frame.CloseNormal
			if c, _, err := frame.ParseClose(payload); err == nil && t.echo {
				code = c
			}
			t.close(code)
			return
		}
	}
}

// send sends a text message.
func (t *chat) send(text string) { t.write(frame.Text, []byte(text)) }

// close sends a Close, if none was sent before. The client then has some time to answer.
func (t *chat) close(code frame.CloseCode) {
	body, _ := frame.AppendClose(nil, code, "")
	t.write(frame.Close, body)
}

// write writes a frame; nothing goes out behind a Close. A client that does not read ends the chat.
func (t *chat) write(op frame.Opcode, payload []byte) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.closed {
		return
	}
	t.closed = op == frame.Close
	h := frame.Header{Fin: true, Opcode: op, Masked: t.mask}
	if t.mask {
		var key [4]byte
		rand.Read(key[:])
		h.Key = binary.LittleEndian.Uint32(key[:])
	}
	t.nc.SetWriteDeadline(time.Now().Add(t.closing))
	if t.closed {
		t.nc.SetReadDeadline(time.Now().Add(t.closing))
	}
	if _, err := t.nc.Write(frame.Append(nil, h, payload)); err != nil {
		t.nc.Close()
	}
}

// wait waits for the end of the chat, which close bounds, and closes the connection.
func (t *chat) wait() {
	<-t.gone
	t.nc.Close()
}
