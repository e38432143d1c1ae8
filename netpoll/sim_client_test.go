package netpoll

import (
	"math"
	"strconv"
	"strings"

	"github.com/idlewire/idlewire/conn"
	"github.com/idlewire/idlewire/deflate"
	"github.com/idlewire/idlewire/frame"
	"github.com/idlewire/idlewire/handshake"
)

// A client is the far end of one simulated connection, and what the world knows of both ends. What it does is drawn from the seed: how it
// opens, what it says, how it reads, how it ends. Every data message, in either direction, is made from the client's number and the message's
// own, so that either end can make it again and compare.
type client struct {
	sim    *sim
	id     uint32
	s      *sock
	offers *deflate.Options // nil: it offers no compression
	at     int64            // time of its next action

	opening opening_
	server  conduct // what the server's handler does
	fate    fate
	cutAt   int64 // after so many octets the fate strikes; < 0: when all is said
	reads   reading
	pause   int64 // nanoseconds it takes between two actions, at most
	piece   int   // octets it sends or receives at once, at most
	slow    bool  // it began with a pause
	silent  bool  // does not answer pings
	rude    bool  // does not answer closes

	out    queue   // what it has yet to send
	pushed int64   // octets sent
	made   int64   // octets ever put into out
	want   int     // data messages it means to send
	sent   uint32  // data messages put into out
	ends   []int64 // where in the stream the data messages end
	close  int64   // where in the stream its Close ends; 0: none
	code   frame.CloseCode
	closed bool // it has made its Close
	broken bool // it breaks the rules
	told   bool // its fate has struck
	rsv    byte // of the next frame

	proto    conn.Protocol
	answer   []byte // the response, until it is whole
	open     bool   // it has seen the 101
	refusal  int    // it has seen another status
	received uint32 // data messages
	pongs    uint32 // numbers of pings answered so far
	pings    uint32 // pings sent
	farewell frame.CloseCode
	deaf     bool // it has stopped to read: the fate, or the reading
	ended    bool // it has read the end, clean or reset
	gone     bool // nothing more will happen

	// The server's side of it.
	c         *Conn
	opened    int
	mute      bool // it has no handler: Open gave none, or panicked
	done      int  // calls of Close
	err       error
	delivered uint32
	accepted  uint32 // messages that Write has taken
	codes     []frame.CloseCode
	closeAt   int64 // loop time at which the server's program called Close; 0: not
	killed    bool  // CloseNow
	full      bool  // ErrQueueFull
	panicked  bool
	blamed    bool // a fault was put on its socket
	long      bool // its queue has grown above the soft limit, and Drained is due
}

type opening_ uint8

const (
	openWhole opening_ = iota
	openPipelined
	openDribbled
	openSlow
	openNever
	openBad
	openRefused
	openings
)

type fate uint8

const (
	fateClose    fate = iota // says Close and waits
	fateStay                 // waits for the server to say it
	fateCloseFin             // says Close, and FIN, and reads on
	fateFin                  // FIN alone, and reads on
	fateHangUp               // closes the socket
	fateReset
	fateVanish
	fateViolate
	fates
)

type reading uint8

const (
	readAll reading = iota
	readSlowly
	readSome
	readNothing
)

const never = math.MaxInt64

// ballast fills messages.
var ballast = strings.Repeat("the quick brown fox jumps; ", 8192)

// body appends message seq of one direction ('C' from a client, 'S' from the server) of connection id.
func body(dst []byte, from byte, id, seq uint32, size int) []byte {
	const hex = "0123456789abcdef"
	start := len(dst)
	dst = append(dst, from)
	for shift := 20; shift >= 0; shift -= 4 {
		dst = append(dst, hex[id>>shift&15])
	}
	dst = append(dst, ':')
	for shift := 28; shift >= 0; shift -= 4 {
		dst = append(dst, hex[seq>>shift&15])
	}
	if size <= 16 {
		return dst[:start+size]
	}
	return append(dst, ballast[(id*7+seq)%27:][:size-16]...)
}

// shape is the length and the kind of a message.
func (s *sim) shape(from byte, id, seq uint32) (size int, op frame.Opcode) {
	x := (s.seed+uint64(from))*0x9e3779b97f4a7c15 ^ uint64(id)<<32 ^ uint64(seq)
	x ^= x >> 31
	x *= 0xbf58476d1ce4e5b9
	x ^= x >> 29
	op = frame.Text + frame.Opcode(x>>8&1)
	r := int(x >> 16 & 0xffffff)
	switch x & 31 {
	case 0:
		size = 0
	case 1, 2:
		size = 100 + r%60 // around 125, 126
	case 3, 4, 5:
		size = r % 1200
	case 6:
		size = r % 5000
	case 7:
		size = r % s.big
	default:
		size = 16 + r%48
	}
	return min(size, s.big), op
}

