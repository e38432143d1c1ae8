package conn

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/idlewire/idlewire/frame"
)

// We first, with and without a Read in progress, and with data still on its way to us.
func TestCloseWeFirst(t *testing.T) {
	for _, reading := range []bool{false, true} {
		for _, late := range []bool{false, true} {
			t.Run(fmt.Sprintf("reading=%v/late=%v", reading, late), func(t *testing.T) {
				everywhere(t, nil, func(t *testing.T, c *Conn, p *peer) {
					read := func() {}
					if reading {
						read = goes(func() {
							_, err := c.Read()
							var ce *CloseError
							if !errors.Is(err, net.ErrClosed) || !errors.As(err, &ce) || ce.Code != 4002 {
								t.Error(err)
							}
						})
						for len(c.input) == 0 {
							runtime.Gosched()
						}
					}
					wait := goes(func() {
						p.expectBye(4001)
						if late {
							p.send(p.text("too late"), p.encode(frame.Binary, true, make([]byte, 100_000)), p.ping("too"))
						}
						p.send(p.bye(4002, ""))
						if p.role == Client {
							p.expectEOF()
						}
						p.nc.Close()
					})
					if err := c.Close(4001, "we first"); err != nil {
						t.Error(err)
					}
					read()
					wait()
					allClosed(t, c)
				})
			})
		}
	}
}

// The peer first: the echo has its code, and the reader is told.
func TestClosePeerFirst(t *testing.T) {
	for _, code := range []frame.CloseCode{frame.CloseNoStatus, frame.CloseNormal, frame.CloseGoingAway, 4999} {
		everywhere(t, nil, func(t *testing.T, c *Conn, p *peer) {
			wait := goes(func() {
				p.send(p.text("last"), p.bye(code, ""), []byte("what comes behind a Close is nobody's business"))
				p.expectBye(code)
				p.nc.Close()
			})
			expectText(t, c, "last")
			for range 3 {
				_, err := c.Read()
				if ce, ok := err.(*CloseError); !ok || ce.Code != code || errors.Is(err, net.ErrClosed) {
					t.Fatal(err)
				}
			}
			wait()
			if err := c.Close(4000, ""); !errors.Is(err, net.ErrClosed) {
				t.Fatal(err)
			}
			allClosed(t, c)
		})
	}
}

// Both at once: neither waits for the other.
func TestCloseBoth(t *testing.T) {
	for _, tr := range carriers {
		for _, reading := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s/reading=%v", tr.name, reading), func(t *testing.T) {
				a, b := tr.pair(t)
				var group sync.WaitGroup
				for _, c := range []*Conn{New(a, Client, nil), New(b, Server, nil)} {
					if reading {
						group.Go(func() {
							if _, err := c.Read(); err == nil {
								t.Error("a message?")
							}
						})
					}
					group.Go(func() {
						// Who hears the peer's Close in Read before it calls Close is late: that is no failure.
						if err := c.Close(1000, ""); err != nil && !(reading && errors.Is(err, net.ErrClosed)) {
							t.Error(err)
						}
						allClosed(t, c)
					})
				}
				group.Wait()
			})
		}
	}
}

// V60: the peer reads exactly our code, and all that was sent before, whatever it sent us meanwhile.
func TestV60CloseArrives(t *testing.T) {
	eachRole(t, func(t *testing.T, role Role) {
		runs := 1000
		if testing.Short() || raceBuild {
			runs = 100
		}
		for i := range runs {
			c, p := newPair(t, carriers[1], role, nil)
			code := frame.CloseCode(4000 + i%1000)
			unread := i%3 == 0
			if unread {
				p.send(p.text("never read"), p.ping("either"))
			}
			wait := goes(func() {
				p.expect(frame.Text, "the last word")
				for {
					f, err := p.read()
					if err != nil {
						t.Error(i, err)
						return
					}
					if f.Opcode == frame.Pong {
						continue
					}
					if got, reason, _ := frame.ParseClose(f.Payload); f.Opcode != frame.Close || got != code || string(reason) != "why" {
						t.Error(i, f)
					}
					break
				}
				if i%2 == 0 {
					p.send(p.bye(code, ""))
					if role == Server {
						p.expectEOF()
					}
				}
				p.nc.Close()
			})
			if err := c.Write(frame.Text, []byte("the last word")); err != nil {
				t.Fatal(err)
			}
			if err := c.Close(code, "why"); err != nil && i%2 == 0 {
				t.Fatal(i, err)
			}
			wait()
			if t.Failed() {
				return
			}
		}
	})
}

