package netpoll

import (
	"fmt"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"syscall"

	"github.com/idlewire/idlewire/conn"
	"github.com/idlewire/idlewire/frame"
)

// A Conn is one WebSocket connection of a [Server]. Its handler sees what it receives; any number of goroutines may write to it at the same
// time, whole messages, in the order of the calls. No method blocks.
//
// After the connection has ended all methods that write return an error for which errors.Is(err, net.ErrClosed) holds. A Conn is never used
// again for another connection.
type Conn struct {
	loop    *loop
	handler Handler       // of the loop's goroutine
	proto   conn.Protocol // its receiving half is the loop's goroutine's, its sending half is guarded by mu

	mu   sync.Mutex // guards busy, posted, the sending half of proto, and handle against being closed
	busy *busy      // nil while idle

	handle    handle
	slot, gen uint32

	next, prev, due uint32 // the wheel's

	heard uint32 // tick at which the peer was last heard of
	since uint32 // tick at which the present state, or the present wait, began

	spent     uint32 // control frames not yet forgiven; see control
	spentTick uint32

	state state // of the loop's goroutine
	wait  wait  // likewise
	want  interest

	posted bool // in the loop's list, or in its hands: it will be settled; guarded by mu
	flags  atomic.Uint32
}

// A flag is a bit of Conn.flags: bytes would make every connection longer.
type flag uint32

const (
	isGone    flag = 1 << iota // the handle is closed; set under mu
	isAborted                  // CloseNow; set under mu
	isClosing                  // no more messages for the handler: the program has closed, or the connection is failing; set under mu
	isPressed                  // the output has grown above Server.WriteQueueSoft, and not yet fallen to half of it; set under mu
	wasFull                    // the last read filled the buffer: there may be more; of the loop's goroutine
	atEnd                      // the peer has ended its side; of the loop's goroutine
)

func (c *Conn) is(f flag) bool { return flag(c.flags.Load())&f != 0 }
func (c *Conn) mark(f flag)    { c.flags.Or(uint32(f)) }
func (c *Conn) unmark(f flag)  { c.flags.And(^uint32(f)) }

// set is for what is seldom other than before.
func (c *Conn) set(f flag, on bool) {
	switch {
	case on == c.is(f):
	case on:
		c.mark(f)
	default:
		c.unmark(f)
	}
}

// A state is how far a connection has come.
type state uint8

const (
	opening   state = iota // the opening handshake
	open                   // frames
	ending                 // nothing more is delivered; the output is still leaving
	lingering              // all has been sent, FIN too; the peer's octets are discarded until its FIN, so that ours are not lost to a reset (E19)
)

// A wait is what an open connection waits for, by a deadline that counts from since.
type wait uint8

const (
	forNothing wait = iota
	forPong
	forClose
)

// ErrQueueFull is returned when a message does not fit into the connection's write queue (Server.WriteQueueHard).
var ErrQueueFull = fmt.Errorf("netpoll: write queue full")

// ErrClosed is returned by the writing methods of a connection that is closed or closing. errors.Is(ErrClosed, net.ErrClosed) holds.
var ErrClosed = fmt.Errorf("netpoll: %w", net.ErrClosed)

