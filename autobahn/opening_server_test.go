package autobahn

import (
	"bufio"
	"cmp"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/require"

	"github.com/idlewire/idlewire/handshake"
)

// goodRequest is what the rows below change.
const goodRequest = "GET /getCaseCount HTTP/1.1\r\n" +
	"Host: localhost:9001\r\n" +
	"Upgrade: websocket\r\n" +
	"Connection: Upgrade\r\n" +
	"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n" +
	"Sec-WebSocket-Version: 13\r\n\r\n"

func TestOpeningChecks(t *testing.T) {
	// Each row puts something in place of something else in the good request. Status 101 is a request that is taken, 0 is a plain GET.
	for _, row := range []struct {
		name, old, new string
		status         int
		says           string
	}{
		{"good", "", "", 101, ""},
		{"4.2.1 names in any case", "Upgrade: websocket", "uPGRADE: WebSocket", 101, ""},
		{"4.2.1 lists", "Connection: Upgrade", "Connection: keep-alive, Upgrade", 101, ""},
		{"4.2.1 lists in lines", "Connection: Upgrade", "Connection: keep-alive\r\nConnection: upgrade", 101, ""},
		{"white space", "Host: localhost:9001", "Host:\t localhost:9001 \t", 101, ""},
		{"octets above 127", "Connection: Upgrade", "Connection: Upgrade\r\nX: \xff\xc3\xa9", 101, ""},
		{"4.2.1 absolute target", "GET /getCaseCount", "GET http://localhost:9001/getCaseCount", 101, ""},
		{"draft 10", "Version: 13", "Version: 8", 101, ""},

		{"no request line", "GET /getCaseCount HTTP/1.1\r\n", "\r\n", 400, "request line"},
		{"two words", " HTTP/1.1", "", 400, "request line"},
		{"four words", "GET ", "GET  ", 400, "request line"},
		{"control in the target", "/get", "/\x01get", 400, "request line"},
		{"no HTTP", "HTTP/1.1", "ICY/1.1", 400, "request line"},
		{"bare LF", "Upgrade: websocket\r\n", "Upgrade: websocket\n", 400, "header line 2"},
		{"CR in a value", "Upgrade: websocket", "X: a\rb\r\nUpgrade: websocket", 400, "header line 2"},
		{"no colon", "Upgrade: websocket", "Upgrade websocket", 400, "header line 2"},
		{"space before the colon", "Host:", "Host :", 400, "header line 1"},
		{"folded line", "Upgrade: websocket", "Upgrade:\r\n websocket", 400, "header line 3"},
		{"NUL in a value", "localhost", "local\x00host", 400, "header line 1"},
		{"method", "GET", "POST", 405, "GET"},
		{"HTTP/1.0", "HTTP/1.1", "HTTP/1.0", 505, "HTTP/1.1"},
		{"HTTP/2.0", "HTTP/1.1", "HTTP/2.0", 505, "HTTP/1.1"},
		{"target without slash", "GET /", "GET ", 400, "not a path"},
		{"3 fragment", "GET /getCaseCount", "GET /getCaseCount#a", 400, "fragment"},

		{"no Host", "Host: localhost:9001\r\n", "", 400, "no Host"},
		{"two Hosts", "Upgrade: ", "Host: localhost:9001\r\nUpgrade: ", 400, "Host header more than once"},
		{"other port", "localhost:9001", "localhost:9002", 400, "names port 9002, and this server is at port 9001"},
		{"no port", "localhost:9001", "localhost", 400, "names port 80"},
		{"address without port", "localhost:9001", "[::1]", 400, "names port 80"},
		{"address with port", "localhost:9001", "[::1]:9001", 101, ""},
		{"port that is none", "localhost:9001", "localhost:90O1", 400, "port that is none"},
		{"port too large", "localhost:9001", "localhost:74537", 400, "port that is none"}, // 9001 modulo 65536
		{"no host but a port", "localhost:9001", ":9001", 400, "no host"},

		{"plain GET", "Upgrade: websocket\r\n", "", 0, ""},
		{"other upgrade", "Upgrade: websocket", "Upgrade: h2c", 400, "without websocket"},
		{"no Connection", "Connection: Upgrade\r\n", "", 400, "without Upgrade"},
		{"other Connection", "Connection: Upgrade", "Connection: Upgraded", 400, "without Upgrade"},
		{"body", "Connection: ", "Content-Length: 5\r\nConnection: ", 400, "no body"},
		{"body in chunks", "Connection: ", "Transfer-Encoding: chunked\r\nConnection: ", 400, "no body"},
		{"no body, and said so", "Connection: ", "Content-Length: 0\r\nConnection: ", 101, ""},
		{"no version", "Sec-WebSocket-Version: 13\r\n", "", 400, "no Sec-WebSocket-Version"},
		{"4.4 other version", "Version: 13", "Version: 7", 400, "expected Sec-WebSocket-Version 13, 8"},
		{"version that is none", "Version: 13", "Version: 13x", 400, "expected Sec-WebSocket-Version"},
		{"two versions", "Version: 13", "Version: 13\r\nSec-WebSocket-Version: 8", 400, "Sec-WebSocket-Version header more than once"},
		{"no key", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n", "", 400, "no Sec-WebSocket-Key"},
		{"two keys", "Connection: ", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nConnection: ", 400, "Sec-WebSocket-Key header more than once"},
		{"short key", "dGhlIHNhbXBsZSBub25jZQ==", "dGhlIHNhbXBsZSBub25j", 400, "base64"},
		{"key of 17 octets", "dGhlIHNhbXBsZSBub25jZQ==", "dGhlIHNhbXBsZSBub25jZWU=", 400, "base64"},
		{"key that is no base64", "dGhlIHNhbXBsZSBub25jZQ==", "dGhlIHNhbXBsZSBub2-jZQ==", 400, "base64"},
		{"origin", "Connection: ", "Origin: http://good.example\r\nConnection: ", 101, ""},
		{"origin in another case", "Connection: ", "Origin: HTTP://A.Sub.Good.Example\r\nConnection: ", 101, ""},
		{"origin not allowed", "Connection: ", "Origin: http://bad.example\r\nConnection: ", 403, "origin"},
		{"two origins", "Connection: ", "Origin: http://good.example\r\nOrigin: http://good.example\r\nConnection: ", 400, "Origin header more than once"},
		{"header of drafts", "Connection: ", "Sec-WebSocket-Origin: http://bad.example\r\nConnection: ", 101, ""},
		{"origin of drafts", "Connection: Upgrade\r\n", "Sec-WebSocket-Origin: http://bad.example\r\nConnection: Upgrade\r\n", 403, "origin"},
	} {
		t.Run(row.name, func(t *testing.T) {
			raw := strings.Replace(goodRequest, row.old, row.new, 1)
			if row.name == "origin of drafts" {
				raw = strings.Replace(raw, "Version: 13", "Version: 8", 1)
			}
			require.Equal(t, row.name == "good", raw == goodRequest)
			o := DefaultOptions()
			o.AllowedOrigins = []string{"http://good.example", "*.good.example"}
			var no *refusal
			q, rest, err := readRequest(strings.NewReader(raw + "rest"))
			if !errors.As(err, &no) {
				require.NoError(t, err)
				require.Equal(t, raw, q.raw)
				require.Equal(t, "rest", string(rest))
				var key string
				if key, no = q.check(&o, 9001, false); no == nil {
					require.Equal(t, "dGhlIHNhbXBsZSBub25jZQ==", key)
					_, _, no = q.path()
				}
			}
			switch row.status {
			case 101:
				require.Nil(t, no)
			case 0:
				require.Same(t, errPlainGet, no)
			default:
				require.NotNil(t, no)
				require.Equal(t, row.status, no.status, no.text)
				require.Contains(t, no.text, row.says)
			}
		})
	}
}

// However the octets are cut, the outcome is the same.
func TestOpeningSplit(t *testing.T) {
	for _, raw := range []string{
		goodRequest,
		strings.ReplaceAll(goodRequest, "\r\n", "\n"),
		strings.Replace(goodRequest, "\r\n\r\n", "\r\n\n", 1),
		"\n\n" + goodRequest,
	} {
		q, _, err := readRequest(strings.NewReader(raw))
		for at := range len(raw) {
			cut := io.MultiReader(strings.NewReader(raw[:at]), iotest.OneByteReader(strings.NewReader(raw[at:])))
			q2, _, err2 := readRequest(cut)
			require.Equal(t, q, q2)
			require.Equal(t, err, err2)
		}
	}
}

func TestOpeningEnds(t *testing.T) {
	for at := range len(goodRequest) - 1 {
		_, _, err := readRequest(strings.NewReader(goodRequest[:at]))
		require.ErrorIs(t, err, errRequestEnds)
	}
	_, _, err := readRequest(iotest.ErrReader(io.ErrClosedPipe))
	require.ErrorIs(t, err, io.ErrClosedPipe)
}

func TestOpeningLimits(t *testing.T) {
	padded := func(n int) string {
		return strings.Replace(goodRequest, "\r\n\r\n", "\r\nX: "+strings.Repeat("x", n-len(goodRequest)-len("X: \r\n"))+"\r\n\r\n", 1)
	}
	require.Len(t, padded(maxRequestOctets), maxRequestOctets)
	var no *refusal
	for _, r := range []func(string) io.Reader{
		func(s string) io.Reader { return strings.NewReader(s) },
		func(s string) io.Reader { return iotest.OneByteReader(strings.NewReader(s)) },
	} {
		_, _, err := readRequest(r(padded(maxRequestOctets)))
		require.NoError(t, err)
		_, _, err = readRequest(r(padded(maxRequestOctets + 1)))
		require.ErrorAs(t, err, &no)
		require.Equal(t, 431, no.status)
	}
	many := func(n int) string {
		return strings.Replace(goodRequest, "\r\n\r\n", strings.Repeat("\r\nX: y", n-5)+"\r\n\r\n", 1)
	}
	_, _, err := readRequest(strings.NewReader(many(maxRequestHeaders)))
	require.NoError(t, err)
	_, _, err = readRequest(strings.NewReader(many(maxRequestHeaders + 1)))
	require.ErrorAs(t, err, &no)
	require.Equal(t, 431, no.status)
	// Somebody who never ends a line is not read for ever.
	_, _, err = readRequest(rand.NewChaCha8([32]byte{}))
	require.ErrorAs(t, err, &no)
}

// What the server answers is what a client of the RFC takes; and the default port may be left out of Host.
func TestOpeningSwitch(t *testing.T) {
	for _, row := range []struct {
		url    string
		port   int
		secure bool
	}{{"ws://localhost:9001/", 9001, false}, {"ws://localhost/", 80, false}, {"wss://localhost/", 443, true}, {"ws://localhost:443/", 443, false}} {
		u, err := handshake.ParseURL(row.url)
		require.NoError(t, err)
		offer := handshake.Offer{URL: u, Extensions: []handshake.Extension{{Name: "permessage-deflate"}}}
		raw, err := offer.AppendRequest(nil)
		require.NoError(t, err)
		q, _, err := readRequest(strings.NewReader(string(raw)))
		require.NoError(t, err)
		o := DefaultOptions()
		key, no := q.check(&o, row.port, row.secure)
		require.Nil(t, no)
		_, no = q.check(&o, row.port+1, row.secure)
		require.NotNil(t, no)

		for _, ext := range []string{"", "permessage-deflate; server_no_context_takeover"} {
			var response handshake.Response
			_, done, err := response.Receive(appendSwitch(nil, key, ext))
			require.NoError(t, err)
			require.True(t, done)
			require.NoError(t, offer.Check(&response))
			require.Equal(t, serverName, string(response.Header("Server")))
			require.Equal(t, ext != "", len(response.Extensions) == 1)
		}
	}
	var response handshake.Response
	body, done, err := response.Receive(appendRefusal(nil, refuse(500, "no agent")))
	require.NoError(t, err)
	require.True(t, done)
	require.Equal(t, "no agent\n", string(body))
	require.Equal(t, 500, response.Status)
	require.Equal(t, fmt.Sprint(len(body)), string(response.Header("Content-Length")))
}

func TestParameters(t *testing.T) {
	p, no := parameters("case=1&agent=Mozilla/5.0%20(X11;+Linux)&&b=&agent&c=%3D%26=")
	require.Nil(t, no)
	require.Equal(t, params{"case": {"1"}, "agent": {"Mozilla/5.0 (X11; Linux)", ""}, "": {""}, "b": {""}, "c": {"=&="}}, p)
	for _, bad := range []string{"%", "a=%4", "a=%zz"} {
		_, no = parameters(bad)
		require.NotNil(t, no, bad)
		require.Equal(t, 400, no.status)
	}
	// Where our reading and net/url's have a word in common they agree.
	for _, s := range []string{"", "a=b", "a=b&a=c", "a+b=%41", "=x"} {
		want, err := url.ParseQuery(s)
		require.NoError(t, err)
		got, no := parameters(s)
		require.Nil(t, no)
		for k, v := range want {
			require.Equal(t, v, got[k])
		}
	}
}

// A request that we take, and net/http takes, says the same to both.
func FuzzOpening(f *testing.F) {
	f.Add([]byte(goodRequest))
	f.Add([]byte(strings.Replace(goodRequest, "Connection: ", "Origin: null\r\nSec-WebSocket-Extensions: a; b=\"c\"\r\nConnection:\t", 1)))
	f.Add([]byte(strings.Replace(goodRequest, "GET /getCaseCount", "GET http://localhost:9001/runCase?case=1&agent=a", 1)))
	f.Add([]byte(strings.Replace(goodRequest, "GET /getCaseCount", `GET http://localhost:9001/run\Case%2f`, 1)))
	o := DefaultOptions()
	f.Fuzz(func(t *testing.T, b []byte) {
		q, rest, err := readRequest(strings.NewReader(string(b)))
		if err != nil {
			return
		}
		require.True(t, strings.HasPrefix(string(b), q.raw+string(rest)), "nothing is lost")
		key, no := q.check(&o, 9001, false)
		path, query, bad := q.path()
		if no != nil || bad != nil {
			return
		}
		parameters(query)
		r, err := http.ReadRequest(bufio.NewReader(strings.NewReader(q.raw)))
		if err != nil {
			return // net/http wants the target to be what net/url understands
		}
		require.Equal(t, key, r.Header.Get("Sec-WebSocket-Key"))
		unescaped, err := url.PathUnescape(path) // what net/url escapes otherwise than it came is the same path
		require.NoError(t, err)
		require.Equal(t, unescaped, cmp.Or(r.URL.Path, "/"))
		require.Equal(t, query, r.URL.RawQuery)
	})
}
