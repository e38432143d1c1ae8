package autobahn

import (
	"fmt"
	"time"

	"github.com/idlewire/idlewire/frame"
)

// What a peer can make grow, and how far.
const (
	MaxIncoming  = 64 << 20 // octets of a message, and of what it inflates to; a longer one fails the connection with 1009
	MaxQueued    = 64 << 20 // octets of pongs and of the case waiting to be written; more drop the connection
	MaxEvents    = 10_000   // events recorded; more drop the connection
	MaxRecorded  = 64 << 20 // octets of their payloads; likewise
	MaxKept      = 1 << 20  // octets of them in a Result
	MaxLogged    = 20_000   // entries of a Result's Log; what comes after is not logged
	maxLogChunks = 4096     // entries for the pieces of one chopped frame
)

// A session plays one case on one open connection. It is a machine without I/O: the peer's octets and the time go in (receive, tick, lost), octets for the peer
// come out (take), and the wish to close TCP (drop). Its driver, play, knows sockets and nothing of WebSocket.
//
// It does as the original runner does, also where that is odd, since verdicts hang on it: after a breach it sends its Close and reads on, as if the
// frame had been good; the next breach drops TCP.
type session struct {
	c      *Case
	client bool // the runner is the client: it masks, and it waits for the server to close TCP
	opt    Options
	key    func() uint32 // the next masking key; the first octet on the wire is the least significant
	codec  codec         // what was agreed; nil: no compression
	corpus messages      // of Case.Compression

	state state
	began time.Time
	now   time.Time // of the input that is being worked on
	next  int       // index of the next step
	done  bool      // the rule of a case with RoundTrips or Compression has decided
	count int       // echoes that came, of such a case

	timers [numTimers]time.Time // zero: not set
	armed  [numTimers]int       // when it was set, by count
	arms   int
	in     incoming
	taken  int      // octets of the events recorded
	header struct { // of SendHeader, for the parts that follow
		key    uint32
		masked bool
		left   uint64 // octets of payload that parts still have to bring
	}
	owed []byte // what the pong says that waits for the end of a frame; nil: none

	greet  *opener // while the opening handshake of the case's own is going on
	stream stream

	out    []segment
	queued int // octets in out
	drop   drop

	r      *Result
	logged bool // the log is on
	ping   []byte
}

type state byte

const (
	stateOpen    state = iota
	stateClosing       // a Close was sent
	stateClosed        // TCP was dropped, or is gone
)

// A drop says whether and how the driver has to close TCP.
type drop byte

const (
	keep  drop = iota
	flush      // when all is written
	abort      // at once
)

// A segment is octets to write.
type segment struct {
	data  []byte
	chop  int  // octets in a write; 0: as they come
	alone bool // nothing else shares its write
	end   bool // there are no octets in it; our direction of TCP ends
}

// The timers. Where two are due at the same instant, the one that was set first goes first: a Close of a case's steps comes before the deadline, one that answers
// the peer after it.
const (
	timerDeadline = iota
	timerWait
	timerCloseHandshake
	timerServerDrop
	timerAutoPing
	timerAutoPong
	timerStall
	timerGuard
	timerAnswer
	numTimers
)

// stallAfter is how long nothing may move on a connection in a case that has a longer deadline: then its deadline comes early. The original waits up to 1000 s.
const stallAfter = 30 * time.Second

// guardAfter is how long after all its other timers a case may last. The original waits for ever for a server that sends a Close and keeps TCP open.
const guardAfter = 2 * time.Second

func newSession(c *Case, client bool, opt Options, key func() uint32) *session {
	return &session{c: c, client: client, opt: opt, key: key, logged: true, r: &Result{
		Case: c, IsServer: !client, Opened: true, Behavior: Failed,
		RxOctets: map[int]int{}, TxOctets: map[int]int{}, RxFrames: map[frame.Opcode]int{}, TxFrames: map[frame.Opcode]int{},
	}}
}

