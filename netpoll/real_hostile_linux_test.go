package netpoll

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/idlewire/idlewire/conn"
	"github.com/idlewire/idlewire/frame"
	"github.com/idlewire/idlewire/handshake"
)

// Sections 1 and 3 of the threat list, hostile peers and faults, over real sockets.

// V03, V77: a length that cannot be, on a hundred connections; when they are gone the loop rests.
func TestV03RealLengthsThatCannotBe(t *testing.T) {
	everyDriver(t, func(t *testing.T, d Driver) {
		s := &Server{Driver: d, Options: conn.Options{CloseTimeout: 500 * time.Millisecond}, Open: echoes}
		addr, k := metered(t, s)
		for i, c := range connections(t, addr, 100) {
			bad, code := "\x82\xff\x80\x00\x00\x00\x00\x00\x00\x01aaaa", frame.CloseProtocolError
			if i%2 == 1 {
				bad, code = "\x02\xff\x7f\xff\xff\xff\xff\xff\xff\xffaaaa", frame.CloseTooBig
			}
			_, err := io.WriteString(c.nc, bad)
			require.NoError(t, err)
			require.NoError(t, c.hearClose(code))
			require.NoError(t, c.hearEnd())
			if i%4 < 2 { // the others stay, and the loop waits for them to go: that must cost nothing either
				c.nc.Close()
			}
		}
		quiet(t, k)
		resting(t, k, 300*time.Millisecond, 5)
		eventually(t, "all are gone", func() bool { return s.Stats().Open == 0 })
		resting(t, k, 300*time.Millisecond, 0)
	})
}

// V43: clients that send their request an octet at a time are gone when the time of the opening handshake is over, which no octet prolongs; others
// connect meanwhile.
func TestV43RealSlowRequests(t *testing.T) {
	everyDriver(t, func(t *testing.T, d Driver) {
		s := &Server{Driver: d, Loops: 1, Options: conn.Options{HandshakeTimeout: 400 * time.Millisecond}, Open: echoes}
		addr := serve(t, s)
		const slow = 100
		together(t, slow+10, func(i int) error {
			if i >= slow {
				k, err := connect(addr)
				if err != nil {
					return err
				}
				if err := k.echo([]byte("hello")); err != nil {
					return err
				}
				return k.leave()
			}
			nc, err := net.Dial("tcp", addr)
			if err != nil {
				return err
			}
			defer nc.Close()
			gone := make(chan error, 1)
			go func() {
				_, err := io.Copy(io.Discard, nc)
				gone <- err
			}()
			for n, b := range request[:50] + long(1000) { // an endless header line
				if _, err := io.WriteString(nc, string(b)); err != nil {
					<-gone
					return nil
				}
				select {
				case <-gone:
					return nil
				case <-time.After(10 * time.Millisecond):
				}
				if n == 1000 {
					return errors.New("still there")
				}
			}
			return nil
		})
		require.EqualValues(t, slow, s.Stats().Refused[408])
	})
}

// V60: after Close(code) the peer reads that code, and then the end, every time; and no socket is left half closed.
func TestV60RealCloseArrives(t *testing.T) {
	everyDriver(t, func(t *testing.T, d Driver) {
		s := &Server{Driver: d, Loops: 2, Open: func(*Conn, *handshake.Request) Handler {
			return funcs{message: func(c *Conn, m conn.Message) {
				if len(m.Payload)%2 == 0 {
					c.Write(m.Op, m.Payload)
				}
				c.Close(frame.CloseCode(4000+len(m.Payload)), "that is all")
			}}
		}}
		addr := serve(t, s)
		together(t, 10, func(i int) error {
			for n := range scaled(50) {
				k, err := connect(addr)
				if err != nil {
					return err
				}
				if err := k.say([]byte(long(n))); err != nil {
					return err
				}
				if n%2 == 0 {
					if f, err := k.hear(); err != nil || len(f.Payload) != n {
						return fmt.Errorf("%v %w", f, err)
					}
				}
				code := frame.CloseCode(4000 + n)
				if err := k.hearClose(code); err != nil {
					return err
				}
				if n%3 > 0 { // else it just goes
					if _, err := io.WriteString(k.nc, closing(code, "")); err != nil {
						return err
					}
					if err := k.hearEnd(); err != nil {
						return err
					}
				}
				k.nc.Close()
			}
			return nil
		})
		eventually(t, "all have ended", func() bool { return s.Stats().Open == 0 })
		eventually(t, "no socket is left half closed", func() bool { return halfClosed(t, addr) == 0 })
	})
}

