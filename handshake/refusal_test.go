package handshake

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// breaches are all variables that a server may refuse with.
var breaches = []*Error{
	ErrRequestLine, ErrTarget, ErrHeader, ErrHost, ErrBody, ErrVersions, ErrKey, ErrSubprotocols, ErrExtensions, ErrOrigin, ErrMethod,
	ErrUpgrade, ErrVersion, ErrHTTP, ErrHTTP2, ErrRequestLineTooLong, ErrHeaderTooLong, ErrHeadersTooLarge, ErrTooManyHeaders, ErrInternal, ErrUnavailable,
}

func TestAppendRefusal(t *testing.T) {
	for _, tt := range []struct {
		err  error
		want string
	}{
		{ErrKey, "HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: 54\r\n\r\n" +
			"expected one Sec-WebSocket-Key of 16 octets in base64\n"},
		{ErrMethod, "HTTP/1.1 405 Method Not Allowed\r\nConnection: close\r\nAllow: GET\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: 38\r\n\r\n" +
			"an opening handshake is a GET request\n"},
		{errHead, "HTTP/1.1 405 Method Not Allowed\r\nConnection: close\r\nAllow: GET\r\n\r\n"},
		{fmt.Errorf("hook: %w", errHead), "HTTP/1.1 405 Method Not Allowed\r\nConnection: close\r\nAllow: GET\r\n\r\n"},
		{ErrVersion, "HTTP/1.1 426 Upgrade Required\r\nConnection: close\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n" +
			"Content-Type: text/plain; charset=utf-8\r\nContent-Length: 35\r\n\r\nexpected Sec-WebSocket-Version: 13\n"},
		{ErrUnavailable, "HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: 21\r\n\r\ntoo many connections\n"},
		{&Error{Status: 503, Header: http.Header{"Retry-After": {"5"}}}, "HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\n" +
			"Content-Type: text/plain; charset=utf-8\r\nContent-Length: 20\r\nRetry-After: 5\r\n\r\nService Unavailable\n"},
		{io.EOF, internalResponse},
		{nil, internalResponse},
	} {
		t.Run(fmt.Sprint(tt.err), func(t *testing.T) {
			require.Equal(t, "> "+tt.want, string(AppendRefusal([]byte("> "), tt.err)))
		})
	}
}

// V47, V80: each refusal is one complete response that closes the connection, and is readable by others.
func TestV80RefusalCloses(t *testing.T) {
	for _, e := range breaches {
		t.Run(e.text, func(t *testing.T) {
			b := string(AppendRefusal(nil, e))
			br := bufio.NewReader(strings.NewReader(b))
			resp, err := http.ReadResponse(br, nil)
			require.NoError(t, err)
			require.Equal(t, e.Status, resp.StatusCode)
			require.True(t, resp.Close)
			require.GreaterOrEqual(t, resp.ContentLength, int64(1))
			body, err := io.ReadAll(resp.Body)
			require.NoError(t, err)
			require.Equal(t, e.text+"\n", string(body))
			_, err = br.ReadByte()
			require.Equal(t, io.EOF, err, "nothing follows")

			// Our own client reads it as well, however it is cut.
			splits(len(b), func(name string, cuts []int) {
				var r Response
				rest, done, err := feed(t, &r, b, cuts...)
				require.NoError(t, err, name)
				require.True(t, done, name)
				require.True(t, r.ReceiveBody([]byte(rest)), name)
				require.Equal(t, e.text+"\n", string(r.Body()), name)
				var refused *Error
				require.True(t, errors.As(rfcOffer(t).Check(&r), &refused))
				require.Equal(t, e.Status, refused.Status)
			})
		})
	}
}

func TestRefusalDoesNotAllocate(t *testing.T) {
	out := make([]byte, 0, 1024)
	for _, e := range breaches {
		require.Zero(t, testing.AllocsPerRun(100, func() { out = AppendRefusal(out[:0], e) }), e)
	}
}

func TestError(t *testing.T) {
	require.Equal(t, "handshake: origin not allowed (status 403)", ErrOrigin.Error())
	require.Equal(t, "handshake: malformed response", ErrResponse.Error())
	require.Equal(t, "handshake: Forbidden (status 403)", (&Error{Status: 403}).Error())
	require.NoError(t, ErrOrigin.Unwrap())
	// Each is a different one, and says something.
	seen := map[string]bool{}
	for _, e := range append(breaches, ErrResponse, ErrResponseTooLarge, ErrResponseHTTP, ErrResponseBody, ErrResponseUpgrade,
		ErrResponseConnection, ErrResponseAccept, ErrResponseSubprotocols, ErrResponseExtensions) {
		require.False(t, seen[e.Error()], e)
		seen[e.Error()] = true
		require.NotEmpty(t, e.text)
		wrapped := fmt.Errorf("dialing: %w", e)
		require.ErrorIs(t, wrapped, e)
		var as *Error
		require.True(t, errors.As(wrapped, &as))
		require.Same(t, e, as)
	}
}

