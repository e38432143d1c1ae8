package fuzz

import (
	"bytes"
	"compress/flate"
	"errors"
	"fmt"
	"io"
	"os"
	"testing"
	"unicode/utf8"

	"github.com/gobwas/ws"
	"github.com/gobwas/ws/wsflate"
	"github.com/gobwas/ws/wsutil"
	"github.com/stretchr/testify/require"
)

// A gobwas is gobwas/ws as its README uses it: a wsutil.Reader with all its checks, a ControlHandler, and wsflate, which takes no context over. It has a limit for
// frames, and none for messages. Text that was compressed is for the program to check.
type gobwas struct{}

func (gobwas) Name() string { return "gobwas" }

func (gobwas) Nearest(s Setup) Setup {
	s.Limits = Limits{}
	if s.Deflate != nil {
		s.Deflate = &Deflate{Bits: 15}
	}
	return s
}

func (gobwas) Play(s Setup, pieces [][]byte) (got Outcome, err error) {
	var compressed wsflate.MessageState
	var answers bytes.Buffer
	wire := &arrival{pieces: pieces}
	rd := &wsutil.Reader{Source: wire, State: ws.StateServerSide, CheckUTF8: s.Deflate == nil}
	if s.Role == Client {
		rd.State = ws.StateClientSide
	}
	handler := wsutil.ControlHandler{Dst: &answers, State: rd.State, DisableSrcCiphering: true}
	if s.Deflate != nil {
		rd.State = rd.State.Set(ws.StateExtended)
		rd.Extensions = []wsutil.RecvExtension{&compressed}
	}
	control := func(h ws.Header, r io.Reader) error {
		body := make([]byte, h.Length) // at most 125
		if _, err := io.ReadFull(r, body); err != nil {
			return io.ErrUnexpectedEOF // an io.EOF would be the end of the message to whoever reads that
		}
		handler.Src = bytes.NewReader(body)
		err := handler.Handle(h)
		if errors.As(err, new(wsutil.ClosedError)) || err == nil {
			got.Events = append(got.Events, Event{Op: byte(h.OpCode), Payload: body})
		}
		return err
	}
	rd.OnIntermediate = control
	for {
		h, err := rd.NextFrame()
		if err == nil && h.OpCode.IsControl() {
			if !rd.State.Fragmented() {
				err = control(h, rd)
			}
		} else if err == nil {
			var payload []byte
			if payload, err = gobwasMessage(rd, &compressed, h.OpCode); err == nil {
				got.Events = append(got.Events, Event{Op: byte(h.OpCode), Payload: payload})
			}
		}
		if err == nil {
			continue
		}
		if wire.ended {
			return got, nil
		}
		return gobwasEnd(got, err)
	}
}

// gobwasMessage reads a message from its first frame on.
func gobwasMessage(rd *wsutil.Reader, compressed *wsflate.MessageState, op ws.OpCode) ([]byte, error) {
	if !compressed.IsCompressed() {
		payload, err := io.ReadAll(rd)
		if err == nil && op == ws.OpText && !rd.CheckUTF8 && !utf8.Valid(payload) {
			err = wsutil.ErrInvalidUTF8
		}
		return payload, err
	}
	payload, err := io.ReadAll(wsflate.NewReader(rd, func(r io.Reader) wsflate.Decompressor { return flate.NewReader(r) }))
	if err != nil {
		return nil, err
	}
	if _, err := io.Copy(io.Discard, rd); err != nil && err != wsutil.ErrNoFrameAdvance { // what the decompressor did not want
		return nil, err
	}
	if op == ws.OpText && !utf8.Valid(payload) {
		return nil, wsutil.ErrInvalidUTF8
	}
	return payload, nil
}

