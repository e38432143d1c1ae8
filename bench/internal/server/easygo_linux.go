package server

import (
	"net"

	"github.com/gobwas/pool/pbufio"
	"github.com/mailru/easygo/netpoll"

	"github.com/idlewire/idlewire/bench/internal/mode"
)

// serveEasygo is the design of "A Million WebSockets and Go" with its own libraries: a connection that is idle has no goroutine and no buffer. A
// one-shot read event hands it to a pool of goroutines; the one that takes it reads what is there through a pooled buffer and arms it again. The
// poller needs a descriptor of its own for every connection, a duplicate.
func serveEasygo(ln net.Listener, _ mode.Mode, _ *func() any) error {
	poller, err := netpoll.New(nil)
	if err != nil {
		return err
	}
	var all room[*gobwasConn]
	p := newPool(128)
	for {
		nc, err := ln.Accept()
		if err != nil {
			return err
		}
		p.schedule(func() {
			c := &gobwasConn{Conn: nc, all: &all}
			if c.upgrade() != nil {
				c.end()
				return
			}
			desc, err := netpoll.HandleReadOnce(nc)
			if err != nil {
				c.end()
				return
			}
			receive := func() {
				r := pbufio.GetReader(nc, 4096)
				defer pbufio.PutReader(r)
				for {
					if c.one(r) != nil {
						poller.Stop(desc)
						desc.Close()
						c.end()
						return
					}
					if r.Buffered() == 0 {
						break
					}
				}
				poller.Resume(desc)
			}
			if err := poller.Start(desc, func(netpoll.Event) { p.schedule(receive) }); err != nil {
				desc.Close()
				c.end()
			}
		})
	}
}

// A pool runs tasks on at most n goroutines, which it keeps.
type pool struct {
	sem  chan struct{}
	work chan func()
}

func newPool(n int) *pool { return &pool{make(chan struct{}, n), make(chan func())} }

func (p *pool) schedule(f func()) {
	select {
	case p.work <- f:
		return
	default:
	}
	select {
	case p.work <- f:
	case p.sem <- struct{}{}:
		go func() {
			for ; ; f = <-p.work {
				f()
			}
		}()
	}
}
