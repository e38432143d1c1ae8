package autobahn

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// greet begins a case for servers that sends a request with testKey.
func greet(c *Case) *talk {
	c.Opening.Key = testKey
	t := &talk{session: newSession(c, true, DefaultOptions(), func() uint32 { return 0 }), clock: time.Unix(0, 0)}
	t.greet = &opener{Opening: c.Opening, target: testTarget, host: testHost, more: "Origin: http://a.example\r\n"}
	t.begin(t.clock)
	t.sent = t.wire()
	return t
}

func TestOpenerSays(t *testing.T) {
	c := withFill(opens("4.2.1", "T", "E", asks(with("X-Test: {fill}")), openIt()), "ab", 3)
	s := greet(c)
	require.Equal(t, "GET /test?a=b HTTP/1.1\r\nHost: test.example:9001\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: "+testKey+
		"\r\nSec-WebSocket-Version: 13\r\nX-Test: aba\r\nOrigin: http://a.example\r\n\r\n", string(s.sent))
	require.Equal(t, string(s.sent), s.r.HTTPRequest)
	a, b := greet(opens("4.2.1", "T", "E", asks(), openIt())), greet(opens("4.2.1", "T", "E", asks(), openIt()))
	a.greet.Key, b.greet.Key = "", ""
	a.beginOpener()
	b.beginOpener()
	require.NotEqual(t, string(a.wire()), string(b.wire()), "a fresh key each time")
}