// V12: the drafts, which had another framing, are not spoken: the answer names version 13.
func TestV12Drafts(t *testing.T) {
	const key1 = "Sec-WebSocket-Key1: 4 @1  46546xW%0l 1 5\r\nSec-WebSocket-Key2: 12998 5 Y3 1  .P00"
	for name, s := range map[string]string{
		"hixie-75":                 "GET /demo HTTP/1.1\r\nUpgrade: WebSocket\r\nConnection: Upgrade\r\nHost: example.com\r\nOrigin: http://example.com\r\nWebSocket-Protocol: sample\r\n\r\n",
		"hixie-76":                 "GET /demo HTTP/1.1\r\nHost: example.com\r\nConnection: Upgrade\r\n" + key1 + "\r\nUpgrade: WebSocket\r\nOrigin: http://example.com\r\n\r\n^n:ds[4U",
		"hixie-76 with version 13": request("+", key1),
		"hybi-00":                  request("Sec-WebSocket-Version", "Sec-WebSocket-Version: 0"),
		"hybi-07":                  request("Sec-WebSocket-Version", "Sec-WebSocket-Version: 7"),
		"hybi-08":                  request("Sec-WebSocket-Version", "Sec-WebSocket-Version: 8"),
		"no version":               request("Sec-WebSocket-Version", ""),
	} {
		t.Run(name, func(t *testing.T) {
			var r Request
			_, _, err := r.Receive([]byte(s))
			require.Same(t, ErrVersion, err)
			resp, err := http.ReadResponse(bufio.NewReader(strings.NewReader(string(AppendRefusal(nil, err)))), nil)
			require.NoError(t, err)
			require.Equal(t, 426, resp.StatusCode)
			require.Equal(t, "13", resp.Header.Get("Sec-WebSocket-Version"))
			require.Equal(t, "websocket", resp.Header.Get("Upgrade"))
			require.True(t, resp.Close)
		})
	}
}

// V47: a bad version and a pipelined request in the same segment get exactly one response, and
// the second request is never parsed; the same for any other refusal, however the bytes are cut.
func TestV47PipelinedRequestAfterRefusal(t *testing.T) {
	hooks := 0
	u := &Upgrader{Hook: func(r *Request) error {
		hooks++
		return &Error{Status: 403}
	}}
	secret := request("GET", "GET /secret HTTP/1.1")
	for name, tt := range map[string]struct {
		first  string
		status int
	}{
		"version":           {request("Sec-WebSocket-Version", "Sec-WebSocket-Version: 12"), 426},
		"body":              {request("+", "Content-Length: 5"), 400},
		"transfer-encoding": {request("+", "Transfer-Encoding: chunked"), 400},
		"hook":              {plainRequest, 403},
	} {
		t.Run(name, func(t *testing.T) {
			stream := tt.first + secret
			splits(len(stream), func(cut string, cuts []int) {
				hooks = 0
				var r Request
				var out []byte
				from := 0
				// What a driver does: the first answer ends the conversation.
				for _, to := range append(cuts, len(stream)) {
					_, done, err := r.Receive([]byte(stream[from:to]))
					from = to
					if err != nil {
						out = AppendRefusal(out, err)
					} else if done {
						out, err = u.AppendResponse(out, &r)
						require.Error(t, err)
					}
					if out != nil {
						break
					}
				}
				require.Equal(t, 1, strings.Count(string(out), "HTTP/1.1"), cut)
				require.Contains(t, string(out), fmt.Sprintf("HTTP/1.1 %d ", tt.status), cut)
				require.Contains(t, string(out), "\r\nConnection: close\r\n", cut)
				require.NotContains(t, string(out), "secret")
				require.NotContains(t, string(r.Target()), "secret", cut)
				require.LessOrEqual(t, hooks, 1)
			})
		})
	}
}

// V47: nothing that the peer sends comes back in a refusal.
func TestV47NothingIsEchoed(t *testing.T) {
	for _, tt := range requestTests {
		if tt.err != nil {
			s := strings.NewReplacer("/", "/marked", "X", "Xmarked").Replace(tt.request)
			var r Request
			if _, _, err := r.Receive([]byte(s)); err != nil {
				require.NotContains(t, string(AppendRefusal(nil, err)), "marked")
			}
		}
	}
}

// V80: targets that proxies and servers understand differently are refused.
func TestV80Targets(t *testing.T) {
	for _, target := range []string{
		"http://example.com/", "https://example.com/", "ws://example.com/", "*", "//example.com/", "//", "///", "/#", "/a#b", "#", "/?a#b", "example.com:80", "", "\\", "/ /",
	} {
		var r Request
		_, _, err := r.Receive([]byte(request("GET", "GET "+target+" HTTP/1.1")))
		require.Contains(t, []error{ErrTarget, ErrRequestLine}, err, target)
		require.Contains(t, string(AppendRefusal(nil, err)), "HTTP/1.1 400 ", target)
	}
}

// V81: handshakes given up for each reason to fail, a Request pooled as a server does, leave nothing.
func TestV81AbortedHandshakes(t *testing.T) {
	n := 100
	if testing.Short() {
		n = 5
	}
	var r Request
	u := &Upgrader{}
	var out []byte
	for range n {
		for _, tt := range requestTests {
			for _, cut := range []int{0, len(tt.request) / 2, len(tt.request) - 1} {
				r.Receive([]byte(tt.request[:cut]))
				if cut%2 == 0 { // else the connection ends here
					r.Receive([]byte(tt.request[cut:]))
					out, _ = u.AppendResponse(out[:0], &r)
				}
				r.Reset()
			}
			require.Equal(t, Request{}, r)
		}
	}
}

// A HEAD request is ErrMethod like any other that is not GET, but for the body of the answer.
func TestHeadIsErrMethod(t *testing.T) {
	require.ErrorIs(t, errHead, ErrMethod)
	require.NotErrorIs(t, ErrMethod, errHead)
	require.NotErrorIs(t, errHead, ErrHTTP)
	require.NotErrorIs(t, ErrKey, ErrMethod)
	require.Equal(t, ErrMethod.Error(), errHead.Error())
}
