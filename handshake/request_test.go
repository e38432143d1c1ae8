package handshake

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestReceiveRequest(t *testing.T) {
	for _, tt := range requestTests {
		t.Run(tt.name, func(t *testing.T) {
			var r Request
			rest, done, err := feed(t, &r, tt.request+"rest")
			if tt.err != nil {
				require.Equal(t, tt.err, err) // with %v for the message
				require.Same(t, tt.err, err)
				return
			}
			require.NoError(t, err)
			require.True(t, done)
			require.Equal(t, "rest", rest)
		})
	}
}

// However the bytes are cut, the outcome is the same.
func TestReceiveRequestSplit(t *testing.T) {
	u := &Upgrader{
		CheckOrigin:  func(r *Request) bool { return true },
		Subprotocols: []string{"superchat", "c"},
		Extensions:   func(r *Request, offers []Extension) []Extension { return offers[:1] },
	}
	for _, tt := range requestTests {
		t.Run(tt.name, func(t *testing.T) {
			stream := tt.request + "\x81\x80\x00\x00\x00\x00" // V42: a frame in the same segment
			want := requestOutcome(t, u, stream)
			splits(len(stream), func(name string, cuts []int) {
				require.Equal(t, want, requestOutcome(t, u, stream, cuts...), name)
			})
		})
	}
}

func TestRequestAccessors(t *testing.T) {
	stream := request(
		"GET", "GET /a%2Fb/c?x=1&y=?#"[:len("GET /a%2Fb/c?x=1&y=?")]+" HTTP/1.1",
		"Host", "HOST: Example.com:8080",
		"+", "Origin: null",
		"+", "X-Many: 1\r\nx-many:\r\nX-MANY: 3",
		"+", `Cookie: a=1; quoted="q"; empty=; a=2;b =x;="`,
		"+", `cookie: last=z=z; half="; quotes=""`,
	)
	var r Request
	_, done, err := feed(t, &r, stream)
	require.NoError(t, err)
	require.True(t, done)
	require.Equal(t, "/a%2Fb/c?x=1&y=?", string(r.Target()))
	require.Equal(t, "/a%2Fb/c", string(r.Path()))
	require.Equal(t, "x=1&y=?", string(r.Query()))
	require.Equal(t, "Example.com:8080", string(r.Host()))
	require.Equal(t, "null", string(r.Origin()))
	require.Equal(t, "1", string(r.Header("x-mANY")))
	var many []string
	for v := range r.Values("X-Many") {
		many = append(many, string(v))
	}
	require.Equal(t, []string{"1", "", "3"}, many)
	require.Nil(t, r.Header("X-None"))
	require.Nil(t, r.Header(""))
	require.NotNil(t, r.Header("Upgrade"))

	for name, want := range map[string]string{"a": "1", "quoted": "q", "empty": "", "b": "x", "last": "z=z", "quotes": ""} {
		require.NotNil(t, r.Cookie(name), name)
		require.Equal(t, want, string(r.Cookie(name)), name)
		// As net/http has it.
		c, err := (&http.Request{Header: http.Header{"Cookie": {string(r.Header("Cookie")), `last=z=z; quotes=""`}}}).Cookie(name)
		require.NoError(t, err)
		require.Equal(t, want, c.Value)
	}
	require.Equal(t, `"`, string(r.Cookie("half")))
	require.Nil(t, r.Cookie("none"))

	n := 0
	for range r.All() {
		n++
	}
	require.Equal(t, 11, n)
	for range r.All() { // may be left
		break
	}

	// Without query and Origin.
	r.Reset()
	_, _, err = r.Receive([]byte(request("GET", "GET /a? HTTP/1.1")))
	require.NoError(t, err)
	require.NotNil(t, r.Query())
	require.Empty(t, r.Query())
	require.Equal(t, "/a", string(r.Path()))
	r.Reset()
	_, _, err = r.Receive([]byte(plainRequest))
	require.NoError(t, err)
	require.Nil(t, r.Query())
	require.Nil(t, r.Origin())
	require.Equal(t, "/", string(r.Path()))
}

