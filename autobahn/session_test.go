package autobahn

import (
	"bytes"
	"context"
	"encoding/hex"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/idlewire/idlewire/frame"
	"github.com/stretchr/testify/require"
)

// A talk is a session under a clock of the test's own, and what it wrote.
type talk struct {
	*session
	clock time.Time
	sent  []byte
}

// hello is a case that sends a text and expects it back.
var hello = &Case{ID: "t", Steps: []Step{{Opcode: frame.Text, Payload: Payload{[]byte("Hello"), 5}}},
	Deadline: Deadline{After: time.Second},
	Expect:   []Expectation{{OK, []Event{{Kind: Message, Payload: Payload{[]byte("Hello"), 5}}}}},
	Close:    CloseExpectation{Codes: []frame.CloseCode{1000}, Clean: true, OnMatch: true}}

func begin(c *Case, client bool) *talk {
	t := &talk{session: newSession(c, client, DefaultOptions(), func() uint32 { return 0 }), clock: time.Unix(0, 0)}
	t.begin(t.clock)
	t.sent = t.wire()
	return t
}

// wire takes what the session has written.
func (t *talk) wire() (b []byte) {
	for _, seg := range t.take() {
		b = append(b, seg.data...)
	}
	return b
}

// hears gives the session octets in hexadecimal, and returns what it answers likewise.
func (t *talk) hears(s string) string {
	b, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
	if err != nil {
		panic(err)
	}
	t.receive(t.clock, b)
	return hex.EncodeToString(t.wire())
}

// waits lets time pass, in the steps in which timers are due.
func (t *talk) waits(d time.Duration) string {
	end := t.clock.Add(d)
	for at, ok := t.due(); ok && !at.After(end); at, ok = t.due() {
		t.clock = at
		t.tick(at)
	}
	t.clock = end
	return hex.EncodeToString(t.wire())
}

func (t *talk) ends() *Result { return t.lost(t.clock) }

func TestSessionClient(t *testing.T) {
	s := begin(hello, true)
	require.Equal(t, "818500000000"+hex.EncodeToString([]byte("Hello")), hex.EncodeToString(s.sent))
	require.Equal(t, "888200000000"+"03e8", s.hears("81 05 48656c6c6f"), "the expectation is met")
	require.Empty(t, s.hears("88 02 03e8"))
	require.Equal(t, keep, s.drop, "the server closes TCP")
	r := s.ends()
	require.Equal(t, []any{OK, OK, true, true, false}, []any{r.Behavior, r.BehaviorClose, r.WasClean, r.ClosedByMe, r.DroppedByMe})
}

func TestSessionServer(t *testing.T) {
	s := begin(hello, false)
	require.Equal(t, "8105"+hex.EncodeToString([]byte("Hello")), hex.EncodeToString(s.sent))
	require.Equal(t, "8802"+"03e8", s.hears("81 85 00000000 48656c6c6f"))
	require.Empty(t, s.hears("88 82 00000000 03e8"))
	require.Equal(t, flush, s.drop, "7.1.1: the server closes TCP first")
	r := s.ends()
	require.Equal(t, []any{OK, OK, true, true, true}, []any{r.Behavior, r.BehaviorClose, r.WasClean, r.ClosedByMe, r.DroppedByMe})
}

