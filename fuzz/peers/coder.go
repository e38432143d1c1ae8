package peers

import (
	"context"
	"errors"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"unicode/utf8"

	"github.com/coder/websocket"
	"github.com/idlewire/idlewire/fuzz"
)

// A coder is coder/websocket. Whether text is UTF-8 is left to the program. The body of a Close of the peer's is in the error.
type coder struct{}

func (coder) Name() string { return "coder" }

func (coder) Nearest(s fuzz.Setup) fuzz.Setup {
	s.Limits = fuzz.Limits{} // its own counts what has been read, so that it notices later than any header
	if s.Deflate != nil {
		s.Deflate = &fuzz.Deflate{Bits: 15, Takeover: s.Deflate.Takeover}
	}
	return s
}

// One session at a time: see the quirk of a Close inside a compressed message.
var coderPlays sync.Mutex

func (coder) Play(s fuzz.Setup, pieces [][]byte) (got fuzz.Outcome, err error) {
	coderPlays.Lock()
	defer coderPlays.Unlock()
	ctx := context.Background()
	mode, extension := websocket.CompressionDisabled, ""
	if s.Deflate != nil {
		mode, extension = websocket.CompressionNoContextTakeover, noTakeover
		if s.Deflate.Takeover {
			mode, extension = websocket.CompressionContextTakeover, "permessage-deflate"
		}
	}
	ping := func(_ context.Context, payload []byte) bool {
		got.Events = append(got.Events, fuzz.Event{Op: fuzz.OpPing, Payload: append([]byte{}, payload...)})
		return true
	}
	pong := func(_ context.Context, payload []byte) {
		got.Events = append(got.Events, fuzz.Event{Op: fuzz.OpPong, Payload: append([]byte{}, payload...)})
	}
	var w *wire
	var c *websocket.Conn
	if s.Role == fuzz.Server {
		w = serverWire(pieces)
		rw, r := upgrade(w, extension)
		c, err = websocket.Accept(rw, r, &websocket.AcceptOptions{CompressionMode: mode, InsecureSkipVerify: true, OnPingReceived: ping, OnPongReceived: pong})
	} else {
		w = clientWire(pieces, extension)
		t := &http.Transport{DialContext: func(context.Context, string, string) (net.Conn, error) { return w, nil }}
		defer t.CloseIdleConnections()
		c, _, err = websocket.Dial(ctx, "ws://memory/", &websocket.DialOptions{
			CompressionMode: mode, HTTPClient: &http.Client{Transport: t}, OnPingReceived: ping, OnPongReceived: pong})
	}
	if err != nil {
		return got, err
	}
	defer c.CloseNow()
	c.SetReadLimit(-1)
	for {
		kind, payload, err := c.Read(ctx)
		if err == nil && kind == websocket.MessageText && !utf8.Valid(payload) {
			got.Failed, got.Code = true, fuzz.CodeInvalid // as a program would
			return got, nil
		}
		if err != nil {
			var e websocket.CloseError
			if errors.As(err, &e) {
				got.Events = append(got.Events, closeEvent(int(e.Code), e.Reason))
			}
			return w.end(got), nil
		}
		got.Events = append(got.Events, fuzz.Event{Op: byte(kind), Payload: payload})
	}
}

var coderQuirks = []fuzz.Quirk{
	{Rule: fuzz.Panics, Fits: closedInside, Why: "a Close inside a compressed message closes msgReader, and its dict is nil when msgReader.Read comes to write to it. " +
		"(And what it reads with is in pools by then, and read from all the same; where another connection may have it)"},
	{Rule: fuzz.FinalAtOnce, Fits: leftOver, Why: "msgReader ends with the first final block; what is left of the payload stays in its bufio.Reader, where it " +
		"begins the next compressed message, or on the wire, where it is taken for frames"},
	{Rule: fuzz.NotMinimal, Why: "readFrameHeader takes any form of a length"},
	{Rule: fuzz.LongControls, Why: "the same"},
	{Rule: "frame from a server is masked", Why: "readLoop looks at the mask of clients' frames alone"},
	{Rule: "frame from a server is masked", Fits: stillMasked, Why: "nor does a client unmask what has come"},
	{Rule: "reason of a close is not UTF-8", Why: "parseClosePayload does not look at the reason"},
	{Rule: "reason of a close ends inside a character", Why: "the same"},
	{Rule: fuzz.EndsInBlock, Why: "msgReader appends 00 00 ff ff and no final block, so that each message ends for compress/flate with io.ErrUnexpectedEOF; it cannot tell"},
	{Rule: fuzz.EndsInBlock, Fits: endsInBlock, Why: "how much of the last octet compress/flate has made something of by then is its own matter"},
	{Rule: fuzz.Truncated, Fits: truncated, Why: "msgReader.Read takes the io.EOF of the connection for that of the message: Read returns what has come, and no error"},
}

