package main

import (
	"sync"

	"github.com/idlewire/idlewire/conn"
	"github.com/idlewire/idlewire/frame"
)

// queueLimit is how many bytes may wait for one member of a room: as many as a server of event loops queues.
const queueLimit = 1 << 20

// A queue lets a room write to a blocking connection without waiting for its peer. A peer that falls too far behind is closed: 1008.
type queue struct {
	c    *conn.Conn
	mu   sync.Mutex // guards the fields below
	some sync.Cond  // waits for a message, or the end
	out  []*conn.Prepared
	size int
	over bool
}

func newQueue(c *conn.Conn) *queue {
	q := &queue{c: c}
	q.some.L = &q.mu
	go q.run()
	return q
}

// WritePrepared queues m.
func (q *queue) WritePrepared(m *conn.Prepared) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	if !q.over && q.size > 0 && q.size+m.Size() > queueLimit {
		q.over = true
		go q.c.Close(frame.ClosePolicyViolation, "too slow")
	}
	if !q.over {
		q.out = append(q.out, m)
		q.size += m.Size()
	}
	q.some.Signal()
	return nil
}

// run sends what is queued until the queue is closed, or has overflowed.
func (q *queue) run() {
	for {
		q.mu.Lock()
		for len(q.out) == 0 && !q.over {
			q.some.Wait()
		}
		out, over := q.out, q.over
		q.out = nil
		q.mu.Unlock()
		if over {
			return
		}
		for _, m := range out {
			q.c.WritePrepared(m)
			q.mu.Lock()
			q.size -= m.Size()
			q.mu.Unlock()
		}
	}
}

func (q *queue) close() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.over = true
	q.some.Signal()
}
