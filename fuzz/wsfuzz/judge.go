package main

import (
	"bytes"
	"fmt"
	"slices"

	"github.com/idlewire/idlewire/fuzz"
)

// A judgement holds what an endpoint did against what the reference says of the octets that it was sent.
type judgement struct {
	p              *played
	echo           bool
	tight, tightLt fuzz.Verdict // of an endpoint that accepts as little as it may
	loose, looseLt fuzz.Verdict // and of one that accepts as much
	heard          fuzz.Verdict // what came back, judged in its turn
	found          []*finding
}

// judge returns what is wrong with a session. The worst comes first.
func judge(p *played, lim *limits, echo bool) []*finding {
	tight, loose := lim.setups(p.role, p.to)
	j := &judgement{p: p, echo: echo}
	j.tight, j.tightLt = fuzz.Judge(tight, p.sent), fuzz.JudgeLate(tight, p.sent)
	j.loose, j.looseLt = fuzz.Judge(loose, p.sent), fuzz.JudgeLate(loose, p.sent)
	back := fuzz.Server
	if p.role == fuzz.Server {
		back = fuzz.Client
	}
	j.heard = fuzz.Judge(fuzz.Setup{Role: back, Deflate: p.from}, p.got)
	if f := j.heard.Fault; j.heard.State == fuzz.Failed {
		j.find(broken, f.Section, f.Rule, "sends it")
	} else {
		j.messages()
		j.pongs()
		j.afterClose()
		j.ends()
	}
	slices.SortStableFunc(j.found, func(a, b *finding) int { return int(b.class) - int(a.class) })
	return j.found
}

func (j *judgement) find(c class, section, rule, kind string) *finding {
	if j.loose.Final && slices.Contains([]string{"echo", "7.1.7", "8.1", noDeflate}, section) { // that is why
		section, rule = "RFC 7692 7.2.1", "data may follow a final block"
	}
	for _, f := range j.found {
		if f.section == section && f.rule == rule && f.kind == kind {
			return f
		}
	}
	f := &finding{class: c, section: section, rule: rule, kind: kind, plan: j.p.plan, play: j.p}
	j.found = append(j.found, f)
	return f
}

// mustFail reports whether no endpoint may go on.
func (j *judgement) mustFail() bool {
	return j.loose.State == fuzz.Failed && j.looseLt.State == fuzz.Failed
}

// mayFail reports whether some endpoint may fail the connection.
func (j *judgement) mayFail() bool {
	return j.loose.State == fuzz.Failed || j.tight.State == fuzz.Failed || j.loose.Lenient
}

// accepts says that the endpoint took what it had to refuse.
func (j *judgement) accepts(how string) {
	f := j.fault()
	c := broken
	switch {
	case f.Rule == "distance beyond the window": // whoever has a greater window may read it
		c = odd
	case f.Section == noDeflate: // RFC 7692 does not say that the connection has to fail
		c = lesser
	}
	j.blame(c, f, how)
}

// blame says what an endpoint did because of a frame, or perhaps of what stands before it.
func (j *judgement) blame(c class, f fuzz.Fault, what string) {
	begin, _ := faulty(j.p.sent, f.At)
	j.find(c, f.Section, f.Rule, what).before = min(begin, len(j.p.stream))
}

// noDeflate is the section of the faults in what is compressed.
const noDeflate = "RFC 7692 7.2.2"

// fault is the first rule that was broken. Of a control frame whose length is in a longer form the reference cannot wait for what the length is: here it is known.
func (j *judgement) fault() fuzz.Fault {
	f := j.loose.Fault
	if j.looseLt.State == fuzz.Failed { // who goes on is to be blamed only for what nobody may put off any longer
		f = j.looseLt.Fault
	}
	if _, bad := faulty(j.p.sent, f.At); bad != nil && bad.Opcode >= 8 && bad.Length <= 125 && bad.Form != fuzz.Form7 && f.Section == "5.5" && bad.Fin {
		f.Section, f.Rule = "5.2", "length not in the minimal number of bytes"
	}
	if f.Section == noDeflate && f.Rule != "distance beyond the window" {
		f.Rule = "what is compressed is no DEFLATE" // in whatever way
	}
	return f
}

