package golibs

import (
	"bytes"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
)

// dialChecks are what a client must do with a server that begins: goodbyes, pings, fragments, refusals. See libServer for the paths.
func dialChecks(limit int) (all []check) {
	add := func(name string, run func(*stage) error) { all = append(all, check{name, run}) }
	for _, g := range []goodbye{{1000, ""}, {1000, "bye"}, {1001, "going-away"}, {3001, "tschüß"}, {4999, strings.Repeat("r", 123)}, {1005, ""}} {
		add(fmt.Sprintf("server/close %d with %d octets", g.code, len(g.reason)), func(s *stage) error { return serverCloses(s, g) })
	}
	add("server/ping", serverPings)
	add("server/fragments", serverFragments)
	add("server/vanishes", serverVanishes)
	add("server/too big", func(s *stage) error { return clientCloses(s, fmt.Sprintf("/big?n=%d", limit+1), 1009) })
	add("server/exactly the limit", func(s *stage) error { return bigOne(s, limit) })
	add("server/text that is not UTF-8", func(s *stage) error { return clientCloses(s, "/dirty", 1007) })
	add("handshake/subprotocol", subprotocol)
	add("handshake/headers", headers)
	add("handshake/refused", func(s *stage) error { return refusedWith(s, "/refuse") })
	add("handshake/refused with a long body", func(s *stage) error { return refusedWith(s, "/refuse-long") })
	add("handshake/moved", moved)
	return all
}

// begin opens path and says a word, upon which the server begins.
func begin(s *stage, path string) (*peer, error) {
	p, err := s.open(path, opts{})
	if err != nil {
		return nil, err
	}
	return p, p.send(opText, []byte("go"))
}

// serverCloses: the client answers with the same code, tells the program code and reason, and lets the server end TCP, 5.5.1, 7.1.1.
func serverCloses(s *stage, g goodbye) error {
	p, err := begin(s, fmt.Sprintf("/goodbye?code=%d&reason=%s", g.code, url.QueryEscape(g.reason)))
	if err != nil {
		return err
	}
	p.t.linger.Store(true)
	end := p.waitEnd()
	var told *goodbye
	if !errors.As(end, &told) {
		return fmt.Errorf("the client tells of %v, want a goodbye", end)
	}
	if told.code != g.code || told.reason != g.reason {
		return fmt.Errorf("the client tells of %v, want %d %q", told, g.code, g.reason)
	}
	p.drop()
	code, _, ok := closeOf(p.t.sent())
	if !ok || code != g.code {
		return fmt.Errorf("the client answered with Close %d (%v), want %d", code, ok, g.code)
	}
	return p.t.ended()
}

func serverPings(s *stage) error {
	p, err := s.open("/ping", opts{})
	if err != nil {
		return err
	}
	for _, n := range []int{0, 1, 125} {
		if err := p.send(opBinary, sample(opBinary, n)); err != nil {
			return err
		}
		if err := p.expect(opText, []byte("pong")); err != nil {
			return err
		}
	}
	pings, pongs := payloadsOf(p.t.received(), opPing), payloadsOf(p.t.sent(), opPong)
	if len(pings) != 3 || len(pongs) != 3 {
		return fmt.Errorf("%d pings, %d pongs", len(pings), len(pongs))
	}
	for i := range pings {
		if err := same(pongs[i], pings[i]); err != nil {
			return fmt.Errorf("5.5.3: pong: %w", err)
		}
	}
	return nil
}

