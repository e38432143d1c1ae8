package autobahn

import (
	"bufio"
	"context"
	"crypto/sha1"
	"encoding/base64"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// opened makes an opening handshake with a server that answers a request as respond says, and returns also the request that it saw.
func opened(t *testing.T, target Target, c *Case, respond func(r *http.Request) string) (opening, *Result, *http.Request) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer ln.Close()
	saw := make(chan *http.Request, 1)
	go func() {
		defer close(saw)
		nc, err := ln.Accept()
		if err != nil {
			return
		}
		defer nc.Close()
		r, err := http.ReadRequest(bufio.NewReader(nc))
		if err != nil {
			return
		}
		saw <- r
		io.WriteString(nc, respond(r))
		io.Copy(io.Discard, nc)
	}()
	target.URL = "ws://" + ln.Addr().String() + "/path?query"
	nc, err := dial(t.Context(), &target, nil)
	require.NoError(t, err)
	o, _, failed := open(t.Context(), nc, &target, c)
	nc.Close()
	return o, failed, <-saw
}

// good is the response that RFC 6455 asks for, with more header lines.
func good(more string) func(r *http.Request) string {
	return func(r *http.Request) string {
		sum := sha1.Sum([]byte(r.Header.Get("Sec-WebSocket-Key") + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"))
		return "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: " +
			base64.StdEncoding.EncodeToString(sum[:]) + "\r\n" + more + "\r\n"
	}
}

func TestOpeningClient(t *testing.T) {
	target := Target{Origin: "http://example.com", Protocols: []string{"a", "b"}, Options: DefaultOptions()}
	compressed := Cases()[300+1]
	t.Run("request", func(t *testing.T) {
		o, failed, r := opened(t, target, hello, good("Sec-WebSocket-Protocol: b\r\n\r\n\x81\x00"))
		require.Nil(t, failed)
		require.Equal(t, []any{"/path?query", "13", "http://example.com", "a, b", ""},
			[]any{r.RequestURI, r.Header.Get("Sec-WebSocket-Version"), r.Header.Get("Origin"), r.Header.Get("Sec-WebSocket-Protocol"), r.Header.Get("Sec-WebSocket-Extensions")})
		require.Contains(t, r.Host, ":", "the port is always named")
		require.Equal(t, "\x81\x00\r\n", string(o.rest), "what comes behind the response is kept")
		require.Contains(t, o.request, "GET /path?query HTTP/1.1\r\n")
		require.Contains(t, o.response, "HTTP/1.1 101 ")
		require.Regexp(t, "\r\n\r\n$", o.response)
	})
	t.Run("interim responses", func(t *testing.T) {
		o, failed, _ := opened(t, target, hello, func(r *http.Request) string {
			return "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n" + good("")(r) + "\x89\x00"
		})
		require.Nil(t, failed)
		require.Equal(t, "\x89\x00", string(o.rest))
		require.Contains(t, o.response, "103 Early Hints")
	})
	t.Run("octet by octet", func(t *testing.T) {
		whole := "HTTP/1.1 100 Continue\r\n\r\n" + "HTTP/1.1 404 Not Found\r\nServer: s\r\n\r\n"
		for cut := 1; cut < len(whole); cut++ {
			ours, theirs := net.Pipe()
			go func() {
				io.WriteString(theirs, whole[:cut])
				io.WriteString(theirs, whole[cut:])
				theirs.Close()
			}()
			o := opening{nc: ours}
			r, err := o.readResponse()
			require.NoError(t, err)
			require.Equal(t, []any{404, "s", whole}, []any{r.status, r.fields["server"][0], o.response})
			ours.Close()
		}
	})
	t.Run("version 8", func(t *testing.T) {
		old := target
		old.Options.Version = 10
		_, failed, r := opened(t, old, hello, good(""))
		require.Nil(t, failed)
		require.Equal(t, []string{"8", "http://example.com", ""},
			[]string{r.Header.Get("Sec-WebSocket-Version"), r.Header.Get("Sec-WebSocket-Origin"), r.Header.Get("Origin")})
	})
	t.Run("no limit of time", func(t *testing.T) {
		patient := target
		patient.Options.OpenHandshakeTimeout = 0
		_, failed, _ := opened(t, patient, hello, good(""))
		require.Nil(t, failed)
	})
	t.Run("compression", func(t *testing.T) {
		o, failed, r := opened(t, target, compressed, good("Sec-WebSocket-Extensions: permessage-deflate; server_no_context_takeover\r\n"))
		require.Nil(t, failed)
		require.Equal(t, "permessage-deflate; client_no_context_takeover; client_max_window_bits", r.Header.Get("Sec-WebSocket-Extensions"))
		require.True(t, o.deflate.ServerNoContextTakeover)
		o, failed, _ = opened(t, target, compressed, good(""))
		require.Nil(t, failed)
		require.Nil(t, o.deflate)
	})
	for name, row := range map[string]struct {
		c       *Case
		respond func(r *http.Request) string
		why     string
	}{
		"status":                  {hello, func(*http.Request) string { return "HTTP/1.1 400 Bad Request\r\n\r\n" }, "400"},
		"accept":                  {hello, func(r *http.Request) string { r.Header.Set("Sec-WebSocket-Key", "x"); return good("")(r) }, "Accept"},
		"extension":               {hello, good("Sec-WebSocket-Extensions: permessage-deflate\r\n"), ""},
		"parameter":               {compressed, good("Sec-WebSocket-Extensions: permessage-deflate; server_max_window_bits=16\r\n"), ""},
		"subprotocol":             {hello, good("Sec-WebSocket-Protocol: c\r\n"), ""},
		"HTTP/1.0":                {hello, func(r *http.Request) string { return strings.Replace(good("")(r), "/1.1", "/1.0", 1) }, "HTTP/1.0"},
		"two upgrades":            {hello, good("Upgrade: h2c\r\n"), "Upgrade"},
		"malformed extensions":    {compressed, good("Sec-WebSocket-Extensions: permessage-deflate;;\r\n"), "malformed"},
		"another extension":       {compressed, good("Sec-WebSocket-Extensions: x\r\n"), "x"},
		"no end":                  {hello, func(*http.Request) string { return "HTTP/1.1 101 X\r\n" + strings.Repeat("X: y\r\n", 8<<10) }, "more than 32768 octets"},
		"a header without a name": {hello, good(": x\r\n"), "malformed header"},
		"no HTTP":                 {hello, func(*http.Request) string { return "220 mail.example.com ESMTP\r\n\r\n" }, ""},
	} {
		t.Run(name, func(t *testing.T) {
			_, failed, _ := opened(t, target, row.c, row.respond)
			require.NotNil(t, failed)
			require.Equal(t, []any{Failed, Failed, false}, []any{failed.Behavior, failed.BehaviorClose, failed.Opened})
			require.Contains(t, failed.Reason, row.why)
			require.NotEmpty(t, failed.HTTPRequest)
		})
	}
	t.Run("silence", func(t *testing.T) {
		hasty := target
		hasty.Options.OpenHandshakeTimeout = 10 * time.Millisecond
		_, failed, _ := opened(t, hasty, hello, func(*http.Request) string { return "HTTP/1.1 101 Swi" })
		require.NotNil(t, failed)
		require.True(t, failed.OpenHandshakeTimeout)
	})
	t.Run("canceled", func(t *testing.T) {
		ln, err := net.Listen("tcp", "127.0.0.1:0")
		require.NoError(t, err)
		defer ln.Close()
		target.URL = "ws://" + ln.Addr().String()
		nc, err := dial(t.Context(), &target, nil)
		require.NoError(t, err)
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		_, _, failed := open(ctx, nc, &target, hello)
		require.NotNil(t, failed)
	})
}
