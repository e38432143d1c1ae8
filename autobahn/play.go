package autobahn

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	mathrand "math/rand/v2"
	"net"
	"runtime"
	"sync"
	"time"

	"github.com/idlewire/idlewire/autobahn/internal/corpus"
	"github.com/idlewire/idlewire/autobahn/internal/deflate"
	"github.com/idlewire/idlewire/handshake"
)

// An opening is a connection whose opening handshake is done.
type opening struct {
	nc       net.Conn
	rest     []byte // octets of the peer that came behind its handshake
	request  string // header blocks as they were on the wire
	response string
	deflate  *deflate.Params // what was agreed; nil: nothing

	// For a case with an opening handshake of its own, which is then not done.
	target, host, more string                // what Opening.Say has of the URL and of the Target
	subprotocols       []string              // that more offers
	key                string                // that a client sent
	offers             []handshake.Extension // of a client
}

// play plays one case on a connection whose opening handshake is done, closes it, and returns the result without Agent and Number. It returns soon after ctx ends; then the result is nil.
func play(ctx context.Context, c *Case, o opening, client bool, opt Options, seed uint64) *Result {
	s := newSession(c, client, opt, masks(seed, c.Number))
	s.r.HTTPRequest, s.r.HTTPResponse = o.request, o.response
	s.opened()
	if c.Compression != nil {
		if o.deflate != nil {
			s.codec = deflate.New(*o.deflate, client)
		}
		s.corpus = corpus.Get(c.Compression.Corpus, max(seed, 1))
	}
	if tcp := tcpOf(o.nc); tcp != nil && !opt.TCPNoDelay {
		tcp.SetNoDelay(false)
	}
	if c.Opening != nil {
		s.greet = &opener{Opening: c.Opening, key: o.key, target: o.target, host: o.host, more: o.more, offered: o.subprotocols, offers: o.offers}
	}
	d := driver{s: s, nc: o.nc, chunks: make(chan chunk), batches: make(chan []segment), written: make(chan int, 1), quit: make(chan struct{})}
	d.wg.Add(2)
	go d.reader()
	go d.writer()
	r := d.run(ctx, o.rest)
	if r != nil && s.r.Traffic != nil {
		s.r.Traffic.PreopenOutgoing, s.r.Traffic.PreopenIncoming = len(o.request), len(o.response)
		if !client {
			s.r.Traffic.PreopenOutgoing, s.r.Traffic.PreopenIncoming = len(o.response), len(o.request)
		}
	}
	return r
}

// tcpOf returns the TCP connection that nc is, or that TLS goes over; nil if there is none.
func tcpOf(nc net.Conn) *net.TCPConn {
	if t, ok := nc.(interface{ NetConn() net.Conn }); ok {
		nc = t.NetConn()
	}
	tcp, _ := nc.(*net.TCPConn)
	return tcp
}

// masks returns a source of masking keys: for a seed always the same ones, else of crypto/rand.
func masks(seed uint64, n int) func() uint32 {
	if seed != 0 {
		return mathrand.New(mathrand.NewPCG(seed, uint64(n))).Uint32
	}
	var buf [1024]byte
	at := len(buf)
	return func() uint32 {
		if at == len(buf) {
			rand.Read(buf[:])
			at = 0
		}
		at += 4
		return binary.LittleEndian.Uint32(buf[at-4:])
	}
}

// A driver moves octets and time between a session and its connection. Reading and writing have a goroutine each, so that a peer that does one
// and not the other stops neither the timers nor the other direction.
type driver struct {
	s       *session
	nc      net.Conn
	chunks  chan chunk
	batches chan []segment
	written chan int // octets, summed up if nobody listens
	quit    chan struct{}
	wg      sync.WaitGroup
	ended   bool // there is nothing more to read
}

// A chunk is what one read brought.
type chunk struct {
	b    []byte
	err  error
	done chan<- struct{} // b may be overwritten
}

const (
	lateness      = 100 * time.Millisecond // by which a timer may let the peer's octets go first
	flushTimeout  = time.Second            // for what is queued when TCP is to be closed
	lingerTimeout = 250 * time.Millisecond // for the peer to close too
)