// The second breach, and any breach after a Close, drops TCP. Between them the runner reads on.
func TestSessionBreaches(t *testing.T) {
	for _, row := range []struct {
		name, in string
		code     string // of the Close that the runner sends; "": none
		drop     drop
	}{
		{"5.2 RSV2", "a1 00", "03ea", keep},
		{"5.2 reserved opcode", "83 00", "03ea", keep},
		{"5.2 reserved control opcode", "8b 00", "03ea", keep},
		{"5.2 reserved control opcode in fragments", "0b 00", "03ea", flush},
		{"5.1 masked server frame", "81 80 00000000", "03ea", keep},
		{"5.5 control frame in fragments", "09 00", "03ea", keep},
		{"5.5 control frame too long", "89 7e 007e" + strings.Repeat("00", 126), "03ea", keep},
		{"5.5.1 Close of one octet", "88 01 03", "03ea", keep},
		{"7.4 Close 1005", "88 02 03ed", "03ea", keep},
		{"7.4 Close 1012 is not of RFC 6455", "88 02 03f4", "03ea", keep},
		{"5.4 continuation of nothing", "80 00", "03ea", keep},
		{"5.4 text in a text", "01 00 81 00", "03ea", keep},
		{"5.2 length not minimal", "81 7e 0005 48656c6c6f", "03ea", keep},
		{"5.2 64 bits", "82 7f 8000000000000000", "03ea", flush},
		{"8.1 in the middle", "01 02 c328", "03ef", keep},
		{"8.1 in the middle, and the message ends", "81 02 c328", "03ef", flush},
		{"8.1 not the whole character", "81 01 c3", "03ef", keep},
		{"8.1 second piece", "01 01 c3 00 01 28", "03ef", keep},
		{"8.1 third piece", "01 01 c3 00 01 28 00 01 28", "03ef", flush},
		{"5.5.1 reason", "88 04 03e8 c328", "03ef", keep},
	} {
		t.Run(row.name, func(t *testing.T) {
			want := begin(hello, true)
			got := want.hears(row.in)
			require.Equal(t, row.code, got[min(len(got), 12):min(len(got), 16)])
			require.Equal(t, row.drop, want.drop)
			for cut := 1; cut < len(strings.ReplaceAll(row.in, " ", ""))/2; cut++ { // however it is cut, but for the pieces of a text
				if strings.HasPrefix(row.name, "8.1 in the middle") {
					break
				}
				in := strings.ReplaceAll(row.in, " ", "")
				s := begin(hello, true)
				require.Equal(t, got, s.hears(in[:2*cut])+s.hears(in[2*cut:]), "cut %d", cut)
				require.Equal(t, row.drop, s.drop)
			}
		})
	}
}

func TestSessionTimers(t *testing.T) {
	t.Run("nothing comes", func(t *testing.T) {
		s := begin(hello, true)
		require.Empty(t, s.waits(time.Second-1))
		require.Contains(t, s.waits(1), "03e9", "1001 at the deadline")
		s.waits(time.Second)
		require.Equal(t, abort, s.drop)
		r := s.ends()
		require.True(t, r.CloseHandshakeTimeout)
		require.Equal(t, []Verdict{Failed, Unclean}, []Verdict{r.Behavior, r.BehaviorClose})
	})
	t.Run("the server keeps TCP", func(t *testing.T) {
		s := begin(hello, true)
		s.hears("81 05 48656c6c6f 88 02 03e8")
		s.waits(time.Second)
		require.Equal(t, flush, s.drop, "the deadline comes before the other timer, which was set later")
		r := s.ends()
		require.Equal(t, []Verdict{OK, FailedByClient}, []Verdict{r.Behavior, r.BehaviorClose})
	})
	t.Run("the server closes and keeps TCP", func(t *testing.T) {
		c := *hello
		c.Deadline.JustClose = true
		s := begin(&c, true)
		require.Contains(t, s.hears("88 02 03e8"), "03e8")
		s.waits(time.Minute)
		require.Equal(t, abort, s.drop, "the guard")
		r := s.ends()
		require.Equal(t, Failed, r.BehaviorClose)
	})
	t.Run("a long deadline comes early when nothing moves", func(t *testing.T) {
		c := *hello
		c.Deadline = Deadline{After: time.Hour, JustClose: true}
		s := begin(&c, true)
		s.waits(20 * time.Second)
		s.hears("89 00")
		require.Empty(t, s.waits(29*time.Second))
		require.Equal(t, "888000000000", s.waits(time.Second))
	})
}

