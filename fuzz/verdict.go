package fuzz

import (
	"bytes"
	"encoding/binary"
	"fmt"
)

// Opcodes (RFC 6455, 11.8).
const (
	OpContinuation byte = 0
	OpText         byte = 1
	OpBinary       byte = 2
	OpClose        byte = 8
	OpPing         byte = 9
	OpPong         byte = 10
)

// Close codes with which the reference fails a connection (RFC 6455, 7.4.1).
const (
	CodeProtocol = 1002
	CodeInvalid  = 1007
	CodePolicy   = 1008
	CodeTooBig   = 1009
)

// A State is how an endpoint stands after some octets of its peer.
type State byte

const (
	Open     State = iota // all is well, and nothing is incomplete
	NeedMore              // all is well; a frame or a message is incomplete
	Closed                // the peer's Close has come: what follows means nothing (5.5.1)
	Failed                // the peer broke a rule or a limit: the endpoint has to fail the connection (7.1.7)
)

// String returns the name of the state.
func (s State) String() string {
	return [...]string{"open", "need more", "closed", "failed"}[s&3]
}

// An Event is what an endpoint hears: a whole data message, or a control frame.
type Event struct {
	Op      byte   // OpText, OpBinary, OpClose, OpPing or OpPong
	Payload []byte // in clear, and decompressed
	End     int    // so many octets of the stream had come when it was complete; 0 in an Outcome where nobody counts
}

// Close returns the code and the reason of a Close: 1005 if it has none (7.1.5).
func (e Event) Close() (code uint16, reason string) {
	if e.Op != OpClose || len(e.Payload) < 2 {
		return 1005, ""
	}
	return binary.BigEndian.Uint16(e.Payload), string(e.Payload[2:])
}

// String is one line.
func (e Event) String() string {
	if e.Op == OpClose {
		code, reason := e.Close()
		return fmt.Sprintf("close %d %q", code, reason)
	}
	return opName(e.Op) + " " + excerpt(e.Payload)
}

// A Fault is the first rule that a stream breaks.
type Fault struct {
	Code    uint16 // of the Close: 1002, 1007, 1008 or 1009
	Section string // of RFC 6455, such as "5.5"; of another, such as "RFC 7692 6.1"
	Rule    string // in a few words
	At      int    // so many octets of the stream make it certain
}

// String is such as "1002 at octet 2: 5.5: control frame longer than 125".
func (f Fault) String() string {
	return fmt.Sprintf("%d at octet %d: %s: %s", f.Code, f.At, f.Section, f.Rule)
}

// A Verdict is what the reference says of a stream.
type Verdict struct {
	State  State
	Events []Event
	Fault  Fault // State is Failed
	// Lenient says that a message was accepted that some do not: it ends with a final block, and lacks the empty one that belongs behind it (RFC 7692, 7.2.1).
	Lenient bool
	// Final says that a message had a final block, as 7.2.1 allows; many stop there, whatever follows.
	Final bool
	Also  []Fault // of JudgeLate, and seldom something else: what other endpoints may fail for
}

// Answers returns what the endpoint has to send because of what it heard, in order, in clear, and unmasked: a Pong to each Ping (5.5.2; an endpoint that
// is late may answer the last alone, 5.5.3), the echo of a Close (5.5.1: "typically" its code), and the Close of a failure, which
// it should send (7.1.7), and whose code is what it is expected to say.
func (v Verdict) Answers() []Frame {
	var all []Frame
	answer := func(op byte, payload []byte) {
		all = append(all, Frame{Fin: true, Opcode: op, Length: uint64(len(payload)), Payload: payload})
	}
	for _, e := range v.Events {
		switch e.Op {
		case OpPing:
			answer(OpPong, e.Payload)
		case OpClose:
			answer(OpClose, e.Payload[:min(2, len(e.Payload))])
		}
	}
	if v.State == Failed {
		answer(OpClose, binary.BigEndian.AppendUint16(nil, v.Fault.Code))
	}
	return all
}

// An Outcome is what an implementation made of a stream.
type Outcome struct {
	Events []Event
	Failed bool
	Code   uint16 // Failed: the close code that it sent or named; 0: it named none, and any will do
}

// Compare says where an implementation went wrong with a stream, or "" if it did not. An endpoint may notice a fault as soon as it is certain (Judge), or
// when the header, the control frame or the message that has it is complete (JudgeLate), or in between; until it does, it goes on as though
// there were none.
func Compare(s Setup, stream []byte, got Outcome) string {
	return Between(Judge(s, stream), JudgeLate(s, stream), got)
}

// Between is Compare when the two verdicts are known.
func Between(early, late Verdict, got Outcome) string {
	for i, e := range got.Events {
		switch {
		case i >= len(late.Events) && late.State == Failed:
			return fmt.Sprintf("event %d is %v; want failure, %v", i, e, early.Fault)
		case i >= len(late.Events):
			return fmt.Sprintf("event %d is %v; want none", i, e)
		case late.Events[i].Op != e.Op || !bytes.Equal(late.Events[i].Payload, e.Payload):
			return fmt.Sprintf("event %d is %v; want %v", i, e, late.Events[i])
		}
	}
	n := len(got.Events)
	switch {
	case n < len(early.Events):
		return fmt.Sprintf("%d events (failed: %v, %d); want one more: %v", n, got.Failed, got.Code, early.Events[n])
	case !got.Failed && late.State == Failed:
		return fmt.Sprintf("no failure; want %v", early.Fault)
	case !got.Failed && n < len(late.Events):
		return fmt.Sprintf("%d events and no failure; want one more: %v", n, late.Events[n])
	case got.Failed && early.State != Failed:
		return fmt.Sprintf("failure %d; want none", got.Code)
	case got.Failed && got.Code != 0 && !mayName(early, late, got):
		return fmt.Sprintf("failure %d; want %v", got.Code, early.Fault)
	}
	return ""
}

// mayName reports whether an endpoint may fail with the code, having heard what it has.
func mayName(early, late Verdict, got Outcome) bool {
	if got.Code == early.Fault.Code {
		return true
	}
	for _, f := range late.Also {
		if got.Code == f.Code {
			return true
		}
	}
	return len(got.Events) == len(late.Events) && late.State == Failed && got.Code == late.Fault.Code
}