// gobwasEnd says what an error means: the library names no codes but by the kind of its errors.
func gobwasEnd(got Outcome, err error) (Outcome, error) {
	var corrupt flate.CorruptInputError
	switch {
	case errors.As(err, new(wsutil.ClosedError)):
		return got, nil
	case err == wsutil.ErrInvalidUTF8:
		got.Code = CodeInvalid
	case errors.As(err, new(ws.ProtocolError)), err == ws.ErrHeaderLengthMSB:
		got.Code = CodeProtocol
	case errors.As(err, &corrupt), err == io.ErrUnexpectedEOF: // of the decompressor
		got.Code = CodeInvalid
	case err == io.ErrNoProgress: // named by its text alone
	default:
		return got, fmt.Errorf("error %v is of no kind that gobwas has", err)
	}
	got.Failed = true
	return got, nil
}

// An arrival is a reader of pieces as they come.
type arrival struct {
	pieces [][]byte
	ended  bool // and the reader has been told
}

func (a *arrival) Read(b []byte) (int, error) {
	for len(a.pieces) > 0 && len(a.pieces[0]) == 0 {
		a.pieces = a.pieces[1:]
	}
	if len(a.pieces) == 0 {
		a.ended = true
		return 0, io.EOF
	}
	n := copy(b, a.pieces[0])
	a.pieces[0] = a.pieces[0][n:]
	return n, nil
}

var gobwasQuirks = []Quirk{
	{Rule: EmptyFragments, Fits: noProgress, Why: "the bufio.Reader that compress/flate puts before wsutil.Reader gives up after 100 reads of nothing: io.ErrNoProgress"},
	{Rule: NotMinimal, Why: "ws.ReadHeader takes any form of a length"},
	{Rule: LongControls, Why: "the same"},
	{Rule: anyRsv, When: func(s Setup) bool { return s.Deflate != nil },
		Why: "ws.CheckHeader looks at no bit of RSV once there is an extension, and wsflate at RSV1 alone"},
	{Rule: AfterFinal, Why: "wsflate.Reader is one compress/flate reader, which ends with the first final block; what follows in the message is lost"},
	{Rule: LongTail, Why: "wsflate appends 00 00 ff ff 01 00 00 ff ff; a block that is cut short takes its octets from there, and the message is delivered"},
	{Rule: Registered(1012), Why: "ws.StatusCode knows the codes of RFC 6455 alone"},
	{Rule: Registered(1013), Why: "the same"},
	{Rule: Registered(1014), Why: "the same"},
	{Rule: "code above 4999", Why: "ws.CheckCloseFrameData refuses codes below 1000 and of the protocol's own range; RFC 6455 does not mention those beyond"},
	{Rule: "reason of a close is not UTF-8", Code: CodeProtocol, Why: "ControlHandler.HandleClose answers any bad Close with 1002; 7.4.1 has 1007 for it"},
	{Rule: "reason of a close ends inside a character", Code: CodeProtocol, Why: "the same"},
}

// noProgress reports whether a compressed message failed without a code, and 100 of its frames in a row give the reader nothing.
func noProgress(v *Divergence) bool {
	frames, _ := Dissect(v.Stream)
	row, most := 0, 0
	for _, f := range frames {
		if row++; f.Opcode < OpClose && f.Length > 0 {
			row = 0
		}
		most = max(most, row)
	}
	return v.Session.Deflate != nil && v.Got.Failed && v.Got.Code == 0 && most >= 100
}

// What gobwas/ws makes of sessions is what the reference does, or explained.
func TestDifferentialGobwas(t *testing.T) { differ(t, gobwas{}, gobwasQuirks) }

// DIFFERENTIAL.md has a row for each quirk.
func TestDifferentialDoc(t *testing.T) {
	text, err := os.ReadFile("DIFFERENTIAL.md")
	require.NoError(t, err)
	for i := range gobwasQuirks {
		require.Contains(t, string(text), gobwasQuirks[i].Row())
	}
	for _, q := range headerQuirks {
		require.Contains(t, string(text), q.why)
	}
}
