package conn

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/idlewire/idlewire/frame"
)

func TestWrite(t *testing.T) {
	everywhere(t, nil, func(t *testing.T, c *Conn, p *peer) {
		payloads := []int{0, 1, 125, 126, 1 << 10, 65535, 65536, 1 << 20}
		wait := goes(func() {
			for _, n := range payloads {
				p.expect(frame.Text, strings.Repeat("y", n))
				p.expect(frame.Binary, strings.Repeat("z", n))
			}
			p.expect(frame.Ping, "ping")
		})
		for _, n := range payloads {
			text := bytes.Repeat([]byte("y"), n)
			if err := c.Write(frame.Text, text); err != nil {
				t.Fatal(err)
			}
			if string(text) != strings.Repeat("y", n) {
				t.Fatal("the caller's payload was modified")
			}
			m, err := Prepare(frame.Binary, bytes.Repeat([]byte("z"), n))
			if err != nil {
				t.Fatal(err)
			}
			if err := c.WritePrepared(m); err != nil {
				t.Fatal(err)
			}
		}
		if err := c.Ping([]byte("ping")); err != nil {
			t.Fatal(err)
		}
		wait()
	})
}

// What must not be sent is refused, and the connection stands.
func TestWriteRefused(t *testing.T) {
	everywhere(t, nil, func(t *testing.T, c *Conn, p *peer) {
		large := make([]byte, shareSize)
		for name, err := range map[string]error{
			"opcode":       c.Write(frame.Ping, nil),
			"large opcode": c.Write(frame.Continuation, large),
			"ping":         c.Ping(make([]byte, 126)),
			"close code":   c.Close(frame.CloseAbnormal, ""),
			"reason":       c.Close(frame.CloseNormal, strings.Repeat("x", 124)),
			"not UTF-8":    c.Close(frame.CloseNormal, "\xff"),
		} {
			if !errors.Is(err, frame.ErrNotSendable) || errors.Is(err, net.ErrClosed) {
				t.Error(name, err)
			}
		}
		if _, err := c.Writer(background, frame.Close); !errors.Is(err, frame.ErrNotSendable) {
			t.Error(err)
		}
		wait := goes(func() { p.expect(frame.Text, "fine") })
		if err := c.Write(frame.Text, []byte("fine")); err != nil {
			t.Fatal(err)
		}
		wait()
	})
}

// E30, V66: 64 writers, with every way to write, while pings are answered. No frame is mixed with another, and the order of each writer is kept.
func TestE30Writers(t *testing.T) {
	const writers, messages = 64, 40
	everywhere(t, &Options{ControlRate: -1}, func(t *testing.T, c *Conn, p *peer) {
		message := func(writer, n, size int) []byte {
			b := bytes.Repeat([]byte{byte(writer)}, size)
			return binary.BigEndian.AppendUint32(b, uint32(n))
		}
		var group sync.WaitGroup
		for w := range writers {
			group.Go(func() {
				for n := range messages {
					b := message(w, n, 1+(w*n)%3000)
					var err error
					switch (w + n) % 4 {
					case 0:
						err = c.Write(frame.Binary, b)
					case 1:
						ctx, cancel := context.WithTimeout(context.Background(), patience)
						err = c.WriteContext(ctx, frame.Binary, b)
						cancel()
					case 2:
						m, _ := Prepare(frame.Binary, b)
						err = c.WritePrepared(m)
					case 3:
						wr, e := c.Writer(context.Background(), frame.Binary)
						if e != nil {
							err = e
							break
						}
						for len(b) > 0 && e == nil {
							k := min(len(b), 1000)
							_, e = wr.Write(b[:k])
							b = b[k:]
						}
						err = errors.Join(e, wr.Close())
					}
					if err != nil {
						t.Error(err)
						return
					}
				}
			})
		}
		// The peer pings all the while, so somebody has to read.
		stop := goes(func() {
			for {
				if _, err := c.Read(); err != nil {
					return
				}
			}
		})
		pings := goes(func() {
			for range 100 {
				p.send(p.ping("are you there"))
			}
		})
		next := make([]int, writers)
		pongs := 0
		var assembled []byte
		for got := 0; got < writers*messages || pongs == 0; {
			f, err := p.read()
			if err != nil {
				t.Fatal(err)
			}
			switch f.Opcode {
			case frame.Pong:
				pongs++
				continue
			case frame.Binary, frame.Continuation:
				if (f.Opcode == frame.Binary) != (assembled == nil) {
					t.Fatal("messages are mixed")
				}
				assembled = append(assembled, f.Payload...)
			}
			if !f.Fin {
				continue
			}
			w := int(assembled[0])
			if want := message(w, next[w], len(assembled)-4); !bytes.Equal(assembled, want) {
				t.Fatalf("writer %d, message %d: got %x", w, next[w], assembled[max(0, len(assembled)-8):])
			}
			next[w]++
			got++
			assembled = nil
		}
		group.Wait()
		pings()
		c.CloseNow()
		stop()
	})
}

