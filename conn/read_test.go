package conn

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/idlewire/idlewire/frame"
)

// A session that uses all there is: whole messages, fragments with control frames between them, an empty one, and a long one.
func session(p *peer) (frames [][]byte, texts []string) {
	long := strings.Repeat("0123456789abcdef", 5000)
	return [][]byte{
			p.text("Hello"),
			p.text(""),
			p.encode(frame.Text, false, []byte("Hel")),
			p.ping("between"),
			p.encode(frame.Continuation, false, nil),
			p.pong("unasked"),
			p.encode(frame.Continuation, true, []byte("lo")),
			p.text(long),
			p.encode(frame.Text, false, []byte("é")[:1]),
			p.encode(frame.Continuation, true, []byte("é")[1:]),
		}, []string{
			"Hello", "", "Hello", long, "é",
		}
}

func TestRead(t *testing.T) {
	everywhere(t, nil, func(t *testing.T, c *Conn, p *peer) {
		frames, texts := session(p)
		wait := goes(func() {
			p.send(frames...)
			p.expect(frame.Pong, "between")
			p.send(p.bye(4001, "that was all"))
			p.expectBye(4001)
			p.nc.Close()
		})
		for _, s := range texts {
			expectText(t, c, s)
		}
		_, err := c.Read()
		if ce := (*CloseError)(nil); !errors.As(err, &ce) || *ce != (CloseError{4001, "that was all"}) {
			t.Fatal(err)
		}
		wait()
	})
}

// However the bytes are cut, and wherever a Read is given up in between, the messages are the same.
func TestReadRepeatedAtEveryByte(t *testing.T) {
	eachRole(t, func(t *testing.T, role Role) {
		for _, how := range []string{"context", "deadline"} {
			t.Run(how, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					c, p := newPair(t, carriers[0], role, &Options{PingInterval: -1})
					p.nc.SetDeadline(time.Time{})
					stream := bytes.Join([][]byte{
						p.text("Hello"), p.encode(frame.Text, false, []byte("wor")), p.ping("p"), p.encode(frame.Continuation, true, []byte("ld")),
					}, nil)
					wait := goes(func() {
						for i := range stream {
							time.Sleep(time.Second) // in the bubble: the Read below is given up once before each octet
							p.send(stream[i : i+1])
						}
						p.expect(frame.Pong, "p")
					})
					var got []string
					given := 0
					for len(got) < 2 {
						ctx, cancel := context.Background(), func() {}
						if how == "context" {
							ctx, cancel = context.WithTimeout(ctx, 600*time.Millisecond)
						} else if err := c.SetReadDeadline(time.Now().Add(600 * time.Millisecond)); err != nil {
							t.Fatal(err)
						}
						m, err := c.ReadContext(ctx)
						cancel()
						switch {
						case err == nil:
							got = append(got, string(m.Payload))
						case how == "context" && errors.Is(err, context.DeadlineExceeded), how == "deadline" && isDeadline(err):
							given++
						default:
							t.Error(err)
							return
						}
					}
					wait()
					if got[0] != "Hello" || got[1] != "world" || given < len(stream)-1 {
						t.Fatalf("%q after %d attempts for %d octets", got, given, len(stream))
					}
				})
			})
		}
	})
}

// The same over real sockets, also with TLS, whose records are given up in the middle.
func TestReadRepeated(t *testing.T) {
	everywhere(t, nil, func(t *testing.T, c *Conn, p *peer) {
		const messages = 200
		want := strings.Repeat("x", 20000)
		wait := goes(func() {
			for range messages {
				p.send(p.text(want))
			}
		})
		for n := 0; n < messages; {
			c.SetReadDeadline(time.Now().Add(20 * time.Microsecond))
			m, err := c.Read()
			switch {
			case err == nil && string(m.Payload) == want:
				n++
			case !isDeadline(err):
				t.Fatal(n, len(m.Payload), err)
			}
		}
		wait()
	})
}

func TestReadContextDone(t *testing.T) {
	everywhere(t, nil, func(t *testing.T, c *Conn, p *peer) {
		ctx, cancel := context.WithCancel(context.Background())
		wait := goes(func() {
			if _, err := c.ReadContext(ctx); !errors.Is(err, context.Canceled) || errors.Is(err, net.ErrClosed) {
				t.Error(err)
			}
		})
		cancel()
		wait()
		if _, err := c.ReadContext(ctx); !errors.Is(err, context.Canceled) {
			t.Fatal(err)
		}
		// The cancelled Read has left no deadline behind.
		wait = goes(func() { p.send(p.text("still here")) })
		expectText(t, c, "still here")
		wait()
	})
}

