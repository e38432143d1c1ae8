package netpoll

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/idlewire/idlewire/conn"
	"github.com/idlewire/idlewire/frame"
	"github.com/idlewire/idlewire/handshake"
)

// A victim is an endpoint of ours at the other end of a connection over which the test sends octets of its choice. To each message it answers what digest says of it.
type victim struct {
	t    testing.TB
	nc   net.Conn
	br   *bufio.Reader
	from frame.Direction // of what it sends
	end  chan error      // of a client, what Read has said at last
}

const (
	compresses = "permessage-deflate"
	noTakeover = "permessage-deflate; server_no_context_takeover; client_no_context_takeover"
)

// digest names a message.
func digest(b []byte) string { return fmt.Sprintf("%d octets, %08x", len(b), crc32.ChecksumIEEE(b)) }

// A victims opens connections to one kind of endpoint, with the options; extensions is what was negotiated, or offered by the test.
type victims struct {
	name string
	open func(t testing.TB, o conn.Options, extensions string) *victim
}

// allVictims are both drivers of Server, conn.Accept, and conn.Dial.
func allVictims() []victims {
	all := []victims{
		{"portable", func(t testing.TB, o conn.Options, x string) *victim { return openServer(t, Portable, o, x) }},
		{"accept", openAccept},
		{"dial", openDial},
	}
	if DefaultDriver != Portable {
		all = append(all, victims{DefaultDriver.String(), func(t testing.TB, o conn.Options, x string) *victim { return openServer(t, DefaultDriver, o, x) }})
	}
	return all
}

// digests is a program of Server.
func digests(*Conn, *handshake.Request) Handler {
	return funcs{message: func(c *Conn, m conn.Message) { c.Write(frame.Text, []byte(digest(m.Payload))) }}
}

func openServer(t testing.TB, d Driver, o conn.Options, extensions string) *victim {
	return asksServer(t, serve(t, &Server{Driver: d, Options: o, Open: digests}), extensions)
}

func openAccept(t testing.TB, o conn.Options, extensions string) *victim {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if c, err := conn.Accept(w, r, nil, &o); err == nil {
			answers(c)
		}
	}))
	t.Cleanup(s.Close)
	return asksServer(t, s.Listener.Addr().String(), extensions)
}

// answers is the program of the blocking driver.
func answers(c *conn.Conn) error {
	defer c.CloseNow()
	for {
		m, err := c.Read()
		if err == nil {
			err = c.Write(frame.Text, []byte(digest(m.Payload)))
		}
		if err != nil {
			return err
		}
	}
}

func newVictim(t testing.TB, nc net.Conn, from frame.Direction) *victim {
	t.Cleanup(func() { nc.Close() })
	require.NoError(t, nc.SetDeadline(time.Now().Add(2*time.Minute)))
	return &victim{t: t, nc: nc, br: bufio.NewReader(nc), from: from}
}

// asksServer is the opening handshake of a client.
func asksServer(t testing.TB, addr, extensions string) *victim {
	nc, err := net.Dial("tcp", addr)
	require.NoError(t, err)
	v := newVictim(t, nc, frame.FromServer)
	request := asks(plain)
	if extensions != "" {
		request = asks(plain, "Sec-WebSocket-Extensions: "+extensions)
	}
	_, err = io.WriteString(nc, request)
	require.NoError(t, err)
	response, err := http.ReadResponse(v.br, nil)
	require.NoError(t, err)
	require.Equal(t, 101, response.StatusCode)
	require.Equal(t, extensions, response.Header.Get("Sec-WebSocket-Extensions"))
	return v
}

// openDial is the opening handshake of a server, whatever the client has offered.
func openDial(t testing.TB, o conn.Options, extensions string) *victim {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer ln.Close()
	end := make(chan error, 1)
	go func() {
		c, err := conn.Dial(context.Background(), "ws://"+ln.Addr().String(), &conn.Dialer{Options: o})
		if err == nil {
			err = answers(c)
		}
		end <- err
	}()
	nc, err := ln.Accept()
	require.NoError(t, err)
	v := newVictim(t, nc, frame.FromClient)
	v.end = end
	request, err := http.ReadRequest(v.br)
	require.NoError(t, err)
	require.Equal(t, extensions != "", request.Header.Get("Sec-WebSocket-Extensions") != "")
	response := handshake.AppendAccept([]byte("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: "),
		[]byte(request.Header.Get("Sec-WebSocket-Key")))
	if extensions != "" {
		response = append(response, "\r\nSec-WebSocket-Extensions: "+extensions...)
	}
	_, err = nc.Write(append(response, "\r\n\r\n"...))
	require.NoError(t, err)
	return v
}

// frame is a frame to v.
func (v *victim) frame(op frame.Opcode, fin bool, rsv byte, payload []byte) []byte {
	h := frame.Header{Opcode: op, Fin: fin, Rsv: rsv, Length: int64(len(payload))}
	if v.from == frame.FromServer {
		h.Masked, h.Key = true, 0x9a3b2c1d
	}
	return frame.Append(nil, h, payload)
}

// compressed is a message in fragments, with a ping behind each one of a hundred.
func (v *victim) compressed(pieces [][]byte) (b []byte) {
	for i, p := range pieces {
		op, rsv := frame.Continuation, byte(0)
		if i == 0 {
			op, rsv = frame.Binary, frame.Rsv1
		}
		b = append(b, v.frame(op, i == len(pieces)-1, rsv, p)...)
		if i%100 == 99 {
			b = append(b, v.frame(frame.Ping, true, 0, []byte("between"))...)
		}
	}
	return b
}

// send sends b, or as much of it as is taken: who fails the connection need not read on.
func (v *victim) send(b []byte) { _, _ = v.nc.Write(b) }

// hear returns the next message that comes, or the code of a Close. Pongs are passed over.
func (v *victim) hear() string {
	v.t.Helper()
	for {
		f, err := frame.Read(v.br, v.from, 0, 1000)
		require.NoError(v.t, err)
		switch f.Opcode {
		case frame.Text:
			return string(f.Payload)
		case frame.Close:
			code, _, err := frame.ParseClose(f.Payload)
			require.NoError(v.t, err)
			return fmt.Sprint("close ", int(code))
		}
	}
}

// pong waits for one, and reports whether it has come before a Close.
func (v *victim) pong() bool {
	v.t.Helper()
	f, err := frame.Read(v.br, v.from, 0, 1000)
	require.NoError(v.t, err)
	return f.Opcode == frame.Pong
}

// failed expects that v has failed the connection.
func (v *victim) failed(code frame.CloseCode) {
	v.t.Helper()
	require.Equal(v.t, fmt.Sprint("close ", int(code)), v.hear())
	v.nc.Close()
	if v.end != nil {
		var e *frame.Error
		err := <-v.end
		require.True(v.t, errors.As(err, &e), "%v", err)
		require.Equal(v.t, code, e.Code)
	}
}
