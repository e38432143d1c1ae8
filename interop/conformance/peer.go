package conformance

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"
)

// maxMessage is the greatest message of the suite, in octets. Every peer has to take it.
const maxMessage = 16 << 20

// A Peer is an implementation under test. One of Start and Play is set.
type Peer struct {
	Name  string   // what the suite calls it; where the original was run against the like of it, its name in the facts
	About string   // library, version, and what was set
	Ours  bool     // strict: nothing but OK will do
	Only  []string // patterns of the cases that it is for; nil: all

	// Start starts a server that echoes, on a free port of the loopback.
	Start func() (*Running, error)

	// Play is one client: it goes to base, asks for the number of cases, plays all of them, so many at a time, and asks for the reports.
	Play func(ctx context.Context, base, agent string, parallel int) error
}

// Client reports whether p is a client.
func (p *Peer) Client() bool { return p.Play != nil }

// A Running server has to be stopped.
type Running struct {
	URL  string
	Stop func() error
}

// Peers returns all peers. Those of Node need Node and what interop/node/package.json names.
func Peers() []*Peer {
	return []*Peer{
		{Name: "idlewire-loop", About: "idlewire netpoll, event loops, context takeover both ways", Ours: true, Start: startLoop},
		{Name: "idlewire-portable", About: "idlewire netpoll, portable driver, context takeover both ways", Ours: true, Start: startPortable},
		{Name: "idlewire-accept", About: "idlewire conn.Accept under net/http, context takeover both ways", Ours: true, Start: startAccept},
		{Name: "gorilla", About: "gorilla/websocket 1.5.3, compression on, text checked in the echo loop", Start: startGorilla},
		{Name: "npm-ws", About: "ws 8.23.0 for Node, compression on", Start: startNode},
		{Name: "gws", About: "lxzan/gws 1.8.9, context takeover both ways, text checked by it", Start: startGws},
		{Name: "coder", About: "coder/websocket 1.8.15, context takeover, text checked in the echo loop", Start: startCoder},
		{Name: "gobwas-wsutil", About: "gobwas/ws 1.5.0, wsutil.Reader to wsutil.Writer, text checked as it comes", Start: startGobwas},
		{Name: "gobwas-wsflate", About: "gobwas/ws 1.5.0, wsflate; drops TCP where compression was not agreed", Only: []string{"12.*", "13.*"}, Start: startGobwasFlate},
		{Name: "nbio", About: "lesismal/nbio 1.5.12, compression on", Start: startNbio},
		{Name: "idlewire-dial", About: "idlewire conn.Dial, context takeover both ways", Ours: true, Play: play(dialIdlewire)},
		{Name: "gorilla-client", About: "gorilla/websocket 1.5.3 as client, compression on, text checked in the echo loop", Play: play(dialGorilla)},
		{Name: "npm-ws-client", About: "ws 8.23.0 for Node as client", Play: playNode},
		{Name: "coder-client", About: "coder/websocket 1.8.15 as client, context takeover, text checked in the echo loop", Play: play(dialCoder)},
		{Name: "gobwas-client", About: "gobwas/ws 1.5.0 as client, wsutil.ReadServerData", Play: play(dialGobwas)},
	}
}

// A link is a connection of a library that gives and takes whole messages.
type link interface {
	read() (text bool, b []byte, err error) // b is lent until the next read
	write(text bool, b []byte) error
	fail1007() // says that text was not UTF-8, and waits a little for the answer; then drop follows
	drop()     // ends TCP; harmless if it has ended already
}

// errText is the end of an echo.
var errText = errors.New("text is not UTF-8")

// echo sends back what comes until the connection ends.
func echo(l link, valid func([]byte) bool) error {
	defer l.drop()
	for {
		text, b, err := l.read()
		if err != nil {
			return err
		}
		if text && !valid(b) { // 8.1
			l.fail1007()
			return errText
		}
		if err := l.write(text, b); err != nil {
			return err
		}
	}
}

// checked is for libraries that have looked at the text themselves.
func checked([]byte) bool { return true }

// listen opens a port that is free.
func listen() (net.Listener, string, error) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, "", err
	}
	return ln, "ws://" + ln.Addr().String(), nil
}

// underHTTP serves with net/http. Connections that a library has taken over end when their clients end.
func underHTTP(h http.HandlerFunc) (*Running, error) {
	ln, url, err := listen()
	if err != nil {
		return nil, err
	}
	s := &http.Server{Handler: h, ReadHeaderTimeout: 10 * time.Second}
	done := make(chan error, 1)
	go func() { done <- s.Serve(ln) }()
	return &Running{url, func() error {
		s.Close()
		if err := <-done; !errors.Is(err, http.ErrServerClosed) {
			return fmt.Errorf("net/http: %w", err)
		}
		return nil
	}}, nil
}
