package netpoll

import (
	"sync"
	"sync/atomic"
	"syscall"

	"github.com/idlewire/idlewire/conn"
	"github.com/idlewire/idlewire/handshake"
)

const (
	readSize   = 64 << 10 // octets read from one connection in one turn
	eventBatch = 512      // events of one turn

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

	upgrader handshake.Upgrader // the server's, with compression
	agreed   conn.Compressor    // what the opening handshake in hand has agreed on; nil: nothing

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
	l.upgrader = l.negotiating(s.Upgrader)
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
	l.closed = len(l.newcomers) == 0
	closed := l.closed
	l.mu.Unlock()
	if !closed {
		return false
	}
	if err := l.k.release(); err != nil {
		l.server.logf("release", err)
	}
	return true
}
