package autobahn

import (
	"bytes"
	"fmt"
	"strings"
	"time"

	"github.com/idlewire/idlewire/frame"
	"github.com/idlewire/idlewire/handshake"
)

// An opener is an opening handshake that a case makes itself. It is a part of the session: until it is done, what the peer sends is its answer. To a client, which
// answers with frames, it is done at once.
type opener struct {
	*Opening
	target, host, more string
	key                string
	offered            []string              // subprotocols, by more
	offers             []handshake.Extension // of a client

	agreed *offered // permessage-deflate; nil: not agreed

	in    []byte   // of the answer
	first response // the final one; zero: not complete
	size  int      // of its head
	ends  int      // where in in it ends, with its body; 0: not known
	whole bool     // that has come
}

const (
	maxAnswer         = 64 << 10               // octets of an answer: a longer head fails, a longer body is not awaited
	closeAfterRefusal = time.Second            // that a server has for closing TCP, if it says that it will
	twiceWithin       = 250 * time.Millisecond // a second response would come
)

func (s *session) patience() time.Duration {
	if s.greet.Patience > 0 {
		return s.greet.Patience
	}
	return s.opt.openingTime()
}

// beginOpener sends what the case has to say.
func (s *session) beginOpener() {
	g := s.greet
	if s.client && g.Key != "" {
		g.key = g.Key
	} else if s.client {
		g.key = newKey()
	}
	say := s.say()
	chop := g.Chop
	if g.Last > 0 {
		chop = max(len(say)-g.Last, g.Last)
	}
	if !s.client {
		s.r.HTTPResponse = say[:min(len(say), maxRefusal)]
		s.push([]byte(say), chop, false)
		s.greet = nil
		s.playOrClose()
		return
	}
	s.r.Opened = false
	s.r.HTTPRequest = say[:min(len(say), maxRefusal)]
	s.push([]byte(say), chop, false)
	for i := range g.Frames {
		if f := &g.Frames[i]; !s.extraStep(f) {
			s.push(s.oddFrame(f), 0, false)
		}
		if g.Frames[i].Do == SendClose {
			s.closing(g.Frames[i].Payload.Bytes(), false)
		}
	}
	s.arm(timerAnswer, s.patience())
}

// playOrClose takes the steps of the case, unless it cannot be played with what was agreed.
func (s *session) playOrClose() {
	if s.r.unimplemented == "" {
		s.steps()
		return
	}
	s.sendCloseCode(frame.CloseNormal, "")
	s.setDeadline()
}

// say is Say, or what Deflate has in its place, filled in.
func (s *session) say() string {
	g := s.greet
	say := g.Say
	switch d := g.Deflate; {
	case d == nil || say != "":
	case s.client:
		say = asks(with("Sec-WebSocket-Extensions: " + strings.ReplaceAll(d.Offer, "\n", "\r\nSec-WebSocket-Extensions: ")))
	default:
		agreed, header := d.reply(g.offers)
		if say = responds(); agreed != nil {
			say = responds(with("Sec-WebSocket-Extensions: " + header))
		}
		s.agree(d, agreed)
	}
	return strings.NewReplacer("{target}", g.target, "{host}", g.host, "{more}", g.more, "{key}", g.key, "{accept}", acceptOf(g.key), "{fill}", string(g.Fill.Bytes())).
		Replace(say)
}

// receiveAnswer takes octets of a server's answer. When the connection is open, greet is nil and rest is what came behind.
func (s *session) receiveAnswer(b []byte) (rest []byte) {
	g := s.greet
	seen := max(0, len(g.in)-3)
	g.in = append(g.in, b...)
	for g.first.status == 0 {
		end := bytes.Index(g.in[seen:], []byte("\r\n\r\n"))
		if end < 0 {
			if len(g.in) > maxAnswer {
				s.answerFails("the response has no end")
			}
			return nil
		}
		end += seen
		seen = 0
		r, err := parseResponse(string(g.in[:end]))
		if err != nil {
			s.answerFails(err.Error())
			return nil
		}
		if r.status < 200 && r.status != 101 { // RFC 9110, 15.2: an interim response
			g.in = g.in[end+4:]
			continue
		}
		g.first, g.size = r, end+4
		s.r.HTTPResponse = string(g.in[:end+4])
		if r.status == 101 {
			return s.answerOpens(g.in[end+4:])
		}
	}
	if g.ends == 0 && !g.first.untilClose {
		method, _, _ := strings.Cut(g.Say, " ")
		g.ends = g.first.end(g.in, g.size, method)
	}
	if len(g.in) > maxAnswer {
		s.answered(Refuses, fmt.Sprintf("status %d", g.first.status))
		return nil
	}
	if !g.whole && (g.first.untilClose || g.ends > 0 && len(g.in) >= g.ends) {
		g.whole = true
		s.arm(timerAnswer, twiceWithin)
		if g.first.close {
			s.arm(timerAnswer, closeAfterRefusal)
		}
	}
	if g.ends > 0 && len(g.in) > g.ends {
		s.moreFollows(g.in[g.ends:])
	}
	return nil
}