// halfClosed counts the sockets of a server's port in CLOSE_WAIT or FIN_WAIT2.
func halfClosed(t *testing.T, addr string) (n int) {
	_, p, err := net.SplitHostPort(addr)
	require.NoError(t, err)
	port, err := strconv.Atoi(p)
	require.NoError(t, err)
	table, err := os.ReadFile("/proc/net/tcp")
	require.NoError(t, err)
	for line := range strings.Lines(string(table)) {
		f := strings.Fields(line)
		if len(f) > 3 && strings.HasSuffix(f[1], fmt.Sprintf(":%04X", port)) && (f[3] == "05" || f[3] == "08") {
			n++
		}
	}
	return n
}

// V64: every client only ever says its own name; whoever hears another has somebody else's octets. Names are parts of messages of all sizes, so
// that they pass through every buffer there is, and connections come and go all the time.
func TestV64RealCanary(t *testing.T) {
	everyDriver(t, func(t *testing.T, d Driver) {
		addr := serve(t, &Server{Driver: d, Loops: 2, Open: echoes})
		var messages atomic.Int64
		together(t, 40, func(i int) error {
			rnd := rand.New(rand.NewPCG(uint64(i), 64))
			for life := range scaled(12) {
				name := binary.BigEndian.AppendUint64(nil, rnd.Uint64())
				k, err := connect(addr)
				if err != nil {
					return err
				}
				for range 1 + rnd.IntN(20) {
					n := 1 + rnd.IntN(8)
					sizes := make([]int, n)
					for j := range sizes { // several at once
						if sizes[j] = rnd.IntN(30); rnd.IntN(20) == 0 {
							sizes[j] = rnd.IntN(10_000)
						}
						if err := k.say(bytes.Repeat(name, sizes[j])); err != nil {
							return err
						}
					}
					for _, size := range sizes {
						f, err := k.hear()
						if err != nil {
							return err
						}
						if !bytes.Equal(f.Payload, bytes.Repeat(name, size)) {
							return fmt.Errorf("a message of somebody else: %x is not %x", f.Payload, name)
						}
						messages.Add(1)
					}
				}
				switch life % 3 {
				case 0:
					err = k.leave()
				case 1: // with an answer on its way
					_ = k.say(bytes.Repeat(name, 5000))
					k.nc.SetLinger(0)
					k.nc.Close()
				case 2: // in the middle of a message
					_, _ = io.WriteString(k.nc, binaryFrame(string(bytes.Repeat(name, 50)))[:200])
					k.nc.Close()
				}
				if err != nil {
					return err
				}
			}
			return nil
		})
		t.Logf("%d messages", messages.Load())
	})
}

// V69, V77: a peer that does not answer our Close is gone after CloseTimeout, descriptor and all, and waiting for it costs nothing.
func TestV69RealPeerIgnoresClose(t *testing.T) {
	everyDriver(t, func(t *testing.T, d Driver) {
		var a tally
		opened := make(chan *Conn, 50)
		s := &Server{Driver: d, Options: conn.Options{CloseTimeout: 700 * time.Millisecond}, Open: func(c *Conn, r *handshake.Request) Handler {
			opened <- c
			return a.open(c, r)
		}}
		addr, k := metered(t, s)
		before := sockets(t)
		all := connections(t, addr, 50)
		for i, c := range all {
			require.NoError(t, (<-opened).Close(4000, "go"))
			require.NoError(t, c.hearClose(4000))
			if i%2 == 0 { // it goes on talking
				require.NoError(t, c.say([]byte("what?")))
			}
		}
		resting(t, k, 300*time.Millisecond, 50+5)
		eventually(t, "all are gone", func() bool { return s.Stats().Open == 0 })
		a.balanced(t)
		eventually(t, "with their descriptors", func() bool { return sockets(t) == before+len(all) }) // the clients' ends
	})
}

// V77, F04, F05: a reset and a FIN after every octet of a session. Each ends one connection, once, and nothing turns afterwards.
func TestV77RealEndAfterEveryOctet(t *testing.T) {
	everyDriver(t, func(t *testing.T, d Driver) {
		var a tally
		s := &Server{Driver: d, Options: conn.Options{CloseTimeout: 2 * time.Second}, Open: a.open}
		addr, k := metered(t, s)
		goodbye := binaryFrame("hello") + ping("x") + framed(frame.Text, false, "a") + framed(frame.Continuation, true, "b") + bye
		session := request + goodbye
		var dialed uint64
		for n := range len(session) + 1 {
			if n > 20 && n < len(request)-20 { // one octet of the headers is like another
				continue
			}
			for how := range 3 {
				nc, err := net.Dial("tcp", addr)
				require.NoError(t, err)
				dialed++
				_, err = io.WriteString(nc, session[:n])
				require.NoError(t, err)
				switch how {
				case 0:
					require.NoError(t, nc.(*net.TCPConn).SetLinger(0))
				case 1:
					require.NoError(t, nc.(*net.TCPConn).CloseWrite())
					_, _ = io.Copy(io.Discard, nc)
				}
				require.NoError(t, nc.Close())
			}
		}
		eventually(t, "all have come, and ended", func() bool {
			st := s.Stats()
			for _, n := range st.Refused {
				st.Opened += n
			}
			return st.Opened == dialed && st.Open == 0
		})
		a.balanced(t)
		quiet(t, k)
		resting(t, k, 200*time.Millisecond, 3)
	})
}

