package golibs

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"
)

// limitChecks: the server takes messages of up to limit octets and fails the connection with 1009 beyond, 7.4.1.
func limitChecks() []check {
	return []check{
		{"limit/exactly", func(s *stage) error { return echoOne(s, opBinary, s.limit) }},
		{"limit/one more", func(s *stage) error {
			return tooBig(s, func(p *peer) error { return p.send(opBinary, make([]byte, s.limit+1)) })
		}},
		{"limit/one more, text", func(s *stage) error {
			return tooBig(s, func(p *peer) error { return p.send(opText, make([]byte, s.limit+1)) })
		}},
		{"limit/one more, in fragments", func(s *stage) error {
			return tooBig(s, func(p *peer) error { return p.fragments(opBinary, cut(make([]byte, s.limit+1), 8), nil) })
		}},
		{"limit/eight times", func(s *stage) error {
			return tooBig(s, func(p *peer) error { return p.send(opBinary, make([]byte, 8*s.limit)) })
		}},
	}
}

// tooBig: the client may still be writing when the server closes. It must see the Close all the same, and so the server has to take what comes until the client
// ends TCP: a reset in the middle of a write makes some clients, ws of Node among them, tell of 1006 although 1009 is there to be read.
func tooBig(s *stage, send func(*peer) error) error {
	p, err := s.open("/", opts{})
	if err != nil {
		return err
	}
	p.wild = true // the message may break off when Close is answered
	p.t.linger.Store(true)
	sent := send(p)
	if err := finishClosing(p, 1009); err != nil {
		return errors.Join(err, sent)
	}
	return nil
}

// handshakeChecks are opening handshakes that the server must take or refuse.
func handshakeChecks() []check {
	return []check{
		{"origin/same", func(s *stage) error {
			p, err := s.open("/", opts{origin: "http://" + s.host()})
			if err != nil {
				return err
			}
			if err := p.send(opText, []byte("home")); err != nil {
				return err
			}
			return p.expect(opText, []byte("home"))
		}},
		{"origin/foreign", func(s *stage) error { return foreign(s, "http://evil.example") }},
		{"origin/foreign that begins alike", func(s *stage) error { return foreign(s, "http://"+s.host()+".evil.example") }},
		{"origin/null", func(s *stage) error { return foreign(s, "null") }},
		{"http/plain GET", func(s *stage) error { return plain(s, http.MethodGet, nil, 400, 426) }},
		{"http/POST", func(s *stage) error { return plain(s, http.MethodPost, upgrade("13"), 400, 405) }},
		{"http/version 8", func(s *stage) error { return plain(s, http.MethodGet, upgrade("8"), 426) }},
		{"http/no key", func(s *stage) error {
			h := upgrade("13")
			h.Del("Sec-Websocket-Key")
			return plain(s, http.MethodGet, h, 400)
		}},
	}
}

// foreign: 10.2, 4.2.2: 403 to an origin that is not welcome.
func foreign(s *stage, origin string) error {
	_, err := s.open("/", opts{origin: origin})
	var r *refusal
	if !errors.As(err, &r) {
		return fmt.Errorf("origin %s: %v, want a refusal", origin, err)
	}
	if r.status != http.StatusForbidden {
		return fmt.Errorf("origin %s: status %d, want 403", origin, r.status)
	}
	return nil
}

func upgrade(version string) http.Header {
	return http.Header{
		"Connection": {"Upgrade"}, "Upgrade": {"websocket"},
		"Sec-Websocket-Key": {"dGhlIHNhbXBsZSBub25jZQ=="}, "Sec-Websocket-Version": {version},
	}
}

// plain: net/http's own client asks for something that is no opening handshake.
func plain(s *stage, method string, h http.Header, want ...int) error {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, method, strings.Replace(s.url, "ws", "http", 1), nil)
	if err != nil {
		return err
	}
	if h != nil {
		req.Header = h
	}
	tr := &http.Transport{}
	defer tr.CloseIdleConnections()
	resp, err := tr.RoundTrip(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	for _, code := range want {
		if resp.StatusCode != code {
			continue
		}
		if v := resp.Header.Get("Sec-Websocket-Version"); code == 426 && v != "13" { // 4.4
			return fmt.Errorf("status 426 with Sec-WebSocket-Version %q, want 13", v)
		}
		if v := resp.Header.Get("Upgrade"); code == 426 && !strings.EqualFold(v, "websocket") { // RFC 9110, 15.5.22: MUST
			return fmt.Errorf("status 426 with Upgrade %q, want websocket", v)
		}
		return nil
	}
	return fmt.Errorf("status %d, want one of %v", resp.StatusCode, want)
}
