package handshake

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// What net/http and its clients make of a request before we see it: without hijacking anything,
// each row of the table has the same outcome as on the raw path, whenever net/http lets it
// through at all. V46: the same checks, policy and hooks run on both paths.
func TestV46SameChecksAsRawPath(t *testing.T) {
	for _, tt := range requestTests {
		t.Run(tt.name, func(t *testing.T) {
			var steps []string
			u := &Upgrader{
				Subprotocols: []string{"superchat", "c"},
				CheckOrigin: func(r *Request) bool {
					steps = append(steps, "origin "+string(r.Origin()))
					return true
				},
				Extensions: func(r *Request, offers []Extension) []Extension {
					steps = append(steps, fmt.Sprint("extensions ", offers))
					return offers[:1]
				},
				Hook: func(r *Request) error {
					steps = append(steps, fmt.Sprintf("hook %s %s %s %s %q %v", r.Target(), r.Host(), r.Header("X"), r.RemoteAddr, r.Subprotocol, r.TLS))
					return nil
				},
			}
			br := bufio.NewReader(strings.NewReader(tt.request + "rest"))
			hr, err := http.ReadRequest(br)
			if err != nil {
				return // net/http refuses it itself
			}
			hr.RemoteAddr = "192.0.2.1:5000"
			client, server := net.Pipe()
			defer client.Close()
			defer server.Close()
			sent := make(chan []byte)
			go func() {
				b, _ := io.ReadAll(client)
				sent <- b
			}()
			w := &hijackable{ResponseRecorder: httptest.NewRecorder(), nc: server}
			_, _, agreed, viaHTTP := u.Hijack(w, hr)
			server.Close()
			onTheWire := <-sent
			httpSteps := steps

			steps = nil
			r := &Request{RemoteAddr: remoteAddr("192.0.2.1:5000")}
			_, _, raw := r.Receive([]byte(tt.request))
			var response []byte
			if raw == nil {
				response, raw = u.AppendResponse(nil, r)
			}
			if mended[tt.name] {
				require.Error(t, raw)
				require.NoError(t, viaHTTP)
				return
			}
			require.Equal(t, steps, httpSteps)
			if raw != nil {
				if hr.ProtoMajor == 2 {
					require.Same(t, ErrHTTP, raw)
					raw = ErrHTTP2
				}
				require.Same(t, raw, viaHTTP)
				require.Empty(t, onTheWire)
				// And the refusal through w says what AppendRefusal says.
				want, err := http.ReadResponse(bufio.NewReader(bytes.NewReader(AppendRefusal(nil, raw))), nil)
				require.NoError(t, err)
				body, err := io.ReadAll(want.Body)
				require.NoError(t, err)
				require.Equal(t, want.StatusCode, w.Code)
				require.Equal(t, string(body), w.Body.String())
				delete(w.Header(), "Connection")
				delete(want.Header, "Connection")
				require.Equal(t, want.Header, w.Header())
				return
			}
			require.NoError(t, viaHTTP)
			require.Equal(t, string(response), string(onTheWire))
			require.Equal(t, r.Subprotocol, agreed.Subprotocol)
			require.Equal(t, r.Extensions, agreed.Extensions)
			require.Equal(t, collect(&r.head), collect(&agreed.head))
		})
	}
}

// mended are the rows that net/http makes good requests of before we can see what was wrong.
var mended = map[string]bool{
	"RFC 9112 2.2 bare LF after the request line":   true,
	"RFC 9112 2.2 bare LF after a header":           true,
	"RFC 9112 2.2 bare LF for the blank line":       true,
	"RFC 9112 5.2 obsolete line folding":            true, // unfolded
	"RFC 9112 5.2 obsolete line folding with a tab": true,
	"RFC 9112 6 Content-Length of 0 twice":          true, // made one
}
