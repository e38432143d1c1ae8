package handshake

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// Each limit lets pass what is exactly at it, and nothing above.
func TestLimits(t *testing.T) {
	line := func(n int) string { return "X: " + strings.Repeat("x", n-5) } // n octets with CRLF
	headers := func(s string) int { return len(s) - strings.Index(s, "\r\n") - 2 }
	long := func(n int) string { // headers of n octets in all, in lines of at most 1000
		s := plainRequest
		for n-headers(s) >= 2000 {
			s = s[:len(s)-2] + line(1000) + "\r\n\r\n"
		}
		return s[:len(s)-2] + line(n-headers(s)) + "\r\n\r\n"
	}
	path := func(n int) string { return "GET /" + strings.Repeat("p", n-len("GET / HTTP/1.1\r\n")) + " HTTP/1.1" }
	many := func(n int) string { return request("+", strings.TrimSuffix(strings.Repeat("X:\r\n", n-5), "\r\n")) }

	for _, tt := range []struct {
		name   string
		limits *Limits
		at     string // with %n for the last that passes
		above  string
		err    error
	}{
		{"request line, default", nil, request("GET", path(4096)), request("GET", path(4097)), ErrRequestLineTooLong},
		{"request line, own", &Limits{RequestLine: 100}, request("GET", path(100)), request("GET", path(101)), ErrRequestLineTooLong},
		{"header line, default", nil, request("+", line(4096)), request("+", line(4097)), ErrHeaderTooLong},
		{"header line, own", &Limits{HeaderLine: 60}, request("+", line(60)), request("+", line(61)), ErrHeaderTooLong},
		{"header bytes, default", nil, long(16384), long(16385), ErrHeadersTooLarge},
		{"request line, longer than all headers may be", &Limits{RequestLine: 400, HeaderBytes: headers(plainRequest)},
			request("GET", path(400)), request("GET", path(401)), ErrRequestLineTooLong},
		{"header bytes, own", &Limits{HeaderBytes: 1024}, long(1024), long(1025), ErrHeadersTooLarge},
		{"headers, default", nil, many(100), many(101), ErrTooManyHeaders},
		{"headers, own", &Limits{Headers: 7}, many(7), many(8), ErrTooManyHeaders},
		{"line and bytes end together", &Limits{HeaderLine: 200, HeaderBytes: headers(plainRequest) - 2 + 200},
			request("+", line(198)), request("+", line(201)), ErrHeaderTooLong},
	} {
		t.Run(tt.name, func(t *testing.T) {
			u := &Upgrader{}
			if tt.limits != nil {
				u.Limits = *tt.limits
			}
			at, above := requestOutcome(t, u, tt.at), requestOutcome(t, u, tt.above)
			require.Contains(t, at, "done true")
			require.Contains(t, above, fmt.Sprintf("done false err %v", tt.err))
			splits(len(tt.at), func(name string, cuts []int) {
				require.Equal(t, at, requestOutcome(t, u, tt.at, cuts...), name)
			})
			splits(len(tt.above), func(name string, cuts []int) {
				require.Equal(t, above, requestOutcome(t, u, tt.above, cuts...), name)
			})
		})
	}
}

// A negative limit is none.
func TestLimitsOff(t *testing.T) {
	off := &Limits{RequestLine: -1, HeaderLine: -1, HeaderBytes: -1, Headers: -1}
	for name, s := range map[string]string{
		"request line": request("GET", "GET /"+strings.Repeat("p", 1<<20)+" HTTP/1.1"),
		"header line":  request("+", "X: "+strings.Repeat("x", 1<<20)),
		"headers":      request("+", strings.TrimSuffix(strings.Repeat("X: y\r\n", 1<<18), "\r\n")),
	} {
		for _, cut := range []int{0, 1, 1000, len(s) - 1} {
			r := Request{Limits: off}
			rest, done, err := feed(t, &r, s+"rest", cut)
			require.NoError(t, err, name)
			require.True(t, done, name)
			require.Equal(t, "rest", rest)
		}
	}
	require.Equal(t, Limits{noLimit, noLimit, noLimit, noLimit}, (&Limits{-1, noLimit + 1, noLimit, -1 << 31}).withDefaults())
	require.Equal(t, Limits{4096, 4096, 16384, 100}, (*Limits)(nil).withDefaults())
}

// The limit is noticed with the octet that exceeds it, not when the line ends.
func TestLimitsAtOnce(t *testing.T) {
	for _, tt := range []struct {
		name, stream string
		err          error
	}{
		{"request line", "GET /" + strings.Repeat("x", 4096-5), ErrRequestLineTooLong},
		{"header line", "GET / HTTP/1.1\r\n" + strings.Repeat("x", 4096), ErrHeaderTooLong},
		{"headers", "GET / HTTP/1.1\r\n" + strings.Repeat(strings.Repeat("x", 1020)+":\r\n", 15) + strings.Repeat("x", 16384-15*1023), ErrHeadersTooLarge},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var r Request
			_, done, err := r.Receive([]byte(tt.stream[:len(tt.stream)-1]))
			require.False(t, done)
			require.NoError(t, err)
			_, _, err = r.Receive([]byte("x"))
			require.Same(t, tt.err, err)
		})
	}
}

