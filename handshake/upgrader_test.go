package handshake

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// upgrade receives the request s and returns the response of u.
func upgrade(t testing.TB, u *Upgrader, s string) (response string, r *Request, err error) {
	t.Helper()
	r = &Request{Limits: &u.Limits, RemoteAddr: &net.TCPAddr{IP: net.IPv4(192, 0, 2, 1), Port: 5000}}
	_, done, err := r.Receive([]byte(s))
	require.NoError(t, err)
	require.True(t, done)
	b, err := u.AppendResponse([]byte("> "), r)
	require.Equal(t, "> ", string(b[:2]), "what is there stays")
	require.Nil(t, r.out)
	return string(b[2:]), r, err
}

func TestAppendResponse(t *testing.T) {
	const head = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"
	offers := "Sec-WebSocket-Extensions: a; x=1, b\r\nSec-WebSocket-Extensions: a, c"
	pick := func(names ...string) func(*Request, []Extension) []Extension {
		return func(_ *Request, offers []Extension) (agreed []Extension) {
			for _, name := range names {
				agreed = append(agreed, Extension{Name: name})
			}
			return agreed
		}
	}
	for _, tt := range []struct {
		name    string
		u       *Upgrader
		request string
		want    string // what follows head; empty: refused with 500
	}{
		{"1.3 plain", &Upgrader{}, plainRequest, "\r\n"},
		{"1.2 subprotocol", &Upgrader{Subprotocols: []string{"chat"}, Origins: []string{"http://example.com"}}, rfcRequest, "Sec-WebSocket-Protocol: chat\r\n\r\n"},
		{"4.2.2 the client's order decides", &Upgrader{Subprotocols: []string{"b", "a"}}, request("+", "Sec-WebSocket-Protocol: x, a, b"), "Sec-WebSocket-Protocol: a\r\n\r\n"},
		{"4.2.2 over several lines", &Upgrader{Subprotocols: []string{"b", "a"}}, request("+", "Sec-WebSocket-Protocol: x,\r\nSec-WebSocket-Protocol: a"), "Sec-WebSocket-Protocol: a\r\n\r\n"},
		{"4.2.2 none in common", &Upgrader{Subprotocols: []string{"b"}}, request("+", "Sec-WebSocket-Protocol: a, B, bb"), "\r\n"},
		{"4.2.2 none offered", &Upgrader{Subprotocols: []string{"b"}}, plainRequest, "\r\n"},
		{"4.2.2 none served", &Upgrader{}, request("+", "Sec-WebSocket-Protocol: a"), "\r\n"},
		{"4.2.2 configured with what is no token", &Upgrader{Subprotocols: []string{"", "a b", "a\r\nX: y"}}, request("+", "Sec-WebSocket-Protocol: a,,b"), "\r\n"},
		{"9.1 nobody speaks extensions", &Upgrader{}, request("+", offers), "\r\n"},
		{"9.1 none agreed", &Upgrader{Extensions: pick()}, request("+", offers), "\r\n"},
		{"9.1 one agreed", &Upgrader{Extensions: pick("b")}, request("+", offers), "Sec-WebSocket-Extensions: b\r\n\r\n"},
		{"9.1 two agreed, in the server's order", &Upgrader{Extensions: pick("c", "a")}, request("+", offers), "Sec-WebSocket-Extensions: c, a\r\n\r\n"},
		{"9.1 with parameters", &Upgrader{Extensions: func(_ *Request, offers []Extension) []Extension {
			return []Extension{{"b", params("y", "2", "z", "")}}
		}}, request("+", offers), "Sec-WebSocket-Extensions: b; y=2; z\r\n\r\n"},
		{"9.1 agreed, but not offered", &Upgrader{Extensions: pick("d")}, request("+", offers), ""},
		{"9.1 agreed in another case", &Upgrader{Extensions: pick("A")}, request("+", offers), ""},
		{"9.1 agreed twice", &Upgrader{Extensions: pick("a", "a")}, request("+", offers), ""},
		{"9.1 agreed with bad parameters", &Upgrader{Extensions: func(*Request, []Extension) []Extension {
			return []Extension{{"a", params("x", "1\r\nX: y")}}
		}}, request("+", offers), ""},
		{"hook adds headers", &Upgrader{Subprotocols: []string{"a"}, Hook: func(r *Request) error {
			return errors.Join(r.AddHeader("Set-Cookie", "a=b; Path=/"), r.AddHeader("X", ""))
		}}, request("+", "Sec-WebSocket-Protocol: a"), "Set-Cookie: a=b; Path=/\r\nX: \r\nSec-WebSocket-Protocol: a\r\n\r\n"},
		{"hook changes the subprotocol", &Upgrader{Subprotocols: []string{"a"}, Hook: func(r *Request) error {
			r.Subprotocol = "b"
			return nil
		}}, request("+", "Sec-WebSocket-Protocol: a,b"), "Sec-WebSocket-Protocol: b\r\n\r\n"},
		{"hook wants no subprotocol", &Upgrader{Subprotocols: []string{"a"}, Hook: func(r *Request) error {
			r.Subprotocol = ""
			return nil
		}}, request("+", "Sec-WebSocket-Protocol: a,b"), "\r\n"},
		{"hook wants a subprotocol that is not offered", &Upgrader{Hook: func(r *Request) error {
			r.Subprotocol = "c"
			return nil
		}}, request("+", "Sec-WebSocket-Protocol: a,b"), ""},
		{"hook wants a subprotocol and none is offered", &Upgrader{Hook: func(r *Request) error {
			r.Subprotocol = "a\r\nX: y"
			return nil
		}}, plainRequest, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			response, r, err := upgrade(t, tt.u, tt.request)
			if tt.want == "" {
				var e *Error
				require.True(t, errors.As(err, &e))
				require.Equal(t, 500, e.Status)
				require.Equal(t, internalResponse, response)
				return
			}
			require.NoError(t, err)
			require.Equal(t, head+tt.want, response)
			// What is said in fields is what was sent.
			if r.Subprotocol != "" {
				require.Contains(t, response, "\r\nSec-WebSocket-Protocol: "+r.Subprotocol+"\r\n")
			}
			b, err := AppendExtensions(nil, r.Extensions)
			require.NoError(t, err)
			if len(b) > 0 {
				require.Contains(t, response, "\r\nSec-WebSocket-Extensions: "+string(b)+"\r\n")
			}
		})
	}
}

