package conn

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/idlewire/idlewire/frame"
	"github.com/idlewire/idlewire/handshake"
)

// A giver is a ResponseWriter that gives its connection away, with what has been read of it already; or does not.
type giver struct {
	*httptest.ResponseRecorder
	nc    net.Conn
	early string
	err   error
}

func (w *giver) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	if w.err != nil {
		return nil, nil, w.err
	}
	br := bufio.NewReaderSize(io.MultiReader(strings.NewReader(w.early), w.nc), 4096)
	br.Peek(min(len(w.early), 4096))
	return w.nc, bufio.NewReadWriter(br, bufio.NewWriter(w.nc)), nil
}

const (
	acceptDeflates = 1 << iota
	acceptOthers   // Upgrader.Extensions takes the first offer that it sees
	acceptNobody   // Hook refuses
	acceptNothing  // net/http does not give the connection
	acceptGone     // the client is gone before the answer
	acceptDefault  // there is no Upgrader, and there are no Options
)

// FuzzAccept: whatever request net/http has read, Accept answers it and keeps no compressor, or takes the connection over; then the client gets the answer to its key, and what it
// sends, in part together with the request, is heard as a Protocol hears it.
func FuzzAccept(f *testing.F) {
	request := func(headers ...string) string {
		return "GET / HTTP/1.1\r\nHost: example.test\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n" +
			strings.Join(append(headers, "\r\n"), "\r\n")
	}
	hello := string(wire("81 85 37fa213d 7f9f4d5158 89 80 00000000 82 fe 0080 00000000 128*61 88 82 00000000 03e8"))
	for flags := range byte(2 * acceptDefault) {
		f.Add(request(), hello, byte(7*flags), flags)
		f.Add(request("Sec-WebSocket-Extensions: x, permessage-deflate, y", "Sec-WebSocket-Protocol: a"), hello, byte(200), flags)
	}
	f.Add(request("Sec-WebSocket-Extensions: permessage-deflate"), string(wire("c1 87 00000000 f248cdc9c90700")), byte(0), byte(acceptDeflates|acceptOthers))
	f.Add(request("Sec-WebSocket-Extensions: x"), hello[:3], byte(1), byte(acceptDeflates))
	f.Add(request("Origin: https://evil.test"), hello, byte(0), byte(acceptDefault))
	f.Add(request("Content-Length: 1"), hello, byte(0), byte(0))
	f.Fuzz(func(t *testing.T, request, stream string, early, flags byte) {
		r, err := http.ReadRequest(bufio.NewReader(strings.NewReader(request)))
		if err != nil || len(stream) > 1<<16 {
			return
		}
		z := &naiveCompression{takeover: true}
		u, o := &handshake.Upgrader{Subprotocols: []string{"a", "b"}}, &Options{ControlRate: -1, MaxMessage: 1 << 16}
		if flags&acceptDeflates != 0 {
			o.Compression = z
		}
		if flags&acceptOthers != 0 {
			u.Extensions = func(_ *handshake.Request, offers []handshake.Extension) []handshake.Extension { return offers[:1] }
		}
		if flags&acceptNobody != 0 {
			u.Hook = func(*handshake.Request) error { return handshake.ErrUnavailable }
		}
		if flags&acceptDefault != 0 {
			u, o = nil, nil
		}
		a, b := net.Pipe()
		defer a.Close()
		w := &giver{ResponseRecorder: httptest.NewRecorder(), nc: b, early: stream[:min(int(early), len(stream))]}
		if flags&acceptNothing != 0 {
			w.err = errors.New("not to be had")
		}
		if flags&acceptGone != 0 {
			a.Close()
		}
		key := r.Header.Get("Sec-WebSocket-Key")
		answered := goes(func() { // the client
			br := bufio.NewReader(a)
			resp, err := http.ReadResponse(br, nil)
			if err != nil {
				return
			}
			if got := resp.Header.Get("Sec-WebSocket-Accept"); resp.StatusCode != 101 || got != string(handshake.AppendAccept(nil, []byte(key))) {
				t.Errorf("status %d, accept %q for %q", resp.StatusCode, got, key)
			}
			heard := goes(func() { io.Copy(io.Discard, br) })
			io.WriteString(a, stream[len(w.early):])
			a.Close()
			heard()
		})
		c, err := Accept(w, r, u, o)
		if err != nil {
			var e *handshake.Error
			switch {
			case c != nil || flags&acceptGone == 0 && (!errors.As(err, &e) || w.Code != e.Status):
				t.Errorf("%v, %v, answered with %d", c, err, w.Code)
			case errors.As(err, &e) && e.Status < 400:
				t.Error(err)
			}
			b.Close()
			answered()
			allReleased(t, z)
			return
		}
		if flags&(acceptGone|acceptNothing) != 0 || flags&(acceptNobody|acceptDefault) == acceptNobody {
			t.Error("a connection that cannot be")
		}
		var got []Message
		for {
			m, err := c.Read()
			if err != nil {
				break
			}
			got = append(got, Message{Op: m.Op, Payload: bytes.Clone(m.Payload)})
		}
		answered()
		c.CloseNow()
		if len(z.made) == 0 {
			want := play(t, &Protocol{Role: Server, Options: o}, whole, []byte(stream))
			data := slices.DeleteFunc(want.msgs, func(m Message) bool { return !m.Op.IsData() })
			pings := len(want.msgs) - len(data)
			if wrong := difference(outcome{msgs: got}, outcome{msgs: data}); wrong != "" && (o != nil || pings < 200) { // the default rate of control frames
				t.Error(wrong)
			}
		} else if z := z.made[0]; c.Extensions()[0].Name != naiveName.Name || z.current != nil {
			t.Errorf("%v, %v", c.Extensions(), z.current)
		}
		if s := c.Subprotocol(); s != "" && (u == nil || !slices.Contains(u.Subprotocols, s)) {
			t.Error(s)
		}
		if err := c.Write(frame.Text, nil); !errors.Is(err, net.ErrClosed) {
			t.Error(err)
		}
		allReleased(t, z)
	})
}

// allReleased checks that no compressor is held any more.
func allReleased(t *testing.T, z *naiveCompression) {
	for _, made := range z.made {
		if made.released.Load() == 0 {
			t.Error("a compressor was not released")
		}
	}
}
