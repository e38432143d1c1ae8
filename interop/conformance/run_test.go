package conformance

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/gorilla/websocket"

	"github.com/idlewire/idlewire/autobahn"
)

// TestPeers plays the quick sections with every peer. The rest is for cmd/peers.
func TestPeers(t *testing.T) {
	cases, err := autobahn.Select(autobahn.Cases(), []string{"1.*", "2.*", "3.*", "4.*", "5.*", "6.1.*", "6.2.*", "6.3.*", "6.4.*", "7.*", "9.7.2", "10.*"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	f := facts(t)
	for _, p := range Peers() {
		t.Run(p.Name, func(t *testing.T) {
			run, err := Play(t.Context(), p, cases, 0, nil)
			withoutNode(t, err)
			if err != nil {
				t.Fatal(err)
			}
			if (len(run.Rows) == 0) != (p.Only != nil) {
				t.Fatalf("%d cases", len(run.Rows))
			}
			c := Compare(run, f)
			t.Log(c.Summary())
			for _, d := range c.Unexplained() {
				t.Errorf("%s: %v, want %v", d.Case, d.Got, d.Want)
			}
		})
	}
}

// TestAPeerThatIsWrong: a comparison that cannot fail is worth nothing.
func TestAPeerThatIsWrong(t *testing.T) {
	cases, err := autobahn.Select(autobahn.Cases(), []string{"1.1.2", "1.1.3", "1.1.4", "1.1.5", "2.2", "7.1.1"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	p := &Peer{Name: "gorilla", Start: func() (*Running, error) {
		u := websocket.Upgrader{}
		return underHTTP(func(w http.ResponseWriter, r *http.Request) {
			c, err := u.Upgrade(w, r, nil)
			if err != nil {
				return
			}
			c.SetPingHandler(func(string) error { return nil }) // no pong: 2.2
			l := shortLink{gorillaLink{c}}
			echo(l, checked)
		})
	}}
	run, err := Play(t.Context(), p, cases, 0, nil)
	if err != nil {
		t.Fatal(err)
	}
	var wrong []string
	for _, d := range Compare(run, facts(t)).Unexplained() {
		wrong = append(wrong, d.Case)
	}
	if got := strings.Join(wrong, " "); got != "1.1.5 2.2" {
		t.Error("wrong:", got)
	}
}

// A shortLink cuts messages down to 127 octets.
type shortLink struct{ gorillaLink }

func (l shortLink) write(text bool, b []byte) error {
	return l.gorillaLink.write(text, b[:min(len(b), 127)])
}

// TestPlayEnds: when the context ends, so does everything else, and what was played is there.
func TestPlayEnds(t *testing.T) {
	for _, name := range []string{"gorilla", "gorilla-client", "npm-ws-client"} {
		t.Run(name, func(t *testing.T) {
			for _, p := range Peers() {
				if p.Name != name {
					continue
				}
				ctx, cancel := context.WithCancel(t.Context())
				run, err := Play(ctx, p, autobahn.Cases(), 1, func(r *autobahn.Result) {
					if r.Case.ID == "1.1.3" {
						cancel()
					}
				})
				cancel()
				withoutNode(t, err)
				if !errors.Is(err, context.Canceled) {
					t.Error("error:", err)
				}
				if n := len(run.Rows); n < 3 || n > 100 {
					t.Errorf("%d cases", n)
				}
			}
		})
	}
}

// TestAClientIsAskedAgain: what was not OK among others runs once more, and that verdict stands.
func TestAClientIsAskedAgain(t *testing.T) {
	cases, err := autobahn.Select(autobahn.Cases(), []string{"1.1.2", "1.1.5", "7.1.1"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	calls := 0
	p := &Peer{Name: "x", Play: func(ctx context.Context, base, agent string, parallel int) error {
		calls++
		short := calls == 1
		return play(func(ctx context.Context, url string) (link, func([]byte) bool, error) {
			l, valid, err := dialGorilla(ctx, url)
			if err == nil && short {
				l = shortLink{l.(gorillaLink)}
			}
			return l, valid, err
		})(ctx, base, agent, parallel)
	}}
	var played []string
	run, err := Play(t.Context(), p, cases, 2, func(r *autobahn.Result) { played = append(played, r.Case.ID) })
	if err != nil {
		t.Fatal(err)
	}
	if calls != 2 || len(played) != 4 || played[3] != "1.1.5" {
		t.Errorf("%d visits, for %q", calls, played)
	}
	run.EachNotOK(func(id string, row Row) { t.Error(id, row) })
}
