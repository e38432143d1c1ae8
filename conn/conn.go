package conn

import (
	"net"
	"sync"
	"time"

	"github.com/idlewire/idlewire/handshake"
)

// A Conn is one WebSocket connection over a [net.Conn], driven by the goroutines that call it. It comes from [Accept],
// [Dial] or [New].
//
// A connection has at most one reader: [Conn.Read], [Conn.ReadContext], [Conn.Reader] and the io.Reader it gives belong to one goroutine
// at a time. Writers may be many: every other method may be called by any number of goroutines, at the same time as each other and
// as the reader. Messages are sent whole, in the order of the calls of each writer.
//
// The reader does more than to read: pings are answered, the peer's Close is heard and answered, and the silence of a peer that is gone is
// noticed only while a Read is in progress. So a connection that is only written to needs a goroutine that reads, and throws away what comes.
//
// The reader never waits for a writer. What it owes the peer leaves with the writer that has the output, or through
// a goroutine that lives no longer than that one write. While nothing happens a Conn has no goroutine of its own, and no buffer either if
// its net.Conn is a *net.TCPConn or *net.UnixConn, on Unix; with others, TLS among them, one of 4 to 64 KiB, as the last messages were.
//
// Every Conn has to be closed, by [Conn.Close] or [Conn.CloseNow]; more calls of either do no harm. When Read has returned an error other than
// an expired deadline or context, the connection has ended by itself, and its net.Conn is closed already.
type Conn struct {
	nc     net.Conn
	proto  Protocol // receiving half: of the holder of input; sending half: of the holder of output
	agreed agreed
	chunk  int           // bytes that one nc.Write may take; 0: any number
	data   turn          // held by the sender of a data message, from its first frame to its last
	output turn          // held by who writes to nc
	input  turn          // held by who reads from nc
	done   chan struct{} // closed when nc is closed

	// Of the holder of input:
	buf    *buffer // what nc is read into; nil: none
	room   int32   // the size of buf to come
	park   parking // how to wait without it
	rest   []byte  // received, and not yet given to proto
	lent   bool    // the program may still look into buf or into a buffer of proto
	part   bool    // a message is handed out in pieces, and its last piece has not come
	owed   bool    // a ping has been queued since the output was last offered
	serial uint32  // counts the messages that were asked for: whose pieces are still wanted
	rate   limiter // of the control frames that come in

	mu      sync.Mutex // guards all below
	rd, wr  side
	waits   *alarm    // rings at wr.limit, for writers that wait for their turn; nil: never was one
	queue   pings     // not yet answered
	pingDue bool      // a ping of ours is to leave with the next write
	beat    heartbeat // the clock's state
	closing bool      // no message may be begun
	local   bool      // the program has called Close or CloseNow: no message is delivered
	gone    bool      // nc is closed, or about to be: no call of it is begun
	doom    error     // if closing: what the connection ends with when the time is up
	broken  error     // nc.Write has failed; nc.Read may still have something to tell
	heard   error     // what the reader found while Close was waiting for the peer: *CloseError or *frame.Error
	cause   error     // if gone: why; nil: the program wanted it
	closed  error     // if gone: what all methods but the reader's return
}

// New returns a connection over nc, on which the opening handshake is done, as server or as client. A nil o is all defaults. The Options must not change
// while they are in use. The Conn owns nc: it sets its deadlines, and closes it. Deadlines and contexts of the Conn are worth what the
// deadlines of nc are.
//
// Nothing happens on nc until a method of the Conn is called.
func New(nc net.Conn, role Role, o *Options) *Conn {
	return newConn(nc, role, o, nil, agreed{})
}

// newConn is New for a connection on which the bytes in rest have been received already. They are the Conn's to overwrite.
func newConn(nc net.Conn, role Role, o *Options, rest []byte, a agreed) *Conn {
	c := &Conn{
		nc:     nc,
		proto:  Protocol{Role: role, Options: o, Compressor: a.compressor},
		agreed: a,
		data:   make(turn, 1),
		output: make(turn, 1),
		input:  make(turn, 1),
		done:   make(chan struct{}),
		rest:   rest,
	}
	if isTLS(nc) {
		c.chunk = tlsRecord
	}
	c.parks()
	c.beat.start(o)
	return c
}

// agreed is what the opening handshake settled.
type agreed struct {
	subprotocol string
	extensions  []handshake.Extension
	compressor  Compressor // nil: no compression
}

// release lets the compressor go, whose connection is over.
func (a *agreed) release() {
	if a.compressor != nil {
		a.compressor.Release()
	}
}

// Subprotocol returns what the opening handshake agreed on, or "".
func (c *Conn) Subprotocol() string { return c.agreed.subprotocol }

// Extensions returns what the opening handshake agreed on. The slice is not to be modified.
func (c *Conn) Extensions() []handshake.Extension { return c.agreed.extensions }

// NetConn returns the connection under c: to look at, not to read from or write to.
func (c *Conn) NetConn() net.Conn { return c.nc }

// LocalAddr returns the local address of the connection under c.
func (c *Conn) LocalAddr() net.Addr { return c.nc.LocalAddr() }

// RemoteAddr returns the peer's address. Behind a proxy that is the proxy's.
func (c *Conn) RemoteAddr() net.Addr { return c.nc.RemoteAddr() }

// A turn is held by one goroutine at a time. Those that wait for it get it in the order in which they came.
type turn chan struct{}

