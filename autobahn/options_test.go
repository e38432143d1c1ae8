package autobahn

import (
	"encoding/hex"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/idlewire/idlewire/frame"
)

// beginWith starts a case that sends steps and waits for an hour, with some options changed. Masking keys are 01020304 on the wire.
func beginWith(client bool, change func(o *Options), steps ...Step) *talk {
	o := DefaultOptions()
	change(&o)
	c := &Case{ID: "t", Steps: steps, Deadline: closeIn(time.Hour), Expect: silence(), Close: closedClean(1000)}
	t := &talk{session: newSession(c, client, o, func() uint32 { return 0x04030201 }), clock: time.Unix(0, 0)}
	t.begin(t.clock)
	t.sent = t.wire()
	return t
}

// What each option changes, and that it does not without.
func TestSessionOptions(t *testing.T) {
	none := func(*Options) {}
	for _, row := range []struct {
		name      string
		client    bool
		change    func(o *Options)
		steps     []Step
		in        string
		want      string // what is written in all
		wantPlain string // and what without the option
	}{
		{"echoCloseCodeReason", false, func(o *Options) { o.EchoCloseCodeReason = true }, nil,
			"88 83 00000000 03e961", "8803" + "03e961", "8802" + "03e8"},
		{"maxFramePayloadSize", false, func(o *Options) { o.MaxFramePayloadSize = 2 }, nil,
			"02 82 00000000 6161 80 83 00000000 616161", "03f1" + hex.EncodeToString([]byte("frame longer")), ""},
		{"maxMessagePayloadSize", false, func(o *Options) { o.MaxMessagePayloadSize = 4 }, nil,
			"02 82 00000000 6161 80 83 00000000 616161", "03f1" + hex.EncodeToString([]byte("message longer")), ""},
		{"utf8validateIncoming", false, func(o *Options) { o.UTF8ValidateIncoming = false }, nil,
			"81 81 00000000 ff", "", "03ef"},
		{"requireMaskedClientFrames", false, func(o *Options) { o.RequireMaskedClientFrames = false }, nil,
			"81 01 61", "", "03ea"},
		{"acceptMaskedServerFrames", true, func(o *Options) { o.AcceptMaskedServerFrames = true }, nil,
			"81 81 00000000 61", "", hex.EncodeToString([]byte{3 ^ 1, 0xea ^ 2})},
		{"maskServerFrames", false, func(o *Options) { o.MaskServerFrames = true }, plain(text("\x00\x00")),
			"", "8182" + "01020304" + "0102", "8102" + "0000"},
		{"maskClientFrames", true, func(o *Options) { o.MaskClientFrames = false }, plain(text("\x00\x00")),
			"", "8102" + "0000", "8182" + "01020304" + "0102"},
		{"applyMask", true, func(o *Options) { o.ApplyMask = false }, plain(text("\x00\x00"), header(frame.Text, 2), part("\x00"), part("\x00")),
			"", "8182" + "01020304" + "0000" + "0182" + "01020304" + "0000", "8182" + "01020304" + "0102" + "0182" + "01020304" + "0102"},
		{"autoFragmentSize", false, func(o *Options) { o.AutoFragmentSize = 2 }, plain(message(text("abcd"))),
			"", "0102" + "6162" + "0002" + "6364" + "8000", "8104" + "61626364"},
		{"autoFragmentSize, a message that fits", false, func(o *Options) { o.AutoFragmentSize = 4 }, plain(message(text("abcd"))),
			"", "8104" + "61626364", "8104" + "61626364"},
	} {
		t.Run(row.name, func(t *testing.T) {
			for _, run := range []struct {
				change func(o *Options)
				want   string
			}{{row.change, row.want}, {none, row.wantPlain}} {
				s := beginWith(row.client, run.change, row.steps...)
				got := hex.EncodeToString(s.sent)
				if row.in != "" {
					got += s.hears(row.in)
				}
				if row.in == "" || run.want == "" || row.name == "echoCloseCodeReason" {
					require.Equal(t, run.want, got)
				} else {
					require.Contains(t, got, run.want)
				}
			}
		})
	}
	t.Run("failByDrop", func(t *testing.T) {
		s := beginWith(true, func(o *Options) { o.FailByDrop = true })
		require.Empty(t, s.hears("83 00"))
		require.Equal(t, abort, s.drop)
		r := s.ends()
		require.Equal(t, []bool{true, true, false}, []bool{r.FailedByMe, r.DroppedByMe, r.ClosedByMe})
	})
	t.Run("serverConnectionDropTimeout", func(t *testing.T) {
		for _, patience := range []time.Duration{time.Second, 0} {
			s := beginWith(true, func(o *Options) { o.ServerConnectionDropTimeout = patience }, closing(1000, ""))
			s.hears("88 02 03e8")
			s.waits(time.Second - 1)
			require.Equal(t, keep, s.drop)
			s.waits(1)
			require.Equal(t, patience > 0, s.drop == abort)
			r := s.ends()
			require.Equal(t, patience > 0, r.ServerDropTimeout)
			require.Equal(t, patience == 0, r.WasClean)
			require.Equal(t, patience > 0, r.BehaviorClose == Unclean)
		}
	})
	t.Run("closeHandshakeTimeout", func(t *testing.T) {
		s := beginWith(true, func(o *Options) { o.CloseHandshakeTimeout = 0 }, closing(1000, ""))
		s.waits(time.Minute)
		require.Equal(t, keep, s.drop)
		s = beginWith(true, func(o *Options) { o.CloseHandshakeTimeout = time.Second }, closing(1000, ""))
		s.waits(time.Second / 2)
		s.hears("88 02 03e8")
		s.waits(time.Second / 2)
		require.Equal(t, keep, s.drop, "the answer has come")
	})
}

// A ping of the runner's own is no event, nor is its pong; another pong is. One that does not come drops TCP.
func TestSessionAutoPing(t *testing.T) {
	with := func(o *Options) {
		o.AutoPingInterval, o.AutoPingTimeout, o.AutoPingSize = time.Second, 500*time.Millisecond, 5
	}
	s := beginWith(false, with)
	require.Empty(t, s.waits(time.Second-1))
	require.Equal(t, "8905"+"0101010101", s.waits(1))
	s.waits(400 * time.Millisecond)
	require.Empty(t, s.hears("8a 85 00000000 0101010101"))
	require.Empty(t, s.r.Received)
	require.Empty(t, s.waits(time.Second-1), "the pong came, and the next ping is due a second later")
	require.Equal(t, "8905"+"0101010101", s.waits(1))
	s.hears("8a 85 00000000 0101010102")
	require.Len(t, s.r.Received, 1)
	s.waits(500*time.Millisecond - 1)
	require.Equal(t, keep, s.drop)
	s.waits(1)
	require.Equal(t, abort, s.drop)
	require.Equal(t, "no pong came in time", s.ends().WasNotCleanReason)

	s = beginWith(false, func(*Options) {})
	require.Empty(t, s.waits(20*time.Second), "no pings unless they are asked for")
}