func serverFragments(s *stage) error {
	p, err := s.open("/fragments", opts{})
	if err != nil {
		return err
	}
	for _, op := range []byte{opText, opBinary} {
		for _, n := range []int{300, 70000} {
			if err := p.send(op, sample(op, n)); err != nil {
				return err
			}
			if err := p.expect(op, sample(op, n)); err != nil {
				return err
			}
		}
	}
	if first := firstData(p.t.received()); first.fin {
		return fmt.Errorf("%w: the server sent one frame", errNotOffered)
	}
	if n := len(payloadsOf(p.t.received(), opPing)); n != 4 {
		return fmt.Errorf("%d pings came, want 4", n)
	}
	if err := p.send(opText, []byte("x")); err != nil { // so that the last pong has left
		return err
	}
	if err := p.expect(opText, []byte("x")); err != nil {
		return err
	}
	if n := len(payloadsOf(p.t.sent(), opPong)); n < 4 {
		return fmt.Errorf("5.5.2: %d pongs to 4 pings", n)
	}
	return nil
}

func firstData(frames []wireFrame) wireFrame {
	for _, f := range frames {
		if f.op < opClose {
			return f
		}
	}
	return wireFrame{fin: true}
}

// serverVanishes: 7.1.5: without a Close there is no goodbye to tell of.
func serverVanishes(s *stage) error {
	p, err := begin(s, "/vanish")
	if err != nil {
		return err
	}
	end := p.waitEnd()
	if g := (*goodbye)(nil); errors.As(end, &g) {
		return fmt.Errorf("the client tells of %v; there was none", g)
	}
	return nil
}

// clientCloses: the client fails the connection with this code, 7.1.7.
func clientCloses(s *stage, path string, want int) error {
	p, err := begin(s, path)
	if err != nil {
		return err
	}
	end := p.waitEnd()
	if g := (*goodbye)(nil); errors.As(end, &g) {
		return fmt.Errorf("the client tells of %v; the fault was the server's own", g)
	}
	if code, _, ok := closeOf(p.t.sent()); !ok || code != want {
		return fmt.Errorf("the client sent Close %d (%v), want %d; it tells of %v", code, ok, want, end)
	}
	p.dirty = path == "/dirty"
	return nil
}

func bigOne(s *stage, n int) error {
	p, err := begin(s, fmt.Sprintf("/big?n=%d", n))
	if err != nil {
		return err
	}
	return p.expect(opBinary, make([]byte, n))
}

// subprotocol: the server knows chat.v2 only.
func subprotocol(s *stage) error {
	p, err := s.open("/", opts{protocols: []string{"chat.v3", "chat.v2", "chat.v1"}})
	if err != nil {
		return err
	}
	if p.protocol != "chat.v2" {
		return fmt.Errorf("subprotocol %q, want chat.v2", p.protocol)
	}
	return nil
}

// headers: the server answers X-Ask in X-Answer.
func headers(s *stage) error {
	p, err := s.open("/", opts{header: http.Header{"X-Ask": {"a value, with comma"}, "Cookie": {"a=b; c=d"}}})
	if err != nil {
		return err
	}
	if !bytes.Contains([]byte(p.t.head()), []byte("X-Answer: a value, with comma\r\n")) {
		return fmt.Errorf("the header did not arrive as it was given: %q", p.t.head())
	}
	return nil
}

func refusedWith(s *stage, path string) error {
	_, err := s.open(path, opts{})
	var r *refusal
	if !errors.As(err, &r) {
		return fmt.Errorf("%v, want a refusal", err)
	}
	status, body, _ := refuses(path)
	if r.status != status {
		return fmt.Errorf("status %d, want %d", r.status, status)
	}
	if v := r.header.Get("X-Why"); v != "teapot" {
		return fmt.Errorf("header X-Why is %q, want teapot", v)
	}
	return same(r.body, []byte(body[:min(len(body), 1024)]))
}

// moved: by default no redirect is followed.
func moved(s *stage) error {
	_, err := s.open("/moved", opts{})
	if err == nil {
		return fmt.Errorf("%w: the library followed the redirect", errNotOffered)
	}
	var r *refusal
	if !errors.As(err, &r) || r.status != http.StatusFound || r.header.Get("Location") != "/" {
		return fmt.Errorf("%v, want 302 with its Location", err)
	}
	return nil
}
