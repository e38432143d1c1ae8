package autobahn

import (
	"bufio"
	"context"
	"errors"
	"net"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/idlewire/idlewire/handshake"
)

// Clients that do not do what they should do not stop RunClient.
func TestRunClientWaits(t *testing.T) {
	p := &plan{cases: echoCases()}
	c := p.cases[0]
	v := p.visit(t, func(*Server) {})
	defer func() {
		v.end()
		noStrays(t)
	}()
	v.connectTime, v.returnTime = time.Millisecond, time.Millisecond

	r, err := v.one(t.Context(), c, func(context.Context, string) error { return errors.New("no time") })
	require.NoError(t, err)
	require.False(t, r.Good())
	require.Equal(t, "the client returned without an opening handshake; the client returned: no time", r.Reason)

	v.startTime, v.returnTime = time.Millisecond, returnTime
	r, err = v.one(t.Context(), c, func(ctx context.Context, _ string) error { <-ctx.Done(); return ctx.Err() })
	require.NoError(t, err)
	require.Equal(t, "the client has not connected; the client returned: context canceled", r.Reason)
	v.startTime, v.returnTime = startTime, time.Millisecond

	free := make(chan struct{})
	_, err = v.one(t.Context(), c, func(ctx context.Context, url string) error {
		echoClient(ctx, url, nil)
		<-ctx.Done()
		<-free
		return nil
	})
	require.ErrorContains(t, err, "case 1.1: the client has not returned")
	close(free)

	ctx, cancel := context.WithCancel(t.Context())
	_, err = v.one(ctx, c, func(ctx context.Context, url string) error {
		cancel()
		return nil
	})
	require.ErrorIs(t, err, context.Canceled)

	// One that has connected, and returned, is waited for: the case has its own deadlines.
	v.connectTime = 0
	c.Deadline.After = 50 * time.Millisecond
	var kept net.Conn
	r, err = v.one(t.Context(), c, func(ctx context.Context, url string) error {
		u, _ := handshake.ParseURL(url)
		nc, err := net.Dial("tcp", u.Host)
		require.NoError(t, err)
		kept = nc
		b, _ := (&handshake.Offer{URL: u}).AppendRequest(nil)
		nc.Write(b)
		_, err = bufio.NewReader(nc).ReadString('\n') // the server has started the case before it answers, or is about to
		require.NoError(t, err)
		v.mu.Lock()
		defer v.mu.Unlock()
		v.calls[c.ID].started = true
		return nil
	})
	require.NoError(t, err)
	require.True(t, r.Opened)
	require.Equal(t, Failed, r.Behavior)
	kept.Close()
}
