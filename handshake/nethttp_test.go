package handshake

import (
	"bufio"
	"bytes"
	"io"
	"net/http"
	"net/textproto"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// collect returns the headers as net/http would have them.
func collect(h *head) http.Header {
	headers := http.Header{}
	for name, value := range h.All() {
		key := textproto.CanonicalMIMEHeaderKey(string(name))
		headers[key] = append(headers[key], string(value))
	}
	return headers
}

// sameRequest checks that net/http accepts what r accepted of b, with the same meaning.
func sameRequest(t testing.TB, b []byte, r *Request, rest []byte) {
	br := bufio.NewReader(bytes.NewReader(b))
	req, err := http.ReadRequest(br)
	require.NoError(t, err, "%q", b)
	require.Equal(t, "GET", req.Method)
	require.Equal(t, "HTTP/1.1", req.Proto)
	require.Equal(t, string(r.Target()), req.RequestURI)
	path, err := url.PathUnescape(string(r.Path()))
	require.NoError(t, err)
	require.Equal(t, path, req.URL.Path)
	require.Equal(t, string(r.Query()), req.URL.RawQuery)
	require.Empty(t, req.URL.Host)
	require.Empty(t, req.URL.Fragment)
	require.Equal(t, string(r.Host()), req.Host)
	require.Zero(t, req.ContentLength)
	require.Empty(t, req.TransferEncoding)
	headers := collect(&r.head)
	require.Len(t, headers["Host"], 1)
	delete(headers, "Host") // promoted to req.Host
	if req.Header.Get("Pragma") == "no-cache" && headers["Cache-Control"] == nil {
		delete(req.Header, "Cache-Control") // which net/http adds
	}
	require.Equal(t, headers, req.Header)
	left, err := io.ReadAll(br)
	require.NoError(t, err)
	require.Equal(t, string(rest), string(left))

	// What made us accept it, said again with net/http.
	contains := func(name, token string) (found bool) {
		for _, v := range strings.Split(strings.Join(req.Header[name], ","), ",") {
			found = found || strings.EqualFold(strings.TrimSpace(v), token)
		}
		return found
	}
	require.True(t, contains("Upgrade", "websocket"))
	require.True(t, contains("Connection", "upgrade"))
	require.Equal(t, []string{"13"}, req.Header["Sec-Websocket-Version"])
	require.Len(t, req.Header["Sec-Websocket-Key"], 1)
	require.LessOrEqual(t, len(req.Header["Origin"]), 1)
}

func TestRequestAsNetHTTP(t *testing.T) {
	for _, tt := range requestTests {
		t.Run(tt.name, func(t *testing.T) {
			b := []byte(tt.request + "rest")
			var r Request
			if rest, done, err := r.Receive(b); err == nil {
				require.True(t, done)
				sameRequest(t, b, &r, rest)
			}
		})
	}
}

// FuzzRequest: whatever we accept, net/http accepts with the same meaning; the outcome does not
// depend on how the bytes are cut; each octet is looked at no more than twice; and the answer,
// to whatever we accept or refuse, is one response that net/http can read.
func FuzzRequest(f *testing.F) {
	for i, tt := range requestTests {
		f.Add([]byte(tt.request), uint16(i), uint16(3*i))
	}
	u := &Upgrader{
		Subprotocols: []string{"chat", "superchat"},
		CheckOrigin:  func(r *Request) bool { return len(r.Origin()) < 100 },
		Extensions:   func(_ *Request, offers []Extension) []Extension { return offers[len(offers)-1:] },
		Hook:         func(r *Request) error { return r.AddHeader("X", "y") },
	}
	f.Fuzz(func(t *testing.T, b []byte, i, j uint16) {
		var r Request
		rest, done, err := r.Receive(b)
		require.LessOrEqual(t, int(r.work), 2*len(b))
		if done {
			sameRequest(t, b, &r, rest)
		}
		whole := requestOutcome(t, u, string(b))
		x, y := min(int(i), len(b)), min(int(j), len(b))
		if x > y {
			x, y = y, x
		}
		if x > 0 && x < y && y < len(b) {
			require.Equal(t, whole, requestOutcome(t, u, string(b), x, y))
		}
		if len(b) < 1<<10 {
			every := make([]int, 0, len(b))
			for k := 1; k < len(b); k++ {
				every = append(every, k)
			}
			require.Equal(t, whole, requestOutcome(t, u, string(b), every...))
		}
		if !done && err == nil {
			return
		}
		response, err := u.AppendResponse(nil, &r)
		br := bufio.NewReader(bytes.NewReader(response))
		resp, readErr := http.ReadResponse(br, nil)
		require.NoError(t, readErr)
		if err == nil {
			require.Equal(t, 101, resp.StatusCode)
			require.Equal(t, r.Subprotocol, resp.Header.Get("Sec-WebSocket-Protocol"))
			require.Equal(t, string(AppendAccept(nil, r.Header("Sec-WebSocket-Key"))), resp.Header.Get("Sec-WebSocket-Accept"))
		} else {
			require.Equal(t, err.(*Error).Status, resp.StatusCode)
			require.True(t, resp.Close)
		}
		_, readErr = io.Copy(io.Discard, resp.Body)
		require.NoError(t, readErr)
		_, readErr = br.ReadByte()
		require.Equal(t, io.EOF, readErr, "one response, no more")
	})
}

// sameResponse checks that net/http accepts what r accepted of b, with the same meaning.
func sameResponse(t testing.TB, b []byte, r *Response, rest []byte) {
	br := bufio.NewReader(bytes.NewReader(b))
	var resp *http.Response
	for {
		var err error
		resp, err = http.ReadResponse(br, nil)
		require.NoError(t, err, "%q", b)
		if resp.StatusCode == 101 || resp.StatusCode >= 200 {
			break
		}
	}
	require.Equal(t, r.Status, resp.StatusCode)
	headers := collect(&r.head)
	if resp.Close && resp.Header["Connection"] == nil {
		delete(headers, "Connection") // which net/http takes out with its "close"
	}
	if resp.Header.Get("Pragma") == "no-cache" && headers["Cache-Control"] == nil {
		delete(resp.Header, "Cache-Control")
	}
	require.Equal(t, headers, resp.Header)
	if r.Status == 101 {
		left, err := io.ReadAll(br)
		require.NoError(t, err)
		require.Equal(t, string(rest), string(left))
	}
}

// framed reports whether a head of the response says how its body is framed: what of that
// net/http refuses we do not look at.
func framed(b []byte) bool {
	s := strings.ToLower(string(b))
	return strings.Contains(s, "content-length") || strings.Contains(s, "transfer-encoding") || strings.Contains(s, "trailer")
}

func TestResponseAsNetHTTP(t *testing.T) {
	for _, tt := range responseTests {
		t.Run(tt.name, func(t *testing.T) {
			b := []byte(tt.response + "rest")
			var r Response
			if rest, done, err := r.Receive(b); err == nil && !framed(b) {
				require.True(t, done)
				sameResponse(t, b, &r, rest)
			}
		})
	}
}

// FuzzResponse: whatever we accept, net/http accepts with the same meaning; the outcome does not
// depend on how the bytes are cut; what Check is content with is a 101 with the right accept
// key that chooses only what was offered.
func FuzzResponse(f *testing.F) {
	for i, tt := range responseTests {
		f.Add([]byte(tt.response), uint16(7*i))
	}
	for i, tt := range bodyTests {
		f.Add([]byte("HTTP/1.1 403 Forbidden\r\n"+tt.headers+"\r\n"+tt.body), uint16(7*i))
	}
	f.Fuzz(func(t *testing.T, b []byte, i uint16) {
		o := rfcOffer(t)
		var r Response
		rest, done, err := r.Receive(b)
		require.LessOrEqual(t, int(r.work), 2*len(b))
		if done && !framed(b) {
			sameResponse(t, b, &r, rest)
		}
		whole := responseOutcome(t, o, string(b))
		if int(i) > 0 && int(i) < len(b) {
			require.Equal(t, whole, responseOutcome(t, o, string(b), int(i)))
		}
		if len(b) < 1<<10 {
			every := make([]int, 0, len(b))
			for k := 1; k < len(b); k++ {
				every = append(every, k)
			}
			require.Equal(t, whole, responseOutcome(t, o, string(b), every...))
		}
		if err != nil || !done {
			return
		}
		if o.Check(&r) == nil {
			headers := collect(&r.head)
			require.Equal(t, 101, r.Status)
			require.True(t, bytes.HasPrefix(b[bytes.LastIndex(b[:len(b)-len(rest)], []byte("HTTP/1.1")):], []byte("HTTP/1.1 101")))
			require.Equal(t, []string{"s3pPLMBiTxaQ9kYGzzhZRbK+xOo="}, headers["Sec-Websocket-Accept"])
			require.Contains(t, []string{"", "chat", "superchat"}, r.Subprotocol)
			for _, e := range r.Extensions {
				require.Contains(t, []string{"permessage-deflate", "x"}, e.Name)
			}
			return
		}
		if r.Status != 101 {
			// The body of a refusal, whole and octet by octet.
			twin := r
			r.ReceiveBody(rest)
			for k := range rest {
				if twin.ReceiveBody(rest[k : k+1]) {
					break
				}
			}
			require.Equal(t, string(r.Body()), string(twin.Body()))
			require.LessOrEqual(t, len(r.Body()), MaxBody)
		}
	})
}
