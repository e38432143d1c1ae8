package netpoll

import (
	"errors"
	"fmt"
	"io"
	"sync"
	"sync/atomic"
	"syscall"

	"github.com/idlewire/idlewire/conn"
	"github.com/idlewire/idlewire/frame"
	"github.com/idlewire/idlewire/handshake"
)

const (
	readSize   = 64 << 10 // octets read from one connection in one turn
	eventBatch = 512      // events of one turn

	// maxDiscard is how much is thrown away of what a peer sends after the end, before its connection is closed hard.
	maxDiscard = 64 << 10

	// maxFailures is how often in a row waiting may fail before the loop gives up and ends its connections: somebody has closed its descriptor.
	maxFailures = 1000

	// maxStep is how far a loop's clock moves at most beyond the time it meant to sleep: if the process was stopped, or a handler blocked, the
	// peers are not to blame and get the time they were promised.
	maxStep = 1e9
)

// A loop serves its share of a server's connections in one goroutine. Everything in it belongs to that goroutine but the fields under mu, the
// counters, tick, and what they say themselves. From outside it is reached through post, hand and stop.
//
// One turn: wait for events; for each, one read and all the messages in it, then one write of all that they brought about; then what other
// goroutines have posted; then the timers.
type loop struct {
	server *Server
	k      kernel
	id     int

	events []event
	buf    []byte             // what was read; lent to one connection at a time, and by it to its handler
	spare  *busy              // output lent to the connection whose turn it is
	req    *handshake.Request // for opening handshakes that come whole

	// Every connection has a slot; its place in conns is the low half of its token. A slot that becomes free rests until the turn is over:
	// events of this turn may still name it. (The generation would tell; the rest keeps the two apart in a dump as well.)
	conns   []*Conn
	free    []uint32
	resting []uint32
	gen     uint32
	live    int

	clock   int64 // nanoseconds of the loop's own time; see maxStep
	last    int64 // the kernel's time at the last look
	planned int64 // how long the wait under way may take; < 0: no limit
	tick    atomic.Uint32
	wheel   wheel

	failures int // of wait, in a row

	answerBuf []byte // for responses to opening handshakes

	accepting acceptor     // loop 0 only
	load      atomic.Int32 // connections of the loop, and those on their way to it

	mu        sync.Mutex // guards the fields below
	posts     []*Conn
	newcomers []handle
	asleep    bool // wake is needed
	stopping  bool // Shutdown: say goodbye to all and end
	killed    bool // Close: end all at once
	closed    bool // the kernel is released
	handled   struct{ stopping, killed bool }

	posted []*Conn // the list that is being worked on; swapped with posts

	counts counters
	lag    lagMeter
}

func newLoop(s *Server, id int, k kernel) *loop {
	l := &loop{
		server: s,
		k:      k,
		id:     id,
		events: make([]event, eventBatch),
		buf:    make([]byte, readSize),
		req:    newRequest(&s.Upgrader),
	}
	l.lend()
	l.last = k.now()
	l.clock = tickLength // tick 0 is the wheel's "never"
	l.tick.Store(1)
	l.wheel.tick = 1
	return l
}

// run turns the loop until it is over.
func (l *loop) run() {
	for l.turn() {
	}
}

// turn waits once and does everything that this brings. It returns false when the loop is over.
func (l *loop) turn() bool {
	n, err := l.k.wait(l.events, l.timeout())
	l.awake()
	switch {
	case err == nil:
		l.failures = 0
	case err != syscall.EINTR:
		l.server.logf("wait", err) // nothing is known to be ready; the timers go on, and the next wait tries again
		n = 0
		if l.failures++; l.failures == maxFailures {
			l.stop(true)
		}
	}
	for _, ev := range l.events[:n] {
		l.dispatch(ev)
	}
	l.errands()
	// The timers come after the events, so that a peer that has been heard is not judged by what was known before.
	l.wheel.advance(l.slots, uint32(l.clock/tickLength), l.look)
	l.accepting.resume(l)
	l.free = append(l.free, l.resting...)
	l.resting = l.resting[:0]
	l.counts.publish()
	l.lag.end(l)
	return !l.over()
}

func (l *loop) slots() []*Conn { return l.conns }