// V32: 101 to 5000 headers, the upgrade first or last.
func TestV32ManyHeaders(t *testing.T) {
	for _, n := range []int{94, 95, 96, 101, 1000, 5000} {
		filler := strings.TrimSuffix(strings.Repeat("X:\r\n", n), "\r\n")
		for name, s := range map[string]string{
			"upgrade first": request("+", filler),
			"upgrade last":  request("Upgrade", "", "+", filler+"\r\nUpgrade: websocket"),
		} {
			var r Request
			_, done, err := r.Receive([]byte(s))
			if n <= 95 {
				require.NoError(t, err, name)
				require.True(t, done, name)
				continue
			}
			require.Same(t, ErrTooManyHeaders, err, name)
			require.Contains(t, string(AppendRefusal(nil, err)), "HTTP/1.1 431 Request Header Fields Too Large\r\nConnection: close\r\n")
		}
	}
}

// V33: headers without end in segments of one octet cost in proportion, and end at the limit.
func TestV33EndlessHeaders(t *testing.T) {
	endless := func(first string) func(i int) byte {
		return func(i int) byte {
			if i < len(first) {
				return first[i]
			}
			return "X: 0123456789\r\n"[(i-len(first))%15]
		}
	}
	off := &Limits{RequestLine: -1, HeaderLine: -1, HeaderBytes: -1, Headers: -1}
	for _, limits := range []*Limits{nil, {Headers: -1}, off} {
		req, resp := Request{Limits: limits}, Response{Limits: limits}
		for _, tt := range []struct {
			name string
			head *head
			r    receiver
			at   func(int) byte
		}{
			{"server", &req.head, &req, endless("GET / HTTP/1.1\r\n")},
			{"client", &resp.head, &resp, endless("HTTP/1.1 101 Switching Protocols\r\n")},
		} {
			n, limit := 0, 1<<18
			if limits != off {
				limit = 16<<10 + 64
			}
			for ; n < limit; n++ {
				if _, _, err := tt.r.Receive([]byte{tt.at(n)}); err != nil {
					break
				}
				if held := tt.r.Buffered(); held > 2*n+512 {
					t.Fatalf("%s: %d octets held of %d received", tt.name, held, n)
				}
			}
			require.Equal(t, limits == off, n == limit, "%s: %d octets", tt.name, n)
			require.LessOrEqual(t, int(tt.head.work), 2*(n+1), "each octet is looked at twice: for its line's end, and with its line")
			require.GreaterOrEqual(t, int(tt.head.work), n, "the count counts")
		}
	}
}

// V34: octets without any CRLF stop at the limit, on both sides, however large the pieces are.
func TestV34NoLineEnd(t *testing.T) {
	for _, size := range []int{1, 7, 1000, 4096, 64 << 10} {
		piece := []byte(strings.Repeat("a", size))
		for _, r := range []receiver{&Request{}, &Response{}} {
			n := 0
			var err error
			for err == nil && n < 1<<30 {
				_, _, err = r.Receive(piece)
				n += size
				require.LessOrEqual(t, r.Buffered(), 2*n+512)
			}
			require.Less(t, n, 4096+size, "stopped at the limit")
			require.Zero(t, r.Buffered())
			want := ErrRequestLineTooLong
			if _, client := r.(*Response); client {
				want = ErrResponseTooLarge
			}
			require.Same(t, want, err)
		}
	}
}

// V35: the offer that was quadratic elsewhere. The cost of the head is counted; that of the list
// is seen in cutElement, which looks at each octet once and at white space once more.
func TestV35SpacesInSubprotocols(t *testing.T) {
	off := &Limits{HeaderLine: -1, HeaderBytes: -1}
	for n := 1 << 10; n <= 64<<10; n *= 2 {
		list := "b" + strings.Repeat(" ", n) + "x"
		s := request("+", "Sec-WebSocket-Protocol: "+list)
		r := Request{Limits: off}
		_, _, err := r.Receive([]byte(s))
		require.Same(t, ErrSubprotocols, err)
		require.LessOrEqual(t, int(r.work), 2*len(s))

		_, _, err = new(Request).Receive([]byte(s))
		if n >= 4<<10 {
			require.Same(t, ErrHeaderTooLong, err, "by default there is no room for so many")
		}
	}
}

// A head that is whole at once is neither copied nor allocated.
func TestWholeHeadIsNotCopied(t *testing.T) {
	b := []byte(browserRequest + "rest")
	var r Request
	rest, done, err := r.Receive(b)
	require.NoError(t, err)
	require.True(t, done)
	require.Zero(t, r.Buffered())
	require.Same(t, &b[len(browserRequest)], &rest[0])
	require.Same(t, &b[4], &r.Target()[0])
	require.Zero(t, testing.AllocsPerRun(100, func() {
		r.Reset()
		r.Receive(b)
		for name, value := range r.All() {
			_, _ = name, value
		}
		_, _ = r.Header("Cookie"), r.Cookie("theme")
	}))
}