// Two programs that both write more than all buffers hold, and ping each other meanwhile, go on, since both read.
func TestNoDeadlock(t *testing.T) {
	for _, tr := range carriers {
		for _, size := range []int{100, 3 << 20} {
			t.Run(fmt.Sprintf("%s/%d", tr.name, size), func(t *testing.T) {
				o := &Options{MaxMessage: -1, ControlRate: -1}
				a, b := tr.pair(t)
				ends := []*Conn{New(a, Client, o), New(b, Server, o)}
				const messages = 3
				var group sync.WaitGroup
				for i, c := range ends {
					group.Go(func() {
						payload := bytes.Repeat([]byte{byte(i)}, size)
						for range messages {
							if err := c.Ping([]byte("in the middle of it")); err != nil {
								t.Error(err)
							}
							if err := c.Write(frame.Binary, payload); err != nil {
								t.Error(err)
							}
						}
					})
					group.Go(func() {
						for range messages {
							if m, err := c.Read(); err != nil || len(m.Payload) != size {
								t.Error(len(m.Payload), err)
								return
							}
						}
					})
				}
				group.Wait()
				for _, c := range ends {
					c.CloseNow()
				}
			})
		}
	}
}

// The same, scripted: while a large message of ours is stuck, the reader goes on reading, and what it owes leaves behind the message.
func TestReaderDoesNotWaitForWriter(t *testing.T) {
	eachRole(t, func(t *testing.T, role Role) {
		c, p := newPair(t, carriers[0], role, nil)
		large := strings.Repeat("l", 100_000)
		written := goes(func() {
			if err := c.Write(frame.Text, []byte(large)); err != nil {
				t.Error(err)
			}
		})
		read := goes(func() {
			for range 10 {
				expectText(t, c, "in between")
			}
		})
		for i := range 10 { // the pipe holds nothing: each is read before send returns
			p.send(p.ping(fmt.Sprint(i)), p.text("in between"))
		}
		read()
		texts, pongs := 0, 0
		for range 11 {
			f, err := p.read()
			switch {
			case err == nil && f.Opcode == frame.Text && string(f.Payload) == large:
				texts++
			case err == nil && f.Opcode == frame.Pong && string(f.Payload) == fmt.Sprint(pongs):
				pongs++
			default:
				t.Fatalf("%v %.40q %v", f.Opcode, f.Payload, err)
			}
		}
		if texts != 1 || pongs != 10 {
			t.Fatal(texts, pongs)
		}
		written()
	})
}

// Ten pings in one segment have ten pongs (Autobahn 2.10).
func TestV61TenPings(t *testing.T) {
	everywhere(t, nil, func(t *testing.T, c *Conn, p *peer) {
		read := goes(func() { c.Read() })
		var pings [][]byte
		for i := range 10 {
			pings = append(pings, p.ping(fmt.Sprint("ping ", i)))
		}
		p.send(pings...)
		for i := range 10 {
			p.expect(frame.Pong, fmt.Sprint("ping ", i))
		}
		c.CloseNow()
		read()
	})
}

