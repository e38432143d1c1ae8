package netpoll

import (
	"errors"
	"sync"

	"github.com/idlewire/idlewire/handshake"
)

// requests holds what an opening handshake needs that comes in more than one piece. One that comes whole uses its loop's own.
var requests = sync.Pool{New: func() any { return new(handshake.Request) }}

func newRequest(u *handshake.Upgrader) *handshake.Request {
	r := requests.Get().(*handshake.Request)
	r.Limits = &u.Limits
	return r
}

func freeRequest(r *handshake.Request) {
	r.Reset()
	r.Limits, r.RemoteAddr = nil, nil
	requests.Put(r)
}

// overloaded is the answer to a client for which there is no room.
var overloaded = handshake.AppendRefusal(nil, handshake.ErrUnavailable)

// open takes octets of the opening handshake. What follows the blank line are frames (V42).
func (l *loop) open(c *Conn, b []byte) {
	o := c.busy // nobody else knows c yet
	r := o.request
	if r == nil {
		r = l.req
	}
	rest, done, err := r.Receive(b)
	switch {
	case err != nil:
		l.refuse(c, err)
	case !done:
		if o.request == nil {
			o.request = r
			l.req = newRequest(&l.server.Upgrader)
		}
	default:
		l.upgrade(c, r, rest)
	}
}

// upgrade answers a whole request.
func (l *loop) upgrade(c *Conn, r *handshake.Request, rest []byte) {
	if u := &l.server.Upgrader; u.Hook != nil || u.CheckOrigin != nil || u.Extensions != nil { // who else wants it asks c
		r.RemoteAddr = l.k.remote(c.handle)
	}
	answer, err := l.answer(r)
	c.busy.copy(answer)
	l.takeAgreed(c, err != nil)
	if err != nil {
		l.refused(c, err)
		return
	}
	c.state = open
	l.counts.opened.Add(1)
	l.opened(c, r)
	if c.busy.request == nil {
		r.Reset()
	} else {
		c.busy.request = nil
		freeRequest(r)
	}
	l.receive(c, rest)
}

// answer returns the response to r, in the loop's own memory. A program's hook that panics is answered with 500.
func (l *loop) answer(r *handshake.Request) (answer []byte, err error) {
	defer func() {
		if v := recover(); v != nil {
			l.panicked(v)
			err = handshake.ErrInternal
			answer = handshake.AppendRefusal(l.answerBuf[:0], err)
		}
	}()
	answer, err = l.upgrader.AppendResponse(l.answerBuf[:0], r)
	if cap(answer) <= chunkSize {
		l.answerBuf = answer[:0]
	}
	return answer, err
}

// refuse answers a handshake that cannot be accepted, and ends the connection.
func (l *loop) refuse(c *Conn, err error) {
	c.busy.copy(handshake.AppendRefusal(nil, err))
	l.refused(c, err)
}

func (l *loop) refused(c *Conn, err error) {
	if c.busy.request == nil {
		l.req.Reset()
	}
	status := 0
	var e *handshake.Error
	if errors.As(err, &e) {
		status = e.Status
	}
	l.counts.refuse(status)
	l.end(c, err)
}