// timeout returns how long the next wait may take, and notes that the loop is about to sleep.
func (l *loop) timeout() int64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.planned = -1
	if n, ok := l.wheel.next(); ok {
		l.planned = max((int64(l.wheel.tick)+int64(n))*tickLength-l.clock, 0)
	}
	if at := l.accepting.resumeAt; at != 0 {
		if d := max(at-l.clock, 0); l.planned < 0 || d < l.planned {
			l.planned = d
		}
	}
	if len(l.posts) > 0 || len(l.newcomers) > 0 || l.stopping != l.handled.stopping || l.killed != l.handled.killed {
		l.planned = 0
	}
	l.asleep = l.planned != 0
	return l.planned
}

// awake notes that the loop is awake, and what time it is.
func (l *loop) awake() {
	l.mu.Lock()
	l.asleep = false
	l.mu.Unlock()
	now := l.k.now()
	d := now - l.last
	l.last = now
	if l.planned >= 0 {
		d = min(d, l.planned+maxStep)
	}
	l.clock += d
	l.tick.Store(uint32(l.clock / tickLength))
	l.lag.begin(now)
}

// wakeLocked makes the loop look at what has been put under mu, which is held.
func (l *loop) wakeLocked() {
	if l.asleep && !l.closed {
		l.asleep = false
		if err := retry(l.k.wake); err != nil {
			l.server.logf("wake", err)
		}
	}
}

// post asks the loop to settle c. c.mu is held, and c.posted has just been set.
func (l *loop) post(c *Conn) {
	l.mu.Lock()
	l.posts = append(l.posts, c)
	l.wakeLocked()
	l.mu.Unlock()
}

// hand gives the loop a connection that another loop has accepted. It reports false if the loop is over.
func (l *loop) hand(h handle) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed || l.stopping || l.killed {
		return false
	}
	l.newcomers = append(l.newcomers, h)
	l.wakeLocked()
	return true
}

// stop asks the loop to end: at once, or with goodbyes.
func (l *loop) stop(now bool) {
	l.mu.Lock()
	l.stopping = true
	l.killed = l.killed || now
	l.wakeLocked()
	l.mu.Unlock()
}

// errands does what other goroutines, and handlers, have asked for.
func (l *loop) errands() {
	l.mu.Lock()
	l.posted, l.posts = l.posts, l.posted[:0]
	newcomers := l.newcomers
	l.newcomers = nil
	stop := l.stopping && !l.handled.stopping
	kill := l.killed && !l.handled.killed
	l.handled.stopping, l.handled.killed = l.stopping, l.killed
	l.mu.Unlock()

	for _, h := range newcomers {
		l.adopt(h)
	}
	if stop {
		l.accepting.stop(l)
		l.each((*loop).goodbye)
	}
	if kill {
		l.each(func(l *loop, c *Conn) { l.finish(c, ErrServerClosed) })
	}
	for i, c := range l.posted {
		l.settle(c)
		l.posted[i] = nil
	}
}

func (l *loop) each(f func(*loop, *Conn)) {
	for _, c := range l.conns {
		if c != nil {
			f(l, c)
		}
	}
}

// over reports whether the loop has been stopped and has nothing left, and if so releases the kernel.
func (l *loop) over() bool {
	if !l.handled.stopping || l.live > 0 {
		return false
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.newcomers) > 0 {
		return false
	}
	l.closed = true
	if err := l.k.release(); err != nil {
		l.server.logf("release", err)
	}
	return true
}

// dispatch does what an event calls for.
func (l *loop) dispatch(ev event) {
	slot := ev.token.slot()
	if slot == listenSlot {
		l.accepting.ready(l)
		return
	}
	if int64(slot) >= int64(len(l.conns)) {
		return
	}
	c := l.conns[slot]
	if c == nil || c.gen != ev.token.gen() {
		return // E01: of a connection that has ended, or of its predecessor
	}
	l.begin(c, ev.ready)
	// A hangup is followed by a read even when reading is paused: the output can never leave, and waiting would spin (E14).
	if ev.ready&hangup != 0 || ev.ready&readable != 0 && c.want&readable != 0 {
		l.readable(c)
	}
	l.settle(c)
}

