package autobahn

import (
	"context"
	"crypto/tls"
	"io"
	"net"
	"net/http/httptest"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/idlewire/idlewire/autobahn/internal/testee"
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

// A slow is a connection that takes its time to write, and has nothing left to write when it is closed.
type slow struct {
	net.Conn
	reads  chan []byte
	closed atomic.Bool
	out    []byte
}

func (c *slow) Read(b []byte) (int, error) {
	r, ok := <-c.reads
	if !ok {
		return 0, net.ErrClosed
	}
	return copy(b, r), nil
}

func (c *slow) Write(b []byte) (int, error) {
	for range 1000 {
		runtime.Gosched()
	}
	if c.closed.Load() {
		return 0, net.ErrClosed
	}
	c.out = append(c.out, b...)
	return len(b), nil
}

func (c *slow) Close() error {
	if !c.closed.Swap(true) {
		close(c.reads)
	}
	return nil
}

// What is queued when TCP is to be closed is written before it is.
func TestPlayFlushes(t *testing.T) {
	c := &slow{reads: make(chan []byte, 1)}
	c.reads <- []byte("\x88\x82\x00\x00\x00\x00\x03\xe8")
	require.True(t, play(t.Context(), hello, opening{nc: c}, false, DefaultOptions(), 0).DroppedByMe)
	require.Equal(t, "\x81\x05Hello\x88\x02\x03\xe8", string(c.out))
}

// A lingering is a connection whose peer sends its Close, and more when it has seen that our direction has ended.
type lingering struct {
	net.Conn
	reads  chan []byte
	more   []byte
	mu     sync.Mutex // guards unread
	unread int        // reads that more takes, when the connection is closed; -1: it is not
}

func (l *lingering) Write(b []byte) (int, error) { return len(b), nil }

func (l *lingering) CloseWrite() error {
	for range 3 {
		l.reads <- l.more
	}
	close(l.reads)
	return nil
}

func (l *lingering) Read(b []byte) (int, error) {
	r, ok := <-l.reads
	if !ok {
		return 0, io.EOF
	}
	return copy(b, r), nil
}

func (l *lingering) Close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.unread < 0 {
		l.unread = len(l.reads)
	}
	return nil
}

// What the peer still sends is read over before the socket is closed, or TCP would take back what it has not read.
func TestPlayLingers(t *testing.T) {
	l := &lingering{reads: make(chan []byte, 4), more: make([]byte, 1000), unread: -1}
	l.reads <- []byte("\x88\x82\x00\x00\x00\x00\x03\xe8")
	r := play(t.Context(), hello, opening{nc: l}, false, DefaultOptions(), 0)
	require.True(t, r.WasClean)
	require.Zero(t, l.unread)
}

// A seed gives the same masking keys for the same case; without one they are others each time.
func TestMasks(t *testing.T) {
	keys := func(seed uint64, n int) (k [3]uint32) {
		next := masks(seed, n)
		for i := range k {
			k[i] = next()
		}
		return k
	}
	require.Equal(t, keys(1, 2), keys(1, 2))
	require.NotEqual(t, keys(1, 2), keys(1, 3))
	require.NotEqual(t, keys(1, 2), keys(2, 2))
	require.NotEqual(t, keys(0, 2), keys(0, 2))
}

// The octets of the opening handshake are counted by who sent them.
func TestTrafficOfTheOpening(t *testing.T) {
	cases, err := Select(Cases(), []string{"12.1.1"}, nil)
	require.NoError(t, err)
	r := testServer(t, testee.CorrectDeflate, cases)["12.1.1"]
	require.Equal(t, []int{len(r.HTTPRequest), len(r.HTTPResponse)}, []int{r.Traffic.PreopenOutgoing, r.Traffic.PreopenIncoming})
	results, err := testClient(t, testee.CorrectDeflate, cases)
	require.NoError(t, err)
	r = results["12.1.1"]
	require.NotEqual(t, len(r.HTTPRequest), len(r.HTTPResponse))
	require.Equal(t, []int{len(r.HTTPResponse), len(r.HTTPRequest)}, []int{r.Traffic.PreopenOutgoing, r.Traffic.PreopenIncoming})
}