// Pings without end, from a peer that never reads: 16 answers wait at most, and then the rate is a breach.
func TestV61PingFlood(t *testing.T) {
	eachRole(t, func(t *testing.T, role Role) {
		synctest.Test(t, func(t *testing.T) {
			c, p := newPair(t, carriers[0], role, nil)
			p.nc.SetDeadline(time.Time{})
			began := time.Now()
			wait := goes(func() {
				flood := bytes.Repeat(p.ping(strings.Repeat("x", 125)), 100)
				for range 10_000 {
					if _, err := p.nc.Write(flood); err != nil {
						return
					}
					c.mu.Lock()
					if c.queue.n > maxPings || len(c.queue.b) > maxPings*126 {
						t.Error(c.queue.n, len(c.queue.b))
					}
					c.mu.Unlock()
				}
			})
			_, err := c.Read()
			if err != frame.ErrControlRate || CodeOf(err) != frame.ClosePolicyViolation {
				t.Error(err)
			}
			// The Close was tried for as long as a closing may take.
			if d := time.Since(began); d > defaultCloseTimeout {
				t.Error(d)
			}
			wait()
		})
	})
}

// The same from a peer that reads: it gets its 1008.
func TestV61PingFloodReader(t *testing.T) {
	everywhere(t, nil, func(t *testing.T, c *Conn, p *peer) {
		read := goes(func() {
			if _, err := c.Read(); err != frame.ErrControlRate {
				t.Error(err)
			}
		})
		flood := goes(func() { p.nc.Write(bytes.Repeat(p.ping("x"), 300)) })
		for {
			f, err := p.read()
			if err != nil {
				t.Fatal(err)
			}
			if f.Opcode == frame.Close {
				if code, _, _ := frame.ParseClose(f.Payload); code != frame.ClosePolicyViolation {
					t.Fatal(code)
				}
				break
			}
		}
		p.nc.Close()
		flood()
		read()
	})
}

// V68: a peer that takes nothing ends the connection after WriteStallTimeout, and not earlier.
func TestV68WriteStall(t *testing.T) {
	eachRole(t, func(t *testing.T, role Role) {
		synctest.Test(t, func(t *testing.T) {
			c, p := newPair(t, carriers[0], role, nil)
			p.nc.SetDeadline(time.Time{})
			read := goes(func() {
				if _, err := c.Read(); err != ErrWriteStall {
					t.Error(err)
				}
			})
			began := time.Now()
			err := c.Write(frame.Text, []byte("nobody wants it"))
			if !errors.Is(err, ErrWriteStall) || !errors.Is(err, net.ErrClosed) || isDeadline(err) || CodeOf(err) != frame.CloseAbnormal {
				t.Error(err)
			}
			if d := time.Since(began); d != defaultWriteStallTimeout {
				t.Error(d)
			}
			read()
		})
	})
}

// A peer that takes a byte now and then is slow, not stuck.
func TestV68SlowPeer(t *testing.T) {
	for name, write := range map[string]func(c *Conn, size int) error{
		"copied": func(c *Conn, size int) error { return c.Write(frame.Binary, make([]byte, size)) },
		"shared": func(c *Conn, size int) error {
			m, err := Prepare(frame.Binary, make([]byte, size))
			return errors.Join(err, c.WritePrepared(m))
		},
		"stream": func(c *Conn, size int) error {
			w, err := c.Writer(background, frame.Binary)
			if err != nil {
				return err
			}
			_, err = w.Write(make([]byte, size))
			return errors.Join(err, w.Close())
		},
	} {
		t.Run(name, func(t *testing.T) {
			eachRole(t, func(t *testing.T, role Role) {
				synctest.Test(t, func(t *testing.T) {
					c, p := newPair(t, carriers[0], role, &Options{PingInterval: -1})
					p.nc.SetDeadline(time.Time{})
					wait := goes(func() {
						if err := write(c, 60); err != nil {
							t.Error(err)
						}
					})
					var got []byte
					b := make([]byte, 1)
					for len(got) < 62 {
						time.Sleep(9 * time.Second)
						if _, err := p.nc.Read(b); err != nil {
							t.Error(err)
							return
						}
						got = append(got, b...)
						for role == Client && len(got) == 62 {
							time.Sleep(time.Second)
							if n, _ := p.nc.Read(make([]byte, 4)); n > 0 { // the key
								break
							}
						}
					}
					wait()
				})
			})
		})
	}
}

