package main

import (
	"log/slog"

	"github.com/idlewire/idlewire/conn"
	"github.com/idlewire/idlewire/handshake"
	"github.com/idlewire/idlewire/netpoll"
)

// newEvents returns the echo server on event loops.
func newEvents(d netpoll.Driver, loops int, o conn.Options, log *slog.Logger) *netpoll.Server {
	var r room
	return &netpoll.Server{
		Driver:  d,
		Loops:   loops,
		Options: o,
		Logger:  log,
		Open: func(c *netpoll.Conn, req *handshake.Request) netpoll.Handler {
			if string(req.Path()) == "/broadcast" {
				r.enter(c)
				return member{&r}
			}
			return echo{}
		},
	}
}

// An echo sends every message back.
type echo struct{}

func (echo) Message(c *netpoll.Conn, m conn.Message) { c.Write(m.Op, m.Payload) }
func (echo) Close(*netpoll.Conn, error)              {}

// A member sends every message to its room.
type member struct{ room *room }

func (h member) Message(c *netpoll.Conn, m conn.Message) { h.room.say(m) }
func (h member) Close(c *netpoll.Conn, err error)        { h.room.leave(c) }