// The zero Request, and one that is not complete, have nothing to show and do not panic.
func TestRequestIncomplete(t *testing.T) {
	for n := range len(browserRequest) {
		var r Request
		_, done, err := r.Receive([]byte(browserRequest[:n]))
		require.NoError(t, err)
		require.False(t, done)
		for range r.All() {
			t.Fatal("a header before the request is complete")
		}
		require.Nil(t, r.Header("Host"))
		require.Nil(t, r.Cookie("session"))
		for _, b := range [][]byte{r.Target(), r.Path(), r.Query(), r.Host(), r.Origin()} {
			require.Nil(t, b)
		}
		response, err := new(Upgrader).AppendResponse(nil, &r)
		require.ErrorIs(t, err, errIncomplete)
		require.Contains(t, string(response), "HTTP/1.1 500 ")
	}
}

// What a Request hands out cannot be grown into its neighbour.
func TestRequestSlicesAreCapped(t *testing.T) {
	var r Request
	_, _, err := r.Receive([]byte(browserRequest))
	require.NoError(t, err)
	for name, b := range map[string][]byte{
		"target": r.Target(), "path": r.Path(), "query": r.Query(), "host": r.Host(), "origin": r.Origin(),
		"header": r.Header("Cookie"),
	} {
		require.Equal(t, len(b), cap(b), name)
	}
}

func TestRequestReset(t *testing.T) {
	limits := &Limits{Headers: 7}
	r := Request{Limits: limits}
	for range 3 {
		_, done, err := feed(t, &r, request("+", "Origin: http://example.com"), 5, 50)
		require.NoError(t, err)
		require.True(t, done)
		require.NotZero(t, r.Buffered())
		require.NotNil(t, r.Origin())
		r.Reset()
		require.Equal(t, Request{Limits: limits}, r)
		require.Zero(t, r.Buffered())

		_, _, err = r.Receive([]byte("GET\r\n"))
		require.Same(t, ErrRequestLine, err)
		r.Reset()
	}
}

// After the blank line Receive takes nothing more.
func TestReceiveAfterDone(t *testing.T) {
	var r Request
	_, done, err := r.Receive([]byte(plainRequest))
	require.True(t, done)
	require.NoError(t, err)
	rest, done, err := r.Receive([]byte("frames"))
	require.True(t, done)
	require.NoError(t, err)
	require.Equal(t, "frames", string(rest))
}

// V39: every octet in the value, and in the name, of every header of the handshake.
func TestV39EveryOctetInEveryHeader(t *testing.T) {
	u := &Upgrader{Subprotocols: []string{"chat"}, Extensions: func(_ *Request, offers []Extension) []Extension { return offers }}
	names := []string{
		"Host", "Upgrade", "Connection", "Sec-WebSocket-Key", "Sec-WebSocket-Version", "Sec-WebSocket-Protocol",
		"Sec-WebSocket-Extensions", "Sec-WebSocket-Key1", "Origin", "Cookie", "Content-Length", "Transfer-Encoding", "X",
	}
	for _, name := range names {
		for c := range 256 {
			for _, line := range []string{
				fmt.Sprintf("%s: %c", name, c),
				name + ": " + string([]byte{byte(c)}),
				name + ": chat" + string([]byte{byte(c)}) + "superchat",
				name + ": chat;" + string([]byte{byte(c)}) + "=\"" + string([]byte{byte(c)}) + `"`,
				name + string([]byte{byte(c)}) + ": chat",
				string([]byte{byte(c)}) + name + ": chat",
			} {
				for _, s := range []string{request("+", line), strings.Replace(plainRequest, "Host: example.com", line, 1)} {
					var r Request
					_, done, err := r.Receive([]byte(s))
					require.NotEqual(t, done, err != nil)
					response, _ := u.AppendResponse(nil, &r)
					require.Equal(t, 1, strings.Count(string(response), "HTTP/1.1"), "%q", s)
				}
			}
		}
	}
}