// The same over TLS, where a write that is interrupted cannot go on: what counts is every record that the peer takes.
func TestV68SlowPeerTLS(t *testing.T) {
	ca := testCA(t)
	eachRole(t, func(t *testing.T, role Role) {
		synctest.Test(t, func(t *testing.T) {
			a, b := net.Pipe()
			client := tls.Client(a, &tls.Config{InsecureSkipVerify: true, DynamicRecordSizingDisabled: true})                                                                              // the bubble's clock is not that of the certificate
			server := tls.Server(b, &tls.Config{Certificates: []tls.Certificate{ca.issue(t, "example.test", time.Hour)}, MaxVersion: tls.VersionTLS12, DynamicRecordSizingDisabled: true}) // no tickets, which a pipe has no room for
			shake := goes(func() { server.Handshake() })
			if err := client.Handshake(); err != nil {
				t.Error(err)
				return
			}
			shake()
			mine, its := net.Conn(server), a
			if role == Client {
				mine, its = client, b
			}
			c := New(mine, role, &Options{PingInterval: -1})
			const size = 300_000
			wrote := goes(func() {
				if err := c.Write(frame.Binary, make([]byte, size)); err != nil {
					t.Error(err)
				}
			})
			for range size >> 14 { // of a record and its frame at most 8 s
				time.Sleep(4 * time.Second)
				if _, err := io.ReadFull(its, make([]byte, 16<<10)); err != nil {
					t.Error(err)
					return
				}
			}
			rest := goes(func() { io.Copy(io.Discard, its) })
			wrote()
			c.CloseNow()
			rest()
		})
	})
}

// V68 over TCP: what a slow consumer costs is the buffers of the system, and the message on its way.
func TestV68SlowConsumerTCP(t *testing.T) {
	eachRole(t, func(t *testing.T, role Role) {
		c, p := newPair(t, carriers[1], role, &Options{WriteStallTimeout: 50 * time.Millisecond})
		p.nc.(*net.TCPConn).SetReadBuffer(2 << 10)
		message := make([]byte, 64<<10)
		var err error
		n := 0
		for err == nil && n < 1<<20 {
			err = c.Write(frame.Binary, message)
			n++
		}
		if !errors.Is(err, ErrWriteStall) {
			t.Fatal(n, err)
		}
	})
}

// A Write that is given up before its first byte has done nothing, and can be repeated.
func TestWriteGivenUpWhole(t *testing.T) {
	eachRole(t, func(t *testing.T, role Role) {
		for name, write := range map[string]func(c *Conn, payload []byte) error{
			"context": func(c *Conn, payload []byte) error {
				ctx, cancel := context.WithTimeout(context.Background(), time.Second)
				defer cancel()
				return c.WriteContext(ctx, frame.Text, payload)
			},
			"deadline": func(c *Conn, payload []byte) error {
				c.SetWriteDeadline(time.Now().Add(time.Second))
				defer c.SetWriteDeadline(time.Time{})
				return c.Write(frame.Text, payload)
			},
			"prepared": func(c *Conn, payload []byte) error {
				c.SetWriteDeadline(time.Now().Add(time.Second))
				defer c.SetWriteDeadline(time.Time{})
				m, _ := Prepare(frame.Text, payload)
				return c.WritePrepared(m)
			},
			"ping": func(c *Conn, payload []byte) error {
				c.SetWriteDeadline(time.Now().Add(time.Second))
				defer c.SetWriteDeadline(time.Time{})
				return c.Ping(payload[:min(len(payload), 100)])
			},
		} {
			for _, size := range []int{10, 100_000} {
				t.Run(fmt.Sprintf("%s/%d", name, size), func(t *testing.T) {
					synctest.Test(t, func(t *testing.T) {
						c, p := newPair(t, carriers[0], role, nil)
						p.nc.SetDeadline(time.Time{})
						for range 3 {
							err := write(c, make([]byte, size))
							if !isDeadline(err) && !errors.Is(err, context.DeadlineExceeded) || errors.Is(err, net.ErrClosed) {
								t.Error(err)
								return
							}
						}
						wait := goes(func() { p.expect(frame.Text, "now") })
						if err := c.Write(frame.Text, []byte("now")); err != nil {
							t.Error(err)
						}
						wait()
					})
				})
			}
		}
	})
}

