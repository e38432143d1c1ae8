package testee

import (
	"bytes"
	"encoding/hex"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

var epoch = time.Unix(0, 0)

// unhex takes octets in hexadecimal, with spaces as one likes, and a text in quotes.
func unhex(t testing.TB, s string) (b []byte) {
	for i, part := range strings.Split(s, "'") {
		if i%2 == 1 {
			b = append(b, part...)
			continue
		}
		octets, err := hex.DecodeString(strings.ReplaceAll(part, " ", ""))
		require.NoError(t, err)
		b = append(b, octets...)
	}
	return b
}

// says is what a peer answers to what comes in such pieces, and whether it closes TCP.
func says(p *Peer, pieces ...[]byte) (out []byte, gone bool) {
	for _, b := range pieces {
		p.Receive(epoch, slices.Clone(b))
		out = append(out, bytes.Join(p.Take(), nil)...)
	}
	return out, p.Gone()
}

// The masking key in the rows is 0, so that what the client sends can be read.
var strict = []struct{ name, in, out string }{
	{"5.7 a text", "81 85 00000000 'Hello'", "81 05 'Hello'"},
	{"5.7 a masked text", "81 85 37fa213d 7f9f4d5158", "81 05 'Hello'"},
	{"5.7 a fragmented text", "01 83 00000000 'Hel' 80 82 00000000 'lo'", "81 05 'Hello'"},
	{"5.7 a ping", "89 85 37fa213d 7f9f4d5158", "8a 05 'Hello'"},
	{"5.4 a ping between fragments", "01 83 00000000 'Hel' 89 81 00000000 'p' 80 82 00000000 'lo'", "8a 01 'p' 81 05 'Hello'"},
	{"5.5.3 a pong", "8a 81 00000000 'p'", ""},
	{"5.6 binary", "82 81 00000000 ff", "82 01 ff"},
	{"5.2 nothing in it", "81 80 00000000", "81 00"},
	{"5.2 RSV1", "c1 80 00000000", "88 02 03ea"},
	{"5.2 RSV2", "a1 80 00000000", "88 02 03ea"},
	{"5.2 RSV3", "91 80 00000000", "88 02 03ea"},
	{"5.2 opcode 3", "83 80 00000000", "88 02 03ea"},
	{"5.2 opcode 11", "8b 80 00000000", "88 02 03ea"},
	{"5.2 opcode 15 without FIN", "0f 80 00000000", "88 02 03ea"},
	{"5.1 not masked", "81 00", "88 02 03ea"},
	{"5.2 16 bits for 125", "81 fe 007d 00000000", "88 02 03ea"},
	{"5.2 64 bits for 65535", "81 ff 000000000000ffff 00000000", "88 02 03ea"},
	{"5.2 the highest bit of 64", "81 ff 8000000000000000 00000000", "88 02 03ea"},
	{"10.4 too long", "81 ff 7fffffffffffffff 00000000", "88 02 03f1"},
	{"5.5 a ping in fragments", "09 80 00000000", "88 02 03ea"},
	{"5.5 a ping of 126", "89 fe 007e 00000000", "88 02 03ea"},
	{"5.4 a continuation of nothing", "80 80 00000000", "88 02 03ea"},
	{"5.4 a text in a text", "01 80 00000000 81 80 00000000", "88 02 03ea"},
	{"5.4 good, then bad", "81 81 00000000 'a' 80 80 00000000", "81 01 'a' 88 02 03ea"},
	{"8.1 not UTF-8", "81 82 00000000 'a' ff", "88 02 03ef"},
	{"8.1 not UTF-8, and more to come", "01 ff 0000000000100000 00000000 'a' f490", "88 02 03ef"},
	{"8.1 a character split", "01 82 00000000 'a' e2 80 82 00000000 82ac", "81 04 'a' e282ac"},
	{"8.1 a character not finished", "81 82 00000000 'a' e2", "88 02 03ef"},
	{"5.5.1 a Close", "88 82 00000000 03e8", "88 02 03e8"},
	{"5.5.1 without body", "88 80 00000000", "88 00"},
	{"5.5.1 with a reason", "88 85 00000000 0fa0 'bye'", "88 02 0fa0"},
	{"5.5.1 nothing behind a Close", "88 82 00000000 03e8 81 81 00000000 'a'", "88 02 03e8"},
	{"5.5.1 one octet", "88 81 00000000 03", "88 02 03ea"},
	{"5.5.1 not UTF-8", "88 83 00000000 03e8 ff", "88 02 03ef"},
	{"7.4 1005", "88 82 00000000 03ed", "88 02 03ea"},
	{"7.4 1014", "88 82 00000000 03f6", "88 02 03f6"},
	{"7.4 1016", "88 82 00000000 03f8", "88 02 03ea"},
	{"7.4 5000", "88 82 00000000 1388", "88 02 03ea"},
}

func TestCorrectServer(t *testing.T) {
	for _, row := range strict {
		t.Run(row.name, func(t *testing.T) {
			in := unhex(t, row.in)
			for cut := range len(in) + 1 { // however it is cut
				p := New(Correct, Server, 1)
				p.Opened(epoch)
				out, gone := says(p, in[:cut], in[cut:])
				require.Equal(t, hex.EncodeToString(unhex(t, row.out)), hex.EncodeToString(out), "cut at %d", cut)
				require.Equal(t, bytes.Contains(out, []byte{0x88}), gone, "7.1.1: a server that has sent its Close closes TCP")
			}
			p := New(Correct, Server, 1)
			p.Opened(epoch)
			out, _ := says(p, slices.Collect(slices.Chunk(in, 1))...)
			require.Equal(t, hex.EncodeToString(unhex(t, row.out)), hex.EncodeToString(out), "octet by octet")
		})
	}
}

// A client does the same, with the masking the other way round: a server's frames are not masked, and its own are. It leaves TCP to the server, for a while.
func TestCorrectClient(t *testing.T) {
	for _, row := range strict {
		if strings.HasPrefix(row.name, "5.1 ") || strings.Contains(row.in, "37fa213d") {
			continue
		}
		t.Run(row.name, func(t *testing.T) {
			in := unmask(t, unhex(t, row.in))
			p := New(Correct, Client, 1)
			p.Opened(epoch)
			out, gone := says(p, in)
			require.Equal(t, hex.EncodeToString(unhex(t, row.out)), hex.EncodeToString(unmask(t, out)))
			require.False(t, gone)
			at, waits := p.Due()
			require.Equal(t, bytes.Contains(unmask(t, out), []byte{0x88}), waits)
			if waits {
				require.Equal(t, epoch.Add(closeWait), at)
				p.Tick(at.Add(-1))
				require.False(t, p.Gone())
				p.Tick(at)
				require.True(t, p.Gone())
			}
		})
	}
	p := New(Correct, Client, 1)
	p.Opened(epoch)
	out, _ := says(p, []byte{0x81, 0x80, 0, 0, 0, 0})
	require.Equal(t, "880203ea", hex.EncodeToString(unmask(t, out)), "5.1: a masked frame of a server")
}

// unmask takes the masks of frames away. The last frame may be cut short.
func unmask(t testing.TB, b []byte) (out []byte) {
	for len(b) > 0 {
		size := headerSize(b[1])
		require.True(t, b[1] >= 0x80)
		key := b[size-4 : size]
		n := min(parseHeader(b[:size]).length, uint64(len(b)-size))
		out = append(out, b[0], b[1]&0x7f)
		out = append(out, b[2:size-4]...)
		for i, c := range b[size : size+int(n)] {
			out = append(out, c^key[i%4])
		}
		b = b[size+int(n):]
	}
	return out
}

// Memory grows with what came, not with what was announced, and what goes beyond a limit ends the connection.
func TestLimits(t *testing.T) {
	p := New(Correct, Server, 1)
	p.Opened(epoch)
	says(p, unhex(t, "01 ff 0000000004000000 00000000 'a'")) // MaxMessage, of which an octet comes
	require.False(t, p.Gone())
	require.Less(t, cap(p.message), 1<<10)
	p = New(Correct, Server, 1)
	p.Opened(epoch)
	says(p, unhex(t, "01 81 00000000 'a'"))
	out, gone := says(p, unhex(t, "80 ff 0000000004000000 00000000 'a'"))
	require.Equal(t, "880203f1", hex.EncodeToString(out))
	require.True(t, gone)

	p = New(Odd[0], Server, 1)
	p.Opened(epoch)
	out, _ = says(p, unhex(t, "89 ff 0000000000010001 00000000"))
	require.Equal(t, "880203f1", hex.EncodeToString(out), "a control frame, where long ones pass")

	p = New(Correct, Server, 1)
	_, gone = says(p, bytes.Repeat([]byte{'a'}, MaxHead+1))
	require.True(t, gone)
}

// A request is answered, and the frames behind it are taken, however all is cut.
func TestOpening(t *testing.T) {
	c := New(Correct, Client, 7)
	c.Request(epoch, "127.0.0.1:9001", "/runCase?case=1&agent=x")
	request := bytes.Join(c.Take(), nil)
	require.True(t, bytes.HasPrefix(request, []byte("GET /runCase?case=1&agent=x HTTP/1.1\r\nHost: 127.0.0.1:9001\r\n")), "%s", request)
	in := append(slices.Clone(request), unhex(t, "89 80 00000000")...)
	var response []byte
	for cut := range len(in) + 1 {
		s := New(Correct, Server, 1)
		out, gone := says(s, in[:cut], in[cut:])
		require.False(t, gone)
		var ok bool
		response, ok = bytes.CutSuffix(out, []byte{0x8a, 0})
		require.True(t, ok, "cut at %d: %q", cut, out)
	}
	for cut := range len(response) + 1 {
		c := New(Correct, Client, 7)
		c.Request(epoch, "h:1", "/")
		c.Take()
		out, gone := says(c, response[:cut], response[cut:], []byte{0x89, 0})
		require.False(t, gone, c.refusal)
		require.Equal(t, "8a00", hex.EncodeToString(unmask(t, out)))
	}
	for _, no := range []string{"HTTP/1.1 500 No\r\n\r\n", strings.Replace(string(response), "Accept: ", "Accept: x", 1), strings.Replace(string(response), "websocket", "h2c", 1),
		strings.Replace(string(response), "\r\n\r\n", "\r\nSec-WebSocket-Extensions: x\r\n\r\n", 1)} {
		c := New(Correct, Client, 7)
		c.Request(epoch, "h:1", "/")
		c.Take()
		_, gone := says(c, []byte(no))
		require.True(t, gone)
		require.NotEmpty(t, c.refusal)
	}
	out, gone := says(New(Correct, Server, 1), []byte("POST / HTTP/1.1\r\n\r\n"))
	require.True(t, gone)
	require.Contains(t, string(out), "HTTP/1.1 400 ")
}

// The RFC's own example (1.3).
func TestAccept(t *testing.T) {
	require.Equal(t, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=", accept("dGhlIHNhbXBsZSBub25jZQ=="))
}

// Timers fire in the order of their times, and then of the calls; a pause keeps back what came with what made it, and all of that.
func TestTimers(t *testing.T) {
	p := New(Correct, Server, 1)
	p.Opened(epoch)
	var fired []string
	for _, row := range []struct {
		after time.Duration
		name  string
	}{{2, "c"}, {1, "a"}, {2, "d"}, {1, "b"}} {
		p.after(row.after, func() { fired = append(fired, row.name) })
	}
	p.Tick(epoch.Add(1))
	require.Equal(t, "ab", strings.Join(fired, ""))
	p.Tick(epoch.Add(2))
	require.Equal(t, "abcd", strings.Join(fired, ""))

	late := *Correct
	late.ping = func(p *Peer, _ []byte) { p.pause(time.Second, func() {}) }
	p = New(&late, Server, 1)
	p.Opened(epoch)
	out, _ := says(p, unhex(t, "81 81 00000000 'a' 89 80 00000000 81 81 00000000 'b' 82 81 00000000"))
	require.Equal(t, "810161", hex.EncodeToString(out))
	require.False(t, p.Reading())
	p.Tick(epoch.Add(time.Second))
	require.True(t, p.Reading())
	p.Receive(epoch.Add(time.Second), []byte{'c'})
	require.Equal(t, "810162"+"820163", hex.EncodeToString(bytes.Join(p.Take(), nil)))
}

// Nothing more is done once TCP is to be closed: neither with what comes, nor when a timer is due.
func TestGone(t *testing.T) {
	dropping := *Correct
	dropping.ping = func(p *Peer, _ []byte) { p.drop() }
	p := New(&dropping, Server, 1)
	p.Opened(epoch)
	p.after(1, func() { p.out = append(p.out, []byte("late")) })
	out, gone := says(p, unhex(t, "89 80 00000000 01 81 00000000 'a'"))
	require.Empty(t, out)
	require.True(t, gone)
	_, waits := p.Due()
	require.False(t, waits)
	p.Tick(epoch.Add(2))
	require.Empty(t, p.Take())
	require.Nil(t, p.message, "the fragment behind the ping was not read")
}
