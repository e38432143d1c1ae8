package handshake

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// A wireConn is a connection of which the test sees what was done to it.
type wireConn struct {
	net.Conn // nil: nothing else is to be called
	sent     bytes.Buffer
	fails    error // of Write
	limit    time.Time
	closed   bool
}

func (c *wireConn) Write(b []byte) (int, error) {
	if c.fails != nil {
		return 0, c.fails
	}
	return c.sent.Write(b)
}
func (c *wireConn) Read([]byte) (int, error)           { return 0, io.EOF }
func (c *wireConn) Close() error                       { c.closed = true; return nil }
func (c *wireConn) SetDeadline(t time.Time) error      { c.limit = t; return nil }
func (c *wireConn) SetWriteDeadline(t time.Time) error { c.limit = t; return nil }

// meddle does to a request what a middleware may: a line of changes is "method=", "target=", "host=", "proto=", "from=", "length=", "coding=", each with a value, or
// "Name: value", which is added.
func meddle(r *http.Request, changes string) {
	for _, line := range lines(changes) {
		what, value, ok := strings.Cut(line, "=")
		if name, v, isHeader := strings.Cut(line, ": "); isHeader {
			r.Header[name] = append(r.Header[name], v)
			continue
		}
		switch number, _ := strconv.Atoi(value); {
		case !ok:
		case what == "method":
			r.Method = value
		case what == "target":
			r.RequestURI = value
		case what == "path": // as a router does that strips a prefix
			r.RequestURI, r.URL = "", &url.URL{Path: value}
		case what == "host":
			r.Host = value
		case what == "proto":
			r.ProtoMajor = number
		case what == "from":
			r.RemoteAddr = value
		case what == "length":
			r.ContentLength = int64(number)
		case what == "coding":
			r.TransferEncoding = append(r.TransferEncoding, value)
		}
	}
}

// FuzzHijack: through net/http, and whatever a middleware makes of the request, the outcome is that of the octets, if net/http lets them through as they came: the
// same answer, nothing lost of what came early, no deadline left behind. Else a response refuses it, or the connection is closed.
func FuzzHijack(f *testing.F) {
	for i, p := range policySeeds {
		for j, request := range policyRequests {
			if i < 2 || j < 2 && i%3 == 0 {
				f.Add(request, "", "frames"[j%6:], byte(0), p.subprotocols, p.origins, p.extensions, p.added, p.status, p.headers, p.flags)
			}
		}
	}
	for _, tt := range requestTests {
		f.Add(tt.request, "", "", byte(0), "c", "", "*", "", 0, "", byte(0))
	}
	for _, changes := range []string{
		"from=192.0.2.1:80\ntarget=/a?b", "from=@", "path=/ä b", "target=/a b", "target=/a\r\nX: y", "method=POST", "method=G\nT", "host=", "host=evil\r", "proto=2", "proto=1",
		"length=5", "length=-1", "length=5\nContent-Length: 5", "coding=chunked", "no token: 1", "X: a\rb", "X: y\nnothing\nother=1",
	} {
		f.Add(plainRequest, changes, "", byte(0), "", "", "", "", 0, "", byte(ofTLS))
	}
	f.Add(plainRequest, "", "", byte(1), "", "", "", "", 0, "", byte(0))
	f.Add(plainRequest, "", "x", byte(2), "", "", "", "", 0, "", byte(0))
	f.Fuzz(func(t *testing.T, request, changes, early string, fault byte, subprotocols, origins, extensions, added string, status int, headers string, flags byte) {
		hr, err := http.ReadRequest(bufio.NewReader(strings.NewReader(request)))
		if err != nil || len(early) > 4096 {
			return
		}
		p := &policy{subprotocols: subprotocols, origins: origins, extensions: extensions, added: added, status: status, headers: headers, flags: flags}
		u, _ := p.upgrader()
		if flags&ofTLS != 0 {
			hr.TLS = new(tls.ConnectionState)
		}
		hr.RemoteAddr = "192.0.2.1:5000"
		meddle(hr, changes)

		c := &wireConn{limit: time.Unix(1, 0)}
		w := &hijackable{ResponseRecorder: httptest.NewRecorder(), nc: c, buffered: early}
		switch fault {
		case 1:
			w.err = errors.New("not to be had")
		case 2:
			c.fails = io.ErrClosedPipe
		}
		nc, rest, agreed, err := u.Hijack(w, hr)

		r := &Request{Limits: &u.Limits, TLS: flags&ofTLS != 0}
		_, done, raw := r.Receive([]byte(request))
		var response []byte
		if raw == nil && done {
			response, raw = u.AppendResponse(nil, r)
		}
		if changes == "" && fault == 0 && done && raw == nil {
			require.NoError(t, err, "in octets it is accepted")
			require.Equal(t, string(response), c.sent.String())
		}
		if err != nil {
			require.Nil(t, nc)
			require.Nil(t, agreed)
			require.Empty(t, c.sent.Bytes())
			if c.closed {
				require.ErrorIs(t, err, io.ErrClosedPipe)
				require.Empty(t, w.Body.Bytes())
				return
			}
			var e *Error
			require.ErrorAs(t, err, &e)
			require.Equal(t, e.Status, w.Code)
			require.Contains(t, w.Header()["Connection"], "close")
			want, body := oneResponse(t, AppendRefusal(nil, err), errors.Is(err, errHead))
			require.Equal(t, want.StatusCode, w.Code)
			require.Equal(t, body, w.Body.String())
			if w.err != nil && e.Status == 500 {
				require.NotContains(t, w.Body.String(), w.err.Error())
			}
			return
		}
		require.True(t, w.err == nil && c.fails == nil)
		require.Same(t, c, nc)
		require.Equal(t, early, string(rest))
		require.True(t, c.limit.IsZero())
		require.False(t, c.closed)
		resp, _ := oneResponse(t, c.sent.Bytes(), false)
		require.Equal(t, 101, resp.StatusCode)
		p.accepted(t, agreed, resp)
		require.Equal(t, "tcp", agreed.RemoteAddr.Network())
		if from, err := netip.ParseAddrPort(hr.RemoteAddr); err == nil {
			to := netip.MustParseAddrPort(agreed.RemoteAddr.String())
			require.Equal(t, netip.AddrPortFrom(from.Addr().Unmap(), from.Port()), netip.AddrPortFrom(to.Addr().Unmap(), to.Port()))
		} else {
			require.Equal(t, hr.RemoteAddr, agreed.RemoteAddr.String())
		}
		require.Equal(t, hr.TLS != nil, agreed.TLS)
		require.Equal(t, strings.Trim(hr.Host, " \t"), string(agreed.Host()))
	})
}