// V60 when the peer's Close comes while ours is stuck: it hears ours all the same, with our code.
func TestV60ClosesCross(t *testing.T) {
	everywhere(t, nil, func(t *testing.T, c *Conn, p *peer) {
		wait := goes(func() {
			for !closing(c) {
				runtime.Gosched()
			}
			p.send(p.bye(4001, "theirs")) // over a pipe, ours cannot have left
			p.expectBye(4002)
			p.nc.Close()
		})
		if err := c.Close(4002, "ours"); err != nil {
			t.Error(err)
		}
		wait()
	})
}

func closing(c *Conn) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.closing
}

// V60 with the handler that everybody writes: it ends when Read or Write fails, and then calls CloseNow. A Close that somebody else has begun is not cut short by that.
func TestV60CloseNowAfterClose(t *testing.T) {
	handlers := map[string]func(c *Conn) error{
		"reads":  func(c *Conn) error { _, err := c.Read(); return err },
		"writes": func(c *Conn) error { return c.Write(frame.Text, []byte("again")) },
		"pings":  func(c *Conn) error { return c.Ping(nil) },
		"streams": func(c *Conn) error {
			w, err := c.Writer(background, frame.Text)
			if err != nil {
				return err
			}
			_, err = w.Write(make([]byte, fragmentSize+1))
			return errors.Join(err, w.Close())
		},
	}
	for name, handle := range handlers {
		t.Run(name, func(t *testing.T) {
			eachRole(t, func(t *testing.T, role Role) {
				for range 100 {
					c, p := newPair(t, carriers[1], role, &Options{ControlRate: -1})
					handler := goes(func() {
						defer c.CloseNow()
						for handle(c) == nil {
						}
					})
					wait := goes(func() {
						for {
							f, err := p.read()
							if err != nil {
								t.Error(err)
								return
							}
							if f.Opcode != frame.Close {
								continue
							}
							if code, _, _ := frame.ParseClose(f.Payload); code != frame.CloseGoingAway {
								t.Error(code)
							}
							p.nc.Write(p.bye(frame.CloseGoingAway, ""))
							p.nc.Close()
							return
						}
					})
					if err := c.Close(frame.CloseGoingAway, ""); err != nil {
						t.Error(err)
					}
					handler()
					wait()
					if t.Failed() {
						return
					}
				}
			})
		})
	}
}

// V69: a peer that does not answer our Close costs CloseTimeout, to the nanosecond, whoever reads.
func TestV69CloseTimeout(t *testing.T) {
	eachRole(t, func(t *testing.T, role Role) {
		for name, read := range map[string]func(c *Conn){
			"nobody": func(c *Conn) {},
			"reader": func(c *Conn) { c.Read() },
			"reader leaves": func(c *Conn) {
				c.SetReadDeadline(time.Now().Add(time.Second))
				c.Read()
			},
			"stuck writer": func(c *Conn) { c.Write(frame.Text, make([]byte, 100)) },
		} {
			for _, talks := range []bool{false, true} {
				t.Run(fmt.Sprintf("%s/talks=%v", name, talks), func(t *testing.T) {
					synctest.Test(t, func(t *testing.T) {
						c, p := newPair(t, carriers[0], role, &Options{CloseTimeout: 3 * time.Second})
						p.nc.SetDeadline(time.Time{})
						other := goes(func() { read(c) })
						synctest.Wait()
						took := func() {}
						if name != "stuck writer" {
							took = goes(func() { io.Copy(io.Discard, p.nc) })
						}
						talk := func() {}
						if talks {
							talk = goes(func() {
								for {
									if _, err := p.nc.Write(p.text("on and on")); err != nil {
										return
									}
									time.Sleep(100 * time.Millisecond)
								}
							})
						}
						began := time.Now()
						err := c.Close(1000, "")
						if !errors.Is(err, ErrCloseTimeout) || !errors.Is(err, net.ErrClosed) || isDeadline(err) {
							t.Error(err)
						}
						if d := time.Since(began); d != 3*time.Second {
							t.Error(d)
						}
						other()
						took()
						talk()
						allClosed(t, c)
					})
				})
			}
		}
	})
}

