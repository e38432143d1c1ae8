package golibs

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"testing"
	"time"
)

// A talk is one row of the matrix: who speaks to whom, with which knobs, and what they have to agree on.
type talk struct {
	client, clientKnobs string
	server, serverKnobs string

	want string // the parameters of the answer, in order of the alphabet; "none" if there is no answer
	long bool   // with messages of 1 MiB
}

func (k talk) name() string {
	return fmt.Sprintf("%s(%s) to %s(%s)", k.client, k.clientKnobs, k.server, k.serverKnobs)
}

// answer is what has to stand in the header.
func (k talk) answer() string {
	switch k.want {
	case "none":
		return ""
	case "":
		return extensionName
	}
	return extensionName + "; " + k.want
}

func (k talk) sizes() []int {
	if k.long {
		return append(deflateSizes[:len(deflateSizes):len(deflateSizes)], longSizes...)
	}
	return deflateSizes
}

// periods are those for the windows that are to be agreed on; for 32 KiB in the long conversations only.
func (k talk) periods() []int {
	all, _, err := readExtensions(http.Header{"Sec-Websocket-Extensions": {k.answer()}})
	bits := []int{9}
	if err == nil && len(all) == 1 {
		bits = append(bits, all[0].serverBits, all[0].clientBits)
	}
	if !k.long {
		bits = slices.DeleteFunc(bits, func(b int) bool { return b == 15 })
	}
	return periods(bits...)
}

// A library is how an end is opened, and what it is known for.
type library struct {
	dial   dialer
	accept func(http.ResponseWriter, *http.Request, int64) (*peer, error)
	is     func(*knobs) end
}

// deflateLibs are those that nobody here wrote.
var deflateLibs = map[string]library{
	"gorilla": {dialGorilla, acceptGorilla, func(*knobs) end { return end{plain: true, parts: true} }},
	"coder": {dialCoder, acceptCoder, func(k *knobs) end {
		if k.threshold > 0 {
			return end{threshold: k.threshold}
		}
		return end{threshold: 512}
	}},
	"gws":    {dialGws, acceptGws, func(k *knobs) end { return end{threshold: max(512, k.threshold)} }},
	"gobwas": {dialGobwasDeflate, acceptGobwasDeflate, func(*knobs) end { return end{plain: true, parts: true} }},
}

// serveDeflate starts a server of each library, whose knobs are in the query of each request.
func serveDeflate(t *testing.T, libs map[string]library) map[string]string {
	urls := map[string]string{}
	for name, lib := range libs {
		s, _ := serveHTTP(lib.accept, false)
		urls[name] = s.url
		t.Cleanup(func() {
			if err := s.stop(); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		})
	}
	return urls
}

// hold holds the conversation of a Go client with a server at a URL, through a relay, and judges it.
func (k talk) hold(t *testing.T, client library, server end, target string) {
	said, judged := k.play(t, client, server, target)
	if said != nil {
		t.Errorf("the client says: %v", said)
	}
	if judged != nil {
		t.Error(judged)
	}
}

// play is hold, and returns what the client has to say of it, and what the judge.
func (k talk) play(t *testing.T, client library, server end, target string) (said, judged error) {
	ck, err := parseKnobs(k.clientKnobs)
	if err != nil {
		t.Fatal(err)
	}
	r := startRelay(t, target)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	query := "deflate=" + url.QueryEscape(k.serverKnobs)
	if k.server == "ws" {
		query = "options=" + url.QueryEscape(k.serverKnobs)
	}
	p, err := client.dial(ctx, r.url+"/deflate?"+query, opts{deflate: ck, patience: relayPatience})
	if err != nil {
		t.Fatal(err)
	}
	said = converse(p, k.sizes(), k.periods())
	p.drop()
	return said, k.judge(t, r, client.is(ck), server)
}

// judge judges the one connection that passed the relay.
func (k talk) judge(t *testing.T, r *relay, client, server end) error {
	t.Helper()
	all := r.upgraded(t)
	if len(all) != 1 {
		t.Fatalf("%d connections passed", len(all))
	}
	c, s, err := all[0].judge(k.answer(), client, server)
	if err == nil {
		err = c.heard(k.sizes())
	}
	for _, d := range []*direction{c, s} {
		n, octets, packed, far := 0, 0, 0, 0
		for _, m := range d.messages {
			n, octets, far = n+len(m.payload), octets+m.octets, max(far, m.farthest)
			if m.packed {
				packed++
			}
		}
		t.Logf("%s: %d messages, %d compressed, %d octets in %d, greatest distance %d of %d", d.name, len(d.messages), packed, n, octets, far, 1<<d.bits)
	}
	return err
}

