package autobahn

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/idlewire/idlewire/frame"
)

func TestTranscript(t *testing.T) {
	ms := time.Millisecond
	log := []LogEntry{
		{Kind: OctetsOut, Len: 7},
		{Kind: FrameOut, Opcode: frame.Text, Fin: true, Len: 5, Data: []byte("Hello"), Masked: true},
		{Kind: FailSet, For: time.Second},
		{Kind: OctetsIn, Len: 100},
		{Kind: FrameIn, Opcode: frame.Text, Len: 70, Data: bytes.Repeat([]byte("é"), 32), At: 2 * ms, Rsv: 4},
		{Kind: FrameIn, Opcode: frame.Binary, Fin: true, Len: 70, Data: append(bytes.Repeat([]byte("a"), 63), 0xc3), At: 3 * ms},
		{Kind: FrameIn, Opcode: 3, Fin: true, Len: 2, Data: []byte{0xff, 0}, At: 3 * ms},
		{Kind: FrameIn, Opcode: frame.Ping, Fin: true, At: 3 * ms},
		{Kind: OctetsIn, Len: 3, Data: []byte{0x81, 0x05, 0x48}},
		{Kind: WaitBegin, For: time.Second, Tag: "x"},
		{Kind: WaitEnd, Tag: "x", At: 1003 * ms},
		{Kind: FailFired, At: 2000 * ms},
		{Kind: LogSwitch},
		{Kind: FrameOut, Opcode: frame.Close, Fin: true, Len: 12, Data: []byte("\x03\xe9Going Away"), Chop: 1},
		{Kind: FrameIn, Opcode: frame.Close, Fin: true},
		{Kind: FrameIn, Opcode: frame.Close, Fin: true, Len: 1, Data: []byte{3}},
		{Kind: OctetsIn, Len: 2, Data: []byte{0xff, 0xff}},
	}
	require.Equal(t, strings.Join([]string{
		`  0.000 s  -> text, 5 octets, masked: "Hello"`,
		`  0.000 s  in 1s the connection will be failed`,
		`  0.002 s  <- text, 70 octets, FIN not set, RSV 100: "` + strings.Repeat("é", 32) + `"...`,
		`  0.003 s  <- binary, 70 octets: "` + strings.Repeat("a", 63) + `"...`,
		`  0.003 s  <- reserved opcode 3, 2 octets: ff00`,
		`  0.003 s  <- ping, 0 octets`,
		`  0.000 s  wait for 1s`,
		`  1.003 s  the wait is over`,
		`  2.000 s  time is up: the connection is failed`,
		`  0.000 s  the log is off while data flows`,
		`  0.000 s  -> close 1001, 1 octets at a time: "Going Away"`,
		`  0.000 s  <- close`,
		`  0.000 s  <- close, 1 octets: "\x03"`,
		`  0.000 s  <- 2 octets on the wire: ffff`,
	}, "\n"), transcript(log, 100))
	require.Empty(t, transcript([]LogEntry{{Kind: OctetsIn, Data: []byte("GET / HTTP/1.1")}, {Kind: OctetsIn, Data: []byte("HTTP/1.1 101")}}, 4))
	lines := strings.Split(transcript(log, 4), "\n")
	require.Len(t, lines, 5)
	require.Equal(t, "... 10 lines left out ...", lines[2])
	require.Contains(t, lines[4], "ffff")
	require.Contains(t, LogEntry{Kind: OctetsOut, Len: 100, Data: []byte{1}}.String(), "01...")
	require.Contains(t, LogEntry{Kind: CloseSet, For: time.Second}.String(), "1s")
	require.NotEqual(t, LogEntry{Kind: LogSwitch, On: true}.String(), LogEntry{Kind: LogSwitch}.String())
	require.NotEmpty(t, LogEntry{Kind: CloseFired}.String())
}
