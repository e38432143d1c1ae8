package conn

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/idlewire/idlewire/handshake"
)

// A web is a handful of servers, by host and port, that redirect or accept.
type web struct {
	sync.Mutex
	pages map[string]string // host:port/path -> where to, or "" to accept
	seen  []*http.Request
}

func (w *web) dial(ctx context.Context, network, addr string) (net.Conn, error) {
	return script(func(nc net.Conn) {
		br := bufio.NewReader(nc)
		r, err := http.ReadRequest(br)
		if err != nil {
			return
		}
		w.Lock()
		w.seen = append(w.seen, r)
		to, ok := w.pages[addr+r.URL.Path]
		w.Unlock()
		switch {
		case !ok:
			fmt.Fprint(nc, "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n")
		case to == "":
			accept := string(handshake.AppendAccept(nil, []byte(r.Header.Get("Sec-WebSocket-Key"))))
			fmt.Fprintf(nc, "HTTP/1.1 101 Fine\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: %s\r\n\r\n", accept)
			br.ReadByte()
		default:
			fmt.Fprintf(nc, "HTTP/1.1 302 Found\r\nLocation: %s\r\nContent-Length: 0\r\n\r\n", strings.TrimPrefix(to, "-"))
		}
	})(ctx, network, addr)
}

// V50: redirects are followed if asked for, and what is secret stays with the origin that it was meant for.
func TestV50Redirects(t *testing.T) {
	pages := map[string]string{
		"a.test:80/":        "",
		"a.test:80/rel":     "/",
		"a.test:80/abs":     "ws://a.test/",
		"a.test:80/http":    "http://a.test:80/",
		"a.test:80/case":    "HTTP://A.test/",
		"a.test:80/other":   "ws://b.test/",
		"a.test:80/port":    "ws://a.test:81/",
		"a.test:80/user":    "ws://other:user@a.test/",
		"a.test:80/back":    "ws://b.test/back",
		"b.test:80/back":    "ws://a.test/",
		"a.test:80/loop":    "/loop",
		"a.test:80/ftp":     "ftp://a.test/",
		"a.test:80/nowhere": "-",
		"a.test:80/bad":     "ws://%zz/",
		"a.test:80/frag":    "/#fragment",
		"a.test:81/":        "",
		"b.test:80/":        "",
	}
	for _, row := range []struct {
		path    string
		max     int
		hosts   string // where the requests went
		secrets bool   // the last of them had the secrets
		status  int    // of the error, if there is one
	}{
		{"/", 0, "a.test", true, 0},
		{"/rel", 0, "a.test", true, 302},
		{"/rel", 1, "a.test a.test", true, 0},
		{"/abs", 1, "a.test a.test", true, 0},
		{"/http", 1, "a.test a.test", true, 0},
		{"/case", 1, "a.test A.test", true, 0},
		{"/frag", 1, "a.test a.test", true, 0},
		{"/user", 1, "a.test a.test", true, 0},
		{"/other", 1, "a.test b.test", false, 0},
		{"/port", 1, "a.test a.test:81", false, 0},
		{"/back", 2, "a.test b.test a.test", false, 0},
		{"/back", 1, "a.test b.test", false, 302},
		{"/loop", 3, "a.test a.test a.test a.test", true, 302},
		{"/ftp", 1, "a.test", true, 302},
		{"/nowhere", 1, "a.test", true, 302},
		{"/bad", 1, "a.test", true, 302},
		{"/missing", 1, "a.test", true, 404},
	} {
		t.Run(fmt.Sprint(row.path, row.max), func(t *testing.T) {
			w := &web{pages: pages}
			d := &Dialer{
				NetDial: func(ctx context.Context, n, addr string) (net.Conn, error) {
					return w.dial(ctx, n, strings.ToLower(addr))
				},
				MaxRedirects: row.max,
				Header:       http.Header{"Cookie": {"session=secret"}, "Proxy-Authorization": {"secret"}, "authorization": {"Bearer secret"}, "X-Own": {"public"}},
				Proxy:        noProxy,
			}
			for _, inURL := range []bool{false, true} {
				w.seen = nil
				url := "ws://a.test" + row.path
				if inURL {
					url = "ws://user:secret@a.test" + row.path
					delete(d.Header, "authorization")
				}
				c, err := Dial(context.Background(), url, d)
				var refusal *handshake.Error
				if row.status == 0 && err != nil || row.status != 0 && (!errors.As(err, &refusal) || refusal.Status != row.status) {
					t.Error(err)
				}
				if c != nil {
					c.CloseNow()
				}
				if err != nil && strings.Contains(err.Error(), "secret") {
					t.Error("the secret is in the error:", err)
				}
				var hosts []string
				for _, r := range w.seen {
					hosts = append(hosts, r.Host)
				}
				if got := strings.Join(hosts, " "); got != row.hosts {
					t.Error(got)
				}
				last := w.seen[len(w.seen)-1]
				for _, name := range []string{"Cookie", "Proxy-Authorization", "Authorization"} {
					if got := last.Header.Get(name); (got != "") != row.secrets {
						t.Error(inURL, name, got)
					}
				}
				if last.Header.Get("X-Own") != "public" {
					t.Error("X-Own is missing")
				}
			}
			if d.Header.Get("Cookie") == "" || d.Header.Get("Proxy-Authorization") == "" {
				t.Error("the program's headers were changed")
			}
		})
	}
}

// From wss no redirect leads to ws; from ws to wss one does, but that is another origin.
func TestV50RedirectSchemes(t *testing.T) {
	for _, row := range []struct{ from, to, want string }{
		{"wss://a.test/", "ws://a.test/", ""},
		{"wss://a.test/", "http://a.test/", ""},
		{"WSS://a.test/", "ws://b.test/", ""},
		{"wss://a.test/", "https://a.test:443/x", "wss://u@a.test:443/x"},
		{"wss://a.test/", "//a.test/y", "wss://u@a.test/y"},
		{"wss://a.test/", "wss://b.test/", "wss://b.test/"},
		{"ws://a.test/", "wss://a.test/", "wss://a.test/"},
		{"ws://a.test/", "https://a.test/", "wss://a.test/"},
		{"ws://a.test/", "ws://x:y@b.test/", "ws://b.test/"},
		{"ws://a.test/", "ws://x:y@a.test/", "ws://u@a.test/"},
		{"ws://a.test/", "javascript:alert(1)", ""},
		{"ws://a.test/", "ws:", ""},
		{"ws://a.test/", "ws://a.test:0/", ""},
	} {
		from, err := handshake.ParseURL(strings.Replace(row.from, "//", "//u@", 1))
		if err != nil {
			t.Fatal(err)
		}
		h, err := hop{url: from}.redirect(&handshake.Error{Status: 302, Header: http.Header{"Location": {row.to}}})
		switch {
		case row.want == "" && err == nil:
			t.Error(row, "leads to", h.url)
		case row.want != "" && (err != nil || h.url.String() != row.want):
			t.Error(row, h.url, err)
		}
	}
}