// A pong in the middle of a frame would be a part of it: it waits, and so does a ping of our own.
func TestSessionWholeFrames(t *testing.T) {
	pieces := func(steps ...Step) *Case {
		c := *hello
		c.Steps, c.Close.OnMatch = steps, false
		return &c
	}
	stream := pieces(upTo(3), pause(time.Second), upTo(5), pause(time.Second), upTo(0))
	stream.Stream = []Step{text("Hello")}
	for name, c := range map[string]*Case{
		"a header and parts":   pieces(header(frame.Text, 5), part("H"), pause(time.Second), part("el"), pause(time.Second), part("lo")),
		"an odd header":        pieces(odd(Odd{}, header(frame.Text, 5)), part("H"), pause(time.Second), part("el"), pause(time.Second), part("lo")),
		"a stream":             stream,
		"a frame in one piece": pieces(text("Hello"), pause(time.Second), pause(time.Second)),
		"a stream of one piece": func() *Case {
			c := *stream
			c.Steps = []Step{upTo(0), pause(time.Second), pause(time.Second)}
			return &c
		}(),
		"a stream that is short": func() *Case {
			c := *stream
			c.Steps = []Step{pause(time.Second), pause(time.Second), upTo(0)}
			return &c
		}(),
	} {
		t.Run(name, func(t *testing.T) {
			o := DefaultOptions()
			o.AutoPingInterval = 500 * time.Millisecond
			s := &talk{session: newSession(c, false, o, func() uint32 { return 0x21 }), clock: time.Unix(0, 0)}
			s.begin(s.clock)
			got := hex.EncodeToString(s.wire())
			got += s.hears("89 81 00000000 61 89 81 00000000 62")
			got += s.waits(time.Second)
			got += s.waits(2 * time.Second)
			whole := hex.EncodeToString([]byte("Hello"))
			require.Contains(t, got, "05"+whole)
			require.Contains(t, got, "8a0162", "the pong of the last ping comes all the same")
			require.Contains(t, got, "890421212121", "and a ping of ours")
		})
	}
}

// What a peer can make grow.
func TestSessionLimits(t *testing.T) {
	t.Run("messages", func(t *testing.T) {
		c := *hello
		c.Close.OnMatch = false
		s := begin(&c, true)
		for range MaxEvents {
			s.hears("8a 00")
		}
		require.Equal(t, keep, s.drop)
		s.hears("8a 00")
		require.Equal(t, abort, s.drop)
		require.LessOrEqual(t, len(s.ends().Log), MaxLogged)
	})
	t.Run("octets of messages", func(t *testing.T) {
		c := *hello
		c.Close.OnMatch = false
		s := begin(&c, true)
		message := append([]byte{0x82, 0x7f, 0, 0, 0, 0, 1, 0, 0, 0}, make([]byte, MaxRecorded/4)...)
		for range 4 {
			s.receive(s.clock, message)
		}
		require.Equal(t, keep, s.drop)
		s.hears("8a 01 00")
		require.Equal(t, abort, s.drop)
		r := s.ends()
		require.Contains(t, r.WasNotCleanReason, "more than 67108864 octets")
		kept := 0
		for _, e := range r.Received {
			require.Equal(t, MaxRecorded/4, e.Payload.Len)
			kept += cap(e.Payload.Unit)
		}
		require.Len(t, r.Received, 4)
		require.LessOrEqual(t, kept, MaxKept, "what was judged is not kept")
	})
	t.Run("what is kept", func(t *testing.T) {
		c := *hello
		c.Close.OnMatch = false
		s := begin(&c, true)
		message := append([]byte{0x82, 0x7f, 0, 0, 0, 0, 0, 0x10, 0, 0}, bytes.Repeat([]byte("x"), MaxKept)...)
		s.receive(s.clock, message)
		s.receive(s.clock, message)
		s.hears("81 02 6869")
		r := s.ends()
		require.True(t, r.Received[0].Payload.Equal(message[10:]))
		require.Equal(t, strings.Repeat("x", keptOctets), string(r.Received[1].Payload.Unit))
		require.Equal(t, "hi", string(r.Received[2].Payload.Unit))
	})
	t.Run("pongs that nobody reads", func(t *testing.T) {
		s := begin(hello, true)
		ping, _ := hex.DecodeString("897d" + strings.Repeat("00", 125))
		for s.drop == keep {
			s.receive(s.clock, ping)
			require.LessOrEqual(t, s.queued, MaxQueued+200)
		}
		require.Equal(t, abort, s.drop)
	})
	t.Run("a message", func(t *testing.T) {
		s := begin(hello, true)
		require.Empty(t, s.hears("02 7f 0000000004000000"), "as long as may be")
		s = begin(hello, true)
		require.Contains(t, s.hears("02 7f 0000000004000001"), "03f1", "one longer: 1009")
		require.Equal(t, flush, s.drop)
	})
	t.Run("a message in fragments", func(t *testing.T) {
		s := begin(hello, true)
		require.Empty(t, s.hears("02 01 00 80 7f 0000000003ffffff"))
		s = begin(hello, true)
		require.Contains(t, s.hears("02 01 00 80 7f 0000000004000000"), "03f1")
	})
}

