package golibs

import (
	"bytes"
	"compress/flate"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"sync"

	"github.com/gobwas/httphead"
	"github.com/gobwas/ws"
	"github.com/gobwas/ws/wsflate"
	"github.com/gobwas/ws/wsutil"
	kflate "github.com/klauspost/compress/flate"
)

// A gobwasDeflate is a gobwasLink that compresses with wsflate. That leaves windows and takeover to the program, which hands it the compressor.
type gobwasDeflate struct {
	*gobwasLink
	bits  int  // of what this end sends
	alone bool // no takeover in what it sends

	fault   string     // what it does wrong, see deflate_selfcheck_test.go
	packing sync.Mutex // guards the fields below, and the order of messages
	out     redirect
	flate   flateWriter
}

type flateWriter interface {
	io.Writer
	Flush() error
	Reset(io.Writer)
}

// A redirect lets a compressor that goes on from message to message write elsewhere each time.
type redirect struct{ io.Writer }

// A lasting compressor is not reset by wsflate, for it shows no Reset.
type lasting struct{ wsflate.Compressor }

func newGobwasDeflate(l *gobwasLink, bits, level int, alone bool) *gobwasDeflate {
	d := &gobwasDeflate{gobwasLink: l, bits: bits, alone: alone}
	if level == 0 {
		level = flate.DefaultCompression
	}
	if bits < 15 {
		d.flate, _ = kflate.NewWriterWindow(&d.out, 1<<bits) // the standard library has one window only
	} else {
		d.flate, _ = flate.NewWriter(&d.out, level)
	}
	return d
}

// pack compresses one message.
func (d *gobwasDeflate) pack(payload []byte) ([]byte, error) {
	var b bytes.Buffer
	if d.alone {
		d.out.Writer = nil
		d.flate.Reset(&d.out)
	}
	w := wsflate.NewWriter(&b, func(w io.Writer) wsflate.Compressor {
		d.out.Writer = w
		return lasting{d.flate}
	})
	if _, err := w.Write(payload); err != nil {
		return nil, err
	}
	err := w.Close()
	return b.Bytes(), err
}

func (d *gobwasDeflate) send(op byte, payload []byte) error {
	return d.fragments(op, [][]byte{payload}, nil)
}

func (d *gobwasDeflate) plain(op byte, payload []byte) error {
	d.packing.Lock()
	defer d.packing.Unlock()
	return d.gobwasLink.send(op, payload)
}

// fragments compresses the message as a whole, and cuts what comes out anywhere.
func (d *gobwasDeflate) fragments(op byte, parts [][]byte, between func() error) error {
	d.packing.Lock()
	defer d.packing.Unlock()
	packed, err := d.pack(bytes.Join(parts, nil))
	if err != nil {
		return err
	}
	if len(parts) > 1 {
		parts = cut(packed, len(parts))
	} else {
		parts = [][]byte{packed}
	}
	rsv := ws.Rsv(true, false, false)
	for i, part := range parts {
		if i == len(parts)-1 && between != nil {
			if err := between(); err != nil {
				return err
			}
		}
		f := ws.NewFrame(ws.OpCode(op), i == len(parts)-1, part)
		f.Header.Rsv = rsv
		if err := d.write(f); err != nil {
			return err
		}
		op, rsv = opContinuation, 0
	}
	return nil
}