// Write sends one data message; op is frame.Text or frame.Binary. The payload is the caller's again when Write returns, and is not modified. A
// text must be UTF-8 (RFC 6455 5.6); it is not checked.
//
// Write never blocks. What the peer does not take at once is queued: above Server.WriteQueueSoft octets the loop stops reading from this
// peer, and delivering what it has read, until the queue has drained to half of that; a message that would then take the queue above
// Server.WriteQueueHard gets [ErrQueueFull], and Server.WriteQueuePolicy says what becomes of the connection.
//
// With compression (Options.Compression) the message goes out compressed, if that makes it shorter; the limits of the queue are held against what it is
// before.
func (c *Conn) Write(op frame.Opcode, payload []byte) error {
	z := c.proto.Compressor
	if z == nil {
		return c.WriteUncompressed(op, payload)
	}
	var alone *[]byte
	if len(payload) > aloneSize && op.IsData() {
		var ok bool
		if alone, ok = compressAlone(z, payload); !ok {
			return c.WriteUncompressed(op, payload)
		}
		defer giveScratch(alone)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.writeDeflated(op, payload, alone)
}

// WriteUncompressed is Write for a message that shall not be compressed: because it is compressed in itself, or because it holds a secret beside what an
// attacker can choose, whose length would tell about the secret. Without compression they are the same.
func (c *Conn) WriteUncompressed(op frame.Opcode, payload []byte) error {
	c.mu.Lock()
	err := c.write(op, payload)
	c.mu.Unlock()
	return err
}

func (c *Conn) write(op frame.Opcode, payload []byte) error {
	if err := c.room(len(payload)); err != nil {
		return err
	}
	o := c.queue()
	if len(payload) <= chunkSize-frame.MaxHeaderSize {
		b, err := c.proto.AppendUncompressed(o.tail(len(payload)+frame.MaxHeaderSize), op, payload)
		if err != nil {
			return c.refused(err)
		}
		o.setTail(b)
	} else {
		head, err := c.proto.AppendMessageHeader(o.tail(frame.MaxHeaderSize), op, len(payload))
		if err != nil {
			return c.refused(err)
		}
		o.setTail(head)
		c.lendOut(o, payload)
	}
	o.messages++
	c.leave(o)
	return nil
}

// lendOut sends what is worth a system call of its own straight from the caller's slice; only what the kernel does not take is copied.
func (c *Conn) lendOut(o *busy, payload []byte) {
	o.share(payload) // on loan: taken back before the lock is released
	_ = c.flush()    // an error shows again when the loop settles the connection
	if n := len(o.segs); o.size > 0 && o.segs[n-1].chunk == nil {
		rest := o.segs[n-1].b
		o.segs = o.segs[:n-1]
		o.size -= len(rest)
		o.copy(rest)
	}
}

// WritePrepared sends a message that was encoded once for many connections, with [conn.Prepare]. All of them share its octets, which are not
// copied. Queueing is as with Write.
func (c *Conn) WritePrepared(m *conn.Prepared) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := c.room(m.Size()); err != nil { // before the frame: with it the machine takes the message for sent
		return err
	}
	b, err := c.proto.PreparedFrame(m)
	if err != nil {
		return c.refused(err)
	}
	o := c.queue()
	o.share(b)
	o.messages++
	c.leave(o)
	return nil
}

// Ping sends a ping of at most 125 octets (RFC 6455 5.5.2). The server sends its own when the peer is silent (Options.PingInterval).
func (c *Conn) Ping(payload []byte) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := c.room(len(payload)); err != nil {
		return err
	}
	o := c.queue()
	b, err := c.proto.AppendPing(o.tail(frame.MaxHeaderSize+frame.MaxControlPayload), payload)
	if err != nil {
		return c.refused(err)
	}
	o.setTail(b)
	c.leave(o)
	return nil
}

// Close begins the closing handshake (RFC 6455 7.1.2) after what is queued, with a code that may be sent, or frame.CloseNoStatus for none, and a
// reason of at most 123 octets of UTF-8. The handler sees no more messages. Its Close is called when the peer has answered, or
// Options.CloseTimeout has passed.
func (c *Conn) Close(code frame.CloseCode, reason string) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.is(isGone) || c.is(isClosing) {
		return ErrClosed
	}
	if err := c.sendClose(code, reason); err != nil {
		return c.refused(err)
	}
	return nil
}

// sendClose queues a Close frame; nothing is sent or delivered after it. It is called with mu held.
func (c *Conn) sendClose(code frame.CloseCode, reason string) error {
	o := c.queue()
	b, err := c.proto.AppendClose(o.tail(frame.MaxHeaderSize+frame.MaxControlPayload), code, reason)
	if err != nil {
		return err
	}
	o.setTail(b)
	c.mark(isClosing)
	c.post()
	return nil
}

// CloseNow ends the connection without a closing handshake. What is queued is lost.
func (c *Conn) CloseNow() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.is(isGone) || c.is(isAborted) {
		return ErrClosed
	}
	c.mark(isAborted)
	c.mark(isClosing)
	c.post()
	return nil
}

// Buffered returns how many octets are queued because the peer has not taken them.
func (c *Conn) Buffered() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.busy == nil {
		return 0
	}
	return c.busy.size
}

// LocalAddr returns the server's address, or nil after the connection has ended.
func (c *Conn) LocalAddr() net.Addr {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.is(isGone) {
		return nil
	}
	return c.loop.k.local(c.handle)
}

// RemoteAddr returns the peer's address, or nil after the connection has ended.
func (c *Conn) RemoteAddr() net.Addr {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.is(isGone) {
		return nil
	}
	return c.loop.k.remote(c.handle)
}

