package conformance

import (
	"bufio"
	"compress/flate"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"time"

	"github.com/gobwas/ws"
	"github.com/gobwas/ws/wsflate"
	"github.com/gobwas/ws/wsutil"
)

// startGobwas serves with a streaming echo: what comes of a message goes back before its end, in frames of the writer's buffer. Whatever is
// wrong ends TCP, without a Close.
func startGobwas() (*Running, error) {
	return underHTTP(func(w http.ResponseWriter, r *http.Request) {
		nc, _, _, err := ws.UpgradeHTTP(r, w)
		if err != nil {
			return
		}
		defer nc.Close()
		control := wsutil.ControlFrameHandler(nc, ws.StateServerSide)
		stream(&wsutil.Reader{Source: nc, State: ws.StateServerSide, CheckUTF8: true, OnIntermediate: control}, wsutil.NewWriter(nc, ws.StateServerSide, 0), control,
			func(dst io.Writer, src io.Reader) error { _, err := io.Copy(dst, src); return err })
	})
}

// stream hands each message to pass, from in to out.
func stream(in *wsutil.Reader, out *wsutil.Writer, control wsutil.FrameHandlerFunc, pass func(io.Writer, io.Reader) error) error {
	for {
		h, err := in.NextFrame()
		if err != nil {
			return err
		}
		if h.OpCode.IsControl() {
			if err := control(h, in); err != nil {
				return err
			}
			continue
		}
		out.ResetOp(h.OpCode)
		if err := pass(out, in); err != nil {
			return err
		}
		if err := out.Flush(); err != nil {
			return err
		}
	}
}

// startGobwasFlate serves messages that are compressed, without context takeover, and nobody who did not agree to that. It does not check text.
func startGobwasFlate() (*Running, error) {
	return underHTTP(func(w http.ResponseWriter, r *http.Request) {
		e := wsflate.Extension{Parameters: wsflate.Parameters{ServerNoContextTakeover: true, ClientNoContextTakeover: true}}
		u := ws.HTTPUpgrader{Negotiate: e.Negotiate}
		nc, _, _, err := u.Upgrade(r, w)
		if err != nil {
			return
		}
		defer nc.Close()
		if _, ok := e.Accepted(); !ok {
			return
		}
		const state = ws.StateServerSide | ws.StateExtended
		var message wsflate.MessageState // whether the one under way is compressed
		control := wsutil.ControlFrameHandler(nc, ws.StateServerSide)
		in := &wsutil.Reader{Source: nc, State: state, OnIntermediate: control, Extensions: []wsutil.RecvExtension{&message}}
		out := wsutil.NewWriter(nc, state, 0)
		out.SetExtensions(&message)
		deflate := wsflate.NewWriter(nil, func(w io.Writer) wsflate.Compressor {
			f, _ := flate.NewWriter(w, flate.BestCompression)
			return f
		})
		inflate := wsflate.NewReader(nil, func(r io.Reader) wsflate.Decompressor { return flate.NewReader(r) })
		stream(in, out, control, func(dst io.Writer, src io.Reader) error {
			if !message.IsCompressed() {
				_, err := io.Copy(dst, src)
				return err
			}
			inflate.Reset(src)
			deflate.Reset(dst)
			if _, err := io.Copy(deflate, inflate); err != nil {
				return err
			}
			return deflate.Close()
		})
	})
}

// A gobwasLink reads whole messages, checks text, and answers control frames. A breach of the framing is left to the program.
type gobwasLink struct {
	net.Conn
	in *bufio.Reader
}

func (l gobwasLink) Read(b []byte) (int, error) { return l.in.Read(b) }

func (l gobwasLink) read() (bool, []byte, error) {
	b, op, err := wsutil.ReadServerData(l)
	switch {
	case errors.As(err, new(ws.ProtocolError)):
		l.fail(ws.StatusProtocolError)
	case errors.Is(err, wsutil.ErrInvalidUTF8):
		l.fail1007()
	}
	return op == ws.OpText, b, err
}

func (l gobwasLink) write(text bool, b []byte) error {
	op := ws.OpBinary
	if text {
		op = ws.OpText
	}
	return wsutil.WriteClientMessage(l, op, b)
}

func (l gobwasLink) fail1007() { l.fail(ws.StatusInvalidFramePayloadData) }

// fail sends a Close and waits for the server to end TCP (7.1.1). What the server sends is of no more interest.
func (l gobwasLink) fail(code ws.StatusCode) {
	if wsutil.WriteClientMessage(l, ws.OpClose, ws.NewCloseFrameBody(code, "")) == nil {
		l.SetReadDeadline(time.Now().Add(time.Second))
		io.Copy(io.Discard, l.in)
	}
}

func (l gobwasLink) drop() { l.Close() }

func dialGobwas(ctx context.Context, url string) (link, func([]byte) bool, error) {
	d := ws.Dialer{Timeout: 10 * time.Second}
	nc, in, _, err := d.Dial(ctx, url)
	if err != nil {
		return nil, nil, err
	}
	if in == nil { // nothing came behind the response
		in = bufio.NewReader(nc)
	}
	return gobwasLink{nc, in}, checked, nil
}