// The peer says goodbye and does not read the echo, or says something wrong: that, too, is over after CloseTimeout.
func TestV69PeerDoesNotRead(t *testing.T) {
	eachRole(t, func(t *testing.T, role Role) {
		for _, breach := range []bool{false, true} {
			synctest.Test(t, func(t *testing.T) {
				c, p := newPair(t, carriers[0], role, nil)
				p.nc.SetDeadline(time.Time{})
				wait := goes(func() {
					if breach {
						p.nc.Write([]byte{0xf0})
					} else {
						p.send(p.bye(4000, "and deaf"))
					}
				})
				began := time.Now()
				_, err := c.Read()
				if want := frame.CloseCode(4000); !breach && CodeOf(err) != want || breach && err != frame.ErrReservedBits {
					t.Error(err)
				}
				if d := time.Since(began); d != defaultCloseTimeout {
					t.Error(d)
				}
				wait()
			})
		}
	})
}

// V69, E14: a peer that answers but does not close TCP costs a client CloseTimeout, since it is the server who closes first (7.1.1), and a server nothing.
func TestV69PeerDoesNotHangUp(t *testing.T) {
	inBubble(t, nil, func(t *testing.T, c *Conn, p *peer) {
		wait := goes(func() {
			p.expectBye(1000)
			p.send(p.bye(1000, ""))
			p.expectEOF()
		})
		began := time.Now()
		if err := c.Close(1000, ""); err != nil {
			t.Error(err)
		}
		want := time.Duration(0)
		if c.proto.Role == Client {
			want = defaultCloseTimeout
		}
		if d := time.Since(began); d != want {
			t.Error(d)
		}
		wait()
		allClosed(t, c)
	})
}

// E19: a close with unread input must not destroy what is on its way to the peer.
func TestE19Lingering(t *testing.T) {
	large := bytes.Repeat([]byte("x"), 1<<20)
	for name, end := range map[string]func(t *testing.T, c *Conn, p *peer){
		"unread input, then a message and our close": func(t *testing.T, c *Conn, p *peer) {
			p.send(bytes.Repeat(p.text("x"), 10))
			wait := goes(func() {
				p.expect(frame.Binary, string(large))
				p.expectBye(1000)
				p.send(p.bye(1000, ""))
				if p.role == Client {
					p.expectEOF()
				}
				p.nc.Close()
			})
			if err := errors.Join(c.Write(frame.Binary, large), c.Close(1000, "")); err != nil {
				t.Error(err)
			}
			wait()
		},
		"a breach, and much more behind it": func(t *testing.T, c *Conn, p *peer) {
			p.send(p.text("one"), []byte{0xf0}, make([]byte, 50_000))
			expectText(t, c, "one")
			wait := goes(func() {
				p.expect(frame.Binary, string(large))
				p.expectBye(frame.CloseProtocolError)
				p.expectEOF()
				p.nc.Close()
			})
			if err := c.Write(frame.Binary, large); err != nil {
				t.Error(err)
			}
			if _, err := c.Read(); err != frame.ErrReservedBits {
				t.Error(err)
			}
			wait()
		},
		"the peer's close, and more behind it": func(t *testing.T, c *Conn, p *peer) {
			p.send(p.bye(4000, ""), make([]byte, 50_000))
			wait := goes(func() {
				p.expect(frame.Binary, string(large))
				p.expectBye(4000)
				p.nc.Close()
			})
			if err := c.Write(frame.Binary, large); err != nil {
				t.Error(err)
			}
			if _, err := c.Read(); CodeOf(err) != 4000 {
				t.Error(err)
			}
			wait()
		},
		"our close, with input that comes later": func(t *testing.T, c *Conn, p *peer) {
			wait := goes(func() {
				p.expectBye(1000)
				p.send(p.text("late"), p.bye(1000, ""), make([]byte, 30_000))
				if p.role == Client {
					p.expectEOF()
				}
				p.nc.Close()
			})
			if err := c.Close(1000, ""); err != nil {
				t.Error(err)
			}
			wait()
		},
		"a peer that never stops": func(t *testing.T, c *Conn, p *peer) {
			wait := goes(func() {
				p.send(p.bye(4000, ""))
				p.expectBye(4000)
				for b := make([]byte, 16<<10); ; { // ends after maxLinger, and what the system's buffers hold
					if _, err := p.nc.Write(b); err != nil {
						return
					}
				}
			})
			if _, err := c.Read(); CodeOf(err) != 4000 {
				t.Error(err)
			}
			wait()
		},
	} {
		t.Run(name, func(t *testing.T) {
			eachRole(t, func(t *testing.T, role Role) {
				for range 20 {
					c, p := newPair(t, carriers[1], role, nil)
					end(t, c, p)
				}
			})
		})
	}
}