// room says whether a message of n octets may be queued, and carries the policy out if not.
func (c *Conn) room(n int) error {
	if c.is(isGone) || c.is(isClosing) {
		return ErrClosed
	}
	s := c.loop.server
	fits := func() bool {
		return c.busy == nil || s.limits.hard < 0 || c.busy.size <= max(s.limits.soft, 0) || c.busy.size+n <= s.limits.hard
	}
	if fits() || c.flush() == nil && fits() { // in the middle of a turn nothing has been tried yet
		return nil
	}
	c.loop.counts.drops.Add(1)
	if s.WriteQueuePolicy == CloseWhenFull {
		if c.sendClose(frame.ClosePolicyViolation, "write queue full") == nil {
			c.busy.end = ErrQueueFull
		}
	}
	return ErrQueueFull
}

// refused turns what the sending half of the machine refuses into what the caller is told.
func (c *Conn) refused(err error) error {
	if c.is(isGone) || c.is(isClosing) || c.proto.CloseSent() {
		return ErrClosed
	}
	return err
}

// queue returns the connection's output, which it makes if there is none.
func (c *Conn) queue() *busy {
	if c.busy == nil {
		c.busy = busies.Get().(*busy)
		c.busy.moved = c.loop.tick.Load()
	}
	return c.busy
}

// leave sees to it that what was queued leaves: with all the rest of the turn, or now if it is much.
func (c *Conn) leave(o *busy) {
	if soft := c.loop.server.limits.soft; soft >= 0 && o.size > soft {
		_ = c.flush() // an error shows again when the loop settles the connection
		if o.size > soft {
			c.mark(isPressed)
		}
	}
	c.post()
}

// post sees to it that the loop settles the connection: at the end of the turn if the loop is at work on it, else soon.
func (c *Conn) post() {
	if !c.posted {
		c.posted = true
		c.loop.post(c)
	}
}

// flush hands the kernel as much of the output as it takes. It is called with mu held. A kernel that takes no more for now is no error, and is
// not asked again before it has said that there is room.
func (c *Conn) flush() error {
	o := c.busy
	for o != nil && !o.blocked && !c.is(isGone) {
		if o.size == 0 {
			o.pongs = 0
			if !o.hasPong {
				return nil
			}
			o.hasPong = false
			b, err := c.proto.AppendPong(o.tail(frame.MaxHeaderSize+frame.MaxControlPayload), o.lastPong)
			if err != nil { // our Close has been sent
				return nil
			}
			o.setTail(b)
		}
		n, all, err := c.send(o)
		switch err {
		case nil:
			o.sent(n)
			o.progress = true
			o.blocked = n < all
			o.taken += uint64(n)
		case syscall.EAGAIN:
			o.blocked = true
		case syscall.EINTR: // the socket is writable still, and will be reported so
			return nil
		default:
			return fmt.Errorf("write: %w", err)
		}
	}
	return nil
}

// send makes one system call for the first segments of o, of all octets, and returns how many were taken.
func (c *Conn) send(o *busy) (n, all int, err error) {
	if len(o.segs) == 1 {
		b := o.segs[0].b
		n, err = c.loop.k.write(c.handle, b)
		return n, len(b), err
	}
	o.vec = o.vec[:0]
	for _, s := range o.segs[:min(len(o.segs), maxVector)] {
		o.vec = append(o.vec, s.b)
		all += len(s.b)
	}
	n, err = c.loop.k.writev(c.handle, o.vec)
	clear(o.vec)
	return n, all, err
}

// maxPongs is how many pongs may wait for a peer that does not read; of the pings after them only the newest is answered (RFC 6455 5.5.3).
const maxPongs = 16

// reply queues what the RFC obliges an endpoint to answer to m.
func (c *Conn) reply(m conn.Message) {
	c.mu.Lock()
	defer c.mu.Unlock()
	o := c.queue()
	if m.Op == frame.Ping {
		if o.pongs >= maxPongs {
			_ = c.flush() // an error shows again when the loop settles the connection
		}
		if o.pongs >= maxPongs {
			o.lastPong, o.hasPong = append(o.lastPong[:0], m.Payload...), true
			return
		}
		o.pongs++
	}
	if m.Op == frame.Close {
		c.mark(isClosing)
	}
	o.setTail(c.proto.AppendReply(o.tail(frame.MaxHeaderSize+frame.MaxControlPayload), m))
}

// errEnded is what Handler.Close sees when the peer's bytes ended without a closing handshake (1006).
var errEnded = fmt.Errorf("netpoll: connection ended without a closing handshake: %w", io.ErrUnexpectedEOF)
