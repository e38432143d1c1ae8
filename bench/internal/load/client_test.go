//go:build linux

package load

import (
	"bytes"
	"io"
	"net"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// RFC 6455 5.7 and 5.2: the client's own frames, by hand.
func TestFrames(t *testing.T) {
	require.Equal(t, []byte{0x81, 0x85, 0x37, 0xfa, 0x21, 0x3d, 0x7f, 0x9f, 0x4d, 0x51, 0x58}, masked(0x81, []byte("Hello"), 0x3d21fa37))
	require.Equal(t, []byte{0x82, 125}, head(nil, 0x82, 0, 125))
	require.Equal(t, []byte{0x82, 126, 0, 126}, head(nil, 0x82, 0, 126))
	require.Equal(t, []byte{0x82, 0xfe, 0xff, 0xff}, head(nil, 0x82, 0x80, 65535))
	require.Equal(t, []byte{0x82, 127, 0, 0, 0, 0, 0, 1, 0, 0}, head(nil, 0x82, 0, 65536))
	require.Equal(t, 2+4+64, ReadSize(64))
	require.Equal(t, 2+64, WriteSize(64))
	require.Equal(t, 10+1<<20, WriteSize(1<<20))

	f := newFrames(Options{Payload: 64, InFlight: 3})
	require.Len(t, f.run(5, 1), ReadSize(64))
	require.Equal(t, f.run(0, 3), f.ring[variants*ReadSize(64):], "a run that begins with the last variant goes on with the first")
	require.NotEqual(t, f.want[0], f.want[1])
}

// A client that believed everything would measure a server that does nothing.
func TestWrongReplyIsSeen(t *testing.T) {
	f := newFrames(Options{Payload: 64, InFlight: 1})
	for name, reply := range map[string]func(k int) []byte{
		"an octet":         func(k int) []byte { b := bytes.Clone(f.want[k]); b[40] ^= 1; return b },
		"a length":         func(k int) []byte { b := bytes.Clone(f.want[k]); b[1]--; return b[:len(b)-1] },
		"another message":  func(k int) []byte { return f.want[k+1] },
		"the same, masked": func(k int) []byte { return f.run(k, 1) },
		"the end":          func(int) []byte { return nil },
	} {
		t.Run(name, func(t *testing.T) {
			ln, err := net.Listen("tcp4", "127.0.0.1:0")
			require.NoError(t, err)
			defer ln.Close()
			go func() {
				nc, err := ln.Accept()
				if err != nil {
					return
				}
				defer nc.Close()
				b := make([]byte, 4096)
				nc.Read(b) // the opening handshake: it comes whole
				io.WriteString(nc, "HTTP/1.1 101 Switching Protocols\r\nSec-WebSocket-Accept: "+accept+"\r\n\r\n")
				for k := range 3 {
					if _, err := io.ReadFull(nc, b[:len(f.run(0, 1))]); err != nil {
						return
					}
					if k < 2 {
						nc.Write(f.want[k])
					} else {
						nc.Write(reply(k))
					}
				}
			}()
			cl, err := New(ln.Addr().String(), Options{Payload: 64})
			require.NoError(t, err)
			defer cl.Abandon()
			require.NoError(t, cl.Open(1))
			require.NoError(t, cl.Once())
			require.NoError(t, cl.Once())
			require.Error(t, cl.Once())
		})
	}
}

// A ping between replies, cut in the middle, is answered and disturbs nothing.
func TestPingIsAnswered(t *testing.T) {
	f := newFrames(Options{Payload: 8, InFlight: 1})
	ln, err := net.Listen("tcp4", "127.0.0.1:0")
	require.NoError(t, err)
	defer ln.Close()
	pong, rest := make(chan []byte, 1), make(chan bool)
	go func() {
		nc, err := ln.Accept()
		if err != nil {
			return
		}
		defer nc.Close()
		b := make([]byte, 4096)
		nc.Read(b)
		io.WriteString(nc, "HTTP/1.1 101 Switching Protocols\r\nSec-WebSocket-Accept: "+accept+"\r\n\r\n")
		io.ReadFull(nc, b[:len(f.run(0, 1))])
		nc.Write(append(bytes.Clone(f.want[0]), 0x89))
		<-rest
		nc.Write([]byte{2, 'h', 'i'})
		n, _ := io.ReadFull(nc, b[:8])
		pong <- b[:n]
		io.Copy(io.Discard, nc)
	}()
	cl, err := New(ln.Addr().String(), Options{Payload: 8})
	require.NoError(t, err)
	defer cl.Abandon()
	require.NoError(t, cl.Open(1))
	require.NoError(t, cl.Once())
	close(rest)
	for len(pong) == 0 {
		require.NoError(t, cl.Idle(time.Millisecond))
	}
	require.Equal(t, masked(0x8a, []byte("hi"), 0x9abcdef0), <-pong)
}

// A ping that crosses our Close is no reply to it, and none is sent to it.
func TestPingBeforeClose(t *testing.T) {
	ln, err := net.Listen("tcp4", "127.0.0.1:0")
	require.NoError(t, err)
	defer ln.Close()
	got := make(chan []byte, 1)
	go func() {
		nc, err := ln.Accept()
		if err != nil {
			return
		}
		b := make([]byte, 4096)
		nc.Read(b)
		io.WriteString(nc, "HTTP/1.1 101 Switching Protocols\r\nSec-WebSocket-Accept: "+accept+"\r\n\r\n")
		n, _ := io.ReadFull(nc, b[:len(goodbye)])
		nc.Write([]byte{0x89, 2, 'h', 'i', 0x88, 0x02, 0x03, 0xe8})
		nc.(*net.TCPConn).CloseWrite()
		rest, _ := io.ReadAll(nc)
		got <- append(b[:n], rest...)
	}()
	cl, err := New(ln.Addr().String(), Options{Payload: 8})
	require.NoError(t, err)
	defer cl.Abandon()
	require.NoError(t, cl.Open(1))
	require.NoError(t, cl.Close())
	require.Equal(t, goodbye, <-got)
}
