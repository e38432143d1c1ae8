package peers

import (
	"errors"
	"math"
	"slices"
	"strings"

	"github.com/idlewire/idlewire/fuzz"
	"github.com/lxzan/gws"
)

// A gwsPeer is lxzan/gws.
type gwsPeer struct{}

func newGws() gwsPeer { return gwsPeer{} }

func (gwsPeer) Name() string { return "gws" }

// Nearest: there is no gws without a limit. It counts what is on the wire as well as what is decompressed, and control frames too; so it is not a small one.
func (gwsPeer) Nearest(s fuzz.Setup) fuzz.Setup {
	s.Limits = fuzz.Limits{Message: gwsLimit, Wire: gwsLimit}
	if s.Deflate != nil {
		s.Deflate = &fuzz.Deflate{Bits: 15, Takeover: s.Deflate.Takeover}
	}
	return s
}

const gwsLimit = 1 << 20

// A gwsHearer hears what comes.
type gwsHearer struct{ got *fuzz.Outcome }

func (h gwsHearer) OnOpen(*gws.Conn) {}

func (h gwsHearer) hear(op byte, payload []byte) {
	h.got.Events = append(h.got.Events, fuzz.Event{Op: op, Payload: append([]byte{}, payload...)})
}

func (h gwsHearer) OnPing(c *gws.Conn, payload []byte) {
	h.hear(fuzz.OpPing, payload)
	c.WritePong(payload)
}

func (h gwsHearer) OnPong(c *gws.Conn, payload []byte) { h.hear(fuzz.OpPong, payload) }

func (h gwsHearer) OnMessage(c *gws.Conn, m *gws.Message) {
	h.hear(byte(m.Opcode), m.Bytes())
	m.Close()
}

// OnClose hears of any Close of the peer's; whether it was accepted the answer says.
func (h gwsHearer) OnClose(c *gws.Conn, err error) {
	var e *gws.CloseError
	if errors.As(err, &e) {
		code := int(e.Code)
		if code == 0 && len(e.Reason) == 0 {
			code = 1005
		}
		h.got.Events = append(h.got.Events, closeEvent(code, string(e.Reason)))
	}
}

func (p gwsPeer) Play(s fuzz.Setup, pieces [][]byte) (got fuzz.Outcome, err error) {
	deflate, extension := gws.PermessageDeflate{}, ""
	if s.Deflate != nil {
		deflate = gws.PermessageDeflate{Enabled: true, PoolSize: 1, ServerContextTakeover: s.Deflate.Takeover, ClientContextTakeover: s.Deflate.Takeover}
		extension = noTakeover
		if s.Deflate.Takeover {
			extension = "permessage-deflate"
		}
	}
	h := gwsHearer{&got}
	var w *wire
	var c *gws.Conn
	if s.Role == fuzz.Server {
		w = serverWire(pieces)
		u := gws.NewUpgrader(h, &gws.ServerOption{PermessageDeflate: deflate, CheckUtf8Enabled: true, ReadMaxPayloadSize: int(s.Limits.Message), Logger: quiet})
		c, err = u.Upgrade(upgrade(w, extension))
	} else {
		w = clientWire(pieces, extension)
		c, _, err = gws.NewClientFromConn(h, &gws.ClientOption{Addr: "ws://memory/", PermessageDeflate: deflate, CheckUtf8Enabled: true,
			ReadMaxPayloadSize: int(s.Limits.Message), Logger: quiet}, w)
	}
	if err != nil {
		return got, err
	}
	c.ReadLoop()
	w.mu.Lock()
	refused := w.close && (w.closeCode == fuzz.CodeProtocol || w.closeCode == fuzz.CodeInvalid)
	w.mu.Unlock()
	if n := len(got.Events); refused && n > 0 && got.Events[n-1].Op == fuzz.OpClose {
		got.Events = got.Events[:n-1]
	}
	return w.end(got), nil
}

// silence is a logger of nothing.
type silence struct{}

func (silence) Error(...any) {}

var quiet silence

var gwsQuirks = append([]fuzz.Quirk{
	{Rule: fuzz.Panics, Fits: negativeLength, Why: "frameHeader.Parse makes an int of 64 bits of length, readMessage finds a negative one less than ReadMaxPayloadSize and " +
		"slices by it; nothing recovers in ReadLoop"},
	{Rule: fuzz.NotMinimal, Why: "frameHeader.Parse takes any form of a length"},
	{Rule: anyRsv, When: compressing, Why: "readMessage looks at no bit of RSV once there is compression"},
	{Rule: rsv1, Why: "nor at which frames have RSV1"},
	{Rule: fuzz.AfterFinal, Why: "Decompress is one flate reader, which ends with the first final block; what follows in the message is lost"},
	{Rule: fuzz.LongTail, Why: "flateTail has a final block too; a block that is cut short takes its octets from there, and the message is delivered"},
	{Rule: fuzz.Registered(1014), Why: "emitClose answers 1014 with 1002"},
	{Rule: noSuchCode, Code: fuzz.CodeInvalid, Why: "of a bad code and a bad reason emitClose names the reason"},
	{Rule: "code above 4999", Code: fuzz.CodeInvalid, Why: "the same"},
	{Rule: tooLong, Code: 1011, Why: "emitMessage makes 1011 of any error of the decompressor, and its limit is one"},
	{Rule: tooLong, Fits: tooLongFirst, Why: "readMessage looks at the length before all else, and of control frames too"},
	{Rule: fuzz.WholeFrames, As: wholeFrames, Why: "readMessage and readControl look at the opcode when they have read the payload"},
}, inflating(1011, "emitMessage makes 1011 of any error of the decompressor; 7.4.1 has 1007 for data that is not consistent")...)

// negativeLength reports whether there was a panic, and a frame whose length has the most significant bit.
func negativeLength(v *fuzz.Divergence) bool {
	frames, _ := fuzz.Dissect(v.Stream)
	panics := strings.Contains(v.Wrong, "slice bounds out of range [:-") || strings.Contains(v.Wrong, "makeslice: ")
	return panics && slices.ContainsFunc(frames, func(f fuzz.Frame) bool { return f.Length > math.MaxInt64 })
}

// tooLongFirst reports whether a frame that is refused for its length might have been for something else.
func tooLongFirst(v *fuzz.Divergence) bool {
	frames, _ := fuzz.Dissect(v.Stream)
	return v.Got.Code == fuzz.CodeTooBig && len(v.Got.Events) >= len(v.Early.Events) && v.Early.State == fuzz.Failed &&
		slices.ContainsFunc(frames, func(f fuzz.Frame) bool { return f.Length > gwsLimit && f.Length <= math.MaxInt64 })
}
