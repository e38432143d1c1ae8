package netpoll

import (
	"strings"

	"github.com/idlewire/idlewire/frame"
)

// What clients do wrong.

const fields = "Host: sim.example\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"

// badRequests are opening handshakes that must be refused, with the status (V12, V32, V45, V47, V81). The path is refused as well, in case.
var badRequests = []struct {
	status int
	text   string
}{
	{405, "POST /c/$ HTTP/1.1\r\n" + fields + "\r\n"},
	{505, "GET /c/$ HTTP/1.0\r\n" + fields + "\r\n"},
	{400, "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n"},
	{400, "GET /c/$ HTTP/1.1\r\nHost: sim.example\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n\r\n"},
	{400, "GET /c/$ HTTP/1.1\r\nHost: sim.example\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25j\r\nSec-WebSocket-Version: 13\r\n\r\n"},
	{400, "GET /c/$ HTTP/1.1\r\nHost: sim.example\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: **************==\r\nSec-WebSocket-Version: 13\r\n\r\n"},
	{400, "GET /c/$ HTTP/1.1\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n" + fields + "\r\n"},
	{426, "GET /c/$ HTTP/1.1\r\nHost: sim.example\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 8\r\n\r\nGET /c/$ HTTP/1.1\r\n" + fields + "\r\n"},
	{403, "GET /c/$ HTTP/1.1\r\nOrigin: https://evil.example\r\n" + fields + "\r\n"},
	{400, "GET /c/$ HTTP/1.1\r\nContent-Length: 5\r\n" + fields + "\r\nhello"},
	{431, "GET /c/$ HTTP/1.1\r\n" + strings.Repeat("X: y\r\n", 101) + fields + "\r\n"},
	{431, "GET /c/$ HTTP/1.1\r\nX: " + strings.Repeat("y", 5000) + "\r\n" + fields + "\r\n"},
	{414, "GET /c/$?" + strings.Repeat("y", 5000) + " HTTP/1.1\r\n" + fields + "\r\n"},
}

// A violation is one way to break the rules, and the code that it earns.
type violation struct {
	code frame.CloseCode
	make func(c *client)
}

func raw(octets string) func(*client) { return func(c *client) { c.put([]byte(octets)) } }

// violations are V01, V02, V08, V13 to V15, V20, V53 to V56, V61 and V63, from the loop's side. The octets have the masking key zero.
var violations = []violation{
	{1002, raw("\x81\x05hello")},                                                                     // not masked
	{1002, raw("\x91\x81\x00\x00\x00\x00a")},                                                         // RSV3: nobody negotiates that
	{1002, raw("\x83\x80\x00\x00\x00\x00")},                                                          // a reserved opcode
	{1002, raw("\x09\x80\x00\x00\x00\x00")},                                                          // a fragmented ping
	{1002, raw("\x89\xfe\x00\xc8\x00\x00\x00\x00")},                                                  // a ping of 200 octets
	{1002, raw("\x80\x82\x00\x00\x00\x00\xff\xfe")},                                                  // nothing to continue
	{1002, raw("\x01\x81\x00\x00\x00\x00a\x81\x81\x00\x00\x00\x00b")},                                // a message within a message
	{1002, raw("\x82\xff\x80\x00\x00\x00\x00\x00\x00\x01\x00\x00\x00\x00")},                          // bit 63
	{1002, raw("\x82\xfe\x00\x05\x00\x00\x00\x00hello")},                                             // not the shortest length
	{1002, raw("\x88\x81\x00\x00\x00\x00\x03")},                                                      // half a code
	{1002, raw("\x88\x82\x00\x00\x00\x00\x03\xed")},                                                  // 1005
	{1007, raw("\x88\x83\x00\x00\x00\x00\x03\xe8\xff")},                                              // a reason that is not UTF-8
	{1007, raw("\x81\x82\x00\x00\x00\x00a\xff")},                                                     // a text that is not
	{1007, raw("\x01\x81\x00\x00\x00\x00\xe2\x80\x81\x00\x00\x00\x00a")},                             // cut in a character
	{1009, raw("\x82\xff\x00\x00\x00\x00\x7f\xff\xff\xff\x00\x00\x00\x00")},                          // 2 GiB, announced
	{1009, raw("\x02\x81\x00\x00\x00\x00a\x80\xff\x00\x00\x00\x04\x00\x00\x00\x00\x00\x00\x00\x00")}, // 16 GiB to come
	{1008, func(c *client) {
		c.put([]byte("\x01\x80\x00\x00\x00\x00"))
		for range c.sim.maxFragments + 2 {
			c.put([]byte("\x00\x80\x00\x00\x00\x00"))
		}
	}},
	{1008, func(c *client) {
		for range c.sim.controlBurst + 64 { // what it is forgiven meanwhile does not help
			c.put([]byte("\x89\xfd\x00\x00\x00\x00" + ballast[:125]))
		}
	}},
}

// deflateViolations are what only who has compression can do wrong (V22, V25, V28).
var deflateViolations = []violation{
	{1002, raw("\x41\x81\x00\x00\x00\x00\x00\xc0\x81\x00\x00\x00\x00\x00")}, // RSV1 on a continuation
	{1002, raw("\xc9\x80\x00\x00\x00\x00")},                                 // and on a ping
	{1007, raw("\xc1\x82\x00\x00\x00\x00\x06\x00")},                         // no DEFLATE
	{1007, raw("\xc2\x83\x00\x00\x00\x00\xf2\x48\xcd")},                     // cut short
	{1007, raw("\x41\x87\x00\x00\x00\x00\x00\x01\x00\xfe\xff\xff\x00")},     // a text that is not UTF-8, not ended
	{1009, raw("\xc2\xff\x00\x00\x00\x04\x00\x00\x00\x00\x00\x00\x00\x00")}, // 16 GiB, announced
	{1009, func(c *client) { c.bomb(c.sim.big + 1) }},
	{1009, func(c *client) { c.bomb(c.sim.big * 100) }},
}

// bomb sends a compressed message of so many octets, which refers to no other.
func (c *client) bomb(size int) {
	z, ok := c.proto.Compressor.Alone().Compress(nil, make([]byte, max(size, 200)))
	if !ok {
		c.sim.fail("zeros that do not shrink")
	}
	c.rsv = frame.Rsv1
	c.frame(frame.Binary, true, z)
	c.rsv = 0
}
