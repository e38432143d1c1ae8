package autobahn

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/idlewire/idlewire/autobahn/internal/deflate"
	"github.com/idlewire/idlewire/frame"
	"github.com/idlewire/idlewire/handshake"
)

// An enemy is a peer that does what it likes. Its connection is closed when the test has what it wants of the runner.
type enemy struct {
	nc     net.Conn
	br     *bufio.Reader
	client bool
	over   <-chan struct{}
}

// frame makes a frame, whose payload may be shorter than it announces.
func (h *enemy) frame(first byte, payload []byte, announced uint64) []byte {
	b := []byte{first, 127}
	b = binary.BigEndian.AppendUint64(b, announced)
	if announced < 126 {
		b = []byte{first, byte(announced)}
	}
	if h.client {
		b[1] |= 0x80
		b = append(b, 0, 0, 0, 0)
	}
	return append(b, payload...)
}

func (h *enemy) whole(first byte, payload string) []byte {
	return h.frame(first, []byte(payload), uint64(len(payload)))
}

func (h *enemy) say(b ...[]byte) { h.nc.Write(bytes.Join(b, nil)) }

// reads reads over what the runner sends.
func (h *enemy) reads() { go io.Copy(io.Discard, h.br) }

// floods writes b for ever, many at a time.
func (h *enemy) floods(b []byte) { flood(h.nc, bytes.Repeat(b, 1+4096/len(b))) }

// drips writes b octet by octet, for ever.
func (h *enemy) drips(b []byte) {
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for i := 0; ; i++ {
		if _, err := h.nc.Write(b[i%len(b) : i%len(b)+1]); err != nil {
			return
		}
		select {
		case <-tick.C:
		case <-h.over:
			return
		}
	}
}

// hold keeps the connection.
func (h *enemy) hold() { <-h.over }

// echoes does what it should, until the runner's Close has come, which it does not answer.
func (h *enemy) echoes() {
	from := frame.FromClient
	if h.client {
		from = frame.FromServer
	}
	for {
		f, err := frame.Read(h.br, from, 0, 16<<20)
		if err != nil || f.Opcode == frame.Close {
			return
		}
		first := byte(f.Opcode) | f.Rsv<<4
		if f.Fin {
			first |= 0x80
		}
		h.say(h.frame(first, f.Payload, uint64(len(f.Payload))))
	}
}

var bomb = sync.OnceValue(func() string {
	b, err := deflate.New(deflate.Params{}, true).Compress(nil, make([]byte, MaxIncoming+1))
	if err != nil {
		panic(err)
	}
	return string(b)
})