func (c *client) when() int64 { return c.at }

// poke lets the client act soon: something has changed.
func (c *client) poke() {
	if c.at != 0 && !c.gone {
		soon := c.sim.clock + int64(c.sim.intn(20000))
		if c.pause > 0 && c.sim.chance(256) {
			soon += c.sim.within(c.pause)
		}
		c.at = min(c.at, soon)
	}
}

func (c *client) act() {
	w := c.sim.world
	if c.s == nil {
		c.dial()
		return
	}
	c.at = never
	if c.gone {
		return
	}
	moved := false
	if !c.deaf {
		moved = c.hear()
	}
	if !c.gone && !c.told {
		if c.open || c.opening == openPipelined {
			c.speak()
		}
		moved = c.push() || moved
	}
	if c.gone || c.at != never {
		return
	}
	switch { // it goes on by itself, or else waits for a poke
	case moved:
		c.at = w.clock + int64(w.intn(5000))
		if c.pause > 0 {
			c.at += w.within(c.pause)
		}
	}
}

func (c *client) dial() {
	w := c.sim.world
	c.s = w.dial(c.sim.ln)
	c.s.client = c
	c.s.inCap, c.s.outCap = c.sim.bufferSize(), c.sim.bufferSize()
	w.note(opDial, int64(c.id), int64(c.opening), nil)
	var b []byte
	switch c.opening {
	case openNever:
		if w.chance(512) {
			b = c.request()
			b = b[:w.intn(len(b))]
		}
	case openBad:
		bad := badRequests[w.intn(len(badRequests))]
		b = []byte(strings.ReplaceAll(bad.text, "$", strconv.Itoa(int(c.id))))
		c.refusal = -bad.status
	default:
		b = c.request()
		if c.opening == openRefused {
			c.refusal = -403
		}
	}
	c.put(b)
	c.at = w.clock
}

// bufferSize is that of a socket; a few are tiny.
func (s *sim) bufferSize() int32 {
	if s.chance(60) {
		return int32(1 + s.intn(16))
	}
	return int32(128 + s.upTo(1<<16))
}

// request is an opening handshake whose path says who it is.
func (c *client) request() []byte {
	b := append(c.sim.scratch[:0], "GET /c/"...)
	b = strconv.AppendUint(b, uint64(c.id), 10)
	b = append(b, " HTTP/1.1\r\nHost: sim.example\r\nUpgrade: websocket\r\nConnection: keep-alive, Upgrade\r\n"+
		"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"...)
	if c.offers != nil {
		b, _ = handshake.AppendExtensions(append(b, "Sec-WebSocket-Extensions: "...), c.offers.Offers())
		b = append(b, "\r\n"...)
	}
	return append(b, "\r\n"...)
}

// put adds octets to what is to be sent.
func (c *client) put(b []byte) {
	c.out.push(b)
	c.made += int64(len(b))
}

// push sends some of what is to be sent, and lets the fate strike where it is due.
func (c *client) push() bool {
	w := c.sim.world
	n := c.out.len()
	if c.cutAt >= 0 && c.fate != fateClose && c.fate != fateStay {
		n = min(n, int(c.cutAt-c.pushed))
	}
	moved := false
	if n > 0 {
		k := n
		switch {
		case c.opening >= openDribbled && c.opening <= openSlow && !c.open:
			k = min(n, 1+w.intn(40))
		case w.chance(400):
			k = min(n, w.upTo(c.piece))
		}
		k = c.s.send(c.out.bytes()[:k])
		c.out.drop(k)
		c.pushed += int64(k)
		n -= k
		moved = k > 0
		if k > 0 {
			w.note(opSend, int64(c.id), int64(k), nil)
		}
		if c.opening == openSlow && !c.open && n > 0 {
			c.at = w.clock + 5e7 + w.within(1e9)
			return true
		}
	}
	if n == 0 && (c.cutAt >= 0 && c.pushed == c.cutAt || c.cutAt < 0 && c.finished()) {
		c.strike()
	}
	return moved
}

// finished reports whether everything has been said that it meant to say.
func (c *client) finished() bool {
	switch {
	case c.out.len() > 0:
		return false
	case c.opening == openNever || c.opening == openBad:
		return true
	}
	return c.sent == uint32(c.want) && (c.closed || c.fate >= fateFin)
}

