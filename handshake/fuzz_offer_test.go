package handshake

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// lines cuts a list of a program's configuration, one item in a line.
func lines(s string) []string {
	if s == "" {
		return nil
	}
	return strings.Split(s, "\n")
}

// extensionLines makes an Extension of each line "name;param=value;param", without a look at what is in them.
func extensionLines(s string) (exts []Extension) {
	for _, line := range lines(s) {
		name, params, more := strings.Cut(line, ";")
		e := Extension{Name: name}
		for more {
			var p string
			p, params, more = strings.Cut(params, ";")
			name, value, _ := strings.Cut(p, "=")
			e.Params = append(e.Params, Param{name, value})
		}
		exts = append(exts, e)
	}
	return exts
}

// headerLines makes a header of each line "Name: value", as it is spelt.
func headerLines(s string) http.Header {
	if s == "" {
		return nil
	}
	h := http.Header{}
	for _, line := range lines(s) {
		name, value, _ := strings.Cut(line, ": ")
		h[name] = append(h[name], value)
	}
	return h
}

var (
	grammarToken   = regexp.MustCompile("^[!#$%&'*+\\-.^_`|~0-9A-Za-z]+$")
	grammarControl = regexp.MustCompile("[\x00-\x08\x0a-\x1f\x7f]")
	grammarOurs    = regexp.MustCompile("(?i)^(connection|upgrade|content-length|transfer-encoding|sec-websocket-.*)$")
	grammarHost    = regexp.MustCompile(`^(\[[0-9A-Fa-f.]*:[0-9A-Fa-f.]*:[0-9A-Fa-f:.]*\]|[A-Za-z0-9._~-]+)(?::([0-9]{0,5}))?$`)
)

func grammarHeader(name, value string) bool {
	return grammarToken.MatchString(name) && !grammarControl.MatchString(value) && !grammarOurs.MatchString(name)
}

// sendable says, by the grammars of the RFCs, whether a client may send what o has beside its URL.
func (o *Offer) sendable() bool {
	seen := map[string]bool{}
	for _, s := range o.Subprotocols {
		if !grammarToken.MatchString(s) || seen[s] {
			return false
		}
		seen[s] = true
	}
	for _, e := range o.Extensions {
		for _, p := range append([]Param{{Name: e.Name}}, e.Params...) {
			if !grammarToken.MatchString(p.Name) || p.Value != "" && !grammarToken.MatchString(p.Value) {
				return false
			}
		}
	}
	for name, values := range o.Header {
		if strings.EqualFold(name, "Host") || len(values) > 0 && strings.EqualFold(name, "Origin") && o.Origin != "" {
			return false
		}
		for _, v := range values {
			if !grammarHeader(name, v) {
				return false
			}
		}
	}
	if m := grammarHost.FindStringSubmatch(o.Host); o.Host != "" {
		if m == nil {
			return false
		}
		if port, _ := strconv.Atoi(m[2]); m[2] != "" && (port == 0 || port > 65535) {
			return false
		}
	}
	if o.Key != "" {
		nonce, err := base64.StdEncoding.Strict().DecodeString(o.Key)
		if err != nil || len(nonce) != 16 || len(o.Key) != 24 {
			return false
		}
	}
	if u := o.URL.User; u != nil && strings.Contains(u.Username(), ":") && !has(o.Header, "Authorization") {
		return false
	}
	return !grammarControl.MatchString(o.Origin) && !strings.ContainsAny(o.Origin, " \t")
}