// hostileFrames are what goes wrong when the connection is open.
var hostileFrames = map[string]func(h *enemy){
	"never reads nor writes": func(h *enemy) { h.hold() },
	"reads and is silent":    func(h *enemy) { h.reads(); h.hold() },
	"half-closes":            func(h *enemy) { h.nc.(interface{ CloseWrite() error }).CloseWrite(); h.hold() },
	"half-closes in a frame": func(h *enemy) {
		h.say(h.frame(0x82, nil, 5))
		h.nc.(interface{ CloseWrite() error }).CloseWrite()
		h.hold()
	},
	"drips a frame without end":        func(h *enemy) { h.say(h.frame(0x82, nil, 1<<26)); h.drips([]byte{0}) },
	"drips pongs":                      func(h *enemy) { h.drips(h.whole(0x8a, "x")) },
	"drips fragments":                  func(h *enemy) { h.say(h.whole(0x01, "")); h.drips(h.whole(0x00, "")) },
	"floods pings and does not read":   func(h *enemy) { h.floods(h.whole(0x89, strings.Repeat("x", 125))) },
	"floods pings":                     func(h *enemy) { h.reads(); h.floods(h.whole(0x89, "")) },
	"floods pongs":                     func(h *enemy) { h.reads(); h.floods(h.whole(0x8a, "")) },
	"floods texts":                     func(h *enemy) { h.reads(); h.floods(h.whole(0x81, "x")) },
	"floods large messages":            func(h *enemy) { h.reads(); h.floods(h.whole(0x82, strings.Repeat("x", 1<<20))) },
	"floods fragments":                 func(h *enemy) { h.say(h.whole(0x01, "")); h.floods(h.whole(0x00, "")) },
	"floods Closes":                    func(h *enemy) { h.reads(); h.floods(h.whole(0x88, "\x03\xe8")) },
	"floods octets":                    func(h *enemy) { h.floods(bytes.Repeat([]byte{0xff}, 4096)) },
	"announces 2^63-1 octets":          func(h *enemy) { h.say(h.frame(0x82, nil, 1<<63-1)); h.hold() },
	"announces 2^64-1 octets":          func(h *enemy) { h.say(h.frame(0x82, nil, 1<<64-1)); h.hold() },
	"a control frame of 2^40 octets":   func(h *enemy) { h.say(h.frame(0x89, nil, 1<<40)); h.floods(make([]byte, 4096)) },
	"closes and keeps TCP":             func(h *enemy) { h.say(h.whole(0x88, "\x03\xe8")); h.reads(); h.hold() },
	"closes and does not read":         func(h *enemy) { h.say(h.whole(0x88, "\x03\xe8")); h.hold() },
	"closes and drips":                 func(h *enemy) { h.say(h.whole(0x88, "\x03\xe8")); h.reads(); h.drips([]byte{0}) },
	"closes and floods":                func(h *enemy) { h.say(h.whole(0x88, "\x03\xe8")); h.reads(); h.floods(h.whole(0x81, "x")) },
	"echoes and does not answer Close": func(h *enemy) { h.echoes(); h.reads(); h.hold() },
	"echoes and drips instead":         func(h *enemy) { h.echoes(); h.drips(h.whole(0x89, "")) },
	"echoes and floods instead":        func(h *enemy) { h.echoes(); h.floods(h.whole(0x81, "x")) },
	"sends a bomb":                     func(h *enemy) { h.reads(); h.say(h.whole(0xc2, bomb())); h.hold() },
	"floods bombs":                     func(h *enemy) { h.reads(); h.floods(h.whole(0xc2, bomb())) },
}

// hostileOpenings are what goes wrong before, be it a handshake of TLS or of WebSocket.
var hostileOpenings = map[string]func(h *enemy){
	"says nothing":       func(h *enemy) { io.Copy(io.Discard, h.nc) },
	"half-closes":        func(h *enemy) { h.nc.(*net.TCPConn).CloseWrite(); io.Copy(io.Discard, h.nc) },
	"drips lines":        func(h *enemy) { h.drips([]byte("HTTP/1.1 101 Switching Protocols\r\nX: y\r\nX: y\r\n")) },
	"drips requests":     func(h *enemy) { h.drips([]byte("GET / HTTP/1.1\r\nX: y\r\nX: y\r\n")) },
	"floods lines":       func(h *enemy) { h.say([]byte("HTTP/1.1 101 Switching Protocols\r\n")); h.floods([]byte("X: y\r\n")) },
	"floods interims":    func(h *enemy) { h.reads(); h.floods([]byte("HTTP/1.1 100 Continue\r\n\r\n")) },
	"floods a line":      func(h *enemy) { h.say([]byte("GET ")); h.floods([]byte("x")) },
	"floods a TLS hello": func(h *enemy) { h.floods([]byte{0x16, 3, 1, 0x40, 0, 1}) },
	"drips a TLS hello":  func(h *enemy) { h.drips([]byte{0x16, 3, 1, 0x40, 0, 1}) },
	"refuses and floods": func(h *enemy) { h.reads(); h.say([]byte("HTTP/1.1 400 Bad Request\r\n\r\n")); h.floods([]byte("x")) },
	"posts without end": func(h *enemy) {
		h.say([]byte("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 9999999999\r\n\r\n"))
		h.floods([]byte("x"))
	},
}

// hastily are Options with which nothing takes long but perhaps an opening.
func hastily(opening time.Duration) Options {
	o := DefaultOptions()
	o.OpenHandshakeTimeout, o.CloseHandshakeTimeout, o.ServerConnectionDropTimeout = opening, 20*time.Millisecond, 20*time.Millisecond
	return o
}

const (
	ampleTime = 20 * time.Second
	shortTime = 500 * time.Millisecond // a busy machine has to connect in it
)

