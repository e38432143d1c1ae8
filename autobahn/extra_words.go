package autobahn

import (
	"time"

	"github.com/idlewire/idlewire/frame"
)

// The words of the extra cases, besides those of cases_words.go.

// extraTime is what a peer has for what it is to do.
const extraTime = 2 * time.Second

// extra is a case with its outcomes, the best first.
func extra(rfc, title, expects string, steps []Step, outcomes ...Outcome) *Case {
	return &Case{RFC: rfc, Title: title, Expects: expects, Steps: steps, Outcomes: outcomes, Deadline: failIn(extraTime)}
}

// closesAfter: the echoes of frames come, in that order and nothing else; then the runner closes.
func closesAfter(frames ...Step) Outcome {
	return Outcome{Verdict: OK, Events: echoesOf(frames), Close: closeOnMatch()}
}

// closedAfter: they come, and the runner has sent a Close already, which the peer answers with one of the codes or with none.
func closedAfter(c []frame.CloseCode, frames ...Step) Outcome {
	return Outcome{Verdict: OK, Events: echoesOf(frames), Close: closedClean(c...)}
}

// fails: nothing comes, and the peer fails the connection by a Close with one of the codes, or by dropping TCP.
func fails(c ...frame.CloseCode) Outcome {
	return Outcome{Verdict: OK, Close: CloseExpectation{ByPeer: true, Codes: c}}
}

// failsAfter: likewise, after the echoes of frames.
func failsAfter(c []frame.CloseCode, frames ...Step) Outcome {
	o := fails(c...)
	o.Events = echoesOf(frames)
	return o
}

// gives is o with another verdict, because of what why says.
func gives(v Verdict, why string, o Outcome) Outcome {
	o.Verdict, o.Why = v, why
	return o
}

// inAnyOrder is o with pongs anywhere among the messages, and perhaps only those of the latest pings.
func inAnyOrder(o Outcome) Outcome {
	o.Loose = true
	return o
}

// whatever is o, whatever comes before its events.
func whatever(o Outcome) Outcome {
	o.AnyEvents = true
	return o
}

// patiently ends steps that a peer may leave unanswered: after a while, a timeout "open" is recorded, and TCP dropped.
func patiently(d time.Duration, steps ...Step) []Step {
	return append(steps, pauseIfOpen(d, stillOpen), Step{Do: Reset})
}

const stillOpen = "open"

// stays: the peer does nothing about it.
func stays() Outcome {
	return Outcome{Verdict: OK, Events: timeouts(stillOpen), Close: CloseExpectation{Any: true}}
}

// odd is f with an odd header.
func odd(o Odd, f Step) Step { f.Odd = &o; return f }

// sent is octets as they are.
func sent(s string) Step { return Step{Do: SendOctets, Payload: octets(s)} }

// endWriting ends the runner's direction of TCP.
func endWriting() Step { return Step{Do: EndWriting} }

// upTo sends the stream up to an octet; 0: all of it.
func upTo(n int) Step { return Step{Do: SendStream, To: n} }

// Sets of codes.
var (
	protocolError = codes(frame.CloseProtocolError)
	anyFailure    = codes(frame.CloseNormal, frame.CloseGoingAway, frame.CloseProtocolError, frame.CloseUnsupportedData, frame.CloseInvalidPayload, frame.ClosePolicyViolation,
		frame.CloseTooBig, frame.CloseMandatoryExtension, frame.CloseInternalError)
	limitReached = codes(frame.CloseTooBig, frame.ClosePolicyViolation)
)
