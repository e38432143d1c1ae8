package autobahn

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"sync"
	"time"
)

// A Server tests clients: they connect to it, once for each case, and to its other URLs:
//
//	/getCaseCount                         the number of Cases, as a text message
//	/runCase?case=1&agent=NAME            runs a case; casetuple=1.1.1 names it by its ID
//	/getCaseInfo?case=1                   {"id": "1.1.1", "description": "..."}
//	/getCaseStatus?case=1&agent=NAME      {"behavior": "OK"}, as soon as there is a result
//	/updateReports?agent=NAME             calls Reports; with shutdownOnComplete=true Serve then returns
//	/stopServer                           Serve returns
//
// Each is a WebSocket connection, which the Server closes. What it does not want it refuses with an HTTP status and a text that says why. Clients may run cases in parallel,
// and several agents may be tested at a time; the later of two results of the same agent and case stands.
type Server struct {
	// URL is where clients find it, ws or wss, with port and without query: every client's Host header has to name this port. "", or
	// port 0, means the port of the listener. The scheme only says what port no port means; TLS is the listener's business.
	URL     string
	Cases   []*Case // what "case=" counts from 1, in this order; those that test only servers are not counted
	Options Options // zero: DefaultOptions
	// Skip, if set, says which cases are not judged with an agent: the runner accepts, closes, and records nothing. It may be called by several goroutines.
	Skip func(agent string, c *Case) bool
	Seed uint64 // as that of a Client

	// Reports, if set, is called on /updateReports with all results so far, one call at a time. The client waits for it, and gets a Close 1011 in place of one without code
	// if there is an error. Cases of the client's agent that still run are waited for before.
	Reports func(r *Report) error

	// Started and Finished, if set, are told of each case, one call at a time. Finished is not told of those that are cut off because Serve ends.
	Started  func(agent string, c *Case)
	Finished func(r *Result)
}

// What clients can make grow.
const (
	maxConnections = 1024 // open at a time; those past it wait in the listener's queue
	maxStatusWaits = 256  // answers of /getCaseStatus that are held back at a time; < maxConnections, so that cases can always run
	maxAgents      = 256  // with results
	maxAgentName   = 200  // octets; it becomes part of file names
)

// Times that hold where Options leave them open, or more than that.
const (
	maxOpeningTime = time.Minute      // of an opening handshake
	maxClosingTime = 10 * time.Second // of a closing handshake
)

// within returns d, or max if d is 0 or more than that.
func within(d, max time.Duration) time.Duration {
	if d <= 0 || d > max {
		return max
	}
	return d
}

// Serve accepts clients on ln until ctx ends, a client asks for /stopServer, or for /updateReports with shutdownOnComplete. Then it closes ln and all connections, waits for
// its goroutines, and returns what it found; cases that still run are not in it. For wss, ln is to be a TLS listener.
//
// The error is that of URL, that of accepting on ln, or that of the last call of Reports. The Report is never nil.
func (s *Server) Serve(ctx context.Context, ln net.Listener) (*Report, error) {
	defer ln.Close()
	own := *s
	own.Options = own.Options.orDefault()
	v := &service{Server: &own, Cases: CasesFor(s.Cases, Clients), board: newBoard(), numbers: map[string]int{}}
	for i, c := range v.Cases {
		if _, twice := v.numbers[c.ID]; !twice {
			v.numbers[c.ID] = i + 1
		}
	}
	if err := v.place(ln.Addr()); err != nil {
		return v.board.report, err
	}
	ctx, v.stop = context.WithCancel(ctx)
	defer v.stop()
	unhook := context.AfterFunc(ctx, func() { ln.Close() })
	defer unhook()
	err := v.accept(ctx, ln)
	v.stop()
	v.conns.Wait()
	return v.board.report, errors.Join(err, v.reportErr)
}

// A service is a Server at work.
type service struct {
	*Server
	Cases   []*Case // those of the Server that test clients
	board   *board
	numbers map[string]int // case ID to 1-based place in Cases
	port    int            // that Host headers have to name
	secure  bool           // the URL is wss
	stop    context.CancelFunc
	conns   sync.WaitGroup

	tell sync.Mutex // held while Started or Finished runs: one call at a time

	reporting sync.Mutex // held while Reports runs, and guards reportErr
	reportErr error      // of the last call

	mu   sync.Mutex // guards open
	open int        // connections whose opening handshake was accepted
}

// place finds out which port clients have to name.
func (v *service) place(addr net.Addr) error {
	raw := cmp.Or(v.URL, "ws://localhost:0")
	u, err := parseURL(raw)
	switch {
	case err != nil:
		return fmt.Errorf("autobahn: %w", err)
	case u.RawQuery != "" || u.ForceQuery:
		return fmt.Errorf("autobahn: expected a URL without a query, found %q", raw)
	case u.Port() != "":
		v.port, _ = strconv.Atoi(u.Port()) // parseURL has looked at it
	case u.Scheme == "ws":
		v.port = 80
	default:
		v.port = 443
	}
	v.secure = u.Scheme == "wss"
	if v.port == 0 {
		tcp, ok := addr.(*net.TCPAddr)
		if !ok {
			return fmt.Errorf("autobahn: expected a URL with port, as the listener at %s has none", addr)
		}
		v.port = tcp.Port
	}
	return nil
}

