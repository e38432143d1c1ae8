package handshake

import (
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// The response of RFC 6455 section 1.2, without the subprotocol.
const rfcResponse = "HTTP/1.1 101 Switching Protocols\r\n" +
	"Upgrade: websocket\r\n" +
	"Connection: Upgrade\r\n" +
	"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n" +
	"\r\n"

// rfcOffer returns an offer that rfcResponse answers.
func rfcOffer(t testing.TB) *Offer {
	u, err := ParseURL("ws://server.example.com/chat")
	require.NoError(t, err)
	o := &Offer{
		URL:          u,
		Key:          "dGhlIHNhbXBsZSBub25jZQ==",
		Subprotocols: []string{"chat", "superchat"},
		Extensions:   []Extension{{Name: "permessage-deflate", Params: []Param{{Name: "client_max_window_bits"}}}, {Name: "x"}},
	}
	_, err = o.AppendRequest(nil)
	require.NoError(t, err)
	return o
}

// response returns rfcResponse with changes, as request does.
func response(changes ...string) string {
	s := rfcResponse
	for i := 0; i < len(changes); i += 2 {
		what, with := changes[i], changes[i+1]
		if what == "+" {
			s = s[:len(s)-2] + with + "\r\n\r\n"
			continue
		}
		from := strings.Index(s, what)
		to := from + strings.Index(s[from:], "\r\n") + 2
		if with != "" {
			with += "\r\n"
		}
		s = s[:from] + with + s[to:]
	}
	return s
}

var responseTests = []struct {
	name     string
	response string
	err      error // of Receive, or else of Check
}{
	{"1.2 the RFC's own", response("+", "Sec-WebSocket-Protocol: chat"), nil},
	{"plain", rfcResponse, nil},

	// RFC 9112 4: status-line = HTTP-version SP status-code SP [ reason-phrase ]
	{"RFC 9112 4 empty reason", response("HTTP", "HTTP/1.1 101 "), nil},
	{"RFC 9112 4 no reason, no space", response("HTTP", "HTTP/1.1 101"), nil},
	{"RFC 9112 4 another reason", response("HTTP", "HTTP/1.1 101 Web Socket Protocol Handshake \xe4"), nil},
	{"RFC 9112 4 control in the reason", response("HTTP", "HTTP/1.1 101 a\x00b"), ErrResponse},
	{"RFC 9112 4 no version", response("HTTP", "101 Switching Protocols"), ErrResponse},
	{"RFC 9112 4 two digits", response("HTTP", "HTTP/1.1 99 Switching Protocols"), ErrResponse},
	{"RFC 9112 4 four digits", response("HTTP", "HTTP/1.1 1010 Switching Protocols"), ErrResponse},
	{"RFC 9112 4 below 100", response("HTTP", "HTTP/1.1 099 x"), ErrResponse},
	{"RFC 9112 4 signed", response("HTTP", "HTTP/1.1 +10 x"), ErrResponse},
	{"RFC 9112 4 no number", response("HTTP", "HTTP/1.1 abc x"), ErrResponse},
	{"RFC 9112 4 two spaces", response("HTTP", "HTTP/1.1  101 x"), ErrResponse},
	{"RFC 9112 4 nothing but a version", response("HTTP", "HTTP/1.1"), ErrResponse},
	{"RFC 9112 4 HTTP/1.0", response("HTTP", "HTTP/1.0 101 Switching Protocols"), ErrResponseHTTP},
	{"RFC 9112 4 HTTP/1.2", response("HTTP", "HTTP/1.2 101 Switching Protocols"), ErrResponseHTTP},
	{"RFC 9112 4 HTTP/2.0", response("HTTP", "HTTP/2.0 101 Switching Protocols"), ErrResponse},
	{"RFC 9112 4 another protocol", "SSH-2.0-OpenSSH_9.6\r\n", ErrResponse},
	{"RFC 9112 4 empty", "\r\n", ErrResponse},

	// RFC 9112 2.2 and 5, as in requests
	{"RFC 9112 2.2 bare LF", response("Upgrade", "Upgrade: websocket\nX: y"), ErrResponse},
	{"RFC 9112 2.2 bare LF after the status line", strings.Replace(rfcResponse, "\r\n", "\n", 1), ErrResponse},
	{"RFC 9112 2.2 bare CR", response("+", "X: a\rb"), ErrResponse},
	{"RFC 9112 5.1 space before the colon", response("Upgrade", "Upgrade : websocket"), ErrResponse},
	{"RFC 9112 5.2 folded", response("Connection", "Connection:\r\n Upgrade"), ErrResponse},
	{"RFC 9110 5.5 NUL", response("+", "X: \x00"), ErrResponse},
	{"header line too long", response("+", "X: "+strings.Repeat("x", 4096)), ErrResponseTooLarge},
	{"status line too long", response("HTTP", "HTTP/1.1 101 "+strings.Repeat("x", 4096)), ErrResponseTooLarge},
	{"too many headers", response("+", strings.TrimSuffix(strings.Repeat("X:\r\n", 98), "\r\n")), ErrResponseTooLarge},

	// RFC 9110 15.2: interim responses
	{"RFC 9110 15.2 100 first", "HTTP/1.1 100 Continue\r\n\r\n" + rfcResponse, nil},
	{"RFC 9110 15.2 102 and 103 first", "HTTP/1.1 102 Processing\r\nUpgrade: x\r\n\r\nHTTP/1.1 103\r\nLink: a\r\n\r\n" + rfcResponse, nil},
	{"RFC 9110 15.2 too many of them", strings.Repeat("HTTP/1.1 100 Continue\r\n\r\n", 800) + rfcResponse, ErrResponseTooLarge},
	{"RFC 9110 15.2 what they say counts for nothing", "HTTP/1.1 103\r\nUpgrade: websocket\r\n\r\n" + response("Upgrade", ""), ErrResponseUpgrade},
	{"RFC 9110 15.2 a bad one", "HTTP/1.1 100 Continue\r\nX\r\n\r\n" + rfcResponse, ErrResponse},

	// 4.1, items 2 and 3
	{"4.1 no Upgrade", response("Upgrade", ""), ErrResponseUpgrade},
	{"4.1 Upgrade in any case", response("Upgrade", "uPGRADE: WebSocket"), nil},
	{"4.1 another Upgrade", response("Upgrade", "Upgrade: h2c"), ErrResponseUpgrade},
	{"4.1 several Upgrades", response("Upgrade", "Upgrade: websocket, h2c"), ErrResponseUpgrade},
	{"4.1 two Upgrades", response("+", "Upgrade: websocket"), ErrResponseUpgrade},
	{"4.1 no Connection", response("Connection", ""), ErrResponseConnection},
	{"4.1 Connection in any case", response("Connection", "connection: upgradE"), nil},
	{"4.1 Connection list", response("Connection", "Connection: keep-alive, Upgrade"), nil},
	{"4.1 Connection lines", response("+", "Connection: keep-alive"), nil},
	{"4.1 another Connection", response("Connection", "Connection: close"), ErrResponseConnection},

	// 4.1, item 4
	{"4.1 no Accept", response("Sec-WebSocket-Accept", ""), ErrResponseAccept},
	{"4.1 wrong Accept", response("Sec-WebSocket-Accept", "Sec-WebSocket-Accept: ICX+Yqv66kxgM0FcWaLWlFLwTAI="), ErrResponseAccept},
	{"4.1 Accept in another case", response("Sec-WebSocket-Accept", "Sec-WebSocket-Accept: S3pPLMBiTxaQ9kYGzzhZRbK+xOo="), ErrResponseAccept},
	{"4.1 the key for Accept", response("Sec-WebSocket-Accept", "Sec-WebSocket-Accept: dGhlIHNhbXBsZSBub25jZQ=="), ErrResponseAccept},
	{"4.1 two Accepts", response("+", "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo="), ErrResponseAccept},
	{"4.1 Accept with space around", response("Sec-WebSocket-Accept", "Sec-WebSocket-Accept: \t s3pPLMBiTxaQ9kYGzzhZRbK+xOo= "), nil},

	// 4.1, item 5
	{"4.1 extension", response("+", "Sec-WebSocket-Extensions: permessage-deflate; server_no_context_takeover"), nil},
	{"4.1 extensions in lines", response("+", "Sec-WebSocket-Extensions: x\r\nSec-WebSocket-Extensions: permessage-deflate"), nil},
	{"4.1 extension not offered", response("+", "Sec-WebSocket-Extensions: y"), ErrResponseExtensions},
	{"4.1 extension twice", response("+", "Sec-WebSocket-Extensions: x, x"), ErrResponseExtensions},
	{"4.1 extension twice in lines", response("+", "Sec-WebSocket-Extensions: x\r\nSec-WebSocket-Extensions: x"), ErrResponseExtensions},
	{"4.1 malformed extension", response("+", "Sec-WebSocket-Extensions: x;"), ErrResponseExtensions},
	{"4.1 no extension", response("+", "Sec-WebSocket-Extensions:"), nil},

	// 4.1, item 6
	{"4.1 second subprotocol", response("+", "Sec-WebSocket-Protocol: superchat"), nil},
	{"4.1 subprotocol not offered", response("+", "Sec-WebSocket-Protocol: other"), ErrResponseSubprotocols},
	{"4.1 subprotocol in another case", response("+", "Sec-WebSocket-Protocol: Chat"), ErrResponseSubprotocols},
	{"4.1 two subprotocols", response("+", "Sec-WebSocket-Protocol: chat, superchat"), ErrResponseSubprotocols},
	{"4.1 subprotocol twice", response("+", "Sec-WebSocket-Protocol: chat\r\nSec-WebSocket-Protocol: chat"), ErrResponseSubprotocols},
	{"4.1 empty subprotocol", response("+", "Sec-WebSocket-Protocol:"), ErrResponseSubprotocols},

	// RFC 9112 6: a 101 has no body
	{"RFC 9112 6 Content-Length of 0", response("+", "Content-Length: 0"), nil},
	{"RFC 9112 6 Content-Length", response("+", "Content-Length: 5"), ErrResponseBody},
	{"RFC 9112 6 two Content-Lengths", response("+", "Content-Length: 0\r\nContent-Length: 0"), ErrResponseBody},
	{"RFC 9112 6 Transfer-Encoding", response("+", "Transfer-Encoding: chunked"), ErrResponseBody},
}

func TestReceiveResponse(t *testing.T) {
	for _, tt := range responseTests {
		t.Run(tt.name, func(t *testing.T) {
			o := rfcOffer(t)
			var r Response
			rest, done, err := feed(t, &r, tt.response+"rest")
			if err == nil {
				require.True(t, done)
				require.Equal(t, "rest", rest)
				err = o.Check(&r)
			} else {
				require.Same(t, err, o.Check(&r))
				require.Zero(t, r.Status)
			}
			if tt.err == nil {
				require.NoError(t, err)
				require.Equal(t, 101, r.Status)
				return
			}
			require.Equal(t, tt.err, err)
			require.Same(t, tt.err, err)
		})
	}
}

func TestReceiveResponseSplit(t *testing.T) {
	o := rfcOffer(t)
	for _, tt := range responseTests {
		t.Run(tt.name, func(t *testing.T) {
			stream := tt.response + "\x81\x05Hello" // V42: a frame in the same segment
			want := responseOutcome(t, o, stream)
			splits(len(stream), func(name string, cuts []int) {
				require.Equal(t, want, responseOutcome(t, o, stream, cuts...), name)
			})
		})
	}
}

// V42: what follows the blank line is never lost, on either side, wherever the segments end.
func TestV42BytesAfterTheBlankLine(t *testing.T) {
	const frames = "\x81\x85\x00\x00\x00\x00Hello\x89\x80\x00\x00\x00\x00"
	for head, r := range map[string]func() receiver{
		browserRequest: func() receiver { return new(Request) },
		rfcResponse:    func() receiver { return new(Response) },
	} {
		stream := head + frames
		splits(len(stream), func(name string, cuts []int) {
			rest, done, err := feed(t, r(), stream, cuts...)
			require.NoError(t, err, name)
			require.True(t, done, name)
			require.Equal(t, frames, rest, name)
		})
	}
}

// What the server agreed to.
func TestCheckAgreed(t *testing.T) {
	o := rfcOffer(t)
	var r Response
	_, _, err := r.Receive([]byte(response("+", "Sec-WebSocket-Protocol: superchat\r\nSec-WebSocket-Extensions: x;a=\"1\", permessage-deflate")))
	require.NoError(t, err)
	require.NoError(t, o.Check(&r))
	require.Equal(t, "superchat", r.Subprotocol)
	require.Equal(t, []Extension{{"x", []Param{{"a", "1"}}}, {"permessage-deflate", nil}}, r.Extensions)
	require.Equal(t, "Upgrade", string(r.Header("connection")))
	r.Reset()
	require.Equal(t, Response{}, r)
}

// Nothing was offered, so nothing may be chosen.
func TestCheckNothingOffered(t *testing.T) {
	o := rfcOffer(t)
	o.Subprotocols, o.Extensions = nil, nil
	for s, want := range map[string]error{
		"Sec-WebSocket-Protocol: chat":                 ErrResponseSubprotocols,
		"Sec-WebSocket-Protocol:":                      ErrResponseSubprotocols,
		"Sec-WebSocket-Extensions: permessage-deflate": ErrResponseExtensions,
		"X: y": nil,
	} {
		var r Response
		_, _, err := r.Receive([]byte(response("+", s)))
		require.NoError(t, err)
		if err = o.Check(&r); want == nil {
			require.NoError(t, err)
		} else {
			require.Same(t, want, err)
		}
	}
}

func TestCheckIncomplete(t *testing.T) {
	require.Same(t, ErrResponse, rfcOffer(t).Check(new(Response)))
}

// V47: whatever is not a 101 is a refusal, of any version of HTTP/1, and carries status and headers.
func TestV47RefusedByServer(t *testing.T) {
	for _, s := range []string{
		"HTTP/1.1 200 OK", "HTTP/1.1 204", "HTTP/1.1 301 Moved Permanently", "HTTP/1.1 403 Forbidden", "HTTP/1.1 426 Upgrade Required",
		"HTTP/1.1 503 Service Unavailable", "HTTP/1.0 403 Forbidden", "HTTP/1.1 600 x", "HTTP/1.1 999 x",
	} {
		var r Response
		rest, done, err := feed(t, &r, response("HTTP", s, "+", "X-Many: 1\r\nx-many: 2")+"body", 3, 30)
		require.NoError(t, err)
		require.True(t, done)
		require.Equal(t, "body", rest)
		err = rfcOffer(t).Check(&r)
		var e *Error
		require.True(t, errors.As(err, &e))
		require.Equal(t, r.Status, e.Status)
		require.Contains(t, s, err.Error()[len(err.Error())-4:len(err.Error())-1])
		require.Equal(t, http.Header{
			"Upgrade": {"websocket"}, "Connection": {"Upgrade"}, "X-Many": {"1", "2"},
			"Sec-Websocket-Accept": {"s3pPLMBiTxaQ9kYGzzhZRbK+xOo="},
		}, e.Header)
		require.Empty(t, r.Subprotocol)
	}
}