// Deadlines that are over, now, and odd: V67.
func TestV67Deadlines(t *testing.T) {
	everywhere(t, nil, func(t *testing.T, c *Conn, p *peer) {
		for _, d := range []time.Time{time.Now().Add(-time.Hour), time.Now(), time.Unix(0, 0), time.Unix(-1, -1), longAgo} {
			if err := c.SetDeadline(d); err != nil {
				t.Fatal(err)
			}
			if _, err := c.Read(); !isDeadline(err) {
				t.Fatal(d, err)
			}
			if c.chunk > 0 {
				continue // over TLS a write that timed out is the end
			}
			if err := c.Write(frame.Text, []byte("no")); !isDeadline(err) {
				t.Fatal(d, err)
			}
		}
		if err := c.SetDeadline(time.Time{}); err != nil {
			t.Fatal(err)
		}
		wait := goes(func() {
			p.send(p.text("in"))
			p.expect(frame.Text, "out")
		})
		expectText(t, c, "in")
		if err := c.Write(frame.Text, []byte("out")); err != nil {
			t.Fatal(err)
		}
		wait()
	})
}

// A deadline that is changed while a Read is in progress holds for it.
func TestReadDeadlineMoved(t *testing.T) {
	inBubble(t, &Options{PingInterval: -1}, func(t *testing.T, c *Conn, p *peer) {
		c.SetReadDeadline(time.Now().Add(time.Hour))
		began := time.Now()
		wait := goes(func() {
			if _, err := c.Read(); !isDeadline(err) {
				t.Error(err)
			}
		})
		synctest.Wait()
		c.SetReadDeadline(time.Now().Add(time.Second))
		wait()
		if d := time.Since(began); d != time.Second {
			t.Error(d)
		}
	})
}

// A Read after an error gives the same error, however often, and never panics.
func TestV66SameError(t *testing.T) {
	for name, end := range map[string]func(c *Conn, p *peer){
		"breach": func(c *Conn, p *peer) { p.send([]byte{0xff, 0xff}); p.read() },
		"close":  func(c *Conn, p *peer) { p.send(p.bye(1000, "")); p.read(); p.nc.Close() },
		"eof":    func(c *Conn, p *peer) { p.nc.Close() },
		"now":    func(c *Conn, p *peer) { c.CloseNow() },
	} {
		t.Run(name, func(t *testing.T) {
			c, p := newPair(t, carriers[0], Server, nil)
			wait := goes(func() { end(c, p) })
			_, first := c.Read()
			wait()
			for range 250_000 { // a million in the four
				if _, err := c.Read(); err != first {
					t.Fatal(err, "was", first)
				}
			}
			if err := c.Write(frame.Text, nil); !errors.Is(err, net.ErrClosed) || name != "now" && !errors.Is(err, first) {
				t.Fatal(err)
			}
		})
	}
}

// Two readers are a mistake, of which the second is told.
func TestV66TwoReaders(t *testing.T) {
	everywhere(t, nil, func(t *testing.T, c *Conn, p *peer) {
		const readers = 8
		results := make(chan error, readers)
		var group sync.WaitGroup
		for range readers {
			group.Go(func() {
				_, err := c.Read()
				results <- err
			})
		}
		for range readers - 1 {
			if err := <-results; err != errReaders {
				t.Fatal(err)
			}
		}
		p.send(p.text("for the first"))
		if err := <-results; err != nil {
			t.Fatal(err)
		}
		group.Wait()
	})
}

// What came before the FIN is delivered; then the end is told as what it is: no Close was there, 1006.
func TestE13DataBeforeFIN(t *testing.T) {
	everywhere(t, nil, func(t *testing.T, c *Conn, p *peer) {
		wait := goes(func() {
			for range 100 {
				p.send(p.text(strings.Repeat("x", 1000)))
			}
			p.nc.Close()
		})
		for range 100 {
			expectText(t, c, strings.Repeat("x", 1000))
		}
		_, err := c.Read()
		if !errors.Is(err, io.EOF) || CodeOf(err) != frame.CloseAbnormal {
			t.Fatal(err)
		}
		wait()
	})
}

