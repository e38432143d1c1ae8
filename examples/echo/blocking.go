package main

import (
	"context"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/idlewire/idlewire/conn"
	"github.com/idlewire/idlewire/frame"
)

// A blocking is the echo server on net/http, with a goroutine per connection.
type blocking struct {
	http    http.Server
	options conn.Options
	room    room

	mu    sync.Mutex // guards conns and gone
	conns map[*conn.Conn]bool
	gone  bool
	wg    sync.WaitGroup
}

func newBlocking(o conn.Options) *blocking {
	s := &blocking{options: o, conns: map[*conn.Conn]bool{}}
	s.http.Handler = s
	s.http.ReadHeaderTimeout = 5 * time.Second
	return s
}

func (s *blocking) Serve(ln net.Listener) error { return s.http.Serve(ln) }

func (s *blocking) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c, err := conn.Accept(w, r, nil, &s.options)
	if err != nil {
		return // the client has been told
	}
	defer c.CloseNow()
	if !s.add(c) {
		c.Close(frame.CloseGoingAway, "")
		return
	}
	defer s.remove(c)
	say := func(m conn.Message) { c.Write(m.Op, m.Payload) }
	if r.URL.Path == "/broadcast" {
		q := newQueue(c)
		defer q.close()
		s.room.enter(q)
		defer s.room.leave(q)
		say = s.room.say
	}
	for {
		m, err := c.Read()
		if err != nil {
			return
		}
		say(m)
	}
}

func (s *blocking) add(c *conn.Conn) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.gone {
		return false
	}
	s.conns[c] = true
	s.wg.Add(1)
	return true
}

func (s *blocking) remove(c *conn.Conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.conns, c)
	s.wg.Done()
}

// Shutdown says goodbye to all connections, which net/http no longer knows, and waits for them.
func (s *blocking) Shutdown(ctx context.Context) error {
	s.mu.Lock()
	s.gone = true
	for c := range s.conns {
		go c.Close(frame.CloseGoingAway, "")
	}
	s.mu.Unlock()
	if err := s.http.Shutdown(ctx); err != nil { // it waits for those that have not said what they want
		s.http.Close()
	}
	done := make(chan struct{})
	go func() {
		s.wg.Wait()
		close(done)
	}()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