// The real driver with a peer that does nothing it should.
func TestPlayHostile(t *testing.T) {
	for name, peer := range map[string]func(net.Conn){
		"drops":        func(nc net.Conn) {},
		"never reads":  func(nc net.Conn) { <-t.Context().Done() },
		"floods pings": func(nc net.Conn) { flood(nc, []byte{0x89, 0}) },
		"floods texts": func(nc net.Conn) { flood(nc, []byte{0x81, 0}) },
		"floods zeros": func(nc net.Conn) { flood(nc, make([]byte, 1<<16)) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ln, err := net.Listen("tcp", "127.0.0.1:0")
			require.NoError(t, err)
			defer ln.Close()
			go func() {
				nc, err := ln.Accept()
				if err == nil {
					peer(nc)
					nc.Close()
				}
			}()
			nc, err := net.Dial("tcp", ln.Addr().String())
			require.NoError(t, err)
			r := play(context.Background(), hello, opening{nc: nc}, true, DefaultOptions(), 0)
			require.Equal(t, Failed, r.Behavior)
			require.NotEqual(t, OK, r.BehaviorClose)
		})
	}
}

func flood(nc net.Conn, b []byte) {
	for {
		if _, err := nc.Write(b); err != nil {
			return
		}
	}
}

// A Close of the steps is not sent when one was: the peer that was first stays the initiator. What comes behind a breach is not kept.
func TestSessionAfterClose(t *testing.T) {
	s := beginWith(true, func(*Options) {}, pause(time.Second), closing(1001, ""))
	require.NotEmpty(t, s.hears("88 02 03e8"))
	require.Empty(t, s.waits(time.Second), "no second Close")
	r := s.ends()
	require.False(t, r.ClosedByMe)
	require.EqualValues(t, 1000, r.LocalClose.Code)

	s = beginWith(true, func(*Options) {})
	require.NotEmpty(t, s.hears("83 00"))
	s.hears("02 03 616263")
	require.Empty(t, s.in.message)
}

// A payload of nothing has an end.
func TestPayloadOfNothing(t *testing.T) {
	p := Payload{Len: 3}
	require.Equal(t, []byte{0, 0, 0}, p.Bytes())
	require.True(t, p.Equal([]byte{0, 0, 0}))
	require.False(t, p.Equal([]byte{0, 1, 0}))
	require.True(t, Payload{}.Equal(nil))
}

// No limit of time for the opening handshake is one, in the cases that make it themselves too.
func TestSessionOpeningTime(t *testing.T) {
	c := extra("4.1", "T", "E", nil, closesAfter())
	c.Opening = &Opening{Say: "GET {target} HTTP/1.1\r\n\r\n", Answers: []Answer{{Kind: Waits, Verdict: OK}}}
	o := DefaultOptions()
	o.OpenHandshakeTimeout = 0
	s := &talk{session: newSession(c, true, o, func() uint32 { return 0 }), clock: time.Unix(0, 0)}
	s.greet = &opener{Opening: c.Opening}
	s.begin(s.clock)
	s.waits(maxOpeningTime - 1)
	require.Equal(t, keep, s.drop)
	s.waits(1)
	require.Equal(t, abort, s.drop)
	require.Equal(t, time.Minute, o.openingTime())
	require.Equal(t, OK, s.ends().Behavior)
}
