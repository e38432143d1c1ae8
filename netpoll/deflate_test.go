package netpoll

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/idlewire/idlewire/conn"
	"github.com/idlewire/idlewire/deflate"
	"github.com/idlewire/idlewire/frame"
	"github.com/idlewire/idlewire/handshake"
)

// policies are both kinds of compression.
func policies() map[string]*deflate.Options {
	return map[string]*deflate.Options{
		"no takeover": {},
		"takeover":    {ServerContextTakeover: true, ClientContextTakeover: true},
		"window 9":    {ServerContextTakeover: true, ClientContextTakeover: true, ServerMaxWindowBits: 9, ClientMaxWindowBits: 9},
	}
}

// dialDeflate opens a connection with our own client, which offers what o says.
func dialDeflate(t testing.TB, addr string, o *deflate.Options) *conn.Conn {
	t.Helper()
	c, _ := dialCounting(t, addr, o)
	return c
}

// A readMeter counts the octets that come in.
type readMeter struct {
	net.Conn
	read atomic.Int64
}

func (m *readMeter) Read(b []byte) (int, error) {
	n, err := m.Conn.Read(b)
	m.read.Add(int64(n))
	return n, err
}

func dialCounting(t testing.TB, addr string, o *deflate.Options) (*conn.Conn, *readMeter) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	var m *readMeter
	d := &conn.Dialer{Options: conn.Options{MaxMessage: 1 << 24}, NetDial: func(ctx context.Context, network, addr string) (net.Conn, error) {
		nc, err := new(net.Dialer).DialContext(ctx, network, addr)
		m = &readMeter{Conn: nc}
		return m, err
	}}
	if o != nil {
		d.Options.Compression = o
	}
	c, err := conn.Dial(ctx, "ws://"+addr, d)
	require.NoError(t, err)
	t.Cleanup(func() { c.CloseNow() })
	require.NoError(t, c.SetDeadline(time.Now().Add(20*time.Second)))
	return c, m
}

func expectMessage(t testing.TB, c *conn.Conn, want string) {
	t.Helper()
	m, err := c.Read()
	require.NoError(t, err)
	require.Equal(t, len(want), len(m.Payload))
	require.True(t, want == string(m.Payload))
}

// everyPolicy runs f with each driver and each kind of compression.
func everyPolicy(t *testing.T, f func(t *testing.T, d Driver, o *deflate.Options)) {
	everyDriver(t, func(t *testing.T, d Driver) {
		for name, o := range policies() {
			t.Run(name, func(t *testing.T) { f(t, d, o) })
		}
	})
}

// jsonLike is text that shrinks, and is not the same twice.
func jsonLike(seed, n int) string {
	rnd := rand.New(rand.NewPCG(uint64(seed), 1))
	var b strings.Builder
	for b.Len() < n {
		fmt.Fprintf(&b, `{"id":%d,"name":"user-%d","active":%v},`, rnd.IntN(1e9), rnd.IntN(1000), rnd.IntN(2) == 0)
	}
	return b.String()[:n]
}

func TestServerDeflates(t *testing.T) {
	everyPolicy(t, func(t *testing.T, d Driver, o *deflate.Options) {
		s := &Server{Driver: d, Open: echoes, Options: conn.Options{Compression: o, MaxMessage: 1 << 22}}
		c, m := dialCounting(t, serve(t, s), o)
		require.Len(t, c.Extensions(), 1)
		in, sizes := 0, []int{0, 1, 63, 64, 1000, 1000, 4081, 4082, 4096, 20000, aloneSize, aloneSize + 1, 65536, 1 << 20, 1000, 3 << 20, 1000}
		for i, n := range sizes {
			text := jsonLike(i, n)
			require.NoError(t, c.Write(frame.Text, []byte(text)))
			expectMessage(t, c, text)
			in += n
		}
		noise := make([]byte, 100000) // goes as it is, and what follows does not refer to it
		for i := range noise {
			noise[i] = byte(rand.Uint32())
		}
		require.Less(t, int(m.read.Load()), in/2)
		for _, n := range []int{100, 5000, 100000, 100} {
			require.NoError(t, c.Write(frame.Binary, noise[:n]))
			expectMessage(t, c, string(noise[:n]))
		}
		require.NoError(t, c.Write(frame.Text, []byte(jsonLike(3, 5000))))
		expectMessage(t, c, jsonLike(3, 5000))
	})
}

