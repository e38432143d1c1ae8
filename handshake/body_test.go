package handshake

import (
	"bufio"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

var bodyTests = []struct {
	name    string
	headers string
	body    string // what follows the headers until the connection closes
	want    string
	done    bool // before the connection closes
	sound   bool // nothing is cut off or malformed: net/http reads the same
}{
	{"length", "Content-Length: 5\r\n", "HelloX", "Hello", true, true},
	{"length, short", "Content-Length: 5\r\n", "Hell", "Hell", false, false},
	{"length 0", "Content-Length: 0\r\n", "X", "", true, true},
	{"length above the limit", "Content-Length: 99999999999999999999999\r\n", strings.Repeat("x", 5000), strings.Repeat("x", MaxBody), true, false},
	{"length at the limit", "Content-Length: 1024\r\n", strings.Repeat("x", 1024), strings.Repeat("x", MaxBody), true, true},
	{"length that is none", "Content-Length: x\r\n", "Hello", "", true, false},
	{"until the end", "", "Hello", "Hello", false, true},
	{"until the end, above the limit", "", strings.Repeat("x", 5000), strings.Repeat("x", MaxBody), true, false},
	{"chunked", "Transfer-Encoding: chunked\r\n", "5\r\nHello\r\n7;a=b\r\n, world\r\n0\r\n\r\n", "Hello, world", true, true},
	{"chunked, upper case and zeros", "transfer-encoding: Chunked\r\n", "000A\r\n0123456789\r\n0\r\n\r\n", "0123456789", true, true},
	{"chunked, short", "Transfer-Encoding: chunked\r\n", "5\r\nHel", "Hel", false, false},
	{"chunked, above the limit", "Transfer-Encoding: chunked\r\n", "ffffffffffffffffffff\r\n" + strings.Repeat("x", 5000), strings.Repeat("x", MaxBody), true, false},
	{"chunked, many", "Transfer-Encoding: chunked\r\n", strings.Repeat("1\r\nx\r\n", 2000), strings.Repeat("x", MaxBody), true, false},
	{"chunked, no number", "Transfer-Encoding: chunked\r\n", "x\r\nHello\r\n", "", true, false},
	{"chunked, no CRLF after the chunk", "Transfer-Encoding: chunked\r\n", "5\r\nHelloHello\r\n", "Hello", true, false},
	{"chunked, bare LF", "Transfer-Encoding: chunked\r\n", "5\nHello\r\n", "", true, false},
	{"chunked, endless size", "Transfer-Encoding: chunked\r\n", "5;" + strings.Repeat("x", 1000), "", true, false},
	{"chunked and length", "Content-Length: 2\r\nTransfer-Encoding: chunked\r\n", "5\r\nHello\r\n0\r\n", "Hello", true, false},
}

func TestReceiveBody(t *testing.T) {
	for _, tt := range bodyTests {
		t.Run(tt.name, func(t *testing.T) {
			stream := "HTTP/1.1 403 Forbidden\r\n" + tt.headers + "\r\n" + tt.body
			splits(len(stream), func(name string, cuts []int) {
				var r Response
				from, received, done := 0, false, false
				for _, to := range append(cuts, len(stream)) {
					b := []byte(stream[from:to])
					from = to
					if !received {
						var err error
						b, received, err = r.Receive(b)
						require.NoError(t, err, name)
					}
					if received {
						done = r.ReceiveBody(b)
					}
				}
				require.Equal(t, tt.done, done, name)
				require.Equal(t, tt.want, string(r.Body()), name)
				require.LessOrEqual(t, cap(r.Body()), 2*MaxBody)
				require.LessOrEqual(t, cap(r.body.line), 2*len(stream)+8)
			})
			if tt.sound {
				resp, err := http.ReadResponse(bufio.NewReader(strings.NewReader(stream)), nil)
				require.NoError(t, err)
				b, err := io.ReadAll(resp.Body)
				require.NoError(t, err)
				require.Equal(t, string(b), tt.want)
			}
		})
	}
}

// RFC 9110 6.4.1
func TestReceiveBodyNone(t *testing.T) {
	for _, s := range []string{"204 No Content", "304 Not Modified", "101 Switching Protocols"} {
		var r Response
		rest, _, err := r.Receive([]byte("HTTP/1.1 " + s + "\r\nContent-Length: 5\r\n\r\nHello"))
		require.NoError(t, err)
		require.True(t, r.ReceiveBody(rest))
		require.Empty(t, r.Body())
	}
}