func (t turn) try() bool {
	select {
	case t <- struct{}{}:
		return true
	default:
		return false
	}
}

func (t turn) free() { <-t }

// A closedError is what a connection that is over returns: it is net.ErrClosed, and it unwraps to the reason.
type closedError struct{ cause error }

func (e *closedError) Error() string {
	if e.cause == nil {
		return "conn: use of closed connection"
	}
	return "conn: use of closed connection: " + e.cause.Error()
}

func (e *closedError) Is(target error) bool { return target == net.ErrClosed }
func (e *closedError) Unwrap() error        { return e.cause }

// A lost error says why we gave the transport up. It is a net.Error, so that CodeOf says 1006, but no timeout: it does not
// help to call again.
type lost struct{ text string }

func (e *lost) Error() string { return e.text }
func (*lost) Timeout() bool   { return false }
func (*lost) Temporary() bool { return false }

// Why a connection was given up. They are what Read returns, and what the errors of all other methods unwrap to.
var (
	ErrNoPong       error = &lost{"conn: no sign of life within PongTimeout of a ping"}
	ErrWriteStall   error = &lost{"conn: the peer took not a byte for WriteStallTimeout"} // over TLS: not a record of 16 KiB
	ErrCloseTimeout error = &lost{"conn: the closing handshake took longer than CloseTimeout"}
)

// A side is one direction of the transport, as its deadline goes. It is guarded by Conn.mu.
type side struct {
	limit time.Time // the program's deadline
	armed time.Time // the transport's deadline
	user  bool      // a call that limit concerns is using the transport
	call  uint32    // counts the calls
}

// longAgo is a deadline that has passed whenever anybody looks.
var longAgo = time.Unix(1, 0)

// arm sets the transport's deadline. c.mu is held; nc does not block here.
func (c *Conn) arm(s *side, t time.Time) error {
	if s.armed.Equal(t) {
		return nil
	}
	s.armed = t
	if s == &c.rd {
		return c.nc.SetReadDeadline(t)
	}
	return c.nc.SetWriteDeadline(t)
}

// begin prepares a call of the transport, and returns its number for cut. The program's deadline holds only for the program's
// own calls: a pong is not lost because a Write long ago had a deadline. c.mu is held.
func (c *Conn) begin(s *side, user bool) uint32 {
	s.user = user
	s.call++
	if user {
		c.arm(s, s.limit)
	} else {
		c.arm(s, time.Time{})
	}
	return s.call
}

// end ends a call of the transport. A cut that comes late does no harm: the next begin sets the deadline anew. c.mu is held.
func (c *Conn) end(s *side) { s.user = false }

// cut interrupts the call if it is still under way.
func (c *Conn) cut(s *side, call uint32) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if s.call == call && !c.gone {
		c.arm(s, longAgo)
	}
}

// SetReadDeadline sets the time after which a Read that is or will be in progress fails with an error that is
// os.ErrDeadlineExceeded. Such a Read has lost nothing and may be repeated. The zero time means no deadline.
func (c *Conn) SetReadDeadline(t time.Time) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.gone {
		return c.closed
	}
	c.rd.limit = t
	if c.rd.user {
		return c.arm(&c.rd, t)
	}
	return nil
}

// SetWriteDeadline sets the time after which a call that writes, or waits for its turn to, fails with an error that is
// os.ErrDeadlineExceeded. If not a byte of the message had left, nothing has happened, and the call may be repeated. If the message
// was cut, the connection is over, and the error is net.ErrClosed, too. The zero time means no deadline.
//
// What the connection sends by itself, as pongs, has no deadline but Options.WriteStallTimeout.
func (c *Conn) SetWriteDeadline(t time.Time) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.gone {
		return c.closed
	}
	c.wr.limit = t
	if c.waits == nil && !t.IsZero() {
		c.waits = new(alarm)
	}
	if c.waits != nil {
		c.waits.set(t)
	}
	if c.wr.user && !c.beat.stalled { // a write that is being cut for its stall goes on to be
		return c.arm(&c.wr, t)
	}
	return nil
}

// SetDeadline is SetReadDeadline and SetWriteDeadline.
func (c *Conn) SetDeadline(t time.Time) error {
	if err := c.SetReadDeadline(t); err != nil {
		return err
	}
	return c.SetWriteDeadline(t)
}

// An alarm closes a channel at a time that may be changed. It is guarded by Conn.mu.
type alarm struct {
	timer *time.Timer // nil: not set
	rung  chan struct{}
}

func (a *alarm) set(t time.Time) {
	if a.timer != nil && !a.timer.Stop() {
		<-a.rung // it has fired: wait until it has rung
	}
	a.timer = nil
	open := a.rung != nil
	if open {
		select {
		case <-a.rung:
			open = false
		default:
		}
	}
	if !open {
		a.rung = make(chan struct{})
	}
	if t.IsZero() {
		return
	}
	rung := a.rung
	if d := time.Until(t); d > 0 {
		a.timer = time.AfterFunc(d, func() { close(rung) })
	} else {
		close(rung)
	}
}

func (a *alarm) stop() {
	if a.timer != nil {
		a.timer.Stop()
	}
}

// writeLimit returns what is closed when the program's deadline for writing passes; nil: there is none.
func (c *Conn) writeLimit() <-chan struct{} {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.waits == nil {
		return nil
	}
	return c.waits.rung
}
