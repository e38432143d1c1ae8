package peers

import (
	"context"
	"math"
	"net"
	"net/http"
	"unicode/utf8"

	"github.com/gorilla/websocket"
	"github.com/idlewire/idlewire/fuzz"
)

// A gorilla is gorilla/websocket. It takes no context over, and its limit counts compressed octets. Whether text is UTF-8 is left to the program.
type gorilla struct{}

func (gorilla) Name() string { return "gorilla" }

func (gorilla) Nearest(s fuzz.Setup) fuzz.Setup {
	s.Limits.Fragments, s.Limits.Wire = 0, 0
	if s.Deflate != nil {
		s.Limits.Message = 0
		s.Deflate = &fuzz.Deflate{Bits: 15}
	}
	return s
}

const noTakeover = "permessage-deflate; server_no_context_takeover; client_no_context_takeover"

func (gorilla) Play(s fuzz.Setup, pieces [][]byte) (got fuzz.Outcome, err error) {
	var w *wire
	var c *websocket.Conn
	extension := ""
	if s.Deflate != nil {
		extension = noTakeover
	}
	if s.Role == fuzz.Server {
		w = serverWire(pieces)
		u := websocket.Upgrader{EnableCompression: s.Deflate != nil, CheckOrigin: func(*http.Request) bool { return true }}
		rw, r := upgrade(w, extension)
		c, err = u.Upgrade(rw, r, nil)
	} else {
		w = clientWire(pieces, extension)
		d := websocket.Dialer{EnableCompression: s.Deflate != nil, NetDial: func(string, string) (net.Conn, error) { return w, nil }}
		c, _, err = d.DialContext(context.Background(), "ws://memory/", nil)
	}
	if err != nil {
		return got, err
	}
	defer c.Close()
	if s.Limits.Message > 0 {
		c.SetReadLimit(s.Limits.Message)
	}
	control := func(op byte, answer func(string) error) func(string) error {
		return func(payload string) error {
			got.Events = append(got.Events, fuzz.Event{Op: op, Payload: []byte(payload)})
			return answer(payload)
		}
	}
	c.SetPingHandler(control(fuzz.OpPing, c.PingHandler()))
	c.SetPongHandler(control(fuzz.OpPong, c.PongHandler()))
	closed := c.CloseHandler()
	c.SetCloseHandler(func(code int, text string) error {
		got.Events = append(got.Events, closeEvent(code, text))
		return closed(code, text)
	})
	for {
		kind, payload, err := c.ReadMessage()
		if err == nil && kind == websocket.TextMessage && !utf8.Valid(payload) {
			got.Failed, got.Code = true, fuzz.CodeInvalid // as a program would
			return got, nil
		}
		if err != nil {
			return w.end(got), nil
		}
		got.Events = append(got.Events, fuzz.Event{Op: byte(kind), Payload: payload})
	}
}

// closeEvent is the event of a Close with a code, 1005 for none.
func closeEvent(code int, text string) fuzz.Event {
	e := fuzz.Event{Op: fuzz.OpClose}
	if code != 1005 {
		e.Payload = append([]byte{byte(code >> 8), byte(code)}, text...)
	}
	return e
}

var gorillaQuirks = []fuzz.Quirk{
	{Rule: fuzz.NotMinimal, Why: "advanceFrame takes any form of a length"},
	{Rule: "RSV1 on a control frame or on a fragment that is not the first", Why: "advanceFrame allows RSV1 on all frames once there is compression"},
	{Rule: "body of a close of one octet", Why: "advanceFrame takes a body of less than two octets for none"},
	{Rule: fuzz.FinalAtOnce, Why: "decompressNoContextTakeover is one compress/flate reader, which ends with the first final block; NextReader skips the rest"},
	{Rule: tooLong, Fits: overflows, Why: "without a limit there is one of 2^63-1 octets for all frames of a message; it fails without a Close"},
	{Rule: fuzz.LongTail, Why: "what it appends has a final block too; a block that is cut short takes its octets from there, and the message is delivered"},
	{Rule: fuzz.Registered(1014), Why: "validReceivedCloseCodes has no 1014"},
	{Rule: "reason of a close is not UTF-8", Code: fuzz.CodeProtocol, Why: "advanceFrame answers any bad Close with 1002; 7.4.1 has 1007 for it"},
	{Rule: "reason of a close ends inside a character", Code: fuzz.CodeProtocol, Why: "the same"},
}

// overflows reports whether a connection failed, and the lengths of some frames are more than there can be.
func overflows(v *fuzz.Divergence) bool {
	frames, _ := fuzz.Dissect(v.Stream)
	sum := uint64(0)
	for _, f := range frames {
		if sum += min(f.Length, math.MaxInt64); sum > math.MaxInt64 {
			return v.Got.Failed && v.Got.Code == 0 && len(v.Got.Events) >= len(v.Early.Events)
		}
	}
	return false
}
