package golibs

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"sync"

	"github.com/gobwas/httphead"
	"github.com/gobwas/ws"
	"github.com/gobwas/ws/wsutil"
)

// gobwasLink speaks with frames by hand, as programs over gobwas/ws do, and reads with its wsutil.Reader.
type gobwasLink struct {
	nc     net.Conn
	client bool
	mu     sync.Mutex // guards writes and closed
	closed bool       // Close was sent
}

func dialGobwas(ctx context.Context, url string, o opts) (*peer, error) {
	p := newPeer()
	var refused *refusal
	d := ws.Dialer{
		Protocols: o.protocols,
		Header:    ws.HandshakeHeaderHTTP(o.headers()),
		TLSConfig: o.tls,
		NetDial: func(ctx context.Context, network, addr string) (net.Conn, error) {
			t, err := o.tap(ctx, network, addr)
			p.t = t
			return t, err
		},
		OnStatusError: func(status int, reason []byte, resp io.Reader) {
			refused = &refusal{status: status}
			if r, err := http.ReadResponse(bufio.NewReader(resp), nil); err == nil {
				refused.header = r.Header
				refused.body, _ = io.ReadAll(io.LimitReader(r.Body, 1024))
			}
		},
	}
	if o.compress {
		d.Extensions = []httphead.Option{httphead.NewOption("permessage-deflate", nil)}
	}
	nc, br, hs, err := d.Dial(ctx, url)
	if refused != nil {
		p.t.Close()
		return nil, refused
	}
	if err != nil {
		if p.t != nil {
			p.t.Close()
		}
		return nil, err
	}
	var r io.Reader = nc
	if br != nil {
		r = br // what the server said right after its handshake
	}
	l := &gobwasLink{nc: nc, client: true}
	p.link, p.protocol = l, hs.Protocol
	go l.read(p, r, ws.StateClientSide, 0)
	return p, nil
}

// acceptGobwas serves one raw TCP connection with ws.Upgrader, without net/http. It returns the target of the request.
func acceptGobwas(nc net.Conn, limit int64) (p *peer, target string, err error) {
	p = newPeer()
	var echo http.Header
	u := ws.Upgrader{
		Protocol: func(b []byte) bool { return string(b) == "chat.v2" },
		OnRequest: func(uri []byte) error {
			target = string(uri)
			if status, body, ok := refuses(target); ok {
				return ws.RejectConnectionError(ws.RejectionStatus(status), ws.RejectionReason(body),
					ws.RejectionHeader(ws.HandshakeHeaderHTTP(refusalHeader(target))))
			}
			return nil
		},
		OnHeader: func(key, value []byte) error {
			if http.CanonicalHeaderKey(string(key)) == "X-Ask" {
				echo = http.Header{"X-Answer": {string(value)}}
			}
			return nil
		},
		OnBeforeUpgrade: func() (ws.HandshakeHeader, error) { return ws.HandshakeHeaderHTTP(echo), nil },
	}
	hs, err := u.Upgrade(nc)
	if err != nil {
		return nil, target, err
	}
	l := &gobwasLink{nc: nc}
	p.link, p.protocol = l, hs.Protocol
	go l.read(p, nc, ws.StateServerSide, limit)
	return p, target, nil
}

// read hands what comes to p. It answers pings and closes as wsutil.ControlHandler does.
func (l *gobwasLink) read(p *peer, r io.Reader, state ws.State, limit int64) {
	control := func(h ws.Header, r io.Reader) error { return l.control(p, h, r) }
	rd := &wsutil.Reader{Source: r, State: state, CheckUTF8: true, OnIntermediate: control, MaxFrameSize: limit}
	for {
		h, err := rd.NextFrame()
		if err == nil && h.OpCode.IsControl() {
			if err = control(h, rd); err == nil {
				continue
			}
		}
		var b []byte
		if err == nil {
			b, err = io.ReadAll(rd)
		}
		if err != nil {
			var g *goodbye
			if code := gobwasCode(err); code != 0 && !errors.As(err, &g) {
				l.goodbye(code, err.Error())
			}
			p.finish(err)
			return
		}
		p.emit(byte(h.OpCode), b)
	}
}

func (l *gobwasLink) control(p *peer, h ws.Header, r io.Reader) error {
	b, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	switch h.OpCode {
	case ws.OpPing: // 5.5.2
		return l.frame(ws.OpPong, true, b)
	case ws.OpPong:
		p.emit(opPong, b)
	case ws.OpClose: // 5.5.1
		code, reason := ws.StatusCode(1005), ""
		if len(b) > 0 {
			code, reason = ws.ParseCloseFrameData(b)
		}
		l.frame(ws.OpClose, true, b[:min(2, len(b))])
		return &goodbye{int(code), reason}
	}
	return nil
}

// gobwasCode returns the code with which to fail a connection, 0 if the transport failed.
func gobwasCode(err error) int {
	var pe ws.ProtocolError
	switch {
	case errors.Is(err, wsutil.ErrInvalidUTF8):
		return 1007
	case errors.Is(err, wsutil.ErrFrameTooLarge):
		return 1009
	case errors.As(err, &pe):
		return 1002
	}
	return 0
}

func (l *gobwasLink) frame(op ws.OpCode, fin bool, payload []byte) error {
	return l.write(ws.NewFrame(op, fin, payload))
}

func (l *gobwasLink) write(f ws.Frame) error {
	if l.client {
		f = ws.MaskFrame(f)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return net.ErrClosed
	}
	l.closed = f.Header.OpCode == ws.OpClose
	return ws.WriteFrame(l.nc, f)
}

func (l *gobwasLink) send(op byte, payload []byte) error {
	return l.frame(ws.OpCode(op), true, payload)
}

func (l *gobwasLink) fragments(op byte, parts [][]byte, between func() error) error {
	for i, part := range parts {
		if i == len(parts)-1 && between != nil {
			if err := between(); err != nil {
				return err
			}
		}
		if err := l.frame(ws.OpCode(op), i == len(parts)-1, part); err != nil {
			return err
		}
		op = opContinuation
	}
	return nil
}

func (l *gobwasLink) ping(payload []byte) error { return l.frame(ws.OpPing, true, payload) }

func (l *gobwasLink) goodbye(code int, reason string) error {
	var b []byte
	if code != 1005 {
		b = ws.NewCloseFrameBody(ws.StatusCode(code), reason)
	}
	return l.frame(ws.OpClose, true, b)
}

func (l *gobwasLink) drop() { l.nc.Close() }