// The pongs that were to leave with such a Write are not lost.
func TestWriteGivenUpKeepsPongs(t *testing.T) {
	for _, newer := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			c, p := newPair(t, carriers[0], Server, nil)
			p.nc.SetDeadline(time.Time{})
			read := goes(func() { c.Read() })
			// One writer holds the output, a ping comes, a second writer takes its pong along, and is given up.
			ctx, cancel := context.WithTimeout(context.Background(), time.Second)
			defer cancel()
			first := goes(func() { c.WriteContext(ctx, frame.Text, []byte("first")) })
			synctest.Wait()
			p.send(p.ping("one"))
			c.SetWriteDeadline(time.Now().Add(2 * time.Second))
			second := goes(func() {
				if err := c.Ping([]byte("second")); !isDeadline(err) {
					t.Error(err)
				}
			})
			synctest.Wait()
			first()
			synctest.Wait()
			if newer {
				p.send(p.ping("two"))
			}
			second()
			if newer {
				p.expect(frame.Pong, "two") // 5.5.3: the most recent is enough
			} else {
				p.expect(frame.Pong, "one")
			}
			c.SetWriteDeadline(time.Time{})
			third := goes(func() { c.Write(frame.Text, []byte("third")) })
			p.expect(frame.Text, "third")
			third()
			c.CloseNow()
			read()
		})
	}
}

// A Write that is cut in the middle is the end, for all.
func TestWriteCut(t *testing.T) {
	for name, write := range map[string]func(c *Conn, ctx context.Context, payload []byte) error{
		"context": func(c *Conn, ctx context.Context, payload []byte) error {
			return c.WriteContext(ctx, frame.Text, payload)
		},
		"deadline": func(c *Conn, ctx context.Context, payload []byte) error {
			d, _ := ctx.Deadline()
			c.SetWriteDeadline(d)
			return c.Write(frame.Text, payload)
		},
		"stream": func(c *Conn, ctx context.Context, payload []byte) error {
			w, err := c.Writer(ctx, frame.Text)
			if err != nil {
				return err
			}
			_, err = w.Write(payload)
			return errors.Join(err, w.Close())
		},
	} {
		for _, size := range []int{10, 100_000} {
			t.Run(fmt.Sprintf("%s/%d", name, size), func(t *testing.T) {
				eachRole(t, func(t *testing.T, role Role) {
					synctest.Test(t, func(t *testing.T) {
						c, p := newPair(t, carriers[0], role, nil)
						p.nc.SetDeadline(time.Time{})
						read := goes(func() {
							_, err := c.Read()
							if err == nil || isDeadline(err) || errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), "cut after 1 of") || CodeOf(err) != frame.CloseAbnormal {
								t.Error(err)
							}
						})
						ctx, cancel := context.WithTimeout(context.Background(), time.Second)
						defer cancel()
						took := goes(func() { p.nc.Read(make([]byte, 1)) })
						err := write(c, ctx, make([]byte, size))
						if !errors.Is(err, net.ErrClosed) || !isDeadline(err) && !errors.Is(err, context.DeadlineExceeded) {
							t.Error(err)
						}
						took()
						read()
						if err := c.Write(frame.Text, nil); !errors.Is(err, net.ErrClosed) || isDeadline(err) {
							t.Error(err)
						}
					})
				})
			})
		}
	}
}