// faulty returns the frame that octet number at of a stream belongs to, and where it begins.
func faulty(stream []byte, at int) (begin int, bad *fuzz.Frame) {
	frames, _ := fuzz.Dissect(stream)
	for i := range frames {
		n := frames[i].Size()
		if begin+n >= at {
			return begin, &frames[i]
		}
		begin += n
	}
	return begin, nil
}

// messages compares echoes with what may have been heard.
func (j *judgement) messages() {
	if !j.echo {
		return
	}
	sent := data(j.looseLt.Events)
	for i, e := range data(j.heard.Events) {
		switch {
		case i < len(sent) && sent[i].Op == e.Op && bytes.Equal(sent[i].Payload, e.Payload):
		case i >= len(sent) && j.loose.State == fuzz.Failed && slices.ContainsFunc(j.refused(e.Op), func(r fuzz.Event) bool { return alike(r, e) }):
			j.accepts("accepts it, and sends a message")
			return
		case i > 0 && i-1 < len(sent) && sent[i-1].Op == e.Op && bytes.Equal(sent[i-1].Payload, e.Payload) && len(e.Payload) > 0:
			j.find(broken, "echo", "a message comes back once", "sends it twice")
			return
		case i >= len(sent) && j.loose.State == fuzz.Failed:
			j.accepts("accepts it, and sends a message")
			return
		case i >= len(sent):
			j.find(broken, "echo", "a message comes back once", "sends a message that is no echo")
			return
		case bytes.Equal(sent[i].Payload, e.Payload):
			j.find(broken, "echo", "a message comes back as it is", "changes its type")
			return
		default:
			j.find(broken, "echo", "a message comes back as it is", "changes its payload")
			return
		}
	}
}

// data are the messages among events.
func data(events []fuzz.Event) (all []fuzz.Event) {
	for _, e := range events {
		if e.Op == fuzz.OpText || e.Op == fuzz.OpBinary {
			all = append(all, e)
		}
	}
	return all
}

func only(op byte, events []fuzz.Event) (all []fuzz.Event) {
	for _, e := range events {
		if e.Op == op {
			all = append(all, e)
		}
	}
	return all
}

// pongs holds them against the pings: 5.5.2, and 5.5.3, by which some of them may be left out, and others come unasked.
func (j *judgement) pongs() {
	pings := only(fuzz.OpPing, j.looseLt.Events)
	next := 0
	refused := j.refused(fuzz.OpPing)
	was := func(e fuzz.Event, in []fuzz.Event) bool {
		return slices.ContainsFunc(in, func(p fuzz.Event) bool { return bytes.Equal(p.Payload, e.Payload) })
	}
	for _, c := range only(fuzz.OpClose, j.heard.Events) { // it has failed as it had to: an empty pong is one that nobody asked for
		if code, _ := c.Close(); j.mayName(code) {
			refused = slices.DeleteFunc(refused, func(p fuzz.Event) bool { return len(p.Payload) == 0 })
		}
	}
	heard := only(fuzz.OpPong, j.heard.Events)
	unasked := false
	for _, e := range heard {
		i := slices.IndexFunc(pings[next:], func(p fuzz.Event) bool { return bytes.Equal(p.Payload, e.Payload) })
		switch {
		case i >= 0:
			next += i + 1
		case j.loose.State == fuzz.Failed && (j.p.barrier != "" && string(e.Payload) == j.p.barrier || was(e, refused)):
			j.accepts("accepts it, and sends a pong")
		case next > 0 && bytes.Equal(pings[next-1].Payload, e.Payload), was(e, pings) && inOrder(slices.CompactFunc(slices.Clone(heard), alike), pings):
			j.find(odd, "5.5.3", "a pong may be sent unasked", "sends a pong twice")
		case was(e, pings):
			j.find(lesser, "5.5.3", "the order of pongs is that of the pings", "sends pongs in another order")
		default:
			unasked = true
		}
	}
	switch answered := next == len(pings) || j.loose.State != fuzz.Open && !j.p.closing; {
	case unasked && (!answered || j.p.late == "a pong"):
		j.find(broken, "5.5.3", "a pong has the payload of its ping", "sends another")
	case unasked:
		j.find(odd, "5.5.3", "a pong may be sent unasked", "sends one")
	}
}