// What the program may still look at is not overwritten by a Close in another goroutine that reads on.
func TestCloseKeepsPayload(t *testing.T) {
	everywhere(t, nil, func(t *testing.T, c *Conn, p *peer) {
		for _, pieces := range []int{1, 3} { // in the read buffer, and assembled
			c, p := c, p
			if pieces > 1 {
				a, b := pipePair(t)
				c, p = New(a, c.proto.Role, nil), &peer{t, b, p.role}
			}
			wait := goes(func() {
				for i := range pieces {
					op := frame.Continuation
					if i == 0 {
						op = frame.Binary
					}
					frames := [][]byte{p.encode(op, i == pieces-1, bytes.Repeat([]byte("k"), 1000))}
					if i == pieces-1 {
						frames = append(frames, p.text("right behind it"))
					}
					p.send(frames...)
				}
				p.expectBye(1000)
				for range 20 {
					p.send(p.encode(frame.Binary, true, bytes.Repeat([]byte("o"), 3000)))
				}
				p.send(p.bye(1000, ""))
				p.nc.Close()
			})
			m, err := c.Read()
			if err != nil {
				t.Fatal(err)
			}
			if err := c.Close(1000, ""); err != nil {
				t.Fatal(err)
			}
			if string(m.Payload) != strings.Repeat("k", 1000*pieces) {
				t.Fatalf("%.40q", m.Payload)
			}
			wait()
		}
	})
}

// Close waits for no writer that is not sending: a Writer left open does not hold it up, and ends with the connection.
func TestCloseWithOpenWriter(t *testing.T) {
	everywhere(t, nil, func(t *testing.T, c *Conn, p *peer) {
		w, err := c.Writer(background, frame.Text)
		if err != nil {
			t.Fatal(err)
		}
		wait := goes(func() {
			f, err := p.read()
			if err != nil || f.Fin || f.Opcode != frame.Text {
				t.Error(f, err)
			}
			p.expectBye(1000)
			p.send(p.bye(1000, ""))
			p.nc.Close()
		})
		if _, err := w.Write(make([]byte, fragmentSize+1)); err != nil {
			t.Fatal(err)
		}
		waiter := goes(func() {
			if err := c.Write(frame.Text, nil); !errors.Is(err, net.ErrClosed) {
				t.Error(err)
			}
		})
		if err := c.Close(1000, ""); err != nil {
			t.Error(err)
		}
		wait()
		waiter()
		if _, err := w.Write(make([]byte, fragmentSize)); !errors.Is(err, net.ErrClosed) {
			t.Error(err)
		}
		if err := w.Close(); !errors.Is(err, net.ErrClosed) {
			t.Error(err)
		}
	})
}

// methods is every exported way to do something with a connection. Each returns the error it got.
var methods = []struct {
	name string
	call func(c *Conn) error
}{
	{"Read", func(c *Conn) error { _, err := c.Read(); return err }},
	{"ReadContext", func(c *Conn) error {
		ctx, cancel := context.WithTimeout(context.Background(), time.Millisecond)
		defer cancel()
		_, err := c.ReadContext(ctx)
		return err
	}},
	{"Reader", func(c *Conn) error {
		_, r, err := c.Reader(background)
		if err != nil {
			return err
		}
		_, err = io.Copy(io.Discard, r)
		return err
	}},
	{"Write", func(c *Conn) error { return c.Write(frame.Text, []byte("text")) }},
	{"WriteContext", func(c *Conn) error {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		return c.WriteContext(ctx, frame.Binary, make([]byte, 70_000))
	}},
	{"WritePrepared", func(c *Conn) error {
		m, _ := Prepare(frame.Text, []byte("prepared"))
		return c.WritePrepared(m)
	}},
	{"Writer", func(c *Conn) error {
		w, err := c.Writer(background, frame.Text)
		if err != nil {
			return err
		}
		_, err = w.Write(make([]byte, 10_000))
		return errors.Join(err, w.Close())
	}},
	{"Ping", func(c *Conn) error { return c.Ping([]byte("ping")) }},
	{"SetReadDeadline", func(c *Conn) error { return c.SetReadDeadline(time.Now().Add(time.Second)) }},
	{"SetWriteDeadline", func(c *Conn) error { return c.SetWriteDeadline(time.Now().Add(time.Minute)) }},
	{"SetDeadline", func(c *Conn) error { return c.SetDeadline(time.Time{}) }},
	{"Close", func(c *Conn) error { return c.Close(1000, "") }},
	{"CloseNow", func(c *Conn) error { return c.CloseNow() }},
}

