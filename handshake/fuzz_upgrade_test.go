package handshake

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// A policy is what a program may do in an Upgrader, well or badly.
type policy struct {
	subprotocols string // a line each
	origins      string // a line each
	extensions   string // what Extensions returns; "": it is not set; "*": the last offer
	added        string // headers that Hook adds
	chosen       string // what Hook makes of Subprotocol; "": it leaves it
	status       int    // of the *Error that Hook returns; 0: none
	headers      string // of that *Error
	body         string // of that *Error; "": nil
	flags        byte
}

const (
	requireOrigin = 1 << iota
	checkOrigin   // only the origin "https://checked.example" is allowed, or none
	ofTLS
	unlimited // the peer may send any number of headers
	wraps     // what Hook returns is wrapped
	foreign   // what Hook returns is no *Error; with wraps, it is a fixed one of ours
)

var errForeign = errors.New("what the peer must not see")

// upgrader returns the Upgrader, and a function that says what Hook returned, and whether AddHeader refused something.
func (p *policy) upgrader() (*Upgrader, func() (hook, add error)) {
	u := &Upgrader{Subprotocols: lines(p.subprotocols), Origins: lines(p.origins), RequireOrigin: p.flags&requireOrigin != 0}
	if p.flags&unlimited != 0 {
		u.Limits = Limits{1 << 30, -1, -1, -1}
	}
	if p.flags&checkOrigin != 0 {
		u.CheckOrigin = func(r *Request) bool { return r.Origin() == nil || string(r.Origin()) == "https://checked.example" }
	}
	if p.extensions != "" {
		u.Extensions = func(_ *Request, offers []Extension) []Extension {
			if p.extensions == "*" {
				return offers[len(offers)-1:]
			}
			return extensionLines(p.extensions)
		}
	}
	var hook, add error
	u.Hook = func(r *Request) error {
		added := headerLines(p.added)
		for _, name := range slices.Sorted(maps.Keys(added)) {
			for _, v := range added[name] {
				if err := r.AddHeader(name, v); err != nil {
					add = err
				}
			}
		}
		if p.chosen != "" {
			r.Subprotocol = p.chosen
		}
		switch {
		case p.flags&foreign != 0 && p.flags&wraps != 0:
			hook = ErrUnavailable
		case p.flags&foreign != 0:
			hook = errForeign
		case p.status != 0:
			e := &Error{Status: p.status, Header: headerLines(p.headers)}
			if p.body != "" {
				e.Body = []byte(p.body)
			}
			hook = e
		}
		if hook != nil && p.flags&wraps != 0 {
			hook = fmt.Errorf("no: %w", hook)
		}
		return hook
	}
	return u, func() (error, error) { return hook, add }
}

// Policies that the two targets of servers begin with.
var policySeeds = []policy{
	{},
	{subprotocols: "superchat", extensions: "*", added: "Set-Cookie: a=b\nX: 1"},
	{chosen: "chat"},
	{chosen: "not offered"},
	{extensions: "x;y"},
	{extensions: "not;offered"},
	{extensions: "x\nx"},
	{extensions: "x;no token"},
	{added: "no token: 1"},
	{added: "X: a\rb"},
	{added: "Sec-WebSocket-Accept: x"},
	{status: 401, headers: "WWW-Authenticate: Basic\nContent-Type: text/html\nX: 1\nX: 2", body: "who?"},
	{status: 405, headers: "allow: GET, HEAD"},
	{status: 426},
	{status: 204, body: "none is sent"},
	{status: 304},
	{status: 599},
	{status: 101},
	{status: 700},
	{status: -1},
	{status: 403, headers: "Connection: keep-alive"},
	{status: 403, headers: "X: a\nb: c\r"},
	{status: 403, flags: wraps, body: "wrapped"},
	{flags: foreign},
	{flags: foreign | wraps},
	{flags: requireOrigin},
	{flags: checkOrigin | unlimited},
	{origins: "https://page.example\nnull\n\nbad", flags: ofTLS},
	{origins: "HTTP://Example.com:80"},
	{origins: "ftp://example.com"},
}

// with returns plainRequest with more headers.
func with(headers ...string) string {
	return strings.TrimSuffix(plainRequest, "\r\n") + strings.Join(headers, "\r\n") + "\r\n\r\n"
}

