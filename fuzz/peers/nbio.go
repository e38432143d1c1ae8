package peers

import (
	"bytes"
	"io"
	"net/http"
	"slices"
	"strings"

	"github.com/idlewire/idlewire/fuzz"
	"github.com/lesismal/nbio/logging"
	"github.com/lesismal/nbio/nbhttp"
	"github.com/lesismal/nbio/nbhttp/websocket"
)

// An nbio is lesismal/nbio's WebSocket connection, given what comes as its poller would. It takes no context over.
type nbio struct{ limit int }

func init() { logging.SetLevel(logging.LevelNone) }

func (nbio) Name() string { return "nbio" }

func (nbio) Nearest(s fuzz.Setup) fuzz.Setup {
	s.Limits = fuzz.Limits{} // its own counts control frames too, and what is decompressed by the capacity of buffers
	if s.Deflate != nil {
		s.Deflate = &fuzz.Deflate{Bits: 15}
	}
	return s
}

func (n nbio) Play(s fuzz.Setup, pieces [][]byte) (got fuzz.Outcome, err error) {
	w := serverWire(nil)
	u := websocket.NewUpgrader()
	u.MessageLengthLimit = n.limit
	u.KeepaliveTime = 0
	u.CheckOrigin = func(*http.Request) bool { return true }
	u.EnableCompression(s.Deflate != nil)
	hear := func(op byte, payload []byte) {
		if w.closed {
			return // it is over, but Parse does not know
		}
		got.Events = append(got.Events, fuzz.Event{Op: op, Payload: append([]byte{}, payload...)})
	}
	u.OnMessage(func(_ *websocket.Conn, kind websocket.MessageType, payload []byte) { hear(byte(kind), payload) })
	u.SetPingHandler(func(c *websocket.Conn, payload string) {
		hear(fuzz.OpPing, []byte(payload))
		c.WriteMessage(websocket.PongMessage, []byte(payload))
	})
	u.SetPongHandler(func(_ *websocket.Conn, payload string) { hear(fuzz.OpPong, []byte(payload)) })
	u.SetCloseHandler(func(_ *websocket.Conn, code int, text string) { hear(fuzz.OpClose, closeEvent(code, text).Payload) })
	var c *websocket.Conn
	if s.Role == fuzz.Server {
		c = websocket.NewServerConn(u, w, "", s.Deflate != nil, false)
	} else {
		c = websocket.NewClientConn(u, w, "", s.Deflate != nil, false)
	}
	c.Execute = nbhttp.SyncExecutor
	for _, piece := range pieces {
		if err := c.Parse(piece); err != nil {
			c.CloseAndClean(err) // as the poller does
			return w.end(got), nil
		}
		if w.closed {
			return w.end(got), nil
		}
	}
	w.ended = true
	c.CloseAndClean(io.EOF)
	return w.end(got), nil
}