// refused are the payloads of frames of a kind from the first fault on: they should not have been heard.
func (j *judgement) refused(op byte) []fuzz.Event {
	if j.loose.State != fuzz.Failed {
		return nil
	}
	begin, _ := faulty(j.p.sent, j.loose.Fault.At)
	return frames(op, j.p.sent[begin:])
}

func alike(a, b fuzz.Event) bool { return bytes.Equal(a.Payload, b.Payload) }

// inOrder reports whether events are some of others, in their order.
func inOrder(events, others []fuzz.Event) bool {
	for _, o := range others {
		if len(events) > 0 && alike(events[0], o) {
			events = events[1:]
		}
	}
	return len(events) == 0
}

// frames are the payloads of frames of a kind, whatever is wrong with them.
func frames(op byte, stream []byte) (all []fuzz.Event) {
	found, _ := fuzz.Dissect(stream)
	for _, f := range found {
		if f.Opcode == op {
			all = append(all, fuzz.Event{Op: op, Payload: f.Payload})
		}
	}
	return all
}

// afterClose finds what comes behind the endpoint's Close.
func (j *judgement) afterClose() {
	n := len(j.heard.Events)
	if j.heard.State != fuzz.Closed || len(j.p.got) == j.heard.Events[n-1].End {
		return
	}
	const rule = "nothing may be sent after a Close"
	rest, _ := fuzz.Dissect(j.p.got[j.heard.Events[n-1].End:])
	c := lesser
	if slices.ContainsFunc(rest, func(f fuzz.Frame) bool { return f.Opcode < 8 }) {
		c = broken
	}
	j.find(c, "5.5.1", rule, "goes on talking")
}

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
	case j.flood() && (code == fuzz.CodePolicy || len(closes) == 0 && j.p.end != running), code == fuzz.CodeTooBig && longTail(j.p.sent):
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

// longTail reports whether a stream ends inside the length of a frame, of 64 bits: the first of them may be too many for somebody.
func longTail(stream []byte) bool {
	_, rest := fuzz.Dissect(stream)
	return len(rest) > 2 && rest[1]&0x7f == 127
}

// lateness makes findings of what did not come.
func (j *judgement) lateness() {
	section, rule, c := "-", "an endpoint goes on reading", broken
	switch j.p.late {
	case "", "the failure of the connection":
		return // see failure
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
	j.find(c, section, rule, "waited in vain for "+j.p.late).slow = true
}

// failure judges an endpoint that had to fail the connection.
func (j *judgement) failure(closed bool, code uint16) {
	f := j.fault()
	switch {
	case !closed && j.p.end == running && len(j.found) > 0: // it has been said what it did instead
	case !closed && j.p.end == running && f.Section == noDeflate: // there is no MUST
		c := lesser
		if f.Rule == "distance beyond the window" {
			c = odd
		}
		j.find(c, f.Section, f.Rule, "does not fail the connection").slow = true
	case !closed && j.p.end == running && (waitsFor(j.p.stream, j.loose.Fault) || waitsFor(j.p.sent, j.loose.Fault)): // it will never know
	case !closed && j.p.end == running:
		j.find(broken, f.Section, f.Rule, "does not fail the connection").slow = true
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