// moreFollows is where octets come behind a response that refuses.
func (s *session) moreFollows(b []byte) {
	const http = "HTTP/1."
	switch n := min(len(b), len(http)); {
	case strings.HasPrefix(s.greet.Say, "HEAD ") && string(b[:n]) != http[:n]: // RFC 9110, 9.3.2: "the server MUST NOT send content in the response"
		s.answerFails("the response to HEAD has a body")
	case string(b[:n]) != http[:n]:
		s.answerFails("behind the response come octets that are no response")
	case len(b) < len(http):
	case s.greet.first.close: // RFC 9112, 9.6: "A server that sends a "close" connection option MUST initiate closure of the connection"
		s.answerFails("a second response comes behind one that said Connection: close")
	default:
		s.answered(Twice, fmt.Sprintf("status %d, and a second response behind it", s.greet.first.status))
	}
}

// answerIsDue is where the time for an answer, or for what may follow it, is over.
func (s *session) answerIsDue() {
	g := s.greet
	switch {
	case g == nil:
	case g.whole:
		s.answered(Refuses, fmt.Sprintf("status %d", g.first.status))
		if g.first.close {
			s.r.BehaviorClose, s.r.ReasonClose = Unclean, "the server said that it would close TCP, and did not in time" // RFC 9112, 9.6
		}
	case len(g.in) > 0:
		s.answerFails("the response did not end in time")
	default:
		s.answered(Waits, "no answer in time")
	}
}

// answerEnds is where TCP is gone before the answer was judged.
func (s *session) answerEnds() {
	g := s.greet
	switch {
	case s.r.Reason != "": // judged
	case g.first.status != 0: // perhaps not all of its body: TCP may have taken that back
		s.answered(Refuses, fmt.Sprintf("status %d", g.first.status))
	case len(g.in) > 0:
		s.answerFails("the response is not whole")
	default:
		s.answered(Drops, "TCP closed without a response")
	}
}

// answerOpens is where a response says that the connection is open.
func (s *session) answerOpens(rest []byte) []byte {
	g := s.greet
	wrong := g.wrongSwitch()
	if wrong == "" && g.Deflate != nil {
		g.agreed, wrong = g.Deflate.wrongAnswer(g.first.fields["sec-websocket-extensions"])
	}
	if wrong != "" {
		s.answerFails(wrong)
		return nil
	}
	if !s.answered(Accepts, "the server opened the connection") {
		return nil
	}
	s.timers[timerAnswer] = time.Time{}
	s.greet = nil
	s.r.Opened = true
	s.r.Behavior, s.r.Reason, s.r.BehaviorClose, s.r.ReasonClose = Failed, "", "", ""
	if g.Deflate != nil {
		s.agree(g.Deflate, g.agreed)
	}
	s.playOrClose()
	return rest
}

// answered gives the verdict on an answer, and ends the connection unless that opens it. It reports whether the answer may be given.
func (s *session) answered(kind AnswerKind, what string) bool {
	g := s.greet
	for i := range g.Answers {
		a := &g.Answers[i]
		if a.Kind != kind || kind == Refuses && !a.fits(&g.first) {
			continue
		}
		if s.r.Behavior, s.r.Reason = a.Verdict, what; a.Why != "" {
			s.r.Reason += "; " + a.Why
		}
		s.r.BehaviorClose, s.r.ReasonClose = OK, "the connection ended as it should"
		if kind == Accepts {
			s.r.accepted = a
			return true
		}
		s.endOpener()
		return true
	}
	s.answerFails(what + ": not what the case expects")
	return false
}

func (s *session) answerFails(why string) {
	s.r.Behavior, s.r.Reason = Failed, why
	s.r.BehaviorClose, s.r.ReasonClose = Failed, "the opening handshake did not end as it should"
	s.r.WasNotCleanReason = why
	s.endOpener()
}

func (s *session) endOpener() {
	s.timers[timerAnswer] = time.Time{}
	s.dropTCP(abort)
}

// fits reports whether a response that refuses is as the answer says.
func (a *Answer) fits(r *response) bool {
	if r.status < a.Lowest || r.status > a.Highest {
		return false
	}
	if a.Header == "" {
		return true
	}
	name, element, _ := strings.Cut(a.Header, ": ")
	return r.has(strings.ToLower(name), element)
}