const (
	both = "server_takeover client_takeover"
	none = "client_no_context_takeover; server_no_context_takeover"
)

// TestDeflateAmongThemselves: the libraries among themselves. It shows that the checks can pass, and what the libraries themselves do.
func TestDeflateAmongThemselves(t *testing.T) {
	urls := serveDeflate(t, deflateLibs)
	for _, k := range []talk{
		{client: "gorilla", server: "gorilla", want: none},
		{client: "gorilla", server: "coder", serverKnobs: both, want: none},
		{client: "coder", clientKnobs: both, server: "gorilla", want: none},
		{client: "coder", clientKnobs: both, server: "coder", serverKnobs: both},
		{client: "coder", server: "gws", serverKnobs: both, want: none, long: true},
		{client: "gws", clientKnobs: both, server: "gws", serverKnobs: both, long: true},
		{client: "gws", clientKnobs: "client_takeover", server: "gws", serverKnobs: "client_takeover server_bits=9 client_bits=10",
			want: "client_max_window_bits=10; server_max_window_bits=9; server_no_context_takeover"},
		{client: "gobwas", clientKnobs: both + " client_bits=10", server: "gws", serverKnobs: both + " server_bits=12 client_bits=10",
			want: "client_max_window_bits=10; server_max_window_bits=12"},
		{client: "gws", clientKnobs: both + " server_bits=9", server: "gobwas", serverKnobs: both + " server_bits=9", want: "server_max_window_bits=9"},
		{client: "gobwas", clientKnobs: both + " client_bits=9", server: "gobwas", serverKnobs: both + " server_bits=11 client_bits=9",
			want: "client_max_window_bits=9; server_max_window_bits=11"},
		{client: "gobwas", clientKnobs: "", server: "gorilla", want: none, long: true},
		{client: "coder", clientKnobs: "threshold=100", server: "gobwas", want: none},
	} {
		t.Run(k.name(), func(t *testing.T) { k.hold(t, deflateLibs[k.client], libIs(t, k), urls[k.server]) })
	}
}

// libIs is what the server of a talk is known for.
func libIs(t *testing.T, k talk) end {
	if k.server == "ws" {
		return wsIs(t, k.serverKnobs)
	}
	knobs, err := parseKnobs(k.serverKnobs)
	if err != nil {
		t.Fatal(err)
	}
	return deflateLibs[k.server].is(knobs)
}

// TestDeflateNodeAmongThemselves: ws as a client of the libraries' servers, and as a server for their clients.
func TestDeflateNodeAmongThemselves(t *testing.T) {
	urls := serveDeflate(t, deflateLibs)
	urls["ws"] = startNodeDeflate(t)
	t.Run("client", func(t *testing.T) {
		holdNode(t, []talk{
			{client: "ws", clientKnobs: `true`, server: "gws", serverKnobs: both, long: true},
			{client: "ws", clientKnobs: `{"threshold":0}`, server: "gorilla", want: none},
			{client: "ws", clientKnobs: `{"clientNoContextTakeover":true}`, server: "coder", serverKnobs: both, want: "client_no_context_takeover"},
			{client: "ws", clientKnobs: `{"serverMaxWindowBits":10,"clientMaxWindowBits":9,"zlibDeflateOptions":{"level":9,"memLevel":9}}`, server: "gobwas",
				serverKnobs: both + " server_bits=10 client_bits=9", want: "client_max_window_bits=9; server_max_window_bits=10"},
		}, func(k talk) string { return urls[k.server] }, libIs)
	})
	for _, k := range []talk{
		{client: "coder", clientKnobs: both, server: "ws", serverKnobs: `true`, long: true},
		{client: "gobwas", clientKnobs: both + " client_window", server: "ws", serverKnobs: `{"serverMaxWindowBits":9,"clientMaxWindowBits":9,"zlibDeflateOptions":{"level":1,"memLevel":1}}`,
			want: "client_max_window_bits=9; server_max_window_bits=9"},
		{client: "gws", clientKnobs: both, server: "ws", serverKnobs: `{"serverNoContextTakeover":true}`, want: "server_no_context_takeover"},
	} {
		t.Run(k.name(), func(t *testing.T) { k.hold(t, deflateLibs[k.client], libIs(t, k), urls[k.server]) })
	}
}
