package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/url"
	"time"

	"github.com/idlewire/idlewire/deflate"
	"github.com/idlewire/idlewire/fuzz"
	"github.com/idlewire/idlewire/handshake"
)

// maxRequest is how long a client may take over its request.
const maxRequest = 10 * time.Second

// A listener is the source to which clients come.
type listener struct {
	ln    net.Listener
	ready chan *link
	wrong chan error
	deny  bool        // no compression is agreed on
	tls   *tls.Config // nil: ws
}

// listen opens the port of a URL; 0 is any that is free.
func listen(raw string, deny bool) (*listener, error) {
	u, err := url.Parse(raw)
	if err != nil || u.Scheme != "ws" && u.Scheme != "wss" || u.Port() == "" || u.User != nil {
		return nil, errors.New("-listen wants ws://host:port, or wss://host:port")
	}
	s := &listener{ready: make(chan *link), wrong: make(chan error, 1), deny: deny}
	if u.Scheme == "wss" {
		if s.tls, err = selfSigned(u.Hostname()); err != nil {
			return nil, err
		}
	}
	s.ln, err = net.Listen("tcp", u.Host)
	return s, err
}

func (s *listener) role() fuzz.Role { return fuzz.Client }

// serve opens connections until ctx ends. What cannot wait for its session waits in the listener's queue.
func (s *listener) serve(ctx context.Context) {
	stop := context.AfterFunc(ctx, func() { s.ln.Close() })
	defer stop()
	slots := make(chan struct{}, 64)
	for {
		select {
		case slots <- struct{}{}:
		case <-ctx.Done():
			return
		}
		nc, err := s.ln.Accept()
		if err != nil {
			if ctx.Err() != nil || errors.Is(err, net.ErrClosed) {
				return
			}
			<-slots
			select {
			case <-time.After(100 * time.Millisecond): // such as too many open files
			case <-ctx.Done():
			}
			continue
		}
		go func() {
			defer func() { <-slots }()
			if s.tls != nil {
				nc = tls.Server(nc, s.tls)
			}
			l, err := s.shake(nc)
			if err != nil {
				nc.Close()
				select {
				case s.wrong <- err:
				default:
				}
				return
			}
			select {
			case s.ready <- l:
			case <-ctx.Done():
				nc.Close()
			}
		}()
	}
}

// shake answers a request (4.2).
func (s *listener) shake(nc net.Conn) (*link, error) {
	nc.SetDeadline(time.Now().Add(maxRequest))
	var r handshake.Request
	var got []byte
	b := make([]byte, 4096)
	for {
		n, err := nc.Read(b)
		got = append(got, b[:n]...)
		rest, done, bad := r.Receive(b[:n])
		if bad == nil && !done {
			if err != nil {
				return nil, &openingError{0, "the request ends before its head does", got}
			}
			continue
		}
		var to, from *fuzz.Deflate
		ill := false // an offer of compression
		u := handshake.Upgrader{
			CheckOrigin: func(*handshake.Request) bool { return true },
			Extensions: func(_ *handshake.Request, offers []handshake.Extension) []handshake.Extension {
				if s.deny {
					return nil
				}
				for _, e := range offers {
					p, ok := deflate.ParseParams(e)
					if e.Name == "permessage-deflate" && !ok {
						ill = true
					}
					if e.Name != "permessage-deflate" || !ok {
						continue
					}
					answer := answerTo(p)
					to = &fuzz.Deflate{Bits: orElse(answer.ServerMaxWindowBits, 15), Takeover: !answer.ServerNoContextTakeover}
					from = &fuzz.Deflate{Bits: orElse(answer.ClientMaxWindowBits, 15), Takeover: !answer.ClientNoContextTakeover}
					return []handshake.Extension{answer.Extension()}
				}
				return nil
			},
		}
		if bad != nil {
			nc.Write(handshake.AppendRefusal(nil, bad))
			return nil, &openingError{0, bad.Error(), got}
		}
		response, bad := u.AppendResponse(nil, &r)
		if _, err := nc.Write(response); err != nil {
			return nil, err
		}
		if bad != nil {
			return nil, &openingError{0, bad.Error(), got}
		}
		nc.SetDeadline(time.Time{})
		l := newLink(nc, append([]byte(nil), rest...))
		l.remarks = s.remarks(&r, ill)
		l.role, l.to, l.from = fuzz.Client, to, from
		if to != nil {
			l.offer = "permessage-deflate"
		}
		go l.read()
		return l, nil
	}
}

// url is where clients have to come to.
func (s *listener) url() string {
	scheme := "ws"
	if s.tls != nil {
		scheme = "wss"
	}
	return scheme + "://" + s.ln.Addr().String()
}

// remarks are what is wrong with a request, and no reason to refuse it.
func (s *listener) remarks(r *handshake.Request, ill bool) (all []*finding) {
	if ill { // the server declines (RFC 7692, 7.1), and goes on without
		all = append(all, &finding{class: broken, section: "RFC 7692 7.1", rule: "the parameters of an offer are those that the RFC defines, once each, with their values", kind: "offers others"})
	}
	_, port, err := net.SplitHostPort(s.ln.Addr().String())
	if err != nil {
		return all
	}
	u := url.URL{Host: string(r.Host())}
	named := u.Port()
	if named == "" {
		named = "80"
		if s.tls != nil {
			named = "443"
		}
	}
	if named != port { // or the way here has another port at its beginning
		all = append(all, &finding{class: odd, section: "4.1", rule: "Host has the port of the server, if that is not the default", kind: "has another"})
	}
	return all
}

// answerTo is what is agreed to of an offer: what the client asks for, and no more.
func answerTo(p deflate.Params) deflate.Params {
	if p.ClientMaxWindowBits == deflate.Any {
		p.ClientMaxWindowBits = 15
	}
	return p
}

func orElse(n, otherwise int) int {
	if n == 0 {
		return otherwise
	}
	return n
}

// open returns the next client that comes. The offer is the client's.
func (s *listener) open(ctx context.Context, _ string, patience time.Duration) (*link, error) {
	timer := time.NewTimer(patience)
	defer timer.Stop()
	select {
	case l := <-s.ready:
		return l, nil
	case err := <-s.wrong:
		return nil, err
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-timer.C:
		return nil, fmt.Errorf("no client came within %v", patience)
	}
}
