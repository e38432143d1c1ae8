package golibs

import (
	"bufio"
	"crypto/sha1"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"
	"unicode/utf8"
)

// A plainServer is an echo server written for the checks: slow, small, and right, unless it is told to have a fault.
// Without one it passes every check, so every check can pass; with one, the checks that are there to find it must fail.
type plainServer struct {
	fault string
	limit int
	url   string

	http        *http.Server
	mu          sync.Mutex // guards conns, room
	conns, room map[*plainConn]bool
}

type plainConn struct {
	s      *plainServer
	nc     net.Conn
	br     *bufio.Reader
	mu     sync.Mutex // guards writes and closed
	closed bool
	seen   atomic.Int32 // messages
}

func startPlain(fault string, limit int) (*plainServer, error) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	s := &plainServer{fault: fault, limit: limit, url: "ws://" + ln.Addr().String(), conns: map[*plainConn]bool{}, room: map[*plainConn]bool{}}
	s.http = &http.Server{Handler: s}
	go s.http.Serve(ln)
	return s, nil
}

// shutdown says 1001 to all and waits a little for their answers.
func (s *plainServer) shutdown() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for c := range s.conns {
		switch s.fault {
		case "leaves without a word":
			c.nc.Close()
		case "leaves with 1000":
			c.close(1000)
		default:
			c.close(1001)
		}
	}
}

func (s *plainServer) stop() {
	s.http.Close()
	s.mu.Lock()
	defer s.mu.Unlock()
	for c := range s.conns {
		c.nc.Close()
	}
}

func (s *plainServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	key, _ := base64.StdEncoding.DecodeString(r.Header.Get("Sec-WebSocket-Key"))
	origin := r.Header.Get("Origin")
	switch {
	case r.Method != http.MethodGet:
		http.Error(w, "", http.StatusMethodNotAllowed)
		return
	case r.Header.Get("Sec-WebSocket-Version") != "13":
		if s.fault != "silent 426" {
			w.Header().Set("Sec-WebSocket-Version", "13")
		}
		w.Header().Set("Upgrade", "websocket")
		http.Error(w, "", http.StatusUpgradeRequired)
		return
	case len(key) != 16:
		http.Error(w, "", http.StatusBadRequest)
		return
	case origin != "" && origin != "http://"+r.Host && s.fault != "any origin" && !(s.fault == "prefix of origin" && strings.HasPrefix(origin, "http://"+r.Host)):
		http.Error(w, "", http.StatusForbidden)
		return
	}
	nc, rw, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return
	}
	c := &plainConn{s: s, nc: nc, br: rw.Reader}
	s.mu.Lock()
	s.conns[c] = true
	if r.URL.Path == "/broadcast" {
		s.room[c] = true
	}
	s.mu.Unlock()
	sum := sha1.Sum([]byte(r.Header.Get("Sec-WebSocket-Key") + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"))
	extra := ""
	switch {
	case s.fault == "any subprotocol" && r.Header.Get("Sec-WebSocket-Protocol") != "":
		p, _, _ := strings.Cut(r.Header.Get("Sec-WebSocket-Protocol"), ",")
		extra = "Sec-WebSocket-Protocol: " + strings.TrimSpace(p) + "\r\n"
	case s.fault == "any extension" && r.Header.Get("Sec-WebSocket-Extensions") != "":
		extra = "Sec-WebSocket-Extensions: permessage-deflate; server_no_context_takeover; client_no_context_takeover\r\n"
	}
	fmt.Fprintf(nc, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: %s\r\n%s\r\n",
		base64.StdEncoding.EncodeToString(sum[:]), extra)

	code := c.serve()
	s.mu.Lock()
	delete(s.conns, c)
	delete(s.room, c)
	s.mu.Unlock()
	if code != 0 {
		c.close(code)
		if s.fault != "never ends TCP" && s.fault != "closes on unread octets" {
			nc.(*net.TCPConn).CloseWrite()
		}
		if s.fault != "closes on unread octets" { // the kernel answers them with a reset, which may take our Close with it
			nc.SetReadDeadline(time.Now().Add(5 * time.Second))
			io.Copy(io.Discard, c.br)
		}
	}
	nc.Close()
}

// frame writes one frame.
func (c *plainConn) frame(b0 byte, payload []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return
	}
	out := []byte{b0}
	mask := byte(0)
	if c.s.fault == "masks" && b0&0xf == opBinary {
		mask = 0x80
	}
	switch n := len(payload); {
	case n < 126 && !(c.s.fault == "long lengths" && b0&0xf == opText):
		out = append(out, byte(n)|mask)
	case n < 1<<16:
		out = binary.BigEndian.AppendUint16(append(out, 126|mask), uint16(n))
	default:
		out = binary.BigEndian.AppendUint64(append(out, 127|mask), uint64(n))
	}
	if mask != 0 {
		out = append(out, 0, 0, 0, 0)
	}
	c.nc.Write(append(out, payload...))
	if b0&0xf == opClose {
		if c.s.fault == "speaks after Close" {
			c.nc.Write([]byte{0x81, 0x01, 'x'})
		}
		c.closed = true
	}
}