// FuzzOffer: whatever a client is configured with is refused, and nothing appended, if the grammars do not let it be sent; else our Request and net/http
// make of it what was meant, the answer of a server that takes all is taken, that to another key is not, and what any answer is refused for is an *Error.
func FuzzOffer(f *testing.F) {
	const accepts = "HTTP/1.1 101 Fine\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: {accept}\r\n"
	for _, s := range []string{
		"ws://example.com", "wss://example.com:443/a?b=c", "WS://[::1]:80/%2F", "ws://user:pass@example.com/ä?ö", "ws://[fe80::1%25eth0]:8080/", "ws://user@example.com/",
		"http://example.com/", "ws://example.com/#f", "ws://example.com/#", "ws://example.com/a b", "ws:example", "ws://example.com//x", "ws://", "ws://a,b/", "ws://a:0/", "ws://a:70000/", "%",
		"ws://user:a%3Ab@example.com/", "ws://us%3Aer@example.com/", "ws://example.com/\x7f", "ws://example.com?\u00fc", "", "ws://example.com:/", "ws://example.com:44:", "//example.com/", "ws://example.com/%",
	} {
		f.Add(s, "", "", "", "", "", "", accepts+"\r\n")
	}
	const u = "ws://user:pass@example.com/chat"
	f.Add(u, "other.example:81", "https://page.example", "dGhlIHNhbXBsZSBub25jZQ==", "chat\nsuperchat", "permessage-deflate;client_max_window_bits;x=1\ny", "Cookie: a=b\nX: 1\nx: 2\nX: 3",
		accepts+"Sec-WebSocket-Protocol: superchat\r\nSec-WebSocket-Extensions: y\r\n\r\n")
	f.Add(u, "", "", "", "a", "", "Authorization: Bearer x", accepts+"Sec-WebSocket-Protocol: b\r\n\r\n")
	f.Add(u, "", "", "", "", "x", "", accepts+"Sec-WebSocket-Extensions: y\r\n\r\n")
	f.Add(u, "", "", "", "", "", "", accepts) // no end
	f.Add(u, "", "", "", "", "", "", "HTTP/1.1 403 No\r\nX: y\r\n\r\nwhy")
	f.Add(u, "", "", "", "", "", "", "HTTP/1.1 204 No\r\n\r\n")
	f.Add(u, "", "", "", "", "", "", "HTTP/2 200")
	f.Add(u, "a b", "", "", "", "", "", "")
	f.Add("ws:opaque", "example.com", "", "", "", "", "", "")
	f.Add("ws://example.com/?a b", "", "", "", "", "", "", "")
	f.Add(u, "a:99999", "", "", "", "", "", "")
	f.Add(u, "", "a b", "", "", "", "", "")
	f.Add(u, "", "https://page.example", "", "", "", "oRIGIN: https://other.example", "")
	f.Add(u, "", "", "", "", "", "Origin: a\nOrigin: b", "")
	f.Add(u, "", "", "short", "", "", "", "")
	f.Add(u, "", "", "dGhlIHNhbXBsZSBub25jZQ=?", "", "", "", "")
	f.Add(u, "", "", "dGhlIHNhbXBsZSBub25jZR==", "", "", "", "")
	f.Add(u, "", "", "dGhlIHNhbXBsZSBub25?ZQ==", "", "", "", "")
	f.Add(u, "", "", "", "chat\nchat", "", "", "")
	f.Add(u, "", "", "", "two words", "", "", "")
	f.Add(u, "", "", "", "", "no token", "", "")
	f.Add(u, "", "", "", "", "x;no token", "", "")
	f.Add(u, "", "", "", "", strings.Repeat("x\n", 17)+"y", "", "")
	f.Add(u, "", "", "", "", "", "Host: evil", "")
	f.Add(u, "", "", "", "", "", "X: a\rb", "")
	f.Add(u, "", "", "", "", "", "no token: a", "")
	f.Add(u, "", "", "", "", "", "sec-websocket-anything: a", "")
	f.Fuzz(func(t *testing.T, raw, host, origin, key, subprotocols, extensions, headers, answer string) {
		parsed, err := ParseURL(raw)
		if err == nil {
			require.Regexp(t, "(?i)^wss?$", parsed.Scheme)
			require.NotEmpty(t, parsed.Hostname())
			require.NotContains(t, raw, "#")
		} else {
			require.Nil(t, parsed)
			require.Contains(t, err.Error(), "handshake: ")
			parsed, _ = url.Parse(raw) // a program can do that, too; nil if it is none
		}
		o := &Offer{URL: parsed, Host: host, Origin: origin, Key: key, Subprotocols: lines(subprotocols), Extensions: extensionLines(extensions), Header: headerLines(headers)}
		b, mistake := o.AppendRequest([]byte("dst"))
		if mistake != nil {
			require.Equal(t, "dst", string(b))
			require.Contains(t, mistake.Error(), "handshake: ")
			require.False(t, err == nil && o.sendable(), "%+v: %v", o, mistake)
			return
		}
		require.True(t, o.sendable(), "%+v", o)
		require.Equal(t, "dst", string(b[:3]))
		if key == "" { // a fresh one each time
			again, err := o.AppendRequest(nil)
			require.NoError(t, err)
			require.NotEqual(t, string(b[3:]), string(again))
			b = append([]byte("dst"), again...)
		}
		r := Request{Limits: &Limits{-1, -1, -1, -1}}
		rest, done, refused := r.Receive(b[3:])
		if refused != nil {
			require.Contains(t, offenders(o), refused)
			return
		}
		require.True(t, done)
		require.Empty(t, rest)
		sameRequest(t, b[3:], &r, nil)
		o.meant(t, b[3:], &r)
		o.answered(t, &r)

		accept := string(AppendAccept(nil, r.Header("Sec-WebSocket-Key")))
		var any Response
		rest, done, _ = any.Receive([]byte(strings.ReplaceAll(answer, "{accept}", accept)))
		refused = o.Check(&any)
		if refused == nil {
			require.True(t, done)
			require.Equal(t, 101, any.Status)
			require.Equal(t, accept, string(any.Header("Sec-WebSocket-Accept")))
			require.True(t, any.Subprotocol == "" || slices.Contains(o.Subprotocols, any.Subprotocol))
			return
		}
		var e *Error
		require.ErrorAs(t, refused, &e)
		require.Equal(t, done && any.Status != 101, e.Status != 0 && e.Status != 101, "%v, done %v, %d", e, done, any.Status)
		require.Contains(t, e.Error(), "handshake: ")
		if done && any.Status != 101 {
			any.ReceiveBody(rest)
			require.LessOrEqual(t, len(any.Body()), MaxBody)
		}
		any.Reset()
		require.Zero(t, any.Buffered())
	})
}

