package autobahn

import (
	"bytes"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/idlewire/idlewire/autobahn/internal/deflate"
	"github.com/idlewire/idlewire/autobahn/internal/testee"
	"github.com/idlewire/idlewire/frame"
	"github.com/idlewire/idlewire/handshake"
)

// A squeezingEnd is an end with permessage-deflate, and with nothing else that the cases about that do not need: it echoes what is good, compressed, and drops TCP or sends a
// Close for what is not. The hooks make it wrong.
type squeezingEnd struct {
	server bool
	codec  *deflate.Codec // nil: not agreed
	params deflate.Params

	in      []byte
	opened  bool
	gone    bool
	message []byte
	op      frame.Opcode
	squeeze bool // the message is compressed
	inside  bool
	out     [][]byte

	limit   int                                                      // octets of a message
	choose  func(offers []handshake.Extension) []handshake.Extension // what a server agrees to
	takes   func(e handshake.Extension) bool                         // whether a client takes an answer
	lenient bool                                                     // RSV1 is taken anywhere
	dirty   bool                                                     // what cannot be decompressed is echoed as it is
	own     *deflate.Params                                          // used in place of those agreed
}

func openSqueezing(role testee.Role, c *Case) *squeezingEnd {
	return &squeezingEnd{server: role == testee.Server, limit: 1 << 20, choose: agreeToFirst, takes: func(e handshake.Extension) bool {
		offer := readOffers(testOffer(c))[0]
		a, ok := readOffer(e, true)
		return ok && offer.answers(&a)
	}}
}

// testOffer is what a client that is such an end offers.
func testOffer(c *Case) []handshake.Extension {
	e := handshake.Extension{Name: deflate.Name}
	if d := c.Opening.Deflate; d == nil || !d.Unasked {
		e.Params = []handshake.Param{{Name: "client_max_window_bits"}}
	}
	return []handshake.Extension{e}
}

// agreeToFirst agrees to the first good offer, as it was made.
func agreeToFirst(offers []handshake.Extension) []handshake.Extension {
	for _, e := range offers {
		if o, ok := readOffer(e, false); ok && e.Name == deflate.Name {
			answer := handshake.Extension{Name: e.Name}
			for _, p := range e.Params {
				if p.Name != "client_max_window_bits" || o.ClientMaxWindowBits > 0 {
					answer.Params = append(answer.Params, p)
				}
			}
			return []handshake.Extension{answer}
		}
	}
	return nil
}

func (e *squeezingEnd) Take() [][]byte {
	out := e.out
	e.out = nil
	return out
}

func (e *squeezingEnd) Gone() bool             { return e.gone }
func (e *squeezingEnd) Reading() bool          { return true }
func (e *squeezingEnd) Due() (time.Time, bool) { return time.Time{}, false }
func (e *squeezingEnd) Tick(time.Time)         {}
func (e *squeezingEnd) End(time.Time)          { e.gone = true }

func (e *squeezingEnd) Receive(_ time.Time, b []byte) {
	e.in = append(e.in, b...)
	if !e.opened && !e.open() {
		return
	}
	from := frame.FromServer
	if e.server {
		from = frame.FromClient
	}
	for !e.gone {
		h, n, err := frame.ParseHeader(e.in, from, frame.Rsv1)
		if err != nil {
			e.close(1002)
			return
		}
		if n == 0 || int64(len(e.in)-n) < h.Length {
			return
		}
		payload := slices.Clone(e.in[n : n+int(h.Length)])
		e.in = e.in[n+int(h.Length):]
		frame.Mask(payload, h.Key)
		e.frame(h, payload)
	}
}

// open reads the other end's part of the opening handshake.
func (e *squeezingEnd) open() bool {
	end := bytes.Index(e.in, []byte("\r\n\r\n")) + 4
	if end < 4 {
		return false
	}
	head := string(e.in[:end])
	var exts []handshake.Extension
	for line := range strings.SplitSeq(head, "\r\n") {
		if v, ok := strings.CutPrefix(line, "Sec-WebSocket-Extensions: "); ok {
			exts, _ = handshake.ParseExtensions(exts, []byte(v))
		}
	}
	e.in, e.opened = e.in[end:], true
	if e.server {
		_, key, _ := strings.Cut(head, "Sec-WebSocket-Key: ")
		key, _, _ = strings.Cut(key, "\r\n")
		exts = e.choose(exts)
		e.out = append(e.out, appendSwitch(nil, key, deflate.Header(exts)))
	} else if len(exts) > 0 && !e.takes(exts[0]) {
		e.gone = true
		return false
	}
	if len(exts) > 0 {
		if a, ok := readOffer(exts[0], true); ok {
			e.params = a.Params
		}
		e.codec = deflate.New(e.params, !e.server)
		if e.own != nil {
			e.codec = deflate.New(*e.own, !e.server)
		}
	}
	return true
}

func (e *squeezingEnd) frame(h frame.Header, payload []byte) {
	first := h.Opcode == frame.Text || h.Opcode == frame.Binary
	if h.Rsv != 0 && !e.lenient && (e.codec == nil || !first) || first == e.inside && h.Opcode < 8 {
		e.close(1002) // RFC 7692, 6; RFC 6455, 5.4
		return
	}
	switch h.Opcode {
	case frame.Ping:
		e.send(frame.Header{Opcode: frame.Pong, Fin: true}, payload)
		return
	case frame.Close:
		e.send(frame.Header{Opcode: frame.Close, Fin: true}, payload)
		e.gone = true
		return
	case frame.Pong:
		return
	}
	if first {
		e.op, e.squeeze, e.message = h.Opcode, h.Rsv != 0, nil
	}
	e.inside = !h.Fin
	if e.message = append(e.message, payload...); h.Fin {
		e.echo()
	}
}

func (e *squeezingEnd) echo() {
	m := e.message
	if e.squeeze {
		var err error
		if m, err = e.codec.Decompress(nil, m, e.limit); err == deflate.ErrTooLong {
			e.close(1009)
			return
		} else if err != nil && !e.dirty {
			e.close(1007)
			return
		}
	}
	if e.op == frame.Text && !utf8.Valid(m) {
		e.close(1007)
		return
	}
	h := frame.Header{Opcode: e.op, Fin: true}
	if e.codec != nil {
		h.Rsv = frame.Rsv1
		m, _ = e.codec.Compress(nil, m)
	}
	e.send(h, m)
}

func (e *squeezingEnd) close(code frame.CloseCode) {
	e.send(frame.Header{Opcode: frame.Close, Fin: true}, []byte{byte(code >> 8), byte(code)})
	e.gone = true
}

func (e *squeezingEnd) send(h frame.Header, payload []byte) {
	h.Masked = !e.server // the key is zero
	e.out = append(e.out, frame.Append(nil, h, payload))
}