// begin starts the case on the connection, which is open since now.
func (s *session) begin(now time.Time) {
	s.began, s.now, s.r.Started = now, now, now
	total := s.c.Deadline.After + s.opt.CloseHandshakeTimeout + s.opt.ServerConnectionDropTimeout + guardAfter
	for _, st := range s.c.Steps {
		total += st.Wait
	}
	if s.greet != nil {
		total += s.patience() + closeAfterRefusal
	}
	s.arm(timerGuard, total)
	s.moved(now)
	if s.opt.AutoPingInterval > 0 {
		s.arm(timerAutoPing, s.opt.AutoPingInterval)
	}
	if s.greet != nil {
		s.beginOpener()
		return
	}
	if s.c.Compression != nil {
		s.beginCompressed()
		return
	}
	if s.c.RoundTrips > 0 {
		s.switchLog(false)
	}
	s.steps()
}

// steps takes steps up to a Wait or the last.
func (s *session) steps() {
	for s.next < len(s.c.Steps) {
		st := &s.c.Steps[s.next]
		s.next++
		if s.extraStep(st) {
			continue
		}
		switch st.Do {
		case SendFrame:
			s.sendFrame(frame.Header{Opcode: st.Opcode, Fin: !st.More, Rsv: st.Rsv}, st.Payload.Bytes(), st.Chop, st.PerFrame)
		case SendMessage:
			s.sendMessage(st.Opcode, 0, st.Payload.Bytes(), st.Fragment)
		case SendClose:
			if s.state == stateOpen {
				s.sendClose(st.Payload.Bytes(), false)
			}
		case SendHeader:
			s.sendHeader(st)
		case SendPart:
			s.sendPart(st)
		case Wait:
			s.arm(timerWait, st.Wait)
			s.log(LogEntry{Kind: WaitBegin, For: st.Wait, Tag: st.Tag})
			return
		}
	}
	s.setDeadline()
}

func (s *session) setDeadline() {
	s.arm(timerDeadline, s.c.Deadline.After)
	kind := FailSet
	if s.c.Deadline.JustClose {
		kind = CloseSet
	}
	s.log(LogEntry{Kind: kind, For: s.c.Deadline.After})
}

// due returns when tick has something to do; false: never.
func (s *session) due() (time.Time, bool) {
	i := s.first()
	if i < 0 || s.state == stateClosed {
		return time.Time{}, false
	}
	return s.timers[i], true
}

// first returns the timer that is due first, and -1 if none is set.
func (s *session) first() int {
	first := -1
	for i, t := range s.timers {
		if !t.IsZero() && (first < 0 || t.Before(s.timers[first]) || t.Equal(s.timers[first]) && s.armed[i] < s.armed[first]) {
			first = i
		}
	}
	return first
}

// tick does what is due by now, in the order in which it became due.
func (s *session) tick(now time.Time) {
	for s.state != stateClosed {
		i := s.first()
		if i < 0 || s.timers[i].After(now) {
			return
		}
		s.now = now
		s.timers[i] = time.Time{}
		s.fire(i)
	}
}

func (s *session) fire(timer int) {
	switch timer {
	case timerDeadline:
		s.deadline()
	case timerWait:
		st := &s.c.Steps[s.next-1]
		if st.IfOpen && s.state != stateOpen {
			return
		}
		s.log(LogEntry{Kind: WaitEnd, Tag: st.Tag})
		if st.Tag != "" {
			s.record(Event{Kind: Timeout, Tag: st.Tag})
		}
		s.steps()
	case timerCloseHandshake:
		s.r.CloseHandshakeTimeout = true
		s.unclean("the peer did not answer the Close in time")
		s.dropTCP(abort)
	case timerServerDrop:
		s.r.ServerDropTimeout = true
		s.unclean("the server did not close TCP in time")
		s.dropTCP(abort)
	case timerAutoPing:
		s.sendAutoPing()
	case timerAutoPong:
		s.unclean("no pong came in time")
		s.dropTCP(abort)
	case timerStall:
		if !s.timers[timerDeadline].IsZero() {
			s.timers[timerDeadline] = time.Time{}
			s.deadline()
		}
	case timerGuard:
		s.unclean("the peer kept the connection after the end of the case")
		s.dropTCP(abort)
	case timerAnswer:
		s.answerIsDue()
	}
}

