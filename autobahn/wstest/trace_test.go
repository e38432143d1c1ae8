package main

import (
	"bytes"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/idlewire/idlewire/autobahn"
	"github.com/idlewire/idlewire/frame"
)

func TestTrace(t *testing.T) {
	ms := time.Millisecond
	r := &autobahn.Result{
		Case: &autobahn.Case{ID: "1.1.1", Title: "a title"}, Agent: "an\x1b[agent", Behavior: autobahn.OK, BehaviorClose: autobahn.OK,
		HTTPRequest: "GET / HTTP/1.1\r\nHost: a\r\n\r\n", HTTPResponse: "HTTP/1.1 101 Switching Protocols\r\nServer: \x1b]0;x\r\n\r\n",
		Log: []autobahn.LogEntry{
			{Kind: autobahn.FrameOut, Len: 5, Data: []byte("Hello"), Opcode: frame.Text, Fin: true, Masked: true, Mask: [4]byte{1, 2, 3, 4}},
			{Kind: autobahn.OctetsOut, Len: 3, Data: []byte{0x81, 0x85, 1}},
			{Kind: autobahn.CloseSet, At: ms, For: time.Second},
			{Kind: autobahn.FrameIn, At: 1500 * time.Microsecond, Len: 9, Data: []byte("\x03\xea\x1b[2Jx\r\n"), Opcode: frame.Close, Fin: true},
		},
	}
	var b bytes.Buffer
	writeTrace(&b, r)
	require.Equal(t, `== 1.1.1 an?[agent: a title
             -> GET / HTTP/1.1
             -> Host: a
             <- HTTP/1.1 101 Switching Protocols
             <- Server: ?]0;x
    0.000 ms -> text, 5 octets, masked: "Hello"
    0.000 ms -> 3 octets on the wire: 818501
    1.000 ms in 1s the connection will be closed
    1.500 ms <- close 1002: "\x1b[2Jx\r\n"
          = OK, close OK
`, b.String())

	// As server the runner answers: what comes first is the client's.
	r.IsServer, r.Log = true, nil
	b.Reset()
	writeTrace(&b, r)
	require.Equal(t, `== 1.1.1 an?[agent: a title
             <- GET / HTTP/1.1
             <- Host: a
             -> HTTP/1.1 101 Switching Protocols
             -> Server: ?]0;x
          = OK, close OK
`, b.String())
}
