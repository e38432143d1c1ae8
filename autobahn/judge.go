package autobahn

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/idlewire/idlewire/frame"
)

func validText(b []byte) bool { return utf8.Valid(b) }

// judge gives both verdicts on a case whose connection is gone. Where a rule has decided, Behavior is set already.
func judge(r *Result) {
	c := r.Case
	if c.Outcomes != nil {
		judgeOutcomes(r)
		return
	}
	if c.RoundTrips == 0 && c.Compression == nil {
		judgeEvents(r)
	} else if r.Reason == "" {
		r.Reason = "the messages did not all come back"
	}
	if r.Behavior != OK {
		r.Traffic = nil
	}
	judgeClose(r, c.Close)
	if r.BehaviorClose == WrongCode && c.WrongCodeFails {
		r.Behavior, r.Reason = Failed, r.ReasonClose
	}
	if r.BehaviorClose == Failed && c.InitiatorMatters && r.Opened && r.ClosedByMe == c.Close.ByPeer {
		r.Behavior, r.Reason = Failed, r.ReasonClose
	}
	if c.Informational {
		r.Behavior, r.BehaviorClose = Informational, Informational
	}
}

// judgeEvents compares what was recorded with what the case expects.
func judgeEvents(r *Result) {
	r.Behavior = Failed
	r.Reason = "what came is not what the case expects: " + describe(r.Received)
	if !r.Opened {
		r.Reason = "the opening handshake failed"
		return
	}
	for _, x := range r.Case.Expect {
		if equalEvents(x.Events, r.Received) {
			r.Behavior = x.Verdict
			r.Reason = "what came is what the case expects: " + describe(r.Received)
			break
		}
	}
	for op, n := range r.Case.CountFrames {
		if r.TxFrames[op] != n {
			r.Behavior, r.Reason = Failed, fmt.Sprintf("the runner itself sent %d frames with opcode %d and not %d", r.TxFrames[op], op, n)
		}
	}
}

// judgeClose says how the connection ended. The first rule that fits decides.
func judgeClose(r *Result, want CloseExpectation) {
	verdict := func(v Verdict, format string, args ...any) {
		r.BehaviorClose, r.ReasonClose = v, fmt.Sprintf(format, args...)
	}
	switch {
	case !r.Opened:
		verdict(Failed, "the connection was never open")
	case want.Any:
		verdict(OK, "the connection may end in any way")
	case r.ClosedByMe && want.ByPeer:
		verdict(Failed, "the peer was to fail the connection, and did not")
	case !r.ClosedByMe && !want.ByPeer:
		verdict(Failed, "the peer ended the connection before the runner")
	case want.Clean && !r.WasClean:
		verdict(Unclean, "no clean end: %s", r.WasNotCleanReason)
	case r.RemoteClose != nil && r.RemoteClose.HasCode && !slices.Contains(want.Codes, frame.CloseCode(r.RemoteClose.Code)):
		verdict(WrongCode, "the peer's Close has code %d, not %s", r.RemoteClose.Code, list(want.Codes))
	case !r.IsServer && r.DroppedByMe:
		verdict(FailedByClient, "the server left it to the client to close TCP")
	default:
		verdict(OK, "the connection ended as it should")
	}
}

func list(codes []frame.CloseCode) string {
	var b strings.Builder
	for i, c := range codes {
		if i > 0 {
			b.WriteString(" or ")
		}
		fmt.Fprint(&b, uint16(c))
	}
	return b.String()
}

// describe says in a few words what events are.
func describe(events []Event) string {
	if len(events) == 0 {
		return "nothing"
	}
	var b strings.Builder
	for i, e := range events {
		if i == 5 {
			fmt.Fprintf(&b, ", and %d more", len(events)-i)
			break
		}
		if i > 0 {
			b.WriteString(", ")
		}
		switch {
		case e.Kind == Timeout:
			fmt.Fprintf(&b, "wait %s over", e.Tag)
		case e.Kind == Pong:
			fmt.Fprintf(&b, "a pong of %d octets", e.Payload.Len)
		case e.Binary:
			fmt.Fprintf(&b, "a binary message of %d octets", e.Payload.Len)
		default:
			fmt.Fprintf(&b, "a text message of %d octets", e.Payload.Len)
		}
	}
	return b.String()
}
