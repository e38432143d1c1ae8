package main

import (
	"fmt"
	"slices"

	"github.com/idlewire/idlewire/fuzz"
)

// ends holds how the connection ended against how it has to.
func (j *judgement) ends() {
	if len(j.found) > 0 && j.found[0].class == broken {
		return // what follows from it says nothing more
	}
	closes := only(fuzz.OpClose, j.heard.Events)
	var code uint16
	if len(closes) > 0 {
		code, _ = closes[0].Close()
	}
	switch {
	case j.flood() && (code == fuzz.CodePolicy || len(closes) == 0 && j.p.end != running), code == fuzz.CodeTooBig && (longTail(j.p.sent) || j.tooLong()):
		return // a limit (10.4)
	case j.p.end == talksOn:
		j.find(broken, "-", "an endpoint answers what it is sent", "never stops talking")
	case j.mustFail():
		j.failure(len(closes) > 0, code)
	case j.mayFail():
		if f := j.tight.Fault; j.tight.State == fuzz.Failed && !j.loose.Final && len(closes) > 0 && j.loose.State != fuzz.Closed && j.looseLt.State != fuzz.Closed && !j.mayName(code) {
			j.find(lesser, f.Section, f.Rule, fmt.Sprintf("fails with %s", codeText(code)))
		}
	case j.loose.State == fuzz.Closed:
		j.goodbye(len(closes) > 0, code)
	case len(closes) > 0:
		j.find(broken, "7.1.7", "only a fault is a reason to fail the connection", "sends Close "+codeText(code)+" in the middle of a good session")
	case j.p.end != running:
		j.find(broken, "7.1.7", "only a fault is a reason to fail the connection", "closes TCP in the middle of a good session")
	}
	j.lateness()
}

// flood reports whether more control frames were sent than everybody has to bear.
func (j *judgement) flood() bool {
	frames, _ := fuzz.Dissect(j.p.sent)
	n := 0
	for _, f := range frames {
		if f.Opcode >= 8 {
			n++
		}
	}
	return n > commonControls
}

// waitsFor reports whether the frame with a fault is not complete, so that an endpoint that looks at whole frames waits for the rest of it. Nobody waits for 2^63 octets.
func waitsFor(stream []byte, f fuzz.Fault) bool {
	_, bad := faulty(stream, f.At)
	return bad != nil && bad.Length != uint64(len(bad.Payload)) && f.Rule != "most significant bit of a length is not 0"
}

// waitsFor is the same of what the plan says, and of that with what the player added.
func (j *judgement) waitsFor(f fuzz.Fault) bool {
	return waitsFor(j.p.stream, f) || waitsFor(j.p.sent, f)
}

// tooLong reports whether the frame with the first fault also announces more than everybody takes: of two faults either may be named.
func (j *judgement) tooLong() bool {
	_, bad := faulty(j.p.sent, j.loose.Fault.At)
	return j.loose.State == fuzz.Failed && bad != nil && bad.Length > uint64(j.want.limits.message.good)
}

// longTail reports whether a stream ends inside the length of a frame, of 64 bits: the first of them may be too many for somebody.
func longTail(stream []byte) bool {
	_, rest := fuzz.Dissect(stream)
	return len(rest) > 2 && rest[1]&0x7f == 127
}

// lateness makes findings of what did not come.
func (j *judgement) lateness() {
	section, rule, c := "-", "an endpoint goes on reading", broken
	switch j.p.late {
	case "", "the failure of the connection", earlyFailure, clientsEnd:
		return // see failure, and strictly
	case "the end of TCP":
		if !betweenFrames(j.p.sent) {
			return // the Close of the other side was taken for part of a frame
		}
	case "the echo of a message":
		section, rule = "echo", "a message comes back"
	case "a pong", "the pong inside a message":
		section, rule = "5.5.2", "a ping is answered"
	case "the answer to the Close":
		section, rule = "5.5.1", "a Close is answered"
	}
	if j.p.late == "the end of TCP" {
		section, rule, c = "7.1.1", "the server closes TCP after both Closes", lesser
	}
	j.find(c, section, rule, "waited in vain for "+j.p.late).vain = true
}

