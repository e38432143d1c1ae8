package conn

import (
	"errors"
	"net"
	"runtime"
	"testing"
	"testing/synctest"
	"time"

	"github.com/idlewire/idlewire/frame"
)

// inBubble runs f with a connection over a pipe and a clock that stands still while anybody works.
func inBubble(t *testing.T, o *Options, f func(t *testing.T, c *Conn, p *peer)) {
	t.Helper()
	eachRole(t, func(t *testing.T, role Role) {
		synctest.Test(t, func(t *testing.T) {
			c, p := newPair(t, carriers[0], role, o)
			p.nc.SetDeadline(time.Time{})
			f(t, c, p)
		})
	})
}

// within checks that d is an interval of the default length, give or take 20 %.
func within(t *testing.T, d, interval time.Duration) {
	t.Helper()
	if d < interval*8/10 || d > interval*12/10 {
		t.Error(d, "is not about", interval)
	}
}

// V70: a peer of which nothing comes is pinged, and given up PongTimeout later.
func TestV70HalfOpen(t *testing.T) {
	inBubble(t, nil, func(t *testing.T, c *Conn, p *peer) {
		began := time.Now()
		wait := goes(func() {
			p.expect(frame.Ping, "")
			within(t, time.Since(began), defaultPingInterval)
			began = time.Now()
		})
		_, err := c.Read()
		wait()
		if err != ErrNoPong || CodeOf(err) != frame.CloseAbnormal || isDeadline(err) {
			t.Error(err)
		}
		if d := time.Since(began); d != defaultPongTimeout {
			t.Error(d)
		}
	})
}

// A peer that answers lives for ever, and every answer is as good as another: a pong, a message, or a byte of one.
func TestHeartbeatAnswered(t *testing.T) {
	inBubble(t, nil, func(t *testing.T, c *Conn, p *peer) {
		long := p.text("long")
		answers := [][]byte{p.pong(""), p.text("busy"), long[:1], long[1:2], long[2:], p.ping("you?"), p.pong("unasked")}
		wait := goes(func() {
			for i, answer := range answers {
				began := time.Now()
				for {
					f, err := p.read()
					if err != nil {
						t.Error(i, err)
						return
					}
					if f.Opcode == frame.Ping {
						break
					}
				}
				within(t, time.Since(began), defaultPingInterval)
				time.Sleep(defaultPongTimeout - time.Second)
				p.send(answer)
			}
			p.read()
			c.CloseNow()
		})
		expectText(t, c, "busy")
		expectText(t, c, "long")
		if _, err := c.Read(); !errors.Is(err, net.ErrClosed) {
			t.Error(err)
		}
		wait()
	})
}

// A slow is a transport whose writes return long after the peer has had them.
type slow struct{ net.Conn }

func (s slow) Write(b []byte) (int, error) {
	n, err := s.Conn.Write(b)
	time.Sleep(time.Second)
	return n, err
}

// The pong may be here before the call that sent the ping has returned. It counts.
func TestHeartbeatPongOvertakes(t *testing.T) {
	eachRole(t, func(t *testing.T, role Role) {
		synctest.Test(t, func(t *testing.T) {
			a, b := net.Pipe()
			c, p := New(slow{a}, role, nil), &peer{t, b, role ^ 1}
			read := goes(func() {
				if _, err := c.Read(); !errors.Is(err, net.ErrClosed) {
					t.Error(err)
				}
			})
			for range 20 {
				p.expect(frame.Ping, "")
				p.send(p.pong(""))
			}
			c.CloseNow()
			read()
			time.Sleep(time.Second) // in the bubble: until the last Write returns
			if c.beat.timer.Stop() {
				t.Error("the timer goes on after the end")
			}
		})
	})
}

// A peer that talks is not pinged.
func TestHeartbeatQuietWhileBusy(t *testing.T) {
	inBubble(t, nil, func(t *testing.T, c *Conn, p *peer) {
		wait := goes(func() {
			for range 100 {
				time.Sleep(20 * time.Second)
				p.send(p.text("again"))
			}
			p.send(p.bye(1000, ""))
			p.expectBye(1000) // and no ping before
			p.nc.Close()
		})
		for range 100 {
			expectText(t, c, "again")
		}
		if _, err := c.Read(); CodeOf(err) != frame.CloseNormal {
			t.Error(err)
		}
		wait()
	})
}

// A program that is busy for hours between two Reads has not looked whether the peer lives: it is not given up, not even if a ping had just
// been sent when the program stopped reading.
func TestHeartbeatOnlyWhileReading(t *testing.T) {
	inBubble(t, nil, func(t *testing.T, c *Conn, p *peer) {
		read := func(d time.Duration) {
			t.Helper()
			c.SetReadDeadline(time.Now().Add(d))
			if _, err := c.Read(); !isDeadline(err) {
				t.Fatal(err)
			}
		}
		for range 5 {
			time.Sleep(24 * time.Hour)
			ping := goes(func() { p.expect(frame.Ping, "") })
			read(defaultPingInterval*12/10 + time.Second) // long enough for the ping to leave, up to 13 s of the time for its pong
			ping()
			time.Sleep(24 * time.Hour)
			read(6 * time.Second)
			time.Sleep(24 * time.Hour)
			c.SetReadDeadline(time.Time{})
			send := goes(func() { p.send(p.text("work")) })
			expectText(t, c, "work")
			send()
		}
	})
}