// deadline ends a case that the peer has not ended.
func (s *session) deadline() {
	if s.c.Deadline.JustClose {
		s.log(LogEntry{Kind: CloseFired})
		if s.state == stateOpen {
			s.sendClose(nil, false)
		}
		return
	}
	s.log(LogEntry{Kind: FailFired})
	s.fail(frame.CloseGoingAway, "Going Away")
}

func (s *session) arm(timer int, d time.Duration) {
	s.arms++
	s.timers[timer], s.armed[timer] = s.now.Add(d), s.arms
}

// moved says that octets went one way or the other.
func (s *session) moved(now time.Time) {
	if s.c.Deadline.After > stallAfter {
		s.timers[timerStall] = now.Add(stallAfter)
	}
}

// record adds an event, and closes the connection where the case wants that as soon as its expectation is met.
func (s *session) record(e Event) {
	switch s.taken += e.Payload.Len; {
	case len(s.r.Received) >= MaxEvents:
		s.unclean(fmt.Sprintf("the peer sent more than %d messages and pongs", MaxEvents))
		s.dropTCP(abort)
		return
	case s.taken > MaxRecorded:
		s.unclean(fmt.Sprintf("the peer sent more than %d octets in messages and pongs", MaxRecorded))
		s.dropTCP(abort)
		return
	}
	s.r.Received = append(s.r.Received, e)
	if e.Kind == Timeout {
		return
	}
	if s.c.Outcomes != nil {
		s.matched()
		return
	}
	// In a case that is judged by a rule there is no expectation to miss: a pong, which nothing asked for, ends it.
	if s.state == stateOpen && (s.c.Close.OnMatch || s.byRule()) {
		for _, x := range s.c.Expect {
			if !equalEvents(x.Events, s.r.Received) {
				return
			}
		}
		s.sendCloseCode(frame.CloseNormal, "")
	}
}

func (s *session) byRule() bool { return s.c.RoundTrips > 0 || s.c.Compression != nil }

func equalEvents(want, got []Event) bool {
	if len(want) != len(got) {
		return false
	}
	for i := range want {
		if !want[i].Equal(got[i]) {
			return false
		}
	}
	return true
}

// fail fails the connection (RFC 6455, 7.1.7): with a Close if it is open, and by dropping TCP if a Close was sent already.
func (s *session) fail(code frame.CloseCode, reason string) {
	if s.state == stateClosed {
		return
	}
	if s.r.failedFor == "" {
		s.r.failedFor = reason
	}
	s.r.FailedByMe = true
	switch {
	case s.opt.FailByDrop:
		s.unclean("the runner dropped TCP: " + reason)
		s.dropTCP(abort)
	case s.state == stateOpen:
		s.sendCloseCode(code, reason)
	default:
		if !s.r.WasClean {
			s.unclean("the runner dropped TCP: " + reason)
		}
		s.dropTCP(flush)
	}
}

// dropTCP ends the connection from our side.
func (s *session) dropTCP(how drop) {
	if s.state == stateClosed {
		return
	}
	s.state = stateClosed
	s.r.DroppedByMe = true
	s.drop = how
}

func (s *session) unclean(why string) {
	s.r.WasClean = false
	s.r.WasNotCleanReason = why
}

// lost says that TCP is gone, and completes the result.
func (s *session) lost(now time.Time) *Result {
	if s.greet != nil {
		s.answerEnds()
	}
	s.state = stateClosed
	r := s.r
	r.Duration = now.Sub(s.began)
	if !r.WasClean && !r.DroppedByMe && r.WasNotCleanReason == "" {
		r.WasNotCleanReason = "the peer closed TCP without a closing handshake"
	}
	judge(r)
	r.shrink()
	return r
}

// shrink lets go of payloads that are judged, past MaxKept octets of them.
func (r *Result) shrink() {
	for i, n := 0, 0; i < len(r.Received); i++ {
		if p := &r.Received[i].Payload; n+len(p.Unit) <= MaxKept {
			n += len(p.Unit)
		} else {
			p.Unit = append([]byte(nil), p.Unit[:min(len(p.Unit), keptOctets)]...)
		}
	}
}