// read hands what comes to p, as gobwasLink.read does, and inflates what is compressed.
func (d *gobwasDeflate) read(p *peer, r io.Reader, state ws.State, limit int64, alone bool) {
	var past []byte
	var packed wsflate.MessageState
	control := func(h ws.Header, r io.Reader) error { return d.control(p, h, r) }
	rd := &wsutil.Reader{Source: r, State: state.Set(ws.StateExtended), Extensions: []wsutil.RecvExtension{&packed}, OnIntermediate: control, MaxFrameSize: limit}
	for {
		h, err := rd.NextFrame()
		if err == nil && h.OpCode.IsControl() {
			if err = control(h, rd); err == nil {
				continue
			}
		}
		var b []byte
		if err == nil && packed.IsCompressed() {
			fr := wsflate.NewReader(rd, func(r io.Reader) wsflate.Decompressor { return flate.NewReaderDict(r, past) })
			b, err = io.ReadAll(fr)
			if !alone {
				past = bytes.Clone(append(past, b...)[max(0, len(past)+len(b)-greatestWindow):])
			}
		} else if err == nil {
			b, err = io.ReadAll(rd)
		}
		if err != nil {
			var g *goodbye
			if code := gobwasCode(err); code != 0 && !errors.As(err, &g) {
				d.goodbye(code, err.Error())
			}
			p.finish(err)
			return
		}
		p.emit(byte(h.OpCode), b)
	}
}

// gobwas turns the knobs.
func (k *knobs) gobwas() wsflate.Parameters {
	p := wsflate.Parameters{
		ServerNoContextTakeover: !k.serverTakeover, ClientNoContextTakeover: !k.clientTakeover,
		ServerMaxWindowBits: wsflate.WindowBits(k.serverBits), ClientMaxWindowBits: wsflate.WindowBits(k.clientBits),
	}
	if k.clientWindow {
		p.ClientMaxWindowBits = 1
	}
	return p
}

func bitsOf(b wsflate.WindowBits) int {
	if b < 8 {
		return 15
	}
	return int(b)
}

func dialGobwasDeflate(ctx context.Context, url string, o opts) (*peer, error) {
	p := newPeer()
	d := ws.Dialer{
		Header:     ws.HandshakeHeaderHTTP(o.headers()),
		Extensions: []httphead.Option{o.deflate.gobwas().Option()},
		NetDial: func(ctx context.Context, network, addr string) (net.Conn, error) {
			t, err := o.tap(ctx, network, addr)
			p.t = t
			return t, err
		},
	}
	nc, br, hs, err := d.Dial(ctx, url)
	if err != nil {
		return nil, err
	}
	var r io.Reader = nc
	if br != nil {
		r = br
	}
	l := &gobwasLink{nc: nc, client: true}
	if len(hs.Extensions) == 0 {
		p.link = l
		go l.read(p, r, ws.StateClientSide, 0)
		return p, nil
	}
	var agreed wsflate.Parameters
	if err := agreed.Parse(hs.Extensions[0]); err != nil {
		nc.Close()
		return nil, err
	}
	gd := newGobwasDeflate(l, bitsOf(agreed.ClientMaxWindowBits), o.deflate.level, agreed.ClientNoContextTakeover || !o.deflate.clientTakeover)
	p.link = gd
	go gd.read(p, r, ws.StateClientSide, 0, agreed.ServerNoContextTakeover)
	return p, nil
}

// acceptGobwasDeflate serves one connection under net/http; the knobs are in the query.
func acceptGobwasDeflate(w http.ResponseWriter, r *http.Request, limit int64) (*peer, error) {
	k := knobsOf(r.URL)
	ext := wsflate.Extension{Parameters: k.gobwas()}
	u := ws.HTTPUpgrader{Negotiate: ext.Negotiate}
	nc, rw, _, err := u.Upgrade(r, w)
	if err != nil {
		return nil, err
	}
	p := newPeer()
	l := &gobwasLink{nc: nc}
	if _, ok := ext.Accepted(); !ok {
		p.link = l
		go l.read(p, rw, ws.StateServerSide, limit)
		return p, nil
	}
	agreed := k.gobwas() // that is what it answers
	gd := newGobwasDeflate(l, bitsOf(agreed.ServerMaxWindowBits), k.level, agreed.ServerNoContextTakeover)
	p.link = gd.faulty(k.fault)
	go gd.read(p, rw, ws.StateServerSide, limit, agreed.ClientNoContextTakeover)
	return p, nil
}