// Writers that wait for their turn have deadlines and contexts, too, and end with the connection.
func TestWriteWaitsForTurn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, p := newPair(t, carriers[0], Server, &Options{WriteStallTimeout: -1, PingInterval: -1})
		p.nc.SetDeadline(time.Time{})
		stuck := goes(func() { c.Write(frame.Text, []byte("stuck")) })
		synctest.Wait()

		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		if err := c.WriteContext(ctx, frame.Text, nil); !errors.Is(err, context.DeadlineExceeded) || errors.Is(err, net.ErrClosed) {
			t.Error(err)
		}
		waiters := make(chan error, 2)
		go func() { waiters <- c.Write(frame.Text, nil) }()
		go func() { waiters <- c.Ping(nil) }()
		synctest.Wait()
		go func() {
			time.Sleep(time.Hour)
			c.CloseNow()
		}()
		for range 2 {
			if err := <-waiters; !errors.Is(err, net.ErrClosed) {
				t.Error(err)
			}
		}
		stuck()
	})
	synctest.Test(t, func(t *testing.T) {
		c, p := newPair(t, carriers[0], Server, &Options{WriteStallTimeout: -1, PingInterval: -1})
		p.nc.SetDeadline(time.Time{})
		read := goes(func() { c.Read() })
		p.send(p.ping("of which the pong is stuck, and has no deadline of the program"))
		synctest.Wait()
		// The deadline comes when the writer waits already, is moved, and rings.
		waiter := make(chan error)
		c.SetWriteDeadline(time.Now().Add(time.Hour))
		go func() { waiter <- c.Write(frame.Text, nil) }()
		synctest.Wait()
		// A message that waits for the output comes before one that is begun later.
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		if _, err := c.Writer(ctx, frame.Text); !errors.Is(err, context.DeadlineExceeded) {
			t.Error(err)
		}
		c.SetWriteDeadline(time.Now().Add(time.Second))
		if err := <-waiter; !errors.Is(err, os.ErrDeadlineExceeded) || errors.Is(err, net.ErrClosed) {
			t.Error(err)
		}
		c.CloseNow()
		read()
	})
}

// A deadline that is changed while a Write is in progress holds for it.
func TestWriteDeadlineMoved(t *testing.T) {
	inBubble(t, &Options{PingInterval: -1, WriteStallTimeout: -1}, func(t *testing.T, c *Conn, p *peer) {
		c.SetWriteDeadline(time.Now().Add(time.Hour))
		began := time.Now()
		wait := goes(func() {
			if err := c.Write(frame.Text, nil); !isDeadline(err) {
				t.Error(err)
			}
		})
		synctest.Wait()
		c.SetWriteDeadline(time.Now().Add(time.Second))
		wait()
		if d := time.Since(began); d != time.Second {
			t.Error(d)
		}
	})
}

// A mute is a transport that has lost its output.
type mute struct{ net.Conn }

func (mute) Write([]byte) (int, error) { return 0, syscall.EPIPE }