// hostileCases are a case of each kind that there is; where the opening is what goes wrong, of each kind of that.
func hostileCases(opening time.Duration) []*Case {
	small := *hello
	small.Deadline.After = 50 * time.Millisecond
	polite := small
	polite.Deadline.JustClose = true
	large := &Case{Steps: []Step{message(filled(12<<20, bin("x")))}, RoundTrips: 1, Close: closedClean(1000)}
	chops := &Case{Steps: chopped(64, filled(1<<20, bin("x"))), RoundTrips: 1, Close: closedClean(1000)}
	deflated := &Case{Compression: &Compression{Corpus: "json", MessageLen: 1024, Count: 3, Profile: "12"}, Close: closedClean(1000)}
	for _, c := range []*Case{large, chops, deflated} {
		c.Deadline = closeIn(50 * time.Millisecond)
	}
	flooded := extra("5.5.2", "T", "E", plain(ping("x"), text("x")), inAnyOrder(closesAfter(ping("x"), text("x"))))
	waits := extra("7.1", "T", "E", patiently(50*time.Millisecond, text("x")), closesAfter(text("x")))
	opens := extra("4.1", "T", "E", plain(text("x")), closesAfter(text("x")))
	opens.Opening = &Opening{Say: "GET {target} HTTP/1.1\r\nHost: {host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key}\r\n\r\n"}
	opens.Opening.Answers, opens.For = []Answer{{Kind: Accepts, Verdict: OK}}, Servers
	for _, c := range []*Case{flooded, waits, opens} {
		c.Deadline = failIn(50 * time.Millisecond)
	}
	if opening == shortTime {
		return numbered("99", []*Case{deflated, opens})
	}
	return numbered("99", []*Case{&small, &polite, large, chops, deflated, flooded, waits, opens})
}

// opensAs makes the opening handshake of a server.
func (h *enemy) opensAs() bool {
	r, err := http.ReadRequest(h.br)
	if err != nil {
		return false
	}
	extensions := ""
	if r.Header.Get("Sec-WebSocket-Extensions") != "" {
		extensions = deflate.Name
	}
	h.say(appendSwitch(nil, r.Header.Get("Sec-WebSocket-Key"), extensions))
	return true
}

// hostileServer starts a server, and returns its address and what ends it.
func hostileServer(ln net.Listener, config *tls.Config, do func(h *enemy)) (address string, end func()) {
	if config != nil {
		ln = tls.NewListener(ln, config)
	}
	over := make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			nc, err := ln.Accept()
			if err != nil {
				return
			}
			wg.Go(func() {
				unhook := make(chan struct{})
				go func() {
					select {
					case <-over:
					case <-unhook:
					}
					nc.Close()
				}()
				do(&enemy{nc: nc, br: bufio.NewReader(nc), over: over})
				close(unhook)
			})
		}
	})
	return ln.Addr().String(), func() {
		ln.Close()
		close(over)
		wg.Wait()
	}
}

// overTLS are those of hostileFrames that are also tried over TLS.
var overTLS = []string{"never reads nor writes", "reads and is silent", "half-closes", "floods pings and does not read", "floods octets", "closes and does not read"}

// sideBySide runs rows, several at a time: most of them wait.
func sideBySide(t *testing.T, rows map[string]func(ln net.Listener) error) {
	slots := make(chan struct{}, 24)
	var wg sync.WaitGroup
	for name, row := range rows {
		slots <- struct{}{}
		wg.Go(func() {
			defer func() { <-slots }()
			ln, err := net.Listen("tcp", "127.0.0.1:0")
			if err == nil {
				err = row(ln)
			}
			if err != nil {
				t.Errorf("%s: %v", name, err)
			}
		})
	}
	wg.Wait()
	noStrays(t)
}

// hostileTLS is what a server of wss needs.
func hostileTLS(t *testing.T) *tls.Config {
	backing := httptest.NewUnstartedServer(nil)
	backing.StartTLS()
	t.Cleanup(backing.Close)
	return backing.TLS
}

