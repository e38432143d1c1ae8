package netpoll

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/idlewire/idlewire/frame"
)

// The sessions that the three drivers play: see twin_test.go.

// Frames as a client sends them. The key is zero where it does not matter, so that rows stay legible.

func framed(op frame.Opcode, fin bool, payload string) string {
	return string(frame.Append(nil, frame.Header{Opcode: op, Fin: fin, Masked: true, Key: 0xa1b2c3d4, Length: int64(len(payload))}, []byte(payload)))
}

func text(s string) string        { return framed(frame.Text, true, s) }
func binaryFrame(s string) string { return framed(frame.Binary, true, s) }
func ping(s string) string        { return framed(frame.Ping, true, s) }

func closing(code frame.CloseCode, reason string) string {
	if code == frame.CloseNoStatus {
		return framed(frame.Close, true, "")
	}
	return framed(frame.Close, true, string([]byte{byte(code >> 8), byte(code)})+reason)
}

// asks is an opening handshake with header lines added or, with an empty value, taken away.
func asks(requestLine string, headers ...string) string {
	h := [][2]string{{"Host", "example.com"}, {"Upgrade", "websocket"}, {"Connection", "Upgrade"}, {"Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="}, {"Sec-WebSocket-Version", "13"}}
	b := requestLine + "\r\n"
	for _, line := range headers {
		name, value, _ := strings.Cut(line, ": ")
		for i := range 5 {
			if h[i][0] == name {
				h[i][1] = ""
			}
		}
		if value != "" {
			h = append(h, [2]string{name, value})
		}
	}
	for _, l := range h {
		if l[1] != "" {
			b += l[0] + ": " + l[1] + "\r\n"
		}
	}
	return b + "\r\n"
}

const (
	plain  = "GET /chat HTTP/1.1"
	agreed = "101 Sec-WebSocket-Accept=s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
)

// A twinRow is one session of a client with the program. The client sends the request, unless it is empty, and then does what play says.
type twinRow struct {
	name    string
	request string
	play    func(c *twinClient)
	client  string // what the client sees, lines parted by "; "
	server  string // what the program sees; empty: no connection was opened
	http    string // what the client of the blocking driver sees, where net/http answers for itself
	octets  string // of a breach, what breaks
	many    bool   // what the program sees is to be taken once for any number of times in a row
	whole   bool   // is not cut into octets: too long, or a matter of time
}

// answered plays the usual beginning: the request, frames behind it, and all that comes back.
func sends(b string) func(*twinClient) {
	return func(c *twinClient) {
		c.response()
		c.send(b)
		c.frames(-1)
	}
}

func long(n int) string { return strings.Repeat("0123456789abcdef", n/16+1)[:n] }

var bye = closing(1000, "bye")