func (c *plainConn) close(code int) {
	if code == 1005 {
		c.frame(0x88, nil)
		return
	}
	c.frame(0x88, binary.BigEndian.AppendUint16(nil, uint16(code)))
}

// message answers a whole message.
func (c *plainConn) message(op byte, b []byte) {
	n := c.seen.Add(1)
	switch c.s.fault {
	case "flips a bit":
		if len(b) > 0 {
			b[len(b)/2] ^= 1
		}
	case "loses the last octet":
		b = b[:max(0, len(b)-1)]
	case "answers in the wrong opcode":
		op ^= 3
	case "flips a bit beyond 64 KiB":
		if len(b) > 1<<16 {
			b[1<<16] ^= 0x80
		}
	case "loses the hundredth message":
		if n == 100 {
			return
		}
	case "swaps messages":
		if n == 10 {
			c.frame(0x80|op, b)
			b = []byte("swapped")
		}
	}
	c.s.mu.Lock()
	var to []*plainConn
	if !c.s.room[c] {
		to = []*plainConn{c}
	} else {
		for other := range c.s.room {
			if c.s.fault != "broadcasts to the others only" || other != c {
				to = append(to, other)
			}
		}
		if c.s.fault == "broadcasts to all but one" && len(to) > 2 && n > 5 {
			to = to[1:]
		}
		if c.s.fault == "broadcasts everywhere" {
			for other := range c.s.conns {
				if !c.s.room[other] {
					to = append(to, other)
				}
			}
		}
	}
	for _, other := range to { // under the lock: one order for all
		other.frame(0x80|op, b)
	}
	c.s.mu.Unlock()
}

// serve returns the code with which to close, 0 if the transport failed.
func (c *plainConn) serve() int {
	fault := c.s.fault
	var op byte
	var msg []byte
	var pending []byte // the beginning of a character
	var late []byte    // a pong held back
	for {
		h := make([]byte, 2)
		if _, err := io.ReadFull(c.br, h); err != nil {
			return 0
		}
		code, fin := h[0]&0xf, h[0]&0x80 != 0
		if fault != "lenient" && (h[0]&0x70 != 0 || code > 2 && code < 8 || code > opPong || h[1]&0x80 == 0 || code >= opClose && (h[1]&0x7f > 125 || !fin)) {
			return 1002
		}
		n := uint64(h[1] & 0x7f)
		if n >= 126 {
			b := make([]byte, 8)
			short := 8 - 2 // where a 16-bit length begins
			if n == 127 {
				short = 0
			}
			if _, err := io.ReadFull(c.br, b[short:]); err != nil {
				return 0
			}
			n = binary.BigEndian.Uint64(b)
			if fault != "lenient" && (n < 126 || short == 0 && n < 1<<16 || n>>63 != 0) {
				return 1002
			}
		}
		if code < opClose && n+uint64(len(msg)) > uint64(c.s.limit) && fault != "no limit" && fault != "lenient" {
			return 1009
		}
		if n > 1<<28 { // only when lenient
			return 1011
		}
		switch {
		case code == opContinuation && op == 0, (code == opText || code == opBinary) && op != 0:
			if fault != "lenient" {
				return 1002
			}
		}
		var key [4]byte
		if h[1]&0x80 != 0 {
			if _, err := io.ReadFull(c.br, key[:]); err != nil {
				return 0
			}
		}
		if code == opText || code == opBinary {
			op = code
		}
		b := make([]byte, n)
		for i := range b { // octet by octet: wrong text fails at once
			x, err := c.br.ReadByte()
			if err != nil {
				return 0
			}
			b[i] = x ^ key[i%4]
			if code < opClose && op == opText && fault != "any text" && fault != "lenient" {
				if pending = append(pending, b[i]); !utf8.FullRune(pending) {
					continue
				}
				if r, size := utf8.DecodeRune(pending); r == utf8.RuneError && size == 1 {
					return 1007
				}
				pending = pending[:0]
			}
		}
		switch code {
		case opClose:
			got, _, err := parseClose(b)
			switch {
			case err != nil && fault != "lenient" && strings.Contains(err.Error(), "UTF-8"):
				return 1007
			case err != nil && fault != "lenient":
				return 1002
			}
			switch fault {
			case "echoes 1000 for every code":
				got = 1000
			case "closes without Close":
				return 0
			case "ignores Close":
				continue
			}
			return got
		case opPing:
			switch fault {
			case "no pong":
				continue
			case "empty pong":
				b = nil
			case "pong after the message":
				if op != 0 {
					late = b
					continue
				}
			case "flips a bit of a pong":
				if len(b) > 0 {
					b[0] ^= 1
				}
			}
			c.frame(0x8a, b)
		case opPong:
		default:
			msg = append(msg, b...)
			if fault == "forgets fragments" && code == opContinuation {
				msg = msg[len(msg)-len(b):]
			}
			if !fin {
				continue
			}
			if len(pending) > 0 {
				return 1007
			}
			c.message(op, msg)
			if late != nil {
				c.frame(0x8a, late)
				late = nil
			}
			op, msg = 0, nil
		}
	}
}
