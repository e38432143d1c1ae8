package autobahn

import (
	"bytes"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/idlewire/idlewire/autobahn/internal/deflate"
	"github.com/idlewire/idlewire/autobahn/internal/testee"
	"github.com/idlewire/idlewire/handshake"
)

// A wrongEnd is an end with something wrong about it, and the cases that have to turn red for that.
type wrongEnd struct {
	name string
	role testee.Role
	in   string // patterns of the cases that are played
	make func(t testing.TB, c *Case) end
	red  string
}

// wrongEnds are at least one for each section and role.
func wrongEnds() []wrongEnd {
	odd := func(name string) *testee.Kind {
		return testee.Odd[slices.IndexFunc(testee.Odd, func(k *testee.Kind) bool { return k.Name == name })]
	}
	// frames is a testee that is odd, with an opening handshake that is not.
	frames := func(name string, role testee.Role, in, red string) wrongEnd {
		return wrongEnd{name, role, in, func(t testing.TB, c *Case) end {
			if c.Opening != nil {
				t.Fatal("a case about the opening handshake")
			}
			return openEnd(odd(name), role)
		}, red}
	}
	server := func(name, red string, spoil func(e *serverEnd)) wrongEnd {
		return wrongEnd{name, testee.Server, "20.*", func(t testing.TB, c *Case) end {
			e := openServer(testee.Correct)
			spoil(e)
			return e
		}, red}
	}
	client := func(name, red string, spoil func(e *clientEnd)) wrongEnd {
		return wrongEnd{name, testee.Client, "20.*", func(t testing.TB, c *Case) end {
			e := openClient(t, testee.Correct)
			spoil(e)
			return e
		}, red}
	}
	forgives := func(name string, forgiven *handshake.Error, red string) wrongEnd {
		return client(name, red, func(e *clientEnd) { e.forgive = func(err error) bool { return err == error(forgiven) } })
	}
	// squeezing is an end with compression, that is wrong about that.
	squeezing := func(name string, role testee.Role, red string, spoil func(e *squeezingEnd)) wrongEnd {
		return wrongEnd{name, role, "26.*", func(t testing.TB, c *Case) end {
			e := openSqueezing(role, c)
			spoil(e)
			return e
		}, red}
	}
	agrees := func(params ...handshake.Param) func(e *squeezingEnd) {
		return func(e *squeezingEnd) {
			e.choose = func(offers []handshake.Extension) []handshake.Extension {
				return []handshake.Extension{{Name: deflate.Name, Params: params}}
			}
		}
	}
	return []wrongEnd{
		squeezing("agrees to whatever is offered, without parameters", testee.Server, "26.1.2 26.1.7-9 26.1.11-13 26.1.17-32 26.5.1-7 26.5.9-10", agrees()),
		squeezing("agrees to client_max_window_bits unasked", testee.Server, "26.1.1-3 26.1.5 26.1.7-33 26.5.1-7 26.5.9-10", agrees(handshake.Param{Name: "client_max_window_bits", Value: "10"})),
		squeezing("agrees to a window of 17 bits", testee.Server, "26.1.1-33 26.3.1-21 26.4.1-10 26.5.1-10 26.6.1-12 26.7.1-14", agrees(handshake.Param{Name: "server_max_window_bits", Value: "17"})),
		squeezing("takes any answer", testee.Client, "26.2.8-17", func(e *squeezingEnd) { e.takes = func(handshake.Extension) bool { return true } }),
		squeezing("compresses with a larger window", testee.Server, "26.5.1-6 26.5.9-10", func(e *squeezingEnd) { e.own = &deflate.Params{} }),
		squeezing("compresses with a larger window", testee.Client, "26.5.1-6 26.5.9-10", func(e *squeezingEnd) { e.own = &deflate.Params{} }),
		squeezing("forgets the messages before", testee.Server, "26.4.1-7 26.4.9", func(e *squeezingEnd) {
			e.own = &deflate.Params{ClientNoContextTakeover: true, ServerNoContextTakeover: true, ServerMaxWindowBits: 8}
		}),
		squeezing("forgets the messages before", testee.Client, "26.4.1-7 26.4.9", func(e *squeezingEnd) {
			e.own = &deflate.Params{ClientNoContextTakeover: true, ServerNoContextTakeover: true, ClientMaxWindowBits: 8}
		}),
		squeezing("looks back 256 octets at most", testee.Server, "26.4.7-8", func(e *squeezingEnd) {
			e.own = &deflate.Params{ClientMaxWindowBits: 8, ServerNoContextTakeover: true, ServerMaxWindowBits: 8}
		}),
		squeezing("takes RSV1 anywhere", testee.Server, "26.6.1-6", func(e *squeezingEnd) { e.lenient = true }),
		squeezing("takes RSV1 anywhere", testee.Client, "26.6.1-6", func(e *squeezingEnd) { e.lenient = true }),
		squeezing("echoes what it could decompress", testee.Server, "26.7.1-9", func(e *squeezingEnd) { e.dirty = true }),

		server("answers a second request though it said close", "20.1.2-20 20.2.1-8 20.2.10-12 20.3.1-7 20.4.1-6 20.4.11-17 20.5.1-13 20.6.1-18 20.7.2-13 20.8.1-6 20.8.9 20.9.1-14 20.9.16-20 20.10.1-10 20.10.13-17 20.12.6-13 20.12.17-21 20.12.23-27", func(e *serverEnd) {
			e.refuse = func(e *serverEnd, err error, _ []byte) {
				e.out = append(e.out, bytes.Repeat(handshake.AppendRefusal(nil, err), 2))
				e.refused = true
			}
		}),
		server("says close and keeps TCP", "20.1.2-20 20.2.1-8 20.2.10-12 20.3.1-7 20.4.1-6 20.4.11-17 20.5.1-13 20.6.1-18 20.7.2-13 20.8.1-6 20.8.9 20.9.1-14 20.9.16-20 20.10.1-10 20.10.13-17 20.12.6-13 20.12.17-21 20.12.23-27", func(e *serverEnd) {
			e.refuse = func(e *serverEnd, err error, _ []byte) { e.out = append(e.out, handshake.AppendRefusal(nil, err)) }
		}),
		server("closes TCP in place of a refusal", "20.1.2-5 20.1.7-8 20.3.1-3 20.3.5-7 20.5.1-13 20.6.1-18", func(e *serverEnd) {
			e.refuse = func(e *serverEnd, err error, _ []byte) { e.refused = true }
		}),
		server("goes silent in place of a refusal", "20.1.2-17 20.2.1-8 20.2.10-12 20.3.1-7 20.4.1-6 20.4.11-17 20.5.1-13 20.6.1-18 20.7.2-13 20.8.1-6 20.8.9 20.9.1-6 20.9.8-9 20.9.11-14 20.9.16-20 20.10.1-10 20.10.13-15 20.12.6-13 20.12.17-21 20.12.23-27", func(e *serverEnd) {
			e.refuse = func(e *serverEnd, err error, _ []byte) {}
		}),
		server("refuses without naming its version", "20.6.3-8", func(e *serverEnd) {
			e.refuse = func(e *serverEnd, err error, _ []byte) {
				e.out = append(e.out, []byte("HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"))
				e.refused = true
			}
		}),
		server("accepts what it should refuse", "20.1.2-9 20.1.11-14 20.1.18-20 20.2.11-12 20.3.1-3 20.3.5-7 20.4.1-6 20.4.12-17 20.5.1-5 20.6.1-3 20.6.7-18 20.7.2-13 20.8.1-4 20.8.6 20.8.9 20.9.1-3 20.9.7 20.9.10 20.9.12 20.10.16-17", func(e *serverEnd) {
			e.refuse = func(e *serverEnd, err error, rest []byte) { e.opens(time.Unix(0, 0), switching(e.raw), nil) }
		}),
		server("answers the key wrongly", "20.1.1 20.2.9 20.4.7-10 20.4.18-23 20.5.14-15 20.7.1 20.8.7-8 20.9.15 20.9.21-25 20.10.11-12 20.11.1-13 20.12.1-5 20.12.14-16 20.12.22", func(e *serverEnd) {
			e.accept = func(b []byte) []byte { return bytes.Replace(b, []byte("Accept: "), []byte("Accept: x"), 1) }
		}),
		server("agrees to an extension that nobody offered", "20.1.1 20.2.9 20.4.7-10 20.4.18-23 20.5.14-15 20.7.1 20.8.7-8 20.9.15 20.9.21-25 20.10.11-12 20.11.1-13 20.12.1-5 20.12.14-16 20.12.22", func(e *serverEnd) {
			e.accept = func(b []byte) []byte {
				return bytes.Replace(b, []byte("\r\n\r\n"), []byte("\r\nSec-WebSocket-Extensions: x-test\r\n\r\n"), 1)
			}
		}),
		server("loses what comes with the request", "20.8.7-8 20.11.9 20.11.11-12", func(e *serverEnd) { e.loses = true }),
		server("wants the request in one read", "20.11.1-7", func(e *serverEnd) { e.whole = true }),

		forgives("does not look at Upgrade", handshake.ErrResponseUpgrade, "20.14.1-4"),
		forgives("does not look at Connection", handshake.ErrResponseConnection, "20.14.6-8"),
		forgives("does not look at Sec-WebSocket-Accept", handshake.ErrResponseAccept, "20.14.11-17 20.14.20"),
		forgives("takes any subprotocol", handshake.ErrResponseSubprotocols, "20.14.30 20.14.32"),
		forgives("takes any extension", handshake.ErrResponseExtensions, "20.14.25-27 20.14.29"),
		client("takes any status", "20.13.2-4", func(e *clientEnd) {
			e.forgive = func(err error) bool { return e.response.Status != 101 }
		}),
		client("loses what comes with the response", "20.13.1 20.13.17-20 20.14.5 20.14.9-10 20.14.21-24 20.14.28 20.15.1 20.15.11 20.16.8-11", func(e *clientEnd) { e.loses = true }),
		client("wants the response in one read", "20.16.1-7", func(e *clientEnd) { e.whole = true }),
		client("keeps TCP when it fails", "20.13.2-16 20.13.21-28 20.14.1-4 20.14.6-8 20.14.11-20 20.14.25-27 20.14.29-32 20.15.2-10 20.15.12-14", func(e *clientEnd) { e.keeps = true }),

		frames("good", testee.Server, "21.* 22.* 27.*", "21.5.1-2 21.5.4-5 21.5.7-8 21.5.10-11 22.1.2 22.1.127 22.2.8 22.3.12-13 22.5.1-3 27.2.1-6 27.2.8 27.5.1-35 27.5.37-38 27.6.3 27.6.6 27.6.9 27.6.12"),
		frames("good", testee.Client, "21.* 22.* 27.*", "21.5.1-2 21.5.4-5 21.5.7-8 21.5.10-11 22.2.8 22.5.1-3 27.2.9-14 27.2.16-17 27.5.1-35 27.5.37-38 27.6.3 27.6.6 27.6.9 27.6.12"),
		frames("no_close_reply", testee.Server, "22.*", "22.1.1-127 22.2.1-8 22.3.1-14 22.3.16-20 22.5.1-3"),
		frames("no_close_reply", testee.Client, "22.*", "22.1.1 22.1.3-126 22.2.4-7 22.3.1-9 22.3.14 22.3.16-20 22.5.1-3"),
		frames("close_reply_keep_tcp", testee.Server, "22.*", "22.1.1-127 22.2.1-8 22.3.1-14 22.3.16-20 22.5.1-3"),
		frames("close_reply_bare", testee.Server, "22.*", "22.3.12-13 22.5.1-3"),
		frames("no_pong", testee.Server, "23.* 24.* 25.*", "23.1.1-6 23.3.1-10 24.2.8 25.1.1-8 25.2.1-47"),
		frames("no_pong", testee.Client, "23.* 24.* 25.*", "23.1.1-6 23.3.1-10 24.2.8 25.1.1-8 25.2.1-47"),
		frames("pong_extra", testee.Server, "23.* 24.*", "23.1.1-6 23.2.1-4 23.3.1-11 24.1.1-7 24.2.1-3 24.2.6-9"),
		frames("silent", testee.Server, "21.* 22.* 23.* 24.* 25.* 27.*", "21.1.1-15 21.2.1-19 21.3.1-12 21.5.1-11 22.1.1-127 22.2.1-8 22.3.1-14 22.3.16-20 23.1.1-6 23.1.8-9 23.2.1-4 23.3.1-11 24.1.1-7 24.2.1-3 24.2.6-9 25.1.1-8 25.2.1-47 27.1.1-21 27.2.1-8 27.3.1-21 27.4.1-17 27.5.1-38 27.6.1-12"),
		frames("swap_content", testee.Server, "21.* 24.* 27.*", "21.1.2-15 21.2.1-13 21.2.15-18 21.5.1-2 21.5.4-5 21.5.7-8 21.5.10-11 24.1.1-3 24.1.5-7 24.2.1-3 24.2.6-9 27.1.1-21 27.2.1-6 27.2.8 27.3.1-21 27.4.1-17 27.5.1-38 27.6.1-12"),
		frames("swap_content", testee.Client, "21.* 24.* 27.*", "21.1.2-15 21.2.1-13 21.2.15-18 21.5.1-2 21.5.4-5 21.5.7-8 21.5.10-11 24.1.1-3 24.1.5-7 24.2.1-3 24.2.6-9 27.2.9-14 27.2.16-17 27.3.1-21 27.4.1-17 27.5.1-38 27.6.1-12"),
		{"loses reads of one octet", testee.Server, "22.3.* 25.* 23.*", func(t testing.TB, c *Case) end { return &lossyEnd{openEnd(testee.Correct, testee.Server)} }, "22.3.17 22.3.20 23.3.10 25.1.2-4 25.2.1 25.2.47"},
		{"loses reads of one octet", testee.Client, "22.3.* 25.* 23.*", func(t testing.TB, c *Case) end { return &lossyEnd{openEnd(testee.Correct, testee.Client)} }, "22.3.17 22.3.20 23.3.10 25.1.2-3 25.2.1 25.2.29"},
		{"answers what was cut off", testee.Server, "22.4.*", func(t testing.TB, c *Case) end { return &hastyEnd{openEnd(testee.Correct, testee.Server)} }, "22.4.1-4 22.4.6 22.4.12 22.4.24"},
	}
}

// switching is the 101 for a request, however bad.
func switching(raw string) []byte {
	_, key, _ := strings.Cut(raw, "Sec-WebSocket-Key: ")
	key, _, _ = strings.Cut(key, "\r\n")
	return appendSwitch(nil, key, "")
}

// A lossyEnd does not see reads of one octet.
type lossyEnd struct{ end }

func (e *lossyEnd) Receive(now time.Time, b []byte) {
	if len(b) != 1 {
		e.end.Receive(now, b)
	}
}

// A hastyEnd takes what it has for a text when TCP ends.
type hastyEnd struct{ end }

func (e *hastyEnd) End(now time.Time) {
	e.Receive(now, []byte("\x81\x80\x00\x00\x00\x00"))
	e.end.End(now)
}