// A server with compression serves those who do not ask for it, and one without those who do.
func TestServerDeflatesForWhoAsks(t *testing.T) {
	everyDriver(t, func(t *testing.T, d Driver) {
		for _, server := range []conn.Compression{nil, &deflate.Options{}} {
			for _, client := range []*deflate.Options{nil, {}} {
				c := dialDeflate(t, serve(t, &Server{Driver: d, Open: echoes, Options: conn.Options{Compression: server}}), client)
				if server != nil && client != nil {
					require.Len(t, c.Extensions(), 1)
				} else {
					require.Empty(t, c.Extensions())
				}
				require.NoError(t, c.Write(frame.Text, []byte(jsonLike(1, 1000))))
				expectMessage(t, c, jsonLike(1, 1000))
			}
		}
	})
}

func TestWriteUncompressed(t *testing.T) {
	everyPolicy(t, func(t *testing.T, d Driver, o *deflate.Options) {
		text := jsonLike(1, 20000)
		s := &Server{Driver: d, Options: conn.Options{Compression: o}}
		s.Open = func(*Conn, *handshake.Request) Handler {
			return funcs{message: func(c *Conn, m conn.Message) {
				switch string(m.Payload) {
				case "plain":
					c.WriteUncompressed(frame.Text, []byte(text))
					c.WriteUncompressed(frame.Text, []byte(text[:100]))
				default:
					c.Write(frame.Text, []byte(text))
				}
			}}
		}
		c, m := dialCounting(t, serve(t, s), o)
		for range 3 {
			before := m.read.Load()
			require.NoError(t, c.Write(frame.Text, []byte("plain")))
			expectMessage(t, c, text)
			expectMessage(t, c, text[:100])
			require.EqualValues(t, 4+len(text)+2+100, m.read.Load()-before)
			before = m.read.Load()
			require.NoError(t, c.Write(frame.Text, []byte("any")))
			expectMessage(t, c, text)
			require.Less(t, int(m.read.Load()-before), len(text)/2)
		}
	})
}

// One prepared message goes to connections of every kind, between messages of their own.
func TestPreparedDeflated(t *testing.T) {
	everyDriver(t, func(t *testing.T, d Driver) {
		s := &Server{Driver: d, Options: conn.Options{Compression: &deflate.Options{ServerContextTakeover: true, ClientContextTakeover: true}}}
		var mu sync.Mutex
		var all []*Conn
		s.Open = func(c *Conn, _ *handshake.Request) Handler {
			mu.Lock()
			all = append(all, c)
			mu.Unlock()
			return funcs{message: func(c *Conn, m conn.Message) { c.Write(m.Op, m.Payload) }}
		}
		addr := serve(t, s)
		var clients []*conn.Conn
		for _, o := range []*deflate.Options{
			nil, {}, {ServerContextTakeover: true}, {ServerContextTakeover: true, ClientContextTakeover: true}, {ServerContextTakeover: true, ServerMaxWindowBits: 9}, {ServerMaxWindowBits: 10},
		} {
			clients = append(clients, dialDeflate(t, addr, o), dialDeflate(t, addr, o))
		}
		for round := range 5 {
			text := jsonLike(round, 300*(1+round*round*20))
			m, err := conn.Prepare(frame.Text, []byte(text))
			require.NoError(t, err)
			for i, c := range clients {
				require.NoError(t, c.Write(frame.Text, []byte(jsonLike(round*100+i, 500))))
				expectMessage(t, c, jsonLike(round*100+i, 500))
			}
			mu.Lock()
			require.Len(t, all, len(clients))
			for _, c := range all {
				require.NoError(t, c.WritePrepared(m))
			}
			mu.Unlock()
			for _, c := range clients {
				expectMessage(t, c, text)
			}
		}
	})
}

// What does not fit into a write queue and is dropped is not referred to by what does.
func TestDroppedAndDeflated(t *testing.T) {
	filler := strings.Repeat("what the kernel takes before a queue is full ", 200)
	everyPolicy(t, func(t *testing.T, d Driver, o *deflate.Options) {
		s := &Server{Driver: d, WriteQueueSoft: 10000, WriteQueueHard: 20000, WriteQueuePolicy: DropWhenFull, Options: conn.Options{Compression: o}}
		taken := make(chan []string, 1)
		s.Open = func(c *Conn, _ *handshake.Request) Handler {
			return funcs{message: func(c *Conn, m conn.Message) {
				var said []string
				for c.WriteUncompressed(frame.Text, []byte(filler)) == nil { // megabytes, which shall cost nothing
					said = append(said, filler)
				}
				for i, drops := 0, 0; drops < 50 && i < 10000; i++ {
					text := jsonLike(i, 700+i*2711%13000)
					write := func() error { return c.Write(frame.Text, []byte(text)) }
					if i%5 == 0 {
						p, _ := conn.Prepare(frame.Text, []byte(text))
						write = func() error { return c.WritePrepared(p) }
					}
					if err := write(); err == nil {
						said = append(said, text)
						if n := c.Buffered(); n > 20000 { // compressed, one that 10000 octets may be followed by is no longer
							t.Errorf("%d octets queued", n)
						}
					} else {
						require.ErrorIs(t, err, ErrQueueFull)
						drops++
					}
				}
				taken <- said
			}}
		}
		c, m := dialCounting(t, serve(t, s), o)
		require.NoError(t, m.Conn.(*net.TCPConn).SetReadBuffer(64<<10)) // or else the kernel takes tens of megabytes
		deflated := 0
		for round := range 4 {
			require.NoError(t, c.Write(frame.Text, []byte("go")))
			for _, text := range <-taken {
				expectMessage(t, c, text)
				if text != filler {
					deflated++
				}
			}
			require.GreaterOrEqual(t, s.Stats().Drops, uint64(50*(round+1)))
		}
		require.NotZero(t, deflated)
	})
}