// Whatever a server does, each case ends, and is not good; and nothing of it stays.
func TestHostileServers(t *testing.T) {
	run := func(scheme string, config *tls.Config, opening time.Duration, do func(h *enemy)) func(ln net.Listener) error {
		return func(ln net.Listener) error {
			address, end := hostileServer(ln, config, do)
			defer end()
			c := Client{
				Targets:  []Target{{URL: scheme + "://" + address, Agent: "enemy", Options: hastily(opening)}},
				Cases:    hostileCases(opening),
				Parallel: 1,
				TLS:      &tls.Config{InsecureSkipVerify: true},
			}
			report, err := c.Run(t.Context())
			if err != nil {
				return err
			}
			for _, c := range c.Cases {
				if r := report.Get("enemy", c.ID); r == nil {
					err = errors.Join(err, fmt.Errorf("case %s has no result", c.ID))
				} else if r.Good() {
					err = errors.Join(err, fmt.Errorf("case %s: %s (%s), %s (%s)", c.ID, r.Behavior, r.Reason, r.BehaviorClose, r.ReasonClose))
				}
			}
			return err
		}
	}
	config, rows := hostileTLS(t), map[string]func(net.Listener) error{}
	for name, do := range hostileFrames {
		opened := func(h *enemy) {
			if h.opensAs() {
				do(h)
			}
		}
		rows[name] = run("ws", nil, ampleTime, opened)
		if slices.Contains(overTLS, name) {
			rows[name+" over TLS"] = run("wss", config, ampleTime, opened)
		}
	}
	for name, do := range hostileOpenings {
		rows["begins with: "+name] = run("ws", nil, shortTime, do)
		rows["begins, where TLS should, with: "+name] = run("wss", nil, shortTime, do)
	}
	sideBySide(t, rows)
}

// Whatever a client does, each case ends, and so does the server.
func TestHostileClients(t *testing.T) {
	// do does what it does on a connection, and says whether a case has begun on it.
	run := func(config *tls.Config, opening time.Duration, do func(h *enemy, url string) bool) func(ln net.Listener) error {
		return func(ln net.Listener) error {
			address := ln.Addr().String()
			if config != nil {
				ln = tls.NewListener(ln, config)
			}
			finished := make(chan *Result, 1)
			s := Server{Cases: CasesFor(hostileCases(opening), Clients), Options: hastily(opening), Finished: func(r *Result) { finished <- r }}
			ctx, stop := context.WithCancel(t.Context())
			defer stop()
			ended := make(chan error, 1)
			go func() {
				_, err := s.Serve(ctx, ln)
				ended <- err
			}()
			for _, c := range s.Cases {
				nc, err := net.Dial("tcp", address)
				if err != nil {
					return err
				}
				over, done := make(chan struct{}), make(chan bool, 1)
				h := &enemy{nc: nc, client: true, over: over}
				if config != nil {
					h.nc = tls.Client(nc, &tls.Config{InsecureSkipVerify: true})
				}
				h.br = bufio.NewReader(h.nc)
				go func() { done <- do(h, "ws://"+address+"/runCase?agent=a&casetuple="+c.ID) }()
				var r *Result
				select {
				case r = <-finished:
				case began := <-done:
					done <- began
					if nc.Close(); began {
						r = <-finished
					}
				}
				close(over)
				nc.Close()
				<-done
				if r != nil && r.Case != c {
					return fmt.Errorf("found a result of case %s and not %s", r.Case.ID, c.ID)
				}
			}
			stop()
			return <-ended
		}
	}
	config, rows := hostileTLS(t), map[string]func(net.Listener) error{}
	for name, do := range hostileFrames {
		opened := func(h *enemy, url string) bool {
			u, err := handshake.ParseURL(url)
			if err != nil {
				panic(err)
			}
			b, err := (&handshake.Offer{URL: u, Extensions: []handshake.Extension{{Name: deflate.Name}}}).AppendRequest(nil)
			if err != nil {
				panic(err)
			}
			h.say(b)
			if _, err := http.ReadResponse(h.br, nil); err != nil {
				return false
			}
			do(h)
			return true
		}
		rows[name] = run(nil, ampleTime, opened)
		if slices.Contains(overTLS, name) {
			rows[name+" over TLS"] = run(config, ampleTime, opened)
		}
	}
	for name, do := range hostileOpenings {
		begins := func(h *enemy, _ string) bool {
			if t, ok := h.nc.(*tls.Conn); ok {
				h.nc = t.NetConn()
				h.br = bufio.NewReader(h.nc)
			}
			do(h)
			return false
		}
		rows["begins with: "+name] = run(nil, shortTime, begins)
		rows["begins, where TLS should, with: "+name] = run(config, shortTime, begins)
	}
	sideBySide(t, rows)
}