// Reads that are given up and repeated count together: a program that reads with short deadlines finds a dead peer, too.
func TestHeartbeatAddsUp(t *testing.T) {
	inBubble(t, nil, func(t *testing.T, c *Conn, p *peer) {
		wait := goes(func() { p.expect(frame.Ping, "") })
		began := time.Now()
		for {
			c.SetReadDeadline(time.Now().Add(700 * time.Millisecond))
			_, err := c.Read()
			if err == ErrNoPong {
				break
			}
			if !isDeadline(err) {
				t.Error(err)
				break
			}
		}
		within(t, time.Since(began)-defaultPongTimeout, defaultPingInterval)
		wait()
	})
}

// The pings of many connections made at once do not come at once.
func TestHeartbeatJitter(t *testing.T) {
	seen := make(map[time.Duration]bool)
	for range 1000 {
		d := jitter(defaultPingInterval)
		within(t, d, defaultPingInterval)
		seen[d] = true
	}
	if len(seen) < 100 {
		t.Error(len(seen), "different intervals of 1000")
	}
}

// A ping that cannot leave because a large message is on its way waits for it, and so does the time for its answer.
func TestHeartbeatBehindLargeMessage(t *testing.T) {
	inBubble(t, nil, func(t *testing.T, c *Conn, p *peer) {
		read := goes(func() {
			if _, err := c.Read(); !errors.Is(err, net.ErrClosed) {
				t.Error(err)
			}
		})
		written := goes(func() {
			if err := c.Write(frame.Binary, make([]byte, 100)); err != nil {
				t.Error(err)
			}
		})
		size := 2 + 100
		if p.role == Server {
			size += 4 // the key
		}
		for range size { // a quarter of an hour
			time.Sleep(9 * time.Second)
			p.nc.Read(make([]byte, 1))
		}
		written()
		p.expect(frame.Ping, "")
		p.send(p.pong(""))
		c.CloseNow()
		read()
	})
}

// All of it can be turned off, and then there is no timer at all.
func TestHeartbeatOff(t *testing.T) {
	o := &Options{PingInterval: -1, WriteStallTimeout: -1, CloseTimeout: -1}
	inBubble(t, o, func(t *testing.T, c *Conn, p *peer) {
		read := goes(func() {
			expectText(t, c, "after a year")
			if _, err := c.Read(); CodeOf(err) != frame.CloseNormal {
				t.Error(err)
			}
		})
		written := goes(func() { c.Write(frame.Text, []byte("slowly")) })
		time.Sleep(365 * 24 * time.Hour)
		p.expect(frame.Text, "slowly")
		written()
		p.send(p.text("after a year"), p.bye(1000, ""))
		time.Sleep(365 * 24 * time.Hour)
		c.mu.Lock()
		if c.beat.timer != nil {
			t.Error("a timer for what is off")
		}
		c.mu.Unlock()
		p.expectBye(1000)
		p.nc.Close()
		read()
	})
}

// Pings go on when pongs need not be waited for.
func TestHeartbeatWithoutPongs(t *testing.T) {
	inBubble(t, &Options{PongTimeout: -1}, func(t *testing.T, c *Conn, p *peer) {
		read := goes(func() { c.Read() })
		for range 10 {
			began := time.Now()
			p.expect(frame.Ping, "")
			within(t, time.Since(began), defaultPingInterval)
		}
		c.CloseNow()
		read()
	})
}

// While nothing happens there is no goroutine but the program's reader.
func TestNoGoroutineWhileIdle(t *testing.T) {
	const connections = 50
	var waits []func()
	var conns []*Conn
	before := runtime.NumGoroutine()
	for range connections {
		c, p := newPair(t, carriers[1], Server, nil)
		conns = append(conns, c)
		waits = append(waits, goes(func() {
			for {
				m, err := c.Read()
				if err != nil {
					return
				}
				c.Write(m.Op, m.Payload)
			}
		}))
		p.send(p.text("once"), p.ping("and"))
		for range 2 {
			p.read()
		}
	}
	if n := runtime.NumGoroutine() - before; n > connections+2 { // the last pongs' may not have ended
		t.Error(n, "goroutines for", connections, "connections with a reader each")
	}
	for i, c := range conns {
		c.CloseNow()
		waits[i]()
	}
}

// The timer fires and finds that the message left long ago: a write costs no timer.
func TestHeartbeatLazy(t *testing.T) {
	inBubble(t, &Options{PingInterval: -1}, func(t *testing.T, c *Conn, p *peer) {
		wait := goes(func() {
			for range 1000 {
				p.expect(frame.Text, "tick")
			}
		})
		var wake time.Duration
		set := 0
		for range 1000 {
			if err := c.Write(frame.Text, []byte("tick")); err != nil {
				t.Error(err)
				return
			}
			c.mu.Lock()
			if c.beat.wake != wake {
				wake = c.beat.wake
				set++
			}
			c.mu.Unlock()
			time.Sleep(10 * time.Millisecond)
		}
		wait()
		if set > 4 { // 10 s of writing, with 10 s for a stall; and unset in between
			t.Error("the timer was set", set, "times")
		}
	})
}
