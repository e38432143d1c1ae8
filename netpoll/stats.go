package netpoll

import (
	"errors"
	"maps"
	"sync"
	"sync/atomic"
	"time"

	"github.com/idlewire/idlewire/conn"
	"github.com/idlewire/idlewire/frame"
)

// Stats is a snapshot of a server's counters. Those of different loops are not taken at the same instant.
type Stats struct {
	Open        int64          // connections now, those in a handshake included
	Opened      uint64         // opening handshakes done
	Refused     map[int]uint64 // opening handshakes not done, by HTTP status; 0: the peer went away; 408: too slow
	MessagesIn  uint64
	MessagesOut uint64
	BytesIn     uint64 // octets read from the sockets
	BytesOut    uint64 // octets taken by the kernel
	Queued      int64  // octets waiting for peers that are slow
	Drops       uint64 // messages that did not fit into a write queue

	ClosedByPeer map[frame.CloseCode]uint64 // Close frames received, by code
	Failed       map[frame.CloseCode]uint64 // connections failed, by the code sent

	Panics       uint64 // of handlers, recovered
	AcceptErrors uint64
	SlowTurns    uint64        // turns of a loop longer than 10 ms: a handler holds the others up
	MaxLag       time.Duration // the longest turn
}

// Stats returns a snapshot. It may be called at any time.
func (s *Server) Stats() Stats {
	st := Stats{
		Open:         s.conns.Load(),
		Refused:      map[int]uint64{},
		ClosedByPeer: map[frame.CloseCode]uint64{},
		Failed:       map[frame.CloseCode]uint64{},
	}
	s.mu.Lock()
	loops := s.loops
	s.mu.Unlock()
	for _, l := range loops {
		l.counts.addTo(&st)
		l.lag.addTo(&st)
	}
	return st
}

// counters are one loop's. Those that count every message are plain numbers of the loop's goroutine, and are published once a turn.
type counters struct {
	messagesIn, bytesIn, messagesOut, bytesOut uint64

	published struct{ messagesIn, bytesIn, messagesOut, bytesOut atomic.Uint64 }

	opened, drops, panics, acceptErrors atomic.Uint64
	queued                              atomic.Int64

	mu                     sync.Mutex // guards the maps
	refused                map[int]uint64
	closedByPeer, failures map[frame.CloseCode]uint64
}

func (n *counters) publish() {
	n.published.messagesIn.Store(n.messagesIn)
	n.published.bytesIn.Store(n.bytesIn)
	n.published.messagesOut.Store(n.messagesOut)
	n.published.bytesOut.Store(n.bytesOut)
}

// account adds what o has counted since the last time.
func (n *counters) account(o *busy) {
	n.messagesOut += o.messages
	n.bytesOut += o.taken
	o.messages, o.taken = 0, 0
	if o.size != o.accounted {
		n.queued.Add(int64(o.size - o.accounted))
		o.accounted = o.size
	}
}

func count[K comparable](n *counters, m *map[K]uint64, k K) {
	n.mu.Lock()
	if *m == nil {
		*m = map[K]uint64{}
	}
	(*m)[k]++
	n.mu.Unlock()
}

func (n *counters) refuse(status int) { count(n, &n.refused, status) }

func (n *counters) closed(m conn.Message) {
	code, _ := m.Close()
	count(n, &n.closedByPeer, code)
}

func (n *counters) failed(err error) {
	var e *frame.Error
	if code := conn.CodeOf(err); errors.As(err, &e) || code == frame.CloseInternalError {
		count(n, &n.failures, code)
	}
}

func (n *counters) addTo(st *Stats) {
	st.Opened += n.opened.Load()
	st.MessagesIn += n.published.messagesIn.Load()
	st.MessagesOut += n.published.messagesOut.Load()
	st.BytesIn += n.published.bytesIn.Load()
	st.BytesOut += n.published.bytesOut.Load()
	st.Queued += n.queued.Load()
	st.Drops += n.drops.Load()
	st.Panics += n.panics.Load()
	st.AcceptErrors += n.acceptErrors.Load()
	n.mu.Lock()
	defer n.mu.Unlock()
	add(st.Refused, n.refused)
	add(st.ClosedByPeer, n.closedByPeer)
	add(st.Failed, n.failures)
}

func add[K comparable](to, from map[K]uint64) {
	for k := range maps.Keys(from) {
		to[k] += from[k]
	}
}

// slowTurn is how long a turn of a loop may take before it is remarked on: the first at once, those that follow together, once in slowSilence.
const (
	slowTurn    = 10 * time.Millisecond
	slowSilence = time.Second
)

// A lagMeter measures how long the turns of a loop take: so long do its other connections wait.
type lagMeter struct {
	began int64
	max   atomic.Int64
	slow  atomic.Uint64

	said   int64 // when the log was last told
	untold int   // slow turns since
	worst  int64 // of them
}

func (m *lagMeter) begin(now int64) { m.began = now }

func (m *lagMeter) end(l *loop) {
	now := l.k.now()
	d := now - m.began
	if d > m.max.Load() {
		m.max.Store(d)
	}
	if d > int64(slowTurn) {
		m.slow.Add(1)
		m.untold++
		m.worst = max(m.worst, d)
	}
	if log := l.server.Logger; log != nil && m.untold > 0 && (m.said == 0 || now-m.said >= int64(slowSilence)) {
		log.Warn("netpoll: slow turns of a loop", "loop", l.id, "turns", m.untold, "longest", time.Duration(m.worst))
		m.said, m.untold, m.worst = now, 0, 0
	}
}

func (m *lagMeter) addTo(st *Stats) {
	st.MaxLag = max(st.MaxLag, time.Duration(m.max.Load()))
	st.SlowTurns += m.slow.Load()
}