// begin lends c the loop's output for the length of its turn, and notes that there is room if the kernel says so. What anybody writes meanwhile
// leaves with the rest.
func (l *loop) begin(c *Conn, ready interest) {
	c.mu.Lock()
	c.posted = true
	if c.busy == nil {
		c.busy = l.spare
	}
	if ready&(writable|hangup) != 0 {
		c.busy.blocked = false
	}
	c.mu.Unlock()
}

// lend gets the loop another output to lend, since the connection keeps the last.
func (l *loop) lend() {
	l.spare = busies.Get().(*busy)
	l.spare.tail(1)
}

// readable reads once and does what the octets call for.
func (l *loop) readable(c *Conn) {
	n, err := l.k.read(c.handle, l.buf)
	if err != nil {
		if err != syscall.EAGAIN && err != syscall.EINTR { // level-triggered: what is there will be reported again
			l.lost(c, err)
		}
		return
	}
	c.full = n == len(l.buf)
	c.heard = l.tick.Load()
	if c.wait == forPong {
		c.wait = forNothing
	}
	l.counts.bytesIn += uint64(n)
	switch b := l.buf[:n]; c.state {
	case opening:
		l.open(c, b)
	case open:
		l.receive(c, b)
	default:
		if c.busy.discarded += n; c.busy.discarded > maxDiscard {
			l.finish(c, nil)
		}
	}
}

// lost ends a connection whose octets have come to an end, or which has failed.
func (l *loop) lost(c *Conn, err error) {
	if c.state == opening {
		l.counts.refuse(0)
	}
	switch {
	case err != io.EOF:
		l.finish(c, fmt.Errorf("read: %w", err))
	case c.state == opening:
		l.finish(c, errEnded)
	case c.state == lingering:
		l.finish(c, nil)
	default: // what is queued may still reach a peer that has only ended its own side
		c.eof = true
		if c.state == open {
			l.end(c, errEnded)
		}
	}
}

// receive takes octets of frames through the machine.
func (l *loop) receive(c *Conn, b []byte) {
	for {
		m, rest, err := c.proto.Receive(b)
		if err != nil {
			l.fail(c, err)
			return
		}
		if m.Op == 0 {
			return
		}
		if !m.Op.IsControl() {
			l.counts.messagesIn++
			if !c.closing.Load() {
				l.message(c, m)
			}
			if c.state != open { // the handler has panicked
				return
			}
		} else if !l.control(c, m) {
			return
		}
		b = rest
	}
}

// control answers a ping, pong or close. It returns false if nothing is to be received any more.
func (l *loop) control(c *Conn, m conn.Message) bool {
	if m.Op == frame.Close {
		l.counts.closed(m)
		c.reply(m)
		code, reason := m.Close()
		l.end(c, &conn.CloseError{Code: code, Reason: reason})
		return false
	}
	if !l.forgive(c) {
		l.fail(c, frame.ErrControlRate)
		return false
	}
	if m.Op == frame.Ping {
		c.reply(m)
	}
	return true
}

// forgive counts a control frame and reports whether the peer is within Options.ControlRate and ControlBurst.
func (l *loop) forgive(c *Conn) bool {
	lim := &l.server.limits
	if lim.controlRate < 0 {
		return true
	}
	now := l.tick.Load()
	if back := uint64(now-c.spentTick) * uint64(lim.controlRate) * tickLength / 1e9; back > 0 || c.spent == 0 {
		c.spent -= uint32(min(back, uint64(c.spent)))
		c.spentTick = now
	}
	c.spent++
	return c.spent <= uint32(lim.controlBurst)
}

// fail fails the connection (7.1.7): the Close frame that err calls for, if none has been sent, and no more.
func (l *loop) fail(c *Conn, err error) {
	c.mu.Lock()
	if !c.gone && !c.proto.CloseSent() {
		_ = c.sendClose(conn.CodeOf(err), closeReason(err))
	}
	c.mu.Unlock()
	l.counts.failed(err)
	l.end(c, err)
}

// closeReason is what the peer is told: its own mistake, and nothing of ours.
func closeReason(err error) string {
	var e *frame.Error
	if errors.As(err, &e) {
		return e.Error()
	}
	return ""
}

// end lets the output leave and then ends the connection, with err for the handler.
func (l *loop) end(c *Conn, err error) {
	c.mu.Lock()
	c.closing.Store(true)
	if o := c.queue(); o.end == nil {
		o.end = err
	}
	c.mu.Unlock()
	c.state = ending
	c.since = l.tick.Load()
}