// offenders are the errors with which our own server refuses what our client may send.
func offenders(o *Offer) (errs []error) {
	if strings.HasPrefix(o.URL.RequestURI(), "//") {
		errs = append(errs, ErrTarget)
	}
	origins := 0
	for name, values := range o.Header {
		if strings.EqualFold(name, "Origin") {
			origins += len(values)
		}
	}
	if origins > 1 {
		errs = append(errs, ErrOrigin)
	}
	params := 0
	for _, e := range o.Extensions {
		params = max(params, len(e.Params))
	}
	if len(o.Extensions) > maxExtensions || params > maxParams {
		errs = append(errs, ErrExtensions)
	}
	return errs
}

// meant checks that the request b, received as r, says what o was configured with.
func (o *Offer) meant(t *testing.T, b []byte, r *Request) {
	req, err := http.ReadRequest(bufio.NewReader(bytes.NewReader(b)))
	require.NoError(t, err)
	path := o.URL.Path
	if path == "" {
		path = "/"
	}
	require.Equal(t, path, req.URL.Path)
	wantQuery, err1 := url.PathUnescape(o.URL.RawQuery)
	if query, err := url.PathUnescape(string(r.Query())); err == nil && err1 == nil {
		require.Equal(t, wantQuery, query)
	}
	if o.Host != "" {
		require.Equal(t, o.Host, req.Host)
	} else {
		sent := url.URL{Host: req.Host}
		name, _, _ := strings.Cut(o.URL.Hostname(), "%")
		require.Equal(t, name, sent.Hostname())
		port := o.URL.Port()
		if port == map[bool]string{true: "443", false: "80"}[strings.EqualFold(o.URL.Scheme, "wss")] {
			port = ""
		}
		require.Equal(t, port, sent.Port())
	}
	if o.Origin != "" {
		require.Equal(t, o.Origin, string(r.Origin()))
	}
	require.Equal(t, strings.Join(o.Subprotocols, ", "), req.Header.Get("Sec-WebSocket-Protocol"))
	var exts []Extension
	for v := range r.Values("Sec-WebSocket-Extensions") {
		exts, err = ParseExtensions(exts, v)
		require.NoError(t, err)
	}
	require.Equal(t, o.Extensions, exts)
	if u := o.URL.User; u != nil && !has(o.Header, "Authorization") {
		name, password, ok := req.BasicAuth()
		wantPassword, _ := u.Password()
		require.Equal(t, fmt.Sprint(u.Username(), " ", wantPassword, true), fmt.Sprint(name, " ", password, ok))
	}
	sorted := slices.Sorted(maps.Keys(o.Header))
	for _, name := range sorted {
		var want, got []string
		for _, other := range sorted {
			for _, v := range o.Header[other] {
				if strings.EqualFold(name, other) {
					want = append(want, strings.Trim(v, " \t"))
				}
			}
		}
		for v := range r.Values(name) {
			got = append(got, string(v))
		}
		require.Equal(t, want, got, name)
	}
}

// answered checks that o takes the answer to r of a server that takes all, and does not take that to another key.
func (o *Offer) answered(t *testing.T, r *Request) {
	u := &Upgrader{
		Subprotocols: o.Subprotocols,
		CheckOrigin:  func(*Request) bool { return true },
		Extensions:   func(_ *Request, offers []Extension) []Extension { return offers[:1] },
	}
	b, err := u.AppendResponse(nil, r)
	require.NoError(t, err)
	var good Response
	rest, done, err := good.Receive(b)
	require.NoError(t, err)
	require.True(t, done)
	require.Empty(t, rest)
	require.NoError(t, o.Check(&good))
	require.Equal(t, strings.Join(o.Subprotocols[:min(1, len(o.Subprotocols))], ""), good.Subprotocol)
	require.Equal(t, len(o.Extensions[:min(1, len(o.Extensions))]), len(good.Extensions))

	other := *o
	other.Key = "AAAAAAAAAAAAAAAAAAAAAA=="
	if slices.Equal(r.Header("Sec-WebSocket-Key"), []byte(other.Key)) {
		return
	}
	_, err = other.AppendRequest(nil)
	require.NoError(t, err)
	require.True(t, errors.Is(other.Check(&good), ErrResponseAccept))
}