// strike is the fate.
func (c *client) strike() {
	w := c.sim.world
	switch c.fate {
	case fateFin, fateCloseFin:
		w.note(opFin, int64(c.id), c.pushed, nil)
		c.s.finish()
		c.told = true
	case fateHangUp:
		w.note(opFin, int64(c.id), -c.pushed, nil)
		c.s.hangUp()
		c.told, c.deaf, c.gone = true, true, true
	case fateReset:
		w.note(opReset, int64(c.id), c.pushed, nil)
		c.s.abort(w.chance(512))
		c.told, c.deaf, c.gone = true, true, true
	case fateVanish:
		w.note(opVanish, int64(c.id), c.pushed, nil)
		c.told, c.deaf, c.gone = true, true, true
	case fateViolate:
		if !c.broken && (c.open || c.opening == openPipelined) {
			c.violate()
		}
	}
}

// stopTalking drops what is not on its way: the connection is over, or closing.
func (c *client) stopTalking() {
	n := c.out.len()
	c.out.cut(0)
	c.made -= int64(n)
	c.want = int(c.sent)
	c.told = true
}

// speak makes the next thing to say.
func (c *client) speak() {
	w := c.sim.world
	if c.out.len() > 4096 || c.closed || c.broken {
		return
	}
	if c.cutAt >= 0 && c.made > c.cutAt && c.fate != fateClose && c.fate != fateStay {
		return
	}
	switch {
	case c.sent < uint32(c.want):
		if w.chance(200) {
			c.ping()
		}
		c.say()
		if c.pause > 0 && w.chance(300) {
			c.at = w.clock + w.within(c.pause)
		}
	case c.out.len() == 0 && (c.fate == fateClose || c.fate == fateCloseFin || c.fate == fateStay && c.sim.calm):
		c.sayClose(frame.CloseCode(3000+w.intn(2000)), "that is all")
	}
}

func (c *client) key() uint32 { return uint32(c.sim.pcg.Uint64()) }

func (c *client) frame(op frame.Opcode, fin bool, payload []byte) {
	n := c.out.len()
	if n == 0 {
		c.out.buf, c.out.head = c.out.buf[:0], 0
	}
	c.out.buf = frame.Append(c.out.buf, frame.Header{Opcode: op, Fin: fin, Rsv: c.rsv, Masked: true, Key: c.key(), Length: int64(len(payload))}, payload)
	c.made += int64(c.out.len() - n)
}

// say makes a data message, in one frame or in several with pings between them.
func (c *client) say() {
	w := c.sim.world
	size, op := c.sim.shape('C', c.id, c.sent)
	b := body(c.sim.scratch[:0], 'C', c.id, c.sent, size)
	deflated := c.proto.Compressor != nil && w.chance(800)
	if w.chance(200) {
		for fragments := w.upTo(min(6, c.sim.maxFragments-1)); fragments > 1; fragments-- {
			n := w.intn(len(b) + 1)
			deflated = c.fragment(op, false, deflated, b[:n])
			b = b[n:]
			op = frame.Continuation
			if w.chance(100) {
				c.ping()
			}
		}
	}
	c.fragment(op, true, deflated, b)
	c.sent++
	c.ends = append(c.ends, c.made)
}

// fragment sends a fragment of a message, compressed if that is wanted, and reports whether the message is.
func (c *client) fragment(op frame.Opcode, fin, deflated bool, b []byte) bool {
	if deflated {
		first := op != frame.Continuation
		var z []byte
		if z, deflated = c.proto.Compressor.Compress(c.sim.scratch2[:0], b, first, fin); deflated {
			c.rsv = 0
			if first {
				c.rsv = frame.Rsv1
			}
			b = z
		}
	}
	c.frame(op, fin, b)
	c.rsv = 0
	return deflated
}

// ping asks with its number.
func (c *client) ping() {
	if c.pings < uint32(c.sim.controlBurst/2) { // the pongs to the server's own pings count as well
		c.pings++
		c.frame(frame.Ping, true, strconv.AppendUint(nil, uint64(c.pings), 10))
	}
}

func (c *client) sayClose(code frame.CloseCode, reason string) {
	p, err := frame.AppendClose(nil, code, reason)
	if err != nil {
		c.sim.fail("client: %v", err)
	}
	c.frame(frame.Close, true, p)
	c.closed = true
	c.code = code
	c.close = c.made
	c.codes = append(c.codes, code) // the echo
}

func (c *client) violate() {
	w := c.sim.world
	v := violations[w.intn(len(violations))]
	if c.proto.Compressor != nil && w.chance(300) {
		v = deflateViolations[w.intn(len(deflateViolations))]
	} else if c.slow || c.sim.jumps || c.sim.srv.Options.ControlRate < 0 { // a flood that takes its time is none
		v = violations[w.intn(len(violations)-1)]
	}
	c.broken = true
	v.make(c)
	c.codes = append(c.codes, v.code)
	c.cutAt = -1
	if w.chance(512) { // and goes on talking
		c.put([]byte("\x81\x81\x00\x00\x00\x00x\x82\x80\x00\x00\x00\x00"))
	}
	c.at = w.clock
}
