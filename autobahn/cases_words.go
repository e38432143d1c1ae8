package autobahn

import (
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/idlewire/idlewire/frame"
)

// The words that the tables are written in. A row reads: these steps, written so; this is to come back; within this time; and so it ends.

// Frames.

func text(payload string) Step { return aFrame(frame.Text, payload) }
func bin(payload string) Step  { return aFrame(frame.Binary, payload) }
func cont(payload string) Step { return aFrame(frame.Continuation, payload) }
func ping(payload string) Step { return aFrame(frame.Ping, payload) }
func pong(payload string) Step { return aFrame(frame.Pong, payload) }

// aFrame is a frame with FIN, of any opcode.
func aFrame(op frame.Opcode, payload string) Step {
	return Step{Do: SendFrame, Opcode: op, Payload: octets(payload)}
}

// more is f without FIN.
func more(f Step) Step { f.More = true; return f }

// reserved is f with reserved bits.
func reserved(rsv byte, f Step) Step { f.Rsv = rsv; return f }

// filled is f with its payload over and over, n octets in all.
func filled(n int, f Step) Step { f.Payload.Len = n; return f }

// header is the header of a frame without FIN that announces n octets of payload; parts follow.
func header(op frame.Opcode, n uint64) Step {
	return Step{Do: SendHeader, Opcode: op, More: true, Announce: n}
}

func part(payload string) Step { return Step{Do: SendPart, Payload: octets(payload)} }

// Messages. message is f as a message, in one frame; fragments, in frames of n octets each.

func message(f Step) Step          { f.Do = SendMessage; return f }
func fragments(n int, f Step) Step { f.Do, f.Fragment = SendMessage, n; return f }

// Close frames. closing has a code and a reason, and both may be wrong; closingRaw any body.

func closing(code frame.CloseCode, reason string) Step {
	return closingRaw(string([]byte{byte(code >> 8), byte(code)}) + reason)
}

func closingRaw(body string) Step {
	return Step{Do: SendClose, Opcode: frame.Close, Payload: octets(body)}
}

// Waits. pause is not recorded; pauseIfOpen is, as tag, and ends the case if the connection is not open by then.

func pause(d time.Duration) Step { return Step{Do: Wait, Wait: d} }

func pauseIfOpen(d time.Duration, tag string) Step {
	return Step{Do: Wait, Wait: d, Tag: tag, IfOpen: true}
}

// How the steps are written: together, each frame by itself, or each frame n octets at a time.

func plain(steps ...Step) []Step { return steps }

func perFrame(steps ...Step) []Step {
	steps = slices.Clone(steps)
	for i := range steps {
		steps[i].PerFrame = steps[i].Do != Wait
	}
	return steps
}

func chopped(n int, steps ...Step) []Step {
	steps = slices.Clone(steps)
	for i := range steps {
		if steps[i].Do != Wait {
			steps[i].Chop = n
		}
	}
	return steps
}

// What comes back. It is named by the frames that an echo would answer: a ping stands for its pong, text and binary for the message.

// echoes is OK for the echoes of frames, in that order and nothing else; without frames, for silence.
func echoes(frames ...Step) []Expectation { return []Expectation{{OK, echoesOf(frames)}} }

// silence is OK when nothing comes back.
func silence() []Expectation { return echoes() }

// echoesUnlessLost is OK for the echoes, and NON-STRICT for silence: what the peer queued may be lost when it notices the next, bad frame.
func echoesUnlessLost(frames ...Step) []Expectation {
	return []Expectation{{OK, echoesOf(frames)}, {NonStrict, nil}}
}

func echoesOf(frames []Step) []Event {
	var events []Event
	for _, f := range frames {
		e := Event{Kind: Message, Binary: f.Opcode == frame.Binary, Payload: f.Payload}
		if f.Opcode == frame.Ping {
			e.Kind = Pong
		}
		events = append(events, e)
	}
	return events
}

func timeouts(tags ...string) []Event {
	var events []Event
	for _, t := range tags {
		events = append(events, Event{Kind: Timeout, Tag: t})
	}
	return events
}

// When the runner ends it: failIn with a Close 1001 or by dropping TCP, closeIn politely.

func failIn(d time.Duration) Deadline  { return Deadline{After: d} }
func closeIn(d time.Duration) Deadline { return Deadline{After: d, JustClose: true} }

// How it ends.

// closeOnMatch: the runner closes with 1000 as soon as the right events are there.
func closeOnMatch() CloseExpectation {
	return CloseExpectation{Codes: codes(frame.CloseNormal), Clean: true, OnMatch: true}
}

// closedClean: the runner is the first to send a Close; the peer answers with one of the codes, or without one.
func closedClean(c ...frame.CloseCode) CloseExpectation {
	return CloseExpectation{Codes: c, Clean: true}
}

// closedOrDropped: likewise, but the Close is a bad one, and the peer may as well drop TCP.
func closedOrDropped(c ...frame.CloseCode) CloseExpectation { return CloseExpectation{Codes: c} }

// failedByPeer: the peer fails the connection, by a Close with that code or by dropping TCP.
func failedByPeer(c frame.CloseCode) CloseExpectation {
	return CloseExpectation{ByPeer: true, Codes: codes(c)}
}

func codes(c ...frame.CloseCode) []frame.CloseCode { return c }

// What the peer has to do, where many rows ask for the same.
const (
	echoIt     = "Echo the message, of the same type and with the same payload"
	failIt     = "Fail the connection: a Close with 1002, or TCP dropped"
	echoFailIt = "Echo the good text, then fail the connection: a Close with 1002, or TCP dropped; NON-STRICT if the echo is lost"
)

// numbered gives the cases of a loop their IDs: section.1, section.2 and so on.
func numbered(section string, cases []*Case) []*Case {
	for i, c := range cases {
		c.ID = fmt.Sprintf("%s.%d", section, i+1)
	}
	return cases
}

// octets is a payload of the octets of s, once.
func octets(s string) Payload { return Payload{Unit: []byte(s), Len: len(s)} }

// unhex is the octets that s spells in hexadecimal digits; spaces are for the eye.
func unhex(s string) string {
	b, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
	if err != nil {
		panic(err) // a row is misspelled
	}
	return string(b)
}