var nbioQuirks = []fuzz.Quirk{
	{Rule: fuzz.Panics, Fits: lengthOverflows, Why: "nextFrame adds the header to a length near 2^63 and slices by the sum; the limit does not help, since it adds to the length as well"},
	{Rule: fuzz.NotMinimal, Why: "nextFrame takes any form of a length"},
	{Rule: fuzz.LongControls, Why: "the same"},
	{Rule: "frame from a client is not masked", Why: "nextFrame does not look who sends, and unmasks what is masked"},
	{Rule: "frame from a server is masked", Why: "the same"},
	{Rule: "most significant bit of a length is not 0", Why: "to nextFrame a negative length is one that has not come yet: it waits, and keeps all that comes"},
	{Rule: fuzz.EmptyMessages, Why: "Parse keeps a message of no octets as nil, and delivers what is not nil"},
	{Rule: rsv1, Why: "validFrame allows RSV1 on all frames once there is compression"},
	{Rule: "body of a close of one octet", Fits: oneOctet, Why: "handleWsMessage calls the program's handler with 1002, as though the peer had said so; the usual handler answers with it"},
	{Rule: orphan, Fits: orphans, Why: "Parse begins a message with it; when it is complete, the connection is closed without a Close, or, if it is empty, not"},
	{Rule: noSuchCode, Fits: code1015, Why: "validCloseCode allows 1015"},
	{Rule: "control frame longer than 125", Fits: longControl, Why: "Parse has 1009 for it, where 7.4.1 has that for messages, and looks at it before all else"},
	{Rule: "text is not UTF-8", Code: fuzz.CodeProtocol, Why: "handleWsMessage has 1002 for it; 7.4.1 has 1007"},
	{Rule: "text ends inside a character", Code: fuzz.CodeProtocol, Why: "the same"},
	{Rule: "reason of a close is not UTF-8", Code: fuzz.CodeProtocol, Why: "the same"},
	{Rule: "reason of a close ends inside a character", Code: fuzz.CodeProtocol, Why: "the same"},
	{Rule: fuzz.Registered(1012), Why: "validCloseCode knows the codes of RFC 6455 alone"},
	{Rule: fuzz.Registered(1013), Why: "the same"},
	{Rule: fuzz.Registered(1014), Why: "the same"},
	{Rule: fuzz.AfterFinal, Why: "decompressReader is one compress/flate reader, which ends with the first final block; what follows in the message is lost"},
	{Rule: fuzz.LongTail, Why: "flateReaderTail has a final block too; a block that is cut short takes its octets from there, and the message is delivered"},
	{Rule: fuzz.WholeFrames, As: wholeFrames, Why: "nextFrame looks at a header when the payload has come"},
}

// lengthOverflows reports whether there was a panic, and a length that is near the greatest.
func lengthOverflows(v *fuzz.Divergence) bool {
	return strings.Contains(v.Wrong, "slice bounds out of range [:-") && bytes.Contains(v.Stream, []byte("\x7f\xff\xff\xff\xff\xff\xff"))
}

// oneOctet reports whether a Close of one octet became one of 1002.
func oneOctet(v *fuzz.Divergence) bool {
	n := len(v.Got.Events)
	return n > 0 && !v.Got.Failed && v.Got.Events[n-1].String() == closeEvent(1002, "").String() && hasFrame(v, func(f fuzz.Frame) bool {
		return f.Opcode == fuzz.OpClose && f.Length == 1
	})
}

// longControl reports whether a frame failed with 1009, as control frames alone do.
func longControl(v *fuzz.Divergence) bool {
	early := fuzz.JudgeExcept(v.Session.Setup, v.Stream, fuzz.EmptyMessages)
	return v.Got.Code == fuzz.CodeTooBig && v.Early.State == fuzz.Failed && len(v.Got.Events) >= len(early.Events)
}

// hasFrame reports whether a session has a frame of a kind.
func hasFrame(v *fuzz.Divergence, is func(fuzz.Frame) bool) bool {
	frames, _ := fuzz.Dissect(v.Stream)
	return slices.ContainsFunc(frames, is)
}

// code1015 reports whether the last thing that was heard is a Close with 1015.
func code1015(v *fuzz.Divergence) bool {
	n := len(v.Got.Events)
	if n == 0 || v.Got.Events[n-1].Op != fuzz.OpClose {
		return false
	}
	code, _ := v.Got.Events[n-1].Close()
	return code == 1015
}

// orphans reports whether a continuation came with nothing to continue, and before it all was well.
func orphans(v *fuzz.Divergence) bool {
	want := fuzz.JudgeExcept(v.Session.Setup, v.Stream, fuzz.NotMinimal, fuzz.LongControls, "frame from a client is not masked", "frame from a server is masked",
		"most significant bit of a length is not 0", fuzz.EmptyMessages, rsv1, fuzz.AfterFinal, fuzz.LongTail)
	if want.Fault.Rule != orphan || len(v.Got.Events) < len(want.Events) {
		return false
	}
	for i, e := range want.Events {
		if !same(e, v.Got.Events[i]) {
			return false
		}
	}
	return true
}