// allClosed checks that every method says that the connection is closed.
func allClosed(t *testing.T, c *Conn) {
	t.Helper()
	for _, m := range methods {
		if err := m.call(c); !errors.Is(err, net.ErrClosed) {
			t.Errorf("%s after the end: %v", m.name, err)
		}
	}
	c.Subprotocol()
	c.Extensions()
	c.NetConn()
	c.LocalAddr()
	c.RemoteAddr()
}

// Who waits for a turn, or for the end, while his time is up and the connection is over, is told the latter: there is no use in another try.
func TestOverBeforeLate(t *testing.T) {
	c, _ := newPair(t, carriers[1], Server, nil)
	require.NoError(t, c.SetDeadline(time.Now().Add(-time.Second)))
	c.output <- struct{}{} // as a writer has it that has not yet noticed
	c.data <- struct{}{}
	c.CloseNow()
	late, cancel := context.WithCancel(context.Background())
	cancel()
	for range 50 {
		for _, turn := range []turn{c.output, c.data} {
			require.ErrorIs(t, c.wait(background, turn), net.ErrClosed)
			require.ErrorIs(t, c.wait(late, turn), net.ErrClosed)
		}
		require.NoError(t, c.awaitEnd(background, time.Now().Add(-time.Second)))
		require.NoError(t, c.awaitEnd(late, time.Time{}))
	}
	c.output.free()
	c.data.free()
}

// V67, E28, E31: all pairs of methods at the same time, against a peer that lives, one that is silent, and one that goes away. Whatever
// happens, both return, nothing panics, and after the end all say so.
func TestV67Pairs(t *testing.T) {
	o := &Options{CloseTimeout: 20 * time.Millisecond, WriteStallTimeout: 20 * time.Millisecond}
	peers := map[string]func(p *peer){
		"lives": func(p *peer) {
			e := New(p.nc, p.role, nil)
			defer e.CloseNow()
			for {
				m, err := e.Read()
				if err != nil || e.Write(m.Op, m.Payload) != nil {
					return
				}
			}
		},
		"is silent": func(p *peer) {},
		"goes":      func(p *peer) { p.nc.Close() },
	}
	for name, live := range peers {
		for _, tr := range carriers[:2] {
			t.Run(name+"/"+tr.name, func(t *testing.T) {
				for i, one := range methods {
					for _, other := range methods[i:] {
						role := Role(i % 2)
						c, p := newPair(t, tr, role, o)
						peer := goes(func() { live(p) })
						a := goes(func() { one.call(c) })
						b := goes(func() { other.call(c) })
						third := make(chan struct{})
						time.AfterFunc(2*time.Millisecond, func() {
							defer close(third)
							c.CloseNow()
						})
						a()
						b()
						<-third
						allClosed(t, c)
						p.nc.Close()
						peer()
						if t.Failed() {
							t.Fatal(one.name, other.name)
						}
					}
				}
			})
		}
	}
}

// Everybody closes at once; one of them wins.
func TestV67ManyCloses(t *testing.T) {
	everywhere(t, nil, func(t *testing.T, c *Conn, p *peer) {
		wait := goes(func() {
			p.expectBye(1000)
			p.send(p.bye(1000, ""))
			p.nc.Close()
		})
		var group sync.WaitGroup
		var mu sync.Mutex
		won := 0
		for range 20 {
			group.Go(func() {
				err := c.Close(1000, "")
				mu.Lock()
				defer mu.Unlock()
				if err == nil {
					won++
				} else if !errors.Is(err, net.ErrClosed) {
					t.Error(err)
				}
			})
		}
		group.Wait()
		wait()
		if won != 1 {
			t.Fatal(won)
		}
	})
}