var twinRows = []twinRow{
	// The opening handshake.
	{name: "4.2 handshake", request: asks(plain), play: sends(bye), client: agreed + "; close 1000; ended", server: `open /chat; close: peer 1000 "bye"`},
	{name: "V42 frames in the segment of the request", request: asks(plain) + text("early") + ping("bird") + bye, play: sends(""),
		client: agreed + `; text "early"; pong "bird"; close 1000; ended`, server: `open /chat; text "early"; close: peer 1000 "bye"`},
	{name: "4.2.2 subprotocol", request: asks(plain, "Sec-WebSocket-Protocol: x, soap, chat"), play: sends(bye),
		client: agreed + ` Sec-WebSocket-Protocol=soap; close 1000; ended`, server: `open /chat; close: peer 1000 "bye"`},
	{name: "4.2.1 no key", request: asks(plain, "Sec-WebSocket-Key: "), play: sends(""), client: "400; ended"},
	{name: "4.2.1 key of 15 octets", request: asks(plain, "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAA"), play: sends(""), client: "400; ended"},
	{name: "4.4 version", request: asks(plain, "Sec-WebSocket-Version: 8"), play: sends(""), client: "426 Sec-WebSocket-Version=13; ended"},
	{name: "V47 version, and a request behind it", whole: true, request: asks(plain, "Sec-WebSocket-Version: 8") + "GET /secret HTTP/1.1\r\nHost: example.com\r\n\r\n", play: sends(""),
		client: "426 Sec-WebSocket-Version=13; ended"},
	{name: "4.1 no GET", request: asks("POST /chat HTTP/1.1"), play: sends(""), client: "405 Allow=GET; ended"},
	{name: "4.1 no upgrade", request: asks(plain, "Upgrade: "), play: sends(""), client: "426 Sec-WebSocket-Version=13; ended"},
	{name: "V45 origin", request: asks(plain, "Origin: http://evil.example"), play: sends(""), client: "403; ended"},
	{name: "4.2.2 hook refuses", request: asks("GET /gone HTTP/1.1"), play: sends(""), client: `410 X-Program=yes; body "it was here"; ended`},
	{name: "4.2.2 hook panics", request: asks("GET /hook-panics HTTP/1.1"), play: sends(""), client: "500; ended", http: "no response: ended; ended"},
	{name: "V32 too many headers", request: asks(plain, strings.Split(strings.Repeat("X-A: 1,", 100)+"X-A: 1", ",")...), play: sends(""), client: "431; ended"},
	{name: "cut request", play: func(c *twinClient) {
		c.send(asks(plain)[:60])
		_ = c.nc.CloseWrite()
		c.response()
	}, client: "no response: ended", http: "400"},
	{name: "V43 slow request", whole: true, play: func(c *twinClient) {
		c.send(asks(plain)[:60])
		c.response()
	}, client: "no response: ended", http: "400"},

	// Messages.
	{name: "5.6 sizes", whole: true, request: asks(plain), play: func(c *twinClient) {
		c.response()
		for _, n := range []int{0, 1, 125, 126, 511, 512, 513, 65535, 65536, 1 << 20} {
			c.send(text(long(n)))
			c.frames(1)
			c.send(binaryFrame(long(n)))
			c.frames(1)
		}
		c.send(bye)
		c.frames(-1)
	}, client: agreed + "; " + both(0, 1, 125, 126, 511, 512, 513, 65535, 65536, 1<<20) + "; close 1000; ended",
		server: "open /chat; " + both(0, 1, 125, 126, 511, 512, 513, 65535, 65536, 1<<20) + `; close: peer 1000 "bye"`},
	{name: "5.4 fragments with pings between", request: asks(plain),
		play:   sends(framed(frame.Text, false, "one ") + ping("") + framed(frame.Continuation, false, "") + ping("x") + framed(frame.Continuation, true, "two") + bye),
		client: agreed + `; pong ""; pong "x"; text "one two"; close 1000; ended`, server: `open /chat; text "one two"; close: peer 1000 "bye"`},
	{name: "many in one segment", request: asks(plain), play: sends(strings.Repeat(text("again"), 300) + bye),
		client: agreed + strings.Repeat(`; text "again"`, 300) + "; close 1000; ended", server: "open /chat" + strings.Repeat(`; text "again"`, 300) + `; close: peer 1000 "bye"`},
	{name: "5.5.2 pings", request: asks(plain), play: sends(ping("") + ping("a") + ping(long(125)) + framed(frame.Pong, true, "unasked") + bye),
		client: agreed + `; pong ""; pong "a"; pong ` + shown([]byte(long(125))) + "; close 1000; ended", server: `open /chat; close: peer 1000 "bye"`},
	{name: "8.1 text in pieces of a rune", request: asks(plain), play: sends(framed(frame.Text, false, "\xf0\x9f") + framed(frame.Continuation, true, "\x98\x80") + bye),
		client: agreed + "; text \"\U0001f600\"; close 1000; ended", server: "open /chat; text \"\U0001f600\"; close: peer 1000 \"bye\""},

	// Closing.
	{name: "7.1.5 peer closes without a code", request: asks(plain), play: sends(closing(frame.CloseNoStatus, "")), client: agreed + "; close 1005; ended", server: `open /chat; close: peer 1005 ""`},
	{name: "7.4.2 peer closes with 4999", request: asks(plain), play: sends(closing(4999, "")), client: agreed + "; close 4999; ended", server: `open /chat; close: peer 4999 ""`},
	{name: "5.5.1 frames after the peer's close", whole: true, request: asks(plain), play: sends(bye + text("too late") + "\xff\xff\xff\xff"),
		client: agreed + "; close 1000; ended", server: `open /chat; close: peer 1000 "bye"`},
	{name: "7.1.2 program closes", request: asks(plain), play: func(c *twinClient) {
		c.response()
		c.send(text("close"))
		c.frames(1)
		c.send(text("too late") + closing(4001, ""))
		c.frames(-1)
	}, client: agreed + "; close 4001; ended", server: `open /chat; text "close"; close: peer 4001 ""`},
	{name: "7.1.2 both close", request: asks(plain), play: sends(text("close") + bye), client: agreed + "; close 4001; ended", server: `open /chat; text "close"; close: peer 1000 "bye"`},
	{name: "V69 program closes, peer does not answer", whole: true, request: asks(plain), play: sends(text("close")),
		client: agreed + "; close 4001; ended", server: `open /chat; text "close"; close: no answer to close`},
	{name: "program cuts off", request: asks(plain), play: sends(text("abort")), client: agreed + "; ended", server: `open /chat; text "abort"; close: closed`},
	{name: "F22 program panics", request: asks(plain), play: func(c *twinClient) {
		c.response()
		c.send(text("panic"))
		c.frames(1)
		c.send(closing(1011, ""))
		c.frames(-1)
	}, client: agreed + "; close 1011; ended", server: `open /chat; text "panic"; close: panic`},
	{name: "F17 shutdown", request: asks(plain), play: func(c *twinClient) {
		c.response()
		c.send(text("hello"))
		c.frames(1)
		done := make(chan error, 1)
		go func() { done <- c.prog.shutdown() }()
		c.frames(1)
		c.send(closing(1001, ""))
		c.frames(-1)
		c.nc.Close()
		require.NoError(c.t, <-done)
	}, client: agreed + `; text "hello"; close 1001; ended`, server: `open /chat; text "hello"; close: peer 1001 ""`},

	// Breaches. What came before is delivered, and nothing after.
	breach("5.1 not masked", "\x81\x01a", 1002),
	breach("5.2 reserved bit", "\xc1\x81aaaaa", 1002),
	breach("5.2 reserved opcode", "\x83\x80aaaa", 1002),
	breach("5.5 ping in fragments", "\x09\x80aaaa", 1002),
	breach("5.5 ping of 126 octets", "\x89\xfe\x00\x7eaaaa"+long(126), 1002),
	breach("5.2 length not minimal", "\x82\xfe\x00\x05aaaa"+long(5), 1002),
	breach("V01 length with its highest bit", "\x82\xff\x80\x00\x00\x00\x00\x00\x00\x01aaaa", 1002),
	breach("V01 length of all octets there are", "\x82\xff\x7f\xff\xff\xff\xff\xff\xff\xffaaaa", 1009),
	breach("too big by one", "\x82\xff\x00\x00\x00\x00\x00\x10\x00\x01aaaa", 1009),
	breach("too big in fragments", framed(frame.Binary, false, long(1<<19))+framed(frame.Continuation, false, long(1<<19))+framed(frame.Continuation, true, "x"), 1009).notCut(),
	breach("V15 fragments without end", framed(frame.Text, false, "")+strings.Repeat(framed(frame.Continuation, false, ""), 2000), 1008).notCut(),
	breach("V54 continuation of nothing", framed(frame.Continuation, true, "x"), 1002),
	breach("5.4 message inside a message", framed(frame.Text, false, "x")+text("y"), 1002),
	breach("8.1 not UTF-8", text("\xc3\x28"), 1007),
	breach("8.1 not UTF-8, at the first octet that shows it", "\x81\xfe\xff\xff\x00\x00\x00\x00\xc0", 1007),
	breach("8.1 text ends inside a rune", framed(frame.Text, false, "\xe2\x82")+framed(frame.Continuation, true, ""), 1007),
	breach("V08 close of one octet", framed(frame.Close, true, "\x03"), 1002),
	breach("7.4.1 close with 1005", closing(1006, ""), 1002),
	breach("7.4.2 close with 999", closing(999, ""), 1002),
	breach("5.5.1 close with a reason that is not UTF-8", closing(1000, "\xff"), 1007),
	{name: "V61 control frames without end", whole: true, request: asks(plain), play: func(c *twinClient) {
		c.response()
		c.send(strings.Repeat(ping(""), 2000))
		c.frames(-1)
		// 5.5.3: not every ping has to be answered, so the number is each driver's own.
		pongs := 0
		c.lines = slices.DeleteFunc(c.lines, func(l string) bool {
			if l != `pong ""` {
				return false
			}
			pongs++
			return true
		})
		require.LessOrEqual(c.t, pongs, 200)
	}, client: agreed + "; close 1008; ended", server: "open /chat; close: breach 1008"},
	breach("breach and more behind it", framed(frame.Continuation, true, "x")+text(long(3000))+bye, 1002),

	// The transport.
	{name: "E18 half-close", request: asks(plain), play: func(c *twinClient) {
		c.response()
		c.send(text("last words"))
		_ = c.nc.CloseWrite()
		c.frames(-1)
	}, client: agreed + `; text "last words"; ended`, server: `open /chat; text "last words"; close: ended`},
	{name: "E18 half-close inside a message", request: asks(plain), play: func(c *twinClient) {
		c.response()
		c.send(text("whole") + text("in part")[:9])
		_ = c.nc.CloseWrite()
		c.frames(-1)
	}, client: agreed + `; text "whole"; ended`, server: `open /chat; text "whole"; close: ended`},
	{name: "F04 reset", request: asks(plain), play: func(c *twinClient) {
		c.response()
		c.send(text("hello"))
		c.frames(1)
		_ = c.nc.SetLinger(0)
		c.nc.Close()
	}, client: agreed + `; text "hello"`, server: `open /chat; text "hello"; close: reset`},
	{name: "E17 peer writes and does not read", whole: true, request: asks(plain), play: func(c *twinClient) {
		c.response()
		_ = c.nc.SetReadBuffer(128 << 10)
		_ = c.nc.SetWriteBuffer(128 << 10)
		b := binaryFrame(long(64 << 10))
		sent := untilStalled(4096, func() error {
			_, err := io.WriteString(c.nc, b)
			return err
		}, func() { c.send(bye) }, func() { c.frames(-1) })
		if sent == 4096 {
			c.add("it was never felt")
		}
		if got := len(c.lines) - 3; got != sent { // the response, the close, the end
			c.add("%d messages of %d", got, sent)
		}
		c.lines = slices.Compact(c.lines)
	}, client: agreed + "; binary " + shown([]byte(long(64<<10))) + "; close 1000; ended", many: true,
		server: "open /chat; binary " + shown([]byte(long(64<<10))) + `; close: peer 1000 "bye"`},
}