// accept starts a goroutine for each connection, until ctx ends or ln fails.
func (v *service) accept(ctx context.Context, ln net.Listener) error {
	const minPause, maxPause = 5 * time.Millisecond, time.Second
	slots := make(chan struct{}, maxConnections)
	pause := minPause
	for {
		select {
		case slots <- struct{}{}:
		case <-ctx.Done():
			return nil
		}
		nc, err := ln.Accept()
		switch {
		case err == nil:
			pause = minPause
			v.conns.Go(func() {
				defer func() { <-slots }()
				v.serve(ctx, nc)
			})
			continue
		case ctx.Err() != nil:
			return nil
		case errors.Is(err, net.ErrClosed):
			return fmt.Errorf("autobahn: %w", err)
		}
		// What is left passes as a rule: no descriptors, or a client that has gone in the meantime.
		//lint:ignore SA1019 there is no other word for it
		if ne := net.Error(nil); !errors.As(err, &ne) || !ne.Temporary() {
			return fmt.Errorf("autobahn: %w", err)
		}
		<-slots
		select {
		case <-time.After(pause):
			pause = min(2*pause, maxPause)
		case <-ctx.Done():
			return nil
		}
	}
}

// serve serves one connection, and closes it.
func (v *service) serve(ctx context.Context, nc net.Conn) {
	defer nc.Close()
	unhook := context.AfterFunc(ctx, func() { nc.Close() })
	defer unhook()
	nc.SetDeadline(time.Now().Add(within(v.Options.OpenHandshakeTimeout, maxOpeningTime)))
	q, rest, err := readRequest(nc)
	if no := (*refusal)(nil); errors.As(err, &no) {
		turnAway(nc, appendRefusal(nil, no))
	}
	if err != nil {
		return
	}
	key, no := q.check(&v.Options, v.port, v.secure)
	if no == errPlainGet && v.Options.WebStatus {
		turnAway(nc, appendPage(nil, http.StatusOK, "text/html; charset=utf-8", statusPage))
		return
	}
	if no == nil && !v.enter() {
		no = refuse(http.StatusServiceUnavailable, "maximum number of connections reached")
	} else if no == nil {
		defer v.leave()
	}
	var a *ask
	if no == nil {
		a, no = v.ask(q)
	}
	if no != nil {
		turnAway(nc, appendRefusal(nil, no))
		return
	}
	defer a.done()
	if a.play && !a.skip && a.c.Opening != nil {
		nc.SetDeadline(time.Time{})
		if unhook() {
			v.run(ctx, a, opening{nc: nc, rest: rest, request: q.raw, key: key, offers: a.offers})
		}
		return
	}
	response := appendSwitch(nil, key, a.extensions)
	if _, err := nc.Write(response); err != nil {
		return
	}
	nc.SetDeadline(time.Time{})
	if !a.play {
		v.answer(a, newChat(nc, rest, &v.Options))
		return
	}
	if unhook() { // from here on play minds ctx: it has to know whether it was us who closed nc
		v.run(ctx, a, opening{nc: nc, rest: rest, request: q.raw, response: string(response), deflate: a.deflate})
	}
}

// enter counts a connection that was accepted, unless there are too many.
func (v *service) enter() bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.Options.MaxConnections > 0 && v.open >= v.Options.MaxConnections {
		return false
	}
	v.open++
	return true
}

func (v *service) leave() {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.open--
}

// maxLinger is how many octets are read over behind a response that refuses.
const maxLinger = 64 << 10

// turnAway writes the last response of a connection. It waits for the client to close, so that octets that it still sends do not make TCP take the response back; the
// deadline of the opening handshake holds on.
func turnAway(nc net.Conn, response []byte) {
	if _, err := nc.Write(response); err != nil {
		return
	}
	if h, ok := nc.(interface{ CloseWrite() error }); ok {
		h.CloseWrite()
	}
	io.CopyN(io.Discard, nc, maxLinger)
}

// statusPage is for those who look with a browser.
const statusPage = `<!DOCTYPE html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>` + serverName + `</title>
<h1>WebSocket conformance suite</h1>
<p>This is a server that tests WebSocket clients. They connect to:</p>
<ul>
<li><code>/getCaseCount</code></li>
<li><code>/runCase?case=NUMBER&amp;agent=NAME</code></li>
<li><code>/getCaseInfo?case=NUMBER</code></li>
<li><code>/getCaseStatus?case=NUMBER&amp;agent=NAME</code></li>
<li><code>/updateReports?agent=NAME</code></li>
<li><code>/stopServer</code></li>
</ul>
</html>
`
