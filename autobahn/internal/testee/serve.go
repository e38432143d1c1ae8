package testee

import (
	"context"
	"errors"
	"net"
	"os"
	"sync"
	"time"
)

// maxConnections is how many connections a server has at a time; those past it wait in the listener's queue.
const maxConnections = 256

// lingerTime is how long TCP is read over after its end was written: a socket closed with octets unread resets the connection, and the last frame may be lost.
const lingerTime = time.Second

// Serve serves the connections of ln with Peers of kind k, until ctx ends or ln fails. It closes ln and all connections, and waits for its goroutines. The error is that of
// accepting; nil if ctx ended.
func Serve(ctx context.Context, ln net.Listener, k *Kind) error {
	var conns sync.WaitGroup
	defer conns.Wait()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	stop := context.AfterFunc(ctx, func() { ln.Close() })
	defer stop()
	defer ln.Close()
	slots := make(chan struct{}, maxConnections)
	for seed := uint64(1); ; seed++ {
		select {
		case slots <- struct{}{}:
		case <-ctx.Done():
			return nil
		}
		nc, err := ln.Accept()
		if ctx.Err() != nil {
			return nil
		}
		if err != nil {
			return err
		}
		conns.Go(func() {
			defer func() { <-slots }()
			drive(ctx, nc, New(k, Server, seed))
		})
	}
}

// drive moves octets and time between a Peer and its connection, and closes it. The error is why it ended, nil if the Peer or the other end wanted that.
func drive(ctx context.Context, nc net.Conn, p *Peer) error {
	defer nc.Close()
	stop := context.AfterFunc(ctx, func() { nc.Close() })
	defer stop()
	buf := make([]byte, 64<<10)
	for {
		for _, b := range p.Take() {
			if _, err := nc.Write(b); err != nil {
				return err
			}
		}
		if p.Gone() {
			linger(nc, buf)
			return nil
		}
		at, ok := p.Due()
		if !p.Reading() {
			if !wait(ctx, at, ok) {
				return ctx.Err()
			}
			p.Tick(time.Now())
			continue
		}
		nc.SetReadDeadline(at) // the zero Time is none
		n, err := nc.Read(buf)
		if n > 0 {
			p.Receive(time.Now(), buf[:n])
		}
		switch {
		case errors.Is(err, os.ErrDeadlineExceeded):
			p.Tick(time.Now())
		case ctx.Err() != nil:
			return ctx.Err()
		case err != nil: // gone, in whatever way
			return nil
		}
	}
}

// wait waits until a time, or for ever, and reports whether ctx has not ended.
func wait(ctx context.Context, at time.Time, ok bool) bool {
	if !ok {
		<-ctx.Done()
		return false
	}
	select {
	case <-time.After(time.Until(at)):
		return true
	case <-ctx.Done():
		return false
	}
}

func linger(nc net.Conn, buf []byte) {
	half, ok := nc.(interface{ CloseWrite() error })
	if !ok || half.CloseWrite() != nil {
		return
	}
	nc.SetReadDeadline(time.Now().Add(lingerTime))
	for {
		if _, err := nc.Read(buf); err != nil {
			return
		}
	}
}