const internalResponse = "HTTP/1.1 500 Internal Server Error\r\nConnection: close\r\n" +
	"Content-Type: text/plain; charset=utf-8\r\nContent-Length: 22\r\n\r\nInternal Server Error\n"

// The hook sees everything, once the checks are passed and not before, and before Extensions.
func TestHookSees(t *testing.T) {
	var steps []string
	u := &Upgrader{
		Subprotocols: []string{"chat"},
		Hook: func(r *Request) error {
			steps = append(steps, fmt.Sprintf("hook %s %s %s %s %s %s %s", r.Path(), r.Query(), r.Host(), r.Header("X-Token"), r.Cookie("session"), r.RemoteAddr, r.Subprotocol))
			return nil
		},
		Extensions: func(r *Request, offers []Extension) []Extension {
			steps = append(steps, fmt.Sprintf("extensions %s %v", r.Path(), offers))
			return nil
		},
	}
	_, _, err := upgrade(t, u, request("GET", "GET /room/1?a=b HTTP/1.1", "+", "X-Token: t\r\nCookie: session=s\r\nSec-WebSocket-Protocol: chat\r\nSec-WebSocket-Extensions: x;y=z"))
	require.NoError(t, err)
	require.Equal(t, []string{"hook /room/1 a=b example.com t s 192.0.2.1:5000 chat", "extensions /room/1 [{x [{y z}]}]"}, steps)

	steps = nil
	_, _, err = upgrade(t, u, request("+", "Origin: https://evil"))
	require.Same(t, ErrOrigin, err)
	require.Empty(t, steps)

	u.Hook = func(r *Request) error { return ErrUnavailable }
	_, _, err = upgrade(t, u, request("+", "Sec-WebSocket-Extensions: x"))
	require.Same(t, ErrUnavailable, err)
	require.Empty(t, steps, "no extension is agreed to for whom is refused")
}