// failure judges an endpoint that had to fail the connection.
func (j *judgement) failure(closed bool, code uint16) {
	f := j.fault()
	switch {
	case !closed && j.p.end == running && len(j.found) > 0: // it has been said what it did instead
	case !closed && j.p.end == running && f.Section == noDeflate: // there is no MUST
		c := lesser
		if f.Rule == beyondWindow {
			c = odd
		}
		g := j.find(c, f.Section, f.Rule, "does not fail the connection")
		g.vain, g.moot = true, f.Rule == beyondWindow
	case !closed && j.p.end == running && slices.ContainsFunc([]fuzz.Fault{j.loose.Fault, j.looseLt.Fault}, j.waitsFor): // it will never know
	case !closed && j.p.end == running:
		j.find(broken, f.Section, f.Rule, "does not fail the connection").vain = true
	case !closed && j.p.end == reset: // which may have taken a Close with it
		j.blame(lesser, f, "resets TCP, and no Close came")
	case !closed:
		j.blame(lesser, f, "closes TCP without a Close")
	case j.mayName(code):
	case j.answersClose(code):
		j.accepts("accepts it, and answers a Close with " + codeText(code))
	default:
		j.blame(lesser, f, "fails with "+codeText(code))
	}
}

// answersClose reports whether the Close that came is the answer to one that was sent with the fault or behind it, as though there were none.
func (j *judgement) answersClose(code uint16) bool {
	for _, e := range frames(fuzz.OpClose, j.p.sent) {
		if c, _ := e.Close(); c == code && c != 1002 && c != 1007 {
			return true
		}
	}
	return false
}

// mayName reports whether a failure may have the code.
func (j *judgement) mayName(code uint16) bool {
	for _, v := range []fuzz.Verdict{j.loose, j.looseLt, j.tight, j.tightLt} {
		for _, f := range append([]fuzz.Fault{v.Fault}, v.Also...) {
			switch {
			case f.Code == 0:
			case f.Code == code:
				return true
			case f.Code == fuzz.CodeTooBig || f.Code == fuzz.CodePolicy: // 7.4.1 has 1008 for what nothing better is there for
				if code == fuzz.CodeTooBig || code == fuzz.CodePolicy {
					return true
				}
			case f.Rule == "most significant bit of a length is not 0" && code == fuzz.CodeTooBig: // it is that, too
				return true
			case f.Section == noDeflate: // which code is for data that cannot be inflated nobody says
				if code != 1000 && code != 1005 {
					return true
				}
			}
		}
	}
	return false
}

// goodbye judges the answer to a Close.
func (j *judgement) goodbye(closed bool, code uint16) {
	last := j.loose.Events[len(j.loose.Events)-1]
	sent, _ := last.Close()
	switch {
	case !closed && j.p.end == reset && last.End < len(j.p.sent): // the reset is for what came behind the Close, and may have taken the answer with it
	case !closed && j.p.end != running:
		j.find(broken, "5.5.1", "a Close is answered", "closes TCP without a Close")
	case !closed || code == sent:
	case code == 1002 && sent >= 1012 && sent <= 1014: // they were registered after the RFC
		j.find(odd, "7.4.2", "codes 1012 to 1014 are registered since", "fails with 1002")
	case slices.Contains([]uint16{1002, 1007, 1008, 1009, 1011}, code):
		j.find(broken, "7.1.7", "only a fault is a reason to fail the connection", "answers a good session with Close "+codeText(code))
	case code == 1000 || code == 1005:
		j.find(odd, "5.5.1", "the answer to a Close typically has its code", "answers with "+codeText(code))
	default:
		j.find(lesser, "5.5.1", "the answer to a Close typically has its code", "answers with "+codeText(code))
	}
}

func codeText(code uint16) string {
	if code == 1005 {
		return "no code"
	}
	return fmt.Sprint(code)
}