// Requests that they meet. The last four are not in order.
var policyRequests = []string{
	with("Sec-WebSocket-Protocol: chat, superchat", "Sec-WebSocket-Extensions: w, x; y; z=1", "Cookie: a; c=\"d\";a=b; c=e"),
	with("Origin: https://example.com", "Sec-WebSocket-Extensions: x", "Cookie: a=b"),
	with("Origin: https://checked.example", "X: "+strings.Repeat("x", 5000)),
	with("Origin: https://PAGE.example:443"),
	with("Origin: https://page-example"),
	with("Origin: null"),
	with("Origin: a b://example.com"),
	with("Origin: ftp://example.com"),
	plainRequest,
	rfcRequest,
	strings.Replace(plainRequest, "GET", "HEAD", 1),
	strings.Replace(plainRequest, "GET", "POST", 1),
	strings.Replace(plainRequest, "Upgrade: websocket\r\n", "", 1),
	plainRequest[:100],
}

// FuzzUpgrade: however a server's program is configured, and whatever comes, the answer is one response that net/http reads: a 101 if the request is in
// order, its origin allowed, and nothing wrong with what Hook and Extensions say, with what they said; else a refusal as it was chosen, or a bare 500.
func FuzzUpgrade(f *testing.F) {
	for i, p := range policySeeds {
		for j, request := range policyRequests {
			if i < 4 || j < 2 || i > 24 {
				f.Add(request, []string{"c", "a", "absent"}[j%3], p.subprotocols, p.origins, p.extensions, p.added, p.chosen, p.status, p.headers, p.body, p.flags)
			}
		}
	}
	f.Fuzz(func(t *testing.T, request, cookie, subprotocols, origins, extensions, added, chosen string, status int, headers, body string, flags byte) {
		p := &policy{subprotocols, origins, extensions, added, chosen, status, headers, body, flags}
		u, said := p.upgrader()
		r := Request{Limits: &u.Limits, TLS: flags&ofTLS != 0}
		_, done, err := r.Receive([]byte(request))
		if err != nil || !done {
			require.Nil(t, r.Target())
			require.Nil(t, r.Query())
		}
		response, refused := u.AppendResponse([]byte("dst"), &r)
		require.Equal(t, "dst", string(response[:3]))
		resp, sent := oneResponse(t, response[3:], errors.Is(refused, errHead))
		hook, add := said()
		if refused == nil {
			require.True(t, done)
			require.NoError(t, errors.Join(hook, add))
			require.Equal(t, 101, resp.StatusCode)
			p.accepted(t, &r, resp)
			if req, err := http.ReadRequest(bufio.NewReader(strings.NewReader(request))); err == nil {
				sameCookie(t, &r, req, cookie)
			}
			r.Reset()
			require.Zero(t, r.Buffered())
			return
		}
		var e *Error
		require.ErrorAs(t, refused, &e)
		require.Equal(t, e.Status, resp.StatusCode)
		require.Contains(t, e.Error(), "handshake: ")
		require.Empty(t, r.Subprotocol)
		require.Nil(t, r.Extensions)
		require.NotContains(t, string(response), errForeign.Error())
		// Whoever has only the error, also wrapped, refuses in the same words.
		require.Equal(t, string(response[3:]), string(AppendRefusal(nil, refused)))
		if !errors.Is(refused, errHead) {
			require.Equal(t, resp.StatusCode, statusOf(t, AppendRefusal(nil, fmt.Errorf("wrapped: %w", refused))))
		}
		switch {
		case err != nil:
			require.Same(t, err, refused)
			require.NoError(t, hook)
		case hook != nil:
			require.ErrorIs(t, refused, hook)
			p.refused(t, resp, sent)
		case !done, add != nil:
			require.Equal(t, 500, resp.StatusCode)
		case errors.Is(refused, ErrOrigin):
			require.False(t, u.mustCome(&r))
		default: // the subprotocol of Hook or an extension of Extensions was not offered, or no token
			require.Equal(t, 500, resp.StatusCode)
			require.True(t, chosen != "" || extensions != "" && extensions != "*")
		}
	})
}

// oneResponse reads the response that b is, and its body.
func oneResponse(t *testing.T, b []byte, head bool) (*http.Response, string) {
	var of *http.Request
	if head {
		of = &http.Request{Method: "HEAD"}
	}
	br := bufio.NewReader(bytes.NewReader(b))
	resp, err := http.ReadResponse(br, of)
	require.NoError(t, err, "%q", b)
	require.Equal(t, resp.StatusCode != 101, resp.Close)
	body, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	_, err = br.ReadByte()
	require.Equal(t, io.EOF, err, "%q", b)
	return resp, string(body)
}

func statusOf(t *testing.T, b []byte) int {
	resp, _ := oneResponse(t, b, false)
	return resp.StatusCode
}