// What a server answers, what happens then, and the verdicts; and that it does not matter how the answer is cut.
func TestOpenerAnswers(t *testing.T) {
	good := "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: " + acceptOf(testKey) + "\r\n\r\n"
	const no = "HTTP/1.1 400 Bad Request\r\nContent-Length: 2\r\n\r\nno"
	const last = "HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Length: 2\r\n\r\nno"
	const bare = "HTTP/1.1 426 Upgrade Required\r\nContent-Length: 0\r\n\r\n"
	const named = "HTTP/1.1 426 Upgrade Required\r\nSec-WebSocket-Version: 8, 13\r\nContent-Length: 0\r\n\r\n"
	const hello = "\x81\x05Hello"
	accept := opens("4.2.1", "T", "E", asks(), openIt())
	refuse := opens("4.2.1", "T", "E", asks(), rejectIt())
	other := opens("4.2.2", "T", "E", asks(), []Answer{{Verdict: OK, Kind: Refuses, Lowest: 400, Highest: 499, Header: "Sec-WebSocket-Version: 13"}})
	twice := opens("4.2.2", "T", "E", asks(), append(rejectIt(), answers(NonStrict, "why", Answer{Kind: Twice})))
	never := opens("10.4", "T", "E", asks(), neverMind())
	head := opens("4.2.1", "T", "E", asks(line("HEAD {target} HTTP/1.1")), rejectIt())
	for _, row := range []struct {
		name   string
		c      *Case
		answer string
		closes bool // the server closes TCP then; else time passes
		v, end Verdict
	}{
		{"accepts, and echoes", accept, good + hello, false, OK, Unclean}, // it never answers the Close
		{"accepts, with a status before", accept, "HTTP/1.1 100 Continue\r\n\r\n" + good + hello + "\x88\x02\x03\xe8", true, OK, OK},
		{"accepts, and is silent", accept, good, false, Failed, Unclean},
		{"accepts, and closes", accept, good, true, Failed, Failed},
		{"accepts what it must refuse", refuse, good + hello, false, Failed, Failed},
		{"refuses", refuse, no, false, OK, OK},
		{"refuses, and closes", refuse, no, true, OK, OK},
		{"refuses, says that it closes, and does", refuse, last, true, OK, OK},
		{"refuses, says that it closes, and does not", refuse, last, false, OK, Unclean},
		{"refuses what it must accept", accept, no, true, Failed, Failed},
		{"refuses, and its body ends with TCP", refuse, "HTTP/1.1 400 Bad Request\r\n\r\nno", true, OK, OK},
		{"refuses, and its body does not end", refuse, "HTTP/1.1 400 Bad Request\r\n\r\nno", false, OK, Unclean},
		{"refuses, and its body is cut short", refuse, "HTTP/1.1 400 Bad Request\r\nContent-Length: 9\r\n\r\nno", true, OK, OK},
		{"refuses, and waits in its body", refuse, "HTTP/1.1 400 Bad Request\r\nContent-Length: 9\r\n\r\nno", false, Failed, Failed},
		{"refuses in chunks", refuse, "HTTP/1.1 400 Bad Request\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nno\r\n0\r\n\r\n", false, OK, OK},
		{"refuses with no error", refuse, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", true, NonStrict, OK},
		{"refuses without the header", other, bare, true, Failed, Failed},
		{"refuses with the header", other, named, true, OK, OK},
		{"answers twice", twice, no + no, false, NonStrict, OK},
		{"answers twice where that is wrong", refuse, no + no, false, Failed, Failed},
		{"answers twice though it said close", twice, last + no, true, Failed, Failed},
		{"answers with frames behind a refusal", twice, no + "\x88\x02\x03\xea", true, Failed, Failed},
		{"answers HEAD", head, "HTTP/1.1 405 Method Not Allowed\r\nContent-Length: 2\r\n\r\n", false, OK, OK},
		{"answers HEAD with a body", head, no, true, Failed, Failed},
		{"drops", refuse, "", true, NonStrict, OK},
		{"drops where it must not", accept, "", true, Failed, Failed},
		{"waits", never, "", false, NonStrict, OK},
		{"waits where it must not", refuse, "", false, Failed, Failed},
		{"stops in the middle", refuse, "HTTP/1.1 400", false, Failed, Failed},
		{"stops in the middle, and closes", refuse, "HTTP/1.1 400", true, Failed, Failed},
		{"does not speak HTTP", refuse, "\x88\x02\x03\xea\r\n\r\n", true, Failed, Failed},
		{"speaks HTTP/2", refuse, "HTTP/2.0 400 Bad Request\r\n\r\n", true, Failed, Failed},
		{"has no end of lines", refuse, "HTTP/1.1 400 Bad Request\r\n" + strings.Repeat("a", maxAnswer), false, Failed, Failed},
		{"has a long body", refuse, "HTTP/1.1 400 Bad Request\r\nContent-Length: 999999\r\n\r\n" + strings.Repeat("a", maxAnswer), false, OK, OK},
		{"no Upgrade", accept, strings.Replace(good, "Upgrade: websocket\r\n", "", 1), false, Failed, Failed},
		{"no Connection", accept, strings.Replace(good, "Connection: Upgrade\r\n", "", 1), false, Failed, Failed},
		{"the wrong accept", accept, strings.Replace(good, acceptOf(testKey), acceptOf("x"), 1), false, Failed, Failed},
		{"two accepts", accept, strings.Replace(good, "\r\n\r\n", "\r\nSec-WebSocket-Accept: "+acceptOf(testKey)+"\r\n\r\n", 1), false, Failed, Failed},
		{"a subprotocol", accept, strings.Replace(good, "\r\n\r\n", "\r\nSec-WebSocket-Protocol: chat\r\n\r\n", 1), false, Failed, Failed},
		{"an extension", accept, strings.Replace(good, "\r\n\r\n", "\r\nSec-WebSocket-Extensions: x\r\n\r\n", 1), false, Failed, Failed},
	} {
		t.Run(row.name, func(t *testing.T) {
			for _, size := range []int{len(row.answer) + 1, 1, 7} {
				if size < 10 && len(row.answer) > 10_000 {
					continue
				}
				s := greet(row.c)
				for b := []byte(row.answer); len(b) > 0 && s.drop == keep; {
					n := min(size, len(b))
					s.receive(s.clock, b[:n])
					b = b[n:]
				}
				if !row.closes {
					s.waits(time.Minute)
					require.NotEqual(t, keep, s.drop, "the runner ends it")
				}
				r := s.ends()
				require.Equal(t, []Verdict{row.v, row.end}, []Verdict{r.Behavior, r.BehaviorClose}, "%s; %s", r.Reason, r.ReasonClose)
				require.NotEmpty(t, r.Reason)
			}
		})
	}
}

// Frames that go in one write with the request are behind it.
func TestOpenerFrames(t *testing.T) {
	c := withFrames(opens("4.1", "T", "E", asks(), openIt()), []Step{text("Hi"), closing(1000, "")}, closedAfter(codes(1000), text("Hi")))
	s := newSession(c, true, DefaultOptions(), func() uint32 { return 0 })
	s.greet = &opener{Opening: c.Opening, target: testTarget, host: testHost}
	s.begin(time.Unix(0, 0))
	out := s.take()
	require.Len(t, out, 1)
	_, frames, _ := strings.Cut(string(out[0].data), "\r\n\r\n")
	require.Equal(t, "\x81\x82\x00\x00\x00\x00Hi\x88\x82\x00\x00\x00\x00\x03\xe8", frames)

	c.Opening.Last, c.Opening.Frames = 3, nil
	s = newSession(c, true, DefaultOptions(), func() uint32 { return 0 })
	s.greet = &opener{Opening: c.Opening, target: testTarget, host: testHost}
	s.begin(time.Unix(0, 0))
	p := pieces(s.take()[0])
	require.Len(t, p, 2)
	require.Equal(t, "\n\r\n", string(p[1]))
}
