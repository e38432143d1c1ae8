package golibs

import (
	"context"
	"errors"
	"net"
	"net/http"
	"time"

	"github.com/lxzan/gws"
)

// gwsLink has no fragments to send; gws does not offer them.
type gwsLink struct{ c *gws.Conn }

// gwsEvents hands what gws reads to a peer.
type gwsEvents struct {
	gws.BuiltinEventHandler
	p *peer
}

func (e gwsEvents) OnMessage(_ *gws.Conn, m *gws.Message) {
	e.p.emit(byte(m.Opcode), m.Bytes())
	m.Close()
}

func (e gwsEvents) OnPing(c *gws.Conn, payload []byte) { c.WritePong(payload) }
func (e gwsEvents) OnPong(_ *gws.Conn, payload []byte) { e.p.emit(opPong, payload) }

func (e gwsEvents) OnClose(_ *gws.Conn, err error) {
	if g := (*gws.CloseError)(nil); errors.As(err, &g) {
		err = &goodbye{int(g.Code), string(g.Reason)}
	}
	if err == nil {
		err = net.ErrClosed
	}
	e.p.finish(err)
}

// gws turns the knobs.
func (k *knobs) gws() gws.PermessageDeflate {
	if k == nil {
		return gws.PermessageDeflate{}
	}
	bits := func(n int) int {
		if n == 0 {
			return 15 // its own default is 12
		}
		return n
	}
	return gws.PermessageDeflate{
		Enabled: true, Level: k.level, Threshold: k.threshold, PoolSize: 1,
		ServerContextTakeover: k.serverTakeover, ClientContextTakeover: k.clientTakeover,
		ServerMaxWindowBits: bits(k.serverBits), ClientMaxWindowBits: bits(k.clientBits),
	}
}

func dialGws(ctx context.Context, url string, o opts) (*peer, error) {
	p := newPeer()
	c, _, err := gws.NewClient(gwsEvents{p: p}, &gws.ClientOption{
		Addr: url, RequestHeader: o.headers(), TlsConfig: o.tls, CheckUtf8Enabled: true, PermessageDeflate: o.deflate.gws(),
		NewDialer: func() (gws.Dialer, error) { return tapDialer{ctx, o, p}, nil },
	})
	if err != nil {
		return nil, err
	}
	p.link = &gwsLink{c}
	go c.ReadLoop()
	return p, nil
}

// A tapDialer is a dialer in the words of gws.
type tapDialer struct {
	ctx context.Context
	o   opts
	p   *peer
}

func (d tapDialer) Dial(network, addr string) (net.Conn, error) {
	t, err := d.o.tap(d.ctx, network, addr)
	if err != nil {
		return nil, err
	}
	d.p.t = t
	return t, nil
}

func acceptGws(w http.ResponseWriter, r *http.Request, limit int64) (*peer, error) {
	p := newPeer()
	c, err := gws.NewUpgrader(gwsEvents{p: p}, &gws.ServerOption{
		PermessageDeflate: knobsOf(r.URL).gws(), CheckUtf8Enabled: true, ReadMaxPayloadSize: int(limit), WriteMaxPayloadSize: int(limit),
	}).Upgrade(w, r)
	if err != nil {
		return nil, err
	}
	c.SetDeadline(time.Now().Add(time.Minute))
	p.link = &gwsLink{c}
	go c.ReadLoop()
	return p, nil
}

func (l *gwsLink) send(op byte, payload []byte) error {
	return l.c.WriteMessage(gws.Opcode(op), payload)
}

func (l *gwsLink) fragments(byte, [][]byte, func() error) error { return errNotOffered }

func (l *gwsLink) ping(payload []byte) error { return l.c.WritePing(payload) }

func (l *gwsLink) goodbye(code int, reason string) error {
	return l.c.WriteClose(uint16(code), []byte(reason))
}

func (l *gwsLink) drop() { l.c.NetConn().Close() }
