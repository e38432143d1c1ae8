package main

import (
	"encoding/binary"
	"errors"
	"io"
	"net"
	"sync"
	"time"

	"github.com/idlewire/idlewire/fuzz"
)

// maxGot is how many octets of an endpoint are kept of one connection; one that says more than that has nobody left who listens.
const maxGot = 8 << 20 // and as much as a message may have

// An ending is how the other side's half of TCP has come to an end.
type ending byte

const (
	running ending = iota
	finished
	reset
	talksOn // it has said more than maxGot
)

func (e ending) String() string {
	return [...]string{"TCP open", "end of TCP", "reset of TCP", "more octets than anybody asked for"}[e]
}

// A link is a connection whose opening handshake is done. Everything that comes is kept.
type link struct {
	nc       net.Conn
	role     fuzz.Role     // of the endpoint under test
	offer    string        // extensions that were offered; "": none
	remarks  []*finding    // about the opening handshake, which came to its end for all that
	to, from *fuzz.Deflate // what was agreed on for the direction to the endpoint, and from it

	mu   sync.Mutex // guards what follows
	got  []byte
	most int // of got
	end  ending
	scan scanner
	wake chan struct{} // has room for one; something has changed
}

// newLink starts reading; first is what came behind the opening handshake.
func newLink(nc net.Conn, first []byte) *link {
	l := &link{nc: nc, most: maxGot, wake: make(chan struct{}, 1)}
	l.got = append(l.got, first...)
	l.scan.read(l.got)
	return l
}

// read keeps what comes, until nothing does.
func (l *link) read() {
	b := make([]byte, 32<<10)
	for {
		n, err := l.nc.Read(b)
		l.mu.Lock()
		l.got = append(l.got, b[:n]...)
		l.scan.read(l.got)
		switch {
		case err != nil && errors.Is(err, io.EOF):
			l.end = finished
		case err != nil:
			l.end = reset
		case len(l.got) > l.most:
			l.end = talksOn
		}
		ended := l.end != running
		l.mu.Unlock()
		select {
		case l.wake <- struct{}{}:
		default:
		}
		if ended {
			return
		}
	}
}

// wait waits until ready says yes of what has come, or nothing more will, or nothing did for as long as patience. It reports whether ready said yes.
func (l *link) wait(patience time.Duration, ready func(s *scanner) bool) bool {
	timer := time.NewTimer(patience)
	defer timer.Stop()
	for seen := -1; ; {
		l.mu.Lock()
		yes, ended, n := ready(&l.scan), l.end != running, len(l.got)
		l.mu.Unlock()
		if yes || ended {
			return yes
		}
		if n != seen {
			seen = n
			timer.Reset(patience)
		}
		select {
		case <-l.wake:
		case <-timer.C:
			return false
		}
	}
}

// ended returns how the connection has ended so far.
func (l *link) ended() ending {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.end
}

// all returns what has come.
func (l *link) all() ([]byte, ending) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.got, l.end
}

// A scanner counts the frames of an endpoint as they come. It looks at nothing else: the reference judges them when the connection is over.
type scanner struct {
	at       int // octets read, all of whole frames
	messages int // with a last fragment
	pongs    []string
	closed   bool
}

func (s *scanner) read(b []byte) {
	for !s.closed {
		op, fin, payload, size := frameAt(b[s.at:])
		if size == 0 {
			return
		}
		s.at += size
		switch {
		case op == fuzz.OpClose:
			s.closed = true
		case op == fuzz.OpPong && len(payload) <= 125:
			s.pongs = append(s.pongs, string(payload))
		case op < 8 && fin:
			s.messages++
		}
	}
}

// frameAt returns the frame that b begins with, and its size: 0 if it is not complete.
func frameAt(b []byte) (op byte, fin bool, payload []byte, size int) {
	if len(b) < 2 {
		return 0, false, nil, 0
	}
	n, at := uint64(b[1]&0x7f), 2
	switch n {
	case 126:
		if len(b) < 4 {
			return 0, false, nil, 0
		}
		n, at = uint64(binary.BigEndian.Uint16(b[2:])), 4
	case 127:
		if len(b) < 10 {
			return 0, false, nil, 0
		}
		n, at = binary.BigEndian.Uint64(b[2:]), 10
	}
	var key [4]byte
	masked := b[1] >= 0x80
	if masked {
		if len(b) < at+4 {
			return 0, false, nil, 0
		}
		copy(key[:], b[at:])
		at += 4
	}
	if n > uint64(len(b)-at) {
		return 0, false, nil, 0
	}
	payload = b[at : at+int(n)]
	if masked && n <= 125 {
		clear := make([]byte, n)
		for i := range clear {
			clear[i] = payload[i] ^ key[i%4]
		}
		payload = clear
	}
	return b[0] & 15, b[0] >= 0x80, payload, at + int(n)
}

// scanned returns what has been counted so far.
func (l *link) scanned() scanner {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.scan
}

// isTimeout reports whether err is that of a deadline.
func isTimeout(err error) bool {
	var t net.Error
	return errors.As(err, &t) && t.Timeout()
}

// allow lets the endpoint say n octets more than maxGot.
func (l *link) allow(n int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.most = maxGot + max(n, 0)
}