// accepted checks a 101 against the policy.
func (p *policy) accepted(t *testing.T, r *Request, resp *http.Response) {
	require.Equal(t, string(AppendAccept(nil, r.Header("Sec-WebSocket-Key"))), resp.Header.Get("Sec-WebSocket-Accept"))
	require.Equal(t, r.Subprotocol, resp.Header.Get("Sec-WebSocket-Protocol"))
	if r.Subprotocol != "" {
		require.True(t, r.Subprotocol == p.chosen || slices.Contains(lines(p.subprotocols), r.Subprotocol))
		require.True(t, r.offers(r.Subprotocol))
	}
	var exts []Extension
	if v := resp.Header.Get("Sec-WebSocket-Extensions"); v != "" {
		var err error
		exts, err = ParseExtensions(nil, []byte(v))
		require.NoError(t, err)
	}
	require.Equal(t, len(exts), len(r.Extensions))
	u, _ := p.upgrader()
	require.True(t, u.mayCome(r))
	for name, values := range headerLines(p.added) {
		for _, v := range values {
			require.True(t, grammarHeader(name, v))
			require.Contains(t, resp.Header.Values(name), strings.Trim(v, " \t"))
		}
	}
}

// refused checks a refusal that Hook chose.
func (p *policy) refused(t *testing.T, resp *http.Response, body string) {
	header := headerLines(p.headers)
	good := p.status >= 200 && p.status <= 599
	for name, values := range header {
		for _, v := range values {
			good = good && grammarHeader(name, v)
		}
	}
	switch {
	case p.flags&(foreign|wraps) == foreign|wraps:
		require.Equal(t, 503, resp.StatusCode)
	case p.flags&foreign != 0 || !good:
		require.Equal(t, 500, resp.StatusCode)
		require.Equal(t, "Internal Server Error\n", body)
	default:
		require.Equal(t, p.status, resp.StatusCode)
		for name, values := range header {
			for _, v := range values {
				if !strings.EqualFold(name, "Trailer") { // which net/http takes out
					require.Contains(t, resp.Header.Values(name), strings.Trim(v, " \t"))
				}
			}
		}
		switch {
		case p.status == 204 || p.status == 304:
			require.Empty(t, body)
		case p.body != "":
			require.Equal(t, p.body, body)
		default:
			require.Equal(t, http.StatusText(p.status)+"\n", body)
		}
	}
}

// mustCome says whether the origin is plainly one that is allowed.
func (u *Upgrader) mustCome(r *Request) bool {
	v := string(r.Origin())
	switch {
	case r.Origin() == nil:
		return !u.RequireOrigin
	case u.CheckOrigin != nil:
		return v == "https://checked.example"
	case len(u.Origins) == 0:
		return v == "https://"+string(r.Host()) || v == "http://"+string(r.Host()) && !r.TLS
	}
	return v != "" && slices.Contains(u.Origins, v)
}

// mayCome says with net/url whether the origin has the meaning of one that is allowed.
func (u *Upgrader) mayCome(r *Request) bool {
	v := string(r.Origin())
	switch {
	case r.Origin() == nil:
		return !u.RequireOrigin
	case u.CheckOrigin != nil:
		return v == "https://checked.example"
	case v != "" && slices.Contains(u.Origins, v):
		return true
	}
	parts := func(raw string) (of [3]string) {
		o, err := url.Parse(raw)
		if err != nil || o.Host == "" || o.Path != "" || o.User != nil || o.RawQuery != "" || o.ForceQuery || strings.Contains(raw, "#") {
			return of
		}
		port := strings.TrimLeft(o.Port(), "0")
		if port == "" {
			port = map[string]string{"http": "80", "https": "443"}[o.Scheme]
		}
		return [3]string{o.Scheme, strings.ToLower(o.Hostname()), port}
	}
	from := parts(v)
	if from == [3]string{} {
		return false
	}
	if len(u.Origins) == 0 {
		return (from[0] == "https" || from[0] == "http" && !r.TLS) && from == parts(from[0]+"://"+string(r.Host()))
	}
	return slices.ContainsFunc(u.Origins, func(s string) bool { return from == parts(s) })
}

// sameCookie compares r.Cookie with net/http, which takes out what is malformed, and takes a name alone for a cookie.
func sameCookie(t *testing.T, r *Request, req *http.Request, name string) {
	got := r.Cookie(name)
	pairs := 0
	for v := range r.Values("Cookie") {
		for _, pair := range strings.Split(string(v), ";") {
			n, _, ok := strings.Cut(pair, "=")
			if strings.Trim(n, " \t") == name {
				pairs++
				if !ok {
					return
				}
			}
		}
	}
	if want := req.CookiesNamed(name); len(want) == pairs && pairs > 0 {
		require.Equal(t, strings.Trim(want[0].Value, " \t"), string(got))
	} else {
		require.Equal(t, pairs > 0, got != nil)
	}
}