func TestHookRefuses(t *testing.T) {
	cause := fmt.Errorf("database: %w", io.ErrUnexpectedEOF)
	var nothing *Error
	for _, tt := range []struct {
		name string
		err  error
		want string
	}{
		{"status alone", &Error{Status: 401}, "HTTP/1.1 401 Unauthorized\r\nConnection: close\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: 13\r\n\r\nUnauthorized\n"},
		{"headers and body", &Error{Status: 401, Header: http.Header{"Www-Authenticate": {"Basic", "Bearer"}, "Content-Type": {"application/json"}}, Body: []byte("{}")},
			"HTTP/1.1 401 Unauthorized\r\nConnection: close\r\nContent-Length: 2\r\nContent-Type: application/json\r\nWww-Authenticate: Basic\r\nWww-Authenticate: Bearer\r\n\r\n{}"},
		{"empty body", &Error{Status: 403, Body: []byte{}}, "HTTP/1.1 403 Forbidden\r\nConnection: close\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: 0\r\n\r\n"},
		{"redirect", &Error{Status: 307, Header: http.Header{"location": {"/login"}}, Body: []byte{}}, "HTTP/1.1 307 Temporary Redirect\r\nConnection: close\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: 0\r\nlocation: /login\r\n\r\n"},
		{"no content", &Error{Status: 204, Body: []byte("x")}, "HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n"},
		{"not modified", &Error{Status: 304}, "HTTP/1.1 304 Not Modified\r\nConnection: close\r\n\r\n"},
		{"status without a name", &Error{Status: 599, Body: []byte{}}, "HTTP/1.1 599 \r\nConnection: close\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: 0\r\n\r\n"},
		{"own methods", &Error{Status: 405, Header: http.Header{"allow": {"GET, HEAD"}}, Body: []byte{}}, "HTTP/1.1 405 Method Not Allowed\r\nConnection: close\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: 0\r\nallow: GET, HEAD\r\n\r\n"},
		{"wrapped", fmt.Errorf("no such room: %w", &Error{Status: 404, Body: []byte("?")}), "HTTP/1.1 404 Not Found\r\nConnection: close\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: 1\r\n\r\n?"},
		{"any error", cause, internalResponse},
		{"typed nil", nothing, internalResponse},
		{"status 101", &Error{Status: 101}, internalResponse},
		{"status 0", &Error{}, internalResponse},
		{"status 199", &Error{Status: 199}, internalResponse},
		{"status 600", &Error{Status: 600}, internalResponse},
		{"status -1", &Error{Status: -1}, internalResponse},
		{"error of the client's side", ErrResponseAccept, internalResponse},
		{"a header of the handshake", &Error{Status: 401, Header: http.Header{"Connection": {"keep-alive"}}}, internalResponse},
		{"a header with a line break", &Error{Status: 401, Header: http.Header{"X": {"a\r\nb"}}}, internalResponse},
	} {
		t.Run(tt.name, func(t *testing.T) {
			u := &Upgrader{Hook: func(r *Request) error {
				require.NoError(t, r.AddHeader("X-Only", "on success"))
				return tt.err
			}}
			u.Subprotocols = []string{"a"}
			response, r, err := upgrade(t, u, request("+", "Sec-WebSocket-Protocol: a"))
			require.Equal(t, tt.want, response)
			require.Empty(t, r.Subprotocol)
			require.IsType(t, &Error{}, err)
			if tt.err != nothing {
				require.ErrorIs(t, err, tt.err, "the driver sees what the hook said")
			}
			require.Equal(t, tt.want, string(AppendRefusal(nil, err)), "said again, it is the same")
		})
	}
	require.ErrorIs(t, refusal(cause), io.ErrUnexpectedEOF)
	require.Equal(t, "handshake: Internal Server Error: database: unexpected EOF (status 500)", refusal(cause).Error())
}

// V48: nothing that the program supplies can split the response, whatever octet is in it.
func TestV48ProgramCannotSplitResponse(t *testing.T) {
	for c := range 256 {
		s := string([]byte{byte(c)})
		bad := c < ' ' && c != '\t' || c == 0x7f
		for _, tt := range []struct {
			name string
			u    *Upgrader
			bad  bool
		}{
			{"value", &Upgrader{Hook: func(r *Request) error { return r.AddHeader("X", "a"+s+"b") }}, bad},
			{"value, error ignored", &Upgrader{Hook: func(r *Request) error { r.AddHeader("X", s); r.AddHeader("Y", "y"); return nil }}, bad},
			{"name", &Upgrader{Hook: func(r *Request) error { return r.AddHeader("X"+s, "a") }}, !strings.Contains(tchar, s)},
			{"refusal value", &Upgrader{Hook: func(r *Request) error {
				return &Error{Status: 401, Header: http.Header{"X": {"a", "b" + s}}}
			}}, bad},
			{"refusal name", &Upgrader{Hook: func(r *Request) error {
				return &Error{Status: 401, Header: http.Header{"X" + s: {"a"}}}
			}}, !strings.Contains(tchar, s)},
			{"subprotocol", &Upgrader{Hook: func(r *Request) error { r.Subprotocol = "chat" + s; return nil }}, true},
			{"subprotocol in the list", &Upgrader{Subprotocols: []string{"chat" + s, s}}, false},
			{"extension", &Upgrader{Extensions: func(*Request, []Extension) []Extension {
				return []Extension{{"x" + s, nil}}
			}}, true},
			{"parameter", &Upgrader{Extensions: func(*Request, []Extension) []Extension {
				return []Extension{{"x", params("y"+s, "z")}}
			}}, !strings.Contains(tchar, s)},
			{"value of a parameter", &Upgrader{Extensions: func(*Request, []Extension) []Extension {
				return []Extension{{"x", params("y", s)}}
			}}, !strings.Contains(tchar, s)},
		} {
			response, _, err := upgrade(t, tt.u, request("+", "Sec-WebSocket-Protocol: chat\r\nSec-WebSocket-Extensions: x"))
			if tt.bad {
				require.Equal(t, internalResponse, response, "%s %q", tt.name, s)
				require.Error(t, err)
				continue
			}
			head, _, _ := strings.Cut(response, "\r\n\r\n")
			for _, line := range strings.Split(head, "\r\n") {
				require.NotContains(t, line, "\r")
				require.NotContains(t, line, "\n")
			}
		}
	}
}

