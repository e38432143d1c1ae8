package autobahn

import (
	"bytes"
	"time"

	"github.com/idlewire/idlewire/frame"
)

// A Case is one test: what the runner sends, and what a peer that keeps to the RFC does. It is data; session plays it.
type Case struct {
	ID      string // such as "6.4.1": section, subsection, case
	Number  int    // 1-based place in the full list of the suite's own 517 cases; those of ExtraCases go on from there
	RFC     string // the sections that it is about, such as "5.4, 8.1", of RFC 6455; of RFC 7692 in sections 12 and 13
	Title   string // what the runner does, in a line
	Expects string // what the peer has to do, in a line

	Steps    []Step
	Deadline Deadline
	Expect   []Expectation // the first whose events equal the recorded ones gives Behavior; none: FAILED
	Close    CloseExpectation

	// RoundTrips, if not 0, puts a rule in place of Expect: the data message of Steps is sent as many times, each when the echo of
	// the one before has come; each echo has to have its type and length (its content is not compared); then the runner closes.
	RoundTrips int
	// Compression, if not nil, does likewise with messages that are compressed and compared (sections 12 and 13). Steps is empty.
	Compression *Compression
	// CountFrames, if not nil, is how many frames of each opcode the runner must have sent itself; else FAILED (10.1.1).
	CountFrames map[frame.Opcode]int

	Informational    bool // both verdicts are INFORMATIONAL, whatever happens
	WrongCodeFails   bool // a WRONG CODE of the end makes Behavior FAILED (section 7)
	InitiatorMatters bool // a wrong initiator of the end makes Behavior FAILED (section 6)

	ShowDuration bool // the index shows how long it took
	ShowRatio    bool // the index shows the compression ratio

	// The rest is of the extra cases (extra.go).
	For      Endpoint  // whom it tests; zero: both
	Opening  *Opening  // an opening handshake of the case's own
	Outcomes []Outcome // what counts in place of Expect and Close, which then only show the reports what is expected
	Stream   []Step    // the frames that SendStream sends in pieces
	Mute     bool      // the runner answers no Close
}

// A Step is one thing that the runner does, in order.
type Step struct {
	Do      Act
	Opcode  frame.Opcode // of SendFrame, SendMessage, SendHeader
	More    bool         // FIN is not set (SendFrame, SendHeader)
	Rsv     byte         // some of frame.Rsv1|Rsv2|Rsv3 (SendFrame, SendHeader)
	Payload Payload      // of SendFrame, SendMessage; of SendClose the whole body; of SendPart a part

	Announce uint64 // SendHeader: the payload length that the header announces
	Odd      *Odd   // SendFrame, SendHeader: how the header differs from what the runner otherwise sends
	To       int    // SendStream: octets of the stream that are sent when it is done; 0: all, below 0: all but so many

	Chop     int  // the octets, header and all, are written so many at a time, each a TCP segment; 0: whole
	PerFrame bool // the frame is a write of its own
	Fragment int  // SendMessage: payload octets in each frame; 0: one frame

	Wait   time.Duration // Wait: how long
	Tag    string        // Wait: recorded as a timeout event of this name when the time is up; "": not recorded
	IfOpen bool          // Wait: if the connection is not open by then, nothing is recorded and no further step is taken
}

// An Act is what a Step does.
type Act byte

const (
	SendFrame   Act = iota // a frame as described, good or bad
	SendMessage            // a data message, in frames of Fragment octets
	SendClose              // a Close frame: from now on the runner is closing, and the initiator
	SendHeader             // the header of a frame; its payload follows in parts
	SendPart               // a part of the payload that a header announced
	Wait                   // nothing for a while
	SendOctets             // the payload as it is, without a frame around it
	SendStream             // a piece of Case.Stream
	EndWriting             // the runner ends its direction of TCP
	Reset                  // TCP is dropped at once
)

// A Payload is the octets of Unit over and over, Len of them in all. If Unit is empty, they are zero.
type Payload struct {
	Unit []byte
	Len  int
}

// Bytes makes the octets of p. The slice is the caller's.
func (p Payload) Bytes() []byte {
	b := make([]byte, p.Len)
	for n := 0; n < len(b) && len(p.Unit) > 0; {
		if n == 0 {
			n = copy(b, p.Unit)
		} else {
			n += copy(b[n:], b[:n-n%len(p.Unit)])
		}
	}
	return b
}

// Equal reports whether b is the octets of p.
func (p Payload) Equal(b []byte) bool {
	if len(b) != p.Len {
		return false
	}
	if len(p.Unit) == 0 {
		p.Unit = []byte{0}
	}
	for len(b) > len(p.Unit) {
		if !bytes.Equal(b[:len(p.Unit)], p.Unit) {
			return false
		}
		b = b[len(p.Unit):]
	}
	return bytes.Equal(b, p.Unit[:len(b)])
}

// A Deadline ends a case that the peer does not end.
type Deadline struct {
	After     time.Duration // since the first steps were taken, up to the first Wait; since the last step if there is a Wait
	JustClose bool          // an open connection is closed without code, a closing one left alone; false: it is failed with 1001, or dropped if it is closing
}

// An Expectation is what a peer may do, and the verdict on it.
type Expectation struct {
	Verdict Verdict // OK or NonStrict; of the extra cases Informational too
	Events  []Event
}

// A CloseExpectation is how the connection may end.
type CloseExpectation struct {
	ByPeer bool              // the peer has to be the first to send a Close, or just drop TCP; false: the runner is the first
	Codes  []frame.CloseCode // that the peer's Close may have, if it has one
	Clean  bool              // a closing handshake is required
	// OnMatch: when the events equal an expectation the runner sends a Close 1000 at once. Otherwise it waits, for the peer or for the deadline.
	OnMatch bool
	// Any: it may end in any way. Only of Outcomes.
	Any bool
}

// Compression describes the messages of a case of section 12 or 13, and the extension offered for them.
type Compression struct {
	Corpus     string // whose octets are sent: json, bitmap, prose, html, pdf
	Binary     bool   // the type of the messages
	MessageLen int    // of each message, in octets; in code points if the messages are text
	Count      int    // messages, one at a time
	Fragment   int    // octets of compressed payload in each frame; 0: one frame
	Profile    string // of the negotiation: 12, 13.1 to 13.7
}

// An Event is what the runner records of a connection: a message, a pong, or that a wait was over.
type Event struct {
	Kind    EventKind
	Binary  bool    // of a Message
	Payload Payload // of Message and Pong
	Tag     string  // of Timeout
}

// An EventKind is the kind of an Event, in the words of the reports.
type EventKind string

const (
	Message EventKind = "message"
	Pong    EventKind = "pong"
	Timeout EventKind = "timeout"
)

// Equal reports whether e and f are the same.
func (e Event) Equal(f Event) bool {
	return e.Kind == f.Kind && e.Binary == f.Binary && e.Tag == f.Tag && e.Payload.Len == f.Payload.Len &&
		(e.Payload.Len == 0 || e.Payload.Equal(f.Payload.Bytes()))
}
