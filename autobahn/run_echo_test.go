package autobahn

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/idlewire/idlewire/frame"
	"github.com/idlewire/idlewire/handshake"
)

// echoServer starts a server made of frames, which echoes what change makes of a message.
func echoServer(t *testing.T, change func(frame.Opcode, []byte) []byte) (url string, connections *atomic.Int32) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { ln.Close() })
	connections = &atomic.Int32{}
	go func() {
		for {
			nc, err := ln.Accept()
			if err != nil {
				return
			}
			connections.Add(1)
			go echoOne(nc, change)
		}
	}()
	return "ws://" + ln.Addr().String(), connections
}

func echoOne(nc net.Conn, change func(frame.Opcode, []byte) []byte) {
	defer nc.Close()
	br := bufio.NewReader(nc)
	req, err := http.ReadRequest(br)
	if err != nil {
		return
	}
	nc.Write(appendSwitch(nil, req.Header.Get("Sec-WebSocket-Key"), ""))
	echoFrames(nc, br, frame.FromClient, change)
}

// echoFrames echoes until a Close.
func echoFrames(w io.Writer, r io.Reader, from frame.Direction, change func(frame.Opcode, []byte) []byte) error {
	for {
		f, err := frame.Read(r, from, 0, 1<<20)
		if err != nil {
			return err
		}
		switch {
		case f.Opcode == frame.Ping:
			f.Opcode = frame.Pong
		case change != nil:
			f.Payload = change(f.Opcode, f.Payload)
		}
		f.Masked, f.Key = from == frame.FromServer, 0x01020304
		if err := frame.Write(w, f); err != nil {
			return err
		}
		if f.Opcode == frame.Close {
			return nil
		}
	}
}

// echoClient is a client made of frames.
func echoClient(ctx context.Context, url string, change func(frame.Opcode, []byte) []byte) error {
	u, err := handshake.ParseURL(url)
	if err != nil {
		return err
	}
	nc, err := new(net.Dialer).DialContext(ctx, "tcp", u.Host)
	if err != nil {
		return err
	}
	defer nc.Close()
	stop := context.AfterFunc(ctx, func() { nc.Close() })
	defer stop()
	offer := handshake.Offer{URL: u}
	b, err := offer.AppendRequest(nil)
	if err != nil {
		return err
	}
	if _, err := nc.Write(b); err != nil {
		return err
	}
	br := bufio.NewReader(nc)
	resp, err := http.ReadResponse(br, nil)
	if err != nil {
		return err
	}
	if resp.StatusCode != 101 {
		body, _ := io.ReadAll(resp.Body)
		return fmt.Errorf("status %d: %s", resp.StatusCode, body)
	}
	return echoFrames(nc, br, frame.FromServer, change)
}

// shout is the fault of a peer that gets case 1.2 of echoCases wrong, and no other.
func shout(_ frame.Opcode, payload []byte) []byte {
	if string(payload) == "and" {
		return []byte("AND")
	}
	return payload
}

// grumble is the fault of a peer that answers a Close with a code of its own.
func grumble(op frame.Opcode, payload []byte) []byte {
	if op == frame.Close {
		return []byte{0x0f, 0xa0} // 4000
	}
	return payload
}

// shoutedCases are echoCases for a peer that shouts: the case that it gets wrong does not take long.
func shoutedCases() []*Case {
	c := echoCases()
	c[1].Deadline.After = 50 * time.Millisecond
	return c
}

// looseCases are echoCases of which one is NON-STRICT, and one INFORMATIONAL.
func looseCases() []*Case {
	c := echoCases()
	c[1].Expect[0].Verdict = NonStrict
	c[2].Informational = true
	return c
}
