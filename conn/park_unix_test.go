//go:build unix

package conn

import (
	"errors"
	"net"
	"os"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/idlewire/idlewire/frame"
)

// idles calls Read until nothing has come for a moment.
func idles(t *testing.T, c *Conn) {
	t.Helper()
	require.NoError(t, c.SetReadDeadline(time.Now().Add(10*time.Millisecond)))
	_, err := c.Read()
	require.ErrorIs(t, err, os.ErrDeadlineExceeded)
	var op *net.OpError
	require.ErrorAs(t, err, &op)
	require.Equal(t, "read", op.Op)
	require.NoError(t, c.SetReadDeadline(time.Time{}))
}

// A connection that waits has no buffer, neither at first nor after long messages, nor in the middle of a header; and it remembers what size was good.
func TestWaitsWithoutBuffer(t *testing.T) {
	c, p := newPair(t, carriers[1], Server, &Options{MaxMessage: -1})
	idles(t, c)
	require.Nil(t, c.buf)
	for _, n := range []int{0, 10, 5000, 1 << 20, 1 << 20, 10} {
		wait := goes(func() { p.send(p.encode(frame.Binary, true, make([]byte, n))) })
		m, err := c.Read()
		require.NoError(t, err)
		require.Len(t, m.Payload, n)
		wait()
		if n == 1<<20 {
			require.EqualValues(t, maxRead, c.room)
		}
		idles(t, c)
		require.Nil(t, c.buf)
		require.Zero(t, c.proto.Buffered())
	}
	b := p.encode(frame.Text, true, []byte("in two"))
	p.send(b[:3])
	idles(t, c)
	require.Nil(t, c.buf)
	p.send(b[3:])
	m, err := c.Read()
	require.NoError(t, err)
	require.Equal(t, "in two", string(m.Payload))
}

// Who wraps a socket is asked to read, and so is TLS.
func TestWaitsWithBuffer(t *testing.T) {
	type wrapped struct{ *net.TCPConn }
	a, b := tcpPair(t)
	tlsA, _ := tlsPair(t)
	for _, nc := range []net.Conn{wrapped{a.(*net.TCPConn)}, tlsA} {
		require.Nil(t, New(nc, Server, nil).park.raw)
	}
	require.NotNil(t, New(b, Server, nil).park.raw)
}

func TestParkedReadErrors(t *testing.T) {
	c, p := newPair(t, carriers[1], Server, nil)
	require.NoError(t, p.nc.(*net.TCPConn).SetLinger(0))
	p.nc.Close()
	_, err := c.Read()
	require.ErrorIs(t, err, syscall.ECONNRESET)
	var op *net.OpError
	require.ErrorAs(t, err, &op)
	require.Equal(t, "read", op.Op)
	require.Equal(t, c.RemoteAddr(), op.Addr)

	c, _ = newPair(t, carriers[1], Server, nil)
	ended := make(chan error)
	go func() {
		_, err := c.Read()
		ended <- err
	}()
	c.CloseNow()
	if err := <-ended; !errors.Is(err, net.ErrClosed) {
		t.Fatal(err)
	}
}

// To wait costs no allocation.
func TestParkedReadAllocations(t *testing.T) {
	if raceBuild {
		t.Skip("the race detector makes pools forget")
	}
	c, p := newPair(t, carriers[1], Server, nil)
	b := p.encode(frame.Binary, true, make([]byte, 100))
	n := testing.AllocsPerRun(200, func() {
		p.nc.Write(b)
		if _, err := c.Read(); err != nil {
			t.Fatal(err)
		}
	})
	require.Less(t, n, 0.5)
}