// What frames the message or makes the handshake is not the program's to set.
func TestV48OwnHeaders(t *testing.T) {
	for _, name := range []string{
		"Connection", "upgrade", "Content-Length", "TRANSFER-ENCODING", "Sec-WebSocket-Accept", "sec-websocket-protocol", "Sec-WebSocket-Extensions", "Sec-WebSocket-Version",
	} {
		for _, u := range []*Upgrader{
			{Hook: func(r *Request) error { r.AddHeader(name, "x"); return nil }},
			{Hook: func(r *Request) error { return &Error{Status: 403, Header: http.Header{name: {"x"}}} }},
		} {
			response, _, err := upgrade(t, u, plainRequest)
			require.Equal(t, internalResponse, response, name)
			require.ErrorContains(t, err, name)
		}
	}
}

func TestAddHeaderOutsideOfHook(t *testing.T) {
	_, r, err := upgrade(t, &Upgrader{}, plainRequest)
	require.NoError(t, err)
	require.Error(t, r.AddHeader("X", "y"))
	response, err := new(Upgrader).AppendResponse(nil, r)
	require.NoError(t, err)
	require.NotContains(t, string(response), "X: y")
}

// What one answer said is forgotten when another is asked for.
func TestAppendResponseAgain(t *testing.T) {
	u := &Upgrader{Subprotocols: []string{"a"}, Extensions: func(_ *Request, offers []Extension) []Extension { return offers }}
	first, r, err := upgrade(t, u, request("+", "Sec-WebSocket-Protocol: a\r\nSec-WebSocket-Extensions: x"))
	require.NoError(t, err)
	require.Len(t, r.Extensions, 1)
	second, err := new(Upgrader).AppendResponse(nil, r)
	require.NoError(t, err)
	require.Empty(t, r.Subprotocol)
	require.Empty(t, r.Extensions)
	require.NotEqual(t, first, string(second))
	third, err := u.AppendResponse(nil, r)
	require.NoError(t, err)
	require.Equal(t, first, string(third))
	_, err = (&Upgrader{RequireOrigin: true}).AppendResponse(nil, r)
	require.Same(t, ErrOrigin, err)
	require.Empty(t, r.Subprotocol)
	require.Empty(t, r.Extensions)
}

// An Upgrader answers a Request that failed with its refusal, and again the same.
func TestAppendResponseAfterError(t *testing.T) {
	for _, tt := range requestTests {
		if tt.err == nil {
			continue
		}
		var r Request
		_, _, err := r.Receive([]byte(tt.request))
		require.Same(t, tt.err, err)
		for range 2 {
			response, err := new(Upgrader).AppendResponse(nil, &r)
			require.Same(t, tt.err, err)
			require.Equal(t, string(AppendRefusal(nil, tt.err)), string(response))
		}
	}
}

// No allocation per upgrade, with policy and hook, nor per refusal.
func TestUpgradeAllocations(t *testing.T) {
	out := make([]byte, 0, 1024)
	policy := &Upgrader{
		Subprotocols: []string{"superchat"},
		Origins:      []string{"https://a.example", "http://example.com"},
		Hook: func(r *Request) error {
			if len(r.Path()) == 0 || r.Header("Host") == nil || r.Cookie("none") != nil {
				return ErrInternal
			}
			return r.AddHeader("Set-Cookie", "a=b")
		},
	}
	for name, tt := range map[string]struct {
		u       *Upgrader
		request string
	}{
		"plain":                                 {&Upgrader{}, plainRequest},
		"browser":                               {&Upgrader{}, browserRequest},
		"subprotocol, origin, hook":             {policy, rfcRequest},
		"extensions offered, none spoken":       {&Upgrader{}, browserRequest},
		"refused by protocol":                   {&Upgrader{}, request("Sec-WebSocket-Version", "")},
		"refused by method":                     {&Upgrader{}, request("GET", "POST / HTTP/1.1")},
		"refused by origin":                     {&Upgrader{}, rfcRequest},
		"refused by hook with a breach of ours": {&Upgrader{Hook: func(*Request) error { return ErrUnavailable }}, plainRequest},
	} {
		t.Run(name, func(t *testing.T) {
			in := []byte(tt.request)
			var r Request
			require.Zero(t, testing.AllocsPerRun(100, func() {
				r.Reset()
				r.Receive(in)
				out, _ = tt.u.AppendResponse(out[:0], &r)
			}))
		})
	}
}
