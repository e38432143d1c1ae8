//go:build linux

package load

import (
	"bytes"
	"compress/flate"
	"io"
	"net"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/idlewire/idlewire/bench/internal/mode"
)

// A talker answers compressed messages by a script.
type talker struct {
	agrees string
	// reply writes the frames for the message plain, the k-th of them; w compresses with all messages before in its window.
	reply func(k int, plain []byte, w *flate.Writer, b *bytes.Buffer) [][]byte
}

func (s talker) serve(nc net.Conn, f *frames) {
	defer nc.Close()
	b := make([]byte, 64<<10)
	nc.Read(b) // the opening handshake: it comes whole
	io.WriteString(nc, "HTTP/1.1 101 Switching Protocols\r\nsec-websocket-extensions: "+s.agrees+"\r\nSec-WebSocket-Accept: "+accept+"\r\n\r\n")
	var c bytes.Buffer
	w, _ := flate.NewWriter(&c, 6)
	for k := range f.want {
		if _, err := io.ReadFull(nc, b[:len(f.run(k, 1))]); err != nil {
			return
		}
		c.Reset()
		for _, frame := range s.reply(k, f.want[k], w, &c) {
			nc.Write(frame)
		}
	}
}

func frame(first byte, payload []byte) []byte {
	return append(head(nil, first, 0, len(payload)), payload...)
}

// whole is the honest reply.
func whole(_ int, plain []byte, w *flate.Writer, b *bytes.Buffer) [][]byte {
	w.Write(plain)
	w.Flush()
	return [][]byte{frame(0xc1, b.Bytes()[:b.Len()-4])}
}

func fresh(k int, plain []byte, w *flate.Writer, b *bytes.Buffer) [][]byte {
	w.Reset(b)
	return whole(k, plain, w, b)
}

func TestDeflatedReplies(t *testing.T) {
	const none = "permessage-deflate; server_no_context_takeover; client_no_context_takeover"
	const nine = "permessage-deflate; server_max_window_bits=9"
	for name, r := range map[string]struct {
		mode, agrees string
		reply        func(int, []byte, *flate.Writer, *bytes.Buffer) [][]byte
		err          string // of the second message; empty: all is well
	}{
		"no takeover": {"on", none, fresh, ""},
		"takeover":    {"takeover", "permessage-deflate", whole, ""},
		"fragments, octet by octet, and a ping between": {"takeover", "permessage-deflate",
			func(k int, plain []byte, w *flate.Writer, b *bytes.Buffer) (out [][]byte) {
				p := whole(k, plain, w, b)[0]
				p = p[len(p)-(b.Len()-4):]
				frames := bytes.Join([][]byte{frame(0x41, p[:10]), frame(0x89, []byte("ping")), frame(0x00, nil), frame(0x00, p[10:200]), frame(0x80, p[200:])}, nil)
				for i := range frames {
					out = append(out, frames[i:i+1])
				}
				return out
			}, ""},
		"takeover that was not agreed on": {"on", none, whole, "beyond the window"},
		"a window that is ignored":        {"takeover-9", nine, fresh, "beyond the window"},
		"another message": {"on", none, func(k int, plain []byte, w *flate.Writer, b *bytes.Buffer) [][]byte {
			plain = bytes.Clone(plain)
			if k == 1 {
				plain[500] ^= 1
			}
			return fresh(k, plain, w, b)
		}, "a wrong reply"},
		"too long": {"on", none, func(k int, plain []byte, w *flate.Writer, b *bytes.Buffer) [][]byte {
			return fresh(k, append(bytes.Clone(plain), make([]byte, k)...), w, b)
		}, "not DEFLATE"},
		"one that is not compressed, and so in no window": {"takeover", "permessage-deflate", func(k int, plain []byte, w *flate.Writer, b *bytes.Buffer) [][]byte {
			if k == 1 {
				return [][]byte{frame(0x01, plain[:10]), frame(0x80, plain[10:])}
			}
			return whole(k, plain, w, b)
		}, ""},
		"one that is not compressed, but in the window": {"takeover", "permessage-deflate", func(k int, plain []byte, w *flate.Writer, b *bytes.Buffer) [][]byte {
			if out := whole(k, plain, w, b); k != 1 {
				return out
			}
			return [][]byte{frame(0x81, plain)}
		}, "beyond the window"},
		"one that is not compressed, and another": {"on", none, func(k int, plain []byte, w *flate.Writer, b *bytes.Buffer) [][]byte {
			if k == 1 {
				plain = bytes.Clone(plain)
				plain[500] ^= 1
				return [][]byte{frame(0x81, plain)}
			}
			return fresh(k, plain, w, b)
		}, "a wrong reply"},
		"binary": {"on", none, func(k int, plain []byte, w *flate.Writer, b *bytes.Buffer) [][]byte {
			out := fresh(k, plain, w, b)
			out[0][0] = 0xc2
			return out
		}, "begins with 0xc2"},
		"RSV1 on a continuation": {"takeover", "permessage-deflate", func(k int, plain []byte, w *flate.Writer, b *bytes.Buffer) [][]byte {
			p := whole(k, plain, w, b)[0][4:]
			if k == 1 {
				return [][]byte{frame(0x41, p[:10]), frame(0xc0, p[10:])}
			}
			return [][]byte{frame(0xc1, p)}
		}, "begins with 0xc0"},
		"a refusal":  {"on", "", fresh, "does not compress"},
		"half of it": {"on", "permessage-deflate", fresh, "did not agree"},
	} {
		t.Run(name, func(t *testing.T) {
			m, err := mode.Parse(r.mode)
			require.NoError(t, err)
			o := Options{Payload: 1024, InFlight: 1, Text: true, Mode: m}
			f := newFrames(o)
			ln, err := net.Listen("tcp4", "127.0.0.1:0")
			require.NoError(t, err)
			defer ln.Close()
			go func() {
				if nc, err := ln.Accept(); err == nil {
					talker{r.agrees, r.reply}.serve(nc, &f)
				}
			}()
			cl, err := New(ln.Addr().String(), o)
			require.NoError(t, err)
			defer cl.Abandon()
			err = cl.Open(1)
			for range 40 { // more than a window
				if err == nil {
					err = cl.Once()
				}
			}
			if r.err != "" {
				require.ErrorContains(t, err, r.err)
				return
			}
			require.NoError(t, err)
			got := cl.Traffic()
			require.Equal(t, 40, got.Messages)
			require.Equal(t, 40*1024, got.Plain)
			require.Less(t, got.Ratio(), 0.7)
			require.Greater(t, got.Ratio(), 0.1, "the messages are not one and the same")
		})
	}
}
