package main

import (
	"sync"

	"github.com/idlewire/idlewire/conn"
)

// A room is a set of connections that all hear what one of them says. Its zero value is empty. The connections are kept in a dense array, in the
// order in which they came as long as nobody leaves: that is the cheapest order to send in.
type room struct {
	mu      sync.RWMutex // guards the fields below
	members []listener
	place   map[listener]int
}

// A listener is a connection of either driver. Its WritePrepared must not wait for the peer.
type listener interface {
	WritePrepared(*conn.Prepared) error
}

func (r *room) enter(l listener) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.place == nil {
		r.place = map[listener]int{}
	}
	r.place[l] = len(r.members)
	r.members = append(r.members, l)
}

func (r *room) leave(l listener) {
	r.mu.Lock()
	defer r.mu.Unlock()
	i, ok := r.place[l]
	if !ok {
		return
	}
	last := len(r.members) - 1
	r.members[i] = r.members[last]
	r.place[r.members[i]] = i
	r.members[last] = nil
	r.members = r.members[:last]
	delete(r.place, l)
}

// say encodes m once and sends it to everybody. Who cannot take it loses it, or the connection.
func (r *room) say(m conn.Message) {
	p, err := conn.Prepare(m.Op, m.Payload)
	if err != nil {
		return
	}
	r.mu.RLock()
	defer r.mu.RUnlock()
	for _, l := range r.members {
		l.WritePrepared(p)
	}
}