// untilStalled calls send, at most so many times, until it has not returned for a while. Only then it calls read, at the same time as send
// returns, if it does, and as last is called. It returns how often send has returned nil, when all have returned.
func untilStalled(most int, send func() error, last, read func()) (sent int) {
	var n atomic.Int64
	var enough atomic.Bool
	done := make(chan bool)
	go func() {
		defer close(done)
		for n.Load() < int64(most) && !enough.Load() {
			if send() != nil {
				return
			}
			n.Add(1)
		}
		last()
	}()
	for before := int64(-1); before != n.Load(); {
		before = n.Load()
		<-time.After(250 * time.Millisecond)
	}
	enough.Store(true)
	read()
	<-done
	return int(n.Load())
}

// breach is a row in which a message, a breach, and the end follow one another.
func breach(name, bad string, code frame.CloseCode) twinRow {
	return twinRow{name: name, octets: bad, request: asks(plain), play: sends(text("before") + bad), client: agreed + fmt.Sprintf(`; text "before"; close %d; ended`, code),
		server: fmt.Sprintf(`open /chat; text "before"; close: breach %d`, code)}
}

func (r twinRow) notCut() twinRow {
	r.whole = true
	return r
}

// both is the trace of a text and a binary message of each length.
func both(lengths ...int) string {
	var lines []string
	for _, n := range lengths {
		s := shown([]byte(long(n)))
		lines = append(lines, "text "+s, "binary "+s)
	}
	return strings.Join(lines, "; ")
}