// run plays the case to its end.
func (d *driver) run(ctx context.Context, rest []byte) *Result {
	s := d.s
	defer d.wg.Wait()
	defer d.nc.Close()
	defer close(d.quit)
	s.begin(time.Now())
	if len(rest) > 0 {
		s.receive(time.Now(), rest)
	}
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for s.drop == keep {
		var batches chan<- []segment
		if len(s.out) > 0 { // it stays with the session until the writer is ready, so that what can share a write does
			batches = d.batches
		}
		if at, ok := s.due(); ok {
			timer.Reset(time.Until(at))
		} else {
			timer.Stop()
		}
		select {
		case c := <-d.chunks:
			if d.receive(c) {
				return s.lost(time.Now())
			}
		case batches <- s.out:
			s.take()
		case n := <-d.written:
			s.wrote(time.Now(), n)
		case <-timer.C:
			// On a busy machine the peer's octets may have waited for us as the timer has, and may have been first.
			runtime.Gosched()
			at, _ := s.due()
			select {
			case c := <-d.chunks:
				if d.receive(c) {
					return s.lost(time.Now())
				}
				if time.Since(at) < lateness {
					continue
				}
			default:
			}
			s.tick(time.Now())
		case <-ctx.Done():
			return nil
		}
	}
	r := s.lost(time.Now())
	if s.drop == flush {
		d.flush(ctx, s.take())
	} else if tcp := tcpOf(d.nc); tcp != nil {
		tcp.SetLinger(0)
		tcp.Close() // first, so that TLS has nobody to say goodbye to, and to wait for
	}
	return r
}

// receive hands over what one read brought. It is lost if that was the last.
func (d *driver) receive(c chunk) (lost bool) {
	d.s.receive(time.Now(), c.b)
	c.done <- struct{}{}
	d.ended = c.err != nil
	return d.ended && d.s.drop == keep
}

// flush writes what is pending, ends our direction of TCP, and waits a little for the peer to end its own: a socket that is closed with octets unread resets the
// connection, and the peer may then lose our last frame.
func (d *driver) flush(ctx context.Context, pending []segment) {
	deadline := time.NewTimer(flushTimeout)
	defer deadline.Stop()
	// The writer takes a batch when all before it is written: when it takes the second, which is empty, the first is.
	for _, batch := range [][]segment{pending, nil} {
		for taken := false; !taken; {
			select {
			case d.batches <- batch:
				taken = true
			case c := <-d.chunks:
				c.done <- struct{}{}
				d.ended = c.err != nil
			case <-deadline.C:
				return
			case <-ctx.Done():
				return
			}
		}
	}
	half, ok := d.nc.(interface{ CloseWrite() error })
	if !ok || d.ended || half.CloseWrite() != nil {
		return
	}
	deadline.Reset(lingerTimeout)
	for {
		select {
		case c := <-d.chunks:
			c.done <- struct{}{}
			if c.err != nil {
				return
			}
		case <-deadline.C:
			return
		case <-ctx.Done():
			return
		}
	}
}

func (d *driver) reader() {
	defer d.wg.Done()
	done := make(chan struct{}, 1)
	buf := make([]byte, 64<<10)
	for {
		n, err := d.nc.Read(buf)
		select {
		case d.chunks <- chunk{buf[:n], err, done}:
		case <-d.quit:
			return
		}
		if err != nil {
			return
		}
		select {
		case <-done:
		case <-d.quit:
			return
		}
	}
}

func (d *driver) writer() {
	defer d.wg.Done()
	for {
		select {
		case batch := <-d.batches:
			for _, seg := range batch {
				if d.write(seg) != nil {
					d.drain()
					return
				}
			}
		case <-d.quit:
			return
		}
	}
}

// drain takes batches that can no longer be written: the reader will say why.
func (d *driver) drain() {
	for {
		select {
		case <-d.batches:
		case <-d.quit:
			return
		}
	}
}

// mostAtOnce is how many octets go into one call of Write, so that it is known of a peer that reads slowly that it reads.
const mostAtOnce = 256 << 10

// pausedPieces is how many pieces of a chopped segment are followed by a pause, so that the peer is likely to read them one by one.
const pausedPieces = 256

func (d *driver) write(seg segment) error {
	if seg.end {
		if half, ok := d.nc.(interface{ CloseWrite() error }); ok {
			return half.CloseWrite()
		}
		return nil
	}
	if seg.chop == 0 {
		for b := seg.data; len(b) > 0; {
			n, err := d.nc.Write(b[:min(len(b), mostAtOnce)])
			d.report(n)
			if err != nil {
				return err
			}
			b = b[n:]
		}
		return nil
	}
	for i := 0; i < len(seg.data); i += seg.chop {
		n, err := d.nc.Write(seg.data[i:min(i+seg.chop, len(seg.data))])
		d.report(n)
		if err != nil {
			return err
		}
		if i/seg.chop < pausedPieces {
			for began := time.Now(); time.Since(began) < 10*time.Microsecond; {
				runtime.Gosched()
			}
		}
	}
	return nil
}

// report says that n octets were written, and never waits for it to be heard.
func (d *driver) report(n int) {
	for {
		select {
		case d.written <- n:
			return
		case before := <-d.written:
			n += before
		}
	}
}
