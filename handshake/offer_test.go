package handshake

import (
	"bufio"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestAppendRequest(t *testing.T) {
	for _, tt := range []struct {
		name  string
		url   string
		offer Offer
		want  string // with %s in place of what all have
	}{
		{"1.2", "ws://server.example.com/chat", Offer{Origin: "http://example.com", Subprotocols: []string{"chat", "superchat"}},
			"GET /chat HTTP/1.1\r\nHost: server.example.com\r\n%sOrigin: http://example.com\r\nSec-WebSocket-Protocol: chat, superchat\r\n\r\n"},
		{"3 no path", "ws://example.com", Offer{}, "GET / HTTP/1.1\r\nHost: example.com\r\n%s\r\n"},
		{"3 query without path", "wss://example.com?a=b", Offer{}, "GET /?a=b HTTP/1.1\r\nHost: example.com\r\n%s\r\n"},
		{"3 path and query", "WSS://Example.com/a%2Fb/ä?x=ü&y=%zz?|", Offer{}, "GET /a%2Fb/%C3%A4?x=%C3%BC&y=%zz?| HTTP/1.1\r\nHost: Example.com\r\n%s\r\n"},
		{"3 double slash", "ws://example.com//a", Offer{}, "GET //a HTTP/1.1\r\nHost: example.com\r\n%s\r\n"},
		{"4.1 default port of ws", "ws://example.com:80/", Offer{}, "GET / HTTP/1.1\r\nHost: example.com\r\n%s\r\n"},
		{"4.1 default port of wss", "wss://example.com:443/", Offer{}, "GET / HTTP/1.1\r\nHost: example.com\r\n%s\r\n"},
		{"4.1 default port of the other", "ws://example.com:443/", Offer{}, "GET / HTTP/1.1\r\nHost: example.com:443\r\n%s\r\n"},
		{"4.1 own port", "ws://example.com:8080/", Offer{}, "GET / HTTP/1.1\r\nHost: example.com:8080\r\n%s\r\n"},
		{"4.1 empty port", "ws://example.com:/", Offer{}, "GET / HTTP/1.1\r\nHost: example.com\r\n%s\r\n"},
		{"4.1 IPv6", "ws://[2001:db8::1]:8080/", Offer{}, "GET / HTTP/1.1\r\nHost: [2001:db8::1]:8080\r\n%s\r\n"},
		{"4.1 IPv6 that ends like a port", "ws://[2001:db8::80]/", Offer{}, "GET / HTTP/1.1\r\nHost: [2001:db8::80]\r\n%s\r\n"},
		{"RFC 6874 zone", "ws://[fe80::1%25eth0]:8080/", Offer{}, "GET / HTTP/1.1\r\nHost: [fe80::1]:8080\r\n%s\r\n"},
		{"other Host", "ws://192.0.2.1/", Offer{Host: "example.com:81"}, "GET / HTTP/1.1\r\nHost: example.com:81\r\n%s\r\n"},
		{"9.1 extensions", "ws://a/", Offer{Extensions: []Extension{{"x", params("y", "1", "z", "")}, {"x", nil}}},
			"GET / HTTP/1.1\r\nHost: a\r\n%sSec-WebSocket-Extensions: x; y=1; z, x\r\n\r\n"},
		{"headers", "ws://a/", Offer{Header: http.Header{"Cookie": {"a=b"}, "Authorization": {"Bearer x"}, "X-Many": {"1", "ä"}, "X-None": {}, "Origin": {"null"}}},
			"GET / HTTP/1.1\r\nHost: a\r\n%sAuthorization: Bearer x\r\nCookie: a=b\r\nOrigin: null\r\nX-Many: 1\r\nX-Many: ä\r\n\r\n"},
		{"RFC 7617 user information", "ws://Aladdin:open%20sesame@a/", Offer{}, "GET / HTTP/1.1\r\nHost: a\r\n%sAuthorization: Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==\r\n\r\n"},
		{"RFC 7617 user alone", "ws://u@a/", Offer{}, "GET / HTTP/1.1\r\nHost: a\r\n%sAuthorization: Basic dTo=\r\n\r\n"},
		{"RFC 7617 own authorization", "ws://u:p@a/", Offer{Header: http.Header{"authorization": {"Bearer x"}}}, "GET / HTTP/1.1\r\nHost: a\r\n%sauthorization: Bearer x\r\n\r\n"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			o := tt.offer
			o.Key = "dGhlIHNhbXBsZSBub25jZQ=="
			var err error
			o.URL, err = ParseURL(tt.url)
			require.NoError(t, err)
			b, err := o.AppendRequest([]byte("> "))
			require.NoError(t, err)
			want := strings.Replace(tt.want, "%s", "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n", 1)
			require.Equal(t, "> "+want, string(b))

			// net/http reads it, and our own server unless the target is one that it does not take.
			req, err := http.ReadRequest(bufio.NewReader(strings.NewReader(string(b[2:]))))
			require.NoError(t, err)
			require.Equal(t, req.Host, strings.Split(strings.Split(tt.want, "Host: ")[1], "\r\n")[0])
			var r Request
			_, done, err := r.Receive(b[2:])
			if strings.HasPrefix(req.RequestURI, "//") {
				require.Same(t, ErrTarget, err)
				return
			}
			require.NoError(t, err)
			require.True(t, done)
		})
	}
}