// F17: a server that shuts down under load tells everybody, and loses nothing that it has said.
func TestF17RealShutdownUnderLoad(t *testing.T) {
	everyDriver(t, func(t *testing.T, d Driver) {
		var a tally
		s := &Server{Driver: d, Loops: 2, Open: a.open}
		ln, err := net.Listen("tcp", "127.0.0.1:0")
		require.NoError(t, err)
		served := make(chan error, 1)
		go func() { served <- s.Serve(ln) }()
		const clients = 50
		var busy atomic.Int64
		shut := make(chan error, 1)
		go func() {
			// Not before the last has come: on a busy machine the first are far ahead of it.
			for until := time.Now().Add(time.Minute); (busy.Load() < 20*clients || a.opened.Load() < clients) && time.Now().Before(until); {
				<-time.After(time.Millisecond)
			}
			shut <- s.Shutdown(context.Background())
		}()
		together(t, clients, func(i int) error {
			k, err := connect(ln.Addr().String())
			if err != nil {
				return err
			}
			defer k.nc.Close()
			for n := uint64(0); ; n++ {
				b := append([]byte(long(i*10)), binary.BigEndian.AppendUint64(nil, n)...)
				if err := k.say(b); err != nil {
					return err
				}
				f, err := k.hear()
				if err != nil {
					return err
				}
				if f.Opcode == frame.Close { // after this nothing is answered, and what was answered has come
					if code, _, err := frame.ParseClose(f.Payload); err != nil || code != frame.CloseGoingAway {
						return fmt.Errorf("close %d %w", code, err)
					}
					if _, err := io.WriteString(k.nc, closing(frame.CloseGoingAway, "")); err != nil {
						return err
					}
					return k.hearEnd()
				}
				if !bytes.Equal(f.Payload, b) {
					return fmt.Errorf("%x came back as %x", b, f.Payload)
				}
				busy.Add(1)
			}
		})
		require.NoError(t, <-shut)
		require.ErrorIs(t, <-served, ErrServerClosed)
		require.EqualValues(t, clients, a.opened.Load())
		a.balanced(t)
	})
}

// F22: a panic in any of the program's functions costs one connection, and is counted.
func TestF22RealPanics(t *testing.T) {
	everyDriver(t, func(t *testing.T, d Driver) {
		s := &Server{Driver: d, Loops: 1, WriteQueueSoft: 1000, WriteQueueHard: -1}
		s.Upgrader.Hook = func(r *handshake.Request) error {
			if string(r.Query()) == "hook" {
				panic("hook")
			}
			return nil
		}
		s.Open = func(c *Conn, r *handshake.Request) Handler {
			h := funcs{message: func(c *Conn, m conn.Message) { c.Write(m.Op, m.Payload) }}
			switch string(r.Query()) {
			case "open":
				panic("open")
			case "message":
				h.message = func(*Conn, conn.Message) { panic("message") }
			case "close":
				h.close = func(*Conn, error) { panic("close") }
			case "drained":
				h.message = func(c *Conn, m conn.Message) { c.Write(frame.Binary, make([]byte, 16<<20)) }
				h.drained = func(*Conn) { panic("drained") }
			}
			return h
		}
		addr := serve(t, s)
		honest := connections(t, addr, 1)[0]
		for i, where := range []string{"hook", "open", "message", "close", "drained"} {
			nc, err := net.Dial("tcp", addr)
			require.NoError(t, err)
			defer nc.Close()
			require.NoError(t, nc.SetDeadline(time.Now().Add(20*time.Second)))
			ask := asks("GET /?" + where + " HTTP/1.1")
			if where == "close" {
				ask += bye
			} else if where != "open" {
				ask += text("x")
			}
			_, err = io.WriteString(nc, ask)
			require.NoError(t, err)
			if where == "drained" { // so much is queued that it can only drain while it is read
				eventually(t, "the queue fills", func() bool { return s.Stats().Queued > 1<<20 })
			}
			all, err := io.ReadAll(nc)
			require.NoError(t, err)
			switch where {
			case "hook":
				require.Contains(t, string(all), "HTTP/1.1 500 ")
			case "close":
				require.Contains(t, string(all), "\x88\x02\x03\xe8")
			default:
				require.Contains(t, string(all[max(0, len(all)-200):]), "\x88\x02\x03\xf3", "1011")
			}
			nc.Close()
			eventually(t, "it is counted", func() bool { return s.Stats().Panics == uint64(i+1) })
			require.NoError(t, honest.echo([]byte("the loop lives")))
		}
	})
}
