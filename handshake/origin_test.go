package handshake

import (
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// allowed receives a request to host from origin ("-": none; several lines with CRLF) and says whether u accepts it.
func allowed(t *testing.T, u *Upgrader, tls bool, host, origin string) bool {
	t.Helper()
	s := request("Host", "Host: "+host)
	if origin != "-" {
		s = request("Host", "Host: "+host, "+", "Origin: "+origin)
	}
	r := Request{TLS: tls}
	_, _, err := r.Receive([]byte(s))
	if err == nil {
		_, err = u.AppendResponse(nil, &r)
	}
	if err != nil {
		require.Same(t, ErrOrigin, err)
		require.Contains(t, string(AppendRefusal(nil, err)), "HTTP/1.1 403 Forbidden\r\n")
	}
	return err == nil
}

// V45: a page may connect to where it came from, and nowhere else.
func TestV45Origin(t *testing.T) {
	const plain, tls, both = 1, 2, 3 // on which connections the origin is allowed
	for _, tt := range []struct {
		name, host, origin string
		want               int
	}{
		{"absent", "a.example", "-", both},
		{"empty", "a.example", "", 0},
		{"same", "a.example", "https://a.example", both}, // plain: TLS may have ended at a proxy
		{"same over http", "a.example", "http://a.example", plain},
		{"same, other scheme", "a.example", "ws://a.example", 0},
		{"same, other scheme, secure", "a.example", "wss://a.example", 0},
		{"same, scheme of an extension", "a.example", "chrome-extension://a.example", 0},
		{"same, default port said by the host", "a.example:443", "https://a.example", both},
		{"same, default port said by the origin", "a.example", "https://a.example:443", both},
		{"same, empty port", "a.example:", "https://a.example", both},
		{"same, own port", "a.example:8443", "https://a.example:8443", both},
		{"same, default port of http", "a.example:80", "http://a.example", plain},
		{"other port", "a.example", "https://a.example:8443", 0},
		{"other port, of the host", "a.example:8443", "https://a.example", 0},
		{"port of the other scheme", "a.example:80", "https://a.example", 0},
		{"port of the other scheme, in the origin", "a.example", "http://a.example:443", 0},
		{"port of the other scheme, in the host", "a.example:443", "http://a.example", 0},
		{"other host", "a.example", "https://b.example", 0},
		{"subdomain", "a.example", "https://x.a.example", 0},
		{"parent", "x.a.example", "https://a.example", 0},
		{"suffix", "a.example", "https://a.example.evil", 0},
		{"prefix", "a.example", "https://evila.example", 0},
		{"path", "a.example", "https://evil/a.example", 0},
		{"path after the same", "a.example", "https://a.example/", 0},
		{"query", "a.example", "https://a.example?evil", 0},
		{"fragment", "a.example", "https://evil#a.example", 0},
		{"backslash", "a.example", `https://evil\a.example`, 0},
		{"user information", "a.example", "https://a.example@evil", 0},
		{"user information before the same", "a.example", "https://evil@a.example", 0},
		{"user information with a port", "a.example", "https://a.example:443@evil", 0},
		{"null", "a.example", "null", 0},
		{"null for a host", "null", "null", 0},
		{"no scheme", "a.example", "a.example", 0},
		{"relative scheme", "a.example", "//a.example", 0},
		{"scheme alone", "a.example", "https://", 0},
		{"colon alone", "a.example", "https:a.example", 0},
		{"two in one header", "a.example", "https://a.example https://a.example", 0},
		{"two in one header, with a comma", "a.example", "https://a.example, https://a.example", 0},
		{"two headers", "a.example", "https://a.example\r\nOrigin: https://a.example", 0},
		{"two headers, one evil", "a.example", "https://a.example\r\norigin: https://evil", 0},
		// Names are the same in either case, and only in ASCII.
		{"upper case", "a.example", "HTTPS://A.EXAMPLE", both},
		{"upper case of the host", "A.Example", "https://a.example", both},
		{"long s", "s.example", "https://\u017f.example", 0},
		// To browsers these are other origins.
		{"trailing dot", "a.example", "https://a.example.", 0},
		{"trailing dot of the host", "a.example.", "https://a.example", 0},
		{"trailing dot of both", "a.example.", "https://a.example.", both},
		{"IPv4", "192.0.2.1", "https://192.0.2.1", both},
		{"IPv4, other notation", "192.0.2.1", "https://3221225985", 0},
		{"IPv6", "[2001:db8::a]:8443", "https://[2001:DB8::A]:8443", both},
		{"IPv6, other port", "[2001:db8::a]", "https://[2001:db8::a]:8443", 0},
		{"IPv6, other address", "[2001:db8::a]", "https://[2001:db8::b]", 0},
		{"IPv6 without brackets", "[2001:db8::a]", "https://2001:db8::a", 0},
		{"localhost is not its address", "localhost", "https://127.0.0.1", 0},
		{"punycode", "xn--exmple-cua.com", "https://xn--exmple-cua.com", both},
		{"punycode and what it stands for", "xn--exmple-cua.com", "https://exämple.com", 0},
		{"percent-encoded", "a.example", "https://%61.example", 0},
		{"white space", "a.example", "https://a.example x", 0},
		{"port out of range", "a.example", "https://a.example:65979", 0}, // 443 + 65536
		{"port with a sign", "a.example", "https://a.example:+443", 0},
		{"port 0", "a.example", "https://a.example:0", 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			require.Equal(t, tt.want&plain != 0, allowed(t, &Upgrader{}, false, tt.host, tt.origin), "plain")
			require.Equal(t, tt.want&tls != 0, allowed(t, &Upgrader{}, true, tt.host, tt.origin), "TLS")
			if tt.want == 0 {
				// An allow-list of the host does not let it in either.
				u := &Upgrader{Origins: []string{"https://other.example", "https://" + tt.host + ":1"}}
				require.False(t, allowed(t, u, true, tt.host, tt.origin))
			}
		})
	}
}

