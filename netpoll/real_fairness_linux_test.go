package netpoll

import (
	"encoding/binary"
	"io"
	"net"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/idlewire/idlewire/conn"
	"github.com/idlewire/idlewire/frame"
	"github.com/idlewire/idlewire/handshake"
)

// Section 3C of the threat list, fairness, over real sockets.

// E21, E26: a peer that floods, and peers that come in crowds, do not make the others wait: what an honest peer has sent is seen within a few
// turns, and a turn is a bounded amount of work.
func TestE21RealHotConnection(t *testing.T) {
	asked := scaled(200)
	var k atomic.Pointer[meter]
	delays := make(chan int64, asked)
	s := &Server{Driver: Loop, Open: func(*Conn, *handshake.Request) Handler {
		return funcs{message: func(c *Conn, m conn.Message) {
			if m.Op == frame.Binary { // the honest peer tells at which turn it wrote
				delays <- k.Load().waits.Load() - int64(binary.BigEndian.Uint64(m.Payload))
				c.Write(m.Op, m.Payload)
			}
		}}
	}}
	addr, counted := metered(t, s)
	k.Store(counted)
	flooder, honest := connections(t, addr, 1)[0], connections(t, addr, 1)[0]
	stop := make(chan bool)
	var others sync.WaitGroup
	others.Go(func() {
		flood := strings.Repeat(text(long(1000)), 1000)
		for {
			if _, err := io.WriteString(flooder.nc, flood); err != nil {
				return
			}
		}
	})
	others.Go(func() {
		for {
			select {
			case <-stop:
				return
			default:
			}
			if nc, err := net.Dial("tcp", addr); err == nil {
				nc.(*net.TCPConn).SetLinger(0)
				nc.Close()
			}
		}
	})
	halt := sync.OnceFunc(func() {
		close(stop)
		flooder.nc.Close()
		others.Wait()
	})
	defer halt()
	for range asked {
		require.NoError(t, honest.echo(binary.BigEndian.AppendUint64(nil, uint64(counted.waits.Load()))))
	}
	halt()
	eventually(t, "the rest has ended", func() bool { return s.Stats().Open == 1 })
	var sorted []int64
	for range asked {
		sorted = append(sorted, <-delays)
	}
	slices.Sort(sorted)
	t.Logf("turns until it is seen: median %d, 90 %% %d, at most %d", sorted[asked/2], sorted[asked*9/10], sorted[asked-1])
	require.LessOrEqual(t, sorted[asked/2], int64(3)) // the client may lose the processor between counting and writing; half of the time it does not
	require.LessOrEqual(t, counted.mostSeen.Load(), int64(acceptBatch))
}

func TestE26RealAcceptBudget(t *testing.T) {
	everyDriver(t, func(t *testing.T, d Driver) {
		release := make(chan bool)
		s := &Server{Driver: d, Open: func(*Conn, *handshake.Request) Handler {
			return funcs{message: func(c *Conn, m conn.Message) { <-release; c.Write(m.Op, m.Payload) }}
		}}
		addr, k := metered(t, s)
		first := connections(t, addr, 1)[0]
		require.NoError(t, first.say([]byte("hold the loop")))
		eventually(t, "the loop is held", func() bool { return s.loops[0].asleepNow() == false })
		for range 3 * acceptBatch { // they pile up
			nc, err := net.Dial("tcp", addr)
			require.NoError(t, err)
			defer nc.Close()
		}
		close(release)
		eventually(t, "all are accepted", func() bool { return s.Stats().Open == 1+3*acceptBatch })
		require.LessOrEqual(t, k.mostSeen.Load(), int64(acceptBatch))
		if d == Loop {
			require.EqualValues(t, acceptBatch, k.mostSeen.Load())
		}
	})
}

// asleepNow reports whether the loop sleeps.
func (l *loop) asleepNow() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.asleep
}

// E22: clients that stop anywhere, in the request, in a header, in a payload, hold nobody up. This is what parts an event loop from the usual
// recipe.
func TestE22RealSlowSenders(t *testing.T) {
	everyDriver(t, func(t *testing.T, d Driver) {
		addr, _ := metered(t, &Server{Driver: d, Open: echoes})
		session := request + binaryFrame(long(300)) + framed(frame.Text, false, "a")
		for n := 0; n < len(session); n += 7 {
			nc, err := net.Dial("tcp", addr)
			require.NoError(t, err)
			defer nc.Close()
			_, err = io.WriteString(nc, session[:n])
			require.NoError(t, err)
		}
		together(t, 10, func(int) error {
			k, err := connect(addr)
			if err != nil {
				return err
			}
			for range 20 {
				if err := k.echo([]byte("not affected")); err != nil {
					return err
				}
			}
			return k.leave()
		})
	})
}