// The same while our own writes fail already: the peer said goodbye and reset the connection.
func TestE13CloseBehindFailedWrite(t *testing.T) {
	eachRole(t, func(t *testing.T, role Role) {
		c, p := newPair(t, carriers[1], role, nil)
		p.send(p.text("one"), p.text("two"), p.bye(4000, "enough"))
		p.nc.Close()
		for c.Write(frame.Text, make([]byte, 1000)) == nil { // until the reset is here
		}
		// What a reset leaves to be read is the system's choice; but never less than whole messages, and a clear end.
		var got []string
		for {
			m, err := c.Read()
			if err == nil {
				got = append(got, string(m.Payload))
				continue
			}
			if code := CodeOf(err); code != 4000 && code != frame.CloseAbnormal {
				t.Fatal(err)
			}
			break
		}
		if want := []string{"one", "two"}; !isPrefix(got, want) {
			t.Fatalf("%q", got)
		}
	})
}

func isPrefix(got, of []string) bool {
	if len(got) > len(of) {
		return false
	}
	for i := range got {
		if got[i] != of[i] {
			return false
		}
	}
	return true
}

// A peer that closes its direction only has ended the connection: WebSocket knows no half of one.
func TestE18HalfClose(t *testing.T) {
	eachRole(t, func(t *testing.T, role Role) {
		c, p := newPair(t, carriers[1], role, nil)
		p.send(p.text("last words"))
		p.nc.(*net.TCPConn).CloseWrite()
		expectText(t, c, "last words")
		if _, err := c.Read(); !errors.Is(err, io.EOF) || CodeOf(err) != frame.CloseAbnormal {
			t.Fatal(err)
		}
		p.expectEOF()
		if err := c.Write(frame.Text, nil); !errors.Is(err, net.ErrClosed) {
			t.Fatal(err)
		}
	})
}

// The end in the middle of something is not the end of it.
func TestReadUnexpectedEOF(t *testing.T) {
	for name, cut := range map[string]func(p *peer) []byte{
		"header":  func(p *peer) []byte { return p.text("Hello")[:1] },
		"payload": func(p *peer) []byte { b := p.text("Hello"); return b[:len(b)-1] },
		"message": func(p *peer) []byte { return p.encode(frame.Text, false, []byte("Hel")) },
	} {
		t.Run(name, func(t *testing.T) {
			c, p := newPair(t, carriers[1], Server, nil)
			p.send(cut(p))
			p.nc.Close()
			_, err := c.Read()
			if !errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF) || CodeOf(err) != frame.CloseAbnormal {
				t.Fatal(err)
			}
		})
	}
}

// A breach fails the connection: the code is attempted, then the transport is closed, and the reader gets the breach itself.
func TestReadBreach(t *testing.T) {
	everywhere(t, &Options{MaxMessage: 1000}, func(t *testing.T, c *Conn, p *peer) {
		breach := frame.ErrMessageTooBig
		bytes := p.encode(frame.Binary, true, make([]byte, 1001))
		wait := goes(func() {
			p.nc.Write(bytes[:8]) // the header is enough
			p.expectBye(frame.CloseTooBig)
			p.nc.Close()
		})
		_, err := c.Read()
		if err != breach {
			t.Fatal(err)
		}
		wait()
		if err := c.Write(frame.Text, nil); !errors.Is(err, breach) || !errors.Is(err, net.ErrClosed) {
			t.Fatal(err)
		}
		if err := c.CloseNow(); !errors.Is(err, net.ErrClosed) {
			t.Fatal(err)
		}
	})
}

// The buffer grows for a peer that fills it, and shrinks again.
func TestReadBuffer(t *testing.T) {
	c, p := newPair(t, carriers[1], Server, &Options{MaxMessage: -1})
	read := func(n int) int {
		wait := goes(func() { p.send(p.encode(frame.Binary, true, make([]byte, n))) })
		if m, err := c.Read(); err != nil || len(m.Payload) != n {
			t.Fatal(len(m.Payload), err)
		}
		wait()
		return cap(c.buf.b)
	}
	if n := read(10); n != minRead {
		t.Fatal(n)
	}
	if n := read(8 << 20); n != maxRead {
		t.Fatal(n)
	}
	for range 10 {
		read(10)
	}
	if n := read(10); n != minRead {
		t.Fatal(n)
	}
}