func TestV45RequireOrigin(t *testing.T) {
	u := &Upgrader{RequireOrigin: true}
	require.False(t, allowed(t, u, false, "a.example", "-"))
	require.True(t, allowed(t, u, false, "a.example", "https://a.example"))
	u.Origins = []string{"https://b.example"}
	require.False(t, allowed(t, u, false, "a.example", "-"))
	u.CheckOrigin = func(*Request) bool { return true }
	require.False(t, allowed(t, u, false, "a.example", "-"), "RequireOrigin comes before CheckOrigin")
	require.True(t, allowed(t, u, false, "a.example", "https://evil"))
}

func TestV45AllowList(t *testing.T) {
	u := &Upgrader{Origins: []string{
		"https://a.example", "http://b.example:8080", "https://[2001:db8::1]", "chrome-extension://abcdef", "null", "https://*.example", "*", "", "file://",
	}}
	for origin, want := range map[string]bool{
		"-":                           true,
		"https://a.example":           true,
		"https://a.example:443":       true,
		"HTTPS://A.example":           true,
		"http://a.example":            false,
		"https://a.example:444":       false,
		"https://x.a.example":         false,
		"https://a.example.evil":      false,
		"https://a.example@evil":      false,
		"http://b.example:8080":       true,
		"http://b.example":            false,
		"https://b.example:8080":      false,
		"https://[2001:db8::1]:443":   true,
		"chrome-extension://abcdef":   true,
		"chrome-extension://abcdefg":  false,
		"moz-extension://abcdef":      false,
		"null":                        true, // because the list says so
		"NULL":                        false,
		"":                            false, // an entry that says nothing allows nothing
		"file://":                     true,  // what old Android says for local pages
		"https://x.example":           false, // no wildcards
		"https://own.example":         false, // the own origin has to be listed
		"https://a.example, https://": false,
	} {
		require.Equal(t, want, allowed(t, u, true, "own.example", origin), origin)
	}
}

func TestV45CheckOrigin(t *testing.T) {
	var saw []string
	u := &Upgrader{
		Origins:     []string{"https://a.example"},
		CheckOrigin: func(r *Request) bool { saw = append(saw, string(r.Origin())); return string(r.Path()) == "/" },
	}
	require.True(t, allowed(t, u, false, "a.example", "https://evil"))
	require.True(t, allowed(t, u, false, "a.example", "-"))
	require.Equal(t, []string{"https://evil", ""}, saw)
	u.CheckOrigin = func(*Request) bool { return false }
	require.False(t, allowed(t, u, false, "a.example", "https://a.example"))
	require.False(t, allowed(t, u, false, "a.example", "-"))
	// Two Origins are against the protocol; no policy sees them.
	u.CheckOrigin = func(*Request) bool { t.Fatal("asked"); return true }
	require.False(t, allowed(t, u, false, "a.example", "https://a.example\r\nOrigin: https://a.example"))
}

// FuzzOrigin: an origin that is taken for the same as the host of the request is so to net/url as
// well: http or https, nothing but an authority, the same name, the same port.
func FuzzOrigin(f *testing.F) {
	for _, s := range []string{"https://a.example", "https://a.example:443", "http://A.example:80", "null", "https://a.example@evil", "https://[::1]:8"} {
		f.Add(s, "a.example", true)
		f.Add(s, "[::1]:8", false)
	}
	f.Fuzz(func(t *testing.T, v, host string, tls bool) {
		o, ok := parseOrigin([]byte(v))
		if !ok || !isAuthority([]byte(host)) {
			return
		}
		r := Request{TLS: tls, head: head{buf: []byte(host), done: true}, host: span{0, int32(len(host))}}
		if !sameOrigin(o, &r) {
			return
		}
		u, err := url.Parse(v)
		require.NoError(t, err)
		require.Contains(t, []string{"http", "https"}, u.Scheme)
		require.True(t, u.Scheme == "https" || !tls)
		require.Equal(t, url.URL{Scheme: u.Scheme, Host: u.Host}, *u)
		target, err := url.Parse(u.Scheme + "://" + host)
		require.NoError(t, err)
		require.Equal(t, strings.ToLower(target.Hostname()), strings.ToLower(u.Hostname()))
		port := func(u *url.URL) string {
			p := strings.TrimLeft(u.Port(), "0")
			if p == "" {
				return map[string]string{"http": "80", "https": "443"}[u.Scheme]
			}
			return p
		}
		require.Equal(t, port(target), port(u))
	})
}