// 4.1: a fresh key for each connection, also when the Offer is used again.
func TestAppendRequestFreshKey(t *testing.T) {
	o := rfcOffer(t)
	o.Key = ""
	seen := map[string]bool{}
	for range 100 {
		b, err := o.AppendRequest(nil)
		require.NoError(t, err)
		var r Request
		_, _, err = r.Receive(b)
		require.NoError(t, err)
		key := string(r.Header("Sec-WebSocket-Key"))
		require.False(t, seen[key])
		seen[key] = true
		require.Empty(t, o.Key)

		// Check goes with the last request.
		response, err := new(Upgrader).AppendResponse(nil, &r)
		require.NoError(t, err)
		var answer Response
		_, _, err = answer.Receive(response)
		require.NoError(t, err)
		require.NoError(t, o.Check(&answer))
		require.Same(t, ErrResponseAccept, rfcOffer(t).Check(&answer))
	}
}

// A client and a server back to back, no network.
func TestOfferAndUpgrader(t *testing.T) {
	u := &Upgrader{
		Origins:      []string{"https://a.example"},
		Subprotocols: []string{"v1", "v2"},
		Extensions: func(_ *Request, offers []Extension) []Extension {
			return []Extension{{offers[1].Name, params("server", "1")}}
		},
		Hook: func(r *Request) error { return r.AddHeader("X", "y") },
	}
	url, err := ParseURL("wss://u:p@server.example/path?query")
	require.NoError(t, err)
	o := &Offer{URL: url, Origin: "https://a.example", Subprotocols: []string{"v3", "v2", "v1"}, Extensions: []Extension{{"a", nil}, {"b", params("c", "d")}}}
	b, err := o.AppendRequest(nil)
	require.NoError(t, err)
	splits(len(b), func(name string, cuts []int) {
		var r Request
		_, done, err := feed(t, &r, string(b), cuts...)
		require.NoError(t, err, name)
		require.True(t, done, name)
		response, err := u.AppendResponse(nil, &r)
		require.NoError(t, err, name)
		require.Equal(t, "v2", r.Subprotocol)
		var answer Response
		_, done, err = feed(t, &answer, string(response))
		require.NoError(t, err, name)
		require.True(t, done, name)
		require.NoError(t, o.Check(&answer), name)
		require.Equal(t, r.Subprotocol, answer.Subprotocol)
		require.Equal(t, r.Extensions, answer.Extensions)
		require.Equal(t, "y", string(answer.Header("X")))
	})
}

func TestParseURL(t *testing.T) {
	for _, raw := range []string{
		"", "/", "a.example", "http://a/", "https://a/", "ftp://a/", "ws:", "ws:a", "ws:/a", "ws:///a", "ws://", "ws://?a", "://a",
		"ws://a/#", "ws://a/#b", "ws://a#b", "ws://a/%", "ws://a/%zz", "ws://a b/", "ws://a/b c", "ws://a/?b c", "ws://a/?b#c",
		"ws://a:b/", "ws://a:1:/", "ws://a:80:/", "ws://a:0/", "ws://a:65536/", "ws://a:-1/", "ws://[a]/", "ws://[::1/", "ws://::1/", "ws://ä/", "ws://a,b/", "ws://a%41/",
		"ws://a/\r\nX: y", "ws://a/\n", "ws://a/\x00", "ws://a\r\n/", "ws://a/?\r\n", "ws://a/?\x7f", "\r\nws://a/", "ws://a/\t", " ws://a/", "ws://a/ ",
	} {
		u, err := ParseURL(raw)
		require.Error(t, err, "%q", raw)
		require.Nil(t, u)
		require.True(t, strings.HasPrefix(err.Error(), "handshake: "), err)
	}
}