// A connection whose writes fail may still have something to say: it is read to its end, for CloseTimeout at most, and ends by itself if nobody does.
func TestWriteBroken(t *testing.T) {
	eachRole(t, func(t *testing.T, role Role) {
		synctest.Test(t, func(t *testing.T) {
			a, b := net.Pipe()
			c, p := New(mute{a}, role, nil), &peer{t, b, role ^ 1}
			for range 3 {
				if err := c.Write(frame.Text, nil); !errors.Is(err, syscall.EPIPE) || !errors.Is(err, net.ErrClosed) {
					t.Error(err)
				}
			}
			wait := goes(func() { p.send(p.ping("?"), p.text("the last word")) })
			expectText(t, c, "the last word")
			wait()
			time.Sleep(defaultCloseTimeout - time.Nanosecond)
			synctest.Wait()
			if c.isGone() {
				t.Error("gone before its time")
			}
			time.Sleep(time.Nanosecond)
			synctest.Wait()
			if !c.isGone() {
				t.Error("not gone when its time was up")
			}
			if _, err := c.Read(); !errors.Is(err, syscall.EPIPE) || CodeOf(err) != frame.CloseAbnormal {
				t.Error(err)
			}
		})
		synctest.Test(t, func(t *testing.T) {
			a, b := net.Pipe()
			c, p := New(mute{a}, role, nil), &peer{t, b, role ^ 1}
			c.Ping(nil)
			wait := goes(func() { p.send(p.bye(4000, "that was why")) })
			if _, err := c.Read(); CodeOf(err) != 4000 {
				t.Error(err)
			}
			wait()
		})
		synctest.Test(t, func(t *testing.T) {
			a, b := net.Pipe()
			c := New(mute{a}, role, nil)
			c.Ping(nil)
			if err := c.Close(1000, ""); !errors.Is(err, syscall.EPIPE) || !errors.Is(err, net.ErrClosed) {
				t.Error(err)
			}
			b.Close()
		})
	})
}

// A deadline of the program that has passed concerns its own calls only.
func TestPongDespiteDeadline(t *testing.T) {
	everywhere(t, nil, func(t *testing.T, c *Conn, p *peer) {
		c.SetWriteDeadline(longAgo)
		read := goes(func() { c.Read() })
		p.send(p.ping("still there"))
		p.expect(frame.Pong, "still there")
		c.CloseNow()
		read()
	})
}

// Messages of usual size cost no allocation in either direction. What remains: a ping costs its place in the queue, the goroutine
// that answers it, and a context that can be cancelled its registration.
func TestAllocs(t *testing.T) {
	if raceBuild {
		t.Skip("the race detector makes pools forget")
	}
	for _, size := range []int{0, 125, 126, 1 << 10, 16 << 10, 64 << 10} {
		t.Run(fmt.Sprint(size), func(t *testing.T) {
			a, b := tcpPair(t)
			client, server := New(a, Client, nil), New(b, Server, nil)
			defer client.CloseNow()
			defer server.CloseNow()
			payload := make([]byte, size)
			prepared, err := Prepare(frame.Binary, payload)
			if err != nil {
				t.Fatal(err)
			}
			turn := func() {
				if err := client.Write(frame.Binary, payload); err != nil {
					t.Fatal(err)
				}
				if m, err := server.Read(); err != nil || len(m.Payload) != size {
					t.Fatal(err)
				}
				if err := server.Write(frame.Binary, payload); err != nil {
					t.Fatal(err)
				}
				if m, err := client.Read(); err != nil || len(m.Payload) != size {
					t.Fatal(err)
				}
				if err := server.WritePrepared(prepared); err != nil {
					t.Fatal(err)
				}
				if m, err := client.Read(); err != nil || len(m.Payload) != size {
					t.Fatal(err)
				}
			}
			for range 100 {
				turn()
			}
			if n := testing.AllocsPerRun(1000, turn); n > 0 {
				t.Errorf("%v allocations for three messages", n)
			}
		})
	}
}

// A transport that takes less than it was given and says nothing ends the connection, also where header and payload go out together: nobody tries for ever.
func TestShortWrite(t *testing.T) {
	for _, size := range []int{5, 2 * shareSize} {
		a, b := net.Pipe()
		heard := goes(func() { io.Copy(io.Discard, b) })
		c := New(&faulty{Conn: a, fault: faultShort, room: 3}, Server, nil)
		if err := c.Write(frame.Binary, make([]byte, size)); !errors.Is(err, net.ErrClosed) || !errors.Is(err, io.ErrShortWrite) {
			t.Errorf("%d octets: %v", size, err)
		}
		c.CloseNow()
		b.Close()
		heard()
	}
}
