package golibs

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"time"
)

// A tap is the TCP connection under a peer. It keeps what passed, and bounds everything: whatever deadline a library sets or clears, no read or write lasts longer than until.
type tap struct {
	net.Conn
	until   time.Time
	opaque  bool        // TLS: the bytes say nothing
	dribble atomic.Bool // writes leave one octet at a time
	linger  atomic.Bool // Close waits for the server's end of TCP first, 7.1.1

	reading sync.Mutex // held across Read, so that what is kept is in order
	writing sync.Mutex // held across Write, so that what is kept is in order
	mu      sync.Mutex // guards in, out, end, broken, closed
	in, out []byte
	end     error // what ended the bytes from the peer; io.EOF is an orderly end
	broken  error // the first write that failed because the server was gone
	closed  bool

	news chan struct{} // something was read, or reading has ended
}

// dial opens a tap. patience bounds its whole life.
func dialTap(ctx context.Context, network, addr string, patience time.Duration) (*tap, error) {
	nc, err := (&net.Dialer{}).DialContext(ctx, network, addr)
	if err != nil {
		return nil, err
	}
	t := &tap{Conn: nc, until: time.Now().Add(patience), news: make(chan struct{}, 1)}
	return t, nc.SetDeadline(t.until)
}

func (t *tap) Read(b []byte) (int, error) {
	t.reading.Lock()
	defer t.reading.Unlock()
	n, err := t.Conn.Read(b)
	t.mu.Lock()
	defer t.mu.Unlock()
	t.in = append(t.in, b[:n]...)
	if err != nil && t.end == nil && !t.closed && !isTimeout(err) {
		t.end = err
	}
	select {
	case t.news <- struct{}{}:
	default:
	}
	return n, err
}

func (t *tap) Write(b []byte) (n int, err error) {
	step := max(1, len(b))
	if t.dribble.Load() {
		step = 1
	}
	t.writing.Lock()
	defer t.writing.Unlock()
	for {
		piece := b[n:min(n+step, len(b))]
		t.mu.Lock()
		t.out = append(t.out, piece...) // before it leaves: the answer may be there before Write returns
		t.mu.Unlock()
		m, err := t.Conn.Write(piece)
		t.mu.Lock()
		t.out = t.out[:len(t.out)-len(piece)+m]
		if err != nil && t.broken == nil && !t.closed && !isTimeout(err) {
			t.broken = err
		}
		t.mu.Unlock()
		if n += m; err != nil || n == len(b) {
			return n, err
		}
	}
}

// Close closes, but with linger set only when the server has ended TCP, or some seconds later: the server closes first, 7.1.1.
func (t *tap) Close() error {
	if t.linger.CompareAndSwap(true, false) {
		t.drain(3 * time.Second)
	}
	t.mu.Lock()
	t.closed = true
	t.mu.Unlock()
	return t.Conn.Close()
}

// drain reads until the server ends TCP, at most for d.
func (t *tap) drain(d time.Duration) {
	by := time.Now().Add(d)
	if by.After(t.until) {
		by = t.until
	}
	t.Conn.SetReadDeadline(by)
	b := make([]byte, 4096)
	for {
		if _, err := t.Read(b); err != nil {
			return
		}
	}
}

// reset ends TCP without a word: the peer sees ECONNRESET.
func (t *tap) reset() {
	if c, ok := t.Conn.(*net.TCPConn); ok {
		c.SetLinger(0)
	}
	t.linger.Store(false)
	t.Close()
}

func (t *tap) bound(at time.Time) time.Time {
	if at.IsZero() || at.After(t.until) {
		return t.until
	}
	return at
}
func (t *tap) SetDeadline(at time.Time) error      { return t.Conn.SetDeadline(t.bound(at)) }
func (t *tap) SetReadDeadline(at time.Time) error  { return t.Conn.SetReadDeadline(t.bound(at)) }
func (t *tap) SetWriteDeadline(at time.Time) error { return t.Conn.SetWriteDeadline(t.bound(at)) }

// received and sent return the frames that passed so far.
func (t *tap) received() []wireFrame { return t.frames(&t.in, false) }
func (t *tap) sent() []wireFrame     { return t.frames(&t.out, true) }

func (t *tap) frames(b *[]byte, masked bool) []wireFrame {
	t.mu.Lock()
	all := bytes.Clone(*b)
	t.mu.Unlock()
	_, rest, _ := afterHead(all)
	frames, _, _ := readFrames(rest, masked, nil)
	return frames
}

// head returns the head of the server's answer to the opening handshake.
func (t *tap) head() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	h, _, _ := afterHead(t.in)
	return string(h)
}

// errGone: the server closed TCP while the client still had something to say.
var errGone = errors.New("the server was gone before it had taken what was sent")

// ended says how the server ended TCP: nil when it closed in order, and had taken all that was written until then.
func (t *tap) ended() error {
	t.mu.Lock()
	defer t.mu.Unlock()
	switch {
	case t.end == io.EOF && t.broken != nil:
		return fmt.Errorf("%w: %w", errGone, t.broken)
	case t.end == io.EOF:
		return nil
	case t.end == nil:
		return errors.New("7.1.1: the server has not closed TCP")
	}
	return fmt.Errorf("7.1.1: the server ended TCP with %w", t.end)
}

// over reports whether nothing more will be read.
func (t *tap) over() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.end != nil || t.closed || time.Now().After(t.until)
}

// audit judges all that both ends said, but not the client if wild, nor the server if dirty: they broke the rules on purpose.
func (t *tap) audit(wild, dirty bool) error {
	if t.opaque {
		return nil
	}
	t.mu.Lock()
	in, out, end := bytes.Clone(t.in), bytes.Clone(t.out), t.end
	t.mu.Unlock()
	if head, rest, ok := afterHead(in); ok && !dirty && bytes.HasPrefix(head, []byte("HTTP/1.1 101 ")) {
		_, rest, err := readFrames(rest, false, nil)
		if err != nil {
			return fmt.Errorf("the server said: %w", err)
		}
		if end == io.EOF && len(rest) > 0 {
			return fmt.Errorf("the server ended TCP in the middle of the frame % x", rest[:min(16, len(rest))])
		}
	}
	if wild {
		return nil
	}
	if _, rest, ok := afterHead(out); ok {
		if _, _, err := readFrames(rest, true, nil); err != nil {
			return fmt.Errorf("the client said: %w", err)
		}
	}
	return nil
}

// story shows the end of what passed, for a message about a failure.
func (t *tap) story() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.opaque {
		return "(TLS)"
	}
	return fmt.Sprintf("\n\tclient to server: %s\n\tserver to client: %s\n\tend of TCP: %v", tail(t.out), tail(t.in), t.end)
}

func isTimeout(err error) bool {
	var ne net.Error
	return errors.As(err, &ne) && ne.Timeout()
}

// tap opens the TCP connection for a client with these options.
func (o opts) tap(ctx context.Context, network, addr string) (*tap, error) {
	patience := o.patience
	if patience == 0 {
		patience = 20 * time.Second
	}
	t, err := dialTap(ctx, network, addr, patience)
	if err != nil {
		return nil, err
	}
	t.opaque = o.tls != nil
	t.dribble.Store(o.dribble)
	return t, nil
}
