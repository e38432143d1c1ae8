package autobahn

import (
	"encoding/hex"
	"testing"
	"time"

	"github.com/idlewire/idlewire/frame"
	"github.com/stretchr/testify/require"
)

func TestOddFrames(t *testing.T) {
	for _, row := range []struct {
		name           string
		step           Step
		client, server string // what each end writes; the key of a client is zero unless it is named
	}{
		{"16 bits for 5", odd(Odd{Form: 2}, bin("hello")), "82fe0005" + "00000000" + "68656c6c6f", "827e0005" + "68656c6c6f"},
		{"64 bits for 1", odd(Odd{Form: 8}, text("a")), "81ff0000000000000001" + "00000000" + "61", "817f0000000000000001" + "61"},
		{"the shortest", odd(Odd{}, text("a")), "8181" + "00000000" + "61", "8101" + "61"},
		{"a key", odd(Odd{Key: []byte("\x01\x02\x03\x04")}, text("\x00\x00\x00\x00\x00")), "8185" + "01020304" + "0102030401", "8105" + "0000000000"},
		{"the other way", odd(Odd{OtherWay: true, Key: []byte("\xff\x00\xff\x00")}, text("\x00\x01")), "8102" + "0001", "8182" + "ff00ff00" + "ff01"},
		{"more, with reserved bits", odd(Odd{}, more(reserved(frame.Rsv1, text("")))), "4180" + "00000000", "4100"},
		{"a header with the sign set", headerOnly(frame.Binary, 1<<63+1), "82ff8000000000000001" + "00000000", "827f8000000000000001"},
		{"octets", sent("\x00\xff"), "00ff", "00ff"},
	} {
		t.Run(row.name, func(t *testing.T) {
			for client, want := range map[bool]string{true: row.client, false: row.server} {
				require.Equal(t, want, hex.EncodeToString(begin(extra("5.2", "T", "E", []Step{row.step}, closesAfter()), client).sent))
			}
		})
	}
	header := odd(Odd{Form: 8, Key: []byte("\x01\x02\x03\x04")}, Step{Do: SendHeader, Opcode: frame.Text, Announce: 5})
	s := begin(extra("5.2", "T", "E", []Step{header, part("\x00\x00\x00"), part("\x00\x00")}, closesAfter()), true)
	require.Equal(t, "81ff0000000000000005"+"01020304"+"0102030401", hex.EncodeToString(s.sent), "the parts are masked as one")
}

// The stream is the same however it is cut, and the runner is closing when the last octet of the Close is written, not before.
func TestStream(t *testing.T) {
	frames := []Step{text("Hello"), sent("\x8a\x00"), closing(1000, "")}
	const whole = "8105" + "48656c6c6f" + "8a00" + "8802" + "03e8"
	play := func(steps ...Step) *talk {
		c := extra("5.2", "T", "E", steps, closedAfter(codes(1000), text("Hello")))
		c.Stream = frames
		return begin(c, false)
	}
	s := play(upTo(0))
	require.Equal(t, whole, hex.EncodeToString(s.sent))
	require.Equal(t, stateClosing, s.state)
	for cut := 1; cut < len(whole)/2; cut++ {
		s := play(upTo(cut), pause(time.Second), upTo(0))
		require.Equal(t, whole[:2*cut], hex.EncodeToString(s.sent))
		require.Equal(t, stateOpen, s.state)
		require.Equal(t, whole[2*cut:], s.waits(time.Second))
		require.Equal(t, stateClosing, s.state)
		require.True(t, s.r.ClosedByMe)
		s = play(upToLast(cut))
		require.Equal(t, whole[:len(whole)-2*cut], hex.EncodeToString(s.sent))
	}
	require.Equal(t, whole, hex.EncodeToString(play(upTo(1000), upTo(5)).sent), "past the end, and back")
	require.Empty(t, play(upToLast(1000)).sent)
}

func TestEndings(t *testing.T) {
	s := newSession(extra("7.2.1", "T", "E", []Step{text("a"), endWriting()}, closesAfter()), true, DefaultOptions(), func() uint32 { return 0 })
	s.begin(time.Unix(0, 0))
	out := s.take()
	require.Len(t, out, 2)
	require.Equal(t, []bool{false, true}, []bool{out[0].end, out[1].end}, "the end comes behind the octets")
	require.Equal(t, keep, s.drop)

	r := begin(extra("7.2.1", "T", "E", patiently(time.Second), stays()), true)
	require.Equal(t, keep, r.drop)
	r.waits(time.Second)
	require.Equal(t, abort, r.drop)
	require.Equal(t, OK, r.ends().Behavior, "the timeout is recorded")

	m := extra("7.1.7", "T", "E", patiently(time.Second), fails(1002))
	m.Mute = true
	mute := begin(m, true)
	require.Empty(t, mute.hears("88 02 03ea"), "no answer")
	require.Equal(t, []Verdict{OK, OK}, []Verdict{mute.ends().Behavior, mute.ends().BehaviorClose})
}
