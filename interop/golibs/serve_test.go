package golibs

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"
	"unicode/utf8"
)

const serverLimit = 1 << 20

// A libServer is a server built from one library. What a path does:
//
//	/goodbye?code=C&reason=R  after the first message: Close, and nothing else
//	/ping                     a ping with each message's payload; when the pong is there, the text "pong"
//	/fragments                echoes in fragments, with a ping between
//	/big?n=N                  after the first message: N octets of binary
//	/dirty                    after the first message: text that is not UTF-8
//	/vanish                   after the first message: the end of TCP, without Close
//	/deflate?deflate=KNOBS    agrees on compression as the knobs say, and echoes as answer does
//	/refuse, /refuse-long     418 with a header and a body, the long one of 4000 octets
//	/moved                    302 to /
//	any other                 echo
type libServer struct {
	url  string // ws://host:port
	stop func() error
}

// refuses returns how the opening handshake for this target is refused, if it is.
func refuses(target string) (status int, body string, ok bool) {
	path, _, _ := strings.Cut(target, "?")
	switch path {
	case "/refuse":
		return http.StatusTeapot, "short and stout\n", true
	case "/refuse-long":
		return http.StatusTeapot, strings.Repeat("0123456789", 400), true
	case "/moved":
		return http.StatusFound, "", true
	}
	return 0, "", false
}

func refusalHeader(target string) http.Header {
	h := http.Header{"X-Why": {"teapot"}}
	if strings.HasPrefix(target, "/moved") {
		h.Set("Location", "/")
	}
	return h
}

// serve does what the path wants until the connection ends.
func serve(p *peer, target string) {
	defer p.drop()
	u, err := url.ParseRequestURI(target)
	if err != nil {
		return
	}
	for {
		op, b, err := p.receive()
		if err != nil {
			return
		}
		if op == opText && !utf8.Valid(b) { // 8.1: gorilla and coder leave it to the program
			p.goodbye(1007, "text is not UTF-8")
			p.waitEnd()
			return
		}
		switch q := u.Query(); u.Path {
		case "/goodbye":
			code, _ := strconv.Atoi(q.Get("code"))
			p.goodbye(code, q.Get("reason"))
			p.waitEnd()
			return
		case "/ping":
			err = p.ping(b)
			if e := p.next(); err == nil && e.op == opPong {
				err = p.send(opText, []byte("pong"))
			}
		case "/fragments":
			err = p.fragments(op, cut(b, 5), func() error { return p.ping([]byte("between")) })
		case "/big":
			n, _ := strconv.Atoi(q.Get("n"))
			err = p.send(opBinary, make([]byte, n))
		case "/dirty":
			err = p.send(opText, []byte("abc\xed\xa0\x80def"))
		case "/vanish":
			return
		case "/deflate":
			err = answer(p.link, op, b)
		default:
			err = p.send(op, b)
		}
		if err != nil {
			p.waitEnd()
			return
		}
	}
}

// A counter waits for the handlers of a server.
type counter struct{ wg sync.WaitGroup }

func (c *counter) wait() error {
	done := make(chan struct{})
	go func() { c.wg.Wait(); close(done) }()
	select {
	case <-done:
		return nil
	case <-time.After(10 * time.Second):
		return errors.New("a handler of the server has not returned: its connection was not closed")
	}
}

// serveHTTP serves with a library that sits on net/http.
func serveHTTP(accept func(http.ResponseWriter, *http.Request, int64) (*peer, error), secure bool) (*libServer, *httptest.Server) {
	var c counter
	h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if status, body, ok := refuses(r.URL.Path); ok {
			for k, v := range refusalHeader(r.URL.Path) {
				w.Header()[k] = v
			}
			w.WriteHeader(status)
			fmt.Fprint(w, body)
			return
		}
		c.wg.Add(1)
		defer c.wg.Done()
		limit := int64(serverLimit)
		if r.URL.Path == "/deflate" {
			limit *= 2 // gorilla and gws count what is compressed, and noise grows
		}
		if p, err := accept(w, r, limit); err == nil {
			serve(p, r.RequestURI)
		}
	})
	var s *httptest.Server
	if secure {
		s = httptest.NewTLSServer(h)
	} else {
		s = httptest.NewServer(h)
	}
	return &libServer{strings.Replace(s.URL, "http", "ws", 1), func() error { s.Close(); return c.wait() }}, s
}

// serveGobwas serves raw connections.
func serveGobwas() (*libServer, error) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	var c counter
	go func() {
		for {
			nc, err := ln.Accept()
			if err != nil {
				return
			}
			c.wg.Go(func() {
				p, target, err := acceptGobwas(nc, serverLimit)
				if err != nil {
					nc.Close()
					return
				}
				serve(p, target)
			})
		}
	}()
	return &libServer{"ws://" + ln.Addr().String(), func() error { ln.Close(); return c.wait() }}, nil
}
