package autobahn

import (
	"context"
	"crypto/tls"
	"io"
	"net"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// written is a connection that counts what is written to it.
type written struct {
	net.Conn
	sizes []int
}

func (w *written) Write(b []byte) (int, error) {
	w.sizes = append(w.sizes, len(b))
	return len(b), nil
}

// A peer that takes its time for a great message is one that reads: what it has read is known while it does.
func TestPlayWritesInPieces(t *testing.T) {
	w := &written{}
	d := driver{nc: w, written: make(chan int, 1)}
	const n = 4*mostAtOnce + 1
	require.NoError(t, d.write(segment{data: make([]byte, n)}))
	require.Equal(t, []int{mostAtOnce, mostAtOnce, mostAtOnce, mostAtOnce, 1}, w.sizes)
	require.Equal(t, n, <-d.written)
}

// What is queued while the peer does not read shares a write, however many pieces it came in.
func TestPlayGathers(t *testing.T) {
	ours, theirs := net.Pipe()
	played := make(chan *Result, 1)
	go func() { played <- play(t.Context(), hello, opening{nc: ours}, false, DefaultOptions(), 0) }()
	const pings = 1000
	for range pings {
		_, err := theirs.Write([]byte{0x89, 0x80, 0, 0, 0, 0})
		require.NoError(t, err)
	}
	b := make([]byte, 7+2*pings)
	writes := 0
	for n := 0; n < len(b); writes++ {
		more, err := theirs.Read(b[n:])
		require.NoError(t, err)
		n += more
	}
	require.Equal(t, "\x81\x05Hello\x8a\x00", string(b[:9]))
	require.LessOrEqual(t, writes, 3, "one that was under way, one with all that came meanwhile, and perhaps one for the last ping")
	theirs.Close()
	require.Equal(t, Failed, (<-played).Behavior)
}

// An abort over TLS is one of TCP: a peer that does not read cannot hold it up, nor does it hear of it before.
func TestPlayAbortsTLS(t *testing.T) {
	require.Nil(t, tcpOf(&written{}))
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer ln.Close()
	backing := httptest.NewUnstartedServer(nil)
	backing.StartTLS()
	defer backing.Close()
	server := tls.NewListener(ln, backing.TLS)
	read := make(chan error, 1)
	go func() {
		nc, err := server.Accept()
		if err != nil {
			read <- err
			return
		}
		defer nc.Close()
		_, err = io.Copy(io.Discard, nc)
		read <- err
	}()
	nc, err := tls.Dial("tcp", ln.Addr().String(), &tls.Config{InsecureSkipVerify: true})
	require.NoError(t, err)
	require.NotNil(t, tcpOf(nc))
	o := DefaultOptions()
	o.TCPNoDelay = false
	c := &Case{Steps: []Step{{Do: Reset}}, Deadline: Deadline{After: time.Second}}
	require.True(t, play(context.Background(), c, opening{nc: nc}, true, o, 0).DroppedByMe)
	require.Error(t, <-read, "no close_notify came")
}