// settle brings c in order after its turn, or when somebody has written to it: output leaves, the interest is what the state calls for, the
// timer is armed, the end goes on.
func (l *loop) settle(c *Conn) {
	c.mu.Lock()
	c.posted = false
	if c.gone {
		c.mu.Unlock()
		return
	}
	err := c.flush()
	if err == nil && c.abort {
		err = ErrClosed
	}
	queued, moved, drained := 0, l.tick.Load(), false
	if o := c.busy; o != nil {
		if o.progress && c.want&readable == 0 { // we do not listen; what the peer takes is its sign of life
			if c.heard = moved; c.wait == forPong {
				c.wait = forNothing
			}
		}
		if queued = o.size; o.progress || queued == 0 || o.accounted == 0 { // it moves, or begins now
			o.moved, o.progress = moved, false
		}
		moved = o.moved
		l.counts.account(o)
		if o.long && queued <= l.server.limits.soft/2 {
			o.long, drained = false, true
		}
		if o.idle() {
			c.busy = nil
			if o != l.spare {
				o.free()
			}
		} else { // it stays with the connection
			o.trim()
			if o == l.spare {
				l.lend()
			}
		}
	}
	closeSent := c.proto.CloseSent()
	c.mu.Unlock()

	if err != nil {
		l.finish(c, err)
		return
	}
	if c.state == ending && queued == 0 && !l.depart(c) {
		return
	}
	if c.state == open && closeSent && c.wait != forClose {
		c.wait = forClose
		c.since = l.tick.Load()
	}
	if l.watch(c, queued, drained) {
		l.arm(c, queued, moved)
	}
}

// depart goes on with an end when all output has left. It returns false if that was the last of the connection.
func (l *loop) depart(c *Conn) bool {
	if c.eof || c.proto.CloseReceived() && !c.full && c.proto.CloseSent() {
		// The peer's octets have ended; or both have said goodbye, and nothing is left to be read: closing now resets nothing (E19). The server
		// closes first (7.1.1).
		l.finish(c, nil)
		return false
	}
	if err := retry(func() error { return l.k.shutdown(c.handle) }); err != nil {
		l.finish(c, nil)
		return false
	}
	c.state = lingering
	c.since = l.tick.Load()
	return true
}

// watch makes the kernel watch for what c needs, and tells the handler if a long queue has drained. It returns false if that was the end of c.
func (l *loop) watch(c *Conn, queued int, drained bool) bool {
	want := c.want &^ writable
	if queued > 0 {
		want |= writable
	}
	switch soft := l.server.limits.soft; {
	case c.eof: // it would be reported for ever
		want &^= readable
	case c.state != open || soft < 0:
		want |= readable
	case queued > soft:
		want &^= readable
	case queued <= soft/2:
		want |= readable
	}
	if want != c.want {
		switch err := l.k.modify(c.handle, makeToken(c.slot, c.gen), want); err {
		case nil:
			c.want = want
		case syscall.EINTR: // once more in the next turn
			c.mu.Lock()
			c.post()
			c.mu.Unlock()
		default:
			l.finish(c, fmt.Errorf("watch: %w", err))
			return false
		}
	}
	if drained {
		l.drained(c)
	}
	return !c.gone
}

// finish ends c for good: the handle is closed, everything it held is given back, and its handler hears of it, once. A nil err means the reason
// that was noted when the end began.
func (l *loop) finish(c *Conn, err error) {
	c.mu.Lock()
	if c.gone {
		c.mu.Unlock()
		return
	}
	c.gone = true
	c.closing.Store(true)
	if o := c.busy; o != nil {
		if o.end != nil {
			err = o.end
		}
		o.drop()
		l.counts.account(o)
		c.busy = nil
		if o == l.spare {
			l.lend()
		}
		o.free()
	}
	_ = l.k.close(c.handle)
	c.mu.Unlock()

	l.wheel.remove(l.conns, c)
	l.conns[c.slot] = nil
	l.resting = append(l.resting, c.slot)
	l.live--
	l.load.Add(-1)
	l.server.conns.Add(-1)
	c.proto.Release()
	if h := c.handler; h != nil {
		c.handler = nil
		if err == nil {
			err = ErrClosed
		}
		l.farewell(c, h, err)
	}
}