// closedInside reports whether there was a panic, and a Close inside a message, with context takeover.
func closedInside(v *fuzz.Divergence) bool {
	want := fuzz.JudgeExcept(v.Session.Setup, v.Stream, coderRules...)
	d := v.Session.Deflate
	return strings.Contains(v.Wrong, "nil pointer") && d != nil && d.Takeover && (want.State == fuzz.Closed || want.State == fuzz.Failed)
}

// leftOver reports whether a message had a final block with something behind it, and up to there all was well.
func leftOver(v *fuzz.Divergence) bool {
	if v.Session.Deflate == nil {
		return false
	}
	with := fuzz.JudgeExcept(v.Session.Setup, v.Stream, coderRules...)
	without := fuzz.JudgeExcept(v.Session.Setup, v.Stream, append(coderRules, fuzz.FinalAtOnce)...)
	for i := range min(len(without.Events), len(v.Got.Events)+1) {
		if i >= len(with.Events) || without.Events[i].End < with.Events[i].End {
			return true
		}
		if i < len(v.Got.Events) && !same(with.Events[i], v.Got.Events[i]) {
			return false
		}
	}
	return len(v.Got.Events) == len(without.Events) && without.State == fuzz.Failed && without.Fault != with.Fault
}

// truncated reports whether the stream ends inside a message, and up to there all was well. What coder made of the beginning of that message depends on what it had
// read at once.
func truncated(v *fuzz.Divergence) bool {
	want := fuzz.JudgeExcept(v.Session.Setup, v.Stream, coderRules...)
	n := len(want.Events)
	if want.State != fuzz.NeedMore && want.State != fuzz.Failed || len(v.Got.Events) < n || len(v.Got.Events) > n+1 {
		return false
	}
	for i := range n {
		if !same(want.Events[i], v.Got.Events[i]) {
			return false
		}
	}
	return want.State == fuzz.NeedMore || (!v.Got.Failed || v.Got.Code == fuzz.CodeInvalid) && unfinished(v.Stream)
}

// endsInBlock reports whether the first thing that is wrong is a block that ends too soon, and before it all was well.
func endsInBlock(v *fuzz.Divergence) bool {
	rules := coderRules[:len(coderRules)-1]
	want := fuzz.JudgeExcept(v.Session.Setup, v.Stream, rules...)
	if want.Fault.Rule != fuzz.EndsInBlock && want.Fault.Rule != "no code for the end of the block" || len(v.Got.Events) < len(want.Events) {
		return false
	}
	for i, e := range want.Events {
		if !same(e, v.Got.Events[i]) {
			return false
		}
	}
	return true
}

// unfinished reports whether a stream ends inside a message, whatever else is wrong with it.
func unfinished(stream []byte) bool {
	frames, rest := fuzz.Dissect(stream)
	if len(frames) == 0 {
		return false
	}
	last := frames[len(frames)-1]
	for i := len(frames) - 1; i >= 0 && frames[i].Opcode >= fuzz.OpClose; i-- {
		if i > 0 {
			last = frames[i-1]
		}
	}
	return len(rest) > 0 || !last.Fin || uint64(len(last.Payload)) < last.Length
}

// stillMasked reports whether a server's data is masked in truth.
func stillMasked(v *fuzz.Divergence) bool {
	frames, _ := fuzz.Dissect(v.Stream)
	return v.Session.Role == fuzz.Client && slices.ContainsFunc(frames, func(f fuzz.Frame) bool { return f.Masked && f.Key != [4]byte{} && f.Opcode < fuzz.OpClose })
}

func same(a, b fuzz.Event) bool { return a.Op == b.Op && string(a.Payload) == string(b.Payload) }

// coderRules are those that are put aside when it has to be known where a message ends.
var coderRules = []string{fuzz.NotMinimal, fuzz.LongControls, "frame from a server is masked", "reason of a close is not UTF-8", "reason of a close ends inside a character", fuzz.EndsInBlock}