// CloseNow interrupts all that waits.
func TestCloseNowInterrupts(t *testing.T) {
	eachRole(t, func(t *testing.T, role Role) {
		synctest.Test(t, func(t *testing.T) {
			c, p := newPair(t, carriers[0], role, nil)
			p.nc.SetDeadline(time.Time{})
			var waits []func()
			for _, call := range []func() error{
				func() error { _, err := c.Read(); return err },
				func() error { return c.Write(frame.Text, []byte("stuck")) },
				func() error { return c.Write(frame.Text, []byte("behind it")) },
				func() error { return c.Ping(nil) },
				func() error { return c.Close(1000, "") },
				func() error { return c.Close(1000, "") },
			} {
				waits = append(waits, goes(func() {
					if err := call(); !errors.Is(err, net.ErrClosed) {
						t.Error(err)
					}
				}))
				synctest.Wait()
			}
			began := time.Now()
			if err := c.CloseNow(); err != nil {
				t.Error(err)
			}
			for _, wait := range waits {
				wait()
			}
			if d := time.Since(began); d != 0 {
				t.Error(d)
			}
		})
	})
}

// A recorder writes down what TLS does with the transport: R is a record (handshake, data or alert), W CloseWrite, C Close.
type recorder struct {
	*net.TCPConn
	mu     sync.Mutex
	events []string
}

func (r *recorder) note(s string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.events = append(r.events, s)
}

func (r *recorder) Write(b []byte) (int, error) {
	switch {
	case len(b) > 0 && b[0] == 21:
		r.note("alert")
	case len(b) > 0 && b[0] == 23:
		r.note("data")
	}
	return r.TCPConn.Write(b)
}
func (r *recorder) CloseWrite() error { r.note("shutdown"); return r.TCPConn.CloseWrite() }
func (r *recorder) Close() error      { r.note("close"); return r.TCPConn.Close() }

// V83: the Close frame, then TLS's close_notify, then TCP's FIN, then the end, in every order of the closing; the peer always reads the frame.
func TestV83TeardownOrder(t *testing.T) {
	for name, end := range map[string]func(t *testing.T, c *Conn, p *peer){
		"we first": func(t *testing.T, c *Conn, p *peer) {
			wait := goes(func() {
				p.expectBye(4000)
				p.send(p.bye(4000, ""))
				if p.role == Client {
					p.expectEOF()
				}
				p.nc.Close()
			})
			if err := c.Close(4000, ""); err != nil {
				t.Error(err)
			}
			wait()
		},
		"peer first": func(t *testing.T, c *Conn, p *peer) {
			wait := goes(func() {
				p.send(p.bye(4000, ""))
				p.expectBye(4000)
				p.nc.Close()
			})
			if _, err := c.Read(); CodeOf(err) != 4000 {
				t.Error(err)
			}
			wait()
		},
		"breach": func(t *testing.T, c *Conn, p *peer) {
			wait := goes(func() {
				p.send([]byte{0xf0})
				p.expectBye(frame.CloseProtocolError)
				p.expectEOF()
				p.nc.Close()
			})
			if _, err := c.Read(); err != frame.ErrReservedBits {
				t.Error(err)
			}
			wait()
		},
	} {
		t.Run(name, func(t *testing.T) {
			eachRole(t, func(t *testing.T, role Role) {
				ta, tb := tcpPair(t)
				ca := testCA(t)
				r := &recorder{TCPConn: ta.(*net.TCPConn)}
				serverConfig := &tls.Config{Certificates: []tls.Certificate{ca.issue(t, "example.test", time.Hour)}, MaxVersion: tls.VersionTLS12} // in 1.3 all records look like data
				clientConfig := &tls.Config{RootCAs: ca.pool, ServerName: "example.test"}
				var mine, its *tls.Conn
				if role == Server {
					mine, its = tls.Server(r, serverConfig), tls.Client(tb, clientConfig)
				} else {
					mine, its = tls.Client(r, clientConfig), tls.Server(tb, serverConfig)
				}
				shake := goes(func() { its.Handshake() })
				if err := mine.Handshake(); err != nil {
					t.Fatal(err)
				}
				shake()
				its.SetDeadline(time.Now().Add(patience))
				r.events = nil
				c := New(mine, role, nil)
				end(t, c, &peer{t, its, role ^ 1})
				if want := []string{"data", "alert", "shutdown", "close"}; !slices.Equal(r.events, want) {
					t.Fatal(r.events)
				}
			})
		})
	}
}