// Many goroutines write to one connection, messages of every length; each arrives whole, in the order of its writer.
func TestWritersDeflate(t *testing.T) {
	everyPolicy(t, func(t *testing.T, d Driver, o *deflate.Options) {
		const writers, messages = 8, 30
		s := &Server{Driver: d, WriteQueueHard: -1, Options: conn.Options{Compression: o}}
		s.Open = func(c *Conn, _ *handshake.Request) Handler {
			return funcs{message: func(c *Conn, m conn.Message) {
				for w := range writers {
					go func() {
						for i := range messages {
							text := fmt.Sprintf("%d %d %s", w, i, jsonLike(w*1000+i, 10+i*i*i*3))
							if i%7 == 3 {
								c.WriteUncompressed(frame.Text, []byte(text))
							} else {
								c.Write(frame.Text, []byte(text))
							}
						}
					}()
				}
			}}
		}
		c := dialDeflate(t, serve(t, s), o)
		require.NoError(t, c.Write(frame.Text, []byte("go")))
		var next [writers]int
		for range writers * messages {
			m, err := c.Read()
			require.NoError(t, err)
			var w, i int
			_, err = fmt.Sscan(string(m.Payload[:10]), &w, &i)
			require.NoError(t, err)
			require.Equal(t, next[w], i)
			next[w]++
			require.True(t, bytes.HasSuffix(m.Payload, []byte(jsonLike(w*1000+i, 10+i*i*i*3))))
		}
	})
}

// A connection that is over, or has not come about, gives back what it counted for in the budget.
func TestCompressionIsReleased(t *testing.T) {
	everyDriver(t, func(t *testing.T, d Driver) {
		o := &deflate.Options{ServerContextTakeover: true, ClientContextTakeover: true, Budget: 64 << 10}
		s := &Server{Driver: d, Open: echoes, Options: conn.Options{Compression: o}}
		var refuse atomic.Bool
		s.Upgrader.Extensions = func(r *handshake.Request, offers []handshake.Extension) []handshake.Extension {
			if string(r.Path()) == "/refused" {
				refuse.Store(true)
				return []handshake.Extension{{Name: "x-never-heard-of"}}
			}
			if string(r.Path()) == "/panic" {
				panic("in the program's hook")
			}
			return nil
		}
		addr := serve(t, s)
		client := func() *deflate.Options {
			return &deflate.Options{ServerContextTakeover: true, ClientContextTakeover: true}
		}
		takeover := func(c *conn.Conn) bool { return !strings.Contains(fmt.Sprint(c.Extensions()), "no_context_takeover") }
		for range 3 {
			first := dialDeflate(t, addr, client())
			require.True(t, takeover(first))
			second := dialDeflate(t, addr, client())
			require.False(t, takeover(second), "beyond the budget")
			second.CloseNow()
			first.CloseNow()
			require.Eventually(t, func() bool { return s.Stats().Open == 0 }, 20*time.Second, time.Millisecond)
			for _, path := range []string{"/refused", "/panic"} {
				z := &beside{Options: client()}
				_, err := conn.Dial(context.Background(), "ws://"+addr+path, &conn.Dialer{Options: conn.Options{Compression: z}})
				var e *handshake.Error
				require.ErrorAs(t, err, &e)
				require.Equal(t, 500, e.Status)
			}
		}
		require.True(t, refuse.Load())
	})
}

// A beside offers another extension as well.
type beside struct{ *deflate.Options }

func (o *beside) Offers() []handshake.Extension {
	return append([]handshake.Extension{{Name: "x-other"}}, o.Options.Offers()...)
}
