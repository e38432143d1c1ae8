package conformance

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gorilla/websocket"
)

// patience is for one conversation. Nothing waits for it to pass.
const patience = 60 * time.Second

// withoutNode skips a test that lacks Node, if INTEROP_WITHOUT_NODE=1 allows it.
func withoutNode(t *testing.T, err error) {
	t.Helper()
	if errors.Is(err, ErrNoNode) && os.Getenv("INTEROP_WITHOUT_NODE") == "1" {
		t.Skip(err)
	}
}

// said is one message of a conversation.
type said struct {
	kind int
	b    []byte
}

// conversation is what every peer has to echo.
func conversation() []said {
	text := "wire Ωλ 線路 🧵 "
	return []said{
		{websocket.TextMessage, []byte(text)},
		{websocket.BinaryMessage, []byte{0, 0xff, 0xc0}},
		{websocket.TextMessage, nil},
		{websocket.TextMessage, []byte(strings.Repeat(text, 10000))},
		{websocket.BinaryMessage, bytes.Repeat([]byte{0xfe, 1, 2, 3}, maxMessage/4)},
	}
}

// hold sends what a peer has to echo, and a text that is not UTF-8.
func hold(c *websocket.Conn) error {
	c.SetReadDeadline(time.Now().Add(patience))
	c.SetWriteDeadline(time.Now().Add(patience))
	for i, m := range conversation() {
		written := make(chan error, 1)
		go func() { written <- c.WriteMessage(m.kind, m.b) }() // a peer that streams wants to be read from before the message has ended
		kind, b, err := c.ReadMessage()
		if err != nil {
			c.Close()
			return fmt.Errorf("echo %d: %w", i, errors.Join(err, <-written))
		}
		if err := <-written; err != nil {
			return fmt.Errorf("message %d: %w", i, err)
		}
		if kind != m.kind || !bytes.Equal(b, m.b) {
			return fmt.Errorf("message %d, kind %d, %d octets, came back as kind %d, %d octets", i, m.kind, len(m.b), kind, len(b))
		}
	}
	if err := c.WriteMessage(websocket.TextMessage, []byte("abc\xed\xa0\x80def")); err != nil {
		return err
	}
	_, _, err := c.ReadMessage()
	if err == nil {
		err = errNotChecked
	}
	return &ending{err}
}

var errNotChecked = errors.New("it came back")

// An ending is what followed text that is not UTF-8, after all else was as it should.
type ending struct{ error }

// otherEnds are how peers end where they find text that is not UTF-8, if it is not a Close 1007.
var otherEnds = map[string]func(error) bool{
	"gobwas-wsutil": func(err error) bool {
		return !errors.As(err, new(*websocket.CloseError)) || websocket.IsCloseError(err, websocket.CloseAbnormalClosure)
	}, // it drops TCP
	"gobwas-wsflate": func(err error) bool { return errors.Is(err, errNotChecked) },
	"nbio":           func(err error) bool { return websocket.IsCloseError(err, websocket.CloseProtocolError) },
}

func judge(t *testing.T, p *Peer, err error) {
	t.Helper()
	good := otherEnds[p.Name]
	if good == nil {
		good = func(err error) bool { return websocket.IsCloseError(err, websocket.CloseInvalidFramePayloadData) }
	}
	var end *ending
	if !errors.As(err, &end) {
		t.Fatal(err)
	}
	if !good(end.error) {
		t.Fatal("text that is not UTF-8:", err)
	}
}

func TestServers(t *testing.T) {
	for _, p := range Peers() {
		if p.Client() {
			continue
		}
		t.Run(p.Name, func(t *testing.T) {
			r, err := p.Start()
			withoutNode(t, err)
			if err != nil {
				t.Fatal(err)
			}
			defer func() {
				if err := r.Stop(); err != nil {
					t.Error("stop:", err)
				}
			}()
			d := websocket.Dialer{HandshakeTimeout: patience, EnableCompression: true}
			c, _, err := d.Dial(r.URL, nil)
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			judge(t, p, hold(c))

			c, _, err = d.Dial(r.URL, nil)
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			c.SetReadDeadline(time.Now().Add(patience))
			c.WriteMessage(websocket.CloseMessage, websocket.FormatCloseMessage(websocket.CloseNormalClosure, "bye"))
			if _, _, err := c.ReadMessage(); !websocket.IsCloseError(err, websocket.CloseNormalClosure) {
				t.Fatal("Close 1000 was answered with", err)
			}
		})
	}
}

// TestWithoutCompression: the one peer that will not speak without it.
func TestWithoutCompression(t *testing.T) {
	r, err := startGobwasFlate()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Stop()
	c, _, err := websocket.DefaultDialer.Dial(r.URL, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	c.SetReadDeadline(time.Now().Add(patience))
	if _, _, err := c.ReadMessage(); err == nil || websocket.IsCloseError(err, websocket.CloseNormalClosure) {
		t.Fatal("it did not drop TCP:", err)
	}
}

// A visited server plays the suite's part: it has three cases, and writes down who came for what.
type visited struct {
	running sync.WaitGroup

	mu    sync.Mutex     // guards the fields below
	cases map[string]int // by path and number
	ends  []error
	bad   []string
}

func (v *visited) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	v.running.Add(1)
	defer v.running.Done()
	v.mu.Lock()
	if v.cases == nil {
		v.cases = map[string]int{}
	}
	v.cases[r.URL.Path+" "+r.URL.Query().Get("case")]++
	if agent := r.URL.Query().Get("agent"); r.URL.Path != "/getCaseCount" && agent != "a b&c" {
		v.bad = append(v.bad, agent)
	}
	v.mu.Unlock()
	u := websocket.Upgrader{CheckOrigin: func(*http.Request) bool { return true }}
	c, err := u.Upgrade(w, r, nil)
	if err != nil {
		return
	}
	defer c.Close()
	bye := func() {
		c.WriteMessage(websocket.CloseMessage, nil)
		c.SetReadDeadline(time.Now().Add(patience))
		c.ReadMessage()
	}
	switch r.URL.Path {
	case "/getCaseCount":
		c.WriteMessage(websocket.TextMessage, []byte("3"))
		bye()
	case "/runCase":
		err := hold(c)
		v.mu.Lock()
		v.ends = append(v.ends, err)
		v.mu.Unlock()
	case "/updateReports":
		bye()
	}
}

func TestClients(t *testing.T) {
	for _, p := range Peers() {
		if !p.Client() {
			continue
		}
		t.Run(p.Name, func(t *testing.T) {
			var v visited
			r, err := underHTTP(v.ServeHTTP)
			if err != nil {
				t.Fatal(err)
			}
			ctx, cancel := context.WithTimeout(t.Context(), patience)
			defer cancel()
			err = p.Play(ctx, r.URL, "a b&c", 2)
			withoutNode(t, err)
			if err != nil {
				t.Fatal(err)
			}
			r.Stop()
			v.running.Wait()
			v.mu.Lock()
			defer v.mu.Unlock()
			for _, err := range v.ends {
				judge(t, p, err)
			}
			for _, want := range []string{"/runCase 1", "/runCase 2", "/runCase 3", "/getCaseCount ", "/updateReports "} {
				if v.cases[want] != 1 {
					t.Errorf("%q was asked for %d times", want, v.cases[want])
				}
			}
			if len(v.bad) > 0 {
				t.Errorf("agents: %q", v.bad)
			}
		})
	}
}