// V48: CR, LF, NUL, controls and spaces in anything the program supplies are an error before an octet is appended.
func TestV48ProgramCannotSplitRequest(t *testing.T) {
	for c := range 256 {
		s := string([]byte{byte(c)})
		control := c < ' ' && c != '\t' || c == 0x7f
		token := strings.Contains(tchar, s)
		good := func() *Offer { return &Offer{URL: &url.URL{Scheme: "ws", Host: "a.example", Path: "/"}} }
		for _, tt := range []struct {
			name   string
			change func(o *Offer)
			bad    bool
		}{
			{"host of the URL", func(o *Offer) { o.URL.Host = "a" + s + "b" }, !isHostByte(byte(c))},
			{"host", func(o *Offer) { o.Host = "a" + s + "b" }, !isHostByte(byte(c))},
			{"scheme", func(o *Offer) { o.URL.Scheme = "ws" + s }, s != "s" && s != "S"},
			{"opaque", func(o *Offer) { o.URL.Opaque = s }, true},
			{"raw path", func(o *Offer) { o.URL.RawPath = "/" + s }, false}, // net/url encodes it
			{"path", func(o *Offer) { o.URL.Path = "/" + s }, false},        // net/url encodes it
			{"relative path", func(o *Offer) { o.URL.Path = s + "/" }, s != "/"},
			{"query", func(o *Offer) { o.URL.RawQuery = s }, c <= ' ' || c == 0x7f || c == '#'},
			{"fragment", func(o *Offer) { o.URL.Fragment = s }, true},
			{"user name", func(o *Offer) { o.URL.User = url.User(s) }, s == ":"},
			{"password", func(o *Offer) { o.URL.User = url.UserPassword("u", s) }, false}, // in base64
			{"origin", func(o *Offer) { o.Origin = "http://a" + s }, control || c == ' ' || c == '\t'},
			{"subprotocol", func(o *Offer) { o.Subprotocols = []string{"a", "b" + s} }, !token},
			{"extension", func(o *Offer) { o.Extensions = []Extension{{"a" + s, nil}} }, !token},
			{"parameter", func(o *Offer) { o.Extensions = []Extension{{"a", params("b"+s, "")}} }, !token},
			{"value of a parameter", func(o *Offer) { o.Extensions = []Extension{{"a", params("b", "c"+s)}} }, !token},
			{"header name", func(o *Offer) { o.Header = http.Header{"X" + s: {"y"}} }, !token},
			{"header value", func(o *Offer) { o.Header = http.Header{"X": {"y", "a" + s + "b"}} }, control},
			{"key", func(o *Offer) { o.Key = "dGhlIHNhbXBsZSBub25j" + s + "Q==" }, !isBase64(byte(c))},
		} {
			o := good()
			tt.change(o)
			b, err := o.AppendRequest([]byte("> "))
			if tt.bad {
				require.Error(t, err, "%s %q", tt.name, s)
				require.Equal(t, "> ", string(b))
				continue
			}
			require.NoError(t, err, "%s %q", tt.name, s)
			var r Request
			rest, done, err := r.Receive(b[2:])
			if strings.Contains(tt.name, "path") && s == "/" {
				continue // "//", which our server does not take
			}
			require.NoError(t, err, "%s %q %q", tt.name, s, b)
			require.True(t, done)
			require.Empty(t, rest)
		}
	}
}

func TestAppendRequestRefuses(t *testing.T) {
	for name, o := range map[string]*Offer{
		"no URL":                    {},
		"scheme":                    {URL: &url.URL{Scheme: "http", Host: "a"}},
		"subprotocol twice":         {Subprotocols: []string{"a", "b", "a"}},
		"empty subprotocol":         {Subprotocols: []string{""}},
		"short key":                 {Key: "YQ=="},
		"origin twice":              {Origin: "http://a", Header: http.Header{"origin": {"http://a"}}},
		"Host in Header":            {Header: http.Header{"host": {"a"}}},
		"Connection in Header":      {Header: http.Header{"Connection": {"Upgrade"}}},
		"Upgrade in Header":         {Header: http.Header{"upgrade": {"websocket"}}},
		"key in Header":             {Header: http.Header{"Sec-Websocket-Key": {"dGhlIHNhbXBsZSBub25jZQ=="}}},
		"version in Header":         {Header: http.Header{"Sec-Websocket-Version": {"13"}}},
		"subprotocol in Header":     {Header: http.Header{"Sec-Websocket-Protocol": {"a"}}},
		"extension in Header":       {Header: http.Header{"Sec-Websocket-Extensions": {"a"}}},
		"Content-Length in Header":  {Header: http.Header{"Content-Length": {"0"}}},
		"Transfer-Encoding, Header": {Header: http.Header{"Transfer-Encoding": {"chunked"}}},
	} {
		if name != "no URL" && o.URL == nil {
			o.URL = &url.URL{Scheme: "ws", Host: "a.example"}
		}
		b, err := o.AppendRequest(nil)
		require.Error(t, err, name)
		require.Empty(t, b, name)
		require.True(t, strings.HasPrefix(err.Error(), "handshake: "), err)
	}
}
